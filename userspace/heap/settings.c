// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The settings of libvpool-heap, which vpoolctl run leaves in the environment.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "heap/settings.h"

static struct heap_settings settings;
static atomic_bool settings_read;

static enum heap_private read_private(void)
{
	const char *text = secure_getenv("VPOOL_HEAP_PRIVATE");

	if (text && !strcmp(text, "dontfork"))
		return HEAP_PRIVATE_DONTFORK;
	if (text && !strcmp(text, "host"))
		return HEAP_PRIVATE_HOST;
	return HEAP_PRIVATE_COPY;
}

/* Copy the values: programs overwrite the environment to set their title. */
static void read_settings(void)
{
	const char *pool = secure_getenv("VPOOL_HEAP");
	const char *fallback = secure_getenv("VPOOL_HEAP_FALLBACK");
	const char *report = secure_getenv("VPOOL_HEAP_REPORT");

	settings.fallback = !fallback || strcmp(fallback, "no");
	settings.private = read_private();
	if (report && strlen(report) < sizeof(settings.report))
		memcpy(settings.report, report, strlen(report));
	if (!pool || strlen(pool) > VPOOL_NAME_MAX || strchr(pool, '/'))
		return;
	snprintf(settings.device, sizeof(settings.device), "/dev/vpool/%s", pool);
	memcpy(settings.pool, pool, strlen(pool));
}

/*
 * The constructor of another library can map memory before the one of this library has
 * run. The process has one thread then, so the first call is never concurrent.
 */
const struct heap_settings *heap_settings(void)
{
	if (!atomic_load_explicit(&settings_read, memory_order_acquire)) {
		read_settings();
		atomic_store_explicit(&settings_read, true, memory_order_release);
	}
	return &settings;
}

__attribute__((constructor))
static void settings_init(void)
{
	heap_settings();
}
