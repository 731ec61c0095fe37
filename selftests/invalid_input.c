// SPDX-License-Identifier: GPL-2.0
/* An invalid request fails with its errno and a message, and changes nothing. */
#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/vpool.h>
#include <sched.h>
#include <sys/mman.h>

#include "kselftest_harness.h"
#include "lib/file.h"
#include "lib/host.h"
#include "lib/memory.h"
#include "lib/pool.h"
#include "lib/task.h"

#define TAKEN "bad-db"
#define NEW "bad-new"
#define CPU_2 "/sys/devices/system/cpu/cpu2/online"
#define MAX_POOLS 64

/* A valid request. Each row changes one field and makes it invalid. */
#define VALID								\
	.create = {							\
		.size = sizeof(struct vpool_create),			\
		.name = NEW,						\
		.uid = VPOOL_ID_CALLER,					\
		.gid = VPOOL_ID_CALLER,					\
		.mode = 0600,						\
		.nr_mem = 1,						\
	},								\
	.mem = { { .bytes = 1, .node = VPOOL_ANY_NODE } }

#define ROW(_err, _word, ...)						\
	{ .err = _err, .word = _word, .req = { VALID, __VA_ARGS__ } }

/* Request CPUs without memory, with a mask of one word. */
#define CPUS(_mask)							\
	.create.nr_mem = 0, .create.cpus_bytes = 8, .cpus = { _mask }

struct row {
	int err;
	const char *word;
	struct vp_request req;
};

#define A8 "aaaaaaaa"

static const struct row names[] = {
	ROW(EINVAL, "empty", .create.name = ""),
	ROW(EINVAL, "long", .create.name = A8 A8 A8 A8 "a"),
	ROW(EINVAL, "long", .create.name = A8 A8 A8 A8 A8),
	ROW(EEXIST, TAKEN, .create.name = TAKEN),
	ROW(EINVAL, "control", .create.name = "control"),
	ROW(EINVAL, "'..'", .create.name = ".."),
	ROW(EINVAL, "'.'", .create.name = "."),
	ROW(EINVAL, "a/b", .create.name = "a/b"),
	ROW(EINVAL, "/abs", .create.name = "/abs"),
	ROW(EINVAL, "Web", .create.name = "Web"),
	ROW(EINVAL, "wEb", .create.name = "wEb"),
	ROW(EINVAL, "caf", .create.name = "caf\303\251"),
	ROW(EINVAL, "name", .create.name = "\344\366\374"),
	ROW(EINVAL, "-web", .create.name = "-web"),
	ROW(EINVAL, ".web", .create.name = ".web"),
	ROW(EINVAL, "a b", .create.name = "a b"),
	ROW(EINVAL, "name", .create.name = "a\nb"),
	ROW(EINVAL, "a%sb", .create.name = "a%sb"),
};

static const struct row memory[] = {
	ROW(EINVAL, "0 bytes", .mem = { { 0, VPOOL_ANY_NODE } }),
	ROW(EINVAL, "bytes", .mem = { { ~0ULL, VPOOL_ANY_NODE } }),
	ROW(EINVAL, "bytes", .mem = { { 1ULL << 63, VPOOL_ANY_NODE } }),
	ROW(ENOMEM, "host", .mem = { { 1ULL << 62, VPOOL_ANY_NODE } }),
	ROW(ENOMEM, "host", .mem = { { 64 * 1024 * GIB, VPOOL_ANY_NODE } }),
	ROW(ENOMEM, "host", .mem = { { 64 * 1024 * GIB, 0 } }),
	ROW(EINVAL, "reserved", .mem = { { 1, VPOOL_ANY_NODE, 1 } }),
	ROW(EINVAL, "any host", .create.nr_mem = 4,
	    .mem = { { (1ULL << 62), VPOOL_ANY_NODE },
		     { (1ULL << 62), VPOOL_ANY_NODE },
		     { (1ULL << 62), VPOOL_ANY_NODE },
		     { (1ULL << 62), VPOOL_ANY_NODE } }),
	ROW(EINVAL, "memory requests", .create.nr_mem = ~0U),
	ROW(EFAULT, "memory requests", .create.mem_uptr = 8),
	ROW(EINVAL, "memory or CPUs", .create.nr_mem = 0),
	ROW(ENODEV, "node 63", .mem = { { 1, 63 } }),
	ROW(ENODEV, "node 1000000", .mem = { { 1, 1000000 } }),
	ROW(ENODEV, "node -2", .mem = { { 1, -2 } }),
};

