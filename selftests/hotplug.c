// SPDX-License-Identifier: GPL-2.0
/* CPUs of a pool that go offline and online while members run on them. */
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/vpool.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "kselftest_harness.h"
#include "lib/file.h"
#include "lib/host.h"
#include "lib/pool.h"
#include "lib/task.h"

#define POOL "hotplug-pool"
#define ONE "hotplug-one"
#define CGROUPS "/sys/fs/cgroup"
#define GROUP CGROUPS "/hotplug"

FIXTURE(hotplug)
{
	int ctl;
	int fd;
};

static void all_online(void)
{
	int cpu;

	for (cpu = 1; cpu < 4; cpu++)
		vp_set_online(cpu, true);
}

FIXTURE_SETUP(hotplug)
{
	if (access("/sys/devices/system/cpu/cpu3/online", W_OK))
		SKIP(return, "CPUs cannot be taken offline here");
	all_online();
	if (vp_lacks_cpus())
		SKIP(return, "%s", vp_lacks_cpus());
	self->ctl = vp_control();
	ASSERT_LE(0, self->ctl);
	vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	ASSERT_EQ(0, vp_create(self->ctl, POOL, 0, 0, "1-3"));
	self->fd = vp_open(POOL);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(hotplug)
{
	all_online();
	close(self->fd);
	vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	vp_destroy(self->ctl, ONE, VPOOL_DESTROY_FORCE);
	close(self->ctl);
}

static void spin(void)
{
	sched_getcpu();
}

static void fork_on(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	waitpid(pid, NULL, 0);
}

static int attach(int fd, struct vp_worker *worker)
{
	return vp_attach_task(fd, worker->pidfd, 0, VPOOL_ATTACH_PROCESS, NULL);
}

TEST_F(hotplug, members_stay_within_the_pool)
{
	struct vp_worker sleeper = vp_worker_start(vp_pause);
	struct vp_worker spinner = vp_worker_start(spin);

	ASSERT_EQ(0, attach(self->fd, &sleeper));
	ASSERT_EQ(0, attach(self->fd, &spinner));
	ASSERT_EQ(0, vp_set_online(2, false));
	EXPECT_TRUE(vp_sysfs_is(POOL, "state", "degraded"));
	EXPECT_TRUE(vp_sysfs_is(POOL, "cpus/assigned", "1-3"));
	EXPECT_TRUE(vp_sysfs_is(POOL, "cpus/effective", "1,3"));
	EXPECT_TRUE(vp_may_run_on(sleeper.pid, "1,3"));
	EXPECT_TRUE(vp_may_run_on(spinner.pid, "1,3"));
	ASSERT_EQ(0, vp_set_online(1, false));
	EXPECT_TRUE(vp_may_run_on(sleeper.pid, "3"));
	EXPECT_TRUE(vp_may_run_on(spinner.pid, "3"));
	ASSERT_EQ(0, vp_set_online(2, true));
	EXPECT_TRUE(vp_wait_may_run_on(sleeper.pid, "2-3"));
	EXPECT_TRUE(vp_sysfs_is(POOL, "state", "degraded"));
	ASSERT_EQ(0, vp_set_online(1, true));
	EXPECT_TRUE(vp_wait_may_run_on(sleeper.pid, "1-3"));
	EXPECT_TRUE(vp_wait_may_run_on(spinner.pid, "1-3"));
	EXPECT_TRUE(vp_sysfs_is(POOL, "state", "active"));
	EXPECT_TRUE(vp_sysfs_is(POOL, "cpus/effective", "1-3"));
	EXPECT_EQ(2, vp_sysfs_u64(POOL, "cpus/members"));
	vp_worker_stop(&sleeper);
	vp_worker_stop(&spinner);
}

TEST_F(hotplug, query_and_list_report_degraded)
{
	struct vpool_query query = {};
	struct vpool_list_entry entry[64];
	bool found = false;
	__u32 i, nr = 64;

	ASSERT_EQ(0, vp_set_online(3, false));
	ASSERT_EQ(0, vp_query(self->ctl, POOL, &query));
	EXPECT_EQ(VPOOL_STATE_DEGRADED, query.state);
	ASSERT_EQ(0, vp_list(self->ctl, entry, &nr));
	for (i = 0; i < nr; i++)
		if (!strcmp(entry[i].name, POOL))
			found = entry[i].state == VPOOL_STATE_DEGRADED;
	EXPECT_TRUE(found);
	/* A degraded pool can still be opened and destroyed. */
	close(self->fd);
	self->fd = vp_open(POOL);
	EXPECT_LE(0, self->fd);
	close(self->fd);
	EXPECT_EQ(0, vp_destroy(self->ctl, POOL, 0));
}

/* Listen to the kernel's uevents. Those of udevd have another group. */
static int listen_uevents(void)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	int fd = socket(AF_NETLINK, SOCK_DGRAM, NETLINK_KOBJECT_UEVENT);

	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return -errno;
	return fd;
}

