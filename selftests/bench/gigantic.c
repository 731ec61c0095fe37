// SPDX-License-Identifier: GPL-2.0
/*
 * Measure how long it takes to get a page of 1 GiB from vpool and from hugetlbfs. Both
 * have their pages in advance. Only one of the two has pages at a time, because few
 * machines have many free blocks of this size.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../lib/file.h"
#include "../lib/host.h"
#include "../lib/memory.h"
#include "../lib/pool.h"
#include "bench.h"
#include "gigantic.h"
#include "samples.h"

#define HUGEPAGES "/sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages"
/* Time between two checks of the scrubber. */
#define POLL_US 1000

/* Older headers lack these. */
#ifndef MFD_HUGE_1GB
#define MFD_HUGE_1GB (30U << 26)
#endif

/* From no memory at all to the first write to each page, and the writes alone. */
static struct bench_samples ready, first_touch;

static int vpool_fd(__u64 bytes)
{
	int fd = bench_must(BENCH_POOL, vp_open(BENCH_POOL));

	bench_must("commit", vp_commit(fd, &bytes));
	return fd;
}

static int hugetlb_fd(__u64 bytes)
{
	int fd = syscall(SYS_memfd_create, "bench", MFD_HUGETLB | MFD_HUGE_1GB);

	if (fd < 0 || ftruncate(fd, bytes))
		bench_die("hugetlbfs", errno);
	return fd;
}

static void get_ready(int (*get)(__u64 bytes), __u64 bytes)
{
	__u64 begin = bench_now(), mapped, at;
	int fd = get(bytes);
	char *addr = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			  0);

	if (addr == MAP_FAILED)
		bench_die("mmap", errno);
	mapped = bench_now();
	for (at = 0; at < bytes; at += GIB)
		__atomic_store_n(addr + at, 1, __ATOMIC_RELAXED);
	bench_add(&first_touch, mapped, bench_now());
	bench_add(&ready, begin, bench_now());
	munmap(addr, bytes);
	close(fd);
}

static void wait_clean(int ctl)
{
	struct vpool_query query = {};

	do {
		usleep(POLL_US);
		bench_must("query", vp_query(ctl, BENCH_POOL, &query));
	} while (query.scrubbing_bytes || query.used_bytes);
}

static void say(const char *variant, __u64 bytes)
{
	long pages = bytes / GIB;

	bench_say("gigantic-touch", variant, pages, &first_touch, pages);
	bench_say("gigantic-ready", variant, pages, &ready, pages);
}

static void skip(const char *variant, const char *reason)
{
	bench_skip("gigantic-touch", variant, reason);
	bench_skip("gigantic-ready", variant, reason);
}

static void measure_vpool(const struct bench_options *options, __u64 bytes)
{
	int ctl = bench_must(VP_CONTROL, vp_control()), i;

	if (vp_create(ctl, BENCH_POOL, bytes, GIB, NULL)) {
		skip("vpool", vp_reason(ctl));
	} else {
		for (i = 0; i < options->iterations; i++) {
			wait_clean(ctl);
			get_ready(vpool_fd, bytes);
		}
		say("vpool", bytes);
		wait_clean(ctl);
		bench_must("destroy", vp_destroy(ctl, BENCH_POOL, 0));
	}
	close(ctl);
}

static void measure_hugetlb(const struct bench_options *options, __u64 bytes)
{
	char pages[32], got[32] = "";
	int i;

	snprintf(pages, sizeof(pages), "%llu\n", bytes / GIB);
	if (vp_write_file(HUGEPAGES, pages) ||
	    vp_read_file(HUGEPAGES, got, sizeof(got)) || strcmp(pages, got)) {
		skip("hugetlbfs", "the kernel has no such pages to spare");
	} else {
		for (i = 0; i < options->iterations; i++)
			get_ready(hugetlb_fd, bytes);
		say("hugetlbfs", bytes);
	}
	vp_write_file(HUGEPAGES, "0");
}

/* Each VM has whole pages: at least one. */
void bench_gigantic(const struct bench_options *options)
{
	__u64 bytes = options->bytes < GIB ? GIB : options->bytes / GIB * GIB;

	measure_vpool(options, bytes);
	measure_hugetlb(options, bytes);
}
