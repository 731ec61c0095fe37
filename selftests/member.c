// SPDX-License-Identifier: GPL-2.0
/*
 * Members and all their threads and children run on the pool's CPUs, and the pool
 * lists exactly its members.
 */
#include <linux/vpool.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "kselftest_harness.h"
#include "lib/host.h"
#include "lib/memory.h"
#include "lib/pool.h"
#include "lib/task.h"

#define POOL "member-pool"
#define OTHER "member-other"
#define NO_CPUS "member-memory"

FIXTURE(member)
{
	int ctl;
	int fd;
};

FIXTURE_SETUP(member)
{
	if (vp_lacks_cpus())
		SKIP(return, "%s", vp_lacks_cpus());
	self->ctl = vp_control();
	ASSERT_LE(0, self->ctl);
	vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	ASSERT_EQ(0, vp_create(self->ctl, POOL, HUGE_SIZE, 0, "2-3"));
	self->fd = vp_open(POOL);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(member)
{
	close(self->fd);
	vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	vp_destroy(self->ctl, OTHER, VPOOL_DESTROY_FORCE);
	vp_destroy(self->ctl, NO_CPUS, VPOOL_DESTROY_FORCE);
	close(self->ctl);
}

static pid_t gettid_(void)
{
	return syscall(SYS_gettid);
}

TEST_F(member, thread_runs_on_the_pools_cpus)
{
	int i;

	EXPECT_EQ(0, vp_attach(self->fd, 0));
	EXPECT_TRUE(vp_may_run_on(getpid(), "2-3"));
	EXPECT_TRUE(vp_is_member(self->fd, gettid_(), getpid()));
	EXPECT_EQ(1, vp_sysfs_u64(POOL, "cpus/members"));
	for (i = 0; i < 100; i++) {
		EXPECT_LE(2, sched_getcpu());
		EXPECT_GE(3, sched_getcpu());
		sched_yield();
	}
}

TEST_F(member, second_attach_changes_nothing)
{
	EXPECT_EQ(0, vp_attach(self->fd, 0));
	EXPECT_EQ(0, vp_attach(self->fd, 0));
	EXPECT_EQ(0, vp_attach(self->fd, VPOOL_ATTACH_PROCESS));
	EXPECT_EQ(1, vp_sysfs_u64(POOL, "cpus/members"));
	EXPECT_EQ(0, vp_detach(self->fd, 0));
	EXPECT_EQ(0, vp_sysfs_u64(POOL, "cpus/members"));
	EXPECT_EQ(-ESRCH, vp_detach(self->fd, 0));
}

/* Attach and detach with affinity @before, and expect that affinity back. */
static void attach_and_detach(struct __test_metadata *_metadata, int fd,
			      const char *before)
{
	ASSERT_EQ(0, vp_set_affinity(0, before));
	EXPECT_EQ(0, vp_attach(fd, 0));
	EXPECT_TRUE(vp_may_run_on(getpid(), "2-3"));
	EXPECT_EQ(0, vp_detach(fd, 0));
	EXPECT_TRUE(vp_may_run_on(getpid(), before));
}

/* Restore the affinity from before the attach, not all CPUs of the host. */
TEST_F(member, detach_restores_the_affinity)
{
	static const char * const before[] = { "0", "0-1", "1", "0-3" };
	int i;

	for (i = 0; i < ARRAY_SIZE(before); i++)
		attach_and_detach(_metadata, self->fd, before[i]);
}

/* Attach widens an affinity that has only some of the pool's CPUs. */
TEST_F(member, attach_gives_all_of_the_pools_cpus)
{
	static const char * const before[] = { "2", "1,3" };
	int i;

	for (i = 0; i < ARRAY_SIZE(before); i++)
		attach_and_detach(_metadata, self->fd, before[i]);
}

TEST_F(member, membership_outlives_the_descriptor)
{
	EXPECT_EQ(0, vp_attach(self->fd, 0));
	close(self->fd);
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/regions", 0));
	EXPECT_EQ(1, vp_sysfs_u64(POOL, "cpus/members"));
	self->fd = vp_open(POOL);
	ASSERT_LE(0, self->fd);
	EXPECT_EQ(0, vp_detach(self->fd, 0));
}

static int detach(void *arg)
{
	return -vp_detach(*(int *)arg, 0);
}

TEST_F(member, detach_of_a_non_member_fails)
{
	EXPECT_EQ(-ESRCH, vp_detach(self->fd, 0));
	EXPECT_TRUE(vp_reason_has(self->fd, POOL));
	EXPECT_EQ(-ESRCH, vp_detach(self->fd, VPOOL_ATTACH_PROCESS));
	EXPECT_EQ(ESRCH, vp_in_child(detach, &self->fd));
}

TEST_F(member, attach_to_a_second_pool_fails)
{
	int other;

	ASSERT_EQ(0, vp_create(self->ctl, OTHER, 0, 0, "1"));
	other = vp_open(OTHER);
	ASSERT_LE(0, other);
	EXPECT_EQ(0, vp_attach(self->fd, 0));
	EXPECT_EQ(-EBUSY, vp_attach(other, 0));
	EXPECT_TRUE(vp_reason_has(other, POOL));
	EXPECT_EQ(-EBUSY, vp_attach(other, VPOOL_ATTACH_PROCESS));
	EXPECT_EQ(-ESRCH, vp_detach(other, 0));
	EXPECT_TRUE(vp_may_run_on(getpid(), "2-3"));
	EXPECT_EQ(0, vp_detach(self->fd, 0));
	EXPECT_EQ(0, vp_attach(other, 0));
	EXPECT_TRUE(vp_may_run_on(getpid(), "1"));
	EXPECT_EQ(0, vp_detach(other, 0));
	close(other);
}

TEST_F(member, pool_without_cpus)
{
	int fd;

	ASSERT_EQ(0, vp_create(self->ctl, NO_CPUS, HUGE_SIZE, 0, NULL));
	fd = vp_open(NO_CPUS);
	EXPECT_EQ(-EINVAL, vp_attach(fd, 0));
	EXPECT_TRUE(vp_reason_has(fd, "no CPUs"));
	close(fd);
}

/* Threads that exist before the attach, and threads created later. */

struct crew {
	pthread_t thread[4];
	pid_t tid[4];
	int nr;
	sem_t ready;
	sem_t done;
};

struct hand {
	struct crew *crew;
	int i;
};

static void *work(void *arg)
{
	struct hand *hand = arg;
	struct crew *crew = hand->crew;

	crew->tid[hand->i] = gettid_();
	sem_post(&crew->ready);
	sem_wait(&crew->done);
	return NULL;
}

static void crew_start(struct crew *crew, int nr)
{
	static struct hand hand[4];
	int i;

	crew->nr = nr;
	sem_init(&crew->ready, 0, 0);
	sem_init(&crew->done, 0, 0);
	for (i = 0; i < nr; i++) {
		hand[i] = (struct hand) { .crew = crew, .i = i };
		pthread_create(&crew->thread[i], NULL, work, &hand[i]);
	}
	for (i = 0; i < nr; i++)
		sem_wait(&crew->ready);
}

static void crew_stop(struct crew *crew)
{
	int i;

	for (i = 0; i < crew->nr; i++)
		sem_post(&crew->done);
	for (i = 0; i < crew->nr; i++)
		pthread_join(crew->thread[i], NULL);
}

TEST_F(member, process_attach_takes_all_threads)
{
	struct crew crew;
	int i;

	ASSERT_EQ(0, vp_set_affinity(0, "0-1"));
	crew_start(&crew, 4);
	EXPECT_EQ(0, vp_attach(self->fd, VPOOL_ATTACH_PROCESS));
	EXPECT_EQ(5, vp_sysfs_u64(POOL, "cpus/members"));
	for (i = 0; i < crew.nr; i++) {
		EXPECT_TRUE(vp_may_run_on(crew.tid[i], "2-3"));
		EXPECT_TRUE(vp_is_member(self->fd, crew.tid[i], getpid()));
	}
	EXPECT_EQ(0, vp_detach(self->fd, VPOOL_ATTACH_PROCESS));
	EXPECT_EQ(0, vp_sysfs_u64(POOL, "cpus/members"));
	for (i = 0; i < crew.nr; i++)
		EXPECT_TRUE(vp_may_run_on(crew.tid[i], "0-1"));
	crew_stop(&crew);
}

TEST_F(member, thread_attach_takes_one_thread)
{
	struct crew crew;
	int i;

	ASSERT_EQ(0, vp_set_affinity(0, "0-1"));
	crew_start(&crew, 2);
	EXPECT_EQ(0, vp_attach(self->fd, 0));
	EXPECT_EQ(1, vp_sysfs_u64(POOL, "cpus/members"));
	for (i = 0; i < crew.nr; i++)
		EXPECT_TRUE(vp_may_run_on(crew.tid[i], "0-1"));
	crew_stop(&crew);
}

TEST_F(member, new_threads_are_members)
{
	struct crew crew;
	int i;

	EXPECT_EQ(0, vp_attach(self->fd, 0));
	crew_start(&crew, 3);
	EXPECT_EQ(4, vp_sysfs_u64(POOL, "cpus/members"));
	for (i = 0; i < crew.nr; i++) {
		EXPECT_TRUE(vp_may_run_on(crew.tid[i], "2-3"));
		EXPECT_TRUE(vp_is_member(self->fd, crew.tid[i], getpid()));
	}
	crew_stop(&crew);
	EXPECT_TRUE(vp_sysfs_wait(POOL, "cpus/members", 1));
}

/* Children of members. */

static void wait_for_signal(void)
{
	for (;;)
		pause();
}

static pid_t start_sleeper(void)
{
	pid_t pid = fork();

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		wait_for_signal();
	}
	return pid;
}

