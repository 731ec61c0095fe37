// SPDX-License-Identifier: GPL-2.0-only
/*
 * vpoolctl run: start a program on a pool.
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libvpool.h>

#include "base/alloc.h"
#include "base/code.h"
#include "base/command.h"
#include "base/exit.h"
#include "base/failure.h"
#include "base/macros.h"
#include "cmd/cmd.h"
#include "host/isolate.h"
#include "host/preload.h"
#include "host/slice.h"
#include "output/messages.h"
#include "output/outcome.h"

enum {
	RUN_DEDICATED,
	RUN_CPU,
	RUN_HEAP,
	RUN_HEAP_MALLOC,
	RUN_HEAP_PRIVATE,
	RUN_HEAP_FALLBACK,
	RUN_HEAP_REPORT,
	RUN_PROPERTY,
	RUN_MOVE_CGROUP,
	RUN_DRY_RUN,
	RUN_QUIET,
	RUN_JSON,
};

static const struct option_def run_options[] = {
	[RUN_DEDICATED] = {
		.name = "dedicated", .letter = 'd',
		.help =
			"dedicate a CPU of the pool to the first thread of the\n"
			"program; no other member runs on that CPU",
	},
	[RUN_CPU] = {
		.name = "cpu", .letter = 'c', .arg = "CPU",
		.complete = COMPLETE_CPU,
		.help = "the CPU to dedicate; implies --dedicated",
	},
	[RUN_HEAP] = {
		.name = "heap",
		.help =
			"serve the program's requests for anonymous huge pages\n"
			"from the memory of the pool",
	},
	[RUN_HEAP_MALLOC] = {
		.name = "heap-malloc",
		.help =
			"also serve malloc from the pool, through mimalloc;\n"
			"implies --heap",
	},
	[RUN_HEAP_PRIVATE] = {
		.name = "heap-private", .arg = "copy|dontfork|host",
		.help =
			"what a child process has of private memory of the pool:\n"
			"copy (default): a copy, made at fork; dontfork: nothing;\n"
			"host: private memory does not come from the pool",
	},
	[RUN_HEAP_FALLBACK] = {
		.name = "heap-fallback", .arg = "yes|no",
		.help =
			"leave a request that the pool cannot serve to the kernel\n"
			"(yes, default), or let it fail (no)",
	},
	[RUN_HEAP_REPORT] = {
		.name = "heap-report", .arg = "FILE", .may_lack_arg = true,
		.complete = COMPLETE_FILE,
		.help =
			"at exit, each process reports on standard error, or at the\n"
			"end of a file, what the pool has served",
	},
	[RUN_PROPERTY] = {
		.name = "property", .letter = 'p', .arg = "NAME=VALUE",
		.list = LIST_OF_VALUES,
		.help =
			"under systemd, run the program in a scope of its own in\n"
			"the pool's slice, with a property such as MemoryMax=1G;\n"
			"can be given several times",
	},
	[RUN_MOVE_CGROUP] = OPTION_MOVE_CGROUP,
	[RUN_DRY_RUN] = OPTION_DRY_RUN,
	[RUN_QUIET] = OPTION_QUIET,
	[RUN_JSON] = {
		.name = "json", .letter = 'J',
		.help = "print errors, and the outcome of a dry run, as JSON",
	},
};

static bool wants_own_cpu(const struct invocation *inv)
{
	return inv->given[RUN_DEDICATED] || inv->given[RUN_CPU];
}

static int take_cpu(const struct invocation *inv, int *cpu)
{
	const char *text = inv->value[RUN_CPU];
	long number;
	char *end;

	*cpu = -1;
	if (!inv->given[RUN_CPU])
		return EXIT_OK;
	errno = 0;
	number = strtol(text, &end, 10);
	if (!isdigit((unsigned char)*text) || *end || errno || number > INT_MAX)
		return usage_error(inv->cmd, "--cpu: '%s' is not the number of a CPU", text);
	*cpu = number;
	return EXIT_OK;
}

/*
 * This process has one thread, which becomes the first of the program. Return 0 or a
 * negative errno.
 */
