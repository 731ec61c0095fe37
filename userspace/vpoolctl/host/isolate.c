// SPDX-License-Identifier: GPL-2.0-only
/*
 * Cpusets for pools: a cpuset confines the members, a partition isolates the CPUs.
 *
 * The cgroup of pool NAME is vpool_NAME.slice below the root, where every kernel since
 * 6.1 allows a partition. Further down, a partition would need a partition as parent,
 * or cpuset.cpus.exclusive. Where systemd runs, the cgroup is a slice of systemd, which
 * would otherwise disable the cpuset controller again.
 *
 * No function here kills a process or moves one out of its unit. A pool with units in
 * its slice is destroyed only by force, and then the units continue to run.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libvpool.h>

#include "base/alloc.h"
#include "base/code.h"
#include "base/failure.h"
#include "base/files.h"
#include "host/cgroup.h"
#include "host/cpumask.h"
#include "host/grade.h"
#include "host/irq.h"
#include "host/irqbalance.h"
#include "host/isolate.h"
#include "host/pools.h"
#include "host/privilege.h"
#include "host/proc.h"
#include "host/settings.h"
#include "host/unit.h"

/* Limit of the attempts to empty a cgroup whose processes fork. */
#define EMPTY_TRIES 100
#define EMPTY_PAUSE_US 20000

/* Values of the host's settings before there were isolated pools. */
#define SETTINGS VPOOL_RUN "/settings"

static bool has_word(const char *text, const char *word)
{
	size_t len = strlen(word);

	for (; text && *text; text += strcspn(text, "\n "), text += !!*text)
		if (!strncmp(text, word, len) && strchr("\n ", text[len]))
			return true;
	return false;
}

int isolate_check(enum grade grade, struct failure *failure)
{
	const char *what = grade_excludes(grade) ? "isolation" : "confinement";
	int code = grade_excludes(grade) ? TOOL_CANNOT_ISOLATE :
					   TOOL_CANNOT_CONFINE;
	char *root = cgroup_root(), *path, *text;
	bool there;

	if (!root) {
		return failure_set(failure, -EOPNOTSUPP, code,
				   "%s needs cgroup2, which is not mounted", what);
	}
	path = xprintf("%s/cgroup.controllers", root);
	text = read_text(path);
	there = has_word(text, "cpuset");
	if (!there)
		failure_set(failure, 0, code,
			    "%s needs the cpuset controller, which %s does not have; cgroup v1 may hold it",
			    what, root);
	free(text);
	free(path);
	free(root);
	return there ? 0 : -EOPNOTSUPP;
}

static int open_lock(void)
{
	const char *path = VPOOL_RUN "/lock";
	int fd;

	if (mkdir(VPOOL_RUN, 0755) && errno != EEXIST)
		return -1;
	fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	/* flock(2) also works on a file that is open for reading. */
	if (fd < 0 && errno == EROFS)
		fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd;
}

int isolate_lock(struct failure *failure)
{
	int fd = open_lock(), err;

	while (fd >= 0 && flock(fd, LOCK_EX)) {
		if (errno == EINTR)
			continue;
		err = errno;
		close(fd);
		errno = err;
		fd = -1;
	}
	if (fd >= 0)
		return fd;
	err = errno;
	return failure_set(failure, -err, errno_code(err), VPOOL_RUN ": %s",
			   strerror(err));
}

static int make_cgroup(const char *dir, struct failure *failure)
{
	char *root = cgroup_root();
	int err;

	err = cgroup_set(root, "cgroup.subtree_control", "+cpuset", failure);
	free(root);
	if (!err && mkdir(dir, 0755) && errno != EEXIST) {
		err = errno;
		return failure_set(failure, -err, errno_code(err), "%s: %s", dir,
				   strerror(err));
	}
	return err;
}

