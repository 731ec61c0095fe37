// SPDX-License-Identifier: GPL-2.0-only
/*
 * Templates: saved machines from which new ones start.
 *
 * A template is a directory with its configuration in JSON, the state of the devices, as
 * QEMU's migration writes it, the memory, and copies of the kernel and the initrd, with
 * which a machine boots after a reset. The directory is written under another name, which
 * no template can have, and then gets its own. So a template is complete or not there.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/code.h"
#include "base/command.h"
#include "base/files.h"
#include "base/macros.h"
#include "output/messages.h"
#include "vm/args.h"
#include "vm/dirs.h"
#include "vm/net.h"
#include "vm/plug.h"
#include "vm/qemu_args.h"
#include "vm/qemu_refuse.h"
#include "vm/qmp.h"
#include "vm/template.h"

/* Version of the format. */
#define FORMAT 1
/* Suffix of a directory that is not complete. No name of a template has it. */
#define UNFINISHED "~"

/* Names and paths */

char *template_path(const char *dir, const char *file)
{
	return xprintf("%s/%s", dir, file);
}

char *template_dir(const char *name)
{
	char *root = vm_template_dir(), *dir = template_path(root, name);

	free(root);
	return dir;
}

bool template_exists(const char *name)
{
	char *dir = template_dir(name);
	bool exists = !access(dir, F_OK);

	free(dir);
	return exists;
}

char **template_names(size_t *nr)
{
	char *root = vm_template_dir(), **names = vm_names_in(root, "", nr);

	free(root);
	return names;
}

__u64 template_bytes(const char *name)
{
	char *path = template_dir(name);
	DIR *dir = opendir(path);
	struct dirent *entry;
	__u64 bytes = 0;
	struct stat st;

	while (dir && (entry = readdir(dir)))
		if (!fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) &&
		    S_ISREG(st.st_mode))
			bytes += st.st_blocks * 512ULL;
	if (dir)
		closedir(dir);
	free(path);
	return bytes;
}

__u64 template_memory(const struct template *tpl)
{
	__u64 bytes = 0;
	size_t i;

	for (i = 0; i < tpl->plan.nr; i++)
		bytes += tpl->plan.node[i].bytes;
	return bytes;
}

unsigned int template_vcpus(const struct template *tpl)
{
	unsigned int vcpus = 0;
	size_t i;

	for (i = 0; i < tpl->plan.nr; i++)
		vcpus += tpl->plan.node[i].vcpus;
	return vcpus;
}

void template_free(struct template *tpl)
{
	size_t i;

	for (i = 0; i < tpl->nr_disks; i++)
		free(tpl->disks[i].file);
	free(tpl->disks);
	args_free(tpl->args);
	free(tpl->vm);
	free(tpl->machine);
	free(tpl->accel);
	free(tpl->cpu);
	free(tpl->qemu);
	free(tpl->directory);
	*tpl = (struct template) { 0 };
}

/* The configuration */

static void put_text(struct json_object *to, const char *key, const char *text)
{
	json_object_object_add(to, key, json_object_new_string(text ? text : ""));
}

static void put_number(struct json_object *to, const char *key, long long number)
{
	json_object_object_add(to, key, json_object_new_int64(number));
}

static void put_file(struct json_object *to, const char *key,
		     const struct template_file *file)
{
	struct json_object *one = json_object_new_object();
	char *sum = xprintf("%016llx", file->sum);

	put_number(one, "bytes", file->bytes);
	put_text(one, "sum", sum);
	json_object_object_add(to, key, one);
	free(sum);
}

static struct json_object *nodes_to_json(const struct vm_plan *plan)
{
	struct json_object *list = json_object_new_array(), *one;
	size_t i;

	for (i = 0; i < plan->nr; i++) {
		one = json_object_new_object();
		put_number(one, "bytes", plan->node[i].bytes);
		put_number(one, "vcpus", plan->node[i].vcpus);
		json_object_array_add(list, one);
	}
	return list;
}

static struct json_object *disks_of(const struct template *tpl)
{
	struct json_object *list = json_object_new_array(), *one;
	size_t i;

	for (i = 0; i < tpl->nr_disks; i++) {
		one = json_object_new_object();
		put_text(one, "file", tpl->disks[i].file);
		put_number(one, "bytes", tpl->disks[i].bytes);
		put_number(one, "modified_ns", tpl->disks[i].modified_ns);
		json_object_array_add(list, one);
	}
	return list;
}

