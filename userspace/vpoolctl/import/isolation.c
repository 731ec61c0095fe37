// SPDX-License-Identifier: GPL-2.0-only
/*
 * CPUs that the kernel's command line and tuned isolate.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <libvpool.h>

#include "base/alloc.h"
#include "base/macros.h"
#include "host/cpumask.h"
#include "import/findings.h"
#include "import/sources.h"

#define CMDLINE "/proc/cmdline"

/* Skip flags such as "managed_irq,domain," before a list of CPUs. */
static const char *skip_flags(const char *text)
{
	while (isalpha((unsigned char)*text) && strchr(text, ','))
		text = strchr(text, ',') + 1;
	return text;
}

static void isolate(struct findings *all, const char *file, const char *key,
		    const char *list)
{
	struct vpool_cpus cpus;
	char reason[256];

	if (vpool_cpus_parse(skip_flags(list), &cpus, reason, sizeof(reason))) {
		host_mistake(all, file, "%s=%s: %s", key, list, reason);
		return;
	}
	add_line(&all->found, "%s: %s=%s", file, key, list);
	cpus_add_all(&all->isolated, &cpus);
	vpool_cpus_free(&cpus);
}

/* Handle one word of the command line. */
static void take_word(struct findings *all, const char *word)
{
	const char *value = strchr(word, '=');

	if (!value)
		return;
	value++;
	if (!strncmp(word, "isolcpus=", value - word)) {
		isolate(all, CMDLINE, "isolcpus", value);
		add_line(&all->steps,
			 "remove isolcpus=%s from the kernel's command line: a pool with 'isolate' keeps tasks and interrupts off its CPUs, and ends that again",
			 value);
	} else if (!strncmp(word, "nohz_full=", value - word)) {
		isolate(all, CMDLINE, "nohz_full", value);
		add_line(&all->steps,
			 "keep nohz_full=%s on the kernel's command line: nothing can set it later",
			 value);
	} else if (!strncmp(word, "hugepages=", value - word) && atoll(value)) {
		add_line(&all->found, CMDLINE ": %s", word);
		add_line(&all->steps,
			 "remove %s from the kernel's command line: the pools take this memory from the host when they are created",
			 word);
	}
}

void import_cmdline(struct findings *all)
{
	char *text = host_read(all, CMDLINE), *word, *save;

	for (word = text ? strtok_r(text, " \t\n", &save) : NULL; word;
	     word = strtok_r(NULL, " \t\n", &save))
		take_word(all, word);
	free(text);
}

/* Take the line "isolated_cores=LIST" of a file with variables of a profile. */
static void take_variables(struct findings *all, const char *path, char *text)
{
	char *line, *save, *value;

	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		line += strspn(line, " \t");
		value = strchr(line, '=');
		if (!value || strncmp(line, "isolated_cores", strlen("isolated_cores")))
			continue;
		value += 1 + strspn(value + 1, " \t");
		value[strcspn(value, " \t\r")] = '\0';
		if (!*value)
			continue;
		/* A list that a function of tuned computes, such as ${f:calc_isolated_cores}. */
		if (strchr(value, '$'))
			add_line(&all->found, "%s: isolated_cores=%s, which only tuned can compute",
				 path, value);
		else
			isolate(all, path, "isolated_cores", value);
	}
}

void import_tuned(struct findings *all)
{
	static const char *const files[] = {
		"/etc/tuned/cpu-partitioning-variables.conf",
		"/etc/tuned/cpu-partitioning-powersave-variables.conf",
		"/etc/tuned/realtime-variables.conf",
		"/etc/tuned/realtime-virtual-host-variables.conf",
	};
	char *profile = host_read(all, "/etc/tuned/active_profile"), *text, *name;
	size_t i;

	if (!profile)
		return;
	name = profile + strspn(profile, " \t\n");
	name[strcspn(name, "\n")] = '\0';
	if (*name)
		add_line(&all->found, "/etc/tuned/active_profile: %s", name);
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		char *prefix = xprintf("/etc/tuned/%s-variables.conf", name);

		/* The variables of a profile that is not active have no effect. */
		text = strcmp(prefix, files[i]) ? NULL : host_read(all, files[i]);
		free(prefix);
		if (!text)
			continue;
		take_variables(all, files[i], text);
		free(text);
		add_line(&all->steps,
			 "choose a profile of tuned that isolates no CPUs, as 'tuned-adm profile throughput-performance' does; pools isolate them instead of %s",
			 name);
	}
	free(profile);
}
