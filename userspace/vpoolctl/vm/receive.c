// SPDX-License-Identifier: GPL-2.0-only
/*
 * vpoolctl vm receive: the target of a migration between hosts. send.c describes the
 * protocol.
 *
 * Until QEMU is told to run, it dies with this process, and this process ends when the
 * connection is lost.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <libvpool.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/code.h"
#include "base/command.h"
#include "base/exit.h"
#include "base/failure.h"
#include "base/files.h"
#include "base/interrupt.h"
#include "host/slice.h"
#include "output/messages.h"
#include "vm/args.h"
#include "vm/backing.h"
#include "vm/cmd.h"
#include "vm/confine.h"
#include "vm/cpu.h"
#include "vm/disks.h"
#include "vm/ended.h"
#include "vm/label.h"
#include "vm/migration.h"
#include "vm/parts.h"
#include "vm/peer.h"
#include "vm/placement.h"
#include "vm/qemu.h"
#include "vm/qemu_args.h"
#include "vm/qmp.h"
#include "vm/scope.h"
#include "vm/send.h"
#include "vm/tls.h"
#include "vm/user.h"
#include "vm/user_files.h"
#include "vm/vm.h"

/* Time limit for the source to say what it wants, in milliseconds. */
#define OFFER_MS 60000
/* Interval between two checks of QEMU. */
#define EVERY_MS 200
/* Time limit for QEMU to load the devices, in milliseconds. */
#define LOAD_MS 5000
/* Time limit for the source to confirm that its copy is gone, in milliseconds. */
#define DONE_MS 30000

/**
 * struct receive - a migration from another host
 * @inv: invocation of the verb, for messages
 * @peer: connection to the vpoolctl of the source
 * @offer: description of the machine
 * @name: name of the machine
 * @pool_name: name of the pool
 * @pool: handle of the pool
 * @vm: the machine, locked
 * @qemu: its QEMU
 * @plan: memory and vCPUs of the machine
 * @disks: its disks
 * @user: user that QEMU runs as
 * @copies: the source copies the disks
 * @confined: QEMU runs in an AppArmor profile
 * @address: address for the data
 * @disk_port: port for the disks
 */
struct receive {
	const struct invocation *inv;
	struct peer *peer;
	struct json_object *offer;
	const char *name;
	const char *pool_name;
	struct vpool *pool;
	struct vm *vm;
	struct qemu qemu;
	struct vm_plan plan;
	struct vm_disks disks;
	struct vm_user user;
	bool copies;
	bool confined;
	char *address;
	char *disk_port;
};

static bool json_true(struct json_object *object, const char *key)
{
	struct json_object *member;

	return json_object_object_get_ex(object, key, &member) &&
	       json_object_get_boolean(member);
}

/* The note that this host has taken a machine */

static bool id_ok(const char *id)
{
	return strlen(id) == HANDED_ID_SIZE - 1 &&
	       strspn(id, "0123456789abcdef") == HANDED_ID_SIZE - 1;
}

static char *taken_path(const char *id)
{
	char *dir = vm_run_dir("taken"), *path = xprintf("%s/%s", dir, id);

	free(dir);
	return path;
}

static int write_taken(const char *id)
{
	char *dir = vm_run_dir("taken"), *path = taken_path(id);
	int err = make_dirs(dir);

	if (!err)
		err = replace_file(path, "taken\n");
	free(path);
	free(dir);
	return err;
}

static void remove_taken(const char *id)
{
	char *path = taken_path(id);

	unlink(path);
	free(path);
}

/* Answer whether this host has taken a machine, and the state of the machine. */
static int tell(struct peer *peer, struct json_object *question)
{
	const char *name = json_text(question, "name");
	const char *id = json_text(question, "id");
	struct json_object *answer = peer_word("tell");
	char *path = taken_path(id_ok(id) ? id : ""), *state = NULL;
	struct vm *vm;

	if (vm_name_ok(name)) {
		vm = vm_inspect(name);
		if (vm->now >= 0)
			state = vm_slot_status(vm->slot + vm->now);
		vm_close(vm);
	}
	json_object_object_add(answer, "taken",
			       json_object_new_boolean(!id_ok(id) ||
						       !access(path, F_OK)));
	json_object_object_add(answer, "state",
			       json_object_new_string(state ? state : ""));
	peer_send(peer, answer);
	free(state);
	free(path);
	/* The answer must be out before the connection is closed by this side. */
	peer_wait(peer, 2000, &answer);
	json_object_put(answer);
	return EXIT_OK;
}

