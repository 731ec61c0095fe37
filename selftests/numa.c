// SPDX-License-Identifier: GPL-2.0
/*
 * NUMA: the nodes that a pool's memory comes from, and the node that a region gets
 * its memory from.
 */
#include <fcntl.h>
#include <linux/mempolicy.h>
#include <linux/vpool.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "kselftest_harness.h"
#include "lib/file.h"
#include "lib/host.h"
#include "lib/memory.h"
#include "lib/numa.h"
#include "lib/pool.h"
#include "lib/task.h"

#define POOL "numa-pool"
#define EACH (4 * HUGE_SIZE)
#define MAX_NODES 4

FIXTURE(numa)
{
	int ctl;
	int nodes;
};

FIXTURE_SETUP(numa)
{
	struct vp_request req;
	int i;

	while (self->nodes < MAX_NODES && vp_has_node(self->nodes))
		self->nodes++;
	if (self->nodes < 2)
		SKIP(return, "needs two NUMA nodes");
	self->ctl = vp_control();
	ASSERT_LE(0, self->ctl);
	vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	vp_request_init(&req, POOL);
	for (i = 0; i < self->nodes; i++)
		vp_request_mem(&req, EACH, i);
	ASSERT_EQ(0, vp_request_send(self->ctl, &req));
}

FIXTURE_TEARDOWN(numa)
{
	vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	close(self->ctl);
}

static __u64 node_bytes(int node, const char *what)
{
	return vp_node_bytes(POOL, node, what);
}

static int commit_on(int fd, __u64 bytes, int node)
{
	struct vpool_commit cmd = {
		.size = sizeof(cmd),
		.flags = VPOOL_COMMIT_NODE,
		.bytes = bytes,
		.node = node,
	};

	return vp_ioctl(fd, VPOOL_COMMIT, &cmd);
}

TEST_F(numa, pool_has_the_bytes_asked_per_node)
{
	int i;

	for (i = 0; i < self->nodes; i++) {
		EXPECT_EQ(EACH, node_bytes(i, "total"));
		EXPECT_EQ(EACH, node_bytes(i, "free"));
		EXPECT_EQ(0, node_bytes(i, "used"));
	}
}

TEST_F(numa, region_chooses_a_node)
{
	int i, fd;

	for (i = 0; i < self->nodes; i++) {
		fd = vp_open(POOL);
		ASSERT_EQ(0, commit_on(fd, EACH - HUGE_SIZE, i));
		EXPECT_EQ(EACH - HUGE_SIZE, node_bytes(i, "used"));
		EXPECT_EQ(EACH - HUGE_SIZE,
			  vp_sysfs_u64(POOL, "memory/used_bytes"));
		close(fd);
		EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/used_bytes", 0));
	}
}

/* Other nodes have enough memory, but the caller asked for this one. */
TEST_F(numa, chosen_node_is_strict)
{
	int fd = vp_open(POOL);

	EXPECT_EQ(-ENOMEM, commit_on(fd, EACH + HUGE_SIZE, 1));
	EXPECT_TRUE(vp_reason_has(fd, "on node 1"));
	EXPECT_EQ(0, vp_sysfs_u64(POOL, "memory/used_bytes"));
	EXPECT_EQ(-ENODEV, commit_on(fd, HUGE_SIZE, 63));
	EXPECT_EQ(-ENODEV, commit_on(fd, HUGE_SIZE, -5));
	EXPECT_EQ(0, commit_on(fd, EACH, 1));
	close(fd);
}

/*
 * Wait for the scrubber: a commit prefers clean memory of another node to dirty memory.
 */
static bool all_clean(int nodes)
{
	return vp_sysfs_wait(POOL, "memory/clean_bytes", nodes * EACH);
}

TEST_F(numa, near_before_far)
{
	int i, fd;

	for (i = 0; i < self->nodes; i++) {
		__u64 bytes = EACH;

		if (vp_cpu_of(i) < 0)
			continue;
		ASSERT_EQ(0, vp_run_on_node(i));
		ASSERT_TRUE(all_clean(self->nodes));
		fd = vp_open(POOL);
		ASSERT_EQ(0, vp_commit(fd, &bytes));
		EXPECT_EQ(EACH, node_bytes(i, "used"));
		close(fd);
	}
}

