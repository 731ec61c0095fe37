// SPDX-License-Identifier: GPL-2.0
/*
 * Forks during an attach or detach of the parent, and during destruction of its pool.
 * Also a user who attaches many threads slowly.
 */
#include <linux/vpool.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "lib/file.h"
#include "lib/host.h"
#include "lib/memory.h"
#include "lib/pool.h"
#include "lib/task.h"

#define POOL "fork-pool"
#define OTHER "fork-other"
#define PROCESS VPOOL_ATTACH_PROCESS
#define UID 61000
/* Memory in small pages, so that a fork takes milliseconds. */
#define FORK_MEMORY (32 * MIB)

FIXTURE(fork)
{
	int ctl;
	int fd;
};

FIXTURE_SETUP(fork)
{
	if (vp_lacks_cpus())
		SKIP(return, "%s", vp_lacks_cpus());
	self->ctl = vp_control();
	ASSERT_LE(0, self->ctl);
	vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	vp_destroy(self->ctl, OTHER, VPOOL_DESTROY_FORCE);
	ASSERT_EQ(0, vp_create(self->ctl, POOL, 0, 0, "1"));
	self->fd = vp_open(POOL);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(fork)
{
	close(self->fd);
	vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	vp_destroy(self->ctl, OTHER, VPOOL_DESTROY_FORCE);
	close(self->ctl);
}

static void die_with_parent(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
}

/* Fork slowly in a loop. Each child writes its pid to @out and sleeps. */
static void fork_slowly(int out)
{
	char *memory = mmap(NULL, FORK_MEMORY, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pid_t me;

	die_with_parent();
	madvise(memory, FORK_MEMORY, MADV_NOHUGEPAGE);
	memset(memory, 1, FORK_MEMORY);
	if (write(out, "r", 1) != 1)
		_exit(1);
	for (;;) {
		if (!fork()) {
			me = getpid();
			if (write(out, &me, sizeof(me)) != sizeof(me))
				_exit(1);
			vp_pause();
			_exit(0);
		}
		usleep(500);
	}
}

struct forker {
	pid_t pid;
	int pidfd;
	int pipe;
};

static bool forker_start(struct forker *forker)
{
	int fds[2];
	char c;

	if (pipe(fds))
		return false;
	forker->pid = fork();
	if (!forker->pid) {
		close(fds[0]);
		fork_slowly(fds[1]);
	}
	close(fds[1]);
	forker->pipe = fds[0];
	forker->pidfd = vp_pidfd(forker->pid);
	return read(forker->pipe, &c, 1) == 1;
}

/*
 * Check for two seconds that @child may run on @cpus and is not a member: a work item
 * sets the affinity of a new child some time after the fork.
 */
static bool is_outside(pid_t child, int fd, const char *cpus)
{
	int i;

	for (i = 0; i < 200; i++) {
		if (!vp_may_run_on(child, cpus) ||
		    (fd >= 0 && vp_is_member(fd, child, child)))
			return false;
		vp_sleep_ms(10);
	}
	return true;
}

/*
 * Kill the forker and its children. Return the number of children that are not members
 * but may run on @cpus.
 */
static int forker_stop(struct forker *forker, int fd, const char *cpus,
		       int *children)
{
	int outside = 0;
	pid_t child;

	kill(forker->pid, SIGKILL);
	vp_wait_status(forker->pid);
	while (read(forker->pipe, &child, sizeof(child)) == sizeof(child)) {
		++*children;
		outside += is_outside(child, fd, cpus);
		kill(child, SIGKILL);
	}
	close(forker->pipe);
	close(forker->pidfd);
	return outside;
}

/* Attach a process while it forks, and let it fork as a member for a while. */
static bool forker_attach(struct forker *forker, int fd)
{
	if (!forker_start(forker) ||
	    vp_attach_task(fd, forker->pidfd, 0, PROCESS, NULL))
		return false;
	usleep(20000 + rand() % 20000);
	return true;
}

/* Go on for longer than planned if no child was born in the short time that is meant. */
static bool one_more(int i, int iterations, int children)
{
	return i < iterations || (!children && i < 20 * iterations);
}

/* A child is a member or has the affinity that its parent had before the attach. */
TEST_F(fork, child_of_a_detached_parent_is_restored)
{
	int i, outside = 0, children = 0, iterations = vp_scale(20);
	struct forker forker;

	for (i = 0; one_more(i, iterations, children); i++) {
		ASSERT_TRUE(forker_attach(&forker, self->fd));
		ASSERT_EQ(0, vp_detach_task(self->fd, forker.pidfd, 0, PROCESS));
		vp_sleep_ms(100);
		outside += forker_stop(&forker, self->fd, "1", &children);
	}
	TH_LOG("cases: %d of a child born while its parent was detached", children);
	EXPECT_LT(0, children);
	EXPECT_EQ(0, outside);
}

TEST_F(fork, child_of_a_destroyed_pool_is_restored)
{
	int i, outside = 0, children = 0, iterations = vp_scale(20);
	struct forker forker;

	for (i = 0; one_more(i, iterations, children); i++) {
		ASSERT_TRUE(forker_attach(&forker, self->fd));
		ASSERT_EQ(0, vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE));
		close(self->fd);
		vp_sleep_ms(100);
		outside += forker_stop(&forker, -1, "1", &children);
		ASSERT_EQ(0, vp_create(self->ctl, POOL, 0, 0, "1"));
		self->fd = vp_open(POOL);
	}
	TH_LOG("cases: %d of a child born while its pool was destroyed", children);
	EXPECT_LT(0, children);
	EXPECT_EQ(0, outside);
}

static void *fork_on(void *arg)
{
	for (;;) {
		if (!fork()) {
			die_with_parent();
			vp_sleep_ms(300);
			_exit(0);
		}
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
	return NULL;
}

static void *join_other(void *arg)
{
	vp_attach(*(int *)arg, 0);
	vp_pause();
	return NULL;
}

/* One thread is a member of another pool. The other four threads fork in a loop. */
static void fork_with_threads(int other)
{
	pthread_t thread;
	int i;

	die_with_parent();
	for (i = 0; i < 4; i++)
		pthread_create(&thread, NULL, fork_on, NULL);
	vp_sleep_ms(50);
	pthread_create(&thread, NULL, join_other, &other);
	vp_pause();
}

TEST_F(fork, failed_attach_leaves_no_member)
{
	int i, other, pidfd, left = 0, iterations = vp_scale(200);
	pid_t pid;

	ASSERT_EQ(0, vp_create(self->ctl, OTHER, 0, 0, "2"));
	other = vp_open(OTHER);
	pid = fork();
	if (!pid)
		fork_with_threads(other);
	pidfd = vp_pidfd(pid);
	ASSERT_TRUE(vp_sysfs_wait(OTHER, "cpus/members", 1));
	for (i = 0; i < iterations; i++) {
		ASSERT_EQ(-EBUSY, vp_attach_task(self->fd, pidfd, 0, PROCESS,
						 NULL));
		left += vp_sysfs_u64(POOL, "cpus/members");
	}
	EXPECT_EQ(0, left);
	kill(pid, SIGKILL);
	vp_wait_status(pid);
	close(pidfd);
	close(other);
	EXPECT_TRUE(vp_sysfs_wait(OTHER, "cpus/members", 0));
}

/* An attach that is slow because the same user keeps CPU 0 busy. */

static int sleep_thread(void *arg)
{
	for (;;)
		pause();
	return 0;
}

static void become_user(void)
{
	die_with_parent();
	if (setgid(UID) || setuid(UID))
		_exit(99);
	die_with_parent();
	prctl(PR_SET_DUMPABLE, 1);
}

/* Create threads that sleep. They share memory, so they cost little. */
static void clone_threads(int nr)
{
	char *stack;
	int i;

	for (i = 0; i < nr; i++) {
		stack = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (clone(sleep_thread, stack + 8192, CLONE_VM | CLONE_FS |
			  CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
			  CLONE_SYSVSEM, NULL) < 0)
			break;
	}
}

static void start_threads(int nr, int ready)
{
	become_user();
	clone_threads(nr);
	if (write(ready, "r", 1) != 1)
		_exit(1);
	sleep_thread(NULL);
}

static void spin_on_cpu_0(void)
{
	become_user();
	vp_set_affinity(0, "0");
	for (;;)
		;
}

static void attach_slowly(pid_t pid)
{
	struct sched_param param = {};

	become_user();
	vp_set_affinity(0, "0");
	sched_setscheduler(0, SCHED_IDLE, &param);
	vp_attach_task(vp_open(POOL), vp_pidfd(pid), 0, PROCESS, NULL);
	_exit(0);
}

static pid_t start(void (*fn)(void))
{
	pid_t pid = fork();

	if (!pid) {
		fn();
		_exit(0);
	}
	return pid;
}

static void take_cpu_3(void)
{
	_exit(vp_set_online(3, false) ? 1 : 0);
}

/* Check whether the process ends within the time limit. If not, it is blocked. */
static bool ends_within(pid_t pid, unsigned int seconds)
{
	__u64 end = vp_now_ms() + 1000 * seconds;
	int status;

	while (!waitpid(pid, &status, WNOHANG)) {
		if (vp_now_ms() > end)
			return false;
		vp_sleep_ms(10);
	}
	return WIFEXITED(status) && !WEXITSTATUS(status);
}

/* A slow attach must not block CPU hotplug. */
TEST_F(fork, slow_attach_does_not_block_hotplug)
{
	pid_t threads, hog, attacher, root;
	int i, ready[2];
	char path[64], c;

	vp_dev_path(POOL, path, sizeof(path));
	ASSERT_EQ(0, chmod(path, 0666));
	ASSERT_EQ(0, pipe(ready));
	threads = fork();
	if (!threads)
		start_threads(1000, ready[1]);
	ASSERT_EQ(1, read(ready[0], &c, 1));
	vp_set_affinity(0, "2");
	hog = start(spin_on_cpu_0);
	attacher = fork();
	if (!attacher)
		attach_slowly(threads);
	for (i = 0; i < 20000 && !vp_sysfs_u64(POOL, "cpus/members"); i++)
		vp_sleep_ms(10);
	EXPECT_LT(0, vp_sysfs_u64(POOL, "cpus/members"));
	EXPECT_GT(1000, vp_sysfs_u64(POOL, "cpus/members"));
	root = start(take_cpu_3);
	EXPECT_TRUE(ends_within(root, 30));
	/* The attach can be killed, and then no thread is attached. */
	kill(attacher, SIGKILL);
	kill(hog, SIGKILL);
	vp_wait_status(hog);
	vp_wait_status(attacher);
	EXPECT_TRUE(vp_sysfs_wait(POOL, "cpus/members", 0));
	EXPECT_EQ(0, vp_set_online(3, true));
	kill(threads, SIGKILL);
	vp_wait_status(threads);
}

/*
 * A real-time kernel allocates memberships of children in advance, in a kernel worker. A
 * member with a real-time priority that does not sleep keeps all other tasks from its
 * CPU, but that worker can run on another one.
 */

/*
 * By default the kernel gives other tasks a twentieth of the time: from 6.12 on through
 * a fair server, before that by a limit on all real-time tasks. Each has a value that
 * turns it off.
 */
static const struct {
	const char *path;
	const char *off;
} throttles[] = {
	{ "/sys/kernel/debug/sched/fair_server/cpu1/runtime", "0" },
	{ "/proc/sys/kernel/sched_rt_runtime_us", "-1" },
};

static void fork_without_pause(int fd, int nr, int ready)
{
	struct sched_param param = { .sched_priority = 50 };

	die_with_parent();
	if (vp_attach(fd, 0) || sched_setscheduler(0, SCHED_FIFO, &param))
		_exit(1);
	clone_threads(nr);
	if (write(ready, "r", 1) != 1)
		_exit(1);
	vp_pause();
}

TEST_F(fork, children_of_a_busy_real_time_member)
{
	int nr = vp_scale(4000), ready[2];
	int i = !!access(throttles[0].path, F_OK);
	char old[32], c;
	pid_t pid;

	ASSERT_EQ(0, vp_read_file(throttles[i].path, old, sizeof(old)));
	ASSERT_EQ(0, vp_write_file(throttles[i].path, throttles[i].off));
	ASSERT_EQ(0, pipe(ready));
	pid = fork();
	if (!pid)
		fork_without_pause(self->fd, nr, ready[1]);
	EXPECT_EQ(1, read(ready[0], &c, 1));
	EXPECT_EQ(0, vp_write_file(throttles[i].path, old));
	EXPECT_EQ(nr + 1, vp_sysfs_u64(POOL, "cpus/members"));
	kill(pid, SIGKILL);
	vp_wait_status(pid);
	EXPECT_TRUE(vp_sysfs_wait(POOL, "cpus/members", 0));
	close(ready[0]);
	close(ready[1]);
}

TEST_HARNESS_MAIN
