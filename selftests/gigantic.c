// SPDX-License-Identifier: GPL-2.0
/*
 * Pools with pages of 1 GiB: one entry maps a page, everything that works on a smaller
 * page works on it, and a part of it can be unmapped, protected or poisoned.
 *
 * The tests need a few GiB of memory. The last one costs the machine 1 GiB until the
 * next boot.
 */
#include <fcntl.h>
#include <linux/kvm.h>
#include <linux/vpool.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "kselftest_harness.h"
#include "lib/file.h"
#include "lib/fs.h"
#include "lib/host.h"
#include "lib/memory.h"
#include "lib/poison.h"
#include "lib/pool.h"
#include "lib/task.h"

#define POOL "gigantic"
#define PAGE GIB
#define MIDDLE (PAGE / 2)
#define PAGES_1G "/sys/kernel/debug/kvm/pages_1g"
/* Memory that the host keeps while the test fills it. */
#define SPARE (400 * MIB)
/* The child of a test must end this soon after a signal. */
#define KILL_MS 30000

static bool has_page_size(void)
{
	char list[128], *word, *rest = list;

	if (vp_read_file("/sys/kernel/vpool/page_sizes", list, sizeof(list)))
		return false;
	while ((word = strsep(&rest, "\n ")))
		if (strtoull(word, NULL, 10) == PAGE)
			return true;
	return false;
}

TEST(other_kernels_refuse)
{
	int ctl = vp_control();

	if (has_page_size())
		SKIP(return, "pools of this kernel can have pages of 1 GiB");
	ASSERT_LE(0, ctl);
	EXPECT_EQ(-EOPNOTSUPP, vp_create(ctl, POOL, PAGE, PAGE, NULL));
	EXPECT_TRUE(vp_reason_has(ctl, "pages of 1G need"));
	EXPECT_FALSE(vp_exists(POOL));
	close(ctl);
}

/* Apply a file of the tool. Return its exit status, and the first lines of its output. */
static int apply_file(const char *file, char *output, size_t size)
{
	char command[128];
	FILE *pipe;
	size_t len;

	snprintf(command, sizeof(command), "vpoolctl apply %s 2>&1", file);
	pipe = popen(command, "r");
	len = fread(output, 1, size - 1, pipe);
	output[len] = '\0';
	return WEXITSTATUS(pclose(pipe));
}

TEST(one_file_declares_different_page_sizes)
{
	char path[] = "/tmp/gigantic-XXXXXX", output[1024];
	int fd = mkstemp(path), ctl = vp_control(), status;

	ASSERT_LE(0, ctl);
	ASSERT_LT(0, dprintf(fd, "pools:\n"
			     "  " POOL "-base: {mem: 8M, page-size: %lu}\n"
			     "  " POOL "-huge: {mem: 64M}\n"
			     "  " POOL ": {mem: 1G, page-size: 1G}\n",
			     (unsigned long)BASE));
	close(fd);
	status = apply_file(path, output, sizeof(output));
	unlink(path);
	EXPECT_EQ(!status, vp_exists(POOL));
	EXPECT_EQ(!status, vp_exists(POOL "-base"));
	EXPECT_EQ(!status, vp_exists(POOL "-huge"));
	if (!has_page_size()) {
		EXPECT_EQ(1, status);
		EXPECT_NE(NULL, strstr(output, "pages of 1G need"));
	} else if (status) {
		SKIP(return, "no page of 1 GiB here: %.800s", output);
	} else {
		EXPECT_EQ(PAGE, vp_sysfs_u64(POOL, "page_size"));
		EXPECT_EQ(BASE, vp_sysfs_u64(POOL "-base", "page_size"));
		EXPECT_EQ(0, vp_destroy_wait(ctl, POOL));
		EXPECT_EQ(0, vp_destroy_wait(ctl, POOL "-base"));
		EXPECT_EQ(0, vp_destroy_wait(ctl, POOL "-huge"));
	}
	close(ctl);
}

