// SPDX-License-Identifier: GPL-2.0
/*
 * Limits of the users of a pool: who pays for what, when it is paid back, and that users
 * who mean harm cannot have more than their part.
 */
#include <fcntl.h>
#include <grp.h>
#include <linux/falloc.h>
#include <linux/vpool.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "kselftest_harness.h"
#include "lib/file.h"
#include "lib/fs.h"
#include "lib/host.h"
#include "lib/memory.h"
#include "lib/pool.h"
#include "lib/task.h"

#define POOL "budget-pool"
#define DIR "/tmp/vpool-budget"
#define PAGES 8
#define MAX_MEMBERS "/sys/module/vpool/parameters/max_members"

#define UID_A 61001
#define UID_B 61002
/* First of the ids that newuidmap(1) could give to user A. */
#define UID_SUB 200000

#define ALL_LIMITS (VPOOL_RESIZE_USER_BYTES | VPOOL_RESIZE_USER_REGIONS | \
		    VPOOL_RESIZE_USER_MEMBERS)

FIXTURE(budget)
{
	int ctl;
	__u64 page;
};

/* Change the limits that @flags name. */
static int set_limits(int ctl, __u32 flags, __u64 bytes, __u32 regions,
		      __u32 members)
{
	struct vpool_resize cmd = {
		.size = sizeof(cmd),
		.flags = flags,
		.user_bytes = bytes,
		.user_regions = regions,
		.user_members = members,
	};

	vp_name(cmd.name, POOL);
	return vp_ioctl(ctl, VPOOL_RESIZE, &cmd);
}

static int set_bytes(int ctl, __u64 bytes)
{
	return set_limits(ctl, VPOOL_RESIZE_USER_BYTES, bytes, 0, 0);
}

static int set_regions(int ctl, __u32 regions)
{
	return set_limits(ctl, VPOOL_RESIZE_USER_REGIONS, 0, regions, 0);
}

static int set_members(int ctl, __u32 members)
{
	return set_limits(ctl, VPOOL_RESIZE_USER_MEMBERS, 0, 0, members);
}

static int list_users(int ctl, struct vpool_user_info *info, __u32 *nr)
{
	struct vpool_users cmd = {
		.size = sizeof(cmd),
		.nr = *nr,
		.users_uptr = (uintptr_t)info,
	};
	int err;

	vp_name(cmd.name, POOL);
	err = vp_ioctl(ctl, VPOOL_USERS, &cmd);
	*nr = cmd.nr;
	return err;
}

/* What a user has; all zero if the user is not listed. */
static struct vpool_user_info user_of(int ctl, uid_t uid)
{
	struct vpool_user_info info[64], none = { .uid = uid };
	__u32 nr = 64, i;

	if (list_users(ctl, info, &nr))
		exit(3);
	for (i = 0; i < nr; i++)
		if (info[i].uid == uid)
			return info[i];
	return none;
}

/* Wait until no user has anything. */
static bool wait_no_users(int ctl)
{
	__u64 end = vp_now_ms() + VP_WAIT_MS;
	struct vpool_user_info info[64];
	__u32 nr;

	for (;;) {
		nr = 64;
		if (!list_users(ctl, info, &nr) && !nr)
			return true;
		if (vp_now_ms() > end)
			return false;
		vp_sleep_ms(5);
	}
}

/* Set the real uid only, so that the test stays privileged. This task alone changes. */
static void set_uid(uid_t uid)
{
	syscall(SYS_setresuid, uid, -1, -1);
}

static int open_as(uid_t uid)
{
	int fd;

	set_uid(uid);
	fd = vp_open(POOL);
	set_uid(0);
	return fd;
}

static int commit(int fd, __u64 bytes)
{
	return vp_commit(fd, &bytes);
}

static void become(uid_t uid)
{
	if (setgroups(0, NULL) || setresgid(uid, uid, uid) ||
	    setresuid(uid, uid, uid))
		_exit(255);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
}

FIXTURE_SETUP(budget)
{
	struct vp_request req;

	self->page = HUGE_SIZE;
	self->ctl = vp_control();
	ASSERT_LE(0, self->ctl);
	vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	vp_request_init(&req, POOL);
	vp_request_mem(&req, PAGES * self->page, VPOOL_ANY_NODE);
	if (!vp_lacks_cpus())
		vp_request_cpus(&req, "1");
	req.create.mode = 0666;
	ASSERT_EQ(0, vp_request_send(self->ctl, &req));
}

FIXTURE_TEARDOWN(budget)
{
	vp_write_file(MAX_MEMBERS, "65536");
	vp_umount(DIR, MNT_DETACH);
	rmdir(DIR);
	if (vp_exists(POOL)) {
		EXPECT_TRUE(vp_accounting_ok(self->ctl, POOL));
		vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	}
	close(self->ctl);
}

