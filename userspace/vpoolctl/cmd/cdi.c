// SPDX-License-Identifier: GPL-2.0-only
/*
 * vpoolctl cdi: describe a pool to container engines, in a file of the Container Device
 * Interface (CDI), and serve as the hook that the file names.
 *
 * The file has no device number: the engine reads it from the device when it starts a
 * container. So the file stays valid if the pool is created again.
 */
#include <ctype.h>
#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <syslog.h>
#include <unistd.h>

#include <libvpool.h>

#include "base/alloc.h"
#include "base/code.h"
#include "base/command.h"
#include "base/exit.h"
#include "base/failure.h"
#include "base/macros.h"
#include "cmd/cmd.h"
#include "host/cgroup.h"
#include "host/container.h"
#include "host/grade.h"
#include "host/isolate.h"
#include "output/messages.h"
#include "output/outfile.h"

#define VENDOR "vpool.dev"
#define CLASS "pool"

enum {
	CDI_DIRECTORY,
	CDI_REMOVE,
	CDI_HOOK,
	CDI_QUIET,
};

static const struct option_def cdi_options[] = {
	[CDI_DIRECTORY] = {
		.name = "directory", .letter = 'd', .arg = "DIR",
		.help =
			"write the file to this directory instead of standard output.\n"
			"Engines read /etc/cdi, and /run/cdi, which is empty after a\n"
			"boot. The directory is created if it does not exist",
		.complete = COMPLETE_FILE,
	},
	[CDI_REMOVE] = {
		.name = "remove",
		.help =
			"remove the file from the directory. The pool may have been\n"
			"destroyed",
	},
	[CDI_HOOK] = {
		.name = "hook",
		.help =
			"do what the file makes container engines call: read the\n"
			"state of a new container on standard input, limit the\n"
			"container to the pool's CPUs and make it a member",
	},
	[CDI_QUIET] = {
		.name = "quiet", .letter = 'q',
		.help = "print nothing on success",
	},
};

/* The file */

static void add_text(struct json_object *to, const char *key, const char *text)
{
	json_object_object_add(to, key, json_object_new_string(text));
}

static struct json_object *list_of(struct json_object *only)
{
	struct json_object *list = json_object_new_array();

	json_object_array_add(list, only);
	return list;
}

static struct json_object *make_words(const char *const *words, size_t nr)
{
	struct json_object *list = json_object_new_array();
	size_t i;

	for (i = 0; i < nr; i++)
		json_object_array_add(list, json_object_new_string(words[i]));
	return list;
}

static struct json_object *make_node(const char *device)
{
	struct json_object *node = json_object_new_object();

	add_text(node, "path", device);
	add_text(node, "permissions", "rw");
	return node;
}

static struct json_object *make_hook(const char *name, const char *program)
{
	const char *const args[] = { "vpoolctl", "cdi", "--hook", name };
	struct json_object *hook = json_object_new_object();

	add_text(hook, "hookName", "createRuntime");
	add_text(hook, "path", program);
	json_object_object_add(hook, "args", make_words(args, ARRAY_SIZE(args)));
	return hook;
}

static struct json_object *make_device(const char *name, const char *program)
{
	struct json_object *edits = json_object_new_object();
	struct json_object *device = json_object_new_object();
	char *node = xprintf("/dev/vpool/%s", name);
	char *pool = xprintf("VPOOL_POOL=%s", name);
	char *path = xprintf("VPOOL_DEVICE=%s", node);
	const char *const env[] = { pool, path };

	json_object_object_add(edits, "env", make_words(env, ARRAY_SIZE(env)));
	json_object_object_add(edits, "deviceNodes", list_of(make_node(node)));
	json_object_object_add(edits, "hooks", list_of(make_hook(name, program)));
	add_text(device, "name", name);
	json_object_object_add(device, "containerEdits", edits);
	free(path);
	free(pool);
	free(node);
	return device;
}

/* Before version 0.5.0 of the format, the name of a device starts with a letter. */
static struct json_object *make_file(const char *name, const char *program)
{
	struct json_object *file = json_object_new_object();

	add_text(file, "cdiVersion",
		 isdigit((unsigned char)*name) ? "0.5.0" : "0.3.0");
	add_text(file, "kind", VENDOR "/" CLASS);
	json_object_object_add(file, "devices", list_of(make_device(name, program)));
	return file;
}

