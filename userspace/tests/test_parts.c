// SPDX-License-Identifier: GPL-2.0-only
/*
 * Parts of machines: helpers that end with QEMU, images of seeds, variables of UEFI, and
 * the files that stay with a machine. A program plays QEMU.
 */
#define _GNU_SOURCE
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/failure.h"
#include "base/files.h"
#include "base/macros.h"
#include "vm/args.h"
#include "vm/config.h"
#include "vm/firmware.h"
#include "vm/namespace.h"
#include "vm/parts.h"
#include "vm/plug.h"
#include "vm/seed.h"
#include "vm/user.h"
#include "vm/vm.h"
#include "tap.h"

#define QEMU_FD 170

static char dir[64];
static struct vm_slot slot = { .dir = dir };

static void put(const char *file, const char *text)
{
	char *path = xprintf("%s/%s", dir, file);
	FILE *to = fopen(path, "w");

	if (expect(to)) {
		fputs(text, to);
		fclose(to);
	}
	free(path);
}

/* Tell whether a process with a lock on the file of helpers runs. */
static bool helpers_run(void)
{
	char *path = vm_slot_path(&slot, VM_HELPERS);
	int fd = open(path, O_RDWR | O_CLOEXEC);
	bool run = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK;

	if (fd >= 0)
		close(fd);
	free(path);
	return run;
}

/* Start a program that plays QEMU and has a helper, which answers on its descriptor. */
static pid_t play_qemu_of(const char *helper, const struct vm_user *user, bool is_root)
{
	struct vm_plugs plugs = { 0 };
	char **program = NULL, byte;
	int ends[2], said[2];
	pid_t pid;

	args_add_two(&program, "/bin/sh", "-c");
	args_add(&program, helper);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) || pipe(said))
		return -1;
	expect(!vm_plugs_add(&plugs, QEMU_FD, ends[0], ends[1], program));
	plugs.plug[0].is_root = is_root;
	pid = fork();
	if (!pid) {
		if (vm_plugs_inherit(&plugs, &slot, user))
			_exit(1);
		vm_plugs_close(&plugs);
		/* The end of the stream is an answer, too. */
		if (read(QEMU_FD, &byte, 1) < 0 || write(said[1], "x", 1) < 0)
			_exit(1);
		pause();
		_exit(0);
	}
	vm_plugs_close(&plugs);
	close(said[1]);
	expect(read(said[0], &byte, 1) == 1);
	close(said[0]);
	return pid;
}

static pid_t play_qemu(const char *helper)
{
	struct vm_user user = { 0 };

	return play_qemu_of(helper, &user, false);
}

/* The kernel ends a helper with QEMU, even if QEMU is killed. */
static void helper_ends(void)
{
	pid_t pid = play_qemu("echo hello >&3; exec sleep 1000");

	expect(helpers_run());
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	vm_slot_wait_keeper(&slot);
	expect(!helpers_run());
	vm_slot_remove(&slot);
	expect(!mkdir(dir, 0700));
}

/* QEMU notices a helper that fails, because no other process has its end. */
static void helper_fails(void)
{
	pid_t pid = play_qemu("exit 1");

	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	vm_slot_wait_keeper(&slot);
	expect(!helpers_run());
}

/* A helper has its end, the lock, and the standard descriptors alone. */
static void helper_descriptors(void)
{
	char *helper = xprintf("exec > %s/fds; ls /proc/$$/fd; echo >&3; exec sleep 1000", dir);
	int extra = open("/dev/null", O_RDONLY);
	pid_t pid = play_qemu(helper);
	char *path = xprintf("%s/fds", dir), *text = read_text(path);

	expect(extra > 2);
	expect_text(text, "0\n1\n2\n3\n4\n");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(extra);
	unlink(path);
	free(text);
	free(path);
	free(helper);
}

