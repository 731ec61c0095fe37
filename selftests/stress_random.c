// SPDX-License-Identifier: GPL-2.0
/*
 * Processes run random operations on a few pools, one process per CPU. CPUs go offline
 * and online, the module is unloaded whenever that succeeds, and the test kills the
 * processes at random. At the end of each iteration all processes exit, and no pool
 * memory, member or region may be left.
 *
 * VPOOL_SECONDS is the duration, VPOOL_SEED the seed of the random numbers.
 */
#include <linux/vpool.h>
#include <sched.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "kselftest_harness.h"
#include "lib/fs.h"
#include "lib/host.h"
#include "lib/memory.h"
#include "lib/pool.h"
#include "lib/task.h"

#define NAMES 4
#define MOUNT "/tmp/vpool-random"
#define MOST_WORKERS 16
/* Length of an iteration. */
#define ITERATION_MS 10000
/* Maximum number of additional iterations until each operation has succeeded once. */
#define EXTRA_ITERATIONS 6
/* Maximum time between two kills, in microseconds. */
#define LIFE_US 100000
/* Bytes of a mapping that are checked. */
#define MAX_FILL (16 * KIB)
/* Memory that the host may keep after the pools are gone. */
#define SLACK (64 * MIB)

static const char * const names[NAMES] = {
	"random-a", "random-b", "random-c", "random-d",
};

/* Errors that an operation may get from a race with another. */
static const int expected[] = {
	0, EBUSY, EEXIST, ENOENT, ENOMEM, ENXIO, ESRCH, EINVAL, ENODEV, ENOSPC,
	EAGAIN, EIO,
};

/**
 * struct figures - counters that all workers share
 * @done: successful calls of each operation
 * @refused: calls of each operation that failed with an expected error
 * @unexpected: an unexpected error, as an errno
 * @unexpected_op: index of the operation that got @unexpected
 * @dirty: set if new memory was not zero
 * @shared: set if written memory changed
 * @worker: process IDs of the workers
 */
struct figures {
	atomic_ulong done[32];
	atomic_ulong refused[32];
	atomic_int unexpected;
	atomic_int unexpected_op;
	atomic_bool dirty;
	atomic_bool shared;
	pid_t worker[MOST_WORKERS];
};

static struct figures *figures;
static unsigned int seed;
static int nr_cpus;
static int nr_workers;

static sigjmp_buf revoked;

static void on_sigbus(int sig)
{
	siglongjmp(revoked, 1);
}

static unsigned int below(unsigned int limit)
{
	return rand_r(&seed) % limit;
}

static const char *a_cpu(void)
{
	static char list[16];
	int first = 1 + below(nr_cpus - 1), last = first + below(2);

	if (last >= nr_cpus)
		last = nr_cpus - 1;
	snprintf(list, sizeof(list), "%d-%d", first, last);
	return list;
}

/* Operations on a pool, through the control device or a region. */

static int do_create(int ctl, const char *pool)
{
	struct vp_request req;

	vp_request_init(&req, pool);
	req.create.page_size = below(2) ? HUGE_SIZE : BASE;
	vp_request_mem(&req, HUGE_SIZE * (1 + below(8)), VPOOL_ANY_NODE);
	if (below(4))
		vp_request_cpus(&req, a_cpu());
	if (!below(8))
		req.create.flags = VPOOL_CREATE_EPHEMERAL;
	return vp_request_send(ctl, &req);
}

static int do_destroy(int ctl, const char *pool)
{
	return vp_destroy(ctl, pool, below(2) ? VPOOL_DESTROY_FORCE : 0);
}

static int do_resize(int ctl, const char *pool)
{
	__u64 bytes = HUGE_SIZE * (1 + below(8));

	return vp_resize(ctl, pool, &bytes, VPOOL_ANY_NODE);
}

static int do_resize_cpus(int ctl, const char *pool)
{
	return vp_resize_cpus(ctl, pool, a_cpu(), 0);
}

static int do_list(int ctl, const char *pool)
{
	struct vpool_list_entry entry[NAMES + 4];
	__u32 nr = NAMES + 4;

	return vp_list(ctl, entry, &nr);
}

static int do_query(int ctl, const char *pool)
{
	struct vpool_region_info region[64];
	struct vpool_query q = {};
	__u32 nr = 64;
	int err = vp_query(ctl, pool, &q);

	if (err)
		return err;
	err = vp_regions(ctl, pool, region, &nr);
	return err == -EMSGSIZE ? 0 : err;
}

static int do_open(int fd, const char *pool)
{
	return 0;
}

