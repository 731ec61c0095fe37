// SPDX-License-Identifier: GPL-2.0
/*
 * A pool counts members that set an affinity beyond its CPUs, and an isolated pool
 * returns them. Threads that the kernel creates in a member's process stay in the pool.
 */
#include <dirent.h>
#include <fcntl.h>
#include <liburing.h>
#include <linux/vpool.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "kselftest_harness.h"
#include "lib/file.h"
#include "lib/host.h"
#include "lib/memory.h"
#include "lib/pool.h"
#include "lib/task.h"

#define POOL "escape-pool"
#define ISOLATED "escape-isolated"

FIXTURE(escape)
{
	int ctl;
	int fd;
	int isolated;
};

static int create_isolated(int ctl, const char *name, const char *cpus)
{
	struct vp_request req;

	vp_request_init(&req, name);
	if (cpus)
		vp_request_cpus(&req, cpus);
	else
		vp_request_mem(&req, HUGE_SIZE, VPOOL_ANY_NODE);
	req.create.flags |= VPOOL_CREATE_ISOLATED;
	return vp_request_send(ctl, &req);
}

FIXTURE_SETUP(escape)
{
	if (vp_lacks_cpus())
		SKIP(return, "%s", vp_lacks_cpus());
	self->ctl = vp_control();
	ASSERT_LE(0, self->ctl);
	vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	vp_destroy(self->ctl, ISOLATED, VPOOL_DESTROY_FORCE);
	ASSERT_EQ(0, vp_create(self->ctl, POOL, 0, 0, "1"));
	ASSERT_EQ(0, create_isolated(self->ctl, ISOLATED, "2-3"));
	self->fd = vp_open(POOL);
	self->isolated = vp_open(ISOLATED);
	ASSERT_LE(0, self->fd);
	ASSERT_LE(0, self->isolated);
}

FIXTURE_TEARDOWN(escape)
{
	close(self->fd);
	close(self->isolated);
	vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	vp_destroy(self->ctl, ISOLATED, VPOOL_DESTROY_FORCE);
	close(self->ctl);
}

TEST_F(escape, flag_is_shown)
{
	struct vpool_query query = {};

	ASSERT_EQ(0, vp_query(self->ctl, ISOLATED, &query));
	EXPECT_EQ(VPOOL_CREATE_ISOLATED, query.create_flags);
	EXPECT_EQ(1, vp_sysfs_u64(ISOLATED, "isolated"));
	ASSERT_EQ(0, vp_query(self->ctl, POOL, &query));
	EXPECT_EQ(0, query.create_flags);
	EXPECT_EQ(0, vp_sysfs_u64(POOL, "isolated"));
	EXPECT_EQ(-EINVAL, create_isolated(self->ctl, "escape-memory", NULL));
	EXPECT_TRUE(vp_reason_has(self->ctl, "without CPUs"));
}

/*
 * Escape from the pool until it counts @nr escapes. For some time after CPU hotplug
 * vpool resets all masks, which returns a member to the pool without counting an
 * escape.
 */
static bool escape_until_counted(const char *pool, const char *out, __u64 nr)
{
	__u64 end = vp_now_ms() + 60000;
	int i;

	do {
		if (vp_set_affinity(0, out))
			return false;
		for (i = 0; i < 500 && vp_sysfs_u64(pool, "stat/escapes") < nr;
		     i++)
			vp_sleep_ms(10);
	} while (vp_sysfs_u64(pool, "stat/escapes") < nr && vp_now_ms() < end);
	return vp_sysfs_u64(pool, "stat/escapes") == nr;
}

/* The task may see its mask before the scheduler moves it. */
static bool wait_runs_beyond(int cpu)
{
	__u64 end = vp_now_ms() + 60000;

	while (sched_getcpu() < cpu && vp_now_ms() < end)
		vp_sleep_ms(10);
	return sched_getcpu() >= cpu;
}

TEST_F(escape, isolated_pool_returns_the_task)
{
	int i;

	ASSERT_EQ(0, vp_attach(self->isolated, 0));
	for (i = 1; i <= 3; i++) {
		EXPECT_TRUE(escape_until_counted(ISOLATED, "0-1", i));
		EXPECT_TRUE(vp_wait_may_run_on(getpid(), "2-3"));
		EXPECT_TRUE(wait_runs_beyond(2));
	}
	/* A mask with one CPU outside the pool counts as an escape. */
	EXPECT_TRUE(escape_until_counted(ISOLATED, "1-2", 4));
	EXPECT_TRUE(vp_wait_may_run_on(getpid(), "2-3"));
	EXPECT_EQ(1, vp_sysfs_u64(ISOLATED, "cpus/members"));
}

