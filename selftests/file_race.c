// SPDX-License-Identifier: GPL-2.0
/*
 * Threads that truncate, punch, write, read, map, fork and pin the same files at once, for
 * a bounded time. A byte shows what a thread wrote to this place, or zero, and nothing is
 * missing in the accounting afterwards.
 */
#include <fcntl.h>
#include <linux/mempolicy.h>
#include <linux/vpool.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "kselftest_harness.h"
#include "lib/fs.h"
#include "lib/host.h"
#include "lib/memory.h"
#include "lib/numa.h"
#include "lib/pool.h"
#include "lib/task.h"

#define POOL "file-race-pool"
#define SECRET 0x5ec2e7
/* Together, the files can need more memory than the pool has. */
#define FILES 2
/* Run for MS, and on a busy host until each operation has succeeded, at most VP_WAIT_MS. */
#define MS 4000
/* The words of a file that threads write: its number, and the offset. */
#define TAG 0xf11eULL

/* Errors that are valid when the pool is full, or is destroyed. */
static const int expected[] = { 0, ENOSPC, ENOMEM, EFAULT, EIO, EAGAIN };

/**
 * struct race - what all threads share
 * @fd: descriptors of the files
 * @page: page size of the pool
 * @bytes: largest size that a thread gives a file
 * @until: end of the race, in ms
 * @latest: its end if an operation has not succeeded, in ms
 * @calls: number of calls of each operation that succeeded
 * @sigbus: number of accesses that failed, as those of holes and beyond the end do
 * @unexpected: an unexpected error, as a negative errno
 * @wrong: a word that no thread wrote to its place
 */
struct race {
	int fd[FILES];
	__u64 page;
	__u64 bytes;
	atomic_ullong until;
	atomic_ullong latest;
	atomic_ulong calls[16];
	atomic_ulong sigbus;
	atomic_int unexpected;
	atomic_ulong wrong;
};

static struct race *race;

static __thread sigjmp_buf failed;
static __thread unsigned int seed;

static void on_sigbus(int sig)
{
	siglongjmp(failed, 1);
}

static unsigned int below(unsigned int limit)
{
	return rand_r(&seed) % limit;
}

/* An offset: mostly that of a page, sometimes one inside a page. */
static __u64 any_offset(void)
{
	__u64 pages = race->bytes / race->page;
	__u64 at = below(pages) * race->page;

	return below(3) ? at : at + below(race->page / 8) * 8;
}

static __u64 word_at(int file, __u64 at)
{
	return TAG << 48 | (__u64)file << 40 | at;
}

static void check_word(int file, __u64 at, __u64 word)
{
	if (word && word != word_at(file, at))
		race->wrong = word;
}

/* The operations. Each returns a negative errno or 0. */

static int do_truncate(int file)
{
	return vp_truncate(race->fd[file], any_offset());
}

static int do_grow(int file)
{
	return vp_truncate(race->fd[file], race->bytes);
}

static int do_punch(int file)
{
	return vp_punch(race->fd[file], any_offset(), race->page + any_offset());
}

static int do_allocate(int file)
{
	return vp_allocate(race->fd[file],
			   below(2) ? FALLOC_FL_KEEP_SIZE : 0, any_offset(),
			   race->page);
}

static int do_write(int file)
{
	__u64 words[64], at = any_offset() / sizeof(words) * sizeof(words);
	ssize_t len;
	int i;

	for (i = 0; i < ARRAY_SIZE(words); i++)
		words[i] = word_at(file, at + i * sizeof(*words));
	len = vp_pwrite(race->fd[file], words, sizeof(words), at);
	return len < 0 ? len : 0;
}

static int do_read(int file)
{
	__u64 words[64], at = any_offset();
	ssize_t len = vp_pread(race->fd[file], words, sizeof(words), at);
	int i;

	for (i = 0; i < len / (ssize_t)sizeof(*words); i++)
		check_word(file, at + i * sizeof(*words), words[i]);
	return len < 0 ? len : 0;
}

/* Read and write words through a mapping. */
static void touch_words(int file, char *addr, __u64 at, __u64 bytes)
{
	__u64 i, *word;

	if (sigsetjmp(failed, 1)) {
		race->sigbus++;
		return;
	}
	for (i = 0; i < bytes; i += BASE) {
		word = (__u64 *)(addr + i);
		check_word(file, at + i, __atomic_load_n(word, __ATOMIC_RELAXED));
		if (below(2))
			__atomic_store_n(word, word_at(file, at + i),
					 __ATOMIC_RELAXED);
	}
}

