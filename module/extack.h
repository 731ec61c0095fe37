/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The code and the text of a descriptor's last failed call, for VPOOL_REASON.
 */
#ifndef VPOOL_EXTACK_H
#define VPOOL_EXTACK_H

#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/vpool.h>

/**
 * struct vpool_extack - message of the last failed call on a descriptor
 * @lock: guards @code and @text; a leaf, raw because it nests inside
 *	vpool_member_lock
 * @code: kind of failure
 * @text: one sentence without a newline; empty if no call has failed
 */
struct vpool_extack {
	raw_spinlock_t lock; /* the code and the text */
	enum vpool_code code;
	char text[VPOOL_REASON_SIZE];
};

/**
 * struct vpool_size_text - a size as text
 * @s: number and unit, such as "1.5G", NUL-terminated
 */
struct vpool_size_text {
	char s[16];
};

void vpool_extack_init(struct vpool_extack *extack);
__printf(4, 5) int vpool_err(struct vpool_extack *extack, int err,
			     enum vpool_code code, const char *fmt, ...);
u32 vpool_extack_read(struct vpool_extack *extack, char text[VPOOL_REASON_SIZE],
		      u32 *code);
struct vpool_size_text vpool_size(u64 bytes);

#endif /* VPOOL_EXTACK_H */
