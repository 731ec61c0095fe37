// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Sets of CPUs, and the lists in which the kernel writes them.
 */
#include <ctype.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "private.h"

#define BITS_PER_LONG (8 * sizeof(unsigned long))

/* Far beyond what Linux can have, and the most that the module reads. */
#define CPU_LIMIT 524288U

/* The CPUs that a list may name before it is refused: each of them 16 times. */
#define STEP_LIMIT (16 * CPU_LIMIT)

/**
 * struct reader - state of the parser of a list
 * @at: the next character
 * @text: the whole list
 * @why: receives the reason for a refusal, or NULL
 * @size: room in @why, in bytes
 * @steps: CPUs named so far, repetitions included
 * @online: the host's online CPUs, for "all" and "N"; read on first use
 */
struct reader {
	const char *at;
	const char *text;
	char *why;
	size_t size;
	size_t steps;
	struct vpool_cpus online;
};

static int __printf(2, 3)
wrong(const struct reader *rd, const char *fmt, ...)
{
	va_list args;

	if (!rd->why || !rd->size)
		return -EINVAL;
	va_start(args, fmt);
	vsnprintf(rd->why, rd->size, fmt, args);
	va_end(args);
	return -EINVAL;
}

static int grow(struct vpool_cpus *cpus, size_t bytes)
{
	unsigned long *bits;

	bytes = (bytes + 7) & ~(size_t)7;
	if (bytes <= cpus->bytes)
		return 0;
	bits = realloc(cpus->bits, bytes);
	if (!bits)
		return -ENOMEM;
	memset((char *)bits + cpus->bytes, 0, bytes - cpus->bytes);
	cpus->bits = bits;
	cpus->bytes = bytes;
	return 0;
}

int vpool_cpus_add(struct vpool_cpus *cpus, unsigned int cpu)
{
	int err;

	if (cpu >= CPU_LIMIT)
		return -EINVAL;
	err = grow(cpus, cpu / 8 + 1);
	if (err)
		return err;
	cpus->bits[cpu / BITS_PER_LONG] |= 1UL << cpu % BITS_PER_LONG;
	return 0;
}

bool vpool_cpus_test(const struct vpool_cpus *cpus, unsigned int cpu)
{
	if (cpu / 8 >= cpus->bytes)
		return false;
	return cpus->bits[cpu / BITS_PER_LONG] >> cpu % BITS_PER_LONG & 1;
}

unsigned int vpool_cpus_count(const struct vpool_cpus *cpus)
{
	unsigned int count = 0;
	size_t i;

	for (i = 0; i < cpus->bytes / sizeof(long); i++)
		count += __builtin_popcountl(cpus->bits[i]);
	return count;
}

void vpool_cpus_subtract(struct vpool_cpus *cpus,
			 const struct vpool_cpus *others)
{
	size_t i;

	for (i = 0; i < cpus->bytes / sizeof(long); i++)
		if (i < others->bytes / sizeof(long))
			cpus->bits[i] &= ~others->bits[i];
}

void vpool_cpus_and(struct vpool_cpus *cpus, const struct vpool_cpus *others)
{
	size_t i;

	for (i = 0; i < cpus->bytes / sizeof(long); i++)
		cpus->bits[i] &= i < others->bytes / sizeof(long) ?
				 others->bits[i] : 0;
}

int vpool_cpus_copy(struct vpool_cpus *to, const struct vpool_cpus *from)
{
	int err;

	memset(to, 0, sizeof(*to));
	if (!from->bytes)
		return 0;
	err = grow(to, from->bytes);
	if (!err)
		memcpy(to->bits, from->bits, from->bytes);
	return err;
}

void vpool_cpus_free(struct vpool_cpus *cpus)
{
	free(cpus->bits);
	memset(cpus, 0, sizeof(*cpus));
}

static int not_a_list(const struct reader *rd)
{
	return wrong(rd, "'%.64s' is not a list of CPUs such as 0-3,8",
		     rd->text);
}

/* Read the online CPUs once per list. */
static int read_online(struct reader *rd)
{
	if (rd->online.bytes)
		return 0;
	if (vpool_read_cpus(AT_FDCWD, "/sys/devices/system/cpu/online",
			    &rd->online))
		return wrong(rd, "the host's online CPUs cannot be read");
	return 0;
}

/* "N" is the highest online CPU. */
static int read_last(struct reader *rd, unsigned int *cpu)
{
	unsigned int at;

	rd->at++;
	if (read_online(rd))
		return -EINVAL;
	*cpu = 0;
	for (at = 0; at < rd->online.bytes * 8; at++)
		if (vpool_cpus_test(&rd->online, at))
			*cpu = at;
	return 0;
}

