// SPDX-License-Identifier: GPL-2.0
/*
 * Run every call with its first allocation or copy failing, then with its second,
 * and so on until none fails. Each time the call must succeed, or fail and change
 * nothing. VPOOL_FAULTS=all tries every one, otherwise only some after the first 16.
 *
 * Slab and page allocations and copies from and to userspace fail, in the calling
 * thread: see "fail-nth" in the kernel's
 * Documentation/fault-injection/fault-injection.rst.
 */
#include <dirent.h>
#include <fcntl.h>
#include <linux/vpool.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "kselftest_harness.h"
#include "lib/file.h"
#include "lib/host.h"
#include "lib/memory.h"
#include "lib/pool.h"
#include "lib/task.h"

#define POOL "fault-pool"
#define INJECT "/sys/kernel/debug/"
#define SIZE (4 * HUGE_SIZE)
#define LARGE (64 * MIB)
/* More than the allocations and copies of any call. */
#define MAX_FAILURES 5000

/* State of a test. */
struct state {
	int ctl;
	int fd;
	void *addr;
	int nth;
};

FIXTURE(fault)
{
	struct state state;
};

/**
 * struct op - an operation under fault injection
 * @before: prepares it, or NULL
 * @act: runs it, returns 0 or a negative errno
 * @after: checks the state after @act returned @err, cleans up, returns whether the
 *	state was right
 * @slow: the operation takes seconds on the debug kernel, which therefore runs it only
 *	with VPOOL_FAULTS=all, and then fails only one in 7 of its allocations
 * @last: fail only this number of its allocations, or 0 for all
 */
struct op {
	bool (*before)(struct state *self);
	int (*act)(struct state *self);
	bool (*after)(struct state *self, int err);
	bool slow;
	int last;
};

FIXTURE_VARIANT(fault)
{
	struct op op;
};

static int set_fault_attr(const char *what, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), INJECT "%s", what);
	return vp_write_file(path, value);
}

FIXTURE_SETUP(fault)
{
	if (access("/proc/thread-self/fail-nth", W_OK))
		SKIP(return, "needs CONFIG_FAULT_INJECTION");
	/* Inject failures without a message in the log, also where an allocation may sleep. */
	ASSERT_EQ(0, set_fault_attr("failslab/verbose", "0"));
	ASSERT_EQ(0, set_fault_attr("failslab/ignore-gfp-wait", "N"));
	ASSERT_EQ(0, set_fault_attr("fail_page_alloc/verbose", "0"));
	ASSERT_EQ(0, set_fault_attr("fail_page_alloc/ignore-gfp-wait", "N"));
	ASSERT_EQ(0, set_fault_attr("fail_page_alloc/ignore-gfp-highmem", "N"));
	ASSERT_EQ(0, set_fault_attr("fail_page_alloc/min-order", "0"));
	ASSERT_EQ(0, set_fault_attr("fail_usercopy/verbose", "0"));
	if (vp_lacks_cpus())
		SKIP(return, "%s", vp_lacks_cpus());
	self->state.ctl = vp_control();
	ASSERT_LE(0, self->state.ctl);
	vp_destroy(self->state.ctl, POOL, VPOOL_DESTROY_FORCE);
	self->state.fd = -1;
}

FIXTURE_TEARDOWN(fault)
{
	close(self->state.fd);
	vp_destroy(self->state.ctl, POOL, VPOOL_DESTROY_FORCE);
	close(self->state.ctl);
}

/* Check whether @err is valid after a failed allocation or copy. */
static bool is_plausible(int err)
{
	switch (err) {
	case 0:
	case -ENOMEM:
	case -EFAULT:
	case -EAGAIN:
	case -ENOSPC:
	case -EBUSY:
		return true;
	}
	return false;
}

/* Check whether an injected failure happened: the kernel counts fail-nth down to 0. */
static bool has_failed(struct state *self)
{
	char text[16] = "";
	int left = 1;

	/* The injected failure may hit this read or write, too. */
	if (pread(self->nth, text, sizeof(text) - 1, 0) > 0)
		left = atoi(text);
	if (pwrite(self->nth, "0", 1, 0) != 1)
		pwrite(self->nth, "0", 1, 0);
	return !left;
}