TEST_F(member, children_are_members)
{
	pid_t pid;

	EXPECT_EQ(0, vp_attach(self->fd, 0));
	pid = start_sleeper();
	EXPECT_TRUE(vp_is_member(self->fd, pid, pid));
	EXPECT_TRUE(vp_may_run_on(pid, "2-3"));
	EXPECT_EQ(2, vp_sysfs_u64(POOL, "cpus/members"));
	/* The child stays a member when its parent detaches. */
	EXPECT_EQ(0, vp_detach(self->fd, VPOOL_ATTACH_PROCESS));
	EXPECT_EQ(1, vp_sysfs_u64(POOL, "cpus/members"));
	EXPECT_TRUE(vp_may_run_on(pid, "2-3"));
	EXPECT_EQ(-EBUSY, vp_destroy(self->ctl, POOL, 0));
	kill(pid, SIGKILL);
	vp_wait_status(pid);
	EXPECT_TRUE(vp_sysfs_wait(POOL, "cpus/members", 0));
}

/*
 * Detach a child that inherited the membership. It gets the affinity that its parent
 * had before the attach.
 */
static int detach_inherited(void *arg)
{
	if (vp_detach(*(int *)arg, 0))
		return 1;
	return !vp_may_run_on(getpid(), "0-1");
}

