// SPDX-License-Identifier: GPL-2.0
/*
 * ABI of the calls: numbers, layouts, sizes, flags, pointers, arrays.
 */
#include <assert.h>
#include <linux/vpool.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "kselftest_harness.h"
#include "lib/file.h"
#include "lib/host.h"
#include "lib/memory.h"
#include "lib/pool.h"
#include "lib/task.h"

#define POOL "abi-pool"
#define OTHER "abi-other"
#define TAIL 16
#define CANARY 0x5a

/*
 * The layout is frozen, so these tests have literal numbers. The number of a call
 * changes when its structure grows; older_and_newer_numbers_work tests the old ones.
 */
#define FROZEN(_what) static_assert(_what, #_what)

FROZEN(VPOOL_REASON == 0xC018BB00);
FROZEN(VPOOL_CREATE == 0xC088BB01);
FROZEN(VPOOL_DESTROY == 0xC030BB02);
FROZEN(VPOOL_LIST == 0xC018BB03);
FROZEN(VPOOL_QUERY == 0xC0D8BB04);
FROZEN(VPOOL_REGIONS == 0xC040BB05);
FROZEN(VPOOL_MEMBERS == 0xC040BB06);
FROZEN(VPOOL_COMMIT == 0xC018BB07);
FROZEN(VPOOL_ATTACH == 0xC018BB08);
FROZEN(VPOOL_DETACH == 0xC018BB09);
FROZEN(VPOOL_RESIZE == 0xC068BB0a);
FROZEN(VPOOL_FILE == 0xC010BB0b);
FROZEN(VPOOL_USERS == 0xC040BB0c);

FROZEN(sizeof(struct vpool_reason) == 24);
FROZEN(offsetof(struct vpool_reason, buf_uptr) == 8);
FROZEN(offsetof(struct vpool_reason, code) == 16);
FROZEN(sizeof(struct vpool_mem) == 16);
FROZEN(offsetof(struct vpool_mem, node) == 8);
FROZEN(sizeof(struct vpool_create) == 136);
FROZEN(offsetof(struct vpool_create, name) == 8);
FROZEN(offsetof(struct vpool_create, page_size) == 48);
FROZEN(offsetof(struct vpool_create, uid) == 56);
FROZEN(offsetof(struct vpool_create, gid) == 60);
FROZEN(offsetof(struct vpool_create, mode) == 64);
FROZEN(offsetof(struct vpool_create, timeout_ms) == 68);
FROZEN(offsetof(struct vpool_create, mem_uptr) == 72);
FROZEN(offsetof(struct vpool_create, nr_mem) == 80);
FROZEN(offsetof(struct vpool_create, cpus_bytes) == 84);
FROZEN(offsetof(struct vpool_create, cpus_uptr) == 88);
FROZEN(offsetof(struct vpool_create, out_id) == 96);
FROZEN(offsetof(struct vpool_create, out_bytes) == 104);
FROZEN(offsetof(struct vpool_create, user_bytes) == 120);
FROZEN(offsetof(struct vpool_create, user_members) == 132);
FROZEN(sizeof(struct vpool_destroy) == 48);
FROZEN(offsetof(struct vpool_destroy, name) == 8);
FROZEN(sizeof(struct vpool_list_entry) == 48);
FROZEN(offsetof(struct vpool_list_entry, name) == 8);
FROZEN(sizeof(struct vpool_list) == 24);
FROZEN(offsetof(struct vpool_list, entries_uptr) == 16);
FROZEN(sizeof(struct vpool_node_info) == 32);
FROZEN(offsetof(struct vpool_node_info, node) == 24);
FROZEN(sizeof(struct vpool_query) == 216);
FROZEN(offsetof(struct vpool_query, id) == 48);
FROZEN(offsetof(struct vpool_query, page_size) == 56);
FROZEN(offsetof(struct vpool_query, regions) == 76);
FROZEN(offsetof(struct vpool_query, created_ns) == 88);
FROZEN(offsetof(struct vpool_query, total_bytes) == 96);
FROZEN(offsetof(struct vpool_query, poisoned_bytes) == 144);
FROZEN(offsetof(struct vpool_query, nodes_uptr) == 152);
FROZEN(offsetof(struct vpool_query, cpus_bytes) == 168);
FROZEN(offsetof(struct vpool_query, target_bytes) == 176);
FROZEN(offsetof(struct vpool_query, user_bytes) == 200);
FROZEN(sizeof(struct vpool_region_info) == 40);
FROZEN(offsetof(struct vpool_region_info, comm) == 24);
FROZEN(sizeof(struct vpool_regions) == 64);
FROZEN(offsetof(struct vpool_regions, nr) == 48);
FROZEN(offsetof(struct vpool_regions, regions_uptr) == 56);
FROZEN(sizeof(struct vpool_member_info) == 8);
FROZEN(sizeof(struct vpool_members) == 64);
FROZEN(offsetof(struct vpool_members, members_uptr) == 56);
FROZEN(sizeof(struct vpool_commit) == 24);
FROZEN(offsetof(struct vpool_commit, bytes) == 8);
FROZEN(offsetof(struct vpool_commit, node) == 16);
FROZEN(sizeof(struct vpool_attach) == 24);
FROZEN(offsetof(struct vpool_attach, pidfd) == 8);
FROZEN(offsetof(struct vpool_attach, tid) == 12);
FROZEN(offsetof(struct vpool_attach, cpu) == 16);
FROZEN(sizeof(struct vpool_resize) == 104);
FROZEN(offsetof(struct vpool_resize, nr_mem) == 52);
FROZEN(offsetof(struct vpool_resize, mem_uptr) == 56);
FROZEN(offsetof(struct vpool_resize, out_bytes) == 64);
FROZEN(offsetof(struct vpool_resize, user_bytes) == 88);
FROZEN(sizeof(struct vpool_file) == 16);
FROZEN(offsetof(struct vpool_file, flags) == 4);
FROZEN(offsetof(struct vpool_file, out_fd) == 8);
FROZEN(sizeof(struct vpool_user_info) == 24);
FROZEN(offsetof(struct vpool_user_info, uid) == 8);
FROZEN(sizeof(struct vpool_users) == 64);
FROZEN(offsetof(struct vpool_users, nr) == 48);
FROZEN(offsetof(struct vpool_users, users_uptr) == 56);

