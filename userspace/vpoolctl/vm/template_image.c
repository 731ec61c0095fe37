// SPDX-License-Identifier: GPL-2.0-only
/*
 * The memory of a machine and the state of its devices, in files.
 *
 * QEMU's migration writes the state of the devices. With x-ignore-shared, it leaves the
 * memory of the pool out, and vpoolctl copies that directly between the file and QEMU. So
 * the memory of a new machine is that of its pool, and pages that are zero cost nothing.
 * The format is the same with all versions of QEMU, which differ in what they know: "file:"
 * came with 8.2, and mapped-ram with 9.0. The state goes through a socket, because QEMU may
 * run as a user who cannot write the file.
 *
 * The file of the memory is a sequence of extents: offset and length, of 8 bytes each, 16
 * bytes of zero, and then the pages. An offset is the place in all nodes after another.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>
#include <linux/fs.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/code.h"
#include "base/failure.h"
#include "base/interrupt.h"
#include "vm/migration.h"
#include "vm/qmp.h"
#include "vm/template_image.h"
#include "vm/user.h"
#include "vm/vm.h"

#define PAGE 4096U
/* Bytes to read at once, the size of a huge page, and the largest extent. */
#define CHUNK (2U << 20)
/* Offset in the first node at which each type of machine has memory. */
#define ANY_MEMORY 0x100000U
/* Time limit for the state of the devices, in milliseconds. */
#define STATE_MS 120000
/* Largest state of the devices. */
#define MAX_STATE (256U << 20)

/**
 * struct extent - head of an extent in the file
 * @offset: place in the memory of the guest, in bytes
 * @bytes: length
 * @zero: 0
 */
struct extent {
	__u64 offset;
	__u64 bytes;
	__u64 zero[2];
};

static int damaged(struct failure *failure, const char *path, const char *how)
{
	return failure_set(failure, -EBADMSG, TOOL_TEMPLATE_DAMAGED,
			   "%s %s; save the machine again", path, how);
}

static int system_error(struct failure *failure, const char *what, const char *path)
{
	int err = errno ? errno : EIO;

	return failure_set(failure, -err, errno_code(err), "%s%s: %s", what, path,
			   strerror(err));
}

/* Report that the memory of a QEMU cannot be read or written. */
static int memory_error(struct failure *failure, const char *what)
{
	/* The kernel's check is that of ptrace(2). */
	if (errno == EPERM)
		return failure_set(failure, -EPERM, errno_code(EPERM),
				   "%s: not permitted; ask root, or set kernel.yama.ptrace_scope to 0",
				   what);
	return system_error(failure, what, "");
}

/* Checksum */

__u64 image_sum(__u64 sum, const void *data, size_t len)
{
	__u64 lane[4] = { sum, sum + 1, sum + 2, sum + 3 }, word[4];
	const char *at = data;
	size_t part;
	int i;

	for (; len; at += part, len -= part) {
		part = len < sizeof(word) ? len : sizeof(word);
		if (part < sizeof(word))
			memset(word, 0, sizeof(word));
		memcpy(word, at, part);
		for (i = 0; i < 4; i++) {
			lane[i] = (lane[i] ^ word[i]) * 0x9fb21c651e98df25ULL;
			lane[i] ^= lane[i] >> 29;
		}
	}
	for (i = 0; i < 4; i++)
		sum = (sum ^ lane[i]) * 0x9fb21c651e98df25ULL + (sum >> 31);
	return sum;
}

/* Addresses */

/* Return the physical address of an offset in the memory of a guest. */
static __u64 physical(const struct template *tpl, __u64 offset)
{
	__u64 low = 0xb0000000ULL, total = template_memory(tpl);

	/* QEMU has other limits for the memory below 4 GiB on each type of machine. */
	if (!strcmp(tpl->machine, "microvm"))
		low = 0xc0000000ULL;
	else if (total >= 0xb0000000ULL)
		low = 0x80000000ULL;
	return offset < low ? offset : (4ULL << 30) + offset - low;
}

