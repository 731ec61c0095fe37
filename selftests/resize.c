// SPDX-License-Identifier: GPL-2.0
/*
 * Grow and shrink a pool while it is in use: each call succeeds completely or
 * changes nothing.
 */
#include <linux/capability.h>
#include <linux/vpool.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>

#include "kselftest_harness.h"
#include "lib/host.h"
#include "lib/memory.h"
#include "lib/pool.h"
#include "lib/task.h"

#define POOL "resize-pool"
#define START (8 * HUGE_SIZE)

FIXTURE(resize)
{
	int ctl;
	__u64 host;
};

FIXTURE_SETUP(resize)
{
	self->ctl = vp_control();
	ASSERT_LE(0, self->ctl);
	vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	ASSERT_EQ(0, vp_create(self->ctl, POOL, START, HUGE_SIZE, NULL));
}

FIXTURE_TEARDOWN(resize)
{
	vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	close(self->ctl);
}

static __u64 total(void)
{
	return vp_sysfs_u64(POOL, "memory/total_bytes");
}

static __u64 node_total(int node)
{
	return vp_node_bytes(POOL, node, "total");
}

TEST_F(resize, grows_and_shrinks)
{
	const __u64 sizes[] = { 20, 3, 1, 30, 30, 8 };
	int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		__u64 bytes = sizes[i] * HUGE_SIZE;

		EXPECT_EQ(0, vp_resize(self->ctl, POOL, &bytes,
				       VPOOL_ANY_NODE));
		EXPECT_EQ(sizes[i] * HUGE_SIZE, bytes);
		EXPECT_EQ(bytes, total());
		EXPECT_EQ(bytes, vp_sysfs_u64(POOL, "memory/target_bytes"));
		EXPECT_EQ(0, vp_sysfs_u64(POOL, "memory/gathered_bytes"));
		EXPECT_TRUE(vp_accounting_ok(self->ctl, POOL));
	}
}

TEST_F(resize, rounds_up)
{
	__u64 bytes = 2 * HUGE_SIZE + 1;

	EXPECT_EQ(0, vp_resize(self->ctl, POOL, &bytes, VPOOL_ANY_NODE));
	EXPECT_EQ(3 * HUGE_SIZE, bytes);
	EXPECT_EQ(bytes, total());
}

/* A region keeps its memory. Memory that is in no region can be removed. */
TEST_F(resize, regions_keep_their_memory)
{
	__u64 bytes = 5 * HUGE_SIZE;
	char *addr;
	int fd;

	addr = vp_open_map(POOL, 5 * HUGE_SIZE, &fd);
	ASSERT_NE(MAP_FAILED, addr);
	vp_fill(addr, 5 * HUGE_SIZE, 7);
	EXPECT_EQ(0, vp_resize(self->ctl, POOL, &bytes, VPOOL_ANY_NODE));
	EXPECT_EQ(0, vp_sysfs_u64(POOL, "memory/free_bytes"));
	EXPECT_TRUE(vp_is_filled(addr, 5 * HUGE_SIZE, 7));
	bytes = 4 * HUGE_SIZE;
	EXPECT_EQ(-EBUSY, vp_resize(self->ctl, POOL, &bytes, VPOOL_ANY_NODE));
	EXPECT_TRUE(vp_reason_has(self->ctl, "can give back 0"));
	EXPECT_EQ(5 * HUGE_SIZE, total());
	bytes = 12 * HUGE_SIZE;
	EXPECT_EQ(0, vp_resize(self->ctl, POOL, &bytes, VPOOL_ANY_NODE));
	EXPECT_EQ(7 * HUGE_SIZE, vp_sysfs_u64(POOL, "memory/free_bytes"));
	EXPECT_TRUE(vp_is_filled(addr, 5 * HUGE_SIZE, 7));
	munmap(addr, 5 * HUGE_SIZE);
	close(fd);
}

TEST_F(resize, failed_shrink_reports_what_is_free)
{
	__u64 bytes = HUGE_SIZE;
	char *addr, text[64];
	int fd;

	snprintf(text, sizeof(text), "%lluM of the %lluM", 2 * HUGE_SIZE / MIB,
		 7 * HUGE_SIZE / MIB);
	addr = vp_open_map(POOL, 6 * HUGE_SIZE, &fd);
	ASSERT_NE(MAP_FAILED, addr);
	EXPECT_EQ(-EBUSY, vp_resize(self->ctl, POOL, &bytes, VPOOL_ANY_NODE));
	EXPECT_TRUE(vp_reason_has(self->ctl, text))
		TH_LOG("%s", vp_reason(self->ctl));
	EXPECT_EQ(START, total());
	EXPECT_EQ(2 * HUGE_SIZE, vp_sysfs_u64(POOL, "memory/free_bytes"));
	munmap(addr, 6 * HUGE_SIZE);
	close(fd);
}

