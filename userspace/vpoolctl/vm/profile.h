/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_VM_PROFILE_H
#define VPOOLCTL_VM_PROFILE_H

#include <stdbool.h>

/**
 * struct profile - what the AppArmor profile of a QEMU depends on
 * @name: name of the profile
 * @program: absolute path of QEMU
 * @dir: directory of the QEMU's sockets
 * @args: arguments of QEMU, NULL-terminated
 * @cwd: descriptor of the working directory of QEMU, or -1 for that of this process
 * @pool: name of the pool whose device QEMU opens, or NULL if it inherits files of the pool
 * @root: QEMU runs as root
 */
struct profile {
	const char *name;
	const char *program;
	const char *dir;
	char **args;
	int cwd;
	const char *pool;
	bool root;
};

/*
 * Return the text of a profile for apparmor_parser, which allows what every QEMU needs and
 * the files that the arguments name; for free(3).
 */
char *profile_text(const struct profile *profile);

#endif /* VPOOLCTL_VM_PROFILE_H */
