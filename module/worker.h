/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Running a function in a kernel worker.
 */
#ifndef VPOOL_WORKER_H
#define VPOOL_WORKER_H

struct work_struct;

void vpool_worker_run(struct work_struct *work);

#endif /* VPOOL_WORKER_H */
