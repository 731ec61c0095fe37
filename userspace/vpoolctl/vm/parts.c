// SPDX-License-Identifier: GPL-2.0-only
/*
 * Parts of a machine that need more of the host than QEMU's arguments: files that stay with
 * the machine, descriptors, and helpers.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/code.h"
#include "base/command.h"
#include "base/failure.h"
#include "base/files.h"
#include "base/macros.h"
#include "output/messages.h"
#include "vm/args.h"
#include "vm/config.h"
#include "vm/dirs.h"
#include "vm/firmware.h"
#include "vm/net.h"
#include "vm/parts.h"
#include "vm/program.h"
#include "vm/qemu_args.h"
#include "vm/seed.h"
#include "vm/template.h"
#include "vm/user.h"

/* Files in the directory of the state of a machine. */
#define VARIABLES "uefi-variables"
#define SEED "seed.iso"
#define TPM "tpm"

/* Files of swtpm in the directory of the TPM. */
static const char * const tpm_files[] = {
	".lock", "tpm2-00.permall", "tpm2-00.volatilestate",
};

/* Checks */

static bool has_uefi(const struct vm_config *config)
{
	return config->firmware && !strcmp(config->firmware, "uefi");
}

static int check_uefi(const struct invocation *inv, const char *name)
{
	struct vm_firmware firmware;
	int err = vm_firmware_find(&firmware);

	vm_firmware_free(&firmware);
	if (!err)
		return 0;
	cmd_error(inv, name, TOOL_VM_PROGRAM,
		  "there is no UEFI firmware: install OVMF (ovmf), or set VPOOL_OVMF_DIR to the directory of OVMF_CODE.fd and OVMF_VARS.fd");
	return -1;
}

static int check_program(const struct invocation *inv, const char *name, const char *part,
			 const char *package, const struct vm_program *program)
{
	char *path = vm_program_find(program);

	free(path);
	if (path)
		return 0;
	cmd_error(inv, name, TOOL_VM_PROGRAM,
		  "%s needs the program %s: install it, or set %s to its path", part, package,
		  program->variable);
	return -1;
}

static int check_share(const struct invocation *inv, const char *name, const char *dir)
{
	struct stat st;

	if (!stat(dir, &st) && !S_ISDIR(st.st_mode))
		cmd_error(inv, name, TOOL_VM_FILE, "the share %s: it is not a directory", dir);
	else if (access(dir, R_OK | X_OK))
		cmd_error(inv, name, errno_code(errno), "the share %s: %s", dir,
			  strerror(errno));
	/* virtiofsd takes a comma for the begin of another option. */
	else if (strpbrk(dir, ",\\"))
		cmd_error(inv, name, TOOL_VM_FILE,
			  "the share %s: its path must not have commas and backslashes", dir);
	else
		return 0;
	return -1;
}

int vm_parts_check(const struct invocation *inv, const struct vm_config *config)
{
	size_t i;

	if (has_uefi(config) && check_uefi(inv, config->name))
		return -1;
	if (config->tpm && check_program(inv, config->name, "a TPM", "swtpm",
					 &vm_program_swtpm))
		return -1;
	if (config->nr_shares && check_program(inv, config->name, "a share", "virtiofsd",
					       &vm_program_virtiofsd))
		return -1;
	for (i = 0; i < config->nr_shares; i++)
		if (check_share(inv, config->name, config->shares[i].dir))
			return -1;
	if (vm_seed_check(inv, config))
		return -1;
	return vm_nets_check(inv, config);
}

/* State */

/* Return the path of a file of the state of a machine, for free(3). */
static char *state_path(const char *name, const char *file)
{
	char *dir = vm_state_dir(name), *path = xprintf("%s/%s", dir, file);

	free(dir);
	return path;
}

static int state_failed(const struct invocation *inv, const char *name, const char *path,
			int err)
{
	cmd_error(inv, name, TOOL_VM_STATE, "its state %s: %s", path, strerror(-err));
	return -1;
}