static void put_file(FILE *to, const void *arg)
{
	struct json_object *file = (struct json_object *)arg;

	fprintf(to, "%s\n",
		json_object_to_json_string_ext(file, JSON_C_TO_STRING_PRETTY |
					       JSON_C_TO_STRING_SPACED |
					       JSON_C_TO_STRING_NOSLASHESCAPE));
}

static int file_error(const struct invocation *inv, const char *path, int err)
{
	cmd_error(inv, inv->argv[0], errno_code(-err), "%s: %s", path, strerror(-err));
	return EXIT_FAILED;
}

static char *file_path(const struct invocation *inv)
{
	return xprintf("%s/" VENDOR "-" CLASS "_%s.json",
		       inv->value[CDI_DIRECTORY], inv->argv[0]);
}

static int store_file(const struct invocation *inv, const struct json_object *file)
{
	const char *dir = inv->value[CDI_DIRECTORY];
	char *path;
	int err;

	if (mkdir(dir, 0755) && errno != EEXIST)
		return file_error(inv, dir, -errno);
	path = file_path(inv);
	err = write_output(path, put_file, file);
	if (err)
		err = file_error(inv, path, err);
	else if (!inv->given[CDI_QUIET])
		printf("wrote %s, for --device " VENDOR "/" CLASS "=%s\n", path,
		       inv->argv[0]);
	free(path);
	return err;
}

static int remove_file(const struct invocation *inv)
{
	char *path = file_path(inv);
	int status = EXIT_OK;

	if (unlink(path))
		status = file_error(inv, path, -errno);
	else if (!inv->given[CDI_QUIET])
		printf("removed %s\n", path);
	free(path);
	return status;
}