static bool all_wanted(void)
{
	const char *which = getenv("VPOOL_FAULTS");

	return which && !strcmp(which, "all");
}

/* Return the next failure to inject: the first 16, then all of them or one in 7. */
static int next(const struct op *op, int n)
{
	if (n < 16 || (all_wanted() && !(op->slow && vp_is_debug())))
		return n + 1;
	return n + 7;
}

/*
 * Unregister the rseq area of this thread. When the thread was preempted, the kernel writes
 * to that area before the thread returns to userspace, and sends SIGSEGV if it cannot.
 * After a fork the write must copy the page, and the injected failure may hit that
 * allocation. The C library tells the size of the area's fields, but not the size that it
 * registered: try all.
 */
static bool unregister_rseq(void)
{
	char *area = (char *)__builtin_thread_pointer() + __rseq_offset;
	unsigned int size;

	if (!__rseq_size)
		return true;
	for (size = 4; size <= 4096; size += 4)
		if (!syscall(SYS_rseq, area, size, RSEQ_FLAG_UNREGISTER,
			     RSEQ_SIG))
			return true;
	perror("# cannot unregister rseq");
	return false;
}

/* Return the number of failures that were injected, or -1. */
static int sweep(struct state *self, const struct op *op)
{
	char text[16];
	int n, err, nr = 0;

	/* Read the page size now: an injected failure could hit its first use. */
	if (vp_page_size(true) == VP_NONE || !unregister_rseq())
		return -1;
	/*
	 * Open the file of this thread: the test runs in a child of the process that
	 * set it up.
	 */
	self->nth = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	for (n = 1; self->nth >= 0 && n < MAX_FAILURES; n = next(op, n)) {
		if (op->last && n > op->last)
			return nr;
		if (op->before && !op->before(self)) {
			fprintf(stderr, "# %d: not set up\n", n);
			return -1;
		}
		snprintf(text, sizeof(text), "%d", n);
		if (pwrite(self->nth, text, strlen(text), 0) < 0) {
			perror("# fail-nth");
			return -1;
		}
		err = op->act(self);
		if (!has_failed(self)) {
			if (err)
				fprintf(stderr, "# without a failure: %s\n",
					strerror(-err));
			return op->after(self, err) && !err ? nr : -1;
		}
		nr++;
		if (!op->after(self, err) || !is_plausible(err)) {
			fprintf(stderr, "# wrong state after failure %d: %s\n", n,
				strerror(-err));
			return -1;
		}
	}
	return -1;
}

/* Steps that several operations share. */

static bool pool_exists(struct state *self)
{
	return !vp_create(self->ctl, POOL, SIZE, 0, "2-3") &&
		vp_sysfs_wait(POOL, "memory/clean_bytes", SIZE);
}

static bool region_exists(struct state *self)
{
	if (!pool_exists(self))
		return false;
	self->fd = vp_open(POOL);
	return self->fd >= 0;
}

static bool committed(struct state *self)
{
	__u64 bytes = SIZE;

	return region_exists(self) && !vp_commit(self->fd, &bytes);
}

static bool mapped(struct state *self)
{
	if (!committed(self))
		return false;
	self->addr = vp_map(self->fd, SIZE, 0);
	return self->addr != MAP_FAILED;
}

static bool is_member(struct state *self)
{
	return region_exists(self) &&
		!vp_attach(self->fd, VPOOL_ATTACH_PROCESS);
}

/* Print @what if the condition @so is false. */
static bool check(bool so, const char *what)
{
	if (!so)
		fprintf(stderr, "# false: %s\n", what);
	return so;
}

#define CHECK(so) check(so, #so)

static bool nothing_in_use(struct state *self)
{
	if (self->addr)
		munmap(self->addr, SIZE);
	self->addr = NULL;
	close(self->fd);
	self->fd = -1;
	return CHECK(vp_sysfs_wait(POOL, "memory/used_bytes", 0)) &&
		CHECK(vp_sysfs_wait(POOL, "cpus/members", 0)) &&
		CHECK(vp_sysfs_wait(POOL, "memory/regions", 0)) &&
		CHECK(vp_accounting_ok(self->ctl, POOL)) &&
		CHECK(!vp_destroy_wait(self->ctl, POOL)) &&
		CHECK(!vp_exists(POOL));
}