TEST_F(escape, other_pool_counts_once)
{
	int i;

	ASSERT_EQ(0, vp_attach(self->fd, 0));
	EXPECT_TRUE(escape_until_counted(POOL, "0-1", 1));
	vp_sleep_ms(2500);
	EXPECT_EQ(1, vp_sysfs_u64(POOL, "stat/escapes"));
	EXPECT_TRUE(vp_may_run_on(getpid(), "0-1"));
	/* Return to the pool, which the probe must notice, and leave it again. */
	for (i = 0; i < 10 && vp_sysfs_u64(POOL, "stat/escapes") < 2; i++) {
		ASSERT_EQ(0, vp_set_affinity(0, "1"));
		vp_sleep_ms(2500);
		ASSERT_EQ(0, vp_set_affinity(0, "0"));
		vp_sleep_ms(2500);
	}
	EXPECT_EQ(2, vp_sysfs_u64(POOL, "stat/escapes"));
	EXPECT_EQ(1, vp_sysfs_u64(POOL, "cpus/members"));
}

/* A member may restrict itself to some of the pool's CPUs. */
TEST_F(escape, affinity_within_the_pool_is_allowed)
{
	int i;

	ASSERT_EQ(0, vp_attach(self->isolated, 0));
	for (i = 0; i < 5; i++) {
		ASSERT_EQ(0, vp_set_affinity(0, "3"));
		vp_sleep_ms(2500);
		if (vp_may_run_on(getpid(), "3"))
			break;
	}
	EXPECT_TRUE(vp_may_run_on(getpid(), "3"));
	EXPECT_EQ(0, vp_sysfs_u64(ISOLATED, "stat/escapes"));
}

TEST_F(escape, escape_from_a_dedicated_cpu)
{
	int cpu = 2;

	ASSERT_EQ(0, vp_attach_task(self->isolated, VPOOL_SELF, 0, 0, &cpu));
	EXPECT_TRUE(escape_until_counted(ISOLATED, "2-3", 1));
	EXPECT_TRUE(vp_wait_may_run_on(getpid(), "2"));
}

/* Return the first io_uring thread of this process, or 0. */
static pid_t find_worker(void)
{
	char path[64], comm[64];
	struct dirent *entry;
	pid_t found = 0;
	DIR *dir = opendir("/proc/self/task");

	while (!found && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), "/proc/self/task/%.16s/comm",
			 entry->d_name);
		if (!vp_read_file(path, comm, sizeof(comm)) &&
		    (!strncmp(comm, "iou-wrk", 7) ||
		     !strncmp(comm, "iou-sqp", 7)))
			found = atoi(entry->d_name);
	}
	closedir(dir);
	return found;
}

/* Submit a read that blocks in a worker thread of the ring. */
static int start_worker(struct io_uring *ring, unsigned int flags, int pipefd)
{
	static char byte;
	struct io_uring_sqe *sqe;
	int i, err;

	err = io_uring_queue_init(4, ring, flags);
	if (err)
		return err;
	sqe = io_uring_get_sqe(ring);
	io_uring_prep_read(sqe, pipefd, &byte, 1, 0);
	sqe->flags |= IOSQE_ASYNC;
	io_uring_submit(ring);
	for (i = 0; i < 3000 && !find_worker(); i++)
		vp_sleep_ms(10);
	return find_worker();
}

/* io_uring is forbidden, or not built into the kernel. */
static bool is_refused(int err)
{
	return err < 0;
}

static int worker_is_member(void *arg)
{
	int *fd = arg, pipefd[2], worker;
	struct io_uring ring;

	if (pipe(pipefd) || vp_attach(fd[0], VPOOL_ATTACH_PROCESS))
		return 1;
	worker = start_worker(&ring, fd[1], pipefd[0]);
	if (is_refused(worker))
		return 77;
	if (!worker)
		return 2;
	if (!vp_is_member(fd[0], worker, getpid()))
		return 3;
	if (!vp_wait_may_run_on(worker, "2-3"))
		return 4;
	if (write(pipefd[1], "x", 1) != 1)
		return 5;
	return 0;
}

TEST_F(escape, threads_of_io_uring_are_members)
{
	unsigned int flags[] = { 0, IORING_SETUP_SQPOLL };
	int i, status;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		int arg[] = { self->isolated, flags[i] };

		status = vp_in_child(worker_is_member, arg);
		if (status == 77)
			SKIP(return, "io_uring is not available");
		EXPECT_EQ(0, status);
	}
	EXPECT_TRUE(vp_sysfs_wait(ISOLATED, "cpus/members", 0));
	EXPECT_EQ(0, vp_sysfs_u64(ISOLATED, "stat/escapes"));
}

/* A worker thread that exists before the attach is attached with the process. */
static int attach_includes_worker(void *arg)
{
	int *fd = arg, pipefd[2], worker;
	struct io_uring ring;

	if (pipe(pipefd))
		return 1;
	worker = start_worker(&ring, 0, pipefd[0]);
	if (is_refused(worker))
		return 77;
	if (!worker)
		return 2;
	if (vp_attach(*fd, VPOOL_ATTACH_PROCESS))
		return 3;
	if (!vp_is_member(*fd, worker, getpid()) ||
	    !vp_may_run_on(worker, "2-3"))
		return 4;
	return 0;
}

TEST_F(escape, attach_includes_io_uring_threads)
{
	int status = vp_in_child(attach_includes_worker, &self->isolated);

	if (status == 77)
		SKIP(return, "io_uring is not available");
	EXPECT_EQ(0, status);
}

TEST_HARNESS_MAIN
