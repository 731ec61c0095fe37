// SPDX-License-Identifier: GPL-2.0
/*
 * Bounds on the kernel memory that a user of a pool can consume: numbers of regions
 * and members.
 */
#include <linux/vpool.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "kselftest_harness.h"
#include "lib/file.h"
#include "lib/fs.h"
#include "lib/host.h"
#include "lib/memory.h"
#include "lib/pool.h"
#include "lib/task.h"

#define POOL "limits-pool"
#define PARAMETERS "/sys/module/vpool/parameters/"
#define DEFAULT "65536"
#define LARGE "limits-large"

FIXTURE(limits)
{
	int ctl;
};

static int set_limit(const char *name, const char *value)
{
	char path[64];

	snprintf(path, sizeof(path), PARAMETERS "%s", name);
	return vp_write_file(path, value);
}

FIXTURE_SETUP(limits)
{
	self->ctl = vp_control();
	ASSERT_LE(0, self->ctl);
	vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	ASSERT_EQ(0, vp_create(self->ctl, POOL, HUGE_SIZE, BASE,
			       vp_lacks_cpus() ? NULL : "1"));
}

FIXTURE_TEARDOWN(limits)
{
	set_limit("max_regions", DEFAULT);
	set_limit("max_members", DEFAULT);
	vp_destroy(self->ctl, LARGE, VPOOL_DESTROY_FORCE);
	vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	close(self->ctl);
}

TEST_F(limits, defaults_are_large)
{
	char text[32];

	ASSERT_EQ(0, vp_read_file(PARAMETERS "max_regions", text, sizeof(text)));
	EXPECT_STREQ(DEFAULT "\n", text);
	ASSERT_EQ(0, vp_read_file(PARAMETERS "max_members", text, sizeof(text)));
	EXPECT_STREQ(DEFAULT "\n", text);
}

TEST_F(limits, regions)
{
	int fd[3], i;

	ASSERT_EQ(0, set_limit("max_regions", "3"));
	for (i = 0; i < 3; i++) {
		fd[i] = vp_open(POOL);
		ASSERT_LE(0, fd[i]);
	}
	EXPECT_EQ(-ENOSPC, vp_open(POOL));
	EXPECT_EQ(-ENOSPC, vp_open(POOL));
	EXPECT_EQ(2, vp_sysfs_u64(POOL, "stat/limited"));
	EXPECT_EQ(3, vp_sysfs_u64(POOL, "memory/regions"));
	/* A closed region makes room for another. */
	close(fd[1]);
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/regions", 2));
	fd[1] = vp_open(POOL);
	EXPECT_LE(0, fd[1]);
	EXPECT_EQ(-ENOSPC, vp_open(POOL));
	/* Lowering the limit does not remove existing regions. */
	ASSERT_EQ(0, set_limit("max_regions", "1"));
	EXPECT_EQ(3, vp_sysfs_u64(POOL, "memory/regions"));
	for (i = 0; i < 3; i++)
		close(fd[i]);
}

/* Files and opens of the device are counted together. */
TEST_F(limits, files)
{
	int fd[3], pool;

	ASSERT_EQ(0, set_limit("max_regions", "3"));
	pool = vp_open(POOL);
	fd[0] = vp_file(pool, 0);
	fd[1] = vp_file(pool, 0);
	ASSERT_LE(0, fd[1]);
	EXPECT_EQ(-ENOSPC, vp_file(pool, 0));
	EXPECT_EQ(VPOOL_CODE_TOO_MANY_REGIONS, vp_code(pool));
	EXPECT_TRUE(vp_reason_has(pool, "max_regions"));
	EXPECT_EQ(-ENOSPC, vp_open(POOL));
	EXPECT_EQ(2, vp_sysfs_u64(POOL, "stat/limited"));
	close(fd[0]);
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/regions", 2));
	fd[2] = vp_file(pool, 0);
	EXPECT_LE(0, fd[2]);
	close(fd[1]);
	close(fd[2]);
	close(pool);
}

/* A floor in MiB above any host's memory, which overflows 64 bits in bytes. */
TEST_F(limits, floor_above_all_memory)
{
	char before[32];

	ASSERT_EQ(0, vp_read_file(PARAMETERS "host_mem_floor", before,
				  sizeof(before)));
	ASSERT_EQ(0, set_limit("host_mem_floor", "17592186044416"));
	EXPECT_EQ(-ENOMEM, vp_create(self->ctl, "limits-other", BASE, BASE,
				     NULL));
	EXPECT_TRUE(vp_reason_has(self->ctl, "host_mem_floor"));
	ASSERT_EQ(0, set_limit("host_mem_floor", before));
	EXPECT_EQ(0, vp_create(self->ctl, "limits-other", BASE, BASE, NULL));
	EXPECT_EQ(0, vp_destroy(self->ctl, "limits-other", 0));
}

#define LARGE_BYTES (64 * MIB)

/* A child that maps the region as well and unmaps a part of it. */
static int map_and_exit(void *arg)
{
	char *addr = arg;

	memset(addr, 1, LARGE_BYTES);
	munmap(addr + LARGE_BYTES / 2, HUGE_SIZE / 2);
	madvise(addr, HUGE_SIZE, MADV_DONTNEED);
	memset(addr, 1, LARGE_BYTES / 2);
	return vp_resident() > LARGE_BYTES;
}

