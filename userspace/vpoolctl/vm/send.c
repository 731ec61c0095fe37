// SPDX-License-Identifier: GPL-2.0-only
/*
 * Migrate a virtual machine to another host: the source.
 *
 * vpoolctl starts "vpoolctl vm receive" on the other host by ssh, and describes the
 * machine. The other vpoolctl builds a QEMU for it, which stays paused. The QEMUs copy the
 * machine over a connection of their own.
 *
 * At most one of the two may run, whatever fails:
 *
 * - The target runs only after the word "run", which the source sends once, after its QEMU
 *   has reported that the target has everything.
 * - Until the source has sent that word, the machine belongs to the source. After any
 *   failure, the machine continues there.
 * - Before it sends the word, the source notes that in the directory of the machine. From
 *   then on, the machine stays stopped at the source unless the target says that it does
 *   not have the machine. If the answer is lost, "vm resume" asks for it.
 * - The target refuses the word if it is older than PEER_SILENCE_MS, and ends its QEMU. So
 *   "vm resume", which waits for longer than that, gets a final answer.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libvpool.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/code.h"
#include "base/command.h"
#include "base/exit.h"
#include "base/files.h"
#include "base/interrupt.h"
#include "output/messages.h"
#include "output/outcome.h"
#include "output/units.h"
#include "vm/args.h"
#include "vm/cpu.h"
#include "vm/disks.h"
#include "vm/label.h"
#include "vm/memory.h"
#include "vm/migration.h"
#include "vm/peer.h"
#include "vm/placement.h"
#include "vm/qemu_args.h"
#include "vm/qmp.h"
#include "vm/send.h"
#include "vm/tls.h"
#include "vm/scope.h"
#include "vm/user.h"
#include "vm/vm.h"

/* Time limit for the other vpoolctl to start, and to build its QEMU, in milliseconds. */
#define HELLO_MS 60000
#define READY_MS 300000
/* Time limit for the other side to clean up, in milliseconds. */
#define CLEAN_MS 15000
/* Time limit for the answer to the word "run", in milliseconds. */
#define RUN_MS 30000
/* Time after which a target has refused that word, in milliseconds. */
#define REFUSED_MS (PEER_SILENCE_MS + 5000)
/* Time limit for releasing and zeroing the old memory, in milliseconds. */
#define RETURN_MS 30000

/**
 * struct send - a migration to another host
 * @inv: invocation of the verb, for messages
 * @vm: the machine, locked
 * @to: where to migrate to
 * @migration: the migration in the source QEMU
 * @peer: connection to the other vpoolctl, or NULL
 * @qmp: connection to the source QEMU
 * @plan: memory and vCPUs of the machine
 * @disks: its disks that can change
 * @old: source pool, and the memory in use there
 * @runs: the vCPUs run, so that they must run on the target, too
 * @note: note that the target was told to run the machine
 * @key: key of the migration
 * @address: address of the target for the data
 * @port: TCP port of the target for the data
 * @disk_port: TCP port of the target for the disks
 * @has_tls: the source QEMU has the key
 * @copies: the source QEMU copies disks
 */
struct send {
	const struct invocation *inv;
	struct vm *vm;
	const struct send_to *to;
	struct migration *migration;
	struct peer *peer;
	struct qmp *qmp;
	struct vm_plan plan;
	struct vm_disks disks;
	struct vm_memory old;
	bool runs;
	struct handed note;
	char key[TLS_KEY_SIZE];
	char *address;
	int port;
	char *disk_port;
	bool has_tls;
	bool copies;
};

static struct json_object *text(const char *value)
{
	return json_object_new_string(value);
}

/* Errors of the other host */

