// SPDX-License-Identifier: GPL-2.0-only
/*
 * Disks of a machine that migrates to another host.
 *
 * Either both hosts see the same files, or QEMU copies the disks while the machine runs:
 * it mirrors each one to an NBD export of the target QEMU, over TLS with the key of the
 * migration. The mirrors end when the vCPUs have stopped, before the devices are copied.
 *
 * A file of the same name on the target is not evidence for shared storage. So the source
 * creates a file with a random name beside the disk, and the target looks for it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/code.h"
#include "base/exit.h"
#include "base/interrupt.h"
#include "output/messages.h"
#include "vm/disks.h"
#include "vm/migration.h"
#include "vm/qmp.h"
#include "vm/tls.h"
#include "vm/user.h"

#define EVERY_MS 200
/* Time limit for a job to end after it was cancelled, in milliseconds. */
#define END_MS 30000

static struct json_object *text(const char *value)
{
	return json_object_new_string(value);
}

void disks_free(struct vm_disks *disks)
{
	size_t i;

	for (i = 0; i < disks->nr; i++) {
		free(disks->disk[i].device);
		free(disks->disk[i].node);
		free(disks->disk[i].file);
		free(disks->disk[i].format);
		free(disks->disk[i].marker);
	}
	disks->nr = 0;
}

/* Reading */

static void read_disk(struct json_object *one, struct vm_disks *disks)
{
	struct vm_disk *disk = disks->disk + disks->nr;
	struct json_object *inserted, *image, *ro;

	if (!json_object_object_get_ex(one, "inserted", &inserted) ||
	    !json_object_object_get_ex(inserted, "image", &image))
		return;
	if (json_object_object_get_ex(inserted, "ro", &ro) &&
	    json_object_get_boolean(ro))
		return;
	*disk = (struct vm_disk){
		.device = xstrdup(json_text(one, "device")),
		.node = xstrdup(json_text(inserted, "node-name")),
		.file = xstrdup(json_text(inserted, "file")),
		.format = xstrdup(json_text(inserted, "drv")),
		.bytes = json_number(image, "virtual-size"),
		.marker = xstrdup(""),
	};
	disks->nr++;
}

int disks_read(struct qmp *qmp, struct vm_disks *disks)
{
	struct json_object *list;
	size_t i;
	int err;

	disks->nr = 0;
	err = qmp_run(qmp, QMP_MS, "query-block", NULL, &list);
	if (err)
		return err;
	for (i = 0; i < json_object_array_length(list) && disks->nr < DISKS_MAX; i++)
		read_disk(json_object_array_get_idx(list, i), disks);
	json_object_put(list);
	return 0;
}

struct json_object *disks_to_json(const struct vm_disks *disks)
{
	struct json_object *array = json_object_new_array(), *one;
	size_t i;

	for (i = 0; i < disks->nr; i++) {
		one = json_object_new_object();
		json_object_object_add(one, "file", text(disks->disk[i].file));
		json_object_object_add(one, "format", text(disks->disk[i].format));
		json_object_object_add(one, "bytes",
				       json_object_new_int64(disks->disk[i].bytes));
		json_object_object_add(one, "marker", text(disks->disk[i].marker));
		json_object_array_add(array, one);
	}
	return array;
}

void disks_from_json(struct json_object *array, struct vm_disks *disks)
{
	struct json_object *one;

	disks->nr = 0;
	while (disks->nr < DISKS_MAX &&
	       disks->nr < json_object_array_length(array)) {
		one = json_object_array_get_idx(array, disks->nr);
		disks->disk[disks->nr++] = (struct vm_disk){
			.device = xstrdup(""),
			.node = xstrdup(""),
			.file = xstrdup(json_text(one, "file")),
			.format = xstrdup(json_text(one, "format")),
			.bytes = json_number(one, "bytes"),
			.marker = xstrdup(json_text(one, "marker")),
		};
	}
}

/* Shared disks */

void disks_mark(struct vm_disks *disks, const char *id)
{
	struct vm_disk *disk;
	const char *slash;
	size_t i;
	int fd;

	for (i = 0; i < disks->nr; i++) {
		disk = disks->disk + i;
		slash = strrchr(disk->file, '/');
		if (*disk->file != '/' || !slash)
			continue;
		free(disk->marker);
		disk->marker = xprintf("%.*s/.vpool-%s-%zu",
				       (int)(slash - disk->file), disk->file, id, i);
		fd = open(disk->marker, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
			  0600);
		if (fd >= 0)
			close(fd);
		else
			*disk->marker = '\0';
	}
}

