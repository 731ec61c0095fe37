// SPDX-License-Identifier: GPL-2.0-only
/*
 * vpoolctl vm resize: change the memory of a running virtual machine.
 *
 * vpoolctl sets what the guest should have, and the guest takes or returns blocks until it
 * has that. If it does not get there, vpoolctl withdraws the request, so that the size
 * changes no more after the command.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libvpool.h>

#include "base/clock.h"
#include "base/code.h"
#include "base/command.h"
#include "base/exit.h"
#include "base/interrupt.h"
#include "base/macros.h"
#include "output/messages.h"
#include "output/outcome.h"
#include "output/units.h"
#include "vm/cmd.h"
#include "vm/memory.h"
#include "vm/qmp.h"
#include "vm/size.h"
#include "vm/vm.h"

enum {
	RESIZE_MEM,
	RESIZE_TIMEOUT,
	RESIZE_DRY_RUN,
	RESIZE_QUIET,
	RESIZE_JSON,
};

/* Default of the time limit, in milliseconds. */
#define TIMEOUT_MS 60000
#define EVERY_MS 100
/* First interval between two requests to a guest that makes no progress, in milliseconds. */
#define AGAIN_MS 1000
/* Show the progress of a resize that takes longer than this, in milliseconds. */
#define SHOW_MS 1000

static const struct option_def resize_options[] = {
	[RESIZE_MEM] = {
		.name = "mem", .letter = 'm', .arg = "SIZE",
		.help =
			"its new memory: between --mem and --max-mem of vm start,\n"
			"in steps of 2M, or of the page size of the pool",
	},
	[RESIZE_TIMEOUT] = {
		.name = "timeout", .letter = 't', .arg = "SECONDS",
		.help =
			"give up after this time; the machine keeps the size that\n"
			"it has then; default 60",
	},
	[RESIZE_DRY_RUN] = OPTION_DRY_RUN,
	[RESIZE_QUIET] = OPTION_QUIET,
	[RESIZE_JSON] = OPTION_OUTCOME,
};

/**
 * struct change - a change of the size
 * @inv: invocation of the verb, for messages
 * @vm: the machine, locked
 * @qmp: connection to its QEMU
 * @pool: its pool
 * @from: size at the start
 * @now: size that was read last
 * @bytes: wanted memory, in bytes
 * @timeout_ms: time limit, in milliseconds
 * @begun_ms: time of the start
 * @asked_ms: time of the last request, or of the last change of the size
 * @again_ms: time from @asked_ms to the next request, in milliseconds
 * @progress: true if a progress line is on the terminal
 */
struct change {
	const struct invocation *inv;
	struct vm *vm;
	struct qmp *qmp;
	struct vm_memory pool;
	struct vm_size from;
	struct vm_size now;
	__u64 bytes;
	__u32 timeout_ms;
	double begun_ms;
	double asked_ms;
	double again_ms;
	bool progress;
};

static __u64 size_of(const struct vm_size *size)
{
	return size->base + size->plugged;
}

static bool grows(const struct change *change)
{
	return change->bytes > size_of(&change->from);
}

/* Checks */

/* Read the free memory of the pool. Return 0, or -1 with a message. */
static int read_free(const struct change *change, __u64 *bytes)
{
	const char *pool = change->pool.pool;
	struct vpool_info *info;
	struct vpool *vp;
	int err;

	err = vpool_open_reader(&vp);
	if (!err)
		err = vpool_query(vp, pool, &info);
	if (err) {
		handle_error(change->inv, change->vm->name, vp, err);
	} else {
		*bytes = info->free_bytes;
		vpool_info_free(info);
	}
	vpool_close(vp);
	return err ? -1 : 0;
}

static int check_pool(const struct change *change)
{
	char have[SIZE_TEXT], want[SIZE_TEXT];
	__u64 missing, bytes;

	if (!grows(change))
		return 0;
	missing = change->bytes - size_of(&change->from);
	if (read_free(change, &bytes))
		return -1;
	if (missing <= bytes)
		return 0;
	cmd_error(change->inv, change->vm->name, TOOL_VM_POOL_SHORT,
		  "pool '%s' has %s free, but %s more is requested; 'vpoolctl regions %s' shows who uses the rest",
		  change->pool.pool, format_size(bytes, have),
		  format_size(missing, want), change->pool.pool);
	return -1;
}

