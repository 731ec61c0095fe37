// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "vpool_util.h"

#define NSEC_PER_MSEC 1000000L
/* Long enough for a host that stands still; only a failure waits for its end. */
#define PATIENCE_MS 60000
/* How long a request may take. */
#define REQUEST_MS 20000
/* How often a CPU is asked to come online that did not report in time. */
#define ONLINE_TRIES 3
#define MAX_LISTED 512

/* What is too long is left without its end, as the ABI lets it be seen. */
void vp_name(char field[VPOOL_NAME_SIZE], const char *name)
{
	memset(field, 0, VPOOL_NAME_SIZE);
	memcpy(field, name, strnlen(name, VPOOL_NAME_SIZE));
}

void vp_request_init(struct vp_request *req, const char *name)
{
	memset(req, 0, sizeof(*req));
	req->create.size = sizeof(req->create);
	vp_name(req->create.name, name);
	req->create.uid = VPOOL_ID_CALLER;
	req->create.gid = VPOOL_ID_CALLER;
	req->create.mode = 0600;
	req->create.timeout_ms = REQUEST_MS;
}

void vp_request_mem(struct vp_request *req, __u64 bytes, int node)
{
	struct vpool_mem *mem = &req->mem[req->create.nr_mem++];

	mem->bytes = bytes;
	mem->node = node;
}

void vp_parse_cpus(const char *list, cpu_set_t *set)
{
	unsigned long first, last;
	char *end;

	CPU_ZERO(set);
	while (*list >= '0' && *list <= '9') {
		first = strtoul(list, &end, 10);
		last = first;
		if (*end == '-')
			last = strtoul(end + 1, &end, 10);
		for (; first <= last; first++)
			CPU_SET(first, set);
		list = *end == ',' ? end + 1 : end;
	}
}

int vp_set_affinity(pid_t tid, const char *list)
{
	cpu_set_t set;

	vp_parse_cpus(list, &set);
	return sched_setaffinity(tid, sizeof(set), &set) ? -errno : 0;
}

int vp_set_online(int cpu, bool online)
{
	char path[64];
	int err, i = 0;

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/online",
		 cpu);
	do {
		err = vp_write_file(path, online ? "1" : "0");
	} while (err == -EIO && online && ++i < ONLINE_TRIES);
	return err;
}

void vp_request_cpus(struct vp_request *req, const char *list)
{
	cpu_set_t set;

	vp_parse_cpus(list, &set);
	memcpy(req->cpus, &set, sizeof(req->cpus));
	req->create.cpus_bytes = sizeof(req->cpus);
}

int vp_request_send(int ctl, struct vp_request *req)
{
	struct vpool_create create = req->create;
	int err;

	if (create.nr_mem && !create.mem_uptr)
		create.mem_uptr = (uintptr_t)req->mem;
	if (create.cpus_bytes && !create.cpus_uptr)
		create.cpus_uptr = (uintptr_t)req->cpus;
	err = vp_ioctl(ctl, VPOOL_CREATE, &create);
	req->create.out_id = create.out_id;
	req->create.out_bytes = create.out_bytes;
	return err;
}

/* @bytes of 0 is a pool without memory, @cpus of NULL one without CPUs. */
int vp_create(int ctl, const char *name, __u64 bytes, __u64 page_size,
	      const char *cpus)
{
	struct vp_request req;

	vp_request_init(&req, name);
	req.create.page_size = page_size;
	if (bytes)
		vp_request_mem(&req, bytes, VPOOL_ANY_NODE);
	if (cpus)
		vp_request_cpus(&req, cpus);
	return vp_request_send(ctl, &req);
}

/* @nr CPUs of @node, or near to some memory on @mem_node if that is not negative. */
int vp_create_nr(int ctl, const char *name, __u32 nr, int node, int mem_node,
		 __u32 flags)
{
	struct vp_request req;

	vp_request_init(&req, name);
	if (mem_node >= 0)
		vp_request_mem(&req, HUGE_SIZE, mem_node);
	req.create.nr_cpus = nr;
	req.create.cpus_node = node;
	req.create.flags = flags;
	return vp_request_send(ctl, &req);
}

int vp_destroy(int ctl, const char *name, __u32 flags)
{
	struct vpool_destroy cmd = {
		.size = sizeof(cmd),
		.flags = flags,
	};

	vp_name(cmd.name, name);
	return vp_ioctl(ctl, VPOOL_DESTROY, &cmd);
}

