// SPDX-License-Identifier: GPL-2.0
/*
 * Measure the duration of calls, whether it grows with the number of pools, and the
 * cost of vpool for tasks that do not use it.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/host.h"
#include "../lib/memory.h"
#include "../lib/pool.h"
#include "../lib/task.h"
#include "bench.h"
#include "calls.h"
#include "samples.h"

#define CPUS_POOL "bench-cpus"
/* Length of the name of another pool. */
#define NAME_SIZE 24
/* Number of forks before the first measured fork of a case. */
#define WARM 10
/* Number of measurements of each case. */
#define ITERATIONS 15

static struct bench_samples create, destroy, opening, closing, control;

static void other_name(char *name, int nr)
{
	snprintf(name, NAME_SIZE, "bench-other-%05d", nr);
}

static void create_empty(int ctl, const char *name, const char *cpus)
{
	bench_must(name, vp_create(ctl, name, cpus ? 0 : BASE,
				   cpus ? 0 : BASE, cpus));
}

/* Create, open, close and destroy one pool; then open and close the control device. */
static void create_open_destroy(int ctl, const char *cpus)
{
	__u64 t[9];
	int fd;

	t[0] = bench_now();
	create_empty(ctl, BENCH_POOL, cpus);
	t[1] = bench_now();
	fd = bench_must(BENCH_POOL, vp_open(BENCH_POOL));
	t[2] = bench_now();
	/* The first lookup of a device is slower: measure the second. */
	close(fd);
	t[3] = bench_now();
	fd = bench_must(BENCH_POOL, vp_open(BENCH_POOL));
	t[4] = bench_now();
	close(fd);
	t[5] = bench_now();
	bench_must("destroy", vp_destroy(ctl, BENCH_POOL, 0));
	t[6] = bench_now();
	bench_add(&create, t[0], t[1]);
	bench_add(&opening, t[3], t[4]);
	bench_add(&closing, t[4], t[5]);
	bench_add(&destroy, t[5], t[6]);
	t[7] = bench_now();
	close(bench_must(VP_CONTROL, vp_control()));
	t[8] = bench_now();
	bench_add(&control, t[7], t[8]);
}

/* Measure the oldest pool. If pools were in a list, finding it would take longest. */
static void measure_oldest(int ctl, int iterations, int others)
{
	char name[NAME_SIZE];
	__u64 begin, end;
	int i;

	for (i = 0; i < iterations && i < others; i++) {
		other_name(name, i);
		begin = bench_now();
		close(bench_must(name, vp_open(name)));
		end = bench_now();
		bench_add(&opening, begin, end);
		begin = bench_now();
		bench_must(name, vp_destroy(ctl, name, 0));
		end = bench_now();
		bench_add(&destroy, begin, end);
	}
	bench_say("first-open-of-oldest", "vpool", others, &opening, 1);
	bench_say("destroy-of-oldest", "vpool", others, &destroy, 1);
	while (i--) {
		other_name(name, i);
		create_empty(ctl, name, NULL);
	}
}

static void measure_with_pools(const struct bench_options *options, int ctl,
			       int others)
{
	int i;

	for (i = 0; i < options->calls; i++)
		create_open_destroy(ctl, "1");
	bench_say("create-cpus", "vpool", others, &create, 1);
	bench_say("destroy-cpus", "vpool", others, &destroy, 1);
	opening.nr = 0;
	closing.nr = 0;
	control.nr = 0;
	for (i = 0; i < options->calls; i++)
		create_open_destroy(ctl, NULL);
	bench_say("create", "vpool", others, &create, 1);
	bench_say("destroy", "vpool", others, &destroy, 1);
	bench_say("open-call", "vpool", others, &opening, 1);
	bench_say("close-call", "vpool", others, &closing, 1);
	bench_say("control", "vpool", others, &control, 1);
	measure_oldest(ctl, options->calls, others);
}

static void set_cpus(const cpu_set_t *set)
{
	if (sched_setaffinity(0, sizeof(*set), set))
		bench_die("sched_setaffinity", errno);
}

