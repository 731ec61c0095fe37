// SPDX-License-Identifier: GPL-2.0-only
/*
 * Execute a plan. A step releases resources or takes them; each undoes the other. A signal
 * ends the current step, not the program.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libvpool.h>

#include "base/alloc.h"
#include "base/code.h"
#include "base/command.h"
#include "base/exit.h"
#include "base/failure.h"
#include "base/interrupt.h"
#include "base/macros.h"
#include "config/config.h"
#include "config/declare.h"
#include "config/plan.h"
#include "config/plan_execute.h"
#include "config/request.h"
#include "host/baseline.h"
#include "host/container.h"
#include "host/isolate.h"
#include "host/mount_note.h"
#include "host/mounting.h"
#include "host/mounts.h"
#include "output/messages.h"
#include "output/progress.h"

/**
 * struct executor - state of an execution
 * @plan: the plan
 * @inv: the command, for messages
 * @vp: the handle
 * @keep_going: a failure ends the change of its pool only
 * @failure: the last failure; empty if the handle has its message
 */
struct executor {
	struct plan *plan;
	const struct invocation *inv;
	struct vpool *vp;
	bool keep_going;
	struct failure failure;
};

static void fill_resize(struct vpool_change *chg, const struct change *change)
{
	*chg = (struct vpool_change)VPOOL_CHANGE_INIT;
	chg->name = change->want->name;
	chg->timeout_ms = change->want->timeout_ms;
}

/* The flags for taking CPUs come from the existing or the declared pool. */
static void set_cpus(struct vpool_change *chg, const struct pool_config *pool,
		     const struct vpool_cpus *cpus)
{
	chg->cpus = cpus;
	if (pool->split_cores)
		chg->flags |= VPOOL_RESIZE_SPLIT_CORES;
	if (pool->boot_core)
		chg->flags |= VPOOL_RESIZE_BOOT_CORE;
}

static void set_mem(struct vpool_change *chg, const struct change *change)
{
	chg->mem = change->target;
	chg->nr_mem = change->nr_target;
}

void fill_release(struct vpool_change *chg, const struct change *change)
{
	fill_resize(chg, change);
	if (change_shrinks(change))
		set_mem(chg, change);
	if (change_loses_cpus(change)) {
		set_cpus(chg, change->want, &change->kept);
		/* The CPUs between the two steps can be part of a core. */
		chg->flags |= VPOOL_RESIZE_SPLIT_CORES;
	}
}

/* Set the limits of users to those of @pool. The new ones are set last, as a taking. */
static void set_limits(struct vpool_change *chg, const struct pool_config *pool)
{
	chg->flags |= VPOOL_RESIZE_USER_BYTES | VPOOL_RESIZE_USER_REGIONS |
		      VPOOL_RESIZE_USER_MEMBERS;
	chg->user_bytes = pool->user_bytes;
	chg->user_regions = pool->user_regions;
	chg->user_members = pool->user_members;
}

void fill_take(struct vpool_change *chg, const struct change *change)
{
	fill_resize(chg, change);
	if (change_grows(change))
		set_mem(chg, change);
	if (change_gains_cpus(change))
		set_cpus(chg, change->want, &change->want->cpus);
	if (change_limits(change))
		set_limits(chg, change->want);
}

static bool is_isolated(const struct change *change)
{
	return change->have.isolate ||
	       (change->want && change->want->isolate);
}

/* Sync the cpuset of a changed pool. */
static int isolate(struct executor *exec, const struct change *change)
{
	return is_isolated(change) ?
	       isolate_sync(exec->vp, change_name(change), &exec->failure) : 0;
}

static int resize(struct executor *exec, struct vpool_change *chg)
{
	struct progress *progress;
	int err;

	if (interrupted())
		return -EINTR;
	progress = chg->nr_mem ? progress_start("resize", chg->name) : NULL;
	err = vpool_resize(exec->vp, chg);
	progress_stop(progress);
	if (!err && chg->cpus)
		container_follow(exec->vp, chg->name);
	return err;
}

/*
 * Return the memory requests that restore the old memory, for free(3). Nodes on which the
 * pool has memory only now get 0.
 */
