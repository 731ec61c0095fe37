// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files in /proc, /sys and /dev with one value each.
 */
#include <stdlib.h>
#include <string.h>

#include <libvpool.h>

#include "base/alloc.h"
#include "base/files.h"
#include "host/cpumask.h"
#include "host/kernel_file.h"

char *kernel_path(const char *path)
{
	const char *root = getenv("VPOOL_HOST_ROOT_DIR");

	return xprintf("%s%s", root ? root : "", path);
}

char *kernel_line(const char *path)
{
	char *whole = kernel_path(path), *text = read_text(whole);

	if (text)
		text[strcspn(text, "\n")] = '\0';
	free(whole);
	return text;
}

bool kernel_number(const char *path, long long *number)
{
	char *text = kernel_line(path), *end = text;

	if (text)
		*number = strtoll(text, &end, 10);
	free(text);
	return end != text;
}

bool kernel_cpus(const char *path, struct vpool_cpus *cpus)
{
	char *text = kernel_line(path);
	bool good = text;

	*cpus = (struct vpool_cpus) { 0 };
	/* Some kernels print "(null)" for a list that no boot parameter has set. */
	if (text && *text && *text != '(')
		good = !vpool_cpus_parse(text, cpus, NULL, 0);
	free(text);
	return good;
}

bool kernel_mask(const char *path, struct vpool_cpus *cpus)
{
	char *text = kernel_line(path);
	bool good = text && *text && !mask_parse(text, cpus);

	if (!text || !*text)
		*cpus = (struct vpool_cpus) { 0 };
	else if (!good)
		vpool_cpus_free(cpus);
	free(text);
	return good;
}
