// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "file.h"
#include "host.h"
#include "pool.h"
#include "task.h"

#define MAX_LISTED 512

static int vp_membership(int fd, unsigned long cmd, __u32 flags)
{
	struct vpool_attach arg = {
		.size = sizeof(arg),
		.flags = flags,
		.pidfd = VPOOL_SELF,
	};

	return vp_ioctl(fd, cmd, &arg);
}

int vp_attach(int fd, __u32 flags)
{
	return vp_membership(fd, VPOOL_ATTACH, flags);
}

int vp_detach(int fd, __u32 flags)
{
	return vp_membership(fd, VPOOL_DETACH, flags);
}

/*
 * Attach a task. If @cpu is not NULL, dedicate CPU *@cpu to the task and set *@cpu to
 * its dedicated CPU.
 */
int vp_attach_task(int fd, int pidfd, pid_t tid, __u32 flags, int *cpu)
{
	struct vpool_attach arg = {
		.size = sizeof(arg),
		.flags = flags | (cpu ? VPOOL_ATTACH_DEDICATED : 0),
		.pidfd = pidfd,
		.tid = tid,
		.cpu = cpu ? *cpu : 0,
	};
	int err = vp_ioctl(fd, VPOOL_ATTACH, &arg);

	if (cpu)
		*cpu = arg.cpu;
	return err;
}

int vp_detach_task(int fd, int pidfd, pid_t tid, __u32 flags)
{
	struct vpool_attach arg = {
		.size = sizeof(arg),
		.flags = flags,
		.pidfd = pidfd,
		.tid = tid,
	};

	return vp_ioctl(fd, VPOOL_DETACH, &arg);
}

int vp_pidfd(pid_t pid)
{
	int fd = syscall(SYS_pidfd_open, pid, 0);

	return fd < 0 ? -errno : fd;
}

bool vp_is_member(int fd, pid_t tid, pid_t pid)
{
	struct vpool_member_info info[MAX_LISTED];
	struct vpool_members cmd = {
		.size = sizeof(cmd),
		.nr = MAX_LISTED,
		.members_uptr = (uintptr_t)info,
	};
	__u32 i;

	if (vp_ioctl(fd, VPOOL_MEMBERS, &cmd))
		return false;
	for (i = 0; i < cmd.nr; i++)
		if (info[i].tid == tid && info[i].pid == pid)
			return true;
	return false;
}

/* Copy the CPUs a task may run on, in the kernel's format: "1-2". */
int vp_allowed_cpus(pid_t tid, char *list, size_t size)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/status", tid ?: gettid());
	return vp_read_field(path, "Cpus_allowed_list", list, size);
}

/* Check whether a task may run on exactly @want. Print its affinity if not. */
bool vp_may_run_on(pid_t tid, const char *want)
{
	char list[256];

	if (vp_allowed_cpus(tid, list, sizeof(list)))
		return false;
	if (!strcmp(list, want))
		return true;
	fprintf(stderr, "# task %d may run on %s, not on %s\n", tid, list,
		want);
	return false;
}

/*
 * Wait until a task may run on exactly @want: after hotplug or the exit of a task the
 * affinity changes asynchronously.
 */
bool vp_wait_may_run_on(pid_t tid, const char *want)
{
	__u64 end = vp_now_ms() + VP_WAIT_MS;
	char list[64];

	do {
		if (!vp_allowed_cpus(tid, list, sizeof(list)) &&
		    !strcmp(list, want))
			return true;
		vp_sleep_ms(10);
	} while (vp_now_ms() < end);
	return vp_may_run_on(tid, want);
}

int vp_set_affinity(pid_t tid, const char *list)
{
	cpu_set_t set;

	vp_parse_cpus(list, &set);
	return sched_setaffinity(tid, sizeof(set), &set) ? -errno : 0;
}

/* Return the exit status, 128 plus the signal that killed the child, or -errno. */
int vp_wait_status(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) < 0)
		return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Start a child that calls @fn until vp_worker_stop(). */
struct vp_worker vp_worker_start(void (*fn)(void))
{
	struct vp_worker worker;

	worker.pid = fork();
	if (!worker.pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			fn();
	}
	worker.pidfd = vp_pidfd(worker.pid);
	return worker;
}

void vp_worker_stop(struct vp_worker *worker)
{
	kill(worker->pid, SIGKILL);
	vp_wait_status(worker->pid);
	close(worker->pidfd);
}

void vp_pause(void)
{
	pause();
}

int vp_in_child(int (*fn)(void *arg), void *arg)
{
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (!pid)
		_exit(fn(arg));
	return vp_wait_status(pid);
}

int vp_drop_cap(int cap)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	struct __user_cap_data_struct *word = &data[CAP_TO_INDEX(cap)];

	if (syscall(SYS_capget, &head, data))
		return -errno;
	word->effective &= ~CAP_TO_MASK(cap);
	word->permitted &= ~CAP_TO_MASK(cap);
	word->inheritable &= ~CAP_TO_MASK(cap);
	return syscall(SYS_capset, &head, data) ? -errno : 0;
}
