// SPDX-License-Identifier: GPL-2.0-only
/*
 * Report how the caller's virtual machines differ between two looks at them.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "monitor/event.h"
#include "monitor/machines.h"
#include "vm/memory.h"
#include "vm/vm.h"

/**
 * struct machine - a running virtual machine
 * @name: its name; owned
 * @pool: the pool that it runs on
 * @pid: its QEMU
 * @state: its run state; owned. NULL if QEMU has not answered
 */
struct machine {
	char *name;
	char pool[VPOOL_NAME_SIZE];
	pid_t pid;
	char *state;
};

static void free_machine(struct machine *machine)
{
	free(machine->name);
	free(machine->state);
}

static struct machine *find(const struct machine_watch *watch, const char *name)
{
	size_t i;

	for (i = 0; i < watch->nr; i++)
		if (!strcmp(watch->all[i].name, name))
			return watch->all + i;
	return NULL;
}

static struct machine *add(struct machine_watch *watch, const char *name)
{
	struct machine *machine;

	watch->all = xrealloc(watch->all, (watch->nr + 1) * sizeof(*watch->all));
	machine = watch->all + watch->nr++;
	*machine = (struct machine) { .name = xstrdup(name) };
	return machine;
}

static void copy(struct machine_watch *watch, const struct machine *from)
{
	struct machine *machine = add(watch, from->name);

	memcpy(machine->pool, from->pool, sizeof(machine->pool));
	machine->pid = from->pid;
	machine->state = from->state ? xstrdup(from->state) : NULL;
}

/* A QEMU that does not answer, or starts, changes nothing of what is known. */
static void read_machine(struct machine_watch *now, const struct machine_watch *last,
			 const char *name)
{
	struct vm *vm = vm_inspect(name);
	const struct machine *known = find(last, name);
	struct vm_memory memory;
	struct machine *machine;
	struct vm_slot *slot;

	if (vm->now >= 0) {
		slot = vm->slot + vm->now;
		if (!vm_read_memory(slot->pid, &memory) && *memory.pool) {
			machine = add(now, name);
			memcpy(machine->pool, memory.pool, sizeof(machine->pool));
			machine->pid = slot->pid;
			machine->state = vm_slot_status(slot);
		}
	} else if (known && (vm->slot[0].pid || vm->slot[1].pid)) {
		copy(now, known);
	}
	vm_close(vm);
}

static void report(struct event_sink *sink, enum event_kind kind,
		   const struct machine *machine, const char *message)
{
	struct event event = {
		.kind = kind, .pool = machine->pool, .vm = machine->name,
		.pid = machine->pid, .state = machine->state,
	};

	event_print(sink, &event, "%s", message);
}

static void compare(struct event_sink *sink, const struct machine *was,
		    const struct machine *now)
{
	char *text;

	if (strcmp(was->pool, now->pool)) {
		text = xprintf("moved from pool %s to pool %s", was->pool, now->pool);
		report(sink, EVENT_VM_MOVED, now, text);
		free(text);
	} else if (was->pid != now->pid) {
		report(sink, EVENT_VM_ENDED, was, "the virtual machine ended");
		report(sink, EVENT_VM_STARTED, now, "the virtual machine was started again");
		return;
	}
	if (was->state && now->state && strcmp(was->state, now->state))
		report(sink, EVENT_VM_STATE, now, now->state);
}

static void compare_looks(const struct machine_watch *last,
			  const struct machine_watch *now, struct event_sink *sink)
{
	const struct machine *other;
	char *text;
	size_t i;

	for (i = 0; i < last->nr; i++)
		if (!find(now, last->all[i].name))
			report(sink, EVENT_VM_ENDED, last->all + i,
			       "the virtual machine ended");
	for (i = 0; i < now->nr; i++) {
		other = find(last, now->all[i].name);
		if (other) {
			compare(sink, other, now->all + i);
			continue;
		}
		text = xprintf("the virtual machine runs on pool %s, QEMU is process %d",
			       now->all[i].pool, now->all[i].pid);
		report(sink, EVENT_VM_STARTED, now->all + i, text);
		free(text);
	}
}

void machine_watch_look(struct machine_watch *watch, struct event_sink *sink)
{
	struct machine_watch now = { 0 };
	char **names;
	size_t i, nr;

	names = vm_names(&nr);
	for (i = 0; i < nr; i++) {
		read_machine(&now, watch, names[i]);
		free(names[i]);
	}
	free(names);
	if (sink)
		compare_looks(watch, &now, sink);
	machine_watch_stop(watch);
	*watch = now;
}

void machine_watch_stop(struct machine_watch *watch)
{
	size_t i;

	for (i = 0; i < watch->nr; i++)
		free_machine(watch->all + i);
	free(watch->all);
	*watch = (struct machine_watch) { 0 };
}
