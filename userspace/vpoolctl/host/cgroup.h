/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_CGROUP_H
#define VPOOLCTL_CGROUP_H

#include <stdbool.h>

struct failure;

/*
 * Control groups and the units of systemd. The cgroup of pool NAME is
 * vpool_NAME.slice below the root. The caller frees returned texts with free(3).
 * A function that takes @failure sets it when it returns a negative errno.
 */

/* Return the mount point of cgroup2, or NULL if it is not mounted. */
char *cgroup_root(void);
/* Return the name of a pool's slice, escaped as systemd escapes names. */
char *cgroup_slice(const char *pool);
/* Return the directory of a pool's slice, or NULL without cgroup2. */
char *cgroup_slice_dir(const char *pool);

/* Return the cgroup2 path of a process, such as "/user.slice", or NULL. */
char *cgroup_of(int pid);
/* Tell whether a process is in a pool's slice, at any depth. */
bool cgroup_in_slice(const char *pool, int pid);
/*
 * Tell whether a process is in a pool's slice, in a unit or cgroup that vpoolctl did not
 * create.
 */
bool cgroup_in_own_unit(const char *pool, int pid);
/* Tell whether leaving the cgroup @path would lift a limit from a process. */
bool cgroup_has_limits(const char *path);

/* Write to a file of a cgroup. */
int cgroup_set(const char *dir, const char *file, const char *text, struct failure *failure);
/* Move a process, with all its threads. */
int cgroup_move(const char *dir, int pid, struct failure *failure);
/* Return a process in the cgroup @dir or below it, or 0 if there is none. */
int cgroup_tenant(const char *dir);

/* Tell whether systemd manages the cgroups of this host. */
bool systemd_runs(void);
/* Run a program of systemd, such as systemctl. Return 0 or a negative errno. */
int systemd_call(char *const argv[], struct failure *failure);
/* Move a process into a new transient scope below @slice. */
int systemd_scope(const char *slice, int pid, struct failure *failure);
/*
 * The same for a process that must outlive the unit @until, because that stops it properly.
 * @scope is the name of the scope, for free(3).
 */
int systemd_scope_until(const char *slice, int pid, const char *until, char **scope,
			struct failure *failure);
/* Set properties of a scope, one in each line. */
int systemd_set_properties(const char *scope, const char *properties,
			   struct failure *failure);

/* Cgroup below the slice for its processes, where the slice itself may not have any. */
#define CGROUP_LEAF "members"

#endif /* VPOOLCTL_CGROUP_H */
