/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A pool: its structure, its references and its state.
 *
 * Lock order, outermost first. A lock is taken inside the locks above it that are
 * indented less:
 *
 *   vpool_mf_lock
 *     locks of memory_failure()
 *   inode lock of a file
 *     vpool_region.committing
 *       vpool_region.sem
 *     mmap_lock, or the lock of a VMA
 *       vpool_region.sem
 *         folio lock, lock of a page table
 *   s_umount of a filesystem, inode lock of a directory
 *     vpool_pool.lock
 *   vpool_pool.resizing
 *     vpool_pool.lock
 *       vpool_region.committing
 *       vpool_region.sem
 *         folio lock, i_mmap_rwsem
 *     vpool_scan_lock
 *       folio lock, i_mmap_rwsem of the host's files whose pages are migrated
 *   vpool_pools_lock
 *   vpool_devdir_mutex
 *     inode lock of /dev/vpool, locks of the driver core
 *   cpu_hotplug_lock
 *     vpool_cpus_lock
 *       vpool_cpus_masks_lock (leaf)
 *   vpool_member_set.affinity_mutex (also inside vpool_pool.lock)
 *   vpool_departed_mutex
 *     vpool_cpuset_last.lock, for which no task waits
 *       locks of the cgroup filesystem, see cpuset.c
 *   vpool_probe_mutex
 *     locks of tracepoint registration
 *   vpool_member_lock (also inside vpool_cpus_lock)
 *     pi_lock of a task
 *     vpool_probe_lock, vpool_spares_lock, vpool_extack.lock (leaves)
 *   vpool_store.lock
 *   vpool_gather_call.lock, vpool_rss_bucket.lock, vpool_reopen_lock,
 *     vpool_poison_lock (leaves)
 *   vpool_budget.lock (leaf, also inside vpool_member_lock and vpool_store.lock)
 *
 * vpool_cpus_masks_lock, vpool_member_lock with the leaves inside it, vpool_budget.lock
 * and vpool_poison_lock are raw locks. Code that holds one takes only raw locks, allocates
 * and frees nothing, and prints nothing: a real-time kernel cannot do that in atomic
 * context. It may queue work, wake tasks and call call_rcu().
 *
 * CPU hotplug waits for vpool_cpus_lock. A task that holds it must not wait for a
 * lock whose holder a user can delay, so vpool_member_set.affinity_mutex is never taken
 * inside it.
 *
 * No code copies from or to userspace while it holds any of these locks.
 */
#ifndef VPOOL_POOL_H
#define VPOOL_POOL_H

#include <linux/cdev.h>
#include <linux/device.h>
#include <linux/kthread.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rhashtable-types.h>
#include <linux/types.h>
#include <linux/uidgid.h>
#include <linux/vpool.h>

#include "budget.h"
#include "cpus.h"
#include "extack.h"
#include "member_set.h"
#include "stat.h"
#include "store.h"

struct file;
struct vpool_spec;
struct vpool_sysfs_dir;

/**
 * struct vpool_pool - a pool
 * @ref: references: one held by the tables in registry.c until the pool is destroyed,
 *	one by each sysfs directory, one by the device, one by each open descriptor,
 *	and one by each task that works on the pool
 * @id: number, unique among the existing pools; also the minor of the device
 * @name: name; never changes
 * @uid: owner of the device
 * @gid: group of the device
 * @mode: permission bits of the device
 * @created_ns: CLOCK_REALTIME at creation, in nanoseconds
 * @create_flags: bits of enum vpool_create_flags given at creation
 * @creator: control descriptor whose close orphans this ephemeral pool, or NULL;
 *	written under @lock
 * @orphan: @creator has been closed; written under @lock
 * @reap: work that destroys an orphan without users
 * @resizing: held during a resize
 * @lock: guards @state, @regions and the fields above that name it
 * @state: one of enum vpool_state; written under @lock, read without it where a
 *	stale value does no harm
 * @regions: list of struct vpool_region, oldest first
 * @nr_regions: length of @regions; written under @lock, read anywhere
 * @nr_mounts: number of mounted filesystems; written under @lock, read anywhere
 * @last_region: id of the region added last
 * @stat: counters
 * @budget: what its users have, and their limits
 * @store: memory
 * @cpus: CPUs
 * @members: tasks
 * @by_name: entry in the table of names
 * @sysfs: sysfs directory, or NULL; used by sysfs.c only
 * @dev: device; used by chardev.c only
 * @cdev: character device of @dev; used by chardev.c only
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
	struct mutex resizing;	/* memory and CPUs change under it only */
	struct mutex lock;	/* the state and the regions */
	enum vpool_state state;
	struct list_head regions;
	u32 nr_regions;
	u32 nr_mounts;
	u64 last_region;
	struct vpool_stat stat;
	struct vpool_budget budget;
	struct vpool_store store;
	struct vpool_cpus cpus;
	struct vpool_member_set members;
	struct rhash_head by_name;
	struct vpool_sysfs_dir *sysfs;
	struct device dev;
	struct cdev cdev;
};

/**
 * struct vpool_frontend_ops - make a pool visible to userspace
 * @sysfs_add: create the sysfs directory of a pool that is being created. Returns
 *	0 or a negative errno
 * @sysfs_del: remove the directory, and wait for its readers
 * @sysfs_changed: notify userspace of a new state or new CPUs
 * @dev_add: create the device of a pool that is ready to be opened. Returns 0 or
 *	a negative errno
 * @dev_del: remove the device, so that the pool cannot be opened any more
 * @create_file: create a file whose memory comes from a pool, for fput(). Returns an
 *	ERR_PTR on failure
 *
 * The frontends call into the pools, so the pools call them through this table.
 */
struct vpool_frontend_ops {
	int (*sysfs_add)(struct vpool_pool *pool);
	void (*sysfs_del)(struct vpool_pool *pool);
	void (*sysfs_changed)(struct vpool_pool *pool);
	int (*dev_add)(struct vpool_pool *pool);
	void (*dev_del)(struct vpool_pool *pool);
	struct file *(*create_file)(struct vpool_pool *pool);
};

/* Set before the first pool is created, and constant from then on. */
extern const struct vpool_frontend_ops *vpool_frontend;

struct vpool_pool *vpool_pool_alloc(const struct vpool_spec *spec);
void vpool_pool_get(struct vpool_pool *pool);
void vpool_pool_put(struct vpool_pool *pool);
void vpool_pools_wait_freed(void);

void vpool_pool_set_state(struct vpool_pool *pool, enum vpool_state state);
enum vpool_state vpool_pool_state(struct vpool_pool *pool);
const char *vpool_state_name(enum vpool_state state);

#endif /* VPOOL_POOL_H */
