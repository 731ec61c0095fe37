// SPDX-License-Identifier: GPL-2.0
/*
 * Measure how long it takes to get memory for a virtual machine from vpool and from its
 * alternatives, and to release it; and how long it takes to reserve memory.
 *
 * The alternatives are hugetlbfs (through memfd_create(2), which needs no path lookup),
 * tmpfs with transparent huge pages, and anonymous memory with transparent huge pages.
 * Huge pages are available for all of them, and the benchmark checks that each mapping
 * uses them.
 *
 * During the measurement all CPUs but the first are offline and the benchmark has the
 * highest priority. vpool's background work therefore runs only while the benchmark
 * sleeps, and does not add to the time of the calls. The benchmark measures it
 * separately, as the time until no dirty byte is left. The test VM's clock counts the
 * time of an idle CPU only when it wakes.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../lib/file.h"
#include "../lib/fs.h"
#include "../lib/host.h"
#include "../lib/memory.h"
#include "../lib/pool.h"
#include "bench.h"
#include "memory.h"
#include "samples.h"

/* Older headers lack these. */
#ifndef MFD_HUGE_2MB
#define MFD_HUGE_2MB (21U << 26)
#endif

#define HUGEPAGES "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages"
#define THP "/sys/kernel/mm/transparent_hugepage/"
/* Time between two checks of the scrubber. */
#define POLL_US 1000

enum {
	OPEN,
	COMMIT,
	MAP,
	POPULATE,
	TOUCH,
	READY,
	READY_POPULATED,
	RELEASE,
	RELEASE_POPULATED,
	AGAIN,
	ZERO,
	SCRUB,
	PHASES
};

static const char * const phase_name[PHASES] = {
	[OPEN] = "open",
	[COMMIT] = "commit",
	[MAP] = "mmap",
	[POPULATE] = "populate",
	[TOUCH] = "first-touch",
	[READY] = "ready",
	[READY_POPULATED] = "ready-populated",
	[RELEASE] = "release",
	[RELEASE_POPULATED] = "release-populated",
	[AGAIN] = "touch-again",
	[ZERO] = "zero",
	[SCRUB] = "scrub",
};

/**
 * struct peer - one way to get memory
 * @name: name in the figures
 * @mapped: field of smaps that counts its huge pages, or NULL
 * @open: return a descriptor, -1 if it needs none, or another negative errno
 * @commit: set the size
 * @samples: the samples of each phase
 */
struct peer {
	const char *name;
	const char *mapped;
	int (*open)(void);
	int (*commit)(int fd, __u64 bytes, bool populate);
	struct bench_samples samples[PHASES];
};

static int vpool_open(void)
{
	return vp_open(BENCH_POOL);
}

static int vpool_commit(int fd, __u64 bytes, bool populate)
{
	struct vpool_commit cmd = {
		.size = sizeof(cmd),
		.flags = populate ? VPOOL_COMMIT_POPULATE : 0,
		.bytes = bytes,
	};

	return vp_ioctl(fd, VPOOL_COMMIT, &cmd);
}

static int file_open(void)
{
	return vp_open_file(BENCH_POOL);
}

static int truncate_to(int fd, __u64 bytes, bool populate)
{
	return ftruncate(fd, bytes) ? -errno : 0;
}

static int memfd(unsigned int flags)
{
	int fd = syscall(SYS_memfd_create, "bench", flags);

	return fd < 0 ? -errno : fd;
}

int bench_open_hugetlb(void)
{
	return memfd(MFD_HUGETLB | MFD_HUGE_2MB);
}

int bench_open_memfd(void)
{
	return memfd(0);
}

static int nothing_open(void)
{
	return -1;
}

static int nothing_commit(int fd, __u64 bytes, bool populate)
{
	return 0;
}

static struct peer peers[] = {
	{ "vpool", "FilePmdMapped", vpool_open, vpool_commit },
	{ "hugetlbfs", "Private_Hugetlb", bench_open_hugetlb, truncate_to },
	{ "memfd", "ShmemPmdMapped", bench_open_memfd, truncate_to },
	{ "anonymous", "AnonHugePages", nothing_open, nothing_commit },
	{ "vpool-file", "FilePmdMapped", file_open, truncate_to },
};

static bool is_vpool(const struct peer *peer)
{
	return peer == &peers[0];
}

/* The memory comes from the pool, by the device or by a file. */
static bool is_of_pool(const struct peer *peer)
{
	return is_vpool(peer) || !strcmp(peer->name, "vpool-file");
}

