// SPDX-License-Identifier: GPL-2.0-only
/*
 * UEFI firmware: OVMF has a file with its code, which all machines share, and one with
 * variables, of which each machine has a copy.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/macros.h"
#include "vm/firmware.h"

/* Code and variables, as distributions install them. Both must have one size of flash. */
static const struct {
	const char *code;
	const char *variables;
} places[] = {
	{ "/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd" },
	{ "/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd" },
	{ "/usr/share/edk2/ovmf/OVMF_CODE.fd", "/usr/share/edk2/ovmf/OVMF_VARS.fd" },
	{ "/usr/share/edk2/x64/OVMF_CODE.4m.fd", "/usr/share/edk2/x64/OVMF_VARS.4m.fd" },
	{ "/usr/share/qemu/ovmf-x86_64-code.bin", "/usr/share/qemu/ovmf-x86_64-vars.bin" },
};

static bool try_pair(struct vm_firmware *firmware, char *code, char *variables)
{
	if (!access(code, R_OK) && !access(variables, R_OK)) {
		firmware->code = code;
		firmware->variables = variables;
		return true;
	}
	free(code);
	free(variables);
	return false;
}

int vm_firmware_find(struct vm_firmware *firmware)
{
	const char *dir = getenv("VPOOL_OVMF_DIR");
	size_t i;

	*firmware = (struct vm_firmware) { 0 };
	if (dir && *dir)
		return try_pair(firmware, xprintf("%s/OVMF_CODE.fd", dir),
				xprintf("%s/OVMF_VARS.fd", dir)) ? 0 : -ENOENT;
	for (i = 0; i < ARRAY_SIZE(places); i++)
		if (try_pair(firmware, xstrdup(places[i].code), xstrdup(places[i].variables)))
			return 0;
	return -ENOENT;
}

void vm_firmware_free(struct vm_firmware *firmware)
{
	free(firmware->code);
	free(firmware->variables);
	*firmware = (struct vm_firmware) { 0 };
}

/* Copy a whole file. Return 0 or a negative errno. */
static int copy(int from, int to)
{
	struct stat st;
	ssize_t done;
	off_t at = 0;

	if (fstat(from, &st))
		return -errno;
	while (at < st.st_size) {
		done = sendfile(to, from, &at, st.st_size - at);
		if (done < 0)
			return -errno;
		if (!done)
			return -EIO;
	}
	return fsync(to) ? -errno : 0;
}

int vm_firmware_copy(const struct vm_firmware *firmware, const char *path)
{
	char *fresh = xprintf("%s~", path);
	int from = open(firmware->variables, O_RDONLY | O_CLOEXEC), to = -1;
	int err = from < 0 ? -errno : 0;

	if (!err) {
		to = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		err = to < 0 ? -errno : copy(from, to);
	}
	/* A file that exists is the machine's. */
	if (!err && link(fresh, path))
		err = -errno;
	unlink(fresh);
	free(fresh);
	if (from >= 0)
		close(from);
	if (to >= 0)
		close(to);
	return err;
}
