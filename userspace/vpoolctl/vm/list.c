// SPDX-License-Identifier: GPL-2.0-only
/*
 * vpoolctl vm list: list the virtual machines on pools.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <libvpool.h>

#include "base/alloc.h"
#include "base/command.h"
#include "base/macros.h"
#include "host/proc.h"
#include "output/listing.h"
#include "output/printable.h"
#include "output/table.h"
#include "vm/cmd.h"
#include "vm/definition.h"
#include "vm/device.h"
#include "vm/ended.h"
#include "vm/log.h"
#include "vm/memory.h"
#include "vm/qmp.h"
#include "vm/size.h"
#include "vm/vm.h"

enum {
	COL_NAME,
	COL_POOL,
	COL_STATE,
	COL_PID,
	COL_VCPUS,
	COL_CPUS,
	COL_MEMORY,
	COL_MAX,
	COL_USED,
	COL_AGE,
	COL_DEVICES,
	COL_AUTOSTART,
	COL_REASON,
};

static const struct column vm_columns[] = {
	[COL_NAME] = { "NAME", CELL_TEXT, "the virtual machine" },
	[COL_POOL] = { "POOL", CELL_TEXT, "the pool that it runs on" },
	[COL_STATE] = { "STATE", CELL_TEXT,
			"running, paused, migrating, or another run state of QEMU" },
	[COL_PID] = { "PID", CELL_NUMBER, "process id of its QEMU" },
	[COL_VCPUS] = { "VCPUS", CELL_NUMBER, "number of vCPUs" },
	[COL_CPUS] = { "CPUS", CELL_TEXT,
		       "the CPUs of each vCPU, separated by spaces" },
	[COL_MEMORY] = { "MEMORY", CELL_SIZE, "memory that its guest has" },
	[COL_MAX] = { "MAX", CELL_SIZE,
		      "largest memory that vm resize can give it" },
	[COL_USED] = { "USED", CELL_SIZE,
		       "memory of pools that is committed for it" },
	[COL_AGE] = { "AGE", CELL_SECONDS, "time since its QEMU started" },
	[COL_DEVICES] = { "DEVICES", CELL_TEXT,
			  "PCI devices of the host that it has, separated by commas",
			  SHOW_NEVER },
	[COL_AUTOSTART] = { "AUTOSTART", CELL_NUMBER,
			    "its place among the machines that start at boot", SHOW_NEVER },
	[COL_REASON] = { "REASON", CELL_TEXT,
			 "why a machine that does not run has ended; only with --all" },
};

/* The options of a listing, in its order, and one more. */
enum {
	LIST_ALL = NR_LISTING_SIZE_OPTIONS,
	NR_LIST_OPTIONS,
};

static const struct option_def list_options[NR_LIST_OPTIONS] = {
	OPTION_JSON,
	OPTION_NOHEADINGS,
	OPTION_RAW,
	OPTION_COLUMNS,
	OPTION_BYTES,
	[LIST_ALL] = {
		.name = "all", .letter = 'a',
		.help =
			"also list machines that do not run: those that are\n"
			"defined, and those that have ended",
	},
};

/* Time limit for a QEMU to report its size, in milliseconds. */
#define SIZE_MS 2000

/* vCPUs */

struct vcpus {
	unsigned int nr;
	char *mask[1024];
};

/* QEMU names the threads of vCPUs "CPU 3/KVM". */
static void add_thread(int tid, struct vcpus *vcpus)
{
	struct task task;
	unsigned int nr;

	if (read_task(tid, &task))
		return;
	if (sscanf(task.comm, "CPU %u/", &nr) != 1 ||
	    nr >= ARRAY_SIZE(vcpus->mask) || vcpus->mask[nr]) {
		free(task.mask);
		return;
	}
	vcpus->mask[nr] = task.mask;
	if (nr >= vcpus->nr)
		vcpus->nr = nr + 1;
}

static void read_vcpus(pid_t pid, struct vcpus *vcpus)
{
	char *path = xprintf("/proc/%d/task", pid);
	DIR *dir = opendir(path);
	struct dirent *entry;
	int tid;

	while (dir && (entry = readdir(dir))) {
		tid = atoi(entry->d_name);
		if (tid > 0)
			add_thread(tid, vcpus);
	}
	if (dir)
		closedir(dir);
	free(path);
}