/* Describe why the connection is lost, and return the code for it. */
static int describe_loss(struct peer *peer, const char *host, int err,
			 char *message, size_t room)
{
	const char *said;
	int code = 0;

	if (err == -EHOSTUNREACH || err == -ETIMEDOUT) {
		snprintf(message, room, "host %s does not answer", host);
		return TOOL_HOST_SILENT;
	}
	if (err == -EINTR) {
		snprintf(message, room, "interrupted");
		return VPOOL_CODE_INTERRUPTED;
	}
	said = peer_error(peer, &code);
	if (code) {
		snprintf(message, room, "host %s: %s", host, said);
		return code;
	}
	if (peer_exit_status(peer) == 255) {
		snprintf(message, room, "cannot connect to host %s: %s", host,
			 *said ? said : "ssh has ended");
		return TOOL_HOST_UNREACHABLE;
	}
	if (peer_exit_status(peer) == EXIT_NOT_FOUND) {
		snprintf(message, room, "host %s: there is no vpoolctl: %s", host,
			 said);
		return TOOL_HOST_VERSION;
	}
	if (peer_exit_status(peer) == EXIT_USAGE) {
		snprintf(message, room,
			 "host %s: its vpoolctl cannot receive a machine: %s",
			 host, said);
		return TOOL_HOST_VERSION;
	}
	snprintf(message, room, "host %s: %s", host,
		 *said ? said : "its vpoolctl has ended");
	return TOOL_HOST_UNREACHABLE;
}

/* @pool is where the machine still runs if its migration had begun, or NULL. */
static void report_loss(const struct invocation *inv, const char *name,
			struct peer *peer, const char *host, const char *pool, int err)
{
	char message[MIGRATION_MESSAGE];
	int code = describe_loss(peer, host, err, message, sizeof(message));

	if (pool && code == TOOL_HOST_SILENT)
		cmd_error(inv, name, code, "not migrated, it still runs on pool '%s': %s", pool,
			  message);
	else
		cmd_error(inv, name, code, "%s", message);
}

/* Connecting */

unsigned int vm_send_abi(void)
{
	unsigned int abi = 0;
	struct vpool *vp;

	vpool_open_reader(&vp);
	if (!vp || vpool_abi_version(vp, &abi))
		abi = 0;
	vpool_close(vp);
	return abi;
}

static int check_hello(const struct invocation *inv, const char *name,
		       const char *host, struct json_object *hello)
{
	int protocol = json_number(hello, "protocol");
	unsigned int abi = json_number(hello, "abi"), ours = vm_send_abi();

	if (strcmp(json_text(hello, "say"), "hello") || protocol != SEND_PROTOCOL) {
		cmd_error(inv, name, TOOL_HOST_VERSION,
			  "host %s: its vpoolctl %s speaks version %d of the migration protocol, and this one version %d",
			  host, json_text(hello, "version"), protocol,
			  SEND_PROTOCOL);
		return -1;
	}
	if (!abi) {
		cmd_error(inv, name, VPOOL_LIB_NO_MODULE,
			  "host %s: the vpool module is not loaded; run 'modprobe vpool' there",
			  host);
		return -1;
	}
	if (abi != ours) {
		cmd_error(inv, name, TOOL_HOST_VERSION,
			  "host %s: the ABI version of its vpool module is %u, and that of this host is %u",
			  host, abi, ours);
		return -1;
	}
	return 0;
}

/* Start the other vpoolctl. Return its hello, or NULL with a message. */
static struct json_object *greet(const struct invocation *inv, const char *name,
				 const char *host, struct peer **peer)
{
	struct json_object *hello;
	int err;

	err = peer_connect(host, SEND_COMMAND, peer);
	if (err) {
		cmd_error(inv, name, errno_code(-err), "cannot run ssh: %s",
			  strerror(-err));
		return NULL;
	}
	err = peer_wait(*peer, HELLO_MS, &hello);
	if (err) {
		report_loss(inv, name, *peer, host, NULL, err);
		return NULL;
	}
	if (!check_hello(inv, name, host, hello))
		return hello;
	json_object_put(hello);
	return NULL;
}

/* Describe the machine */

static struct json_object *plan_object(const struct vm_plan *plan)
{
	struct json_object *object = json_object_new_object();
	struct json_object *nodes = json_object_new_array(), *node;
	size_t i;

