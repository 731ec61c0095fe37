// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel module: its files, and loading and unloading it.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/code.h"
#include "base/failure.h"
#include "base/files.h"
#include "host/kmod.h"

#define LOADED "/sys/module/vpool/"
#define PARAMETERS LOADED "parameters/"
/* A package keeps the file of the loaded module here when it installs another one. */
#define KEPT "/var/lib/vpool/"

/* How long to wait for programs that have the control device open: 5 seconds. */
#define UNLOAD_TRIES 100
#define UNLOAD_PAUSE_US 50000

static void strip(char *text)
{
	text[strcspn(text, "\n")] = '\0';
}

/* Read all output of a program, up to a limit; for free(3). */
static char *read_all(int fd)
{
	size_t room = FAILURE_SIZE, len = 0;
	char *text = xcalloc(1, room);
	ssize_t got;

	while ((got = read(fd, text + len, room - len - 1)) > 0) {
		len += got;
		if (len == room - 1)
			text = xrealloc(text, room *= 2);
	}
	text[len] = '\0';
	return text;
}

/*
 * Run a program. Return the first line of its output for free(3). If it fails, return
 * NULL, and set @failure to that line.
 */
static char *run(char *const argv[], int code, struct failure *failure)
{
	posix_spawn_file_actions_t files;
	int pipes[2], status, err;
	char *text;
	pid_t pid;

	if (pipe2(pipes, O_CLOEXEC)) {
		failure_set(failure, -errno, errno_code(errno), "%s", strerror(errno));
		return NULL;
	}
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", 0, 0);
	posix_spawn_file_actions_adddup2(&files, pipes[1], STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&files, pipes[1], STDERR_FILENO);
	err = posix_spawn(&pid, argv[0], &files, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&files);
	close(pipes[1]);
	if (err) {
		close(pipes[0]);
		failure_set(failure, -err, errno_code(err), "%s: %s", argv[0],
			    strerror(err));
		return NULL;
	}
	text = read_all(pipes[0]);
	close(pipes[0]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	strip(text);
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return text;
	failure_set(failure, -EIO, code, "%s", *text ? text : argv[0]);
	free(text);
	return NULL;
}

static char *read_field(const char *file, const char *field, struct failure *failure)
{
	char *const argv[] = {
		"/sbin/modinfo", "-F", (char *)field, (char *)file, NULL
	};

	return run(argv, TOOL_MODULE_FILE, failure);
}

void kmod_free(struct kmod *mod)
{
	free(mod->file);
	free(mod->version);
	free(mod->srcversion);
	*mod = (struct kmod) { 0 };
}

bool kmod_same(const struct kmod *a, const struct kmod *b)
{
	return !strcmp(a->srcversion, b->srcversion);
}

int kmod_read_loaded(struct kmod *mod, struct failure *failure)
{
	mod->file = NULL;
	mod->version = read_text(LOADED "version");
	mod->srcversion = read_text(LOADED "srcversion");
	if (mod->version && mod->srcversion) {
		strip(mod->version);
		strip(mod->srcversion);
		return 0;
	}
	kmod_free(mod);
	return failure_set(failure, -VPOOL_NO_MODULE, VPOOL_LIB_NO_MODULE,
			   "the vpool module is not loaded; run 'modprobe vpool'");
}

/* The first word of vermagic is the release of the kernel. */
static int check_kernel(const char *file, struct failure *failure)
{
	char *magic = read_field(file, "vermagic", failure);
	struct utsname host;
	int err = 0;

	if (!magic)
		return -EIO;
	uname(&host);
	magic[strcspn(magic, " ")] = '\0';
	if (strcmp(magic, host.release))
		err = failure_set(failure, -ENOEXEC, TOOL_MODULE_FILE,
				  "%s is for Linux %s, but this host runs %s", file,
				  *magic ? magic : "?", host.release);
	free(magic);
	return err;
}

static int fill_from_file(struct kmod *mod, struct failure *failure)
{
	char *name = read_field(mod->file, "name", failure);
	int err = -EIO;

	if (name && strcmp(name, "vpool"))
		err = failure_set(failure, -EINVAL, TOOL_MODULE_FILE,
				  "%s is not the vpool module", mod->file);
	else if (name)
		err = check_kernel(mod->file, failure);
	free(name);
	if (!err)
		mod->version = read_field(mod->file, "version", failure);
	if (mod->version)
		mod->srcversion = read_field(mod->file, "srcversion", failure);
	return mod->srcversion ? 0 : err ? err : -EIO;
}

int kmod_read_file(struct kmod *mod, const char *file, struct failure *failure)
{
	int err;

	*mod = (struct kmod) { 0 };
	/* modinfo and insmod take a name without a slash for an installed module. */
	mod->file = file ? realpath(file, NULL) :
			   read_field("vpool", "filename", failure);
	if (!mod->file && file)
		return failure_set(failure, -errno, errno_code(errno), "%s: %s",
				   file, strerror(errno));
	if (!mod->file)
		return -ENOENT;
	err = fill_from_file(mod, failure);
	if (err)
		kmod_free(mod);
	return err;
}

static bool is_file_of(const struct kmod *loaded, struct kmod *mod, const char *file)
{
	struct failure ignored;

	if (kmod_read_file(mod, file, &ignored))
		return false;
	if (kmod_same(loaded, mod))
		return true;
	kmod_free(mod);
	return false;
}

bool kmod_find_file(const struct kmod *loaded, struct kmod *mod)
{
	char *pattern;
	glob_t kept;
	bool found;

	if (is_file_of(loaded, mod, NULL))
		return true;
	pattern = xprintf(KEPT "%s.ko*", loaded->srcversion);
	found = !glob(pattern, 0, NULL, &kept);
	if (found) {
		found = is_file_of(loaded, mod, kept.gl_pathv[0]);
		globfree(&kept);
	}
	free(pattern);
	return found;
}

void kmod_forget(const struct kmod *mod)
{
	if (mod->file && !strncmp(mod->file, KEPT, strlen(KEPT)))
		unlink(mod->file);
}

/* modprobe reads the parameters in modprobe.d, but loads only the installed module. */
int kmod_load(const struct kmod *mod, struct failure *failure)
{
	struct failure ignored;
	char *installed = read_field("vpool", "filename", &ignored);
	char *const insmod[] = { "/sbin/insmod", mod->file, NULL };
	char *const modprobe[] = { "/sbin/modprobe", "vpool", NULL };
	char *text;

	text = run(installed && !strcmp(installed, mod->file) ? modprobe : insmod,
		   TOOL_MODULE_LOAD, failure);
	free(installed);
	free(text);
	return text ? 0 : -EIO;
}

int kmod_load_kernel(const char *name, struct failure *failure)
{
	char *const modprobe[] = { "/sbin/modprobe", (char *)name, NULL };
	char *text = run(modprobe, TOOL_MODULE_LOAD, failure);

	free(text);
	return text ? 0 : -EIO;
}

int kmod_unload(struct failure *failure)
{
	int tries, err = 0;

	for (tries = 0; tries < UNLOAD_TRIES; tries++) {
		if (!syscall(SYS_delete_module, "vpool", O_NONBLOCK))
			return 0;
		err = errno;
		if (err != EWOULDBLOCK)
			break;
		usleep(UNLOAD_PAUSE_US);
	}
	return failure_set(failure, -err, TOOL_MODULE_LOAD,
			   "the loaded module cannot be unloaded: %s",
			   err == EWOULDBLOCK ? "it is in use" : strerror(err));
}

struct kmod_param *kmod_params_read(size_t *nr)
{
	struct kmod_param *params = NULL;
	DIR *dir = opendir(PARAMETERS);
	struct dirent *entry;

	*nr = 0;
	while (dir && (entry = readdir(dir))) {
		char *path = xprintf(PARAMETERS "%s", entry->d_name), *value = NULL;

		if (entry->d_type == DT_REG)
			value = read_text(path);
		free(path);
		if (!value)
			continue;
		params = xrealloc(params, (*nr + 1) * sizeof(*params));
		params[*nr].name = xstrdup(entry->d_name);
		params[(*nr)++].value = value;
	}
	if (dir)
		closedir(dir);
	return params;
}

void kmod_params_write(const struct kmod_param *params, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++) {
		char *path = xprintf(PARAMETERS "%s", params[i].name);
		char *now = read_text(path);

		if (now && strcmp(now, params[i].value) &&
		    write_text(path, params[i].value))
			fprintf(stderr, "vpoolctl: parameter %s cannot be set to %s",
				params[i].name, params[i].value);
		free(now);
		free(path);
	}
}

void kmod_params_free(struct kmod_param *params, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++) {
		free(params[i].name);
		free(params[i].value);
	}
	free(params);
}

char **kmod_livepatches(size_t *nr)
{
	static const char root[] = "/sys/kernel/livepatch/";
	char **names = NULL;
	glob_t found;
	size_t i;

	*nr = 0;
	if (glob("/sys/kernel/livepatch/*/vpool", 0, NULL, &found))
		return NULL;
	names = xcalloc(found.gl_pathc, sizeof(*names));
	for (i = 0; i < found.gl_pathc; i++) {
		const char *name = found.gl_pathv[i] + strlen(root);

		names[(*nr)++] = xprintf("%.*s", (int)strcspn(name, "/"), name);
	}
	globfree(&found);
	return names;
}