static bool nothing_changed(struct state *self, int err)
{
	return nothing_in_use(self);
}

/* The pool exists completely or not at all. */
static bool created_if_done(struct state *self, int err)
{
	if (vp_exists(POOL) && err == -EFAULT)
		/* The kernel created the pool, but could not copy the result. */
		err = 0;
	if (err)
		return !vp_exists(POOL);
	return vp_sysfs_u64(POOL, "memory/total_bytes") == SIZE &&
		nothing_in_use(self);
}

static bool gone_if_done(struct state *self, int err)
{
	if (!err)
		return !vp_exists(POOL);
	return nothing_in_use(self);
}

/* The pool was resized completely or not at all. */
static bool resized_if_done(struct state *self, int err)
{
	bool is = vp_sysfs_u64(POOL, "memory/total_bytes") != SIZE;

	return (is == !err || err == -EFAULT) && nothing_in_use(self);
}

static int create(struct state *self)
{
	return vp_create(self->ctl, POOL, SIZE, 0, "2-3");
}

/* A request for which the module starts helpers, before it allocates the pages. */
static int create_large(struct state *self)
{
	return vp_create(self->ctl, POOL, LARGE, 4096, "2-3");
}

static bool large_if_done(struct state *self, int err)
{
	if (vp_exists(POOL) && err == -EFAULT)
		err = 0;
	if (err)
		return !vp_exists(POOL);
	return vp_sysfs_u64(POOL, "memory/total_bytes") == LARGE &&
		nothing_in_use(self);
}

static int destroy(struct state *self)
{
	return vp_destroy(self->ctl, POOL, 0);
}

static int grow(struct state *self)
{
	__u64 bytes = 2 * SIZE;

	return vp_resize(self->ctl, POOL, &bytes, VPOOL_ANY_NODE);
}

static int shrink(struct state *self)
{
	__u64 bytes = HUGE_SIZE;

	return vp_resize(self->ctl, POOL, &bytes, VPOOL_ANY_NODE);
}

static int other_cpus(struct state *self)
{
	return vp_resize_cpus(self->ctl, POOL, "1-2", 0);
}

static int open_node(struct state *self)
{
	self->fd = vp_open(POOL);
	return self->fd < 0 ? self->fd : 0;
}

static bool no_state_to_check(struct state *self, int err)
{
	return true;
}

static int open_control(struct state *self)
{
	int fd = vp_control();

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

static int commit(struct state *self)
{
	__u64 bytes = SIZE;

	return vp_commit(self->fd, &bytes);
}

static int map(struct state *self)
{
	self->addr = vp_map(self->fd, SIZE, 0);
	if (self->addr != MAP_FAILED)
		return 0;
	self->addr = NULL;
	return -errno;
}

static int populate(struct state *self)
{
	struct vpool_commit cmd = {
		.size = sizeof(cmd),
		.flags = VPOOL_COMMIT_POPULATE,
		.bytes = SIZE,
	};
	int err = vp_ioctl(self->fd, VPOOL_COMMIT, &cmd);

	return err ?: map(self);
}

static int touch(struct state *self)
{
	__u64 at;

	for (at = 0; at < SIZE; at += HUGE_SIZE)
		if (vp_touch((char *)self->addr + at, true))
			return -EFAULT;
	return 0;
}

static int attach_thread(struct state *self)
{
	return vp_attach(self->fd, 0);
}

static int attach_process(struct state *self)
{
	return vp_attach(self->fd, VPOOL_ATTACH_PROCESS);
}

static int attach_dedicated(struct state *self)
{
	int cpu = -1;

	return vp_attach_task(self->fd, VPOOL_SELF, 0, 0, &cpu);
}

static int detach(struct state *self)
{
	return vp_detach(self->fd, VPOOL_ATTACH_PROCESS);
}

/*
 * The task is a member if the attach succeeded, or if only copying the result failed.
 */
static bool member_if_done(struct state *self, int err)
{
	bool is = vp_sysfs_u64(POOL, "cpus/members");

	if (is == !!err && err != -EFAULT)
		return false;
	if (is)
		vp_detach(self->fd, VPOOL_ATTACH_PROCESS);
	return nothing_in_use(self);
}

static bool detached_if_done(struct state *self, int err)
{
	bool is = vp_sysfs_u64(POOL, "cpus/members");

	if (is)
		vp_detach(self->fd, VPOOL_ATTACH_PROCESS);
	return is == !!err && nothing_in_use(self);
}

/* The child is a member, or the fork failed. */
static int fork_member(struct state *self)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (!pid)
		_exit(!vp_is_member(self->fd, getpid(), getpid()));
	if (waitpid(pid, &status, 0) != pid)
		return -errno;
	return status ? -EINVAL : 0;
}