/* The kernel accepts any type. Reading the file back tells whether it is valid. */
static int set_partition(const char *dir, const char *type, struct failure *failure)
{
	char *path, *text;
	size_t len = strlen(type);
	int err;

	err = cgroup_set(dir, "cpuset.cpus.partition", type, failure);
	if (err)
		return err;
	path = xprintf("%s/cpuset.cpus.partition", dir);
	text = read_text(path);
	if (!text || strncmp(text, type, len) || strcmp(text + len, "\n")) {
		err = failure_set(failure, -EIO, TOOL_PARTITION_INVALID,
				  "%s reads: %.*s", path,
				  (int)strcspn(text ? text : "nothing", "\n"),
				  text ? text : "nothing");
	}
	free(text);
	free(path);
	return err;
}

static int make_partition(const struct vpool_info *info, enum grade grade,
			  struct failure *failure)
{
	char *dir, *list;
	int err = isolate_check(grade, failure);

	if (err || grade_in_force(info, grade))
		return err;
	dir = cgroup_slice_dir(info->name);
	list = cpus_text(&info->cpus);
	err = systemd_runs() ? unit_slice_set(info->name, list, failure) :
			       make_cgroup(dir, failure);
	if (!err)
		err = cgroup_set(dir, "cpuset.cpus", list, failure);
	if (!err)
		err = set_partition(dir, grade_partition(grade), failure);
	free(list);
	free(dir);
	return err;
}

/* Move the processes of one cgroup to the root. An exiting process cannot move. */
static void empty_cgroup(const char *dir)
{
	char *root = cgroup_root(), *path = xprintf("%s/cgroup.procs", dir);
	char *text = read_text(path), *pid, *save;
	struct failure ignored;

	for (pid = text ? strtok_r(text, "\n", &save) : NULL; pid;
	     pid = strtok_r(NULL, "\n", &save))
		cgroup_set(root, "cgroup.procs", pid, &ignored);
	free(text);
	free(path);
	free(root);
}

/* Tell whether the slice has units or cgroups that vpoolctl did not create. */
static bool has_units(const char *dir)
{
	DIR *at = opendir(dir);
	struct dirent *entry;
	bool has = false;

	while (at && !has && (entry = readdir(at)))
		has = entry->d_type == DT_DIR && entry->d_name[0] != '.' &&
		      strcmp(entry->d_name, CGROUP_LEAF);
	if (at)
		closedir(at);
	return has;
}

/*
 * Remove all cgroups below one that has no process: container engines leave some. The
 * kernel keeps a cgroup that a process has entered since.
 */
static void remove_below(const char *dir)
{
	DIR *at = opendir(dir);
	struct dirent *entry;
	char *path;

	while (at && (entry = readdir(at))) {
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		path = xprintf("%s/%s", dir, entry->d_name);
		remove_below(path);
		rmdir(path);
		free(path);
	}
	if (at)
		closedir(at);
}

/* Remove the cgroups that vpoolctl created. While processes fork, some may stay. */
static int remove_cgroup(const char *dir)
{
	char *leaf = xprintf("%s/" CGROUP_LEAF, dir);
	int tries, err = 0;

	for (tries = 0; tries < EMPTY_TRIES; tries++) {
		empty_cgroup(dir);
		empty_cgroup(leaf);
		rmdir(leaf);
		if (!cgroup_tenant(dir))
			remove_below(dir);
		err = rmdir(dir) && errno != ENOENT ? -errno : 0;
		if (err != -EBUSY || has_units(dir))
			break;
		usleep(EMPTY_PAUSE_US);
	}
	free(leaf);
	return err;
}

/* systemd removes a cpuset that no unit needs. Without systemd, the CPUs stay set. */
static void report_remaining(const char *name)
{
	char *dir = cgroup_slice_dir(name);
	char *path = xprintf("%s/cpuset.cpus", dir), *cpus = read_text(path);
	struct failure failure;

	if (isolate_idle(name, &failure))
		fprintf(stderr, "vpoolctl: %s and continues to run%s\n", failure.text,
			cpus && *cpus > '\n' ? ", on its current CPUs" : "");
	free(cpus);
	free(path);
	free(dir);
}

/*
 * Remove the cpuset of a pool. Processes in other units or cgroups of the slice stay
 * there. The kernel does not clear the CPUs of a cpuset with tasks: these tasks keep the
 * CPUs, and share them with tasks of the host.
 */
