// SPDX-License-Identifier: GPL-2.0-only
/*
 * The text of the AppArmor profile of one QEMU.
 *
 * All files of a machine are in the arguments of its QEMU, also those that the user passes
 * after --, and those of a machine that arrives from another host. So the arguments are
 * the list of files. Only options and parts that can name a file are read: the command
 * line of a guest's kernel names files, too, but files of the guest.
 *
 * A qcow2 image names the image below it. The name is followed only if the arguments say
 * that the image has this format. Otherwise a guest could write such a header to its raw
 * disk, and get access to a file of the host at the next start.
 */
#define _GNU_SOURCE
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <limits.h>
#include <linux/types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/macros.h"
#include "vm/profile.h"

/* Largest number of images below an image. */
#define CHAIN_MAX 64

/* Options of QEMU whose value is one path. */
static const struct {
	const char *option;
	bool writes;
} path_options[] = {
	{ "D", true },
	{ "L", false },
	{ "bios", false },
	{ "cdrom", false },
	{ "dtb", false },
	{ "fda", true },
	{ "fdb", true },
	{ "hda", true },
	{ "hdb", true },
	{ "hdc", true },
	{ "hdd", true },
	{ "initrd", false },
	{ "kernel", false },
	{ "pflash", true },
	{ "pidfile", true },
	{ "readconfig", false },
};

/* Options of QEMU whose value has parts that can be paths. */
static const char * const part_options[] = {
	"acpitable", "blockdev", "chardev", "debugcon", "device", "drive", "fsdev", "fw_cfg",
	"gdb", "mon", "monitor", "netdev", "nic", "object", "parallel", "qmp", "qmp-pretty",
	"serial", "smbios", "spice", "tpmdev", "trace", "virtfs", "vnc",
};

/* Parts that can be paths. */
static const char * const path_keys[] = {
	"data", "dir", "file", "filename", "logfile", "mem-path", "path", "romfile",
	"sysfsdev",
};

/* What a path can have before it. */
static const char * const prefixes[] = { "file:", "unix:" };

/**
 * struct value - the properties of the files in one option of QEMU
 * @readonly: QEMU only reads its files
 * @qcow2: its images have the format qcow2
 */
struct value {
	bool readonly;
	bool qcow2;
};

static bool is_in(const char *word, const char * const *words, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++)
		if (!strcmp(word, words[i]))
			return true;
	return false;
}

/* Rules */

/*
 * Write a path between quotation marks. A backslash takes the meaning from characters that
 * are patterns, and control characters are written as numbers.
 */
static void put_path(FILE *to, const char *path, const char *after)
{
	putc('"', to);
	for (; *path; path++) {
		if ((unsigned char)*path < ' ' || *path == 127)
			fprintf(to, "\\%03o", *path);
		else
			fprintf(to, "%s%c", strchr("\\\"*?[]{}^", *path) ? "\\" : "", *path);
	}
	fprintf(to, "%s\"", after);
}

static void put_rule(FILE *to, const char *path, const char *after, const char *access)
{
	fputs("  ", to);
	put_path(to, path, after);
	fprintf(to, " %s,\n", access);
}

/* Files */

/* Return the path of the file of a descriptor, without symbolic links, for free(3). */
static char *path_of(int fd)
{
	char *link = xprintf("/proc/self/fd/%d", fd), path[PATH_MAX];
	ssize_t len = readlink(link, path, sizeof(path) - 1);

	free(link);
	if (len <= 0 || *path != '/')
		return NULL;
	path[len] = '\0';
	return xstrdup(path);
}

