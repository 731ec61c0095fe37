/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A coverage-guided fuzzer of the whole ABI of vpool.
 *
 * A program is a string of bytes. Each operation (ops.c) reads its number and its
 * arguments from the string, so every string is a program, and so is every mutation of
 * it. Programs run in a separate process (exec.c). The fuzzer (main.c) keeps and
 * further mutates each program that reached new code of the module (cover.c).
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* Largest length of a program in bytes. */
#define FUZZ_MAX 384
/* Tasks of a program whose coverage is collected. Further tasks run without. */
#define FUZZ_TASKS 6

/**
 * struct fuzz_program - the operations of one process
 * @len: length in bytes, up to FUZZ_MAX
 * @data: the operations
 */
struct fuzz_program {
	size_t len;
	__u8 data[FUZZ_MAX];
};

/**
 * struct fuzz_shared - memory that the fuzzer shares with a program's processes
 * @calls: number of operations begun, by all programs
 * @tasks: number of tasks of this program that asked for coverage
 * @stage: 1 + the offset of the byte that the program's first task has reached
 * @program: the program to run
 */
struct fuzz_shared {
	atomic_ulong calls;
	atomic_uint tasks;
	atomic_uint stage;
	struct fuzz_program program;
};

#endif /* FUZZ_H */