union any_call {
	__u32 size;
	struct vpool_reason reason;
	struct vpool_create create;
	struct vpool_destroy destroy;
	struct vpool_list list;
	struct vpool_query query;
	struct vpool_regions regions;
	struct vpool_members members;
	struct vpool_commit commit;
	struct vpool_attach attach;
	struct vpool_resize resize;
	struct vpool_file file;
	struct vpool_users users;
	unsigned char bytes[4096];
};

static struct vpool_mem one_mem = {
	.bytes = 1,
	.node = VPOOL_ANY_NODE,
};

/* Buffer for the array or the text that a call returns. */
static char buffer[65536];

/* A descriptor of each kind of device. */
struct devices {
	int ctl;
	int pool;
};

/* A valid call, the devices that it works on, and its result there. */
struct row {
	const char *name;
	unsigned long cmd;
	size_t size;
	size_t first_size;	/* size as first published, if it has grown */
	size_t flags_at;
	size_t reserved_at;
	size_t uptr_at;
	size_t nr_at;
	__u32 nr_min;
	bool on_control;
	bool on_pool;
	int result;
	union any_call call;
};

static const struct row rows[] = {
	{
		.name = "reason",
		.cmd = VPOOL_REASON,
		.size = sizeof(struct vpool_reason),
		.first_size = 16,
		.reserved_at = offsetof(struct vpool_reason, __reserved),
		.uptr_at = offsetof(struct vpool_reason, buf_uptr),
		.nr_at = offsetof(struct vpool_reason, len),
		.nr_min = 2,
		.on_control = true,
		.on_pool = true,
		.call.reason.len = VPOOL_REASON_SIZE,
	},
	{
		.name = "create",
		.cmd = VPOOL_CREATE,
		.size = sizeof(struct vpool_create),
		.first_size = 112,
		.flags_at = offsetof(struct vpool_create, flags),
		.reserved_at = offsetof(struct vpool_create, __reserved),
		.uptr_at = offsetof(struct vpool_create, mem_uptr),
		.on_control = true,
		.call.create.flags = VPOOL_CREATE_DRY_RUN,
		.call.create.name = "abi-new",
		.call.create.uid = VPOOL_ID_CALLER,
		.call.create.gid = VPOOL_ID_CALLER,
		.call.create.mode = 0600,
		.call.create.nr_mem = 1,
	},
	{
		.name = "destroy",
		.cmd = VPOOL_DESTROY,
		.size = sizeof(struct vpool_destroy),
		.flags_at = offsetof(struct vpool_destroy, flags),
		.on_control = true,
		.result = -ENOENT,
		.call.destroy.name = "abi-none",
	},
	{
		.name = "list",
		.cmd = VPOOL_LIST,
		.size = sizeof(struct vpool_list),
		.flags_at = offsetof(struct vpool_list, flags),
		.reserved_at = offsetof(struct vpool_list, __reserved),
		.uptr_at = offsetof(struct vpool_list, entries_uptr),
		.nr_at = offsetof(struct vpool_list, nr),
		.nr_min = 2,
		.on_control = true,
		.call.list.nr = 64,
	},
	{
		.name = "query",
		.cmd = VPOOL_QUERY,
		.size = sizeof(struct vpool_query),
		.first_size = 176,
		.flags_at = offsetof(struct vpool_query, flags),
		.reserved_at = offsetof(struct vpool_query, __reserved),
		.uptr_at = offsetof(struct vpool_query, nodes_uptr),
		.nr_at = offsetof(struct vpool_query, nr_nodes),
		.nr_min = 1,
		.on_control = true,
		.on_pool = true,
		.call.query.nr_nodes = 64,
	},
	{
		.name = "query_cpus",
		.cmd = VPOOL_QUERY,
		.size = sizeof(struct vpool_query),
		.first_size = 176,
		.uptr_at = offsetof(struct vpool_query, cpus_uptr),
		.nr_at = offsetof(struct vpool_query, cpus_bytes),
		.nr_min = sizeof(__u64),
		.on_control = true,
		.on_pool = true,
		.call.query.cpus_bytes = 1024,
	},
	{
		.name = "regions",
		.cmd = VPOOL_REGIONS,
		.size = sizeof(struct vpool_regions),
		.flags_at = offsetof(struct vpool_regions, flags),
		.reserved_at = offsetof(struct vpool_regions, __reserved),
		.uptr_at = offsetof(struct vpool_regions, regions_uptr),
		.nr_at = offsetof(struct vpool_regions, nr),
		.nr_min = 1,
		.on_control = true,
		.on_pool = true,
		.call.regions.nr = 64,
	},
	{
		.name = "members",
		.cmd = VPOOL_MEMBERS,
		.size = sizeof(struct vpool_members),
		.flags_at = offsetof(struct vpool_members, flags),
		.reserved_at = offsetof(struct vpool_members, __reserved),
		.uptr_at = offsetof(struct vpool_members, members_uptr),
		.nr_at = offsetof(struct vpool_members, nr),
		.nr_min = 1,
		.on_control = true,
		.on_pool = true,
		.call.members.nr = 64,
	},
	{
		.name = "commit",
		.cmd = VPOOL_COMMIT,
		.size = sizeof(struct vpool_commit),
		.first_size = 16,
		.reserved_at = offsetof(struct vpool_commit, __reserved),
		.flags_at = offsetof(struct vpool_commit, flags),
		.on_pool = true,
		.result = -ENOMEM,
		.call.commit.bytes = 64 * GIB,
	},
	{
		.name = "attach",
		.cmd = VPOOL_ATTACH,
		.size = sizeof(struct vpool_attach),
		.first_size = 16,
		.flags_at = offsetof(struct vpool_attach, flags),
		.reserved_at = offsetof(struct vpool_attach, __reserved),
		.on_pool = true,
		.call.attach.pidfd = VPOOL_SELF,
	},
	{
		.name = "detach",
		.cmd = VPOOL_DETACH,
		.size = sizeof(struct vpool_attach),
		.first_size = 16,
		.flags_at = offsetof(struct vpool_attach, flags),
		.reserved_at = offsetof(struct vpool_attach, __reserved),
		.on_pool = true,
		.call.attach.pidfd = VPOOL_SELF,
	},
	{
		.name = "resize",
		.cmd = VPOOL_RESIZE,
		.size = sizeof(struct vpool_resize),
		.first_size = 72,
		.reserved_at = offsetof(struct vpool_resize, __reserved),
		.flags_at = offsetof(struct vpool_resize, flags),
		.uptr_at = offsetof(struct vpool_resize, mem_uptr),
		.on_control = true,
		.result = -ENOENT,
		.call.resize.name = "abi-none",
		.call.resize.nr_mem = 1,
	},
	{
		.name = "file",
		.cmd = VPOOL_FILE,
		.size = sizeof(struct vpool_file),
		.flags_at = offsetof(struct vpool_file, flags),
		.reserved_at = offsetof(struct vpool_file, __reserved),
		.on_pool = true,
	},
	{
		.name = "users",
		.cmd = VPOOL_USERS,
		.size = sizeof(struct vpool_users),
		.flags_at = offsetof(struct vpool_users, flags),
		.reserved_at = offsetof(struct vpool_users, __reserved),
		.uptr_at = offsetof(struct vpool_users, users_uptr),
		.nr_at = offsetof(struct vpool_users, nr),
		.nr_min = 1,
		.on_control = true,
		.on_pool = true,
		.call.users.nr = 64,
	},
};

