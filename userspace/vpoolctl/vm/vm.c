// SPDX-License-Identifier: GPL-2.0-only
/*
 * Find and lock virtual machines.
 *
 * A machine NAME is a directory of that name. It has a directory for each QEMU of the
 * machine, called a slot: one, and a second one during a migration. No file stores
 * whether a slot is in use. A slot is in use as long as its QEMU holds the lock on the
 * file "alive". QEMU inherits that lock, and the kernel drops it when the last thread of
 * QEMU ends, for whatever reason. The kernel also reports which process holds the lock.
 *
 * A vpoolctl that changes a machine holds a lock on the directory of the machine. While
 * it holds the lock, no other vpoolctl changes the machine. So an inconsistent state is
 * the leftover of a crash, which vm_recover() cleans up.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/code.h"
#include "base/command.h"
#include "base/exit.h"
#include "base/failure.h"
#include "base/files.h"
#include "output/messages.h"
#include "vm/device.h"
#include "vm/dirs.h"
#include "vm/ended.h"
#include "vm/handed.h"
#include "vm/label.h"
#include "vm/log.h"
#include "vm/qmp.h"
#include "vm/scope.h"
#include "vm/vm.h"

/* Time limit for a killed QEMU to exit, in milliseconds. */
#define EXIT_MS 60000
/* Time limit for a QEMU to report its run state, in milliseconds. */
#define STATUS_MS 2000
/* Time limit for a keeper to note the end of QEMU, in milliseconds. */
#define KEEPER_MS 2000
/* Time limit for helpers to end after QEMU, in milliseconds. */
#define HELPERS_MS 5000
/* Time limit for an abandoned migration to hand over, in milliseconds. */
#define CHOOSE_MS 20000

/* Names and paths */

char *vm_root(void)
{
	return vm_run_dir("vm");
}

char **vm_names(size_t *nr)
{
	char *root = vm_root(), **names = vm_names_in(root, "", nr);

	free(root);
	return names;
}

char *vm_slot_path(const struct vm_slot *slot, const char *file)
{
	return xprintf("%s/%s", slot->dir, file);
}

/* Slots */

/* Return the process that holds the lock of a slot, or 0. */
static pid_t lock_holder(const struct vm_slot *slot)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char *path = vm_slot_path(slot, "alive");
	int fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	pid_t pid = 0;

	if (fd >= 0 && !fcntl(fd, F_GETLK, &lock) && lock.l_type != F_UNLCK)
		pid = lock.l_pid;
	if (fd >= 0)
		close(fd);
	free(path);
	return pid;
}

void vm_slot_update(struct vm_slot *slot)
{
	if (slot->pidfd >= 0)
		close(slot->pidfd);
	slot->pidfd = -1;
	slot->pid = lock_holder(slot);
	if (slot->pid <= 0) {
		slot->pid = 0;
		return;
	}
	slot->pidfd = syscall(SYS_pidfd_open, slot->pid, 0);
	/* It still holds the lock, so the pidfd is not for a process with a reused pid. */
	if (slot->pidfd < 0 || lock_holder(slot) != slot->pid) {
		slot->pid = 0;
		if (slot->pidfd >= 0)
			close(slot->pidfd);
		slot->pidfd = -1;
	}
}

int vm_slot_wait(const struct vm_slot *slot, int ms)
{
	struct pollfd poll_fd = { .fd = slot->pidfd, .events = POLLIN };
	int nr;

	if (slot->pidfd < 0)
		return 0;
	nr = poll(&poll_fd, 1, ms);
	if (nr < 0)
		return -errno;
	return nr ? 0 : -ETIMEDOUT;
}

/* The memory of the guest that a helper has mapped is in use until the helper ends. */
static void wait_helpers(const struct vm_slot *slot)
{
	char *path = vm_slot_path(slot, VM_HELPERS);
	int fd = open(path, O_RDWR | O_CLOEXEC);
	double deadline = now_ms() + HELPERS_MS;

	free(path);
	while (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK &&
	       now_ms() < deadline)
		usleep(1000);
	if (fd >= 0)
		close(fd);
}

