// SPDX-License-Identifier: GPL-2.0-only
/*
 * Settings of the host that disturb programs on the CPUs of a pool.
 *
 * Each check reads the current value, and reports it only if it has a cost on one of the
 * CPUs. A file that this kernel does not have, or that the caller may not read, is no
 * finding.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <libvpool.h>

#include "base/alloc.h"
#include "base/files.h"
#include "base/macros.h"
#include "host/cpumask.h"
#include "host/disturb.h"
#include "host/irqbalance.h"
#include "host/kernel_file.h"
#include "host/pools.h"

#define CPU_DIR "/sys/devices/system/cpu"
#define CMDLINE "/proc/cmdline"
#define IRQ_DIR "/proc/irq"
#define KERNEL "/proc/sys/kernel"
#define RCU_NORMAL "/sys/kernel/rcu_normal"
#define DMA_LATENCY "/dev/cpu_dma_latency"
#define FAIR_SERVER "/sys/kernel/debug/sched/fair_server"

/* An idle state that takes longer to leave, in microseconds, is a finding. */
#define IDLE_LATENCY 10
/* Interrupts that a finding names. */
#define MANY_IRQS 4

/**
 * struct check - the state of one check
 * @setting: name of the setting
 * @cpus: CPUs of the pool
 * @found: all findings so far
 */
struct check {
	const char *setting;
	const struct vpool_cpus *cpus;
	struct disturbances *found;
};

/* Add a finding about some CPUs. It owns @what and @end. */
static void report(struct check *check, const struct vpool_cpus *cpus, char *what, char *end)
{
	struct disturbances *found = check->found;

	found->all = xrealloc(found->all, (found->nr + 1) * sizeof(*found->all));
	found->all[found->nr++] = (struct disturbance) {
		.setting = check->setting,
		.cpus = cpus_text(cpus),
		.what = what,
		.end = end,
	};
}

/* Set @left to the CPUs of the pool that are not in @spared. Return their number. */
static unsigned int cpus_without(const struct check *check, const struct vpool_cpus *spared,
				 struct vpool_cpus *left)
{
	*left = (struct vpool_cpus) { 0 };
	cpus_add_all(left, check->cpus);
	vpool_cpus_subtract(left, spared);
	return vpool_cpus_count(left);
}

/* Set @both to the CPUs of the pool that are also in @cpus. Return their number. */
static unsigned int cpus_within(const struct check *check, const struct vpool_cpus *cpus,
				struct vpool_cpus *both)
{
	*both = (struct vpool_cpus) { 0 };
	cpus_add_all(both, check->cpus);
	vpool_cpus_and(both, cpus);
	return vpool_cpus_count(both);
}

/* Return the list of @cpus with those of the pool, for free(3). */
static char *list_with_pool(const struct check *check, const struct vpool_cpus *cpus)
{
	struct vpool_cpus both = { 0 };
	char *text;

	cpus_add_all(&both, cpus);
	cpus_add_all(&both, check->cpus);
	text = cpus_text(&both);
	vpool_cpus_free(&both);
	return text;
}

/* Return the list of @cpus without those of the pool, for free(3). */
static char *list_without_pool(const struct check *check, const struct vpool_cpus *cpus)
{
	struct vpool_cpus rest = { 0 };
	char *text;

	cpus_add_all(&rest, cpus);
	vpool_cpus_subtract(&rest, check->cpus);
	text = cpus_text(&rest);
	vpool_cpus_free(&rest);
	return text;
}

/* Write CPUs as the shell expands them after "cpu": 2, {2..5} or {2..5,8}. */
static char *braces(const struct vpool_cpus *cpus)
{
	char *list = cpus_text(cpus), *text = xstrdup(""), *more, *part, *save, *dash;
	bool single = !strchr(list, ',');

	for (part = strtok_r(list, ",", &save); part; part = strtok_r(NULL, ",", &save)) {
		dash = strchr(part, '-');
		more = dash ? xprintf("%s%s{%.*s..%s}", text, *text ? "," : "",
				      (int)(dash - part), part, dash + 1) :
			      xprintf("%s%s%s", text, *text ? "," : "", part);
		free(text);
		text = more;
	}
	free(list);
	if (single)
		return text;
	more = xprintf("{%s}", text);
	free(text);
	return more;
}

