// SPDX-License-Identifier: GPL-2.0-only
/*
 * vpoolctl audit: list the tasks and interrupts that can run, or did run, on a pool's
 * CPUs, and the settings of the host that disturb them.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libvpool.h>

#include "base/alloc.h"
#include "base/command.h"
#include "base/exit.h"
#include "base/failure.h"
#include "base/files.h"
#include "base/macros.h"
#include "cmd/cmd.h"
#include "host/baseline.h"
#include "host/disturb.h"
#include "host/grade.h"
#include "host/isolate.h"
#include "host/pools.h"
#include "host/proc.h"
#include "output/listing.h"
#include "output/messages.h"
#include "output/outcome.h"
#include "output/table.h"

enum {
	AUDIT_JSON,
	AUDIT_NOHEADINGS,
	AUDIT_RAW,
	AUDIT_COLUMNS,
	AUDIT_WATCH,
	AUDIT_SETTINGS,
	AUDIT_MEND,
	AUDIT_DRY_RUN,
	AUDIT_QUIET,
};

static const struct option_def audit_options[] = {
	[AUDIT_JSON] = OPTION_JSON,
	[AUDIT_NOHEADINGS] = OPTION_NOHEADINGS,
	[AUDIT_RAW] = OPTION_RAW,
	[AUDIT_COLUMNS] = OPTION_COLUMNS,
	[AUDIT_WATCH] = {
		.name = "watch", .letter = 'w', .local = true,
		.help = "repeat every two seconds",
	},
	[AUDIT_SETTINGS] = {
		.name = "settings", .letter = 's',
		.help = "show only the settings of the host",
	},
	[AUDIT_MEND] = {
		.name = "mend",
		.help =
			"print nothing; restore the isolation of all pools, for\n"
			"example move interrupts that another program has moved back",
	},
	[AUDIT_DRY_RUN] = {
		.name = "dry-run", .letter = 'n',
		.help =
			"restore nothing; with --mend, print the pools whose\n"
			"isolation is not in force",
	},
	[AUDIT_QUIET] = {
		.name = "quiet", .letter = 'q',
		.help = "with --mend: print nothing on success",
	},
};

enum {
	COL_KIND,
	COL_ID,
	COL_RAN,
	COL_COUNT,
	COL_SINCE,
	COL_MASK,
	COL_WHAT,
	COL_END,
};

static const struct column audit_columns[] = {
	[COL_KIND] = { "KIND", CELL_TEXT,
		       "task, kthread, irq, ipi, tick, steal or setting" },
	[COL_ID] = { "ID", CELL_TEXT,
		     "id of the thread, or name of the interrupt or setting" },
	[COL_RAN] = { "RAN", CELL_TEXT,
		      "whether it ran on its CPUs: yes, no, or unknown" },
	[COL_COUNT] = { "COUNT", CELL_NUMBER,
			"number of interrupts on its CPUs, or of stolen clock ticks" },
	[COL_SINCE] = { "SINCE", CELL_TEXT,
			"start of the count: created, for the creation of the pool;\n"
			"or boot" },
	[COL_MASK] = { "MASK", CELL_TEXT,
		       "the CPUs that a task may run on, or that a setting disturbs" },
	[COL_WHAT] = { "WHAT", CELL_TEXT,
		       "the task's name, or the value of a setting and what it costs" },
	[COL_END] = { "END", CELL_TEXT,
		      "what ends a setting: a command, or a boot parameter" },
};

/* A line of the output. A higher rank, then a higher count, is worse. */
struct finding {
	const char *kind;
	const char *ran;
	char *id;
	char *mask;
	char *what;
	int rank;
	__u64 count;
};

struct audit {
	struct figures then;
	struct figures now;
	struct vpool_info *pool;
	struct vpool_member_info *members;
	size_t nr_members;
	struct finding *found;
	size_t nr;
};

static struct finding *find_add(struct audit *audit, const char *kind, int rank)
{
	audit->found = xrealloc(audit->found,
				(audit->nr + 1) * sizeof(*audit->found));
	audit->found[audit->nr] = (struct finding) { kind, .rank = rank };
	return audit->found + audit->nr++;
}

static int compare_findings(const void *a, const void *b)
{
	const struct finding *x = a, *y = b;

	if (x->rank != y->rank)
		return y->rank - x->rank;
	return (x->count < y->count) - (x->count > y->count);
}

static bool is_member(const struct audit *audit, int tid)
{
	size_t i;

	for (i = 0; i < audit->nr_members; i++)
		if (audit->members[i].tid == tid)
			return true;
	return false;
}

static bool meets(const char *mask, const struct vpool_cpus *cpus)
{
	struct vpool_cpus set = { 0 };
	bool found = false;

	if (!vpool_cpus_parse(mask, &set, NULL, 0)) {
		vpool_cpus_and(&set, cpus);
		found = vpool_cpus_count(&set);
	}
	vpool_cpus_free(&set);
	return found;
}

