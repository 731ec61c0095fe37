// SPDX-License-Identifier: GPL-2.0
/* Run programs in a separate process, because a program may kill it. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/file.h"
#include "cover.h"
#include "exec.h"
#include "ops.h"

/* Prepare to run programs. */
int fuzz_exec_start(void)
{
	/* Become the parent of the remaining processes of a program, to reap them. */
	if (prctl(PR_SET_CHILD_SUBREAPER, 1))
		return -errno;
	return fuzz_cover_open();
}

/*
 * The process that runs programs until a program makes it unusable. All tasks that it
 * creates hold the writing end of the pipe @alive: when the pipe has no writer, all of
 * them are dead.
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
		 * Close the fuzzer's ends, so that the worker exits with the fuzzer
		 * and no longer holds its output open.
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
 * fuzz_run - run one program, and kill its remaining tasks
 * @program: the program, copied to the shared memory
 * @seconds: time limit of the program; its tasks have FUZZ_DEATH more to die
 *
 * Return: 0, -ETIME if the program was killed after @seconds, which may happen, or
 * -EBUSY if one of its tasks did not die, which is a bug.
 */
int fuzz_run(const struct fuzz_program *program, unsigned int seconds)
{
	struct pollfd pollfd = { .events = POLLIN };
	char byte = FUZZ_UNUSABLE;
	int err = 0;

	if (!worker.pid)
		err = start_worker();
	if (err)
		return err;
	fuzz_cover_clear();
	fuzz_shared->program = *program;
	atomic_store(&fuzz_shared->tasks, 1);
	atomic_store(&fuzz_shared->stage, 0);
	pollfd.fd = worker.answer;
	if (write(worker.command, &byte, 1) == 1 &&
	    !poll(&pollfd, 1, seconds * 1000)) {
		err = -ETIME;
		show_stacks();
	} else if (read(worker.answer, &byte, 1) != 1) {
		byte = FUZZ_UNUSABLE;
	}
	if (byte == FUZZ_UNDEAD)
		err = -EBUSY;
	if ((err || byte) && !end_worker())
		err = -EBUSY;
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	return err;
}
