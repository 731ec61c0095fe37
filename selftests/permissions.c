// SPDX-License-Identifier: GPL-2.0
/*
 * Permissions: every call by every kind of caller, from one table; and no kernel
 * address is shown to a caller without privilege.
 */
#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/vpool.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "kselftest_harness.h"
#include "lib/file.h"
#include "lib/host.h"
#include "lib/memory.h"
#include "lib/pool.h"
#include "lib/task.h"

#define POOL "caller-pool"
#define OTHER_POOL "caller-other"
#define SIZE (4 * HUGE_SIZE)

#define UID_OWNER 61001
#define UID_MEMBER 61002
#define UID_STRANGER 61003
#define GID_POOL 62001

enum caller {
	ROOT,
	/* Root without one of the capabilities. */
	NO_ADMIN,
	NO_NICE,
	/* Root of the host as root of a user namespace. */
	NAMESPACE,
	OWNER,
	GROUP,
	STRANGER,
	NR_CALLERS,
};

static const char * const caller_name[NR_CALLERS] = {
	"root", "root without CAP_SYS_ADMIN", "root without CAP_SYS_NICE",
	"root of a user namespace", "the owner", "the group", "a stranger",
};

/* Descriptors, opened with privilege, that the calls use. */
struct state {
	int ctl;
	int fd;
	struct vp_worker roots;
	struct vp_worker owners;
};

FIXTURE(permissions)
{
	struct state state;
};

static void become(uid_t uid, gid_t gid)
{
	if (setgroups(0, NULL) || setresgid(gid, gid, gid) ||
	    setresuid(uid, uid, uid))
		_exit(255);
}

static void owners_task(void)
{
	become(UID_OWNER, UID_OWNER);
	vp_pause();
}

static int make_pools(struct state *self)
{
	struct vp_request req;
	int err = 0;

	if (!vp_exists(OTHER_POOL))
		err = vp_create(self->ctl, OTHER_POOL, HUGE_SIZE, 0, NULL);
	if (err || vp_exists(POOL))
		return err;
	vp_request_init(&req, POOL);
	vp_request_mem(&req, SIZE, VPOOL_ANY_NODE);
	vp_request_cpus(&req, "2-3");
	req.create.uid = UID_OWNER;
	req.create.gid = GID_POOL;
	req.create.mode = 0660;
	return vp_request_send(self->ctl, &req);
}

FIXTURE_SETUP(permissions)
{
	struct state *state = &self->state;

	if (vp_lacks_cpus())
		SKIP(return, "%s", vp_lacks_cpus());
	state->ctl = vp_control();
	ASSERT_LE(0, state->ctl);
	ASSERT_EQ(0, make_pools(state))
		TH_LOG("%s", vp_reason(state->ctl));
	state->fd = vp_open(POOL);
	ASSERT_LE(0, state->fd);
	state->roots = vp_worker_start(vp_pause);
	state->owners = vp_worker_start(owners_task);
}

FIXTURE_TEARDOWN(permissions)
{
	struct state *state = &self->state;

	vp_worker_stop(&state->roots);
	vp_worker_stop(&state->owners);
	close(state->fd);
	vp_destroy(state->ctl, POOL, VPOOL_DESTROY_FORCE);
	vp_destroy(state->ctl, OTHER_POOL, VPOOL_DESTROY_FORCE);
	vp_destroy(state->ctl, "caller-new", VPOOL_DESTROY_FORCE);
	close(state->ctl);
}

static void act_as(enum caller caller)
{
	int err = 0;

	switch (caller) {
	case NO_ADMIN:
		err = vp_drop_cap(CAP_SYS_ADMIN);
		break;
	case NO_NICE:
		err = vp_drop_cap(CAP_SYS_NICE);
		break;
	case NAMESPACE:
		err = unshare(CLONE_NEWUSER);
		break;
	case OWNER:
		become(UID_OWNER, UID_OWNER);
		break;
	case GROUP:
		become(UID_MEMBER, GID_POOL);
		break;
	case STRANGER:
		become(UID_STRANGER, UID_STRANGER);
		break;
	default:
		break;
	}
	if (err)
		_exit(254);
}

/* The calls. Each returns 0 or a negative errno. */

static int open_control(const struct state *self)
{
	int fd = vp_control();

	return fd < 0 ? fd : 0;
}

static int create(const struct state *self)
{
	return vp_create(self->ctl, "caller-new", HUGE_SIZE, 0, NULL);
}