static int vp_resize_call(int ctl, const char *name, struct vpool_mem *mem,
			  __u32 nr, __u64 *bytes)
{
	struct vpool_resize cmd = {
		.size = sizeof(cmd),
		.timeout_ms = REQUEST_MS,
		.nr_mem = nr,
		.mem_uptr = (uintptr_t)mem,
	};
	int err;

	vp_name(cmd.name, name);
	err = vp_ioctl(ctl, VPOOL_RESIZE, &cmd);
	if (!err && bytes)
		*bytes = cmd.out_bytes;
	return err;
}

/* To @bytes on @node, or in all; @bytes becomes what the pool has in all. */
int vp_resize(int ctl, const char *name, __u64 *bytes, int node)
{
	struct vpool_mem mem = { .bytes = *bytes, .node = node };

	return vp_resize_call(ctl, name, &mem, 1, bytes);
}

int vp_resize_nodes(int ctl, const char *name, struct vpool_mem *mem, __u32 nr)
{
	return vp_resize_call(ctl, name, mem, nr, NULL);
}

int vp_resize_cpus(int ctl, const char *name, const char *cpus, __u32 flags)
{
	struct vpool_resize cmd = { .size = sizeof(cmd), .flags = flags };
	cpu_set_t set;

	vp_name(cmd.name, name);
	vp_parse_cpus(cpus, &set);
	cmd.cpus_uptr = (uintptr_t)&set;
	cmd.cpus_bytes = sizeof(set);
	return vp_ioctl(ctl, VPOOL_RESIZE, &cmd);
}

/* Unforced, but patient with a task or descriptor that is just going. */
int vp_destroy_soon(int ctl, const char *name)
{
	__u64 end = vp_now_ms() + PATIENCE_MS;
	int err;

	while ((err = vp_destroy(ctl, name, 0)) == -EBUSY && vp_now_ms() < end)
		vp_sleep_ms(5);
	return err;
}

int vp_ioctl(int fd, unsigned long cmd, void *arg)
{
	return ioctl(fd, cmd, arg) < 0 ? -errno : 0;
}