FIXTURE(abi)
{
	struct devices devices;
};

/* Create two pools, open one of them, and attach this task to it. */
FIXTURE_SETUP(abi)
{
	if (vp_lacks_cpus())
		SKIP(return, "%s", vp_lacks_cpus());
	self->devices.ctl = vp_control();
	ASSERT_LE(0, self->devices.ctl);
	vp_destroy(self->devices.ctl, POOL, VPOOL_DESTROY_FORCE);
	vp_destroy(self->devices.ctl, OTHER, VPOOL_DESTROY_FORCE);
	ASSERT_EQ(0, vp_create(self->devices.ctl, POOL, HUGE_SIZE, 0, "1"));
	ASSERT_EQ(0, vp_create(self->devices.ctl, OTHER, HUGE_SIZE, 0, NULL));
	self->devices.pool = vp_open(POOL);
	ASSERT_LE(0, self->devices.pool);
	ASSERT_EQ(0, vp_attach(self->devices.pool, 0));
	/* Set a message on the control device. */
	ASSERT_EQ(-ENOENT, vp_destroy(self->devices.ctl, "abi-none", 0));
}

FIXTURE_TEARDOWN(abi)
{
	close(self->devices.pool);
	vp_destroy(self->devices.ctl, POOL, VPOOL_DESTROY_FORCE);
	vp_destroy(self->devices.ctl, OTHER, VPOOL_DESTROY_FORCE);
	close(self->devices.ctl);
}

