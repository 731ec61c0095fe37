// SPDX-License-Identifier: GPL-2.0
/*
 * Unloading fails while a pool is in use, and otherwise frees everything. The tests
 * load the module again from the file that VPOOL_KO names.
 */
#include <fcntl.h>
#include <linux/vpool.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "kselftest_harness.h"
#include "lib/file.h"
#include "lib/fs.h"
#include "lib/host.h"
#include "lib/memory.h"
#include "lib/pool.h"
#include "lib/task.h"

#define POOL "unload-pool"
/* A directory for a mount, which is unmounted at the end. */
#define MOUNT "/tmp/vpool-unload"
#define BYTES (128 * MIB)
/* Actions of klogctl(3): read all messages, and the size of the buffer. */
#define SYSLOG_READ_ALL 3
#define SYSLOG_SIZE 10
/* An address where nothing is mapped. */
#define SLOW_AT ((char *)0x700000000000)

static bool is_loaded(void)
{
	return !access("/sys/module/vpool", F_OK);
}

FIXTURE(unload)
{
	int fd;
};

/* Create a pool. Do not keep the control device open. */
static int make_pool(void)
{
	int ctl = vp_control(), err;

	if (ctl < 0)
		return ctl;
	vp_destroy(ctl, POOL, VPOOL_DESTROY_FORCE);
	err = vp_create(ctl, POOL, BYTES, 0, "1");
	close(ctl);
	return err;
}