static bool not_a_member(struct state *self, int err)
{
	vp_detach(self->fd, VPOOL_ATTACH_PROCESS);
	return nothing_in_use(self);
}

static int query_all(struct state *self)
{
	struct vpool_member_info members[4];
	struct vpool_list_entry pools[64];
	struct vpool_node_info nodes[64];
	struct vpool_region_info regions[4];
	__u64 mask[1024 / 64];
	struct vpool_query query = {
		.nodes_uptr = (uintptr_t)nodes,
		.nr_nodes = ARRAY_SIZE(nodes),
		.cpus_uptr = (uintptr_t)mask,
		.cpus_bytes = sizeof(mask),
	};
	struct vpool_members cmd = {
		.size = sizeof(cmd),
		.nr = ARRAY_SIZE(members),
		.members_uptr = (uintptr_t)members,
	};
	__u32 nr = ARRAY_SIZE(pools);
	int err;

	err = vp_query(self->fd, NULL, &query);
	if (!err)
		err = vp_list(self->ctl, pools, &nr);
	nr = ARRAY_SIZE(regions);
	if (!err)
		err = vp_regions(self->fd, NULL, regions, &nr);
	return err ?: vp_ioctl(self->fd, VPOOL_MEMBERS, &cmd);
}

static int read_all_of_sysfs(struct state *self)
{
	static const char * const files[] = {
		"id", "state", "cpus/assigned", "cpus/members",
		"memory/total_bytes", "memory/node0/free_bytes", "stat/allocs",
	};
	char text[256];
	int i, err = 0;

	for (i = 0; i < ARRAY_SIZE(files) && !err; i++)
		err = vp_sysfs(POOL, files[i], text, sizeof(text));
	return err;
}

static int destroy_by_force(struct state *self)
{
	return vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
}

static bool revoked_if_done(struct state *self, int err)
{
	if (err)
		return nothing_in_use(self);
	if (!CHECK(!vp_exists(POOL)) ||
	    !CHECK(vp_touch(self->addr, false) == SIGBUS))
		return false;
	munmap(self->addr, SIZE);
	self->addr = NULL;
	close(self->fd);
	self->fd = -1;
	return true;
}

static int write_online(const char *value)
{
	int fd = open("/sys/devices/system/cpu/cpu3/online", O_WRONLY), err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, value, 1) != 1)
		err = -errno;
	close(fd);
	return err;
}

static int offline_and_online(struct state *self)
{
	int err = write_online("0");

	return err ?: write_online("1");
}

static bool online_again(struct state *self, int err)
{
	write_online("1");
	vp_detach(self->fd, VPOOL_ATTACH_PROCESS);
	return nothing_in_use(self);
}

/* Change the module's parameters, so that each load differs. */

static bool unloaded(struct state *self)
{
	close(self->ctl);
	self->ctl = -1;
	self->fd = open(getenv("VPOOL_KO"), O_RDONLY | O_CLOEXEC);
	return self->fd >= 0 && !syscall(SYS_delete_module, "vpool", 0);
}

static int load(struct state *self)
{
	return syscall(SYS_finit_module, self->fd, "", 0) ? -errno : 0;
}

static bool loaded_if_done(struct state *self, int err)
{
	if (!access(VP_CONTROL, F_OK) != !err)
		return false;
	if (err && load(self))
		return false;
	close(self->fd);
	self->fd = -1;
	self->ctl = vp_control();
	return self->ctl >= 0;
}

FIXTURE_VARIANT_ADD(fault, open_control)
{
	.op.act = open_control,
	.op.after = no_state_to_check,
};