static struct json_object *to_json(const struct template *tpl)
{
	struct json_object *config = json_object_new_object();
	struct json_object *args = json_object_new_array();
	size_t i;

	put_number(config, "format", FORMAT);
	put_text(config, "vm", tpl->vm);
	put_text(config, "machine", tpl->machine);
	put_text(config, "accel", tpl->accel);
	put_text(config, "cpu", tpl->cpu);
	put_text(config, "qemu", tpl->qemu);
	put_text(config, "directory", tpl->directory);
	put_number(config, "saved", tpl->saved);
	json_object_object_add(config, "nodes", nodes_to_json(&tpl->plan));
	for (i = 0; tpl->args && tpl->args[i]; i++)
		json_object_array_add(args, json_object_new_string(tpl->args[i]));
	json_object_object_add(config, "arguments", args);
	json_object_object_add(config, "disks", disks_of(tpl));
	put_file(config, "state", &tpl->state);
	put_file(config, "memory", &tpl->memory);
	return config;
}

int template_write(const char *dir, const struct template *tpl)
{
	char *path = template_path(dir, TEMPLATE_CONFIG);
	struct json_object *config = to_json(tpl);
	const char *text = json_object_to_json_string_ext(config, JSON_C_TO_STRING_PRETTY);
	FILE *file = fopen(path, "wxe");
	int err = file ? 0 : -errno;

	if (file && (fputs(text, file) < 0 || putc('\n', file) < 0 || fflush(file) ||
		     fsync(fileno(file))))
		err = -errno;
	if (file && fclose(file) && !err)
		err = -errno;
	json_object_put(config);
	free(path);
	return err;
}

/* Return an array of the configuration, or NULL. */
static struct json_object *get_array(struct json_object *from, const char *key)
{
	struct json_object *list;

	if (!json_object_object_get_ex(from, key, &list) ||
	    !json_object_is_type(list, json_type_array))
		return NULL;
	return list;
}

static char *get_text(struct json_object *from, const char *key)
{
	const char *text = json_text(from, key);

	return xstrdup(text ? text : "");
}

static bool get_file(struct json_object *from, const char *key, struct template_file *file)
{
	struct json_object *one;
	char *end;

	if (!json_object_object_get_ex(from, key, &one))
		return false;
	file->bytes = json_number(one, "bytes");
	file->sum = strtoull(json_text(one, "sum"), &end, 16);
	return end && !*end;
}

static bool get_nodes(struct json_object *list, struct vm_plan *plan)
{
	struct json_object *one;
	long long bytes, vcpus;
	size_t i;

	if (!list || json_object_array_length(list) > PLAN_NODES)
		return false;
	plan->nr = json_object_array_length(list);
	for (i = 0; i < plan->nr; i++) {
		one = json_object_array_get_idx(list, i);
		bytes = json_number(one, "bytes");
		vcpus = json_number(one, "vcpus");
		if (bytes <= 0 || bytes % 4096 || vcpus < 0 || vcpus > 65536)
			return false;
		plan->node[i].bytes = bytes;
		plan->node[i].vcpus = vcpus;
		plan->node[i].host = -1;
	}
	return plan->nr;
}

static bool get_args(struct json_object *list, struct template *tpl)
{
	struct json_object *one;
	size_t i, nr;

	if (!list)
		return false;
	nr = json_object_array_length(list);
	tpl->args = xcalloc(nr + 1, sizeof(*tpl->args));
	for (i = 0; i < nr; i++) {
		one = json_object_array_get_idx(list, i);
		if (!json_object_is_type(one, json_type_string))
			return false;
		tpl->args[i] = xstrdup(json_object_get_string(one));
	}
	return nr;
}

static bool get_disks(struct json_object *list, struct template *tpl)
{
	struct json_object *one;
	size_t i;

	if (!list)
		return false;
	tpl->nr_disks = json_object_array_length(list);
	tpl->disks = xcalloc(tpl->nr_disks + 1, sizeof(*tpl->disks));
	for (i = 0; i < tpl->nr_disks; i++) {
		one = json_object_array_get_idx(list, i);
		tpl->disks[i] = (struct template_disk) {
			.file = get_text(one, "file"),
			.bytes = json_number(one, "bytes"),
			.modified_ns = json_number(one, "modified_ns"),
		};
	}
	return true;
}