static int attach_thread(const struct invocation *inv, struct vpool *vp)
{
	int cpu;

	/* The value is known to be a number. */
	take_cpu(inv, &cpu);
	return vpool_attach_task(vp, VPOOL_SELF, 0, 0, &cpu);
}

/* Join the cpuset first: the kernel attaches a task within the cpuset of the task. */
static int attach_self(const struct invocation *inv, struct vpool *vp,
		       const struct vpool_info *info)
{
	struct failure failure;
	struct origin was;
	int err;

	if (slice_join(info, getpid(), inv->given[RUN_MOVE_CGROUP], &was,
		       &failure))
		return failure_report(inv, inv->argv[0], &failure);
	if (wants_own_cpu(inv))
		err = attach_thread(inv, vp);
	else
		err = vpool_attach(vp, VPOOL_SELF, VPOOL_ATTACH_PROCESS);
	slice_free(&was);
	if (!err)
		return EXIT_OK;
	err = handle_error(inv, inv->argv[0], vp, err);
	slice_hint(info, getpid());
	return err;
}

/* Without CPUs there is nothing to attach to. The program can still use the memory. */
static int join(const struct invocation *inv, struct vpool *vp)
{
	struct vpool_info *info;
	int err;

	err = vpool_query(vp, NULL, &info);
	if (err)
		return handle_error(inv, inv->argv[0], vp, err);
	slice_enter_plain(info);
	if (vpool_cpus_count(&info->cpus) || wants_own_cpu(inv))
		err = attach_self(inv, vp, info);
	vpool_info_free(info);
	return err;
}

/* Check that each property has the form NAME=VALUE. systemd knows the names. */
static int check_properties(const struct invocation *inv)
{
	size_t i, len;

	for (i = 0; i < inv->nr_settings; i++) {
		const char *text = inv->settings[i].value;

		if (inv->settings[i].option != RUN_PROPERTY)
			continue;
		for (len = 0; isalnum((unsigned char)text[len]); len++)
			;
		if (!len || text[len] != '=')
			return usage_error(inv->cmd,
					   "--property: '%s' is not NAME=VALUE, as in MemoryMax=1G",
					   text);
	}
	return EXIT_OK;
}

/* Return the properties, one in each line, for free(3). */
static char *join_properties(const struct invocation *inv)
{
	char *joined = NULL, *longer;
	size_t i;

	for (i = 0; i < inv->nr_settings; i++) {
		if (inv->settings[i].option != RUN_PROPERTY)
			continue;
		longer = xprintf("%s%s%s", joined ? joined : "", joined ? "\n" : "",
				 inv->settings[i].value);
		free(joined);
		joined = longer;
	}
	return joined;
}

/*
 * Write the options of the program itself to @words, each as one word, for free(3).
 * Return their number.
 */
static size_t add_options(const struct invocation *inv, char **words)
{
	size_t i, nr = 0;

	for (i = 0; i < inv->nr_settings; i++) {
		const struct setting *setting = &inv->settings[i];
		const char *name = run_options[setting->option].name;

		if (setting->option >= RUN_PROPERTY)
			continue;
		words[nr++] = setting->value ? xprintf("--%s=%s", name, setting->value) :
					       xprintf("--%s", name);
	}
	return nr;
}

/*
 * Become systemd-run, which executes this program once more, in a scope. It finds itself
 * in the slice and stays there. Return only on failure.
 */
