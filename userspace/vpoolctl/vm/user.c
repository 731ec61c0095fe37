// SPDX-License-Identifier: GPL-2.0-only
/*
 * The user that QEMU runs as.
 *
 * A guest that breaks out of QEMU has the privileges of QEMU. So root does not run QEMU
 * itself: the process that becomes QEMU joins the pool and the cgroup as root, and then
 * becomes another user. It cannot open the device of the pool, so it inherits files of the
 * pool for its memory (backing.c). All other files must be open to the user, which
 * user_files.c checks.
 *
 * The user must not be able to mislead a vpoolctl of root. In the directory of a slot, it
 * can create sockets, but the sticky bit keeps it from replacing files of root. vpoolctl
 * uses a socket only if the process of the slot listens on it (qmp_open()).
 *
 * The keeper of QEMU stays root's, because it writes the log of the machine.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/code.h"
#include "base/files.h"
#include "host/privilege.h"
#include "output/messages.h"
#include "vm/user.h"

/* Choosing */

/* Read the groups of a user. glibc reports the number of groups if the array is too small. */
static void read_groups(const struct passwd *entry, struct vm_user *user)
{
	int nr = 16, room;

	do {
		room = nr;
		user->groups = xrealloc(user->groups, (room + 1) * sizeof(*user->groups));
	} while (getgrouplist(entry->pw_name, entry->pw_gid, user->groups, &nr) < 0 &&
		 nr > room);
	user->nr_groups = nr;
}

static void use_entry(const struct passwd *entry, struct vm_user *user)
{
	if (entry->pw_uid == geteuid())
		return;
	*user = (struct vm_user) {
		.name = xstrdup(entry->pw_name),
		.uid = entry->pw_uid,
		.gid = entry->pw_gid,
	};
	read_groups(entry, user);
}

static bool is_root(void)
{
	return !geteuid() && may_change_host();
}

void vm_user_warn(const char *vm, const char *wanted, const struct vm_user *user)
{
	char *text;

	if (!is_root() || wanted || user->name)
		return;
	text = xprintf("vpoolctl: vm start %s: there is no user " VM_USER
		       ", so QEMU runs as root; create the user, or use --user root", vm);

	report_error(TOOL_VM_AS_ROOT, text);
	free(text);
}

int vm_user_choose(const struct invocation *inv, const char *vm, const char *wanted,
		   struct vm_user *user)
{
	const char *name = wanted ? wanted : VM_USER;
	bool root = is_root();
	struct passwd *entry;

	*user = (struct vm_user) { 0 };
	if (!wanted && !root)
		return 0;
	entry = getpwnam(name);
	if (entry && (root || entry->pw_uid == geteuid())) {
		use_entry(entry, user);
		return 0;
	}
	if (!wanted)
		return 0;
	cmd_error(inv, vm, TOOL_VM_USER, entry ?
		  "only root can run QEMU as another user, such as '%s'" :
		  "there is no user '%s' here", name);
	return -1;
}

/* Running QEMUs */

/* Find a line of /proc/PID/status, such as "Uid:". Return what follows, or NULL. */
static const char *status_line(const char *status, const char *key)
{
	const char *at = strstr(status, key);

	return at && at > status && at[-1] == '\n' ? at + strlen(key) : NULL;
}

static void parse_groups(const char *line, struct vm_user *user)
{
	unsigned int group;
	int len;

	for (; line && sscanf(line, "%u%n", &group, &len) == 1; line += len) {
		user->groups = xrealloc(user->groups,
					(user->nr_groups + 2) * sizeof(*user->groups));
		user->groups[user->nr_groups++] = group;
		if (line[len] == '\n' || line[len + 1] == '\n')
			break;
	}
}