/* Return the command that writes @value to a file of each of these CPUs, for free(3). */
static char *write_to_cpus(const char *value, const struct vpool_cpus *cpus, const char *dir,
			   const char *file)
{
	char *each = braces(cpus);
	char *command = xprintf("echo %s | tee %s/cpu%s%s", value, dir, each, file);

	free(each);
	return command;
}

/* Boot parameters */

/* Return the value of a word "KEY=VALUE" of the command line, or NULL. */
static const char *value_of(const char *word, const char *key)
{
	size_t len = strlen(key);

	return strncmp(word, key, len) || word[len] != '=' ? NULL : word + len + 1;
}

/*
 * Read the CPUs of a boot parameter. If @flag is set, only a parameter with this flag before
 * its list counts. A list that cannot be parsed has no CPUs.
 */
static void read_parameter(const char *key, const char *flag, struct vpool_cpus *cpus)
{
	char *text = kernel_line(CMDLINE), *word, *save;
	struct vpool_cpus more;

	*cpus = (struct vpool_cpus) { 0 };
	for (word = text ? strtok_r(text, " \t", &save) : NULL; word;
	     word = strtok_r(NULL, " \t", &save)) {
		const char *list = value_of(word, key);
		bool flagged = !flag;

		for (; list && flag && isalpha((unsigned char)*list) && strchr(list, ',');
		     list = strchr(list, ',') + 1)
			flagged |= !strncmp(list, flag, strlen(flag)) &&
				   list[strlen(flag)] == ',';
		if (!list || !flagged || vpool_cpus_parse(list, &more, NULL, 0))
			continue;
		cpus_add_all(cpus, &more);
		vpool_cpus_free(&more);
	}
	free(text);
}

static void check_nohz_full(struct check *check)
{
	struct vpool_cpus set, left;
	bool known = kernel_cpus(CPU_DIR "/nohz_full", &set);
	char *list;

	if (cpus_without(check, &set, &left)) {
		list = list_with_pool(check, &set);
		report(check, &left,
		       xstrdup("not set: the tick interrupts a task that is alone on its CPU"),
		       xprintf("boot %s nohz_full=%s",
			       known ? "with" : "a kernel with CONFIG_NO_HZ_FULL, with",
			       list));
		free(list);
	}
	vpool_cpus_free(&left);
	vpool_cpus_free(&set);
}

/* The CPUs of nohz_full also have their callbacks elsewhere. */
static void check_rcu_nocbs(struct check *check)
{
	struct vpool_cpus set, full, left;
	char *list;

	read_parameter("rcu_nocbs", NULL, &set);
	if (kernel_cpus(CPU_DIR "/nohz_full", &full))
		cpus_add_all(&set, &full);
	if (cpus_without(check, &set, &left)) {
		list = list_with_pool(check, &set);
		report(check, &left,
		       xstrdup("not set: callbacks of RCU, which free memory, run there"),
		       xprintf("boot with rcu_nocbs=%s", list));
		free(list);
	}
	vpool_cpus_free(&left);
	vpool_cpus_free(&full);
	vpool_cpus_free(&set);
}

/* Return the name of an interrupt's handler, for free(3), or NULL if it has none. */
static char *handler_of(const char *irq)
{
	char *path = xprintf(IRQ_DIR "/%s", irq), *dir = kernel_path(path), *name = NULL;
	DIR *at = opendir(dir);
	struct dirent *entry;

	while (at && !name && (entry = readdir(at)))
		if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
			name = xstrdup(entry->d_name);
	if (at)
		closedir(at);
	free(dir);
	free(path);
	return name;
}