FIXTURE(gigantic)
{
	int ctl;
	int fd;
	char *addr;
};

/* A pool of one page. */
FIXTURE_SETUP(gigantic)
{
	int err;

	if (!has_page_size())
		SKIP(return, "pools of this kernel cannot have pages of 1 GiB");
	self->ctl = vp_control();
	ASSERT_LE(0, self->ctl);
	vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	err = vp_create(self->ctl, POOL, PAGE, PAGE, NULL);
	if (err == -ENOMEM || err == -ETIME)
		SKIP(return, "no page of 1 GiB here: %s", vp_reason(self->ctl));
	ASSERT_EQ(0, err);
	self->addr = vp_open_map(POOL, PAGE, &self->fd);
	ASSERT_NE(MAP_FAILED, self->addr);
}

FIXTURE_TEARDOWN(gigantic)
{
	if (vp_exists(POOL)) {
		EXPECT_TRUE(vp_accounting_ok(self->ctl, POOL));
		munmap(self->addr, PAGE);
		close(self->fd);
		EXPECT_EQ(0, vp_destroy_wait(self->ctl, POOL));
	}
	close(self->ctl);
}

/* Write the number of each base page into it. */
static void stamp(char *addr)
{
	size_t at;

	for (at = 0; at < PAGE; at += BASE)
		__atomic_store_n((__u64 *)(addr + at), at + 1,
				 __ATOMIC_RELAXED);
}

/*
 * Check stamps of a part of the page: the first, and each 17th after it. Each can cost
 * a fault.
 */
static bool is_stamped(const char *addr, size_t from, size_t to)
{
	for (; from < to; from += 17 * BASE)
		if (__atomic_load_n((const __u64 *)(addr + from),
				    __ATOMIC_RELAXED) != from + 1)
			return false;
	return true;
}

static __u64 faults(const char *size)
{
	char attr[64];

	snprintf(attr, sizeof(attr), "stat/faults_%s", size);
	return vp_sysfs_u64(POOL, attr);
}

TEST_F(gigantic, one_fault_maps_a_zeroed_page)
{
	EXPECT_EQ(0, (uintptr_t)self->addr % PAGE);
	EXPECT_TRUE(vp_is_zero(self->addr, PAGE));
	EXPECT_EQ(1, faults("huge"));
	EXPECT_EQ(0, faults("base"));
	stamp(self->addr);
	EXPECT_TRUE(is_stamped(self->addr, 0, PAGE));
	EXPECT_EQ(0, faults("base"));
}

TEST_F(gigantic, accounts_whole_pages)
{
	__u64 bytes = 1;
	int fd = vp_open(POOL);

	EXPECT_EQ(PAGE, vp_sysfs_u64(POOL, "page_size"));
	EXPECT_EQ(PAGE, vp_sysfs_u64(POOL, "memory/total_bytes"));
	EXPECT_EQ(PAGE, vp_sysfs_u64(POOL, "memory/used_bytes"));
	EXPECT_EQ(-ENOMEM, vp_commit(fd, &bytes));
	EXPECT_TRUE(vp_reason_has(fd, "1G requested"));
	close(fd);
	munmap(self->addr, PAGE);
	close(self->fd);
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/clean_bytes", PAGE));
	/* The size of a region is rounded up to whole pages. */
	self->fd = vp_open(POOL);
	EXPECT_EQ(0, vp_commit(self->fd, &bytes));
	EXPECT_EQ(PAGE, bytes);
	self->addr = vp_map(self->fd, PAGE, 0);
	EXPECT_NE(MAP_FAILED, self->addr);
}