static bool from_json(struct json_object *config, struct template *tpl)
{
	*tpl = (struct template) { 0 };
	if (!json_object_is_type(config, json_type_object) ||
	    json_number(config, "format") != FORMAT)
		return false;
	tpl->vm = get_text(config, "vm");
	tpl->machine = get_text(config, "machine");
	tpl->accel = get_text(config, "accel");
	tpl->cpu = get_text(config, "cpu");
	tpl->qemu = get_text(config, "qemu");
	tpl->directory = get_text(config, "directory");
	tpl->saved = json_number(config, "saved");
	return get_nodes(get_array(config, "nodes"), &tpl->plan) &&
	       get_args(get_array(config, "arguments"), tpl) &&
	       get_disks(get_array(config, "disks"), tpl) &&
	       get_file(config, "state", &tpl->state) &&
	       get_file(config, "memory", &tpl->memory);
}

/* Check that only root and the caller can change a template. */
static int check_owner(const struct invocation *inv, const char *subject, const char *name,
		       const char *dir)
{
	char *path = template_path(dir, TEMPLATE_CONFIG);
	const char * const paths[] = { dir, path };
	struct stat st;
	int err = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(paths) && !err; i++) {
		if (stat(paths[i], &st)) {
			cmd_error(inv, subject, i ? TOOL_TEMPLATE_DAMAGED : errno_code(errno),
				  "template %s: %s: %s", name, paths[i], strerror(errno));
			err = -1;
		} else if ((st.st_uid && st.st_uid != geteuid()) || st.st_mode & 022) {
			cmd_error(inv, subject, TOOL_TEMPLATE_ACCESS,
				  "template %s: other users can write to %s; give it to root or to yourself, with mode 700",
				  name, paths[i]);
			err = -1;
		}
	}
	free(path);
	return err;
}

int template_read(const struct invocation *inv, const char *subject, const char *name,
		  struct template *tpl)
{
	char *dir = template_dir(name), *path = template_path(dir, TEMPLATE_CONFIG);
	struct json_object *config = NULL;
	char *text = NULL;
	int err = -1;

	*tpl = (struct template) { 0 };
	if (!vm_name_ok(name) || (access(dir, F_OK) && errno == ENOENT)) {
		cmd_error(inv, subject, TOOL_TEMPLATE_MISSING,
			  "there is no template '%s'; 'vpoolctl vm templates' lists those that exist",
			  name);
	} else if (!check_owner(inv, subject, name, dir)) {
		text = read_text(path);
		config = text ? json_tokener_parse(text) : NULL;
		if (!text)
			cmd_error(inv, subject, errno_code(errno), "template %s: %s: %s", name,
				  path, strerror(errno));
		else if (!config || !from_json(config, tpl))
			cmd_error(inv, subject, TOOL_TEMPLATE_DAMAGED,
				  "template %s: %s is damaged, or of another version of vpoolctl; save the machine again",
				  name, path);
		else
			err = 0;
	}
	if (err)
		template_free(tpl);
	json_object_put(config);
	free(text);
	free(path);
	free(dir);
	return err;
}

/* Changing */

int template_lock(const struct invocation *inv, const char *subject, bool create)
{
	char *root = vm_template_dir();
	int err = create ? make_dirs(root) : 0, fd = -1;

	if (!err) {
		fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		err = fd < 0 || flock(fd, LOCK_EX) ? -errno : 0;
	}
	if (err) {
		cmd_error(inv, subject, errno_code(-err), "the directory of templates %s: %s",
			  root, strerror(-err));
		if (fd >= 0)
			close(fd);
		fd = -1;
	}
	free(root);
	return fd;
}

void template_abort(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
	rmdir(path);
}

char *template_begin(const char *name)
{
	char *dir = template_dir(name), *fresh = xprintf("%s" UNFINISHED, dir);

	free(dir);
	/* A vpoolctl that was killed has left it. */
	template_abort(fresh);
	if (!mkdir(fresh, 0700))
		return fresh;
	free(fresh);
	return NULL;
}

/* Write a directory to the disk. Return 0 or a negative errno. */
static int sync_dir(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int err = fd < 0 || fsync(fd) ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return err;
}

int template_finish(const char *name, const char *fresh)
{
	char *dir = template_dir(name), *root = vm_template_dir();
	bool replace = template_exists(name);
	int err = sync_dir(fresh);

	if (!err && renameat2(AT_FDCWD, fresh, AT_FDCWD, dir,
			      replace ? RENAME_EXCHANGE : RENAME_NOREPLACE))
		err = -errno;
	if (!err)
		err = sync_dir(root);
	/* After an exchange, this is the old template. */
	if (!err && replace)
		template_abort(fresh);
	free(root);
	free(dir);
	return err;
}