/* Create the directory of the state, and note whether it is new. */
static int make_state(const struct invocation *inv, const char *name, struct vm_parts *parts)
{
	char *dir = vm_state_dir(name);
	bool exists = !access(dir, F_OK);
	int err = make_dirs(dir);

	if (err) {
		state_failed(inv, name, dir, err);
		free(dir);
		return -1;
	}
	if (exists)
		free(dir);
	else
		parts->fresh_dir = dir;
	return 0;
}

static int make_variables(const struct invocation *inv, const char *name,
			  struct vm_parts *parts)
{
	struct vm_firmware firmware;
	int err = vm_firmware_find(&firmware);

	parts->variables = state_path(name, VARIABLES);
	if (!err) {
		parts->code = firmware.code;
		firmware.code = NULL;
		err = vm_firmware_copy(&firmware, parts->variables);
		parts->fresh_variables = !err;
		if (err == -EEXIST)
			err = 0;
	}
	vm_firmware_free(&firmware);
	return err ? state_failed(inv, name, parts->variables, err) : 0;
}

static int make_seed(const struct invocation *inv, const struct vm_config *config,
		     struct vm_parts *parts)
{
	struct failure failure;

	parts->seed = state_path(config->name, SEED);
	if (!vm_seed_write(config, parts->seed, &failure))
		return 0;
	cmd_error(inv, config->name, failure.code, "%s", failure.text);
	return -1;
}

/*
 * Give the directory of the TPM and its files to the user. Another user may have had it, so
 * it is closed to all but root first. That user can have made links in it.
 */
static int give_tpm(const char *path, uid_t uid, gid_t gid)
{
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), err = 0;
	struct stat st;
	size_t i;

	if (dir < 0 || fchown(dir, 0, 0) || fchmod(dir, 0700))
		err = -errno;
	for (i = 0; i < ARRAY_SIZE(tpm_files) && !err; i++) {
		if (fstatat(dir, tpm_files[i], &st, AT_SYMLINK_NOFOLLOW) ||
		    !S_ISREG(st.st_mode) || st.st_nlink != 1)
			continue;
		if (fchownat(dir, tpm_files[i], uid, gid, AT_SYMLINK_NOFOLLOW))
			err = -errno;
	}
	if (!err && fchown(dir, uid, gid))
		err = -errno;
	if (dir >= 0)
		close(dir);
	return err;
}

/*
 * Give the files that QEMU opens to its user. Their directory stays that of root, who writes
 * there, and the user can only search it.
 */
static int give_state(const struct invocation *inv, const char *name,
		      const struct vm_user *user, const struct vm_parts *parts)
{
	const char * const files[] = { parts->variables, parts->seed };
	char *dir = vm_state_dir(name);
	int err = 0;
	size_t i;

	if (chmod(dir, 0711))
		err = state_failed(inv, name, dir, -errno);
	for (i = 0; i < ARRAY_SIZE(files) && !err; i++)
		if (files[i] && lchown(files[i], user->uid, user->gid))
			err = state_failed(inv, name, files[i], -errno);
	free(dir);
	return err;
}

/* Helpers */

static int add_helper(const struct invocation *inv, const char *name,
		      struct vm_plugs *plugs, int at, int fd, int end, char **program)
{
	int err = vm_plugs_add(plugs, at, fd, end, program);

	if (!err)
		return 0;
	cmd_error(inv, name, errno_code(-err), "cannot start %s: %s", *program, strerror(-err));
	return -1;
}

/* Add a TPM. Its directory must exist. */
static int add_tpm(const struct invocation *inv, const char *name, struct vm_plugs *plugs)
{
	char *path = vm_program_find(&vm_program_swtpm), *dir = state_path(name, TPM);
	char **program = NULL;
	int ends[2];

	if (!path || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends)) {
		cmd_error(inv, name, TOOL_VM_PROGRAM, "cannot start swtpm: %s",
			  path ? strerror(errno) : "it is not installed");
		free(path);
		free(dir);
		return -1;
	}
	args_add(&program, path);
	args_add_two(&program, "socket", "--tpm2");
	args_add_made(&program, "--tpmstate", xprintf("dir=%s,mode=0600", dir));
	args_add_made(&program, "--ctrl",
		      xprintf("type=unixio,clientfd=%d", VM_HELPER_FD));
	args_add(&program, "--terminate");
	free(path);
	free(dir);
	return add_helper(inv, name, plugs, VM_PLUG_TPM, ends[0], ends[1], program);
}