static char *vcpus_text(const struct vcpus *vcpus)
{
	char *text = xstrdup(""), *longer;
	unsigned int i;

	for (i = 0; i < vcpus->nr; i++) {
		longer = xprintf("%s%s%s", text, i ? " " : "",
				 vcpus->mask[i] ? vcpus->mask[i] : "?");
		free(text);
		text = longer;
	}
	return text;
}

static void fill_vcpus(struct table *tb, pid_t pid)
{
	struct vcpus vcpus = { 0 };
	unsigned int i;
	char *text;

	read_vcpus(pid, &vcpus);
	text = vcpus_text(&vcpus);
	table_number(tb, COL_VCPUS, vcpus.nr);
	table_text(tb, COL_CPUS, text);
	free(text);
	for (i = 0; i < vcpus.nr; i++)
		free(vcpus.mask[i]);
}

/* Machines */

/* Field of /proc/PID/stat with the start time, numbered as in proc(5). */
#define STAT_STARTTIME 22

/* Parse the start time of a process, in clock ticks since boot. */
static unsigned long long parse_start(const char *line)
{
	const char *at = strrchr(line, ')');
	int field;

	/* Start after the name, field 2, which can contain spaces. */
	for (field = 2; at && field < STAT_STARTTIME; field++)
		at = strchr(at + 1, ' ');
	return at ? strtoull(at, NULL, 10) : 0;
}

/* Return the seconds since a process started. */
static __u64 read_age(pid_t pid)
{
	char *path = xprintf("/proc/%d/stat", pid), *line = NULL;
	FILE *file = fopen(path, "re");
	unsigned long long begun = 0;
	struct timespec now;
	size_t room = 0;

	if (file && getdelim(&line, &room, '\0', file) > 0)
		begun = parse_start(line) / sysconf(_SC_CLK_TCK);
	if (file)
		fclose(file);
	free(line);
	free(path);
	clock_gettime(CLOCK_BOOTTIME, &now);
	return (__u64)now.tv_sec > begun ? now.tv_sec - begun : 0;
}

static void fill_devices(struct table *tb, const struct vm *vm)
{
	struct vm_devices devices;
	char *text;

	vm_devices_read(vm->dir, &devices);
	text = vm_devices_text(&devices);
	if (*text)
		table_text(tb, COL_DEVICES, text);
	free(text);
}

/* A QEMU that does not answer leaves the cells empty. */
static void fill_size(struct table *tb, const struct vm_slot *slot)
{
	struct vm_size size;
	struct qmp *qmp;

	if (!vm_slot_connect(slot, "state", SIZE_MS, &qmp) &&
	    !vm_size_read(qmp, SIZE_MS, &size)) {
		table_number(tb, COL_MEMORY, size.base + size.plugged);
		table_number(tb, COL_MAX, size.base + size.elastic);
	}
	qmp_close(qmp);
}

/* Fill the column of a running machine that is defined. */
static void fill_autostart(struct table *tb, const char *name)
{
	struct definitions defs = { 0 };

	if (definition_exists(name))
		definitions_load(&defs, name);
	if (defs.nr && !defs.notes.nr_mistakes && defs.vms[0].config.autostart)
		table_number(tb, COL_AUTOSTART, defs.vms[0].config.autostart);
	definitions_free(&defs);
}

static bool fill_vm(struct table *tb, const struct vm *vm)
{
	const struct vm_slot *slot = vm->slot + vm->now;
	bool both = vm->slot[0].pid && vm->slot[1].pid;
	char *status = vm_slot_status(slot);
	struct vm_memory memory;

	/* The process may have exited since its slot was read. */
	if (vm_read_memory(slot->pid, &memory) || !vm_slot_wait(slot, 0)) {
		free(status);
		return false;
	}
	table_row(tb);
	table_text(tb, COL_NAME, vm->name);
	table_text(tb, COL_POOL, memory.pool);
	table_text(tb, COL_STATE, both ? "migrating" :
				  status ? status : "busy");
	table_number(tb, COL_PID, slot->pid);
	fill_vcpus(tb, slot->pid);
	fill_size(tb, slot);
	table_number(tb, COL_USED, memory.bytes);
	table_number(tb, COL_AGE, read_age(slot->pid));
	fill_devices(tb, vm);
	fill_autostart(tb, vm->name);
	free(status);
	return true;
}

