// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files that define machines, in YAML:
 *
 *	vms:
 *	  shop:
 *	    pool: web
 *	    disk: /srv/shop.img
 *
 * The file NAME.conf in the directory of the definitions defines the machine NAME. A lock
 * on the directory orders the vpoolctls that change a file there. Other programs do not
 * know it, so that a change is always one rename(2) or link(2).
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml.h>

#include "base/alloc.h"
#include "base/code.h"
#include "base/command.h"
#include "base/failure.h"
#include "base/files.h"
#include "config/declare.h"
#include "config/document.h"
#include "config/value.h"
#include "output/messages.h"
#include "vm/definition.h"
#include "vm/dirs.h"
#include "vm/property.h"

#define SUFFIX ".conf"

/* Names */

char *definition_path(const char *name)
{
	char *dir = vm_etc_dir(), *path = xprintf("%s/%s" SUFFIX, dir, name);

	free(dir);
	return path;
}

char **definition_names(size_t *nr)
{
	char *dir = vm_etc_dir(), **names = vm_names_in(dir, SUFFIX, nr);

	free(dir);
	return names;
}

bool definition_exists(const char *name)
{
	char *path = definition_path(name);
	struct stat st;
	bool exists = vm_name_ok(name) && !lstat(path, &st);

	free(path);
	return exists;
}

/* Reading */

/*
 * Return the path of the next part of a value that is a file, such as FILE in
 * "value,part=FILE", from @from on, or NULL.
 */
static const char *next_part_path(const struct option_def *def, const char *from)
{
	const char *at, *next = NULL;
	size_t i, len;
	char *word;

	for (i = 0; i < def->nr_parts; i++) {
		if (def->parts[i].complete != COMPLETE_FILE)
			continue;
		word = xprintf(",%s=", def->parts[i].name);
		len = strlen(word);
		at = strstr(from, word);
		free(word);
		if (at && (!next || at + len < next))
			next = at + len;
	}
	return next;
}

/* Check the parts of a value that are files. */
static void check_part_paths(const struct reader *rd, const yaml_node_t *value,
			     const struct option_def *def)
{
	const char *at = (const char *)value->data.scalar.value;

	while ((at = next_part_path(def, at)))
		if (*at != '/')
			document_error(rd, value, "%s: '%.*s' is not an absolute path",
				       def->name, (int)strcspn(at, ","), at);
}

/* Later commands run in other directories, so that files need absolute paths. */
static void check_path(const struct reader *rd, const yaml_node_t *value,
		       const struct option_def *def)
{
	const yaml_node_item_t *item;
	const yaml_node_pair_t *pair;
	const struct option_def *part;

	if (value->type == YAML_SEQUENCE_NODE)
		for (item = value->data.sequence.items.start;
		     item < value->data.sequence.items.top; item++)
			check_path(rd, document_node(rd, *item), def);
	if (value->type == YAML_MAPPING_NODE)
		for (pair = value->data.mapping.pairs.start;
		     pair < value->data.mapping.pairs.top; pair++) {
			const yaml_node_t *key = document_node(rd, pair->key);

			part = value_find(def->parts, def->nr_parts,
					  (const char *)key->data.scalar.value);
			if (part)
				check_path(rd, document_node(rd, pair->value), part);
		}
	if (value->type == YAML_SCALAR_NODE && def->complete == COMPLETE_FILE &&
	    *value->data.scalar.value != '/')
		document_error(rd, value, "%s: '%s' is not an absolute path", def->name,
			       value->data.scalar.value);
	if (value->type == YAML_SCALAR_NODE)
		check_part_paths(rd, value, def);
}

static void check_pairs(const struct reader *rd, const yaml_node_t *map,
			struct definition *def)
{
	const struct option_def *property;
	const yaml_node_t *key, *value;
	const yaml_node_pair_t *pair;

	def->flow = map->data.mapping.style == YAML_FLOW_MAPPING_STYLE;
	for (pair = map->data.mapping.pairs.start;
	     pair < map->data.mapping.pairs.top; pair++) {
		key = document_node(rd, pair->key);
		value = document_node(rd, pair->value);
		if (pair == map->data.mapping.pairs.start) {
			def->begin = key->start_mark.index;
			def->indent = key->start_mark.column;
		}
		property = value_find(vm_properties, NR_VM_PROPERTIES,
				      (const char *)key->data.scalar.value);
		check_path(rd, value, property);
		if (property != vm_properties + VM_AUTOSTART)
			continue;
		def->value = value->start_mark.index;
		def->value_end = value->end_mark.index;
	}
}