/* Ask QEMU where it has a physical address. Check that it is in the memory of the node. */
static int find_address(struct qmp *qmp, __u64 where, size_t node, __u64 *address)
{
	struct json_object *args = json_object_new_object(), *ret;
	char *line = xprintf("gpa2hva 0x%llx", where), name[64] = "";
	const char *text, *at;
	size_t found;
	int err;

	json_object_object_add(args, "command-line", json_object_new_string(line));
	free(line);
	err = qmp_run(qmp, QMP_MS, "human-monitor-command", args, &ret);
	if (err)
		return err;
	text = json_object_get_string(ret);
	at = strchr(text, '(');
	if (!at || sscanf(at, "(%63[^)]) is 0x%llx", name, address) != 2)
		err = -ENXIO;
	at = strrchr(name, '/');
	if (!err && (sscanf(at ? at + 1 : name, "ram%zu", &found) != 1 || found != node))
		err = -ENXIO;
	json_object_put(ret);
	return err;
}

int image_find(struct qmp *qmp, const struct template *tpl, struct image_node *nodes,
	       struct failure *failure)
{
	__u64 offset = 0;
	size_t i;
	int err;

	for (i = 0; i < tpl->plan.nr; i++) {
		nodes[i].bytes = tpl->plan.node[i].bytes;
		err = find_address(qmp, physical(tpl, offset + ANY_MEMORY), i,
				   &nodes[i].address);
		if (err)
			return failure_set(failure, err, TOOL_TEMPLATE_NOT_SAVED,
					   "cannot find its memory in QEMU: %s",
					   *qmp_message(qmp) ? qmp_message(qmp) :
							       strerror(-err));
		nodes[i].address -= ANY_MEMORY;
		offset += nodes[i].bytes;
	}
	return 0;
}

/* Saving memory */

/**
 * struct writer - a file of memory that is being written
 * @to: the file
 * @path: its path
 * @file: size and checksum up to now
 * @failure: reason of a failure
 */
struct writer {
	FILE *to;
	const char *path;
	struct template_file *file;
	struct failure *failure;
};

static int put(struct writer *writer, const void *data, size_t len)
{
	if (fwrite(data, 1, len, writer->to) != len)
		return system_error(writer->failure, "cannot write ", writer->path);
	writer->file->sum = image_sum(writer->file->sum, data, len);
	writer->file->bytes += len;
	return 0;
}

static bool is_zero(const char *page)
{
	return !page[0] && !memcmp(page, page + 1, PAGE - 1);
}

/* Write the pages of a chunk that are not zero. */
static int put_chunk(struct writer *writer, __u64 offset, const char *chunk, size_t len)
{
	struct extent extent = { 0 };
	size_t at = 0, end;
	int err = 0;

	while (at < len && !err) {
		if (is_zero(chunk + at)) {
			at += PAGE;
			continue;
		}
		for (end = at + PAGE; end < len && !is_zero(chunk + end);)
			end += PAGE;
		extent.offset = offset + at;
		extent.bytes = end - at;
		err = put(writer, &extent, sizeof(extent));
		if (!err)
			err = put(writer, chunk + at, extent.bytes);
		at = end;
	}
	return err;
}

static int save_node(struct writer *writer, pid_t pid, const struct image_node *node,
		     __u64 offset, char *chunk)
{
	struct iovec here = { .iov_base = chunk }, there;
	__u64 at;
	int err = 0;

	for (at = 0; at < node->bytes && !err; at += here.iov_len) {
		here.iov_len = node->bytes - at < CHUNK ? node->bytes - at : CHUNK;
		there.iov_base = (void *)(uintptr_t)(node->address + at);
		there.iov_len = here.iov_len;
		if (interrupted())
			return failure_set(writer->failure, -EINTR, VPOOL_CODE_INTERRUPTED,
					   "interrupted");
		if (process_vm_readv(pid, &here, 1, &there, 1, 0) != (ssize_t)here.iov_len)
			return memory_error(writer->failure, "cannot read its memory");
		err = put_chunk(writer, offset + at, chunk, here.iov_len);
	}
	return err;
}

int image_save_memory(pid_t pid, const struct image_node *nodes, size_t nr, const char *path,
		      struct template_file *file, struct failure *failure)
{
	struct writer writer = {
		.to = fopen(path, "wxe"), .path = path, .file = file, .failure = failure,
	};
	char *chunk;
	__u64 offset = 0;
	size_t i;
	int err = 0;

	*file = (struct template_file) { .sum = IMAGE_SUM };
	if (!writer.to)
		return system_error(failure, "cannot write ", path);
	chunk = xcalloc(1, CHUNK);
	for (i = 0; i < nr && !err; i++) {
		err = save_node(&writer, pid, nodes + i, offset, chunk);
		offset += nodes[i].bytes;
	}
	free(chunk);
	if (!err && (fflush(writer.to) || fsync(fileno(writer.to))))
		err = system_error(failure, "cannot write ", path);
	if (fclose(writer.to) && !err)
		err = system_error(failure, "cannot write ", path);
	return err;
}

