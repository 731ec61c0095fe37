// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sets of CPUs in the mask format of some kernel files.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libvpool.h>

#include "base/alloc.h"
#include "host/cpumask.h"

void cpus_add_all(struct vpool_cpus *to, const struct vpool_cpus *from)
{
	unsigned int cpu, left = vpool_cpus_count(from);

	for (cpu = 0; left; cpu++)
		if (vpool_cpus_test(from, cpu)) {
			vpool_cpus_add(to, cpu);
			left--;
		}
}

int mask_parse(const char *text, struct vpool_cpus *cpus)
{
	size_t at = strcspn(text, "\n");
	unsigned int cpu = 0, bit;

	*cpus = (struct vpool_cpus) { 0 };
	while (at--) {
		char digit[2] = { text[at] };
		unsigned long value = strtoul(digit, NULL, 16);

		if (text[at] == ',')
			continue;
		if (!isxdigit((unsigned char)text[at]))
			return -EINVAL;
		for (bit = 0; bit < 4; bit++)
			if (value & 1UL << bit)
				vpool_cpus_add(cpus, cpu + bit);
		cpu += 4;
	}
	return 0;
}

char *mask_text(const struct vpool_cpus *cpus)
{
	unsigned int cpu, group, left = vpool_cpus_count(cpus), nr = 0;
	char *text, *more;

	for (cpu = 0; left; cpu++)
		if (vpool_cpus_test(cpus, cpu)) {
			nr = cpu / 32;
			left--;
		}
	text = xstrdup("");
	do {
		for (group = 0, cpu = 0; cpu < 32; cpu++)
			if (vpool_cpus_test(cpus, nr * 32 + cpu))
				group |= 1U << cpu;
		more = xprintf("%s%s%08x", text, *text ? "," : "", group);
		free(text);
		text = more;
	} while (nr--);
	return text;
}