TEST_F(gigantic, resizes_in_whole_pages)
{
	__u64 bytes = PAGE + 1;
	int err = vp_resize(self->ctl, POOL, &bytes, VPOOL_ANY_NODE);

	if (err == -ENOMEM || err == -ETIME)
		SKIP(return, "no second page: %s", vp_reason(self->ctl));
	ASSERT_EQ(0, err);
	EXPECT_EQ(2 * PAGE, bytes);
	EXPECT_EQ(2 * PAGE, vp_sysfs_u64(POOL, "memory/total_bytes"));
	stamp(self->addr);
	bytes = PAGE;
	EXPECT_EQ(0, vp_resize(self->ctl, POOL, &bytes, VPOOL_ANY_NODE));
	EXPECT_EQ(PAGE, vp_sysfs_u64(POOL, "memory/total_bytes"));
	EXPECT_TRUE(is_stamped(self->addr, 0, PAGE));
}

TEST_F(gigantic, zeroes_before_the_next_user)
{
	stamp(self->addr);
	munmap(self->addr, PAGE);
	close(self->fd);
	self->addr = vp_open_map(POOL, PAGE, &self->fd);
	ASSERT_NE(MAP_FAILED, self->addr);
	EXPECT_TRUE(vp_is_zero(self->addr, PAGE));
}

TEST_F(gigantic, munmap_of_a_part_loses_nothing)
{
	char *hole = self->addr + MIDDLE + BASE;

	stamp(self->addr);
	ASSERT_EQ(0, munmap(hole, 3 * BASE));
	EXPECT_EQ(SIGSEGV, vp_touch(hole, false));
	EXPECT_TRUE(is_stamped(self->addr, 0, MIDDLE + BASE));
	EXPECT_TRUE(is_stamped(self->addr, MIDDLE + 4 * BASE, PAGE));
	EXPECT_EQ(hole, mmap(hole, 3 * BASE, PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_FIXED, self->fd, MIDDLE + BASE));
	EXPECT_TRUE(is_stamped(self->addr, MIDDLE, MIDDLE + 8 * BASE));
}

TEST_F(gigantic, mprotect_of_a_part_loses_nothing)
{
	char *part = self->addr + MIDDLE;

	stamp(self->addr);
	ASSERT_EQ(0, mprotect(part, HUGE_SIZE, PROT_READ));
	EXPECT_EQ(SIGSEGV, vp_touch(part + BASE, true));
	EXPECT_EQ(0, vp_touch(part - BASE, true));
	EXPECT_EQ(0, vp_touch(part + HUGE_SIZE, true));
	EXPECT_TRUE(is_stamped(self->addr, 0, PAGE));
	ASSERT_EQ(0, mprotect(part, HUGE_SIZE, PROT_READ | PROT_WRITE));
	EXPECT_EQ(0, vp_touch(part + BASE, true));
	EXPECT_TRUE(is_stamped(self->addr, 0, PAGE));
}

TEST_F(gigantic, mprotect_of_the_page_keeps_one_entry)
{
	stamp(self->addr);
	ASSERT_EQ(0, mprotect(self->addr, PAGE, PROT_READ));
	EXPECT_EQ(SIGSEGV, vp_touch(self->addr + MIDDLE, true));
	ASSERT_EQ(0, mprotect(self->addr, PAGE, PROT_READ | PROT_WRITE));
	EXPECT_EQ(0, vp_touch(self->addr + MIDDLE, true));
	EXPECT_TRUE(is_stamped(self->addr, 0, PAGE));
	EXPECT_EQ(0, faults("base"));
}

