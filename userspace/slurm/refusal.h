/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOL_SLURM_REFUSAL_H
#define VPOOL_SLURM_REFUSAL_H

#include <stdbool.h>

#include "base/macros.h"

/* Size of the longest reason: that of the kernel, after words of this plugin. */
#define REFUSAL_SIZE 512

/**
 * struct refusal - reason why a step cannot have its pool
 * @refused: true if the step must fail
 * @text: one sentence for the user, NUL-terminated, without a newline
 *
 * It lies in memory that slurmstepd shares with the tasks of the step. slurmstepd writes it
 * before it lets the tasks run, and they read it before exec(2).
 */
struct refusal {
	bool refused;
	char text[REFUSAL_SIZE];
};

/**
 * refuse() - set the reason of a refusal
 * @refusal: receives the reason; an earlier one stays
 * @fmt: format of printf(3) for one sentence
 *
 * Return: -1
 */
int __printf(2, 3) refuse(struct refusal *refusal, const char *fmt, ...);

#endif /* VPOOL_SLURM_REFUSAL_H */
