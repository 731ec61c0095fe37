// SPDX-License-Identifier: GPL-2.0
/*
 * The fuzzer's loop: choose a program, mutate it, run it, keep it if it reached new
 * code, and check the accounting.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../lib/file.h"
#include "../lib/host.h"
#include "../lib/memory.h"
#include "../lib/pool.h"
#include "../lib/task.h"
#include "cover.h"
#include "exec.h"
#include "ops.h"

#define CORPUS_MAX 4096
/* Number of programs between two checks of the host's memory. */
#define CHECK_EVERY 500
#define SLACK (256 * MIB)

static struct fuzz_program corpus[CORPUS_MAX];
static size_t nr_corpus, nr_seeds;
static __u64 rng = 1;
static unsigned int timeout_s = 20;
static int ctl;
static __u64 host_free;
static bool verbose;

/* Settings that programs may change, with their original values. */
static struct {
	const char *path;
	char value[32];
} limits[] = {
	{ .path = "/sys/module/vpool/parameters/max_members" },
	{ .path = "/sys/module/vpool/parameters/max_regions" },
};

/* Marsaglia's xorshift64*: the same seed gives the same programs. */
static __u32 rnd(__u32 below)
{
	rng ^= rng >> 12;
	rng ^= rng << 25;
	rng ^= rng >> 27;
	return (rng * 2685821657736338717ULL >> 32) % below;
}

static void print_program(const char *what, const struct fuzz_program *p)
{
	size_t i;

	printf("# %s ", what);
	for (i = 0; i < p->len; i++)
		printf("%02x", p->data[i]);
	printf("\n");
	fflush(stdout);
}

static void generate(struct fuzz_program *p)
{
	size_t i;

	p->len = 8 + rnd(120);
	for (i = 0; i < p->len; i++)
		p->data[i] = rnd(256);
}

static void remove_part(struct fuzz_program *p)
{
	size_t at = rnd(p->len), len = 1 + rnd(8);

	if (len > p->len - at)
		len = p->len - at;
	memmove(p->data + at, p->data + at + len, p->len - at - len);
	p->len -= len;
}

static void insert_bytes(struct fuzz_program *p, const __u8 *data, size_t len)
{
	size_t at = rnd(p->len + 1);

	if (len > FUZZ_MAX - p->len)
		len = FUZZ_MAX - p->len;
	memmove(p->data + at + len, p->data + at, p->len - at);
	memcpy(p->data + at, data, len);
	p->len += len;
}

static void insert_random(struct fuzz_program *p)
{
	__u8 some[8];
	size_t i;

	for (i = 0; i < sizeof(some); i++)
		some[i] = rnd(256);
	insert_bytes(p, some, 1 + rnd(sizeof(some)));
}

static void insert_from_corpus(struct fuzz_program *p)
{
	const struct fuzz_program *other = &corpus[rnd(nr_corpus)];
	size_t at = rnd(other->len);

	insert_bytes(p, other->data + at, 1 + rnd(other->len - at));
}

static void mutate(struct fuzz_program *p)
{
	int i, times = 1 + rnd(6);

	for (i = 0; i < times; i++) {
		if (!p->len) {
			generate(p);
			return;
		}
		switch (rnd(7)) {
		case 0:
			p->data[rnd(p->len)] ^= 1 << rnd(8);
			break;
		case 1:
		case 2:
			p->data[rnd(p->len)] = rnd(256);
			break;
		case 3:
			remove_part(p);
			break;
		case 4:
			insert_random(p);
			break;
		default:
			insert_from_corpus(p);
			break;
		}
	}
}

/*
 * Choose a program, preferably a recent one: it reached code that few programs reach.
 */
static const struct fuzz_program *choose(void)
{
	if (rnd(2))
		return &corpus[rnd(nr_corpus)];
	return &corpus[nr_corpus - 1 - rnd(nr_corpus / 4 + 1)];
}

static int keep(const struct fuzz_program *p)
{
	if (!p->len || nr_corpus == CORPUS_MAX)
		return 0;
	corpus[nr_corpus++] = *p;
	return 1;
}

/*
 * Detach this process and init, which a program may have attached and which outlive it.
 */
