// SPDX-License-Identifier: GPL-2.0-only
/*
 * The AppArmor profile of a QEMU, or its SELinux context.
 *
 * The user of a machine can open the disks of all machines of that user. A profile for each
 * QEMU leaves it the files of its machine. vpoolctl makes the profile from the
 * arguments of QEMU (profile.c), apparmor_parser loads it, and QEMU starts in it.
 *
 * With SELinux, the labels of files decide, which belong to the administrator. vpoolctl only
 * starts QEMU in the context that the machine has.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <libvpool.h>

#include "base/alloc.h"
#include "base/code.h"
#include "base/command.h"
#include "base/exit.h"
#include "base/files.h"
#include "host/privilege.h"
#include "output/messages.h"
#include "vm/confine.h"
#include "vm/label.h"
#include "vm/profile.h"
#include "vm/program.h"
#include "vm/qemu_args.h"
#include "vm/user.h"
#include "vm/vm.h"

#define ENABLED "/sys/module/apparmor/parameters/enabled"
/* SELinux checks contexts that are written here: security_check_context(3). */
#define CHECK_CONTEXT "/sys/fs/selinux/context"
/* Longest message of apparmor_parser that is shown. */
#define MESSAGE_MAX 400

/* Choosing */

static bool is_enabled(void)
{
	char *text = read_text(ENABLED);
	bool enabled = text && *text == 'Y';

	free(text);
	return enabled;
}

/* Tell whether the file is a program and not a script, which would need other programs. */
static bool is_binary(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char magic[4] = "";
	bool is;

	is = fd >= 0 && read(fd, magic, sizeof(magic)) == sizeof(magic) &&
	     !memcmp(magic, "\177ELF", sizeof(magic));
	if (fd >= 0)
		close(fd);
	return is;
}

/* Return why this process can load no profiles, or NULL. */
static const char *find_obstacle(void)
{
	char *parser = vm_program_find(&vm_program_apparmor);

	free(parser);
	if (geteuid() || !may_change_host())
		return "only root can load one";
	if (!is_enabled())
		return "AppArmor is not enabled on this host";
	if (!parser)
		return "apparmor_parser is not installed (apparmor)";
	if (access(LABEL_REMOVE, W_OK))
		return LABEL_REMOVE " cannot be written";
	return NULL;
}

static bool qemu_is_script(void)
{
	char *qemu = vm_program_path(qemu_program());
	bool is = !qemu || !is_binary(qemu);

	free(qemu);
	return is;
}

const char *vm_confine_context(const char *wanted)
{
	return wanted && strchr(wanted, ':') ? wanted : NULL;
}

static int check_context(const struct invocation *inv, const char *vm, const char *context)
{
	int err = write_text(CHECK_CONTEXT, context);
	const char *obstacle;

	/* Only the start of QEMU tells whether this process may use the context. */
	if (!err || err == -EACCES || err == -EPERM)
		return 0;
	obstacle = err == -ENOENT ? "SELinux is not enabled on this host" :
		   err == -EINVAL ? "the policy of this host has no such context" :
		   strerror(-err);
	cmd_error(inv, vm, TOOL_VM_CONFINE, "QEMU cannot run in the SELinux context %s: %s",
		  context, obstacle);
	return -1;
}

int vm_confine_choose(const struct invocation *inv, const char *vm, const char *wanted,
		      bool *confined)
{
	bool must = wanted && !strcmp(wanted, "yes");
	const char *obstacle;
	char *text;

	*confined = false;
	if (vm_confine_context(wanted))
		return check_context(inv, vm, wanted);
	if (wanted && !strcmp(wanted, "no"))
		return 0;
	obstacle = find_obstacle();
	/* Such a host does not use AppArmor. */
	if (obstacle && !must)
		return 0;
	if (!obstacle && qemu_is_script())
		obstacle = "the program of QEMU is a script";
	*confined = !obstacle;
	if (!obstacle)
		return 0;
	if (must) {
		cmd_error(inv, vm, TOOL_VM_CONFINE, "QEMU cannot have an AppArmor profile: %s",
			  obstacle);
		return -1;
	}
	text = xprintf("vpoolctl: %s %s: QEMU runs without an AppArmor profile: %s; %s",
		       inv->cmd->name, vm, obstacle,
		       "--confine no is for that without a warning");
	report_error(TOOL_VM_UNCONFINED, text);
	free(text);
	return 0;
}

