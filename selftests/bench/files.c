// SPDX-License-Identifier: GPL-2.0
/*
 * Measure files whose memory comes from a pool, beside those of hugetlbfs and tmpfs: holes,
 * data by read(2) and write(2), and whether the number of files matters.
 *
 * A hole is punched into each huge page of a file, and each page is touched again. The
 * pool has as many more zeroed pages, as a pool in use has. Background work runs only
 * while the benchmark sleeps, see memory.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "../lib/file.h"
#include "../lib/fs.h"
#include "../lib/memory.h"
#include "../lib/pool.h"
#include "bench.h"
#include "files.h"
#include "memory.h"
#include "samples.h"

#define MOUNT "/tmp/vpool-bench"
#define MAX_REGIONS "/sys/module/vpool/parameters/max_regions"
/* Size of the buffer of read(2) and write(2). */
#define BUFFER MIB

enum { PUNCH, READ, WRITE, FIGURES };

static const char * const figure_name[FIGURES] = {
	[PUNCH] = "punch-and-touch",
	[READ] = "file-read",
	[WRITE] = "file-write",
};

/**
 * struct file_peer - one kind of file
 * @name: name in the figures
 * @open: return a descriptor of an empty file, or a negative errno
 * @writable: write(2) works
 * @samples: the samples of each figure
 */
struct file_peer {
	const char *name;
	int (*open)(void);
	bool writable;
	struct bench_samples samples[FIGURES];
};

static int pool_file(void)
{
	return vp_open_file(BENCH_POOL);
}

static struct file_peer file_peers[] = {
	{ "vpool-file", pool_file, true },
	{ "hugetlbfs", bench_open_hugetlb, false },
	{ "memfd", bench_open_memfd, true },
};

static char *map_file(int fd, __u64 bytes)
{
	char *addr = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (addr == MAP_FAILED)
		bench_die("mmap", errno);
	return addr;
}

static void punch_and_touch(struct file_peer *peer, int fd, __u64 bytes)
{
	char *addr = map_file(fd, bytes);
	__u64 at, begin;

	for (at = 0; at < bytes; at += HUGE_SIZE)
		addr[at] = 1;
	begin = bench_now();
	for (at = 0; at < bytes; at += HUGE_SIZE) {
		bench_must(peer->name, vp_punch(fd, at, HUGE_SIZE));
		addr[at] = 1;
	}
	bench_add(&peer->samples[PUNCH], begin, bench_now());
	munmap(addr, bytes);
}

static void read_and_write(struct file_peer *peer, int fd, __u64 bytes)
{
	static char buffer[BUFFER];
	__u64 at, begin;

	if (peer->writable) {
		begin = bench_now();
		for (at = 0; at < bytes; at += BUFFER)
			if (pwrite(fd, buffer, BUFFER, at) != BUFFER)
				bench_die(peer->name, errno);
		bench_add(&peer->samples[WRITE], begin, bench_now());
	}
	begin = bench_now();
	for (at = 0; at < bytes; at += BUFFER)
		if (pread(fd, buffer, BUFFER, at) != BUFFER)
			bench_die(peer->name, errno);
	bench_add(&peer->samples[READ], begin, bench_now());
}

static void measure(struct file_peer *peer, __u64 bytes)
{
	int fd = bench_must(peer->name, peer->open());

	bench_must(peer->name, vp_truncate(fd, bytes));
	punch_and_touch(peer, fd, bytes);
	bench_wait_scrubbed();
	read_and_write(peer, fd, bytes);
	close(fd);
	bench_wait_clean();
}

static void say(struct file_peer *peer, __u64 bytes)
{
	int i;

	for (i = 0; i < FIGURES; i++)
		if (peer->samples[i].nr)
			bench_say(figure_name[i], peer->name, bytes / HUGE_SIZE,
				  &peer->samples[i],
				  i == PUNCH ? bytes / HUGE_SIZE : bytes / MIB);
}

static void stat_once(const char *path, struct bench_samples *statfs_samples,
		      struct bench_samples *stat_samples)
{
	struct statfs statfs_buf;
	struct stat stat_buf;
	__u64 t[3];

	t[0] = bench_now();
	if (statfs(path, &statfs_buf))
		bench_die("statfs", errno);
	t[1] = bench_now();
	if (stat(path, &stat_buf))
		bench_die("stat", errno);
	t[2] = bench_now();
	bench_add(statfs_samples, t[0], t[1]);
	bench_add(stat_samples, t[1], t[2]);
}

/* Read the attributes of a file in a directory with @files empty files. */
static void measure_stat(const struct bench_options *options, int files)
{
	static struct bench_samples statfs_samples, stat_samples;
	static int created;
	char name[16], path[64];
	int i;

	for (; created < files; created++) {
		snprintf(name, sizeof(name), "%d", created);
		close(bench_must(name, vp_create_at(MOUNT, name)));
	}
	snprintf(path, sizeof(path), MOUNT "/%s", name);
	/* The first lookup of a path is slower. */
	for (i = 0; i < options->calls + 1; i++) {
		stat_once(path, &statfs_samples, &stat_samples);
		if (!i) {
			statfs_samples.nr = 0;
			stat_samples.nr = 0;
		}
	}
	bench_say("statfs", "vpool", files, &statfs_samples, 1);
	bench_say("stat", "vpool", files, &stat_samples, 1);
}

static void measure_counts(const struct bench_options *options)
{
	char max[32], old[32];

	bench_must(MAX_REGIONS, vp_read_file(MAX_REGIONS, old, sizeof(old)));
	snprintf(max, sizeof(max), "%d", options->files + 1);
	bench_must(MAX_REGIONS, vp_write_file(MAX_REGIONS, max));
	if (mkdir(MOUNT, 0700))
		bench_die(MOUNT, errno);
	bench_must("mount", vp_mount(MOUNT, BENCH_POOL, NULL));
	measure_stat(options, 1);
	measure_stat(options, options->files);
	bench_must("umount", vp_umount(MOUNT, 0));
	rmdir(MOUNT);
	bench_must(MAX_REGIONS, vp_write_file(MAX_REGIONS, old));
}

void bench_files(const struct bench_options *options)
{
	__u64 bytes = options->bytes / 2;
	struct file_peer *peer;
	int i;

	bench_run_exclusively(true);
	bench_prepare(options);
	for (i = 0; i < options->iterations; i++)
		for (peer = file_peers; peer < file_peers + ARRAY_SIZE(file_peers);
		     peer++)
			measure(peer, bytes);
	for (peer = file_peers; peer < file_peers + ARRAY_SIZE(file_peers); peer++)
		say(peer, bytes);
	measure_counts(options);
	bench_clean_up();
	bench_run_exclusively(false);
}
