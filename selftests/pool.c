// SPDX-License-Identifier: GPL-2.0
/* The life cycle of a pool, and its description in sysfs, queries and lists. */
#include <ctype.h>
#include <fcntl.h>
#include <linux/vpool.h>
#include <unistd.h>
#include <sys/uio.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#include "kselftest_harness.h"
#include "lib/file.h"
#include "lib/host.h"
#include "lib/memory.h"
#include "lib/pool.h"
#include "lib/task.h"

#define POOL "pool-a"
#define OTHER "pool-b"
#define PAGES 4
#define BYTES (PAGES * HUGE_SIZE)

FIXTURE(pool)
{
	int ctl;
	struct vp_request req;
	time_t before;
};

FIXTURE_SETUP(pool)
{
	if (vp_lacks_cpus())
		SKIP(return, "%s", vp_lacks_cpus());
	self->ctl = vp_control();
	ASSERT_LE(0, self->ctl);
	vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	vp_destroy(self->ctl, OTHER, VPOOL_DESTROY_FORCE);
	vp_request_init(&self->req, POOL);
	vp_request_mem(&self->req, BYTES, VPOOL_ANY_NODE);
	vp_request_cpus(&self->req, "2-3");
	self->req.create.uid = 1000;
	self->req.create.gid = 4242;
	self->req.create.mode = 0640;
	self->before = time(NULL);
	ASSERT_EQ(0, vp_request_send(self->ctl, &self->req));
}

FIXTURE_TEARDOWN(pool)
{
	vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	vp_destroy(self->ctl, OTHER, VPOOL_DESTROY_FORCE);
	close(self->ctl);
}

/*
 * Attributes whose values are known for the pool of the fixture: a text, or a number of
 * pages.
 */
static const struct {
	const char *attr;
	const char *value;
	int pages;
} known[] = {
	{ "state", "active\n" },
	{ "page_size", NULL, 1 },
	{ "uid", "1000\n" },
	{ "gid", "4242\n" },
	{ "mode", "0640\n" },
	{ "cpus/assigned", "2-3\n" },
	{ "cpus/effective", "2-3\n" },
	{ "cpus/members", "0\n" },
	{ "memory/total_bytes", NULL, PAGES },
	{ "memory/free_bytes", NULL, PAGES },
	{ "memory/used_bytes", "0\n" },
	{ "memory/peak_bytes", "0\n" },
	{ "memory/poisoned_bytes", "0\n" },
	{ "memory/regions", "0\n" },
	{ "stat/allocs", "0\n" },
	{ "stat/alloc_failures", "0\n" },
	{ "stat/frees", "0\n" },
	{ "stat/faults_huge", "0\n" },
	{ "stat/faults_base", "0\n" },
	{ "stat/mapped_around", "0\n" },
	{ "stat/attaches", "0\n" },
	{ "stat/escapes", "0\n" },
	{ "stat/limited", "0\n" },
};

static const char * const numbers[] = {
	"id", "created_ns", "memory/clean_bytes", "memory/scrubbing_bytes",
	"stat/scrubbed_bytes",
};

TEST_F(pool, sysfs_has_one_value_per_file)
{
	char text[256], size[32];
	int i;

	for (i = 0; i < ARRAY_SIZE(known); i++) {
		EXPECT_EQ(0, vp_sysfs(POOL, known[i].attr, text, sizeof(text)))
			TH_LOG("%s", known[i].attr);
		snprintf(size, sizeof(size), "%llu\n",
			 known[i].pages * HUGE_SIZE);
		EXPECT_STREQ(known[i].value ?: size, text)
			TH_LOG("%s", known[i].attr);
	}
	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		EXPECT_EQ(0, vp_sysfs(POOL, numbers[i], text, sizeof(text)))
			TH_LOG("%s", numbers[i]);
		EXPECT_EQ(strlen(text), strspn(text, "0123456789") + 1)
			TH_LOG("%s is '%s'", numbers[i], text);
	}
}

/* Without transparent huge pages, the kernel maps a huge page by its base pages. */
TEST_F(pool, sysfs_has_the_mapping_size)
{
	bool thp = !access("/sys/kernel/mm/transparent_hugepage", F_OK);

	EXPECT_EQ(thp ? HUGE_SIZE : getpagesize(), vp_mapping_size());
}

