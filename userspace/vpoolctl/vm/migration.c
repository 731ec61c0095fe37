// SPDX-License-Identifier: GPL-2.0-only
/*
 * Run a migration in the source QEMU.
 *
 * The capability return-path makes the source report completion only after the target has
 * confirmed that it has everything.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/interrupt.h"
#include "base/macros.h"
#include "output/units.h"
#include "vm/migration.h"
#include "vm/qmp.h"
#include "vm/vm.h"

#define EVERY_MS 200
/* Time limit for QEMU to cancel, in milliseconds. */
#define CANCEL_MS 30000

static void add_capability(struct json_object *list, const char *name, bool on)
{
	struct json_object *one = json_object_new_object();

	json_object_object_add(one, "capability", json_object_new_string(name));
	json_object_object_add(one, "state", json_object_new_boolean(on));
	json_object_array_add(list, one);
}

int migration_prepare(struct qmp *qmp, unsigned int flags)
{
	struct json_object *args = json_object_new_object();
	struct json_object *list = json_object_new_array();

	add_capability(list, "auto-converge", true);
	add_capability(list, "events", true);
	add_capability(list, "return-path", !(flags & MIGRATION_NO_MEMORY));
	add_capability(list, "pause-before-switchover", flags & MIGRATION_PAUSE);
	add_capability(list, "late-block-activate", flags & MIGRATION_LATE_DISKS);
	add_capability(list, "x-ignore-shared", flags & MIGRATION_NO_MEMORY);
	json_object_object_add(args, "capabilities", list);
	return qmp_run(qmp, QMP_MS, "migrate-set-capabilities", args, NULL);
}

int migration_set_tls(struct qmp *qmp, const char *tls)
{
	struct json_object *args = json_object_new_object();

	json_object_object_add(args, "tls-creds", json_object_new_string(tls));
	return qmp_run(qmp, QMP_MS, "migrate-set-parameters", args, NULL);
}

static struct json_object *address(const char *uri)
{
	struct json_object *args = json_object_new_object();

	json_object_object_add(args, "uri", json_object_new_string(uri));
	return args;
}

int migration_listen(struct qmp *qmp, const char *uri)
{
	return qmp_run(qmp, QMP_MS, "migrate-incoming", address(uri), NULL);
}

int migration_begin(struct qmp *qmp, const char *uri)
{
	return qmp_run(qmp, QMP_MS, "migrate", address(uri), NULL);
}

int migration_wait_loaded(struct qmp *qmp, const struct vm_slot *slot, int ms)
{
	double deadline = now_ms() + ms;
	bool waits = true;
	char *status;

	while (waits) {
		status = qmp_status_within(qmp, ms);
		waits = !status || !strcmp(status, "inmigrate");
		if (!status && !vm_slot_wait(slot, 0))
			return -EPIPE;
		free(status);
		if (interrupted())
			return -EINTR;
		if (waits && now_ms() > deadline)
			return -ETIMEDOUT;
		if (waits)
			usleep(1000);
	}
	return 0;
}

static int set_limits(const struct migration *migration)
{
	struct json_object *args = json_object_new_object();

	json_object_object_add(args, "max-bandwidth",
			       json_object_new_int64(migration->bandwidth));
	json_object_object_add(args, "downtime-limit",
			       json_object_new_int64(migration->downtime_ms));
	return qmp_run(migration->qmp, QMP_MS, "migrate-set-parameters", args,
		       NULL);
}

/* Progress */

void migration_show(struct migration *migration, const char *what,
		    __u64 left, __u64 total, long long ms)
{
	char left_text[SIZE_TEXT], total_text[SIZE_TEXT];

	if (!isatty(STDERR_FILENO))
		return;
	fprintf(stderr, "\r\033[Kvpoolctl: vm migrate %s: %s%s of %s left, %lld s",
		migration->name, what, format_size(left, left_text),
		format_size(total, total_text), ms / 1000);
	migration->progress = true;
}

void migration_clear(struct migration *migration)
{
	if (migration->progress)
		fputs("\r\033[K", stderr);
	migration->progress = false;
}

static void show_progress(struct migration *migration, struct json_object *info)
{
	struct json_object *ram;

	if (json_object_object_get_ex(info, "ram", &ram))
		migration_show(migration, "", json_number(ram, "remaining"),
			       json_number(ram, "total"),
			       json_number(info, "total-time"));
}