static struct vpool_mem *old_mem(const struct pool_config *have,
				 const struct vpool_info *info, size_t *nr)
{
	struct vpool_mem *mem = xcalloc(have->nr_mem + info->nr_nodes,
					sizeof(*mem));
	size_t i, j;

	*nr = have->nr_mem;
	if (have->nr_mem)
		memcpy(mem, have->mem, have->nr_mem * sizeof(*mem));
	for (i = 0; i < info->nr_nodes; i++) {
		for (j = 0; j < have->nr_mem; j++)
			if (have->mem[j].node == info->nodes[i].node)
				break;
		if (j == have->nr_mem)
			mem[(*nr)++].node = info->nodes[i].node;
	}
	return mem;
}

static int resize_back(struct executor *exec, const struct change *change, bool mem,
		       const struct vpool_cpus *cpus, bool limits)
{
	struct vpool_change chg = VPOOL_CHANGE_INIT;
	struct vpool_mem *old = NULL;
	struct vpool_info *info;
	int err;

	chg.name = change->have.name;
	if (mem) {
		err = vpool_query(exec->vp, chg.name, &info);
		if (err)
			return err;
		old = old_mem(&change->have, info, &chg.nr_mem);
		chg.mem = old;
		vpool_info_free(info);
	}
	if (cpus) {
		set_cpus(&chg, &change->have, cpus);
		chg.flags |= VPOOL_RESIZE_SPLIT_CORES;
	}
	if (limits)
		set_limits(&chg, &change->have);
	err = resize(exec, &chg);
	free(old);
	return err;
}

static int make(struct executor *exec, const struct pool_config *pool)
{
	struct vpool_request req;
	struct progress *progress;
	int err;

	if (interrupted())
		return -EINTR;
	fill_request(&req, pool);
	progress = pool->nr_mem ? progress_start("create", pool->name) : NULL;
	err = pool->isolate ? isolate_create(exec->vp, &req, pool->isolate,
					     &exec->failure) :
			      vpool_create(exec->vp, &req);
	progress_stop(progress);
	if (!err)
		baseline_save(exec->vp, pool->name);
	return err;
}

static int destroy(struct executor *exec, const char *name)
{
	int err = isolate_destroy(exec->vp, name, false, &exec->failure);

	if (!err)
		baseline_forget(name);
	return err;
}

/* Mount the files of a pool, and note that apply has done it. */
static int put_on(struct executor *exec, const struct pool_config *pool)
{
	int err = mount_pool(pool->name, &pool->mount, &exec->failure);
	char *dir;

	if (err)
		return err;
	dir = canonical_dir(pool->mount.dir);
	err = mount_note_write(pool->name, dir);
	if (err)
		failure_set(&exec->failure, err, errno_code(-err),
			    "mounted at %s, but this cannot be noted: %s", dir,
			    strerror(-err));
	free(dir);
	return err;
}

static int take_off(struct executor *exec, const struct pool_config *pool)
{
	int err = unmount_dir(pool->mount.dir, &exec->failure);

	if (!err)
		mount_note_remove(pool->name);
	return err;
}

/* Give a mounted filesystem the owner and the mode that another declaration has. */
static int adjust_mount(struct executor *exec, const struct pool_config *to)
{
	struct mount_spec spec = {
		.dir = to->mount.dir,
		.uid = mount_uid(to),
		.gid = mount_gid(to),
		.mode = mount_mode(to),
	};

	return mount_adjust(&spec, &exec->failure);
}

/* Put the new mount on, once the pool is as declared. */
static int take_mount(struct executor *exec, struct change *change)
{
	int err = 0;

	if (change_mounts(change))
		err = put_on(exec, change->want);
	else if (change_adjusts_mount(change))
		err = adjust_mount(exec, change->want);
	else
		return 0;
	change->mounted = !err;
	return err;
}

static int untake_mount(struct executor *exec, const struct change *change)
{
	if (!change->mounted)
		return 0;
	return change_mounts(change) ? take_off(exec, change->want) :
				       adjust_mount(exec, &change->have);
}

/* Release the resources of a change. A pool in use is not destroyed. */
static int release(struct executor *exec, struct change *change)
{
	struct vpool_change chg;
	int err;

	if (change_unmounts(change)) {
		err = take_off(exec, &change->have);
		if (err)
			return err;
		change->unmounted = true;
	}
	if (!change_releases(change))
		return 0;
	if (interrupted())
		return -EINTR;
	if (change_in_place(change)) {
		fill_release(&chg, change);
		err = resize(exec, &chg);
	} else {
		err = destroy(exec, change->have.name);
	}
	change->released = !err;
	return err ? err : isolate(exec, change);
}

