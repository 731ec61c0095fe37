/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_VM_DIRS_H
#define VPOOLCTL_VM_DIRS_H

#include <stdbool.h>
#include <stddef.h>

#define VM_NAME_MAX 32

/* Check whether a machine can have a name. */
bool vm_name_ok(const char *name);

/* Return a directory below /run/vpool, or below XDG_RUNTIME_DIR; for free(3). */
char *vm_run_dir(const char *folder);
/*
 * Return the directory of the definitions, for free(3): /etc/vpool/vm.d for root, or
 * vpool/vm.d in XDG_CONFIG_HOME.
 */
char *vm_etc_dir(void);
/*
 * Return the directory of the logs, for free(3): VPOOL_LOG_DIR, /var/log/vpool for root,
 * or vpool/log in XDG_STATE_HOME.
 */
char *vm_log_dir(void);
/*
 * Return the directory of what a machine keeps while it does not run, for free(3): @name in
 * VPOOL_STATE_DIR, in /var/lib/vpool/vm for root, or in vpool/vm in XDG_STATE_HOME.
 */
char *vm_state_dir(const char *name);
/*
 * Return the directory of the templates, for free(3): VPOOL_TEMPLATE_DIR,
 * /var/lib/vpool/templates for root, or vpool/templates in XDG_DATA_HOME.
 */
char *vm_template_dir(void);

/*
 * Return the names of machines for which a directory has a file NAME@suffix, sorted; each
 * and the array for free(3).
 */
char **vm_names_in(const char *path, const char *suffix, size_t *nr);

#endif /* VPOOLCTL_VM_DIRS_H */
