// SPDX-License-Identifier: GPL-2.0-only
/*
 * The library against a simulated module: the linker wraps ioctl(2).
 */
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libvpool.h>

#include "base/alloc.h"
#include "base/macros.h"
#include "tap.h"

/* The simulated module */

#define NR_POOLS 40

static struct {
	int fail;
	const char *reason;
	enum vpool_code code;
	bool knows_code;
	int calls;
	struct vpool_create create;
	struct vpool_attach attach;
	struct vpool_commit commit;
	struct vpool_file file;
	/* Device of each descriptor: 'c'ontrol, 'p'ool, 'x' for another, 0 for any. */
	char device;
} kernel;

static int failing(void)
{
	errno = kernel.fail;
	return -1;
}

/* A module without codes accepts the larger structure if its new part is zero. */
static int give_reason(struct vpool_reason *rs)
{
	char *to = (char *)(unsigned long)rs->buf_uptr;

	if (kernel.knows_code) {
		rs->code = kernel.code;
	} else if (rs->code || rs->__reserved) {
		errno = E2BIG;
		return -1;
	}
	if (!kernel.reason) {
		rs->len = 0;
		return 0;
	}
	snprintf(to, rs->len, "%s", kernel.reason);
	rs->len = strlen(kernel.reason) + 1;
	return 0;
}

static int give_list(struct vpool_list *cmd)
{
	struct vpool_list_entry *to = (void *)(unsigned long)cmd->entries_uptr;
	__u32 i, room = cmd->nr;

	cmd->nr = NR_POOLS;
	if (room < NR_POOLS) {
		errno = EMSGSIZE;
		return -1;
	}
	for (i = 0; i < NR_POOLS; i++) {
		memset(to + i, 0, sizeof(*to));
		to[i].id = i;
		snprintf(to[i].name, sizeof(to[i].name), "p%u", i);
	}
	return 0;
}

/* A host with 4096 CPUs and 20 nodes, which do not fit into the first buffers. */
static int give_query(struct vpool_query *cmd)
{
	struct vpool_node_info *nodes = (void *)(unsigned long)cmd->nodes_uptr;
	bool none = !cmd->nodes_uptr && !cmd->cpus_uptr;
	bool room = none || (cmd->nr_nodes >= 20 && cmd->cpus_bytes >= 512);

	cmd->nr_nodes = 20;
	cmd->cpus_bytes = 512;
	if (!room) {
		errno = EMSGSIZE;
		return -1;
	}
	if (!none) {
		memset(nodes, 0, 20 * sizeof(*nodes));
		nodes[19].node = 19;
		nodes[19].total_bytes = 1 << 21;
		memset((void *)(unsigned long)cmd->cpus_uptr, 0xff, 512);
	}
	cmd->total_bytes = 1 << 21;
	cmd->state = VPOOL_STATE_ACTIVE;
	snprintf(cmd->name, sizeof(cmd->name), "web");
	return 0;
}

static int take_create(struct vpool_create *cmd)
{
	kernel.create = *cmd;
	cmd->out_id = 7;
	cmd->out_bytes = 1 << 21;
	return 0;
}

int __wrap_ioctl(int fd, unsigned long cmd, ...);

int __wrap_ioctl(int fd, unsigned long cmd, ...)
{
	va_list args;
	void *arg;

	(void)fd;
	va_start(args, cmd);
	arg = va_arg(args, void *);
	va_end(args);
	if (cmd == VPOOL_REASON)
		return give_reason(arg);
	kernel.calls++;
	if (kernel.fail)
		return failing();
	if (kernel.device == 'x' || (kernel.device == 'p' && cmd == VPOOL_LIST)) {
		errno = ENOTTY;
		return -1;
	}
	if (cmd == VPOOL_LIST)
		return give_list(arg);
	if (cmd == VPOOL_QUERY)
		return give_query(arg);
	if (cmd == VPOOL_CREATE)
		return take_create(arg);
	if (cmd == VPOOL_ATTACH)
		kernel.attach = *(struct vpool_attach *)arg;
	if (cmd == VPOOL_COMMIT)
		kernel.commit = *(struct vpool_commit *)arg;
	if (cmd == VPOOL_FILE) {
		kernel.file = *(struct vpool_file *)arg;
		((struct vpool_file *)arg)->out_fd = 42;
	}
	return 0;
}