TEST_F(resize, moves_between_nodes)
{
	struct vpool_mem mem[2] = {
		{ .bytes = 3 * HUGE_SIZE, .node = 0 },
		{ .bytes = 9 * HUGE_SIZE, .node = 1 },
	};

	if (!vp_has_node(1))
		SKIP(return, "needs two NUMA nodes");
	EXPECT_EQ(0, vp_resize_nodes(self->ctl, POOL, mem, 2));
	EXPECT_EQ(3 * HUGE_SIZE, node_total(0));
	EXPECT_EQ(9 * HUGE_SIZE, node_total(1));
	mem[0].bytes = 0;
	EXPECT_EQ(0, vp_resize_nodes(self->ctl, POOL, mem, 1));
	EXPECT_EQ(0, node_total(0));
	EXPECT_EQ(9 * HUGE_SIZE, node_total(1));
	EXPECT_EQ(9 * HUGE_SIZE, total());
}

/* One node cannot provide the memory, so the other does not change either. */
TEST_F(resize, all_nodes_or_none)
{
	struct vpool_mem mem[2] = {
		{ .bytes = 12 * HUGE_SIZE, .node = 0 },
		{ .bytes = 1024 * GIB, .node = 1 },
	};
	__u64 before[2] = { node_total(0), node_total(1) };
	int err;

	if (!vp_has_node(1))
		SKIP(return, "needs two NUMA nodes");
	EXPECT_EQ(-ENOMEM, vp_resize_nodes(self->ctl, POOL, mem, 2));
	EXPECT_EQ(before[0], node_total(0));
	EXPECT_EQ(before[1], node_total(1));
	EXPECT_EQ(0, vp_sysfs_u64(POOL, "memory/gathered_bytes"));
	/* A size below the total memory of the node, but above its free memory. */
	mem[1].bytes = vp_meminfo("MemTotal") / 2 / HUGE_SIZE * HUGE_SIZE -
		       64 * MIB;
	err = vp_resize_nodes(self->ctl, POOL, mem, 2);
	EXPECT_TRUE(err == -ENOMEM || err == -ETIME)
		TH_LOG("%d: %s", err, vp_reason(self->ctl));
	EXPECT_EQ(before[0], node_total(0));
	EXPECT_EQ(before[1], node_total(1));
	EXPECT_EQ(0, vp_sysfs_u64(POOL, "memory/gathered_bytes"));
	EXPECT_TRUE(vp_accounting_ok(self->ctl, POOL));
}

TEST_F(resize, host_gets_its_memory_back)
{
	const __u64 slack = 16 * MIB;
	__u64 bytes = START + 128 * MIB, before = vp_host_free(), with;

	ASSERT_EQ(0, vp_resize(self->ctl, POOL, &bytes, VPOOL_ANY_NODE));
	with = vp_host_free();
	EXPECT_GT(before - 128 * MIB + slack, with);
	bytes = START;
	ASSERT_EQ(0, vp_resize(self->ctl, POOL, &bytes, VPOOL_ANY_NODE));
	EXPECT_TRUE(vp_wait_host_free(before - slack));
}

TEST_F(resize, invalid_requests)
{
	struct vpool_mem two[2] = {
		{ .bytes = HUGE_SIZE, .node = 0 },
		{ .bytes = HUGE_SIZE, .node = 0 },
	};
	struct vpool_resize cmd = { .size = sizeof(cmd) };
	__u64 bytes = 0;

	EXPECT_EQ(-EINVAL, vp_resize(self->ctl, POOL, &bytes, VPOOL_ANY_NODE));
	EXPECT_TRUE(vp_reason_has(self->ctl, "needs memory"));
	bytes = ~0ULL;
	EXPECT_EQ(-EINVAL, vp_resize(self->ctl, POOL, &bytes, VPOOL_ANY_NODE));
	bytes = HUGE_SIZE;
	EXPECT_EQ(-ENODEV, vp_resize(self->ctl, POOL, &bytes, 63));
	EXPECT_EQ(-ENOENT, vp_resize(self->ctl, "resize-none", &bytes,
				     VPOOL_ANY_NODE));
	EXPECT_EQ(-EINVAL, vp_resize_nodes(self->ctl, POOL, two, 2));
	EXPECT_TRUE(vp_reason_has(self->ctl, "twice"));
	two[1].node = VPOOL_ANY_NODE;
	EXPECT_EQ(-EINVAL, vp_resize_nodes(self->ctl, POOL, two, 2));
	vp_name(cmd.name, POOL);
	EXPECT_EQ(-EINVAL, vp_ioctl(self->ctl, VPOOL_RESIZE, &cmd));
	cmd.flags = 1 << 7;
	EXPECT_EQ(-EOPNOTSUPP, vp_ioctl(self->ctl, VPOOL_RESIZE, &cmd));
	EXPECT_EQ(START, total());
}

TEST_F(resize, dry_run_changes_nothing)
{
	struct vpool_mem mem = { .bytes = 3 * HUGE_SIZE, VPOOL_ANY_NODE };
	struct vpool_resize cmd = {
		.size = sizeof(cmd),
		.flags = VPOOL_RESIZE_DRY_RUN,
		.nr_mem = 1,
		.mem_uptr = (uintptr_t)&mem,
	};

	vp_name(cmd.name, POOL);
	EXPECT_EQ(0, vp_ioctl(self->ctl, VPOOL_RESIZE, &cmd));
	EXPECT_EQ(3 * HUGE_SIZE, cmd.out_bytes);
	EXPECT_EQ(START, total());
}