static int make_tpm(const struct invocation *inv, const char *name,
		    const struct vm_user *user, struct vm_parts *parts)
{
	char *dir = state_path(name, TPM);
	int err = mkdir(dir, 0700) ? -errno : 0;

	parts->fresh_tpm = !err;
	if (err == -EEXIST)
		err = 0;
	/* A machine of root may have been one of another user. */
	if (!err && !geteuid())
		err = give_tpm(dir, user->name ? user->uid : 0, user->name ? user->gid : 0);
	if (err)
		state_failed(inv, name, dir, err);
	free(dir);
	return err ? -1 : add_tpm(inv, name, &parts->plugs);
}

/*
 * Make a listening socket and a connection to it. virtiofsd takes only a listening socket.
 * Its path is in a directory of this user only, and gone before virtiofsd runs. Return 0 or
 * a negative errno.
 */
static int make_socket(const char *dir, int *connected, int *listening)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int room = sizeof(address.sun_path), err = 0;

	if (snprintf(address.sun_path, room, "%s/share", dir) >= room)
		return -ENAMETOOLONG;
	*listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	*connected = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	unlink(address.sun_path);
	if (*listening < 0 || *connected < 0 ||
	    bind(*listening, (struct sockaddr *)&address, sizeof(address)) ||
	    listen(*listening, 1) ||
	    connect(*connected, (struct sockaddr *)&address, sizeof(address)))
		err = -errno;
	unlink(address.sun_path);
	if (err && *listening >= 0)
		close(*listening);
	if (err && *connected >= 0)
		close(*connected);
	return err;
}

/* @user is the one of virtiofsd, if that is not root. */
static int add_share(const struct invocation *inv, const char *name, const char *dir,
		     const struct vm_config_share *share, size_t nr,
		     const struct vm_user *user, struct vm_plugs *plugs)
{
	char *path = vm_program_find(&vm_program_virtiofsd);
	char *source = realpath(share->dir, NULL), **program = NULL;
	int connected, listening, err = -ENOENT;

	if (path && source)
		err = make_socket(dir, &connected, &listening);
	if (err) {
		cmd_error(inv, name, errno_code(-err), "the share %s: %s", share->dir,
			  strerror(-err));
		free(path);
		free(source);
		return -1;
	}
	args_add(&program, path);
	args_add_made(&program, "-o", xprintf("source=%s", source));
	args_add(&program, "-f");
	free(source);
	free(path);
	path = xprintf("--fd=%d", VM_HELPER_FD);
	args_add(&program, path);
	free(path);
	/* Root of a user namespace cannot raise the limit. */
	if (user->name)
		args_add(&program, "--rlimit-nofile=0");
	err = add_helper(inv, name, plugs, VM_PLUG_SHARE + nr, connected, listening, program);
	if (!err)
		plugs->plug[plugs->nr - 1].is_root = true;
	return err;
}

/* All */

int vm_parts_prepare(const struct invocation *inv, const struct vm_config *config,
		     const struct vm_user *user, const char *dir, struct vm_parts *parts)
{
	bool has_state = has_uefi(config) || config->tpm || config->seed.given;
	const char *name = config->name;
	int err = 0;
	size_t i;

	*parts = (struct vm_parts) { 0 };
	if (has_state)
		err = make_state(inv, name, parts);
	if (!err && has_uefi(config))
		err = make_variables(inv, name, parts);
	if (!err && config->seed.given)
		err = make_seed(inv, config, parts);
	if (!err && has_state && user->name)
		err = give_state(inv, name, user, parts);
	if (!err && config->tpm)
		err = make_tpm(inv, name, user, parts);
	for (i = 0; i < config->nr_shares && !err; i++)
		err = add_share(inv, name, dir, config->shares + i, i, user, &parts->plugs);
	for (i = 0; i < config->nr_nets && !err; i++)
		parts->mac[i] = vm_net_mac(config, i);
	if (!err)
		err = vm_nets_open(inv, config, &parts->plugs);
	return err;
}

