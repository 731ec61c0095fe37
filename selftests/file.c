// SPDX-License-Identifier: GPL-2.0
/*
 * Files of pools: a descriptor from VPOOL_FILE behaves as one from memfd_create(2), and
 * takes its memory from the pool.
 */
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/vpool.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "kselftest_harness.h"
#include "lib/file.h"
#include "lib/fs.h"
#include "lib/host.h"
#include "lib/memory.h"
#include "lib/pool.h"
#include "lib/share.h"
#include "lib/task.h"

#define POOL "file-pool"
/* Pattern of old data: memory that is not zeroed shows it. */
#define SECRET 0x5ec2e7
/* The largest offset that a file can have. */
#define LAST ((__u64)INT64_MAX)

FIXTURE(file)
{
	int ctl;
	int pool_fd;
	int fd;
	__u64 page;
	__u64 pool;
};

FIXTURE_VARIANT(file)
{
	bool huge;
	__u64 pages;
};

FIXTURE_VARIANT_ADD(file, huge)
{
	.huge = true,
	.pages = 8,
};

FIXTURE_VARIANT_ADD(file, base)
{
	.pages = 64,
};

FIXTURE_SETUP(file)
{
	self->page = vp_page_size(variant->huge);
	self->pool = self->page * variant->pages;
	self->ctl = vp_control();
	ASSERT_LE(0, self->ctl);
	vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	ASSERT_EQ(0, vp_create(self->ctl, POOL, self->pool, self->page, NULL));
	ASSERT_EQ(0, vp_leave_pattern(POOL, self->pool, SECRET));
	ASSERT_TRUE(vp_wait_idle(POOL));
	self->pool_fd = vp_open(POOL);
	ASSERT_LE(0, self->pool_fd);
	self->fd = vp_file(self->pool_fd, VPOOL_FILE_CLOEXEC);
	ASSERT_LE(0, self->fd);
}

/* The exit of the test's process closes the descriptors that it has left open. */
FIXTURE_TEARDOWN(file)
{
	if (vp_exists(POOL))
		EXPECT_TRUE(vp_accounting_ok(self->ctl, POOL));
	vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	close(self->ctl);
}

static __u64 used(void)
{
	return vp_sysfs_u64(POOL, "memory/used_bytes");
}

/* State that a test shares with its child. */
struct shared {
	char *addr;
	__u64 bytes;
	int socket;
};

/* The call. */

TEST_F(file, is_an_empty_regular_file)
{
	struct stat st;

	ASSERT_EQ(0, fstat(self->fd, &st));
	EXPECT_TRUE(S_ISREG(st.st_mode));
	EXPECT_EQ(0600, st.st_mode & 07777);
	EXPECT_EQ(geteuid(), st.st_uid);
	EXPECT_EQ(getegid(), st.st_gid);
	EXPECT_EQ(0, st.st_size);
	EXPECT_EQ(0, st.st_blocks);
	EXPECT_EQ(0, st.st_nlink);
	EXPECT_EQ(self->page, st.st_blksize);
	EXPECT_EQ(O_RDWR, fcntl(self->fd, F_GETFL) & O_ACCMODE);
	EXPECT_EQ(0, lseek(self->fd, 0, SEEK_END));
	EXPECT_EQ(0, used());
}

TEST_F(file, close_on_exec_is_a_flag)
{
	int fd = vp_file(self->pool_fd, 0);

	ASSERT_LE(0, fd);
	EXPECT_EQ(FD_CLOEXEC, fcntl(self->fd, F_GETFD));
	EXPECT_EQ(0, fcntl(fd, F_GETFD));
	close(fd);
}

TEST_F(file, invalid_calls)
{
	struct vpool_file cmd = { .size = sizeof(cmd), .flags = 1 << 1 };

	EXPECT_EQ(-EOPNOTSUPP, vp_ioctl(self->pool_fd, VPOOL_FILE, &cmd));
	EXPECT_EQ(VPOOL_CODE_FLAGS_UNKNOWN, vp_code(self->pool_fd));
	cmd.flags = 1U << 31;
	EXPECT_EQ(-EOPNOTSUPP, vp_ioctl(self->pool_fd, VPOOL_FILE, &cmd));
	cmd.flags = 0;
	cmd.__reserved = 1;
	EXPECT_EQ(-EINVAL, vp_ioctl(self->pool_fd, VPOOL_FILE, &cmd));
	EXPECT_EQ(VPOOL_CODE_RESERVED_FIELD, vp_code(self->pool_fd));
	cmd.__reserved = 0;
	cmd.size = 4;
	EXPECT_EQ(-EINVAL, vp_ioctl(self->pool_fd, VPOOL_FILE, &cmd));
	EXPECT_EQ(VPOOL_CODE_STRUCT_SIZE, vp_code(self->pool_fd));
	EXPECT_EQ(-EFAULT, vp_ioctl(self->pool_fd, VPOOL_FILE, NULL));
	cmd.size = sizeof(cmd);
	EXPECT_EQ(-ENOTTY, vp_ioctl(self->ctl, VPOOL_FILE, &cmd));
	EXPECT_EQ(VPOOL_CODE_CALL_UNKNOWN, vp_code(self->ctl));
	/* None of these created a file. */
	EXPECT_EQ(2, vp_sysfs_u64(POOL, "memory/regions"));
}

/* A structure that the module cannot write leaves no descriptor behind. */
TEST_F(file, structure_that_is_read_only)
{
	struct vpool_file *cmd = mmap(NULL, BASE, PROT_READ | PROT_WRITE,
				      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int next = dup(self->fd);
	struct rlimit limit, before;

	ASSERT_NE(MAP_FAILED, cmd);
	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &before));
	limit = (struct rlimit){ next, before.rlim_max };
	cmd->size = sizeof(*cmd);
	ASSERT_EQ(0, mprotect(cmd, BASE, PROT_READ));
	close(next);
	EXPECT_EQ(-EFAULT, vp_ioctl(self->pool_fd, VPOOL_FILE, cmd));
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/regions", 2));
	EXPECT_EQ(-1, fcntl(next, F_GETFD));
	/* The table of descriptors is full. */
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	EXPECT_EQ(-EMFILE, vp_file(self->pool_fd, 0));
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &before));
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/regions", 2));
	munmap(cmd, BASE);
}

TEST_F(file, pool_without_memory_has_none)
{
	int fd;

	if (vp_lacks_cpus())
		SKIP(return, "%s", vp_lacks_cpus());
	ASSERT_EQ(0, vp_create(self->ctl, "file-cpus", 0, 0, "1"));
	fd = vp_open("file-cpus");
	EXPECT_EQ(-EINVAL, vp_file(fd, 0));
	EXPECT_EQ(VPOOL_CODE_POOL_WITHOUT_MEMORY, vp_code(fd));
	close(fd);
	EXPECT_EQ(0, vp_destroy_wait(self->ctl, "file-cpus"));
}