/* Directories that stand for /dev/vpool and /sys/kernel/vpool */

static char root[64];

static void write_file(const char *path, const char *text)
{
	char *full = xprintf("%s/%s", root, path);
	FILE *file = fopen(full, "w");

	if (expect(file)) {
		fputs(text, file);
		fclose(file);
	}
	free(full);
}

static void make_dir(const char *path)
{
	char *full = xprintf("%s/%s", root, path);

	mkdir(full, 0755);
	free(full);
}

static void set_dirs(const char *dev, const char *sysfs)
{
	char *full = xprintf("%s/%s", root, dev);

	setenv("VPOOL_DEV_DIR", full, 1);
	free(full);
	full = xprintf("%s/%s", root, sysfs);
	setenv("VPOOL_SYSFS_DIR", full, 1);
	free(full);
}

static void make_dirs(void)
{
	snprintf(root, sizeof(root), "/tmp/vpool-test-XXXXXX");
	if (!mkdtemp(root))
		abort();
	make_dir("dev");
	write_file("dev/control", "");
	write_file("dev/web", "");
	make_dir("sys");
	make_dir("sys/pools");
	make_dir("sys/pools/web");
	make_dir("sys/pools/web/cpus");
	make_dir("sys/pools/web/memory");
	make_dir("sys/pools/web/memory/node0");
	make_dir("sys/pools/web/memory/node10");
	make_dir("sys/pools/web/memory/node2");
	write_file("sys/pools/web/id", "3\n");
	write_file("sys/pools/web/state", "degraded\n");
	write_file("sys/pools/web/page_size", "2097152\n");
	write_file("sys/pools/web/mode", "0640\n");
	write_file("sys/pools/web/cpus/assigned", "2-5\n");
	write_file("sys/pools/web/cpus/effective", "2-4\n");
	write_file("sys/pools/web/cpus/dedicated", "4\n");
	write_file("sys/pools/web/mounts", "2\n");
	write_file("sys/pools/web/cpus/members", "12\n");
	write_file("sys/pools/web/memory/total_bytes", "8388608\n");
	write_file("sys/pools/web/memory/node0/total_bytes", "0\n");
	write_file("sys/pools/web/memory/node2/total_bytes", "2097152\n");
	write_file("sys/pools/web/memory/node10/total_bytes", "6291456\n");
	make_dir("sys/pools/db");
	write_file("sys/pools/db/id", "1\n");
	write_file("sys/pools/db/state", "active\n");
}

static void remove_dirs(void)
{
	char *command = xprintf("rm -r %s", root);

	if (system(command))
		printf("# %s is left\n", root);
	free(command);
}

static void reset(void)
{
	memset(&kernel, 0, sizeof(kernel));
	set_dirs("dev", "sys");
}

/* The tests */

static struct vpool *control(void)
{
	struct vpool *vp;

	reset();
	expect(!vpool_open_control(&vp));
	return vp;
}

static void kernel_reason(void)
{
	struct vpool *vp = control();
	char text[16];

	expect_text(vpool_reason(vp), "");
	kernel.fail = EBUSY;
	kernel.reason = "cpu 3 belongs to pool 'db'";
	expect(vpool_destroy(vp, "web", 0) == -EBUSY);
	expect_text(vpool_reason(vp), "cpu 3 belongs to pool 'db'");
	vpool_reason_copy(vp, text, sizeof(text));
	expect_text(text, "cpu 3 belongs t");
	vpool_close(vp);
}

static void kernel_code(void)
{
	struct vpool *vp = control();

	expect(!vpool_reason_code(vp));
	kernel.fail = EBUSY;
	kernel.reason = "cpu 3 belongs to pool 'db'";
	expect(vpool_destroy(vp, "web", 0) == -EBUSY);
	expect(!vpool_reason_code(vp));
	expect_text(vpool_reason(vp), kernel.reason);
	kernel.knows_code = true;
	kernel.code = VPOOL_CODE_CPU_TAKEN;
	expect(vpool_destroy(vp, "web", 0) == -EBUSY);
	expect(vpool_reason_code(vp) == VPOOL_CODE_CPU_TAKEN);
	expect_text(vpool_reason(vp), kernel.reason);
	/* A success clears neither. */
	kernel.fail = 0;
	expect(!vpool_destroy(vp, "web", 0));
	expect(vpool_reason_code(vp) == VPOOL_CODE_CPU_TAKEN);
	vpool_close(vp);
}