static bool wait_uevent(int fd, const char *want)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };
	char text[4096];
	ssize_t len;

	while (poll(&pollfd, 1, 5000) == 1) {
		len = recv(fd, text, sizeof(text) - 1, 0);
		if (len <= 0)
			return false;
		text[len] = '\0';
		if (!strcmp(text, want))
			return true;
	}
	return false;
}

TEST_F(hotplug, members_use_host_cpus_if_all_are_offline)
{
	struct vp_worker sleeper = vp_worker_start(vp_pause);
	struct vp_worker spinner = vp_worker_start(spin);
	int fd, events;

	vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	ASSERT_EQ(0, vp_create(self->ctl, POOL, 0, 0, "1"));
	ASSERT_EQ(0, vp_create(self->ctl, ONE, 0, 0, "2"));
	fd = vp_open(ONE);
	ASSERT_EQ(0, attach(fd, &sleeper));
	ASSERT_EQ(0, attach(fd, &spinner));
	events = listen_uevents();
	ASSERT_LE(0, events);
	ASSERT_EQ(0, vp_set_online(2, false));
	EXPECT_TRUE(wait_uevent(events, "change@/kernel/vpool/pools/" ONE));
	EXPECT_TRUE(vp_sysfs_is(ONE, "state", "degraded"));
	EXPECT_TRUE(vp_sysfs_is(ONE, "cpus/effective", ""));
	/* Do not move to the CPU of another pool. */
	EXPECT_TRUE(vp_may_run_on(sleeper.pid, "0,3"));
	EXPECT_TRUE(vp_may_run_on(spinner.pid, "0,3"));
	EXPECT_EQ(-ENODEV, vp_attach(fd, 0));
	EXPECT_TRUE(vp_reason_has(fd, "online"));
	/* Do not move to the CPU of a pool that is created now. */
	vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	ASSERT_EQ(0, vp_create(self->ctl, POOL, 0, 0, "3"));
	EXPECT_TRUE(vp_wait_may_run_on(sleeper.pid, "0-1"));
	ASSERT_EQ(0, vp_set_online(2, true));
	EXPECT_TRUE(wait_uevent(events, "change@/kernel/vpool/pools/" ONE));
	EXPECT_TRUE(vp_wait_may_run_on(sleeper.pid, "2"));
	EXPECT_TRUE(vp_wait_may_run_on(spinner.pid, "2"));
	EXPECT_TRUE(vp_sysfs_is(ONE, "state", "active"));
	close(events);
	close(fd);
	vp_worker_stop(&sleeper);
	vp_worker_stop(&spinner);
}

static bool poll_wakes(int fd, int cpu, bool online)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLPRI };
	char text[64];

	if (pread(fd, text, sizeof(text), 0) < 0 || poll(&pollfd, 1, 0) ||
	    vp_set_online(cpu, online))
		return false;
	return poll(&pollfd, 1, 5000) == 1;
}

