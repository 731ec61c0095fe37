// SPDX-License-Identifier: GPL-2.0-only
/*
 * Programs that help QEMU, which distributions install in different places.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/macros.h"
#include "vm/program.h"

const struct vm_program vm_program_apparmor = {
	.variable = "VPOOL_APPARMOR_PARSER",
	.paths = { "apparmor_parser", "/usr/sbin/apparmor_parser", "/sbin/apparmor_parser" },
};

const struct vm_program vm_program_bridge = {
	.variable = "VPOOL_BRIDGE_HELPER",
	.paths = {
		"/usr/lib/qemu/qemu-bridge-helper",
		"/usr/libexec/qemu-bridge-helper",
	},
};

const struct vm_program vm_program_swtpm = {
	.variable = "VPOOL_SWTPM",
	.paths = { "swtpm" },
};

const struct vm_program vm_program_virtiofsd = {
	.variable = "VPOOL_VIRTIOFSD",
	.paths = {
		"/usr/libexec/virtiofsd",
		"/usr/lib/virtiofsd",
		"/usr/lib/qemu/virtiofsd",
		"virtiofsd",
	},
};

static bool is_program(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISREG(st.st_mode) && !access(path, X_OK);
}

/* Look a name up in PATH. Return the path for free(3), or NULL. */
static char *in_path(const char *name)
{
	const char *dirs = getenv("PATH");
	char *path;
	size_t len;

	for (; dirs && *dirs; dirs += len + !!dirs[len]) {
		len = strcspn(dirs, ":");
		path = xprintf("%.*s/%s", (int)len, dirs, name);
		if (len && is_program(path))
			return path;
		free(path);
	}
	return NULL;
}

char *vm_program_path(const char *name)
{
	return strchr(name, '/') ? realpath(name, NULL) : in_path(name);
}

char *vm_program_find(const struct vm_program *program)
{
	const char *given = getenv(program->variable);
	char *path = NULL;
	size_t i;

	if (given && *given)
		return is_program(given) ? xstrdup(given) : NULL;
	for (i = 0; i < ARRAY_SIZE(program->paths) && program->paths[i] && !path; i++) {
		if (!strchr(program->paths[i], '/'))
			path = in_path(program->paths[i]);
		else if (is_program(program->paths[i]))
			path = xstrdup(program->paths[i]);
	}
	return path;
}
