// SPDX-License-Identifier: GPL-2.0-only
/*
 * The features of the host's CPU, all of which a guest has under KVM.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "vm/cpu.h"

/* Return the value of the first line "KEY : VALUE", for free(3). */
static char *value_of(const char *key)
{
	FILE *file = fopen("/proc/cpuinfo", "re");
	char *line = NULL, *value = NULL, *at;
	size_t room = 0;

	while (file && !value && getline(&line, &room, file) > 0) {
		at = strchr(line, ':');
		if (!at || strncmp(line, key, strlen(key)) || at[1] != ' ')
			continue;
		at[strcspn(at, "\n")] = '\0';
		value = xstrdup(at + 2);
	}
	if (file)
		fclose(file);
	free(line);
	return value ? value : xstrdup("");
}

char *read_cpu_flags(void)
{
	char *vendor = value_of("vendor_id"), *flags = value_of("flags");
	char *words = xprintf("%s %s", vendor, flags);

	free(flags);
	free(vendor);
	return words;
}

static bool has_word(const char *words, const char *word, size_t len)
{
	const char *at = words;

	while ((at = strstr(at, word))) {
		if ((at == words || at[-1] == ' ') &&
		    (at[len] == ' ' || !at[len]))
			return true;
		at++;
	}
	return false;
}

char *missing_cpu_flag(const char *wanted, const char *have)
{
	char *words = xstrdup(wanted), *word, *state, *missing = NULL;

	for (word = strtok_r(words, " ", &state); word && !missing;
	     word = strtok_r(NULL, " ", &state))
		if (!has_word(have, word, strlen(word)))
			missing = xstrdup(word);
	free(words);
	return missing;
}