static bool is_hugetlb(const struct peer *peer)
{
	return peer == &peers[1];
}

/* An unused address: before Linux 6.7, private memory is not aligned by default. */
#define ALIGNED_HINT ((void *)(1UL << 44))

static char *map(const struct peer *peer, int fd, __u64 bytes, bool populate)
{
	int flags = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
	char *addr;

	if (populate && !is_vpool(peer))
		flags |= MAP_POPULATE;
	addr = mmap(ALIGNED_HINT, bytes, PROT_READ | PROT_WRITE, flags, fd, 0);
	if (addr == MAP_FAILED)
		bench_die(peer->name, errno);
	return addr;
}

static void touch(char *addr, __u64 bytes)
{
	__u64 at;

	for (at = 0; at < bytes; at += HUGE_SIZE)
		__atomic_store_n(addr + at, 1, __ATOMIC_RELAXED);
}

static void release(char *addr, int fd, __u64 bytes)
{
	munmap(addr, bytes);
	if (fd >= 0)
		close(fd);
}

/* Wait until no free memory of the pool is dirty and, if @unused, until all is free. */
static void wait_scrubbed(bool unused)
{
	struct vpool_query query = {};
	int ctl = bench_must(VP_CONTROL, vp_control());

	do {
		usleep(POLL_US);
		bench_must("query", vp_query(ctl, BENCH_POOL, &query));
	} while (query.scrubbing_bytes || (unused && query.used_bytes));
	close(ctl);
}

/* Wait until the pool is clean. If @samples is set, add the time it took. */
static void wait_clean(struct bench_samples *samples)
{
	__u64 begin = bench_now();

	wait_scrubbed(true);
	if (samples)
		bench_add(samples, begin, bench_now());
}

void bench_wait_clean(void)
{
	wait_scrubbed(true);
}

/*
 * Wait until no free memory of the pool is dirty. Even a real-time task leaves a part of
 * each second to other tasks (the fair server of Linux 6.12), and so to the scrubber.
 */
void bench_wait_scrubbed(void)
{
	wait_scrubbed(false);
}

static void check_mapped(const struct peer *peer, char *addr, __u64 bytes)
{
	__u64 mapped = 0;

	bench_must(peer->mapped, vp_smaps(addr, peer->mapped, &mapped));
	if (mapped == bytes)
		return;
	fprintf(stderr, "vpool_bench: %s has %llu of %llu MiB in huge pages\n",
		peer->name, mapped / MIB, bytes / MIB);
	exit(1);
}

/* Touch a page that exists and is zeroed, but is in no page table. */
static void touch_again(struct peer *peer, int fd, char **addr, __u64 bytes)
{
	__u64 begin, end;

	munmap(*addr, bytes);
	*addr = map(peer, fd, bytes, false);
	begin = bench_now();
	touch(*addr, bytes);
	end = bench_now();
	bench_add(&peer->samples[AGAIN], begin, end);
}

/*
 * Estimate the cost of zeroing in hugetlbfs: the time of first touches minus that of
 * touches of existing pages. It is slightly too high, as a first touch also inserts
 * the page into the file. The scrubber saves this time.
 */
static void add_zeroing_estimate(struct peer *peer)
{
	struct bench_samples *touch = &peer->samples[TOUCH];
	struct bench_samples *again = &peer->samples[AGAIN];
	struct bench_samples *zero = &peer->samples[ZERO];

	zero->at[zero->nr++] = touch->at[touch->nr - 1] -
			       again->at[again->nr - 1];
}

static void run_iteration(struct peer *peer, __u64 bytes, bool populate)
{
	struct bench_samples *samples = peer->samples;
	__u64 t[7];
	char *addr;
	int fd;

	t[0] = bench_now();
	fd = peer->open();
	t[1] = bench_now();
	bench_must(peer->name, peer->commit(fd, bytes, populate));
	t[2] = bench_now();
	addr = map(peer, fd, bytes, populate);
	t[3] = bench_now();
	touch(addr, bytes);
	t[4] = bench_now();

	check_mapped(peer, addr, bytes);
	if (populate) {
		bench_add(&samples[POPULATE], t[2], t[3]);
		bench_add(&samples[READY_POPULATED], t[0], t[4]);
	} else {
		bench_add(&samples[OPEN], t[0], t[1]);
		bench_add(&samples[COMMIT], t[1], t[2]);
		bench_add(&samples[MAP], t[2], t[3]);
		bench_add(&samples[TOUCH], t[3], t[4]);
		bench_add(&samples[READY], t[0], t[4]);
		if (fd >= 0) {
			touch_again(peer, fd, &addr, bytes);
			add_zeroing_estimate(peer);
		}
	}

	t[5] = bench_now();
	release(addr, fd, bytes);
	t[6] = bench_now();
	bench_add(&samples[populate ? RELEASE_POPULATED : RELEASE], t[5], t[6]);
	if (is_of_pool(peer))
		wait_clean(populate ? NULL : &samples[SCRUB]);
}

