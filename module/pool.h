/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Pools: what they are made of, and their life from create to destroy.
 *
 * Lock order, outermost first:
 *
 *   mmap_lock
 *     vpool_region.sem
 *   vpool_pool.resizing
 *     vpool_pool.lock
 *       vpool_region.sem
 *         folio lock, i_mmap_rwsem
 *     vpool_scan_lock
 *       folio lock, i_mmap_rwsem: of what a block is emptied of
 *   vpool_pools_lock
 *   vpool_devdir_mutex
 *     the inode lock of /dev/vpool, locks of the driver core
 *   cpu_hotplug_lock
 *     vpool_cpus_lock
 *       vpool_cpus_masks_lock: a leaf
 *   vpool_member_set.affinity_mutex (also under vpool_pool.lock)
 *     locks of the cgroup filesystem, see cpuset.c
 *   vpool_member_lock (also under vpool_cpus_lock)
 *     a task's pi_lock
 *     vpool_probe_lock, vpool_spares_lock, vpool_extack.lock: leaves
 *   vpool_store.lock, vpool_rss_bucket.lock: leaves
 *
 * CPU hotplug waits for vpool_cpus_lock, so a task that holds it must not wait
 * for one that a user can delay: vpool_member_set.affinity_mutex is never taken under
 * it.
 *
 * Nothing is copied from or to userspace under any of them.
 */
#ifndef VPOOL_POOL_H
#define VPOOL_POOL_H

#include <linux/cdev.h>
#include <linux/cpumask.h>
#include <linux/device.h>
#include <linux/kthread.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rhashtable-types.h>
#include <linux/types.h>
#include <linux/uidgid.h>
#include <linux/vpool.h>

#include "cpu_claim.h"
#include "cpus.h"
#include "member_set.h"
#include "extack.h"
#include "region.h"
#include "stat.h"
#include "store.h"

struct vpool_dir;

/**
 * struct vpool_pool - one pool
 * @ref: what points to it: the table of pools until it is destroyed, its
 *	directory, its device, each open descriptor, and who works on it
 * @id: unique among the pools there are, also the minor of its device
 * @name: for life
 * @uid: owner of its node
 * @gid: group of its node
 * @mode: permission bits of its node
 * @created_ns: CLOCK_REALTIME
 * @create_flags: of enum vpool_create_flags, as it was created
 * @creator: the control descriptor that an ephemeral pool is tied to, or NULL;
 *	under @lock
 * @orphan: that descriptor is gone; under @lock
 * @reap: destroys an orphan that nobody uses
 * @resizing: held by the one that changes how much the pool has
 * @lock: guards @state, @regions and what is said to be under it
 * @state: one of enum vpool_state; read without @lock where it may be old
 * @regions: of struct vpool_region, oldest first
 * @nr_regions: how many; who only looks needs no lock
 * @last_region: the id of the youngest region ever
 * @stat: counters
 * @store: memory
 * @cpus: CPUs
 * @members: tasks
 * @by_name: in the table of names
 * @dir: its directory in sysfs, or NULL; sysfs.c alone looks in
 * @dev: its device; chardev.c alone looks in
 * @cdev: the same
 */
struct vpool_pool {
	struct kref ref;
	u32 id;
	char name[VPOOL_NAME_SIZE];
	kuid_t uid;
	kgid_t gid;
	umode_t mode;
	u64 created_ns;
	u32 create_flags;
	const void *creator;
	bool orphan;
	struct kthread_work reap;
	struct mutex resizing;	/* how much a pool has */
	struct mutex lock;	/* a pool's state and regions */
	enum vpool_state state;
	struct list_head regions;
	u32 nr_regions;
	u64 last_region;
	struct vpool_stat stat;
	struct vpool_store store;
	struct vpool_cpus cpus;
	struct vpool_member_set members;
	struct rhash_head by_name;
	struct vpool_dir *dir;
	struct device dev;
	struct cdev cdev;
};