TEST_F(pool, sysfs_cannot_be_written)
{
	struct stat st;
	char path[128];
	int i;

	for (i = 0; i < ARRAY_SIZE(known); i++) {
		snprintf(path, sizeof(path), VP_POOLS "/%s/%s", POOL,
			 known[i].attr);
		ASSERT_EQ(0, stat(path, &st));
		EXPECT_EQ(0444, st.st_mode & 0777) TH_LOG("%s", path);
	}
}

TEST_F(pool, sysfs_nodes_add_up)
{
	static const char * const what[] = {
		"total_bytes", "free_bytes", "used_bytes",
	};
	char attr[64], of_node[64];
	__u64 sum, value;
	int i, node;

	for (i = 0; i < ARRAY_SIZE(what); i++) {
		sum = 0;
		for (node = 0; node < 8; node++) {
			snprintf(of_node, sizeof(of_node), "memory/node%d/%s",
				 node, what[i]);
			value = vp_sysfs_u64(POOL, of_node);
			if (value != VP_NONE)
				sum += value;
		}
		snprintf(attr, sizeof(attr), "memory/%s", what[i]);
		EXPECT_EQ(vp_sysfs_u64(POOL, attr), sum) TH_LOG("%s", attr);
	}
}

TEST_F(pool, device_has_owner_and_mode)
{
	struct stat st;

	ASSERT_EQ(0, stat("/dev/vpool/" POOL, &st));
	EXPECT_TRUE(S_ISCHR(st.st_mode));
	EXPECT_EQ(0640, st.st_mode & 07777);
	EXPECT_EQ(1000, st.st_uid);
	EXPECT_EQ(4242, st.st_gid);
	ASSERT_EQ(0, stat(VP_CONTROL, &st));
	EXPECT_TRUE(S_ISCHR(st.st_mode));
	EXPECT_EQ(0600, st.st_mode & 07777);
	EXPECT_EQ(0, st.st_uid);
}

TEST_F(pool, query_agrees_with_sysfs)
{
	struct vpool_node_info node[8];
	__u64 cpus[16] = {};
	struct vpool_query q = {
		.nodes_uptr = (uintptr_t)node,
		.nr_nodes = 8,
		.cpus_uptr = (uintptr_t)cpus,
		.cpus_bytes = sizeof(cpus),
	};

	ASSERT_EQ(0, vp_query(self->ctl, POOL, &q));
	EXPECT_STREQ(POOL, q.name);
	EXPECT_EQ(self->req.create.out_id, q.id);
	EXPECT_EQ(q.id, vp_sysfs_u64(POOL, "id"));
	EXPECT_EQ(VPOOL_STATE_ACTIVE, q.state);
	EXPECT_EQ(HUGE_SIZE, q.page_size);
	EXPECT_EQ(1000, q.uid);
	EXPECT_EQ(4242, q.gid);
	EXPECT_EQ(0640, q.mode);
	EXPECT_EQ(0, q.regions);
	EXPECT_EQ(0, q.members);
	EXPECT_EQ(BYTES, q.total_bytes);
	EXPECT_EQ(BYTES, self->req.create.out_bytes);
	EXPECT_EQ(1ULL << 2 | 1ULL << 3, cpus[0]);
	EXPECT_EQ(0, q.cpus_bytes % 8);
	EXPECT_EQ(q.created_ns, vp_sysfs_u64(POOL, "created_ns"));
	EXPECT_LE(self->before, q.created_ns / 1000000000);
	/* time() may be as old as the last tick. */
	EXPECT_GE(time(NULL) + 1, q.created_ns / 1000000000);
	EXPECT_TRUE(vp_accounting_ok(self->ctl, POOL));
}

TEST_F(pool, query_writes_nothing_if_one_array_is_small)
{
	struct vpool_node_info node[8] = {};
	__u64 cpus[16] = {};
	struct vpool_query q = {
		.nodes_uptr = (uintptr_t)node,
		.nr_nodes = 8,
		.cpus_uptr = (uintptr_t)cpus,
		.cpus_bytes = 0,
	};

	EXPECT_EQ(-EMSGSIZE, vp_query(self->ctl, POOL, &q));
	EXPECT_LE(1, q.nr_nodes);
	EXPECT_LE(8, q.cpus_bytes);
	EXPECT_TRUE(vp_is_zero(node, sizeof(node)));
	EXPECT_EQ(0, q.total_bytes);

	q.nr_nodes = 0;
	EXPECT_EQ(-EMSGSIZE, vp_query(self->ctl, POOL, &q));
	EXPECT_LE(1, q.nr_nodes);
	EXPECT_TRUE(vp_is_zero(cpus, sizeof(cpus)));

	q.cpus_bytes = 12;
	EXPECT_EQ(-EINVAL, vp_query(self->ctl, POOL, &q));
}