static void print_figures(struct peer *peer, __u64 bytes)
{
	double folios = bytes / HUGE_SIZE;
	int phase;

	for (phase = 0; phase < PHASES; phase++) {
		if (!peer->samples[phase].nr ||
		    (phase == ZERO && !is_hugetlb(peer)))
			continue;
		bench_say(phase_name[phase], peer->name, folios,
			  &peer->samples[phase], phase == OPEN ? 1 : folios);
	}
}

static void others_online(bool online)
{
	char path[64];
	int cpu, last = sysconf(_SC_NPROCESSORS_CONF);

	for (cpu = 1; cpu < last; cpu++) {
		snprintf(path, sizeof(path),
			 "/sys/devices/system/cpu/cpu%d/online", cpu);
		bench_must(path, vp_write_file(path, online ? "1" : "0"));
	}
}

/*
 * Take the other CPUs offline and get a real-time priority, so that vpool's background
 * work runs only while this process sleeps.
 */
void bench_run_exclusively(bool run_exclusively)
{
	struct sched_param param = { .sched_priority = run_exclusively ? 1 : 0 };

	others_online(!run_exclusively);
	bench_must("sched_rt_runtime_us",
		   vp_write_file("/proc/sys/kernel/sched_rt_runtime_us",
				 run_exclusively ? "-1" : "950000"));
	if (sched_setscheduler(0, run_exclusively ? SCHED_FIFO : SCHED_OTHER, &param))
		bench_die("sched_setscheduler", errno);
}

static void set_hugepages(__u64 bytes)
{
	char pages[32], got[32];

	snprintf(pages, sizeof(pages), "%llu\n", bytes / HUGE_SIZE);
	bench_must(HUGEPAGES, vp_write_file(HUGEPAGES, pages));
	bench_must(HUGEPAGES, vp_read_file(HUGEPAGES, got, sizeof(got)));
	if (strcmp(pages, got))
		bench_die(HUGEPAGES, ENOMEM);
}

void bench_prepare(const struct bench_options *options)
{
	int ctl = bench_must(VP_CONTROL, vp_control());

	bench_must("the pool", vp_create(ctl, BENCH_POOL, options->bytes, 0,
					 NULL));
	close(ctl);
	wait_clean(NULL);
	set_hugepages(options->bytes);
	bench_must("THP", vp_write_file(THP "enabled", "always"));
	bench_must("THP", vp_write_file(THP "shmem_enabled", "always"));
}

void bench_clean_up(void)
{
	int ctl = bench_must(VP_CONTROL, vp_control());

	bench_must("destroy", vp_destroy(ctl, BENCH_POOL, 0));
	close(ctl);
	set_hugepages(0);
}

/*
 * Each iteration measures every alternative, so that all are measured under the same
 * load.
 */
void bench_memory(const struct bench_options *options)
{
	struct peer *peer;
	int iteration;

	bench_run_exclusively(true);
	bench_prepare(options);
	for (iteration = 0; iteration < options->iterations; iteration++) {
		for (peer = peers; peer < peers + ARRAY_SIZE(peers); peer++) {
			run_iteration(peer, options->bytes, false);
			run_iteration(peer, options->bytes, true);
		}
	}
	for (peer = peers; peer < peers + ARRAY_SIZE(peers); peer++)
		print_figures(peer, options->bytes);
	bench_clean_up();
	bench_run_exclusively(false);
}

static void one_commit(long folios, __u64 page_size,
		       struct bench_samples *commit,
		       struct bench_samples *release)
{
	__u64 begin, end;
	int fd = bench_must(BENCH_POOL, vp_open(BENCH_POOL));

	begin = bench_now();
	bench_must("commit", vpool_commit(fd, folios * page_size, false));
	end = bench_now();
	bench_add(commit, begin, end);
	begin = bench_now();
	close(fd);
	end = bench_now();
	bench_add(release, begin, end);
	wait_clean(NULL);
}