static void library_codes(void)
{
	struct vpool_request req = VPOOL_REQUEST_INIT;
	struct vpool *vp = control();
	char name[200] = "";
	void *addr;

	memset(name, 'a', sizeof(name) - 1);
	vpool_destroy(vp, name, 0);
	expect(vpool_reason_code(vp) == VPOOL_CODE_NAME_INVALID);
	vpool_query(vp, NULL, NULL);
	expect(vpool_reason_code(vp) == VPOOL_LIB_NO_NAME);
	vpool_map(vp, 0, 4096, &addr);
	expect(vpool_reason_code(vp) == VPOOL_LIB_WRONG_HANDLE);
	req.size--;
	vpool_create(vp, &req);
	expect(vpool_reason_code(vp) == VPOOL_LIB_STRUCT_SIZE);
	kernel.fail = ENOTTY;
	vpool_destroy(vp, "web", 0);
	expect(vpool_reason_code(vp) == VPOOL_LIB_CALL_UNKNOWN);
	vpool_close(vp);
	expect(vpool_reason_code(NULL) == VPOOL_LIB_NO_MEMORY);
}

static void open_codes(void)
{
	struct vpool_info *info;
	struct vpool *vp;

	reset();
	vpool_open("Web", &vp);
	expect(vpool_reason_code(vp) == VPOOL_CODE_NAME_INVALID);
	vpool_close(vp);
	vpool_open("nope", &vp);
	expect(vpool_reason_code(vp) == VPOOL_CODE_NO_POOL);
	vpool_close(vp);
	vpool_open("db", &vp);
	expect(vpool_reason_code(vp) == VPOOL_LIB_NO_DEVICE);
	vpool_close(vp);
	vpool_adopt(-1, &vp);
	expect(vpool_reason_code(vp) == VPOOL_LIB_SYSTEM);
	vpool_close(vp);
	set_dirs("nowhere", "sys");
	vpool_open_control(&vp);
	expect(vpool_reason_code(vp) == VPOOL_LIB_NO_DEVICE);
	vpool_close(vp);
	/* A reader starts without an error, though the control device is missing. */
	expect(!vpool_open_reader(&vp));
	expect(!vpool_reason_code(vp));
	expect(vpool_query(vp, "nope", &info) == -ENOENT);
	expect(vpool_reason_code(vp) == VPOOL_CODE_NO_POOL);
	vpool_destroy(vp, "web", 0);
	expect(vpool_reason_code(vp) == VPOOL_LIB_CONTROL_DENIED);
	/* The error of the pool's own handle reaches the reader. */
	expect(vpool_regions(vp, "db", NULL, NULL) == -ENOENT);
	expect(vpool_reason_code(vp) == VPOOL_LIB_NO_DEVICE);
	expect(strstr(vpool_reason(vp), "pool 'db' is there"));
	vpool_close(vp);
	set_dirs("nowhere", "nowhere");
	vpool_open_control(&vp);
	expect(vpool_reason_code(vp) == VPOOL_LIB_NO_MODULE);
	vpool_close(vp);
}

/* Such a handle reads sysfs even where the control device could be opened. */
static void open_sysfs(void)
{
	struct vpool_info *info;
	struct vpool *vp;

	reset();
	if (!expect(!vpool_open_sysfs(&vp)))
		return;
	expect(vpool_fd(vp) == -1);
	expect(!*vpool_reason(vp));
	expect(vpool_query(vp, "nope", &info) == -ENOENT);
	expect(vpool_destroy(vp, "web", 0) == -EACCES);
	expect(vpool_reason_code(vp) == VPOOL_LIB_CONTROL_DENIED);
	vpool_close(vp);
}

