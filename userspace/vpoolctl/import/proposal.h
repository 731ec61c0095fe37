/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_IMPORT_PROPOSAL_H
#define VPOOLCTL_IMPORT_PROPOSAL_H

#include <stdio.h>

struct findings;

/*
 * Write a file that declares a pool for each claim, behind comments with what was found
 * and the steps that remain.
 */
void proposal_write(struct findings *all, FILE *to);

#endif /* VPOOLCTL_IMPORT_PROPOSAL_H */