int vp_control(void)
{
	int fd = open(VP_CONTROL, O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

void vp_node_path(const char *name, char *path, size_t size)
{
	snprintf(path, size, "/dev/vpool/%s", name);
}

int vp_open_flags(const char *name, int flags)
{
	char path[128];
	int fd;

	vp_node_path(name, path, sizeof(path));
	fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int vp_open(const char *name)
{
	return vp_open_flags(name, O_RDWR);
}

const char *vp_reason(int fd)
{
	static __thread char text[VPOOL_REASON_SIZE];
	struct vpool_reason cmd = {
		.size = sizeof(cmd),
		.len = sizeof(text),
		.buf_uptr = (uintptr_t)text,
	};

	memset(text, 0, sizeof(text));
	if (vp_ioctl(fd, VPOOL_REASON, &cmd))
		return "(the reason cannot be read)";
	return text;
}

/* Says what the reason was if @word is not in it. */
bool vp_reason_has(int fd, const char *word)
{
	const char *reason = vp_reason(fd);

	if (reason[0] && strcasestr(reason, word))
		return true;
	fprintf(stderr, "# the reason is '%s', without '%s'\n", reason, word);
	return false;
}

/* Leaves @query->nodes_uptr and what belongs to it as the caller set them. */
int vp_query(int fd, const char *name, struct vpool_query *query)
{
	query->size = sizeof(*query);
	vp_name(query->name, name ?: "");
	return vp_ioctl(fd, VPOOL_QUERY, query);
}

int vp_regions(int fd, const char *name, struct vpool_region_info *info,
	       __u32 *nr)
{
	struct vpool_regions cmd = {
		.size = sizeof(cmd),
		.nr = *nr,
		.regions_uptr = (uintptr_t)info,
	};
	int err;

	if (name)
		vp_name(cmd.name, name);
	err = vp_ioctl(fd, VPOOL_REGIONS, &cmd);
	*nr = cmd.nr;
	return err;
}

int vp_list(int ctl, struct vpool_list_entry *entries, __u32 *nr)
{
	struct vpool_list cmd = {
		.size = sizeof(cmd),
		.nr = *nr,
		.entries_uptr = (uintptr_t)entries,
	};
	int err = vp_ioctl(ctl, VPOOL_LIST, &cmd);

	*nr = cmd.nr;
	return err;
}

/* In sysfs or as a node: a pool that is gone is gone from both. */
bool vp_exists(const char *name)
{
	char node[128], dir[128];

	vp_node_path(name, node, sizeof(node));
	snprintf(dir, sizeof(dir), VP_POOLS "/%s", name);
	return !access(node, F_OK) || !access(dir, F_OK);
}

static const char *books_wrong(const struct vpool_query *q)
{
	if (q->total_bytes != q->free_bytes + q->used_bytes + q->poisoned_bytes)
		return "total is not free + used + poisoned";
	if (q->free_bytes != q->clean_bytes + q->scrubbing_bytes)
		return "free is not clean + scrubbing";
	if (q->used_bytes > q->peak_bytes)
		return "more is used than the peak";
	return NULL;
}

static const char *vp_books_wrong(int fd, const char *name)
{
	struct vpool_node_info node[64];
	struct vpool_query q = {
		.nr_nodes = 64,
		.nodes_uptr = (uintptr_t)node,
	};
	__u64 total = 0, free = 0, used = 0;
	__u32 i;

	if (vp_query(fd, name, &q))
		return "the pool cannot be queried";
	for (i = 0; i < q.nr_nodes; i++) {
		total += node[i].total_bytes;
		free += node[i].free_bytes;
		used += node[i].used_bytes;
	}
	if (total != q.total_bytes || free != q.free_bytes ||
	    used != q.used_bytes)
		return "the nodes do not add up to the pool";
	return books_wrong(&q);
}

/* Says what is wrong with a pool's figures if they do not add up. */
bool vp_books_ok(int fd, const char *name)
{
	const char *wrong = vp_books_wrong(fd, name);

	if (wrong)
		fprintf(stderr, "# books: %s\n", wrong);
	return !wrong;
}

int vp_commit(int fd, __u64 *bytes)
{
	struct vpool_commit cmd = {
		.size = sizeof(cmd),
		.bytes = *bytes,
	};
	int err = vp_ioctl(fd, VPOOL_COMMIT, &cmd);

	*bytes = cmd.bytes;
	return err;
}

void *vp_map(int fd, __u64 bytes, __u64 offset)
{
	return mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		    offset);
}

void *vp_open_map(const char *name, __u64 bytes, int *fd)
{
	*fd = vp_open(name);
	return vp_map(*fd, bytes, 0);
}

static int vp_membership(int fd, unsigned long cmd, __u32 flags)
{
	struct vpool_attach arg = {
		.size = sizeof(arg),
		.flags = flags,
		.pidfd = VPOOL_SELF,
	};

	return vp_ioctl(fd, cmd, &arg);
}

int vp_attach(int fd, __u32 flags)
{
	return vp_membership(fd, VPOOL_ATTACH, flags);
}

int vp_detach(int fd, __u32 flags)
{
	return vp_membership(fd, VPOOL_DETACH, flags);
}

/* With @cpu, that CPU is to be its own; set to the one it gets. */
int vp_attach_task(int fd, int pidfd, pid_t tid, __u32 flags, int *cpu)
{
	struct vpool_attach arg = {
		.size = sizeof(arg),
		.flags = flags | (cpu ? VPOOL_ATTACH_DEDICATED : 0),
		.pidfd = pidfd,
		.tid = tid,
		.cpu = cpu ? *cpu : 0,
	};
	int err = vp_ioctl(fd, VPOOL_ATTACH, &arg);

	if (cpu)
		*cpu = arg.cpu;
	return err;
}

int vp_detach_task(int fd, int pidfd, pid_t tid, __u32 flags)
{
	struct vpool_attach arg = {
		.size = sizeof(arg),
		.flags = flags,
		.pidfd = pidfd,
		.tid = tid,
	};

	return vp_ioctl(fd, VPOOL_DETACH, &arg);
}

int vp_pidfd(pid_t pid)
{
	int fd = syscall(SYS_pidfd_open, pid, 0);

	return fd < 0 ? -errno : fd;
}

/* Is that the mask of a task? Says what it is, if not. */
bool vp_may_run_on(pid_t tid, const char *want)
{
	char list[256];

	if (vp_allowed_cpus(tid, list, sizeof(list)))
		return false;
	if (!strcmp(list, want))
		return true;
	fprintf(stderr, "# task %d may run on %s, not on %s\n", tid, list,
		want);
	return false;
}

/* The same for what follows a moment later, as when a CPU comes or a task goes. */
bool vp_soon_runs_on(pid_t tid, const char *want)
{
	__u64 end = vp_now_ms() + PATIENCE_MS;
	char list[64];

	do {
		if (!vp_allowed_cpus(tid, list, sizeof(list)) &&
		    !strcmp(list, want))
			return true;
		vp_sleep_ms(10);
	} while (vp_now_ms() < end);
	return vp_may_run_on(tid, want);
}

bool vp_is_member(int fd, pid_t tid, pid_t pid)
{
	struct vpool_member_info info[MAX_LISTED];
	struct vpool_members cmd = {
		.size = sizeof(cmd),
		.nr = MAX_LISTED,
		.members_uptr = (uintptr_t)info,
	};
	__u32 i;

	if (vp_ioctl(fd, VPOOL_MEMBERS, &cmd))
		return false;
	for (i = 0; i < cmd.nr; i++)
		if (info[i].tid == tid && info[i].pid == pid)
			return true;
	return false;
}

/* The value of "@field:" in a file of such lines, trimmed. */
static int vp_field(const char *path, const char *field, char *text,
		    size_t size)
{
	size_t len = strlen(field);
	FILE *file = fopen(path, "re");
	char line[512];
	int err = -ENOENT;

	if (!file)
		return -errno;
	while (err && fgets(line, sizeof(line), file)) {
		if (strncmp(line, field, len) || line[len] != ':')
			continue;
		line[strcspn(line, "\n")] = '\0';
		snprintf(text, size, "%s",
			 line + len + 1 + strspn(line + len + 1, " \t"));
		err = 0;
	}
	fclose(file);
	return err;
}

/* As the kernel writes it: "1-2". */
int vp_allowed_cpus(pid_t tid, char *list, size_t size)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/status", tid ?: gettid());
	return vp_field(path, "Cpus_allowed_list", list, size);
}

int vp_read_file(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len;

	if (fd < 0)
		return -errno;
	len = read(fd, text, size - 1);
	close(fd);
	if (len < 0)
		return -errno;
	text[len] = '\0';
	return 0;
}

int vp_write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t len;

	if (fd < 0)
		return -errno;
	len = write(fd, text, strlen(text));
	close(fd);
	return len < 0 ? -errno : 0;
}