TEST_F(file, counts_as_a_region)
{
	struct vpool_region_info info[4];
	__u32 nr = 4, i, seen = 0;
	struct vpool_query q = {};

	ASSERT_EQ(0, vp_truncate(self->fd, self->page));
	EXPECT_EQ(2, vp_sysfs_u64(POOL, "memory/regions"));
	ASSERT_EQ(0, vp_regions(self->ctl, POOL, info, &nr));
	EXPECT_EQ(2, nr);
	for (i = 0; i < nr; i++) {
		EXPECT_EQ(getpid(), info[i].pid);
		seen += info[i].bytes == self->page;
	}
	EXPECT_EQ(1, seen);
	ASSERT_EQ(0, vp_query(self->fd, NULL, &q));
	EXPECT_STREQ(POOL, q.name);
	EXPECT_EQ(2, q.regions);
	EXPECT_EQ(self->page, q.used_bytes);
	close(self->fd);
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/regions", 1));
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/used_bytes", 0));
}

TEST_F(file, other_calls_do_not_work_on_it)
{
	__u64 bytes = self->page;

	EXPECT_EQ(-ENOTTY, vp_commit(self->fd, &bytes));
	EXPECT_EQ(-ENOTTY, vp_attach(self->fd, 0));
	EXPECT_EQ(-ENOTTY, vp_file(self->fd, 0));
	EXPECT_EQ(-ENOTTY, vp_destroy(self->fd, POOL, VPOOL_DESTROY_FORCE));
	EXPECT_EQ(0, vp_file_size(self->fd));
}

TEST_F(file, outlives_the_pools_descriptor)
{
	close(self->pool_fd);
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/regions", 1));
	EXPECT_EQ(0, vp_file_fill(self->fd, 0, self->page, 1));
	EXPECT_EQ(-EBUSY, vp_destroy(self->ctl, POOL, 0));
	EXPECT_TRUE(vp_file_is_filled(self->fd, 0, self->page, 1));
	close(self->fd);
	EXPECT_EQ(0, vp_destroy_wait(self->ctl, POOL));
}

/* Size. */

TEST_F(file, size_decides_the_memory)
{
	static const int pages[] = { 1, 3, 2, 8, 8, 5, 0, 4, 1, 0 };
	__u64 bytes;
	int i;

	for (i = 0; i < ARRAY_SIZE(pages); i++) {
		bytes = pages[i] * self->page;
		ASSERT_EQ(0, vp_truncate(self->fd, bytes));
		EXPECT_EQ(bytes, vp_file_size(self->fd));
		EXPECT_EQ(bytes, vp_file_bytes(self->fd));
		EXPECT_EQ(bytes, used());
		EXPECT_EQ(bytes, lseek(self->fd, 0, SEEK_END));
		EXPECT_TRUE(vp_accounting_ok(self->fd, NULL));
	}
}

TEST_F(file, size_is_exact_to_a_byte)
{
	const struct {
		__u64 size, pages;
	} row[] = {
		{ 1, 1 },
		{ self->page - 1, 1 },
		{ self->page, 1 },
		{ self->page + 1, 2 },
		{ 3 * self->page - 511, 3 },
		{ 2 * self->page + 1, 3 },
		{ 2 * self->page, 2 },
		{ 7, 1 },
	};
	char byte;
	int i;

	for (i = 0; i < ARRAY_SIZE(row); i++) {
		ASSERT_EQ(0, vp_truncate(self->fd, row[i].size));
		EXPECT_EQ(row[i].size, vp_file_size(self->fd));
		EXPECT_EQ(row[i].pages * self->page, used());
		EXPECT_TRUE(vp_file_is_zero(self->fd, 0, row[i].size));
		EXPECT_EQ(0, vp_pread(self->fd, &byte, 1, row[i].size));
	}
}

/* A shrink zeroes the part of the last page that it cuts off. */
TEST_F(file, shrunk_part_is_zero_after_a_growth)
{
	const __u64 cuts[] = { 2 * self->page, self->page + 104, self->page + 5,
			       self->page, self->page - 8, BASE / 2, 3 };
	__u64 bytes = 3 * self->page;
	char *addr;
	int i;

	ASSERT_EQ(0, vp_truncate(self->fd, bytes));
	addr = vp_map(self->fd, bytes, 0);
	ASSERT_NE(MAP_FAILED, addr);
	for (i = 0; i < ARRAY_SIZE(cuts); i++) {
		memset(addr, 'x', bytes);
		ASSERT_EQ(0, vp_truncate(self->fd, cuts[i]));
		ASSERT_EQ(0, vp_truncate(self->fd, bytes));
		EXPECT_EQ('x', addr[cuts[i] - 1]);
		EXPECT_TRUE(vp_file_is_zero(self->fd, cuts[i], bytes - cuts[i]));
		EXPECT_EQ(0, addr[cuts[i]]);
		EXPECT_EQ(bytes, used());
	}
	munmap(addr, bytes);
}

TEST_F(file, growth_is_complete_or_fails)
{
	int other = vp_file(self->pool_fd, 0);
	__u64 few = self->pool - 3 * self->page;

	ASSERT_EQ(0, vp_truncate(other, few));
	EXPECT_EQ(-ENOSPC, vp_truncate(self->fd, 4 * self->page));
	EXPECT_EQ(VPOOL_CODE_POOL_SHORT, vp_code(self->fd));
	EXPECT_TRUE(vp_reason_has(self->fd, POOL));
	EXPECT_EQ(0, vp_file_size(self->fd));
	EXPECT_EQ(few, used());
	EXPECT_EQ(-ENOSPC, vp_truncate(self->fd, 3 * self->page + 1));
	EXPECT_EQ(few, used());
	ASSERT_EQ(0, vp_truncate(self->fd, 2 * self->page));
	EXPECT_EQ(-ENOSPC, vp_truncate(self->fd, 4 * self->page));
	EXPECT_EQ(2 * self->page, vp_file_size(self->fd));
	EXPECT_EQ(few + 2 * self->page, used());
	EXPECT_EQ(0, vp_truncate(self->fd, 3 * self->page));
	EXPECT_EQ(self->pool, used());
	EXPECT_EQ(-ENOSPC, vp_truncate(self->fd, 3 * self->page + 1));
	/* What another file gives back can be taken. */
	ASSERT_EQ(0, vp_truncate(other, few - self->page));
	EXPECT_EQ(0, vp_truncate(self->fd, 4 * self->page));
	EXPECT_TRUE(vp_file_is_zero(self->fd, 0, 4 * self->page));
	close(other);
}

