// SPDX-License-Identifier: GPL-2.0
/*
 * Dedicated CPUs: no other member of the pool runs on the dedicated CPU of a thread
 * until that thread exits.
 */
#include <dirent.h>
#include <linux/vpool.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "kselftest_harness.h"
#include "lib/file.h"
#include "lib/host.h"
#include "lib/memory.h"
#include "lib/pool.h"
#include "lib/task.h"

#define POOL "dedicated-pool"

FIXTURE(dedicated)
{
	int ctl;
	int fd;
};

FIXTURE_SETUP(dedicated)
{
	if (vp_lacks_cpus())
		SKIP(return, "%s", vp_lacks_cpus());
	self->ctl = vp_control();
	ASSERT_LE(0, self->ctl);
	vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	ASSERT_EQ(0, vp_create(self->ctl, POOL, 0, 0, "1-3"));
	self->fd = vp_open(POOL);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(dedicated)
{
	close(self->fd);
	vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	close(self->ctl);
}

static struct vp_worker start_sleeper(void)
{
	return vp_worker_start(vp_pause);
}

/* Attach with a dedicated CPU. Return the CPU or a negative errno. */
static int dedicate(int fd, const struct vp_worker *sleeper, int cpu)
{
	int err = vp_attach_task(fd, sleeper ? sleeper->pidfd : VPOOL_SELF, 0,
				 0, &cpu);

	return err ?: cpu;
}

static int share(int fd, const struct vp_worker *sleeper)
{
	return vp_attach_task(fd, sleeper->pidfd, 0, 0, NULL);
}

static bool dedicated_is(const char *want)
{
	return vp_sysfs_is(POOL, "cpus/dedicated", want);
}

TEST_F(dedicated, other_members_avoid_it)
{
	struct vp_worker a = start_sleeper(), b = start_sleeper();

	EXPECT_TRUE(dedicated_is(""));
	EXPECT_EQ(0, share(self->fd, &a));
	EXPECT_TRUE(vp_may_run_on(a.pid, "1-3"));
	EXPECT_EQ(2, dedicate(self->fd, &b, 2));
	EXPECT_TRUE(dedicated_is("2"));
	EXPECT_TRUE(vp_may_run_on(b.pid, "2"));
	EXPECT_TRUE(vp_may_run_on(a.pid, "1,3"));
	EXPECT_EQ(2, vp_sysfs_u64(POOL, "cpus/members"));
	EXPECT_EQ(-EBUSY, dedicate(self->fd, NULL, 2));
	EXPECT_TRUE(vp_reason_has(self->fd, "cpu 2"));
	EXPECT_TRUE(vp_reason_has(self->fd, "is dedicated to task"));
	/* A member that attaches later does not get the dedicated CPU either. */
	vp_worker_stop(&a);
	a = start_sleeper();
	EXPECT_EQ(0, share(self->fd, &a));
	EXPECT_TRUE(vp_may_run_on(a.pid, "1,3"));
	EXPECT_EQ(0, vp_detach_task(self->fd, b.pidfd, 0, 0));
	EXPECT_TRUE(dedicated_is(""));
	EXPECT_TRUE(vp_may_run_on(a.pid, "1-3"));
	vp_worker_stop(&a);
	vp_worker_stop(&b);
}

TEST_F(dedicated, freed_at_exit)
{
	struct vp_worker a = start_sleeper(), b = start_sleeper();

	EXPECT_EQ(0, share(self->fd, &a));
	EXPECT_EQ(1, dedicate(self->fd, &b, -1));
	EXPECT_TRUE(vp_may_run_on(a.pid, "2-3"));
	vp_worker_stop(&b);
	EXPECT_TRUE(vp_sysfs_wait(POOL, "cpus/members", 1));
	EXPECT_TRUE(dedicated_is(""));
	EXPECT_TRUE(vp_wait_may_run_on(a.pid, "1-3"));
	vp_worker_stop(&a);
}

TEST_F(dedicated, no_cpu_left)
{
	struct vp_worker s[4];
	char task[32];
	int i;

	for (i = 0; i < 4; i++)
		s[i] = start_sleeper();
	for (i = 0; i < 3; i++)
		EXPECT_EQ(i + 1, dedicate(self->fd, &s[i], -1));
	EXPECT_EQ(-EBUSY, dedicate(self->fd, &s[3], -1));
	for (i = 0; i < 3; i++) {
		snprintf(task, sizeof(task), "%d to task %d", i + 1, s[i].pid);
		EXPECT_TRUE(vp_reason_has(self->fd, task));
	}
	EXPECT_EQ(-EBUSY, dedicate(self->fd, &s[3], 2));
	/* No CPU is left for a member that would share. */
	EXPECT_EQ(-EBUSY, share(self->fd, &s[3]));
	EXPECT_TRUE(vp_reason_has(self->fd, "dedicated"));
	EXPECT_EQ(3, vp_sysfs_u64(POOL, "cpus/members"));
	EXPECT_TRUE(dedicated_is("1-3"));
	EXPECT_EQ(0, vp_detach_task(self->fd, s[1].pidfd, 0, 0));
	EXPECT_EQ(2, dedicate(self->fd, &s[3], -1));
	for (i = 0; i < 4; i++)
		vp_worker_stop(&s[i]);
	EXPECT_TRUE(vp_sysfs_wait(POOL, "cpus/members", 0));
	EXPECT_TRUE(dedicated_is(""));
}

TEST_F(dedicated, last_shared_cpu_is_kept)
{
	struct vp_worker s[3];
	int i;

	for (i = 0; i < 3; i++)
		s[i] = start_sleeper();
	EXPECT_EQ(0, share(self->fd, &s[2]));
	EXPECT_EQ(1, dedicate(self->fd, &s[0], -1));
	EXPECT_EQ(2, dedicate(self->fd, &s[1], -1));
	EXPECT_TRUE(vp_may_run_on(s[2].pid, "3"));
	/* The only member on a shared CPU may get it as its dedicated CPU. */
	EXPECT_EQ(3, dedicate(self->fd, &s[2], -1));
	EXPECT_EQ(0, vp_detach_task(self->fd, s[1].pidfd, 0, 0));
	EXPECT_EQ(0, share(self->fd, &s[1]));
	EXPECT_TRUE(vp_may_run_on(s[1].pid, "2"));
	EXPECT_EQ(0, vp_detach_task(self->fd, s[0].pidfd, 0, 0));
	EXPECT_EQ(1, dedicate(self->fd, &s[0], -1));
	EXPECT_EQ(0, vp_detach_task(self->fd, s[0].pidfd, 0, 0));
	EXPECT_EQ(0, share(self->fd, &s[0]));
	EXPECT_EQ(2, dedicate(self->fd, &s[0], 2));
	/* Now CPU 1 is dedicated to the other thread. */
	EXPECT_TRUE(vp_may_run_on(s[1].pid, "1"));
	EXPECT_EQ(0, vp_detach_task(self->fd, s[2].pidfd, 0, 0));
	EXPECT_EQ(3, dedicate(self->fd, &s[2], 3));
	EXPECT_EQ(0, vp_detach_task(self->fd, s[2].pidfd, 0, 0));
	EXPECT_EQ(0, share(self->fd, &s[2]));
	EXPECT_EQ(3, dedicate(self->fd, &s[2], 3));
	EXPECT_EQ(-EBUSY, dedicate(self->fd, NULL, 1));
	EXPECT_TRUE(vp_reason_has(self->fd, "last"));
	for (i = 0; i < 3; i++)
		vp_worker_stop(&s[i]);
}

TEST_F(dedicated, attach_again_moves_the_cpu)
{
	EXPECT_EQ(2, dedicate(self->fd, NULL, 2));
	EXPECT_EQ(2, dedicate(self->fd, NULL, -1));
	EXPECT_EQ(2, dedicate(self->fd, NULL, 2));
	/* The thread must be detached before it can share again. */
	EXPECT_EQ(0, vp_attach(self->fd, 0));
	EXPECT_TRUE(vp_may_run_on(getpid(), "2"));
	EXPECT_EQ(3, dedicate(self->fd, NULL, 3));
	EXPECT_TRUE(vp_may_run_on(getpid(), "3"));
	EXPECT_TRUE(dedicated_is("3"));
	EXPECT_EQ(3, sched_getcpu());
	EXPECT_EQ(1, vp_sysfs_u64(POOL, "cpus/members"));
}

static int check_affinity(void *arg)
{
	return !vp_wait_may_run_on(getpid(), arg);
}

/*
 * The child shares the other CPUs of the pool: it does not inherit the dedicated CPU.
 */
TEST_F(dedicated, fork_does_not_inherit_the_cpu)
{
	EXPECT_EQ(2, dedicate(self->fd, NULL, 2));
	EXPECT_EQ(0, vp_in_child(check_affinity, "1,3"));
	EXPECT_TRUE(dedicated_is("2"));
}

TEST_F(dedicated, invalid_input)
{
	int any = -1;

	EXPECT_EQ(-EINVAL, vp_attach_task(self->fd, VPOOL_SELF, 0,
					  VPOOL_ATTACH_PROCESS, &any));
	EXPECT_EQ(-EINVAL, dedicate(self->fd, NULL, 0));
	EXPECT_TRUE(vp_reason_has(self->fd, "cpu 0"));
	EXPECT_EQ(-EINVAL, dedicate(self->fd, NULL, -2));
	EXPECT_EQ(-ENODEV, dedicate(self->fd, NULL, 100000));
	EXPECT_EQ(-EOPNOTSUPP, vp_detach_task(self->fd, VPOOL_SELF, 0,
					      VPOOL_ATTACH_DEDICATED));
	EXPECT_EQ(0, vp_sysfs_u64(POOL, "cpus/members"));
	EXPECT_TRUE(dedicated_is(""));
}

/* Threads attach and detach dedicated CPUs concurrently. */
static int attach_and_detach(void *arg)
{
	int fd = *(int *)arg, i, cpu;

	for (i = 0; i < vp_scale(200); i++) {
		cpu = dedicate(fd, NULL, -1);
		if (cpu == -EBUSY)
			continue;
		if (cpu < 1 || cpu > 3 || sched_getcpu() != cpu)
			return 1;
		if (i % 2 && vp_detach(fd, 0))
			return 2;
	}
	return 0;
}

TEST_F(dedicated, concurrent_attach_and_detach)
{
	pid_t pid[6];
	int i;

	for (i = 0; i < ARRAY_SIZE(pid); i++) {
		pid[i] = fork();
		if (!pid[i])
			_exit(attach_and_detach(&self->fd));
	}
	for (i = 0; i < ARRAY_SIZE(pid); i++)
		EXPECT_EQ(0, vp_wait_status(pid[i]));
	EXPECT_TRUE(vp_sysfs_wait(POOL, "cpus/members", 0));
	EXPECT_TRUE(dedicated_is(""));
}

#define SCRUBBERS 64

/* Run time of each scrubber thread, and the CPU on which it last ran. */
struct scrubbers {
	pid_t pid[SCRUBBERS];
	__u64 ran[SCRUBBERS];
	int nr;
};

static void find_scrubbers(struct scrubbers *all)
{
	struct dirent *entry;
	DIR *proc = opendir("/proc");
	char path[64], comm[32];

	all->nr = 0;
	while (proc && (entry = readdir(proc)) && all->nr < SCRUBBERS) {
		snprintf(path, sizeof(path), "/proc/%.16s/comm", entry->d_name);
		if (!atoi(entry->d_name) ||
		    vp_read_file(path, comm, sizeof(comm)) ||
		    strncmp(comm, "vpool_scrub", 11))
			continue;
		all->ran[all->nr] = 0;
		all->pid[all->nr++] = atoi(entry->d_name);
	}
	closedir(proc);
}

/* Return the CPU that a scrubber thread has run on since, or -1 if it did not run. */
static int has_run_on(struct scrubbers *all, int i)
{
	char path[64], text[1024];
	__u64 ran;
	int field;
	char *at;

	snprintf(path, sizeof(path), "/proc/%d/schedstat", all->pid[i]);
	if (vp_read_file(path, text, sizeof(text)))
		return -1;
	ran = strtoull(text, NULL, 10);
	if (ran == all->ran[i])
		return -1;
	all->ran[i] = ran;
	snprintf(path, sizeof(path), "/proc/%d/stat", all->pid[i]);
	if (vp_read_file(path, text, sizeof(text)))
		return -1;
	at = strrchr(text, ')');
	for (field = 2; at && field < 39; field++)
		at = strchr(at + 1, ' ');
	return at ? atoi(at) : -1;
}

#define WITH_MEMORY "dedicated-memory"
/* Bytes to scrub at a time: enough for more than one thread, and whole pages. */
#define SCRUBBED (HUGE_SIZE > 16 * MIB ? HUGE_SIZE : 16 * MIB)

/*
 * Free memory repeatedly so that it is scrubbed. Return the CPUs of @off that
 * scrubbers used.
 */
static int scrub_used_cpus(const char *pool, const char *off)
{
	struct scrubbers all;
	cpu_set_t set;
	int iteration, i, cpu, fd, seen = 0;
	char *addr;

	vp_parse_cpus(off, &set);
	find_scrubbers(&all);
	for (i = 0; i < all.nr; i++)
		has_run_on(&all, i);
	for (iteration = 0; iteration < 30; iteration++) {
		addr = vp_open_map(pool, SCRUBBED, &fd);
		if (addr == MAP_FAILED)
			return -1;
		vp_fill(addr, SCRUBBED, iteration);
		munmap(addr, SCRUBBED);
		close(fd);
		if (iteration % 2)
			vp_sysfs_wait(pool, "memory/scrubbing_bytes", 0);
		for (i = 0; i < all.nr; i++) {
			cpu = has_run_on(&all, i);
			seen += cpu >= 0 && CPU_ISSET(cpu, &set);
		}
	}
	return all.nr ? seen : -1;
}

static int create_with_memory(int ctl, __u32 flags)
{
	struct vp_request req;

	vp_request_init(&req, WITH_MEMORY);
	vp_request_mem(&req, 2 * SCRUBBED, VPOOL_ANY_NODE);
	vp_request_cpus(&req, "2-3");
	req.create.flags |= flags;
	return vp_request_send(ctl, &req);
}

TEST_F(dedicated, scrubber_avoids_it)
{
	struct vp_worker a = start_sleeper();
	int fd;

	vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	ASSERT_EQ(0, create_with_memory(self->ctl, 0));
	fd = vp_open(WITH_MEMORY);
	/* Start with the CPU in use, so that scrubber threads exist on it. */
	EXPECT_LE(0, scrub_used_cpus(WITH_MEMORY, "2"));
	EXPECT_EQ(3, dedicate(fd, &a, 3));
	EXPECT_EQ(0, scrub_used_cpus(WITH_MEMORY, "3"));
	close(fd);
	vp_worker_stop(&a);
	EXPECT_EQ(0, vp_destroy(self->ctl, WITH_MEMORY, VPOOL_DESTROY_FORCE));
}

TEST_F(dedicated, scrubber_avoids_isolated_cpus)
{
	vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	ASSERT_EQ(0, create_with_memory(self->ctl, VPOOL_CREATE_ISOLATED));
	EXPECT_EQ(0, scrub_used_cpus(WITH_MEMORY, "2-3"));
	EXPECT_EQ(0, vp_destroy(self->ctl, WITH_MEMORY, VPOOL_DESTROY_FORCE));
}

TEST_HARNESS_MAIN
