// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arguments for QEMU that vm start cannot take.
 *
 * vpoolctl knows a QEMU by its process: that holds the lock on "alive", is the pool's
 * member, and has the threads that get CPUs.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/macros.h"
#include "vm/qemu_refuse.h"

#define NAMED_BY_START "the machine's name is that of vm start"
#define OPENED_LATER \
	"QEMU opens the pool's device after that; start it as that user"
#define BACKGROUND_BY_START \
	"vm start has QEMU in the background; in a process of its own it is out of sight"
#define MEMORY_BY_START "its memory is the pool's: say --mem"
#define VCPUS_BY_START "the number of its CPUs is vm start's: say --vcpus"

/**
 * struct refusal - an option, or a part of its value, that vm start cannot take
 * @option: its name without dashes
 * @key: the option is refused if its value has this key, or NULL for always; "" is a
 *	value that begins without a key
 * @value: the key is refused with this value only, or NULL for any
 * @message: the reason, behind a colon
 */
struct refusal {
	const char *option;
	const char *key;
	const char *value;
	const char *message;
};

static const struct refusal refusals[] = {
	{ "M", "memory-backend", NULL, MEMORY_BY_START },
	{ "S", NULL, NULL,
	  "vm start has the machine run; 'vpoolctl vm pause' stops it" },
	{ "async-teardown", NULL, NULL,
	  "it leaves a process that has the memory when QEMU has ended" },
	{ "chardev", "id", "boot", "vm start has a chardev of that id" },
	{ "chardev", "id", "console", "vm start has a chardev of that id" },
	{ "chardev", "id", "qmp", "vm start has a chardev of that id" },
	{ "chardev", "id", "state", "vm start has a chardev of that id" },
	{ "chroot", NULL, NULL, OPENED_LATER },
	{ "daemonize", NULL, NULL, BACKGROUND_BY_START },
	{ "incoming", NULL, NULL,
	  "'vpoolctl vm migrate' starts the QEMU that a machine migrates to" },
	{ "m", "", NULL, MEMORY_BY_START },
	{ "m", "size", NULL, MEMORY_BY_START },
	{ "machine", "memory-backend", NULL, MEMORY_BY_START },
	{ "mem-path", NULL, NULL, MEMORY_BY_START },
	{ "mon", "chardev", "boot", "that chardev is vm start's" },
	{ "mon", "chardev", "qmp", "that chardev is vm start's" },
	{ "mon", "chardev", "state", "that chardev is vm start's" },
	{ "name", NULL, NULL, NAMED_BY_START },
	{ "numa", NULL, NULL,
	  "vm start makes the machine's NUMA nodes as the pool has them" },
	{ "pidfile", NULL, NULL,
	  "a machine with one cannot migrate; 'vpoolctl vm list -o PID' tells it" },
	{ "run-with", NULL, NULL, OPENED_LATER },
	{ "runas", NULL, NULL, OPENED_LATER },
	{ "smp", "", NULL, VCPUS_BY_START },
	{ "smp", "cpus", NULL, VCPUS_BY_START },
	{ "smp", "maxcpus", NULL, VCPUS_BY_START },
};

/* Options of QEMU that take no value. Each other option takes the next word. */
static const char * const flags[] = {
	"?", "S", "async-teardown", "audio-help", "daemonize", "enable-fips",
	"enable-kvm", "enable-sync-profile", "full-screen", "h", "help",
	"mem-prealloc", "no-acpi", "no-fd-bootchk", "no-hpet", "no-reboot",
	"no-shutdown", "no-user-config", "nodefaults", "nographic",
	"nouserconfig", "old-param", "one-insn-per-tb", "portrait",
	"preconfig", "s", "semihosting", "singlestep", "snapshot", "usb",
	"version", "win2k-hack", "xen-attach", "xen-domid-restrict",
};

static bool is_flag(const char *option)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(flags); i++)
		if (!strcmp(option, flags[i]))
			return true;
	return false;
}

/* Find the part behind the next single comma; a value doubles its commas. */
static const char *next_part(const char *at)
{
	while ((at = strchr(at, ','))) {
		if (at[1] != ',')
			return at + 1;
		at += 2;
	}
	return NULL;
}

/* Is "key=value" in "a,key=value,b=c"? An empty key is a first part without one. */
static bool has(const char *list, const char *key, const char *value)
{
	size_t len = strlen(key), end;
	const char *at = list;

	if (!*key)
		return !strchr(list, '=') ||
		       strcspn(list, ",") < strcspn(list, "=");
	for (; at; at = next_part(at)) {
		if (!strncmp(at, key, len) && at[len] == '=') {
			end = strcspn(at + len + 1, ",");
			if (!value || (strlen(value) == end &&
				       !strncmp(at + len + 1, value, end)))
				return true;
		}
	}
	return false;
}

static const struct refusal *refusal_of(const char *option, const char *value)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(refusals); i++) {
		const struct refusal *one = refusals + i;

		if (strcmp(one->option, option))
			continue;
		if (!one->key || (value && has(value, one->key, one->value)))
			return one;
	}
	return NULL;
}

char *qemu_refuse(char **args)
{
	const struct refusal *refusal;
	const char *option, *value;

	while (*args) {
		const char *arg = *args++;

		/* A word alone is a disk's file. */
		if (*arg != '-')
			continue;
		/* QEMU takes one dash or two. */
		option = arg + 1 + (arg[1] == '-');
		value = is_flag(option) ? NULL : *args;
		refusal = refusal_of(option, value);
		if (refusal && refusal->key)
			return xprintf("%s %s: %s", arg, value, refusal->message);
		if (refusal)
			return xprintf("%s: %s", arg, refusal->message);
		if (value)
			args++;
	}
	return NULL;
}