/* The kernel lets no user write the affinity of an interrupt that it manages itself. */
static bool is_fixed(const char *irq)
{
	char *path = xprintf(IRQ_DIR "/%s/smp_affinity", irq), *whole = kernel_path(path);
	struct stat st;
	bool fixed = !stat(whole, &st) && !(st.st_mode & 0222);

	free(whole);
	free(path);
	return fixed;
}

/* Add the CPUs of the pool to @hit that a fixed interrupt interrupts. */
static bool hits(const struct check *check, const char *irq, struct vpool_cpus *hit)
{
	char *path = xprintf(IRQ_DIR "/%s/effective_affinity_list", irq);
	struct vpool_cpus cpus, both = { 0 };
	bool found = false;

	if (is_fixed(irq) && kernel_cpus(path, &cpus)) {
		found = cpus_within(check, &cpus, &both);
		cpus_add_all(hit, &both);
		vpool_cpus_free(&cpus);
	}
	vpool_cpus_free(&both);
	free(path);
	return found;
}

/* Return the fixed interrupts of the pool as "33 (nvme0q3), 34 (nvme0q4)", for free(3). */
static char *fixed_irqs(const struct check *check, struct vpool_cpus *hit)
{
	char *dir = kernel_path(IRQ_DIR), *text = xstrdup(""), *name, *more;
	DIR *at = opendir(dir);
	struct dirent *entry;
	int nr = 0;

	while (at && (entry = readdir(at))) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		name = handler_of(entry->d_name);
		if (name && hits(check, entry->d_name, hit) && ++nr <= MANY_IRQS) {
			more = xprintf("%s%s%s (%s)", text, *text ? ", " : "",
				       entry->d_name, name);
			free(text);
			text = more;
		}
		free(name);
	}
	if (at)
		closedir(at);
	free(dir);
	if (nr <= MANY_IRQS)
		return text;
	more = xprintf("%s and %d more", text, nr - MANY_IRQS);
	free(text);
	return more;
}

static void check_managed_irq(struct check *check)
{
	struct vpool_cpus set, hit = { 0 };
	char *irqs, *list;

	read_parameter("isolcpus", "managed_irq", &set);
	irqs = fixed_irqs(check, &hit);
	vpool_cpus_subtract(&hit, &set);
	if (vpool_cpus_count(&hit)) {
		list = list_with_pool(check, &set);
		report(check, &hit, xprintf("not set: interrupts come there that cannot move: %s",
					    irqs),
		       xprintf("boot with isolcpus=managed_irq,%s", list));
		free(list);
	}
	free(irqs);
	vpool_cpus_free(&hit);
	vpool_cpus_free(&set);
}

/* Power management */

/* Return the first line of a file of a CPU, for free(3), or NULL. */
static char *cpu_line(unsigned int cpu, const char *file)
{
	char *path = xprintf(CPU_DIR "/cpu%u/%s", cpu, file), *line = kernel_line(path);

	free(path);
	return line;
}

/* Return the most microseconds that programs of the host let any CPU take to wake up. */
static long long latency_limit(void)
{
	char *path = kernel_path(DMA_LATENCY), *bytes = read_text(path);
	long long limit = -1;
	__s32 value;

	if (bytes) {
		memcpy(&value, bytes, sizeof(value));
		limit = value;
	}
	free(bytes);
	free(path);
	return limit;
}

/* Return this limit for one CPU. The value 0 in the file means that there is none. */
static long long latency_limit_of(unsigned int cpu, long long limit)
{
	char *text = cpu_line(cpu, "power/pm_qos_resume_latency_us");
	long long own = text && strcmp(text, "n/a") ? atoll(text) : 0;

	if (text && !strcmp(text, "n/a"))
		limit = 0;
	else if (own && (limit < 0 || own < limit))
		limit = own;
	free(text);
	return limit;
}

static long long state_number(unsigned int cpu, int state, const char *file)
{
	char *name = xprintf("cpuidle/state%d/%s", state, file), *text = cpu_line(cpu, name);
	long long number = text ? atoll(text) : -1;

	free(text);
	free(name);
	return number;
}

