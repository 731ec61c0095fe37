/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A fuzzer of vpool's whole ABI, guided by coverage.
 *
 * A program is a string of bytes. Each operation (ops.c) takes its number and its
 * arguments from it, so that every string is a program and every change of one is
 * another. Programs run in a process that may die of it (exec.c); what of the module it
 * reached decides whether it is kept and changed further (main.c).
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* No program is longer, in bytes. */
#define FUZZ_MAX 384
/* Tasks of a program whose coverage is taken; the others run without. */
#define FUZZ_TASKS 6
/* The pools of the programs. */
#define FUZZ_NAMES 3
extern const char *const fuzz_names[FUZZ_NAMES];

/**
 * struct fuzz_program - what one process does
 * @len: its length in bytes
 * @data: the operations
 */
struct fuzz_program {
	size_t len;
	__u8 data[FUZZ_MAX];
};

/**
 * struct fuzz_shared - between the fuzzer and the processes of a program
 * @calls: how many operations they have begun, over all programs
 * @tasks: how many tasks of this program have asked for coverage
 * @stage: 1 + the byte at which the program is, of its first task
 * @program: what to run
 */
struct fuzz_shared {
	atomic_ulong calls;
	atomic_uint tasks;
	atomic_uint stage;
	struct fuzz_program program;
};

extern struct fuzz_shared *fuzz_shared;

/* Seconds that what a program made may take to die, on a machine that stands still. */
#define FUZZ_DEATH 60

/* What became of the process that a program ran in. */
enum {
	FUZZ_FINE,
	/* The next program wants another. */
	FUZZ_SPOILT,
	/* Something that it made does not die. */
	FUZZ_UNDEAD,
};

/* exec.c */
int fuzz_exec_start(void);
bool fuzz_has_coverage(void);
int fuzz_run(const struct fuzz_program *program, unsigned int seconds);
size_t fuzz_news(void);
size_t fuzz_points(void);
void fuzz_cover(void);
bool fuzz_all_gone(int fd);

/* ops.c */
void fuzz_ops(const __u8 *data, size_t len);
char fuzz_clean(void);

#endif /* FUZZ_H */