/* Loading */

/* Map a file to read. Check its size. Return NULL with @failure set. */
static char *map_file(const char *path, const struct template_file *file,
		      struct failure *failure)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *data = NULL;
	struct stat st;

	if (fd < 0 || fstat(fd, &st)) {
		system_error(failure, "", path);
	} else if (!S_ISREG(st.st_mode) || (__u64)st.st_size != file->bytes || !file->bytes) {
		damaged(failure, path, "has another size than when it was saved");
	} else {
		data = mmap(NULL, file->bytes, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
		if (data == MAP_FAILED) {
			system_error(failure, "", path);
			data = NULL;
		}
	}
	if (fd >= 0)
		close(fd);
	return data;
}

/* Find the address of an extent, which must be in one node. Return 0 if it is not. */
static __u64 address_of(const struct image_node *nodes, size_t nr, const struct extent *extent)
{
	__u64 offset = extent->offset;
	size_t i;

	for (i = 0; i < nr; i++) {
		if (offset < nodes[i].bytes)
			return extent->bytes <= nodes[i].bytes - offset ?
			       nodes[i].address + offset : 0;
		offset -= nodes[i].bytes;
	}
	return 0;
}

/* Read the head of the extent at @at, and move @at to its pages. Return false if damaged. */
static bool read_head(const char *data, __u64 bytes, __u64 *at, struct extent *extent)
{
	__u64 left = bytes - *at;

	if (left < sizeof(*extent))
		return false;
	memcpy(extent, data + *at, sizeof(*extent));
	*at += sizeof(*extent);
	return extent->bytes && extent->bytes <= CHUNK &&
	       extent->bytes <= left - sizeof(*extent) && !(extent->bytes % PAGE) &&
	       !(extent->offset % PAGE) && !extent->zero[0] && !extent->zero[1];
}

static int load_extent(pid_t pid, __u64 address, char *data, __u64 bytes,
		       struct failure *failure)
{
	struct iovec here = { .iov_base = data, .iov_len = bytes };
	struct iovec there = {
		.iov_base = (void *)(uintptr_t)address, .iov_len = bytes,
	};

	if (process_vm_writev(pid, &here, 1, &there, 1, 0) == (ssize_t)bytes)
		return 0;
	return memory_error(failure, "cannot write the memory of QEMU");
}

/**
 * struct summing - a checksum of the file of the memory, which a thread calculates
 * @data: the file
 * @bytes: its length
 * @sum: the checksum; wrong if an extent is damaged
 */
struct summing {
	const char *data;
	__u64 bytes;
	__u64 sum;
};

static void *sum_extents(void *arg)
{
	struct summing *summing = arg;
	struct extent extent;
	__u64 at = 0;

	summing->sum = IMAGE_SUM;
	while (at < summing->bytes && read_head(summing->data, summing->bytes, &at, &extent)) {
		summing->sum = image_sum(summing->sum, &extent, sizeof(extent));
		summing->sum = image_sum(summing->sum, summing->data + at, extent.bytes);
		at += extent.bytes;
	}
	return NULL;
}

static int load_extents(pid_t pid, const struct image_node *nodes, size_t nr, char *data,
			const char *path, __u64 bytes, struct failure *failure)
{
	struct extent extent;
	__u64 at = 0, address;
	int err = 0;

	while (at < bytes && !err) {
		address = read_head(data, bytes, &at, &extent) ?
			  address_of(nodes, nr, &extent) : 0;
		if (!address)
			return damaged(failure, path, "is damaged");
		err = interrupted() ?
		      failure_set(failure, -EINTR, VPOOL_CODE_INTERRUPTED, "interrupted") :
		      load_extent(pid, address, data + at, extent.bytes, failure);
		at += extent.bytes;
	}
	return err;
}

int image_load_memory(pid_t pid, const struct image_node *nodes, size_t nr, const char *path,
		      const struct template_file *file, struct failure *failure)
{
	struct summing summing = { .bytes = file->bytes };
	char *data = map_file(path, file, failure);
	pthread_t thread;
	bool apart;
	int err;

	if (!data)
		return -EIO;
	summing.data = data;
	/* The checksum takes as long as the copy. */
	apart = !pthread_create(&thread, NULL, sum_extents, &summing);
	err = load_extents(pid, nodes, nr, data, path, file->bytes, failure);
	if (apart)
		pthread_join(thread, NULL);
	else
		sum_extents(&summing);
	if (!err && summing.sum != file->sum)
		err = damaged(failure, path, "is damaged: its checksum is wrong");
	munmap(data, file->bytes);
	return err;
}