/* Loading */

/* Run apparmor_parser with the profile as its input. Called in a child. */
static void become_parser(const char *parser, int text, int output)
{
	if (dup2(text, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 ||
	    dup2(output, STDERR_FILENO) < 0)
		_exit(EXIT_CANNOT_RUN);
	execl(parser, parser, "--replace", "--skip-cache", (char *)NULL);
	_exit(EXIT_NOT_FOUND);
}

/* Read the last line that the parser prints, after its warnings, and wait until it has ended. */
static int wait_parser(pid_t pid, int output, char *message)
{
	size_t len = 0;
	ssize_t got;
	char rest[256], *line;
	int status;

	while (len < MESSAGE_MAX && (got = read(output, message + len, MESSAGE_MAX - len)) > 0)
		len += got;
	while (len == MESSAGE_MAX && read(output, rest, sizeof(rest)) > 0)
		;
	message[len] = '\0';
	if (len && message[len - 1] == '\n')
		message[len - 1] = '\0';
	line = strrchr(message, '\n');
	if (line)
		memmove(message, line + 1, strlen(line));
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -EINVAL;
}

/* Load the text of a profile. Return 0 or a negative errno, with a message or an empty one. */
static int load_text(const char *text, char *message)
{
	char *parser = vm_program_find(&vm_program_apparmor);
	int file = memfd_create("profile", MFD_CLOEXEC), ends[2] = { -1, -1 }, err = 0;
	size_t len = strlen(text);
	pid_t pid;

	*message = '\0';
	if (!parser)
		err = -ENOENT;
	else if (file < 0 || write(file, text, len) != (ssize_t)len ||
		 lseek(file, 0, SEEK_SET) || pipe2(ends, O_CLOEXEC))
		err = -errno;
	if (!err) {
		pid = fork();
		if (!pid)
			become_parser(parser, file, ends[1]);
		close(ends[1]);
		err = pid < 0 ? -errno : wait_parser(pid, ends[0], message);
		close(ends[0]);
	}
	if (file >= 0)
		close(file);
	free(parser);
	return err;
}

static int load_profile(struct profile *profile, char *message)
{
	char *program = vm_program_path(qemu_program()), *real, *text;
	int err = -ENOENT;

	*message = '\0';
	real = program ? realpath(program, NULL) : NULL;
	if (real) {
		profile->program = real;
		text = profile_text(profile);
		err = load_text(text, message);
		free(text);
	}
	free(real);
	free(program);
	return err;
}

int vm_confine_load(const struct invocation *inv, const char *vm, const struct vm_slot *slot,
		    struct vpool *pool, char **args, int cwd, const struct vm_user *user)
{
	char *name = label_name(slot->dir);
	char message[MESSAGE_MAX + 1] = "";
	struct profile profile = {
		.name = name, .dir = slot->dir, .args = args, .cwd = cwd,
		.root = !user->name,
	};
	struct vpool_info *info;
	int err = vpool_query(pool, NULL, &info);

	if (!err) {
		profile.pool = user->name ? NULL : info->name;
		/* If this vpoolctl dies, the next one removes the profile. */
		err = label_set(slot->dir);
		if (!err)
			err = load_profile(&profile, message);
		vpool_info_free(info);
	}
	if (err)
		cmd_error(inv, vm, TOOL_VM_CONFINE,
			  "cannot load the AppArmor profile of QEMU: %s; --confine no starts it without one",
			  *message ? message : strerror(-err));
	free(name);
	return err ? -1 : 0;
}

/* Using */

static int enter_profile(const struct vm_slot *slot)
{
	char *name = label_name(slot->dir), *word = xprintf("exec %s", name);
	int err = write_text("/proc/self/attr/apparmor/exec", word);

	free(word);
	free(name);
	if (err)
		fprintf(stderr, "QEMU cannot run in its AppArmor profile: %s\n", strerror(-err));
	return err;
}

int vm_confine_enter(const struct vm_slot *slot, const char *context)
{
	int err;

	if (label_is_set(slot->dir))
		return enter_profile(slot);
	err = context ? write_text("/proc/self/attr/exec", context) : 0;
	if (err)
		fprintf(stderr, "QEMU cannot run in the SELinux context %s: %s\n", context,
			strerror(-err));
	return err;
}
