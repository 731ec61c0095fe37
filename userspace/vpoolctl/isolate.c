// SPDX-License-Identifier: GPL-2.0-only
/*
 * A pool's CPUs as an isolated cpuset partition.
 *
 * The partition of pool NAME is the cgroup vpool_NAME.slice below the root, where
 * every kernel from 6.1 on allows one: further down it would need a partition as
 * parent, or cpuset.cpus.exclusive. Where systemd runs it is a slice of
 * systemd's, which otherwise takes the cpuset controller away again.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "isolate.h"

#define SUFFIX ".isolated"

/* Where cgroup2 is mounted, for free(3), or NULL. */
static char *cgroup_root(void)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	struct mntent *entry;
	char *root = NULL;

	while (mounts && !root && (entry = getmntent(mounts)))
		if (!strcmp(entry->mnt_type, "cgroup2"))
			root = xstrdup(entry->mnt_dir);
	if (mounts)
		endmntent(mounts);
	return root;
}

/* A slice's name has its parents' in it, parted by dashes. */
static char *slice_of(const char *name)
{
	char *slice = xstrdup("vpool_"), *longer;

	for (; *name; name++) {
		longer = *name == '-' ? xprintf("%s\\x2d", slice) :
					xprintf("%s%c", slice, *name);
		free(slice);
		slice = longer;
	}
	longer = xprintf("%s.slice", slice);
	free(slice);
	return longer;
}

/* The partition's directory, for free(3), or NULL without cgroup2. */
static char *partition_dir(const char *name)
{
	char *root = cgroup_root(), *slice, *dir;

	if (!root)
		return NULL;
	slice = slice_of(name);
	dir = xprintf("%s/%s", root, slice);
	free(slice);
	free(root);
	return dir;
}

static bool has_word(const char *text, const char *word)
{
	size_t len = strlen(word);

	for (; text && *text; text += strcspn(text, "\n "), text += !!*text)
		if (!strncmp(text, word, len) && strchr("\n ", text[len]))
			return true;
	return false;
}

int isolate_check(char *why)
{
	char *root = cgroup_root(), *path, *text;
	bool there;

	if (!root) {
		snprintf(why, WHY_SIZE,
			 "isolation needs cgroup2, which is not mounted");
		return -EOPNOTSUPP;
	}
	path = xprintf("%s/cgroup.controllers", root);
	text = read_text(path);
	there = has_word(text, "cpuset");
	if (!there)
		snprintf(why, WHY_SIZE,
			 "isolation needs the cpuset controller, which %s does not have; cgroup v1 may hold it",
			 root);
	free(text);
	free(path);
	free(root);
	return there ? 0 : -EOPNOTSUPP;
}

int isolate_lock(char *why)
{
	int fd;

	if (mkdir(VPOOL_RUN, 0755) && errno != EEXIST)
		goto failed;
	fd = open(VPOOL_RUN "/lock", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0)
		goto failed;
	while (flock(fd, LOCK_EX))
		if (errno != EINTR) {
			close(fd);
			goto failed;
		}
	return fd;
failed:
	snprintf(why, WHY_SIZE, VPOOL_RUN ": %s", strerror(errno));
	return -errno;
}

static char *note_path(const char *name)
{
	return xprintf(VPOOL_RUN "/%s" SUFFIX, name);
}

/* Note that a pool is to be isolated. Locked. */
static int isolate_note(const char *name, char *why)
{
	char *path = note_path(name);
	int err = 0;

	if (access(path, F_OK))
		err = replace_file(path, "");
	if (err)
		snprintf(why, WHY_SIZE, "%s: %s", path, strerror(-err));
	free(path);
	return err;
}

/* Write to a file of a cgroup. */
static int set(const char *dir, const char *file, const char *text, char *why)
{
	char *path = xprintf("%s/%s", dir, file);
	int err = write_text(path, text);

	if (err)
		snprintf(why, WHY_SIZE, "cannot write '%s' to %s: %s", text,
			 path, strerror(-err));
	free(path);
	return err;
}

static bool under_systemd(void)
{
	return !access("/run/systemd/system", F_OK);
}

static int run_systemctl(char *const argv[], char *why)
{
	int status, err;
	pid_t pid;

	err = posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ);
	if (err) {
		snprintf(why, WHY_SIZE, "systemctl: %s", strerror(err));
		return -err;
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!WIFEXITED(status) || WEXITSTATUS(status)) {
		snprintf(why, WHY_SIZE, "systemctl %s %s failed", argv[1],
			 argv[2]);
		return -EIO;
	}
	return 0;
}