/* The near node has too little memory, so other nodes provide what is missing. */
TEST_F(numa, far_where_near_is_short)
{
	__u64 bytes = EACH + HUGE_SIZE;
	int fd = vp_open(POOL);

	ASSERT_EQ(0, vp_run_on_node(0));
	ASSERT_TRUE(all_clean(self->nodes));
	ASSERT_EQ(0, vp_commit(fd, &bytes));
	EXPECT_EQ(EACH, node_bytes(0, "used"));
	EXPECT_EQ(bytes, vp_sysfs_u64(POOL, "memory/used_bytes"));
	close(fd);
}

/* Memory reserved on a node for one region is not given to another. */
TEST_F(numa, regions_on_two_nodes_do_not_interfere)
{
	int one = vp_open(POOL), two = vp_open(POOL), i;

	for (i = 0; i < vp_scale(100); i++) {
		ASSERT_EQ(0, commit_on(one, EACH, 0));
		ASSERT_EQ(0, commit_on(two, EACH, 1));
		close(one);
		close(two);
		one = vp_open(POOL);
		two = vp_open(POOL);
	}
	close(one);
	close(two);
	EXPECT_TRUE(vp_accounting_ok(self->ctl, POOL));
}

/* If one node of a request is short, the call keeps nothing of the other node. */
TEST_F(numa, all_nodes_or_none)
{
	const __u64 slack = 32 * MIB;
	__u64 before = vp_host_free();
	struct vp_request req;

	vp_request_init(&req, "numa-other");
	vp_request_mem(&req, 64 * MIB, 0);
	vp_request_mem(&req, vp_meminfo("MemTotal") / 4 * 3, 1);
	req.create.timeout_ms = 0;
	EXPECT_EQ(-ENOMEM, vp_request_send(self->ctl, &req));
	EXPECT_TRUE(vp_reason_has(self->ctl, "node 1"));
	EXPECT_FALSE(vp_exists("numa-other"));
	EXPECT_TRUE(vp_wait_host_free(before - slack));
}

/* Commit @bytes under a memory policy of the task. Return the region's descriptor. */
static int commit_by_policy(struct __test_metadata *_metadata, int mode,
			    unsigned long nodes, __u64 bytes)
{
	int fd = vp_open(POOL);

	ASSERT_EQ(0, vp_task_policy(mode, nodes));
	ASSERT_EQ(0, vp_commit(fd, &bytes));
	return fd;
}

TEST_F(numa, policy_bind)
{
	int fd;

	ASSERT_EQ(0, vp_run_on_node(0));
	fd = commit_by_policy(_metadata, MPOL_BIND, 1 << 1, EACH);
	EXPECT_EQ(EACH, node_bytes(1, "used"));
	close(fd);
	/* MPOL_BIND does not fall back to other nodes. */
	fd = vp_open(POOL);
	EXPECT_EQ(MAP_FAILED, vp_map(fd, EACH + HUGE_SIZE, 0));
	EXPECT_TRUE(vp_reason_has(fd, "free on node 1, which the memory policy"));
	/* A node in the call overrides the memory policy. */
	EXPECT_EQ(0, commit_on(fd, HUGE_SIZE, 0));
	EXPECT_EQ(HUGE_SIZE, node_bytes(0, "used"));
	close(fd);
	EXPECT_EQ(0, vp_task_policy(MPOL_DEFAULT, 0));
}

TEST_F(numa, policy_preferred)
{
	int fd;

	ASSERT_EQ(0, vp_run_on_node(0));
	ASSERT_TRUE(all_clean(self->nodes));
	fd = commit_by_policy(_metadata, MPOL_PREFERRED, 1 << 1,
			      EACH + HUGE_SIZE);
	EXPECT_EQ(EACH, node_bytes(1, "used"));
	EXPECT_EQ(HUGE_SIZE, node_bytes(0, "used"));
	close(fd);
	EXPECT_EQ(0, vp_task_policy(MPOL_DEFAULT, 0));
}

/* Check whether memory of every node is in use. */
static bool all_used(int nodes)
{
	int i;

	for (i = 0; i < nodes; i++)
		if (!node_bytes(i, "used"))
			return false;
	return true;
}