void disks_unmark(const struct vm_disks *disks)
{
	size_t i;

	for (i = 0; i < disks->nr; i++)
		if (*disks->disk[i].marker)
			unlink(disks->disk[i].marker);
}

static long long device_bytes(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	unsigned long long bytes = 0;

	if (fd < 0)
		return 0;
	if (ioctl(fd, BLKGETSIZE64, &bytes))
		bytes = 0;
	close(fd);
	return bytes;
}

/* A block device has the same name and the same size on both hosts. */
static bool is_shared(const struct vm_disk *disk)
{
	struct stat st;

	if (stat(disk->file, &st))
		return false;
	if (S_ISBLK(st.st_mode))
		return device_bytes(disk->file) >= disk->bytes;
	return *disk->marker && !access(disk->marker, F_OK);
}

int disks_check_shared(const struct invocation *inv, const char *name,
		       const struct vm_disks *disks)
{
	size_t i;

	for (i = 0; i < disks->nr; i++) {
		if (is_shared(disks->disk + i))
			continue;
		cmd_error(inv, name, TOOL_VM_FILE,
			  "the disk %s is not on storage that both hosts share; --copy-disks copies it",
			  disks->disk[i].file);
		return -1;
	}
	return 0;
}

/* Disks to copy, on the target */

/* Run qemu-img to create a file that is not raw. Return 0 or a negative errno. */
static int run_qemu_img(const struct vm_disk *disk)
{
	char *bytes = xprintf("%lld", disk->bytes);
	int status = 0;
	pid_t pid = fork();

	if (!pid) {
		/* Standard output is the connection to the source. */
		dup2(STDERR_FILENO, STDOUT_FILENO);
		execlp("qemu-img", "qemu-img", "create", "-q", "-f", disk->format,
		       disk->file, bytes, (char *)NULL);
		_exit(EXIT_NOT_FOUND);
	}
	free(bytes);
	if (pid < 0)
		return -errno;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_NOT_FOUND)
		return -ENOPKG;
	return status ? -EIO : 0;
}

static int create_file(struct vm_disk *disk, bool overwrite, const struct vm_user *user)
{
	int fd = open(disk->file, O_WRONLY | O_CREAT | O_CLOEXEC |
		      (overwrite ? 0 : O_EXCL), 0600);
	int err = 0;

	if (fd < 0)
		return -errno;
	disk->created = !overwrite;
	if (disk->created && user->name && fchown(fd, user->uid, user->gid))
		err = -errno;
	if (!err && !strcmp(disk->format, "raw") && ftruncate(fd, disk->bytes))
		err = -errno;
	close(fd);
	if (!err && strcmp(disk->format, "raw"))
		err = run_qemu_img(disk);
	return err;
}

static int create_disk(const struct invocation *inv, const char *name,
		       struct vm_disk *disk, bool overwrite,
		       const struct vm_user *user)
{
	struct stat st;
	int err;

	if (!stat(disk->file, &st) && S_ISBLK(st.st_mode) && overwrite) {
		if (device_bytes(disk->file) >= disk->bytes)
			return 0;
		cmd_error(inv, name, TOOL_VM_FILE,
			  "the disk %s: the block device is too small", disk->file);
		return -1;
	}
	err = create_file(disk, overwrite, user);
	if (err == -EEXIST)
		cmd_error(inv, name, TOOL_VM_FILE,
			  "the disk %s exists already; --overwrite-disks replaces its contents",
			  disk->file);
	else if (err == -ENOPKG)
		cmd_error(inv, name, TOOL_PROGRAM,
			  "the disk %s has the format %s: install qemu-img (qemu-utils)",
			  disk->file, disk->format);
	else if (err)
		cmd_error(inv, name, errno_code(-err),
			  "cannot create the disk %s: %s", disk->file,
			  strerror(-err));
	return err ? -1 : 0;
}

int disks_create(const struct invocation *inv, const char *name,
		 struct vm_disks *disks, bool overwrite, const struct vm_user *user)
{
	size_t i;

	for (i = 0; i < disks->nr; i++) {
		if (!create_disk(inv, name, disks->disk + i, overwrite, user))
			continue;
		disks_remove(disks);
		return -1;
	}
	return 0;
}

void disks_remove(const struct vm_disks *disks)
{
	size_t i;

	for (i = 0; i < disks->nr; i++)
		if (disks->disk[i].created)
			unlink(disks->disk[i].file);
}

static struct json_object *socket_address(const char *address, const char *port)
{
	struct json_object *inet = json_object_new_object();

	json_object_object_add(inet, "host", text(address));
	json_object_object_add(inet, "port", text(port));
	return inet;
}