static int take(struct executor *exec, struct change *change)
{
	struct vpool_change chg;
	int err;

	if (!change_takes(change))
		return take_mount(exec, change);
	if (change_in_place(change)) {
		fill_take(&chg, change);
		err = resize(exec, &chg);
	} else {
		err = make(exec, change->want);
	}
	change->taken = !err;
	if (!err)
		err = isolate(exec, change);
	return err ? err : take_mount(exec, change);
}

static int report_failure(struct executor *exec, const struct change *change,
			  int err)
{
	int status = EXIT_FAILED;

	if (interrupted())
		cmd_error(exec->inv, change_name(change), VPOOL_CODE_INTERRUPTED,
			  "interrupted");
	else if (exec->failure.code)
		failure_report(exec->inv, change_name(change), &exec->failure);
	else
		status = handle_error(exec->inv, change_name(change), exec->vp, err);
	exec->failure = (struct failure) { 0 };
	return status;
}

static int untake(struct executor *exec, struct change *change)
{
	int err = untake_mount(exec, change);

	if (err || !change->taken)
		return err;
	if (change_in_place(change))
		err = resize_back(exec, change, change_grows(change),
				  change_gains_cpus(change) ? &change->kept :
							      NULL,
				  change_limits(change));
	else
		err = destroy(exec, change->want->name);
	return err ? err : isolate(exec, change);
}

static int unrelease(struct executor *exec, struct change *change)
{
	int err = 0;

	if (change->released && change_in_place(change))
		err = resize_back(exec, change, change_shrinks(change),
				  change_loses_cpus(change) ?
				  &change->have.cpus : NULL, false);
	else if (change->released)
		err = make(exec, &change->have);
	if (!err && change->released)
		err = isolate(exec, change);
	if (!err && change->unmounted)
		err = put_on(exec, &change->have);
	return err;
}

/* Undo the latest change first, so that its resources are free for the earlier ones. */
static void undo(struct executor *exec)
{
	int (* const phases[])(struct executor *exec, struct change *change) = {
		untake, unrelease,
	};
	struct plan *plan = exec->plan;
	size_t i, p;
	int err, bad = 0;

	forget_interrupt();
	for (p = 0; p < ARRAY_SIZE(phases); p++) {
		for (i = plan->nr; i-- > 0;) {
			err = phases[p](exec, plan->changes + i);
			if (err)
				report_failure(exec, plan->changes + i, err);
			bad |= err;
		}
	}
	cmd_error(exec->inv, NULL, bad ? TOOL_NOT_UNDONE : TOOL_UNDONE, "%s", bad ?
		  "not all earlier changes could be undone" :
		  "the earlier changes have been undone");
}

/* Undo the change of one pool after a failure; the caller continues with the next. */
static void give_up(struct executor *exec, struct change *change)
{
	int err;

	change->refused = true;
	err = untake(exec, change);
	if (!err)
		err = unrelease(exec, change);
	if (err)
		report_failure(exec, change, err);
	change->taken = false;
	change->released = false;
	change->mounted = false;
	change->unmounted = false;
}

static int do_phases(struct executor *exec)
{
	int (* const phases[])(struct executor *exec, struct change *change) = {
		release, take,
	};
	struct plan *plan = exec->plan;
	int status = EXIT_OK, err;
	size_t i, p;

	for (p = 0; p < ARRAY_SIZE(phases); p++) {
		for (i = 0; i < plan->nr; i++) {
			if (plan->changes[i].refused)
				continue;
			err = phases[p](exec, plan->changes + i);
			if (!err)
				continue;
			status = report_failure(exec, plan->changes + i, err);
			if (!exec->keep_going || interrupted()) {
				undo(exec);
				return status;
			}
			give_up(exec, plan->changes + i);
		}
	}
	return status;
}

static bool about_isolation(const struct plan *plan)
{
	size_t i;

	for (i = 0; i < plan->nr; i++)
		if (is_isolated(plan->changes + i))
			return true;
	return false;
}

int plan_execute(struct plan *plan, const struct invocation *inv, struct vpool *vp,
		 bool keep_going)
{
	struct executor exec = {
		.plan = plan, .inv = inv, .vp = vp, .keep_going = keep_going,
	};
	int status, lock = -1;

	catch_interrupts();
	if (about_isolation(plan)) {
		lock = isolate_lock(&exec.failure);
		if (lock < 0)
			return failure_report(inv, NULL, &exec.failure);
	}
	status = do_phases(&exec);
	if (lock >= 0)
		close(lock);
	/* Slices of plain pools follow as well. This prints its errors. */
	isolate_mend("", &exec.failure);
	return status;
}
