// SPDX-License-Identifier: GPL-2.0
/*
 * The operations of programs. Each operation takes its arguments from the bytes of the
 * program, and ignores errors.
 *
 * No operation allocates memory or prints to a stream, because neither is allowed after
 * fork(2) of a process with threads.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/file.h"
#include "../lib/host.h"
#include "../lib/memory.h"
#include "../lib/pool.h"
#include "cover.h"
#include "ops.h"

#define SLOTS 8
#define MAPS 4
#define CHILDREN 4
const char *const fuzz_names[FUZZ_NAMES] = { "fuzz-a", "fuzz-b", "fuzz-c" };

/* The CPU that goes offline and online. */
#define CPU 3

/**
 * struct mapping - a mapping made by mmap(2)
 * @addr: its address, or NULL if there is none
 * @len: its length in bytes
 */
struct mapping {
	char *addr;
	size_t len;
};

/* State of a process. Its threads change it without a lock, as faulty programs do. */
static int slot[SLOTS] = { -1, -1, -1, -1, -1, -1, -1, -1 };
static struct mapping map[MAPS];
static pid_t child[CHILDREN];
static int pipes[2] = { -1, -1 };
static int depth;
/* The next program needs a new process. */
static bool unusable;
static atomic_uint nr_threads;
/* A pipe whose writing end every created task inherits. */
static int alive[2];
static cpu_set_t all_cpus;

/* State of a task. */
struct task {
	const __u8 *data;
	size_t len;
	size_t at;
	bool first;
};

static __thread sigjmp_buf back;
static __thread atomic_bool touching;

static __u8 take(struct task *task)
{
	return task->at < task->len ? task->data[task->at++] : 0;
}

static size_t below(struct task *task, size_t nr)
{
	return take(task) % nr;
}

static __u64 pick_size(struct task *task)
{
	const __u64 sizes[] = {
		HUGE_SIZE, 2 * HUGE_SIZE, BASE, 8 * MIB, 6 * MIB, 16 * MIB, 0,
		1, BASE - 1, BASE + 1, HUGE_SIZE - 1, HUGE_SIZE + BASE, 64 * KIB,
		1ULL << 40, 1ULL << 63, ~0ULL, ~0ULL - HUGE_SIZE + 1,
	};

	return sizes[below(task, ARRAY_SIZE(sizes))];
}

static __u32 pick_flags(struct task *task, unsigned int known)
{
	__u8 byte = take(task);

	/* Use an undefined flag with a low probability. */
	return byte == 255 ? 1U << (take(task) % 32) :
	       byte & ((1U << known) - 1);
}

static int pick_node(struct task *task)
{
	static const int nodes[] = { -1, 0, 1, 0, 1, -1, 2, -2, 1 << 20 };

	return nodes[below(task, ARRAY_SIZE(nodes))];
}

static const char *pick_pool(struct task *task)
{
	return fuzz_names[take(task) % FUZZ_NAMES];
}

static void pick_name(struct task *task, char *name)
{
	static const char *const odd[] = {
		"", "control", "../control", "fuzz-none", "UPPER", ".",
		"fuzz-0123456789012345678901234567", "a b",
	};
	__u8 byte = take(task);

	if (byte == 254)
		memset(name, 'x', VPOOL_NAME_SIZE);
	else if (byte >= 240)
		vp_name(name, odd[byte % ARRAY_SIZE(odd)]);
	else
		vp_name(name, fuzz_names[byte % FUZZ_NAMES]);
}

/*
 * Return a CPU mask: mostly of existing CPUs, sometimes empty or with the boot CPU's
 * core.
 */
static __u64 pick_mask(struct task *task)
{
	static const __u64 masks[] = {
		0x8, 0x4, 0xc, 0x2, 0x6, 0xe, 0xa, 0xf, 0x1, 0, 0x10, ~0ULL,
	};

	return masks[below(task, ARRAY_SIZE(masks))];
}

static int *pick_slot(struct task *task)
{
	return &slot[take(task) % SLOTS];
}