/* The n-th export is the n-th disk that can be written to. */
static void name_copy(char *name, size_t room, size_t nr)
{
	snprintf(name, room, "copy%zu", nr);
}

static int export_disk(struct qmp *qmp, const struct vm_disk *disk, size_t nr)
{
	struct json_object *args = json_object_new_object();
	char name[32];

	name_copy(name, sizeof(name), nr);
	json_object_object_add(args, "type", text("nbd"));
	json_object_object_add(args, "id", text(name));
	json_object_object_add(args, "name", text(name));
	json_object_object_add(args, "node-name", text(disk->node));
	json_object_object_add(args, "writable", json_object_new_boolean(true));
	return qmp_run(qmp, QMP_MS, "block-export-add", args, NULL);
}

int disks_export(struct qmp *qmp, const char *address, const char *port)
{
	struct json_object *args = json_object_new_object();
	struct json_object *addr = json_object_new_object();
	struct vm_disks disks;
	size_t i;
	int err;

	json_object_object_add(addr, "type", text("inet"));
	json_object_object_add(addr, "data", socket_address(address, port));
	json_object_object_add(args, "addr", addr);
	json_object_object_add(args, "tls-creds", text(TLS_ID));
	err = qmp_run(qmp, QMP_MS, "nbd-server-start", args, NULL);
	if (!err)
		err = disks_read(qmp, &disks);
	if (err)
		return err;
	for (i = 0; i < disks.nr && !err; i++)
		err = export_disk(qmp, disks.disk + i, i);
	disks_free(&disks);
	return err;
}

void disks_unexport(struct qmp *qmp)
{
	qmp_run(qmp, QMP_MS, "nbd-server-stop", NULL, NULL);
}

/* Disks to copy, on the source */

static int connect_disk(struct qmp *qmp, const char *name, const char *address,
			const char *port)
{
	struct json_object *args = json_object_new_object();
	struct json_object *server = socket_address(address, port);

	json_object_object_add(server, "type", text("inet"));
	json_object_object_add(args, "driver", text("nbd"));
	json_object_object_add(args, "node-name", text(name));
	json_object_object_add(args, "server", server);
	json_object_object_add(args, "export", text(name));
	json_object_object_add(args, "tls-creds", text(TLS_ID));
	return qmp_run(qmp, QMP_MS, "blockdev-add", args, NULL);
}

static int mirror_disk(struct qmp *qmp, const char *name,
		       const struct vm_disk *disk, __u64 bandwidth)
{
	struct json_object *args = json_object_new_object();

	json_object_object_add(args, "job-id", text(name));
	json_object_object_add(args, "device", text(*disk->device ? disk->device :
						    disk->node));
	json_object_object_add(args, "target", text(name));
	json_object_object_add(args, "sync", text("full"));
	json_object_object_add(args, "speed", json_object_new_int64(bandwidth));
	return qmp_run(qmp, QMP_MS, "blockdev-mirror", args, NULL);
}

static int start_mirrors(struct migration *migration,
			 const struct vm_disks *disks, const char *address,
			 const char *port)
{
	char name[32];
	int err = 0;
	size_t i;

	for (i = 0; i < disks->nr && !err; i++) {
		name_copy(name, sizeof(name), i);
		err = connect_disk(migration->qmp, name, address, port);
		if (!err)
			err = mirror_disk(migration->qmp, name, disks->disk + i,
					  migration->bandwidth);
	}
	if (err)
		snprintf(migration->message, sizeof(migration->message),
			 "cannot copy the disk %s: %s", disks->disk[i - 1].file,
			 qmp_message(migration->qmp));
	return err;
}

/**
 * struct jobs - the jobs that copy
 * @nr: number of jobs
 * @ready: number of jobs that have copied everything
 * @done: copied bytes
 * @total: bytes to copy
 */
struct jobs {
	size_t nr;
	size_t ready;
	__u64 done;
	__u64 total;
};

static void add_job(struct json_object *one, struct jobs *jobs)
{
	struct json_object *ready;

	if (strncmp(json_text(one, "device"), "copy", 4))
		return;
	jobs->nr++;
	jobs->done += json_number(one, "offset");
	jobs->total += json_number(one, "len");
	if (json_object_object_get_ex(one, "ready", &ready) &&
	    json_object_get_boolean(ready))
		jobs->ready++;
}

static int read_jobs(struct qmp *qmp, struct jobs *jobs)
{
	struct json_object *list;
	size_t i;
	int err;

	*jobs = (struct jobs){ 0 };
	err = qmp_run(qmp, QMP_MS, "query-block-jobs", NULL, &list);
	if (err)
		return err;
	for (i = 0; i < json_object_array_length(list); i++)
		add_job(json_object_array_get_idx(list, i), jobs);
	json_object_put(list);
	return 0;
}

