/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of vpool share: making pools, asking them, looking at memory.
 *
 * Everything that can fail returns 0 or a negative errno, so that a test can say
 * in one line what it expects.
 */
#ifndef VPOOL_UTIL_H
#define VPOOL_UTIL_H

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <linux/vpool.h>

#define KIB 1024ULL
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)
#define HUGE_SIZE (2 * MIB)

#define VP_CONTROL "/dev/vpool/control"
#define VP_POOLS "/sys/kernel/vpool/pools"

/* The harness gives each test 30 seconds, few for the checking kernel on a busy host. */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT 300

/* What a read of a number that is not there gives. */
#define VP_NONE (~0ULL)

/**
 * struct vp_request - VPOOL_CREATE with its arrays at hand
 * @create: the call
 * @mem: for create.mem_uptr, unless that is set
 * @cpus: for create.cpus_uptr, unless that is set
 */
struct vp_request {
	struct vpool_create create;
	struct vpool_mem mem[4];
	__u64 cpus[16];
};

/* Creating and destroying. */
void vp_name(char field[VPOOL_NAME_SIZE], const char *name);
void vp_request_init(struct vp_request *req, const char *name);
void vp_request_mem(struct vp_request *req, __u64 bytes, int node);
void vp_request_cpus(struct vp_request *req, const char *list);
int vp_request_send(int ctl, struct vp_request *req);
int vp_create(int ctl, const char *name, __u64 bytes, __u64 page_size,
	      const char *cpus);
int vp_create_nr(int ctl, const char *name, __u32 nr, int node, int mem_node,
		 __u32 flags);
int vp_destroy(int ctl, const char *name, __u32 flags);
int vp_resize(int ctl, const char *name, __u64 *bytes, int node);
int vp_resize_nodes(int ctl, const char *name, struct vpool_mem *mem,
		    __u32 nr);
int vp_resize_cpus(int ctl, const char *name, const char *cpus, __u32 flags);
int vp_destroy_soon(int ctl, const char *name);

/* Descriptors. */
int vp_ioctl(int fd, unsigned long cmd, void *arg);
int vp_control(void);
int vp_open(const char *name);
int vp_open_flags(const char *name, int flags);
void vp_node_path(const char *name, char *path, size_t size);

/* Asking. */
const char *vp_reason(int fd);
bool vp_reason_has(int fd, const char *word);
int vp_query(int fd, const char *name, struct vpool_query *query);
int vp_regions(int fd, const char *name, struct vpool_region_info *info,
	       __u32 *nr);
int vp_list(int ctl, struct vpool_list_entry *entries, __u32 *nr);
bool vp_exists(const char *name);
bool vp_books_ok(int fd, const char *name);

/* Regions. */
int vp_commit(int fd, __u64 *bytes);
void *vp_map(int fd, __u64 bytes, __u64 offset);
void *vp_open_map(const char *name, __u64 bytes, int *fd);

/* Members. */
int vp_attach(int fd, __u32 flags);
int vp_detach(int fd, __u32 flags);
int vp_attach_task(int fd, int pidfd, pid_t tid, __u32 flags, int *cpu);
int vp_detach_task(int fd, int pidfd, pid_t tid, __u32 flags);
int vp_pidfd(pid_t pid);
bool vp_may_run_on(pid_t tid, const char *want);
bool vp_soon_runs_on(pid_t tid, const char *want);
bool vp_is_member(int fd, pid_t tid, pid_t pid);
int vp_allowed_cpus(pid_t tid, char *list, size_t size);
void vp_parse_cpus(const char *list, cpu_set_t *set);
int vp_set_affinity(pid_t tid, const char *list);
int vp_set_online(int cpu, bool online);

/* Reading files. */
int vp_read_file(const char *path, char *text, size_t size);
int vp_write_file(const char *path, const char *text);
int vp_sysfs(const char *pool, const char *attr, char *text, size_t size);
__u64 vp_sysfs_u64(const char *pool, const char *attr);
bool vp_sysfs_becomes(const char *pool, const char *attr, __u64 want);
bool vp_idle(const char *pool);
bool vp_sysfs_is(const char *pool, const char *attr, const char *want);
__u64 vp_meminfo(const char *field);
__u64 vp_host_free(void);
bool vp_host_has(__u64 bytes);
int vp_smaps(const void *addr, const char *field, __u64 *bytes);

/* Memory. */
void vp_fill(void *addr, size_t bytes, __u64 seed);
bool vp_is_filled(const void *addr, size_t bytes, __u64 seed);
bool vp_is_zero(const void *addr, size_t bytes);
int vp_touch(void *addr, bool write);

/* The module. */
int vp_load(void);
int vp_unload(void);
int vp_unload_soon(unsigned int seconds);

/* The box and the pace. */
int vp_online_cpus(void);
bool vp_core_of(int cpu, cpu_set_t *core);
const char *vp_unfit(void);
bool vp_has_node(int node);
bool vp_is_debug(void);
int vp_scale(int rounds);
int vp_storm(void);
void vp_sleep_ms(unsigned int ms);
__u64 vp_now_ms(void);

/* Processes. */

/**
 * struct vp_worker - a child that does something over and over
 * @pid: its process
 * @pidfd: a descriptor of that
 */
struct vp_worker {
	pid_t pid;
	int pidfd;
};

struct vp_worker vp_worker_start(void (*fn)(void));
void vp_worker_stop(struct vp_worker *worker);
void vp_sleep_on(void);
int vp_in_child(int (*fn)(void *arg), void *arg);
int vp_wait_status(pid_t pid);
int vp_drop_cap(int cap);

#endif /* VPOOL_UTIL_H */
