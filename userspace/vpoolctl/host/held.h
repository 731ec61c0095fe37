/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_HELD_H
#define VPOOLCTL_HELD_H

#include <libvpool.h>

/**
 * enum held - mechanism that keeps a member on the CPUs of its pool
 * @HELD_GONE: the member has exited
 * @HELD_MASK: only its affinity, which the member can change
 * @HELD_MODULE: its affinity, which the module enforces
 * @HELD_CPUSET: the cpuset of the pool, which the member cannot leave
 * @HELD_OUTSIDE: none: its affinity has CPUs outside of the pool
 */
enum held {
	HELD_GONE,
	HELD_MASK,
	HELD_MODULE,
	HELD_CPUSET,
	HELD_OUTSIDE,
};

enum held member_held(const struct vpool_info *pool,
		      const struct vpool_member_info *member);
/* Return the name of a value, a static string. */
const char *held_text(enum held held);

#endif /* VPOOLCTL_HELD_H */
