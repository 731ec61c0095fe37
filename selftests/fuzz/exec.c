// SPDX-License-Identifier: GPL-2.0
/*
 * Run programs in another process, and collect the code of the module that they
 * reach. This uses KCOV (the kernel's Documentation/dev-tools/kcov.rst) and a module
 * built with KCOV=1.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <linux/kcov.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/file.h"
#include "../lib/memory.h"
#include "fuzz.h"

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

/* Can fuzz_news() see what runs here? */
bool fuzz_has_coverage(void)
{
	return cover[FUZZ_TASKS - 1].pc;
}

/* Prepare to run programs. */
int fuzz_exec_start(void)
{
	int i;

	fuzz_shared = mmap(NULL, sizeof(*fuzz_shared), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (fuzz_shared == MAP_FAILED)
		return -errno;
	/* Adopt what a program leaves running, to kill it. */
	if (prctl(PR_SET_CHILD_SUBREAPER, 1))
		return -errno;
	for (i = 0; i < FUZZ_TASKS && !open_cover(i); i++)
		;
	return 0;
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
 * Return the number of points and steps that the last program was the first to
 * reach. Remember them as reached.
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

/*
 * The process that runs programs until one of them spoils it. All tasks it creates
 * hold the writing end of the pipe @alive: once no writer is left, all are dead.
 */
static struct {
	pid_t pid;
	int command;
	int answer;
	int alive;
} worker;

static void work(int command, int answer)
{
	char byte;

	fuzz_cover();
	while (read(command, &byte, 1) == 1) {
		fuzz_ops(fuzz_shared->program.data, fuzz_shared->program.len);
		byte = fuzz_clean();
		if (write(answer, &byte, 1) != 1 || byte)
			break;
	}
	_exit(0);
}

static int start_worker(void)
{
	int command[2], answer[2], alive[2];

	if (pipe2(command, O_CLOEXEC) || pipe2(answer, O_CLOEXEC) ||
	    pipe2(alive, O_CLOEXEC))
		return -errno;
	atomic_store(&fuzz_shared->tasks, 0);
	worker.pid = fork();
	if (worker.pid < 0)
		return -errno;
	if (!worker.pid) {
		/*
		 * Do not inherit the output: whoever reads it would wait for this
		 * process.
		 */
		close(command[1]);
		close(answer[0]);
		work(command[0], answer[1]);
	}
	close(command[0]);
	close(answer[1]);
	close(alive[1]);
	worker.command = command[1];
	worker.answer = answer[0];
	worker.alive = alive[0];
	return 0;
}

/* Has the pipe lost its last writer in time? */
bool fuzz_all_gone(int fd)
{
	struct pollfd pollfd = { .fd = fd };

	return poll(&pollfd, 1, FUZZ_DEATH * 1000) == 1;
}

/* Print the kernel stacks of a program's tasks. */
static void show_stacks(void)
{
	char pattern[64], text[4096];
	glob_t found;
	size_t i;

	snprintf(pattern, sizeof(pattern), "/proc/%d/task/*/stack", worker.pid);
	if (glob(pattern, 0, NULL, &found))
		return;
	for (i = 0; i < found.gl_pathc; i++)
		if (vp_read_file(found.gl_pathv[i], text, sizeof(text)) >= 0)
			printf("# %s:\n%s\n", found.gl_pathv[i], text);
	globfree(&found);
}

static bool end_worker(void)
{
	bool gone;

	kill(worker.pid, SIGKILL);
	gone = fuzz_all_gone(worker.alive);
	close(worker.command);
	close(worker.answer);
	close(worker.alive);
	worker.pid = 0;
	return gone;
}

/**
 * fuzz_run - run one program, and end whatever it leaves
 * @program: what to run
 * @seconds: how long it may take; what it leaves may take FUZZ_DEATH to die
 *
 * Return: 0; -ETIME if it had to be ended, which may happen; -EBUSY if something
 * of it did not die, which must not.
 */
int fuzz_run(const struct fuzz_program *program, unsigned int seconds)
{
	struct pollfd pollfd = { .events = POLLIN };
	char byte = FUZZ_SPOILT;
	int i, err = 0;

	if (!worker.pid)
		err = start_worker();
	if (err)
		return err;
	for (i = 0; i < FUZZ_TASKS && cover[i].pc; i++)
		cover[i].pc[0] = 0;
	fuzz_shared->program = *program;
	atomic_store(&fuzz_shared->tasks, 1);
	atomic_store(&fuzz_shared->stage, 0);
	pollfd.fd = worker.answer;
	if (write(worker.command, &byte, 1) == 1 &&
	    !poll(&pollfd, 1, seconds * 1000)) {
		err = -ETIME;
		show_stacks();
	} else if (read(worker.answer, &byte, 1) != 1) {
		byte = FUZZ_SPOILT;
	}
	if (byte == FUZZ_UNDEAD)
		err = -EBUSY;
	if ((err || byte) && !end_worker())
		err = -EBUSY;
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	return err;
}