TEST_F(file, largest_size)
{
	__u64 most = 16 * self->pool;

	EXPECT_EQ(-EFBIG, vp_truncate(self->fd, most + self->page));
	EXPECT_EQ(VPOOL_CODE_FILE_TOO_LARGE, vp_code(self->fd));
	EXPECT_EQ(-EFBIG, vp_truncate(self->fd, LAST));
	EXPECT_EQ(-ENOSPC, vp_truncate(self->fd, most));
	EXPECT_EQ(-EFBIG, vp_pwrite(self->fd, "x", 1, most));
	EXPECT_EQ(-EFBIG, vp_pwrite(self->fd, "x", 1, LAST - 1));
	EXPECT_EQ(-EFBIG, vp_allocate(self->fd, 0, most, self->page));
	EXPECT_EQ(-EFBIG, vp_allocate(self->fd, FALLOC_FL_KEEP_SIZE, most, 1));
	EXPECT_EQ(-EFBIG, vp_allocate(self->fd, 0, LAST - BASE, BASE));
	EXPECT_EQ(0, vp_file_size(self->fd));
	EXPECT_EQ(0, used());
	/* A sparse file may be this large. */
	EXPECT_EQ(1, vp_pwrite(self->fd, "x", 1, most - 1));
	EXPECT_EQ(most, vp_file_size(self->fd));
	EXPECT_EQ(self->page, used());
	EXPECT_EQ(self->page, vp_file_bytes(self->fd));
}

TEST_F(file, offsets_at_the_edge)
{
	char byte = 1;

	ASSERT_EQ(0, vp_file_fill(self->fd, 0, self->page, 1));
	EXPECT_EQ(-EINVAL, vp_truncate(self->fd, -1));
	EXPECT_EQ(-EINVAL, vp_truncate(self->fd, 1ULL << 63));
	EXPECT_EQ(0, vp_pread(self->fd, &byte, 1, LAST - 1));
	EXPECT_EQ(-EINVAL, vp_pread(self->fd, &byte, 1, LAST));
	EXPECT_EQ(-EINVAL, vp_pwrite(self->fd, &byte, 1, LAST));
	EXPECT_EQ(-EINVAL, vp_pwrite(self->fd, &byte, 1, -1));
	EXPECT_EQ(-EFBIG, vp_allocate(self->fd, 0, LAST, 1));
	EXPECT_EQ(-EINVAL, vp_allocate(self->fd, 0, -1, 1));
	EXPECT_EQ(-EINVAL, vp_allocate(self->fd, 0, 0, 0));
	EXPECT_EQ(-1, lseek(self->fd, LAST, SEEK_DATA));
	EXPECT_EQ(ENXIO, errno);
	EXPECT_EQ(-1, lseek(self->fd, LAST, SEEK_HOLE));
	EXPECT_EQ(ENXIO, errno);
	EXPECT_EQ(MAP_FAILED, vp_map(self->fd, self->page, -self->page));
	/* A hole from the last page to the largest offset covers nothing else. */
	EXPECT_EQ(0, vp_punch(self->fd, self->page, LAST - self->page));
	EXPECT_TRUE(vp_file_is_filled(self->fd, 0, self->page, 1));
	EXPECT_EQ(self->page, used());
	EXPECT_EQ(0, vp_punch(self->fd, 0, LAST));
	EXPECT_EQ(0, used());
	EXPECT_EQ(self->page, vp_file_size(self->fd));
	EXPECT_TRUE(vp_file_is_zero(self->fd, 0, self->page));
}

static int grow_beyond_the_limit(void *arg)
{
	const struct rlimit limit = { BASE, BASE };
	int fd = *(int *)arg;
	char two[2 * BASE];

	memset(two, 1, sizeof(two));
	signal(SIGXFSZ, SIG_IGN);
	if (setrlimit(RLIMIT_FSIZE, &limit))
		return 1;
	if (vp_truncate(fd, BASE + 1) != -EFBIG ||
	    vp_allocate(fd, 0, 0, BASE + 1) != -EFBIG)
		return 2;
	if (vp_pwrite(fd, two, sizeof(two), 0) != BASE ||
	    vp_pwrite(fd, two, 1, BASE) != -EFBIG)
		return 3;
	return vp_truncate(fd, BASE) ? 4 : 0;
}

TEST_F(file, resource_limit_of_the_size)
{
	EXPECT_EQ(0, vp_in_child(grow_beyond_the_limit, &self->fd));
	EXPECT_EQ(BASE, vp_file_size(self->fd));
}

/* Reading and writing. */

TEST_F(file, read_returns_what_was_written)
{
	static const struct {
		int pages, more;
		size_t bytes;
	} row[] = {
		{ 0, 0, 1 }, { 0, 3, 4096 }, { 1, -5, 10 }, { 2, -4096, 8192 },
		{ 3, 1, 65535 }, { 0, 4095, 3 },
	};
	char out[65536], in[65536];
	__u64 at;
	int i;

	for (i = 0; i < ARRAY_SIZE(row); i++) {
		at = row[i].pages * self->page + row[i].more;
		memset(out, 'a' + i, row[i].bytes);
		ASSERT_EQ(row[i].bytes,
			  vp_pwrite(self->fd, out, row[i].bytes, at));
		ASSERT_EQ(row[i].bytes,
			  vp_pread(self->fd, in, row[i].bytes, at));
		EXPECT_EQ(0, memcmp(in, out, row[i].bytes));
	}
	/* The offset of the descriptor did not change. */
	EXPECT_EQ(0, lseek(self->fd, 0, SEEK_CUR));
	EXPECT_EQ(1, read(self->fd, in, 1));
	EXPECT_EQ('a', in[0]);
	EXPECT_EQ(1, lseek(self->fd, 0, SEEK_CUR));
}

/* A write takes the pages that it writes. The rest of a page, and a hole, are zero. */
TEST_F(file, write_commits_its_pages)
{
	__u64 at = 4 * self->page + 100;

	ASSERT_EQ(4, vp_pwrite(self->fd, "data", 4, at));
	EXPECT_EQ(at + 4, vp_file_size(self->fd));
	EXPECT_EQ(self->page, used());
	EXPECT_TRUE(vp_file_is_zero(self->fd, 0, at));
	EXPECT_EQ(self->page, used());
	ASSERT_EQ(0, vp_truncate(self->fd, 5 * self->page));
	EXPECT_TRUE(vp_file_is_zero(self->fd, at + 4, self->page - 104));
	/* Two pages, of which one is there. */
	ASSERT_EQ(4, vp_pwrite(self->fd, "data", 4, 4 * self->page - 2));
	EXPECT_EQ(2 * self->page, used());
	EXPECT_TRUE(vp_file_is_zero(self->fd, 0, 4 * self->page - 2));
	EXPECT_EQ(0, vp_pwrite(self->fd, "data", 0, 0));
	EXPECT_EQ(2 * self->page, used());
}

TEST_F(file, append)
{
	char text[8] = "";

	ASSERT_EQ(0, fcntl(self->fd, F_SETFL, O_APPEND));
	ASSERT_EQ(0, vp_truncate(self->fd, self->page - 2));
	ASSERT_EQ(0, lseek(self->fd, 0, SEEK_SET));
	ASSERT_EQ(4, write(self->fd, "abcd", 4));
	EXPECT_EQ(self->page + 2, vp_file_size(self->fd));
	EXPECT_EQ(2 * self->page, used());
	ASSERT_EQ(4, vp_pwrite(self->fd, "efg", 4, 0));
	ASSERT_EQ(8, vp_pread(self->fd, text, 8, self->page - 2));
	EXPECT_STREQ("abcdefg", text);
}