TEST_F(gigantic, mremap_and_advice_lose_nothing)
{
	char *to = mmap(NULL, 3 * PAGE, PROT_NONE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *moved, *aligned = to + PAGE - (uintptr_t)to % PAGE;

	stamp(self->addr);
	EXPECT_EQ(0, madvise(self->addr + MIDDLE, 3 * BASE, MADV_DONTNEED));
	EXPECT_EQ(0, madvise(self->addr, PAGE, MADV_COLD));
	EXPECT_EQ(0, mlock(self->addr + BASE, HUGE_SIZE));
	EXPECT_EQ(0, munlock(self->addr, PAGE));
	EXPECT_TRUE(is_stamped(self->addr, 0, PAGE));
	/* An entry does not fit at this address. */
	moved = mremap(self->addr, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
		       aligned + 5 * BASE);
	EXPECT_EQ(MAP_FAILED, moved);
	EXPECT_EQ(EINVAL, errno);
	EXPECT_TRUE(vp_reason_has(self->fd, "not aligned alike"));
	EXPECT_TRUE(is_stamped(self->addr, 0, PAGE));
	moved = mremap(self->addr, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
		       aligned);
	ASSERT_EQ(aligned, moved);
	EXPECT_TRUE(is_stamped(moved, 0, PAGE));
	self->addr = moved;
	/* A part of the page, after an access has mapped it as a whole. */
	EXPECT_EQ(0, vp_touch(self->addr, true));
	moved = mremap(self->addr + MIDDLE + BASE, 2 * BASE, 2 * BASE,
		       MREMAP_MAYMOVE | MREMAP_FIXED, to + BASE);
	ASSERT_EQ(to + BASE, moved);
	EXPECT_EQ(MIDDLE + BASE + 1, *(__u64 *)moved);
	EXPECT_TRUE(is_stamped(self->addr, 0, MIDDLE + BASE));
	munmap(moved, 2 * BASE);
}

TEST_F(gigantic, neighbours_do_not_merge)
{
	char *part = self->addr + MIDDLE + HUGE_SIZE + BASE;

	stamp(self->addr);
	/* Each call splits the mapping, or could move a boundary of it. */
	ASSERT_EQ(0, mprotect(self->addr, MIDDLE, PROT_READ));
	ASSERT_EQ(0, mprotect(self->addr + MIDDLE, HUGE_SIZE, PROT_READ));
	ASSERT_EQ(0, madvise(part, HUGE_SIZE, MADV_DONTFORK));
	ASSERT_EQ(0, madvise(part, PAGE / 4, MADV_DONTFORK));
	ASSERT_EQ(0, mprotect(self->addr, PAGE, PROT_READ | PROT_WRITE));
	EXPECT_TRUE(is_stamped(self->addr, 0, PAGE));
	EXPECT_EQ(0, vp_touch(part, true));
}

static int write_in_child(void *arg)
{
	char *addr = arg;

	if (!is_stamped(addr, 0, HUGE_SIZE))
		return 1;
	__atomic_store_n((__u64 *)(addr + PAGE - BASE), 42, __ATOMIC_RELAXED);
	return munmap(addr + HUGE_SIZE, HUGE_SIZE) ? 2 : 0;
}

TEST_F(gigantic, child_shares_the_page)
{
	stamp(self->addr);
	EXPECT_EQ(0, vp_in_child(write_in_child, self->addr));
	EXPECT_EQ(42, __atomic_load_n((__u64 *)(self->addr + PAGE - BASE),
				      __ATOMIC_RELAXED));
	EXPECT_TRUE(is_stamped(self->addr, 0, PAGE - BASE));
	EXPECT_EQ(0, faults("base"));
}

TEST_F(gigantic, mapping_of_a_part_has_base_pages)
{
	char *other = vp_map(self->fd, PAGE - BASE, BASE);

	ASSERT_NE(MAP_FAILED, other);
	stamp(self->addr);
	EXPECT_EQ(MIDDLE + 1, *(__u64 *)(other + MIDDLE - BASE));
	EXPECT_LT(0, faults("base"));
	munmap(other, PAGE - BASE);
	EXPECT_TRUE(is_stamped(self->addr, 0, PAGE));
}

TEST_F(gigantic, pin_outlives_the_region)
{
	struct iovec iov = {
		.iov_base = self->addr + MIDDLE,
		.iov_len = BASE,
	};
	__u64 word = 0;
	int pipes[2];

	stamp(self->addr);
	ASSERT_EQ(0, pipe(pipes));
	ASSERT_EQ(BASE, vmsplice(pipes[1], &iov, 1, 0));
	munmap(self->addr, PAGE);
	close(self->fd);
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/regions", 0));
	EXPECT_EQ(PAGE, vp_sysfs_u64(POOL, "memory/used_bytes"));
	EXPECT_EQ(sizeof(word), read(pipes[0], &word, sizeof(word)));
	EXPECT_EQ(MIDDLE + 1, word);
	close(pipes[0]);
	close(pipes[1]);
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/used_bytes", 0));
	self->addr = vp_open_map(POOL, PAGE, &self->fd);
	EXPECT_NE(MAP_FAILED, self->addr);
}

TEST_F(gigantic, direct_io)
{
	int disk;
	char *heap;

	if (access("/dev/ram0", F_OK))
		system("modprobe -q brd rd_nr=1 rd_size=16384 2>/dev/null");
	disk = open("/dev/ram0", O_RDWR | O_DIRECT | O_CLOEXEC);
	if (disk < 0)
		SKIP(return, "no /dev/ram0 to open with O_DIRECT: %s",
		     strerror(errno));
	ASSERT_EQ(0, posix_memalign((void **)&heap, BASE, 4 * MIB));
	vp_fill(self->addr + MIDDLE - MIB, 4 * MIB, 1);
	EXPECT_EQ(4 * MIB, pwrite(disk, self->addr + MIDDLE - MIB, 4 * MIB, 0));
	EXPECT_EQ(4 * MIB, pread(disk, heap, 4 * MIB, 0));
	EXPECT_TRUE(vp_is_filled(heap, 4 * MIB, 1));
	EXPECT_EQ(4 * MIB, pread(disk, self->addr + 16 * MIB, 4 * MIB, 0));
	EXPECT_TRUE(vp_is_filled(self->addr + 16 * MIB, 4 * MIB, 1));
	EXPECT_EQ(0, faults("base"));
	free(heap);
	close(disk);
}

TEST_F(gigantic, revoke_unmaps_the_page)
{
	stamp(self->addr);
	EXPECT_EQ(0, vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE));
	EXPECT_EQ(SIGBUS, vp_touch(self->addr, false));
	EXPECT_EQ(SIGBUS, vp_touch(self->addr + PAGE - 1, false));
	munmap(self->addr, PAGE);
	close(self->fd);
}