static const struct row cpus[] = {
	ROW(EINVAL, "empty", CPUS(0)),
	ROW(ENODEV, "cpu 63", CPUS(1ULL << 63)),
	ROW(ENODEV, "cpu 1023", .create.nr_mem = 0, .create.cpus_bytes = 128,
	    .cpus = { [15] = 1ULL << 63 }),
	ROW(EBUSY, TAKEN, CPUS(1ULL << 3)),
	ROW(EBUSY, TAKEN, CPUS(1ULL << 3 | 1ULL << 2)),
	ROW(EBUSY, "cpu 0", CPUS(1ULL << 0)),
	ROW(EINVAL, "mask", .create.cpus_bytes = ~0U),
	ROW(EFAULT, "mask", .create.cpus_bytes = 8, .create.cpus_uptr = 8),
};

static const struct row fields[] = {
	ROW(EINVAL, "mode", .create.mode = 0777),
	ROW(EINVAL, "mode", .create.mode = 04600),
	ROW(EINVAL, "mode", .create.mode = 0x10000 | 0600),
	ROW(EOPNOTSUPP, "3 bytes", .create.page_size = 3),
	ROW(EOPNOTSUPP, "3145728", .create.page_size = 3 * MIB),
	ROW(EOPNOTSUPP, "1099511627776", .create.page_size = 1024 * GIB),
	ROW(EOPNOTSUPP, "flags", .create.flags = 1U << 31),
	ROW(EINVAL, "reserved", .create.__reserved = 1),
};

/* The state before an invalid request, which must be the same after it. */
struct state {
	__u32 nr;
	struct vpool_list_entry pool[MAX_POOLS];
	int nodes;
	int dirs;
};

FIXTURE(invalid)
{
	int ctl;
	struct state before;
};

FIXTURE_VARIANT(invalid)
{
	const struct row *rows;
	size_t nr;
};

FIXTURE_VARIANT_ADD(invalid, name)
{
	.rows = names,
	.nr = ARRAY_SIZE(names),
};

FIXTURE_VARIANT_ADD(invalid, memory)
{
	.rows = memory,
	.nr = ARRAY_SIZE(memory),
};

FIXTURE_VARIANT_ADD(invalid, cpus)
{
	.rows = cpus,
	.nr = ARRAY_SIZE(cpus),
};

FIXTURE_VARIANT_ADD(invalid, field)
{
	.rows = fields,
	.nr = ARRAY_SIZE(fields),
};

static int count_files(const char *path)
{
	DIR *dir = opendir(path);
	int nr = 0;

	if (!dir)
		return -errno;
	while (readdir(dir))
		nr++;
	closedir(dir);
	return nr;
}

static void read_state(int ctl, struct state *state)
{
	memset(state, 0, sizeof(*state));
	state->nr = MAX_POOLS;
	vp_list(ctl, state->pool, &state->nr);
	state->nodes = count_files("/dev/vpool");
	state->dirs = count_files(VP_POOLS);
}

static bool is_as_before(int ctl, const struct state *before)
{
	struct state now;

	read_state(ctl, &now);
	return !memcmp(&now, before, sizeof(now));
}

/* Create a pool with CPU 3 and some memory. The other CPUs stay available. */
static int take(int ctl)
{
	vp_destroy(ctl, TAKEN, VPOOL_DESTROY_FORCE);
	vp_destroy(ctl, NEW, VPOOL_DESTROY_FORCE);
	return vp_create(ctl, TAKEN, 2 * HUGE_SIZE, 0, "3");
}

FIXTURE_SETUP(invalid)
{
	if (vp_lacks_cpus())
		SKIP(return, "%s", vp_lacks_cpus());
	self->ctl = vp_control();
	ASSERT_LE(0, self->ctl);
	ASSERT_EQ(0, take(self->ctl));
	read_state(self->ctl, &self->before);
}

FIXTURE_TEARDOWN(invalid)
{
	EXPECT_EQ(0, vp_destroy(self->ctl, TAKEN, 0));
	close(self->ctl);
}