static int start_slice(const char *name, const char *list, char *why)
{
	char *slice = slice_of(name), *allowed = xprintf("AllowedCPUs=%s", list);
	char *const property[] = { "systemctl", "set-property", "--runtime",
				   slice, allowed, NULL };
	char *const start[] = { "systemctl", "start", slice, NULL };
	int err;

	err = run_systemctl(start, why);
	if (!err)
		err = run_systemctl(property, why);
	free(allowed);
	free(slice);
	return err;
}

static void stop_slice(const char *name)
{
	char *slice = slice_of(name), why[WHY_SIZE];
	char *const stop[] = { "systemctl", "stop", slice, NULL };
	char *const revert[] = { "systemctl", "revert", slice, NULL };

	run_systemctl(stop, why);
	run_systemctl(revert, why);
	free(slice);
}

static int make_cgroup(const char *dir, char *why)
{
	char *root = cgroup_root();
	int err;

	err = set(root, "cgroup.subtree_control", "+cpuset", why);
	free(root);
	if (!err && mkdir(dir, 0755) && errno != EEXIST) {
		err = -errno;
		snprintf(why, WHY_SIZE, "%s: %s", dir, strerror(errno));
	}
	return err;
}

/* The kernel takes "isolated" and says afterwards whether it came to be. */
static int make_isolated(const char *dir, char *why)
{
	char *path, *text;
	int err;

	err = set(dir, "cpuset.cpus.partition", "isolated", why);
	if (err)
		return err;
	path = xprintf("%s/cpuset.cpus.partition", dir);
	text = read_text(path);
	if (!text || strcmp(text, "isolated\n")) {
		snprintf(why, WHY_SIZE, "%s says: %.*s", path,
			 (int)strcspn(text ? text : "nothing", "\n"),
			 text ? text : "nothing");
		err = -EIO;
	}
	free(text);
	free(path);
	return err;
}

static int make_partition(const char *name, const struct vpool_cpus *cpus,
			  char *why)
{
	char *dir = partition_dir(name), *list;
	int err = isolate_check(why);

	if (err)
		return err;
	list = cpus_text(cpus);
	err = under_systemd() ? start_slice(name, list, why) :
				make_cgroup(dir, why);
	if (!err)
		err = set(dir, "cpuset.cpus", list, why);
	if (!err)
		err = make_isolated(dir, why);
	free(list);
	free(dir);
	return err;
}

/* Processes go to the root; one that is exiting cannot, and need not. */
static void empty_cgroup(const char *dir)
{
	char *root = cgroup_root(), *path = xprintf("%s/cgroup.procs", dir);
	char *text = read_text(path), why[WHY_SIZE], *pid, *save;

	for (pid = text ? strtok_r(text, "\n", &save) : NULL; pid;
	     pid = strtok_r(NULL, "\n", &save))
		set(root, "cgroup.procs", pid, why);
	free(text);
	free(path);
	free(root);
}

/* While its processes fork, some may be left: they are moved again. */
static int remove_partition(const char *name, char *why)
{
	char *dir = partition_dir(name);
	int tries, err = 0;

	if (!dir || access(dir, F_OK)) {
		free(dir);
		return 0;
	}
	set(dir, "cpuset.cpus.partition", "member", why);
	for (tries = 0; tries < 100; tries++) {
		empty_cgroup(dir);
		if (under_systemd())
			stop_slice(name);
		err = rmdir(dir) && errno != ENOENT ? -errno : 0;
		if (err != -EBUSY)
			break;
		usleep(20000);
	}
	if (err)
		snprintf(why, WHY_SIZE, "%s: %s", dir, strerror(-err));
	free(dir);
	return err;
}

/* What a pool that is to be isolated has; -ENOENT if there is none. */
static int isolated_cpus(struct vpool *vp, const char *name,
			 struct vpool_cpus *cpus)
{
	struct vpool_info *info;
	int err;

	err = vpool_query(vp, name, &info);
	if (err)
		return err == -ENXIO || err == -VPOOL_NO_MODULE ? -ENOENT : err;
	if (!(info->create_flags & VPOOL_CREATE_ISOLATED))
		err = -ENOENT;
	else
		err = vpool_cpus_copy(cpus, &info->cpus);
	vpool_info_free(info);
	return err;
}

/* What is in the note's name: "NAME" of "NAME.isolated", or NULL. */
static char *noted_name(const char *file)
{
	size_t len = strlen(file), end = strlen(SUFFIX);

	if (len <= end || strcmp(file + len - end, SUFFIX))
		return NULL;
	return xprintf("%.*s", (int)(len - end), file);
}