/*
 * The kernel reports where a task ran last and how often it stopped running. A task that
 * has not stopped since the baseline and is not on the CPU now did not run there. A task
 * that has stopped and ran there last did run there. For any other task it is unknown.
 */
static const char *did_run(const struct audit *audit, const struct task *task,
			   int tid, __u64 start, __u64 switches)
{
	bool there = vpool_cpus_test(&audit->pool->cpus, task->cpu), known;
	char *key = xprintf("task %d %llu", tid, start);
	__u64 then = 0;

	known = figures_find(&audit->then, key, &then);
	free(key);
	if (!audit->then.created_ns)
		return "unknown";
	if (there)
		return known && then == switches ? "unknown" : "yes";
	return known && then == switches ? "no" : "unknown";
}

static void audit_thread(struct audit *audit, int pid, int tid, bool kernel)
{
	struct finding *found;
	__u64 start, switches;
	struct task task;
	const char *ran;

	if (is_member(audit, tid) || read_task(tid, &task))
		return;
	if (meets(task.mask, &audit->pool->cpus) &&
	    task_switches(pid, tid, &start, &switches)) {
		ran = did_run(audit, &task, tid, start, switches);
		found = find_add(audit, kernel ? "kthread" : "task",
				 (kernel ? 10 : 100) + (*ran == 'y' ? 2 :
				 *ran == 'u' ? 1 : 0));
		found->ran = ran;
		found->id = xprintf("%d", tid);
		found->mask = xstrdup(task.mask);
		found->what = xstrdup(task.comm);
	}
	free(task.mask);
}

/* A kernel thread has no executable. */
static bool is_kernel(int pid)
{
	char *path = xprintf("/proc/%d/stat", pid), *text = read_text(path);
	const char *at = text ? strrchr(text, ')') : NULL;
	int parent = -1;

	if (!at || sscanf(at, ") %*c %d", &parent) != 1)
		parent = -1;
	free(text);
	free(path);
	return parent == 2 || pid == 2;
}

static void audit_tasks(struct audit *audit)
{
	DIR *proc = opendir("/proc"), *threads;
	struct dirent *entry, *thread;
	char *path;
	int pid;

	while (proc && (entry = readdir(proc))) {
		pid = atoi(entry->d_name);
		if (!pid)
			continue;
		path = xprintf("/proc/%d/task", pid);
		threads = opendir(path);
		free(path);
		while (threads && (thread = readdir(threads)))
			if (isdigit((unsigned char)thread->d_name[0]))
				audit_thread(audit, pid, atoi(thread->d_name),
					     is_kernel(pid));
		if (threads)
			closedir(threads);
	}
	if (proc)
		closedir(proc);
}

/* Report the increase of one counter. Keys of the same interrupt are adjacent. */
static void audit_figure(struct audit *audit, const struct figure *now)
{
	const char *kind = "steal", *id = "-";
	char label[64] = "", name[16];
	struct finding *last = audit->nr ? audit->found + audit->nr - 1 : NULL;
	unsigned int cpu;
	__u64 then = 0;

	if (sscanf(now->key, "%15s %63s %u", name, label, &cpu) == 3 &&
	    !strcmp(name, "irq")) {
		id = label;
		kind = isdigit((unsigned char)*label) ? "irq" :
		       !strcmp(label, "LOC") ? "tick" : "ipi";
	} else if (sscanf(now->key, "steal %u", &cpu) != 1) {
		return;
	}
	figures_find(&audit->then, now->key, &then);
	if (!vpool_cpus_test(&audit->pool->cpus, cpu) || now->value <= then)
		return;
	if (!last || strcmp(last->kind, kind) || strcmp(last->id, id)) {
		last = find_add(audit, kind, *kind == 's' ? 60 :
				kind[1] == 'r' ? 50 : *kind == 't' ? 20 : 15);
		last->id = xstrdup(id);
	}
	last->count += now->value - then;
}

static void print_findings(struct audit *audit, struct table *tb)
{
	const char *since = audit->then.created_ns ? "created" : "boot";
	size_t i;

	if (audit->nr)
		qsort(audit->found, audit->nr, sizeof(*audit->found),
		      compare_findings);
	for (i = 0; i < audit->nr; i++) {
		struct finding *found = audit->found + i;

		table_row(tb);
		table_text(tb, COL_KIND, found->kind);
		table_text(tb, COL_ID, found->id);
		if (found->ran)
			table_text(tb, COL_RAN, found->ran);
		else
			table_number(tb, COL_COUNT, found->count);
		table_text(tb, COL_SINCE, since);
		if (found->mask)
			table_text(tb, COL_MASK, found->mask);
		if (found->what)
			table_text(tb, COL_WHAT, found->what);
		free(found->id);
		free(found->mask);
		free(found->what);
	}
	free(audit->found);
}