FIXTURE_SETUP(unload)
{
	if (!getenv("VPOOL_KO"))
		SKIP(return, "VPOOL_KO names no module to load again");
	if (vp_lacks_cpus())
		SKIP(return, "%s", vp_lacks_cpus());
	if (!is_loaded())
		ASSERT_EQ(0, vp_load());
	ASSERT_EQ(0, make_pool());
	self->fd = vp_open(POOL);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(unload)
{
	int ctl;

	umount2(MOUNT, MNT_DETACH);
	if (!is_loaded())
		EXPECT_EQ(0, vp_load());
	ctl = vp_control();
	vp_destroy(ctl, POOL, VPOOL_DESTROY_FORCE);
	close(ctl);
}

/*
 * Check that nothing uses the module any more. The debug kernel delays the release of each
 * kobject by seconds (DEBUG_KOBJECT_RELEASE): there, the tests below only check the number
 * of references, and the tests at the end unload.
 */
static bool is_unused(void)
{
	__u64 end = vp_now_ms() + 10000;
	char text[32];

	if (!vp_is_debug())
		return !vp_unload_wait(10);
	do {
		if (vp_read_file("/sys/module/vpool/refcnt", text, sizeof(text)) < 0)
			return false;
	} while (strtol(text, NULL, 10) && vp_now_ms() < end);
	return !strtol(text, NULL, 10);
}

TEST_F(unload, refused_while_open)
{
	EXPECT_EQ(-EWOULDBLOCK, vp_unload());
	EXPECT_TRUE(vp_exists(POOL));
	close(self->fd);
	EXPECT_TRUE(is_unused());
}

TEST_F(unload, refused_while_mapped)
{
	char *addr = vp_map(self->fd, HUGE_SIZE, 0);

	ASSERT_NE(MAP_FAILED, addr);
	close(self->fd);
	EXPECT_EQ(-EWOULDBLOCK, vp_unload());
	EXPECT_EQ(0, vp_touch(addr, true));
	munmap(addr, HUGE_SIZE);
	EXPECT_TRUE(is_unused());
}

TEST_F(unload, refused_with_members)
{
	ASSERT_EQ(0, vp_attach(self->fd, 0));
	close(self->fd);
	ASSERT_TRUE(vp_sysfs_wait(POOL, "memory/regions", 0));
	EXPECT_EQ(-EWOULDBLOCK, vp_unload());
	self->fd = vp_open(POOL);
	ASSERT_LE(0, self->fd);
	EXPECT_EQ(0, vp_detach(self->fd, 0));
	close(self->fd);
	EXPECT_TRUE(is_unused());
}

TEST_F(unload, refused_while_control_is_open)
{
	int ctl = vp_control();

	ASSERT_LE(0, ctl);
	close(self->fd);
	ASSERT_TRUE(vp_sysfs_wait(POOL, "memory/regions", 0));
	EXPECT_EQ(-EWOULDBLOCK, vp_unload());
	close(ctl);
	EXPECT_TRUE(is_unused());
}

/* A revoked descriptor is still open, so the module is still in use. */
TEST_F(unload, refused_while_a_revoked_region_is_open)
{
	int ctl = vp_control();
	char *addr = vp_map(self->fd, HUGE_SIZE, 0);

	ASSERT_NE(MAP_FAILED, addr);
	ASSERT_EQ(0, vp_destroy(ctl, POOL, VPOOL_DESTROY_FORCE));
	close(ctl);
	EXPECT_EQ(-EWOULDBLOCK, vp_unload());
	EXPECT_EQ(SIGBUS, vp_touch(addr, true));
	munmap(addr, HUGE_SIZE);
	close(self->fd);
	EXPECT_TRUE(is_unused());
}

TEST_F(unload, refused_while_a_file_is_open)
{
	int file = vp_file(self->fd, VPOOL_FILE_CLOEXEC);
	char *addr;

	ASSERT_LE(0, file);
	ASSERT_EQ(0, vp_truncate(file, HUGE_SIZE));
	close(self->fd);
	ASSERT_TRUE(vp_sysfs_wait(POOL, "memory/regions", 1));
	EXPECT_EQ(-EWOULDBLOCK, vp_unload());
	addr = vp_map(file, HUGE_SIZE, 0);
	ASSERT_NE(MAP_FAILED, addr);
	close(file);
	EXPECT_EQ(-EWOULDBLOCK, vp_unload());
	EXPECT_EQ(0, vp_touch(addr, true));
	munmap(addr, HUGE_SIZE);
	EXPECT_TRUE(is_unused());
}

static int mount_pool(void)
{
	umount2(MOUNT, MNT_DETACH);
	mkdir(MOUNT, 0755);
	return vp_mount(MOUNT, POOL, NULL);
}

TEST_F(unload, refused_while_mounted)
{
	close(self->fd);
	ASSERT_EQ(0, mount_pool());
	EXPECT_EQ(-EWOULDBLOCK, vp_unload());
	EXPECT_EQ(0, vp_umount(MOUNT, 0));
	rmdir(MOUNT);
	EXPECT_TRUE(is_unused());
}

/* A revoked filesystem is still mounted, so the module is still in use. */
TEST_F(unload, refused_while_a_revoked_pool_is_mounted)
{
	int ctl = vp_control();

	ASSERT_EQ(0, mount_pool());
	close(self->fd);
	ASSERT_EQ(0, vp_destroy(ctl, POOL, VPOOL_DESTROY_FORCE));
	close(ctl);
	EXPECT_EQ(-EWOULDBLOCK, vp_unload());
	EXPECT_EQ(-EIO, vp_create_at(MOUNT, "file"));
	EXPECT_EQ(0, vp_umount(MOUNT, 0));
	rmdir(MOUNT);
	EXPECT_TRUE(is_unused());
}

/* A file of a filesystem that was unmounted lazily keeps the pool and the module. */
TEST_F(unload, refused_after_a_lazy_unmount)
{
	int ctl = vp_control(), file;
	char *addr;

	ASSERT_EQ(0, mount_pool());
	close(self->fd);
	file = vp_create_at(MOUNT, "file");
	ASSERT_LE(0, file);
	ASSERT_EQ(0, vp_file_fill(file, 0, HUGE_SIZE, 1));
	addr = vp_map(file, HUGE_SIZE, 0);
	ASSERT_NE(MAP_FAILED, addr);
	ASSERT_EQ(0, vp_umount(MOUNT, MNT_DETACH));
	rmdir(MOUNT);
	close(file);
	EXPECT_EQ(-EBUSY, vp_destroy(ctl, POOL, 0));
	close(ctl);
	EXPECT_EQ(-EWOULDBLOCK, vp_unload());
	EXPECT_TRUE(vp_is_filled(addr, HUGE_SIZE, 1));
	munmap(addr, HUGE_SIZE);
	EXPECT_TRUE(is_unused());
}

/* The debug kernel needs about 14 seconds for each 4 MiB, at the lowest priority. */
static __u64 slow_bytes(void)
{
	return vp_is_debug() ? 4 * MIB : 16 * MIB;
}

struct slow {
	int fd;
	char *at;
	atomic_bool begun;
	atomic_bool done;
};

/* Map at the lowest priority, on a CPU that other tasks keep busy. */
static void *map_slowly(void *arg)
{
	struct slow *slow = arg;

	vp_set_affinity(0, "0");
	setpriority(PRIO_PROCESS, gettid(), 19);
	slow->begun = true;
	mmap(slow->at, slow_bytes(), PROT_READ | PROT_WRITE,
	     MAP_SHARED | MAP_FIXED, slow->fd, 0);
	slow->done = true;
	return NULL;
}

static void spin(void)
{
	vp_set_affinity(0, "0");
	for (;;)
		;
}

/*
 * Unload once during a populate. Return whether the work item was still filling page
 * tables after the mapping and the descriptor were closed.
 */
static bool unload_during_populate(struct __test_metadata *_metadata)
{
	struct vpool_commit cmd = {
		.size = sizeof(cmd), .flags = VPOOL_COMMIT_POPULATE,
		.bytes = slow_bytes(),
	};
	struct slow slow = { .at = SLOW_AT };
	unsigned char there;
	pthread_t thread;
	bool early;
	int ctl;

	ctl = vp_control();
	vp_destroy(ctl, POOL, VPOOL_DESTROY_FORCE);
	ASSERT_EQ(0, vp_create(ctl, POOL, slow_bytes(), BASE, NULL));
	close(ctl);
	slow.fd = vp_open(POOL);
	ASSERT_EQ(0, vp_ioctl(slow.fd, VPOOL_COMMIT, &cmd));
	ASSERT_EQ(0, pthread_create(&thread, NULL, map_slowly, &slow));
	while (!slow.begun || (!slow.done && mincore(slow.at, BASE, &there)))
		sched_yield();
	munmap(slow.at, slow_bytes());
	close(slow.fd);
	early = !slow.done;
	vp_unload();
	pthread_join(thread, NULL);
	if (!is_loaded())
		ASSERT_EQ(0, vp_load());
	return early;
}

/*
 * The unload waits for the work item that fills page tables, which may outlive the
 * mapping.
 */
TEST_F(unload, unload_waits_for_populate)
{
	struct vp_worker hog[2];
	int i, early = 0;

	if (vp_online_cpus() < 2)
		SKIP(return, "needs two CPUs");
	close(self->fd);
	for (i = 0; i < ARRAY_SIZE(hog); i++)
		hog[i] = vp_worker_start(spin);
	vp_set_affinity(0, "1");
	/* Twice on the debug kernel, where each of them takes half a minute. */
	for (i = 0; i < (vp_is_debug() ? 2 : 4); i++)
		early += unload_during_populate(_metadata);
	TH_LOG("%d of %d attempts unloaded during a populate", early, i);
	for (i = 0; i < ARRAY_SIZE(hog); i++)
		vp_worker_stop(&hog[i]);
}

TEST_F(unload, memory_of_an_idle_pool_is_returned)
{
	const __u64 slack = 32 * MIB;
	__u64 with_pool = vp_host_free();

	close(self->fd);
	EXPECT_EQ(0, vp_unload_wait(10));
	EXPECT_FALSE(is_loaded());
	EXPECT_NE(0, access(VP_CONTROL, F_OK));
	EXPECT_NE(0, access("/dev/vpool/" POOL, F_OK));
	EXPECT_NE(0, access("/sys/kernel/vpool", F_OK));
	EXPECT_TRUE(vp_wait_host_free(with_pool + BYTES - slack));
}

/* The debug kernel delays the release of each kobject by seconds. */
static int load_iterations(void)
{
	return vp_env_number("VPOOL_LOADS", vp_is_debug() ? 2 : 5);
}

TEST_F_TIMEOUT(unload, repeated_loads_and_unloads, 3600)
{
	const __u64 slack = 32 * MIB;
	__u64 before = vp_host_free();
	int i, iterations = load_iterations();

	close(self->fd);
	for (i = 0; i < iterations; i++) {
		ASSERT_EQ(0, vp_unload_wait(10));
		ASSERT_EQ(0, vp_load());
		EXPECT_FALSE(vp_exists(POOL));
		ASSERT_EQ(0, make_pool());
	}
	TH_LOG("cases: %d of loading and unloading", iterations);
	TH_LOG("%llu MiB free before, %llu after", before / MIB,
	       vp_host_free() / MIB);
	EXPECT_TRUE(vp_wait_host_free(before - slack));
}

/*
 * A page that a pipe holds when the module is unloaded stays valid until the pipe drops
 * it.
 */
TEST_F(unload, pinned_page_outlives_the_module)
{
	char *addr = vp_map(self->fd, HUGE_SIZE, 0);
	struct iovec iov = { .iov_base = addr, .iov_len = BASE };
	__u64 page[BASE / sizeof(__u64)];
	int pipes[2];

	ASSERT_NE(MAP_FAILED, addr);
	vp_fill(addr, HUGE_SIZE, 1);
	ASSERT_EQ(0, pipe(pipes));
	ASSERT_EQ(BASE, vmsplice(pipes[1], &iov, 1, 0));
	munmap(addr, HUGE_SIZE);
	close(self->fd);
	EXPECT_EQ(0, vp_unload_wait(10));
	EXPECT_EQ(BASE, read(pipes[0], page, sizeof(page)));
	EXPECT_TRUE(vp_is_filled(page, BASE, 1));
	close(pipes[0]);
	close(pipes[1]);
}

/* Return a copy of the module that claims to be built for another kernel, or -1. */
static int foreign_module(void)
{
	int ko = open(getenv("VPOOL_KO"), O_RDONLY | O_CLOEXEC);
	int copy = memfd_create("vpool.ko", MFD_CLOEXEC);
	off_t size = lseek(ko, 0, SEEK_END);
	char *text, *flag = NULL;

	text = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, ko, 0);
	close(ko);
	if (text == MAP_FAILED)
		return -1;
	flag = memmem(text, size, "vermagic=", 9);
	if (flag)
		flag = memmem(flag, text + size - flag, " mod_unload", 11);
	if (flag)
		memcpy(flag, " mod_reload", 11);
	if (!flag || write(copy, text, size) != size) {
		close(copy);
		copy = -1;
	}
	munmap(text, size);
	return copy;
}

/* The kernel tells which version it wants. */
TEST_F(unload, module_of_another_kernel_is_refused)
{
	int copy = foreign_module(), size = klogctl(SYSLOG_SIZE, NULL, 0);
	char *log = calloc(1, size + 1);

	ASSERT_NE(NULL, log);
	ASSERT_LE(0, copy);
	EXPECT_EQ(-1, syscall(SYS_finit_module, copy, "", 0));
	EXPECT_EQ(ENOEXEC, errno);
	EXPECT_LT(0, klogctl(SYSLOG_READ_ALL, log, size));
	EXPECT_NE(NULL, strstr(log, "vpool: version magic '"));
	free(log);
	close(copy);
}

TEST_HARNESS_MAIN