static void add_cpus(struct vpool_cpus *to, const struct vpool_cpus *from)
{
	unsigned int cpu, left = vpool_cpus_count(from);

	for (cpu = 0; left; cpu++)
		if (vpool_cpus_test(from, cpu)) {
			vpool_cpus_add(to, cpu);
			left--;
		}
}

static int sync_one(struct vpool *vp, const char *name,
		    struct vpool_cpus *taken, bool gone, char *why)
{
	struct vpool_cpus cpus = { 0 };
	char *note = note_path(name);
	int err = isolated_cpus(vp, name, &cpus);

	if (gone && err == -ENOENT) {
		err = remove_partition(name, why);
		if (!err)
			irq_put_back(note, taken);
	} else if (gone || err == -ENOENT) {
		err = 0;
	} else if (err) {
		snprintf(why, WHY_SIZE, "pool '%s': %s", name, strerror(-err));
	} else {
		add_cpus(taken, &cpus);
		err = make_partition(name, &cpus, why);
		if (!err)
			err = irq_move_off(note, &cpus, why);
	}
	vpool_cpus_free(&cpus);
	free(note);
	return err;
}

static int sync_all(struct vpool *vp, struct vpool_cpus *taken, bool gone,
		    char *why)
{
	DIR *dir = opendir(VPOOL_RUN);
	char other[WHY_SIZE], *name;
	struct dirent *entry;
	int err = 0, one;

	while (dir && (entry = readdir(dir))) {
		name = noted_name(entry->d_name);
		if (!name)
			continue;
		one = sync_one(vp, name, taken, gone, err ? other : why);
		err = err ? err : one;
		free(name);
	}
	if (dir)
		closedir(dir);
	return err;
}

int isolate_sync(struct vpool *vp, char *why)
{
	struct vpool_cpus taken = { 0 };
	char other[WHY_SIZE];
	int err, undone;

	/*
	 * First partitions that may be in the way go, with their interrupts put
	 * back where they were; then those there are take what is theirs.
	 */
	undone = sync_all(vp, &taken, true, why);
	err = sync_all(vp, &taken, false, undone ? other : why);
	vpool_cpus_free(&taken);
	return undone ? undone : err;
}

/* The lock keeps a pool that is not there yet from being taken for one that is gone. */
int isolate_create(struct vpool *vp, struct vpool_request *req, char *why)
{
	char other[WHY_SIZE];
	int err;

	err = isolate_sync(vp, why);
	if (!err)
		err = isolate_note(req->name, why);
	if (err)
		return err;
	err = vpool_create(vp, req);
	if (err) {
		snprintf(why, WHY_SIZE, "%s", *vpool_reason(vp) ?
			 vpool_reason(vp) : strerror(-err));
	} else {
		err = isolate_sync(vp, why);
		if (!err)
			return 0;
		vpool_destroy(vp, req->name, VPOOL_DESTROY_FORCE);
	}
	isolate_sync(vp, other);
	return err;
}

int isolate_mend(char *why)
{
	struct vpool *vp;
	int lock, err;

	if (geteuid() || access(VPOOL_RUN, F_OK))
		return 0;
	lock = isolate_lock(why);
	if (lock < 0)
		return lock;
	/* Without the module nobody knows which pools are gone. */
	err = vpool_open_control(&vp);
	if (!err)
		err = isolate_sync(vp, why);
	else
		err = 0;
	vpool_close(vp);
	close(lock);
	return err;
}

static int move_to(const char *dir, int pid, char *why)
{
	char *text = xprintf("%d", pid);
	int err = set(dir, "cgroup.procs", text, why);

	free(text);
	return err;
}

int isolate_join(const char *name, int pid, char *why)
{
	char *dir = partition_dir(name);
	int err = 0;

	if (dir && !geteuid() && !access(dir, F_OK))
		err = move_to(dir, pid, why);
	free(dir);
	return err;
}

bool isolate_has(const char *name, int pid)
{
	char *path = xprintf("/proc/%d/cgroup", pid), *slice = slice_of(name);
	char *text = read_text(path), *where = xprintf("::/%s", slice);
	bool has = text && strstr(text, where);

	free(where);
	free(text);
	free(slice);
	free(path);
	return has;
}

int isolate_leave(const char *name, int pid, char *why)
{
	char *root = cgroup_root();
	int err = 0;

	if (root && !geteuid() && isolate_has(name, pid))
		err = move_to(root, pid, why);
	free(root);
	return err;
}
