// SPDX-License-Identifier: GPL-2.0
/*
 * Thousands of pools and regions exist together: none is lost, and the host gets all
 * its memory back.
 *
 * VPOOL_SCALE is a factor: with 10 there are 10,000 pools and 100,000 regions.
 */
#include <linux/vpool.h>
#include <sys/resource.h>

#include "kselftest_harness.h"
#include "lib/file.h"
#include "lib/host.h"
#include "lib/memory.h"
#include "lib/pool.h"

/* Number of pools that share the regions, because the limit on regions is per pool. */
#define SHARES 4
#define NAME_SIZE 16

/* Memory that the host may keep in slabs and per-CPU lists. */
#define SLACK (48 * MIB)

FIXTURE(scale)
{
	int ctl;
	__u64 before;
	int pools;
	int regions;
};

static void name(char *text, int nr)
{
	snprintf(text, NAME_SIZE, "scale-%d", nr);
}

FIXTURE_SETUP(scale)
{
	int scale = vp_env_number("VPOOL_SCALE", 1);

	self->pools = vp_scale(1000) * scale;
	self->regions = vp_scale(10000) * scale;
	self->ctl = vp_control();
	ASSERT_LE(0, self->ctl);
	vp_write_file("/proc/sys/vm/drop_caches", "3");
	self->before = vp_host_free();
}

FIXTURE_TEARDOWN(scale)
{
	EXPECT_TRUE(vp_wait_host_free(self->before - SLACK));
	close(self->ctl);
}

TEST_F_TIMEOUT(scale, pools, 1200)
{
	char pool[NAME_SIZE];
	int i, bad = 0;

	for (i = 0; i < self->pools && !bad; i++) {
		name(pool, i);
		bad = vp_create(self->ctl, pool, BASE, BASE, NULL);
	}
	EXPECT_EQ(0, bad)
		TH_LOG("pool %d: %s", i, vp_reason(self->ctl));
	TH_LOG("cases: %d of a pool beside thousands", i);
	while (i--) {
		name(pool, i);
		EXPECT_EQ(0, vp_destroy(self->ctl, pool, 0));
	}
}

/* Commit a page of one of the pools. Return the descriptor or a negative errno. */
static int take_page(int nr)
{
	__u64 bytes = BASE;
	char pool[NAME_SIZE];
	int fd, err;

	name(pool, nr % SHARES);
	fd = vp_open(pool);
	err = fd < 0 ? 0 : vp_commit(fd, &bytes);
	if (err) {
		close(fd);
		fd = err;
	}
	return fd;
}

TEST_F_TIMEOUT(scale, regions, 1200)
{
	struct rlimit limit = {
		.rlim_cur = self->regions + 64,
		.rlim_max = self->regions + 64,
	};
	char pool[NAME_SIZE];
	int *fds = calloc(self->regions, sizeof(*fds));
	__u64 each = self->regions / SHARES;
	int i, nr;

	ASSERT_TRUE(fds);
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	for (i = 0; i < SHARES; i++) {
		name(pool, i);
		ASSERT_EQ(0, vp_create(self->ctl, pool, each * BASE, BASE,
				       NULL));
	}
	for (nr = 0; nr < each * SHARES; nr++) {
		fds[nr] = take_page(nr);
		if (fds[nr] < 0)
			break;
	}
	EXPECT_EQ(each * SHARES, nr)
		TH_LOG("region %d: %s", nr, strerror(-fds[nr]));
	TH_LOG("cases: %d of a region beside thousands", nr);
	for (i = 0; i < SHARES; i++) {
		name(pool, i);
		EXPECT_EQ(each, vp_sysfs_u64(pool, "memory/regions"));
		EXPECT_EQ(each * BASE, vp_sysfs_u64(pool, "memory/used_bytes"));
	}
	while (nr--)
		close(fds[nr]);
	for (i = 0; i < SHARES; i++) {
		name(pool, i);
		EXPECT_TRUE(vp_wait_idle(pool));
		EXPECT_TRUE(vp_accounting_ok(self->ctl, pool));
		EXPECT_EQ(0, vp_destroy_wait(self->ctl, pool));
	}
	free(fds);
}

TEST_HARNESS_MAIN