static int remove_partition(const char *name, struct failure *failure)
{
	char *dir = cgroup_slice_dir(name), *leaf;
	int err = 0;

	if (!dir || access(dir, F_OK)) {
		free(dir);
		return 0;
	}
	leaf = xprintf("%s/" CGROUP_LEAF, dir);
	cgroup_set(dir, "cpuset.cpus.partition", "member", failure);
	empty_cgroup(dir);
	empty_cgroup(leaf);
	if (systemd_runs())
		unit_slice_revert(name, !cgroup_tenant(dir));
	if (!access(dir, F_OK))
		err = remove_cgroup(dir);
	if (err == -EBUSY && has_units(dir)) {
		err = 0;
		report_remaining(name);
	}
	if (err)
		failure_set(failure, err, errno_code(-err), "%s: %s", dir,
			    strerror(-err));
	free(leaf);
	free(dir);
	return err;
}

/* Query a pool. Return -ENOENT if it does not exist, or needs no cpuset. */
static int find_pool(struct vpool *vp, const char *name,
		     struct vpool_info **info)
{
	int err = vpool_query(vp, name, info);

	if (err)
		return err == -ENXIO || err == -VPOOL_NO_MODULE ? -ENOENT : err;
	if ((*info)->create_flags & VPOOL_CREATE_ISOLATED)
		return 0;
	vpool_info_free(*info);
	return -ENOENT;
}

/**
 * struct sync - one pass over the notes
 * @vp: control handle
 * @gone: true if the pass removes the cpusets of destroyed pools, false if it creates
 *	cpusets
 * @taken: CPUs of pools that keep interrupts off
 * @unsure: @taken may lack a pool, whose state cannot be read
 * @name: name of the pool whose errors are returned, or NULL for all pools
 * @err: out: the first error, a negative errno; 0 if there is none
 * @failure: out: message of @err, owned by the caller of isolate_sync()
 */
struct sync {
	struct vpool *vp;
	bool gone;
	struct vpool_cpus taken;
	bool unsure;
	const char *name;
	int err;
	struct failure *failure;
};

static void sync_failed(struct sync *sync, const char *name, int err,
			const struct failure *failure)
{
	if (sync->name && strcmp(sync->name, name)) {
		fprintf(stderr, "vpoolctl: pool '%s': %s\n", name,
			failure->text);
	} else if (!sync->err) {
		sync->err = err;
		*sync->failure = *failure;
	}
}

static int undo_pool(struct sync *sync, const char *name, struct failure *failure)
{
	int err = remove_partition(name, failure);

	if (err)
		return err;
	irq_put_back(name, &sync->taken);
	/* Only the note is left, so this must not fail the command. */
	err = note_remove(name);
	if (err)
		fprintf(stderr, "vpoolctl: the note of pool '%s' cannot be removed: %s\n",
			name, strerror(-err));
	return 0;
}

static int make_pool(struct sync *sync, const struct vpool_info *info,
		     enum grade grade, struct failure *failure)
{
	int err = make_partition(info, grade, failure);

	if (err || !grade_excludes(grade))
		return err;
	cpus_add_all(&sync->taken, &info->cpus);
	return irq_move_off(info->name, &info->cpus, &sync->taken, failure);
}

/*
 * Replace a note that cannot be parsed by one made from the state of the kernel. The
 * old affinities of interrupts are lost.
 */
static int repair_note(const char *name, const struct vpool_info *info,
		       struct note *note)
{
	char *file = xprintf("%s.isolated", name);

	state_set_aside(file);
	free(file);
	*note = (struct note) { .grade = GRADE_ISOLATED };
	if (!info)
		return 0;
	note->grade = grade_of(info);
	return note_write(name, note);
}

