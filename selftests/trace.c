// SPDX-License-Identifier: GPL-2.0
/* The tracepoints exist, and report the pool's name. */
#include <linux/vpool.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "kselftest_harness.h"
#include "lib/file.h"
#include "lib/host.h"
#include "lib/memory.h"
#include "lib/poison.h"
#include "lib/pool.h"
#include "lib/task.h"

#define POOL "trace-pool"
#define TRACING "/sys/kernel/tracing"
#define INSTANCE TRACING "/instances/vpool-test"

static const char * const events[] = {
	"vpool_create", "vpool_destroy", "vpool_commit", "vpool_release",
	"vpool_attach", "vpool_resize", "vpool_refuse", "vpool_escape",
	"vpool_memory_error",
};

/* Events of use_once(): all but the last two. */
#define NR_USED (ARRAY_SIZE(events) - 2)

FIXTURE(trace)
{
	int ctl;
	char text[65536];
};

FIXTURE_SETUP(trace)
{
	if (access(TRACING "/events", F_OK))
		SKIP(return, "tracefs is not mounted on " TRACING);
	if (mkdir(INSTANCE, 0700) && errno != EEXIST)
		SKIP(return, "cannot create a trace instance: %s",
		     strerror(errno));
	self->ctl = vp_control();
	ASSERT_LE(0, self->ctl);
	vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
}

FIXTURE_TEARDOWN(trace)
{
	vp_write_file(INSTANCE "/events/vpool/enable", "0");
	rmdir(INSTANCE);
	vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	close(self->ctl);
}

TEST_F(trace, events_exist)
{
	char path[128];
	int i;

	for (i = 0; i < ARRAY_SIZE(events); i++) {
		snprintf(path, sizeof(path), TRACING "/events/vpool/%s/format",
			 events[i]);
		EXPECT_EQ(0, access(path, R_OK)) TH_LOG("%s", path);
	}
}

/* Check whether one line of the trace contains both of these words. */
static bool has_line(const char *text, const char *event, const char *word)
{
	char line[1024];
	size_t len;

	for (; *text; text += len + !!text[len]) {
		len = strcspn(text, "\n");
		snprintf(line, sizeof(line), "%.*s", (int)len, text);
		if (strstr(line, event) && strstr(line, word))
			return true;
	}
	fprintf(stderr, "# no %s with %s in the trace\n", event, word);
	return false;
}

/* Trigger each of the first NR_USED tracepoints once. */
static int use_once(int ctl)
{
	__u64 bytes = 2 * HUGE_SIZE;
	int fd, err;
	char *addr;

	err = vp_create(ctl, POOL, HUGE_SIZE, 0, "1") ?:
		vp_resize(ctl, POOL, &bytes, VPOOL_ANY_NODE);
	if (err)
		return err;
	if (vp_create(ctl, POOL, HUGE_SIZE, 0, NULL) != -EEXIST)
		return -EPROTO;
	addr = vp_open_map(POOL, HUGE_SIZE, &fd);
	if (addr == MAP_FAILED)
		return -errno;
	err = vp_attach(fd, 0) ?: vp_detach(fd, 0);
	munmap(addr, HUGE_SIZE);
	close(fd);
	return err ?: vp_destroy_wait(ctl, POOL);
}

TEST_F(trace, events_report_the_pools_name)
{
	char bytes[32];
	int i;

	if (vp_lacks_cpus())
		SKIP(return, "%s", vp_lacks_cpus());
	ASSERT_EQ(0, vp_write_file(INSTANCE "/events/vpool/enable", "1"));
	ASSERT_EQ(0, use_once(self->ctl));
	ASSERT_EQ(0, vp_write_file(INSTANCE "/events/vpool/enable", "0"));
	ASSERT_EQ(0, vp_read_file(INSTANCE "/trace", self->text,
				  sizeof(self->text)));
	for (i = 0; i < NR_USED; i++)
		EXPECT_TRUE(has_line(self->text, events[i], POOL));
	snprintf(bytes, sizeof(bytes), "%llu", HUGE_SIZE);
	EXPECT_TRUE(has_line(self->text, "vpool_commit", bytes));
	snprintf(bytes, sizeof(bytes), "%llu", 2 * HUGE_SIZE);
	EXPECT_TRUE(has_line(self->text, "vpool_resize", bytes));
}

/* A refusal has the pool, the call, the errno, the code and the reason. */
TEST_F(trace, refusals_have_their_reason)
{
	__u64 bytes = 8 * HUGE_SIZE;
	char want[256];
	int fd;

	ASSERT_EQ(0, vp_create(self->ctl, POOL, HUGE_SIZE, 0, NULL));
	fd = vp_open(POOL);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, vp_write_file(INSTANCE "/events/vpool/enable", "1"));
	EXPECT_EQ(-EEXIST, vp_create(self->ctl, POOL, HUGE_SIZE, 0, NULL));
	EXPECT_EQ(-EBUSY, vp_destroy(self->ctl, POOL, 0));
	EXPECT_EQ(-ENOMEM, vp_commit(fd, &bytes));
	ASSERT_EQ(0, vp_write_file(INSTANCE "/events/vpool/enable", "0"));
	ASSERT_EQ(0, vp_read_file(INSTANCE "/trace", self->text,
				  sizeof(self->text)));
	snprintf(want, sizeof(want),
		 "pool=%s call=create error=%d code=%d comm=trace reason=pool '%s' already exists",
		 POOL, -EEXIST, VPOOL_CODE_POOL_EXISTS, POOL);
	EXPECT_TRUE(has_line(self->text, "vpool_refuse: ", want));
	snprintf(want, sizeof(want), "pool=" POOL " call=destroy error=%d code=%d ",
		 -EBUSY, VPOOL_CODE_POOL_HAS_REGIONS);
	EXPECT_TRUE(has_line(self->text, "vpool_refuse: ", want));
	snprintf(want, sizeof(want),
		 "pool=" POOL " call=commit error=%d code=%u comm=trace reason=%s",
		 -ENOMEM, vp_code(fd), vp_reason(fd));
	EXPECT_TRUE(has_line(self->text, "vpool_refuse: ", want));
	close(fd);
}