TEST_F(file, vectors)
{
	char a[3] = "ab", b[5] = "cdef", c[16] = "";
	struct iovec out[] = { { a, 2 }, { NULL, 0 }, { b, 5 } };
	struct iovec in[] = { { c, 3 }, { c + 3, 13 } };

	ASSERT_EQ(7, pwritev(self->fd, out, 3, self->page - 3));
	ASSERT_EQ(7, preadv(self->fd, in, 2, self->page - 3));
	EXPECT_STREQ("abcdef", c);
	ASSERT_EQ(7, writev(self->fd, out, 3));
	EXPECT_EQ(7, lseek(self->fd, 0, SEEK_CUR));
	ASSERT_EQ(0, lseek(self->fd, 0, SEEK_SET));
	memset(c, 0, sizeof(c));
	ASSERT_EQ(16, readv(self->fd, in, 2));
	EXPECT_STREQ("abcdef", c);
}

/* A full pool cuts a write short, as POSIX says of a full device. */
TEST_F(file, partial_write)
{
	int other = vp_file(self->pool_fd, 0);
	__u64 left = 2 * self->page, bytes = 3 * self->page;
	char *data = malloc(bytes);

	ASSERT_NE(NULL, data);
	ASSERT_EQ(0, vp_truncate(other, self->pool - left));
	vp_fill(data, bytes, 1);
	EXPECT_EQ(left, vp_pwrite(self->fd, data, bytes, 0));
	EXPECT_EQ(left, vp_file_size(self->fd));
	EXPECT_TRUE(vp_file_is_filled(self->fd, 0, left, 1));
	EXPECT_EQ(self->pool, used());
	EXPECT_EQ(-ENOSPC, vp_pwrite(self->fd, data, bytes, left));
	EXPECT_EQ(-ENOSPC, vp_pwrite(self->fd, data, 1, left));
	EXPECT_EQ(left, vp_file_size(self->fd));
	/* Memory that the file has can be written. */
	EXPECT_EQ(left - 8, vp_pwrite(self->fd, data, bytes, 8));
	ASSERT_EQ(0, vp_truncate(self->fd, 0));
	EXPECT_EQ(left - 5, vp_pwrite(self->fd, data, bytes, 5));
	EXPECT_EQ(left, vp_file_size(self->fd));
	close(other);
	free(data);
}