/* Memory. */

TEST_F(budget, no_limits_by_default)
{
	struct vpool_query query = { .size = sizeof(query) };
	int fd = open_as(UID_A);

	ASSERT_EQ(0, vp_query(self->ctl, POOL, &query));
	EXPECT_EQ(0, query.user_bytes);
	EXPECT_EQ(0, query.user_regions);
	EXPECT_EQ(0, query.user_members);
	EXPECT_EQ(0, commit(fd, PAGES * self->page));
	EXPECT_EQ(PAGES * self->page, user_of(self->ctl, UID_A).bytes);
	close(fd);
}

TEST_F(budget, memory)
{
	__u64 limited = vp_sysfs_u64(POOL, "stat/limited");
	int a, more, b, root;

	ASSERT_EQ(0, set_bytes(self->ctl, 3 * self->page));
	a = open_as(UID_A);
	more = open_as(UID_A);
	b = open_as(UID_B);
	EXPECT_EQ(-EDQUOT, commit(a, 4 * self->page));
	EXPECT_EQ(VPOOL_CODE_USER_BYTES, vp_code(a));
	EXPECT_TRUE(vp_reason_has(a, "61001"));
	EXPECT_TRUE(vp_reason_has(a, POOL));
	EXPECT_EQ(limited + 1, vp_sysfs_u64(POOL, "stat/limited"));
	EXPECT_EQ(0, vp_sysfs_u64(POOL, "memory/used_bytes"));
	EXPECT_EQ(0, commit(a, 2 * self->page));
	EXPECT_EQ(-EDQUOT, commit(more, 2 * self->page));
	EXPECT_EQ(0, commit(more, 1));
	EXPECT_EQ(3 * self->page, user_of(self->ctl, UID_A).bytes);
	/* Another user has as much. Root has the rest. */
	EXPECT_EQ(0, commit(b, 3 * self->page));
	root = vp_open(POOL);
	EXPECT_EQ(0, commit(root, 2 * self->page));
	EXPECT_EQ(2 * self->page, user_of(self->ctl, 0).bytes);
	close(a);
	EXPECT_EQ(self->page, user_of(self->ctl, UID_A).bytes);
	EXPECT_EQ(1, user_of(self->ctl, UID_A).regions);
	close(more);
	close(b);
	close(root);
	EXPECT_TRUE(wait_no_users(self->ctl));
}

TEST_F(budget, mmap_commits_within_the_limit)
{
	int fd = open_as(UID_A);

	ASSERT_EQ(0, set_bytes(self->ctl, self->page));
	EXPECT_EQ(MAP_FAILED, vp_map(fd, 2 * self->page, 0));
	EXPECT_EQ(EDQUOT, errno);
	EXPECT_NE(MAP_FAILED, vp_map(fd, self->page, 0));
	close(fd);
}

TEST_F(budget, files)
{
	int pool = open_as(UID_A), file;
	char byte = 1, *addr;

	ASSERT_EQ(0, set_bytes(self->ctl, 2 * self->page));
	set_uid(UID_A);
	file = vp_file(pool, 0);
	set_uid(0);
	ASSERT_LE(0, file);
	EXPECT_EQ(-EDQUOT, vp_truncate(file, 3 * self->page));
	EXPECT_EQ(VPOOL_CODE_USER_BYTES, vp_code(file));
	EXPECT_EQ(0, vp_file_size(file));
	EXPECT_EQ(-EDQUOT, vp_allocate(file, 0, 0, 3 * self->page));
	EXPECT_EQ(0, vp_truncate(file, 2 * self->page));
	EXPECT_EQ(-EDQUOT, vp_pwrite(file, &byte, 1, 2 * self->page));
	EXPECT_EQ(2 * self->page, user_of(self->ctl, UID_A).bytes);
	/* A hole that is punched can be filled elsewhere, and then not where it was. */
	EXPECT_EQ(0, vp_punch(file, 0, self->page));
	EXPECT_EQ(self->page, user_of(self->ctl, UID_A).bytes);
	EXPECT_EQ(1, vp_pwrite(file, &byte, 1, 2 * self->page));
	addr = vp_map(file, self->page, 0);
	ASSERT_NE(MAP_FAILED, addr);
	EXPECT_EQ(SIGBUS, vp_touch(addr, true));
	EXPECT_EQ(0, vp_truncate(file, self->page));
	EXPECT_EQ(0, user_of(self->ctl, UID_A).bytes);
	EXPECT_EQ(0, vp_touch(addr, true));
	EXPECT_EQ(self->page, user_of(self->ctl, UID_A).bytes);
	munmap(addr, self->page);
	close(file);
	close(pool);
	EXPECT_TRUE(wait_no_users(self->ctl));
}