static int do_commit(int fd, const char *pool)
{
	__u64 bytes = BASE * (1 + below(1024));

	return vp_commit(fd, &bytes);
}

static void fill_and_check(char *addr, __u64 bytes)
{
	__u64 mine = (__u64)getpid() << 32 | below(1 << 30);

	if (sigsetjmp(revoked, 1))
		return;
	if (!vp_is_zero(addr, bytes))
		figures->dirty = true;
	vp_fill(addr, bytes, mine);
	sched_yield();
	if (!vp_is_filled(addr, bytes, mine))
		figures->shared = true;
}

static int do_map(int fd, const char *pool)
{
	__u64 bytes = BASE * (1 + below(1024));
	char *addr = vp_map(fd, bytes, 0);

	if (addr == MAP_FAILED)
		return -errno;
	fill_and_check(addr, bytes < MAX_FILL ? bytes : MAX_FILL);
	munmap(addr, bytes);
	return 0;
}

static void child(int fd, char *addr, pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(0);
	if (below(2))
		vp_attach(fd, VPOOL_ATTACH_PROCESS);
	if (!sigsetjmp(revoked, 1))
		vp_fill(addr, BASE, 1);
	if (below(2))
		pause();
	_exit(0);
}

/*
 * Fork a child that has the mapping and may be a member, and that exits or is
 * killed.
 */
static int do_fork(int fd, const char *pool)
{
	char *addr = vp_map(fd, BASE, 0);
	pid_t pid, parent = getpid();

	if (addr == MAP_FAILED)
		return -errno;
	pid = fork();
	if (!pid)
		child(fd, addr, parent);
	if (pid > 0) {
		usleep(below(2000));
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	munmap(addr, BASE);
	return pid < 0 ? -errno : 0;
}

/* Change a file in several ways, and check that it shows what was written. */
static int use_file(int file)
{
	__u64 bytes = BASE * (1 + below(1024)), part = below(2) ? BASE : HUGE_SIZE;
	int err = vp_truncate(file, bytes);
	char *addr;

	if (err)
		return err;
	addr = vp_map(file, bytes, 0);
	if (addr == MAP_FAILED)
		return -errno;
	fill_and_check(addr, bytes < MAX_FILL ? bytes : MAX_FILL);
	err = vp_punch(file, 0, part);
	if (!err && bytes >= BASE)
		fill_and_check(addr, BASE);
	if (!err)
		err = vp_pwrite(file, "data", 4, bytes + below(part));
	if (err >= 0)
		err = vp_truncate(file, part);
	munmap(addr, bytes);
	return err;
}

static int do_file(int fd, const char *pool)
{
	int file = vp_file(fd, VPOOL_FILE_CLOEXEC), err;

	if (file < 0)
		return file;
	err = use_file(file);
	close(file);
	return err;
}

/* Mount in this process's namespace of mounts, which ends with the process. */
static int do_mount(int fd, const char *pool)
{
	int err = vp_mount(MOUNT, pool, NULL), file;

	if (err)
		return err;
	file = vp_create_at(MOUNT, "file");
	err = file < 0 ? file : use_file(file);
	if (below(4)) {
		close(file);
		unlink(MOUNT "/file");
		file = -1;
	}
	vp_umount(MOUNT, MNT_DETACH);
	close(file);
	return err;
}

static int do_attach(int fd, const char *pool)
{
	int err = vp_attach(fd, below(2) ? VPOOL_ATTACH_PROCESS : 0);

	sched_yield();
	if (!err && below(2))
		vp_detach(fd, below(2) ? VPOOL_ATTACH_PROCESS : 0);
	return err;
}

static int do_attach_other(int fd, const char *pool)
{
	pid_t pid = figures->worker[below(nr_workers)];
	int pidfd = vp_pidfd(pid), cpu = -1, err;

	if (pidfd < 0)
		return pidfd;
	if (below(2))
		err = vp_attach_task(fd, pidfd, 0, VPOOL_ATTACH_PROCESS, NULL);
	else
		err = vp_attach_task(fd, pidfd, pid, 0, &cpu);
	if (!err && below(2))
		vp_detach_task(fd, pidfd, 0, VPOOL_ATTACH_PROCESS);
	close(pidfd);
	return err;
}

static int do_members(int fd, const char *pool)
{
	struct vpool_member_info info[64];
	struct vpool_members cmd = {
		.size = sizeof(cmd),
		.nr = 64,
		.members_uptr = (uintptr_t)info,
	};
	int err = vp_ioctl(fd, VPOOL_MEMBERS, &cmd);

	return err == -EMSGSIZE ? 0 : err;
}

static int do_sysfs(int fd, const char *pool)
{
	static const char * const attrs[] = {
		"state", "id", "created_ns", "cpus/assigned", "cpus/effective",
		"cpus/dedicated", "cpus/members", "memory/total_bytes",
		"memory/free_bytes", "memory/peak_bytes", "memory/regions",
		"memory/scrubbing_bytes", "memory/node0/used_bytes",
		"stat/allocs", "stat/scrubbed_bytes",
	};
	char text[256];
	int i, err, first = 0;

	for (i = 0; i < ARRAY_SIZE(attrs); i++) {
		err = vp_sysfs(pool, attrs[i], text, sizeof(text));
		first = first ?: err;
	}
	return first;
}

static int do_hotplug(int fd, const char *pool)
{
	return vp_set_online(1 + below(nr_cpus - 1), below(3));
}

static int do_unload(int fd, const char *pool)
{
	int err = vp_unload() ?: vp_load();

	/*
	 * If two tasks load the module, one waits for the other and fails if that
	 * one is killed.
	 */
	return err == -EINTR ? -EAGAIN : err;
}

enum device { NONE, CONTROL, POOL };

/* @weight: relative probability of the operation. */
static const struct operation {
	const char *name;
	enum device device;
	int weight;
	int (*fn)(int fd, const char *pool);
} operations[] = {
	{ "create", CONTROL, 12, do_create },
	{ "destroy", CONTROL, 4, do_destroy },
	{ "resize", CONTROL, 6, do_resize },
	{ "resize CPUs", CONTROL, 6, do_resize_cpus },
	{ "list", CONTROL, 4, do_list },
	{ "query, regions", CONTROL, 6, do_query },
	{ "open", POOL, 6, do_open },
	{ "commit", POOL, 12, do_commit },
	{ "map, fault", POOL, 16, do_map },
	{ "fork, kill", POOL, 6, do_fork },
	{ "file", POOL, 12, do_file },
	{ "mount", NONE, 6, do_mount },
	{ "attach", POOL, 8, do_attach },
	{ "attach another", POOL, 8, do_attach_other },
	{ "members", POOL, 6, do_members },
	{ "sysfs", NONE, 12, do_sysfs },
	{ "hotplug", NONE, 1, do_hotplug },
	{ "unload, load", NONE, 1, do_unload },
};

#define UNLOAD ((int)ARRAY_SIZE(operations) - 1)

static int choose(void)
{
	int i, at, all = 0;

	for (i = 0; i < ARRAY_SIZE(operations); i++)
		all += operations[i].weight;
	at = below(all);
	for (i = 0; at >= operations[i].weight; i++)
		at -= operations[i].weight;
	return i;
}

static bool is_expected(int err)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(expected); i++)
		if (err == -expected[i])
			return true;
	return false;
}

