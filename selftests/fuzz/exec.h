/* SPDX-License-Identifier: GPL-2.0 */
/* Execution of programs. */
#ifndef FUZZ_EXEC_H
#define FUZZ_EXEC_H

#include "fuzz.h"

int fuzz_exec_start(void);
int fuzz_run(const struct fuzz_program *program, unsigned int seconds);

#endif /* FUZZ_EXEC_H */