static void detach_all(const char *name)
{
	int fd = vp_open(name), init = vp_pidfd(1);

	vp_detach(fd, VPOOL_ATTACH_PROCESS);
	vp_detach_task(fd, init, 0, VPOOL_ATTACH_PROCESS);
	close(init);
	close(fd);
}

/* Check a pool that no task uses any more. */
static const char *check_pool(const char *name)
{
	detach_all(name);
	if (!vp_sysfs_wait(name, "cpus/members", 0))
		return "a pool has members that are dead";
	if (!vp_sysfs_wait(name, "memory/used_bytes", 0) ||
	    !vp_sysfs_wait(name, "memory/regions", 0))
		return "a pool has memory in use without a user";
	if (!vp_accounting_ok(ctl, name))
		return "the accounting of a pool is wrong";
	if (vp_destroy_wait(ctl, name))
		return "a pool cannot be destroyed";
	return NULL;
}

/*
 * Check that the program left no members, memory or pools, and that the accounting adds
 * up.
 */
static const char *check_state(bool at_memory)
{
	const char *error;
	int i, cpu;

	for (cpu = 1; cpu < 4; cpu++)
		vp_set_online(cpu, true);
	for (i = 0; i < (int)ARRAY_SIZE(limits); i++)
		vp_write_file(limits[i].path, limits[i].value);
	for (i = 0; i < FUZZ_NAMES; i++) {
		if (!vp_exists(fuzz_names[i]))
			continue;
		error = check_pool(fuzz_names[i]);
		/* An ephemeral pool may be destroyed during the check. */
		if (error && vp_exists(fuzz_names[i]))
			return error;
	}
	if (at_memory && vp_host_free() + SLACK < host_free)
		return "the host has less memory than before";
	return NULL;
}

static int run_one(const struct fuzz_program *p, bool at_memory)
{
	int err = fuzz_run(p, timeout_s);
	const char *error;

	if (err == -ETIME) {
		print_program("timeout:", p);
		printf("# the program had reached byte %u\n",
		       atomic_load(&fuzz_shared->stage) - 1);
		err = 0;
	}
	if (err == -EBUSY)
		printf("# a task of the program does not die\n");
	else if (err)
		printf("# the program cannot run: %s\n", strerror(-err));
	error = err ? NULL : check_state(at_memory);
	if (error)
		printf("# %s\n", error);
	if (err || error)
		print_program("WRONG:", p);
	return err || error;
}

/* Read programs from a file, one per line in hexadecimal. "#" starts a comment. */
static int read_seeds(const char *path)
{
	char line[4 * FUZZ_MAX];
	struct fuzz_program p;
	unsigned int byte;
	FILE *file;
	char *at;

	file = fopen(path, "re");
	if (!file) {
		fprintf(stderr, "vpool_fuzz: %s: %s\n", path, strerror(errno));
		return -1;
	}
	while (fgets(line, sizeof(line), file)) {
		p.len = 0;
		for (at = line; sscanf(at, "%2x", &byte) == 1 && *at != '#' &&
		     p.len < FUZZ_MAX; at += 2)
			p.data[p.len++] = byte;
		keep(&p);
	}
	fclose(file);
	nr_seeds = nr_corpus;
	return 0;
}

static int run_seeds(long only)
{
	size_t i;
	int bad = 0;

	for (i = 0; i < nr_seeds && !bad; i++) {
		if (only >= 0 && (size_t)only != i + 1)
			continue;
		bad = run_one(&corpus[i], true);
		fuzz_news();
	}
	return bad;
}