static int check_size(const struct change *change)
{
	const struct vm_size *size = &change->from;
	char want[SIZE_TEXT], limit[SIZE_TEXT], block[SIZE_TEXT];

	format_size(change->bytes, want);
	if (!size->elastic) {
		cmd_error(change->inv, change->vm->name, TOOL_VM_FIXED_SIZE,
			  "its size is fixed: it was started without --max-mem");
	} else if (change->bytes < size->base) {
		cmd_error(change->inv, change->vm->name, TOOL_VM_SIZE,
			  "%s is less than the %s that it was started with", want,
			  format_size(size->base, limit));
	} else if (change->bytes > size->base + size->elastic) {
		cmd_error(change->inv, change->vm->name, TOOL_VM_SIZE,
			  "%s is more than its maximum of %s", want,
			  format_size(size->base + size->elastic, limit));
	} else if ((change->bytes - size->base) % size->block) {
		cmd_error(change->inv, change->vm->name, TOOL_VM_SIZE,
			  "%s is not the %s that it was started with plus a multiple of %s",
			  want, format_size(size->base, limit),
			  format_size(size->block, block));
	} else {
		return 0;
	}
	return -1;
}

/* Waiting */

static void show_progress(struct change *change)
{
	char have[SIZE_TEXT], want[SIZE_TEXT];
	double ms = now_ms() - change->begun_ms;

	if (!isatty(STDERR_FILENO) || ms < SHOW_MS)
		return;
	fprintf(stderr, "\r\033[Kvpoolctl: vm resize %s: %s, on the way to %s, %.0f s",
		change->vm->name, format_size(size_of(&change->now), have),
		format_size(change->bytes, want), ms / 1000);
	change->progress = true;
}

static void clear_progress(struct change *change)
{
	if (change->progress)
		fputs("\r\033[K", stderr);
	change->progress = false;
}

/* Request a size. Print a message on failure. */
static int request(struct change *change, __u64 bytes)
{
	int err = vm_size_request(change->qmp, bytes - change->from.base);

	change->asked_ms = now_ms();
	if (err)
		cmd_error(change->inv, change->vm->name, TOOL_QEMU_FAILED, "%s",
			  qmp_message(change->qmp));
	return err;
}

/*
 * Read the size, and repeat the request if it does not change: a guest waits almost a
 * minute before it tries again by itself. A request interrupts what the guest is trying,
 * so give it twice the time after each.
 */
static int poll_size(struct change *change)
{
	__u64 before = change->now.plugged;
	int err = vm_size_read(change->qmp, QMP_MS, &change->now);

	if (err)
		cmd_error(change->inv, change->vm->name, TOOL_QEMU_FAILED, "%s",
			  qmp_message(change->qmp));
	if (err)
		return err;
	if (change->now.plugged != before) {
		change->asked_ms = now_ms();
		change->again_ms = AGAIN_MS;
	} else if (now_ms() - change->asked_ms > change->again_ms) {
		change->again_ms *= 2;
		err = request(change, change->bytes);
	}
	return err;
}

/* Wait for the guest. Return 0 even if it does not get there. */
static int wait_size(struct change *change)
{
	double deadline = change->begun_ms + change->timeout_ms;
	int err;

	for (;;) {
		err = poll_size(change);
		if (err || size_of(&change->now) == change->bytes ||
		    interrupted() || now_ms() > deadline)
			return err;
		show_progress(change);
		usleep(EVERY_MS * 1000);
	}
}

/* Results */

/* Return why the guest has not got there, for a message. */
static const char *cause(struct change *change, char *text, size_t room)
{
	char *status = qmp_status(change->qmp), size[SIZE_TEXT];
	__u64 missing = change->bytes - size_of(&change->now), bytes;

	if (status && strcmp(status, "running"))
		snprintf(text, room, "the machine is %s", status);
	else if (vm_size_lacks_driver(change->qmp))
		snprintf(text, room,
			 "its guest has not loaded a driver for that; Linux needs CONFIG_VIRTIO_MEM");
	else if (!grows(change))
		snprintf(text, room,
			 "its guest uses the rest, or cannot move what is there");
	else if (!read_free(change, &bytes) && bytes < missing)
		snprintf(text, room, "pool '%s' has %s free", change->pool.pool,
			 format_size(bytes, size));
	else
		snprintf(text, room, "its guest has not taken more");
	free(status);
	return text;
}