TEST_F(pool, list_is_in_the_order_of_ids)
{
	struct vpool_list_entry entry[64];
	int a = -1, b = -1;
	__u32 nr = 64, i;

	ASSERT_EQ(0, vp_create(self->ctl, OTHER, 0, 0, "1"));
	ASSERT_EQ(0, vp_list(self->ctl, entry, &nr));
	for (i = 0; i < nr; i++) {
		if (!strcmp(entry[i].name, POOL))
			a = i;
		if (!strcmp(entry[i].name, OTHER))
			b = i;
		if (i)
			EXPECT_LT(entry[i - 1].id, entry[i].id);
		EXPECT_EQ(VPOOL_STATE_ACTIVE, entry[i].state);
	}
	EXPECT_LE(0, a);
	EXPECT_LT(a, b);
}

TEST_F(pool, destroyed_pool_is_not_listed)
{
	struct vpool_list_entry entry[64];
	struct vpool_query q = {};
	__u32 nr = 64, before;

	ASSERT_EQ(0, vp_list(self->ctl, entry, &nr));
	before = nr;
	EXPECT_EQ(0, vp_destroy(self->ctl, POOL, 0));
	nr = 64;
	ASSERT_EQ(0, vp_list(self->ctl, entry, &nr));
	EXPECT_EQ(before - 1, nr);
	EXPECT_FALSE(vp_exists(POOL));
	EXPECT_EQ(-ENOENT, vp_open(POOL));
	EXPECT_EQ(-ENOENT, vp_query(self->ctl, POOL, &q));
	EXPECT_EQ(-ENOENT, vp_destroy(self->ctl, POOL, 0));
	EXPECT_TRUE(vp_reason_has(self->ctl, POOL));
}

TEST_F(pool, name_and_cpus_are_reusable_with_a_new_id)
{
	__u32 id = self->req.create.out_id;
	int i;

	for (i = 0; i < 20; i++) {
		ASSERT_EQ(0, vp_destroy(self->ctl, POOL, 0));
		ASSERT_EQ(0, vp_request_send(self->ctl, &self->req));
		EXPECT_NE(id, self->req.create.out_id);
		id = self->req.create.out_id;
	}
}

TEST_F(pool, cpus_are_in_one_pool_at_most)
{
	EXPECT_EQ(-EBUSY, vp_create(self->ctl, OTHER, 0, 0, "3"));
	EXPECT_TRUE(vp_reason_has(self->ctl, POOL));
	EXPECT_EQ(0, vp_create(self->ctl, OTHER, 0, 0, "1"));
}

TEST_F(pool, cpus_only)
{
	struct vpool_query q = {};
	__u64 bytes = HUGE_SIZE;
	int fd;

	ASSERT_EQ(0, vp_create(self->ctl, OTHER, 0, 0, "1"));
	ASSERT_EQ(0, vp_query(self->ctl, OTHER, &q));
	EXPECT_EQ(0, q.total_bytes);
	EXPECT_TRUE(vp_accounting_ok(self->ctl, OTHER));
	fd = vp_open(OTHER);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-ENOMEM, vp_commit(fd, &bytes));
	EXPECT_EQ(0, lseek(fd, 0, SEEK_END));
	close(fd);
}

TEST_F(pool, memory_only)
{
	char text[64];

	ASSERT_EQ(0, vp_create(self->ctl, OTHER, BYTES, BASE, NULL));
	ASSERT_EQ(0, vp_sysfs(OTHER, "cpus/assigned", text, sizeof(text)));
	EXPECT_STREQ("\n", text);
	EXPECT_EQ(BASE, vp_sysfs_u64(OTHER, "page_size"));
}

/* A power of two is a page size if sysfs lists it. */
TEST_F(pool, sysfs_lists_the_page_sizes)
{
	char list[256], item[32];
	struct vp_request req;
	int err, shift;

	list[0] = ' ';
	ASSERT_EQ(0, vp_read_file("/sys/kernel/vpool/page_sizes", list + 1,
				  sizeof(list) - 1));
	list[strcspn(list, "\n")] = ' ';
	snprintf(item, sizeof(item), " %llu ", BASE);
	EXPECT_EQ(0, strncmp(list, item, strlen(item))) TH_LOG("'%s'", list);
	snprintf(item, sizeof(item), " %llu ", HUGE_SIZE);
	EXPECT_NE(NULL, strstr(list, item)) TH_LOG("'%s'", list);
	for (shift = 0; shift < 64; shift++) {
		vp_request_init(&req, OTHER);
		vp_request_mem(&req, 1, VPOOL_ANY_NODE);
		req.create.page_size = 1ULL << shift;
		req.create.flags = VPOOL_CREATE_DRY_RUN;
		err = vp_request_send(self->ctl, &req);
		snprintf(item, sizeof(item), " %llu ", 1ULL << shift);
		EXPECT_EQ(!strstr(list, item), err == -EOPNOTSUPP)
			TH_LOG("2^%d in '%s': %d", shift, list, err);
	}
}