static struct mapping *pick_map(struct task *task)
{
	return &map[take(task) % MAPS];
}

/* Return a part of a mapping that consists of whole pages. */
static struct mapping pick_part(struct task *task)
{
	struct mapping part = *pick_map(task);
	size_t pages, from;

	if (!part.addr)
		return part;
	pages = part.len / BASE;
	from = take(task) * pages / 256;
	part.addr += from * BASE;
	part.len = BASE + take(task) * (pages - from) / 256 * BASE;
	return part;
}

/* Fill in requests for memory on two nodes. */
static void pick_memory(struct task *task, struct vpool_mem *mem)
{
	int i;

	for (i = 0; i < 2; i++) {
		mem[i].bytes = pick_size(task);
		mem[i].node = pick_node(task);
	}
}

/* Return @to, or with a low probability an invalid pointer. */
static __u64 pick_pointer(struct task *task, void *to)
{
	__u8 byte = take(task);

	return byte == 255 ? 8 : byte == 254 ? 0 :
	       byte == 253 ? 0xffff888000000000ULL : (uintptr_t)to;
}

/* Make a call, with a low probability with an invalid size or a NULL argument. */
static int call(struct task *task, int fd, unsigned long cmd, void *arg)
{
	__u8 byte = take(task);

	if (byte >= 250)
		*(__u32 *)arg = byte % 2 ? take(task) : 8192 + take(task);
	return ioctl(fd, cmd, byte == 249 ? NULL : arg);
}

/* Replace a descriptor and close the old one. @fd of -1 only closes. */
static void put(int *at, int fd)
{
	if (*at >= 0)
		close(*at);
	*at = fd;
}

static void replace(int *at, int fd)
{
	if (fd >= 0)
		put(at, fd);
}

static void op_control(struct task *task)
{
	replace(pick_slot(task), open(VP_CONTROL, O_RDWR | O_CLOEXEC));
}

static void op_open(struct task *task)
{
	static const int flags[] = { O_RDWR, O_RDWR, O_RDONLY, O_WRONLY };
	int *at = pick_slot(task);
	char path[64];

	vp_dev_path(pick_pool(task), path, sizeof(path));
	replace(at, open(path, flags[below(task, ARRAY_SIZE(flags))] | O_CLOEXEC));
}

static void op_close(struct task *task)
{
	put(pick_slot(task), -1);
}

static void op_dup(struct task *task)
{
	int *from = pick_slot(task);

	replace(pick_slot(task), fcntl(*from, F_DUPFD_CLOEXEC, 0));
}

static void op_create(struct task *task)
{
	const __u64 page_sizes[] = {
		0, HUGE_SIZE, BASE, HUGE_SIZE, 0, BASE, 1 << 30, 12345,
	};
	static const __u32 timeouts[] = { 0, 0, 100, 1000 };
	int fd = *pick_slot(task);
	struct vpool_mem mem[2] = {};
	__u64 cpus[2] = {};
	struct vpool_create create = {
		.size = sizeof(create),
		.uid = VPOOL_ID_CALLER,
		.gid = VPOOL_ID_CALLER,
		.mode = 0600,
	};

	pick_name(task, create.name);
	create.flags = pick_flags(task, 5);
	create.page_size = page_sizes[below(task, ARRAY_SIZE(page_sizes))];
	create.timeout_ms = timeouts[below(task, ARRAY_SIZE(timeouts))];
	create.nr_mem = take(task) % 3;
	pick_memory(task, mem);
	create.mem_uptr = pick_pointer(task, mem);
	cpus[0] = pick_mask(task);
	create.cpus_uptr = pick_pointer(task, cpus);
	create.cpus_node = pick_node(task);
	switch (take(task) % 8) {
	case 0:
		create.nr_cpus = take(task);
		break;
	case 1:
		create.cpus_bytes = take(task);
		break;
	case 2:
		create.uid = take(task);
		create.gid = take(task);
		create.mode = take(task) << 1;
		break;
	default:
		create.cpus_bytes = cpus[0] ? sizeof(cpus) : 0;
		break;
	}
	call(task, fd, VPOOL_CREATE, &create);
}