TEST_F(numa, policy_interleave)
{
	int fd[4 * MAX_NODES], i, nr = 0;
	__u64 one = HUGE_SIZE;

	ASSERT_TRUE(all_clean(self->nodes));
	fd[0] = commit_by_policy(_metadata, MPOL_INTERLEAVE,
				 (1 << self->nodes) - 1,
				 2 * HUGE_SIZE * self->nodes);
	for (i = 0; i < self->nodes; i++)
		EXPECT_EQ(2 * HUGE_SIZE, node_bytes(i, "used"));
	close(fd[0]);
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/used_bytes", 0));
	/*
	 * The policy also spreads regions of one folio. The kernel's own allocations for
	 * the task advance it in between, so one cycle through the nodes may miss one.
	 */
	while (nr < 4 * self->nodes && !all_used(self->nodes)) {
		fd[nr] = vp_open(POOL);
		ASSERT_EQ(0, vp_commit(fd[nr++], &one));
	}
	EXPECT_TRUE(all_used(self->nodes));
	for (i = 0; i < nr; i++)
		close(fd[i]);
	EXPECT_EQ(0, vp_task_policy(MPOL_DEFAULT, 0));
}

/* The steps of QEMU: mmap, mbind, touch. */
/* Set the number of huge pages that a fault maps. Return the old one, or 0. */
static int set_fault_around(int nr)
{
	char text[32];
	int old;

	if (!vp_has_fault_around() ||
	    vp_read_file(VP_FAULT_AROUND, text, sizeof(text)))
		return 0;
	old = atoi(text);
	snprintf(text, sizeof(text), "%d", nr);
	vp_write_file(VP_FAULT_AROUND, text);
	return old;
}

/* A fault also touches the pages that it maps around its own. */
TEST_F(numa, mbind_leaves_neighbours)
{
	char *addr;
	int fd;

	if (!vp_has_fault_around())
		SKIP(return, "a fault maps one page on this kernel");
	ASSERT_EQ(0, vp_run_on_node(0));
	ASSERT_TRUE(all_clean(self->nodes));
	addr = vp_open_map(POOL, EACH, &fd);
	ASSERT_NE(MAP_FAILED, addr);
	vp_fill(addr, HUGE_SIZE, 7);
	ASSERT_EQ(0, vp_mapping_policy(addr, EACH, MPOL_BIND, 1 << 1));
	EXPECT_EQ(EACH, node_bytes(0, "used"));
	EXPECT_TRUE(vp_is_filled(addr, HUGE_SIZE, 7));
	munmap(addr, EACH);
	close(fd);
}

TEST_F(numa, mbind_moves_untouched_pages)
{
	int fd, around = set_fault_around(1);
	char *addr;

	ASSERT_EQ(0, vp_run_on_node(0));
	ASSERT_TRUE(all_clean(self->nodes));
	addr = vp_open_map(POOL, EACH, &fd);
	ASSERT_NE(MAP_FAILED, addr);
	EXPECT_EQ(EACH, node_bytes(0, "used"));
	vp_fill(addr, HUGE_SIZE, 7);
	ASSERT_EQ(0, vp_mapping_policy(addr, EACH, MPOL_BIND, 1 << 1));
	/* A page that was touched stays. */
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/node0/used_bytes",
				  HUGE_SIZE));
	EXPECT_EQ(EACH - HUGE_SIZE, node_bytes(1, "used"));
	EXPECT_TRUE(vp_is_filled(addr, HUGE_SIZE, 7));
	EXPECT_TRUE(vp_is_zero(addr + HUGE_SIZE, EACH - HUGE_SIZE));
	vp_fill(addr, EACH, 8);
	EXPECT_TRUE(vp_is_filled(addr, EACH, 8));
	EXPECT_EQ(EACH, vp_sysfs_u64(POOL, "memory/used_bytes"));
	munmap(addr, EACH);
	close(fd);
	EXPECT_TRUE(vp_wait_idle(POOL));
	EXPECT_TRUE(vp_accounting_ok(self->ctl, POOL));
	if (around)
		set_fault_around(around);
}

TEST_F(numa, mbind_of_a_part)
{
	char *addr;
	int fd;

	ASSERT_EQ(0, vp_run_on_node(0));
	ASSERT_TRUE(all_clean(self->nodes));
	addr = vp_open_map(POOL, EACH, &fd);
	ASSERT_NE(MAP_FAILED, addr);
	ASSERT_EQ(0, vp_mapping_policy(addr + HUGE_SIZE, HUGE_SIZE, MPOL_BIND,
				    1 << 1));
	EXPECT_EQ(HUGE_SIZE, node_bytes(1, "used"));
	ASSERT_EQ(0, vp_mapping_policy(addr, EACH, MPOL_INTERLEAVE, 3));
	EXPECT_EQ(EACH / 2, node_bytes(1, "used"));
	ASSERT_EQ(0, vp_mapping_policy(addr, EACH, MPOL_PREFERRED, 1));
	EXPECT_EQ(EACH, node_bytes(0, "used"));
	EXPECT_TRUE(vp_is_zero(addr, EACH));
	munmap(addr, EACH);
	close(fd);
}