void vm_slot_wait_keeper(const struct vm_slot *slot)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char *path = vm_slot_path(slot, VM_KEEPER);
	int fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	double deadline = now_ms() + KEEPER_MS;

	free(path);
	while (fd >= 0 && !fcntl(fd, F_GETLK, &lock) && lock.l_type != F_UNLCK &&
	       now_ms() < deadline) {
		lock.l_type = F_WRLCK;
		usleep(1000);
	}
	if (fd >= 0)
		close(fd);
	wait_helpers(slot);
}

/* The user of a QEMU can have created files with any names, and links to other directories. */
void vm_slot_remove(struct vm_slot *slot)
{
	int fd = open(slot->dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;

	label_remove(slot->dir);
	while (dir && (entry = readdir(dir))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (unlinkat(fd, entry->d_name, 0))
			unlinkat(fd, entry->d_name, AT_REMOVEDIR);
	}
	if (dir)
		closedir(dir);
	else if (fd >= 0)
		close(fd);
	rmdir(slot->dir);
}

void vm_slot_stop(struct vm_slot *slot)
{
	if (slot->pidfd >= 0) {
		syscall(SYS_pidfd_send_signal, slot->pidfd, SIGKILL, NULL, 0);
		while (vm_slot_wait(slot, EXIT_MS) == -EINTR)
			;
		close(slot->pidfd);
		vm_slot_wait_keeper(slot);
	}
	slot->pidfd = -1;
	slot->pid = 0;
	vm_slot_remove(slot);
}

int vm_slot_connect(const struct vm_slot *slot, const char *monitor, int ms,
		    struct qmp **qmp)
{
	char *path = vm_slot_path(slot, monitor);
	int err = -ENOENT;

	*qmp = NULL;
	if (slot->pid)
		err = qmp_open(path, slot->pid, ms, qmp);
	free(path);
	return err;
}

char *vm_slot_status(const struct vm_slot *slot)
{
	char *status = NULL;
	struct qmp *qmp;

	if (!vm_slot_connect(slot, "state", STATUS_MS, &qmp))
		status = qmp_status(qmp);
	qmp_close(qmp);
	return status;
}

static bool is(const char *status, const char *wanted)
{
	return status && !strcmp(status, wanted);
}

/* Tell whether QEMU is in a state before the start of the machine. */
static bool unborn(const char *status)
{
	return is(status, "prelaunch") || is(status, "inmigrate");
}

/*
 * Find the slot that has the machine, when both QEMUs of an abandoned migration run. This
 * is the source slot, unless that has handed over the machine. Then the target slot has
 * it as soon as it has loaded the state.
 */
static int choose_slot(struct vm *vm)
{
	char *status[VM_SLOTS];
	double deadline = now_ms() + CHOOSE_MS;
	int i, now = -1;

	while (now < 0 && now_ms() < deadline) {
		for (i = 0; i < VM_SLOTS; i++)
			status[i] = vm_slot_status(vm->slot + i);
		for (i = 0; i < VM_SLOTS; i++) {
			if (is(status[i], "postmigrate") &&
			    !unborn(status[!i]))
				now = !i;
			if (unborn(status[!i]) && status[i] &&
			    !is(status[i], "postmigrate"))
				now = i;
		}
		for (i = 0; i < VM_SLOTS; i++)
			free(status[i]);
		if (now < 0)
			usleep(100000);
	}
	return now;
}

/* Tell whether a vpoolctl that died before it started the machine left this QEMU. */
static bool is_unborn(const struct vm_slot *slot)
{
	char *status = vm_slot_status(slot);
	bool yes = unborn(status);

	free(status);
	return yes;
}

static void find_sides(struct vm *vm)
{
	int i;

	for (i = 0; i < VM_SLOTS; i++) {
		vm->slot[i].dir = xprintf("%s/%d", vm->dir, i);
		vm->slot[i].pidfd = -1;
		vm_slot_update(vm->slot + i);
	}
}

/*
 * Note that a QEMU has ended without vpoolctl. Its keeper has done that, unless it was
 * killed, too.
 */
static void note_end(const struct vm *vm, const struct vm_slot *slot)
{
	struct ended ended = {
		.at = time(NULL), .unexpected = true,
		.reason = "the QEMU and the vpoolctl that watches it were killed",
	};
	struct ended earlier;
	struct stat st;

	if (stat(slot->dir, &st) || ended_read(vm->name, &earlier))
		return;
	ended_write(vm->name, &ended);
}

int vm_return_devices(struct vm *vm)
{
	struct failure failure;
	char *text;
	int err = vm_devices_return(vm->dir, &failure);

	if (err) {
		vm->keeps_devices = true;
		text = xprintf("vpoolctl: vm %s: %s", vm->name, failure.text);
		report_error(failure.code, text);
		free(text);
	}
	return err;
}

/* Tell whether a locked machine has no QEMU. */
static bool is_empty(const struct vm *vm)
{
	return vm->lock >= 0 && !vm->slot[0].pid && !vm->slot[1].pid;
}

/* Find the slot that has the machine, and stop any other QEMU. The caller holds the lock. */
static void vm_recover(struct vm *vm)
{
	int i;

	vm->now = -1;
	if (vm->slot[0].pid && vm->slot[1].pid) {
		vm->now = choose_slot(vm);
		if (vm->now >= 0)
			vm_slot_stop(vm->slot + !vm->now);
		return;
	}
	for (i = 0; i < VM_SLOTS; i++) {
		if (!vm->slot[i].pid) {
			vm_slot_wait_keeper(vm->slot + i);
			note_end(vm, vm->slot + i);
		}
		if (vm->slot[i].pid && !is_unborn(vm->slot + i))
			vm->now = i;
		else
			vm_slot_stop(vm->slot + i);
	}
	if (is_empty(vm))
		vm_return_devices(vm);
}

/* Machines */

static struct vm *vm_new(const char *name)
{
	struct vm *vm = xcalloc(1, sizeof(*vm));
	char *root = vm_root();

	vm->name = xstrdup(name);
	vm->dir = xprintf("%s/%s", root, name);
	vm->lock = -1;
	vm->now = -1;
	free(root);
	return vm;
}

static void vm_free(struct vm *vm)
{
	int i;

	for (i = 0; i < VM_SLOTS; i++) {
		if (vm->slot[i].dir && vm->slot[i].pidfd >= 0)
			close(vm->slot[i].pidfd);
		free(vm->slot[i].dir);
	}
	if (vm->lock >= 0)
		close(vm->lock);
	free(vm->dir);
	free(vm->name);
	free(vm);
}

/* Tell whether the locked directory is still the directory of the machine. */
static bool still_there(const struct vm *vm)
{
	struct stat ours, now;

	return !fstat(vm->lock, &ours) && !stat(vm->dir, &now) &&
	       ours.st_ino == now.st_ino && ours.st_dev == now.st_dev;
}

static int lock_once(struct vm *vm, bool create)
{
	int err = create ? make_dirs(vm->dir) : 0;

	if (err)
		return err;
	vm->lock = open(vm->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (vm->lock < 0)
		return -errno;
	if (flock(vm->lock, LOCK_EX | LOCK_NB))
		err = errno == EWOULDBLOCK ? -EBUSY : -errno;
	else if (!still_there(vm))
		err = -EAGAIN;
	if (err) {
		close(vm->lock);
		vm->lock = -1;
	}
	return err;
}

int vm_open(const char *name, bool create, struct vm **ret)
{
	struct vm *vm = vm_new(name);
	int err;

	*ret = NULL;
	do
		err = lock_once(vm, create);
	while (err == -EAGAIN || (create && err == -ENOENT));
	if (!err) {
		find_sides(vm);
		vm_recover(vm);
		if (vm->now < 0 && (vm->slot[0].pid || vm->slot[1].pid))
			err = -ETIMEDOUT;
		else if (vm->now < 0 && !create)
			err = -ENOENT;
	}
	if (err)
		vm_close(vm);
	else
		*ret = vm;
	return err;
}

/* Find the slot of two that has the machine: not a starting one, nor a former source. */
static int tell_apart(char * const *status)
{
	int i;

	for (i = 0; i < VM_SLOTS; i++)
		if (unborn(status[i]) || is(status[i], "postmigrate"))
			return !i;
	/* A starting QEMU does not answer yet. If neither answers, either will do. */
	return status[0] || !status[1] ? 0 : 1;
}

struct vm *vm_inspect(const char *name)
{
	struct vm *vm = vm_new(name);
	char *status[VM_SLOTS] = { NULL };
	int i;

	find_sides(vm);
	for (i = 0; i < VM_SLOTS; i++)
		if (vm->slot[i].pid)
			status[i] = vm_slot_status(vm->slot + i);
	if (vm->slot[0].pid && vm->slot[1].pid)
		vm->now = tell_apart(status);
	/* A QEMU that does not answer may run its guest. */
	for (i = 0; vm->now < 0 && i < VM_SLOTS; i++)
		if (vm->slot[i].pid && !unborn(status[i]) && !vm->slot[!i].pid)
			vm->now = i;
	for (i = 0; i < VM_SLOTS; i++)
		free(status[i]);
	return vm;
}

void vm_close(struct vm *vm)
{
	int i;

	if (!vm)
		return;
	/* With the lock, all slots must be empty. */
	for (i = 0; vm->lock >= 0 && i < VM_SLOTS; i++)
		if (!vm->slot[i].pid)
			vm_slot_remove(vm->slot + i);
	if (is_empty(vm) && !vm->keeps_devices)
		vm_return_devices(vm);
	if (is_empty(vm)) {
		handed_remove(vm->dir);
		scope_remove(vm->dir);
		label_wanted_remove(vm->dir);
	}
	if (vm->lock >= 0)
		rmdir(vm->dir);
	vm_free(vm);
}

/* For the verbs */

struct vm *vm_running(const struct invocation *inv, const char *name,
		      int *status)
{
	struct vm *vm = NULL;
	struct ended ended;
	char *log;
	int err;

	*status = EXIT_FAILED;
	if (!vm_name_ok(name)) {
		cmd_error(inv, NULL, TOOL_VM_NAME,
			  "'%s' is not a valid name of a virtual machine",
			  name);
		return NULL;
	}
	err = vm_open(name, false, &vm);
	log = vm_log_path(name);
	if (!err)
		*status = EXIT_OK;
	else if (err == -ENOENT && ended_read(name, &ended))
		cmd_error(inv, name, TOOL_VM_MISSING,
			  "it does not run: %s; its output is in %s; 'vpoolctl vm list -a' shows the machines that do not run",
			  ended.reason, log);
	else if (err == -ENOENT)
		cmd_error(inv, name, TOOL_VM_MISSING,
			  "there is no such virtual machine; 'vpoolctl vm list' shows the running ones");
	else if (err == -EBUSY)
		cmd_error(inv, name, TOOL_VM_BUSY,
			  "another vpoolctl is starting, stopping or migrating it; try again later");
	else if (err == -ETIMEDOUT)
		cmd_error(inv, name, TOOL_VM_STUCK,
			  "its migration was abandoned, and its QEMUs do not answer; try again, or end them");
	else
		cmd_error(inv, name, errno_code(-err), "%s", strerror(-err));
	free(log);
	return vm;
}

struct qmp *vm_connect(const struct invocation *inv, const struct vm *vm)
{
	struct qmp *qmp;
	int err;

	err = vm_slot_connect(vm->slot + vm->now, "qmp", 10000, &qmp);
	if (err)
		cmd_error(inv, vm->name, TOOL_QEMU_FAILED,
			  "its QEMU, process %d, does not answer: %s",
			  vm->slot[vm->now].pid, strerror(-err));
	return qmp;
}