static void no_reason(void)
{
	struct vpool *vp = control();

	kernel.fail = EBUSY;
	expect(vpool_destroy(vp, "web", 0) == -EBUSY);
	expect_text(vpool_reason(vp), strerror(EBUSY));
	kernel.fail = ENOTTY;
	kernel.reason = "stale";
	expect(vpool_destroy(vp, "web", 0) == -ENOTTY);
	expect(strcmp(vpool_reason(vp), "stale"));
	vpool_close(vp);
	expect_text(vpool_reason(NULL), "out of memory");
}

static void long_names(void)
{
	struct vpool *vp = control();
	char name[200];

	memset(name, 'a', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	expect(vpool_destroy(vp, name, 0) == -EINVAL);
	expect(strstr(vpool_reason(vp), "longer than 32"));
	expect(!kernel.calls);
	expect(vpool_query(vp, NULL, NULL) == -EINVAL);
	vpool_close(vp);
}

static void growing_arrays(void)
{
	struct vpool *vp = control();
	struct vpool_list_entry *entries;
	struct vpool_info *info;
	size_t nr;

	if (expect(!vpool_list(vp, &entries, &nr))) {
		expect(nr == NR_POOLS);
		expect_text(entries[NR_POOLS - 1].name, "p39");
		free(entries);
	}
	if (expect(!vpool_query(vp, "web", &info))) {
		expect(info->nr_nodes == 20);
		expect(info->nodes[19].node == 19);
		expect(vpool_cpus_count(&info->cpus) == 4096);
		expect_text(info->state_name, "active");
		vpool_info_free(info);
	}
	kernel.fail = EMSGSIZE;
	kernel.calls = 0;
	expect(vpool_list(vp, &entries, &nr) == -EMSGSIZE);
	expect(kernel.calls > 1 && kernel.calls < 1000);
	expect(vpool_regions(vp, "web", NULL, &nr) == -EMSGSIZE);
	expect(vpool_members(vp, "web", NULL, &nr) == -EMSGSIZE);
	expect(vpool_query(vp, "web", &info) == -EMSGSIZE);
	vpool_close(vp);
}

static void creating(void)
{
	struct vpool_request req = VPOOL_REQUEST_INIT;
	struct vpool_mem mem = { .bytes = 1, .node = 0 };
	struct vpool *vp = control();
	struct vpool_cpus cpus;

	if (!expect(!vpool_cpus_parse("64", &cpus, NULL, 0)))
		return;
	req.name = "web";
	req.mem = &mem;
	req.nr_mem = 1;
	req.cpus = &cpus;
	expect(!vpool_create(vp, &req));
	expect(req.out_id == 7 && req.out_bytes == 1 << 21);
	expect(kernel.create.size == sizeof(kernel.create));
	expect_text(kernel.create.name, "web");
	expect(kernel.create.cpus_bytes == 16);
	expect(kernel.create.nr_mem == 1);
	expect(kernel.create.mode == 0660);
	expect(kernel.create.timeout_ms == 10000);
	expect(kernel.create.uid == VPOOL_ID_CALLER);
	req.user_bytes = 5 << 20;
	req.user_regions = 6;
	req.user_members = 7;
	expect(!vpool_create(vp, &req));
	expect(kernel.create.user_bytes == 5 << 20);
	expect(kernel.create.user_regions == 6);
	expect(kernel.create.user_members == 7);
	/* A program that was built with an older header has no limits. */
	req.size = offsetof(struct vpool_request, user_bytes);
	expect(!vpool_create(vp, &req));
	expect(!kernel.create.user_bytes && !kernel.create.user_members);
	req.size--;
	expect(vpool_create(vp, &req) == -EINVAL);
	vpool_cpus_free(&cpus);
	vpool_close(vp);
}

static void without_module(void)
{
	struct vpool *vp;

	reset();
	set_dirs("nowhere", "nowhere");
	expect(vpool_open_control(&vp) == -VPOOL_NO_MODULE);
	expect(strstr(vpool_reason(vp), "modprobe vpool"));
	expect(vpool_fd(vp) == -1);
	vpool_close(vp);
	expect(vpool_open_reader(&vp) == -VPOOL_NO_MODULE);
	vpool_close(vp);
	expect(vpool_open_sysfs(&vp) == -VPOOL_NO_MODULE);
	expect(vpool_reason_code(vp) == VPOOL_LIB_NO_MODULE);
	vpool_close(vp);
	expect(vpool_open("web", &vp) == -VPOOL_NO_MODULE);
	vpool_close(vp);
	set_dirs("nowhere", "sys");
	expect(vpool_open_control(&vp) == -ENOENT);
	expect(strstr(vpool_reason(vp), "devtmpfs"));
	expect(vpool_destroy(vp, "web", 0) == -EBADF);
	vpool_close(vp);
}

static void sizes_of_pages(void)
{
	__u64 base = sysconf(_SC_PAGESIZE), *sizes;
	struct vpool *vp;
	size_t nr;

	reset();
	expect(!vpool_open_reader(&vp));
	/* An older module has neither file. */
	expect(vpool_page_sizes(vp, &sizes, &nr) == -VPOOL_NO_MODULE);
	expect(vpool_default_page_size() == base * base / 8);
	write_file("sys/page_sizes", "16384 33554432\n");
	write_file("sys/default_page_size", "33554432\n");
	if (expect(!vpool_page_sizes(vp, &sizes, &nr))) {
		expect(nr == 2 && sizes[0] == 16384 && sizes[1] == 32 << 20);
		free(sizes);
	}
	expect(vpool_default_page_size() == 32 << 20);
	vpool_close(vp);
}

static void bad_names(void)
{
	static const char *const names[] = {
		"", "control", "../control", "a/b", ".", "..", "-x", "Web",
		"a b", "abcdefghijklmnopqrstuvwxyz0123456",
	};
	static const char *const good[] = {
		"a", "0", "web", "web-1.a_b", "controls",
		"abcdefghijklmnopqrstuvwxyz012345",
	};
	struct vpool *vp;
	size_t i;

	reset();
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		if (!expect(vpool_open(names[i], &vp) == -EINVAL &&
			    !vpool_name_is_valid(names[i])))
			printf("# '%s'\n", names[i]);
		vpool_close(vp);
	}
	expect(!vpool_name_is_valid(NULL));
	for (i = 0; i < ARRAY_SIZE(good); i++)
		if (!expect(vpool_name_is_valid(good[i])))
			printf("# '%s'\n", good[i]);
	expect(vpool_open("nope", &vp) == -ENOENT);
	expect_text(vpool_reason(vp), "there is no pool 'nope'");
	vpool_close(vp);
}