/*
 * Return how many microseconds a CPU takes to leave the deepest state that is enabled.
 * Set *@state to the number of that state.
 */
static long long deepest(unsigned int cpu, long long limit, int *state)
{
	long long most = 0, latency;
	int i;

	limit = latency_limit_of(cpu, limit);
	for (i = 0; (latency = state_number(cpu, i, "latency")) >= 0; i++) {
		if (state_number(cpu, i, "disable") > 0 || latency <= most ||
		    (limit >= 0 && latency > limit))
			continue;
		most = latency;
		*state = i;
	}
	return most;
}

static void check_idle(struct check *check)
{
	unsigned int cpu, left = vpool_cpus_count(check->cpus), worst = 0;
	long long limit = latency_limit(), most = 0, latency;
	struct vpool_cpus deep = { 0 };
	char *file, *name, number[16];
	int state = 0, one;

	for (cpu = 0; left; cpu++) {
		if (!vpool_cpus_test(check->cpus, cpu))
			continue;
		left--;
		latency = deepest(cpu, limit, &one);
		if (latency <= IDLE_LATENCY)
			continue;
		vpool_cpus_add(&deep, cpu);
		if (latency > most) {
			most = latency;
			worst = cpu;
			state = one;
		}
	}
	if (most) {
		file = xprintf("cpuidle/state%d/name", state);
		name = cpu_line(worst, file);
		snprintf(number, sizeof(number), "%d", IDLE_LATENCY);
		report(check, &deep, xprintf("%s: an idle CPU takes up to %lld us to wake up",
					     name ? name : "deep", most),
		       write_to_cpus(number, &deep, CPU_DIR,
				     "/power/pm_qos_resume_latency_us"));
		free(name);
		free(file);
	}
	vpool_cpus_free(&deep);
}

static void check_governor(struct check *check)
{
	unsigned int cpu, left = vpool_cpus_count(check->cpus);
	char *text, *governor = NULL;
	struct vpool_cpus slow = { 0 };

	for (cpu = 0; left; cpu++) {
		if (!vpool_cpus_test(check->cpus, cpu))
			continue;
		left--;
		text = cpu_line(cpu, "cpufreq/scaling_governor");
		if (text && *text && strcmp(text, "performance")) {
			vpool_cpus_add(&slow, cpu);
			if (!governor)
				governor = xstrdup(text);
		}
		free(text);
	}
	if (governor)
		report(check, &slow, xprintf("%s: the frequency of the CPU changes with its load",
					     governor),
		       write_to_cpus("performance", &slow, CPU_DIR,
				     "/cpufreq/scaling_governor"));
	free(governor);
	vpool_cpus_free(&slow);
}

/* Memory of programs */

static void check_thp(struct check *check)
{
	static const char file[] = "/sys/kernel/mm/transparent_hugepage/enabled";
	char *text = kernel_line(file);

	if (text && strstr(text, "[always]"))
		report(check, check->cpus,
		       xstrdup("always: khugepaged moves memory of any program"),
		       xprintf("echo madvise >%s", file));
	free(text);
}

/* Report a number that is not 0. The cost follows it; @end is the command against it. */
static void check_number(struct check *check, const char *file, const char *cost,
			 const char *end)
{
	long long number;

	if (kernel_number(file, &number) && number)
		report(check, check->cpus, xprintf("%lld: %s", number, cost), xstrdup(end));
}

static void check_numa_balancing(struct check *check)
{
	check_number(check, KERNEL "/numa_balancing",
		     "the kernel unmaps memory of programs to see which CPUs use it",
		     "sysctl kernel.numa_balancing=0");
}

static void check_ksm(struct check *check)
{
	long long run;

	/* 2 unmerges all pages, and stops. */
	if (kernel_number("/sys/kernel/mm/ksm/run", &run) && run == 1)
		report(check, check->cpus,
		       xstrdup("1: ksmd write-protects memory of programs to merge it"),
		       xstrdup("echo 0 >/sys/kernel/mm/ksm/run"));
}

