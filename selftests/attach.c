// SPDX-License-Identifier: GPL-2.0
/*
 * Attach and detach tasks of other processes: privilege, selection of tasks, and
 * attaching either all threads or none.
 */
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/vpool.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "kselftest_harness.h"
#include "lib/file.h"
#include "lib/host.h"
#include "lib/pool.h"
#include "lib/task.h"

#define POOL "attach-pool"
#define OTHER "attach-other"
#define PROCESS VPOOL_ATTACH_PROCESS

/* User IDs that no other process uses. */
#define UID_A 61000
#define UID_B 61001

#ifndef PIDFD_THREAD
#define PIDFD_THREAD O_EXCL
#endif

FIXTURE(attach)
{
	int ctl;
	int fd;
	pid_t child;
	int pidfd;
};

static void wait_for_signal(void)
{
	for (;;)
		pause();
}

static void become(uid_t uid)
{
	if (setgroups(0, NULL) || setresgid(uid, uid, uid) ||
	    setresuid(uid, uid, uid))
		_exit(99);
}

/* Start a process that sleeps on CPUs 0-1. */
static pid_t start_sleeper(uid_t uid)
{
	int ready[2];
	pid_t pid;
	char c;

	if (pipe(ready))
		return -1;
	pid = fork();
	if (!pid) {
		vp_set_affinity(0, "0-1");
		if (uid)
			become(uid);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(ready[1]);
		wait_for_signal();
	}
	close(ready[1]);
	if (read(ready[0], &c, 1))
		pid = -1;
	close(ready[0]);
	return pid;
}

static void stop_sleeper(pid_t pid)
{
	kill(pid, SIGKILL);
	vp_wait_status(pid);
}

FIXTURE_SETUP(attach)
{
	if (vp_lacks_cpus())
		SKIP(return, "%s", vp_lacks_cpus());
	self->ctl = vp_control();
	ASSERT_LE(0, self->ctl);
	vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	ASSERT_EQ(0, vp_create(self->ctl, POOL, 0, 0, "2-3"));
	self->fd = vp_open(POOL);
	ASSERT_LE(0, self->fd);
	self->child = start_sleeper(0);
	ASSERT_LT(0, self->child);
	self->pidfd = vp_pidfd(self->child);
	ASSERT_LE(0, self->pidfd);
}

FIXTURE_TEARDOWN(attach)
{
	stop_sleeper(self->child);
	close(self->pidfd);
	close(self->fd);
	vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	vp_destroy(self->ctl, OTHER, VPOOL_DESTROY_FORCE);
	close(self->ctl);
}

TEST_F(attach, process_by_pidfd)
{
	EXPECT_EQ(0, vp_attach_task(self->fd, self->pidfd, 0, PROCESS, NULL));
	EXPECT_TRUE(vp_is_member(self->fd, self->child, self->child));
	EXPECT_TRUE(vp_may_run_on(self->child, "2-3"));
	EXPECT_EQ(1, vp_sysfs_u64(POOL, "cpus/members"));
	EXPECT_FALSE(vp_is_member(self->fd, getpid(), getpid()));
	EXPECT_EQ(0, vp_detach_task(self->fd, self->pidfd, 0, PROCESS));
	EXPECT_TRUE(vp_may_run_on(self->child, "0-1"));
	EXPECT_EQ(-ESRCH, vp_detach_task(self->fd, self->pidfd, 0, PROCESS));
	EXPECT_EQ(0, vp_sysfs_u64(POOL, "cpus/members"));
}

/* Threads that sleep until the test tells them to stop. */

struct threads {
	int nr;
	pthread_t thread[3];
	pid_t tid[3];
	uid_t uid[3];
	sem_t ready;
	sem_t go;
};

static void *thread_work(void *arg)
{
	struct threads *threads = arg;
	int i = __atomic_fetch_add(&threads->nr, 1, __ATOMIC_SEQ_CST);

	/* The system call, unlike the libc function, changes this thread alone. */
	if (threads->uid[i])
		syscall(SYS_setresuid, threads->uid[i], threads->uid[i],
			threads->uid[i]);
	threads->tid[i] = syscall(SYS_gettid);
	sem_post(&threads->ready);
	sem_wait(&threads->go);
	return NULL;
}

