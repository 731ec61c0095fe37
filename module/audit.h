/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Audit records.
 */
#ifndef VPOOL_AUDIT_H
#define VPOOL_AUDIT_H

#include <linux/types.h>

void vpool_audit(const char *op, const char *pool, int err);
void vpool_audit_task(const char *op, const char *pool, pid_t target, int err);

#endif /* VPOOL_AUDIT_H */