TEST_F(pool, owner_defaults_to_the_caller)
{
	struct stat st;

	ASSERT_EQ(0, vp_create(self->ctl, OTHER, HUGE_SIZE, 0, NULL));
	ASSERT_EQ(0, stat("/dev/vpool/" OTHER, &st));
	EXPECT_EQ(getuid(), st.st_uid);
	EXPECT_EQ(getgid(), st.st_gid);
	EXPECT_EQ(0600, st.st_mode & 07777);
}

TEST_F(pool, dry_run_changes_nothing)
{
	struct vp_request req = self->req;

	vp_name(req.create.name, OTHER);
	vp_request_cpus(&req, "1");
	req.create.flags = VPOOL_CREATE_DRY_RUN;
	req.create.out_bytes = 0;
	req.mem[0].bytes = HUGE_SIZE + 1;
	EXPECT_EQ(0, vp_request_send(self->ctl, &req));
	EXPECT_EQ(2 * HUGE_SIZE, req.create.out_bytes);
	EXPECT_FALSE(vp_exists(OTHER));
	vp_name(req.create.name, POOL);
	EXPECT_EQ(-EEXIST, vp_request_send(self->ctl, &req));
}

static int create_ephemeral(int ctl, const char *name)
{
	struct vp_request req;

	vp_request_init(&req, name);
	vp_request_mem(&req, HUGE_SIZE, VPOOL_ANY_NODE);
	req.create.flags = VPOOL_CREATE_EPHEMERAL;
	return vp_request_send(ctl, &req);
}

/* Wait until the pool is destroyed: a work item destroys it. */
static bool wait_gone(const char *name)
{
	__u64 end = vp_now_ms() + 60000;

	while (vp_exists(name)) {
		if (vp_now_ms() > end)
			return false;
		vp_sleep_ms(5);
	}
	return true;
}

TEST_F(pool, ephemeral_ends_with_its_creator)
{
	int ctl = vp_control(), copy = dup(ctl);

	ASSERT_EQ(0, create_ephemeral(ctl, OTHER));
	close(ctl);
	EXPECT_TRUE(vp_exists(OTHER));
	close(copy);
	EXPECT_TRUE(wait_gone(OTHER));
	EXPECT_TRUE(vp_exists(POOL));
}

/* A pipe still holds a page after every process has closed the pool. */
TEST_F(pool, ephemeral_waits_for_its_last_pin)
{
	struct iovec iov = { .iov_len = BASE };
	int ctl = vp_control(), fd, pipes[2];
	char page[BASE];

	ASSERT_EQ(0, create_ephemeral(ctl, OTHER));
	iov.iov_base = vp_open_map(OTHER, HUGE_SIZE, &fd);
	ASSERT_NE(MAP_FAILED, iov.iov_base);
	*(char *)iov.iov_base = 'x';
	ASSERT_EQ(0, pipe(pipes));
	ASSERT_EQ(BASE, vmsplice(pipes[1], &iov, 1, 0));
	munmap(iov.iov_base, HUGE_SIZE);
	close(ctl);
	close(fd);
	vp_sleep_ms(300);
	EXPECT_TRUE(vp_exists(OTHER));
	EXPECT_EQ(BASE, read(pipes[0], page, sizeof(page)));
	EXPECT_EQ('x', page[0]);
	EXPECT_TRUE(wait_gone(OTHER));
	close(pipes[0]);
	close(pipes[1]);
}

TEST_F(pool, ephemeral_waits_for_its_last_user)
{
	int ctl = vp_control(), fd;
	char *addr;

	ASSERT_EQ(0, create_ephemeral(ctl, OTHER));
	addr = vp_open_map(OTHER, HUGE_SIZE, &fd);
	ASSERT_NE(MAP_FAILED, addr);
	close(ctl);
	close(fd);
	EXPECT_EQ(0, vp_touch(addr, true));
	EXPECT_TRUE(vp_exists(OTHER));
	munmap(addr, HUGE_SIZE);
	EXPECT_TRUE(wait_gone(OTHER));
}