static void threads_start(struct threads *threads)
{
	int i;

	sem_init(&threads->ready, 1, 0);
	sem_init(&threads->go, 1, 0);
	for (i = 0; i < 3; i++)
		pthread_create(&threads->thread[i], NULL, thread_work, threads);
	for (i = 0; i < 3; i++)
		sem_wait(&threads->ready);
}

static void threads_stop(struct threads *threads)
{
	int i;

	for (i = 0; i < 3; i++)
		sem_post(&threads->go);
	for (i = 0; i < 3; i++)
		pthread_join(threads->thread[i], NULL);
}

TEST_F(attach, own_thread_by_tid)
{
	struct threads threads = {};

	vp_set_affinity(0, "0-1");
	threads_start(&threads);
	EXPECT_EQ(0, vp_attach_task(self->fd, VPOOL_SELF, threads.tid[1], 0,
				    NULL));
	EXPECT_TRUE(vp_may_run_on(threads.tid[1], "2-3"));
	EXPECT_TRUE(vp_may_run_on(threads.tid[0], "0-1"));
	EXPECT_TRUE(vp_may_run_on(getpid(), "0-1"));
	EXPECT_EQ(1, vp_sysfs_u64(POOL, "cpus/members"));
	EXPECT_EQ(-ESRCH, vp_detach_task(self->fd, VPOOL_SELF, threads.tid[0],
					 0));
	EXPECT_EQ(0, vp_detach_task(self->fd, VPOOL_SELF, threads.tid[1], 0));
	EXPECT_TRUE(vp_may_run_on(threads.tid[1], "0-1"));
	threads_stop(&threads);
}

/*
 * Start a process of four threads, one of them per user ID. Report their thread IDs
 * in @shared.
 */