static void op_destroy(struct task *task)
{
	int fd = *pick_slot(task);
	struct vpool_destroy destroy = { .size = sizeof(destroy) };

	pick_name(task, destroy.name);
	destroy.flags = pick_flags(task, 1);
	call(task, fd, VPOOL_DESTROY, &destroy);
}

static void op_resize(struct task *task)
{
	int fd = *pick_slot(task);
	struct vpool_mem mem[2] = {};
	__u64 cpus[2] = {};
	struct vpool_resize resize = { .size = sizeof(resize) };

	pick_name(task, resize.name);
	resize.flags = pick_flags(task, 6);
	resize.timeout_ms = take(task);
	resize.user_bytes = resize.timeout_ms % 8 * HUGE_SIZE;
	resize.user_regions = resize.timeout_ms % 16;
	resize.user_members = resize.timeout_ms % 4;
	resize.nr_mem = take(task) % 3;
	pick_memory(task, mem);
	resize.mem_uptr = pick_pointer(task, mem);
	if (take(task) % 2) {
		cpus[0] = pick_mask(task);
		resize.cpus_bytes = sizeof(cpus);
		resize.cpus_uptr = pick_pointer(task, cpus);
	}
	call(task, fd, VPOOL_RESIZE, &resize);
}

/* Run one of the calls that return information. All use the same arrays. */
static void op_query(struct task *task)
{
	static struct vpool_list_entry entries[4];
	static struct vpool_node_info nodes[2];
	static struct vpool_region_info regions[4];
	static struct vpool_member_info members[4];
	static __u64 cpus[8];
	struct vpool_list list = { .size = sizeof(list) };
	struct vpool_query query = { .size = sizeof(query) };
	struct vpool_regions in = { .size = sizeof(in) };
	struct vpool_members of = { .size = sizeof(of) };
	int fd = *pick_slot(task);
	__u8 what = take(task);
	char name[VPOOL_NAME_SIZE] = "";

	if (take(task) % 2)
		pick_name(task, name);
	switch (what % 4) {
	case 0:
		list.nr = take(task) % 5;
		list.entries_uptr = pick_pointer(task, entries);
		list.flags = pick_flags(task, 0);
		call(task, fd, VPOOL_LIST, &list);
		break;
	case 1:
		memcpy(query.name, name, sizeof(name));
		query.nr_nodes = take(task) % 3;
		query.nodes_uptr = pick_pointer(task, nodes);
		query.cpus_bytes = take(task) % 65;
		query.cpus_uptr = pick_pointer(task, cpus);
		call(task, fd, VPOOL_QUERY, &query);
		break;
	case 2:
		memcpy(in.name, name, sizeof(name));
		in.nr = take(task) % 5;
		in.regions_uptr = pick_pointer(task, regions);
		call(task, fd, VPOOL_REGIONS, &in);
		break;
	case 3:
		memcpy(of.name, name, sizeof(name));
		of.nr = take(task) % 5;
		of.members_uptr = pick_pointer(task, members);
		call(task, fd, VPOOL_MEMBERS, &of);
		break;
	}
}

static void op_commit(struct task *task)
{
	int fd = *pick_slot(task);
	struct vpool_commit commit = { .size = sizeof(commit) };

	commit.bytes = pick_size(task);
	commit.flags = pick_flags(task, 2);
	commit.node = pick_node(task);
	call(task, fd, VPOOL_COMMIT, &commit);
}

static void op_new_file(struct task *task)
{
	int *at = pick_slot(task), fd = *at;
	struct vpool_file file = { .size = sizeof(file) };

	file.flags = pick_flags(task, 1);
	if (!call(task, fd, VPOOL_FILE, &file))
		replace(take(task) % 2 ? at : pick_slot(task), file.out_fd);
}

