// SPDX-License-Identifier: GPL-2.0
/*
 * Filesystems of pools: mount options, names and permissions, limits, and the lifetime of
 * a mounted pool.
 */
#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/vpool.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include "kselftest_harness.h"
#include "lib/file.h"
#include "lib/fs.h"
#include "lib/host.h"
#include "lib/memory.h"
#include "lib/pool.h"
#include "lib/task.h"

#define POOL "mount-pool"
#define OTHER "mount-other"
#define TOP "/tmp/vpool-mount"
#define DIR_A TOP "/a"
#define DIR_B TOP "/b"
#define MAX_REGIONS "/sys/module/vpool/parameters/max_regions"

#define UID_OWNER 61001
#define UID_STRANGER 61003
#define GID_POOL 62001

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE (1 << 0)
#endif

FIXTURE(mount)
{
	int ctl;
	__u64 page;
	__u64 pool;
};

FIXTURE_VARIANT(mount)
{
	bool huge;
	__u64 pages;
};

FIXTURE_VARIANT_ADD(mount, huge)
{
	.huge = true,
	.pages = 8,
};

FIXTURE_VARIANT_ADD(mount, base)
{
	.pages = 64,
};

/* Create two empty directories for mounts. /tmp can be read-only or shared. */
static int make_dirs(void)
{
	mkdir(TOP, 0755);
	if (mount("none", TOP, "tmpfs", 0, "mode=0755"))
		return -errno;
	return mkdir(DIR_A, 0755) || mkdir(DIR_B, 0755) ? -errno : 0;
}

static void remove_dirs(void)
{
	while (!umount2(DIR_A, MNT_DETACH) || !umount2(DIR_B, MNT_DETACH))
		;
	umount2(TOP, MNT_DETACH);
	rmdir(TOP);
}

static int make_pool(int ctl, const char *name, __u64 bytes, __u64 page)
{
	struct vp_request req;

	vp_request_init(&req, name);
	req.create.page_size = page;
	req.create.uid = UID_OWNER;
	req.create.gid = GID_POOL;
	req.create.mode = 0660;
	vp_request_mem(&req, bytes, VPOOL_ANY_NODE);
	return vp_request_send(ctl, &req);
}

/* Mount the pool at DIR_A. */
FIXTURE_SETUP(mount)
{
	self->page = vp_page_size(variant->huge);
	self->pool = self->page * variant->pages;
	self->ctl = vp_control();
	ASSERT_LE(0, self->ctl);
	remove_dirs();
	vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	vp_destroy(self->ctl, OTHER, VPOOL_DESTROY_FORCE);
	ASSERT_EQ(0, make_dirs());
	ASSERT_EQ(0, make_pool(self->ctl, POOL, self->pool, self->page));
	ASSERT_EQ(0, vp_mount(DIR_A, POOL, NULL));
}

FIXTURE_TEARDOWN(mount)
{
	vp_write_file(MAX_REGIONS, "65536");
	if (vp_exists(POOL))
		EXPECT_TRUE(vp_accounting_ok(self->ctl, POOL));
	remove_dirs();
	vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	vp_destroy(self->ctl, OTHER, VPOOL_DESTROY_FORCE);
	close(self->ctl);
}

static __u64 used(void)
{
	return vp_sysfs_u64(POOL, "memory/used_bytes");
}

static __u64 regions(void)
{
	return vp_sysfs_u64(POOL, "memory/regions");
}

static int open_at(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);

	return fd < 0 ? -errno : fd;
}

static int permission_bits(const char *path)
{
	struct stat st;

	return stat(path, &st) ? -errno : (int)(st.st_mode & 07777);
}

/* Create a file of @bytes, filled with the pattern of @seed. */
static int make_file(const char *path, __u64 bytes, __u64 seed)
{
	int fd = open_at(path, O_CREAT | O_EXCL | O_RDWR), err;

	if (fd < 0)
		return fd;
	err = vp_file_fill(fd, 0, bytes, seed);
	close(fd);
	return err;
}

static bool has_pattern(const char *path, __u64 bytes, __u64 seed)
{
	int fd = open_at(path, O_RDONLY);
	bool same = fd >= 0 && vp_file_size(fd) == bytes &&
		    vp_file_is_filled(fd, 0, bytes, seed);

	close(fd);
	return same;
}

/* Options. */

TEST_F(mount, invalid_options)
{
	static const struct {
		const char *options;
		int err;
	} row[] = {
		{ "pool=mount-none", -ENOENT },
		{ NULL, -EINVAL },
		{ "", -EINVAL },
		{ "mode=700", -EINVAL },
		{ "pool", -EINVAL },
		{ "pool=" POOL ",size=1M", -EINVAL },
		{ "pool=" POOL ",mode=99", -EINVAL },
		{ "pool=" POOL ",mode=10777", -EINVAL },
		{ "pool=" POOL ",uid=root", -EINVAL },
		{ "pool=" POOL ",uid=4294967295", -EINVAL },
		{ "pool=" POOL ",gid=-1", -EINVAL },
		{ "pool=" POOL ",f_type=ext4", -EINVAL },
		{ "pool=0123456789012345678901234567890123456789012", -EINVAL },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(row); i++)
		EXPECT_EQ(row[i].err, vp_mount_options(DIR_B, 0, row[i].options))
			TH_LOG("%s", row[i].options);
	EXPECT_EQ(1, vp_sysfs_u64(POOL, "mounts"));
}

TEST_F(mount, pool_without_memory)
{
	if (vp_lacks_cpus())
		SKIP(return, "%s", vp_lacks_cpus());
	ASSERT_EQ(0, vp_create(self->ctl, OTHER, 0, 0, "1"));
	EXPECT_EQ(-EINVAL, vp_mount(DIR_B, OTHER, NULL));
	EXPECT_EQ(0, vp_destroy(self->ctl, OTHER, 0));
}