static pid_t start_threads(struct threads *shared, uid_t uid)
{
	pid_t pid = fork();

	if (pid) {
		sem_wait(&shared->go);
		return pid;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	vp_set_affinity(0, "0-1");
	{
		struct threads threads = {};

		memcpy(threads.uid, shared->uid, sizeof(threads.uid));
		threads_start(&threads);
		memcpy(shared->tid, threads.tid, sizeof(threads.tid));
		if (uid)
			syscall(SYS_setresuid, uid, uid, uid);
		sem_post(&shared->go);
		wait_for_signal();
	}
	_exit(0);
}

static struct threads *shared_threads(void)
{
	struct threads *threads = mmap(NULL, sizeof(*threads),
				       PROT_READ | PROT_WRITE,
				       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	sem_init(&threads->go, 1, 0);
	return threads;
}

TEST_F(attach, thread_of_another_process)
{
	struct threads *shared = shared_threads();
	pid_t pid = start_threads(shared, 0);
	int pidfd = vp_pidfd(pid);

	EXPECT_EQ(0, vp_attach_task(self->fd, pidfd, shared->tid[2], 0, NULL));
	EXPECT_TRUE(vp_is_member(self->fd, shared->tid[2], pid));
	EXPECT_TRUE(vp_may_run_on(shared->tid[2], "2-3"));
	EXPECT_TRUE(vp_may_run_on(pid, "0-1"));
	/* A tid of 0 selects the thread-group leader. */
	EXPECT_EQ(0, vp_attach_task(self->fd, pidfd, 0, 0, NULL));
	EXPECT_TRUE(vp_may_run_on(pid, "2-3"));
	EXPECT_TRUE(vp_may_run_on(shared->tid[0], "0-1"));
	EXPECT_EQ(2, vp_sysfs_u64(POOL, "cpus/members"));
	/* Attach the remaining threads. */
	EXPECT_EQ(0, vp_attach_task(self->fd, pidfd, 0, PROCESS, NULL));
	EXPECT_EQ(4, vp_sysfs_u64(POOL, "cpus/members"));
	EXPECT_EQ(0, vp_detach_task(self->fd, pidfd, 0, PROCESS));
	EXPECT_TRUE(vp_may_run_on(shared->tid[0], "0-1"));
	EXPECT_TRUE(vp_may_run_on(pid, "0-1"));
	/* The thread does not belong to the process of this pidfd. */
	EXPECT_EQ(-ESRCH, vp_attach_task(self->fd, self->pidfd, shared->tid[0],
					 0, NULL));
	EXPECT_EQ(-ESRCH, vp_attach_task(self->fd, VPOOL_SELF, shared->tid[0],
					 0, NULL));
	close(pidfd);
	stop_sleeper(pid);
}

TEST_F(attach, pidfd_of_a_thread)
{
	struct threads *shared = shared_threads();
	pid_t pid = start_threads(shared, 0);
	int pidfd = syscall(SYS_pidfd_open, shared->tid[0], PIDFD_THREAD);

	if (pidfd < 0) {
		stop_sleeper(pid);
		SKIP(return, "this kernel has no pidfds of threads");
	}
	EXPECT_EQ(-EINVAL, vp_attach_task(self->fd, pidfd, 0, PROCESS, NULL));
	EXPECT_TRUE(vp_reason_has(self->fd, "not a process"));
	EXPECT_EQ(-ESRCH, vp_attach_task(self->fd, pidfd, shared->tid[1], 0,
					 NULL));
	EXPECT_EQ(0, vp_sysfs_u64(POOL, "cpus/members"));
	EXPECT_EQ(0, vp_attach_task(self->fd, pidfd, 0, 0, NULL));
	EXPECT_TRUE(vp_may_run_on(shared->tid[0], "2-3"));
	EXPECT_TRUE(vp_may_run_on(pid, "0-1"));
	close(pidfd);
	stop_sleeper(pid);
	EXPECT_TRUE(vp_sysfs_wait(POOL, "cpus/members", 0));
}

TEST_F(attach, no_pidfd)
{
	int bad[] = { -2, 12345, self->fd, self->ctl, eventfd(0, 0) };
	int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(-EBADF, vp_attach_task(self->fd, bad[i], 0, 0, NULL));
		EXPECT_TRUE(vp_reason_has(self->fd, "not a pidfd"));
		EXPECT_EQ(-EBADF, vp_attach_task(self->fd, bad[i], 0, PROCESS,
						 NULL));
		EXPECT_EQ(-EBADF, vp_detach_task(self->fd, bad[i], 0, 0));
	}
	EXPECT_EQ(0, vp_sysfs_u64(POOL, "cpus/members"));
}

TEST_F(attach, no_thread)
{
	EXPECT_EQ(-EINVAL, vp_attach_task(self->fd, VPOOL_SELF, -1, 0, NULL));
	EXPECT_EQ(-EINVAL, vp_attach_task(self->fd, self->pidfd, self->child,
					  PROCESS, NULL));
	EXPECT_EQ(-ESRCH, vp_attach_task(self->fd, self->pidfd, 0x7fffffff, 0,
					 NULL));
	EXPECT_EQ(-ESRCH, vp_attach_task(self->fd, self->pidfd, getpid(), 0,
					 NULL));
	EXPECT_EQ(0, vp_sysfs_u64(POOL, "cpus/members"));
}

TEST_F(attach, zombies_and_exited_tasks)
{
	pid_t pid = start_sleeper(0);
	int pidfd = vp_pidfd(pid);
	siginfo_t info;

	kill(pid, SIGKILL);
	ASSERT_EQ(0, waitid(P_PID, pid, &info, WEXITED | WNOWAIT));
	EXPECT_EQ(-ESRCH, vp_attach_task(self->fd, pidfd, 0, PROCESS, NULL));
	EXPECT_EQ(-ESRCH, vp_attach_task(self->fd, pidfd, 0, 0, NULL));
	EXPECT_TRUE(vp_reason_has(self->fd, "exited"));
	vp_wait_status(pid);
	EXPECT_EQ(-ESRCH, vp_attach_task(self->fd, pidfd, 0, PROCESS, NULL));
	EXPECT_EQ(-ESRCH, vp_attach_task(self->fd, pidfd, 0, 0, NULL));
	EXPECT_EQ(-ESRCH, vp_detach_task(self->fd, pidfd, 0, 0));
	EXPECT_EQ(0, vp_sysfs_u64(POOL, "cpus/members"));
	close(pidfd);
}

TEST_F(attach, kernel_threads)
{
	int pidfd = vp_pidfd(2);

	ASSERT_LE(0, pidfd);
	EXPECT_EQ(-EINVAL, vp_attach_task(self->fd, pidfd, 0, 0, NULL));
	EXPECT_TRUE(vp_reason_has(self->fd, "kernel thread"));
	EXPECT_EQ(-EINVAL, vp_attach_task(self->fd, pidfd, 0, PROCESS, NULL));
	EXPECT_EQ(-EINVAL, vp_detach_task(self->fd, pidfd, 0, 0));
	EXPECT_EQ(0, vp_sysfs_u64(POOL, "cpus/members"));
	close(pidfd);
}

/* A child that changes its user ID and then attaches a task. */

struct try {
	int fd;
	int pidfd;
	uid_t uid;
	bool nice;
	__u32 flags;
};

static int try_attach(void *arg)
{
	struct try *try = arg;

	if (try->nice) {
		struct __user_cap_header_struct head = {
			.version = _LINUX_CAPABILITY_VERSION_3,
		};
		struct __user_cap_data_struct caps[2] = {};

		prctl(PR_SET_KEEPCAPS, 1);
		become(try->uid);
		caps[0].effective = 1U << CAP_SYS_NICE;
		caps[0].permitted = caps[0].effective;
		if (syscall(SYS_capset, &head, caps))
			return 98;
	} else {
		become(try->uid);
	}
	return -vp_attach_task(try->fd, try->pidfd, 0, try->flags, NULL);
}

TEST_F(attach, attach_of_another_user_needs_cap)
{
	pid_t a = start_sleeper(UID_A);
	int pidfd = vp_pidfd(a);
	struct try stranger = { self->fd, pidfd, UID_B, false, PROCESS };
	struct try nice = { self->fd, pidfd, UID_B, true, PROCESS };
	struct try owner = { self->fd, pidfd, UID_A, false, PROCESS };
	struct try roots = { self->fd, self->pidfd, UID_A, false, 0 };

	EXPECT_EQ(EPERM, vp_in_child(try_attach, &stranger));
	EXPECT_TRUE(vp_reason_has(self->fd, "CAP_SYS_NICE"));
	EXPECT_EQ(EPERM, vp_in_child(try_attach, &roots));
	EXPECT_EQ(0, vp_sysfs_u64(POOL, "cpus/members"));
	EXPECT_TRUE(vp_may_run_on(a, "0-1"));
	EXPECT_EQ(0, vp_in_child(try_attach, &owner));
	EXPECT_TRUE(vp_may_run_on(a, "2-3"));
	EXPECT_EQ(0, vp_detach_task(self->fd, pidfd, 0, 0));
	EXPECT_EQ(0, vp_in_child(try_attach, &nice));
	EXPECT_TRUE(vp_is_member(self->fd, a, a));
	close(pidfd);
	stop_sleeper(a);
}

static int try_detach(void *arg)
{
	struct try *try = arg;

	become(try->uid);
	return -vp_detach_task(try->fd, try->pidfd, 0, try->flags);
}

TEST_F(attach, detach_of_another_user_needs_cap)
{
	struct try one = { self->fd, self->pidfd, UID_A, false, 0 };
	struct try all = { self->fd, self->pidfd, UID_A, false, PROCESS };

	ASSERT_EQ(0, vp_attach_task(self->fd, self->pidfd, 0, 0, NULL));
	EXPECT_EQ(EPERM, vp_in_child(try_detach, &one));
	EXPECT_EQ(EPERM, vp_in_child(try_detach, &all));
	EXPECT_TRUE(vp_may_run_on(self->child, "2-3"));
}

/* Root of a user namespace may attach only tasks inside that namespace. */

struct spaces {
	int fd;
	int outside;
	int ready[2];
	int mapped[2];
};

static int in_namespace(void *arg)
{
	struct spaces *spaces = arg;
	pid_t inside;
	int err, pidfd;
	char c;

	if (unshare(CLONE_NEWUSER) || write(spaces->ready[1], "r", 1) != 1 ||
	    read(spaces->mapped[0], &c, 1) != 1)
		return 97;
	if (setresgid(0, 0, 0) || setresuid(0, 0, 0))
		return 96;
	inside = start_sleeper(1);
	pidfd = vp_pidfd(inside);
	err = vp_attach_task(spaces->fd, pidfd, 0, PROCESS, NULL);
	if (!err && !vp_may_run_on(inside, "2-3"))
		err = -95;
	stop_sleeper(inside);
	if (!err && vp_attach_task(spaces->fd, spaces->outside, 0, PROCESS,
				   NULL) != -EPERM)
		err = -94;
	return -err;
}

static int map_ids(pid_t pid)
{
	char path[64];
	int err;

	snprintf(path, sizeof(path), "/proc/%d/uid_map", pid);
	err = vp_write_file(path, "0 61000 2");
	snprintf(path, sizeof(path), "/proc/%d/gid_map", pid);
	return err ?: vp_write_file(path, "0 61000 2");
}

TEST_F(attach, user_namespaces)
{
	struct spaces spaces = { .fd = self->fd, .outside = self->pidfd };
	pid_t pid;
	char c;

	ASSERT_EQ(0, pipe(spaces.ready));
	ASSERT_EQ(0, pipe(spaces.mapped));
	pid = fork();
	if (!pid)
		_exit(in_namespace(&spaces));
	ASSERT_EQ(1, read(spaces.ready[0], &c, 1));
	ASSERT_EQ(0, map_ids(pid));
	ASSERT_EQ(1, write(spaces.mapped[1], "m", 1));
	EXPECT_EQ(0, vp_wait_status(pid));
	EXPECT_TRUE(vp_sysfs_wait(POOL, "cpus/members", 0));
}

/* Credentials are per thread: if one thread belongs to another user, attach none. */
TEST_F(attach, all_threads_or_none)
{
	struct threads *shared = shared_threads();
	struct try try = { self->fd, -1, UID_A, false, PROCESS };
	pid_t pid;
	int i;

	for (i = 0; i < 3; i++)
		shared->uid[i] = i == 1 ? UID_B : UID_A;
	pid = start_threads(shared, UID_A);
	try.pidfd = vp_pidfd(pid);
	EXPECT_EQ(EPERM, vp_in_child(try_attach, &try));
	EXPECT_EQ(0, vp_sysfs_u64(POOL, "cpus/members"));
	EXPECT_TRUE(vp_may_run_on(pid, "0-1"));
	for (i = 0; i < 3; i++)
		EXPECT_TRUE(vp_may_run_on(shared->tid[i], "0-1"));
	EXPECT_EQ(0, vp_attach_task(self->fd, try.pidfd, 0, PROCESS, NULL));
	EXPECT_EQ(4, vp_sysfs_u64(POOL, "cpus/members"));
	close(try.pidfd);
	stop_sleeper(pid);
}

/*
 * Switch the effective user ID between one that the attacher may attach and one that it
 * may not.
 */
static void flip(void)
{
	vp_set_affinity(0, "0-1");
	if (syscall(SYS_setresuid, UID_B, UID_A, UID_A))
		_exit(1);
	for (;;) {
		syscall(SYS_setresuid, -1, UID_B, -1);
		syscall(SYS_setresuid, -1, UID_A, -1);
	}
}

struct flips {
	int fd;
	int pidfd;
	pid_t pid;
	int iterations;
};

static int attach_flipping(void *arg)
{
	struct flips *flips = arg;
	int i, err;

	become(UID_A);
	for (i = 0; i < flips->iterations; i++) {
		err = vp_attach_task(flips->fd, flips->pidfd, 0, PROCESS, NULL);
		if (err != -EPERM && err)
			return 1;
		if (err && vp_is_member(flips->fd, flips->pid, flips->pid))
			return 2;
		if (err)
			continue;
		if (!vp_is_member(flips->fd, flips->pid, flips->pid))
			return 3;
		while ((err = vp_detach_task(flips->fd, flips->pidfd, 0,
					     PROCESS)))
			if (err != -EPERM)
				return 4;
		if (!vp_may_run_on(flips->pid, "0-1"))
			return 5;
	}
	return 0;
}

TEST_F(attach, uid_changes_during_attach)
{
	struct flips flips = { .fd = self->fd, .iterations = vp_scale(500) };

	flips.pid = fork();
	if (!flips.pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		flip();
	}
	flips.pidfd = vp_pidfd(flips.pid);
	vp_sleep_ms(100);
	EXPECT_EQ(0, vp_in_child(attach_flipping, &flips));
	close(flips.pidfd);
	stop_sleeper(flips.pid);
	EXPECT_TRUE(vp_sysfs_wait(POOL, "cpus/members", 0));
}

/* Two threads that attach the same task to different pools at the same time. */

struct racer {
	pthread_barrier_t *start;
	int fd;
	int pidfd;
	int err;
};

static void *race(void *arg)
{
	struct racer *racer = arg;

	pthread_barrier_wait(racer->start);
	racer->err = vp_attach_task(racer->fd, racer->pidfd, 0, PROCESS, NULL);
	return NULL;
}

TEST_F(attach, two_pools_race_for_one_task)
{
	int i, j, winner, iterations = vp_scale(500);
	pthread_barrier_t start;
	struct racer racer[2];
	pthread_t thread[2];
	int other;

	ASSERT_EQ(0, vp_create(self->ctl, OTHER, 0, 0, "1"));
	other = vp_open(OTHER);
	ASSERT_LE(0, other);
	pthread_barrier_init(&start, NULL, 2);
	for (i = 0; i < iterations; i++) {
		for (j = 0; j < 2; j++) {
			racer[j] = (struct racer) { &start, j ? other : self->fd,
						    self->pidfd };
			pthread_create(&thread[j], NULL, race, &racer[j]);
		}
		for (j = 0; j < 2; j++)
			pthread_join(thread[j], NULL);
		winner = !!racer[0].err;
		ASSERT_EQ(0, racer[winner].err);
		ASSERT_EQ(-EBUSY, racer[!winner].err);
		ASSERT_TRUE(vp_may_run_on(self->child, winner ? "1" : "2-3"));
		ASSERT_EQ(!winner, vp_sysfs_u64(POOL, "cpus/members"));
		ASSERT_EQ(winner, vp_sysfs_u64(OTHER, "cpus/members"));
		ASSERT_EQ(0, vp_detach_task(racer[winner].fd, self->pidfd, 0, 0));
		ASSERT_TRUE(vp_may_run_on(self->child, "0-1"));
	}
	close(other);
}

/*
 * A detach restores the original affinity, also while another thread moves the task
 * between two pools.
 */
static void *move_between_pools(void *arg)
{
	struct racer *racer = arg;
	int i, iterations = vp_scale(500);

	pthread_barrier_wait(racer->start);
	for (i = 0; i < iterations; i++)
		if (!vp_attach_task(racer->fd, racer->pidfd, 0, 0, NULL))
			racer->err |= vp_detach_task(racer->fd, racer->pidfd,
						     0, 0);
	return NULL;
}

TEST_F(attach, affinity_is_restored_after_moves)
{
	pthread_barrier_t start;
	struct racer racer[2];
	pthread_t thread[2];
	int i, other;

	ASSERT_EQ(0, vp_create(self->ctl, OTHER, 0, 0, "1"));
	other = vp_open(OTHER);
	ASSERT_LE(0, other);
	pthread_barrier_init(&start, NULL, 2);
	for (i = 0; i < 2; i++) {
		racer[i] = (struct racer) { &start, i ? other : self->fd,
					    self->pidfd };
		pthread_create(&thread[i], NULL, move_between_pools, &racer[i]);
	}
	for (i = 0; i < 2; i++) {
		pthread_join(thread[i], NULL);
		EXPECT_EQ(0, racer[i].err);
	}
	EXPECT_TRUE(vp_may_run_on(self->child, "0-1"));
	EXPECT_EQ(0, vp_sysfs_u64(POOL, "cpus/members"));
	EXPECT_EQ(0, vp_sysfs_u64(OTHER, "cpus/members"));
	close(other);
}

TEST_HARNESS_MAIN