/* Change the size, the holes and the contents of a part of a file. */
static void op_range(struct task *task)
{
	static const int modes[] = {
		0, FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		FALLOC_FL_PUNCH_HOLE,
	};
	static char text[16384];
	int fd = *pick_slot(task);
	__u64 from = pick_size(task);
	size_t len = take(task) * 64;

	switch (take(task) % 7) {
	case 0:
	case 1:
		fallocate(fd, modes[below(task, ARRAY_SIZE(modes))], from,
			  pick_size(task));
		break;
	case 2:
		pwrite(fd, text, len, from);
		break;
	case 3:
		pread(fd, text, len, from);
		break;
	case 4:
		ftruncate(fd, from);
		break;
	case 5:
		lseek(fd, from, take(task) % 2 ? SEEK_DATA : SEEK_HOLE);
		break;
	case 6:
		if (pipes[0] < 0 && pipe2(pipes, O_CLOEXEC | O_NONBLOCK))
			break;
		splice(fd, (loff_t *)&from, pipes[1], NULL, len,
		       SPLICE_F_NONBLOCK);
		break;
	}
}

/*
 * Return a pidfd of this process, its parent, a child, a kernel thread or another
 * task.
 */
static int pick_pidfd(struct task *task)
{
	const pid_t whom[] = {
		0, child[0], child[1], child[2], child[3], getppid(), 2, 1,
	};
	pid_t pid = whom[below(task, ARRAY_SIZE(whom))];

	return pid ? syscall(SYS_pidfd_open, pid, 0) : VPOOL_SELF;
}

static void op_attach(struct task *task)
{
	int fd = *pick_slot(task), pidfd = pick_pidfd(task);
	struct vpool_attach attach = {
		.size = sizeof(attach),
		.pidfd = pidfd,
		.cpu = -1,
	};
	__u8 byte = take(task);

	attach.flags = pick_flags(task, 2);
	if (byte == 255)
		attach.pidfd = take(task);
	else if (byte > 200)
		attach.tid = getpid();
	if (byte % 4 == 0)
		attach.cpu = take(task) % 8 - 2;
	call(task, fd, byte & 32 ? VPOOL_DETACH : VPOOL_ATTACH, &attach);
	if (pidfd >= 0)
		close(pidfd);
}

static void op_reason(struct task *task)
{
	char text[VPOOL_REASON_SIZE];
	int fd = *pick_slot(task);
	struct vpool_reason reason = { .size = sizeof(reason) };

	reason.len = take(task) % 2 ? sizeof(text) : take(task);
	reason.buf_uptr = pick_pointer(task, text);
	call(task, fd, VPOOL_REASON, &reason);
}

/* A call with random bytes, except those that create a pool as large as the machine. */
static void op_raw(struct task *task)
{
	__u8 arg[256] = {};
	int fd = *pick_slot(task);
	unsigned int cmd = take(task), i, len = take(task) % 64;

	for (i = 4; i < 4 + len; i++)
		arg[i] = take(task);
	*(__u32 *)arg = take(task);
	if (cmd % 16 == VPOOL_CMD_CREATE || cmd % 16 == VPOOL_CMD_RESIZE)
		*(__u32 *)arg = cmd;
	cmd = cmd & 128 ? cmd : cmd % 16;
	if (!ioctl(fd, _IO(VPOOL_TYPE, cmd), arg) && cmd == VPOOL_CMD_FILE)
		close(((struct vpool_file *)arg)->out_fd);
}

static void op_mmap(struct task *task)
{
	static const int prots[] = {
		PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE, PROT_READ,
		PROT_NONE, PROT_WRITE, PROT_READ | PROT_EXEC,
	};
	static const int kinds[] = {
		MAP_SHARED, MAP_SHARED, MAP_SHARED | MAP_POPULATE, MAP_PRIVATE,
		MAP_SHARED | MAP_LOCKED, MAP_SHARED_VALIDATE | MAP_SYNC,
		MAP_SHARED | MAP_HUGETLB,
	};
	const off_t offsets[] = { 0, 0, 0, BASE, HUGE_SIZE, 1LL << 40 };
	int fd = *pick_slot(task);
	struct mapping *at = pick_map(task);
	size_t len = pick_size(task);
	int prot = prots[below(task, ARRAY_SIZE(prots))];
	int kind = kinds[below(task, ARRAY_SIZE(kinds))];
	off_t offset = offsets[below(task, ARRAY_SIZE(offsets))];
	char *addr = mmap(NULL, len, prot, kind, fd, offset);

	if (addr == MAP_FAILED)
		return;
	if (at->addr)
		munmap(at->addr, at->len);
	*at = (struct mapping){ addr, len };
}