/* Reopen the control device, so that no message of an earlier call is left. */
static void try_row(struct __test_metadata *_metadata, const struct row *row,
		    __u32 flags)
{
	struct vp_request req = row->req;
	int ctl = vp_control();

	ASSERT_LE(0, ctl);
	req.create.flags |= flags;
	EXPECT_EQ(-row->err, vp_request_send(ctl, &req))
		TH_LOG("'%.40s', reason '%s', flags %x", req.create.name,
		       vp_reason(ctl), flags);
	EXPECT_TRUE(vp_reason_has(ctl, row->word));
	close(ctl);
}

TEST_F(invalid, changes_nothing)
{
	size_t i;

	for (i = 0; i < variant->nr; i++) {
		try_row(_metadata, &variant->rows[i], 0);
		EXPECT_TRUE(is_as_before(self->ctl, &self->before))
			TH_LOG("row %zu changed something", i);
	}
	/* The memory and the CPUs of the failed requests are still available. */
	EXPECT_EQ(0, vp_create(self->ctl, NEW, HUGE_SIZE, 0, "1-2"));
	EXPECT_EQ(0, vp_destroy(self->ctl, NEW, 0));
}

TEST_F(invalid, dry_run_fails_in_the_same_way)
{
	size_t i;

	for (i = 0; i < variant->nr; i++)
		/* A dry run cannot tell which node is short. */
		if (variant->rows[i].err != ENOMEM)
			try_row(_metadata, &variant->rows[i],
				VPOOL_CREATE_DRY_RUN);
	EXPECT_TRUE(is_as_before(self->ctl, &self->before));
}

/* Invalid requests that a table row cannot describe. */
FIXTURE(invalid_call)
{
	int ctl;
	struct state before;
};

FIXTURE_SETUP(invalid_call)
{
	if (vp_lacks_cpus())
		SKIP(return, "%s", vp_lacks_cpus());
	self->ctl = vp_control();
	ASSERT_LE(0, self->ctl);
	ASSERT_EQ(0, take(self->ctl));
	read_state(self->ctl, &self->before);
}

FIXTURE_TEARDOWN(invalid_call)
{
	EXPECT_TRUE(is_as_before(self->ctl, &self->before));
	EXPECT_EQ(0, vp_destroy(self->ctl, TAKEN, 0));
	close(self->ctl);
}

TEST_F(invalid_call, offline_cpu)
{
	if (vp_write_file(CPU_2, "0"))
		SKIP(return, "cpu 2 cannot be taken offline here");
	EXPECT_EQ(-ENODEV, vp_create(self->ctl, NEW, 0, 0, "2"));
	EXPECT_TRUE(vp_reason_has(self->ctl, "cpu 2"));
	EXPECT_EQ(-ENODEV, vp_create(self->ctl, NEW, 0, 0, "1-2"));
	EXPECT_EQ(0, vp_write_file(CPU_2, "1"));
	EXPECT_EQ(0, vp_create(self->ctl, NEW, 0, 0, "2"));
	EXPECT_EQ(0, vp_destroy(self->ctl, NEW, 0));
}

TEST_F(invalid_call, all_cpus)
{
	struct vp_request req;

	if (vp_online_cpus() > 4)
		SKIP(return, "needs exactly 4 CPUs");
	ASSERT_EQ(0, vp_destroy(self->ctl, TAKEN, 0));
	vp_request_init(&req, NEW);
	vp_request_cpus(&req, "0-3");
	req.create.flags = VPOOL_CREATE_BOOT_CORE | VPOOL_CREATE_SPLIT_CORES;
	EXPECT_EQ(-EBUSY, vp_request_send(self->ctl, &req));
	EXPECT_TRUE(vp_reason_has(self->ctl, "host"));
	/* With one CPU left to the host, a pool may have the boot core. */
	vp_request_cpus(&req, "0-2");
	EXPECT_EQ(0, vp_request_send(self->ctl, &req));
	EXPECT_EQ(0, vp_destroy(self->ctl, NEW, 0));
	ASSERT_EQ(0, take(self->ctl));
	read_state(self->ctl, &self->before);
}

/*
 * A size that is not a multiple of the page size is valid: the call rounds it up and
 * returns the result.
 */