/* The source of a write becomes unreadable in the middle of a page of the file. */
TEST_F(file, write_from_a_bad_buffer)
{
	char *data = mmap(NULL, 2 * BASE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ssize_t len;

	ASSERT_NE(MAP_FAILED, data);
	vp_fill(data, BASE, 1);
	ASSERT_EQ(0, mprotect(data + BASE, BASE, PROT_NONE));
	EXPECT_EQ(-EFAULT, vp_pwrite(self->fd, data + BASE, 8, 0));
	EXPECT_EQ(0, vp_file_size(self->fd));
	len = vp_pwrite(self->fd, data, 2 * BASE, 0);
	EXPECT_LT(0, len);
	EXPECT_GE(BASE, len);
	EXPECT_EQ(len, vp_file_size(self->fd));
	ASSERT_EQ(0, vp_truncate(self->fd, 2 * self->page));
	EXPECT_TRUE(vp_file_is_filled(self->fd, 0, len / 8 * 8, 1));
	EXPECT_TRUE(vp_file_is_zero(self->fd, BASE, 2 * self->page - BASE));
	EXPECT_EQ(-EFAULT, vp_pread(self->fd, data + BASE, 8, 0));
	/* A read into a buffer that ends early. */
	EXPECT_EQ(0, vp_file_fill(self->fd, 0, 2 * BASE, 2));
	len = vp_pread(self->fd, data, 2 * BASE, 0);
	EXPECT_TRUE(len == BASE || len == -EFAULT)
		TH_LOG("%zd", len);
	munmap(data, 2 * BASE);
}

/* The faults of the buffer need the same locks as the call, for the same page. */
TEST_F(file, buffers_are_mappings_of_the_file)
{
	char *addr;

	ASSERT_EQ(0, vp_allocate(self->fd, 0, 5 * self->page, self->page));
	EXPECT_EQ(self->page, used());
	addr = vp_map(self->fd, 6 * self->page, 0);
	ASSERT_NE(MAP_FAILED, addr);
	/* A hole into a hole. */
	EXPECT_EQ(64, vp_pwrite(self->fd, addr, 64, self->page));
	/* A hole into itself, and over the boundary to the next page. */
	EXPECT_EQ(64, vp_pwrite(self->fd, addr + 2 * self->page, 64,
				2 * self->page + 64));
	EXPECT_EQ(64, vp_pwrite(self->fd, addr + 3 * self->page, 64,
				4 * self->page - 32));
	/* Read a hole into a hole, and a page into itself. */
	EXPECT_EQ(0, vp_truncate(self->fd, 0));
	EXPECT_EQ(0, vp_allocate(self->fd, 0, 5 * self->page, self->page));
	EXPECT_EQ(64, vp_pread(self->fd, addr, 64, self->page));
	memcpy(addr + 100, "text", 5);
	EXPECT_EQ(8, vp_pread(self->fd, addr, 8, 100));
	EXPECT_STREQ("text", addr);
	EXPECT_EQ(2 * self->page, used());
	munmap(addr, 6 * self->page);
}

/* Splicing. */

TEST_F(file, splice_to_a_pipe)
{
	char data[2 * BASE], back[2 * BASE];
	loff_t at = self->page - BASE;
	int pipes[2];

	vp_fill(data, sizeof(data), 1);
	ASSERT_EQ(sizeof(data), vp_pwrite(self->fd, data, sizeof(data), at));
	ASSERT_EQ(0, pipe(pipes));
	EXPECT_EQ(BASE, splice(self->fd, &at, pipes[1], NULL, BASE, 0));
	EXPECT_EQ(self->page, at);
	EXPECT_EQ(BASE, splice(self->fd, &at, pipes[1], NULL, 2 * BASE, 0));
	EXPECT_EQ(0, splice(self->fd, &at, pipes[1], NULL, BASE, 0));
	EXPECT_EQ(BASE, read(pipes[0], back, BASE));
	EXPECT_EQ(BASE, read(pipes[0], back + BASE, BASE));
	EXPECT_TRUE(vp_is_filled(back, sizeof(back), 1));
	/* A hole takes no memory on its way. */
	at = 0;
	ASSERT_EQ(0, vp_punch(self->fd, 0, 2 * self->page));
	EXPECT_EQ(BASE, splice(self->fd, &at, pipes[1], NULL, BASE, 0));
	EXPECT_EQ(BASE, read(pipes[0], back, BASE));
	EXPECT_TRUE(vp_is_zero(back, BASE));
	EXPECT_EQ(0, used());
}

TEST_F(file, splice_from_a_pipe)
{
	char data[BASE];
	loff_t at = self->page - 16;
	int pipes[2];

	vp_fill(data, BASE, 1);
	ASSERT_EQ(0, pipe(pipes));
	ASSERT_EQ(BASE, write(pipes[1], data, BASE));
	ASSERT_EQ(BASE, splice(pipes[0], NULL, self->fd, &at, BASE, 0));
	EXPECT_TRUE(vp_file_is_filled(self->fd, self->page - 16, BASE, 1));
	EXPECT_EQ(2 * self->page, used());
	/* A full pool. */
	ASSERT_EQ(0, vp_allocate(self->fd, FALLOC_FL_KEEP_SIZE, 0, self->pool));
	at = self->pool;
	ASSERT_EQ(BASE, write(pipes[1], data, BASE));
	EXPECT_EQ(-1, splice(pipes[0], NULL, self->fd, &at, BASE, 0));
	EXPECT_EQ(ENOSPC, errno);
	EXPECT_EQ(self->pool, used());
}

TEST_F(file, sendfile)
{
	int other = memfd_create("file", MFD_CLOEXEC), pair[2];
	char back[BASE];
	off_t at = 0;

	ASSERT_LE(0, other);
	ASSERT_EQ(0, vp_file_fill(self->fd, 0, self->page + BASE, 1));
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	EXPECT_EQ(BASE, sendfile(pair[0], self->fd, &at, BASE));
	EXPECT_EQ(BASE, recv(pair[1], back, BASE, MSG_WAITALL));
	EXPECT_TRUE(vp_is_filled(back, BASE, 1));
	/* To a file, and back. */
	ASSERT_EQ(0, lseek(self->fd, 0, SEEK_SET));
	for (at = 0; at < self->page + BASE; )
		ASSERT_LT(0, sendfile(other, self->fd, &at, self->page));
	EXPECT_TRUE(vp_file_is_filled(other, 0, self->page + BASE, 1));
	ASSERT_EQ(0, vp_truncate(self->fd, 0));
	for (at = 0; at < self->page + BASE; )
		ASSERT_LT(0, sendfile(self->fd, other, &at, self->page));
	EXPECT_TRUE(vp_file_is_filled(self->fd, 0, self->page + BASE, 1));
}

TEST_F(file, copy_file_range)
{
	int other = vp_file(self->pool_fd, 0);
	loff_t from = 0, to = self->page;
	ssize_t len = 0, copied;

	ASSERT_EQ(0, vp_file_fill(self->fd, 0, self->page, 1));
	while (len < self->page) {
		copied = copy_file_range(self->fd, &from, other, &to,
					 self->page - len, 0);
		ASSERT_LT(0, copied);
		len += copied;
	}
	EXPECT_TRUE(vp_file_is_filled(other, self->page, self->page, 1));
	EXPECT_TRUE(vp_file_is_zero(other, 0, self->page));
	EXPECT_EQ(2 * self->page, used());
	close(other);
}

/* Mapping. */

TEST_F(file, mapping_and_file_show_the_same)
{
	char *addr, *second;

	ASSERT_EQ(0, vp_truncate(self->fd, 2 * self->page));
	addr = vp_map(self->fd, 2 * self->page, 0);
	second = vp_map(self->fd, self->page, self->page);
	ASSERT_NE(MAP_FAILED, addr);
	ASSERT_NE(MAP_FAILED, second);
	EXPECT_TRUE(vp_is_zero(addr, 2 * self->page));
	vp_fill(addr, 2 * self->page, 1);
	EXPECT_TRUE(vp_file_is_filled(self->fd, 0, 2 * self->page, 1));
	EXPECT_EQ(0, vp_file_fill(self->fd, self->page, self->page, 2));
	EXPECT_TRUE(vp_is_filled(second, self->page, 2));
	EXPECT_EQ(2 * self->page, used());
	EXPECT_EQ(0, msync(addr, 2 * self->page, MS_SYNC));
	EXPECT_EQ(0, msync(addr, self->page, MS_ASYNC));
	/* The memory stays with the mapping. */
	close(self->fd);
	munmap(second, self->page);
	EXPECT_EQ(2 * self->page, used());
	munmap(addr, 2 * self->page);
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/used_bytes", 0));
}

TEST_F(file, private_mapping_is_refused)
{
	void *addr;

	ASSERT_EQ(0, vp_truncate(self->fd, self->page));
	addr = mmap(NULL, self->page, PROT_READ, MAP_PRIVATE, self->fd, 0);
	EXPECT_EQ(MAP_FAILED, addr);
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(VPOOL_CODE_MAP_PRIVATE, vp_code(self->fd));
	EXPECT_TRUE(vp_reason_has(self->fd, "MAP_PRIVATE"));
}

/* A mapping commits nothing, and may extend beyond the end, where it has no memory. */
TEST_F(file, mapping_beyond_the_end)
{
	char *addr = vp_map(self->fd, 4 * self->page, 0), *far;

	ASSERT_NE(MAP_FAILED, addr);
	EXPECT_EQ(0, used());
	EXPECT_EQ(SIGBUS, vp_touch(addr, false));
	EXPECT_EQ(SIGBUS, vp_touch(addr, true));
	ASSERT_EQ(0, vp_truncate(self->fd, self->page + 1));
	EXPECT_EQ(0, vp_touch(addr, true));
	EXPECT_EQ(0, vp_touch(addr + self->page, true));
	EXPECT_EQ(SIGBUS, vp_touch(addr + 2 * self->page, true));
	ASSERT_EQ(0, vp_truncate(self->fd, 3 * self->page));
	EXPECT_EQ(0, vp_touch(addr + 3 * self->page - 1, true));
	EXPECT_EQ(SIGBUS, vp_touch(addr + 3 * self->page, true));
	ASSERT_EQ(0, vp_truncate(self->fd, self->page));
	EXPECT_EQ(0, vp_touch(addr, true));
	EXPECT_EQ(SIGBUS, vp_touch(addr + self->page, true));
	EXPECT_EQ(SIGBUS, vp_touch(addr + 3 * self->page - 1, false));
	EXPECT_EQ(self->page, used());
	far = vp_map(self->fd, self->page, 1ULL << 50);
	ASSERT_NE(MAP_FAILED, far);
	EXPECT_EQ(SIGBUS, vp_touch(far, false));
	EXPECT_EQ(self->page, used());
}

/* The caller needs no hints to get entries as large as the pages of the pool. */
TEST_F(file, huge_mappings)
{
	__u64 huge = 0, bytes = 4 * self->page;
	char *addr;

	if (self->page == BASE)
		SKIP(return, "the pages of this pool are small");
	if (vp_mapping_size() < self->page)
		SKIP(return, "this kernel maps pool memory by small pages");
	ASSERT_EQ(0, vp_truncate(self->fd, bytes));
	addr = vp_map(self->fd, bytes, 0);
	ASSERT_NE(MAP_FAILED, addr);
	EXPECT_EQ(0, (uintptr_t)addr % self->page);
	vp_fill(addr, bytes, 1);
	ASSERT_EQ(0, vp_smaps(addr, "FilePmdMapped", &huge));
	EXPECT_EQ(bytes, huge);
	EXPECT_EQ(4, vp_mapped_huge(POOL));
	/* A part that is cut off is not mapped, and the rest still is. */
	ASSERT_EQ(0, vp_truncate(self->fd, 2 * self->page));
	ASSERT_EQ(0, vp_smaps(addr, "FilePmdMapped", &huge));
	EXPECT_EQ(2 * self->page, huge);
	munmap(addr, bytes);
}

static int hold_mapping(void *arg)
{
	struct shared *shared = arg;

	memset(shared->addr, 1, shared->bytes);
	return vp_resident() > shared->bytes / 2;
}

TEST_F(file, memory_is_not_resident)
{
	struct shared shared = { .bytes = self->pool };
	__u64 before;

	if (self->page == BASE)
		SKIP(return, "this pool is too small to tell");
	ASSERT_EQ(0, vp_truncate(self->fd, self->pool));
	shared.addr = vp_map(self->fd, self->pool, 0);
	ASSERT_NE(MAP_FAILED, shared.addr);
	before = vp_resident();
	memset(shared.addr, 1, self->pool);
	EXPECT_GT(before + self->pool / 4, vp_resident());
	EXPECT_EQ(0, vp_in_child(hold_mapping, &shared));
	ASSERT_EQ(0, vp_punch(self->fd, self->page, self->page));
	EXPECT_LT(before / 2, vp_resident());
	EXPECT_GT(before + self->pool / 4, vp_resident());
	ASSERT_EQ(0, vp_truncate(self->fd, 0));
	EXPECT_LT(before / 2, vp_resident());
	EXPECT_GT(before + self->pool / 4, vp_resident());
	munmap(shared.addr, self->pool);
	EXPECT_LT(before / 2, vp_resident());
	EXPECT_GT(before + self->pool / 4, vp_resident());
}

/*
 * A process cannot hide other pages of files behind the holes of a large file, by dropping
 * and touching the same page.
 */
TEST_F(file, holes_hide_no_other_memory)
{
	__u64 before;
	char *addr;
	int i;

	if (self->page > BASE)
		SKIP(return, "one page of this pool is as large as the process");
	ASSERT_EQ(1, vp_pwrite(self->fd, "x", 1, 16 * self->pool - 1));
	addr = vp_map(self->fd, self->page, 0);
	ASSERT_NE(MAP_FAILED, addr);
	before = vp_resident();
	for (i = 0; i < 16 * self->pool / self->page; i++) {
		EXPECT_EQ(0, vp_touch(addr, true));
		ASSERT_EQ(0, madvise(addr, self->page, MADV_DONTNEED));
	}
	EXPECT_LT(before / 2, vp_resident());
	munmap(addr, self->page);
}

/* Sharing. */

static int fill_in_child(void *arg)
{
	struct shared *shared = arg;

	if (!vp_is_filled(shared->addr, shared->bytes, 1))
		return 1;
	vp_fill(shared->addr, shared->bytes, 2);
	return 0;
}

TEST_F(file, fork_shares)
{
	struct shared shared = { .bytes = 2 * self->page };

	ASSERT_EQ(0, vp_truncate(self->fd, shared.bytes));
	shared.addr = vp_map(self->fd, shared.bytes, 0);
	ASSERT_NE(MAP_FAILED, shared.addr);
	vp_fill(shared.addr, shared.bytes, 1);
	EXPECT_EQ(0, vp_in_child(fill_in_child, &shared));
	EXPECT_TRUE(vp_file_is_filled(self->fd, 0, shared.bytes, 2));
}

static int use_received(void *arg)
{
	struct shared *shared = arg;
	int fd = vp_receive_fd(shared->socket);

	if (vp_file_size(fd) != shared->bytes)
		return 2;
	shared->addr = vp_map(fd, shared->bytes, 0);
	if (shared->addr == MAP_FAILED)
		return 3;
	return fill_in_child(shared) ?: vp_truncate(fd, shared->bytes / 2);
}

TEST_F(file, scm_rights_shares)
{
	struct shared shared = { .bytes = 2 * self->page };
	int pair[2];

	ASSERT_EQ(0, vp_file_fill(self->fd, 0, shared.bytes, 1));
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	EXPECT_EQ(0, vp_send_fd(pair[0], self->fd));
	shared.socket = pair[1];
	EXPECT_EQ(0, vp_in_child(use_received, &shared));
	EXPECT_EQ(self->page, vp_file_size(self->fd));
	EXPECT_TRUE(vp_file_is_filled(self->fd, 0, self->page, 2));
	/* A descriptor in a queue keeps the file, and a closed socket drops it. */
	EXPECT_EQ(0, vp_send_fd(pair[0], self->fd));
	close(self->fd);
	EXPECT_EQ(self->page, used());
	close(pair[0]);
	close(pair[1]);
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/used_bytes", 0));
}

static int wait_for_futex(void *arg)
{
	struct shared *shared = arg;

	return vp_futex((int *)shared->addr, FUTEX_WAIT, 0, 20000) ? errno : 0;
}

TEST_F(file, futexes_are_shared)
{
	struct shared shared = { };
	int *word, i, woken = 0;
	pid_t pid;

	ASSERT_EQ(0, vp_truncate(self->fd, 2 * self->page));
	shared.addr = vp_map(self->fd, 2 * self->page, 0);
	word = vp_map(self->fd, self->page, self->page);
	ASSERT_NE(MAP_FAILED, shared.addr);
	ASSERT_NE(MAP_FAILED, word);
	shared.addr += self->page;
	EXPECT_EQ(-1, vp_futex(word, FUTEX_WAIT, 1, 100));
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(-1, vp_futex(word, FUTEX_WAIT, 0, 10));
	EXPECT_EQ(ETIMEDOUT, errno);
	pid = fork();
	if (!pid)
		_exit(wait_for_futex(&shared));
	for (i = 0; i < 10000 && woken != 1; i++) {
		woken = vp_futex(word, FUTEX_WAKE, 1, 0);
		vp_sleep_ms(1);
	}
	EXPECT_EQ(1, woken);
	EXPECT_EQ(0, vp_wait_status(pid));
}

static int die_with_the_mutex(void *arg)
{
	return pthread_mutex_lock(arg);
}

TEST_F(file, robust_mutexes)
{
	pthread_mutexattr_t attr;
	pthread_mutex_t *mutex;

	ASSERT_EQ(0, vp_truncate(self->fd, self->page));
	mutex = vp_map(self->fd, self->page, 0);
	ASSERT_NE(MAP_FAILED, mutex);
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	ASSERT_EQ(0, pthread_mutex_init(mutex, &attr));
	EXPECT_EQ(0, vp_in_child(die_with_the_mutex, mutex));
	EXPECT_EQ(EOWNERDEAD, pthread_mutex_lock(mutex));
	EXPECT_EQ(0, pthread_mutex_consistent(mutex));
	EXPECT_EQ(0, pthread_mutex_unlock(mutex));
}

TEST_F(file, path_in_proc)
{
	char path[64], link[64] = "", maps[65536], *addr;
	int maps_fd = open("/proc/self/maps", O_RDONLY);
	ssize_t len, all = 0;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", self->fd);
	EXPECT_LT(0, readlink(path, link, sizeof(link) - 1));
	EXPECT_STREQ("/vpool:" POOL " (deleted)", link);
	ASSERT_EQ(0, vp_truncate(self->fd, self->page));
	addr = vp_map(self->fd, self->page, 0);
	ASSERT_NE(MAP_FAILED, addr);
	while ((len = read(maps_fd, maps + all, sizeof(maps) - 1 - all)) > 0)
		all += len;
	maps[all] = '\0';
	EXPECT_NE(NULL, strstr(maps, "/vpool:" POOL " (deleted)\n"));
	close(maps_fd);
	munmap(addr, self->page);
}

TEST_F(file, reopen_through_proc)
{
	char path[128], *addr;
	int fd;

	ASSERT_EQ(0, vp_file_fill(self->fd, 0, 2 * self->page, 1));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", self->fd);
	fd = open(path, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, fd);
	EXPECT_EQ(2 * self->page, vp_file_size(fd));
	EXPECT_TRUE(vp_file_is_filled(fd, 0, 2 * self->page, 1));
	EXPECT_EQ(2, vp_sysfs_u64(POOL, "memory/regions"));
	/* Each descriptor has its own offset and its own message. */
	EXPECT_EQ(self->page, lseek(fd, self->page, SEEK_SET));
	EXPECT_EQ(0, lseek(self->fd, 0, SEEK_CUR));
	EXPECT_EQ(-EFBIG, vp_truncate(fd, LAST));
	EXPECT_EQ(VPOOL_CODE_FILE_TOO_LARGE, vp_code(fd));
	EXPECT_EQ(VPOOL_CODE_NONE, vp_code(self->fd));
	/* The second descriptor keeps the file after the first is closed. */
	close(self->fd);
	addr = vp_map(fd, 2 * self->page, 0);
	ASSERT_NE(MAP_FAILED, addr);
	EXPECT_TRUE(vp_is_filled(addr, 2 * self->page, 1));
	close(fd);
	snprintf(path, sizeof(path), "/proc/self/map_files/%lx-%lx",
		 (unsigned long)addr, (unsigned long)(addr + 2 * self->page));
	fd = open(path, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, fd);
	EXPECT_TRUE(vp_file_is_filled(fd, 0, 2 * self->page, 1));
	munmap(addr, 2 * self->page);
	EXPECT_EQ(2 * self->page, used());
	close(fd);
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/used_bytes", 0));
}

TEST_F(file, reopen_with_truncation)
{
	char path[64];
	int fd;

	ASSERT_EQ(0, vp_file_fill(self->fd, 0, 2 * self->page, 1));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", self->fd);
	fd = open(path, O_RDWR | O_TRUNC | O_CLOEXEC);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, vp_file_size(self->fd));
	EXPECT_EQ(0, used());
	close(fd);
}