/* Configure a filesystem by fsconfig(2). Return the kernel's message for the failure. */
static int fs_error(const char *key, const char *value, char *text, size_t size)
{
	int fd = fsopen("vpool", FSOPEN_CLOEXEC), err = 0;
	ssize_t len;

	if (fd < 0)
		return -errno;
	if ((key && fsconfig(fd, FSCONFIG_SET_STRING, key, value, 0)) ||
	    fsconfig(fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		err = -errno;
	len = read(fd, text, size - 1);
	text[len > 0 ? len : 0] = '\0';
	close(fd);
	return err;
}

TEST_F(mount, errors_have_a_message)
{
	char text[512];

	EXPECT_EQ(-ENOENT, fs_error("pool", "mount-none", text, sizeof(text)));
	EXPECT_NE(NULL, strstr(text, "mount-none"))
		TH_LOG("%s", text);
	EXPECT_EQ(-EINVAL, fs_error(NULL, NULL, text, sizeof(text)));
	EXPECT_NE(NULL, strstr(text, "pool="))
		TH_LOG("%s", text);
	EXPECT_EQ(-EINVAL, fs_error("size", "1M", text, sizeof(text)));
	EXPECT_NE(NULL, strstr(text, "size"))
		TH_LOG("%s", text);
	EXPECT_EQ(-EINVAL, fs_error("mode", "10777", text, sizeof(text)));
	EXPECT_NE(NULL, strstr(text, "mode"))
		TH_LOG("%s", text);
	if (vp_lacks_cpus())
		return;
	ASSERT_EQ(0, vp_create(self->ctl, OTHER, 0, 0, "1"));
	EXPECT_EQ(-EINVAL, fs_error("pool", OTHER, text, sizeof(text)));
	EXPECT_NE(NULL, strstr(text, "memory"))
		TH_LOG("%s", text);
	EXPECT_EQ(0, vp_destroy_wait(self->ctl, OTHER));
}

/* Without options, the root directory allows what the pool's device allows. */
TEST_F(mount, root_directory)
{
	static const struct {
		int pool, dir;
	} row[] = {
		{ 0600, 0700 }, { 0660, 0770 }, { 0640, 0750 }, { 0666, 0777 },
		{ 0, 0 }, { 0200, 0200 },
	};
	struct vp_request req;
	struct stat st;
	int i;

	for (i = 0; i < ARRAY_SIZE(row); i++) {
		vp_request_init(&req, OTHER);
		req.create.page_size = self->page;
		req.create.uid = UID_OWNER;
		req.create.gid = GID_POOL;
		req.create.mode = row[i].pool;
		vp_request_mem(&req, self->page, VPOOL_ANY_NODE);
		ASSERT_EQ(0, vp_request_send(self->ctl, &req));
		ASSERT_EQ(0, vp_mount(DIR_B, OTHER, NULL));
		ASSERT_EQ(0, stat(DIR_B, &st));
		EXPECT_TRUE(S_ISDIR(st.st_mode));
		EXPECT_EQ(row[i].dir, st.st_mode & 07777);
		EXPECT_EQ(UID_OWNER, st.st_uid);
		EXPECT_EQ(GID_POOL, st.st_gid);
		EXPECT_EQ(2, st.st_nlink);
		ASSERT_EQ(0, vp_umount(DIR_B, 0));
		ASSERT_EQ(0, vp_destroy_wait(self->ctl, OTHER));
	}
	ASSERT_EQ(0, vp_mount(DIR_B, POOL, "uid=5,gid=7,mode=1751"));
	ASSERT_EQ(0, stat(DIR_B, &st));
	EXPECT_EQ(01751, st.st_mode & 07777);
	EXPECT_EQ(5, st.st_uid);
	EXPECT_EQ(7, st.st_gid);
}

/* Copy the options of the mount at @dir. */
static int shown_options(const char *dir, char *text, size_t size)
{
	FILE *file = fopen("/proc/self/mounts", "re");
	char line[1024], at[256], type[64], options[512];
	int err = -ENOENT;

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "%*s %255s %63s %511s", at, type, options) == 3 &&
		    !strcmp(at, dir) && !strcmp(type, "vpool")) {
			snprintf(text, size, ",%s,", options);
			err = 0;
		}
	if (file)
		fclose(file);
	return err;
}

TEST_F(mount, options_are_shown)
{
	char text[512];

	ASSERT_EQ(0, shown_options(DIR_A, text, sizeof(text)));
	EXPECT_NE(NULL, strstr(text, ",pool=" POOL ","));
	EXPECT_NE(NULL, strstr(text, ",rw,"));
	ASSERT_EQ(0, vp_mount(DIR_B, POOL,
			      "uid=5,gid=7,mode=751,f_type=hugetlbfs"));
	ASSERT_EQ(0, shown_options(DIR_B, text, sizeof(text)));
	EXPECT_NE(NULL, strstr(text, ",uid=5,"));
	EXPECT_NE(NULL, strstr(text, ",gid=7,"));
	EXPECT_NE(NULL, strstr(text, ",mode=751,"));
	EXPECT_NE(NULL, strstr(text, ",f_type=hugetlbfs,"));
	/* What is shown can be given to mount(2). */
	ASSERT_EQ(0, vp_umount(DIR_B, 0));
	text[strlen(text) - 1] = '\0';
	EXPECT_EQ(0, vp_mount_options(DIR_B, 0, strstr(text, "pool=")));
}

TEST_F(mount, remount)
{
	ASSERT_EQ(0, make_pool(self->ctl, OTHER, self->page, self->page));
	EXPECT_EQ(-EINVAL, vp_mount_options(DIR_A, MS_REMOUNT, "pool=" OTHER));
	EXPECT_EQ(-EINVAL, vp_mount_options(DIR_A, MS_REMOUNT, "pool=none"));
	EXPECT_EQ(-EINVAL, vp_mount_options(DIR_A, MS_REMOUNT,
					    "pool=" POOL ",size=1"));
	EXPECT_EQ(0, vp_mount_options(DIR_A, MS_REMOUNT, "pool=" POOL));
	EXPECT_EQ(0, vp_sysfs_u64(OTHER, "mounts"));
	EXPECT_EQ(0, vp_mount_options(DIR_A, MS_REMOUNT | MS_RDONLY, NULL));
	EXPECT_EQ(-EROFS, vp_create_at(DIR_A, "file"));
	EXPECT_EQ(0, vp_mount_options(DIR_A, MS_REMOUNT, "pool=" POOL));
	EXPECT_EQ(0, make_file(DIR_A "/file", self->page, 1));
	/* A file that is open for writing keeps the filesystem writable. */
	ASSERT_LE(0, open_at(DIR_A "/file", O_RDWR));
	EXPECT_EQ(-EBUSY, vp_mount_options(DIR_A, MS_REMOUNT | MS_RDONLY, NULL));
}

/* Privilege. */

static int mount_in_a_user_namespace(void *arg)
{
	char text[512];

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
		return errno == EPERM || errno == EINVAL ? 77 : 1;
	if (vp_mount("/tmp", POOL, NULL) != -EPERM)
		return 2;
	/* The namespace may configure a filesystem, but not create it. */
	return fs_error("pool", POOL, text, sizeof(text)) == -EPERM ? 0 : 3;
}

static int mount_without_privilege(void *arg)
{
	if (vp_drop_cap(CAP_SYS_ADMIN))
		return 1;
	return vp_mount(DIR_B, POOL, NULL) != -EPERM;
}

TEST_F(mount, needs_privilege)
{
	int status = vp_in_child(mount_in_a_user_namespace, NULL);

	EXPECT_EQ(0, vp_in_child(mount_without_privilege, NULL));
	EXPECT_EQ(1, vp_sysfs_u64(POOL, "mounts"));
	if (status == 77)
		SKIP(return, "no user namespaces here");
	EXPECT_EQ(0, status);
}

/* statfs(2). */