/**
 * struct idler - a task that only attaches and detaches
 * @pid: its process ID
 * @fd: its control socket, owned by the benchmark
 */
struct idler {
	pid_t pid;
	int fd;
};

/* Attach to CPUS_POOL for each byte received, detach for the next, and confirm each. */
static void idle(int fd)
{
	bool member = false;
	int pool;
	char c;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (read(fd, &c, 1) == 1) {
		pool = bench_must(CPUS_POOL, vp_open(CPUS_POOL));
		if (member)
			bench_must("detach", vp_detach(pool, 0));
		else
			bench_must("attach", vp_attach(pool, 0));
		member = !member;
		close(pool);
		if (write(fd, &c, 1) != 1)
			break;
	}
	_exit(0);
}

static void idler_start(struct idler *idler)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
		bench_die("socketpair", errno);
	idler->pid = fork();
	if (idler->pid < 0)
		bench_die("fork", errno);
	if (!idler->pid) {
		close(ends[0]);
		idle(ends[1]);
	}
	close(ends[1]);
	idler->fd = ends[0];
}

static void idler_run(struct idler *idler)
{
	char c = 0;

	if (write(idler->fd, &c, 1) != 1 || read(idler->fd, &c, 1) != 1)
		bench_die("the member", ECHILD);
}

static void idler_end(struct idler *idler)
{
	close(idler->fd);
	waitpid(idler->pid, NULL, 0);
}

static void change_masks(const cpu_set_t *all, const cpu_set_t *one,
			 struct bench_samples *set, struct bench_samples *back)
{
	__u64 t[3];

	t[0] = bench_now();
	set_cpus(one);
	t[1] = bench_now();
	set_cpus(all);
	t[2] = bench_now();
	bench_add(set, t[0], t[1]);
	bench_add(back, t[1], t[2]);
}

static void change_membership(int fd, struct bench_samples *set,
			      struct bench_samples *back)
{
	__u64 t[3];

	t[0] = bench_now();
	bench_must("attach", vp_attach(fd, 0));
	t[1] = bench_now();
	bench_must("detach", vp_detach(fd, 0));
	t[2] = bench_now();
	bench_add(set, t[0], t[1]);
	bench_add(back, t[1], t[2]);
}

/*
 * Both calls narrow the same mask to the CPU on which the task already runs, and
 * widen it again. Neither measures a migration.
 */
static void attaches(const struct bench_options *options, int ctl)
{
	static struct bench_samples attach, detach, set, back;
	struct idler idler;
	cpu_set_t all, one, old;
	int fd, i;

	sched_getaffinity(0, sizeof(old), &old);
	vp_parse_cpus("0,1", &all);
	vp_parse_cpus("1", &one);
	create_empty(ctl, CPUS_POOL, "1");
	fd = bench_must(CPUS_POOL, vp_open(CPUS_POOL));
	set_cpus(&one);
	set_cpus(&all);
	for (i = 0; i < options->calls; i++)
		change_masks(&all, &one, &set, &back);
	change_membership(fd, &attach, &detach);
	bench_say("attach-first", "vpool", 0, &attach, 1);
	bench_say("detach-last", "vpool", 0, &detach, 1);
	idler_start(&idler);
	idler_run(&idler);
	for (i = 0; i < options->calls; i++)
		change_membership(fd, &attach, &detach);
	bench_say("attach", "vpool", 1, &attach, 1);
	bench_say("detach", "vpool", 1, &detach, 1);
	bench_say("attach", "sched_setaffinity", 1, &set, 1);
	bench_say("detach", "sched_setaffinity", 1, &back, 1);
	idler_end(&idler);
	close(fd);
	bench_must("destroy", vp_destroy_wait(ctl, CPUS_POOL));
	set_cpus(&old);
}

void bench_calls(const struct bench_options *options)
{
	int ctl = bench_must(VP_CONTROL, vp_control());
	char name[NAME_SIZE];
	int i, others = 0;

	attaches(options, ctl);
	for (i = 0; i < options->nr_pools; i++) {
		for (; others < options->pools[i]; others++) {
			other_name(name, others);
			create_empty(ctl, name, NULL);
		}
		measure_with_pools(options, ctl, others);
	}
	while (others--) {
		other_name(name, others);
		bench_must(name, vp_destroy(ctl, name, 0));
	}
	close(ctl);
}