static int run_in_scope(const struct invocation *inv, char **program)
{
	char path[PATH_MAX] = "", *properties, **words, **args = NULL;
	size_t i, nr_options, nr = 0;
	struct failure failure;
	bool known;

	known = readlink("/proc/self/exe", path, sizeof(path) - 1) > 0;
	while (program[nr])
		nr++;
	words = xcalloc(nr + inv->nr_settings + 5, sizeof(*words));
	words[0] = known ? path : "vpoolctl";
	words[1] = "run";
	nr_options = add_options(inv, words + 2);
	nr = 2 + nr_options;
	words[nr++] = inv->argv[0];
	words[nr++] = "--";
	for (i = 0; program[i]; i++)
		words[nr++] = program[i];
	properties = join_properties(inv);
	if (!slice_check_scope(inv->argv[0], inv->given[RUN_MOVE_CGROUP], &failure))
		args = slice_scope_args(inv->argv[0], properties, words, &failure);
	free(properties);
	if (args)
		execvp(args[0], args);
	for (i = 0; i < nr_options; i++)
		free(words[2 + i]);
	free(words);
	if (!args)
		return failure_report(inv, inv->argv[0], &failure);
	cmd_error(inv, inv->argv[0], TOOL_PROGRAM, "cannot run '%s': %s", args[0],
		  strerror(errno));
	return EXIT_CANNOT_RUN;
}

static void set_environment(const char *name)
{
	char *device = xprintf("/dev/vpool/%s", name);

	setenv("VPOOL_POOL", name, 1);
	setenv("VPOOL_DEVICE", device, 1);
	free(device);
}

/* Find a program as execvp(3) does. */
static bool can_run(const char *program)
{
	const char *path = getenv("PATH");
	char *dirs, *next, *dir, *file;
	bool found = false;

	if (strchr(program, '/'))
		return !access(program, X_OK);
	dirs = xstrdup(path ? path : "/bin:/usr/bin");
	next = dirs;
	while (!found && (dir = strsep(&next, ":"))) {
		file = xprintf("%s/%s", *dir ? dir : ".", program);
		found = !access(file, X_OK);
		free(file);
	}
	free(dirs);
	return found;
}

static int try_run(const struct invocation *inv, const char *program)
{
	struct failure failure;

	if (!can_run(program)) {
		cmd_error(inv, inv->argv[0], TOOL_PROGRAM, "cannot run '%s': %s",
			  program, strerror(errno));
		return errno == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN;
	}
	if (inv->given[RUN_PROPERTY] &&
	    slice_check_scope(inv->argv[0], inv->given[RUN_MOVE_CGROUP], &failure))
		return failure_report(inv, inv->argv[0], &failure);
	outcome_print(inv, inv->argv[0], "would run %s on pool %s", program,
		      inv->argv[0]);
	return EXIT_OK;
}

/* Check the value of an option against its words, "a|b|c". */
static int check_word(const struct invocation *inv, int option)
{
	const char *words = run_options[option].arg, *text = inv->value[option];
	const char *at = words;
	size_t len;

	for (; text && at; at = strchr(at, '|') ? strchr(at, '|') + 1 : NULL) {
		len = strcspn(at, "|");
		if (strlen(text) == len && !strncmp(at, text, len))
			return EXIT_OK;
	}
	if (!text)
		return EXIT_OK;
	return usage_error(inv->cmd, "--%s: '%s' is not one of %s",
			   run_options[option].name, text, words);
}

static bool wants_heap(const struct invocation *inv)
{
	return inv->given[RUN_HEAP] || inv->given[RUN_HEAP_MALLOC];
}

/* Find what --heap preloads. @preload is zeroed for a program without it. */
static int take_preload(const struct invocation *inv, struct preload *preload)
{
	const char *report = inv->value[RUN_HEAP_REPORT];
	int option, status = EXIT_OK;
	struct failure failure;

	*preload = (struct preload) {
		.fallback = inv->value[RUN_HEAP_FALLBACK],
		.private = inv->value[RUN_HEAP_PRIVATE],
		.malloc = inv->given[RUN_HEAP_MALLOC],
	};
	if (inv->given[RUN_HEAP_REPORT])
		preload->report = report ? report : "-";
	for (option = RUN_HEAP_PRIVATE; option <= RUN_HEAP_REPORT; option++)
		if (inv->given[option] && !wants_heap(inv))
			return usage_error(inv->cmd, "--%s needs --heap",
					   run_options[option].name);
	status = check_word(inv, RUN_HEAP_PRIVATE);
	if (!status)
		status = check_word(inv, RUN_HEAP_FALLBACK);
	if (!status && wants_heap(inv) && preload_find(preload, &failure))
		status = failure_report(inv, inv->argv[0], &failure);
	return status;
}