TEST_F(file, read_only_descriptor)
{
	char path[64], *addr;
	int fd;

	ASSERT_EQ(0, vp_file_fill(self->fd, 0, self->page, 1));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", self->fd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	EXPECT_TRUE(vp_file_is_filled(fd, 0, self->page, 1));
	EXPECT_EQ(-EBADF, vp_pwrite(fd, "x", 1, 0));
	EXPECT_EQ(-EINVAL, vp_truncate(fd, 0));
	EXPECT_EQ(-EBADF, vp_punch(fd, 0, self->page));
	EXPECT_EQ(MAP_FAILED, vp_map(fd, self->page, 0));
	EXPECT_EQ(EACCES, errno);
	addr = mmap(NULL, self->page, PROT_READ, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, addr);
	EXPECT_TRUE(vp_is_filled(addr, self->page, 1));
	EXPECT_NE(0, mprotect(addr, self->page, PROT_READ | PROT_WRITE));
	EXPECT_NE(0, madvise(addr, self->page, MADV_REMOVE));
	close(fd);
}

static int reopen_as_another(void *arg)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", *(int *)arg);
	if (setresgid(61003, 61003, 61003) || setresuid(61003, 61003, 61003))
		return 1;
	if (open(path, O_RDWR) >= 0 || errno != EACCES)
		return 2;
	/* The descriptor itself still works. */
	return vp_pwrite(*(int *)arg, "x", 1, 0) != 1;
}