/* Resolve the directory of a file that does not exist yet. */
static char *resolve_new(int cwd, const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir = slash ? xprintf("%.*s", (int)(slash - path + 1), path) : xstrdup(".");
	int fd = openat(cwd, dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	char *real = fd >= 0 ? path_of(fd) : NULL, *file = NULL;

	if (real)
		file = xprintf("%s/%s", strcmp(real, "/") ? real : "",
			       slash ? slash + 1 : path);
	if (fd >= 0)
		close(fd);
	free(real);
	free(dir);
	return file;
}

/*
 * Return a path as AppArmor sees it, without symbolic links, for free(3), or NULL if there
 * is no such directory. Tell whether the path is a directory.
 */
static char *resolve(int cwd, const char *path, bool *is_dir)
{
	int fd = openat(cwd, path, O_PATH | O_CLOEXEC);
	struct stat st;
	char *real;

	*is_dir = false;
	if (fd < 0)
		return errno == ENOENT ? resolve_new(cwd, path) : NULL;
	*is_dir = !fstat(fd, &st) && S_ISDIR(st.st_mode);
	real = path_of(fd);
	close(fd);
	return real;
}

/* Return the path of the image below a qcow2 image, for free(3), or NULL. */
static char *image_below(const char *image)
{
	int fd = open(image, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char name[1024] = "", *path = NULL;
	unsigned char head[20];
	__u64 at;
	__u32 len;

	if (fd >= 0 && pread(fd, head, sizeof(head), 0) == sizeof(head) &&
	    !memcmp(head, "QFI\xfb", 4)) {
		memcpy(&at, head + 8, sizeof(at));
		memcpy(&len, head + 16, sizeof(len));
		at = be64toh(at);
		len = be32toh(len);
		if (at && len < sizeof(name) && pread(fd, name, len, at) == (ssize_t)len)
			path = *name == '/' ? xstrdup(name) :
			       xprintf("%.*s/%s", (int)(strrchr(image, '/') - image), image,
				       name);
	}
	if (fd >= 0)
		close(fd);
	return path;
}

static void put_chain(FILE *to, const char *image)
{
	char *below, *real = xstrdup(image);
	bool is_dir;
	int i;

	for (i = 0; real && i < CHAIN_MAX; i++) {
		below = image_below(real);
		free(real);
		real = below ? resolve(AT_FDCWD, below, &is_dir) : NULL;
		free(below);
		if (real)
			put_rule(to, real, "", "rk");
	}
	free(real);
}

static void put_file(FILE *to, int cwd, const char *path, const struct value *value)
{
	char *real = NULL;
	bool is_dir;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (!strncmp(path, prefixes[i], strlen(prefixes[i])))
			path += strlen(prefixes[i]);
	if (*path)
		real = resolve(cwd, path, &is_dir);
	/* A rule for the root directory would allow all files. */
	if (!real || !strcmp(real, "/")) {
		free(real);
		return;
	}
	if (is_dir) {
		put_rule(to, real, "/", "r");
		put_rule(to, real, "/**", value->readonly ? "rk" : "rwkl");
	} else {
		put_rule(to, real, "", value->readonly ? "rk" : "rwk");
	}
	if (value->qcow2)
		put_chain(to, real);
	free(real);
}

/* Devices */

/* Allow the device of the IOMMU group of a PCI device. */
static void put_group(FILE *to, const char *address)
{
	bool is_short = strlen(address) < 12;
	char *link = xprintf("/sys/bus/pci/devices/%s%s/iommu_group",
			     is_short ? "0000:" : "", address), path[PATH_MAX];
	ssize_t len = readlink(link, path, sizeof(path) - 1);

	free(link);
	path[len > 0 ? len : 0] = '\0';
	if (!strrchr(path, '/'))
		return;
	fprintf(to, "  /dev/vfio/vfio rw,\n  /dev/vfio%s rw,\n  /sys/devices/** r,\n",
		strrchr(path, '/'));
}

static void put_device(FILE *to, const char *value)
{
	static const char vfio[] = "vfio-pci,host=";
	char address[16];

	if (!strncmp(value, vfio, strlen(vfio)) &&
	    sscanf(value + strlen(vfio), "%15[0-9a-fA-F:.]", address) == 1)
		put_group(to, address);
	if (strstr(value, "vhost-vsock"))
		fputs("  /dev/vhost-vsock rw,\n", to);
}

/* Values */

/* Return the part of a value that begins at @at, without its doubled commas, for free(3). */
static char *next_part(const char **at)
{
	char *part = xstrdup(*at), *to = part;
	const char *from;

	for (from = *at; *from; from++) {
		if (*from == ',' && from[1] != ',')
			break;
		from += *from == ',';
		*to++ = *from;
	}
	*to = '\0';
	*at = from + !!*from;
	return part;
}

/* Return the last word of a key such as file.filename, and set @text to the value. */
static const char *split_part(char *part, const char **text)
{
	char *equals = strchr(part, '='), *dot;

	*text = part;
	if (!equals)
		return "";
	*equals = '\0';
	*text = equals + 1;
	dot = strrchr(part, '.');
	return dot ? dot + 1 : part;
}

static void note_part(struct value *value, const char *key, const char *text)
{
	static const char * const formats[] = { "driver", "format" };

	if (!strcmp(key, "readonly") || !strcmp(key, "read-only"))
		value->readonly |= !strcmp(text, "on") || !strcmp(text, "true");
	if (is_in(key, formats, ARRAY_SIZE(formats)))
		value->qcow2 |= !strcmp(text, "qcow2");
}

static void put_json(FILE *to, int cwd, struct json_object *json, struct value value)
{
	struct json_object_iterator it, end;
	struct json_object *member;
	const char *key;

	if (!json_object_is_type(json, json_type_object))
		return;
	end = json_object_iter_end(json);
	for (it = json_object_iter_begin(json); !json_object_iter_equal(&it, &end);
	     json_object_iter_next(&it))
		note_part(&value, json_object_iter_peek_name(&it),
			  json_object_get_string(json_object_iter_peek_value(&it)) ?: "");
	for (it = json_object_iter_begin(json); !json_object_iter_equal(&it, &end);
	     json_object_iter_next(&it)) {
		key = json_object_iter_peek_name(&it);
		member = json_object_iter_peek_value(&it);
		if (json_object_is_type(member, json_type_string) &&
		    is_in(key, path_keys, ARRAY_SIZE(path_keys)))
			put_file(to, cwd, json_object_get_string(member), &value);
		else
			put_json(to, cwd, member, value);
	}
}

/* Allow a part of a value that is a path. Without a key, it must look like one. */
static void put_part(FILE *to, int cwd, const char *key, const char *text,
		     const struct value *value)
{
	bool found = is_in(key, path_keys, ARRAY_SIZE(path_keys));
	struct json_object *json;
	size_t i;

	if (!strncmp(text, "json:", 5)) {
		json = json_tokener_parse(text + 5);
		put_json(to, cwd, json, *value);
		json_object_put(json);
		return;
	}
	for (i = 0; i < ARRAY_SIZE(prefixes) && !*key; i++)
		found |= !strncmp(text, prefixes[i], strlen(prefixes[i]));
	if (found)
		put_file(to, cwd, text, value);
}

static void put_parts(FILE *to, int cwd, const char *text)
{
	struct value value = { 0 };
	const char *at, *key, *rest;
	char *part;

	for (at = text; *at; free(part)) {
		part = next_part(&at);
		key = split_part(part, &rest);
		note_part(&value, key, rest);
	}
	for (at = text; *at; free(part)) {
		part = next_part(&at);
		key = split_part(part, &rest);
		put_part(to, cwd, key, rest, &value);
	}
}

static void put_value(FILE *to, int cwd, const char *option, const char *text)
{
	struct value value = { 0 };
	struct json_object *json;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(path_options); i++) {
		if (strcmp(option, path_options[i].option))
			continue;
		value.readonly = !path_options[i].writes;
		put_file(to, cwd, text, &value);
	}
	if (!is_in(option, part_options, ARRAY_SIZE(part_options)))
		return;
	if (*text == '{') {
		json = json_tokener_parse(text);
		put_json(to, cwd, json, value);
		json_object_put(json);
	} else {
		put_parts(to, cwd, text);
	}
	if (!strcmp(option, "device"))
		put_device(to, text);
	if (!strcmp(option, "netdev") && strstr(text, ".macvtap."))
		fputs("  /dev/tap[0-9]* rw,\n", to);
	if (!strcmp(text, "pty") || !strncmp(text, "pty,", 4))
		fputs("  /dev/ptmx rw,\n  /dev/pts/* rw,\n", to);
}

static void put_args(FILE *to, int cwd, char **args)
{
	const char *option;

	/* QEMU accepts one dash or two. */
	for (; args[0] && args[1]; args++) {
		option = args[0];
		if (*option++ == '-')
			put_value(to, cwd, option + (*option == '-'), args[1]);
	}
}

/* All */

/* What each QEMU needs, beside its program and its files. */
static const char common[] =
	"  include <abstractions/base>\n"
	"  include <abstractions/nameservice>\n"
	"\n"
	"  network inet,\n"
	"  network inet6,\n"
	"  network unix,\n"
	"  signal (receive) peer=unconfined,\n"
	"  unix,\n"
	"\n"
	"  /dev/kvm rw,\n"
	"  /dev/net/tun rw,\n"
	"  /dev/vhost-net rw,\n"
	"  @{PROC}/@{pid}/fd/ r,\n"
	"  @{PROC}/@{pid}/task/@{tid}/comm rw,\n"
	"  @{PROC}/sys/kernel/cap_last_cap r,\n"
	"  @{PROC}/sys/vm/max_map_count r,\n"
	"  /sys/bus/*/ r,\n"
	"  /sys/devices/system/** r,\n"
	"  /sys/kernel/mm/transparent_hugepage/** r,\n"
	"  /sys/module/*/parameters/* r,\n"
	"  owner /{var/,}tmp/vl.* rw,\n";

static void put_root(FILE *to)
{
	fputs("  capability dac_override,\n  capability dac_read_search,\n"
	      "  capability ipc_lock,\n  capability sys_resource,\n", to);
}

/* Allow QEMU, and the modules and firmware that are installed with it. */
static void put_program(FILE *to, const char *program)
{
	const char *slash = strrchr(program, '/');
	char *dir = xprintf("%.*s", (int)(slash - program), program);

	put_rule(to, program, "", "mr");
	slash = strrchr(dir, '/');
	if (slash)
		dir[slash - dir] = '\0';
	put_rule(to, dir, "/{lib,lib64,libexec,share}/**", "mr");
	free(dir);
}

/* Tell whether another program helps QEMU: swtpm or virtiofsd. */
static bool has_helper(char *const *args)
{
	for (; *args; args++)
		if (!strcmp(*args, "-tpmdev") || !strncmp(*args, "vhost-user-", 11))
			return true;
	return false;
}

char *profile_text(const struct profile *profile)
{
	int cwd = profile->cwd >= 0 ? profile->cwd : AT_FDCWD;
	struct value value = { 0 };
	char *text = NULL;
	size_t len;
	FILE *to = open_memstream(&text, &len);

	fputs("abi <abi/3.0>,\ninclude <tunables/global>\n\nprofile ", to);
	put_path(to, profile->name, "");
	/* The kernel asks no profile about files of a pool, which are in no directory. */
	fprintf(to, " flags=(attach_disconnected,mediate_deleted) {\n%s", common);
	if (profile->pool)
		fprintf(to, "  /dev/vpool/%s rw,\n", profile->pool);
	/* The kernel sends it to the program when QEMU ends, with the rights of QEMU. */
	if (has_helper(profile->args))
		fputs("  signal (send) set=(term) peer=unconfined,\n", to);
	if (profile->root)
		put_root(to);
	fputs("\n", to);
	put_program(to, profile->program);
	put_file(to, AT_FDCWD, profile->dir, &value);
	put_args(to, cwd, profile->args);
	fputs("\n  include if exists <local/vpool-vm>\n}\n", to);
	if (fclose(to))
		abort();
	return text;
}