static void read_vm(const struct reader *rd, const yaml_node_pair_t *pair)
{
	const yaml_node_t *key = document_node(rd, pair->key);
	const yaml_node_t *map = document_node(rd, pair->value);
	const char *name = document_scalar(rd, key, "the name of a machine");
	struct definitions *defs = rd->data;
	struct definition def = { 0 };
	size_t mistakes = rd->cfg->nr_mistakes;
	struct failure failure;
	size_t i;

	if (!name)
		return;
	if (!vm_name_ok(name))
		document_error(rd, key,
			       "'%s' is not a machine's name: up to %d of a-z, 0-9, and . _ - except as the first",
			       name, VM_NAME_MAX);
	for (i = 0; i < defs->nr; i++)
		if (!strcmp(defs->vms[i].config.name, name))
			document_error(rd, key, "machine '%s' is defined already, at %s:%u:%u",
				       name, defs->vms[i].config.location.file,
				       defs->vms[i].config.location.line,
				       defs->vms[i].config.location.column);
	vm_config_init(&def.config, name);
	def.config.location = document_location(rd, key->start_mark);
	document_properties(rd, map, name, vm_properties, NR_VM_PROPERTIES, &def.config);
	/* A machine with mistakes would only cause more messages. */
	if (rd->cfg->nr_mistakes == mistakes)
		check_pairs(rd, map, &def);
	if (rd->cfg->nr_mistakes == mistakes && vm_config_check(&def.config, &failure))
		document_error(rd, key, "machine '%s': %s", name, failure.text);
	defs->vms = xrealloc(defs->vms, (defs->nr + 1) * sizeof(*defs->vms));
	defs->vms[defs->nr++] = def;
}

static const struct document_kind vms_kind = {
	.key = "vms",
	.noun = "machine",
	.nouns = "machines",
	.example = "pool: web",
	.nothing = "it defines nothing",
	.read = read_vm,
};

void definitions_read(struct definitions *defs, const char *path, const char *name)
{
	size_t before = defs->nr, mistakes = defs->notes.nr_mistakes;
	const char *file;
	char *text;

	document_read(&defs->notes, path, &vms_kind, defs);
	if (!name || defs->notes.nr_mistakes > mistakes)
		return;
	if (defs->nr == before + 1 && !strcmp(defs->vms[before].config.name, name))
		return;
	file = defs->notes.files[defs->notes.nr_files - 1];
	text = xprintf("it must define the machine '%s' and no other one", name);
	document_about(&defs->notes, file, text);
	free(text);
}

void definitions_read_text(struct definitions *defs, const char *path, const char *text,
			   int err)
{
	document_read_text(&defs->notes, path, text, err, &vms_kind, defs);
}

void definitions_load(struct definitions *defs, const char *name)
{
	char *path = definition_path(name);

	definitions_read(defs, path, name);
	free(path);
}

void definitions_free(struct definitions *defs)
{
	size_t i;

	for (i = 0; i < defs->nr; i++)
		vm_config_free(&defs->vms[i].config);
	free(defs->vms);
	config_free(&defs->notes);
	*defs = (struct definitions) { 0 };
}

int definition_check(const struct invocation *inv, const char *path, const char *name)
{
	struct definitions defs = { 0 };
	int err = 0;

	(void)inv;
	definitions_read(&defs, path, name);
	if (defs.notes.nr_mistakes) {
		config_report(&defs.notes);
		err = -1;
	}
	definitions_free(&defs);
	return err;
}

/* Writing */

int definitions_lock(const struct invocation *inv, const char *name, bool create)
{
	char *dir = vm_etc_dir();
	int err = create ? make_dirs(dir) : 0;
	int fd = -1;

	if (!err) {
		fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		err = fd < 0 || flock(fd, LOCK_EX) ? -errno : 0;
	}
	if (err) {
		cmd_error(inv, name, errno_code(-err), "the directory of definitions %s: %s",
			  dir, strerror(-err));
		if (fd >= 0)
			close(fd);
		fd = -1;
	}
	free(dir);
	return fd;
}