	json_object_object_add(object, "in_files",
			       json_object_new_boolean(plan->in_files));
	json_object_object_add(object, "reclaims",
			       json_object_new_boolean(plan->reclaims));
	json_object_object_add(object, "elastic",
			       json_object_new_int64(plan->elastic));
	json_object_object_add(object, "plugged",
			       json_object_new_int64(plan->plugged));
	json_object_object_add(object, "block", json_object_new_int64(plan->block));
	for (i = 0; i < plan->nr; i++) {
		node = json_object_new_object();
		json_object_object_add(node, "bytes",
				       json_object_new_int64(plan->node[i].bytes));
		json_object_object_add(node, "vcpus",
				       json_object_new_int64(plan->node[i].vcpus));
		json_object_array_add(nodes, node);
	}
	json_object_object_add(object, "nodes", nodes);
	return object;
}

/* Return the exact machine type, because "q35" depends on the version of QEMU. */
static char *machine_type(struct qmp *qmp)
{
	struct json_object *args = json_object_new_object(), *type;
	char *name, *end;

	json_object_object_add(args, "path", text("/machine"));
	json_object_object_add(args, "property", text("type"));
	if (qmp_run(qmp, QMP_MS, "qom-get", args, &type))
		return xstrdup("q35");
	name = xstrdup(json_object_get_string(type));
	end = strstr(name, "-machine");
	if (end)
		*end = '\0';
	json_object_put(type);
	return name;
}

static struct json_object *args_array(struct send *send)
{
	char **args = qemu_args_read(send->vm->slot + send->vm->now), *made;
	struct json_object *array = json_object_new_array();
	char *type = machine_type(send->qmp);
	bool machine = false;
	size_t i;

	for (i = 0; args && args[i]; i++) {
		made = machine && !strncmp(args[i], "q35,", 4) ?
			xprintf("%s%s", type, args[i] + 3) : xstrdup(args[i]);
		machine = !strcmp(args[i], "-machine");
		json_object_array_add(array, text(made));
		free(made);
	}
	args_free(args);
	free(type);
	return array;
}

static char *working_folder(pid_t pid)
{
	char *path = xprintf("/proc/%d/cwd", pid), target[4096];
	ssize_t len = readlink(path, target, sizeof(target) - 1);

	free(path);
	target[len > 0 ? len : 0] = '\0';
	return xstrdup(target);
}

static struct json_object *offer(struct send *send)
{
	const struct vm_slot *slot = send->vm->slot + send->vm->now;
	struct json_object *object = peer_word("offer");
	char *cwd = working_folder(slot->pid), *cpu = read_cpu_flags();
	char *scope = scope_read(send->vm->dir);
	char *confine = label_wanted_read(send->vm->dir);
	struct vm_user user;

	if (scope)
		json_object_object_add(object, "scope", text(scope));
	free(scope);
	if (confine)
		json_object_object_add(object, "confine", text(confine));
	free(confine);
	if (!vm_user_of(slot->pid, &user) && user.name)
		json_object_object_add(object, "user", text(user.name));
	vm_user_free(&user);
	json_object_object_add(object, "id", text(send->note.id));
	json_object_object_add(object, "name", text(send->vm->name));
	json_object_object_add(object, "pool", text(send->to->pool));
	json_object_object_add(object, "args", args_array(send));
	json_object_object_add(object, "dir", text(slot->dir));
	json_object_object_add(object, "cwd", text(cwd));
	json_object_object_add(object, "cpu", text(cpu));
	json_object_object_add(object, "plan", plan_object(&send->plan));
	json_object_object_add(object, "key", text(send->key));
	json_object_object_add(object, "disks", disks_to_json(&send->disks));
	json_object_object_add(object, "copy",
			       json_object_new_boolean(send->to->copy_disks));
	json_object_object_add(object, "overwrite",
			       json_object_new_boolean(send->to->overwrite_disks));
	json_object_object_add(object, "address",
			       text(send->to->address ? send->to->address : ""));
	json_object_object_add(object, "port",
			       json_object_new_int(send->to->port));
	free(cpu);
	free(cwd);
	return object;
}

