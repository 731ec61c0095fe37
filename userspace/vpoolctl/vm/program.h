/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_VM_PROGRAM_H
#define VPOOLCTL_VM_PROGRAM_H

#include <stddef.h>

/**
 * struct vm_program - a program or file of another package that a machine needs
 * @variable: environment variable that names another one
 * @paths: where distributions install it; a name without a slash is looked up in PATH
 */
struct vm_program {
	const char *variable;
	const char *paths[6];
};

extern const struct vm_program vm_program_apparmor;
extern const struct vm_program vm_program_bridge;
extern const struct vm_program vm_program_swtpm;
extern const struct vm_program vm_program_virtiofsd;

/* Return the path of a program as execvp(3) finds it, for free(3), or NULL. */
char *vm_program_path(const char *name);
/* Return the path of a program that can be run, for free(3), or NULL. */
char *vm_program_find(const struct vm_program *program);

#endif /* VPOOLCTL_VM_PROGRAM_H */