/* Write a file that does not exist yet, and to the disk. Return 0 or a negative errno. */
static int write_new(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	size_t len = strlen(text);
	ssize_t done;
	int err = 0;

	if (fd < 0)
		return -errno;
	for (; len && !err; text += done, len -= done) {
		done = write(fd, text, len);
		if (done < 0) {
			err = -errno;
			done = 0;
		}
	}
	if (!err && fsync(fd))
		err = -errno;
	if (close(fd) && !err)
		err = -errno;
	return err;
}

int definition_write(const struct invocation *inv, const char *name, const char *text,
		     bool replace)
{
	char *path = definition_path(name), *fresh = xprintf("%s~", path);
	int err;

	/* A vpoolctl that was killed has left it. */
	unlink(fresh);
	err = write_new(fresh, text);
	if (!err && (replace ? rename(fresh, path) : link(fresh, path)))
		err = -errno;
	unlink(fresh);
	if (err == -EEXIST)
		cmd_error(inv, name, TOOL_VM_DEFINED,
			  "a machine with this name is defined already, in %s; 'vpoolctl vm edit' changes it, and --replace replaces it",
			  path);
	else if (err)
		cmd_error(inv, name, errno_code(-err), "cannot write %s: %s", path,
			  strerror(-err));
	free(fresh);
	free(path);
	return err ? -1 : 0;
}

/* Options as a file */

/* Return a value whose files have absolute paths, for free(3). */
static char *absolute(const struct option_def *def, const char *value)
{
	char cwd[PATH_MAX], *text, *longer;
	const char *at;

	if (!getcwd(cwd, sizeof(cwd)))
		return xstrdup(value);
	if (def->complete == COMPLETE_FILE && *value != '/')
		text = xprintf("%s/%s", cwd, value);
	else
		text = xstrdup(value);
	for (at = next_part_path(def, text); at; at = next_part_path(def, at)) {
		if (*at == '/')
			continue;
		longer = xprintf("%.*s%s/%s", (int)(at - text), text, cwd, at);
		at = longer + (at - text);
		free(text);
		text = longer;
	}
	return text;
}

static void write_values(const struct invocation *inv, size_t property, FILE *to)
{
	const struct option_def *def = inv->cmd->properties + property;
	size_t i, nr = 0;
	int option = inv->cmd->nr_options + property;
	char *text;

	for (i = 0; i < inv->nr_settings; i++)
		nr += inv->settings[i].option == option;
	if (!nr)
		return;
	fprintf(to, "    %s:%s", def->name, nr > 1 ? "\n" : " ");
	for (i = 0; i < inv->nr_settings; i++) {
		if (inv->settings[i].option != option)
			continue;
		text = yaml_text(absolute(def, inv->settings[i].value ?
					       inv->settings[i].value : "true"));
		fprintf(to, "%s%s\n", nr > 1 ? "      - " : "", text);
		free(text);
	}
}

char *definition_from_options(const struct invocation *inv, const char *name)
{
	char *text = NULL, *word;
	size_t room, i;
	FILE *to = open_memstream(&text, &room);
	int arg;

	if (!to)
		return NULL;
	fputs("vms:\n", to);
	write_name(name, to);
	for (i = 0; i < inv->cmd->nr_properties; i++)
		write_values(inv, i, to);
	if (inv->argc > 1)
		fputs("    qemu:\n", to);
	for (arg = 1; arg < inv->argc; arg++) {
		word = yaml_text(xstrdup(inv->argv[arg]));
		fprintf(to, "      - %s\n", word);
		free(word);
	}
	fclose(to);
	return text;
}

/* Autostart */

/* Return the byte at a number of characters, or NULL if the text is shorter. */
static const char *at_character(const char *text, size_t nr)
{
	while (nr && *text) {
		text++;
		while ((*text & 0xc0) == 0x80)
			text++;
		nr--;
	}
	return nr ? NULL : text;
}

char *definition_set_autostart(const struct definition *def, const char *text,
			       const char *value)
{
	const char *begin, *end;

	if (def->value) {
		begin = at_character(text, def->value);
		end = at_character(text, def->value_end);
		if (!begin || !end || begin == end)
			return NULL;
		return xprintf("%.*s%s%s", (int)(begin - text), text, value, end);
	}
	begin = at_character(text, def->begin);
	if (!begin)
		return NULL;
	if (def->flow)
		return xprintf("%.*sautostart: %s, %s", (int)(begin - text), text, value,
			       begin);
	return xprintf("%.*sautostart: %s\n%*s%s", (int)(begin - text), text, value,
		       (int)def->indent, "", begin);
}