TEST_F(mount, statfs_shows_the_pool)
{
	__u64 pages = self->pool / self->page;
	struct statfs fs;
	int fd;

	ASSERT_EQ(0, statfs(DIR_A, &fs));
	EXPECT_EQ(VP_FS_MAGIC, (__u32)fs.f_type);
	EXPECT_EQ(self->page, fs.f_bsize);
	EXPECT_EQ(self->page, fs.f_frsize);
	EXPECT_EQ(pages, fs.f_blocks);
	EXPECT_EQ(pages, fs.f_bfree);
	EXPECT_EQ(pages, fs.f_bavail);
	EXPECT_EQ(65536, fs.f_files);
	EXPECT_EQ(65536, fs.f_ffree);
	EXPECT_EQ(255, fs.f_namelen);
	ASSERT_EQ(0, make_file(DIR_A "/file", 2 * self->page, 1));
	ASSERT_EQ(0, statfs(DIR_A "/file", &fs));
	EXPECT_EQ(pages, fs.f_blocks);
	EXPECT_EQ(pages - 2, fs.f_bfree);
	EXPECT_EQ(pages - 2, fs.f_bavail);
	EXPECT_EQ(65535, fs.f_ffree);
	/* A region of the device takes the same memory, and the same number. */
	fd = vp_open(POOL);
	ASSERT_EQ(0, vp_commit(fd, &self->page));
	ASSERT_EQ(0, statfs(DIR_A, &fs));
	EXPECT_EQ(pages - 3, fs.f_bfree);
	EXPECT_EQ(65534, fs.f_ffree);
	close(fd);
}

/* A file of VPOOL_FILE can be asked, too. */
TEST_F(mount, statfs_of_a_file_without_a_name)
{
	int fd = vp_open_file(POOL);
	struct statfs fs;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, vp_truncate(fd, self->page));
	ASSERT_EQ(0, fstatfs(fd, &fs));
	EXPECT_EQ(VP_FS_MAGIC, (__u32)fs.f_type);
	EXPECT_EQ(self->page, fs.f_bsize);
	EXPECT_EQ(self->pool / self->page, fs.f_blocks);
	EXPECT_EQ(self->pool / self->page - 1, fs.f_bfree);
	close(fd);
}

TEST_F(mount, type_of_hugetlbfs)
{
	struct statfs fs;

	ASSERT_EQ(0, vp_mount(DIR_B, POOL, "f_type=hugetlbfs"));
	ASSERT_EQ(0, statfs(DIR_B, &fs));
	EXPECT_EQ(VP_HUGETLBFS_MAGIC, (__u32)fs.f_type);
	EXPECT_EQ(self->page, fs.f_bsize);
	ASSERT_EQ(0, statfs(DIR_A, &fs));
	EXPECT_EQ(VP_FS_MAGIC, (__u32)fs.f_type);
}

/* Names. */

TEST_F(mount, create_and_open)
{
	struct stat st;
	int fd = open_at(DIR_A "/file", O_CREAT | O_RDWR), second;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, fstat(fd, &st));
	EXPECT_TRUE(S_ISREG(st.st_mode));
	EXPECT_EQ(0600, st.st_mode & 07777);
	EXPECT_EQ(0, st.st_size);
	EXPECT_EQ(1, st.st_nlink);
	EXPECT_EQ(self->page, st.st_blksize);
	EXPECT_EQ(1, regions());
	EXPECT_EQ(-EEXIST, open_at(DIR_A "/file", O_CREAT | O_EXCL | O_RDWR));
	EXPECT_EQ(-ENOENT, open_at(DIR_A "/none", O_RDWR));
	EXPECT_EQ(-ENOTDIR, open_at(DIR_A "/file/none", O_CREAT | O_RDWR));
	EXPECT_EQ(0, vp_file_fill(fd, 0, 2 * self->page, 1));
	second = open_at(DIR_A "/file", O_RDWR);
	EXPECT_TRUE(vp_file_is_filled(second, 0, 2 * self->page, 1));
	close(fd);
	close(second);
	/* The file stays without descriptors. */
	EXPECT_EQ(2 * self->page, used());
	EXPECT_TRUE(has_pattern(DIR_A "/file", 2 * self->page, 1));
	second = open_at(DIR_A "/file", O_RDWR | O_TRUNC);
	EXPECT_EQ(0, vp_file_size(second));
	EXPECT_EQ(0, used());
	close(second);
	EXPECT_EQ(0, truncate(DIR_A "/file", self->page));
	EXPECT_EQ(self->page, used());
	EXPECT_EQ(0, unlink(DIR_A "/file"));
	EXPECT_EQ(0, used());
	EXPECT_EQ(0, regions());
	EXPECT_EQ(-ENOENT, open_at(DIR_A "/file", O_RDWR));
}

TEST_F(mount, names_have_255_bytes)
{
	char name[300];

	memset(name, 'x', sizeof(name));
	name[256] = '\0';
	EXPECT_EQ(-ENAMETOOLONG, vp_create_at(DIR_A, name));
	name[255] = '\0';
	EXPECT_LE(0, vp_create_at(DIR_A, name));
	EXPECT_EQ(-EEXIST, vp_create_at(DIR_A, name));
}

TEST_F(mount, temporary_file)
{
	int fd = open_at(DIR_A, O_TMPFILE | O_RDWR), excl;
	char path[64];
	struct stat st;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, fstat(fd, &st));
	EXPECT_EQ(0, st.st_nlink);
	EXPECT_EQ(0, vp_file_fill(fd, 0, self->page, 1));
	EXPECT_EQ(1, regions());
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	EXPECT_EQ(0, linkat(AT_FDCWD, path, AT_FDCWD, DIR_A "/file",
			    AT_SYMLINK_FOLLOW));
	close(fd);
	EXPECT_TRUE(has_pattern(DIR_A "/file", self->page, 1));
	EXPECT_EQ(0, unlink(DIR_A "/file"));
	/* A file that must not get a name. */
	excl = open_at(DIR_A, O_TMPFILE | O_EXCL | O_RDWR);
	ASSERT_LE(0, excl);
	EXPECT_EQ(0, vp_truncate(excl, self->page));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", excl);
	EXPECT_EQ(-1, linkat(AT_FDCWD, path, AT_FDCWD, DIR_A "/file",
			     AT_SYMLINK_FOLLOW));
	EXPECT_EQ(ENOENT, errno);
	close(excl);
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/used_bytes", 0));
	EXPECT_EQ(0, regions());
}

TEST_F(mount, directories)
{
	struct stat st;

	ASSERT_EQ(0, mkdir(DIR_A "/dir", 0750));
	EXPECT_EQ(-1, mkdir(DIR_A "/dir", 0750));
	EXPECT_EQ(EEXIST, errno);
	EXPECT_EQ(0750, permission_bits(DIR_A "/dir"));
	ASSERT_EQ(0, stat(DIR_A, &st));
	EXPECT_EQ(3, st.st_nlink);
	ASSERT_EQ(0, make_file(DIR_A "/dir/file", self->page, 1));
	EXPECT_EQ(-1, rmdir(DIR_A "/dir"));
	EXPECT_EQ(ENOTEMPTY, errno);
	EXPECT_EQ(-1, unlink(DIR_A "/dir"));
	EXPECT_EQ(EISDIR, errno);
	EXPECT_EQ(-1, rmdir(DIR_A "/dir/file"));
	EXPECT_EQ(ENOTDIR, errno);
	ASSERT_EQ(0, unlink(DIR_A "/dir/file"));
	EXPECT_EQ(0, used());
	ASSERT_EQ(0, rmdir(DIR_A "/dir"));
	ASSERT_EQ(0, stat(DIR_A, &st));
	EXPECT_EQ(2, st.st_nlink);
	/* Directories take no memory of the pool. */
	EXPECT_EQ(0, used());
	EXPECT_EQ(0, regions());
}