static void read_sysfs(void)
{
	struct vpool_list_entry *entries;
	struct vpool_info *info;
	struct vpool *vp;
	size_t nr;

	reset();
	set_dirs("nowhere", "sys");
	if (!expect(!vpool_open_reader(&vp)))
		return;
	if (expect(!vpool_list(vp, &entries, &nr))) {
		expect(nr == 2);
		expect_text(entries[0].name, "db");
		expect_text(entries[1].name, "web");
		free(entries);
	}
	if (expect(!vpool_query(vp, "web", &info))) {
		expect_text(info->state_name, "degraded");
		expect(info->mode == 0640);
		expect(info->members == 12);
		expect(info->total_bytes == 8388608);
		expect(info->nr_nodes == 2);
		expect(info->nodes[0].node == 2 && info->nodes[1].node == 10);
		expect(vpool_cpus_count(&info->cpus) == 4);
		expect(vpool_cpus_count(&info->effective) == 3);
		expect(vpool_cpus_count(&info->dedicated) == 1);
		expect(vpool_cpus_test(&info->dedicated, 4));
		expect(info->mounts == 2);
		vpool_info_free(info);
	}
	expect(vpool_query(vp, "nope", &info) == -ENOENT);
	expect(vpool_query(vp, "../pools/web", &info) == -EINVAL);
	expect(vpool_destroy(vp, "web", 0) == -EACCES);
	expect(!kernel.calls);
	vpool_close(vp);
}

