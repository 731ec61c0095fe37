// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Sets of CPUs, and CPU lists in the format of the kernel.
 */
#include <ctype.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "compiler.h"
#include "cpus.h"
#include "file.h"

#define BITS_PER_LONG (8 * sizeof(unsigned long))

/* Limit of the module on the bits of a CPU mask, far above the CPU numbers of Linux. */
#define CPU_LIMIT 524288U

/* Limit on the CPUs that a list names: every possible CPU 16 times. */
#define STEP_LIMIT (16 * CPU_LIMIT)

/**
 * struct reader - state of the parser of a CPU list
 * @at: next character in @text
 * @text: the whole list, NUL-terminated
 * @reason: out: message of a failed call, or NULL
 * @size: length of @reason in bytes
 * @steps: number of CPUs named so far, with repetitions
 * @online: online CPUs of the host, for "all" and "N"; read on first use
 */
struct reader {
	const char *at;
	const char *text;
	char *reason;
	size_t size;
	size_t steps;
	struct vpool_cpus online;
};

static int __printf(2, 3)
refuse(const struct reader *rd, const char *fmt, ...)
{
	va_list args;

	if (!rd->reason || !rd->size)
		return -EINVAL;
	va_start(args, fmt);
	vsnprintf(rd->reason, rd->size, fmt, args);
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
			 const struct vpool_cpus *removed)
{
	size_t i;

	for (i = 0; i < cpus->bytes / sizeof(long); i++)
		if (i < removed->bytes / sizeof(long))
			cpus->bits[i] &= ~removed->bits[i];
}

void vpool_cpus_and(struct vpool_cpus *cpus, const struct vpool_cpus *kept)
{
	size_t i;

	for (i = 0; i < cpus->bytes / sizeof(long); i++)
		cpus->bits[i] &= i < kept->bytes / sizeof(long) ?
				 kept->bits[i] : 0;
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
	return refuse(rd, "'%.64s' is not a list of CPUs such as 0-3,8",
		      rd->text);
}

/* Read the online CPUs once per list. */
static int read_online(struct reader *rd)
{
	if (rd->online.bytes)
		return 0;
	if (vpool_read_cpus(AT_FDCWD, "/sys/devices/system/cpu/online",
			    &rd->online))
		return refuse(rd, "the host's online CPUs cannot be read");
	return 0;
}

/* Parse "N", the highest online CPU. */
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
		return refuse(rd, "cpu %.*s: no host has that many CPUs",
			      (int)strspn(start, "0123456789"), start);
	*cpu = value;
	return 0;
}

/* Parse ":USED/GROUP" after a range: the first USED of each GROUP of CPUs. */
static int read_stride(struct reader *rd, unsigned int *used,
		       unsigned int *group)
{
	int err;

	rd->at++;
	err = read_cpu(rd, used);
	if (err)
		return err;
	if (*rd->at++ != '/')
		return refuse(rd, "'%.64s' is not a list of CPUs: ':' needs USED/GROUP",
			      rd->text);
	err = read_cpu(rd, group);
	if (err)
		return err;
	if (!*used || *used > *group)
		return refuse(rd, "'%.64s': cannot use %u of each %u CPUs",
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
			return refuse(rd, "the range %u-%u is backwards",
				      first, last);
		if (*rd->at == ':')
			err = read_stride(rd, &used, &group);
		if (err)
			return err;
	}
	/* Bound the time that a short text can take. */
	rd->steps += last - first + 1;
	if (rd->steps > STEP_LIMIT)
		return refuse(rd, "'%.64s...' names the same CPUs again and again",
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

/* Parse an item, which is a range or "all". "^" in front adds it to @without. */
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
		err = refuse(rd, "'%.64s' leaves no CPU", rd->text);
	vpool_cpus_free(&without);
	return err;
}

int vpool_cpus_parse(const char *text, struct vpool_cpus *cpus, char *reason,
		     size_t size)
{
	struct reader rd = {
		.at = text, .text = text, .reason = reason, .size = size,
	};
	int err;

	memset(cpus, 0, sizeof(*cpus));
	if (!*text)
		return 0;
	err = read_list(&rd, cpus);
	vpool_cpus_free(&rd.online);
	if (err)
		vpool_cpus_free(cpus);
	if (err == -ENOMEM && reason)
		snprintf(reason, size, "out of memory");
	return err;
}

int vpool_read_cpus(int dir, const char *path, struct vpool_cpus *cpus)
{
	char *text;
	int err;

	err = vpool_read_text(dir, path, &text);
	if (err)
		return err;
	err = vpool_cpus_parse(text, cpus, NULL, 0);
	free(text);
	return err;
}

/* Find the next run of consecutive CPUs at or after *@first. */
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