/* Running */

static void set_message(struct migration *migration, const char *text)
{
	snprintf(migration->message, sizeof(migration->message), "%s", text);
}

/* The vCPUs have stopped: let the caller finish, and continue. */
static int switch_over(struct migration *migration)
{
	struct json_object *args = json_object_new_object();

	if (migration->switchover &&
	    migration->switchover(migration->data, migration->message,
				  sizeof(migration->message)) < 0) {
		json_object_put(args);
		return -1;
	}
	json_object_object_add(args, "state",
			       json_object_new_string("pre-switchover"));
	if (!qmp_run(migration->qmp, QMP_MS, "migrate-continue", args, NULL))
		return 0;
	set_message(migration, qmp_message(migration->qmp));
	return -1;
}

/* Poll the migration. Return 1 if it is complete, 0 if it continues, -1 if it failed. */
static int poll_migration(struct migration *migration, bool go_on)
{
	struct json_object *info;
	const char *status;
	int done = 0;

	if (qmp_run(migration->qmp, QMP_MS, "query-migrate", NULL, &info)) {
		set_message(migration, qmp_message(migration->qmp));
		return -1;
	}
	status = json_text(info, "status");
	if (!strcmp(status, "completed")) {
		migration->total_ms = json_number(info, "total-time");
		migration->stood_ms = json_number(info, "downtime");
		/* QEMU reports completion shortly before it reports the times. */
		done = migration->total_ms > 0;
	} else if (!strcmp(status, "failed") || !strcmp(status, "cancelled")) {
		set_message(migration, *json_text(info, "error-desc") ?
			    json_text(info, "error-desc") : status);
		done = -1;
	} else if (!strcmp(status, "pre-switchover") && go_on) {
		done = switch_over(migration);
	} else {
		show_progress(migration, info);
	}
	json_object_put(info);
	return done;
}

static int check_alive(struct migration *migration)
{
	if (interrupted()) {
		set_message(migration, "interrupted");
		return -1;
	}
	if (!migration->alive)
		return 0;
	return migration->alive(migration->data, migration->message,
				sizeof(migration->message));
}

/* Wait for the event of the end, and poll in between. */
static int watch(struct migration *migration)
{
	double deadline = now_ms() + migration->timeout_ms;
	int done = 0;

	while (!done) {
		if (qmp_wait(migration->qmp, EVERY_MS, "MIGRATION") == -EPIPE) {
			set_message(migration, "QEMU has ended");
			return -1;
		}
		if (check_alive(migration))
			return -1;
		done = poll_migration(migration, true);
		if (!done && now_ms() > deadline) {
			snprintf(migration->message, sizeof(migration->message),
				 "not done after %g s",
				 migration->timeout_ms / 1000.0);
			return -1;
		}
	}
	return done > 0 ? 0 : -1;
}

int migration_run(struct migration *migration, const char *uri)
{
	int err;

	err = migration_prepare(migration->qmp, migration->switchover ?
				MIGRATION_PAUSE : 0);
	if (!err)
		err = set_limits(migration);
	if (!err)
		err = migration_set_tls(migration->qmp,
					migration->tls ? migration->tls : "");
	if (!err) {
		migration->begun = true;
		err = migration_begin(migration->qmp, uri);
	}
	if (err)
		set_message(migration, qmp_message(migration->qmp));
	else
		err = watch(migration);
	migration_clear(migration);
	return err ? -1 : 0;
}

bool migration_cancel(struct migration *migration)
{
	double deadline = now_ms() + CANCEL_MS;
	char message[MIGRATION_MESSAGE];
	int done = 0;

	/* The state that QEMU reports is that of an earlier migration. */
	if (!migration->begun)
		return true;
	memcpy(message, migration->message, sizeof(message));
	qmp_run(migration->qmp, QMP_MS, "migrate_cancel", NULL, NULL);
	while (!done && now_ms() < deadline) {
		qmp_wait(migration->qmp, EVERY_MS, "MIGRATION");
		done = poll_migration(migration, false);
	}
	migration_clear(migration);
	memcpy(migration->message, message, sizeof(message));
	return done <= 0;
}