TEST_F(hotplug, change_of_state_wakes_poll)
{
	int state = open(VP_POOLS "/" POOL "/state", O_RDONLY);
	int effective = open(VP_POOLS "/" POOL "/cpus/effective", O_RDONLY);

	ASSERT_LE(0, state);
	ASSERT_LE(0, effective);
	EXPECT_TRUE(poll_wakes(state, 3, false));
	EXPECT_TRUE(poll_wakes(effective, 2, false));
	EXPECT_TRUE(poll_wakes(state, 2, true));
	EXPECT_TRUE(poll_wakes(effective, 3, true));
	close(state);
	close(effective);
}

TEST_F(hotplug, dedicated_cpus)
{
	struct vp_worker own = vp_worker_start(vp_pause), other = vp_worker_start(vp_pause);
	int cpu = 2;

	ASSERT_EQ(0, attach(self->fd, &other));
	ASSERT_EQ(0, vp_attach_task(self->fd, own.pidfd, 0, 0, &cpu));
	/*
	 * The dedicated CPU goes offline: its thread shares the CPUs of the other
	 * members.
	 */
	ASSERT_EQ(0, vp_set_online(2, false));
	EXPECT_TRUE(vp_may_run_on(own.pid, "1,3"));
	EXPECT_TRUE(vp_may_run_on(other.pid, "1,3"));
	EXPECT_TRUE(vp_sysfs_is(POOL, "cpus/dedicated", "2"));
	ASSERT_EQ(0, vp_set_online(2, true));
	EXPECT_TRUE(vp_wait_may_run_on(own.pid, "2"));
	EXPECT_TRUE(vp_wait_may_run_on(other.pid, "1,3"));
	/*
	 * All shared CPUs go offline: the other members run on the dedicated CPU
	 * instead of leaving the pool.
	 */
	ASSERT_EQ(0, vp_set_online(1, false));
	ASSERT_EQ(0, vp_set_online(3, false));
	EXPECT_TRUE(vp_may_run_on(own.pid, "2"));
	EXPECT_TRUE(vp_may_run_on(other.pid, "2"));
	ASSERT_EQ(0, vp_set_online(3, true));
	EXPECT_TRUE(vp_wait_may_run_on(other.pid, "3"));
	EXPECT_TRUE(vp_may_run_on(own.pid, "2"));
	vp_worker_stop(&own);
	vp_worker_stop(&other);
}

/*
 * A member that restricts itself to some of the pool's CPUs stays on those while one
 * is online.
 */
TEST_F(hotplug, narrow_members)
{
	struct vp_worker worker = vp_worker_start(vp_pause);

	ASSERT_EQ(0, attach(self->fd, &worker));
	ASSERT_EQ(0, vp_set_affinity(worker.pid, "1-2"));
	ASSERT_EQ(0, vp_set_online(3, false));
	EXPECT_TRUE(vp_may_run_on(worker.pid, "1-2"));
	ASSERT_EQ(0, vp_set_online(2, false));
	EXPECT_TRUE(vp_may_run_on(worker.pid, "1"));
	ASSERT_EQ(0, vp_set_online(1, true));
	ASSERT_EQ(0, vp_set_online(2, true));
	ASSERT_EQ(0, vp_set_online(1, false));
	EXPECT_TRUE(vp_may_run_on(worker.pid, "2"));
	vp_worker_stop(&worker);
}

static int may_run_on_3(void *arg)
{
	return !vp_may_run_on(getpid(), "3");
}

static int narrow_parent(void *arg)
{
	if (vp_attach(*(int *)arg, 0))
		return 1;
	if (vp_set_affinity(0, "3"))
		return 2;
	return vp_in_child(may_run_on_3, NULL);
}

