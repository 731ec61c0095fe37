/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_HELD_H
#define VPOOLCTL_HELD_H

#include <libvpool.h>

/**
 * enum held - what holds a member on its pool's CPUs
 * @HELD_GONE: the member has exited
 * @HELD_MASK: its affinity, which it can change
 * @HELD_MODULE: its affinity, which the module restores
 * @HELD_CPUSET: the pool's cpuset, which it cannot leave
 * @HELD_OUTSIDE: nothing: its affinity has CPUs that are not the pool's
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
/* Return it in a word. */
const char *held_text(enum held held);

#endif /* VPOOLCTL_HELD_H */