static void op_unmap(struct task *task)
{
	struct mapping *at = pick_map(task), part;

	if (take(task) % 2) {
		part = pick_part(task);
		munmap(part.addr, part.len);
		return;
	}
	munmap(at->addr, at->len);
	at->addr = NULL;
}

static void handle_fault(int sig)
{
	if (touching)
		siglongjmp(back, 1);
	_exit(0);
}

/* Access one byte of each page of a part of a mapping. */
static void op_touch(struct task *task)
{
	struct mapping part = pick_part(task);
	bool write = take(task) % 2;
	size_t step = take(task) % 2 ? BASE : HUGE_SIZE, at;

	if (!part.addr)
		return;
	if (sigsetjmp(back, 1)) {
		touching = 0;
		return;
	}
	touching = 1;
	for (at = 0; at < part.len; at += step)
		if (write)
			__atomic_store_n(part.addr + at, 'x', __ATOMIC_RELAXED);
		else
			__atomic_load_n(part.addr + at, __ATOMIC_RELAXED);
	touching = 0;
}

static void op_madvise(struct task *task)
{
	static const int advice[] = {
		MADV_DONTNEED, MADV_DONTFORK, MADV_DOFORK, MADV_REMOVE,
		MADV_HUGEPAGE, MADV_NOHUGEPAGE, MADV_MERGEABLE, MADV_FREE,
		MADV_COLD, MADV_PAGEOUT, MADV_WIPEONFORK, MADV_WILLNEED,
		MADV_POPULATE_READ, MADV_POPULATE_WRITE, MADV_DONTDUMP,
		25 /* MADV_COLLAPSE */,
	};
	struct mapping part = pick_part(task);

	madvise(part.addr, part.len, advice[below(task, ARRAY_SIZE(advice))]);
}

static void op_change_map(struct task *task)
{
	static const int prots[] = {
		PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE, PROT_EXEC,
	};
	struct mapping *at = pick_map(task), part = pick_part(task);
	unsigned char seen[16];
	size_t len;
	char *moved;

	switch (take(task) % 7) {
	case 0:
		mprotect(part.addr, part.len, prots[below(task, ARRAY_SIZE(prots))]);
		break;
	case 1:
		mlock(part.addr, part.len);
		break;
	case 2:
		munlock(part.addr, part.len);
		break;
	case 3:
		mincore(part.addr, 16 * BASE, seen);
		break;
	case 4:
		msync(part.addr, part.len, MS_SYNC);
		break;
	case 5:
		syscall(SYS_mbind, part.addr, part.len, 0, NULL, 0, 2);
		break;
	case 6:
		if (!at->addr)
			break;
		len = pick_size(task);
		moved = mremap(at->addr, at->len, len, MREMAP_MAYMOVE);
		if (moved != MAP_FAILED)
			*at = (struct mapping){ moved, len };
		break;
	}
}

static void run(struct task *task, unsigned int nr);

/*
 * Fork a child that dies with its parent. A child stopped before prctl() would
 * outlive the parent, so wait for it.
 */
static pid_t fork_tied(void)
{
	int ends[2];
	pid_t pid;
	char byte;

	if (pipe2(ends, O_CLOEXEC))
		return -1;
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		write(ends[1], "x", 1);
	} else if (pid > 0) {
		read(ends[0], &byte, 1);
	}
	close(ends[0]);
	close(ends[1]);
	return pid;
}