/* Commit 1, 10, 100, ... folios and all of them. All are clean each time. */
static void commits(const struct bench_options *options, const char *variant,
		    __u64 page_size)
{
	static struct bench_samples commit, release;
	long max = options->bytes / page_size, folios = 1;
	int ctl = bench_must(VP_CONTROL, vp_control()), i;

	bench_must("the pool", vp_create(ctl, BENCH_POOL, options->bytes,
					 page_size, NULL));
	wait_clean(NULL);
	while (folios <= max) {
		for (i = 0; i < options->iterations; i++)
			one_commit(folios, page_size, &commit, &release);
		bench_say("commit-call", variant, folios, &commit, 1);
		bench_say("release-call", variant, folios, &release, 1);
		if (folios == max)
			break;
		folios = folios * 10 < max ? folios * 10 : max;
	}
	bench_must("destroy", vp_destroy(ctl, BENCH_POOL, 0));
	close(ctl);
}

void bench_commits(const struct bench_options *options)
{
	bench_run_exclusively(true);
	commits(options, "2M", HUGE_SIZE);
	commits(options, "4K", BASE);
	bench_run_exclusively(false);
}

/* Take memory from the host, and touch all of it for the first time. */
static void reserve_and_touch(int ctl, struct peer *peer, __u64 bytes,
			      struct bench_samples *samples)
{
	__u64 begin, end;
	char *addr;
	int fd;

	begin = bench_now();
	if (is_vpool(peer))
		bench_must("the pool", vp_create(ctl, BENCH_POOL, bytes, 0, NULL));
	else
		set_hugepages(bytes);
	fd = peer->open();
	bench_must(peer->name, peer->commit(fd, bytes, false));
	addr = map(peer, fd, bytes, false);
	touch(addr, bytes);
	end = bench_now();
	bench_add(samples, begin, end);
	check_mapped(peer, addr, bytes);
	release(addr, fd, bytes);
	if (is_vpool(peer))
		bench_must("destroy", vp_destroy(ctl, BENCH_POOL, 0));
	else
		set_hugepages(0);
}

/*
 * Compare with hugetlbfs, which reserves pages without zeroing them. The kernel must have
 * been started with init_on_alloc=0: otherwise both zero all pages twice or more.
 */
void bench_reserve(const struct bench_options *options)
{
	static struct bench_samples samples[2];
	int ctl = bench_must(VP_CONTROL, vp_control()), i, peer;
	double folios = options->bytes / HUGE_SIZE;

	bench_run_exclusively(true);
	for (i = 0; i < options->iterations; i++)
		for (peer = 0; peer < 2; peer++)
			reserve_and_touch(ctl, &peers[peer], options->bytes,
					  &samples[peer]);
	for (peer = 0; peer < 2; peer++)
		bench_say("reserve-and-touch", peers[peer].name, folios,
			  &samples[peer], folios);
	bench_run_exclusively(false);
	close(ctl);
}

static void reserve_once(int ctl, __u64 bytes, struct bench_samples *samples)
{
	__u64 begin = bench_now(), end;

	bench_must("the pool", vp_create(ctl, BENCH_POOL, bytes, 0, NULL));
	end = bench_now();
	bench_must("destroy", vp_destroy(ctl, BENCH_POOL, 0));
	if (samples)
		bench_add(samples, begin, end);
}

/* Measure time: a CPU that another pool owns does not help to reserve memory. */
void bench_reserve_cpus(const struct bench_options *options)
{
	static struct bench_samples one, all;
	int ctl = bench_must(VP_CONTROL, vp_control()), i;
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	char others[32], variant[32];

	snprintf(others, sizeof(others), "1-%ld", cpus - 1);
	snprintf(variant, sizeof(variant), "%ld-cpus", cpus);
	/* The host of a test VM may have to provide the memory first. */
	reserve_once(ctl, options->bytes, NULL);
	for (i = 0; i < options->iterations; i++) {
		reserve_once(ctl, options->bytes, &all);
		bench_must("a pool of CPUs",
			   vp_create(ctl, BENCH_POOL "-cpus", 0, 0, others));
		reserve_once(ctl, options->bytes, &one);
		bench_must("destroy", vp_destroy(ctl, BENCH_POOL "-cpus", 0));
	}
	bench_say("reserve", variant, options->bytes / MIB, &all, 1);
	bench_say("reserve", "1-cpu", options->bytes / MIB, &one, 1);
	close(ctl);
}