static int with_mapping(int file, void (*fn)(int file, char *addr, __u64 at,
					     __u64 bytes))
{
	__u64 bytes = race->page * (1 + below(2)), at;
	char *addr;

	at = any_offset() / race->page * race->page;
	addr = vp_map(race->fd[file], bytes, at);
	if (addr == MAP_FAILED)
		return -errno;
	fn(file, addr, at, bytes);
	munmap(addr, bytes);
	return 0;
}

static int do_map(int file)
{
	return with_mapping(file, touch_words);
}

static void madvise_some(int file, char *addr, __u64 at, __u64 bytes)
{
	static const int advice[] = {
		MADV_REMOVE, MADV_DONTNEED, MADV_POPULATE_WRITE,
		MADV_POPULATE_READ,
	};

	madvise(addr, bytes, advice[below(ARRAY_SIZE(advice))]);
	touch_words(file, addr, at, bytes);
}

static int do_madvise(int file)
{
	return with_mapping(file, madvise_some);
}

static void change_policy(int file, char *addr, __u64 at, __u64 bytes)
{
	vp_mapping_policy(addr, bytes, MPOL_PREFERRED, 1 << below(2));
	touch_words(file, addr, at, bytes);
}

static int do_policy(int file)
{
	return with_mapping(file, change_policy);
}

/* Hold a page in a pipe while other threads change the file, and check it then. */
static void pin(int file, char *addr, __u64 at, __u64 bytes)
{
	struct iovec iov = { .iov_base = addr, .iov_len = BASE };
	__u64 words[BASE / sizeof(__u64)];
	int pipes[2], i;

	if (pipe(pipes))
		return;
	if (vmsplice(pipes[1], &iov, 1, SPLICE_F_NONBLOCK) == BASE) {
		vp_sleep_ms(below(3));
		if (read(pipes[0], words, BASE) == BASE)
			for (i = 0; i < ARRAY_SIZE(words); i++)
				check_word(file, at + i * sizeof(*words),
					   words[i]);
	}
	close(pipes[0]);
	close(pipes[1]);
}

static int do_pin(int file)
{
	return with_mapping(file, pin);
}

/* Give a child the mapping. It exits while other threads change the file. */
static void touch_in_child(int file, char *addr, __u64 at, __u64 bytes)
{
	pid_t pid;

	touch_words(file, addr, at, bytes);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		touch_words(file, addr, at, bytes);
		_exit(0);
	}
	touch_words(file, addr, at, bytes);
	if (pid > 0)
		waitpid(pid, NULL, 0);
}

static int do_fork(int file)
{
	return with_mapping(file, touch_in_child);
}

static int do_splice(int file)
{
	__u64 words[BASE / sizeof(__u64)];
	__u64 from = any_offset();
	loff_t at = from;
	ssize_t len, got = 0;
	int pipes[2], i;

	if (pipe(pipes))
		return -errno;
	len = splice(race->fd[file], &at, pipes[1], NULL, BASE, SPLICE_F_NONBLOCK);
	if (len < 0)
		len = -errno;
	if (len > 0)
		got = read(pipes[0], words, BASE);
	for (i = 0; i < got / (ssize_t)sizeof(*words); i++)
		check_word(file, from + i * sizeof(*words), words[i]);
	close(pipes[0]);
	close(pipes[1]);
	return len < 0 ? len : 0;
}

static const struct operation {
	const char *name;
	int (*fn)(int file);
} operations[] = {
	{ "truncate", do_truncate },
	{ "grow", do_grow },
	{ "punch", do_punch },
	{ "allocate", do_allocate },
	{ "write", do_write },
	{ "read", do_read },
	{ "map, touch", do_map },
	{ "madvise", do_madvise },
	{ "splice", do_splice },
	{ "mbind", do_policy },
	{ "pin", do_pin },
	{ "fork", do_fork },
};

#define NR_SLOW 3

static void note(int op, int err)
{
	int i;

	race->calls[op] += !err;
	for (i = 0; i < ARRAY_SIZE(expected); i++)
		if (err == -expected[i])
			return;
	race->unexpected = err;
}

static bool goes_on(void)
{
	__u64 now = vp_now_ms();
	int i;

	for (i = 0; i < ARRAY_SIZE(operations); i++)
		if (!race->calls[i] && now < race->latest)
			return true;
	return now < race->until;
}