/* A group that a directory hands down. */
TEST_F(mount, set_gid_of_a_directory)
{
	struct stat st;

	ASSERT_EQ(0, mkdir(DIR_A "/dir", 0755));
	ASSERT_EQ(0, chown(DIR_A "/dir", 0, GID_POOL));
	ASSERT_EQ(0, chmod(DIR_A "/dir", 02775));
	ASSERT_EQ(0, make_file(DIR_A "/dir/file", self->page, 1));
	ASSERT_EQ(0, mkdir(DIR_A "/dir/dir", 0755));
	ASSERT_EQ(0, stat(DIR_A "/dir/file", &st));
	EXPECT_EQ(GID_POOL, st.st_gid);
	ASSERT_EQ(0, stat(DIR_A "/dir/dir", &st));
	EXPECT_EQ(GID_POOL, st.st_gid);
	EXPECT_EQ(02755, st.st_mode & 07777);
}

static int rename_at(const char *from, const char *to, unsigned int flags)
{
	return syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags) ?
	       -errno : 0;
}

TEST_F(mount, rename)
{
	ASSERT_EQ(0, make_file(DIR_A "/a", self->page, 1));
	ASSERT_EQ(0, make_file(DIR_A "/b", 2 * self->page, 2));
	ASSERT_EQ(0, mkdir(DIR_A "/dir", 0755));
	EXPECT_EQ(-EEXIST, rename_at(DIR_A "/a", DIR_A "/b", RENAME_NOREPLACE));
	EXPECT_EQ(3 * self->page, used());
	EXPECT_EQ(0, rename_at(DIR_A "/a", DIR_A "/dir/c", RENAME_NOREPLACE));
	EXPECT_TRUE(has_pattern(DIR_A "/dir/c", self->page, 1));
	/* The file that is replaced gives its memory back. */
	EXPECT_EQ(0, rename_at(DIR_A "/dir/c", DIR_A "/b", 0));
	EXPECT_TRUE(has_pattern(DIR_A "/b", self->page, 1));
	EXPECT_EQ(-ENOENT, open_at(DIR_A "/dir/c", O_RDONLY));
	EXPECT_EQ(self->page, used());
	EXPECT_EQ(1, regions());
	EXPECT_EQ(-EISDIR, rename_at(DIR_A "/b", DIR_A "/dir", 0));
	EXPECT_EQ(-ENOTDIR, rename_at(DIR_A "/dir", DIR_A "/b", 0));
	ASSERT_EQ(0, mkdir(DIR_A "/full", 0755));
	ASSERT_EQ(0, make_file(DIR_A "/full/a", self->page, 3));
	EXPECT_EQ(-ENOTEMPTY, rename_at(DIR_A "/dir", DIR_A "/full", 0));
	EXPECT_EQ(0, rename_at(DIR_A "/full", DIR_A "/dir", 0));
	EXPECT_TRUE(has_pattern(DIR_A "/dir/a", self->page, 3));
	EXPECT_EQ(-EINVAL, rename_at(DIR_A "/dir", DIR_A "/dir/dir", 0));
}

/* A file that is replaced while it is open lives on without a name. */
TEST_F(mount, rename_over_an_open_file)
{
	int fd;

	ASSERT_EQ(0, make_file(DIR_A "/a", self->page, 1));
	ASSERT_EQ(0, make_file(DIR_A "/b", self->page, 2));
	fd = open_at(DIR_A "/b", O_RDWR);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, rename_at(DIR_A "/a", DIR_A "/b", 0));
	EXPECT_TRUE(vp_file_is_filled(fd, 0, self->page, 2));
	EXPECT_EQ(2 * self->page, used());
	close(fd);
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/used_bytes", self->page));
}

TEST_F(mount, nothing_crosses_filesystems)
{
	ASSERT_EQ(0, make_pool(self->ctl, OTHER, self->page, self->page));
	ASSERT_EQ(0, make_file(DIR_A "/a", self->page, 1));
	ASSERT_EQ(0, vp_mount(DIR_B, OTHER, NULL));
	EXPECT_EQ(-EXDEV, rename_at(DIR_A "/a", DIR_B "/a", 0));
	EXPECT_EQ(-1, link(DIR_A "/a", DIR_B "/a"));
	EXPECT_EQ(EXDEV, errno);
	ASSERT_EQ(0, vp_umount(DIR_B, 0));
	/* Nor between two mounts of one pool. */
	ASSERT_EQ(0, vp_mount(DIR_B, POOL, NULL));
	EXPECT_EQ(-EXDEV, rename_at(DIR_A "/a", DIR_B "/a", 0));
	EXPECT_TRUE(has_pattern(DIR_A "/a", self->page, 1));
}

TEST_F(mount, links)
{
	struct stat st;

	ASSERT_EQ(0, make_file(DIR_A "/a", self->page, 1));
	ASSERT_EQ(0, link(DIR_A "/a", DIR_A "/b"));
	ASSERT_EQ(0, stat(DIR_A "/b", &st));
	EXPECT_EQ(2, st.st_nlink);
	EXPECT_EQ(1, regions());
	EXPECT_EQ(-1, link(DIR_A "/a", DIR_A "/b"));
	EXPECT_EQ(EEXIST, errno);
	ASSERT_EQ(0, unlink(DIR_A "/a"));
	EXPECT_TRUE(has_pattern(DIR_A "/b", self->page, 1));
	ASSERT_EQ(0, stat(DIR_A "/b", &st));
	EXPECT_EQ(1, st.st_nlink);
	ASSERT_EQ(0, unlink(DIR_A "/b"));
	EXPECT_EQ(0, used());
	EXPECT_EQ(0, regions());
}

TEST_F(mount, unlink_of_an_open_and_mapped_file)
{
	char path[64], link[128] = "", *addr;
	int fd;

	ASSERT_EQ(0, make_file(DIR_A "/a", 2 * self->page, 1));
	fd = open_at(DIR_A "/a", O_RDWR);
	addr = vp_map(fd, 2 * self->page, 0);
	ASSERT_NE(MAP_FAILED, addr);
	ASSERT_EQ(0, unlink(DIR_A "/a"));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	EXPECT_LT(0, readlink(path, link, sizeof(link) - 1));
	EXPECT_STREQ(DIR_A "/a (deleted)", link);
	EXPECT_EQ(0, vp_truncate(fd, 3 * self->page));
	EXPECT_EQ(3 * self->page, used());
	close(fd);
	EXPECT_TRUE(vp_is_filled(addr, 2 * self->page, 1));
	EXPECT_EQ(3 * self->page, used());
	/* The name can be used again at once. */
	ASSERT_EQ(0, make_file(DIR_A "/a", self->page, 2));
	munmap(addr, 2 * self->page);
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/used_bytes", self->page));
	EXPECT_TRUE(has_pattern(DIR_A "/a", self->page, 2));
}

