// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The page sizes of pools, which the module shows in sysfs.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "handle.h"
#include "reason.h"

/* Parse numbers that are separated by blanks. Return their number. */
static size_t parse_sizes(const char *text, __u64 *sizes)
{
	size_t nr = 0;
	char *end;

	for (;; text = end) {
		__u64 size = strtoull(text, &end, 10);

		if (end == text)
			return nr;
		sizes[nr++] = size;
	}
}

int vpool_page_sizes(struct vpool *vp, __u64 **sizes, size_t *nr)
{
	char path[4096], *text;
	int err;

	snprintf(path, sizeof(path), "%s/page_sizes", vpool_sysfs_dir());
	err = vpool_read_text(AT_FDCWD, path, &text);
	if (err == -ENOENT)
		return vpool_set_error(vp, VPOOL_NO_MODULE, VPOOL_LIB_NO_MODULE,
				       "the vpool module is not loaded");
	if (!err) {
		/* Each size has at least one digit and a separator. */
		*sizes = calloc(strlen(text) / 2 + 1, sizeof(**sizes));
		if (*sizes)
			*nr = parse_sizes(text, *sizes);
		else
			err = -ENOMEM;
		free(text);
	}
	if (err)
		return vpool_set_error(vp, -err, VPOOL_LIB_SYSTEM, "%s: %s",
				       path, strerror(-err));
	return 0;
}

__u64 vpool_default_page_size(void)
{
	__u64 base = sysconf(_SC_PAGESIZE), size;
	char path[4096];

	snprintf(path, sizeof(path), "%s/default_page_size", vpool_sysfs_dir());
	if (!vpool_read_u64(AT_FDCWD, path, 10, &size) && size)
		return size;
	/* A table of page table entries fills a base page, and maps one huge page. */
	return base / sizeof(__u64) * base;
}
