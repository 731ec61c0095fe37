// SPDX-License-Identifier: GPL-2.0
/*
 * Audit records of changes to pools and to their members.
 *
 * The records have the type that the audit subsystem sets aside for kernel modules.
 * Audit rules select them and limit their rate. With auditing off, a record costs one
 * read of a variable.
 */
#include <linux/audit.h>
#include <linux/gfp.h>

#include "audit.h"

static struct audit_buffer *vpool_audit_start(const char *op, const char *pool)
{
	struct audit_buffer *ab;

	if (!audit_enabled)
		return NULL;
	ab = audit_log_start(audit_context(), GFP_KERNEL, AUDIT_KERNEL_OTHER);
	/* The name of a pool has no character that needs escaping. */
	if (ab)
		audit_log_format(ab, "op=vpool-%s pool=\"%s\"", op, pool);
	return ab;
}

static void vpool_audit_end(struct audit_buffer *ab, int err)
{
	audit_log_task_info(ab);
	audit_log_format(ab, " res=%d", !err);
	audit_log_end(ab);
}

/**
 * vpool_audit - record that the current task changed a pool, or tried to
 * @op: name of the operation, one word
 * @pool: valid name of the pool
 * @err: 0, or the negative errno that the operation failed with
 *
 * Context: sleeps.
 */
void vpool_audit(const char *op, const char *pool, int err)
{
	struct audit_buffer *ab = vpool_audit_start(op, pool);

	if (ab)
		vpool_audit_end(ab, err);
}

/**
 * vpool_audit_task - record that the current task changed the membership of a task,
 * or tried to
 * @op: name of the operation, one word
 * @pool: valid name of the pool
 * @target: pid of the task in the initial pid namespace; may be the current task
 * @err: 0, or the negative errno that the operation failed with
 *
 * Context: sleeps.
 */
void vpool_audit_task(const char *op, const char *pool, pid_t target, int err)
{
	struct audit_buffer *ab = vpool_audit_start(op, pool);

	if (!ab)
		return;
	audit_log_format(ab, " opid=%d", target);
	vpool_audit_end(ab, err);
}