TEST_F(mount, special_files_are_refused)
{
	EXPECT_EQ(-1, mknod(DIR_A "/c", S_IFCHR | 0600, makedev(1, 3)));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(-1, mknod(DIR_A "/b", S_IFBLK | 0600, makedev(7, 0)));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(-1, mkfifo(DIR_A "/p", 0600));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(-1, symlink("/etc/passwd", DIR_A "/s"));
	EXPECT_EQ(EPERM, errno);
	/* A regular file can be made by mknod(2). */
	EXPECT_EQ(0, mknod(DIR_A "/f", S_IFREG | 0640, 0));
	EXPECT_EQ(0640, permission_bits(DIR_A "/f"));
	EXPECT_EQ(1, regions());
}

static int execute(void *arg)
{
	execl(DIR_A "/true", "true", NULL);
	return errno;
}

TEST_F(mount, nothing_can_be_executed)
{
	static const char script[] = "#!/bin/sh\nexit 0\n";
	int fd = open_at(DIR_A "/true", O_CREAT | O_RDWR);

	ASSERT_LE(0, fd);
	ASSERT_EQ(sizeof(script) - 1, write(fd, script, sizeof(script) - 1));
	ASSERT_EQ(0, fchmod(fd, 0755));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, self->page, PROT_READ | PROT_EXEC,
				   MAP_SHARED, fd, 0));
	EXPECT_EQ(EPERM, errno);
	close(fd);
	EXPECT_EQ(EACCES, vp_in_child(execute, NULL));
}

TEST_F(mount, owner_mode_and_times)
{
	const struct timespec times[2] = { { 1000, 1 }, { 2000, 2 } };
	struct stat st;

	ASSERT_EQ(0, make_file(DIR_A "/a", self->page, 1));
	ASSERT_EQ(0, chmod(DIR_A "/a", 0644));
	ASSERT_EQ(0, chown(DIR_A "/a", 5, 7));
	ASSERT_EQ(0, utimensat(AT_FDCWD, DIR_A "/a", times, 0));
	ASSERT_EQ(0, stat(DIR_A "/a", &st));
	EXPECT_EQ(0644, st.st_mode & 07777);
	EXPECT_EQ(5, st.st_uid);
	EXPECT_EQ(7, st.st_gid);
	EXPECT_EQ(1000, st.st_atime);
	EXPECT_EQ(2000, st.st_mtime);
	EXPECT_EQ(2, st.st_mtim.tv_nsec);
	EXPECT_LT(2000, st.st_ctime);
	/* The root directory changes, too, when it gets an entry. */
	ASSERT_EQ(0, chmod(DIR_A, 0711));
	EXPECT_EQ(0711, permission_bits(DIR_A));
	ASSERT_EQ(0, utimensat(AT_FDCWD, DIR_A, times, 0));
	ASSERT_EQ(0, make_file(DIR_A "/b", self->page, 1));
	ASSERT_EQ(0, stat(DIR_A, &st));
	EXPECT_LT(2000, st.st_mtime);
}

static void become(uid_t uid, gid_t gid)
{
	if (setgroups(0, NULL) || setresgid(gid, gid, gid) ||
	    setresuid(uid, uid, uid))
		_exit(255);
}

/* The owner of the pool can use its filesystem, and owns what it creates there. */
static int act_as_owner(void *arg)
{
	struct stat st;

	become(UID_OWNER, UID_OWNER);
	if (make_file(DIR_A "/own", BASE, 1) || stat(DIR_A "/own", &st))
		return 1;
	if (st.st_uid != UID_OWNER || st.st_gid != UID_OWNER)
		return 2;
	if (open_at(DIR_A "/roots", O_RDONLY) != -EACCES)
		return 3;
	if (chown(DIR_A "/own", UID_STRANGER, -1) != -1 || errno != EPERM)
		return 4;
	if (chmod(DIR_A "/roots", 0666) != -1 || errno != EPERM)
		return 5;
	/* It owns the directory, so it can remove what others put there. */
	return unlink(DIR_A "/roots") ? 6 : 0;
}

static int act_as_group(void *arg)
{
	become(UID_STRANGER, GID_POOL);
	if (make_file(DIR_A "/groups", BASE, 1))
		return 1;
	return open_at(DIR_A "/own", O_RDONLY) != -EACCES;
}

static int act_as_stranger(void *arg)
{
	become(UID_STRANGER, UID_STRANGER);
	if (open_at(DIR_A "/new", O_CREAT | O_RDWR) != -EACCES)
		return 1;
	if (open_at(DIR_A "/own", O_RDONLY) != -EACCES)
		return 2;
	return open_at(DIR_A, O_RDONLY) != -EACCES;
}

TEST_F(mount, permissions)
{
	ASSERT_EQ(0, make_file(DIR_A "/roots", BASE, 1));
	EXPECT_EQ(0, vp_in_child(act_as_owner, NULL));
	EXPECT_EQ(0, vp_in_child(act_as_group, NULL));
	EXPECT_EQ(0, vp_in_child(act_as_stranger, NULL));
}

/* A stranger gets a directory of its own, and cannot reach others. */
static int act_in_sticky_dir(void *arg)
{
	become(UID_STRANGER, UID_STRANGER);
	if (make_file(DIR_B "/mine", BASE, 1))
		return 1;
	if (unlink(DIR_B "/roots") != -1 || errno != EPERM)
		return 2;
	return unlink(DIR_B "/mine") ? 3 : 0;
}

TEST_F(mount, sticky_directory)
{
	ASSERT_EQ(0, vp_mount(DIR_B, POOL, "mode=1777,uid=0"));
	ASSERT_EQ(0, make_file(DIR_B "/roots", BASE, 1));
	EXPECT_EQ(0, vp_in_child(act_in_sticky_dir, NULL));
}

/* getdents(2). */

static int count_entries(const char *dir, const char *prefix)
{
	DIR *stream = opendir(dir);
	struct dirent *entry;
	int nr = 0;

	if (!stream)
		return -errno;
	while ((entry = readdir(stream)))
		if (!strncmp(entry->d_name, prefix, strlen(prefix))) {
			nr++;
			if (entry->d_type != DT_REG && entry->d_type != DT_DIR)
				nr += 10000;
		}
	closedir(stream);
	return nr;
}

TEST_F(mount, lists_of_names)
{
	int nr = vp_scale(3000), i, fd, left = 0;
	char name[64];
	DIR *stream;

	EXPECT_EQ(2, count_entries(DIR_A, "."));
	for (i = 0; i < nr; i++) {
		snprintf(name, sizeof(name), "file-%d", i);
		fd = vp_create_at(DIR_A, name);
		ASSERT_LE(0, fd);
		close(fd);
	}
	ASSERT_EQ(0, mkdir(DIR_A "/file-dir", 0755));
	EXPECT_EQ(nr + 1, count_entries(DIR_A, "file-"));
	EXPECT_EQ(nr, regions());
	/* Each name is found once, although every second one is removed in between. */
	stream = opendir(DIR_A);
	ASSERT_NE(NULL, stream);
	for (i = 0; i < nr; i += 2) {
		snprintf(name, sizeof(name), DIR_A "/file-%d", i);
		ASSERT_EQ(0, unlink(name));
		if (i == nr / 2)
			readdir(stream);
	}
	closedir(stream);
	for (i = 0; i < nr; i++) {
		snprintf(name, sizeof(name), DIR_A "/file-%d", i);
		left += !access(name, F_OK);
	}
	EXPECT_EQ(nr / 2, left);
	EXPECT_EQ(nr / 2 + 1, count_entries(DIR_A, "file-"));
	EXPECT_EQ(nr / 2, regions());
}