/* Offer the machine, and wait until the other side has built a QEMU for it. */
static int offer_machine(struct send *send)
{
	struct json_object *answer;
	int err;

	if (!send->to->copy_disks)
		disks_mark(&send->disks, send->note.id);
	peer_send(send->peer, offer(send));
	err = peer_wait(send->peer, READY_MS, &answer);
	disks_unmark(&send->disks);
	if (err) {
		report_loss(send->inv, send->vm->name, send->peer, send->to->host,
			    send->old.pool, err);
		return -1;
	}
	send->address = xstrdup(json_text(answer, "address"));
	send->port = json_number(answer, "port");
	send->disk_port = xprintf("%lld", json_number(answer, "disk_port"));
	json_object_put(answer);
	return 0;
}

/* Copying */

/* Called while QEMU copies. */
static int check_peer(void *data, char *message, size_t room)
{
	struct send *send = data;
	int err = peer_lost(send->peer);

	if (err)
		describe_loss(send->peer, send->to->host, err, message, room);
	return err;
}

static int finish_disks(void *data, char *message, size_t room)
{
	struct send *send = data;

	(void)message;
	(void)room;
	return disks_finish(send->migration, &send->disks);
}

static int copy_disks(struct send *send)
{
	if (!send->to->copy_disks || !send->disks.nr)
		return 0;
	send->copies = true;
	send->migration->switchover = finish_disks;
	return disks_copy(send->migration, &send->disks, send->address,
			  send->disk_port);
}

static int copy_memory(struct send *send)
{
	bool v6 = strchr(send->address, ':');
	char *uri = xprintf("tcp:%s%s%s:%d", v6 ? "[" : "", send->address,
			    v6 ? "]" : "", send->port);
	int err = migration_run(send->migration, uri);

	free(uri);
	return err;
}

static int copy_machine(struct send *send)
{
	struct migration *migration = send->migration;

	migration->name = send->vm->name;
	migration->qmp = send->qmp;
	migration->tls = TLS_ID;
	migration->alive = check_peer;
	migration->data = send;
	send->has_tls = true;
	if (tls_add(send->qmp, send->vm->slot + send->vm->now, send->key, false)) {
		snprintf(migration->message, sizeof(migration->message),
			 "cannot give QEMU the key: %s", qmp_message(send->qmp));
		return -1;
	}
	return copy_disks(send) || copy_memory(send) ? -1 : 0;
}

/* Failure: the machine continues here */

static bool has_status(struct qmp *qmp, const char *wanted)
{
	char *status = qmp_status(qmp);
	bool has = status && !strcmp(status, wanted);

	free(status);
	return has;
}

/* Let the machine continue after its QEMU has handed it over. */
static int take_back(struct send *send)
{
	handed_remove(send->vm->dir);
	if (!send->runs || !has_status(send->qmp, "postmigrate"))
		return 0;
	return qmp_run(send->qmp, QMP_MS, "cont", NULL, NULL);
}

/*
 * QEMU reports only that its connection has failed. Use the message of the other vpoolctl
 * if it comes in time.
 */
static void ask_for_reason(struct send *send)
{
	struct json_object *object = NULL;
	int err;

	if (interrupted() || peer_lost(send->peer))
		return;
	err = peer_wait(send->peer, 2000, &object);
	json_object_put(object);
	if (err == -EPIPE)
		describe_loss(send->peer, send->to->host, err,
			      send->migration->message, MIGRATION_MESSAGE);
}

static int not_moved(struct send *send)
{
	const struct vm_slot *slot = send->vm->slot + send->vm->now;

	ask_for_reason(send);
	/* The cleanup must not be interrupted. */
	forget_interrupt();
	migration_cancel(send->migration);
	if (send->copies)
		disks_abort(send->qmp, &send->disks);
	if (!vm_slot_wait(slot, 0))
		cmd_error(send->inv, send->vm->name, TOOL_VM_LOST,
			  "its QEMU ended during the migration");
	else if (take_back(send))
		cmd_error(send->inv, send->vm->name, TOOL_VM_NOT_MIGRATED,
			  "not migrated: %s; it is stopped on pool '%s': %s",
			  send->migration->message, send->old.pool,
			  qmp_message(send->qmp));
	else
		cmd_error(send->inv, send->vm->name, TOOL_VM_NOT_MIGRATED,
			  "not migrated, it still runs on pool '%s': %s",
			  send->old.pool, send->migration->message);
	return EXIT_FAILED;
}