/* The user who opened a region pays, whoever commits, holds and closes it. */
TEST_F(budget, setuid_and_passed_descriptors)
{
	int a = open_as(UID_A), copy = dup(a), more;

	ASSERT_EQ(0, set_bytes(self->ctl, 2 * self->page));
	set_uid(UID_B);
	EXPECT_EQ(-EDQUOT, commit(a, 3 * self->page));
	EXPECT_EQ(0, commit(a, 2 * self->page));
	set_uid(0);
	EXPECT_EQ(2 * self->page, user_of(self->ctl, UID_A).bytes);
	EXPECT_EQ(0, user_of(self->ctl, UID_B).bytes);
	close(a);
	more = open_as(UID_A);
	EXPECT_EQ(-EDQUOT, commit(more, 1));
	set_uid(UID_B);
	close(copy);
	set_uid(0);
	EXPECT_EQ(0, commit(more, 2 * self->page));
	close(more);
}

/* Put the first bytes of a mapping into a pipe. */
static int pin_in_pipe(char *addr, int pipes[2])
{
	struct iovec iov = { .iov_base = addr, .iov_len = BASE };

	if (pipe(pipes) || vmsplice(pipes[1], &iov, 1, 0) != BASE)
		return -errno;
	return 0;
}

/* A user cannot have more by pinning pages, giving them back and taking others. */
TEST_F(budget, pinned_memory_counts)
{
	int a = open_as(UID_A), pipes[2], more;
	char *addr;

	ASSERT_EQ(0, set_bytes(self->ctl, 2 * self->page));
	ASSERT_EQ(0, commit(a, 2 * self->page));
	addr = vp_map(a, 2 * self->page, 0);
	ASSERT_NE(MAP_FAILED, addr);
	vp_fill(addr, 2 * self->page, 1);
	ASSERT_EQ(0, pin_in_pipe(addr, pipes));
	munmap(addr, 2 * self->page);
	close(a);
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/regions", 0));
	EXPECT_EQ(self->page, user_of(self->ctl, UID_A).bytes);
	EXPECT_EQ(0, user_of(self->ctl, UID_A).regions);
	more = open_as(UID_A);
	EXPECT_EQ(-EDQUOT, commit(more, 2 * self->page));
	close(pipes[0]);
	close(pipes[1]);
	/* The call looks for pages that are not pinned any more. */
	EXPECT_EQ(0, commit(more, 2 * self->page));
	EXPECT_EQ(2 * self->page, user_of(self->ctl, UID_A).bytes);
	close(more);
	EXPECT_TRUE(wait_no_users(self->ctl));
}

/* Pages of a hole that are still pinned. */
TEST_F(budget, pinned_hole_counts)
{
	int pool = open_as(UID_A), pipes[2], file;
	char *addr;

	ASSERT_EQ(0, set_bytes(self->ctl, self->page));
	set_uid(UID_A);
	file = vp_file(pool, 0);
	set_uid(0);
	ASSERT_EQ(0, vp_truncate(file, self->page));
	addr = vp_map(file, self->page, 0);
	ASSERT_NE(MAP_FAILED, addr);
	vp_fill(addr, self->page, 1);
	ASSERT_EQ(0, pin_in_pipe(addr, pipes));
	ASSERT_EQ(0, vp_punch(file, 0, self->page));
	EXPECT_EQ(self->page, user_of(self->ctl, UID_A).bytes);
	EXPECT_EQ(SIGBUS, vp_touch(addr, true));
	close(pipes[0]);
	close(pipes[1]);
	EXPECT_EQ(0, vp_touch(addr, true));
	close(file);
	close(pool);
}

#define RACERS 12

struct race {
	int go[2];
	__u64 page;
};

/* Commit one page as user A when the pipe closes. Return 0 if that succeeds. */
static int racer(struct race *race)
{
	char c;
	int fd, err;

	close(race->go[1]);
	become(UID_A);
	fd = vp_open(POOL);
	if (fd < 0)
		_exit(2);
	read(race->go[0], &c, 1);
	err = commit(fd, race->page);
	if (err && err != -EDQUOT)
		_exit(3);
	/* Keep the page until all have tried. */
	if (!err)
		vp_sleep_ms(500);
	_exit(!!err);
}

/* Of the calls that race for the last pages of a limit, exactly that many succeed. */
TEST_F(budget, race_for_the_last_pages)
{
	struct race race = { .page = self->page };
	int i, status, won = 0, lost = 0;
	pid_t pid[RACERS];

	ASSERT_EQ(0, set_bytes(self->ctl, 5 * self->page));
	ASSERT_EQ(0, pipe(race.go));
	for (i = 0; i < RACERS; i++) {
		pid[i] = fork();
		if (!pid[i])
			racer(&race);
	}
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/regions", RACERS));
	close(race.go[1]);
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/used_bytes", 5 * self->page));
	for (i = 0; i < RACERS; i++) {
		status = vp_wait_status(pid[i]);
		won += status == 0;
		lost += status == 1;
	}
	EXPECT_EQ(5, won);
	EXPECT_EQ(RACERS - 5, lost);
	close(race.go[0]);
	EXPECT_TRUE(wait_no_users(self->ctl));
}