TEST_F(numa, mbind_without_enough_memory)
{
	int fd, taken = vp_open(POOL);
	char *addr;

	ASSERT_EQ(0, commit_on(taken, EACH, 1));
	addr = vp_open_map(POOL, EACH, &fd);
	ASSERT_NE(MAP_FAILED, addr);
	EXPECT_EQ(-ENOMEM, vp_mapping_policy(addr, EACH, MPOL_BIND, 1 << 1));
	EXPECT_TRUE(vp_reason_has(fd, "free on node 1, which the memory policy"));
	/* MPOL_PREFERRED succeeds without enough memory. */
	EXPECT_EQ(0, vp_mapping_policy(addr, EACH, MPOL_PREFERRED, 1 << 1));
	EXPECT_EQ(2 * EACH, vp_sysfs_u64(POOL, "memory/used_bytes"));
	EXPECT_TRUE(vp_is_zero(addr, EACH));
	munmap(addr, EACH);
	close(fd);
	close(taken);
}

/*
 * A failed mbind(2) sets the message of the descriptor that made the mapping, even after
 * another descriptor of the region was mapped and closed.
 */
TEST_F(numa, message_goes_to_the_descriptor_of_the_mapping)
{
	int fd, other, taken = vp_open(POOL);
	char *addr, *second, path[64];

	ASSERT_EQ(0, commit_on(taken, EACH, 1));
	addr = vp_open_map(POOL, EACH, &fd);
	ASSERT_NE(MAP_FAILED, addr);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	other = open(path, O_RDWR);
	ASSERT_LE(0, other);
	second = mmap(NULL, EACH, PROT_READ | PROT_WRITE, MAP_SHARED, other, 0);
	ASSERT_NE(MAP_FAILED, second);
	munmap(second, EACH);
	close(other);
	EXPECT_EQ(-ENOMEM, vp_mapping_policy(addr, EACH, MPOL_BIND, 1 << 1));
	EXPECT_TRUE(vp_reason_has(fd, "free on node 1, which the memory policy"));
	munmap(addr, EACH);
	close(fd);
	close(taken);
}

#define CGROUP "/sys/fs/cgroup/vpool-numa"

static int in_cpuset(void *arg)
{
	__u64 bytes = EACH;
	int fd = vp_open(POOL);

	if (vp_write_file(CGROUP "/cgroup.procs", "0") || vp_run_on_node(0))
		return 77;
	if (vp_commit(fd, &bytes) || node_bytes(1, "used") != EACH)
		return 1;
	close(fd);
	fd = vp_open(POOL);
	if (commit_on(fd, HUGE_SIZE, 0) != -EPERM)
		return 2;
	if (!vp_reason_has(fd, "cpuset allows memory of node 1, not of node 0"))
		return 3;
	return 0;
}

TEST_F(numa, cpuset_restricts_the_nodes)
{
	int err;

	vp_write_file("/sys/fs/cgroup/cgroup.subtree_control", "+cpuset");
	mkdir(CGROUP, 0755);
	if (vp_write_file(CGROUP "/cpuset.mems", "1"))
		SKIP(return, "no cgroup v2 with a cpuset controller here");
	err = vp_in_child(in_cpuset, NULL);
	EXPECT_EQ(0, err);
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/used_bytes", 0));
	rmdir(CGROUP);
}

#define OTHER "numa-other"