/* The value of an attribute of a pool, its newline included. */
int vp_sysfs(const char *pool, const char *attr, char *text, size_t size)
{
	char path[256];

	snprintf(path, sizeof(path), VP_POOLS "/%s/%s", pool, attr);
	return vp_read_file(path, text, size);
}

__u64 vp_sysfs_u64(const char *pool, const char *attr)
{
	char text[64];

	if (vp_sysfs(pool, attr, text, sizeof(text)))
		return VP_NONE;
	return strtoull(text, NULL, 10);
}

bool vp_sysfs_becomes(const char *pool, const char *attr, __u64 want)
{
	__u64 end = vp_now_ms() + PATIENCE_MS;

	while (vp_sysfs_u64(pool, attr) != want) {
		if (vp_now_ms() > end)
			return false;
		vp_sleep_ms(5);
	}
	return true;
}

/* Whether an attribute has that value; says so if not. */
bool vp_sysfs_is(const char *pool, const char *attr, const char *want)
{
	char text[256];

	if (vp_sysfs(pool, attr, text, sizeof(text)))
		return false;
	text[strcspn(text, "\n")] = '\0';
	if (!strcmp(text, want))
		return true;
	fprintf(stderr, "# %s of %s is '%s', not '%s'\n", attr, pool, text,
		want);
	return false;
}

/* Waits until nobody uses a pool any more; false if that takes too long. */
bool vp_idle(const char *pool)
{
	return vp_sysfs_becomes(pool, "memory/regions", 0) &&
	       vp_sysfs_becomes(pool, "memory/used_bytes", 0) &&
	       vp_sysfs_becomes(pool, "cpus/members", 0);
}

__u64 vp_meminfo(const char *field)
{
	char text[64];

	if (vp_field("/proc/meminfo", field, text, sizeof(text)))
		return VP_NONE;
	return strtoull(text, NULL, 10) * KIB;
}

/*
 * What the host has free, with what it keeps at hand for each CPU: MemFree leaves
 * that out, and it may be many huge pages that a pool has just given back.
 */