static int destroy(const struct state *self)
{
	return vp_destroy(self->ctl, OTHER_POOL, 0);
}

static int resize(const struct state *self)
{
	__u64 bytes = SIZE;

	return vp_resize(self->ctl, POOL, &bytes, VPOOL_ANY_NODE);
}

static int resize_cpus(const struct state *self)
{
	return vp_resize_cpus(self->ctl, POOL, "2-3", 0);
}

static int list(const struct state *self)
{
	struct vpool_list_entry entry[64];
	__u32 nr = ARRAY_SIZE(entry);

	return vp_list(self->ctl, entry, &nr);
}

static int query(const struct state *self)
{
	struct vpool_query query = {};

	return vp_query(self->fd, NULL, &query);
}

static int open_read_only(const struct state *self)
{
	int fd = vp_open_flags(POOL, O_RDONLY);

	return fd < 0 ? fd : 0;
}

static int use_memory(const struct state *self)
{
	int fd = vp_open(POOL);
	char *addr;

	if (fd < 0)
		return fd;
	addr = vp_map(fd, HUGE_SIZE, 0);
	if (addr == MAP_FAILED)
		return -errno;
	*addr = 1;
	return 0;
}

/* A descriptor that root opened and passed on may be used by any caller. */
static int use_passed(const struct state *self)
{
	char *addr = vp_map(self->fd, HUGE_SIZE, 0);

	return addr == MAP_FAILED ? -errno : 0;
}

static int attach_self(const struct state *self)
{
	int fd = vp_open(POOL);

	return fd < 0 ? fd : vp_attach(fd, 0);
}

static int attach_roots(const struct state *self)
{
	return vp_attach_task(self->fd, self->roots.pidfd, 0,
			      VPOOL_ATTACH_PROCESS, NULL);
}

static int attach_owners(const struct state *self)
{
	return vp_attach_task(self->fd, self->owners.pidfd, 0,
			      VPOOL_ATTACH_PROCESS, NULL);
}

static int read_sysfs(const struct state *self)
{
	return vp_sysfs_u64(POOL, "memory/total_bytes") == SIZE ? 0 : -EIO;
}

static int write_sysfs(const struct state *self)
{
	return vp_write_file("/sys/kernel/vpool/pools/" POOL
			     "/memory/total_bytes", "0");
}

static int set_parameter(const struct state *self)
{
	char text[32];

	if (vp_read_file("/sys/module/vpool/parameters/host_mem_floor", text,
			 sizeof(text)) < 0)
		return -EIO;
	return vp_write_file("/sys/module/vpool/parameters/host_mem_floor",
			     text);
}

static const struct row {
	const char *name;
	int (*call)(const struct state *self);
	int err[NR_CALLERS];
} rows[] = {
	/* root, without ADMIN, without NICE, namespace, owner, group, stranger */
	{ "open the control device", open_control,
	  { 0, 0, 0, 0, EACCES, EACCES, EACCES } },
	{ "create", create,
	  { 0, EPERM, 0, EPERM, EPERM, EPERM, EPERM } },
	{ "destroy", destroy,
	  { 0, EPERM, 0, EPERM, EPERM, EPERM, EPERM } },
	{ "resize the memory", resize,
	  { 0, EPERM, 0, EPERM, EPERM, EPERM, EPERM } },
	{ "resize the CPUs", resize_cpus,
	  { 0, EPERM, 0, EPERM, EPERM, EPERM, EPERM } },
	{ "list, by a descriptor that was passed", list,
	  { 0, 0, 0, 0, 0, 0, 0 } },
	{ "query, by a descriptor that was passed", query,
	  { 0, 0, 0, 0, 0, 0, 0 } },
	{ "open the pool's device to read", open_read_only,
	  { 0, 0, 0, EACCES, 0, 0, EACCES } },
	{ "use its memory", use_memory,
	  { 0, 0, 0, EACCES, 0, 0, EACCES } },
	{ "use a region that was passed", use_passed,
	  { 0, 0, 0, 0, 0, 0, 0 } },
	{ "attach itself", attach_self,
	  { 0, 0, 0, EACCES, 0, 0, EACCES } },
	{ "attach root's process", attach_roots,
	  { 0, 0, 0, 0, EPERM, EPERM, EPERM } },
	{ "attach the owner's process", attach_owners,
	  { 0, 0, EPERM, EPERM, 0, EPERM, EPERM } },
	{ "read a value", read_sysfs,
	  { 0, 0, 0, 0, 0, 0, 0 } },
	{ "write a value", write_sysfs,
	  { EACCES, EACCES, EACCES, EACCES, EACCES, EACCES, EACCES } },
	{ "set a parameter", set_parameter,
	  { 0, 0, 0, 0, EACCES, EACCES, EACCES } },
};