/* Fork a child that inherits all descriptors and mappings. */
static void op_fork(struct task *task)
{
	unsigned int nr = take(task) % 8;
	bool wait = take(task) % 2;
	pid_t pid;
	int i;

	if (depth >= 3)
		return;
	pid = fork_tied();
	if (!pid) {
		depth++;
		task->first = false;
		memset(child, 0, sizeof(child));
		fuzz_cover();
		run(task, nr);
		_exit(0);
	}
	if (pid < 0)
		return;
	if (wait) {
		waitpid(pid, NULL, 0);
		return;
	}
	for (i = 0; i < CHILDREN; i++)
		if (!child[i])
			break;
	child[i % CHILDREN] = pid;
}

static void op_kill(struct task *task)
{
	static const int signals[] = { SIGKILL, SIGSTOP, SIGCONT, SIGTERM };
	pid_t *at = &child[take(task) % CHILDREN];
	int sig = signals[below(task, ARRAY_SIZE(signals))];

	if (*at <= 0)
		return;
	kill(*at, sig);
	if (sig != SIGKILL)
		return;
	waitpid(*at, NULL, 0);
	*at = 0;
}

static void *run_thread(void *arg)
{
	struct task *task = arg;

	fuzz_cover();
	run(task, 6);
	return NULL;
}

/* Start a thread that runs the following operations, concurrently with this one. */
static void op_thread(struct task *task)
{
	static struct task other[4];
	unsigned int i = atomic_fetch_add(&nr_threads, 1);
	pthread_t thread;

	if (i >= ARRAY_SIZE(other) || depth)
		return;
	unusable = true;
	other[i] = *task;
	other[i].first = false;
	if (!pthread_create(&thread, NULL, run_thread, &other[i]))
		pthread_detach(thread);
}

static void op_exec(struct task *task)
{
	pid_t pid;

	if (take(task) < 128)
		return;
	pid = vfork();
	if (!pid) {
		execl("/bin/true", "true", NULL);
		_exit(1);
	}
	waitpid(pid, NULL, 0);
}

/* Send a descriptor through a socket. It may be closed before it arrives. */
static void op_pass(struct task *task)
{
	int *from = pick_slot(task), *to = pick_slot(task), pair[2];
	union {
		char room[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = {};
	char byte = 'x';
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.room,
		.msg_controllen = sizeof(control.room),
	};
	struct cmsghdr *head = CMSG_FIRSTHDR(&msg);

	if (*from < 0 || socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC |
				    SOCK_NONBLOCK, 0, pair))
		return;
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(head), from, sizeof(int));
	sendmsg(pair[0], &msg, 0);
	if (take(task) % 2) {
		close(*from);
		*from = -1;
	}
	if (take(task) % 2 && recvmsg(pair[1], &msg, 0) == 1 &&
	    CMSG_FIRSTHDR(&msg)) {
		int fd;

		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
		replace(to, fd);
	}
	close(pair[0]);
	close(pair[1]);
}

static void op_sysfs(struct task *task)
{
	static const char *const files[] = {
		"state", "id", "page_size", "uid", "gid", "mode", "isolated",
		"created_ns", "cpus/assigned", "cpus/effective",
		"cpus/dedicated", "cpus/members", "memory/total_bytes",
		"memory/free_bytes", "memory/used_bytes", "memory/clean_bytes",
		"memory/scrubbing_bytes", "memory/gathered_bytes",
		"memory/target_bytes", "memory/regions", "stat/allocs",
		"stat/limited", "stat/escapes", "memory/node0/free_bytes",
		"memory/node1/used_bytes", "memory/poisoned_bytes",
	};
	char path[128], text[128];
	const char *pool = pick_pool(task), *file = files[below(task, ARRAY_SIZE(files))];
	int fd, how = take(task) % 4;

	snprintf(path, sizeof(path), VP_POOLS "/%s/%s", pool, file);
	fd = open(path, (how == 1 ? O_WRONLY : O_RDONLY) | O_CLOEXEC);
	if (fd < 0)
		return;
	if (how == 1)
		write(fd, path, take(task));
	else
		pread(fd, text, sizeof(text), how == 2 ? take(task) : 0);
	if (how == 3)
		replace(pick_slot(task), fd);
	else
		close(fd);
}

