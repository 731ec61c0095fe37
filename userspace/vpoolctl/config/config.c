// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pools as files and options declare them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libvpool.h>

#include "base/alloc.h"
#include "base/code.h"
#include "config/config.h"
#include "output/messages.h"

#define DEFAULT_TIMEOUT_MS 10000

void config_report(const struct config *cfg)
{
	size_t i;

	for (i = 0; i < cfg->nr_mistakes; i++) {
		const struct mistake *mistake = cfg->mistakes + i;
		const struct location *at = &mistake->location;
		char *line;

		if (at->line)
			line = xprintf("%s:%u:%u: %s", at->file, at->line,
				       at->column, mistake->text);
		else
			line = xprintf("%s: %s", at->file, mistake->text);
		report_error(TOOL_CONFIG, line);
		free(line);
	}
	add_hint("Try 'man vpool.conf' for the format of these files.");
}

struct pool_config *config_find(const struct config *cfg, const char *name)
{
	size_t i;

	for (i = 0; i < cfg->nr_pools; i++)
		if (!strcmp(cfg->pools[i].name, name))
			return cfg->pools + i;
	return NULL;
}

void config_drop_bad(struct config *cfg)
{
	size_t i, nr = 0;

	for (i = 0; i < cfg->nr_pools; i++) {
		if (cfg->pools[i].bad)
			pool_config_free(cfg->pools + i);
		else
			cfg->pools[nr++] = cfg->pools[i];
	}
	cfg->nr_pools = nr;
}

void pool_config_init(struct pool_config *pool, const char *name)
{
	*pool = (struct pool_config) {
		.page_size = vpool_default_page_size(),
		.mode = 0660,
		.timeout_ms = DEFAULT_TIMEOUT_MS,
		.cpus_node = VPOOL_ANY_NODE,
	};
	mount_spec_init(&pool->mount);
	snprintf(pool->name, sizeof(pool->name), "%s", name);
}

void pool_config_free(struct pool_config *pool)
{
	free(pool->mem);
	free(pool->asks);
	free(pool->unmet);
	free(pool->mount.dir);
	vpool_cpus_free(&pool->cpus);
	vpool_cpus_free(&pool->offline);
}

void config_free(struct config *cfg)
{
	size_t i;

	for (i = 0; i < cfg->nr_pools; i++)
		pool_config_free(cfg->pools + i);
	for (i = 0; i < cfg->nr_mistakes; i++)
		free(cfg->mistakes[i].text);
	for (i = 0; i < cfg->nr_files; i++)
		free(cfg->files[i]);
	free(cfg->pools);
	free(cfg->mistakes);
	free(cfg->files);
	memset(cfg, 0, sizeof(*cfg));
}