static void set_u32(union any_call *call, size_t at, __u32 value)
{
	memcpy(call->bytes + at, &value, sizeof(value));
}

static __u32 get_u32(const union any_call *call, size_t at)
{
	__u32 value;

	memcpy(&value, call->bytes + at, sizeof(value));
	return value;
}

static void set_uptr(union any_call *call, size_t at, const void *to)
{
	__u64 value = (uintptr_t)to;

	memcpy(call->bytes + at, &value, sizeof(value));
}

/* These calls work on both kinds of device, and need a name on the control device. */
static bool takes_name(unsigned long cmd)
{
	return cmd == VPOOL_QUERY || cmd == VPOOL_REGIONS ||
	       cmd == VPOOL_MEMBERS || cmd == VPOOL_USERS;
}

static void prepare(union any_call *call, const struct row *row, bool control)
{
	memcpy(call, &row->call, sizeof(*call));
	call->size = row->size;
	if (row->cmd == VPOOL_CREATE)
		set_uptr(call, row->uptr_at, &one_mem);
	else if (row->uptr_at)
		set_uptr(call, row->uptr_at, buffer);
	if (control && takes_name(row->cmd))
		vp_name(call->query.name, POOL);
}

/*
 * Send @call, attach this task again if the call detached it, and close the file that it
 * created.
 */
static int send_call(const struct devices *devices, const struct row *row,
		     bool control, void *call)
{
	int err = vp_ioctl(control ? devices->ctl : devices->pool, row->cmd,
			   call);

	if (row->cmd == VPOOL_DETACH)
		vp_attach(devices->pool, 0);
	if (_IOC_NR(row->cmd) == VPOOL_CMD_FILE && !err)
		close(((struct vpool_file *)call)->out_fd);
	return err;
}

static int send_sized(const struct devices *devices, const struct row *row,
		      union any_call *call, size_t size)
{
	call->size = size;
	return send_call(devices, row, row->on_control, call);
}

static int send_row(const struct devices *devices, const struct row *row,
		    void *call)
{
	return send_call(devices, row, row->on_control, call);
}

/* Return the next row, and log the current one if a test has failed. */
static const struct row *next_row(struct __test_metadata *_metadata,
				  const struct row *row)
{
	if (row && _metadata->exit_code == KSFT_FAIL)
		TH_LOG("failed at or before row '%s'", row->name);
	if (!row)
		return rows;
	return ++row < rows + ARRAY_SIZE(rows) ? row : NULL;
}

TEST_F(abi, valid_call_on_each_device)
{
	const struct row *row = NULL;
	union any_call call;
	int control, want;

	while ((row = next_row(_metadata, row))) {
		for (control = 0; control < 2; control++) {
			want = row->result;
			if (!(control ? row->on_control : row->on_pool))
				want = -ENOTTY;
			prepare(&call, row, control);
			EXPECT_EQ(want, send_call(&self->devices, row, control,
						  &call));
		}
	}
}

TEST_F(abi, smaller_is_invalid)
{
	const struct row *row = NULL;
	union any_call call;
	int i;

	while ((row = next_row(_metadata, row))) {
		size_t first = row->first_size ?: row->size;
		size_t size[] = { 0, 1, 4, first - 8, first - 1 };

		prepare(&call, row, row->on_control);
		for (i = 0; i < ARRAY_SIZE(size); i++)
			EXPECT_EQ(-EINVAL, send_sized(&self->devices, row, &call,
						      size[i]));
	}
}

/* A program built against an older header sends a smaller structure. */
TEST_F(abi, smaller_as_first_published_is_accepted)
{
	const struct row *row = NULL;
	union any_call call;

	while ((row = next_row(_metadata, row))) {
		if (!row->first_size)
			continue;
		prepare(&call, row, row->on_control);
		memset(call.bytes + row->first_size, CANARY,
		       sizeof(call) - row->first_size);
		EXPECT_EQ(row->result, send_sized(&self->devices, row, &call,
						  row->first_size));
		EXPECT_EQ(CANARY, call.bytes[row->first_size]);
	}
}

TEST_F(abi, larger_with_zero_tail_is_accepted)
{
	const struct row *row = NULL;
	union any_call call;
	int i;

	while ((row = next_row(_metadata, row))) {
		size_t size[] = { row->size + 1, row->size + TAIL, 4096 };

		for (i = 0; i < ARRAY_SIZE(size); i++) {
			prepare(&call, row, row->on_control);
			EXPECT_EQ(row->result, send_sized(&self->devices, row,
							  &call, size[i]));
			EXPECT_TRUE(vp_is_zero(call.bytes + row->size,
					       sizeof(call) - row->size));
		}
	}
}

