/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The text of a descriptor's last failure.
 */
#ifndef VPOOL_REASON_H
#define VPOOL_REASON_H

#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/vpool.h>

/**
 * struct vpool_why - why the last call on a descriptor failed
 * @lock: guards @text; a leaf, raw because it is taken under vpool_member_lock
 * @text: one sentence, empty if nothing has failed
 */
struct vpool_why {
	raw_spinlock_t lock;	/* the text */
	char text[VPOOL_REASON_SIZE];
};

/* A size in the words of a reason: "1.5G". */
struct vpool_size_text {
	char s[16];
};

void vpool_why_init(struct vpool_why *why);
__printf(3, 4)
int vpool_fail(struct vpool_why *why, int err, const char *fmt, ...);
u32 vpool_why_read(struct vpool_why *why, char text[VPOOL_REASON_SIZE]);
struct vpool_size_text vpool_size(u64 bytes);

#endif /* VPOOL_REASON_H */