static int write_file(const struct invocation *inv)
{
	struct json_object *file;
	char program[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", program, sizeof(program) - 1);
	int status = EXIT_OK;

	if (len < 0)
		return file_error(inv, "/proc/self/exe", -errno);
	program[len] = '\0';
	file = make_file(inv->argv[0], program);
	if (inv->given[CDI_DIRECTORY])
		status = store_file(inv, file);
	else
		put_file(stdout, file);
	json_object_put(file);
	return status;
}

/* Names of pools can end with a character that ends no name of a device in CDI. */
static int check_name(const struct invocation *inv)
{
	const char *name = inv->argv[0];

	if (isalnum((unsigned char)name[strlen(name) - 1]))
		return EXIT_OK;
	cmd_error(inv, name, TOOL_CDI_NAME,
		  "the name ends with '%c': container engines accept only a letter or a digit there",
		  name[strlen(name) - 1]);
	return EXIT_FAILED;
}

static void mention_slice(const struct vpool_info *info)
{
	char *slice;

	if (!grade_excludes(grade_of(info)))
		return;
	slice = cgroup_slice(info->name);
	fprintf(stderr,
		"vpoolctl: cdi %s: the pool is isolated: containers must be in its slice, as with --cgroup-parent=%s\n",
		info->name, slice);
	free(slice);
}

static int describe(const struct invocation *inv)
{
	struct vpool_info *info;
	struct vpool *vp;
	int err, status;

	err = vpool_open_reader(&vp);
	if (!err)
		err = vpool_query(vp, inv->argv[0], &info);
	if (err) {
		status = handle_error(inv, inv->argv[0], vp, err);
	} else {
		status = check_name(inv);
		if (!status)
			status = write_file(inv);
		if (!status)
			mention_slice(info);
		vpool_info_free(info);
	}
	vpool_close(vp);
	return status;
}

/* The hook */

/*
 * Engines drop what a hook prints, so write to the system log, too. LOG_DAEMON also fits
 * the engines of users.
 */
static void log_failure(const struct invocation *inv, const struct container *ct,
			int priority, const struct failure *failure)
{
	openlog("vpoolctl", LOG_PID, LOG_DAEMON);
	syslog(priority, "cdi %s: container %s: %s", inv->argv[0],
	       ct->id ? ct->id : "?", failure->text);
	closelog();
}

static int attach(struct vpool *vp, int pid, struct failure *failure)
{
	int pidfd = syscall(SYS_pidfd_open, pid, 0), err;

	if (pidfd < 0) {
		err = errno;
		return failure_set(failure, -err, TOOL_TASK_MISSING, "process %d: %s",
				   pid, strerror(err));
	}
	err = vpool_attach_task(vp, pidfd, 0, VPOOL_ATTACH_PROCESS, NULL);
	if (err)
		failure_set_handle(failure, vp, err);
	close(pidfd);
	return err;
}

/* Set the cpuset first: the kernel attaches a task within the cpuset of the task. */
static int join(const struct invocation *inv, struct vpool *vp,
		const struct vpool_info *info, const struct container *ct,
		struct failure *failure)
{
	int err = container_confine(info, ct->pid, failure);

	if (err == -EOPNOTSUPP) {
		fprintf(stderr, "vpoolctl: cdi %s: %s\n", inv->argv[0], failure->text);
		log_failure(inv, ct, LOG_WARNING, failure);
		err = 0;
	}
	return err ? err : attach(vp, ct->pid, failure);
}

static int serve(const struct invocation *inv, const struct container *ct,
		 struct failure *failure)
{
	struct vpool_info *info;
	struct vpool *vp;
	int err;

	err = vpool_open(inv->argv[0], &vp);
	if (!err && isolate_mend(inv->argv[0], failure)) {
		vpool_close(vp);
		return -EIO;
	}
	if (!err)
		err = vpool_query(vp, NULL, &info);
	if (err) {
		failure_set_handle(failure, vp, err);
	} else {
		/* A container can use the memory of a pool without CPUs. */
		if (vpool_cpus_count(&info->cpus))
			err = join(inv, vp, info, ct, failure);
		vpool_info_free(info);
	}
	vpool_close(vp);
	return err;
}

static int run_hook(const struct invocation *inv)
{
	struct failure failure = { 0 };
	struct container ct;
	int err, status = EXIT_OK;

	err = container_read(STDIN_FILENO, &ct, &failure);
	if (!err)
		err = serve(inv, &ct, &failure);
	if (err) {
		log_failure(inv, &ct, LOG_ERR, &failure);
		status = failure_report(inv, inv->argv[0], &failure);
	}
	free(ct.id);
	return status;
}

static int run_cdi(const struct invocation *inv)
{
	bool dir = inv->given[CDI_DIRECTORY], remove = inv->given[CDI_REMOVE];

	if (inv->given[CDI_HOOK] && (dir || remove))
		return usage_error(inv->cmd, "--hook excludes --directory and --remove");
	if (remove && !dir)
		return usage_error(inv->cmd, "--remove needs --directory");
	if (!vpool_name_is_valid(inv->argv[0]) && remove)
		return usage_error(inv->cmd, "'%s' is not a valid name of a pool",
				   inv->argv[0]);
	if (inv->given[CDI_HOOK])
		return run_hook(inv);
	return remove ? remove_file(inv) : describe(inv);
}

const struct command cmd_cdi = {
	.name = "cdi",
	.args = "NAME",
	.summary = "describe a pool to container engines",
	.description =
		"Print a file of the Container Device Interface (CDI), from\n"
		"which container engines learn how to give a pool to a\n"
		"container. With the file in /etc/cdi or /run/cdi, the option\n"
		"--device vpool.dev/pool=NAME of 'podman run' gives a\n"
		"container the device of the pool, and sets VPOOL_POOL and\n"
		"VPOOL_DEVICE. The processes of the container become members,\n"
		"and its cpuset keeps processes that the engine adds later on\n"
		"the pool's CPUs. The file stays valid when the pool is\n"
		"resized, or destroyed and created again.\n\n"
		"    vpoolctl cdi web --directory /etc/cdi\n"
		"    podman run --device vpool.dev/pool=web IMAGE\n"
		"    vpoolctl cdi web --directory /etc/cdi --remove\n\n"
		"If the hook fails, the engine may print only its exit status.\n"
		"The system log has the reason.",
	.options = cdi_options,
	.nr_options = ARRAY_SIZE(cdi_options),
	.min_args = 1,
	.max_args = 1,
	.complete = COMPLETE_POOL,
	.run = run_cdi,
};