/* Check the offer */

static void read_plan(struct receive *receive)
{
	struct vm_plan *plan = &receive->plan;
	struct json_object *object, *nodes, *node;

	if (!json_object_object_get_ex(receive->offer, "plan", &object) ||
	    !json_object_object_get_ex(object, "nodes", &nodes))
		return;
	plan->in_files = json_true(object, "in_files");
	/* Older versions have files only for memory that the guest can return. */
	plan->reclaims = json_object_object_get_ex(object, "reclaims", NULL) ?
			 json_true(object, "reclaims") : plan->in_files;
	plan->elastic = json_number(object, "elastic");
	plan->plugged = json_number(object, "plugged");
	plan->block = json_number(object, "block");
	while (plan->nr < PLAN_NODES && plan->nr < json_object_array_length(nodes)) {
		node = json_object_array_get_idx(nodes, plan->nr);
		plan->node[plan->nr].bytes = json_number(node, "bytes");
		plan->node[plan->nr++].vcpus = json_number(node, "vcpus");
	}
}

/* Return the array of the arguments. */
static struct json_object *args_of(const struct receive *receive)
{
	struct json_object *args = NULL;

	json_object_object_get_ex(receive->offer, "args", &args);
	return args;
}

/* Return the value of an option, or NULL. */
static const char *value_of(const struct receive *receive, const char *option)
{
	struct json_object *args = args_of(receive);
	size_t i, nr = json_object_array_length(args);

	for (i = 0; i + 1 < nr; i++)
		if (!strcmp(json_object_get_string(json_object_array_get_idx(args, i)),
			    option))
			return json_object_get_string(json_object_array_get_idx(args, i + 1));
	return NULL;
}

static int check_file(const struct receive *receive, const char *option)
{
	const char *path = value_of(receive, option);

	if (!path || *path != '/' || !access(path, R_OK))
		return 0;
	cmd_error(receive->inv, receive->name, TOOL_VM_FILE,
		  "the machine needs the file %s, which cannot be read here: %s",
		  path, strerror(errno));
	return -1;
}

/*
 * Choose the user that QEMU has on the source. A source that has not changed the user of
 * QEMU does not name one. Without root, QEMU can have no other user than this process.
 */
static int choose_user(struct receive *receive)
{
	const char *name = json_text(receive->offer, "user");
	const char *accel = value_of(receive, "-accel");

	if (!*name || geteuid())
		return 0;
	if (vm_user_choose(receive->inv, receive->name, name, &receive->user))
		return -1;
	if (accel && !strcmp(accel, "kvm"))
		vm_user_join_group_of(&receive->user, "/dev/kvm");
	/* QEMU cannot open the device of the pool. */
	if (receive->user.name)
		receive->plan.in_files = true;
	return 0;
}

/* A host without AppArmor or SELinux refuses a machine that must have its profile or context. */
static int check_confine(struct receive *receive)
{
	const char *confine = json_text(receive->offer, "confine");
	int err;

	if (vm_confine_choose(receive->inv, receive->name, confine, &receive->confined))
		return -1;
	err = label_wanted_write(receive->vm->dir, *confine ? confine : NULL);
	if (err)
		cmd_error(receive->inv, receive->name, errno_code(-err),
			  "cannot note that it needs a profile: %s", strerror(-err));
	return err;
}

/* The limits of the machine come with it. */
static int check_scope(struct receive *receive)
{
	const char *scope = json_text(receive->offer, "scope");
	struct failure failure;
	int err;

	if (!*scope)
		return 0;
	if (slice_check_machine(receive->pool_name, scope, &failure))
		return failure_report(receive->inv, receive->name, &failure);
	err = scope_write(receive->vm->dir, scope);
	if (err)
		cmd_error(receive->inv, receive->name, errno_code(-err),
			  "cannot note the properties of its scope: %s", strerror(-err));
	return err;
}

static int check_user_file(const struct receive *receive, const char *what,
			   const char *path, bool writes)
{
	if (!path || *path != '/')
		return 0;
	return vm_user_check_file(receive->inv, receive->name, &receive->user, what, path,
				  writes);
}

