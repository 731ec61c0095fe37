// SPDX-License-Identifier: GPL-2.0
/*
 * Several threads commit and close regions of one pool as fast as they can. No folio
 * may be lost or allocated twice, and no thread may wait for a long release.
 *
 * VPOOL_ITERATIONS is the number of regions, VPOOL_SECONDS the time limit.
 */
#include <linux/vpool.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "kselftest_harness.h"
#include "lib/host.h"
#include "lib/memory.h"
#include "lib/pool.h"

#define POOL "stress"
#define THREADS 4
#define FOLIOS_MAX 8
#define TAKER_BYTES (16 * MIB)
/* Size of the region whose release takes a long time, and size of its pool. */
#define LARGE_BYTES (128 * MIB)
#define LARGE_POOL (LARGE_BYTES + 16 * MIB)
/* Maximum number of releases, and number of releases that must be seen unfinished. */
#define LARGE_ITERATIONS 400
#define LARGE_SEEN 4

struct taker {
	pthread_t thread;
	unsigned int seed;
	int iterations;
	int done;
	int err;
	bool dirty;
	bool shared;
};

static atomic_bool stop;
static __u64 end_ms;

/* A region must be zero at first, and keep what this thread writes. */
static void use(struct taker *taker, int fd, __u64 bytes)
{
	__u64 seed = (__u64)taker->seed << 32 | taker->done;
	char *addr = vp_map(fd, bytes, 0);

	if (addr == MAP_FAILED) {
		taker->err = -errno;
		return;
	}
	taker->dirty |= !vp_is_zero(addr, bytes);
	vp_fill(addr, bytes, seed);
	sched_yield();
	taker->shared |= !vp_is_filled(addr, bytes, seed);
	munmap(addr, bytes);
}

static void take_one(struct taker *taker)
{
	__u64 bytes = BASE * (1 + rand_r(&taker->seed) % FOLIOS_MAX);
	int fd = vp_open(POOL);

	if (fd < 0) {
		taker->err = fd;
		return;
	}
	taker->err = vp_commit(fd, &bytes);
	if (!taker->err && taker->done % 8 == 0)
		use(taker, fd, bytes);
	close(fd);
}

static void *take(void *arg)
{
	struct taker *taker = arg;

	while (!taker->err && taker->done < taker->iterations &&
	       vp_now_ms() < end_ms) {
		take_one(taker);
		taker->done++;
	}
	return NULL;
}

FIXTURE(stress)
{
	int ctl;
	struct taker taker[THREADS];
};

FIXTURE_SETUP(stress)
{
	self->ctl = vp_control();
	ASSERT_LE(0, self->ctl);
	vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
}

FIXTURE_TEARDOWN(stress)
{
	vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	close(self->ctl);
}

/* Run @threads threads. Return the regions per second that they commit and close. */
static __u64 run_takers(struct __test_metadata *_metadata,
			struct taker *taker, int threads, int iterations,
			int seconds)
{
	__u64 begin = vp_now_ms(), took;
	int i, done = 0;

	end_ms = begin + seconds * 1000ULL;
	for (i = 0; i < threads; i++) {
		taker[i] = (struct taker){
			.seed = i + 1,
			.iterations = iterations / threads,
		};
		ASSERT_EQ(0, pthread_create(&taker[i].thread, NULL, take,
					    &taker[i]));
	}
	for (i = 0; i < threads; i++) {
		pthread_join(taker[i].thread, NULL);
		EXPECT_EQ(0, taker[i].err);
		EXPECT_FALSE(taker[i].dirty);
		EXPECT_FALSE(taker[i].shared);
		done += taker[i].done;
	}
	EXPECT_LT(0, done);
	took = vp_now_ms() - begin;
	TH_LOG("cases: %d of a region under stress", done);
	TH_LOG("%d threads: %d of %d iterations in %llu ms", threads, done, iterations,
	       took);
	return done * 1000ULL / (took ?: 1);
}

TEST_F_TIMEOUT(stress, threads_lose_no_folio, 3000)
{
	int iterations = vp_env_number("VPOOL_ITERATIONS", vp_scale(20000));
	int seconds = vp_env_number("VPOOL_SECONDS", 30);
	struct vpool_query q = {};
	__u64 single, parallel;

	ASSERT_EQ(0, vp_create(self->ctl, POOL, TAKER_BYTES, BASE, NULL));
	single = run_takers(_metadata, self->taker, 1, iterations / 10 ?: 1,
			    seconds / 4);
	parallel = run_takers(_metadata, self->taker, THREADS, iterations, seconds);
	TH_LOG("%llu regions a second by one thread, %llu by %d", single, parallel,
	       THREADS);
	EXPECT_TRUE(vp_wait_idle(POOL));
	EXPECT_TRUE(vp_accounting_ok(self->ctl, POOL));
	ASSERT_EQ(0, vp_query(self->ctl, POOL, &q));
	EXPECT_EQ(TAKER_BYTES, q.total_bytes);
	EXPECT_EQ(TAKER_BYTES, q.free_bytes);
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/clean_bytes", TAKER_BYTES));
}

/* Odd while the large region is being released. */
static atomic_uint releases;
/* Number of times that a release was seen unfinished. */
static atomic_uint unfinished;

static void *watch_accounting(void *arg)
{
	struct vpool_query q = {};
	unsigned int release;
	int *ctl = arg;
	__u64 seen = 0;

	while (!stop) {
		release = releases;
		if (!vp_query(*ctl, POOL, &q) && release % 2 &&
		    release == releases && q.used_bytes != seen) {
			unfinished += q.used_bytes && q.used_bytes < LARGE_BYTES;
			seen = q.used_bytes;
		}
	}
	return NULL;
}

static void release_large(struct __test_metadata *_metadata)
{
	__u64 bytes = LARGE_BYTES;
	int fd = vp_open(POOL);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, vp_commit(fd, &bytes));
	releases++;
	close(fd);
	releases++;
}

/*
 * The release of a large region drops the pool's lock in between, so that another task
 * can read the accounting of an unfinished release.
 */
TEST_F_TIMEOUT(stress, large_release_does_not_hold_the_lock, 1200)
{
	pthread_t thread;
	int i;

	if (vp_online_cpus() < 2)
		SKIP(return, "needs two CPUs");
	ASSERT_EQ(0, vp_create(self->ctl, POOL, LARGE_POOL, BASE, NULL));
	ASSERT_EQ(0, pthread_create(&thread, NULL, watch_accounting, &self->ctl));
	for (i = 0; i < LARGE_ITERATIONS && unfinished < LARGE_SEEN; i++)
		release_large(_metadata);
	stop = true;
	pthread_join(thread, NULL);
	TH_LOG("seen unfinished %u times in %d releases", unfinished, i);
	EXPECT_LE(LARGE_SEEN, unfinished);
}

TEST_HARNESS_MAIN