static void count(int op, int err)
{
	if (!err) {
		figures->done[op]++;
	} else if (is_expected(err)) {
		figures->refused[op]++;
	} else {
		figures->unexpected_op = op;
		figures->unexpected = err;
	}
}

static void do_one(void)
{
	const char *pool = names[below(NAMES)];
	int op = choose(), fd = -1, err;

	switch (operations[op].device) {
	case CONTROL:
		fd = vp_control();
		break;
	case POOL:
		fd = vp_open(pool);
		break;
	case NONE:
		count(op, operations[op].fn(fd, pool));
		return;
	}
	err = fd < 0 ? fd : operations[op].fn(fd, pool);
	count(op, err);
	if (fd >= 0)
		close(fd);
	/* A worker may have been killed between unload and load. */
	if (access("/sys/module/vpool", F_OK))
		vp_load();
}

static void work(unsigned int mine)
{
	struct sigaction act = { .sa_handler = on_sigbus };

	sigaction(SIGBUS, &act, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (unshare(CLONE_NEWNS) ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		_exit(1);
	seed = mine;
	for (;;)
		do_one();
}

static void start(int i)
{
	unsigned int its_seed = rand_r(&seed);
	pid_t pid = fork();

	if (!pid)
		work(its_seed);
	figures->worker[i] = pid;
}

static void end(int i)
{
	kill(figures->worker[i], SIGKILL);
	waitpid(figures->worker[i], NULL, 0);
}

/*
 * Children of the workers become children of this process, which waits for them as
 * well.
 */
static void kill_all(void)
{
	int i;

	for (i = 0; i < nr_workers; i++)
		end(i);
	while (waitpid(-1, NULL, 0) > 0)
		;
	for (i = 1; i < nr_cpus; i++)
		vp_set_online(i, true);
}

/* An ephemeral pool whose creator was killed is destroyed without further calls. */
static const char *pool_error(int ctl, const char *pool)
{
	const char *error = NULL;

	if (!vp_exists(pool))
		return NULL;
	if (!vp_wait_idle(pool))
		error = "it is in use although all users exited";
	else if (!vp_accounting_ok(ctl, pool))
		error = "its accounting is wrong";
	else if (vp_destroy_wait(ctl, pool))
		error = "it cannot be destroyed";
	return vp_exists(pool) ? error : NULL;
}

FIXTURE(stress_random)
{
	int kills;
};

FIXTURE_SETUP(stress_random)
{
	if (vp_lacks_cpus())
		SKIP(return, "%s", vp_lacks_cpus());
	if (!getenv("VPOOL_KO"))
		SKIP(return, "VPOOL_KO names no module to load again");
	nr_cpus = vp_online_cpus();
	nr_workers = nr_cpus < MOST_WORKERS ? nr_cpus : MOST_WORKERS;
	seed = vp_env_number("VPOOL_SEED", time(NULL));
	TH_LOG("VPOOL_SEED=%u", seed);
	figures = mmap(NULL, sizeof(*figures), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, figures);
	ASSERT_EQ(0, prctl(PR_SET_CHILD_SUBREAPER, 1));
	mkdir(MOUNT, 0755);
	/*
	 * Unload the module, so that no pool exists when the host's free memory is
	 * read.
	 */
	ASSERT_EQ(0, vp_unload());
}

FIXTURE_TEARDOWN(stress_random)
{
	if (access("/sys/module/vpool", F_OK))
		EXPECT_EQ(0, vp_load());
	rmdir(MOUNT);
}

static void run_iteration(struct __test_metadata *_metadata, int *kills,
			  __u64 end_ms)
{
	const char *error;
	int i, ctl;

	ASSERT_EQ(0, vp_load());
	for (i = 0; i < nr_workers; i++)
		start(i);
	while (vp_now_ms() < end_ms) {
		usleep(below(LIFE_US));
		i = below(nr_workers);
		end(i);
		start(i);
		++*kills;
	}
	kill_all();
	if (access("/sys/module/vpool", F_OK))
		ASSERT_EQ(0, vp_load());
	ctl = vp_control();
	ASSERT_LE(0, ctl);
	for (i = 0; i < NAMES; i++) {
		error = pool_error(ctl, names[i]);
		EXPECT_EQ(NULL, error)
			TH_LOG("%s: %s", names[i], error);
	}
	close(ctl);
	i = vp_unload_wait(20);
	EXPECT_EQ(0, i);
	count(UNLOAD, i);
}

static __u64 seconds(void)
{
	return vp_env_number("VPOOL_SECONDS", ITERATION_MS / 1000);
}

/* A busy host may need more iterations. */
static bool each_was_done(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(operations); i++)
		if (!figures->done[i])
			return false;
	return true;
}

TEST_F_TIMEOUT(stress_random, state_after_exit, 3600)
{
	__u64 begin = vp_now_ms(), end_ms = begin + seconds() * 1000;
	__u64 before = vp_host_free(), after;
	int i, iterations = 0, more = 0;
	unsigned long done = 0;

	while (__test_passed(_metadata) &&
	       (vp_now_ms() < end_ms ||
		(!each_was_done() && more++ < EXTRA_ITERATIONS))) {
		run_iteration(_metadata, &self->kills, vp_now_ms() + ITERATION_MS);
		iterations++;
	}
	after = vp_host_free();
	TH_LOG("%d processes on %d CPUs, %d iterations in %llu s, %d killed",
	       nr_workers, nr_cpus, iterations, (vp_now_ms() - begin) / 1000,
	       self->kills);
	for (i = 0; i < ARRAY_SIZE(operations); i++) {
		done += figures->done[i] + figures->refused[i];
		TH_LOG("%-14s %8lu done %8lu refused", operations[i].name,
		       figures->done[i], figures->refused[i]);
		EXPECT_LT(0, figures->done[i]);
	}
	TH_LOG("cases: %lu of a random call", done);
	TH_LOG("%llu MiB free before, %llu after", before / MIB, after / MIB);
	EXPECT_EQ(0, figures->unexpected)
		TH_LOG("in %s", operations[figures->unexpected_op].name);
	EXPECT_FALSE(figures->dirty);
	EXPECT_FALSE(figures->shared);
	EXPECT_TRUE(vp_wait_host_free(before - SLACK));
}

TEST_HARNESS_MAIN