static int parse_status(const char *status, struct vm_user *user)
{
	const char *uid = status_line(status, "Uid:");
	const char *gid = status_line(status, "Gid:");
	unsigned int effective[2];
	struct passwd *entry;

	/* The real id is first. */
	if (!uid || !gid || sscanf(uid, "%u %u", &user->uid, effective) != 2 ||
	    sscanf(gid, "%u %u", &user->gid, effective + 1) != 2)
		return -EPROTO;
	if (user->uid == geteuid())
		return 0;
	parse_groups(status_line(status, "Groups:"), user);
	entry = getpwuid(user->uid);
	user->name = entry ? xstrdup(entry->pw_name) : xprintf("%u", user->uid);
	return 0;
}

int vm_user_of(pid_t pid, struct vm_user *user)
{
	char *path = xprintf("/proc/%d/status", pid), *status = read_text(path);
	int err = status ? 0 : -ESRCH;

	*user = (struct vm_user) { 0 };
	if (!err)
		err = parse_status(status, user);
	if (!user->groups)
		user->groups = xcalloc(1, sizeof(*user->groups));
	free(status);
	free(path);
	return err;
}

void vm_user_join_group_of(struct vm_user *user, const char *path)
{
	struct stat st;
	size_t i;

	/* The group of root has too many privileges. */
	if (!user->name || stat(path, &st) || !st.st_gid || (st.st_mode & 0060) != 0060)
		return;
	for (i = 0; i < user->nr_groups; i++)
		if (user->groups[i] == st.st_gid)
			return;
	user->groups[user->nr_groups++] = st.st_gid;
}

void vm_user_free(struct vm_user *user)
{
	free(user->name);
	free(user->groups);
	*user = (struct vm_user) { 0 };
}

/* Becoming the user */

/* Do not lead QEMU to files of root. */
static void set_environment(const struct vm_user *user)
{
	static const char * const others[] = {
		"DBUS_SESSION_BUS_ADDRESS", "MAIL", "SUDO_COMMAND", "SUDO_GID", "SUDO_UID",
		"SUDO_USER", "XAUTHORITY", "XDG_CACHE_HOME", "XDG_CONFIG_HOME",
		"XDG_DATA_HOME", "XDG_RUNTIME_DIR", "XDG_STATE_HOME",
	};
	size_t i;

	for (i = 0; i < sizeof(others) / sizeof(*others); i++)
		unsetenv(others[i]);
	setenv("HOME", "/", 1);
	setenv("LOGNAME", user->name, 1);
	setenv("USER", user->name, 1);
}

int vm_user_become(const struct vm_user *user, bool other_domain)
{
	struct rlimit limit = { user->locked, user->locked };

	if (!user->name)
		return 0;
	if (user->locked && setrlimit(RLIMIT_MEMLOCK, &limit))
		return -errno;
	if (setgroups(user->nr_groups, user->groups) ||
	    setresgid(user->gid, user->gid, user->gid) ||
	    setresuid(user->uid, user->uid, user->uid))
		return -errno;
	if (!other_domain && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	/* An error here would leave QEMU with privileges, so make certain. */
	if (!setuid(0))
		return -EPERM;
	set_environment(user);
	return 0;
}

/* Return the parent of a directory, for free(3). */
static char *parent_of(const char *dir)
{
	return xprintf("%.*s", (int)(strrchr(dir, '/') - dir), dir);
}

/* The umask of root may have closed a directory for which that makes no sense. */
static int let_pass(const char *dir)
{
	struct stat st;

	if (stat(dir, &st))
		return -errno;
	return st.st_mode & 0001 || !chmod(dir, (st.st_mode & 07777) | 0011) ? 0 : -errno;
}

int vm_user_share_slot(const struct vm_user *user, const char *slot_dir)
{
	char *dir, *root, *run;
	int err;

	if (!user->name)
		return 0;
	dir = parent_of(slot_dir);
	root = parent_of(dir);
	run = parent_of(root);
	err = let_pass(run);
	if (!err)
		err = let_pass(root);
	if (!err && (chown(dir, -1, user->gid) || chmod(dir, 0710) ||
		     chown(slot_dir, -1, user->gid) || chmod(slot_dir, 01770)))
		err = -errno;
	free(run);
	free(root);
	free(dir);
	return err;
}
