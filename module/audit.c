// SPDX-License-Identifier: GPL-2.0
/*
 * Records for the kernel's audit: who changed a pool, and who joined one.
 *
 * They are of the type that is set aside for modules. The audit's own rules say
 * whether they are wanted and how many a second; where auditing is off they cost a
 * look at a variable.
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
	/* Names of pools have no character that would have to be escaped. */
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
 * vpool_audit - record that the current task changed a pool
 * @op: what it did
 * @pool: the pool's name, one that is valid
 * @err: 0, or why it could not
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
 * vpool_audit_task - record what the current task did to one, perhaps itself
 * @op: what it did
 * @pool: the pool's name
 * @target: the other one, by its number in the first pid namespace
 * @err: 0, or why it could not
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
