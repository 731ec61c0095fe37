// SPDX-License-Identifier: GPL-2.0-only
/*
 * The seed of a machine: an ISO 9660 image with files for cloud-init's NoCloud source,
 * which finds it by its label "cidata".
 */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/code.h"
#include "base/command.h"
#include "base/failure.h"
#include "base/files.h"
#include "output/messages.h"
#include "vm/config.h"
#include "vm/image.h"
#include "vm/seed.h"

/* Largest file of a seed. cloud-init's files are text. */
#define FILE_MAX (1024 * 1024)

static int check_file(const struct invocation *inv, const char *name, const char *what,
		      const char *path)
{
	char byte;
	ssize_t len;

	if (!path)
		return 0;
	len = vm_image_read(inv, name, what, path, 0, &byte, 1);
	if (len < 0)
		return -1;
	if (vm_image_read(inv, name, what, path, FILE_MAX, &byte, 1) <= 0)
		return 0;
	cmd_error(inv, name, TOOL_VM_FILE, "%s %s: it is larger than 1M", what, path);
	return -1;
}

int vm_seed_check(const struct invocation *inv, const struct vm_config *config)
{
	const struct vm_config_seed *seed = &config->seed;

	if (check_file(inv, config->name, "the seed's user-data", seed->user_data) ||
	    check_file(inv, config->name, "the seed's meta-data", seed->meta_data) ||
	    check_file(inv, config->name, "the seed's network-config", seed->network_config))
		return -1;
	return 0;
}

static int add_text(struct archive *archive, const char *name, const char *text)
{
	struct archive_entry *entry = archive_entry_new();
	size_t len = strlen(text);
	int err;

	archive_entry_set_pathname(entry, name);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, 0444);
	archive_entry_set_size(entry, len);
	archive_entry_set_mtime(entry, time(NULL), 0);
	err = archive_write_header(archive, entry);
	if (!err && archive_write_data(archive, text, len) != (la_ssize_t)len)
		err = ARCHIVE_FATAL;
	archive_entry_free(entry);
	return err;
}

static int add_file(struct archive *archive, const char *name, const char *path)
{
	char *text = read_text(path);
	int err;

	if (!text) {
		archive_set_error(archive, errno, "%s: %s", path, strerror(errno));
		return ARCHIVE_FATAL;
	}
	err = add_text(archive, name, text);
	free(text);
	return err;
}

/* Return meta-data that names the guest after the machine, for free(3). */
static char *default_meta_data(const char *name)
{
	return xprintf("instance-id: %s\nlocal-hostname: %s\n", name, name);
}

static int add_all(struct archive *archive, const struct vm_config *config)
{
	const struct vm_config_seed *seed = &config->seed;
	char *meta;
	int err;

	err = add_file(archive, "user-data", seed->user_data);
	if (!err && seed->meta_data) {
		err = add_file(archive, "meta-data", seed->meta_data);
	} else if (!err) {
		meta = default_meta_data(config->name);
		err = add_text(archive, "meta-data", meta);
		free(meta);
	}
	if (!err && seed->network_config)
		err = add_file(archive, "network-config", seed->network_config);
	return err;
}

static int write_image(struct archive *archive, const struct vm_config *config,
		       const char *path)
{
	int err;

	err = archive_write_set_format_iso9660(archive);
	if (!err)
		err = archive_write_set_options(archive,
						"volume-id=cidata,rockridge=useful,joliet=1");
	if (!err)
		err = archive_write_open_filename(archive, path);
	if (!err)
		err = add_all(archive, config);
	if (!err)
		err = archive_write_close(archive);
	return err;
}

int vm_seed_write(const struct vm_config *config, const char *path, struct failure *failure)
{
	struct archive *archive = archive_write_new();
	char *fresh = xprintf("%s~", path);
	int err = 0;

	if (write_image(archive, config, fresh) || chmod(fresh, 0600))
		err = failure_set(failure, -EIO, TOOL_VM_STATE,
				  "the image of its seed %s cannot be written: %s", path,
				  archive_error_string(archive) ?
				  archive_error_string(archive) : strerror(errno));
	archive_write_free(archive);
	if (!err && rename(fresh, path))
		err = failure_set(failure, -errno, TOOL_VM_STATE,
				  "the image of its seed %s cannot be written: %s", path,
				  strerror(errno));
	unlink(fresh);
	free(fresh);
	return err;
}