/* The settings follow the rest, because they disturb less often than what has run. */
static void print_settings(const struct vpool_cpus *cpus, struct table *tb)
{
	struct disturbances found;
	size_t i;

	disturbances_find(cpus, &found);
	for (i = 0; i < found.nr; i++) {
		table_row(tb);
		table_text(tb, COL_KIND, "setting");
		table_text(tb, COL_ID, found.all[i].setting);
		table_text(tb, COL_MASK, found.all[i].cpus);
		table_text(tb, COL_WHAT, found.all[i].what);
		table_text(tb, COL_END, found.all[i].end);
	}
	disturbances_free(&found);
}

static int fill_intruders(const struct invocation *inv, struct vpool *vp,
			  struct vpool_info *pool, struct table *tb)
{
	struct audit audit = { .pool = pool };
	size_t i;
	int err;

	err = vpool_members(vp, inv->argv[0], &audit.members,
			    &audit.nr_members);
	if (!err) {
		baseline_load(inv->argv[0], audit.pool->created_ns,
			      &audit.then);
		figures_read(&audit.now);
		for (i = 0; i < audit.now.nr; i++)
			audit_figure(&audit, audit.now.all + i);
		audit_tasks(&audit);
		print_findings(&audit, tb);
		figures_free(&audit.then);
		figures_free(&audit.now);
		free(audit.members);
	}
	return err;
}

static int fill_audit(const struct invocation *inv, struct vpool *vp,
		      struct table *tb)
{
	struct vpool_info *pool;
	int err;

	err = vpool_query(vp, inv->argv[0], &pool);
	if (err)
		return err;
	if (!inv->given[AUDIT_SETTINGS])
		err = fill_intruders(inv, vp, pool, tb);
	if (!err)
		print_settings(&pool->cpus, tb);
	vpool_info_free(pool);
	return err;
}

/* Print the pools whose cpusets do not match their grade. */
static int try_mend(const struct invocation *inv)
{
	struct vpool_info **pools;
	struct vpool *vp = NULL;
	size_t i, nr = 0;
	int err;

	err = vpool_open_reader(&vp);
	if (!err)
		err = read_pools(vp, &pools, &nr);
	if (err)
		err = handle_error(inv, NULL, vp, err);
	for (i = 0; i < nr; i++)
		if (!grade_in_force(pools[i], grade_of(pools[i])))
			outcome_print(inv, pools[i]->name, "would restore %s",
				      pools[i]->name);
	if (!err)
		free_pools(pools, nr);
	vpool_close(vp);
	return err;
}

static int mend(const struct invocation *inv)
{
	struct failure failure;

	if (inv->given[AUDIT_DRY_RUN])
		return try_mend(inv);
	if (isolate_mend(NULL, &failure))
		return failure_report(inv, NULL, &failure);
	outcome_print_silent(inv, NULL, "restored the isolation of all pools");
	return EXIT_OK;
}

static int run_audit(const struct invocation *inv)
{
	struct failure failure;
	int status;

	if (inv->given[AUDIT_MEND] && inv->given[AUDIT_SETTINGS])
		return usage_error(inv->cmd, "--mend and --settings exclude each other");
	if (inv->given[AUDIT_MEND])
		return inv->argc ? usage_error(inv->cmd, "--mend takes no NAME") :
				   mend(inv);
	if (!inv->argc)
		return usage_error(inv->cmd, "too few arguments: expected %s",
				   inv->cmd->args);
	for (;;) {
		if (!inv->given[AUDIT_DRY_RUN] &&
		    isolate_mend(inv->argv[0], &failure))
			failure_report(inv, inv->argv[0], &failure);
		status = run_listing(inv, "intruders", fill_audit);
		if (status || !inv->given[AUDIT_WATCH])
			return status;
		if (finish_output(EXIT_OK))
			return EXIT_FAILED;
		sleep(2);
	}
}

const struct command cmd_audit = {
	.name = "audit",
	.args = "NAME | --mend",
	.summary = "show what disturbs a pool's CPUs",
	.description =
		"Show the tasks and interrupts that can run, or did run, on a\n"
		"pool's CPUs without being members, the worst first: tasks\n"
		"that are not members, time stolen by a hypervisor,\n"
		"interrupts, timer ticks, the kernel's function calls between\n"
		"CPUs (ipi) and kernel threads. Counting starts when the pool\n"
		"is created, or at boot if the counters of that moment are\n"
		"lost. RAN is unknown if the kernel does not record it: a\n"
		"task that has run since then, and last ran on another CPU,\n"
		"may have run on the pool's CPUs in between.\n\n"
		"Then show each setting of the host that disturbs programs\n"
		"on these CPUs: its value, what that costs, and the command\n"
		"or boot parameter that ends it. Not all of them suit each\n"
		"host: some cost the other CPUs, or the protection from\n"
		"runaway tasks.\n\n"
		"For root, audit first restores what other programs have\n"
		"changed, as every verb does that changes a pool.",
	.options = audit_options,
	.nr_options = ARRAY_SIZE(audit_options),
	.columns = audit_columns,
	.nr_columns = ARRAY_SIZE(audit_columns),
	.max_args = 1,
	.complete = COMPLETE_POOL,
	.run = run_audit,
};