/* The OOM killer uses this count, and the kernel checks it when a process exits. */
TEST_F(limits, pool_memory_is_not_resident)
{
	__u64 before, after;
	char *addr;
	int fd, i;

	ASSERT_EQ(0, vp_create(self->ctl, LARGE, LARGE_BYTES, 0, NULL));
	addr = vp_open_map(LARGE, LARGE_BYTES, &fd);
	ASSERT_NE(MAP_FAILED, addr);
	before = vp_resident();
	for (i = 0; i < 3; i++)
		memset(addr, i, LARGE_BYTES);
	after = vp_resident();
	EXPECT_GT(LARGE_BYTES / 4 + before, after);
	EXPECT_LE(before / 2, after);
	EXPECT_EQ(0, vp_in_child(map_and_exit, addr));
	munmap(addr, LARGE_BYTES);
	after = vp_resident();
	EXPECT_GT(LARGE_BYTES / 4 + before, after);
	EXPECT_LE(before / 2, after);
	close(fd);
	EXPECT_EQ(0, vp_destroy(self->ctl, LARGE, 0));
}

/* Strict overcommit must not count the memory of pools as the host's. */
TEST_F(limits, overcommit_does_not_count_pool_memory)
{
	__u64 total = vp_meminfo("MemTotal"), limit = vp_meminfo("CommitLimit");

	ASSERT_EQ(0, vp_create(self->ctl, LARGE, LARGE_BYTES, 0, NULL));
	EXPECT_EQ(total - LARGE_BYTES, vp_meminfo("MemTotal"));
	EXPECT_GE(limit - LARGE_BYTES / 4, vp_meminfo("CommitLimit"));
	ASSERT_EQ(0, vp_destroy(self->ctl, LARGE, 0));
	EXPECT_EQ(total, vp_meminfo("MemTotal"));
	EXPECT_EQ(limit, vp_meminfo("CommitLimit"));
}

static pid_t start_member(int fd, int *err)
{
	int *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;

	*shared = 1;
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		*shared = vp_attach(fd, 0);
		for (;;)
			pause();
	}
	while (__atomic_load_n(shared, __ATOMIC_ACQUIRE) == 1)
		vp_sleep_ms(1);
	*err = *shared;
	munmap(shared, sizeof(*shared));
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	vp_wait_status(pid);
}

TEST_F(limits, members)
{
	pid_t one, two;
	int fd, err;

	if (vp_lacks_cpus())
		SKIP(return, "%s", vp_lacks_cpus());
	ASSERT_EQ(0, set_limit("max_members", "1"));
	fd = vp_open(POOL);
	one = start_member(fd, &err);
	EXPECT_EQ(0, err);
	two = start_member(fd, &err);
	EXPECT_EQ(-ENOSPC, err);
	EXPECT_EQ(1, vp_sysfs_u64(POOL, "stat/limited"));
	EXPECT_EQ(1, vp_sysfs_u64(POOL, "cpus/members"));
	EXPECT_EQ(-ENOSPC, vp_attach(fd, 0));
	EXPECT_TRUE(vp_reason_has(fd, "max_members"));
	end(two);
	end(one);
	EXPECT_TRUE(vp_sysfs_wait(POOL, "cpus/members", 0));
	EXPECT_EQ(0, vp_attach(fd, 0));
	/* Children are members even if the pool is full. */
	two = fork();
	if (!two)
		_exit(!vp_is_member(fd, getpid(), getpid()));
	EXPECT_EQ(0, vp_wait_status(two));
	EXPECT_EQ(0, vp_detach(fd, 0));
	close(fd);
}

static bool pass_on(int sock, int fd)
{
	char byte = 0, room[CMSG_SPACE(sizeof(fd))] = {};
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = room,
		.msg_controllen = sizeof(room),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	return sendmsg(sock, &msg, MSG_DONTWAIT) == 1;
}

/* Open, map and fork, and keep descriptors in sockets, until a call is refused. */
static int exhaust_limits(void)
{
	int ends[2], fd, opened = 0;

	for (;;) {
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
			return 2;
		/* A socket holds a limited number of descriptors. */
		do {
			fd = vp_open(POOL);
			if (fd < 0)
				return fd == -ENOSPC && opened > 150 ? 0 : 3;
			opened++;
			mmap(NULL, BASE, PROT_READ, MAP_SHARED, fd, 0);
		} while (pass_on(ends[0], fd) && !close(fd) && opened % 50);
		if (!fork())
			pause();
	}
}

TEST_F(limits, hostile_user_is_bounded)
{
	pid_t pid;
	int fd;

	ASSERT_EQ(0, set_limit("max_regions", "200"));
	pid = fork();
	if (!pid) {
		setsid();
		_exit(exhaust_limits());
	}
	EXPECT_EQ(0, vp_wait_status(pid));
	/* Other processes of its session hold the regions open. */
	EXPECT_EQ(200, vp_sysfs_u64(POOL, "memory/regions"));
	EXPECT_EQ(-ENOSPC, vp_open(POOL));
	kill(-pid, SIGKILL);
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/regions", 0));
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/used_bytes", 0));
	fd = vp_open(POOL);
	EXPECT_LE(0, fd);
	EXPECT_TRUE(vp_accounting_ok(fd, NULL));
	close(fd);
}

TEST_HARNESS_MAIN