static void own_region(void)
{
	struct vpool *vp;
	void *addr;

	vp = control();
	expect(vpool_map(vp, 0, 4096, &addr) == -ENOTTY);
	vpool_close(vp);
	expect(!vpool_open("web", &vp));
	expect(fcntl(vpool_fd(vp), F_GETFD) == FD_CLOEXEC);
	expect(!vpool_attach(vp, VPOOL_SELF, VPOOL_ATTACH_PROCESS));
	expect(kernel.attach.size == sizeof(kernel.attach));
	expect(kernel.attach.pidfd == -1);
	expect(kernel.attach.flags == VPOOL_ATTACH_PROCESS);
	kernel.reason = "pool 'web' has 2M free, but 4K requested";
	expect(vpool_map(vp, INT_MAX, 4096, &addr) < 0);
	expect_text(vpool_reason(vp), kernel.reason);
	vpool_close(vp);
}

static void any_cpu(void)
{
	struct vpool *vp;
	int cpu = 0;

	reset();
	expect(!vpool_open("web", &vp));
	expect(!vpool_attach(vp, VPOOL_SELF, VPOOL_ATTACH_DEDICATED));
	expect(kernel.attach.cpu == -1);
	expect(!vpool_attach_task(vp, VPOOL_SELF, 0, VPOOL_ATTACH_DEDICATED,
				  NULL));
	expect(kernel.attach.cpu == -1);
	expect(!vpool_attach_task(vp, VPOOL_SELF, 0, 0, &cpu));
	expect(kernel.attach.flags == VPOOL_ATTACH_DEDICATED);
	expect(kernel.attach.cpu == 0);
	expect(!vpool_attach(vp, VPOOL_SELF, 0));
	expect(!kernel.attach.flags && kernel.attach.cpu == 0);
	vpool_close(vp);
}

static void one_node(void)
{
	__u64 bytes = 1 << 21;
	struct vpool *vp;

	reset();
	expect(!vpool_open("web", &vp));
	expect(vpool_commit(vp, &bytes, VPOOL_COMMIT_NODE) == -EINVAL);
	expect(strstr(vpool_reason(vp), "vpool_commit_node()"));
	expect(!kernel.calls);
	expect(!vpool_commit_node(vp, &bytes, VPOOL_COMMIT_POPULATE, 3));
	expect(kernel.commit.flags ==
	       (VPOOL_COMMIT_NODE | VPOOL_COMMIT_POPULATE));
	expect(kernel.commit.node == 3);
	expect(!vpool_commit_node(vp, &bytes, 0, VPOOL_ANY_NODE));
	expect(!kernel.commit.flags && !kernel.commit.node);
	vpool_close(vp);
}

static void new_file(void)
{
	struct vpool *vp;
	int fd = -1;

	vp = control();
	expect(vpool_file_create(vp, 0, &fd) == -ENOTTY);
	expect(vpool_reason_code(vp) == VPOOL_LIB_WRONG_HANDLE);
	expect(!kernel.calls);
	vpool_close(vp);
	expect(!vpool_open("web", &vp));
	expect(!vpool_file_create(vp, VPOOL_FILE_CLOEXEC, &fd));
	expect(fd == 42);
	expect(kernel.file.size == sizeof(kernel.file));
	expect(kernel.file.flags == VPOOL_FILE_CLOEXEC);
	kernel.fail = ENOSPC;
	kernel.reason = "pool 'web' has 2 regions";
	kernel.knows_code = true;
	kernel.code = VPOOL_CODE_TOO_MANY_REGIONS;
	fd = -1;
	expect(vpool_file_create(vp, 0, &fd) == -ENOSPC);
	expect(fd == -1);
	expect(vpool_reason_code(vp) == VPOOL_CODE_TOO_MANY_REGIONS);
	expect_text(vpool_reason(vp), kernel.reason);
	/* A module without files does not know the call. */
	kernel.fail = ENOTTY;
	expect(vpool_file_create(vp, 0, &fd) == -ENOTTY);
	expect(vpool_reason_code(vp) == VPOOL_LIB_CALL_UNKNOWN);
	vpool_close(vp);
}