static int give_up(struct migration *migration, const char *message)
{
	snprintf(migration->message, sizeof(migration->message), "%s", message);
	return -1;
}

/* Check what can end the copying early. */
static int check_copy(struct migration *migration, double deadline)
{
	if (interrupted())
		return give_up(migration, "interrupted");
	if (migration->alive &&
	    migration->alive(migration->data, migration->message,
			     sizeof(migration->message)))
		return -1;
	if (now_ms() > deadline)
		return give_up(migration, "the disks were not copied in time");
	return 0;
}

int disks_copy(struct migration *migration, const struct vm_disks *disks,
	       const char *address, const char *port)
{
	double begin = now_ms(), deadline = begin + migration->timeout_ms;
	struct jobs jobs;
	int err;

	err = start_mirrors(migration, disks, address, port);
	while (!err) {
		err = check_copy(migration, deadline);
		if (!err && read_jobs(migration->qmp, &jobs))
			err = give_up(migration, qmp_message(migration->qmp));
		/* A job that has failed is gone. */
		if (!err && jobs.nr < disks->nr)
			err = give_up(migration, "a disk could not be copied");
		if (err || jobs.ready == disks->nr)
			break;
		migration_show(migration, "disks, ", jobs.total - jobs.done,
			       jobs.total, now_ms() - begin);
		usleep(EVERY_MS * 1000);
	}
	migration_clear(migration);
	return err ? -1 : 0;
}

static void cancel_jobs(struct qmp *qmp, const struct vm_disks *disks, bool force)
{
	struct json_object *args;
	char name[32];
	size_t i;

	for (i = 0; i < disks->nr; i++) {
		name_copy(name, sizeof(name), i);
		args = json_object_new_object();
		json_object_object_add(args, "device", text(name));
		json_object_object_add(args, "force", json_object_new_boolean(force));
		qmp_run(qmp, QMP_MS, "block-job-cancel", args, NULL);
	}
}

static void disconnect_disks(struct qmp *qmp, const struct vm_disks *disks)
{
	struct json_object *args;
	char name[32];
	size_t i;

	for (i = 0; i < disks->nr; i++) {
		name_copy(name, sizeof(name), i);
		args = json_object_new_object();
		json_object_object_add(args, "node-name", text(name));
		qmp_run(qmp, QMP_MS, "blockdev-del", args, NULL);
	}
}

/* A job that is ready ends with equal disks when it is cancelled without force. */
int disks_finish(struct migration *migration, const struct vm_disks *disks)
{
	double deadline = now_ms() + END_MS;
	struct jobs jobs;

	if (read_jobs(migration->qmp, &jobs) || jobs.ready < disks->nr)
		return give_up(migration, "a disk could not be copied");
	cancel_jobs(migration->qmp, disks, false);
	for (;;) {
		if (check_copy(migration, deadline))
			return -1;
		if (read_jobs(migration->qmp, &jobs))
			return give_up(migration, qmp_message(migration->qmp));
		if (!jobs.nr)
			break;
		usleep(20000);
	}
	if (!qmp_wait(migration->qmp, 0, "BLOCK_JOB_ERROR"))
		return give_up(migration, "the end of a disk could not be copied");
	disconnect_disks(migration->qmp, disks);
	return 0;
}

/* Close a connection, because a request to a dead host would wait for minutes. */
static void yank(struct qmp *qmp, const char *name)
{
	struct json_object *args = json_object_new_object();
	struct json_object *list = json_object_new_array();
	struct json_object *one = json_object_new_object();

	json_object_object_add(one, "type", text("block-node"));
	json_object_object_add(one, "node-name", text(name));
	json_object_array_add(list, one);
	json_object_object_add(args, "instances", list);
	qmp_run(qmp, QMP_MS, "yank", args, NULL);
}

void disks_abort(struct qmp *qmp, const struct vm_disks *disks)
{
	double deadline = now_ms() + END_MS;
	struct jobs jobs = { .nr = 1 };
	char name[32];
	size_t i;

	for (i = 0; i < disks->nr; i++) {
		name_copy(name, sizeof(name), i);
		yank(qmp, name);
	}
	cancel_jobs(qmp, disks, true);
	while (jobs.nr && now_ms() < deadline) {
		if (read_jobs(qmp, &jobs))
			break;
		usleep(20000);
	}
	disconnect_disks(qmp, disks);
}