/* Limits. */

TEST_F(mount, number_of_files)
{
	struct statfs fs;
	int fd, i;
	char name[32];

	ASSERT_EQ(0, vp_write_file(MAX_REGIONS, "4"));
	ASSERT_EQ(0, statfs(DIR_A, &fs));
	EXPECT_EQ(4, fs.f_files);
	for (i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "file-%d", i);
		fd = vp_create_at(DIR_A, name);
		ASSERT_LE(0, fd);
		close(fd);
	}
	ASSERT_EQ(0, statfs(DIR_A, &fs));
	EXPECT_EQ(0, fs.f_ffree);
	EXPECT_EQ(-ENOSPC, vp_create_at(DIR_A, "more"));
	EXPECT_EQ(-ENOSPC, open_at(DIR_A, O_TMPFILE | O_RDWR));
	EXPECT_EQ(-1, mknod(DIR_A "/more", S_IFREG | 0600, 0));
	EXPECT_EQ(ENOSPC, errno);
	EXPECT_EQ(-ENOENT, open_at(DIR_A "/more", O_RDONLY));
	EXPECT_LT(0, vp_sysfs_u64(POOL, "stat/limited"));
	/* A link needs no further region, and a removed file makes room for one. */
	EXPECT_EQ(0, link(DIR_A "/file-0", DIR_A "/link"));
	EXPECT_EQ(0, unlink(DIR_A "/link"));
	EXPECT_EQ(-ENOSPC, vp_create_at(DIR_A, "more"));
	EXPECT_EQ(0, unlink(DIR_A "/file-0"));
	EXPECT_LE(0, vp_create_at(DIR_A, "more"));
	EXPECT_EQ(-ENOSPC, vp_create_at(DIR_A, "again"));
}

/* Directories are bounded, too. */
TEST_F(mount, number_of_directories)
{
	int i, nr = 0;
	char name[64];

	ASSERT_EQ(0, vp_write_file(MAX_REGIONS, "8"));
	for (i = 0; i < 32; i++) {
		snprintf(name, sizeof(name), DIR_A "/dir-%d", i);
		if (mkdir(name, 0755)) {
			EXPECT_EQ(ENOSPC, errno);
			break;
		}
		nr++;
	}
	EXPECT_GE(8, nr);
	EXPECT_LE(1, nr);
	EXPECT_EQ(0, rmdir(DIR_A "/dir-0"));
	EXPECT_EQ(0, mkdir(DIR_A "/dir-0", 0755));
	EXPECT_EQ(-1, mkdir(DIR_A "/more", 0755));
	EXPECT_EQ(ENOSPC, errno);
}

TEST_F(mount, pool_is_full)
{
	int fd, second;
	char *addr;

	ASSERT_EQ(0, make_file(DIR_A "/a", self->pool - self->page, 1));
	fd = vp_create_at(DIR_A, "b");
	ASSERT_LE(0, fd);
	EXPECT_EQ(-ENOSPC, vp_truncate(fd, 2 * self->page));
	EXPECT_EQ(-1, truncate(DIR_A "/b", 2 * self->page));
	EXPECT_EQ(ENOSPC, errno);
	EXPECT_EQ(-ENOSPC, vp_allocate(fd, 0, 0, 2 * self->page));
	EXPECT_EQ(self->pool - self->page, used());
	EXPECT_EQ(1, vp_pwrite(fd, "x", 1, self->page));
	EXPECT_EQ(-ENOSPC, vp_pwrite(fd, "x", 1, 0));
	/* A file can be created and mapped, but it has no memory. */
	second = vp_create_at(DIR_A, "c");
	EXPECT_LE(0, second);
	EXPECT_EQ(-ENOSPC, vp_truncate(second, 1));
	addr = vp_map(fd, 2 * self->page, 0);
	ASSERT_NE(MAP_FAILED, addr);
	EXPECT_EQ(SIGBUS, vp_touch(addr, true));
	EXPECT_EQ(0, vp_touch(addr + self->page, true));
	ASSERT_EQ(0, unlink(DIR_A "/a"));
	EXPECT_EQ(0, vp_touch(addr, true));
	EXPECT_EQ(2 * self->page, used());
}

/* Programs. */

/*
 * What programs do to a file of huge pages before they map it, and what copies into it
 * and out of it do.
 */
TEST_F(mount, steps_of_programs)
{
	__u64 bytes = 4 * self->page;
	char *addr, *again, path[64], data[4096];
	struct stat st;
	int fd, other;

	memset(data, 'd', sizeof(data));
	fd = open_at(DIR_A "/heap", O_RDWR | O_CREAT);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, vp_truncate(fd, bytes));
	ASSERT_EQ(0, vp_allocate(fd, 0, 0, bytes));
	ASSERT_EQ(0, posix_fallocate(fd, 0, bytes));
	addr = vp_map(fd, bytes, 0);
	ASSERT_NE(MAP_FAILED, addr);
	addr[5] = 42;
	EXPECT_EQ(0, msync(addr, bytes, MS_SYNC));
	EXPECT_EQ(0, msync(addr, bytes, MS_ASYNC));
	EXPECT_EQ(0, fsync(fd));
	EXPECT_EQ(sizeof(data), vp_pwrite(fd, data, sizeof(data), BASE));
	EXPECT_EQ(sizeof(data), vp_pread(fd, data, sizeof(data), 0));
	EXPECT_EQ(42, data[5]);
	ASSERT_EQ(0, fstat(fd, &st));
	EXPECT_EQ(bytes, st.st_size);
	EXPECT_EQ(self->page, st.st_blksize);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	other = open_at(path, O_RDWR);
	again = vp_map(other, bytes, 0);
	ASSERT_NE(MAP_FAILED, again);
	EXPECT_EQ(42, again[5]);
	EXPECT_EQ(bytes, used());
	EXPECT_EQ(0, unlink(DIR_A "/heap"));
}

/* A JVM's heap: a file that loses its name before it gets its size. */
TEST_F(mount, steps_of_a_heap_in_a_directory)
{
	char path[] = DIR_A "/jvmheap.XXXXXX", *addr;
	__u64 bytes = 4 * self->page, huge = 0;
	int fd = mkstemp(path);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, unlink(path));
	ASSERT_EQ(0, posix_fallocate(fd, 0, bytes));
	addr = mmap(NULL, 2 * bytes, PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	ASSERT_NE(MAP_FAILED, addr);
	addr += -(unsigned long)addr % self->page;
	ASSERT_EQ(addr, mmap(addr, bytes, PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_NORESERVE | MAP_FIXED, fd, 0));
	close(fd);
	vp_fill(addr, bytes, 1);
	EXPECT_EQ(bytes, used());
	if (self->page > BASE && vp_mapping_size() >= self->page) {
		ASSERT_EQ(0, vp_smaps(addr, "FilePmdMapped", &huge));
		EXPECT_EQ(bytes, huge);
	}
	munmap(addr, bytes);
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/used_bytes", 0));
}

