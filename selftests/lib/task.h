/* SPDX-License-Identifier: GPL-2.0 */
/* Tasks: membership of pools, affinity and child processes. */
#ifndef VP_TASK_H
#define VP_TASK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <linux/types.h>

/* Membership. */
int vp_attach(int fd, __u32 flags);
int vp_detach(int fd, __u32 flags);
int vp_attach_task(int fd, int pidfd, pid_t tid, __u32 flags, int *cpu);
int vp_detach_task(int fd, int pidfd, pid_t tid, __u32 flags);
int vp_pidfd(pid_t pid);
bool vp_is_member(int fd, pid_t tid, pid_t pid);

/* Affinity. */
int vp_allowed_cpus(pid_t tid, char *list, size_t size);
bool vp_may_run_on(pid_t tid, const char *want);
bool vp_wait_may_run_on(pid_t tid, const char *want);
int vp_set_affinity(pid_t tid, const char *list);

/**
 * struct vp_worker - a child that calls one function repeatedly
 * @pid: the child's process ID
 * @pidfd: a descriptor of the child, owned by the worker
 */
struct vp_worker {
	pid_t pid;
	int pidfd;
};

struct vp_worker vp_worker_start(void (*fn)(void));
void vp_worker_stop(struct vp_worker *worker);
void vp_pause(void);
int vp_in_child(int (*fn)(void *arg), void *arg);
int vp_wait_status(pid_t pid);
int vp_drop_cap(int cap);

#endif /* VP_TASK_H */
