/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_HOST_SLICE_H
#define VPOOLCTL_HOST_SLICE_H

#include <libvpool.h>

struct failure;

/**
 * struct origin - former cgroup of a moved process
 * @pid: id of the process, or 0 if it was not moved
 * @from: path of the former cgroup, for free(3)
 */
struct origin {
	int pid;
	char *from;
};

/*
 * Move a process into the slice of a pool, unless it is there. Move it out of a cgroup
 * with limits only if @move is set. @was is for slice_undo() or slice_free(). Return 0
 * if the process can be attached now, or a negative errno with a message in @failure.
 */
int slice_join(const struct vpool_info *info, int pid, bool move,
	       struct origin *was, struct failure *failure);
void slice_undo(struct origin *was);
void slice_free(struct origin *was);

/*
 * Move a process out of the slice of a pool. Return 0, 1 if it stays because its own
 * unit is in the slice, or a negative errno with a message in @failure.
 */
int slice_remove(const char *name, int pid, struct origin *was, struct failure *failure);

/*
 * Add a hint after the module has refused to attach a process outside of the slice of
 * an isolated pool.
 */
void slice_hint(const struct vpool_info *info, int pid);

/*
 * Move this process into a scope in the slice of a plain pool, where systemd runs and the
 * process loses nothing. The members of such a pool need no cgroup, so nothing fails.
 */
void slice_enter_plain(const struct vpool_info *info);

/*
 * Tell whether this process can move to a scope with properties in the slice of the pool
 * @name. Return 0, or a negative errno with a message in @failure.
 */
int slice_check_scope(const char *name, bool move, struct failure *failure);
/*
 * Return the arguments with which execvp(3) runs @program in a new scope in the slice of
 * a pool, after a check that systemd accepts @properties, one in each line. Return NULL
 * with a message in @failure.
 */
char **slice_scope_args(const char *name, const char *properties, char **program,
			struct failure *failure);

/*
 * Move this process, which becomes the QEMU of a machine of root, into a scope of its own in
 * the slice of a pool, where systemd runs, and set @properties of the scope, one in each
 * line, or NULL. Without properties, it stays where it would lose limits. Elsewhere,
 * do what slice_join() does. Return 0, or a negative errno with a message in @failure.
 */
int slice_enter_machine(const struct vpool_info *info, const char *properties,
			struct failure *failure);
/*
 * Check that slice_enter_machine() can set @properties. Return 0, or a negative errno with a
 * message in @failure.
 */
int slice_check_machine(const char *name, const char *properties, struct failure *failure);

#define OPTION_MOVE_CGROUP \
	{ .name = "move-cgroup", \
	  .help = \
		"move the process to the pool's slice from any cgroup:\n" \
		"the limits of its cgroup then no longer apply, and\n" \
		"stopping its service does not stop it" }

#endif /* VPOOLCTL_HOST_SLICE_H */