static int killed_creator(void *arg)
{
	int ctl = vp_control();

	if (create_ephemeral(ctl, OTHER))
		return 1;
	kill(getpid(), SIGKILL);
	return 2;
}

TEST_F(pool, ephemeral_ends_with_a_killed_creator)
{
	EXPECT_EQ(128 + SIGKILL, vp_in_child(killed_creator, NULL));
	EXPECT_TRUE(wait_gone(OTHER));
}

TEST_F(pool, busy_while_open)
{
	int fd = vp_open(POOL);

	ASSERT_LE(0, fd);
	EXPECT_EQ(-EBUSY, vp_destroy(self->ctl, POOL, 0));
	EXPECT_TRUE(vp_reason_has(self->ctl, "open"));
	EXPECT_TRUE(vp_reason_has(self->ctl, POOL));
	close(fd);
	EXPECT_EQ(0, vp_destroy_wait(self->ctl, POOL));
}

TEST_F(pool, busy_while_mapped)
{
	int fd;
	char *addr = vp_open_map(POOL, HUGE_SIZE, &fd);

	ASSERT_NE(MAP_FAILED, addr);
	close(fd);
	EXPECT_EQ(-EBUSY, vp_destroy(self->ctl, POOL, 0));
	EXPECT_TRUE(vp_reason_has(self->ctl, "mapped"));
	EXPECT_EQ(0, vp_touch(addr, true));
	munmap(addr, HUGE_SIZE);
	EXPECT_EQ(0, vp_destroy_wait(self->ctl, POOL));
}

TEST_F(pool, busy_with_members)
{
	int fd = vp_open(POOL);

	ASSERT_EQ(0, vp_attach(fd, 0));
	close(fd);
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/regions", 0));
	EXPECT_EQ(-EBUSY, vp_destroy(self->ctl, POOL, 0));
	EXPECT_TRUE(vp_reason_has(self->ctl, "member"));
	fd = vp_open(POOL);
	EXPECT_EQ(0, vp_detach(fd, 0));
	close(fd);
	EXPECT_EQ(0, vp_destroy_wait(self->ctl, POOL));
}

/* A destroy that fails leaves the pool usable. */
TEST_F(pool, refused_destroy_changes_nothing)
{
	int fd = vp_open(POOL), second;
	__u64 bytes = HUGE_SIZE;
	char text[32];

	EXPECT_EQ(-EBUSY, vp_destroy(self->ctl, POOL, 0));
	EXPECT_EQ(0, vp_sysfs(POOL, "state", text, sizeof(text)));
	EXPECT_STREQ("active\n", text);
	EXPECT_EQ(0, vp_commit(fd, &bytes));
	second = vp_open(POOL);
	EXPECT_LE(0, second);
	close(second);
	close(fd);
}

TEST_F(pool, change_of_state_wakes_poll)
{
	struct pollfd pfd = { .events = POLLPRI };
	char text[32];
	pid_t pid;

	pfd.fd = open(VP_POOLS "/" POOL "/state", O_RDONLY);
	ASSERT_LE(0, pfd.fd);
	ASSERT_LT(0, read(pfd.fd, text, sizeof(text)));
	pid = fork();
	if (!pid) {
		vp_sleep_ms(100);
		_exit(-vp_destroy(self->ctl, POOL, 0));
	}
	EXPECT_EQ(1, poll(&pfd, 1, 60000));
	EXPECT_TRUE(pfd.revents & POLLPRI);
	EXPECT_EQ(0, vp_wait_status(pid));
	close(pfd.fd);
}