static void check_compaction(struct check *check)
{
	check_number(check, "/proc/sys/vm/compaction_proactiveness",
		     "kcompactd moves memory of programs in advance",
		     "sysctl vm.compaction_proactiveness=0");
}

/* Watchdogs */

/* Report a watchdog if it is on. Both watchdogs watch the same CPUs. */
static void check_watchdog(struct check *check, const char *file, char *cost)
{
	struct vpool_cpus set, both = { 0 };
	long long on;
	char *rest;

	if (kernel_number(file, &on) && on &&
	    kernel_cpus(KERNEL "/watchdog_cpumask", &set)) {
		if (cpus_within(check, &set, &both)) {
			rest = list_without_pool(check, &set);
			report(check, &both, xprintf("%lld: %s", on, cost),
			       *rest ? xprintf("sysctl kernel.watchdog_cpumask=%s", rest) :
				       xstrdup("sysctl kernel.watchdog=0"));
			free(rest);
		}
		vpool_cpus_free(&set);
	}
	vpool_cpus_free(&both);
	free(cost);
}

static long long watchdog_seconds(void)
{
	long long seconds;

	return kernel_number(KERNEL "/watchdog_thresh", &seconds) ? seconds : 10;
}

static void check_nmi_watchdog(struct check *check)
{
	check_watchdog(check, KERNEL "/nmi_watchdog",
		       xprintf("an interrupt about every %lld s of work, and a performance counter",
			       watchdog_seconds()));
}

/* The kernel checks five times in twice the threshold. */
static void check_soft_watchdog(struct check *check)
{
	long long tenths = watchdog_seconds() * 4;

	check_watchdog(check, KERNEL "/soft_watchdog",
		       xprintf("a timer and a kernel thread run every %lld.%lld s", tenths / 10,
			       tenths % 10));
}

/* Work of the kernel */

static void check_workqueue(struct check *check)
{
	static const char file[] = "/sys/devices/virtual/workqueue/cpumask";
	struct vpool_cpus set, both = { 0 }, rest = { 0 };
	char *mask;

	if (!kernel_mask(file, &set))
		return;
	cpus_add_all(&rest, &set);
	vpool_cpus_subtract(&rest, check->cpus);
	/* The kernel refuses an empty mask. */
	if (cpus_within(check, &set, &both) && vpool_cpus_count(&rest)) {
		mask = mask_text(&rest);
		report(check, &both,
		       xstrdup("workers of the kernel that are bound to no CPU run there"),
		       xprintf("echo %s >%s", mask, file));
		free(mask);
	}
	vpool_cpus_free(&rest);
	vpool_cpus_free(&both);
	vpool_cpus_free(&set);
}

static bool is_rcu_normal(void)
{
	long long normal;

	return kernel_number(RCU_NORMAL, &normal) && normal;
}

static void check_rcu_expedited(struct check *check)
{
	if (!is_rcu_normal())
		check_number(check, "/sys/kernel/rcu_expedited",
			     "each wait for RCU interrupts the CPUs",
			     "echo 0 >/sys/kernel/rcu_expedited");
}

static void check_rcu_normal(struct check *check)
{
	long long normal;

	if (kernel_number(RCU_NORMAL, &normal) && !normal)
		report(check, check->cpus,
		       xstrdup("0: a wait for RCU that is in a hurry interrupts the CPUs"),
		       xstrdup("echo 1 >" RCU_NORMAL));
}

static void check_irqbalance(struct check *check)
{
	struct vpool_cpus spared, left;
	char *list;

	if (!irqbalance_spared(&spared))
		return;
	if (cpus_without(check, &spared, &left)) {
		list = list_with_pool(check, &spared);
		report(check, &left, xstrdup("irqbalance runs, and may move interrupts there"),
		       xprintf("restart irqbalance with %s%s in /etc/default/irqbalance",
			       "IRQBALANCE_BANNED_CPULIST=", list));
		free(list);
	}
	vpool_cpus_free(&left);
	vpool_cpus_free(&spared);
}