/* Withdraw the request, and report how far the guest got. */
static int not_resized(struct change *change)
{
	char have[SIZE_TEXT], want[SIZE_TEXT], text[160];
	bool by_user = interrupted();
	double seconds = (now_ms() - change->begun_ms) / 1000;

	/* The request must not stay. */
	forget_interrupt();
	cause(change, text, sizeof(text));
	if (request(change, size_of(&change->now)) ||
	    vm_size_read(change->qmp, QMP_MS, &change->now))
		return EXIT_FAILED;
	format_size(size_of(&change->now), have);
	format_size(change->bytes, want);
	if (by_user)
		cmd_error(change->inv, change->vm->name, VPOOL_CODE_INTERRUPTED,
			  "interrupted; it has %s now", have);
	else
		cmd_error(change->inv, change->vm->name, TOOL_VM_NOT_RESIZED,
			  "it has %s after %.1f s, not %s: %s", have, seconds,
			  want, text);
	return EXIT_FAILED;
}

static int report_success(const struct change *change)
{
	char from[SIZE_TEXT], to[SIZE_TEXT];

	format_size(size_of(&change->from), from);
	format_size(change->bytes, to);
	if (change->inv->given[RESIZE_DRY_RUN])
		outcome_print(change->inv, change->vm->name,
			      "would resize %s from %s to %s", change->vm->name, from,
			      to);
	else
		outcome_print(change->inv, change->vm->name,
			      "resized %s from %s to %s in %.1f s", change->vm->name,
			      from, to, (now_ms() - change->begun_ms) / 1000);
	return EXIT_OK;
}

static int resize(struct change *change)
{
	int err;

	change->begun_ms = now_ms();
	err = vm_size_read(change->qmp, QMP_MS, &change->from);
	if (err) {
		cmd_error(change->inv, change->vm->name, TOOL_QEMU_FAILED, "%s",
			  qmp_message(change->qmp));
		return EXIT_FAILED;
	}
	change->now = change->from;
	vm_read_memory(change->vm->slot[change->vm->now].pid, &change->pool);
	if (check_size(change) || check_pool(change))
		return EXIT_FAILED;
	if (change->inv->given[RESIZE_DRY_RUN])
		return report_success(change);
	err = request(change, change->bytes);
	if (!err)
		err = wait_size(change);
	clear_progress(change);
	if (err)
		return EXIT_FAILED;
	return size_of(&change->now) == change->bytes ? report_success(change) :
							not_resized(change);
}

static int parse_line(const struct invocation *inv, struct change *change)
{
	char message[128];

	if (!inv->given[RESIZE_MEM])
		return usage_error(inv->cmd, "no size: use --mem SIZE");
	if (parse_size(inv->value[RESIZE_MEM], &change->bytes, message,
		       sizeof(message)))
		return usage_error(inv->cmd, "--mem: %s", message);
	if (inv->given[RESIZE_TIMEOUT] &&
	    parse_seconds(inv->value[RESIZE_TIMEOUT], &change->timeout_ms))
		return usage_error(inv->cmd,
				   "--timeout: '%s' is not a time in seconds",
				   inv->value[RESIZE_TIMEOUT]);
	return 0;
}

static int run_vm_resize(const struct invocation *inv)
{
	struct change change = {
		.inv = inv,
		.timeout_ms = TIMEOUT_MS,
		.again_ms = AGAIN_MS,
	};
	int status = parse_line(inv, &change);

	if (status)
		return status;
	catch_interrupts();
	change.vm = vm_running(inv, inv->argv[0], &status);
	if (!change.vm)
		return status;
	change.qmp = vm_connect(inv, change.vm);
	status = change.qmp ? resize(&change) : EXIT_FAILED;
	qmp_close(change.qmp);
	vm_close(change.vm);
	return status;
}

const struct command cmd_vm_resize = {
	.name = "vm resize",
	.args = "VM",
	.summary = "change the memory of a virtual machine",
	.description =
		"Change the memory of a running virtual machine that was started\n"
		"with --max-mem. The guest takes or returns the memory in blocks,\n"
		"with its driver virtio_mem. A block that it gets is committed\n"
		"before, and a block that it returns is the pool's at once. The\n"
		"command waits for the guest. If the guest does not get to the\n"
		"new size, the machine keeps the size that it has then, and the\n"
		"message says how much that is, and why.\n\n"
		"A Linux guest can return memory that the kernel can move. The\n"
		"guest's kernel parameter memhp_default_state=online_movable\n"
		"ensures that for all memory above --mem of vm start.",
	.options = resize_options,
	.nr_options = ARRAY_SIZE(resize_options),
	.min_args = 1,
	.max_args = 1,
	.complete = COMPLETE_VM,
	.run = run_vm_resize,
};
