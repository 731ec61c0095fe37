/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_H
#define VPOOLCTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <libvpool.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define __printf(fmt, args) \
	__attribute__((__format__(__printf__, fmt, \
				  args)))

/* Exit statuses, as the manual promises them. */
enum {
	EXIT_OK = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_NO_MODULE = 3,
};

/* Exit statuses of run, as of env(1). */
enum {
	EXIT_CANNOT_RUN = 126,
	EXIT_NOT_FOUND = 127,
};

#define MAX_OPTIONS 24

/**
 * enum completion - what a shell can offer for an argument
 * @COMPLETE_NONE: nothing
 * @COMPLETE_POOL: names of pools
 * @COMPLETE_COLUMNS: columns of the command's table
 * @COMPLETE_SIZE: page sizes
 * @COMPLETE_OWNER: users
 * @COMPLETE_COMMAND: a program
 * @COMPLETE_VERB: verbs of vpoolctl
 * @COMPLETE_FILE: files
 * @COMPLETE_VM: names of virtual machines
 * @COMPLETE_CPUS: lists of CPUs that are free, or the pool's
 * @COMPLETE_CPU: one of the pool's CPUs
 * @COMPLETE_NODE: something with @NODE behind it
 * @COMPLETE_PID: processes
 * @COMPLETE_SIGNAL: signals
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
};

/**
 * struct option_def - one option of a command
 * @name: the long option, without its dashes
 * @letter: the short one, or 0
 * @arg: what its argument is called, or NULL if it takes none
 * @may_lack_arg: the argument may be left out; then only --NAME=ARG gives one
 * @help: a line or two about it, filled for output
 * @complete: what can be offered for its argument
 * @bare: also taken as -ARGUMENT, as kill(1) takes -9 and -KILL; of one option at most
 */
struct option_def {
	const char *name;
	char letter;
	const char *arg;
	bool may_lack_arg;
	const char *help;
	enum completion complete;
	bool bare;
};

struct column;
struct invocation;

/**
 * struct command - one verb
 * @name: the verb
 * @args: its arguments as usage shows them, or NULL
 * @summary: one line
 * @description: some lines, filled for output; an empty line parts paragraphs
 * @options: its options
 * @nr_options: how many
 * @columns: the columns of its table, or NULL
 * @nr_columns: how many
 * @min_args: the least number of arguments
 * @max_args: the greatest, or -1
 * @stop_at_args: options end at the first argument
 * @complete: what can be offered for the first argument
 * @complete_rest: what can be offered for the others
 * @run: do it; an exit status
 */
struct command {
	const char *name;
	const char *args;
	const char *summary;
	const char *description;
	const struct option_def *options;
	size_t nr_options;
	const struct column *columns;
	size_t nr_columns;
	int min_args;
	int max_args;
	bool stop_at_args;
	enum completion complete;
	enum completion complete_rest;
	int (*run)(const struct invocation *inv);
};

/**
 * struct invocation - a command as it was called
 * @cmd: the command
 * @given: which of its options were given, by their index
 * @value: their arguments
 * @argc: number of arguments that are no options
 * @before: how many of them are before "--"
 * @argv: those, NULL-terminated
 */
struct invocation {
	const struct command *cmd;
	bool given[MAX_OPTIONS];
	const char *value[MAX_OPTIONS];
	int argc;
	int before;
	char **argv;
};

/* commands.c: the command table */

extern const struct command * const commands[];
extern const size_t nr_commands;

/*
 * The command that a NULL-terminated list of words begins with, and how many of
 * them its name is: a verb may be of two words, as "vm start". NULL if there is
 * none.
 */
const struct command *find_command(char **words, int *nr);

/* Is it the first of two words? */
bool is_group(const char *word);

extern const struct command cmd_apply;
extern const struct command cmd_attach;
extern const struct command cmd_audit;
extern const struct command cmd_check;
extern const struct command cmd_create;
extern const struct command cmd_destroy;
extern const struct command cmd_detach;
extern const struct command cmd_export;
extern const struct command cmd_help;
extern const struct command cmd_host;
extern const struct command cmd_kill;
extern const struct command cmd_list;
extern const struct command cmd_map;
extern const struct command cmd_metrics;
extern const struct command cmd_ps;
extern const struct command cmd_regions;
extern const struct command cmd_resize;
extern const struct command cmd_run;
extern const struct command cmd_show;
extern const struct command cmd_top;
extern const struct command cmd_version;
extern const struct command cmd_vm_console;
extern const struct command cmd_vm_list;
extern const struct command cmd_vm_migrate;
extern const struct command cmd_vm_pause;
extern const struct command cmd_vm_resume;
extern const struct command cmd_vm_start;
extern const struct command cmd_vm_stop;

/* options.c */

/*
 * Move options that stand before the verb behind it, where they belong to it: "-J list"
 * is "list --json". The words, or NULL with a message printed.
 */
char **options_behind_verb(int argc, char **argv, int *nr);

/* Fill inv from argv, argv[0] being the verb; EXIT_OK, or what to exit with. */
int parse_options(const struct command *cmd, int argc, char **argv,
		  struct invocation *inv);

/* help.c */

/* Complain about what is no verb, with the nearest that is one. */
int unknown_verb(const char *group, const char *verb);

void print_overview(FILE *to);
/* The verbs of two words that begin with one. */
void print_group(FILE *to, const char *group);
void print_command_help(const struct command *cmd);

/* messages.c */

/* "vpoolctl: create web: ...", on standard error. */
void complain(const struct invocation *inv, const char *subject,
	      const char *fmt, ...) __printf(3, 4);
/* Something to try next, which is told when all that failed has been. */
void advise(const char *sentence);
/* Complain, point to --help, and return EXIT_USAGE. */
int wrong_usage(const struct command *cmd, const char *fmt, ...)
	__printf(2, 3);
/* Complain with a handle's reason; the exit status for that error. */
int failed(const struct invocation *inv, const char *subject,
	   const struct vpool *vp, int err);
/* Flush standard output; EXIT_FAILED with a complaint if it is lost. */
int finish_output(int status);

/* Is standard output for colours: a terminal, and NO_COLOR is not set? */
bool want_colour(void);

/* suggest.c */

/* The name nearest to a misspelt one, or NULL if none is near. */
const char *nearest(const char *wrong, const char *const *names, size_t nr);
/*
 * Likewise for names of actions, where a suggestion of another meaning does harm: one
 * typing error, or two in a long word.
 */
const char *nearest_slip(const char *wrong, const char *const *names, size_t nr);

/* alloc.c: these end the program when memory runs out */

void *xcalloc(size_t nr, size_t size);
void *xrealloc(void *old, size_t size);
char *xstrdup(const char *text);
char *xprintf(const char *fmt, ...) __printf(1, 2);

/* printable.c */

/*
 * A text in which each byte that is part of no printable character is written as \x1b,
 * so that it cannot drive a terminal. For free(3).
 */
char *printable(const char *text);

/* reading.c: what more than one verb needs to know */

/* Names of a pool's owner and group as "user:group", numbers if they have none. */
char *owner_text(uid_t uid, gid_t gid);
/* Read all pools; those that vanish meanwhile are left out. */
int read_pools(struct vpool *vp, struct vpool_info ***pools, size_t *nr);
void free_pools(struct vpool_info **pools, size_t nr);
char *cpus_text(const struct vpool_cpus *cpus);
/* The threads of a CPU's core; the CPU alone where the topology is not known. */
void core_of(unsigned int cpu, struct vpool_cpus *core);

#endif /* VPOOLCTL_H */
