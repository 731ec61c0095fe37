// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pool of a step.
 *
 * The memory of a pool is charged to no cgroup, so that Slurm's limits do not see it. The
 * pool must still come out of the memory that Slurm gave to the job, or the node would be
 * overcommitted. So the plugin lowers two limits by the size of the pool: that of the
 * step's tasks, and that of the job, because steps of a job can share its memory.
 *
 * Other slurmstepds change the limit of the job, too. They compute it from the pools that
 * exist, under a lock on the directory of the job's cgroup.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <libvpool.h>

#include "output/units.h"
#include "refusal.h"
#include "step_pool.h"

#define NAME_PREFIX "slurm-"

/* Time to destroy a pool whose tasks have ended, and between two tries. */
#define RELEASE_MS 2000
#define RETRY_MS 50

/* Longest mask of CPUs: that of the largest kernel. */
#define MASK_LONGS (8192 / 8 / sizeof(long))

static __u64 now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ULL + now.tv_nsec / 1000000;
}

static void pause_ms(unsigned int ms)
{
	struct timespec time = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };

	nanosleep(&time, NULL);
}

void step_set_name(struct step *step)
{
	snprintf(step->name, sizeof(step->name), NAME_PREFIX "%u.%u", step->job_id,
		 step->step_id);
}

/* Return the memory of all pools of the job on this node, in bytes. */
static __u64 pools_of_job(struct vpool *vp, const struct step *step)
{
	struct vpool_list_entry *entries = NULL;
	struct vpool_info *info;
	char prefix[VPOOL_NAME_SIZE];
	size_t nr = 0, i;
	__u64 sum = 0;

	snprintf(prefix, sizeof(prefix), NAME_PREFIX "%u.", step->job_id);
	if (vpool_list(vp, &entries, &nr))
		return 0;
	for (i = 0; i < nr; i++) {
		if (strncmp(entries[i].name, prefix, strlen(prefix)) ||
		    vpool_query(vp, entries[i].name, &info))
			continue;
		sum += info->total_bytes > info->target_bytes ? info->total_bytes :
							       info->target_bytes;
		vpool_info_free(info);
	}
	free(entries);
	return sum;
}

/*
 * Tell whether a step that has ended still has its pool. Tasks are members before they run,
 * so that only the pool of such a step is without members.
 */
static bool a_step_is_ending(struct vpool *vp)
{
	struct vpool_list_entry *entries = NULL;
	struct vpool_info *info;
	bool ending = false;
	size_t nr = 0, i;

	if (vpool_list(vp, &entries, &nr))
		return false;
	for (i = 0; i < nr && !ending; i++) {
		if (strncmp(entries[i].name, NAME_PREFIX, strlen(NAME_PREFIX)) ||
		    vpool_query(vp, entries[i].name, &info))
			continue;
		ending = !info->members;
		vpool_info_free(info);
	}
	free(entries);
	return ending;
}

/* Set the limit of the job: its memory without that of its pools. Call it with the lock. */
static void settle_job(const struct step *step, struct vpool *vp)
{
	__u64 pools = pools_of_job(vp, step);

	if (!step->job_bytes || memory_limit(step->cgroup.job) == MEMORY_UNLIMITED)
		return;
	set_memory_limit(step->cgroup.job,
			 pools < step->job_bytes ? step->job_bytes - pools : 0);
}

/* Check that @bytes, which is @has_bytes without pools, leaves the tasks enough. */
static int check_fits(__u64 bytes, __u64 has_bytes, __u64 pools, const char *of,
		      struct refusal *refusal)
{
	char wanted[SIZE_TEXT], has[SIZE_TEXT], other[SIZE_TEXT], least[SIZE_TEXT];

	if (!has_bytes || bytes + pools + TASKS_MIN_BYTES <= has_bytes)
		return 0;
	format_size(bytes, wanted);
	format_size(has_bytes, has);
	format_size(pools, other);
	format_size(TASKS_MIN_BYTES, least);
	if (pools)
		return refuse(refusal,
			      "a pool of %s does not fit: the %s has %s on this node (--mem), its other pools have %s, and its tasks must keep %s",
			      wanted, of, has, other, least);
	return refuse(refusal,
		      "a pool of %s does not fit: the %s has %s on this node (--mem), and its tasks must keep %s",
		      wanted, of, has, least);
}

/* Create the pool, and wait for pools of steps that are ending. */
static int create(const struct step *step, const struct vpool_cpus *cpus, __u64 bytes,
		  struct refusal *refusal)
{
	struct vpool_mem mem = { .bytes = bytes, .node = VPOOL_ANY_NODE };
	struct vpool_request req = VPOOL_REQUEST_INIT;
	__u64 deadline = now_ms() + step->settings.timeout_ms, now;
	char why[VPOOL_REASON_SIZE];
	int err;