TEST_F(invalid_call, odd_sizes_are_rounded_up)
{
	const struct {
		__u64 page_size, asked, given;
	} row[] = {
		{ 0, 1, HUGE_SIZE },
		{ 0, HUGE_SIZE + 1, 2 * HUGE_SIZE },
		{ HUGE_SIZE, 3 * HUGE_SIZE - 1, 3 * HUGE_SIZE },
		{ BASE, BASE + 1, 2 * BASE },
	};
	struct vp_request req;
	int i;

	for (i = 0; i < ARRAY_SIZE(row); i++) {
		vp_request_init(&req, NEW);
		vp_request_mem(&req, row[i].asked, VPOOL_ANY_NODE);
		req.create.page_size = row[i].page_size;
		EXPECT_EQ(0, vp_request_send(self->ctl, &req));
		EXPECT_EQ(row[i].given, req.create.out_bytes);
		EXPECT_EQ(row[i].given,
			  vp_sysfs_u64(NEW, "memory/total_bytes"));
		EXPECT_EQ(0, vp_destroy(self->ctl, NEW, 0));
	}
}

/* Each node has half of the host's memory, so no node has three quarters of it. */
TEST_F(invalid_call, more_than_the_node_has)
{
	__u64 free = vp_host_free();
	struct vp_request req;

	if (!vp_has_node(1))
		SKIP(return, "needs two NUMA nodes");
	vp_request_init(&req, NEW);
	vp_request_mem(&req, vp_meminfo("MemTotal") / 4 * 3, 1);
	EXPECT_EQ(-ENOMEM, vp_request_send(self->ctl, &req));
	EXPECT_TRUE(vp_reason_has(self->ctl, "node 1"));
	/* The failed call returned the memory of both nodes to the host. */
	EXPECT_TRUE(vp_wait_host_free(free - 64 * MIB));
}

TEST_F(invalid_call, names_of_extreme_length_are_valid)
{
	static const char * const name[] = {
		A8 A8 A8 A8, "a", "0", "9._-", "a..b", "controller",
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(name); i++) {
		EXPECT_EQ(0, vp_create(self->ctl, name[i], 1, BASE, NULL))
			TH_LOG("%s: %s", name[i], vp_reason(self->ctl));
		EXPECT_TRUE(vp_exists(name[i]));
		EXPECT_EQ(0, vp_destroy(self->ctl, name[i], 0));
	}
}

TEST_F(invalid_call, destroy_of_an_unknown_pool)
{
	static const struct {
		int err;
		const char *name;
	} row[] = {
		{ ENOENT, "bad-none" },
		{ EINVAL, "" },
		{ EINVAL, "control" },
		{ EINVAL, ".." },
		{ EINVAL, A8 A8 A8 A8 A8 },
	};
	int i, err;

	for (i = 0; i < ARRAY_SIZE(row); i++) {
		err = vp_destroy(self->ctl, row[i].name, VPOOL_DESTROY_FORCE);
		/* Destroy may also answer that no pool has an invalid name. */
		EXPECT_TRUE(err == -row[i].err || err == -ENOENT)
			TH_LOG("'%.40s': %d", row[i].name, err);
		EXPECT_TRUE(vp_reason_has(self->ctl, ""));
	}
}

/* Calls without privilege. Each step runs in a child that has dropped its privilege. */
struct unprivileged {
	int ctl;
	int (*give_up)(void);
};

static int enter_user_namespace(void)
{
	return unshare(CLONE_NEWUSER) ? -errno : 0;
}

static int drop_admin(void)
{
	return vp_drop_cap(CAP_SYS_ADMIN);
}

static int drop_user(void)
{
	if (setgroups(0, NULL) || setresgid(65534, 65534, 65534) ||
	    setresuid(65534, 65534, 65534))
		return -errno;
	return 0;
}

/* Return the step that failed as the exit status, or 77 if it cannot be tried. */
static int calls_fail(void *arg)
{
	const struct unprivileged *task = arg;
	struct vpool_list_entry entry[MAX_POOLS];
	__u32 nr = MAX_POOLS;

	if (task->give_up())
		return 77;
	if (vp_create(task->ctl, NEW, HUGE_SIZE, 0, NULL) != -EPERM)
		return 1;
	if (!vp_reason_has(task->ctl, "CAP_SYS_ADMIN"))
		return 2;
	if (vp_destroy(task->ctl, TAKEN, VPOOL_DESTROY_FORCE) != -EPERM)
		return 3;
	/* Listing pools needs no privilege. */
	if (vp_list(task->ctl, entry, &nr))
		return 4;
	return 0;
}