static int check_user(const struct receive *receive)
{
	const char *accel = value_of(receive, "-accel");
	size_t i;

	if (check_user_file(receive, "the kernel", value_of(receive, "-kernel"), false) ||
	    check_user_file(receive, "the initrd", value_of(receive, "-initrd"), false))
		return -1;
	for (i = 0; i < receive->disks.nr; i++)
		if (check_user_file(receive, "the disk", receive->disks.disk[i].file, true))
			return -1;
	return accel && !strcmp(accel, "kvm") ?
	       vm_user_check_kvm(receive->inv, receive->name, &receive->user) : 0;
}

/* Under KVM, the guest uses the features of the CPU of its first host. */
static int check_cpu(const struct receive *receive)
{
	const char *model = value_of(receive, "-cpu");
	char *ours, *missing;

	if (!model || strcmp(model, "host"))
		return 0;
	ours = read_cpu_flags();
	missing = missing_cpu_flag(json_text(receive->offer, "cpu"), ours);
	free(ours);
	if (!missing)
		return 0;
	cmd_error(receive->inv, receive->name, TOOL_VM_NOT_MIGRATED,
		  "the CPU here lacks '%s', which the machine may use", missing);
	free(missing);
	return -1;
}

static int check_offer(struct receive *receive)
{
	struct json_object *offer = receive->offer, *disks;

	receive->name = json_text(offer, "name");
	receive->pool_name = json_text(offer, "pool");
	receive->copies = json_true(offer, "copy");
	read_plan(receive);
	if (json_object_object_get_ex(offer, "disks", &disks))
		disks_from_json(disks, &receive->disks);
	if (vm_name_ok(receive->name) && args_of(receive) && receive->plan.nr &&
	    id_ok(json_text(offer, "id")))
		return 0;
	cmd_error(receive->inv, NULL, TOOL_HOST_VERSION,
		  "the description of the machine is not complete");
	return -1;
}

static int check_host(struct receive *receive)
{
	if (check_file(receive, "-kernel") || check_file(receive, "-initrd") ||
	    check_cpu(receive) || qemu_check(receive->inv, receive->name))
		return -1;
	if (receive->copies ?
	    disks_create(receive->inv, receive->name, &receive->disks,
			 json_true(receive->offer, "overwrite"), &receive->user) :
	    disks_check_shared(receive->inv, receive->name, &receive->disks))
		return -1;
	if (!check_user(receive))
		return 0;
	disks_remove(&receive->disks);
	return -1;
}

/* Build the QEMU */

/* Join the arguments in the format of /proc/PID/cmdline. */
static char **make_args(const struct receive *receive)
{
	struct json_object *array = args_of(receive);
	char *text = NULL, **args;
	size_t len, i;
	FILE *file = open_memstream(&text, &len);

	for (i = 0; i < json_object_array_length(array); i++) {
		const char *arg = i ? json_object_get_string(json_object_array_get_idx(array, i)) :
				      qemu_program();

		fwrite(arg, strlen(arg) + 1, 1, file);
	}
	fclose(file);
	args = qemu_args_from(text, len, json_text(receive->offer, "dir"),
			      receive->vm->slot->dir);
	free(text);
	return args;
}

/* QEMU cannot create a file in a directory that is closed to its user. */
static int make_console(const struct receive *receive, char **args)
{
	char *path = receive->user.name ? qemu_args_console(args) : NULL;
	int err = path ? vm_user_make_console(receive->inv, receive->name, &receive->user,
					      path) : 0;

	free(path);
	return err;
}

static int launch(struct receive *receive)
{
	const char *cwd = json_text(receive->offer, "cwd");
	const char *scope = json_text(receive->offer, "scope");
	struct qemu_bounds bounds = {
		.scope = *scope ? scope : NULL, .confined = receive->confined,
		.context = vm_confine_context(json_text(receive->offer, "confine")),
	};
	int dir = open(cwd, O_PATH | O_DIRECTORY | O_CLOEXEC), err = -1;
	char **args = make_args(receive);
	struct vm_plugs plugs = { 0 };
	struct backing backing;

	if (dir < 0)
		dir = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	backing_init(&backing);
	if (!args)
		cmd_error(receive->inv, receive->name, TOOL_VM_FOREIGN,
			  "its QEMU was started by another version of vpoolctl");
	else if (!make_console(receive, args) &&
		 !vm_plan_back(receive->inv, receive->name, receive->pool,
			       &receive->plan, &backing) &&
		 !vm_parts_reopen(receive->inv, receive->name, args, &plugs))
		err = qemu_launch(receive->inv, receive->name, receive->vm->slot,
				  receive->pool, dir, args, &backing, &plugs,
				  &receive->user, &bounds, &receive->qemu);
	vm_plugs_close(&plugs);
	backing_close(&backing);
	args_free(args);
	if (dir >= 0)
		close(dir);
	return err;
}