struct attempt {
	const struct state *state;
	const struct row *row;
	enum caller caller;
};

static int try_call(void *arg)
{
	const struct attempt *attempt = arg;

	act_as(attempt->caller);
	return -attempt->row->call(attempt->state);
}

/* Undo a call that succeeded. */
static int undo(struct state *self)
{
	vp_detach_task(self->fd, self->roots.pidfd, 0, VPOOL_ATTACH_PROCESS);
	vp_detach_task(self->fd, self->owners.pidfd, 0, VPOOL_ATTACH_PROCESS);
	vp_destroy(self->ctl, "caller-new", 0);
	return make_pools(self);
}

TEST_F(permissions, match_the_table)
{
	struct attempt attempt = { .state = &self->state };
	int i, caller, err;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		for (caller = 0; caller < NR_CALLERS; caller++) {
			attempt.row = &rows[i];
			attempt.caller = caller;
			err = vp_in_child(try_call, &attempt);
			EXPECT_EQ(rows[i].err[caller], err)
				TH_LOG("%s: %s", caller_name[caller], rows[i].name);
			ASSERT_EQ(0, undo(&self->state));
			ASSERT_TRUE(vp_sysfs_wait(POOL, "cpus/members", 0));
		}
	EXPECT_TRUE(vp_accounting_ok(self->state.ctl, POOL));
	TH_LOG("cases: %d of a call by a caller", i * NR_CALLERS);
}

/*
 * Check whether the text shows a kernel address in hexadecimal, or a page frame number
 * of the pool.
 */
static bool shows_an_address(const char *text)
{
	const char *at = text;

	while ((at = strstr(at, "ffff"))) {
		if (strspn(at, "0123456789abcdef") >= 16)
			return true;
		at += strspn(at, "0123456789abcdef");
	}
	return false;
}

/*
 * Read every file below @path that the caller may read. Return the number that show
 * an address.
 */
static int read_tree(const char *path, int *files)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	char name[512], text[8192];
	struct stat st;
	int leaks = 0;

	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		if (lstat(name, &st))
			continue;
		if (S_ISDIR(st.st_mode)) {
			leaks += read_tree(name, files);
		} else if (S_ISREG(st.st_mode) &&
			   vp_read_file(name, text, sizeof(text)) >= 0) {
			++*files;
			if (shows_an_address(text)) {
				fprintf(stderr, "# %s: %s\n", name, text);
				leaks++;
			}
		}
	}
	if (dir)
		closedir(dir);
	return leaks;
}

static int read_as_stranger(void *arg)
{
	const struct state *self = arg;
	struct vpool_region_info info[8];
	struct vpool_list_entry entry[64];
	__u32 nr = ARRAY_SIZE(info), nr_entries = ARRAY_SIZE(entry), i;
	const __u64 *word;
	int files = 0;

	act_as(STRANGER);
	if (read_tree("/sys/kernel/vpool", &files) || files < 20)
		return 1;
	/* No 64-bit word that an ioctl returns may be a kernel address. */
	if (vp_regions(self->fd, NULL, info, &nr) ||
	    vp_list(self->ctl, entry, &nr_entries))
		return 2;
	for (word = (const __u64 *)info, i = 0;
	     i < nr * sizeof(*info) / sizeof(*word); i++)
		if (word[i] >> 47 == 0x1ffff)
			return 3;
	if (shows_an_address(vp_reason(self->fd)) ||
	    shows_an_address(vp_reason(self->ctl)))
		return 4;
	/* Page frame numbers are in debugfs, which only root may read. */
	if (!access("/sys/kernel/debug/vpool", R_OK))
		return 5;
	return 0;
}

TEST_F(permissions, no_address_is_shown)
{
	ASSERT_NE(MAP_FAILED, vp_map(self->state.fd, HUGE_SIZE, 0));
	EXPECT_EQ(0, vp_in_child(read_as_stranger, &self->state));
}

TEST_HARNESS_MAIN
