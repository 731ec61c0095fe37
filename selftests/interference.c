// SPDX-License-Identifier: GPL-2.0
/*
 * The OOM killer, memory limits of cgroups, frozen tasks and suspend. Pools keep their
 * memory, the accounting adds up, and no task waits for a pool forever.
 */
#include <fcntl.h>
#include <linux/vpool.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "kselftest_harness.h"
#include "lib/file.h"
#include "lib/host.h"
#include "lib/memory.h"
#include "lib/pool.h"
#include "lib/task.h"

#define POOL "interference"
#define BALLAST "interference-ballast"
#define BYTES (32 * MIB)
#define ROOT "/sys/fs/cgroup"
#define GROUP ROOT "/vpool-interference"
#define POWER "/sys/power"
#define PM_TEST POWER "/pm_test"
#define PRESSES "/sys/firmware/acpi/interrupts/ff_pwr_btn"

FIXTURE(interference)
{
	int ctl;
	int fd;
	/* A region whose contents must not change. */
	char *map;
};

static int group_file(const char *file, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), GROUP "/%s", file);
	return vp_write_file(path, text);
}

static const char *lacks(void)
{
	char text[256];

	if (vp_lacks_cpus())
		return vp_lacks_cpus();
	if (vp_read_file(ROOT "/cgroup.controllers", text, sizeof(text)) ||
	    !strstr(text, "memory"))
		return "no cgroup2 with a memory controller here";
	return NULL;
}

FIXTURE_SETUP(interference)
{
	if (lacks())
		SKIP(return, "%s", lacks());
	self->ctl = vp_control();
	ASSERT_LE(0, self->ctl);
	vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	vp_destroy(self->ctl, BALLAST, VPOOL_DESTROY_FORCE);
	ASSERT_EQ(0, vp_create(self->ctl, POOL, 3 * BYTES, 0, "2-3"));
	self->map = vp_open_map(POOL, BYTES, &self->fd);
	ASSERT_NE(MAP_FAILED, self->map);
	vp_fill(self->map, BYTES, 7);
	vp_write_file(ROOT "/cgroup.subtree_control", "+memory");
	rmdir(GROUP);
	ASSERT_EQ(0, mkdir(GROUP, 0755));
}

FIXTURE_TEARDOWN(interference)
{
	__u64 end = vp_now_ms() + 60000;

	group_file("cgroup.freeze", "0");
	group_file("cgroup.kill", "1");
	while (rmdir(GROUP) && errno == EBUSY && vp_now_ms() < end)
		vp_sleep_ms(20);
	EXPECT_TRUE(vp_is_filled(self->map, BYTES, 7));
	munmap(self->map, BYTES);
	close(self->fd);
	EXPECT_TRUE(vp_wait_idle(POOL));
	EXPECT_TRUE(vp_accounting_ok(self->ctl, POOL));
	EXPECT_EQ(0, vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE));
	vp_destroy(self->ctl, BALLAST, VPOOL_DESTROY_FORCE);
	close(self->ctl);
}

/* Join the cgroup, and become the preferred victim of the OOM killer. */
static void join(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	vp_write_file("/proc/self/oom_score_adj", "1000");
	group_file("cgroup.procs", "0");
}

/* Map a region of @bytes and touch all of it. */
static char *take(__u64 bytes)
{
	char *map;
	int fd;

	map = vp_open_map(POOL, bytes, &fd);
	if (map != MAP_FAILED)
		vp_fill(map, bytes, 1);
	return map;
}

static int take_within_limit(void *arg)
{
	join();
	return take(BYTES) == MAP_FAILED;
}

/* Creating the pool allocated its memory, so no cgroup is charged for it. */
TEST_F(interference, pool_memory_is_not_charged_to_a_group)
{
	ASSERT_EQ(0, group_file("memory.max", "8M"));
	EXPECT_EQ(0, vp_in_child(take_within_limit, NULL));
}