/**
 * struct vpool_faces - how pools show themselves; main.c ties them in
 * @dir_add: make the directory in sysfs; the pool is being created
 * @dir_del: remove it, and wait for those who read in it
 * @dir_changed: the pool's state has changed
 * @node_add: make the device node; the pool is ready
 * @node_del: remove it; nobody can open it any more
 */
struct vpool_faces {
	int (*dir_add)(struct vpool_pool *pool);
	void (*dir_del)(struct vpool_pool *pool);
	void (*dir_changed)(struct vpool_pool *pool);
	int (*node_add)(struct vpool_pool *pool);
	void (*node_del)(struct vpool_pool *pool);
};

/**
 * struct vpool_spec - what a pool is to be, checked for form only
 * @name: NUL-terminated
 * @flags: of enum vpool_create_flags
 * @page_size: in bytes
 * @uid: owner
 * @gid: group
 * @mode: permission bits
 * @timeout_ms: for gathering memory
 * @mem: requests, in bytes as given
 * @nr_mem: how many
 * @cpus: CPUs wanted, or NULL
 * @nr_cpus: so many CPUs wanted, or 0
 * @cpus_node: from that node, or VPOOL_ANY_NODE
 * @creator: as in struct vpool_pool
 */
struct vpool_spec {
	char name[VPOOL_NAME_SIZE];
	u32 flags;
	u64 page_size;
	kuid_t uid;
	kgid_t gid;
	umode_t mode;
	u32 timeout_ms;
	struct vpool_mem *mem;
	u32 nr_mem;
	const struct cpumask *cpus;
	u32 nr_cpus;
	int cpus_node;
	const void *creator;
};

/**
 * struct vpool_resize_spec - what of a pool is to change, checked for form only
 * @mem: the new totals: of nodes, the others stay as they are, or one of all
 *	nodes; in bytes as given
 * @nr_mem: how many; 0 if no memory is to change
 * @cpus: all CPUs it is to have, or NULL if none is to change
 * @rules: for these
 * @timeout_ms: for gathering memory
 * @dry_run: check only
 */
struct vpool_resize_spec {
	struct vpool_mem *mem;
	u32 nr_mem;
	const struct cpumask *cpus;
	struct vpool_cpu_rules rules;
	u32 timeout_ms;
	bool dry_run;
};

int vpool_pools_start(const struct vpool_faces *faces);
void vpool_pools_stop(void);

int vpool_pool_create(struct vpool_spec *spec, u32 *id, u64 *bytes,
		      struct vpool_extack *extack);
int vpool_pool_resize(const char *name, struct vpool_resize_spec *spec,
		      u64 *bytes, struct vpool_extack *extack);
int vpool_pool_destroy(const char *name, bool force,
		       struct vpool_extack *extack);
void vpool_pools_abandon(const void *creator);

int vpool_check_node(int nid, struct vpool_extack *extack);
int vpool_check_mems(struct vpool_mem *mem, u32 nr_mem, unsigned int order,
		     u64 has, u64 *total, struct vpool_extack *extack);
bool vpool_pools_poisoned(unsigned long pfn, bool has_ref);

struct vpool_pool *vpool_pool_find(const char *name,
				   struct vpool_extack *extack);
void vpool_pool_get(struct vpool_pool *pool);
void vpool_pool_put(struct vpool_pool *pool);
u32 vpool_pools_list(struct vpool_list_entry *entries, u32 max);

int vpool_pool_open(struct vpool_pool *pool, struct vpool_region *region);
void vpool_pool_close(struct vpool_pool *pool, struct vpool_region *region);
u32 vpool_pool_regions(struct vpool_pool *pool, struct vpool_region_info *info,
		       u32 max);

enum vpool_state vpool_pool_state(struct vpool_pool *pool);
const char *vpool_state_name(enum vpool_state state);

struct vpool_pool *vpool_pool_next(u32 *id);

#endif /* VPOOL_POOL_H */