/* Memory is near the pool's CPUs, not near the CPU on which the creator runs. */
TEST_F(numa, memory_is_near_the_cpus)
{
	struct vp_request req;
	char list[32];
	int cpu;

	if (vp_lacks_cpus())
		SKIP(return, "%s", vp_lacks_cpus());
	vp_destroy(self->ctl, OTHER, VPOOL_DESTROY_FORCE);
	ASSERT_EQ(0, vp_run_on_node(0));
	cpu = vp_cpu_of(1);
	snprintf(list, sizeof(list), "%d", cpu);
	ASSERT_EQ(0, vp_create(self->ctl, OTHER, 4 * HUGE_SIZE, 0, list));
	EXPECT_EQ(4 * HUGE_SIZE, vp_node_bytes(OTHER, 1, "total"));
	ASSERT_EQ(0, vp_destroy(self->ctl, OTHER, 0));
	/* With CPUs of two nodes, each node provides its share of the memory. */
	snprintf(list, sizeof(list), "%d-%d", cpu - 1, cpu);
	ASSERT_EQ(0, vp_create(self->ctl, OTHER, 4 * HUGE_SIZE, 0, list));
	EXPECT_EQ(2 * HUGE_SIZE, vp_node_bytes(OTHER, 1, "total"));
	ASSERT_EQ(0, vp_destroy(self->ctl, OTHER, 0));
	/* A request for CPUs by number does the same. */
	vp_request_init(&req, OTHER);
	vp_request_mem(&req, 4 * HUGE_SIZE, VPOOL_ANY_NODE);
	req.create.nr_cpus = 1;
	req.create.cpus_node = 1;
	ASSERT_EQ(0, vp_request_send(self->ctl, &req));
	EXPECT_EQ(4 * HUGE_SIZE, vp_node_bytes(OTHER, 1, "total"));
	ASSERT_EQ(0, vp_destroy(self->ctl, OTHER, 0));
}

#define FLOOR "/sys/module/vpool/parameters/host_mem_floor"

/* The host has enough memory, but the node must keep its part of the floor. */
TEST_F(numa, each_node_has_a_floor)
{
	__u64 available = vp_meminfo("MemAvailable");
	char before[32], floor[32];
	struct vp_request req;

	ASSERT_EQ(0, vp_read_file(FLOOR, before, sizeof(before)));
	snprintf(floor, sizeof(floor), "%llu", available / 2 / MIB);
	ASSERT_EQ(0, vp_write_file(FLOOR, floor));
	vp_request_init(&req, OTHER);
	req.create.flags = VPOOL_CREATE_DRY_RUN;
	vp_request_mem(&req, vp_node_meminfo(1, "MemTotal") / 4 * 3, VPOOL_ANY_NODE);
	EXPECT_EQ(0, vp_request_send(self->ctl, &req))
		TH_LOG("%s", vp_reason(self->ctl));
	req.mem[0].node = 1;
	EXPECT_EQ(-ENOMEM, vp_request_send(self->ctl, &req));
	EXPECT_TRUE(vp_reason_has(self->ctl, "node 1"));
	EXPECT_TRUE(vp_reason_has(self->ctl, "host_mem_floor"));
	/* A real create fails in the same way. */
	req.create.flags = 0;
	EXPECT_EQ(-ENOMEM, vp_request_send(self->ctl, &req));
	EXPECT_TRUE(vp_reason_has(self->ctl, "host_mem_floor"));
	EXPECT_EQ(0, vp_write_file(FLOOR, before));
}

#define TAKEN (24 * MIB)
#define SMALL (32 * MIB)
#define LARGE (64 * MIB)

/* This never fails: the resize leaves the pool at least this much memory. */
static void commit_on_node_0(void)
{
	int fd = vp_open(POOL);

	if (commit_on(fd, TAKEN, 0))
		_exit(1);
	close(fd);
}

/* Memory reserved for a region is not returned to the host. */
TEST_F(numa, reserved_memory_stays_while_the_node_shrinks)
{
	struct vp_worker taker;
	int i, iterations = vp_scale(100);
	struct vp_request req;
	__u64 bytes;

	/* Small pages make the reservation slow. */
	vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	vp_request_init(&req, POOL);
	req.create.page_size = BASE;
	vp_request_mem(&req, LARGE, 0);
	ASSERT_EQ(0, vp_request_send(self->ctl, &req));
	taker = vp_worker_start(commit_on_node_0);
	for (i = 0; i < iterations; i++) {
		bytes = i % 2 ? LARGE : SMALL;
		ASSERT_EQ(0, vp_resize(self->ctl, POOL, &bytes, 0));
		ASSERT_EQ(i % 2 ? LARGE : SMALL, node_bytes(0, "total"));
	}
	EXPECT_EQ(0, waitpid(taker.pid, NULL, WNOHANG));
	vp_worker_stop(&taker);
	EXPECT_TRUE(vp_wait_idle(POOL));
	EXPECT_TRUE(vp_accounting_ok(self->ctl, POOL));
}

TEST_HARNESS_MAIN