static void adopting(void)
{
	__u64 bytes = 1 << 21;
	struct vpool_info *info;
	struct vpool *vp;
	int fd;

	reset();
	fd = open("/dev/null", O_RDWR);
	kernel.device = 'x';
	expect(vpool_adopt(fd, &vp) == -ENOTTY);
	expect(strstr(vpool_reason(vp), "not open on a vpool device"));
	expect(vpool_commit(vp, &bytes, 0) == -EBADF);
	vpool_close(vp);
	/* The caller keeps the descriptor. */
	expect(!fcntl(fd, F_GETFD));
	kernel.device = 'p';
	expect(!vpool_adopt(fd, &vp));
	expect(vpool_fd(vp) == fd);
	expect(fcntl(fd, F_GETFD) == FD_CLOEXEC);
	expect(!vpool_commit(vp, &bytes, 0));
	expect(vpool_list(vp, NULL, NULL) == -ENOTTY);
	/* A file of a pool answers the same call as the device of a pool. */
	expect(!vpool_query(vp, NULL, &info));
	expect_text(info->name, "web");
	vpool_info_free(info);
	vpool_close(vp);
	expect(fcntl(fd, F_GETFD) < 0);
	expect(vpool_adopt(fd, &vp) == -EBADF);
	vpool_close(vp);
	fd = open("/dev/null", O_RDWR);
	kernel.device = 'c';
	expect(!vpool_adopt(fd, &vp));
	expect(!vpool_destroy(vp, "web", 0));
	expect(vpool_map(vp, 0, 4096, NULL) == -ENOTTY);
	vpool_close(vp);
}

/**
 * struct caller - a thread whose calls fail
 * @thread: the thread
 * @vp: handle that all threads share
 * @letter: letter that the invalid name of this thread consists of
 * @mixed: number of messages with letters of several threads
 */
struct caller {
	pthread_t thread;
	struct vpool *vp;
	char letter;
	unsigned int mixed;
};

static void *fail_often(void *arg)
{
	char name[VPOOL_NAME_SIZE + 1] = "", message[VPOOL_REASON_SIZE], *run;
	struct caller *caller = arg;
	int i;

	memset(name, caller->letter, VPOOL_NAME_SIZE);
	for (i = 0; i < 20000; i++) {
		vpool_destroy(caller->vp, name, 0);
		vpool_reason_copy(caller->vp, message, sizeof(message));
		run = strchr(message, '\'') + 1;
		caller->mixed += strspn(run, (char[]){ *run, '\0' }) !=
				 VPOOL_NAME_SIZE;
	}
	return NULL;
}

static void threads(void)
{
	struct caller callers[4];
	struct vpool *vp;
	size_t i;

	vp = control();
	for (i = 0; i < ARRAY_SIZE(callers); i++) {
		callers[i] = (struct caller) { .vp = vp, .letter = 'a' + i };
		expect(!pthread_create(&callers[i].thread, NULL, fail_often,
				       callers + i));
	}
	for (i = 0; i < ARRAY_SIZE(callers); i++) {
		pthread_join(callers[i].thread, NULL);
		expect(!callers[i].mixed);
	}
	expect(!kernel.calls);
	vpool_close(vp);
}

static const struct tap_case cases[] = {
	{ "the message of the module is returned", kernel_reason },
	{ "the code of the module is returned, or 0 if it has no codes",
	  kernel_code },
	{ "the library's own failures have codes", library_codes },
	{ "failures to open a device have codes", open_codes },
	{ "a handle that reads sysfs only", open_sysfs },
	{ "without a message, strerror() is returned", no_reason },
	{ "a name that is too long is refused", long_names },
	{ "arrays grow until all entries fit, up to a limit", growing_arrays },
	{ "all parameters of a request reach the module", creating },
	{ "a missing module has its own errno and message",
	  without_module },
	{ "an invalid name opens nothing", bad_names },
	{ "the module knows the page sizes", sizes_of_pages },
	{ "sysfs is read if the control device cannot be opened", read_sysfs },
	{ "a pool handle closes on exec, attaches and maps", own_region },
	{ "any CPU is requested if the caller names none", any_cpu },
	{ "memory is committed from one node", one_node },
	{ "a file of a pool is created", new_file },
	{ "a handle adopts a descriptor", adopting },
	{ "threads that share a handle get complete messages", threads },
};

int main(void)
{
	int status;

	make_dirs();
	status = tap_main(cases, ARRAY_SIZE(cases));
	remove_dirs();
	return status;
}