static void sync_one(struct sync *sync, const char *name)
{
	struct vpool_info *info = NULL;
	struct failure failure = { 0 };
	struct note note;
	int err, found;

	found = find_pool(sync->vp, name, &info);
	sync->unsure |= found && found != -ENOENT;
	err = note_read(name, &note);
	if (err == -EBADMSG)
		err = repair_note(name, found ? NULL : info, &note);
	if (err == -ENOENT)
		err = 0;
	else if (err)
		failure_set(&failure, err, TOOL_NOTE_DAMAGED, "its note: %s",
			    strerror(-err));
	else if (found && found != -ENOENT)
		err = failure_set_handle(&failure, sync->vp, found);
	else if (found && sync->gone)
		err = undo_pool(sync, name, &failure);
	else if (!found && !sync->gone)
		err = make_pool(sync, info, note.grade, &failure);
	if (err)
		sync_failed(sync, name, err, &failure);
	free(note.irqs);
	if (!found)
		vpool_info_free(info);
}

static void sync_all(struct sync *sync)
{
	DIR *dir = opendir(VPOOL_RUN);
	struct dirent *entry;
	char *name;

	while (dir && (entry = readdir(dir))) {
		name = note_pool(entry->d_name);
		if (name && vpool_name_is_valid(name))
			sync_one(sync, name);
		else if (name)
			state_set_aside(entry->d_name);
		free(name);
	}
	if (dir)
		closedir(dir);
}

void isolate_forget_unit(const char *name)
{
	struct failure failure;
	bool busy = isolate_idle(name, &failure);
	char *dir;

	unit_slice_revert(name, !busy);
	if (busy) {
		unit_slice_widen(name);
		fprintf(stderr, "vpoolctl: %s and continues to run\n", failure.text);
		return;
	}
	/* systemd keeps a cgroup that it could not remove when the slice stopped. */
	dir = cgroup_slice_dir(name);
	if (dir && !cgroup_tenant(dir) && !access(dir, F_OK)) {
		remove_below(dir);
		rmdir(dir);
	}
	free(dir);
}

/*
 * Let the slice of a plain pool follow the pool. It has CPUs only if a unit has asked for
 * them, see "vpoolctl slice".
 */
static void sync_unit(struct sync *sync, const char *name)
{
	struct vpool_info *info;
	struct failure failure;
	char *list;
	int err;

	err = vpool_query(sync->vp, name, &info);
	if (err == -ENXIO || err == -VPOOL_NO_MODULE)
		isolate_forget_unit(name);
	if (err)
		return;
	if (!vpool_cpus_count(&info->cpus)) {
		isolate_forget_unit(name);
	} else if (!(info->create_flags & VPOOL_CREATE_ISOLATED) &&
		   !unit_slice_has(name, &info->cpus)) {
		list = cpus_text(&info->cpus);
		err = unit_slice_set(name, list, &failure);
		if (err)
			sync_failed(sync, name, err, &failure);
		free(list);
	}
	vpool_info_free(info);
}

static void sync_units(struct sync *sync)
{
	size_t i, nr;
	char **names = unit_slice_pools(&nr);

	for (i = 0; i < nr; i++) {
		sync_unit(sync, names[i]);
		free(names[i]);
	}
	free(names);
}

int isolate_sync(struct vpool *vp, const char *name, struct failure *failure)
{
	struct sync sync = { .vp = vp, .name = name, .failure = failure };

	/*
	 * Remove the partitions of destroyed pools first, and restore their
	 * interrupts: their CPUs may be those of existing pools by now.
	 */
	sync.gone = true;
	sync_all(&sync);
	sync.gone = false;
	sync_all(&sync);
	sync_units(&sync);
	/* Leave what the CPUs of a pool that still exists may need. */
	if (!sync.unsure) {
		irqbalance_keep_off(&sync.taken);
		settings_keep_off(SETTINGS, &sync.taken);
	}
	vpool_cpus_free(&sync.taken);
	return sync.err;
}

/*
 * Check a request, especially its name, with a dry run of the module. Leave out its
 * memory: the real call waits for that.
 */
static int check_request(struct vpool *vp, const struct vpool_request *req,
			 struct failure *failure)
{
	struct vpool_request dry = *req;
	int err;

	dry.flags |= VPOOL_CREATE_DRY_RUN;
	dry.mem = NULL;
	dry.nr_mem = 0;
	err = vpool_create(vp, &dry);
	return err ? failure_set_handle(failure, vp, err) : 0;
}