/* Find the program, and check the options that need no pool. */
static int take_program(const struct invocation *inv, char ***program,
			struct preload *preload)
{
	int cpu, status;

	*program = inv->argv + 1;
	if (**program && !strcmp(**program, "--"))
		(*program)++;
	if (!**program)
		return usage_error(inv->cmd, "no program is given: expected %s",
				   inv->cmd->args);
	status = check_properties(inv);
	if (!status)
		status = take_cpu(inv, &cpu);
	return status ? status : take_preload(inv, preload);
}

/* Make this process what the program must be, or try that. */
static int prepare(const struct invocation *inv, struct vpool *vp, char **program)
{
	struct failure failure;

	if (outcome_is_dry(inv))
		return try_run(inv, *program);
	if (isolate_mend(inv->argv[0], &failure))
		return failure_report(inv, inv->argv[0], &failure);
	return inv->given[RUN_PROPERTY] ? run_in_scope(inv, program) : join(inv, vp);
}

/* Return only on failure. */
static int execute(const struct invocation *inv, const struct preload *preload,
		   char **program)
{
	int err;

	set_environment(inv->argv[0]);
	if (wants_heap(inv))
		preload_set_environment(preload, inv->argv[0]);
	execvp(*program, program);
	err = errno;
	cmd_error(inv, inv->argv[0], TOOL_PROGRAM, "cannot run '%s': %s", *program,
		  strerror(err));
	return err == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN;
}

static int run_run(const struct invocation *inv)
{
	struct preload preload = { 0 };
	struct vpool *vp = NULL;
	char **program;
	int err, status;

	status = take_program(inv, &program, &preload);
	if (!status) {
		err = vpool_open(inv->argv[0], &vp);
		status = err ? handle_error(inv, inv->argv[0], vp, err) :
			       prepare(inv, vp, program);
	}
	if (!status && !outcome_is_dry(inv))
		status = execute(inv, &preload, program);
	preload_free(&preload);
	vpool_close(vp);
	return status;
}

const struct command cmd_run = {
	.name = "run",
	.args = "NAME [--] PROGRAM [ARGUMENT...]",
	.summary = "run a program on a pool's CPUs",
	.description =
		"Run a program, and all processes that it forks, on a pool's\n"
		"CPUs. If the pool has no CPUs, the program keeps its\n"
		"affinity. The environment variables VPOOL_POOL and\n"
		"VPOOL_DEVICE give the program the name and the device of the\n"
		"pool. The exit status is that of the program. It is 127 if\n"
		"there is no such program, and 126 if it cannot be started.\n\n"
		"Under systemd, a program of root runs in a transient scope in\n"
		"the pool's slice. The help of attach describes which\n"
		"processes are moved there; on a plain pool, other processes\n"
		"stay where they are. With --property, each program runs in a\n"
		"scope with these properties. That of another user is in a\n"
		"slice of the user's own systemd, which has no CPUs: the\n"
		"module holds the program on those of the pool.\n\n"
		"With --heap, a preloaded library serves requests of programs\n"
		"that know nothing of pools: mmap of anonymous memory with\n"
		"MAP_HUGETLB, memfd_create with MFD_HUGETLB, and shmget of\n"
		"IPC_PRIVATE with SHM_HUGETLB. The pool must have huge pages,\n"
		"and the user of the program must be able to open it. The\n"
		"processes that the program starts have the library, too, but\n"
		"not those that are set-user-ID or statically linked.\n"
		"\"Programs that ask for huge pages\" in the documentation\n"
		"describes what is served, and what a child process has of it.",
	.options = run_options,
	.nr_options = ARRAY_SIZE(run_options),
	.min_args = 1,
	.max_args = -1,
	.stop_at_args = true,
	.complete = COMPLETE_POOL,
	.complete_args = COMPLETE_COMMAND,
	.run = run_run,
};