/* Measure fork and wait of a child that exits at once. */
static void one_fork(struct bench_samples *samples)
{
	__u64 begin = bench_now();
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	if (waitpid(pid, NULL, 0) != pid)
		bench_die("fork", ECHILD);
	bench_add(samples, begin, bench_now());
}

/* Measure vfork, which does not copy memory: the copy would hide a small difference. */
static void one_vfork(struct bench_samples *samples)
{
	__u64 begin = bench_now();
	pid_t pid = vfork();

	if (!pid)
		_exit(0);
	if (waitpid(pid, NULL, 0) != pid)
		bench_die("vfork", ECHILD);
	bench_add(samples, begin, bench_now());
}

static int exit_child(void *arg)
{
	return 0;
}

/*
 * Measure the call alone: the child shares the memory and runs when the parent
 * waits.
 */
static void one_clone(struct bench_samples *samples)
{
	static __u64 stack[8 * KIB];
	__u64 begin = bench_now(), end;
	pid_t pid = clone(exit_child, stack + 8 * KIB,
			  CLONE_VM | SIGCHLD, NULL);

	end = bench_now();
	if (waitpid(pid, NULL, 0) != pid)
		bench_die("clone", ECHILD);
	bench_add(samples, begin, end);
}

/* Cases: the module is not loaded, it is loaded, and a pool also has a member. */
enum { NOT_LOADED, LOADED, MEMBERS, NR_CASES };

static const char *const case_names[NR_CASES] = {
	"not-loaded", "loaded", "members",
};

/**
 * struct child - a way to create a child
 * @what: name of the figure
 * @one: create one child, wait for it and add a sample
 * @share: divisor of the number of calls to measure
 * @samples: the samples of each case
 */
static struct child {
	const char *what;
	void (*one)(struct bench_samples *samples);
	int share;
	struct bench_samples samples[NR_CASES];
} children[] = {
	{ "fork", one_fork, 3 },
	{ "vfork", one_vfork, 1 },
	{ "clone", one_clone, 1 },
};

static void measure_case(const struct bench_options *options, int which)
{
	static struct bench_samples warm;
	struct child *child;
	int i;

	for (child = children; child < children + ARRAY_SIZE(children);
	     child++) {
		for (i = 0; i < WARM; i++)
			child->one(&warm);
		warm.nr = 0;
		for (i = 0; i <= options->calls / child->share; i++)
			child->one(&child->samples[which]);
	}
}

/* Measure each case once. The idler process exists during all of them. */
static void measure_cases(const struct bench_options *options,
			  struct idler *idler, const char *module)
{
	int ctl;

	if (module) {
		bench_must("unload", vp_unload());
		measure_case(options, NOT_LOADED);
		bench_must(module, vp_load());
	}
	measure_case(options, LOADED);
	ctl = bench_must(VP_CONTROL, vp_control());
	create_empty(ctl, CPUS_POOL, "1");
	idler_run(idler);
	measure_case(options, MEMBERS);
	idler_run(idler);
	bench_must("destroy", vp_destroy_wait(ctl, CPUS_POOL));
	close(ctl);
}

/*
 * The state of the allocators changes the cost of a fork more than the cases do.
 * Measure the cases alternately, so that all see the same states.
 */
void bench_forks(const struct bench_options *options)
{
	const char *module = getenv("VPOOL_KO");
	struct idler idler;
	int i, which;

	idler_start(&idler);
	for (i = 0; i < ITERATIONS; i++)
		measure_cases(options, &idler, module);
	idler_end(&idler);
	if (!module)
		bench_skip("fork", case_names[NOT_LOADED],
			   "VPOOL_KO names no module");
	for (which = module ? NOT_LOADED : LOADED; which < NR_CASES; which++)
		for (i = 0; i < (int)ARRAY_SIZE(children); i++)
			bench_say(children[i].what, case_names[which], 0,
				  &children[i].samples[which], 1);
}