int template_remove(const char *name)
{
	char *dir = template_dir(name), *old = xprintf("%s" UNFINISHED, dir);
	int err;

	template_abort(old);
	err = rename(dir, old) ? -errno : 0;
	if (!err)
		template_abort(old);
	free(old);
	free(dir);
	return err;
}

/* What a template depends on */

char *template_host_cpu(void)
{
	char *text = read_text("/proc/cpuinfo"), *at, *cpu;

	at = text ? strstr(text, "model name") : NULL;
	at = at ? strchr(at, ':') : NULL;
	if (at)
		at += 1 + strspn(at + 1, " \t");
	cpu = at ? xprintf("%.*s", (int)strcspn(at, "\n"), at) : xstrdup("unknown");
	free(text);
	return cpu;
}

char *template_qemu_version(struct qmp *qmp)
{
	struct json_object *ret, *version;
	char *text = NULL;

	if (qmp_run(qmp, QMP_MS, "query-version", NULL, &ret))
		return NULL;
	if (json_object_object_get_ex(ret, "qemu", &version))
		text = xprintf("%lld.%lld", json_number(version, "major"),
			       json_number(version, "minor"));
	json_object_put(ret);
	return text;
}

int template_stat_disk(struct template_disk *disk)
{
	struct stat st;

	if (stat(disk->file, &st))
		return -errno;
	disk->bytes = st.st_size;
	disk->modified_ns = st.st_mtim.tv_sec * 1000000000LL + st.st_mtim.tv_nsec;
	return 0;
}

/* Arguments */

void template_each_arg(char *const *args,
		       void (*found)(void *data, const char *option, const char *value),
		       void *data)
{
	const char *option, *value;

	while (args && *args) {
		option = *args++;
		if (*option != '-') {
			found(data, option, NULL);
			continue;
		}
		/* QEMU accepts one dash or two. */
		option += 1 + (option[1] == '-');
		value = qemu_option_is_flag(option) ? NULL : *args;
		found(data, option, value);
		if (value)
			args++;
	}
}

/* Tell whether a value of -drive is a disk of --disk. */
static bool is_our_disk(const char *drive)
{
	return !strncmp(drive, "if=virtio,id=disk", 17) ||
	       !strncmp(drive, "if=none,id=disk", 15);
}

bool template_is_disk(const char *drive)
{
	return is_our_disk(drive) && !strstr(drive, ",readonly=on") &&
	       !strstr(drive, ",snapshot=on");
}

bool template_is_medium(const char *drive)
{
	return strstr(drive, ",readonly=on") &&
	       (is_our_disk(drive) || !strncmp(drive, "if=ide,media=cdrom,id=cdrom", 27));
}

char *template_drive_file(const char *drive)
{
	const char *from = strstr(drive, ",file=");
	char *file = xstrdup(from ? from + 6 : ""), *at, *to;

	/* QEMU takes two commas for one, and one for the end. */
	for (at = file, to = file; *at && (*at != ',' || at[1] == ','); *to++ = *at++)
		at += *at == ',';
	*to = '\0';
	return file;
}

static void find_temporary(void *data, const char *option, const char *value)
{
	bool *found = data;

	if (!strcmp(option, "snapshot") ||
	    (!strcmp(option, "drive") && value && strstr(value, ",snapshot=on")))
		*found = true;
}

bool template_has_temporary_disk(char *const *args)
{
	bool found = false;

	template_each_arg(args, find_temporary, &found);
	return found;
}

/* Files with which a machine boots */

/**
 * struct boot_file - a file of a template that QEMU reads
 * @option: option of QEMU
 * @file: its name in the template
 * @at: its descriptor in QEMU
 */
struct boot_file {
	const char *option;
	const char *file;
	int at;
};

static const struct boot_file boot_files[] = {
	{ "kernel", TEMPLATE_KERNEL, VM_PLUG_KERNEL },
	{ "initrd", TEMPLATE_INITRD, VM_PLUG_INITRD },
};

static const struct boot_file *boot_file(const char *option)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(boot_files); i++)
		if (!strcmp(option, boot_files[i].option))
			return boot_files + i;
	return NULL;
}