TEST_F(budget, forced_destroy)
{
	int a = open_as(UID_A), pool = open_as(UID_B), pipes[2], file;
	char *addr;

	ASSERT_EQ(0, set_bytes(self->ctl, 3 * self->page));
	set_uid(UID_B);
	file = vp_file(pool, 0);
	set_uid(0);
	ASSERT_EQ(0, vp_truncate(file, 2 * self->page));
	ASSERT_EQ(0, commit(a, 2 * self->page));
	addr = vp_map(a, 2 * self->page, 0);
	ASSERT_NE(MAP_FAILED, addr);
	vp_fill(addr, 2 * self->page, 1);
	ASSERT_EQ(0, pin_in_pipe(addr, pipes));
	ASSERT_EQ(0, vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE));
	EXPECT_EQ(-ENXIO, commit(pool, 1));
	EXPECT_EQ(-EIO, vp_allocate(file, 0, 0, self->page));
	close(a);
	close(file);
	close(pool);
	munmap(addr, 2 * self->page);
	close(pipes[0]);
	close(pipes[1]);
}

/* Regions. */

TEST_F(budget, regions)
{
	__u64 limited = vp_sysfs_u64(POOL, "stat/limited");
	int fd[3], file, b, root[3], i;

	ASSERT_EQ(0, set_regions(self->ctl, 3));
	for (i = 0; i < 2; i++) {
		fd[i] = open_as(UID_A);
		ASSERT_LE(0, fd[i]);
	}
	set_uid(UID_A);
	file = vp_file(fd[0], 0);
	EXPECT_LE(0, file);
	EXPECT_EQ(-EDQUOT, vp_file(fd[0], 0));
	EXPECT_EQ(VPOOL_CODE_USER_REGIONS, vp_code(fd[0]));
	EXPECT_TRUE(vp_reason_has(fd[0], "61001"));
	set_uid(0);
	EXPECT_EQ(-EDQUOT, open_as(UID_A));
	EXPECT_EQ(limited + 2, vp_sysfs_u64(POOL, "stat/limited"));
	EXPECT_EQ(3, vp_sysfs_u64(POOL, "memory/regions"));
	EXPECT_EQ(3, user_of(self->ctl, UID_A).regions);
	b = open_as(UID_B);
	EXPECT_LE(0, b);
	for (i = 0; i < 3; i++) {
		root[i] = vp_open(POOL);
		EXPECT_LE(0, root[i]);
	}
	/* A closed region makes room for another. A reopened one is no other. */
	close(fd[0]);
	fd[0] = open_as(UID_A);
	EXPECT_LE(0, fd[0]);
	fd[2] = vp_open(POOL);
	close(file);
	EXPECT_EQ(2, user_of(self->ctl, UID_A).regions);
	for (i = 0; i < 3; i++) {
		close(fd[i]);
		close(root[i]);
	}
	close(b);
	EXPECT_TRUE(wait_no_users(self->ctl));
}

/* Files with names, and directories, which take kernel memory, too. */
TEST_F(budget, mounted_files_and_directories)
{
	char name[64];
	int i, fd;

	mkdir(DIR, 0777);
	ASSERT_EQ(0, vp_mount(DIR, POOL, "mode=1777"));
	ASSERT_EQ(0, set_regions(self->ctl, 4));
	set_uid(UID_A);
	for (i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), DIR "/dir%d", i);
		EXPECT_EQ(0, mkdir(name, 0700));
	}
	fd = vp_create_at(DIR, "file");
	EXPECT_LE(0, fd);
	EXPECT_EQ(-1, mkdir(DIR "/more", 0700));
	EXPECT_EQ(EDQUOT, errno);
	EXPECT_EQ(-EDQUOT, vp_create_at(DIR, "more"));
	EXPECT_EQ(0, rmdir(DIR "/dir0"));
	EXPECT_EQ(0, mkdir(DIR "/dir0", 0700));
	set_uid(UID_B);
	EXPECT_EQ(0, mkdir(DIR "/b", 0700));
	set_uid(0);
	close(fd);
	EXPECT_EQ(4, user_of(self->ctl, UID_A).regions);
	ASSERT_EQ(0, vp_umount(DIR, 0));
	EXPECT_TRUE(wait_no_users(self->ctl));
}

/* Members. */