TEST_F(invalid_call, unprivileged)
{
	static const struct {
		const char *what;
		int (*give_up)(void);
	} row[] = {
		{ "without CAP_SYS_ADMIN", drop_admin },
		{ "as another user", drop_user },
	};
	struct unprivileged task = { .ctl = self->ctl };
	int i;

	for (i = 0; i < ARRAY_SIZE(row); i++) {
		task.give_up = row[i].give_up;
		EXPECT_EQ(0, vp_in_child(calls_fail, &task))
			TH_LOG("%s", row[i].what);
	}
}

TEST_F(invalid_call, root_of_a_user_namespace)
{
	struct unprivileged task = {
		.ctl = self->ctl,
		.give_up = enter_user_namespace,
	};
	int status = vp_in_child(calls_fail, &task);

	if (status == 77)
		SKIP(return, "cannot create a user namespace");
	EXPECT_EQ(0, status);
}

/* Opening a pool's device depends on its owner, group and mode. */
FIXTURE(open_as)
{
	int ctl;
};

struct opener {
	uid_t uid;
	gid_t gid;
	int flags;
};

FIXTURE_VARIANT(open_as)
{
	uid_t uid;
	gid_t gid;
	mode_t mode;
	struct opener opener;
	int result;
};

FIXTURE_VARIANT_ADD(open_as, stranger)
{
	.gid = 4242,
	.mode = 0660,
	.opener = { 1000, 1000, O_RDWR },
	.result = EACCES,
};

FIXTURE_VARIANT_ADD(open_as, group)
{
	.gid = 4242,
	.mode = 0660,
	.opener = { 1000, 4242, O_RDWR },
};

FIXTURE_VARIANT_ADD(open_as, group_may_only_read)
{
	.gid = 4242,
	.mode = 0640,
	.opener = { 1000, 4242, O_RDWR },
	.result = EACCES,
};

FIXTURE_VARIANT_ADD(open_as, group_reads)
{
	.gid = 4242,
	.mode = 0640,
	.opener = { 1000, 4242, O_RDONLY },
};

FIXTURE_VARIANT_ADD(open_as, owner)
{
	.uid = 1000,
	.mode = 0600,
	.opener = { 1000, 1000, O_RDWR },
};

FIXTURE_VARIANT_ADD(open_as, any_user)
{
	.mode = 0666,
	.opener = { 1000, 1000, O_RDWR },
};

FIXTURE_SETUP(open_as)
{
	struct vp_request req;

	self->ctl = vp_control();
	ASSERT_LE(0, self->ctl);
	vp_destroy(self->ctl, NEW, VPOOL_DESTROY_FORCE);
	vp_request_init(&req, NEW);
	vp_request_mem(&req, HUGE_SIZE, VPOOL_ANY_NODE);
	req.create.uid = variant->uid;
	req.create.gid = variant->gid;
	req.create.mode = variant->mode;
	ASSERT_EQ(0, vp_request_send(self->ctl, &req));
}

FIXTURE_TEARDOWN(open_as)
{
	EXPECT_EQ(0, vp_destroy_wait(self->ctl, NEW));
	close(self->ctl);
}

/* Return an errno from a child. With 0 the child could also use what it opened. */
static int open_as(void *arg)
{
	const struct opener *opener = arg;
	__u64 bytes = HUGE_SIZE;
	int fd;

	if (setgroups(0, NULL) ||
	    setresgid(opener->gid, opener->gid, opener->gid) ||
	    setresuid(opener->uid, opener->uid, opener->uid))
		return 255;
	if (vp_control() != -EACCES)
		return 254;
	fd = vp_open_flags(NEW, opener->flags);
	if (fd < 0)
		return -fd;
	return -vp_commit(fd, &bytes);
}

TEST_F(open_as, depends_on_the_mode)
{
	struct opener opener = variant->opener;

	EXPECT_EQ(variant->result, vp_in_child(open_as, &opener));
	EXPECT_TRUE(vp_wait_idle(NEW));
}

TEST_HARNESS_MAIN