TEST_F(abi, larger_with_other_tail_is_too_big)
{
	const struct row *row = NULL;
	union any_call call;
	int i;

	while ((row = next_row(_metadata, row))) {
		size_t at[] = { row->size, row->size + TAIL - 1 };

		for (i = 0; i < ARRAY_SIZE(at); i++) {
			prepare(&call, row, row->on_control);
			call.bytes[at[i]] = 1;
			EXPECT_EQ(-E2BIG, send_sized(&self->devices, row, &call,
						     row->size + TAIL));
		}
	}
}

TEST_F(abi, nothing_is_written_beyond_the_size)
{
	const struct row *row = NULL;
	union any_call call;
	int i;

	while ((row = next_row(_metadata, row))) {
		prepare(&call, row, row->on_control);
		memset(call.bytes + row->size, CANARY,
		       sizeof(call) - row->size);
		EXPECT_EQ(row->result, send_row(&self->devices, row, &call));
		for (i = row->size; i < sizeof(call); i++)
			ASSERT_EQ(CANARY, call.bytes[i]);
	}
}

TEST_F(abi, unknown_flags_are_not_supported)
{
	static const __u32 flag[] = { 1U << 31, 1U << 16, 1U << 9 };
	const struct row *row = NULL;
	union any_call call;
	int i;

	while ((row = next_row(_metadata, row))) {
		for (i = 0; row->flags_at && i < ARRAY_SIZE(flag); i++) {
			prepare(&call, row, row->on_control);
			set_u32(&call, row->flags_at,
				get_u32(&call, row->flags_at) | flag[i]);
			EXPECT_EQ(-EOPNOTSUPP,
				  send_row(&self->devices, row, &call));
		}
	}
}

TEST_F(abi, reserved_fields_must_be_zero)
{
	const struct row *row = NULL;
	union any_call call;

	while ((row = next_row(_metadata, row))) {
		if (!row->reserved_at)
			continue;
		prepare(&call, row, row->on_control);
		set_u32(&call, row->reserved_at, 1);
		EXPECT_EQ(-EINVAL, send_row(&self->devices, row, &call));
	}
}

#define NR_BAD_ADDRESSES 4

/* Invalid addresses: NULL, inaccessible, in the kernel, the last page. */
static void *bad_address(int i)
{
	static void *page;

	if (!page)
		page = mmap(NULL, 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
			    -1, 0);
	switch (i) {
	case 1:
		return page;
	case 2:
		return (void *)0xffff888000000000ULL;
	case 3:
		return (void *)~0xfffUL;
	}
	return NULL;
}

TEST_F(abi, bad_argument_is_a_fault)
{
	const struct row *row = NULL;
	int i;

	while ((row = next_row(_metadata, row)))
		for (i = 0; i < NR_BAD_ADDRESSES; i++)
			EXPECT_EQ(-EFAULT, send_row(&self->devices, row,
						    bad_address(i)));
}