/* A task of user @uid; it is attached by its user, and forks @children if that works. */
static pid_t start_member(uid_t uid, int children, int *err)
{
	int *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;
	int fd;

	*shared = 1;
	pid = fork();
	if (!pid) {
		become(uid);
		setpgid(0, 0);
		fd = vp_open(POOL);
		*err = vp_attach(fd, 0);
		while (!*err && children--)
			if (!fork())
				vp_pause();
		__atomic_store_n(shared, *err, __ATOMIC_RELEASE);
		vp_pause();
	}
	while (__atomic_load_n(shared, __ATOMIC_ACQUIRE) == 1)
		vp_sleep_ms(1);
	*err = *shared;
	munmap(shared, sizeof(*shared));
	return pid;
}

static void end(pid_t pid)
{
	kill(-pid, SIGKILL);
	vp_wait_status(pid);
}

TEST_F(budget, members)
{
	int fd = vp_open(POOL), err;
	pid_t one, two, three, b;

	if (vp_lacks_cpus())
		SKIP(return, "%s", vp_lacks_cpus());
	ASSERT_EQ(0, set_members(self->ctl, 2));
	one = start_member(UID_A, 0, &err);
	EXPECT_EQ(0, err);
	two = start_member(UID_A, 0, &err);
	EXPECT_EQ(0, err);
	three = start_member(UID_A, 0, &err);
	EXPECT_EQ(-EDQUOT, err);
	EXPECT_EQ(2, user_of(self->ctl, UID_A).members);
	b = start_member(UID_B, 0, &err);
	EXPECT_EQ(0, err);
	/* The caller learns whose limit it is. Its own does not matter. */
	EXPECT_EQ(-EDQUOT, vp_attach_task(fd, vp_pidfd(three), 0,
					  VPOOL_ATTACH_PROCESS, NULL));
	EXPECT_EQ(VPOOL_CODE_USER_MEMBERS, vp_code(fd));
	EXPECT_TRUE(vp_reason_has(fd, "61001"));
	EXPECT_EQ(3, vp_sysfs_u64(POOL, "cpus/members"));
	end(one);
	EXPECT_TRUE(vp_sysfs_wait(POOL, "cpus/members", 2));
	EXPECT_EQ(0, vp_attach_task(fd, vp_pidfd(three), 0,
				    VPOOL_ATTACH_PROCESS, NULL));
	EXPECT_EQ(0, vp_detach_task(fd, vp_pidfd(three), 0,
				    VPOOL_ATTACH_PROCESS));
	EXPECT_EQ(1, user_of(self->ctl, UID_A).members);
	end(two);
	end(three);
	end(b);
	close(fd);
	EXPECT_TRUE(wait_no_users(self->ctl));
}

/* A member that becomes another user, and its children, count for the first one. */
static int member_becomes_b(void *arg)
{
	int fd = open_as(UID_A), err;

	set_uid(UID_A);
	err = vp_attach(fd, 0);
	if (err)
		return 2;
	set_uid(UID_B);
	if (!fork())
		_exit(user_of(*(int *)arg, UID_A).members != 2 ||
		      user_of(*(int *)arg, UID_B).members != 0);
	return vp_wait_status(-1);
}

TEST_F(budget, member_setuid)
{
	if (vp_lacks_cpus())
		SKIP(return, "%s", vp_lacks_cpus());
	EXPECT_EQ(0, vp_in_child(member_becomes_b, &self->ctl));
	EXPECT_TRUE(wait_no_users(self->ctl));
}

/* Forks beyond a user's limit do not use up what max_members leaves to others. */
TEST_F(budget, forks_do_not_block_others)
{
	pid_t a, b;
	int err;

	if (vp_lacks_cpus())
		SKIP(return, "%s", vp_lacks_cpus());
	ASSERT_EQ(0, vp_write_file(MAX_MEMBERS, "8"));
	a = start_member(UID_A, 20, &err);
	EXPECT_EQ(0, err);
	EXPECT_EQ(21, user_of(self->ctl, UID_A).members);
	b = start_member(UID_B, 0, &err);
	EXPECT_EQ(-ENOSPC, err);
	end(b);
	/* A limit that is set later counts those that exist. */
	ASSERT_EQ(0, set_members(self->ctl, 4));
	b = start_member(UID_B, 0, &err);
	EXPECT_EQ(0, err);
	EXPECT_EQ(22, vp_sysfs_u64(POOL, "cpus/members"));
	end(a);
	end(b);
	EXPECT_TRUE(vp_sysfs_wait(POOL, "cpus/members", 0));
	EXPECT_TRUE(wait_no_users(self->ctl));
	/* All of them are gone from the count of those beyond the limit. */
	ASSERT_EQ(0, vp_write_file(MAX_MEMBERS, "1"));
	a = start_member(UID_A, 0, &err);
	EXPECT_EQ(0, err);
	b = start_member(UID_B, 0, &err);
	EXPECT_EQ(-ENOSPC, err);
	end(a);
	end(b);
}

/* User namespaces. */