/* Allocate until the OOM killer kills this process. */
static void allocate_until_killed(void)
{
	for (;;) {
		char *more = mmap(NULL, MIB, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE,
				  -1, 0);

		if (more == MAP_FAILED)
			_exit(1);
	}
}

static pid_t start_memory_hog(void)
{
	pid_t pid = fork();

	if (!pid) {
		int fd = vp_open(POOL);

		join();
		vp_attach(fd, VPOOL_ATTACH_PROCESS);
		if (take(BYTES) == MAP_FAILED)
			_exit(2);
		allocate_until_killed();
	}
	return pid;
}

/*
 * The OOM killer kills a member that maps a region, because the cgroup reaches its
 * limit.
 */
TEST_F(interference, oom_kill_in_a_group)
{
	int status;
	pid_t pid;

	ASSERT_EQ(0, group_file("memory.max", "24M"));
	group_file("memory.swap.max", "0");
	pid = start_memory_hog();
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/used_bytes", BYTES));
	EXPECT_TRUE(vp_sysfs_wait(POOL, "cpus/members", 0));
}

/*
 * As above, but the host runs out of memory. A second pool, the ballast, holds most of
 * it.
 */
TEST_F(interference, oom_kill_on_the_host)
{
	__u64 free, ballast;
	int status, fd;
	pid_t pid;
	char *map;

	if (vp_is_debug())
		SKIP(return, "the debug kernel takes too long to run out of memory");
	vp_write_file("/proc/sys/vm/drop_caches", "3");
	free = vp_meminfo("MemAvailable");
	ballast = free > 512 * MIB ? free - 512 * MIB : 0;
	ballast -= ballast % HUGE_SIZE;
	ASSERT_EQ(0, vp_create(self->ctl, BALLAST, ballast, 0, NULL))
		TH_LOG("%s", vp_reason(self->ctl));
	map = vp_open_map(BALLAST, 8 * MIB, &fd);
	ASSERT_NE(MAP_FAILED, map);
	vp_fill(map, 8 * MIB, 3);
	pid = start_memory_hog();
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	/* Neither the killed task nor any other task got memory of a pool. */
	EXPECT_TRUE(vp_is_filled(map, 8 * MIB, 3));
	EXPECT_TRUE(vp_sysfs_wait(BALLAST, "memory/used_bytes", 8 * MIB));
	EXPECT_EQ(ballast, vp_sysfs_u64(BALLAST, "memory/total_bytes"));
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/used_bytes", BYTES));
	munmap(map, 8 * MIB);
	close(fd);
}

static pid_t start_member(int *ready)
{
	char *map, byte;
	int pipes[2];
	pid_t pid;
	int fd;

	if (pipe(pipes))
		return -1;
	pid = fork();
	if (!pid) {
		join();
		map = vp_open_map(POOL, BYTES, &fd);
		vp_attach(fd, VPOOL_ATTACH_PROCESS);
		write(pipes[1], "x", 1);
		for (;;)
			if (vp_touch(map, true) == SIGBUS)
				_exit(SIGBUS);
	}
	close(pipes[1]);
	*ready = read(pipes[0], &byte, 1);
	close(pipes[0]);
	return pid;
}

static bool is_frozen(void)
{
	__u64 end = vp_now_ms() + 60000;
	char text[128];

	do {
		if (!vp_read_file(GROUP "/cgroup.events", text,
				  sizeof(text)) && strstr(text, "frozen 1"))
			return true;
		vp_sleep_ms(20);
	} while (vp_now_ms() < end);
	return false;
}