/* System calls that a pool's device does not support. A file supports them. */
static void op_file(struct task *task)
{
	int fd = *pick_slot(task);
	struct pollfd pollfd = { .fd = fd, .events = POLLIN | POLLPRI };
	char text[64];

	switch (take(task) % 9) {
	case 0:
		read(fd, text, sizeof(text));
		break;
	case 1:
		write(fd, text, sizeof(text));
		break;
	case 2:
		lseek(fd, take(task), take(task) % 5);
		break;
	case 3:
		ftruncate(fd, pick_size(task));
		break;
	case 4:
		fallocate(fd, take(task) % 4, 0, pick_size(task));
		break;
	case 5:
		poll(&pollfd, 1, 0);
		break;
	case 6:
		fsync(fd);
		break;
	case 7:
		fchmod(fd, take(task));
		break;
	case 8:
		posix_fadvise(fd, 0, 0, take(task) % 6);
		break;
	}
}

/* Keep pages busy through a pipe or another process's mapping. */
static void op_pin(struct task *task)
{
	struct mapping part = pick_part(task);
	struct iovec iov = { .iov_base = part.addr, .iov_len = 8192 };
	char text[8192];
	struct iovec here = { .iov_base = text, .iov_len = sizeof(text) };

	if (pipes[0] < 0 && pipe2(pipes, O_CLOEXEC | O_NONBLOCK))
		return;
	switch (take(task) % 4) {
	case 0:
	case 1:
		vmsplice(pipes[1], &iov, 1, SPLICE_F_NONBLOCK);
		break;
	case 2:
		read(pipes[0], text, sizeof(text));
		break;
	case 3:
		process_vm_readv(getpid(), &here, 1, &iov, 1, 0);
		break;
	}
}

static void op_affinity(struct task *task)
{
	__u64 mask[2] = { pick_mask(task), 0 };
	pid_t whom = take(task) % 2 ? child[take(task) % CHILDREN] : 0;

	sched_setaffinity(whom, sizeof(mask), (cpu_set_t *)mask);
	sched_yield();
}

/* Change the state of a CPU with a low probability, because it takes a long time. */
static void op_hotplug(struct task *task)
{
	__u8 byte = take(task);

	if (byte >= 240)
		vp_set_online(CPU, byte % 2 == 0);
}

static void op_proc(struct task *task)
{
	static const char *const files[] = {
		"/proc/self/smaps", "/proc/self/numa_maps", "/proc/self/maps",
		"/proc/self/smaps_rollup", "/proc/self/pagemap",
		"/proc/self/fdinfo/3",
	};
	static char text[16384];

	vp_read_file(files[below(task, ARRAY_SIZE(files))], text, sizeof(text));
}

/* Drop privilege, possibly of a member. */
static void op_drop(struct task *task)
{
	switch (take(task) & 15) {
	case 0:
		unusable = true;
		setresuid(65534, 65534, 65534);
		if (depth)
			prctl(PR_SET_PDEATHSIG, SIGKILL);
		break;
	case 1:
		unusable = true;
		syscall(SYS_unshare, CLONE_NEWUSER);
		break;
	case 2:
		syscall(SYS_unshare, CLONE_FILES);
		break;
	case 3:
		prctl(PR_SET_NAME, "a new name");
		break;
	}
}

static void op_sleep(struct task *task)
{
	usleep(take(task) * 40);
}

static void op_parameter(struct task *task)
{
	static const char *const limits[] = {
		"/sys/module/vpool/parameters/max_members",
		"/sys/module/vpool/parameters/max_regions",
	};
	static const char *const values[] = { "0", "1", "4096", "4294967295" };

	const char *path = limits[below(task, ARRAY_SIZE(limits))];

	vp_write_file(path, values[below(task, ARRAY_SIZE(values))]);
}