/* Success: the machine runs there */

/* End the source QEMU, which no longer has the machine. */
static int end_source(struct send *send, double stood_ms)
{
	struct vm_slot *slot = send->vm->slot + send->vm->now;
	char size[SIZE_TEXT];
	__u64 missing;
	int err;

	qmp_run(send->qmp, 5000, "quit", NULL, NULL);
	vm_slot_wait(slot, 5000);
	vm_slot_stop(slot);
	send->vm->now = -1;
	err = vm_wait_returned(send->old.pool, RETURN_MS, &missing);
	outcome_print(send->inv, send->vm->name,
		      "migrated %s to pool %s of host %s: downtime %.0f ms, total time %.0f ms; %s %s pool %s",
		      send->vm->name, send->to->pool, send->to->host,
		      send->migration->stood_ms + stood_ms,
		      send->migration->total_ms + stood_ms,
		      format_size(send->old.bytes, size),
		      err ? "not yet back in" : "back in", send->old.pool);
	return EXIT_OK;
}

static int unsure(struct send *send, int err)
{
	char message[MIGRATION_MESSAGE];

	describe_loss(send->peer, send->to->host, err, message, sizeof(message));
	cmd_error(send->inv, send->vm->name, TOOL_VM_UNSURE,
		  "host %s was told to run it, but its answer was lost (%s); the machine is stopped here; 'vpoolctl vm resume %s' asks host %s again, and lets the machine continue here if it is not there",
		  send->to->host, message, send->vm->name, send->to->host);
	return EXIT_FAILED;
}

/* Tell the target to run the machine. From here on, it must not continue here by itself. */
static int hand_over(struct send *send)
{
	struct json_object *run = peer_word("run"), *answer;
	double begin = now_ms();
	bool runs;
	int err;

	if (check_peer(send, send->migration->message, MIGRATION_MESSAGE)) {
		json_object_put(run);
		return not_moved(send);
	}
	send->note.at_ms = begin;
	err = handed_write(send->vm->dir, &send->note);
	if (err) {
		json_object_put(run);
		snprintf(send->migration->message, MIGRATION_MESSAGE,
			 "cannot write to %s: %s", send->vm->dir, strerror(-err));
		return not_moved(send);
	}
	json_object_object_add(run, "cont", json_object_new_boolean(send->runs));
	peer_send(send->peer, run);
	/* The answer may already be on its way. */
	forget_interrupt();
	err = peer_wait(send->peer, RUN_MS, &answer);
	if (err)
		return unsure(send, err);
	runs = !strcmp(json_text(answer, "say"), "runs");
	json_object_put(answer);
	if (!runs) {
		snprintf(send->migration->message, MIGRATION_MESSAGE,
			 "host %s has refused to run it", send->to->host);
		return not_moved(send);
	}
	begin = now_ms() - begin;
	peer_send(send->peer, peer_word("done"));
	return end_source(send, begin);
}

static int read_machine(struct send *send)
{
	char *status = qmp_status(send->qmp);

	send->runs = status && !strcmp(status, "running");
	free(status);
	if (!vm_plan_of(send->qmp, &send->plan) &&
	    !disks_read(send->qmp, &send->disks))
		return 0;
	cmd_error(send->inv, send->vm->name, TOOL_QEMU_FAILED, "%s",
		  qmp_message(send->qmp));
	return -1;
}