TEST_F(member, detached_child_gets_its_parents_affinity)
{
	ASSERT_EQ(0, vp_set_affinity(0, "0-1"));
	EXPECT_EQ(0, vp_attach(self->fd, 0));
	EXPECT_EQ(0, vp_in_child(detach_inherited, &self->fd));
	EXPECT_TRUE(vp_sysfs_wait(POOL, "cpus/members", 1));
}

static int attach_and_exit(void *arg)
{
	return -vp_attach(*(int *)arg, 0);
}

TEST_F(member, exit_removes_the_member)
{
	int i;

	for (i = 0; i < 10; i++)
		EXPECT_EQ(0, vp_in_child(attach_and_exit, &self->fd));
	EXPECT_TRUE(vp_sysfs_wait(POOL, "cpus/members", 0));
	EXPECT_FALSE(vp_is_member(self->fd, getpid(), getpid()));
}

static int attach_and_exec(void *arg)
{
	if (vp_attach(*(int *)arg, 0))
		return 1;
	execlp("sh", "sh", "-c",
	       "test \"$(sed -n 's/^Cpus_allowed_list:.//p' /proc/self/status)\" = 2-3",
	       NULL);
	return 2;
}

TEST_F(member, exec_keeps_the_membership)
{
	EXPECT_EQ(0, vp_in_child(attach_and_exec, &self->fd));
	EXPECT_TRUE(vp_sysfs_wait(POOL, "cpus/members", 0));
}