/* A frozen member blocks no other task. It notices a destroyed pool when it wakes. */
TEST_F(interference, frozen_member)
{
	int ready = 0;
	pid_t pid = start_member(&ready);

	ASSERT_EQ(1, ready);
	ASSERT_EQ(0, group_file("cgroup.freeze", "1"));
	ASSERT_TRUE(is_frozen());
	EXPECT_EQ(0, vp_resize_cpus(self->ctl, POOL, "3", 0));
	EXPECT_TRUE(vp_may_run_on(pid, "3"));
	EXPECT_EQ(0, vp_set_online(3, false));
	EXPECT_EQ(0, vp_set_online(3, true));
	EXPECT_TRUE(vp_wait_may_run_on(pid, "3"));
	/* A pool cannot be destroyed while this process maps it. */
	munmap(self->map, BYTES);
	close(self->fd);
	EXPECT_EQ(-EBUSY, vp_destroy(self->ctl, POOL, 0));
	EXPECT_EQ(0, vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE));
	EXPECT_FALSE(vp_exists(POOL));
	ASSERT_EQ(0, group_file("cgroup.freeze", "0"));
	EXPECT_EQ(SIGBUS, vp_wait_status(pid));
	ASSERT_EQ(0, vp_create(self->ctl, POOL, 3 * BYTES, 0, "2-3"));
	self->map = vp_open_map(POOL, BYTES, &self->fd);
	ASSERT_NE(MAP_FAILED, self->map);
	vp_fill(self->map, BYTES, 7);
}

/* A frozen member can be killed. */
TEST_F(interference, killed_while_frozen)
{
	int ready = 0, status;
	pid_t pid = start_member(&ready);

	ASSERT_EQ(1, ready);
	ASSERT_EQ(0, group_file("cgroup.freeze", "1"));
	ASSERT_TRUE(is_frozen());
	kill(pid, SIGKILL);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/used_bytes", BYTES));
	EXPECT_TRUE(vp_sysfs_wait(POOL, "cpus/members", 0));
}

/* Queue folios for the scrubber, and create and destroy a pool. */
static int queue_scrub(int ctl)
{
	char *map;
	int fd, err;

	map = vp_open_map(POOL, BYTES, &fd);
	if (map == MAP_FAILED)
		return -errno;
	vp_fill(map, BYTES, 1);
	munmap(map, BYTES);
	close(fd);
	err = vp_create(ctl, BALLAST, 64 * MIB, 0, NULL);
	return err ?: vp_destroy(ctl, BALLAST, 0);
}

/* Wait until the scrubber is done, and check that the memory is zero. */
static bool scrub_is_done(void)
{
	bool zero;
	char *map;
	int fd;

	if (!vp_sysfs_wait(POOL, "memory/scrubbing_bytes", 0))
		return false;
	map = vp_open_map(POOL, BYTES, &fd);
	if (map == MAP_FAILED)
		return false;
	zero = vp_is_zero(map, BYTES);
	munmap(map, BYTES);
	close(fd);
	return zero;
}

/* Freeze all tasks as for a suspend, the scrubber included, and thaw them. */
TEST_F(interference, all_tasks_freeze)
{
	int ready = 0, i;
	pid_t pid;

	if (access(PM_TEST, W_OK))
		SKIP(return, "needs CONFIG_PM_DEBUG");
	vp_write_file("/sys/module/suspend/parameters/pm_test_delay", "1");
	vp_write_file(POWER "/pm_freeze_timeout", "120000");
	pid = start_member(&ready);
	ASSERT_EQ(1, ready);
	ASSERT_EQ(0, vp_write_file(PM_TEST, "freezer"));
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, queue_scrub(self->ctl));
		EXPECT_EQ(0, vp_write_file(POWER "/state", "freeze"));
	}
	vp_write_file(PM_TEST, "none");
	EXPECT_TRUE(vp_is_member(self->fd, pid, pid));
	EXPECT_TRUE(vp_wait_may_run_on(pid, "2-3"));
	kill(pid, SIGKILL);
	vp_wait_status(pid);
}

/*
 * An emulated CPU sometimes misses a timer interrupt during suspend, and the other CPUs
 * then wait for it forever. Try only with VPOOL_LONG.
 */
static bool may_suspend(void)
{
	return getenv("VPOOL_LONG");
}