TEST_F(abi, argument_across_the_end_of_memory_is_a_fault)
{
	unsigned char *page = mmap(NULL, 2 * BASE, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned char *at = page + BASE - sizeof(__u64);
	const struct row *row = NULL;
	union any_call call;

	ASSERT_NE(MAP_FAILED, page);
	ASSERT_EQ(0, munmap(page + BASE, BASE));
	while ((row = next_row(_metadata, row))) {
		prepare(&call, row, row->on_control);
		memcpy(at, &call, sizeof(__u64));
		EXPECT_EQ(-EFAULT, send_row(&self->devices, row, at));
	}
}

TEST_F(abi, bad_array_is_a_fault)
{
	const struct row *row = NULL;
	union any_call call;
	int i;

	while ((row = next_row(_metadata, row))) {
		/* NULL is valid where a caller may omit the array. */
		for (i = 1; row->uptr_at && i < NR_BAD_ADDRESSES; i++) {
			prepare(&call, row, row->on_control);
			set_uptr(&call, row->uptr_at, bad_address(i));
			EXPECT_EQ(-EFAULT,
				  send_row(&self->devices, row, &call));
		}
	}
}

static bool is_untouched(const char *at)
{
	char canary[8];

	memset(canary, CANARY, sizeof(canary));
	return !memcmp(at, canary, sizeof(canary));
}

TEST_F(abi, small_array_gets_the_count_needed)
{
	const struct row *row = NULL;
	union any_call call;
	__u32 needed;

	while ((row = next_row(_metadata, row))) {
		if (!row->nr_at)
			continue;
		memset(buffer, CANARY, sizeof(buffer));
		prepare(&call, row, row->on_control);
		set_u32(&call, row->nr_at, 0);
		EXPECT_EQ(-EMSGSIZE, send_row(&self->devices, row, &call));
		needed = get_u32(&call, row->nr_at);
		EXPECT_LE(row->nr_min, needed);
		EXPECT_TRUE(is_untouched(buffer));

		EXPECT_EQ(0, send_row(&self->devices, row, &call));
		EXPECT_EQ(needed, get_u32(&call, row->nr_at));
		EXPECT_FALSE(is_untouched(buffer));
	}
}

TEST_F(abi, odd_counts_are_handled)
{
	static const __u32 nr[] = { ~0U, 1U << 31, 1U << 24 };
	const struct row *row = NULL;
	union any_call call;
	int i, err;

	while ((row = next_row(_metadata, row))) {
		for (i = 0; row->nr_at && i < ARRAY_SIZE(nr); i++) {
			prepare(&call, row, row->on_control);
			set_u32(&call, row->nr_at, nr[i]);
			err = send_row(&self->devices, row, &call);
			EXPECT_TRUE(!err || err == -EINVAL)
				TH_LOG("buffer for %u: %d", nr[i], err);
		}
	}
}

/* Return the number of a call in the first release, which did not encode the size. */
static unsigned long first_number(unsigned long cmd)
{
	return _IO(_IOC_TYPE(cmd), _IOC_NR(cmd));
}

/* Programs built against older and newer headers use other numbers. */
TEST_F(abi, older_and_newer_numbers_work)
{
	const struct row *row = NULL;
	struct row other;
	union any_call call;
	size_t first;
	int i;

	while ((row = next_row(_metadata, row))) {
		first = row->first_size ?: row->size;
		const unsigned long number[] = {
			first_number(row->cmd),
			_IOC(_IOC_READ | _IOC_WRITE, _IOC_TYPE(row->cmd),
			     _IOC_NR(row->cmd), first),
			_IOC(_IOC_READ | _IOC_WRITE, _IOC_TYPE(row->cmd),
			     _IOC_NR(row->cmd), 4096),
		};

		for (i = 0; i < ARRAY_SIZE(number); i++) {
			memcpy(&other, row, sizeof(other));
			prepare(&call, row, row->on_control);
			other.cmd = number[i];
			EXPECT_EQ(row->result,
				  send_row(&self->devices, &other, &call));
			if (row->cmd == VPOOL_DETACH)
				vp_attach(self->devices.pool, 0);
		}
		other.cmd = _IOC(_IOC_READ | _IOC_WRITE, _IOC_TYPE(row->cmd),
				 _IOC_NR(row->cmd), first - 1);
		EXPECT_EQ(-ENOTTY, send_row(&self->devices, &other, &call));
		other.cmd = _IOC(_IOC_READ, _IOC_TYPE(row->cmd),
				 _IOC_NR(row->cmd), row->size);
		EXPECT_EQ(-ENOTTY, send_row(&self->devices, &other, &call));
	}
}

/* A structure larger than a page is refused before it is read. */
TEST_F(abi, larger_than_a_page)
{
	const __u32 sizes[] = { BASE + 1, 64 * MIB, ~0U };
	const struct row *row = NULL;
	__u64 end = vp_now_ms() + 5000;
	__u32 *large;
	int i;

	large = mmap(NULL, sizes[1], PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, large);
	while ((row = next_row(_metadata, row))) {
		for (i = 0; i < ARRAY_SIZE(sizes); i++) {
			*large = sizes[i];
			EXPECT_EQ(-E2BIG, send_row(&self->devices, row, large));
		}
	}
	EXPECT_TRUE(vp_reason_has(self->devices.ctl, "bytes"));
	EXPECT_GT(end, vp_now_ms());
	munmap(large, sizes[1]);
}

/*
 * A 64-bit program can use the system call entry of 32-bit programs if its pointers fit
 * into 32 bits. Without IA32 emulation it gets SIGSEGV.
 */
#ifdef __x86_64__
#define COMPAT_IOCTL 54
#define BELOW_4G MAP_32BIT

static int compat_ioctl(int fd, unsigned long cmd, void *arg)
{
	long ret;

	asm volatile("int $0x80" : "=a" (ret)
		     : "a" (COMPAT_IOCTL), "b" (fd), "c" (cmd), "d" (arg)
		     : "memory", "r8", "r9", "r10", "r11");
	return ret;
}

static int compat_is_there(void *arg)
{
	signal(SIGSEGV, SIG_DFL);
	return compat_ioctl(-1, 0, NULL) != -EBADF;
}
#else
#define BELOW_4G 0

static int compat_ioctl(int fd, unsigned long cmd, void *arg)
{
	return -EBADF;
}

static int compat_is_there(void *arg)
{
	return 1;
}
#endif

TEST_F(abi, works_for_32_bit_programs)
{
	union any_call *call = mmap(NULL, sizeof(*call), PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS | BELOW_4G,
				    -1, 0);
	const struct row *row = NULL;

	ASSERT_NE(MAP_FAILED, call);
	if (vp_in_child(compat_is_there, NULL))
		SKIP(return, "this kernel has no 32-bit system calls");
	while ((row = next_row(_metadata, row))) {
		prepare(call, row, row->on_control);
		EXPECT_EQ(row->result,
			  compat_ioctl(row->on_control ? self->devices.ctl :
				       self->devices.pool, row->cmd, call));
	}
}

/* Failed calls, and their messages. */
FIXTURE(abi_reason)
{
	int ctl;
	int pool;
};

FIXTURE_SETUP(abi_reason)
{
	self->ctl = vp_control();
	ASSERT_LE(0, self->ctl);
	vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	ASSERT_EQ(0, vp_create(self->ctl, POOL, HUGE_SIZE, 0, NULL));
	self->pool = vp_open(POOL);
	ASSERT_LE(0, self->pool);
}

FIXTURE_TEARDOWN(abi_reason)
{
	close(self->pool);
	vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	close(self->ctl);
}

TEST_F(abi_reason, unknown_ioctls_are_refused)
{
	unsigned long cmd[] = {
		_IO(VPOOL_TYPE, VPOOL_CMD_USERS + 1), _IO(VPOOL_TYPE, 0xff),
		_IO(VPOOL_TYPE + 1, VPOOL_CMD_QUERY), _IO(0, 0),
		_IOR(VPOOL_TYPE, VPOOL_CMD_QUERY, struct vpool_query),
		_IOW(VPOOL_TYPE, VPOOL_CMD_QUERY, struct vpool_query),
		_IOWR(VPOOL_TYPE, VPOOL_CMD_QUERY, __u32),
		TCGETS,
	};
	union any_call call = { .size = sizeof(struct vpool_query) };
	int i;

	for (i = 0; i < ARRAY_SIZE(cmd); i++) {
		EXPECT_EQ(-ENOTTY, vp_ioctl(self->ctl, cmd[i], &call));
		EXPECT_EQ(-ENOTTY, vp_ioctl(self->pool, cmd[i], &call));
	}
}

TEST_F(abi_reason, starts_empty_and_stays)
{
	struct vpool_reason cmd = { .size = sizeof(cmd) };
	struct vpool_query query = {};
	int fds[] = { vp_control(), self->pool };
	__u64 bytes = 64 * GIB;
	int i;

	for (i = 0; i < ARRAY_SIZE(fds); i++) {
		cmd.len = 0;
		EXPECT_EQ(0, vp_ioctl(fds[i], VPOOL_REASON, &cmd));
		EXPECT_EQ(0, cmd.len);
	}
	EXPECT_EQ(-ENOENT, vp_destroy(self->ctl, "abi-none", 0));
	EXPECT_EQ(-ENOMEM, vp_commit(self->pool, &bytes));
	EXPECT_TRUE(vp_reason_has(self->ctl, "abi-none"));
	EXPECT_TRUE(vp_reason_has(self->pool, POOL));
	/*
	 * A successful call keeps the message, and so does a VPOOL_REASON whose buffer
	 * is too small.
	 */
	EXPECT_EQ(0, vp_query(self->ctl, POOL, &query));
	cmd.len = 3;
	EXPECT_EQ(-EMSGSIZE, vp_ioctl(self->ctl, VPOOL_REASON, &cmd));
	EXPECT_EQ(cmd.len, strlen(vp_reason(self->ctl)) + 1);
	EXPECT_TRUE(vp_reason_has(self->ctl, "abi-none"));
	EXPECT_EQ(NULL, strchr(vp_reason(self->ctl), '\n'));
}

TEST_F(abi_reason, control_device_has_codes)
{
	struct vpool_create create = { .size = 8 };
	struct vpool_list list = { .size = sizeof(list), .flags = 1 };
	int fresh = vp_control();

	ASSERT_LE(0, fresh);
	EXPECT_EQ(VPOOL_CODE_NONE, vp_code(fresh));
	close(fresh);
	EXPECT_EQ(-ENOENT, vp_destroy(self->ctl, "abi-none", 0));
	EXPECT_EQ(VPOOL_CODE_NO_POOL, vp_code(self->ctl));
	EXPECT_EQ(-EINVAL, vp_destroy(self->ctl, "No", 0));
	EXPECT_EQ(VPOOL_CODE_NAME_INVALID, vp_code(self->ctl));
	EXPECT_EQ(-EEXIST, vp_create(self->ctl, POOL, HUGE_SIZE, 0, NULL));
	EXPECT_EQ(VPOOL_CODE_POOL_EXISTS, vp_code(self->ctl));
	EXPECT_EQ(-EINVAL, vp_ioctl(self->ctl, VPOOL_CREATE, &create));
	EXPECT_EQ(VPOOL_CODE_STRUCT_SIZE, vp_code(self->ctl));
	EXPECT_EQ(-EFAULT, vp_ioctl(self->ctl, VPOOL_CREATE, NULL));
	EXPECT_EQ(VPOOL_CODE_STRUCT_UNREADABLE, vp_code(self->ctl));
	EXPECT_EQ(-EOPNOTSUPP, vp_ioctl(self->ctl, VPOOL_LIST, &list));
	EXPECT_EQ(VPOOL_CODE_FLAGS_UNKNOWN, vp_code(self->ctl));
	list.flags = 0;
	list.__reserved = 1;
	EXPECT_EQ(-EINVAL, vp_ioctl(self->ctl, VPOOL_LIST, &list));
	EXPECT_EQ(VPOOL_CODE_RESERVED_FIELD, vp_code(self->ctl));
	list.__reserved = 0;
	EXPECT_EQ(-EMSGSIZE, vp_ioctl(self->ctl, VPOOL_LIST, &list));
	EXPECT_EQ(VPOOL_CODE_BUFFER_TOO_SMALL, vp_code(self->ctl));
	EXPECT_EQ(-ENOTTY, vp_ioctl(self->ctl, TCGETS, NULL));
	EXPECT_EQ(VPOOL_CODE_CALL_UNKNOWN, vp_code(self->ctl));
}

TEST_F(abi_reason, pool_device_has_codes)
{
	struct vpool_query query = {
		.size = sizeof(query),
		.name = POOL,
	};
	__u64 bytes = 64 * GIB;

	EXPECT_EQ(VPOOL_CODE_NONE, vp_code(self->pool));
	EXPECT_EQ(-ENOMEM, vp_commit(self->pool, &bytes));
	EXPECT_EQ(VPOOL_CODE_POOL_SHORT, vp_code(self->pool));
	EXPECT_EQ(-EINVAL, vp_attach(self->pool, 0));
	EXPECT_EQ(VPOOL_CODE_POOL_WITHOUT_CPUS, vp_code(self->pool));
	EXPECT_EQ(-EINVAL, vp_ioctl(self->pool, VPOOL_QUERY, &query));
	EXPECT_EQ(VPOOL_CODE_NAME_UNEXPECTED, vp_code(self->pool));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, HUGE_SIZE, PROT_READ, MAP_PRIVATE,
				   self->pool, 0));
	EXPECT_EQ(VPOOL_CODE_MAP_PRIVATE, vp_code(self->pool));
	EXPECT_EQ(0, vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE));
	query.name[0] = '\0';
	EXPECT_EQ(-ENXIO, vp_ioctl(self->pool, VPOOL_QUERY, &query));
	EXPECT_EQ(VPOOL_CODE_POOL_DESTROYED, vp_code(self->pool));
}

