// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arguments for QEMU that vm start refuses.
 *
 * vpoolctl identifies a QEMU by its process. The process must hold the lock on "alive",
 * be a member of the pool, and have the threads of the vCPUs.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/macros.h"
#include "vm/qemu_refuse.h"

#define NAMED_BY_START "vm start sets the name of the machine"
#define OPENED_LATER \
	"QEMU opens the memory after that; use --user, or run vpoolctl as that user"
#define BACKGROUND_BY_START \
	"vm start already runs QEMU in the background, and must know its process"
#define MEMORY_BY_START "the memory comes from the pool: use --mem"
#define VCPUS_BY_START "vm start sets the number of vCPUs: use --vcpus"

/**
 * struct refusal - an option, or a part of its value, that vm start refuses
 * @option: name of the option without dashes
 * @key: key in the value that makes it refused; NULL if the option is always refused;
 *	"" for a value that starts without a key
 * @value: value of @key that is refused, or NULL for any
 * @message: reason, which the message has after a colon
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
	  "vm start lets the machine run; 'vpoolctl vm pause' stops it" },
	{ "async-teardown", NULL, NULL,
	  "it leaves a process that keeps the memory after QEMU has ended" },
	{ "chardev", "id", "boot", "vm start uses a chardev with this id" },
	{ "chardev", "id", "console", "vm start uses a chardev with this id" },
	{ "chardev", "id", "qmp", "vm start uses a chardev with this id" },
	{ "chardev", "id", "state", "vm start uses a chardev with this id" },
	{ "chroot", NULL, NULL, OPENED_LATER },
	{ "daemonize", NULL, NULL, BACKGROUND_BY_START },
	{ "incoming", NULL, NULL,
	  "'vpoolctl vm migrate' starts the QEMU that a machine migrates to" },
	{ "m", "", NULL, MEMORY_BY_START },
	{ "m", "size", NULL, MEMORY_BY_START },
	{ "machine", "memory-backend", NULL, MEMORY_BY_START },
	{ "mem-path", NULL, NULL, MEMORY_BY_START },
	{ "mon", "chardev", "boot", "this chardev belongs to vm start" },
	{ "mon", "chardev", "qmp", "this chardev belongs to vm start" },
	{ "mon", "chardev", "state", "this chardev belongs to vm start" },
	{ "name", NULL, NULL, NAMED_BY_START },
	{ "numa", NULL, NULL,
	  "vm start sets the NUMA nodes by those of the pool" },
	{ "pidfile", NULL, NULL,
	  "a machine with a PID file cannot migrate; 'vpoolctl vm list -o PID' prints the PID" },
	{ "run-with", NULL, NULL, OPENED_LATER },
	{ "runas", NULL, NULL, "vm start sets the user of QEMU: use --user" },
	{ "smp", "", NULL, VCPUS_BY_START },
	{ "smp", "cpus", NULL, VCPUS_BY_START },
	{ "smp", "maxcpus", NULL, VCPUS_BY_START },
};

/* Options without a value. All other options take the next argument. */
static const char * const flags[] = {
	"?", "S", "async-teardown", "audio-help", "daemonize", "enable-fips",
	"enable-kvm", "enable-sync-profile", "full-screen", "h", "help",
	"mem-prealloc", "no-acpi", "no-fd-bootchk", "no-hpet", "no-reboot",
	"no-shutdown", "no-user-config", "nodefaults", "nographic",
	"nouserconfig", "old-param", "one-insn-per-tb", "portrait",
	"preconfig", "s", "semihosting", "singlestep", "snapshot", "usb",
	"version", "win2k-hack", "xen-attach", "xen-domid-restrict",
};

bool qemu_option_is_flag(const char *option)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(flags); i++)
		if (!strcmp(option, flags[i]))
			return true;
	return false;
}

/* Find the part after the next single comma. Double commas belong to a value. */
static const char *next_part(const char *at)
{
	while ((at = strchr(at, ','))) {
		if (at[1] != ',')
			return at + 1;
		at += 2;
	}
	return NULL;
}

/* Find "key=value" in a list such as "a,key=value,b=c". The key "" is a first part without key. */
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

		/* An argument without a dash is the file of a disk. */
		if (*arg != '-')
			continue;
		/* QEMU accepts one dash or two. */
		option = arg + 1 + (arg[1] == '-');
		value = qemu_option_is_flag(option) ? NULL : *args;
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