TEST_F(file, permissions_of_a_reopen)
{
	struct stat st;

	EXPECT_EQ(0, vp_in_child(reopen_as_another, &self->fd));
	ASSERT_EQ(0, fchmod(self->fd, 0640));
	ASSERT_EQ(0, fchown(self->fd, 61004, 61005));
	ASSERT_EQ(0, fstat(self->fd, &st));
	EXPECT_EQ(0640, st.st_mode & 07777);
	EXPECT_EQ(61004, st.st_uid);
	EXPECT_EQ(61005, st.st_gid);
	EXPECT_EQ(0, vp_in_child(reopen_as_another, &self->fd));
}

/* Other calls on files. */

TEST_F(file, seals_are_refused)
{
	EXPECT_EQ(-1, fcntl(self->fd, F_ADD_SEALS, F_SEAL_SHRINK));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, fcntl(self->fd, F_GET_SEALS));
	EXPECT_EQ(EINVAL, errno);
}

TEST_F(file, locks)
{
	struct flock lock = { .l_type = F_WRLCK, .l_len = self->page };
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", self->fd);
	fd = open(path, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, flock(self->fd, LOCK_EX | LOCK_NB));
	EXPECT_EQ(-1, flock(fd, LOCK_SH | LOCK_NB));
	EXPECT_EQ(EWOULDBLOCK, errno);
	EXPECT_EQ(0, flock(self->fd, LOCK_UN));
	EXPECT_EQ(0, flock(fd, LOCK_SH | LOCK_NB));
	EXPECT_EQ(0, fcntl(self->fd, F_OFD_SETLK, &lock));
	EXPECT_EQ(-1, fcntl(fd, F_OFD_SETLK, &lock));
	EXPECT_EQ(EAGAIN, errno);
	close(self->fd);
	EXPECT_EQ(0, fcntl(fd, F_OFD_SETLK, &lock));
	close(fd);
}

TEST_F(file, calls_that_a_memory_file_accepts)
{
	struct pollfd poll_fd = { .fd = self->fd, .events = POLLIN | POLLOUT };
	int value = 0;

	ASSERT_EQ(0, vp_file_fill(self->fd, 0, self->page, 1));
	EXPECT_EQ(0, fsync(self->fd));
	EXPECT_EQ(0, fdatasync(self->fd));
	EXPECT_EQ(0, syncfs(self->fd));
	EXPECT_EQ(0, sync_file_range(self->fd, 0, self->page,
				     SYNC_FILE_RANGE_WRITE));
	EXPECT_EQ(0, posix_fadvise(self->fd, 0, 0, POSIX_FADV_DONTNEED));
	EXPECT_EQ(0, posix_fadvise(self->fd, 0, 0, POSIX_FADV_WILLNEED));
	EXPECT_EQ(0, ioctl(self->fd, FIONREAD, &value));
	EXPECT_EQ(self->page, value);
	EXPECT_EQ(1, poll(&poll_fd, 1, 0));
	EXPECT_EQ(POLLIN | POLLOUT, poll_fd.revents);
	EXPECT_EQ(0, posix_fallocate(self->fd, 0, 2 * self->page));
	EXPECT_TRUE(vp_file_is_filled(self->fd, 0, self->page, 1));
	EXPECT_EQ(2 * self->page, used());
}