/* Calls that succeed, dry runs, and calls that only read are not refusals. */
TEST_F(trace, only_changes_are_refused)
{
	struct vpool_query query = { .size = sizeof(query) };
	struct vp_request req;

	ASSERT_EQ(0, vp_create(self->ctl, POOL, HUGE_SIZE, 0, NULL));
	ASSERT_EQ(0, vp_write_file(INSTANCE "/events/vpool/enable", "1"));
	vp_request_init(&req, POOL);
	vp_request_mem(&req, HUGE_SIZE, VPOOL_ANY_NODE);
	req.create.flags = VPOOL_CREATE_DRY_RUN;
	EXPECT_EQ(-EEXIST, vp_request_send(self->ctl, &req));
	EXPECT_EQ(-ENOENT, vp_query(self->ctl, "trace-none", &query));
	EXPECT_EQ(0, vp_destroy(self->ctl, POOL, 0));
	ASSERT_EQ(0, vp_write_file(INSTANCE "/events/vpool/enable", "0"));
	ASSERT_EQ(0, vp_read_file(INSTANCE "/trace", self->text,
				  sizeof(self->text)));
	EXPECT_TRUE(has_line(self->text, "vpool_destroy: ", POOL));
	EXPECT_EQ(NULL, strstr(self->text, "vpool_refuse: "));
}

/* An invalid name is not in the pool's field. In the reason it is quoted. */
TEST_F(trace, invalid_names_are_quoted)
{
	struct vp_request req;

	ASSERT_EQ(0, vp_write_file(INSTANCE "/events/vpool/enable", "1"));
	vp_request_init(&req, "a\nvpool_refuse: pool=b");
	vp_request_mem(&req, HUGE_SIZE, VPOOL_ANY_NODE);
	EXPECT_EQ(-EINVAL, vp_request_send(self->ctl, &req));
	ASSERT_EQ(0, vp_write_file(INSTANCE "/events/vpool/enable", "0"));
	ASSERT_EQ(0, vp_read_file(INSTANCE "/trace", self->text,
				  sizeof(self->text)));
	EXPECT_TRUE(has_line(self->text, "vpool_refuse: pool= call=create ",
			     "reason='a\\nvpool_refuse: pool=b' is not a valid"));
	EXPECT_EQ(NULL, strstr(self->text, "\nvpool_refuse"));
}

TEST_F(trace, escapes_name_the_task)
{
	__u64 end = vp_now_ms() + 60000;
	char want[64];
	int fd;

	if (vp_lacks_cpus())
		SKIP(return, "%s", vp_lacks_cpus());
	ASSERT_EQ(0, vp_create(self->ctl, POOL, HUGE_SIZE, 0, "1"));
	fd = vp_open(POOL);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, vp_write_file(INSTANCE "/events/vpool/enable", "1"));
	ASSERT_EQ(0, vp_attach(fd, 0));
	while (!vp_sysfs_u64(POOL, "stat/escapes") && vp_now_ms() < end) {
		ASSERT_EQ(0, vp_set_affinity(0, "0"));
		vp_sleep_ms(100);
	}
	ASSERT_EQ(0, vp_write_file(INSTANCE "/events/vpool/enable", "0"));
	ASSERT_EQ(0, vp_read_file(INSTANCE "/trace", self->text,
				  sizeof(self->text)));
	snprintf(want, sizeof(want), "pool=" POOL " tid=%d", getpid());
	EXPECT_TRUE(has_line(self->text, "vpool_escape: ", want));
	EXPECT_EQ(0, vp_detach(fd, 0));
	close(fd);
}

TEST_F(trace, memory_errors_name_the_page)
{
	__u64 page = vp_page_size(false), end = vp_now_ms() + 60000, pfn;
	char want[64], *addr;
	int fd;

	if (!vp_can_poison())
		SKIP(return, "the kernel cannot inject memory errors");
	ASSERT_EQ(0, vp_create(self->ctl, POOL, 2 * page, page, NULL));
	addr = vp_open_map(POOL, page, &fd);
	ASSERT_NE(MAP_FAILED, addr);
	vp_fill(addr, page, 3);
	pfn = vp_pfn(addr);
	ASSERT_EQ(0, vp_write_file(INSTANCE "/events/vpool/enable", "1"));
	ASSERT_EQ(0, vp_poison(pfn));
	/* Without kprobes, a work item handles the error. */
	while (!vp_bus_code(addr, NULL) && vp_now_ms() < end)
		vp_sleep_ms(20);
	ASSERT_EQ(0, vp_write_file(INSTANCE "/events/vpool/enable", "0"));
	ASSERT_EQ(0, vp_read_file(INSTANCE "/trace", self->text,
				  sizeof(self->text)));
	snprintf(want, sizeof(want), "pool=" POOL " pfn=%#llx", pfn);
	EXPECT_TRUE(has_line(self->text, "vpool_memory_error: ", want));
	munmap(addr, page);
	close(fd);
}

TEST_HARNESS_MAIN