/* Tell whether this process can give a helper another user, in a user namespace. */
static bool can_change_user(void)
{
	pid_t pid = geteuid() ? -1 : fork();
	int status = 1;

	if (!pid)
		_exit(!!unshare(CLONE_NEWUSER));
	if (pid > 0)
		waitpid(pid, &status, 0);
	if (status)
		printf("# skipped: needs root, and user namespaces\n");
	return !status;
}

/* Run a helper as a user, and check what it finds. */
static void helper_as(bool is_root, const char *wanted)
{
	struct vm_user user = { .name = (char *)"vpool-test", .uid = 65534, .gid = 65534 };
	static const char look[] =
		"id -u; cat /proc/self/uid_map; grep -E '^(CapEff|NoNewPrivs)' /proc/self/status";
	char *helper = xprintf("exec > %s/who; %s; echo >&3; exec sleep 1000", dir, look);
	char *path = xprintf("%s/who", dir), *text;
	pid_t pid;

	if (!can_change_user())
		goto out;
	expect(!chmod(dir, 0777));
	pid = play_qemu_of(helper, &user, is_root);
	text = read_text(path);
	expect(text && strstr(text, wanted));
	if (text && !strstr(text, wanted))
		printf("# it is %s\n", text);
	free(text);
	/* The kernel forgets the signal of a process whose user changes. */
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	vm_slot_wait_keeper(&slot);
	expect(!helpers_run());
	unlink(path);
	expect(!chmod(dir, 0700));
out:
	free(path);
	free(helper);
}

static void helper_user(void)
{
	helper_as(false, "CapEff:\t0000000000000000\nNoNewPrivs:\t1\n");
	helper_as(false, "65534\n");
}

static void helper_namespace(void)
{
	helper_as(true, "0\n         0      65534          1\n");
	helper_as(true, "NoNewPrivs:\t1\n");
}

static void user_ranges(void)
{
	static const char text[] = "other:1:2\nvpool-vm-2:3:4\nvpool-vm:100000:65536\n";
	unsigned long first = 0;

	expect(namespace_range(text, "vpool-vm", &first) == 65536 && first == 100000);
	expect(!namespace_range(text, "vpool", &first));
	expect(!namespace_range("vpool-vm:x:1\n", "vpool-vm", &first));
}

/* Return the text of a file of an image for free(3), or NULL. */
static char *read_image(const char *path, const char *name)
{
	struct archive *archive = archive_read_new();
	struct archive_entry *entry;
	char *text = NULL;
	size_t len;

	archive_read_support_format_iso9660(archive);
	if (archive_read_open_filename(archive, path, 4096)) {
		archive_read_free(archive);
		return NULL;
	}
	while (!text && !archive_read_next_header(archive, &entry)) {
		if (strcmp(archive_entry_pathname(entry), name))
			continue;
		len = archive_entry_size(entry);
		text = xcalloc(1, len + 1);
		expect(archive_read_data(archive, text, len) == (la_ssize_t)len);
	}
	archive_read_free(archive);
	return text;
}

static void expect_file(const char *image, const char *name, const char *wanted)
{
	char *text = read_image(image, name);

	if (wanted)
		expect_text(text, wanted);
	else
		expect(!text);
	free(text);
}

