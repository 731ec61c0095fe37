// SPDX-License-Identifier: GPL-2.0
/*
 * Collect the code of the module that programs reach, with KCOV (the kernel's
 * Documentation/dev-tools/kcov.rst) and a module built with KCOV=1.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kcov.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "../lib/memory.h"
#include "cover.h"

/* Program counters that KCOV keeps for one task. */
#define COVER_SIZE (32 << 10)
#define MAP_BITS 18
#define MAP_SIZE (256 * KIB)

struct fuzz_shared *fuzz_shared;

static struct {
	int fd;
	unsigned long *pc;
} cover[FUZZ_TASKS];

/* Points, and steps from one point to the next, that some program has reached. */
static __u8 points[MAP_SIZE];
static __u8 steps[MAP_SIZE];
static size_t nr_points;

static unsigned int hash(__u64 value)
{
	return value * 0x9e3779b97f4a7c15ULL >> (64 - MAP_BITS);
}

static int open_cover(int i)
{
	cover[i].fd = open("/sys/kernel/debug/kcov", O_RDWR | O_CLOEXEC);
	if (cover[i].fd < 0)
		return -errno;
	if (ioctl(cover[i].fd, KCOV_INIT_TRACE, COVER_SIZE))
		return -errno;
	cover[i].pc = mmap(NULL, COVER_SIZE * sizeof(*cover[i].pc),
			   PROT_READ | PROT_WRITE, MAP_SHARED, cover[i].fd, 0);
	if (cover[i].pc == MAP_FAILED) {
		cover[i].pc = NULL;
		return -errno;
	}
	/* The program has only the descriptor; the mapping stays here. */
	return madvise(cover[i].pc, COVER_SIZE * sizeof(*cover[i].pc),
		       MADV_DONTFORK);
}

/* Check whether KCOV works for all tasks of a program. */
bool fuzz_has_coverage(void)
{
	return cover[FUZZ_TASKS - 1].pc;
}

/* Create the shared memory, and open KCOV for each task if the kernel has it. */
int fuzz_cover_open(void)
{
	int i;

	fuzz_shared = mmap(NULL, sizeof(*fuzz_shared), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (fuzz_shared == MAP_FAILED)
		return -errno;
	for (i = 0; i < FUZZ_TASKS && !open_cover(i); i++)
		;
	return 0;
}

/* Clear the coverage of the last program. */
void fuzz_cover_clear(void)
{
	int i;

	for (i = 0; i < FUZZ_TASKS && cover[i].pc; i++)
		cover[i].pc[0] = 0;
}

/* Start coverage of the calling task. Each task of a program calls this. */
void fuzz_cover(void)
{
	unsigned int i = atomic_fetch_add(&fuzz_shared->tasks, 1);

	if (i < FUZZ_TASKS && cover[i].pc)
		ioctl(cover[i].fd, KCOV_ENABLE, KCOV_TRACE_PC);
}

static bool is_new(__u8 *map, __u64 value)
{
	unsigned int at = hash(value);

	if (map[at])
		return false;
	map[at] = true;
	return true;
}

/*
 * Return the number of points and steps that the last program reached first, and mark
 * them as reached.
 */
size_t fuzz_news(void)
{
	unsigned long nr, at, last, pc;
	size_t news = 0;
	int i;

	for (i = 0; i < FUZZ_TASKS; i++) {
		if (!cover[i].pc)
			break;
		nr = cover[i].pc[0];
		if (nr >= COVER_SIZE)
			nr = COVER_SIZE - 1;
		for (at = 1, last = 0; at <= nr; at++, last = pc) {
			pc = cover[i].pc[at];
			if (is_new(points, pc)) {
				nr_points++;
				news++;
			}
			news += is_new(steps, pc ^ last << 1);
		}
	}
	return news;
}

/* Return the number of points that all programs together have reached. */
size_t fuzz_points(void)
{
	return nr_points;
}