static int use_memory_file(void *arg)
{
	__u64 bytes = *(__u64 *)arg;
	int fd = open_at(DIR_A "/guest", O_RDWR);
	char *addr = vp_map(fd, bytes, 0);

	if (addr == MAP_FAILED || !vp_is_filled(addr, bytes, 1))
		return 1;
	vp_fill(addr, bytes, 2);
	return 0;
}

/* A guest's memory in a named file: a second QEMU finds it, without a copy. */
TEST_F(mount, steps_of_a_restarted_guest)
{
	__u64 bytes = 4 * self->page;

	ASSERT_EQ(0, make_file(DIR_A "/guest", bytes, 1));
	EXPECT_EQ(0, vp_in_child(use_memory_file, &bytes));
	EXPECT_TRUE(has_pattern(DIR_A "/guest", bytes, 2));
	EXPECT_EQ(bytes, used());
}

/* Mounts. */

TEST_F(mount, two_mounts_share_memory_not_names)
{
	struct statfs fs;

	ASSERT_EQ(0, vp_mount(DIR_B, POOL, NULL));
	EXPECT_EQ(2, vp_sysfs_u64(POOL, "mounts"));
	ASSERT_EQ(0, make_file(DIR_A "/file", 2 * self->page, 1));
	EXPECT_EQ(-ENOENT, open_at(DIR_B "/file", O_RDONLY));
	ASSERT_EQ(0, make_file(DIR_B "/file", self->page, 2));
	EXPECT_TRUE(has_pattern(DIR_A "/file", 2 * self->page, 1));
	ASSERT_EQ(0, statfs(DIR_B, &fs));
	EXPECT_EQ(self->pool / self->page - 3, fs.f_bfree);
	EXPECT_EQ(3 * self->page, used());
	EXPECT_EQ(2, regions());
	ASSERT_EQ(0, vp_umount(DIR_B, 0));
	EXPECT_TRUE(vp_sysfs_wait(POOL, "mounts", 1));
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/used_bytes", 2 * self->page));
	EXPECT_TRUE(has_pattern(DIR_A "/file", 2 * self->page, 1));
}

/* A bind mount shows the same filesystem. */
TEST_F(mount, bind_mount)
{
	ASSERT_EQ(0, make_file(DIR_A "/file", self->page, 1));
	ASSERT_EQ(0, mount(DIR_A, DIR_B, NULL, MS_BIND, NULL));
	EXPECT_TRUE(has_pattern(DIR_B "/file", self->page, 1));
	EXPECT_EQ(1, vp_sysfs_u64(POOL, "mounts"));
	ASSERT_EQ(0, vp_umount(DIR_A, 0));
	EXPECT_TRUE(has_pattern(DIR_B "/file", self->page, 1));
	EXPECT_EQ(-EBUSY, vp_destroy(self->ctl, POOL, 0));
	ASSERT_EQ(0, vp_umount(DIR_B, 0));
	EXPECT_EQ(0, vp_destroy_wait(self->ctl, POOL));
}

TEST_F(mount, unmount_frees_the_files)
{
	ASSERT_EQ(0, mkdir(DIR_A "/dir", 0755));
	ASSERT_EQ(0, make_file(DIR_A "/dir/a", self->page, 1));
	ASSERT_EQ(0, make_file(DIR_A "/b", self->page, 2));
	ASSERT_EQ(0, vp_umount(DIR_A, 0));
	EXPECT_TRUE(vp_wait_idle(POOL));
	EXPECT_TRUE(vp_sysfs_wait(POOL, "mounts", 0));
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/clean_bytes", self->pool));
	EXPECT_EQ(0, vp_destroy_wait(self->ctl, POOL));
}

TEST_F(mount, busy_filesystem_stays_mounted)
{
	char *addr;
	int fd;

	ASSERT_EQ(0, make_file(DIR_A "/a", self->page, 1));
	fd = open_at(DIR_A "/a", O_RDWR);
	EXPECT_EQ(-EBUSY, vp_umount(DIR_A, 0));
	addr = vp_map(fd, self->page, 0);
	ASSERT_NE(MAP_FAILED, addr);
	close(fd);
	EXPECT_EQ(-EBUSY, vp_umount(DIR_A, 0));
	EXPECT_TRUE(vp_is_filled(addr, self->page, 1));
	munmap(addr, self->page);
	ASSERT_EQ(0, chdir(DIR_A));
	EXPECT_EQ(-EBUSY, vp_umount(DIR_A, 0));
	ASSERT_EQ(0, chdir("/"));
	EXPECT_EQ(0, vp_umount(DIR_A, 0));
}

/* A lazy unmount leaves open files and mappings alone. */
TEST_F(mount, lazy_unmount)
{
	__u64 bytes = 2 * self->page;
	char *addr;
	int fd;

	ASSERT_EQ(0, make_file(DIR_A "/a", bytes, 1));
	ASSERT_EQ(0, make_file(DIR_A "/b", self->page, 2));
	fd = open_at(DIR_A "/a", O_RDWR);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, vp_umount(DIR_A, MNT_DETACH));
	EXPECT_EQ(-ENOENT, open_at(DIR_A "/a", O_RDWR));
	EXPECT_EQ(-EBUSY, vp_destroy(self->ctl, POOL, 0));
	EXPECT_TRUE(vp_file_is_filled(fd, 0, bytes, 1));
	EXPECT_EQ(bytes + self->page, used());
	addr = vp_map(fd, bytes, 0);
	ASSERT_NE(MAP_FAILED, addr);
	close(fd);
	EXPECT_TRUE(vp_is_filled(addr, bytes, 1));
	EXPECT_EQ(-EBUSY, vp_destroy(self->ctl, POOL, 0));
	EXPECT_EQ(1, vp_sysfs_u64(POOL, "mounts"));
	munmap(addr, bytes);
	EXPECT_TRUE(vp_sysfs_wait(POOL, "mounts", 0));
	EXPECT_TRUE(vp_wait_idle(POOL));
	EXPECT_EQ(0, vp_destroy_wait(self->ctl, POOL));
}

/* Destruction. */

TEST_F(mount, destroy_is_refused)
{
	EXPECT_EQ(-EBUSY, vp_destroy(self->ctl, POOL, 0));
	EXPECT_EQ(VPOOL_CODE_POOL_MOUNTED, vp_code(self->ctl));
	ASSERT_EQ(0, make_file(DIR_A "/a", self->page, 1));
	EXPECT_EQ(-EBUSY, vp_destroy(self->ctl, POOL, 0));
	EXPECT_TRUE(has_pattern(DIR_A "/a", self->page, 1));
	ASSERT_EQ(0, vp_umount(DIR_A, 0));
	EXPECT_EQ(0, vp_destroy_wait(self->ctl, POOL));
}