struct spaces {
	uid_t maker;
	__u64 page;
	int ready[2];
	int mapped[2];
};

/* Make a user namespace, and open the pool there as the second of its ids. */
static int in_namespace(struct spaces *spaces)
{
	char c;
	int fd;

	if (spaces->maker)
		become(spaces->maker);
	if (unshare(CLONE_NEWUSER))
		return errno == EPERM || errno == ENOSPC ? 77 : 97;
	/* The parent must be able to write the maps. */
	prctl(PR_SET_DUMPABLE, 1);
	if (write(spaces->ready[1], "r", 1) != 1 ||
	    read(spaces->mapped[0], &c, 1) != 1)
		return 96;
	if (setresgid(1, 1, 1) || setresuid(1, 1, 1))
		return 95;
	fd = vp_open(POOL);
	if (fd < 0)
		return 94;
	if (commit(fd, 3 * spaces->page) != -EDQUOT)
		return 93;
	return commit(fd, 2 * spaces->page) ? 92 : 0;
}

static int map_ids(pid_t pid, uid_t maker)
{
	char path[64], map[64];
	int err;

	snprintf(map, sizeof(map), "0 %u 1\n1 %u 1000", maker, UID_SUB);
	snprintf(path, sizeof(path), "/proc/%d/uid_map", pid);
	err = vp_write_file(path, map);
	snprintf(path, sizeof(path), "/proc/%d/gid_map", pid);
	return err ?: vp_write_file(path, map);
}

/* Return the status of a child in a namespace that @maker makes; 77 without them. */
static int try_namespace(struct spaces *spaces, uid_t maker)
{
	pid_t pid;
	char c;

	spaces->maker = maker;
	if (pipe(spaces->ready) || pipe(spaces->mapped))
		return 1;
	pid = fork();
	if (!pid)
		_exit(in_namespace(spaces));
	close(spaces->ready[1]);
	if (read(spaces->ready[0], &c, 1) == 1 && map_ids(pid, maker)) {
		kill(pid, SIGKILL);
		vp_wait_status(pid);
		return 2;
	}
	if (write(spaces->mapped[1], "m", 1) != 1)
		return 3;
	return vp_wait_status(pid);
}

/* Ids that newuidmap(1) gives a user have no budgets of their own. */
TEST_F(budget, user_namespace_of_a_user)
{
	struct spaces spaces = { .page = self->page };
	int status, a = open_as(UID_A);

	ASSERT_EQ(0, set_bytes(self->ctl, 3 * self->page));
	ASSERT_EQ(0, commit(a, self->page));
	status = try_namespace(&spaces, UID_A);
	if (status == 77)
		SKIP(return, "no user namespaces for users here");
	EXPECT_EQ(0, status);
	close(a);
	EXPECT_TRUE(wait_no_users(self->ctl));
}

/* A container that root makes has users of its own. */
TEST_F(budget, user_namespace_of_root)
{
	struct spaces spaces = { .page = self->page };
	int status, other;

	ASSERT_EQ(0, set_bytes(self->ctl, 3 * self->page));
	other = open_as(UID_SUB);
	ASSERT_EQ(0, commit(other, self->page));
	status = try_namespace(&spaces, 0);
	if (status == 77)
		SKIP(return, "no user namespaces here");
	EXPECT_EQ(0, status);
	close(other);
	EXPECT_TRUE(wait_no_users(self->ctl));
}

/* Setting limits. */

TEST_F(budget, set_by_create)
{
	struct vpool_query query = { .size = sizeof(query) };
	struct vp_request req;

	ASSERT_EQ(0, vp_destroy(self->ctl, POOL, 0));
	vp_request_init(&req, POOL);
	vp_request_mem(&req, PAGES * self->page, VPOOL_ANY_NODE);
	req.create.user_bytes = self->page - 1;
	EXPECT_EQ(-EINVAL, vp_request_send(self->ctl, &req));
	EXPECT_EQ(VPOOL_CODE_LIMIT_INVALID, vp_code(self->ctl));
	req.create.user_bytes = 2 * self->page + 1;
	req.create.user_regions = 7;
	req.create.user_members = 9;
	ASSERT_EQ(0, vp_request_send(self->ctl, &req));
	ASSERT_EQ(0, vp_query(self->ctl, POOL, &query));
	EXPECT_EQ(2 * self->page + 1, query.user_bytes);
	EXPECT_EQ(7, query.user_regions);
	EXPECT_EQ(9, query.user_members);
	EXPECT_EQ(2 * self->page + 1, vp_sysfs_u64(POOL, "limits/user_bytes"));
	EXPECT_EQ(7, vp_sysfs_u64(POOL, "limits/user_regions"));
	EXPECT_EQ(9, vp_sysfs_u64(POOL, "limits/user_members"));
}