/*
 * Return the address of the ssh connection at this host, or the one in the offer, for
 * free(3).
 */
static char *data_address(const struct receive *receive)
{
	const char *wanted = json_text(receive->offer, "address");
	const char *ssh = getenv("SSH_CONNECTION");
	char address[128];

	if (*wanted)
		return xstrdup(wanted);
	/* "CLIENT PORT SERVER PORT" */
	if (ssh && sscanf(ssh, "%*s %*s %127s", address) == 1)
		return xstrdup(address);
	return NULL;
}

/* Find a free TCP port of an address, because QEMU cannot tell the one of its disks. */
static int free_port(const char *address)
{
	struct addrinfo hints = {
		.ai_flags = AI_PASSIVE | AI_NUMERICHOST,
		.ai_socktype = SOCK_STREAM,
	}, *info;
	struct sockaddr_storage addr = { 0 };
	socklen_t len = sizeof(addr);
	char port[8] = "0";
	int sock;

	if (getaddrinfo(address, "0", &hints, &info))
		return 0;
	sock = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (sock >= 0 && !bind(sock, info->ai_addr, info->ai_addrlen) &&
	    !getsockname(sock, (struct sockaddr *)&addr, &len))
		getnameinfo((struct sockaddr *)&addr, len, NULL, 0, port,
			    sizeof(port), NI_NUMERICSERV);
	if (sock >= 0)
		close(sock);
	freeaddrinfo(info);
	return atoi(port);
}

/* Return the port on which QEMU listens for the migration, or 0. */
static int data_port(struct qmp *qmp)
{
	struct json_object *info, *list;
	int port = 0;

	if (qmp_run(qmp, QMP_MS, "query-migrate", NULL, &info))
		return 0;
	if (json_object_object_get_ex(info, "socket-address", &list))
		port = atoi(json_text(json_object_array_get_idx(list, 0), "port"));
	json_object_put(info);
	return port;
}

static int export_disks(struct receive *receive, int port)
{
	if (!receive->copies || !receive->disks.nr)
		return 0;
	receive->disk_port = xprintf("%d", port ? port + 1 :
				     free_port(receive->address));
	return disks_export(receive->qemu.qmp, receive->address,
			    receive->disk_port);
}

/*
 * Let QEMU listen. "stop" makes it stay paused after it has loaded the machine.
 */
static int listen_for(struct receive *receive)
{
	struct qmp *qmp = receive->qemu.qmp;
	int port = json_number(receive->offer, "port"), err;
	bool v6 = strchr(receive->address, ':');
	char *uri = xprintf("tcp:%s%s%s:%d", v6 ? "[" : "", receive->address,
			    v6 ? "]" : "", port);

	err = qmp_run(qmp, QMP_MS, "stop", NULL, NULL);
	if (!err)
		err = tls_add(qmp, receive->vm->slot,
			      json_text(receive->offer, "key"), true);
	if (!err)
		err = migration_set_tls(qmp, TLS_ID);
	if (!err)
		err = migration_prepare(qmp, MIGRATION_LATE_DISKS);
	if (!err)
		err = export_disks(receive, port);
	if (!err)
		err = migration_listen(qmp, uri);
	free(uri);
	return err;
}

static int build(struct receive *receive)
{
	struct vm_placed placed;
	int err;

	err = vm_build(receive->inv, receive->name, &receive->qemu, receive->pool,
		       receive->pool_name, &receive->plan, &placed);
	vpool_cpus_free(&placed.cpus);
	if (err)
		return err;
	err = listen_for(receive);
	if (err)
		qemu_failed(receive->inv, receive->name, &receive->qemu, err);
	return err;
}

/* Take the machine over */

static void say_ready(struct receive *receive)
{
	struct json_object *ready = peer_word("ready");

	json_object_object_add(ready, "address",
			       json_object_new_string(receive->address));
	json_object_object_add(ready, "port",
			       json_object_new_int(data_port(receive->qemu.qmp)));
	json_object_object_add(ready, "disk_port",
			       json_object_new_int(receive->disk_port ?
						   atoi(receive->disk_port) : 0));
	peer_send(receive->peer, ready);
}