TEST_F(member, destroy_is_refused_then_forced)
{
	pid_t pid;

	ASSERT_EQ(0, vp_set_affinity(0, "0-1"));
	EXPECT_EQ(0, vp_attach(self->fd, 0));
	close(self->fd);
	pid = start_sleeper();
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/regions", 0));
	EXPECT_EQ(-EBUSY, vp_destroy(self->ctl, POOL, 0));
	EXPECT_TRUE(vp_reason_has(self->ctl, "member"));
	EXPECT_TRUE(vp_may_run_on(getpid(), "2-3"));
	EXPECT_EQ(0, vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE));
	EXPECT_TRUE(vp_may_run_on(getpid(), "0-1"));
	EXPECT_TRUE(vp_may_run_on(pid, "0-1"));
	kill(pid, SIGKILL);
	vp_wait_status(pid);
}

/* Attach and detach change no other task's affinity. */
TEST_F(member, other_tasks_keep_their_affinity)
{
	pid_t pid;

	ASSERT_EQ(0, vp_set_affinity(0, "0-3"));
	pid = start_sleeper();
	EXPECT_EQ(0, vp_attach(self->fd, 0));
	EXPECT_TRUE(vp_may_run_on(pid, "0-3"));
	EXPECT_FALSE(vp_is_member(self->fd, pid, pid));
	EXPECT_EQ(0, vp_detach(self->fd, 0));
	EXPECT_TRUE(vp_may_run_on(pid, "0-3"));
	kill(pid, SIGKILL);
	vp_wait_status(pid);
}

static int unprivileged_attach(void *arg)
{
	if (setresuid(65534, 65534, 65534))
		return 1;
	if (vp_attach(*(int *)arg, 0))
		return 2;
	return !vp_may_run_on(getpid(), "2-3");
}

TEST_F(member, attach_needs_only_the_descriptor)
{
	EXPECT_EQ(0, vp_in_child(unprivileged_attach, &self->fd));
}

/*
 * Fork two children per level, so that the last level has 2^depth tasks that all
 * exist at once.
 */
static int storm(int depth, bool check)
{
	int i, status = 0;
	pid_t pid[2];

	if (!depth)
		return check && !vp_may_run_on(getpid(), "2-3");
	for (i = 0; i < ARRAY_SIZE(pid); i++) {
		pid[i] = fork();
		if (!pid[i])
			_exit(storm(depth - 1, check));
	}
	for (i = 0; i < ARRAY_SIZE(pid); i++)
		status |= vp_wait_status(pid[i]);
	return status;
}

static int attach_and_storm(void *arg)
{
	if (vp_attach(*(int *)arg, 0))
		return 1;
	return storm(vp_is_debug() ? 5 : 6, true);
}

TEST_F(member, fork_storm)
{
	int i, iterations = vp_scale(20);

	for (i = 0; i < iterations; i++)
		EXPECT_EQ(0, vp_in_child(attach_and_storm, &self->fd));
	EXPECT_TRUE(vp_sysfs_wait(POOL, "cpus/members", 0));
}

/*
 * After a forced destroy in a fork storm, no task keeps the affinity to the pool's
 * CPUs.
 */
TEST_F(member, forced_destroy_in_a_fork_storm)
{
	int i, depth = vp_is_debug() ? 4 : 7;
	pid_t pid;

	ASSERT_EQ(0, vp_set_affinity(0, "0-1"));
	for (i = 0; i < 5; i++) {
		pid = fork();
		if (!pid) {
			vp_attach(self->fd, 0);
			_exit(storm(depth, false));
		}
		vp_sleep_ms(20 * i);
		EXPECT_EQ(0, vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE));
		EXPECT_EQ(0, vp_wait_status(pid));
		close(self->fd);
		ASSERT_EQ(0, vp_create(self->ctl, POOL, HUGE_SIZE, 0, "2-3"));
		self->fd = vp_open(POOL);
		EXPECT_EQ(0, vp_sysfs_u64(POOL, "cpus/members"));
	}
	EXPECT_TRUE(vp_may_run_on(getpid(), "0-1"));
}

TEST_HARNESS_MAIN