/* The structure had 16 bytes, and no code, in the first release. */
TEST_F(abi_reason, first_structure_is_returned_without_code)
{
	struct vpool_reason cmd = {
		.size = 16,
		.len = sizeof(buffer),
		.buf_uptr = (uintptr_t)buffer,
		.code = CANARY,
		.__reserved = CANARY,
	};

	EXPECT_EQ(-ENOENT, vp_destroy(self->ctl, "abi-none", 0));
	EXPECT_EQ(0, vp_ioctl(self->ctl, 0xC010BB00, &cmd));
	EXPECT_EQ(cmd.len, strlen(buffer) + 1);
	EXPECT_TRUE(strstr(buffer, "abi-none"));
	EXPECT_EQ(CANARY, cmd.code);
	EXPECT_EQ(CANARY, cmd.__reserved);
}

/* A caller whose buffer is too small for the text still gets the code. */
TEST_F(abi_reason, code_without_room_for_the_text)
{
	struct vpool_reason cmd = { .size = sizeof(cmd) };

	EXPECT_EQ(-ENOENT, vp_destroy(self->ctl, "abi-none", 0));
	EXPECT_EQ(-EMSGSIZE, vp_ioctl(self->ctl, VPOOL_REASON, &cmd));
	EXPECT_EQ(VPOOL_CODE_NO_POOL, cmd.code);
	cmd.__reserved = 1;
	EXPECT_EQ(-EINVAL, vp_ioctl(self->ctl, VPOOL_REASON, &cmd));
	EXPECT_EQ(VPOOL_CODE_RESERVED_FIELD, vp_code(self->ctl));
}

TEST_F(abi_reason, query_of_both_devices_agrees)
{
	struct vpool_query by_name = {}, own = {};

	EXPECT_EQ(0, vp_query(self->ctl, POOL, &by_name));
	EXPECT_EQ(0, vp_query(self->pool, NULL, &own));
	EXPECT_EQ(by_name.id, own.id);
	EXPECT_STREQ(POOL, own.name);
	EXPECT_EQ(by_name.total_bytes, own.total_bytes);
	EXPECT_EQ(1, own.regions);
	EXPECT_EQ(-ENOENT, vp_query(self->ctl, "abi-none", &by_name));
	EXPECT_TRUE(vp_reason_has(self->ctl, "abi-none"));
}

TEST_F(abi_reason, version_matches_the_header)
{
	char text[32];

	ASSERT_EQ(0, vp_read_file("/sys/kernel/vpool/abi_version", text,
				  sizeof(text)));
	EXPECT_EQ(VPOOL_ABI_VERSION, atoi(text));
}

TEST_HARNESS_MAIN