/* Wait for the word to run the machine. Return it, or NULL with a message. */
static struct json_object *wait_for_run(struct receive *receive)
{
	struct json_object *object;
	int err;

	do {
		err = peer_wait(receive->peer, EVERY_MS, &object);
		if (err == -ETIMEDOUT && !vm_slot_wait(receive->vm->slot, 0)) {
			qemu_failed(receive->inv, receive->name, &receive->qemu,
				    -EPIPE);
			return NULL;
		}
	} while (err == -ETIMEDOUT);
	if (!err && !strcmp(json_text(object, "say"), "run"))
		return object;
	json_object_put(object);
	cmd_error(receive->inv, receive->name, TOOL_VM_NOT_MIGRATED,
		  "the source has given up");
	return NULL;
}

static bool is_loaded(struct receive *receive)
{
	double deadline = now_ms() + LOAD_MS;
	bool loaded = false;
	char *status;

	while (!loaded && now_ms() < deadline) {
		status = qmp_status(receive->qemu.qmp);
		loaded = status && strcmp(status, "inmigrate");
		free(status);
		if (!loaded)
			usleep(10000);
	}
	return loaded;
}

static void announce_guest(struct qmp *qmp)
{
	struct json_object *args = json_object_new_object();

	json_object_object_add(args, "initial", json_object_new_int(50));
	json_object_object_add(args, "max", json_object_new_int(550));
	json_object_object_add(args, "rounds", json_object_new_int(5));
	json_object_object_add(args, "step", json_object_new_int(100));
	qmp_run(qmp, QMP_MS, "announce-self", args, NULL);
}

/* Let the machine run. Return 0, or -1 with a message if this host does not have it. */
static int take_over(struct receive *receive, struct json_object *run)
{
	const char *id = json_text(receive->offer, "id");
	struct qmp *qmp = receive->qemu.qmp;
	bool loaded = is_loaded(receive);
	int err;

	/* The source may ask for the machine again when this word is old. */
	if (!loaded || peer_age(receive->peer, run) > PEER_SILENCE_MS ||
	    !peer_settle(receive->peer)) {
		cmd_error(receive->inv, receive->name, TOOL_VM_NOT_MIGRATED,
			  loaded ? "the word to run the machine came too late" :
			  "QEMU has not loaded the machine");
		return -1;
	}
	forget_interrupt();
	err = write_taken(id);
	if (err) {
		cmd_error(receive->inv, receive->name, errno_code(-err),
			  "cannot write a note: %s", strerror(-err));
		return -1;
	}
	if (receive->disk_port)
		disks_unexport(qmp);
	/* From here on, the machine is here, even if this process dies. */
	qemu_release(&receive->qemu);
	if (json_true(run, "cont"))
		err = qmp_run(qmp, QMP_MS, "cont", NULL, NULL);
	if (err) {
		qemu_failed(receive->inv, receive->name, &receive->qemu, err);
		remove_taken(id);
		return -1;
	}
	announce_guest(qmp);
	return 0;
}

/* The machine is here: tell the source, and forget the key. */
static void finish(struct receive *receive)
{
	struct json_object *object;

	receive->vm->now = 0;
	peer_send(receive->peer, peer_word("runs"));
	tls_remove(receive->qemu.qmp, receive->vm->slot);
	if (!peer_wait(receive->peer, DONE_MS, &object) &&
	    !strcmp(json_text(object, "say"), "done"))
		remove_taken(json_text(receive->offer, "id"));
	json_object_put(object);
}

static int run_it(struct receive *receive)
{
	struct json_object *run;
	int err;

	say_ready(receive);
	run = wait_for_run(receive);
	if (!run)
		return -1;
	err = take_over(receive, run);
	json_object_put(run);
	if (!err) {
		finish(receive);
		return 0;
	}
	/* The source continues with the machine as soon as it is certain that this QEMU is gone. */
	qemu_stop(&receive->qemu);
	peer_send(receive->peer, peer_word("gone"));
	return -1;
}