__u64 vp_host_free(void)
{
	FILE *file = fopen("/proc/zoneinfo", "re");
	unsigned long long at_hand, pages = 0;
	char line[256];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, " count: %llu", &at_hand) == 1)
			pages += at_hand;
	if (file)
		fclose(file);
	return vp_meminfo("MemFree") + pages * sysconf(_SC_PAGESIZE);
}

/* Some of what is given back comes only after a grace period, or from a cache. */
bool vp_host_has(__u64 bytes)
{
	__u64 end = vp_now_ms() + PATIENCE_MS;

	while (vp_host_free() < bytes) {
		if (vp_now_ms() > end) {
			fprintf(stderr, "# the host has %llu of %llu MiB free\n",
				vp_host_free() / MIB, bytes / MIB);
			return false;
		}
		vp_sleep_ms(100);
		vp_write_file("/proc/sys/vm/drop_caches", "3");
	}
	return true;
}

/* Is this the head of a mapping, "start-end ...", and is @addr within it? */
static bool smaps_head_has(const char *line, unsigned long addr)
{
	unsigned long start, end;

	return sscanf(line, "%lx-%lx ", &start, &end) == 2 &&
	       start <= addr && addr < end;
}

static bool smaps_is_head(const char *line)
{
	unsigned long start, end;

	return sscanf(line, "%lx-%lx ", &start, &end) == 2;
}

/* A field of the mapping that @addr is in, in bytes. */
int vp_smaps(const void *addr, const char *field, __u64 *bytes)
{
	FILE *file = fopen("/proc/self/smaps", "re");
	size_t len = strlen(field);
	bool inside = false;
	char line[512];
	int err = -ENOENT;

	if (!file)
		return -errno;
	while (fgets(line, sizeof(line), file)) {
		if (smaps_is_head(line))
			inside = smaps_head_has(line, (unsigned long)addr);
		if (!inside || strncmp(line, field, len) || line[len] != ':')
			continue;
		*bytes = strtoull(line + len + 1, NULL, 10) * KIB;
		err = 0;
		break;
	}
	fclose(file);
	return err;
}

/* Any two places of any two seeds differ. */
static __u64 vp_word(__u64 seed, size_t i)
{
	return seed * 0x9e3779b97f4a7c15ULL + (__u64)i * 0xbf58476d1ce4e5b9ULL +
	       1;
}

void vp_fill(void *addr, size_t bytes, __u64 seed)
{
	__u64 *word = addr;
	size_t i;

	for (i = 0; i < bytes / sizeof(*word); i++)
		word[i] = vp_word(seed, i);
}

bool vp_is_filled(const void *addr, size_t bytes, __u64 seed)
{
	const __u64 *word = addr;
	size_t i;

	for (i = 0; i < bytes / sizeof(*word); i++)
		if (word[i] != vp_word(seed, i))
			return false;
	return true;
}

bool vp_is_zero(const void *addr, size_t bytes)
{
	const __u64 *word = addr;
	size_t i;

	for (i = 0; i < bytes / sizeof(*word); i++)
		if (word[i])
			return false;
	return true;
}

static __thread sigjmp_buf vp_fault_env;

static void vp_fault(int sig)
{
	siglongjmp(vp_fault_env, sig);
}

static void vp_access(char *byte, bool write)
{
	char value = __atomic_load_n(byte, __ATOMIC_RELAXED);

	if (write)
		__atomic_store_n(byte, value, __ATOMIC_RELAXED);
}

/* Reads, and maybe writes back, one byte; the signal that it raised, or 0. */
int vp_touch(void *addr, bool write)
{
	struct sigaction act = { .sa_handler = vp_fault };
	struct sigaction old_bus, old_segv;
	int sig;

	sigaction(SIGBUS, &act, &old_bus);
	sigaction(SIGSEGV, &act, &old_segv);
	sig = sigsetjmp(vp_fault_env, 1);
	if (!sig)
		vp_access(addr, write);
	sigaction(SIGBUS, &old_bus, NULL);
	sigaction(SIGSEGV, &old_segv, NULL);
	return sig;
}

/* Loads the module from the file that VPOOL_KO names. */
int vp_load(void)
{
	const char *file = getenv("VPOOL_KO");
	int fd = open(file ?: "", O_RDONLY | O_CLOEXEC);
	int err;

	if (fd < 0)
		return -errno;
	err = syscall(SYS_finit_module, fd, "", 0) ? -errno : 0;
	close(fd);
	return err;
}