/* The last operations are slow: run them less often. */
static int any_operation(void)
{
	return below(ARRAY_SIZE(operations) - (below(8) ? NR_SLOW : 0));
}

static void *run(void *arg)
{
	int op;

	seed = (unsigned long)arg;
	while (goes_on()) {
		op = any_operation();
		note(op, operations[op].fn(below(FILES)));
	}
	return NULL;
}

/* Run in a separate process, because it changes the handler of SIGBUS. */
static int run_threads(void *arg)
{
	struct sigaction act = { .sa_handler = on_sigbus };
	pthread_t thread[4];
	unsigned long i;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigaction(SIGBUS, &act, NULL);
	for (i = 0; i < ARRAY_SIZE(thread); i++)
		if (pthread_create(&thread[i], NULL, run,
				   (void *)(i + *(unsigned int *)arg)))
			return 1;
	for (i = 0; i < ARRAY_SIZE(thread); i++)
		pthread_join(thread[i], NULL);
	return 0;
}

FIXTURE(file_race)
{
	int ctl;
	unsigned int seed;
	__u64 page;
	__u64 pool;
};

FIXTURE_VARIANT(file_race)
{
	bool huge;
	__u64 pages;
};

FIXTURE_VARIANT_ADD(file_race, huge)
{
	.huge = true,
	.pages = 8,
};

FIXTURE_VARIANT_ADD(file_race, base)
{
	.pages = 64,
};

static int make_pool(int ctl, __u64 pool, __u64 page)
{
	int fd, err = vp_create(ctl, POOL, pool, page, NULL);

	if (err)
		return err;
	/* The files must not show what the pool held before. */
	fd = vp_open_file(POOL);
	err = fd < 0 ? fd : vp_file_fill(fd, 0, pool, SECRET);
	close(fd);
	return err;
}

FIXTURE_SETUP(file_race)
{
	int i;

	self->page = vp_page_size(variant->huge);
	self->pool = self->page * variant->pages;
	self->seed = vp_env_number("VPOOL_SEED", vp_now_ms());
	TH_LOG("VPOOL_SEED=%u", self->seed);
	self->ctl = vp_control();
	ASSERT_LE(0, self->ctl);
	vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	ASSERT_EQ(0, make_pool(self->ctl, self->pool, self->page));
	ASSERT_TRUE(vp_wait_idle(POOL));
	race = mmap(NULL, sizeof(*race), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, race);
	race->page = self->page;
	race->bytes = self->pool / 4 * 3;
	for (i = 0; i < FILES; i++) {
		race->fd[i] = vp_open_file(POOL);
		ASSERT_LE(0, race->fd[i]);
	}
}

FIXTURE_TEARDOWN(file_race)
{
	vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	close(self->ctl);
	munmap(race, sizeof(*race));
}

static void log_calls(struct __test_metadata *_metadata)
{
	unsigned long all = 0;
	int i;

	for (i = 0; i < ARRAY_SIZE(operations); i++) {
		TH_LOG("%-10s %lu", operations[i].name, race->calls[i]);
		all += race->calls[i];
	}
	TH_LOG("cases: %lu of calls on files, %lu accesses failed", all,
	       race->sigbus);
}

/* Every word of a file is zero, or what a thread wrote to this place. */
static void check_file(int file)
{
	__u64 size = vp_file_size(race->fd[file]), at, *words = malloc(race->page);
	ssize_t len, i;

	for (at = 0; at < size; at += race->page) {
		len = vp_pread(race->fd[file], words, race->page, at);
		for (i = 0; i < len / (ssize_t)sizeof(*words); i++)
			check_word(file, at + i * sizeof(*words), words[i]);
		if (len < 0)
			race->unexpected = len;
	}
	free(words);
}