static int make_noted(struct vpool *vp, struct vpool_request *req, struct failure *failure)
{
	struct failure ignored;
	int err = vpool_create(vp, req);

	if (err) {
		failure_set_handle(failure, vp, err);
	} else {
		err = isolate_sync(vp, req->name, failure);
		if (!err)
			return 0;
		vpool_destroy(vp, req->name, VPOOL_DESTROY_FORCE);
	}
	isolate_sync(vp, req->name, &ignored);
	return err;
}

/*
 * Write the note after the module has accepted the name, and before it creates the pool.
 * If vpoolctl is killed in between, it leaves a note without a pool, which the next call
 * removes. It never leaves a pool that is not isolated although it must be.
 */
int isolate_create(struct vpool *vp, struct vpool_request *req,
		   enum grade grade, struct failure *failure)
{
	struct note note = { .grade = grade };
	int err;

	err = isolate_sync(vp, req->name, failure);
	if (!err)
		err = check_request(vp, req, failure);
	if (err)
		return err;
	err = note_write(req->name, &note);
	if (!err)
		return make_noted(vp, req, failure);
	return failure_set(failure, err, errno_code(-err), VPOOL_RUN ": %s",
			   strerror(-err));
}

/* Tell whether there is anything that isolate_sync() could have to change. */
static bool is_sync_needed(void)
{
	size_t i, nr;
	char **names;

	/* A vpoolctl that was killed may have removed the last note, and nothing else. */
	if (note_any() || irqbalance_is_told() || settings_are_kept(SETTINGS))
		return true;
	names = unit_slice_pools(&nr);
	for (i = 0; i < nr; i++)
		free(names[i]);
	free(names);
	return nr;
}

int isolate_mend(const char *name, struct failure *failure)
{
	struct vpool *vp;
	int lock, err;

	if (!may_change_host() || !is_sync_needed())
		return 0;
	lock = isolate_lock(failure);
	if (lock < 0) {
		struct note note;

		err = note_read(name, &note);
		free(note.irqs);
		if (!err)
			return lock;
		fprintf(stderr, "vpoolctl: the isolation of pools cannot be checked: %s\n",
			failure->text);
		return 0;
	}
	/* Without the module, vpoolctl cannot know which pools still exist. */
	err = vpool_open_control(&vp);
	if (!err)
		err = isolate_sync(vp, name, failure);
	else
		err = 0;
	vpool_close(vp);
	close(lock);
	return err;
}

int isolate_idle(const char *name, struct failure *failure)
{
	char *dir = cgroup_slice_dir(name), *comm, *slice;
	int pid = dir ? cgroup_tenant(dir) : 0;

	free(dir);
	if (!pid)
		return 0;
	comm = process_name(pid);
	slice = cgroup_slice(name);
	failure_set(failure, -EBUSY, TOOL_SLICE_OCCUPIED,
		    "process %d (%s) is in %s", pid, comm, slice);
	free(slice);
	free(comm);
	return -EBUSY;
}

/* Tell whether a process is in the slice of a plain pool whose CPUs units use. */
static bool is_occupied(struct vpool *vp, const char *name, struct failure *failure)
{
	struct vpool_info *info;
	bool idle;

	if (!unit_slice_is_set(name) || vpool_query(vp, name, &info))
		return false;
	idle = !info->members && !info->regions;
	vpool_info_free(info);
	return idle && isolate_idle(name, failure);
}

int isolate_destroy(struct vpool *vp, const char *name, bool force, struct failure *failure)
{
	struct vpool_info *info;
	bool idle, noted;

	*failure = (struct failure) { 0 };
	if (!force && !find_pool(vp, name, &info)) {
		struct note note;

		noted = !note_read(name, &note);
		free(note.irqs);
		/* The message of the module about members and regions is better. */
		idle = !info->members && !info->regions;
		vpool_info_free(info);
		if (noted && idle && isolate_idle(name, failure))
			return -EBUSY;
	} else if (!force && is_occupied(vp, name, failure)) {
		return -EBUSY;
	}
	return vpool_destroy(vp, name, force ? VPOOL_DESTROY_FORCE : 0);
}