FIXTURE_VARIANT_ADD(fault, create)
{
	.op.act = create,
	.op.after = created_if_done,
};

FIXTURE_VARIANT_ADD(fault, create_large)
{
	.op.act = create_large,
	.op.after = large_if_done,
	.op.last = 100,
};

FIXTURE_VARIANT_ADD(fault, destroy)
{
	.op.before = pool_exists,
	.op.act = destroy,
	.op.after = gone_if_done,
};

FIXTURE_VARIANT_ADD(fault, destroy_by_force)
{
	.op.before = mapped,
	.op.act = destroy_by_force,
	.op.after = revoked_if_done,
};

FIXTURE_VARIANT_ADD(fault, grow)
{
	.op.before = pool_exists,
	.op.act = grow,
	.op.after = resized_if_done,
};

FIXTURE_VARIANT_ADD(fault, shrink)
{
	.op.before = pool_exists,
	.op.act = shrink,
	.op.after = resized_if_done,
};

FIXTURE_VARIANT_ADD(fault, open)
{
	.op.before = pool_exists,
	.op.act = open_node,
	.op.after = nothing_changed,
};

FIXTURE_VARIANT_ADD(fault, commit)
{
	.op.before = region_exists,
	.op.act = commit,
	.op.after = nothing_changed,
};

FIXTURE_VARIANT_ADD(fault, map)
{
	.op.before = committed,
	.op.act = map,
	.op.after = nothing_changed,
};

FIXTURE_VARIANT_ADD(fault, map_without_commit)
{
	.op.before = region_exists,
	.op.act = map,
	.op.after = nothing_changed,
};

FIXTURE_VARIANT_ADD(fault, populate)
{
	.op.before = region_exists,
	.op.act = populate,
	.op.after = nothing_changed,
};

FIXTURE_VARIANT_ADD(fault, touch)
{
	.op.before = mapped,
	.op.act = touch,
	.op.after = nothing_changed,
};

FIXTURE_VARIANT_ADD(fault, query_all)
{
	.op.before = region_exists,
	.op.act = query_all,
	.op.after = nothing_changed,
};

FIXTURE_VARIANT_ADD(fault, sysfs)
{
	.op.before = pool_exists,
	.op.act = read_all_of_sysfs,
	.op.after = nothing_changed,
};

FIXTURE_VARIANT_ADD(fault, other_cpus)
{
	.op.before = is_member,
	.op.act = other_cpus,
	.op.after = not_a_member,
};

FIXTURE_VARIANT_ADD(fault, attach_thread)
{
	.op.before = region_exists,
	.op.act = attach_thread,
	.op.after = member_if_done,
};

FIXTURE_VARIANT_ADD(fault, attach_process)
{
	.op.before = region_exists,
	.op.act = attach_process,
	.op.after = member_if_done,
};

FIXTURE_VARIANT_ADD(fault, attach_dedicated)
{
	.op.before = region_exists,
	.op.act = attach_dedicated,
	.op.after = member_if_done,
};

FIXTURE_VARIANT_ADD(fault, detach)
{
	.op.before = is_member,
	.op.act = detach,
	.op.after = detached_if_done,
};

FIXTURE_VARIANT_ADD(fault, fork)
{
	.op.before = is_member,
	.op.act = fork_member,
	.op.after = not_a_member,
};

FIXTURE_VARIANT_ADD(fault, hotplug)
{
	.op.before = is_member,
	.op.act = offline_and_online,
	.op.after = online_again,
};

FIXTURE_VARIANT_ADD(fault, load)
{
	.op.before = unloaded,
	.op.act = load,
	.op.after = loaded_if_done,
	.op.slow = true,
};

TEST_F_TIMEOUT(fault, sweep, 3600)
{
	int nr;

	if (variant->op.before == unloaded && !getenv("VPOOL_KO"))
		SKIP(return, "VPOOL_KO names no module to load");
	if (variant->op.slow && !all_wanted())
		SKIP(return, "takes half an hour, run it with VPOOL_FAULTS=all");
	nr = sweep(&self->state, &variant->op);
	EXPECT_LE(0, nr);
	TH_LOG("cases: %d of an allocation or a copy that fails", nr);
}

TEST_HARNESS_MAIN