/* vpool resets all masks some time after CPU hotplug, possibly during this test. */
TEST_F(hotplug, narrow_affinity_is_inherited)
{
	int status = 1, i;

	for (i = 0; i < 5 && status; i++) {
		status = vp_in_child(narrow_parent, &self->fd);
		if (status)
			vp_sleep_ms(1500);
	}
	EXPECT_EQ(0, status);
}

static int set_online_and_wait(int cpu, bool online)
{
	int err = vp_set_online(cpu, online);

	/* Before Linux 6.10, cpusets change in a work item some time after the call. */
	vp_sleep_ms(3000);
	return err;
}

/* On CPU hotplug the cpuset code resets the masks of the tasks in a cpuset. */
TEST_F(hotplug, cpusets_do_not_move_members)
{
	struct vp_worker worker = vp_worker_start(vp_pause);
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", worker.pid);
	mkdir(GROUP, 0755);
	if (vp_write_file(CGROUPS "/cgroup.subtree_control", "+cpuset") ||
	    vp_write_file(GROUP "/cgroup.procs", pid)) {
		vp_worker_stop(&worker);
		rmdir(GROUP);
		SKIP(return, "no cgroup2 with a cpuset controller here");
	}
	ASSERT_EQ(0, attach(self->fd, &worker));
	EXPECT_EQ(0, set_online_and_wait(3, false));
	EXPECT_TRUE(vp_wait_may_run_on(worker.pid, "1-2"));
	EXPECT_EQ(0, set_online_and_wait(3, true));
	EXPECT_TRUE(vp_wait_may_run_on(worker.pid, "1-3"));
	vp_worker_stop(&worker);
	EXPECT_EQ(0, rmdir(GROUP));
	vp_write_file(CGROUPS "/cgroup.subtree_control", "-cpuset");
}

/* The state of a pool, to compare before and after each iteration. */

struct figures {
	bool online[4];
	char list[16];
	const char *effective;
	const char *members;
};

static void append(char *list, int cpu)
{
	char text[8];

	snprintf(text, sizeof(text), "%s%d", *list ? "," : "", cpu);
	strcat(list, text);
}

/* Write a CPU list as the kernel does. */
static const char *canonical(const char *list)
{
	if (!strcmp(list, "1,2"))
		return "1-2";
	if (!strcmp(list, "2,3"))
		return "2-3";
	if (!strcmp(list, "1,2,3"))
		return "1-3";
	return list;
}

static void expected(struct figures *f)
{
	int cpu;

	f->list[0] = '\0';
	for (cpu = 1; cpu < 4; cpu++)
		if (f->online[cpu])
			append(f->list, cpu);
	f->effective = canonical(f->list);
	f->members = *f->effective ? f->effective : "0";
}

TEST_F(hotplug, load_during_hotplug)
{
	int i, j, cpu, iterations = vp_scale(getenv("VPOOL_LONG") ? 200 : 80);
	struct figures f = { .online = { true, true, true, true } };
	struct vp_worker worker[] = {
		vp_worker_start(spin), vp_worker_start(spin),
		vp_worker_start(vp_pause), vp_worker_start(fork_on),
	};

	srand(1);
	for (j = 0; j < ARRAY_SIZE(worker); j++)
		ASSERT_EQ(0, attach(self->fd, &worker[j]));
	for (i = 0; i < iterations; i++) {
		cpu = 1 + rand() % 3;
		f.online[cpu] = !f.online[cpu];
		ASSERT_EQ(0, vp_set_online(cpu, f.online[cpu]));
		expected(&f);
		ASSERT_TRUE(vp_sysfs_is(POOL, "cpus/effective", f.effective));
		ASSERT_TRUE(vp_sysfs_is(POOL, "cpus/assigned", "1-3"));
		ASSERT_TRUE(vp_sysfs_is(POOL, "state", strcmp(f.effective, "1-3") ?
				    "degraded" : "active"));
		for (j = 0; j < ARRAY_SIZE(worker); j++)
			ASSERT_TRUE(vp_wait_may_run_on(worker[j].pid, f.members));
	}
	for (j = 0; j < ARRAY_SIZE(worker); j++)
		vp_worker_stop(&worker[j]);
	EXPECT_TRUE(vp_sysfs_wait(POOL, "cpus/members", 0));
}