static char *plugged_path(const struct boot_file *boot)
{
	return xprintf("/proc/self/fd/%d", boot->at);
}

bool template_is_plugged(const char *path)
{
	bool is = false;
	char *plugged;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(boot_files) && !is; i++) {
		plugged = plugged_path(boot_files + i);
		is = !strcmp(path, plugged);
		free(plugged);
	}
	return is;
}

/**
 * struct plugging - files that are being opened for a QEMU
 * @inv: invocation of the verb, for messages
 * @name: name of the machine
 * @dir: directory of the template, or NULL
 * @from: QEMU that has the files, if @dir is NULL
 * @plugs: descriptors
 * @err: 0, or -1 after a message
 */
struct plugging {
	const struct invocation *inv;
	const char *name;
	const char *dir;
	pid_t from;
	struct vm_plugs *plugs;
	int err;
};

static void plug(void *data, const char *option, const char *value)
{
	const struct boot_file *boot = boot_file(option);
	struct plugging *to = data;
	char *path;
	int fd, err;

	if (!boot || !value || !template_is_plugged(value) || to->err)
		return;
	path = to->dir ? template_path(to->dir, boot->file) :
			 xprintf("/proc/%d/fd/%d", to->from, boot->at);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	err = fd < 0 ? -errno : vm_plugs_add(to->plugs, boot->at, fd, -1, NULL);
	if (err) {
		cmd_error(to->inv, to->name, errno_code(-err), "the %s of its template, %s: %s",
			  boot->option, path, strerror(-err));
		to->err = -1;
	}
	free(path);
}

int template_plug(const struct invocation *inv, const char *name, const char *dir,
		  char *const *args, struct vm_plugs *plugs)
{
	struct plugging to = { .inv = inv, .name = name, .dir = dir, .plugs = plugs };

	template_each_arg(args, plug, &to);
	return to.err;
}

int template_plug_again(const struct invocation *inv, const char *name, pid_t from,
			char *const *args, struct vm_plugs *plugs)
{
	struct plugging to = { .inv = inv, .name = name, .from = from, .plugs = plugs };

	template_each_arg(args, plug, &to);
	return to.err;
}

/**
 * struct rewriting - arguments that are being rewritten
 * @args: the new arguments
 * @nr: number of them
 * @uuid: new UUID
 * @nr_cards: number of network cards up to now
 */
struct rewriting {
	char **args;
	size_t nr;
	const char *uuid;
	size_t nr_cards;
};

static void put(struct rewriting *to, char *text)
{
	to->args = xrealloc(to->args, (to->nr + 2) * sizeof(*to->args));
	to->args[to->nr++] = text;
	to->args[to->nr] = NULL;
}

/* Replace the MAC address of a network card. */
static char *rewrite_card(struct rewriting *to, const char *value)
{
	char *mac = vm_net_make_mac(to->uuid, to->nr_cards++), *text;
	const char *old = strstr(value, ",mac=");
	size_t len = old ? (size_t)(old - value) : strlen(value);

	text = xprintf("%.*s,mac=%s%s", (int)len, value, mac,
		       old ? old + 5 + strcspn(old + 5, ",") : "");
	free(mac);
	return text;
}

static char *rewrite_value(struct rewriting *to, const char *option, const char *value)
{
	const struct boot_file *boot = boot_file(option);

	if (boot)
		return plugged_path(boot);
	if (!strcmp(option, "drive") && template_is_disk(value))
		return xprintf("%s,snapshot=on", value);
	if (!strcmp(option, "device") && !strncmp(value, "vmgenid", 7))
		return xprintf("vmgenid,guid=%s", to->uuid);
	if (!strcmp(option, "device") && !strncmp(value, "virtio-net-", 11))
		return rewrite_card(to, value);
	return xstrdup(value);
}

static void rewrite(void *data, const char *option, const char *value)
{
	struct rewriting *to = data;

	if (value && (!strcmp(option, "uuid") ||
		      (!strcmp(option, "sandbox") && !strcmp(value, QEMU_SANDBOX))))
		return;
	put(to, xprintf("-%s", option));
	if (value)
		put(to, rewrite_value(to, option, value));
}

char **template_args(const struct template *tpl, const char *uuid)
{
	struct rewriting to = { .uuid = uuid };

	template_each_arg(tpl->args, rewrite, &to);
	put(&to, xstrdup("-uuid"));
	put(&to, xstrdup(uuid));
	return to.args;
}