static int receive_on(struct receive *receive)
{
	int err;

	ended_remove(receive->name);
	receive->address = data_address(receive);
	if (!receive->address) {
		cmd_error(receive->inv, receive->name, TOOL_HOST_UNREACHABLE,
			  "ssh has not told the address of this host: use --address");
		return EXIT_FAILED;
	}
	if (choose_user(receive) || check_confine(receive) || check_scope(receive))
		return EXIT_FAILED;
	if (vm_plan_fit(receive->inv, receive->name, receive->pool,
			&receive->plan) || check_host(receive))
		return EXIT_FAILED;
	if (launch(receive)) {
		disks_remove(&receive->disks);
		return EXIT_FAILED;
	}
	err = build(receive);
	if (!err)
		err = run_it(receive);
	if (err) {
		/* The cleanup must not be interrupted. */
		forget_interrupt();
		qemu_stop(&receive->qemu);
		disks_remove(&receive->disks);
		return EXIT_FAILED;
	}
	qemu_close(&receive->qemu);
	return EXIT_OK;
}

static int receive_in(struct receive *receive)
{
	int err, status;

	err = vpool_open(receive->pool_name, &receive->pool);
	if (err)
		status = handle_error(receive->inv, receive->name, receive->pool,
				      err);
	else
		status = receive_on(receive);
	vpool_close(receive->pool);
	return status;
}

static int receive_offer(struct receive *receive)
{
	int err, status = EXIT_FAILED;

	if (check_offer(receive))
		return EXIT_FAILED;
	err = vm_open(receive->name, true, &receive->vm);
	if (err == -EBUSY)
		cmd_error(receive->inv, receive->name, TOOL_VM_BUSY,
			  "another vpoolctl is starting, stopping or migrating a virtual machine with this name");
	else if (err)
		cmd_error(receive->inv, receive->name, errno_code(-err),
			  "cannot create its directory: %s", strerror(-err));
	if (err)
		return EXIT_FAILED;
	if (receive->vm->now >= 0)
		cmd_error(receive->inv, receive->name, TOOL_VM_EXISTS,
			  "a virtual machine with this name exists");
	else
		status = receive_in(receive);
	vm_close(receive->vm);
	return status;
}

/* Say who this is */

static void say_hello(struct peer *peer)
{
	char *boot = read_text("/proc/sys/kernel/random/boot_id");
	struct json_object *hello = peer_word("hello");

	if (boot)
		boot[strcspn(boot, "\n")] = '\0';
	json_object_object_add(hello, "protocol",
			       json_object_new_int(SEND_PROTOCOL));
	json_object_object_add(hello, "version",
			       json_object_new_string(VPOOL_VERSION));
	json_object_object_add(hello, "abi",
			       json_object_new_int64(vm_send_abi()));
	json_object_object_add(hello, "boot",
			       json_object_new_string(boot ? boot : "unknown"));
	peer_send(peer, hello);
	free(boot);
}

static int serve(const struct invocation *inv, struct peer *peer)
{
	struct receive receive = { .inv = inv, .peer = peer };
	int err, status = EXIT_FAILED;

	say_hello(peer);
	err = peer_wait(peer, OFFER_MS, &receive.offer);
	if (err) {
		cmd_error(inv, NULL, TOOL_HOST_SILENT,
			  "the source has said nothing");
	} else if (!strcmp(json_text(receive.offer, "say"), "ask")) {
		status = tell(peer, receive.offer);
	} else {
		peer_interrupt_if_lost(peer);
		status = receive_offer(&receive);
	}
	disks_free(&receive.disks);
	vm_user_free(&receive.user);
	free(receive.address);
	free(receive.disk_port);
	json_object_put(receive.offer);
	return status;
}

static int run_vm_receive(const struct invocation *inv)
{
	struct peer *peer;
	int in, out, status;

	if (isatty(STDIN_FILENO))
		return usage_error(inv->cmd,
				   "'vpoolctl vm migrate' on another host runs this command, over ssh");
	/* The source reads errors as JSON. */
	messages_set_json();
	catch_interrupts();
	/* No child may keep the connection open. */
	in = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	if (in < 0 || out < 0) {
		cmd_error(inv, NULL, errno_code(errno), "%s", strerror(errno));
		return EXIT_FAILED;
	}
	peer = peer_talk(in, out);
	status = serve(inv, peer);
	peer_close(peer, 0);
	return status;
}

const struct command cmd_vm_receive = {
	.name = "vm receive",
	.summary = "receive a virtual machine from another host",
	.description =
		"Receive a virtual machine that 'vpoolctl vm migrate' on another\n"
		"host sends. That runs this command over ssh; there is no reason\n"
		"to run it by hand. It reads requests from standard input and\n"
		"answers on standard output, each a JSON object on a line. Until\n"
		"the other host has handed over the machine, its QEMU here stays\n"
		"paused, and ends when the connection is lost.",
	.run = run_vm_receive,
};
