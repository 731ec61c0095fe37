// SPDX-License-Identifier: GPL-2.0
/*
 * Several threads create, open, map, attach to and destroy pools of the same few names.
 * The accounting must add up in every order of the calls.
 */
#include <linux/vpool.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "lib/host.h"
#include "lib/memory.h"
#include "lib/pool.h"
#include "lib/task.h"

#define THREADS 4
#define NAMES 3
/*
 * Run for SECONDS, and on a busy host until a few pools were created, at most
 * MAX_WAIT_MS.
 */
#define SECONDS 8
#define MAX_WAIT_MS 120000
#define MIN_CREATED 10

static const char * const names[NAMES] = { "concurrency-a", "concurrency-b", "concurrency-c" };

/* Errors that are valid when another thread wins a race. */
static const int race_errors[] = {
	0, EBUSY, EEXIST, ENOENT, ENOMEM, ENXIO, ESRCH, EINVAL, ENODEV,
};

struct worker {
	pthread_t thread;
	unsigned int seed;
	int ctl;
	int iterations;
	atomic_int created;
	int unfair;
	bool accounting_errors;
};

static atomic_bool stop;

static __thread sigjmp_buf revoked;

static void on_sigbus(int sig)
{
	siglongjmp(revoked, 1);
}

static void note(struct worker *worker, int err)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(race_errors); i++)
		if (err == -race_errors[i])
			return;
	worker->unfair = err;
}

static void do_create(struct worker *worker, const char *name)
{
	static const char * const cpus[] = { NULL, "1", "2", "3" };
	__u64 bytes = HUGE_SIZE * (1 + rand_r(&worker->seed) % 4);
	__u64 page = rand_r(&worker->seed) % 2 ? HUGE_SIZE : BASE;
	int err = vp_create(worker->ctl, name, bytes, page,
			    cpus[rand_r(&worker->seed) % ARRAY_SIZE(cpus)]);

	worker->created += !err;
	note(worker, err);
}

static void do_destroy(struct worker *worker, const char *name)
{
	note(worker, vp_destroy(worker->ctl, name, rand_r(&worker->seed) % 2 ?
				VPOOL_DESTROY_FORCE : 0));
}

/* Use a region until another thread destroys its pool. */
static void do_map(struct worker *worker, const char *name)
{
	__u64 bytes = HUGE_SIZE * (1 + rand_r(&worker->seed) % 2);
	int fd = vp_open(name);
	char *addr;

	if (fd < 0) {
		note(worker, fd);
		return;
	}
	addr = vp_map(fd, bytes, 0);
	if (addr == MAP_FAILED) {
		note(worker, -errno);
	} else {
		if (!sigsetjmp(revoked, 1))
			vp_fill(addr, bytes, worker->seed);
		munmap(addr, bytes);
	}
	close(fd);
}

static void do_join(struct worker *worker, const char *name)
{
	int fd = vp_open(name);

	if (fd < 0) {
		note(worker, fd);
		return;
	}
	note(worker, vp_attach(fd, 0));
	sched_yield();
	note(worker, vp_detach(fd, 0));
	close(fd);
}

static void do_query(struct worker *worker, const char *name)
{
	struct vpool_list_entry entry[16];
	struct vpool_query q = {};
	__u32 nr = 16;
	int err = vp_query(worker->ctl, name, &q);

	note(worker, err);
	note(worker, vp_list(worker->ctl, entry, &nr));
	if (err)
		return;
	if (q.total_bytes != q.free_bytes + q.used_bytes + q.poisoned_bytes ||
	    q.free_bytes != q.clean_bytes + q.scrubbing_bytes)
		worker->accounting_errors = true;
	vp_sysfs_u64(name, "memory/used_bytes");
	vp_sysfs_u64(name, "cpus/members");
}

static void *work(void *arg)
{
	static void (*const what[])(struct worker *worker, const char *name) = {
		do_create, do_create, do_destroy, do_map, do_map, do_join,
		do_query,
	};
	struct worker *worker = arg;
	unsigned int *seed = &worker->seed;

	worker->ctl = vp_control();
	while (!stop) {
		what[rand_r(seed) % ARRAY_SIZE(what)](worker,
						      names[rand_r(seed) % NAMES]);
		worker->iterations++;
	}
	close(worker->ctl);
	return NULL;
}

