/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_HOST_SLICE_H
#define VPOOLCTL_HOST_SLICE_H

#include <libvpool.h>

struct failure;

/**
 * struct origin - where a process came from
 * @pid: the process, or 0 if it was not moved
 * @from: its cgroup, for free(3)
 */
struct origin {
	int pid;
	char *from;
};

/*
 * Move a process where the members of a pool must be, unless it is there. Only
 * with @move it is taken out of a cgroup whose limits it would lose. 0 if it may
 * be attached now; slice_undo() and slice_free() take @was.
 */
int slice_join(const struct vpool_info *info, int pid, bool move,
	       struct origin *was, struct failure *failure);
void slice_undo(struct origin *was);
void slice_free(struct origin *was);

/*
 * Move a process out of a pool's cpuset. 1 if it stays there, because its own
 * unit is in the pool's slice.
 */
int slice_leave(const char *name, int pid, struct origin *was, struct failure *failure);

/*
 * After the kernel has refused to attach a process outside the slice of a pool that
 * has one: add_hint to start it there. Without a pid, about the pool alone.
 */
void slice_hint(const struct vpool_info *info, int pid);

#define OPTION_MOVE_CGROUP \
	{ .name = "move-cgroup", \
	  .help = \
		"move the process to the pool's slice wherever it is:\n" \
		"the limits of its cgroup end for it, and stopping its\n" \
		"service does not reach it any more" }

#endif /* VPOOLCTL_HOST_SLICE_H */