/* A fork storm while CPUs go offline and online, and the pool grows and shrinks. */

#define NR_FORKERS 8

struct storm {
	int children;
	int failed;
};

static void *fork_children(void *arg)
{
	struct storm *storm = arg;
	int i, status;
	pid_t pid;

	for (i = 0; i < storm->children; i++) {
		pid = fork();
		if (!pid)
			_exit(0);
		if (waitpid(pid, &status, 0) != pid || status)
			storm->failed++;
	}
	return NULL;
}

static int run_fork_storm(void *arg)
{
	pthread_t thread[NR_FORKERS];
	struct storm storm[NR_FORKERS];
	int i, failed = 0, children = *(int *)arg / NR_FORKERS;

	for (i = 0; i < NR_FORKERS; i++) {
		storm[i] = (struct storm) { .children = children };
		if (pthread_create(&thread[i], NULL, fork_children, &storm[i]))
			return 1;
	}
	for (i = 0; i < NR_FORKERS; i++) {
		pthread_join(thread[i], NULL);
		failed += storm[i].failed;
	}
	return failed ? 2 : 0;
}

static bool has_ended(pid_t pid)
{
	siginfo_t info = {};

	return !waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT) &&
		info.si_pid == pid;
}

/* A resize fails while a CPU of its list is offline, which does not matter here. */
static void keep_resizing(int *done)
{
	static const char * const sets[] = { "1-3", "1", "2-3", "3", "1,3" };
	int ctl = vp_control();
	unsigned int i;

	for (i = 0; ; i++)
		*done += !vp_resize_cpus(ctl, POOL, sets[i % ARRAY_SIZE(sets)],
					 0);
}

TEST_F_TIMEOUT(hotplug, fork_storm, 1200)
{
	int children = vp_storm_children(), iterations = 0, cpu;
	struct vp_worker survivor = vp_worker_start(vp_pause), forker;
	pid_t pid, resizer;
	int *resizes;

	ASSERT_EQ(0, attach(self->fd, &survivor));
	resizes = mmap(NULL, sizeof(*resizes), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, resizes);
	pid = fork();
	if (!pid)
		_exit(run_fork_storm(&children));
	/* The pool's only CPU may have been offline until here. */
	forker = (struct vp_worker){ .pid = pid, .pidfd = vp_pidfd(pid) };
	EXPECT_EQ(0, attach(self->fd, &forker));
	resizer = fork();
	if (!resizer)
		keep_resizing(resizes);
	srand(2);
	while (!has_ended(pid)) {
		cpu = 1 + rand() % 3;
		EXPECT_EQ(0, vp_set_online(cpu, false));
		EXPECT_EQ(0, vp_set_online(cpu, true));
		iterations++;
	}
	kill(resizer, SIGKILL);
	vp_wait_status(resizer);
	TH_LOG("cases: %d of a child in a fork storm", children);
	TH_LOG("%d times offline and online, %d resizes", iterations, *resizes);
	EXPECT_EQ(0, vp_wait_status(pid));
	EXPECT_LE(1, iterations);
	EXPECT_LE(1, *resizes);
	munmap(resizes, sizeof(*resizes));
	EXPECT_EQ(0, vp_resize_cpus(self->ctl, POOL, "1-3", 0));
	EXPECT_TRUE(vp_sysfs_wait(POOL, "cpus/members", 1));
	EXPECT_TRUE(vp_wait_may_run_on(survivor.pid, "1-3"));
	EXPECT_TRUE(vp_sysfs_is(POOL, "state", "active"));
	vp_worker_stop(&survivor);
	EXPECT_TRUE(vp_sysfs_wait(POOL, "cpus/members", 0));
}

TEST_HARNESS_MAIN