/* Headers before Linux 6.11 lack these. */
#ifndef KVM_PRE_FAULT_MEMORY
struct kvm_pre_fault_memory {
	__u64 gpa;
	__u64 size;
	__u64 flags;
	__u64 padding[5];
};

#define KVM_PRE_FAULT_MEMORY _IOWR(KVMIO, 0xd5, struct kvm_pre_fault_memory)
#endif

TEST_F(gigantic, kvm_maps_a_guest_with_one_entry)
{
	struct kvm_userspace_memory_region slot = {
		.guest_phys_addr = PAGE,
		.memory_size = PAGE,
		.userspace_addr = (uintptr_t)self->addr,
	};
	struct kvm_pre_fault_memory range = { .gpa = PAGE, .size = PAGE };
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC), vm, vcpu;
	char text[32];

	if (kvm < 0)
		SKIP(return, "no /dev/kvm: %s", strerror(errno));
	if (access(PAGES_1G, R_OK))
		SKIP(return, "this kernel does not show " PAGES_1G);
	self->addr[0] = 1;
	vm = ioctl(kvm, KVM_CREATE_VM, 0);
	ASSERT_LE(0, vm);
	ASSERT_EQ(0, ioctl(vm, KVM_SET_USER_MEMORY_REGION, &slot));
	vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);
	ASSERT_LE(0, vcpu);
	if (ioctl(vcpu, KVM_PRE_FAULT_MEMORY, &range))
		SKIP(return, "KVM does not populate memory here: %s",
		     strerror(errno));
	ASSERT_EQ(0, vp_read_file(PAGES_1G, text, sizeof(text)));
	EXPECT_EQ(1, atoi(text));
	/* KVM follows the page table of the process when it splits the page. */
	EXPECT_EQ(0, munmap(self->addr + MIDDLE, BASE));
	ASSERT_EQ(0, vp_read_file(PAGES_1G, text, sizeof(text)));
	EXPECT_EQ(0, atoi(text));
	close(vcpu);
	close(vm);
	close(kvm);
}