static int send_it(struct send *send)
{
	struct json_object *hello;
	int status;

	if (read_machine(send))
		return EXIT_FAILED;
	hello = greet(send->inv, send->vm->name, send->to->host, &send->peer);
	if (!hello)
		return EXIT_FAILED;
	snprintf(send->note.host, sizeof(send->note.host), "%s", send->to->host);
	snprintf(send->note.boot, sizeof(send->note.boot), "%s",
		 json_text(hello, "boot"));
	json_object_put(hello);
	if (offer_machine(send))
		return EXIT_FAILED;
	status = copy_machine(send) ? not_moved(send) : hand_over(send);
	if (send->has_tls && send->vm->now >= 0)
		tls_remove(send->qmp, send->vm->slot + send->vm->now);
	return status;
}

int vm_send(const struct invocation *inv, struct vm *vm,
	    const struct send_to *to, struct migration *migration)
{
	struct send send = {
		.inv = inv, .vm = vm, .to = to, .migration = migration,
	};
	int status = EXIT_FAILED;

	vm_read_memory(vm->slot[vm->now].pid, &send.old);
	if (tls_random(send.key, sizeof(send.key)) ||
	    tls_random(send.note.id, sizeof(send.note.id))) {
		cmd_error(inv, vm->name, TOOL_SYSTEM, "cannot make a key: %s",
			  strerror(errno));
		return EXIT_FAILED;
	}
	send.qmp = vm_connect(inv, vm);
	if (send.qmp)
		status = send_it(&send);
	peer_close(send.peer, CLEAN_MS);
	qmp_close(send.qmp);
	disks_free(&send.disks);
	explicit_bzero(send.key, sizeof(send.key));
	free(send.address);
	free(send.disk_port);
	return status;
}

/* A machine whose migration had no answer */

/* Ask the other host. Return its answer, or NULL with a message. */
static struct json_object *ask(const struct invocation *inv, const char *name,
			       const struct handed *note, struct peer **peer)
{
	struct json_object *hello, *question, *answer;
	bool same;
	int err;

	hello = greet(inv, name, note->host, peer);
	if (!hello)
		return NULL;
	same = !strcmp(json_text(hello, "boot"), note->boot);
	json_object_put(hello);
	if (!same) {
		cmd_error(inv, name, TOOL_VM_UNSURE,
			  "host %s was told to run it, and has been started again since; if the machine does not run anywhere, --force lets it continue here, with the state of the migration",
			  note->host);
		return NULL;
	}
	question = peer_word("ask");
	json_object_object_add(question, "id", text(note->id));
	json_object_object_add(question, "name", text(name));
	peer_send(*peer, question);
	err = peer_wait(*peer, HELLO_MS, &answer);
	if (!err)
		return answer;
	report_loss(inv, name, *peer, note->host, NULL, err);
	return NULL;
}

static int judge(const struct invocation *inv, struct vm *vm,
		 const struct handed *note, struct json_object *answer)
{
	const char *state = json_text(answer, "state");
	struct json_object *taken;

	if (json_object_object_get_ex(answer, "taken", &taken) &&
	    !json_object_get_boolean(taken)) {
		handed_remove(vm->dir);
		return 0;
	}
	if (*state)
		cmd_error(inv, vm->name, TOOL_VM_UNSURE,
			  "host %s has it, and its state there is %s; 'vpoolctl vm stop --force %s' ends what is left here",
			  note->host, state, vm->name);
	else
		cmd_error(inv, vm->name, TOOL_VM_UNSURE,
			  "host %s has run it, and it has ended there; 'vpoolctl vm stop --force %s' ends what is left here",
			  note->host, vm->name);
	return -1;
}

int vm_send_taken(const struct invocation *inv, struct vm *vm)
{
	struct json_object *answer;
	struct peer *peer = NULL;
	struct handed note;
	int err = -1;

	if (!handed_read(vm->dir, &note))
		return 0;
	/* The target may still accept the word. */
	while (now_ms() < note.at_ms + REFUSED_MS && !interrupted())
		usleep(100000);
	answer = ask(inv, vm->name, &note, &peer);
	if (answer)
		err = judge(inv, vm, &note, answer);
	json_object_put(answer);
	peer_close(peer, CLEAN_MS);
	return err;
}