int vp_unload(void)
{
	return syscall(SYS_delete_module, "vpool", O_NONBLOCK) ? -errno : 0;
}

/* A moment passes between the last close and the module's being idle. */
int vp_unload_soon(unsigned int seconds)
{
	__u64 end = vp_now_ms() + seconds * 1000ULL;
	int err;

	while ((err = vp_unload()) == -EWOULDBLOCK && vp_now_ms() < end)
		vp_sleep_ms(5);
	return err;
}

int vp_online_cpus(void)
{
	return sysconf(_SC_NPROCESSORS_ONLN);
}

/* The threads of a CPU's core, itself among them; false without such a CPU. */
bool vp_core_of(int cpu, cpu_set_t *core)
{
	char path[128], list[256];

	snprintf(path, sizeof(path),
		 "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list",
		 cpu);
	if (vp_read_file(path, list, sizeof(list)))
		return false;
	vp_parse_cpus(list, core);
	return true;
}

/* Why this is no box for tests that name CPUs, which take 1, 2 and 3. */
const char *vp_unfit(void)
{
	cpu_set_t core;
	int cpu;

	for (cpu = 0; cpu < 4; cpu++)
		if (!vp_core_of(cpu, &core))
			return "needs CPUs 0 to 3";
	for (cpu = 0; cpu < 4; cpu++)
		if (vp_core_of(cpu, &core) && CPU_COUNT(&core) > 1)
			return "needs cores of one thread each";
	return NULL;
}

bool vp_has_node(int node)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/devices/system/node/node%d", node);
	return !access(path, F_OK);
}

static bool vp_kernel_is(const char *name)
{
	const char *kernel = getenv("VPOOL_KERNEL");

	return kernel && !strcmp(kernel, name);
}

/* Is this a kernel that is slow, for what it checks? */
bool vp_is_debug(void)
{
	return vp_kernel_is("debug") || vp_kernel_is("kcsan");
}

/*
 * How often to do what is done often: in full on one kernel, or on each where
 * VPOOL_LONG is set. The checking kernel is ten times slower.
 */
int vp_scale(int rounds)
{
	if (vp_is_debug())
		return rounds / 10;
	return vp_kernel_is("6.1") && !getenv("VPOOL_LONG") ? rounds / 4 : rounds;
}

/*
 * How many children are born in a storm: in VPOOL_STORM, or so many that a check
 * of every change can wait for them.
 */
int vp_storm(void)
{
	const char *storm = getenv("VPOOL_STORM");

	return storm ? atoi(storm) : vp_scale(1600);
}

void vp_sleep_ms(unsigned int ms)
{
	struct timespec ts = {
		.tv_sec = ms / 1000,
		.tv_nsec = ms % 1000 * NSEC_PER_MSEC,
	};

	while (nanosleep(&ts, &ts) && errno == EINTR)
		;
}

__u64 vp_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ULL + ts.tv_nsec / NSEC_PER_MSEC;
}

/* The exit status, 128 and the signal for one that was killed, or -errno. */
int vp_wait_status(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) < 0)
		return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* A child that does @fn over and over until it is stopped. */
struct vp_worker vp_worker_start(void (*fn)(void))
{
	struct vp_worker worker;

	worker.pid = fork();
	if (!worker.pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			fn();
	}
	worker.pidfd = vp_pidfd(worker.pid);
	return worker;
}

void vp_worker_stop(struct vp_worker *worker)
{
	kill(worker->pid, SIGKILL);
	vp_wait_status(worker->pid);
	close(worker->pidfd);
}

void vp_sleep_on(void)
{
	pause();
}

int vp_in_child(int (*fn)(void *arg), void *arg)
{
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (!pid)
		_exit(fn(arg));
	return vp_wait_status(pid);
}

int vp_drop_cap(int cap)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	struct __user_cap_data_struct *word = &data[CAP_TO_INDEX(cap)];

	if (syscall(SYS_capget, &head, data))
		return -errno;
	word->effective &= ~CAP_TO_MASK(cap);
	word->permitted &= ~CAP_TO_MASK(cap);
	word->inheritable &= ~CAP_TO_MASK(cap);
	return syscall(SYS_capset, &head, data) ? -errno : 0;
}