TEST_F(pool, counters_increase)
{
	int fd, second = vp_open(POOL);
	__u64 too_much = 64 * GIB;
	char *addr = vp_open_map(POOL, 2 * HUGE_SIZE, &fd);
	bool huge;

	ASSERT_NE(MAP_FAILED, addr);
	EXPECT_EQ(1, vp_sysfs_u64(POOL, "stat/allocs"));
	EXPECT_EQ(-ENOMEM, vp_commit(second, &too_much));
	EXPECT_EQ(1, vp_sysfs_u64(POOL, "stat/alloc_failures"));
	EXPECT_EQ(2, vp_sysfs_u64(POOL, "memory/regions"));
	vp_fill(addr, 2 * HUGE_SIZE, 1);
	huge = vp_mapping_size() == HUGE_SIZE;
	EXPECT_EQ(huge ? 2 : 0, vp_mapped_huge(POOL));
	EXPECT_EQ(huge ? 0 : 2 * HUGE_SIZE / getpagesize(),
		  vp_sysfs_u64(POOL, "stat/faults_base"));
	EXPECT_EQ(0, vp_attach(fd, 0));
	EXPECT_EQ(1, vp_sysfs_u64(POOL, "stat/attaches"));
	EXPECT_EQ(0, vp_detach(fd, 0));
	munmap(addr, 2 * HUGE_SIZE);
	close(second);
	close(fd);
	EXPECT_TRUE(vp_wait_idle(POOL));
	EXPECT_EQ(1, vp_sysfs_u64(POOL, "stat/frees"));
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/clean_bytes", BYTES));
	EXPECT_LE(2 * HUGE_SIZE, vp_sysfs_u64(POOL, "stat/scrubbed_bytes"));
}

TEST_F(pool, regions_list_their_opener)
{
	struct vpool_region_info info[4];
	int first = vp_open(POOL), second = vp_open(POOL);
	__u64 bytes = HUGE_SIZE;
	char comm[16] = {};
	__u32 nr = 4;

	ASSERT_EQ(0, vp_commit(second, &bytes));
	ASSERT_EQ(0, vp_regions(self->ctl, POOL, info, &nr));
	ASSERT_EQ(2, nr);
	EXPECT_LT(info[0].id, info[1].id);
	EXPECT_EQ(0, info[0].bytes);
	EXPECT_EQ(HUGE_SIZE, info[1].bytes);
	EXPECT_EQ(getpid(), info[0].pid);
	EXPECT_EQ(getuid(), info[0].uid);
	ASSERT_EQ(0, vp_read_file("/proc/self/comm", comm, sizeof(comm)));
	comm[strcspn(comm, "\n")] = '\0';
	EXPECT_STREQ(comm, info[0].comm);
	close(first);
	nr = 4;
	ASSERT_EQ(0, vp_regions(second, NULL, info, &nr));
	EXPECT_EQ(1, nr);
	EXPECT_EQ(HUGE_SIZE, info[0].bytes);
	close(second);
}

/* Memory comes from the requested NUMA node only. */
TEST_F(pool, memory_is_on_its_node)
{
	struct vpool_node_info node[8];
	struct vpool_query q = {
		.nodes_uptr = (uintptr_t)node,
		.nr_nodes = 8,
	};
	struct vp_request req;
	__u32 i;

	if (!vp_has_node(1))
		SKIP(return, "needs two NUMA nodes");
	vp_request_init(&req, OTHER);
	vp_request_mem(&req, 2 * HUGE_SIZE, 0);
	vp_request_mem(&req, 3 * HUGE_SIZE, 1);
	ASSERT_EQ(0, vp_request_send(self->ctl, &req));
	EXPECT_EQ(5 * HUGE_SIZE, req.create.out_bytes);
	EXPECT_EQ(2 * HUGE_SIZE,
		  vp_sysfs_u64(OTHER, "memory/node0/total_bytes"));
	EXPECT_EQ(3 * HUGE_SIZE,
		  vp_sysfs_u64(OTHER, "memory/node1/total_bytes"));
	ASSERT_EQ(0, vp_query(self->ctl, OTHER, &q));
	EXPECT_EQ(2, q.nr_nodes);
	for (i = 0; i < q.nr_nodes; i++)
		EXPECT_EQ((node[i].node ? 3 : 2) * HUGE_SIZE,
			  node[i].total_bytes);
	EXPECT_TRUE(vp_accounting_ok(self->ctl, OTHER));
}

/*
 * Creating a pool takes its memory from the host, and destroying the pool returns it.
 */
TEST_F(pool, host_gets_its_memory_back)
{
	const __u64 bytes = 256 * MIB, slack = 24 * MIB;
	__u64 before, during, after;

	before = vp_host_free();
	if (before < 2 * bytes)
		SKIP(return, "needs %llu MiB free", 2 * bytes / MIB);
	ASSERT_EQ(0, vp_create(self->ctl, OTHER, bytes, 0, NULL));
	during = vp_host_free();
	EXPECT_GT(before - bytes + slack, during);
	ASSERT_EQ(0, vp_destroy(self->ctl, OTHER, 0));
	after = vp_host_free();
	EXPECT_LT(before - slack, after);
}

TEST_HARNESS_MAIN