static int unprivileged(void *arg)
{
	__u64 bytes = HUGE_SIZE;

	if (vp_drop_cap(CAP_SYS_ADMIN))
		return 1;
	return vp_resize(*(int *)arg, POOL, &bytes, VPOOL_ANY_NODE) != -EPERM;
}

TEST_F(resize, needs_cap_sys_admin)
{
	EXPECT_EQ(0, vp_in_child(unprivileged, &self->ctl));
	EXPECT_EQ(START, total());
}

static void on_alarm(int sig)
{
}

/* A signal interrupts the call, which returns all memory it has reserved. */
TEST_F(resize, signal_interrupts_it)
{
	struct sigaction act = { .sa_handler = on_alarm };
	struct vpool_mem mem = { .node = VPOOL_ANY_NODE };
	struct vpool_resize cmd = {
		.size = sizeof(cmd),
		.timeout_ms = 60000,
		.nr_mem = 1,
		.mem_uptr = (uintptr_t)&mem,
	};
	const __u64 slack = 64 * MIB;
	__u64 before = vp_host_free(), bytes = START;
	useconds_t us;
	int err;

	sigaction(SIGALRM, &act, NULL);
	vp_name(cmd.name, POOL);
	/*
	 * A size below the available memory of the host, but above what the host can
	 * free quickly.
	 */
	mem.bytes = before / 10 * 6;
	for (us = 20000; us > 100; us /= 2) {
		/* Send the signal repeatedly: the first may arrive before the call. */
		ualarm(us, us);
		err = vp_ioctl(self->ctl, VPOOL_RESIZE, &cmd);
		ualarm(0, 0);
		if (err)
			break;
		/* The call finished before the signal. Shrink the pool again. */
		ASSERT_EQ(0, vp_resize(self->ctl, POOL, &bytes, VPOOL_ANY_NODE));
	}
	EXPECT_EQ(-EINTR, err)
		TH_LOG("%s", vp_reason(self->ctl));
	EXPECT_EQ(START, total());
	EXPECT_EQ(0, vp_sysfs_u64(POOL, "memory/gathered_bytes"));
	EXPECT_EQ(START, vp_sysfs_u64(POOL, "memory/target_bytes"));
	EXPECT_TRUE(vp_wait_host_free(before - slack));
}

struct racer {
	int iterations;
	int bad;
};

/* Repeatedly commit a region of all free memory of the pool, and close it. */
static void *take(void *arg)
{
	struct racer *racer = arg;
	int i, fd, err;

	for (i = 0; i < racer->iterations; i++) {
		__u64 bytes = (1 + i % 3) * HUGE_SIZE;

		fd = vp_open(POOL);
		err = vp_commit(fd, &bytes);
		racer->bad += fd < 0 || (err && err != -ENOMEM);
		close(fd);
	}
	return NULL;
}

TEST_F(resize, races_with_commits)
{
	struct racer racer = { .iterations = vp_scale(2000) };
	pthread_t threads[2];
	int i, err;

	for (i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, take, &racer);
	for (i = 0; i < vp_scale(400); i++) {
		__u64 bytes = (1 + i * 7 % 16) * HUGE_SIZE, want = bytes;

		err = vp_resize(self->ctl, POOL, &bytes, VPOOL_ANY_NODE);
		if (err != -EBUSY) {
			EXPECT_EQ(0, err);
			EXPECT_EQ(want, total());
		}
	}
	for (i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	EXPECT_EQ(0, racer.bad);
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/used_bytes", 0));
	EXPECT_TRUE(vp_accounting_ok(self->ctl, POOL));
}

static void *keep_resizing(void *arg)
{
	int ctl = vp_control(), i;

	for (i = 0; i < 50; i++) {
		__u64 bytes = (i % 2 ? 4 : 40) * HUGE_SIZE;

		vp_resize(ctl, POOL, &bytes, VPOOL_ANY_NODE);
	}
	close(ctl);
	return NULL;
}

/*
 * A destroy does not wait for a resize to succeed, and also frees the memory that the
 * resize has taken.
 */
TEST_F(resize, races_with_destroy)
{
	const __u64 slack = 32 * MIB;
	__u64 before = vp_host_free();
	pthread_t thread;
	int i;

	for (i = 0; i < 10; i++) {
		pthread_create(&thread, NULL, keep_resizing, NULL);
		vp_sleep_ms(5 * i);
		EXPECT_EQ(0, vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE));
		pthread_join(thread, NULL);
		EXPECT_FALSE(vp_exists(POOL));
		ASSERT_EQ(0, vp_create(self->ctl, POOL, START, HUGE_SIZE,
				       NULL));
	}
	EXPECT_TRUE(vp_wait_host_free(before - slack));
}

TEST_HARNESS_MAIN