/* Suspend to memory except for the last step: devices sleep and CPUs go offline. */
TEST_F(interference, suspend_without_the_last_step)
{
	int ready = 0;
	char text[64];
	pid_t pid;

	if (!may_suspend())
		SKIP(return, "the host may not wake up: set VPOOL_LONG to try");
	if (access(PM_TEST, W_OK) ||
	    vp_read_file(POWER "/mem_sleep", text, sizeof(text)) ||
	    !strstr(text, "deep") || !getenv("VPOOL_BUTTON"))
		SKIP(return, "this host cannot suspend to memory");
	vp_write_file("/sys/module/suspend/parameters/pm_test_delay", "1");
	vp_write_file(POWER "/pm_freeze_timeout", "120000");
	pid = start_member(&ready);
	ASSERT_EQ(1, ready);
	ASSERT_EQ(0, queue_scrub(self->ctl));
	ASSERT_EQ(0, vp_write_file(POWER "/mem_sleep", "deep"));
	ASSERT_EQ(0, vp_write_file(PM_TEST, "processors"));
	EXPECT_EQ(0, vp_write_file(POWER "/state", "mem"));
	vp_write_file(PM_TEST, "none");
	EXPECT_TRUE(vp_sysfs_is(POOL, "cpus/effective", "2-3"));
	EXPECT_TRUE(vp_sysfs_is(POOL, "state", "active"));
	EXPECT_TRUE(vp_is_member(self->fd, pid, pid));
	EXPECT_TRUE(vp_wait_may_run_on(pid, "2-3"));
	kill(pid, SIGKILL);
	vp_wait_status(pid);
	EXPECT_TRUE(scrub_is_done());
}

static int button(const char *every)
{
	const char *path = getenv("VPOOL_BUTTON");

	return path ? vp_write_file(path, every) : -ENOENT;
}

static __u64 presses(void)
{
	char text[64];

	if (vp_read_file(PRESSES, text, sizeof(text)))
		return 0;
	return strtoull(text, NULL, 10);
}

/* Check that the power button of VPOOL_BUTTON works, because it must wake the host. */
static bool button_works(void)
{
	__u64 before, end = vp_now_ms() + 20000;

	system("modprobe -q button 2> /dev/null");
	before = presses();
	if (button("1"))
		return false;
	while (presses() == before && vp_now_ms() < end)
		vp_sleep_ms(100);
	button("0");
	return presses() != before;
}

/* Return the number of successful suspends. */
static __u64 count_suspends(void)
{
	char text[32];

	if (vp_read_file(POWER "/suspend_stats/success", text, sizeof(text)))
		return VP_NONE;
	return strtoull(text, NULL, 10);
}

/* Suspend with members and with folios to scrub. The power button wakes the host. */
TEST_F(interference, suspend_to_memory)
{
	int ready = 0, i;
	__u64 before, begin;
	pid_t pid;

	if (!may_suspend())
		SKIP(return, "the host may not wake up: set VPOOL_LONG to try");
	if (!button_works())
		SKIP(return, "VPOOL_BUTTON names no button that wakes this host");
	pid = start_member(&ready);
	ASSERT_EQ(1, ready);
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, queue_scrub(self->ctl));
		before = count_suspends();
		begin = vp_now_ms();
		EXPECT_EQ(0, button("2"));
		EXPECT_EQ(0, vp_write_file(POWER "/state", "freeze"));
		EXPECT_EQ(0, button("0"));
		TH_LOG("woken after %llu ms", vp_now_ms() - begin);
		EXPECT_EQ(before + 1, count_suspends());
		EXPECT_TRUE(scrub_is_done());
	}
	EXPECT_TRUE(vp_is_member(self->fd, pid, pid));
	EXPECT_TRUE(vp_wait_may_run_on(pid, "2-3"));
	kill(pid, SIGKILL);
	vp_wait_status(pid);
}

TEST_HARNESS_MAIN