/* State of the devices */

static int fill_address(struct sockaddr_un *addr, const char *path)
{
	*addr = (struct sockaddr_un) { .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(addr->sun_path))
		return -ENAMETOOLONG;
	memcpy(addr->sun_path, path, strlen(path));
	return 0;
}

/* Create a socket at a path, or connect to it. Return a descriptor or a negative errno. */
static int open_socket(const char *path, bool listens)
{
	struct sockaddr_un addr;
	int err = fill_address(&addr, path), fd;

	if (err)
		return err;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (listens) {
		unlink(path);
		err = bind(fd, (struct sockaddr *)&addr, sizeof(addr)) || listen(fd, 1);
	} else {
		err = connect(fd, (struct sockaddr *)&addr, sizeof(addr));
	}
	if (!err)
		return fd;
	err = -errno;
	close(fd);
	return err;
}

/* Let the user of a QEMU connect to a socket. Return 0 or a negative errno. */
static int give_socket(const char *path, pid_t pid)
{
	struct vm_user user;
	int err = vm_user_of(pid, &user);

	/* The sticky bit of the directory keeps the user from replacing it before that. */
	if (!err && user.name && lchown(path, user.uid, user.gid))
		err = -errno;
	vm_user_free(&user);
	return err;
}

/* Wait until a descriptor can be read. Return 0, -ETIMEDOUT, -EPIPE or -EINTR. */
static int wait_for(int fd, const struct vm_slot *slot, double deadline)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	while (poll(&poll_fd, 1, 100) <= 0) {
		if (interrupted())
			return -EINTR;
		if (!vm_slot_wait(slot, 0))
			return -EPIPE;
		if (now_ms() > deadline)
			return -ETIMEDOUT;
	}
	return 0;
}

/* Read a socket to its end. Return the data for free(3), or NULL with errno set. */
static char *read_all(int fd, const struct vm_slot *slot, size_t *len)
{
	double deadline = now_ms() + STATE_MS;
	size_t room = 4U << 20;
	char *data = xrealloc(NULL, room);
	ssize_t got = 1;
	int err = 0;

	*len = 0;
	while (got > 0 && !err) {
		if (*len == room) {
			room *= 2;
			data = xrealloc(data, room);
		}
		err = wait_for(fd, slot, deadline);
		if (!err && *len > MAX_STATE)
			err = -EFBIG;
		got = err ? 0 : read(fd, data + *len, room - *len);
		if (got < 0)
			err = -errno;
		else
			*len += got;
	}
	if (!err)
		return data;
	free(data);
	errno = -err;
	return NULL;
}

/* Wait until QEMU has finished the migration. Return 0 or a negative errno. */
static int wait_completed(struct qmp *qmp)
{
	double deadline = now_ms() + STATE_MS;
	struct json_object *ret;
	bool done = false, failed = false;
	const char *status;
	int err = 0;

	while (!err && !done) {
		err = qmp_run(qmp, QMP_MS, "query-migrate", NULL, &ret);
		if (err)
			break;
		status = json_text(ret, "status");
		done = !strcmp(status, "completed");
		failed = !strcmp(status, "failed") || !strcmp(status, "cancelled");
		json_object_put(ret);
		if (failed)
			err = -EIO;
		else if (!done && now_ms() > deadline)
			err = -ETIMEDOUT;
		else if (!done)
			usleep(2000);
	}
	return err;
}

/* Take the state from QEMU. Return the data for free(3), or NULL with errno set. */
static char *receive_state(struct qmp *qmp, const struct vm_slot *slot, const char *path,
			   size_t *len)
{
	int listener = open_socket(path, true), fd = -1, err;
	char *data = NULL, *uri = xprintf("unix:%s", path);

	err = listener < 0 ? listener : give_socket(path, slot->pid);
	if (!err)
		err = migration_prepare(qmp, MIGRATION_NO_MEMORY);
	if (!err)
		err = migration_begin(qmp, uri);
	if (!err)
		err = wait_for(listener, slot, now_ms() + STATE_MS);
	if (!err) {
		fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		err = fd < 0 ? -errno : qmp_is_peer(fd, slot->pid) ? 0 : -EPERM;
	}
	if (!err) {
		data = read_all(fd, slot, len);
		err = data ? wait_completed(qmp) : -errno;
	}
	if (err && listener >= 0)
		qmp_run(qmp, QMP_MS, "migrate_cancel", NULL, NULL);
	if (fd >= 0)
		close(fd);
	if (listener >= 0)
		close(listener);
	unlink(path);
	free(uri);
	if (!err)
		return data;
	free(data);
	errno = -err;
	return NULL;
}