/* Remove the directory of the TPM with the files of swtpm. */
static int remove_tpm(const char *name)
{
	char *dir = state_path(name, TPM), *path;
	int err = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(tpm_files); i++) {
		path = xprintf("%s/%s", dir, tpm_files[i]);
		unlink(path);
		free(path);
	}
	if (rmdir(dir) && errno != ENOENT)
		err = -errno;
	free(dir);
	return err;
}

/* Remove what a start that failed has created. */
static void undo(const struct vm_config *config, const struct vm_parts *parts)
{
	if (parts->fresh_variables)
		unlink(parts->variables);
	if (parts->seed)
		unlink(parts->seed);
	if (parts->fresh_tpm)
		remove_tpm(config->name);
	if (parts->fresh_dir)
		rmdir(parts->fresh_dir);
}

void vm_parts_close(const struct vm_config *config, struct vm_parts *parts, bool started)
{
	size_t i;

	vm_plugs_close(&parts->plugs);
	if (!started)
		undo(config, parts);
	for (i = 0; i < VM_NETS_MAX; i++)
		free(parts->mac[i]);
	free(parts->code);
	free(parts->variables);
	free(parts->seed);
	free(parts->fresh_dir);
	*parts = (struct vm_parts) { 0 };
}

int vm_parts_forget(const char *name)
{
	static const char * const files[] = { VARIABLES, SEED };
	char *dir = vm_state_dir(name), *path;
	int err = remove_tpm(name);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(files); i++) {
		path = xprintf("%s/%s", dir, files[i]);
		unlink(path);
		free(path);
	}
	if (rmdir(dir) && errno != ENOENT && !err)
		err = -errno;
	free(dir);
	return err;
}

/* Migration */

int vm_parts_reopen(const struct invocation *inv, const char *name, char **args,
		    struct vm_plugs *plugs)
{
	return vm_nets_reopen(inv, name, args, plugs);
}

/* The TPM of vm_args_helped(), not one that the user has passed to QEMU. */
#define OUR_TPM "emulator,id=vpool-tpm,chardev=vpool-tpm"

/* Return why an option prevents a migration, for free(3), or NULL. */
static char *fixed_by(const char *option, const char *value, bool here)
{
	char type[16], name[16];
	int at;

	if (!strcmp(option, "-netdev") && vm_net_parse(value, type, name, &at)) {
		if (!strcmp(type, "macvtap"))
			return xprintf("its network is the macvtap '%s' of this host", name);
		if (!strcmp(type, "tap") && here)
			return xprintf("its network is '%s', which one QEMU can have at a time",
				       name);
	}
	if (!strcmp(option, "-device") && !strncmp(value, "vhost-user-fs-pci,", 18))
		return xstrdup("it shares a directory of the host, and QEMU cannot move that");
	if (!strcmp(option, "-tpmdev") && !strcmp(value, OUR_TPM))
		return xstrdup("it has a TPM, whose state stays here");
	if (!strcmp(option, "-vnc") && !strncmp(value, "127.0.0.1:", 10) && here)
		return xprintf("its screen is on port %d, which one QEMU can have at a time",
			       VM_VNC_FIRST + atoi(value + 10));
	if (!here && template_is_plugged(value) &&
	    (!strcmp(option, "-kernel") || !strcmp(option, "-initrd")))
		return xprintf("its %s is of a template of this host", option + 1);
	if (!here && !strcmp(option, "-drive") && !strncmp(value, "if=virtio,id=seed,", 18))
		return xstrdup("the image of its seed is on this host");
	if (!here && !strcmp(option, "-drive") && !strncmp(value, "if=pflash,unit=1,", 17))
		return xstrdup("its variables of UEFI are on this host");
	return NULL;
}

int vm_parts_check_fixed(const struct invocation *inv, const char *name,
			 const struct vm_slot *slot, bool here)
{
	char **args = qemu_args_read(slot), *reason = NULL;
	size_t i;

	for (i = 0; args && args[i] && args[i + 1] && !reason; i++)
		reason = fixed_by(args[i], args[i + 1], here);
	args_free(args);
	if (!reason)
		return 0;
	cmd_error(inv, name, TOOL_VM_FIXED, "%s; it cannot be migrated", reason);
	free(reason);
	return -1;
}