/* A file of one page, which is a hole, a part of a page, and a hole again. */
TEST_F(gigantic, file_of_one_page)
{
	char *addr;
	int fd;

	stamp(self->addr);
	munmap(self->addr, PAGE);
	close(self->fd);
	ASSERT_TRUE(vp_sysfs_wait(POOL, "memory/used_bytes", 0));
	fd = vp_open_file(POOL);
	self->fd = fd;
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, vp_truncate(fd, PAGE));
	EXPECT_EQ(PAGE, vp_sysfs_u64(POOL, "memory/used_bytes"));
	EXPECT_EQ(-ENOSPC, vp_truncate(fd, PAGE + 1));
	addr = vp_map(fd, PAGE, 0);
	ASSERT_NE(MAP_FAILED, addr);
	self->addr = addr;
	EXPECT_EQ(0, (uintptr_t)addr % PAGE);
	/* One fault was that of the region. */
	EXPECT_EQ(0, vp_touch(addr + MIDDLE, true));
	EXPECT_EQ(2, faults("huge"));
	EXPECT_EQ(0, faults("base"));
	stamp(addr);
	EXPECT_EQ(0, vp_punch(fd, MIDDLE, HUGE_SIZE));
	EXPECT_EQ(PAGE, vp_sysfs_u64(POOL, "memory/used_bytes"));
	EXPECT_TRUE(is_stamped(addr, 0, MIDDLE));
	EXPECT_TRUE(vp_is_zero(addr + MIDDLE, HUGE_SIZE));
	EXPECT_TRUE(vp_file_is_zero(fd, MIDDLE, HUGE_SIZE));
	EXPECT_EQ(0, vp_punch(fd, 0, PAGE));
	EXPECT_EQ(0, vp_sysfs_u64(POOL, "memory/used_bytes"));
	EXPECT_TRUE(vp_file_is_zero(fd, MIDDLE - BASE, HUGE_SIZE));
	EXPECT_EQ(0, vp_sysfs_u64(POOL, "memory/used_bytes"));
	/* A touch of the hole commits and zeroes a page. */
	EXPECT_TRUE(vp_is_zero(addr, PAGE));
	EXPECT_EQ(PAGE, vp_sysfs_u64(POOL, "memory/used_bytes"));
	EXPECT_EQ(0, vp_truncate(fd, BASE));
	EXPECT_EQ(0, vp_truncate(fd, 0));
	EXPECT_EQ(SIGBUS, vp_touch(addr, false));
	EXPECT_EQ(0, vp_sysfs_u64(POOL, "memory/used_bytes"));
}

/* Without a timeout the call must not wait or empty a block. */
static int create_one(int ctl, __u32 timeout_ms)
{
	struct vp_request req;

	vp_request_init(&req, POOL);
	vp_request_mem(&req, PAGE, VPOOL_ANY_NODE);
	req.create.page_size = PAGE;
	req.create.timeout_ms = timeout_ms;
	return vp_request_send(ctl, &req);
}

/*
 * Fill almost all memory, and free two thirds of it in pieces of 2 MiB: much is free,
 * but no piece of 1 GiB.
 */