	req.name = step->name;
	req.flags = VPOOL_CREATE_EPHEMERAL;
	req.page_size = step->settings.page_size;
	req.uid = step->uid;
	req.gid = step->gid;
	req.mode = 0600;
	req.nr_mem = 1;
	req.mem = &mem;
	req.cpus = cpus;
	for (;;) {
		now = now_ms();
		req.timeout_ms = now < deadline ? deadline - now : 0;
		err = vpool_create(step->control, &req);
		if (!err)
			return 0;
		vpool_reason_copy(step->control, why, sizeof(why));
		if ((err != -EBUSY && err != -ENOMEM && err != -EEXIST) ||
		    now >= deadline || !a_step_is_ending(step->control))
			return refuse(refusal, "%s", why);
		pause_ms(RETRY_MS);
	}
}

/* Lower the limits of the step and of its job by the size of the pool. */
static int lower_limits(const struct step *step, __u64 bytes, struct refusal *refusal)
{
	__u64 limit = memory_limit(step->cgroup.step);
	int err = 0;

	if (limit != MEMORY_UNLIMITED)
		err = set_memory_limit(step->cgroup.step, limit > bytes ? limit - bytes : 0);
	if (err)
		return refuse(refusal, "the memory limit of the step cannot be lowered: %s",
			      strerror(-err));
	settle_job(step, step->control);
	return 0;
}

/* Create the pool within the memory of the job. Call it with the lock on the job. */
static int create_within(struct step *step, struct refusal *refusal)
{
	__u64 page = step->settings.page_size, bytes = step->settings.mem;
	__u64 limit = memory_limit(step->cgroup.step), has = step->step_bytes;
	struct vpool_cpus cpus = {};
	int err;

	if (!page)
		page = vpool_default_page_size();
	bytes = (bytes + page - 1) / page * page;
	/* AllowedRAMSpace of cgroup.conf may have made the limit smaller. */
	if (has && limit < has)
		has = limit;
	if (check_fits(bytes, has, 0, "step", refusal) ||
	    check_fits(bytes, step->job_bytes, pools_of_job(step->control, step), "job",
		       refusal))
		return -1;
	err = step_cgroup_cpus(&step->cgroup, &cpus, refusal);
	if (!err)
		err = create(step, &cpus, bytes, refusal);
	vpool_cpus_free(&cpus);
	return err ? err : lower_limits(step, bytes, refusal);
}

int step_create_pool(struct step *step, pid_t pid, struct refusal *refusal)
{
	int lock, err;

	if (step_cgroup_find(pid, &step->cgroup, refusal))
		return -1;
	err = vpool_open_control(&step->control);
	if (err) {
		refuse(refusal, "%s", vpool_reason(step->control));
		vpool_close(step->control);
		step->control = NULL;
		return -1;
	}
	lock = job_lock(&step->cgroup);
	err = lock < 0 ? refuse(refusal, "the cgroup of the job cannot be locked") :
			 create_within(step, refusal);
	if (lock >= 0)
		close(lock);
	if (err)
		step_release_pool(step);
	return err;
}

int step_attach(const struct step *step, pid_t pid, struct refusal *refusal)
{
	unsigned long before[MASK_LONGS] = {}, after[MASK_LONGS] = {};
	struct vpool *pool;
	int pidfd, err;

	pidfd = syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0)
		return errno == ESRCH ? 0 : refuse(refusal, "pidfd_open: %s", strerror(errno));
	sched_getaffinity(pid, sizeof(before), (cpu_set_t *)before);
	/* The handle is also a region, so that it must not stay open. */
	err = vpool_open(step->name, &pool);
	if (!err)
		err = vpool_attach(pool, pidfd, VPOOL_ATTACH_PROCESS);
	if (err && err != -ESRCH)
		refuse(refusal, "%s", vpool_reason(pool));
	vpool_close(pool);
	close(pidfd);
	/* Attaching gave the task all CPUs of the pool: bind it to those of --cpu-bind. */
	sched_getaffinity(pid, sizeof(after), (cpu_set_t *)after);
	if (!err && memcmp(before, after, sizeof(after)))
		sched_setaffinity(pid, sizeof(before), (cpu_set_t *)before);
	return err && err != -ESRCH ? -1 : 0;
}

void step_release_pool(struct step *step)
{
	__u64 deadline = now_ms() + RELEASE_MS;
	int lock;

	if (!step->control)
		return;
	/* The last task may still be closing its files. */
	while (vpool_destroy(step->control, step->name, 0) == -EBUSY && now_ms() < deadline)
		pause_ms(RETRY_MS);
	lock = job_lock(&step->cgroup);
	if (lock >= 0) {
		settle_job(step, step->control);
		close(lock);
	}
	vpool_close(step->control);
	step->control = NULL;
}

void step_respect_pools(struct step *step, pid_t pid)
{
	struct refusal ignored = {};
	struct vpool *reader;
	int lock;

	if (step_cgroup_find(pid, &step->cgroup, &ignored))
		return;
	lock = job_lock(&step->cgroup);
	if (lock < 0)
		return;
	if (!vpool_open_reader(&reader) && pools_of_job(reader, step))
		settle_job(step, reader);
	vpool_close(reader);
	close(lock);
}