FIXTURE(concurrency)
{
	int ctl;
	struct worker worker[THREADS];
};

FIXTURE_SETUP(concurrency)
{
	struct sigaction act = { .sa_handler = on_sigbus };
	int i;

	if (vp_lacks_cpus())
		SKIP(return, "%s", vp_lacks_cpus());
	self->ctl = vp_control();
	ASSERT_LE(0, self->ctl);
	sigaction(SIGBUS, &act, NULL);
	for (i = 0; i < NAMES; i++)
		vp_destroy(self->ctl, names[i], VPOOL_DESTROY_FORCE);
}

FIXTURE_TEARDOWN(concurrency)
{
	close(self->ctl);
}

/* Expect all names, CPUs and memory to be free. */
static void expect_all_free(struct __test_metadata *_metadata, int ctl)
{
	int i;

	for (i = 0; i < NAMES; i++) {
		if (vp_exists(names[i]))
			EXPECT_TRUE(vp_accounting_ok(ctl, names[i]));
		vp_destroy(ctl, names[i], VPOOL_DESTROY_FORCE);
		EXPECT_FALSE(vp_exists(names[i]));
	}
	EXPECT_EQ(0, vp_create(ctl, names[0], 4 * HUGE_SIZE, 0, "1-3"));
	EXPECT_TRUE(vp_accounting_ok(ctl, names[0]));
	EXPECT_EQ(4 * HUGE_SIZE, vp_sysfs_u64(names[0], "memory/free_bytes"));
	EXPECT_EQ(0, vp_destroy(ctl, names[0], 0));
}

static int all_created(const struct worker *worker)
{
	int i, nr = 0;

	for (i = 0; i < THREADS; i++)
		nr += worker[i].created;
	return nr;
}

TEST_F(concurrency, pools_of_the_same_names)
{
	__u64 free = vp_host_free(), begin = vp_now_ms();
	int i, iterations = 0;

	for (i = 0; i < THREADS; i++) {
		self->worker[i].seed = i + 1;
		ASSERT_EQ(0, pthread_create(&self->worker[i].thread, NULL, work,
					    &self->worker[i]));
	}
	/* A busy host may need more time to create a few pools. */
	while (vp_now_ms() < begin + SECONDS * 1000 ||
	       (all_created(self->worker) <= MIN_CREATED &&
		vp_now_ms() < begin + MAX_WAIT_MS))
		vp_sleep_ms(100);
	stop = true;
	for (i = 0; i < THREADS; i++) {
		pthread_join(self->worker[i].thread, NULL);
		EXPECT_EQ(0, self->worker[i].unfair);
		EXPECT_FALSE(self->worker[i].accounting_errors);
		iterations += self->worker[i].iterations;
	}
	TH_LOG("%d iterations, %d pools", iterations, all_created(self->worker));
	EXPECT_LT(MIN_CREATED, all_created(self->worker));
	expect_all_free(_metadata, self->ctl);
	EXPECT_TRUE(vp_wait_host_free(free - 64 * MIB));
}

#define QUERIES 300

/* Read the state of a descriptor's pool while the pool may be destroyed. */
static void *keep_querying(void *arg)
{
	int *fd = arg;

	/* lseek() returns the free bytes and is the fastest call. */
	while (!stop)
		lseek(*fd, 0, SEEK_END);
	return NULL;
}

/* A descriptor outlives its pool, which may be destroyed during a query. */
TEST_F(concurrency, query_during_destroy)
{
	struct vpool_query q = {};
	pthread_t thread;
	int i, fd;

	for (i = 0; i < vp_scale(QUERIES); i++) {
		ASSERT_EQ(0, vp_create(self->ctl, names[0], MIB, BASE, NULL));
		fd = vp_open(names[0]);
		ASSERT_LE(0, fd);
		stop = false;
		ASSERT_EQ(0, pthread_create(&thread, NULL, keep_querying, &fd));
		EXPECT_EQ(0, vp_destroy(self->ctl, names[0],
					VPOOL_DESTROY_FORCE));
		stop = true;
		pthread_join(thread, NULL);
		EXPECT_EQ(-ENXIO, vp_query(fd, NULL, &q));
		EXPECT_EQ(0, lseek(fd, 0, SEEK_END));
		close(fd);
	}
}

TEST_HARNESS_MAIN