/* Machines that do not run */

static void fill_ended(struct table *tb, const char *name)
{
	struct definitions defs = { 0 };
	struct ended ended;

	table_row(tb);
	table_text(tb, COL_NAME, name);
	table_text(tb, COL_STATE, "off");
	if (definition_exists(name))
		definitions_load(&defs, name);
	if (defs.notes.nr_mistakes) {
		config_report(&defs.notes);
	} else if (defs.nr) {
		table_text(tb, COL_POOL, defs.vms[0].config.pool);
		if (defs.vms[0].config.autostart)
			table_number(tb, COL_AUTOSTART, defs.vms[0].config.autostart);
	}
	if (ended_read(name, &ended))
		table_text(tb, COL_REASON, ended.reason);
	definitions_free(&defs);
}

/* Take a name out of a list. */
static void take_name(char **names, size_t nr, const char *name)
{
	size_t i;

	for (i = 0; i < nr; i++) {
		if (!names[i] || strcmp(names[i], name))
			continue;
		free(names[i]);
		names[i] = NULL;
	}
}

/* List the machines of a list, except those that another list has. */
static void list_ended(struct table *tb, char **names, size_t nr, char **other,
		       size_t nr_other)
{
	size_t i;

	for (i = 0; i < nr; i++) {
		if (!names[i])
			continue;
		take_name(other, nr_other, names[i]);
		fill_ended(tb, names[i]);
	}
}

static void free_names(char **names, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++)
		free(names[i]);
	free(names);
}

/* Print this once: reading the machine has removed it. */
static void tell_log(const char *name)
{
	char *log = vm_log_path(name), *path = printable(log);
	struct ended ended;

	if (ended_read(name, &ended) && ended.unexpected)
		fprintf(stderr,
			"vpoolctl: vm list: the QEMU of %s ended unexpectedly: %s; its output is in %s\n",
			name, ended.reason, path);
	free(path);
	free(log);
}

/* List a running machine. Return false if it does not run. */
static bool list_vm(struct table *tb, const char *name)
{
	struct vm *vm;
	int err = vm_open(name, false, &vm);
	bool runs;

	if (err == -EBUSY || err == -ETIMEDOUT)
		vm = vm_inspect(name);
	if (err == -ENOENT)
		tell_log(name);
	runs = vm && vm->now >= 0 && fill_vm(tb, vm);
	vm_close(vm);
	return runs;
}

static int list_vms(const struct invocation *inv, struct vpool *vp,
		    struct table *tb)
{
	char **names, **defined, **ended;
	size_t i, nr, nr_defined, nr_ended;

	(void)vp;
	if (!inv->given[LIST_ALL] && !listing_wants_all(inv))
		table_hide(tb, COL_REASON);
	names = vm_names(&nr);
	for (i = 0; i < nr; i++) {
		if (list_vm(tb, names[i]))
			continue;
		free(names[i]);
		names[i] = NULL;
	}
	/* Reading a machine can have noted its end. */
	ended = ended_names(&nr_ended);
	defined = definition_names(&nr_defined);
	for (i = 0; i < nr; i++) {
		if (!names[i])
			continue;
		take_name(ended, nr_ended, names[i]);
		take_name(defined, nr_defined, names[i]);
	}
	if (inv->given[LIST_ALL]) {
		list_ended(tb, defined, nr_defined, ended, nr_ended);
		list_ended(tb, ended, nr_ended, NULL, 0);
	}
	free_names(names, nr);
	free_names(defined, nr_defined);
	free_names(ended, nr_ended);
	return 0;
}

static int run_vm_list(const struct invocation *inv)
{
	return run_listing(inv, "vms", list_vms);
}

const struct command cmd_vm_list = {
	.name = "vm list",
	.summary = "list virtual machines on pools",
	.description =
		"List the running virtual machines of the caller. All values are\n"
		"read from the running processes. Leftovers of a crash are\n"
		"removed.\n\n"
		"With --all, also list machines that do not run: those that are\n"
		"defined, and those that have ended since the host booted, with\n"
		"the reason. 'vpoolctl vm log' prints more.",
	.options = list_options,
	.nr_options = NR_LIST_OPTIONS,
	.columns = vm_columns,
	.nr_columns = ARRAY_SIZE(vm_columns),
	.run = run_vm_list,
};