static int read_cpu(struct reader *rd, unsigned int *cpu)
{
	const char *start = rd->at;
	unsigned int value = 0;

	if (*start == 'N')
		return read_last(rd, cpu);
	if (!isdigit((unsigned char)*start))
		return not_a_list(rd);
	for (; isdigit((unsigned char)*rd->at); rd->at++) {
		if (value < CPU_LIMIT)
			value = value * 10 + (*rd->at - '0');
	}
	if (value >= CPU_LIMIT)
		return wrong(rd, "cpu %.*s: no host has that many CPUs",
			     (int)strspn(start, "0123456789"), start);
	*cpu = value;
	return 0;
}

/* ":USED/GROUP" behind a range: of each GROUP of CPUs the first USED. */
static int read_stride(struct reader *rd, unsigned int *used,
		       unsigned int *group)
{
	int err;

	rd->at++;
	err = read_cpu(rd, used);
	if (err)
		return err;
	if (*rd->at++ != '/')
		return wrong(rd, "'%.64s' is not a list of CPUs: ':' needs USED/GROUP",
			     rd->text);
	err = read_cpu(rd, group);
	if (err)
		return err;
	if (!*used || *used > *group)
		return wrong(rd, "'%.64s': cannot use %u of each %u CPUs",
			     rd->text, *used, *group);
	return 0;
}

static int read_range(struct reader *rd, struct vpool_cpus *cpus)
{
	unsigned int first, last, cpu, used = 1, group = 1;
	int err;

	err = read_cpu(rd, &first);
	if (err)
		return err;
	last = first;
	if (*rd->at == '-') {
		rd->at++;
		err = read_cpu(rd, &last);
		if (err)
			return err;
		if (last < first)
			return wrong(rd, "the range %u-%u is backwards",
				     first, last);
		if (*rd->at == ':')
			err = read_stride(rd, &used, &group);
		if (err)
			return err;
	}
	/* A short text must not cost minutes. */
	rd->steps += last - first + 1;
	if (rd->steps > STEP_LIMIT)
		return wrong(rd, "'%.64s...' names the same CPUs again and again",
			     rd->text);
	for (cpu = first; cpu <= last && !err; cpu++)
		if ((cpu - first) % group < used)
			err = vpool_cpus_add(cpus, cpu);
	return err;
}

static int add_online(struct reader *rd, struct vpool_cpus *cpus)
{
	unsigned int cpu;
	int err = read_online(rd);

	rd->at += strlen("all");
	for (cpu = 0; cpu < rd->online.bytes * 8 && !err; cpu++)
		if (vpool_cpus_test(&rd->online, cpu))
			err = vpool_cpus_add(cpus, cpu);
	return err;
}

/* One item of a list: a range, or "all"; with "^" in front it is left out. */
static int read_item(struct reader *rd, struct vpool_cpus *cpus,
		     struct vpool_cpus *without)
{
	if (*rd->at == '^') {
		rd->at++;
		cpus = without;
	}
	if (!strncasecmp(rd->at, "all", strlen("all")))
		return add_online(rd, cpus);
	return read_range(rd, cpus);
}

static int read_list(struct reader *rd, struct vpool_cpus *cpus)
{
	struct vpool_cpus without = { 0 };
	int err;

	for (;;) {
		err = read_item(rd, cpus, &without);
		if (err || !*rd->at)
			break;
		if (*rd->at++ != ',') {
			err = not_a_list(rd);
			break;
		}
	}
	vpool_cpus_subtract(cpus, &without);
	if (!err && !vpool_cpus_count(cpus))
		err = wrong(rd, "'%.64s' leaves no CPU", rd->text);
	vpool_cpus_free(&without);
	return err;
}

int vpool_cpus_parse(const char *text, struct vpool_cpus *cpus, char *why,
		     size_t size)
{
	struct reader rd = {
		.at = text, .text = text, .why = why, .size = size,
	};
	int err;

	memset(cpus, 0, sizeof(*cpus));
	if (!*text)
		return 0;
	err = read_list(&rd, cpus);
	vpool_cpus_free(&rd.online);
	if (err)
		vpool_cpus_free(cpus);
	if (err == -ENOMEM && why)
		snprintf(why, size, "out of memory");
	return err;
}

/* Find the next run of CPUs at or after *first. */
static bool next_run(const struct vpool_cpus *cpus, unsigned int *first,
		     unsigned int *last)
{
	unsigned int end = cpus->bytes * 8;

	while (*first < end && !vpool_cpus_test(cpus, *first))
		++*first;
	if (*first >= end)
		return false;
	for (*last = *first; vpool_cpus_test(cpus, *last + 1);)
		++*last;
	return true;
}

char *vpool_cpus_format(const struct vpool_cpus *cpus)
{
	unsigned int first = 0, last;
	const char *comma = "";
	size_t size;
	char *text;
	FILE *out;

	out = open_memstream(&text, &size);
	if (!out)
		return NULL;
	for (; next_run(cpus, &first, &last); first = last + 1) {
		fprintf(out, "%s%u", comma, first);
		if (last > first)
			fprintf(out, "-%u", last);
		comma = ",";
	}
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}