static int write_state(const char *path, const char *data, size_t len,
		       struct failure *failure)
{
	FILE *to = fopen(path, "wxe");
	int err = 0;

	if (!to || fwrite(data, 1, len, to) != len || fflush(to) || fsync(fileno(to)))
		err = system_error(failure, "cannot write ", path);
	if (to && fclose(to) && !err)
		err = system_error(failure, "cannot write ", path);
	return err;
}

int image_save_state(struct qmp *qmp, const struct vm_slot *slot, const char *path,
		     struct template_file *file, struct failure *failure)
{
	char *socket_path = vm_slot_path(slot, "migrate");
	size_t len = 0;
	char *data = receive_state(qmp, slot, socket_path, &len);
	int err = errno;

	free(socket_path);
	if (!data)
		return failure_set(failure, -err, TOOL_TEMPLATE_NOT_SAVED,
				   "QEMU did not save the state of its devices: %s",
				   *qmp_message(qmp) ? qmp_message(qmp) : strerror(err));
	file->bytes = len;
	file->sum = image_sum(IMAGE_SUM, data, len);
	err = write_state(path, data, len, failure);
	free(data);
	return err;
}

static int send_state(int fd, const char *data, size_t len)
{
	ssize_t done;

	for (; len; data += done, len -= done) {
		done = send(fd, data, len, MSG_NOSIGNAL);
		if (done < 0 && errno != EINTR)
			return -errno;
		if (done < 0)
			done = 0;
	}
	return 0;
}

int image_load_state(struct qmp *qmp, const struct vm_slot *slot, const char *path,
		     const struct template_file *file, struct failure *failure)
{
	char *data = map_file(path, file, failure), *socket_path, *uri;
	int err, fd = -1;

	if (!data)
		return -EIO;
	if (image_sum(IMAGE_SUM, data, file->bytes) != file->sum) {
		munmap(data, file->bytes);
		return damaged(failure, path, "is damaged: its checksum is wrong");
	}
	socket_path = vm_slot_path(slot, "migrate");
	uri = xprintf("unix:%s", socket_path);
	err = migration_prepare(qmp, MIGRATION_NO_MEMORY);
	if (!err)
		err = migration_listen(qmp, uri);
	if (!err) {
		fd = open_socket(socket_path, false);
		err = fd < 0 ? fd : qmp_is_peer(fd, slot->pid) ? 0 : -EPERM;
		if (!err)
			err = send_state(fd, data, file->bytes);
	}
	if (fd >= 0)
		close(fd);
	if (!err || err == -EPIPE)
		err = migration_wait_loaded(qmp, slot, STATE_MS);
	/* QEMU must not leave memory out when the machine migrates later. */
	if (!err)
		err = migration_prepare(qmp, 0);
	unlink(socket_path);
	free(uri);
	free(socket_path);
	munmap(data, file->bytes);
	if (err)
		failure_set(failure, err, TOOL_QEMU_FAILED, "%s",
			    *qmp_message(qmp) ? qmp_message(qmp) : strerror(-err));
	return err;
}

/* Files */

int image_copy_file(const char *from, const char *to, struct failure *failure)
{
	int in = open(from, O_RDONLY | O_CLOEXEC), out, err = 0;
	ssize_t done = 1;

	if (in < 0)
		return system_error(failure, "", from);
	out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (out < 0)
		err = system_error(failure, "cannot write ", to);
	else if (!ioctl(out, FICLONE, in))
		done = 0;
	while (!err && done) {
		done = sendfile(out, in, NULL, 1U << 30);
		if (done < 0)
			err = system_error(failure, "cannot write ", to);
	}
	/* A QEMU of another user inherits it, and opens it again. */
	if (!err && (fchmod(out, 0444) || fsync(out)))
		err = system_error(failure, "cannot write ", to);
	if (out >= 0)
		close(out);
	close(in);
	return err;
}