/* Programs that were built for the first release know no limits. */
TEST_F(budget, old_structures)
{
	struct vpool_query query = { .size = 200, .user_bytes = 77 };
	struct vp_request req;

	ASSERT_EQ(0, vp_destroy(self->ctl, POOL, 0));
	vp_request_init(&req, POOL);
	vp_request_mem(&req, PAGES * self->page, VPOOL_ANY_NODE);
	req.create.size = 120;
	req.create.user_bytes = 1;
	ASSERT_EQ(0, vp_request_send(self->ctl, &req));
	EXPECT_EQ(0, vp_sysfs_u64(POOL, "limits/user_bytes"));
	vp_name(query.name, POOL);
	ASSERT_EQ(0, vp_ioctl(self->ctl, VPOOL_QUERY, &query));
	EXPECT_EQ(77, query.user_bytes);
}

TEST_F(budget, set_by_resize)
{
	struct vpool_resize cmd = { .size = sizeof(cmd) };
	int a = open_as(UID_A), more = open_as(UID_A);

	ASSERT_EQ(0, commit(a, 4 * self->page));
	ASSERT_EQ(0, set_limits(self->ctl, ALL_LIMITS, 6 * self->page, 5, 4));
	/* Each flag changes one limit. */
	ASSERT_EQ(0, set_bytes(self->ctl, 2 * self->page));
	EXPECT_EQ(2 * self->page, vp_sysfs_u64(POOL, "limits/user_bytes"));
	EXPECT_EQ(5, vp_sysfs_u64(POOL, "limits/user_regions"));
	EXPECT_EQ(4, vp_sysfs_u64(POOL, "limits/user_members"));
	/* A user keeps what is above the new limit, and gets no more. */
	EXPECT_EQ(4 * self->page, user_of(self->ctl, UID_A).bytes);
	EXPECT_EQ(-EDQUOT, commit(more, 1));
	ASSERT_EQ(0, set_bytes(self->ctl, 0));
	EXPECT_EQ(0, commit(more, 1));
	/* What does not change anything changes nothing. */
	EXPECT_EQ(-EINVAL, set_bytes(self->ctl, self->page - 1));
	EXPECT_EQ(VPOOL_CODE_LIMIT_INVALID, vp_code(self->ctl));
	EXPECT_EQ(0, set_limits(self->ctl, ALL_LIMITS | VPOOL_RESIZE_DRY_RUN,
				self->page, 1, 1));
	EXPECT_EQ(0, vp_sysfs_u64(POOL, "limits/user_bytes"));
	EXPECT_EQ(5, vp_sysfs_u64(POOL, "limits/user_regions"));
	vp_name(cmd.name, POOL);
	cmd.user_bytes = self->page;
	EXPECT_EQ(-EINVAL, vp_ioctl(self->ctl, VPOOL_RESIZE, &cmd));
	EXPECT_EQ(VPOOL_CODE_NOTHING_TO_CHANGE, vp_code(self->ctl));
	close(a);
	close(more);
}

/* A failed resize sets no limit. */
TEST_F(budget, failed_resize_changes_no_limit)
{
	struct vpool_mem mem = { .bytes = self->page, .node = VPOOL_ANY_NODE };
	struct vpool_resize cmd = {
		.size = sizeof(cmd),
		.flags = VPOOL_RESIZE_USER_REGIONS,
		.nr_mem = 1,
		.mem_uptr = (uintptr_t)&mem,
		.user_regions = 3,
	};
	int fd = vp_open(POOL);

	ASSERT_EQ(0, commit(fd, PAGES * self->page));
	vp_name(cmd.name, POOL);
	EXPECT_EQ(-EBUSY, vp_ioctl(self->ctl, VPOOL_RESIZE, &cmd));
	EXPECT_EQ(0, vp_sysfs_u64(POOL, "limits/user_regions"));
	close(fd);
	EXPECT_EQ(0, vp_ioctl(self->ctl, VPOOL_RESIZE, &cmd));
	EXPECT_EQ(3, vp_sysfs_u64(POOL, "limits/user_regions"));
	EXPECT_EQ(self->page, vp_sysfs_u64(POOL, "memory/total_bytes"));
}

TEST_F(budget, listing_users)
{
	struct vpool_user_info info[3];
	int a = open_as(UID_A), b = open_as(UID_B), root = vp_open(POOL);
	__u32 nr = 2;

	EXPECT_EQ(-EMSGSIZE, list_users(self->ctl, info, &nr));
	EXPECT_EQ(3, nr);
	EXPECT_EQ(0, list_users(self->ctl, info, &nr));
	EXPECT_EQ(0, info[0].uid);
	EXPECT_EQ(UID_A, info[1].uid);
	EXPECT_EQ(UID_B, info[2].uid);
	EXPECT_EQ(0, info[2].bytes);
	EXPECT_EQ(1, info[2].regions);
	EXPECT_EQ(0, info[2].__reserved);
	close(a);
	close(b);
	close(root);
	nr = 3;
	EXPECT_EQ(0, list_users(self->ctl, info, &nr));
	EXPECT_EQ(0, nr);
}