static int fuzz_for(unsigned long seconds, unsigned long calls)
{
	__u64 end = vp_now_ms() + seconds * 1000ULL, say = vp_now_ms() + 60000;
	struct fuzz_program p;
	unsigned long nr;
	int bad = 0;

	for (nr = 1; !bad && vp_now_ms() < end &&
	     atomic_load(&fuzz_shared->calls) < calls; nr++) {
		if (nr_corpus && rnd(20))
			p = *choose();
		else
			generate(&p);
		mutate(&p);
		bad = run_one(&p, nr % CHECK_EVERY == 0);
		if (!bad && fuzz_news() && keep(&p) && verbose)
			print_program("new", &p);
		if (vp_now_ms() > say) {
			say += 60000;
			printf("# %lu programs, %lu calls, %zu points reached, %zu programs kept\n",
			       nr, atomic_load(&fuzz_shared->calls),
			       fuzz_points(), nr_corpus);
			fflush(stdout);
		}
	}
	printf("# total: %lu programs, %lu calls, %zu points reached, %zu programs kept\n",
	       nr, atomic_load(&fuzz_shared->calls), fuzz_points(), nr_corpus);
	return bad;
}

/*
 * Print a small set of programs that together reach all known points. Try the longest
 * first.
 */
static void minimize(void)
{
	struct fuzz_program p;
	size_t i;

	for (i = 0; i < nr_seeds; i++) {
		p = corpus[nr_seeds - 1 - i];
		if (run_one(&p, false))
			return;
		if (fuzz_news() > 3)
			print_program("new", &p);
	}
}

static int result(int nr, const char *name, int bad)
{
	printf("%sok %d - %s\n", bad ? "not " : "", nr, name);
	fflush(stdout);
	return bad;
}

static void print_help(FILE *to)
{
	fprintf(to,
		"usage: vpool_fuzz [-v] [-s SECONDS] [-c CALLS] [-r SEED] [-n NUMBER] [-m] [SEEDS]\n"
		"\n"
		"Fuzzes vpool's ABI, as root, on a machine that may crash. SEEDS is a file\n"
		"with one program per line.\n"
		"\n"
		"  -s SECONDS  run for this time (default 120)\n"
		"  -c CALLS    end after this number of operations\n"
		"  -r SEED     seed of the random numbers (default 1)\n"
		"  -n NUMBER   run only that program of SEEDS\n"
		"  -m          print the programs of SEEDS that reach code which no other reaches\n"
		"  -v          print the programs that are kept\n");
}

int main(int argc, char **argv)
{
	unsigned long seconds = 120, calls = ~0UL;
	bool minimal = false;
	long only = -1;
	int opt, bad, i;

	while ((opt = getopt(argc, argv, "s:c:r:n:mvh")) != -1) {
		switch (opt) {
		case 's':
			seconds = strtoul(optarg, NULL, 10);
			break;
		case 'c':
			calls = strtoul(optarg, NULL, 10);
			break;
		case 'r':
			rng = strtoull(optarg, NULL, 10) * 2 + 1;
			break;
		case 'n':
			only = strtol(optarg, NULL, 10);
			break;
		case 'm':
			minimal = true;
			break;
		case 'v':
			verbose = true;
			break;
		default:
			print_help(opt == 'h' ? stdout : stderr);
			return opt == 'h' ? 0 : 2;
		}
	}
	if (optind < argc && read_seeds(argv[optind]))
		return 2;
	if (vp_is_debug())
		timeout_s = 120;
	ctl = vp_control();
	if (ctl < 0) {
		fprintf(stderr, "vpool_fuzz: %s: %s\n", VP_CONTROL,
			strerror(-ctl));
		return 2;
	}
	if (fuzz_exec_start()) {
		fprintf(stderr, "vpool_fuzz: cannot start: %s\n",
			strerror(errno));
		return 2;
	}
	for (i = 0; i < (int)ARRAY_SIZE(limits); i++)
		vp_read_file(limits[i].path, limits[i].value,
			     sizeof(limits[i].value));
	check_state(false);
	host_free = vp_host_free();
	if (minimal) {
		minimize();
		return 0;
	}
	printf("# %s\n", fuzz_has_coverage() ? "guided by coverage" :
	       "blind: no KCOV here, or a module without it");
	printf("1..%d\n", only < 0 ? 2 : 1);
	bad = result(1, "the seeds change no state permanently", run_seeds(only));
	if (only < 0 && !bad)
		bad = result(2, "mutated programs change no state permanently",
			     fuzz_for(seconds, calls));
	printf("# cases: %lu of a call by the fuzzer\n",
	       atomic_load(&fuzz_shared->calls));
	return bad;
}