static void check_timer_migration(struct check *check)
{
	check_number(check, KERNEL "/timer_migration",
		     "timers that an idle CPU starts run on a busy one",
		     "sysctl kernel.timer_migration=0");
}

/* From Linux 6.12 on, a deadline server replaces the limit of sched_rt_runtime_us. */
static bool has_fair_server(void)
{
	char *path = kernel_path(FAIR_SERVER);
	struct stat st;
	bool has = !stat(path, &st);

	free(path);
	return has;
}

static void check_rt_runtime(struct check *check)
{
	static const char file[] = KERNEL "/sched_rt_runtime_us";
	long long runtime, period;

	if (has_fair_server() || !kernel_number(file, &runtime) || runtime < 0 ||
	    !kernel_number(KERNEL "/sched_rt_period_us", &period) || runtime >= period)
		return;
	report(check, check->cpus,
	       xprintf("%lld: a busy real-time task waits up to %lld of %lld ms for other tasks",
		       runtime, (period - runtime) / 1000, period / 1000),
	       xstrdup("sysctl kernel.sched_rt_runtime_us=-1"));
}

/*
 * The kernel can refuse any runtime with EBUSY while it limits the bandwidth of deadline
 * tasks: on some versions, a new root domain has a wrong sum. So the limit must go first.
 */
static void check_fair_server(struct check *check)
{
	unsigned int cpu, left = vpool_cpus_count(check->cpus);
	long long runtime, most = 0;
	struct vpool_cpus on = { 0 };
	char *path, *command;

	for (cpu = 0; left; cpu++) {
		if (!vpool_cpus_test(check->cpus, cpu))
			continue;
		left--;
		path = xprintf(FAIR_SERVER "/cpu%u/runtime", cpu);
		if (kernel_number(path, &runtime) && runtime) {
			vpool_cpus_add(&on, cpu);
			most = runtime > most ? runtime : most;
		}
		free(path);
	}
	if (most) {
		command = write_to_cpus("0", &on, FAIR_SERVER, "/runtime");
		report(check, &on,
		       xprintf("a busy real-time task waits up to %lld ms for other tasks",
			       most / 1000000),
		       xprintf("sysctl kernel.sched_rt_runtime_us=-1; %s", command));
		free(command);
	}
	vpool_cpus_free(&on);
}

/* In the order of the findings: what disturbs most, and can be ended only at boot, first. */
static const struct {
	const char *setting;
	void (*run)(struct check *check);
} checks[] = {
	{ "nohz_full", check_nohz_full },
	{ "rcu_nocbs", check_rcu_nocbs },
	{ "managed_irq", check_managed_irq },
	{ "cpuidle", check_idle },
	{ "cpufreq", check_governor },
	{ "workqueue", check_workqueue },
	{ "irqbalance", check_irqbalance },
	{ "nmi_watchdog", check_nmi_watchdog },
	{ "soft_watchdog", check_soft_watchdog },
	{ "numa_balancing", check_numa_balancing },
	{ "thp", check_thp },
	{ "ksm", check_ksm },
	{ "compaction", check_compaction },
	{ "rcu_expedited", check_rcu_expedited },
	{ "rcu_normal", check_rcu_normal },
	{ "sched_rt_runtime_us", check_rt_runtime },
	{ "fair_server", check_fair_server },
	{ "timer_migration", check_timer_migration },
};

void disturbances_find(const struct vpool_cpus *cpus, struct disturbances *found)
{
	size_t i;

	*found = (struct disturbances) { 0 };
	for (i = 0; vpool_cpus_count(cpus) && i < ARRAY_SIZE(checks); i++) {
		struct check check = { checks[i].setting, cpus, found };

		checks[i].run(&check);
	}
}

void disturbances_free(struct disturbances *found)
{
	while (found->nr--) {
		free(found->all[found->nr].cpus);
		free(found->all[found->nr].what);
		free(found->all[found->nr].end);
	}
	free(found->all);
	*found = (struct disturbances) { 0 };
}