static char *fragment_memory(size_t *bytes)
{
	char *addr;
	size_t at;

	*bytes = (vp_host_free() - SPARE) / (3 * HUGE_SIZE) * (3 * HUGE_SIZE);
	addr = mmap(NULL, *bytes, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (addr == MAP_FAILED)
		return NULL;
	madvise(addr, *bytes, MADV_HUGEPAGE);
	for (at = 0; at < *bytes; at += BASE)
		addr[at] = 1;
	for (at = 0; at < *bytes; at += 3 * HUGE_SIZE)
		madvise(addr + at, 2 * HUGE_SIZE, MADV_DONTNEED);
	return addr;
}

TEST(empties_a_block)
{
	int ctl = vp_control();
	size_t bytes, at;
	char *addr;

	if (!has_page_size())
		SKIP(return, "pools of this kernel cannot have pages of 1 GiB");
	ASSERT_LE(0, ctl);
	if (vp_host_free() < 4 * GIB)
		SKIP(return, "this test needs 4 GiB of free memory");
	addr = fragment_memory(&bytes);
	ASSERT_NE(NULL, addr);
	EXPECT_EQ(-ENOMEM, create_one(ctl, 0));
	EXPECT_TRUE(vp_reason_has(ctl, "the largest free block has"));
	EXPECT_EQ(0, create_one(ctl, 120000));
	/* The memory that had to move is intact. */
	for (at = 2 * HUGE_SIZE; at < bytes; at += 3 * HUGE_SIZE)
		EXPECT_EQ(1, addr[at]);
	munmap(addr, bytes);
	EXPECT_EQ(0, vp_destroy(ctl, POOL, 0));
	close(ctl);
}

/* Request all memory of the host, which cannot succeed, and ignore the result. */
static void create_too_much(void)
{
	struct vp_request req;

	vp_request_init(&req, POOL);
	vp_request_mem(&req, vp_host_free() / PAGE * PAGE, VPOOL_ANY_NODE);
	req.create.page_size = PAGE;
	req.create.timeout_ms = 600000;
	vp_request_send(vp_control(), &req);
}

TEST(signal_ends_the_reservation)
{
	__u64 begin;
	pid_t pid;

	if (!has_page_size())
		SKIP(return, "pools of this kernel cannot have pages of 1 GiB");
	if (vp_host_free() < 3 * GIB)
		SKIP(return, "this test needs 3 GiB of free memory");
	pid = fork();
	if (!pid) {
		create_too_much();
		_exit(0);
	}
	vp_sleep_ms(1000);
	begin = vp_now_ms();
	kill(pid, SIGKILL);
	vp_wait_status(pid);
	EXPECT_GT(KILL_MS, vp_now_ms() - begin);
	EXPECT_FALSE(vp_exists(POOL));
}

/* Pagemap shows a page that a single entry of the lowest level maps. */
static __u64 pfn_at(int fd, __u64 offset)
{
	char *addr = vp_map(fd, BASE, offset);
	__u64 pfn;

	vp_touch(addr, false);
	pfn = vp_pfn(addr);
	munmap(addr, BASE);
	return pfn;
}

/* Reading smaps removes the entry. The next access maps the page again. */
TEST_F(gigantic, smaps_removes_the_entry)
{
	__u64 bytes = 0;

	stamp(self->addr);
	EXPECT_EQ(1, faults("huge"));
	EXPECT_EQ(0, vp_smaps(self->addr, "Rss", &bytes));
	EXPECT_EQ(0, bytes);
	EXPECT_TRUE(is_stamped(self->addr, 0, PAGE));
	EXPECT_EQ(2, faults("huge"));
	EXPECT_EQ(0, faults("base"));
}

/* The page of this test never returns to the host. */
TEST_F(gigantic, poison_costs_a_user_one_base_page)
{
	if (!vp_can_poison())
		SKIP(return, "this kernel has no hwpoison-inject");
	stamp(self->addr);
	vp_poison(pfn_at(self->fd, MIDDLE));
	EXPECT_EQ(BUS_MCEERR_AR, vp_bus_code(self->addr + MIDDLE, NULL));
	EXPECT_TRUE(is_stamped(self->addr, 0, MIDDLE));
	EXPECT_TRUE(is_stamped(self->addr, MIDDLE + BASE, PAGE));
	munmap(self->addr, PAGE);
	close(self->fd);
	EXPECT_TRUE(vp_sysfs_wait(POOL, "memory/poisoned_bytes", PAGE));
	self->fd = vp_open(POOL);
}

TEST_HARNESS_MAIN
