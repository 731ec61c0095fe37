/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_BASE_COMMAND_H
#define VPOOLCTL_BASE_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

/* Includes properties. */
#define MAX_OPTIONS 64

struct failure;

/**
 * enum list_use - how a list in a file gives the value of a property
 * @LIST_REFUSED: the property takes one value
 * @LIST_OF_VALUES: each element is a value, added to those before; as an option, the
 *	property can be given several times
 * @LIST_JOINED: the elements, joined by commas, are one value
 */
enum list_use {
	LIST_REFUSED,
	LIST_OF_VALUES,
	LIST_JOINED,
};

/**
 * enum completion - what a shell offers for an argument
 * @COMPLETE_NONE: nothing
 * @COMPLETE_POOL: names of pools
 * @COMPLETE_COLUMNS: columns of the command's table
 * @COMPLETE_SIZE: page sizes
 * @COMPLETE_OWNER: users
 * @COMPLETE_COMMAND: a program
 * @COMPLETE_VERB: verbs of vpoolctl
 * @COMPLETE_FILE: files
 * @COMPLETE_VM: names of virtual machines
 * @COMPLETE_CPUS: lists of free CPUs, or of the pool's CPUs
 * @COMPLETE_CPU: one CPU of the pool
 * @COMPLETE_NODE: a value, then @NODE
 * @COMPLETE_PID: processes
 * @COMPLETE_SIGNAL: signals
 * @COMPLETE_MOUNT: mounted pools and their directories
 * @COMPLETE_DEVICE: lists of PCI devices
 * @COMPLETE_TEMPLATE: names of templates of virtual machines
 */
enum completion {
	COMPLETE_NONE,
	COMPLETE_POOL,
	COMPLETE_COLUMNS,
	COMPLETE_SIZE,
	COMPLETE_OWNER,
	COMPLETE_COMMAND,
	COMPLETE_VERB,
	COMPLETE_FILE,
	COMPLETE_VM,
	COMPLETE_CPUS,
	COMPLETE_CPU,
	COMPLETE_NODE,
	COMPLETE_PID,
	COMPLETE_SIGNAL,
	COMPLETE_MOUNT,
	COMPLETE_DEVICE,
	COMPLETE_TEMPLATE,
};

/**
 * struct option_def - an option of a command, and a property in a file
 * @name: long option, without its dashes
 * @letter: short option, or 0 if there is none
 * @arg: placeholder for its value in help, or NULL if it takes no value
 * @may_lack_arg: the value is optional; only --NAME=VALUE gives one
 * @help: help text of one or two lines; the caller wraps it
 * @complete: what completion offers for the value
 * @local: the option needs this terminal: --hosts refuses it
 * @bare: -VALUE is accepted too, as kill(1) accepts -9 and -KILL; at most one option
 *	of a command has it
 * @list: how a list in a file gives the value
 * @set: for a property: parses @text and stores it in @target, a struct of the kind that
 *	the table is about; returns 0, or -EINVAL with @failure set
 * @begin: prepares @target for one more value of a property with parts, or NULL
 * @parts: the properties of a mapping that can give the value, or NULL; as an option,
 *	they follow the value: VALUE[,PART=VALUE...]
 * @nr_parts: length of @parts
 *
 * A property without @arg is a boolean: the option without a value sets it to true.
 */
struct option_def {
	const char *name;
	char letter;
	const char *arg;
	bool may_lack_arg;
	const char *help;
	enum completion complete;
	bool bare;
	bool local;
	enum list_use list;
	int (*set)(void *target, const char *text, struct failure *failure);
	void (*begin)(void *target);
	const struct option_def *parts;
	size_t nr_parts;
};

struct column;
struct invocation;

/**
 * struct command - a verb
 * @name: the verb, of one or two words
 * @args: its arguments as the usage line shows them, or NULL
 * @summary: one line
 * @description: help text; the caller wraps it, an empty line separates paragraphs
 * @options: its options
 * @nr_options: length of @options
 * @properties: options that follow @options, and are also properties in a file
 * @nr_properties: length of @properties
 * @columns: columns of its table, or NULL
 * @nr_columns: length of @columns
 * @min_args: minimum number of arguments
 * @max_args: maximum number of arguments, or -1 for no maximum
 * @stop_at_args: options end at the first argument
 * @local: the verb needs this terminal: --hosts refuses it
 * @complete: what completion offers for the first argument
 * @complete_args: what completion offers for the other arguments
 * @run: runs the verb and returns an exit status
 */
struct command {
	const char *name;
	const char *args;
	const char *summary;
	const char *description;
	const struct option_def *options;
	size_t nr_options;
	const struct option_def *properties;
	size_t nr_properties;
	const struct column *columns;
	size_t nr_columns;
	int min_args;
	int max_args;
	bool stop_at_args;
	bool local;
	enum completion complete;
	enum completion complete_args;
	int (*run)(const struct invocation *inv);
};

/**
 * struct setting - an option of a command line
 * @option: index of the option, as in command_option()
 * @value: its value, or NULL
 */
struct setting {
	int option;
	const char *value;
};

/**
 * struct invocation - a command with its options and arguments
 * @cmd: the command
 * @given: whether each option of @cmd was given, by its index in command_option()
 * @value: last value of each option, or NULL
 * @settings: all options in their order on the command line; never freed
 * @nr_settings: length of @settings
 * @argc: number of arguments that are not options
 * @before: number of arguments before "--"
 * @argv: the arguments, NULL-terminated
 */
struct invocation {
	const struct command *cmd;
	bool given[MAX_OPTIONS];
	const char *value[MAX_OPTIONS];
	struct setting *settings;
	size_t nr_settings;
	int argc;
	int before;
	char **argv;
};

/* Return the number of options of a command, including properties. */
static inline size_t command_nr_options(const struct command *cmd)
{
	return cmd->nr_options + cmd->nr_properties;
}

/* Return an option of a command: first those of the verb alone, then the properties. */
static inline const struct option_def *command_option(const struct command *cmd, size_t i)
{
	return i < cmd->nr_options ? cmd->options + i : cmd->properties + i - cmd->nr_options;
}

/* Return the options in the order of help, which begins with the properties. */
static inline const struct option_def *command_help_option(const struct command *cmd,
							   size_t i)
{
	return i < cmd->nr_properties ? cmd->properties + i :
					cmd->options + i - cmd->nr_properties;
}

#endif /* VPOOLCTL_BASE_COMMAND_H */