TEST_F(file_race, contents_and_accounting)
{
	int ms = vp_env_number("VPOOL_SECONDS", MS / 1000) * 1000, i;
	__u64 bytes = 0;

	race->until = vp_now_ms() + ms;
	race->latest = vp_now_ms() + VP_WAIT_MS;
	EXPECT_EQ(0, vp_in_child(run_threads, &self->seed));
	EXPECT_EQ(0, race->unexpected);
	log_calls(_metadata);
	for (i = 0; i < ARRAY_SIZE(operations); i++)
		EXPECT_LT(0, race->calls[i])
			TH_LOG("%s", operations[i].name);
	for (i = 0; i < FILES; i++) {
		check_file(i);
		bytes += vp_file_bytes(race->fd[i]);
	}
	EXPECT_EQ(0, race->wrong)
		TH_LOG("%lx", race->wrong);
	EXPECT_EQ(0, race->unexpected);
	/* The files have what is in use, to a byte. */
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/used_bytes", bytes))
		TH_LOG("%llu of the files", bytes);
	EXPECT_TRUE(vp_accounting_ok(self->ctl, POOL));
	for (i = 0; i < FILES; i++)
		EXPECT_EQ(0, vp_truncate(race->fd[i], 0));
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/used_bytes", 0));
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/clean_bytes", self->pool));
	for (i = 0; i < FILES; i++)
		close(race->fd[i]);
	EXPECT_TRUE(vp_wait_idle(POOL));
	EXPECT_EQ(0, vp_destroy_wait(self->ctl, POOL));
}

/* The pool is destroyed while threads use its files. */
TEST_F(file_race, forced_destroy)
{
	const __u64 slack = 32 * MIB;
	__u64 before = vp_host_free();
	int i, k, iterations = 4;
	char byte;
	pid_t pid;

	for (k = 0; k < iterations; k++) {
		race->until = vp_now_ms() + VP_WAIT_MS;
		pid = fork();
		if (!pid)
			_exit(run_threads(&self->seed));
		vp_sleep_ms(200 + 50 * k);
		EXPECT_EQ(0, vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE));
		vp_sleep_ms(100);
		race->until = 0;
		race->latest = 0;
		EXPECT_EQ(0, vp_wait_status(pid));
		EXPECT_FALSE(vp_exists(POOL));
		for (i = 0; i < FILES; i++) {
			EXPECT_EQ(-EIO, vp_pread(race->fd[i], &byte, 1, 0));
			EXPECT_EQ(0, vp_file_bytes(race->fd[i]));
			close(race->fd[i]);
		}
		ASSERT_EQ(0, make_pool(self->ctl, self->pool, self->page));
		ASSERT_TRUE(vp_wait_idle(POOL));
		for (i = 0; i < FILES; i++) {
			race->fd[i] = vp_open_file(POOL);
			ASSERT_LE(0, race->fd[i]);
		}
	}
	EXPECT_EQ(0, race->unexpected);
	EXPECT_EQ(0, race->wrong);
	EXPECT_TRUE(vp_wait_host_free(before - slack));
}

/* A call that makes a file grow, and its result. */
struct grow {
	__u64 bytes;
	int err;
};

static void *grow(void *arg)
{
	struct grow *grow = arg;

	grow->err = vp_truncate(race->fd[0], grow->bytes);
	return NULL;
}

/* The pool is destroyed while a file takes and zeroes all of its memory. */
TEST_F(file_race, forced_destroy_while_a_file_grows)
{
	const __u64 slack = 32 * MIB;
	/* Each page takes the same time, so small ones need less memory. */
	struct grow growing = {
		.bytes = self->page > 64 * KIB ? 128 * MIB : 16 * MIB,
	};
	int k, cut = 0, iterations = 4;
	__u64 before, size;
	pthread_t thread;

	ASSERT_EQ(0, vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE));
	close(race->fd[0]);
	close(race->fd[1]);
	before = vp_host_free();
	for (k = 0; k < iterations; k++) {
		/* It was full of data a moment ago, so it is not zeroed yet. */
		ASSERT_EQ(0, make_pool(self->ctl, growing.bytes, self->page));
		race->fd[0] = vp_open_file(POOL);
		ASSERT_LE(0, race->fd[0]);
		ASSERT_EQ(0, pthread_create(&thread, NULL, grow,
					    &growing));
		vp_sleep_ms(2 + 4 * k);
		EXPECT_EQ(0, vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE));
		/* A commit in progress has returned its memory, and the host has it. */
		EXPECT_TRUE(vp_wait_host_free(before - slack));
		pthread_join(thread, NULL);
		EXPECT_TRUE(!growing.err || growing.err == -EIO ||
			    growing.err == -ENOSPC)
			TH_LOG("%d", growing.err);
		cut += !!growing.err;
		size = vp_file_size(race->fd[0]);
		EXPECT_EQ(growing.err ? 0 : growing.bytes, size);
		EXPECT_EQ(0, vp_file_bytes(race->fd[0]));
		close(race->fd[0]);
	}
	TH_LOG("%d of %d were cut short", cut, iterations);
}

TEST_HARNESS_MAIN
