/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_VM_DEFINITION_H
#define VPOOLCTL_VM_DEFINITION_H

#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"
#include "vm/config.h"

struct invocation;

/**
 * struct definition - a machine that a file defines
 * @config: the machine
 * @begin: where its properties begin in the file, in characters
 * @indent: column of the first property
 * @flow: the properties are in braces
 * @value: where the value of autostart begins, in characters; 0 if there is none
 * @value_end: where that value ends
 */
struct definition {
	struct vm_config config;
	size_t begin;
	size_t indent;
	bool flow;
	size_t value;
	size_t value_end;
};

/**
 * struct definitions - the machines that a set of files defines
 * @notes: the files and their mistakes; it has no pools
 * @vms: the machines in the order of the files
 * @nr: length of @vms
 */
struct definitions {
	struct config notes;
	struct definition *vms;
	size_t nr;
};

/* Return the path of the file that defines a machine, for free(3). */
char *definition_path(const char *name);
/* Return the names of the defined machines, sorted; each and the array for free(3). */
char **definition_names(size_t *nr);
bool definition_exists(const char *name);

/*
 * Add the machines and mistakes of a file; "-" is standard input. Unless @name is NULL, the
 * file must define the machine of that name and no other one.
 */
void definitions_read(struct definitions *defs, const char *path, const char *name);
/* Add the machines of a text as those of the file @path. Without @text, note errno @err. */
void definitions_read_text(struct definitions *defs, const char *path, const char *text,
			   int err);
/* Add the definition of a machine from its file, or the mistakes in that file. */
void definitions_load(struct definitions *defs, const char *name);
void definitions_free(struct definitions *defs);

/*
 * Lock the directory of the definitions against other vpoolctls, and create it with
 * @create. Return a descriptor for close(2), or -1 after a message.
 */
int definitions_lock(const struct invocation *inv, const char *name, bool create);

/*
 * Write the file of a machine. Without @replace, the file must not exist. The caller holds
 * the lock. Return 0, or -1 after a message.
 */
int definition_write(const struct invocation *inv, const char *name, const char *text,
		     bool replace);

/*
 * Check a text with the name of a file for messages. Return 0, or -1 after a message: the
 * text has mistakes or does not define @name alone.
 */
int definition_check(const struct invocation *inv, const char *path, const char *name);

/* Return a file that defines the machine @name with these options, for free(3). */
char *definition_from_options(const struct invocation *inv, const char *name);

/*
 * Return the text of a file with another value of autostart, for free(3), or NULL if its
 * layout does not allow that.
 */
char *definition_set_autostart(const struct definition *def, const char *text,
			       const char *value);

#endif /* VPOOLCTL_VM_DEFINITION_H */