TEST_F(mount, forced_destroy_revokes)
{
	__u64 bytes = 2 * self->page, host;
	struct statfs fs;
	char *addr, byte;
	int fd;

	ASSERT_EQ(0, make_file(DIR_A "/a", bytes, 1));
	ASSERT_EQ(0, make_file(DIR_A "/b", self->page, 2));
	ASSERT_EQ(0, mkdir(DIR_A "/dir", 0755));
	fd = open_at(DIR_A "/a", O_RDWR);
	addr = vp_map(fd, bytes, 0);
	ASSERT_NE(MAP_FAILED, addr);
	EXPECT_TRUE(vp_is_filled(addr, bytes, 1));
	host = vp_host_free();
	ASSERT_EQ(0, vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE));
	EXPECT_FALSE(vp_exists(POOL));
	if (self->page > BASE)
		EXPECT_TRUE(vp_wait_host_free(host + self->pool / 4 * 3));
	EXPECT_EQ(SIGBUS, vp_touch(addr, true));
	EXPECT_EQ(-EIO, vp_pread(fd, &byte, 1, 0));
	EXPECT_EQ(-EIO, vp_pwrite(fd, &byte, 1, 0));
	EXPECT_EQ(-EIO, vp_truncate(fd, self->page));
	EXPECT_EQ(-1, truncate(DIR_A "/b", 2 * self->page));
	EXPECT_EQ(EIO, errno);
	EXPECT_EQ(-EIO, vp_create_at(DIR_A, "new"));
	EXPECT_EQ(-EIO, open_at(DIR_A, O_TMPFILE | O_RDWR));
	EXPECT_EQ(-1, mkdir(DIR_A "/new", 0755));
	EXPECT_EQ(EIO, errno);
	ASSERT_EQ(0, statfs(DIR_A, &fs));
	EXPECT_EQ(0, fs.f_blocks);
	EXPECT_EQ(0, fs.f_bfree);
	EXPECT_EQ(0, fs.f_bavail);
	/* Names can be listed and removed. */
	EXPECT_EQ(2, count_entries(DIR_A, ".") - 0);
	EXPECT_EQ(0, unlink(DIR_A "/b"));
	EXPECT_EQ(0, rmdir(DIR_A "/dir"));
	EXPECT_EQ(-EBUSY, vp_umount(DIR_A, 0));
	munmap(addr, bytes);
	close(fd);
	EXPECT_EQ(0, vp_umount(DIR_A, 0));
}

/* The old filesystem shows nothing of a new pool with the same name. */
TEST_F(mount, forced_destroy_frees_the_name)
{
	char text[512];

	ASSERT_EQ(0, make_file(DIR_A "/a", self->page, 1));
	ASSERT_EQ(0, vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE));
	ASSERT_EQ(0, make_pool(self->ctl, POOL, self->pool, self->page));
	EXPECT_EQ(0, vp_sysfs_u64(POOL, "mounts"));
	ASSERT_EQ(0, vp_mount(DIR_B, POOL, NULL));
	ASSERT_EQ(0, make_file(DIR_B "/a", self->page, 2));
	EXPECT_EQ(-EIO, vp_create_at(DIR_A, "new"));
	EXPECT_FALSE(has_pattern(DIR_A "/a", self->page, 2));
	EXPECT_EQ(0, shown_options(DIR_A, text, sizeof(text)));
	EXPECT_EQ(-EXDEV, rename_at(DIR_A "/a", DIR_B "/b", 0));
	ASSERT_EQ(0, vp_umount(DIR_A, 0));
	EXPECT_EQ(1, vp_sysfs_u64(POOL, "mounts"));
	EXPECT_TRUE(has_pattern(DIR_B "/a", self->page, 2));
	EXPECT_EQ(self->page, used());
}

/* An ephemeral pool lasts as long as it is mounted. */
TEST_F(mount, ephemeral_pool)
{
	__u64 end = vp_now_ms() + VP_WAIT_MS;
	struct vp_request req;
	int ctl = vp_control();

	vp_request_init(&req, OTHER);
	req.create.page_size = self->page;
	req.create.flags = VPOOL_CREATE_EPHEMERAL;
	vp_request_mem(&req, 4 * self->page, VPOOL_ANY_NODE);
	ASSERT_EQ(0, vp_request_send(ctl, &req));
	ASSERT_EQ(0, vp_mount(DIR_B, OTHER, NULL));
	close(ctl);
	ASSERT_EQ(0, make_file(DIR_B "/a", self->page, 1));
	vp_sleep_ms(100);
	EXPECT_TRUE(vp_exists(OTHER));
	EXPECT_TRUE(has_pattern(DIR_B "/a", self->page, 1));
	ASSERT_EQ(0, vp_umount(DIR_B, 0));
	while (vp_exists(OTHER) && vp_now_ms() < end)
		vp_sleep_ms(5);
	EXPECT_FALSE(vp_exists(OTHER));
}

/*
 * Errors that mount(2) may get while its pool appears and disappears. EIO means that the
 * pool was destroyed before the filesystem had its root.
 */
static bool is_race_error(int err)
{
	return !err || err == -ENOENT || err == -EBUSY || err == -EIO;
}

struct race {
	atomic_bool stop;
	int mounted;
	int refused;
	int unexpected;
};

static void *mount_repeatedly(void *arg)
{
	struct race *race = arg;
	int err;

	while (!race->stop) {
		err = vp_mount(DIR_B, OTHER, NULL);
		if (!is_race_error(err))
			race->unexpected = err;
		race->mounted += !err;
		race->refused += !!err;
		if (err)
			continue;
		close(vp_create_at(DIR_B, "file"));
		truncate(DIR_B "/file", BASE);
		umount2(DIR_B, MNT_DETACH);
	}
	return NULL;
}

/* One task mounts a pool while another creates and destroys it. */
TEST_F(mount, races_with_destroy)
{
	const __u64 slack = 32 * MIB;
	__u64 before = vp_host_free(), end = vp_now_ms() + 5000;
	struct race race = {};
	pthread_t thread;
	int created = 0;

	ASSERT_EQ(0, pthread_create(&thread, NULL, mount_repeatedly, &race));
	while (vp_now_ms() < end || (!race.mounted && created < 2000)) {
		ASSERT_EQ(0, make_pool(self->ctl, OTHER, 4 * self->page,
				       self->page));
		if (created++ % 2)
			vp_sleep_ms(created % 16);
		ASSERT_EQ(0, vp_destroy(self->ctl, OTHER, VPOOL_DESTROY_FORCE));
	}
	race.stop = true;
	pthread_join(thread, NULL);
	TH_LOG("%d pools, %d mounts, %d refused", created, race.mounted,
	       race.refused);
	EXPECT_LT(0, race.mounted);
	EXPECT_EQ(0, race.unexpected);
	EXPECT_FALSE(vp_exists(OTHER));
	EXPECT_TRUE(vp_wait_host_free(before - slack));
	EXPECT_EQ(1, vp_sysfs_u64(POOL, "mounts"));
}

TEST_HARNESS_MAIN