/* The seeds contain indices of this table: a new operation must replace a duplicate. */
static void (*const ops[64])(struct task *task) = {
	op_control, op_open, op_close, op_dup, op_create, op_destroy, op_resize,
	op_query, op_commit, op_attach, op_reason, op_raw, op_mmap, op_unmap,
	op_touch, op_madvise, op_change_map, op_fork, op_kill, op_thread, op_exec,
	op_pass, op_sysfs, op_file, op_pin, op_affinity, op_hotplug, op_proc,
	op_drop, op_sleep, op_parameter, op_create, op_create, op_new_file, op_open,
	op_open, op_new_file, op_destroy, op_resize, op_range, op_query, op_range,
	op_commit, op_commit, op_new_file, op_attach, op_attach, op_range,
	op_range, op_raw, op_mmap, op_mmap, op_mmap, op_touch, op_touch,
	op_touch, op_fork, op_fork, op_thread, op_madvise, op_pin, op_affinity,
	op_sysfs, op_close,
};

static void run(struct task *task, unsigned int nr)
{
	while (nr-- && task->at < task->len) {
		if (task->first)
			atomic_store(&fuzz_shared->stage, task->at + 1);
		atomic_fetch_add(&fuzz_shared->calls, 1);
		ops[below(task, ARRAY_SIZE(ops))](task);
	}
}

/* Wait until the pipe @fd has no writer. Return false after FUZZ_DEATH seconds. */
bool fuzz_all_gone(int fd)
{
	struct pollfd pollfd = { .fd = fd };

	return poll(&pollfd, 1, FUZZ_DEATH * 1000) == 1;
}

/* Detach from every pool. */
static void detach(void)
{
	struct vpool_attach attach = {
		.size = sizeof(attach),
		.flags = VPOOL_ATTACH_PROCESS,
		.pidfd = VPOOL_SELF,
	};
	char path[64];
	int i, fd;

	for (i = 0; i < FUZZ_NAMES; i++) {
		vp_dev_path(fuzz_names[i], path, sizeof(path));
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd < 0) {
			/*
			 * The program may have lowered a limit so that the open fails.
			 */
			if (errno != ENOENT)
				unusable = true;
			continue;
		}
		ioctl(fd, VPOOL_DETACH, &attach);
		close(fd);
	}
}

/**
 * fuzz_clean - undo what a program did to its process
 *
 * Return: the state of the process, one of FUZZ_FINE, FUZZ_UNUSABLE and FUZZ_UNDEAD.
 */
char fuzz_clean(void)
{
	bool gone;
	int i;

	for (i = 0; i < CHILDREN; i++) {
		if (child[i] <= 0)
			continue;
		kill(child[i], SIGKILL);
		waitpid(child[i], NULL, 0);
		child[i] = 0;
	}
	for (i = 0; i < MAPS; i++) {
		if (map[i].addr)
			munmap(map[i].addr, map[i].len);
		map[i].addr = NULL;
	}
	for (i = 0; i < SLOTS; i++)
		put(&slot[i], -1);
	for (i = 0; i < 2; i++)
		put(&pipes[i], -1);
	detach();
	sched_setaffinity(0, sizeof(all_cpus), &all_cpus);
	close(alive[1]);
	gone = fuzz_all_gone(alive[0]);
	close(alive[0]);
	return !gone ? FUZZ_UNDEAD : unusable ? FUZZ_UNUSABLE : FUZZ_FINE;
}

/* Run all operations of a program. */
void fuzz_ops(const __u8 *data, size_t len)
{
	struct task task = { .data = data, .len = len, .first = true };
	struct sigaction action = { .sa_handler = handle_fault };

	sigaction(SIGBUS, &action, NULL);
	sigaction(SIGSEGV, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	if (!CPU_COUNT(&all_cpus))
		sched_getaffinity(0, sizeof(all_cpus), &all_cpus);
	if (pipe2(alive, O_CLOEXEC))
		return;
	/* Most operations need the control device. */
	slot[0] = open(VP_CONTROL, O_RDWR | O_CLOEXEC);
	run(&task, ~0U);
}