TEST_F(file, times_change_with_the_contents)
{
	const struct timespec old[2] = { };
	struct stat st;

	ASSERT_EQ(0, futimens(self->fd, old));
	ASSERT_EQ(1, vp_pwrite(self->fd, "x", 1, 0));
	ASSERT_EQ(0, fstat(self->fd, &st));
	EXPECT_LT(0, st.st_mtime);
	ASSERT_EQ(0, futimens(self->fd, old));
	ASSERT_EQ(0, vp_truncate(self->fd, self->page));
	ASSERT_EQ(0, fstat(self->fd, &st));
	EXPECT_LT(0, st.st_mtime);
	ASSERT_EQ(0, futimens(self->fd, old));
	ASSERT_EQ(0, vp_punch(self->fd, 0, self->page));
	ASSERT_EQ(0, fstat(self->fd, &st));
	EXPECT_LT(0, st.st_mtime);
	/* A read does not change it. */
	ASSERT_EQ(0, futimens(self->fd, old));
	EXPECT_TRUE(vp_file_is_zero(self->fd, 0, self->page));
	ASSERT_EQ(0, fstat(self->fd, &st));
	EXPECT_EQ(0, st.st_mtime);
}

/* Zeroed memory. */

/* Reuse memory as soon as it is free, mostly before the scrubber has reached it. */
TEST_F(file, zero_when_reused)
{
	int i, iterations = vp_scale(20), fd;

	/* Each writes the whole pool twice, which has 16 times as much then. */
	if (self->page > 2 * MIB)
		iterations = 2;
	for (i = 0; i < iterations; i++) {
		fd = vp_file(self->pool_fd, 0);
		ASSERT_LE(0, fd);
		ASSERT_EQ(0, vp_truncate(fd, self->pool));
		ASSERT_TRUE(vp_file_is_zero(fd, 0, self->pool));
		ASSERT_EQ(0, vp_file_fill(fd, 0, self->pool, SECRET + i));
		ASSERT_EQ(0, vp_truncate(fd, i % 2 ? 0 : self->page));
		ASSERT_EQ(0, vp_truncate(fd, self->pool));
		ASSERT_TRUE(vp_file_is_zero(fd, i % 2 ? 0 : self->page,
					    self->pool - self->page));
		ASSERT_EQ(0, vp_file_fill(fd, 0, self->pool, SECRET));
		close(fd);
		ASSERT_TRUE(vp_sysfs_wait(POOL, "memory/used_bytes", 0));
	}
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/clean_bytes", self->pool));
}

/* Destruction of the pool. */

TEST_F(file, destroy_is_refused)
{
	close(self->pool_fd);
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/regions", 1));
	EXPECT_EQ(-EBUSY, vp_destroy(self->ctl, POOL, 0));
	EXPECT_EQ(VPOOL_CODE_POOL_HAS_REGIONS, vp_code(self->ctl));
	close(self->fd);
	EXPECT_EQ(0, vp_destroy_wait(self->ctl, POOL));
}

TEST_F(file, forced_destroy_revokes)
{
	__u64 host, bytes = 4 * self->page;
	char *addr, byte;

	ASSERT_EQ(0, vp_file_fill(self->fd, 0, bytes, 1));
	addr = vp_map(self->fd, bytes, 0);
	ASSERT_NE(MAP_FAILED, addr);
	EXPECT_TRUE(vp_is_filled(addr, bytes, 1));
	host = vp_host_free();
	EXPECT_EQ(0, vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE));
	EXPECT_FALSE(vp_exists(POOL));
	EXPECT_EQ(SIGBUS, vp_touch(addr, false));
	EXPECT_EQ(SIGBUS, vp_touch(addr + bytes - 1, true));
	EXPECT_EQ(-EIO, vp_pread(self->fd, &byte, 1, 0));
	EXPECT_EQ(-EIO, vp_pwrite(self->fd, &byte, 1, 0));
	EXPECT_EQ(-EIO, vp_pwrite(self->fd, &byte, 1, bytes));
	EXPECT_EQ(-EIO, vp_truncate(self->fd, self->page));
	EXPECT_EQ(-EIO, vp_truncate(self->fd, 2 * bytes));
	EXPECT_EQ(-EIO, vp_allocate(self->fd, 0, 0, bytes));
	EXPECT_EQ(-EIO, vp_punch(self->fd, 0, bytes));
	EXPECT_EQ(-ENXIO, vp_file(self->pool_fd, 0));
	EXPECT_EQ(0, vp_file_bytes(self->fd));
	/* The memory is the host's, although the file and a mapping are open. */
	if (self->page > BASE)
		EXPECT_TRUE(vp_wait_host_free(host + self->pool / 4 * 3));
}

/* A file of the old pool shows nothing of a new one with the same name. */
TEST_F(file, forced_destroy_frees_the_name)
{
	char *addr, byte;
	int fd;

	ASSERT_EQ(0, vp_file_fill(self->fd, 0, self->page, 1));
	addr = vp_map(self->fd, self->page, 0);
	ASSERT_NE(MAP_FAILED, addr);
	ASSERT_EQ(0, vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE));
	ASSERT_EQ(0, vp_create(self->ctl, POOL, self->pool, self->page, NULL));
	fd = vp_open_file(POOL);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, vp_file_fill(fd, 0, self->pool, 2));
	EXPECT_EQ(-EIO, vp_pread(self->fd, &byte, 1, 0));
	EXPECT_EQ(SIGBUS, vp_touch(addr, false));
	EXPECT_EQ(1, vp_sysfs_u64(POOL, "memory/regions"));
	munmap(addr, self->page);
	close(self->fd);
	EXPECT_TRUE(vp_file_is_filled(fd, 0, self->pool, 2));
	EXPECT_EQ(self->pool, used());
	close(fd);
}

TEST_F(file, ephemeral_pool_lasts_as_long)
{
	struct vp_request req;
	int ctl = vp_control(), fd;
	__u64 end = vp_now_ms() + VP_WAIT_MS;

	vp_request_init(&req, "file-ephemeral");
	req.create.page_size = self->page;
	req.create.flags = VPOOL_CREATE_EPHEMERAL;
	vp_request_mem(&req, 4 * self->page, VPOOL_ANY_NODE);
	ASSERT_EQ(0, vp_request_send(ctl, &req));
	fd = vp_open_file("file-ephemeral");
	ASSERT_LE(0, fd);
	close(ctl);
	vp_sleep_ms(100);
	EXPECT_EQ(0, vp_file_fill(fd, 0, self->page, 1));
	EXPECT_TRUE(vp_exists("file-ephemeral"));
	close(fd);
	while (vp_exists("file-ephemeral") && vp_now_ms() < end)
		vp_sleep_ms(5);
	EXPECT_FALSE(vp_exists("file-ephemeral"));
}

TEST_HARNESS_MAIN