/* Harm. */

/* Take what can be had by every means, again and again. */
static void take_all(void)
{
	static unsigned int seed;
	int fd, file, pipes[2];
	char *addr;

	seed = seed * 1103515245 + getpid();
	fd = vp_open(POOL);
	if (fd < 0)
		return;
	file = vp_file(fd, 0);
	if (seed & 1 << 16)
		vp_allocate(file, 0, 0, HUGE_SIZE << (seed >> 20 & 3));
	else
		commit(fd, HUGE_SIZE << (seed >> 20 & 3));
	addr = vp_map(seed & 1 << 16 ? file : fd, HUGE_SIZE, 0);
	if (addr != MAP_FAILED && !vp_touch(addr, true) &&
	    !pin_in_pipe(addr, pipes)) {
		if (file >= 0)
			vp_punch(file, 0, HUGE_SIZE);
		close(pipes[0]);
		close(pipes[1]);
	}
	vp_attach(fd, seed & 1 << 17 ? VPOOL_ATTACH_PROCESS : 0);
	if (seed & 1 << 18) {
		pid_t pid = fork();

		if (!pid)
			_exit(0);
		vp_wait_status(pid);
	}
	vp_detach(fd, 0);
	if (addr != MAP_FAILED)
		munmap(addr, HUGE_SIZE);
	close(file);
	close(fd);
}

static void harm_as_a(void)
{
	if (getuid() != UID_A)
		become(UID_A);
	take_all();
}

static void harm_as_b(void)
{
	if (getuid() != UID_B)
		become(UID_B);
	take_all();
}

#define HARMFUL 6

/* No user ever has more than the limit, another user gets its part, and all comes back. */
TEST_F(budget, users_who_mean_harm)
{
	struct vp_worker worker[HARMFUL];
	struct vpool_user_info a;
	int i, fd, over = 0;

	ASSERT_EQ(0, set_limits(self->ctl, ALL_LIMITS, 3 * self->page, 4, 2));
	for (i = 0; i < HARMFUL; i++)
		worker[i] = vp_worker_start(i % 2 ? harm_as_a : harm_as_b);
	for (i = 0; i < vp_scale(200); i++) {
		a = user_of(self->ctl, UID_A);
		over += a.bytes > 3 * self->page || a.regions > 4;
		/* Changing the limit of members counts all members again. */
		EXPECT_EQ(0, set_members(self->ctl, 1 + i % 2));
		/* What the two of them cannot have is always there. */
		fd = vp_open(POOL);
		EXPECT_EQ(0, commit(fd, 2 * self->page));
		close(fd);
		vp_sleep_ms(5);
	}
	for (i = 0; i < HARMFUL; i++)
		vp_worker_stop(&worker[i]);
	EXPECT_EQ(0, over);
	EXPECT_TRUE(wait_no_users(self->ctl));
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/used_bytes", 0));
	/* The count of members beyond the limit is back at 0. */
	if (!vp_lacks_cpus()) {
		pid_t pid;
		int err;

		ASSERT_EQ(0, vp_write_file(MAX_MEMBERS, "1"));
		pid = start_member(UID_A, 3, &err);
		EXPECT_EQ(0, err);
		EXPECT_EQ(4, user_of(self->ctl, UID_A).members);
		end(pid);
		EXPECT_TRUE(wait_no_users(self->ctl));
	}
}

/* Destroy the pool by force while both take what they can. */
TEST_F(budget, harm_and_forced_destroy)
{
	struct vp_worker worker[HARMFUL];
	struct vp_request req;
	int i;

	ASSERT_EQ(0, set_limits(self->ctl, ALL_LIMITS, 3 * self->page, 4, 2));
	for (i = 0; i < HARMFUL; i++)
		worker[i] = vp_worker_start(i % 2 ? harm_as_a : harm_as_b);
	for (i = 0; i < vp_scale(20); i++) {
		vp_sleep_ms(20);
		ASSERT_EQ(0, vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE));
		vp_request_init(&req, POOL);
		vp_request_mem(&req, PAGES * self->page, VPOOL_ANY_NODE);
		if (!vp_lacks_cpus())
			vp_request_cpus(&req, "1");
		req.create.mode = 0666;
		req.create.user_bytes = 3 * self->page;
		req.create.user_regions = 4;
		req.create.user_members = 1;
		ASSERT_EQ(0, vp_request_send(self->ctl, &req));
	}
	for (i = 0; i < HARMFUL; i++)
		vp_worker_stop(&worker[i]);
	EXPECT_TRUE(wait_no_users(self->ctl));
}

TEST_HARNESS_MAIN
