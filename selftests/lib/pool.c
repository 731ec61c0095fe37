// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "file.h"
#include "host.h"
#include "memory.h"
#include "pool.h"

/* Timeout of a call that waits for memory. */
#define REQUEST_MS 20000

int vp_ioctl(int fd, unsigned long cmd, void *arg)
{
	return ioctl(fd, cmd, arg) < 0 ? -errno : 0;
}

int vp_control(void)
{
	int fd = open(VP_CONTROL, O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

void vp_dev_path(const char *name, char *path, size_t size)
{
	snprintf(path, size, "/dev/vpool/%s", name);
}

int vp_open_flags(const char *name, int flags)
{
	char path[128];
	int fd;

	vp_dev_path(name, path, sizeof(path));
	fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int vp_open(const char *name)
{
	return vp_open_flags(name, O_RDWR);
}

/*
 * Copy a name without forcing a NUL at the end: tests pass names that fill the field.
 */
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

/* Ask for @bytes on NUMA node @node, or anywhere (VPOOL_ANY_NODE). */
void vp_request_mem(struct vp_request *req, __u64 bytes, int node)
{
	struct vpool_mem *mem = &req->mem[req->create.nr_mem++];

	mem->bytes = bytes;
	mem->node = node;
}

void vp_request_cpus(struct vp_request *req, const char *list)
{
	cpu_set_t set;

	vp_parse_cpus(list, &set);
	memcpy(req->cpus, &set, sizeof(req->cpus));
	req->create.cpus_bytes = sizeof(req->cpus);
}

/* Create the pool. Keep array pointers that the test has set itself. */
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

/* Create a pool. Without memory if @bytes is 0, without CPUs if @cpus is NULL. */
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

/* Create a pool with @nr CPUs of @node, and memory on @mem_node if it is not negative. */
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

/*
 * Destroy without force. Retry while an exiting task or a descriptor that is being
 * closed keeps the pool busy.
 */
int vp_destroy_wait(int ctl, const char *name)
{
	__u64 end = vp_now_ms() + VP_WAIT_MS;
	int err;

	while ((err = vp_destroy(ctl, name, 0)) == -EBUSY && vp_now_ms() < end)
		vp_sleep_ms(5);
	return err;
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

/* Resize to *@bytes on @node, or in total. Set *@bytes to the new total. */
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

/* Return the message of the last failed call on @fd, in a buffer of this thread. */
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
		return "(no message)";
	return text;
}

/* Return the code of the last failed call on @fd, or ~0 if there is no way to read it. */
__u32 vp_code(int fd)
{
	char text[VPOOL_REASON_SIZE];
	struct vpool_reason cmd = {
		.size = sizeof(cmd),
		.len = sizeof(text),
		.buf_uptr = (uintptr_t)text,
	};

	return vp_ioctl(fd, VPOOL_REASON, &cmd) ? ~0U : cmd.code;
}

/* Check whether the message contains @word. Print the message if it does not. */
bool vp_reason_has(int fd, const char *word)
{
	const char *reason = vp_reason(fd);

	if (reason[0] && strcasestr(reason, word))
		return true;
	fprintf(stderr, "# the message '%s' lacks '%s'\n", reason, word);
	return false;
}

/* Query a pool. Use @query->nodes_uptr and nr_nodes as the caller set them. */
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

/*
 * Check whether a pool has a device or a sysfs directory. Destroying the pool removes
 * both.
 */
bool vp_exists(const char *name)
{
	char node[128], dir[128];

	vp_dev_path(name, node, sizeof(node));
	snprintf(dir, sizeof(dir), VP_POOLS "/%s", name);
	return !access(node, F_OK) || !access(dir, F_OK);
}

static const char *accounting_error(const struct vpool_query *q)
{
	if (q->total_bytes != q->free_bytes + q->used_bytes + q->poisoned_bytes)
		return "total is not free + used + poisoned";
	if (q->free_bytes != q->clean_bytes + q->scrubbing_bytes)
		return "free is not clean + scrubbing";
	if (q->used_bytes > q->peak_bytes)
		return "used is more than the peak";
	return NULL;
}

static const char *vp_accounting_error(int fd, const char *name)
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
	return accounting_error(&q);
}

/* Check that a pool's accounting adds up. Print the error if it does not. */
bool vp_accounting_ok(int fd, const char *name)
{
	const char *error = vp_accounting_error(fd, name);

	if (error)
		fprintf(stderr, "# accounting: %s\n", error);
	return !error;
}

/* Give a region the size *@bytes and its memory. Set *@bytes to the rounded size. */
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

/* Read an attribute of a pool, including its newline. */
int vp_sysfs(const char *pool, const char *attr, char *text, size_t size)
{
	char path[256];

	snprintf(path, sizeof(path), VP_POOLS "/%s/%s", pool, attr);
	return vp_read_file(path, text, size);
}

/* Return the size of the largest page table entry that maps pool memory. */
__u64 vp_mapping_size(void)
{
	char text[64];

	if (vp_read_file("/sys/kernel/vpool/max_mapping_size", text,
			 sizeof(text)))
		return VP_NONE;
	return strtoull(text, NULL, 10);
}

__u64 vp_sysfs_u64(const char *pool, const char *attr)
{
	char text[64];

	if (vp_sysfs(pool, attr, text, sizeof(text)))
		return VP_NONE;
	return strtoull(text, NULL, 10);
}

/* Return the number of huge pages that faults, and populating, have mapped. */
__u64 vp_mapped_huge(const char *pool)
{
	return vp_sysfs_u64(pool, "stat/faults_huge") +
	       vp_sysfs_u64(pool, "stat/mapped_around");
}

/* True if the module inserts huge entries itself, and maps several in one fault. */
bool vp_has_fault_around(void)
{
	return !access(VP_FAULT_AROUND, F_OK);
}

/* Return memory/node@node/@what_bytes of a pool. */
__u64 vp_node_bytes(const char *pool, int node, const char *what)
{
	char attr[64];

	snprintf(attr, sizeof(attr), "memory/node%d/%s_bytes", node, what);
	return vp_sysfs_u64(pool, attr);
}

/* Wait until an attribute has a value. */
bool vp_sysfs_wait(const char *pool, const char *attr, __u64 want)
{
	__u64 end = vp_now_ms() + VP_WAIT_MS;

	while (vp_sysfs_u64(pool, attr) != want) {
		if (vp_now_ms() > end)
			return false;
		vp_sleep_ms(5);
	}
	return true;
}

/*
 * Check whether an attribute has the value @want. Print the actual value if it does
 * not.
 */
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

/* Wait until a pool has no region, no memory in use and no member. */
bool vp_wait_idle(const char *pool)
{
	return vp_sysfs_wait(pool, "memory/regions", 0) &&
	       vp_sysfs_wait(pool, "memory/used_bytes", 0) &&
	       vp_sysfs_wait(pool, "cpus/members", 0);
}
