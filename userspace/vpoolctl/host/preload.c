// SPDX-License-Identifier: GPL-2.0-only
/*
 * The preloaded library of run --heap, and its environment.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/code.h"
#include "base/failure.h"
#include "base/macros.h"
#include "host/preload.h"

#define LIBRARY "vpool/libvpool-heap.so"

/* Names of mimalloc in the distributions, the newest first. */
static const char * const allocators[] = {
	"libmimalloc.so.3",
	"libmimalloc.so.2",
	"libmimalloc.so",
};

/* Return "DIRECTORY/TAIL" for the directory of a file, if there is such a file. */
static char *beside(const char *file, const char *tail)
{
	const char *slash = strrchr(file, '/');
	char *path, *real;

	if (!slash)
		return NULL;
	path = xprintf("%.*s/%s", (int)(slash - file), file, tail);
	real = realpath(path, NULL);
	free(path);
	return real;
}

/* It is installed beside libvpool. In a build, it is in ../lib of every program. */
static char *find_library(void)
{
	/* It is loaded, except in a program that has it linked statically. */
	void *handle = dlopen("libvpool.so.0", RTLD_LAZY | RTLD_NOLOAD);
	char exe[PATH_MAX] = "";
	struct link_map *map;
	char *path = NULL;

	if (handle && !dlinfo(handle, RTLD_DI_LINKMAP, &map))
		path = beside(map->l_name, LIBRARY);
	if (handle)
		dlclose(handle);
	if (!path && readlink("/proc/self/exe", exe, sizeof(exe) - 1) > 0)
		path = beside(exe, "../lib/" LIBRARY);
	return path;
}

/* Let the dynamic linker look for a library. */
static char *find_allocator(void)
{
	struct link_map *map;
	char *path = NULL;
	void *handle;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(allocators) && !path; i++) {
		handle = dlopen(allocators[i], RTLD_LAZY | RTLD_LOCAL);
		if (!handle)
			continue;
		if (!dlinfo(handle, RTLD_DI_LINKMAP, &map))
			path = realpath(map->l_name, NULL);
		dlclose(handle);
	}
	return path;
}

/* LD_PRELOAD has no way to quote these characters. */
static int check_path(const char *path, struct failure *failure)
{
	if (!strpbrk(path, " :"))
		return 0;
	return failure_set(failure, -EINVAL, TOOL_HEAP_LIBRARY,
			   "%s cannot be preloaded: its path has a space or a colon",
			   path);
}

int preload_find(struct preload *preload, struct failure *failure)
{
	preload->library = find_library();
	if (!preload->library)
		return failure_set(failure, -ENOENT, TOOL_HEAP_LIBRARY,
				   "the library of --heap, %s, is not installed beside libvpool",
				   LIBRARY);
	if (check_path(preload->library, failure))
		return -EINVAL;
	if (!preload->malloc)
		return 0;
	preload->allocator = find_allocator();
	if (!preload->allocator)
		return failure_set(failure, -ENOENT, TOOL_HEAP_MALLOC,
				   "--heap-malloc needs mimalloc, which is not installed");
	return check_path(preload->allocator, failure);
}

static void set_or_unset(const char *name, const char *value)
{
	if (value)
		setenv(name, value, 1);
	else
		unsetenv(name);
}

void preload_set_environment(const struct preload *preload, const char *pool)
{
	const char *old = getenv("LD_PRELOAD");
	char *list;

	/* The last library is initialized first. */
	list = xprintf("%s%s%s%s%s", preload->allocator ? preload->allocator : "",
		       preload->allocator ? ":" : "", old ? old : "",
		       old && *old ? ":" : "", preload->library);
	setenv("LD_PRELOAD", list, 1);
	free(list);
	setenv("VPOOL_HEAP", pool, 1);
	set_or_unset("VPOOL_HEAP_FALLBACK", preload->fallback);
	set_or_unset("VPOOL_HEAP_PRIVATE", preload->private);
	set_or_unset("VPOOL_HEAP_REPORT", preload->report);
	if (!preload->allocator)
		return;
	/* mimalloc then asks for MAP_HUGETLB. The name has changed with its version 2.1. */
	setenv("MIMALLOC_ALLOW_LARGE_OS_PAGES", "1", 1);
	setenv("MIMALLOC_LARGE_OS_PAGES", "1", 1);
}

void preload_free(struct preload *preload)
{
	free(preload->library);
	free(preload->allocator);
}