static void seed_image(void)
{
	char *user = xprintf("%s/user", dir), *network = xprintf("%s/network", dir);
	char *image = xprintf("%s/seed.iso", dir), label[7] = "";
	struct vm_config config = { .name = "shop", .seed = { .given = true } };
	struct failure failure;
	struct stat st;
	int fd;

	put("user", "#cloud-config\n");
	put("network", "version: 2\n");
	config.seed.user_data = user;
	expect(!vm_seed_write(&config, image, &failure));
	expect_file(image, "user-data", "#cloud-config\n");
	expect_file(image, "meta-data", "instance-id: shop\nlocal-hostname: shop\n");
	expect_file(image, "network-config", NULL);
	expect(!stat(image, &st) && (st.st_mode & 0777) == 0600);
	/* The label is in the first descriptor of the volume. */
	fd = open(image, O_RDONLY);
	expect(pread(fd, label, 6, 16 * 2048 + 40) == 6);
	close(fd);
	expect(!strcasecmp(label, "cidata"));
	/* A second image replaces the first one. */
	config.seed.network_config = network;
	config.seed.meta_data = user;
	expect(!vm_seed_write(&config, image, &failure));
	expect_file(image, "network-config", "version: 2\n");
	expect_file(image, "meta-data", "#cloud-config\n");
	config.seed.user_data = "/nowhere";
	expect(vm_seed_write(&config, image, &failure) < 0);
	expect(strstr(failure.text, "/nowhere: No such file"));
	expect_file(image, "network-config", "version: 2\n");
	config.seed.user_data = user;
	expect(vm_seed_write(&config, "/nowhere/seed", &failure) < 0);
	unlink(user);
	unlink(network);
	unlink(image);
	free(image);
	free(network);
	free(user);
}

/* Variables are copied once, and belong to the machine then. */
static void copied_variables(void)
{
	char *copy = xprintf("%s/variables", dir), *text;
	struct vm_firmware firmware;

	setenv("VPOOL_OVMF_DIR", dir, 1);
	expect(vm_firmware_find(&firmware) == -ENOENT);
	put("OVMF_CODE.fd", "code");
	expect(vm_firmware_find(&firmware) == -ENOENT);
	put("OVMF_VARS.fd", "first");
	if (expect(!vm_firmware_find(&firmware))) {
		expect(!vm_firmware_copy(&firmware, copy));
		put("OVMF_VARS.fd", "other");
		expect(vm_firmware_copy(&firmware, copy) == -EEXIST);
		text = read_text(copy);
		expect_text(text, "first");
		free(text);
		expect(vm_firmware_copy(&firmware, "/nowhere/x") == -ENOENT);
	}
	vm_firmware_free(&firmware);
	unlink(copy);
	free(copy);
}

/* Removing the state removes nothing of another program. */
static void forget(void)
{
	char *path = xprintf("%s/state/shop", dir);

	setenv("VPOOL_STATE_DIR", "/nowhere", 1);
	expect(!vm_parts_forget("shop"));
	free(path);
	path = xprintf("%s/state", dir);
	setenv("VPOOL_STATE_DIR", path, 1);
	free(path);
	path = xprintf("%s/state/shop/tpm", dir);
	expect(!make_dirs(path));
	put("state/shop/uefi-variables", "x");
	put("state/shop/seed.iso", "x");
	put("state/shop/tpm/tpm2-00.permall", "x");
	put("state/shop/mine", "x");
	expect(vm_parts_forget("shop") == -ENOTEMPTY);
	expect(access(path, F_OK));
	free(path);
	path = xprintf("%s/state/shop/mine", dir);
	expect(!access(path, F_OK));
	unlink(path);
	expect(!vm_parts_forget("shop"));
	free(path);
	path = xprintf("%s/state/shop", dir);
	expect(access(path, F_OK));
	free(path);
}

static const struct tap_case cases[] = {
	{ "a helper ends with QEMU", helper_ends },
	{ "QEMU notices a helper that fails", helper_fails },
	{ "a helper has only its descriptors", helper_descriptors },
	{ "a helper runs as the user of QEMU", helper_user },
	{ "a helper can be root in a user namespace of that user", helper_namespace },
	{ "the range of a user is found", user_ranges },
	{ "the image of a seed has the files and the label", seed_image },
	{ "each machine has a copy of the variables", copied_variables },
	{ "the state of a machine can be removed", forget },
};

int main(void)
{
	char *command;
	int status;

	snprintf(dir, sizeof(dir), "/tmp/vpool-parts-XXXXXX");
	if (!mkdtemp(dir))
		return 1;
	status = tap_main(cases, ARRAY_SIZE(cases));
	command = xprintf("rm -r %s", dir);
	if (system(command))
		status = 1;
	free(command);
	return status;
}
