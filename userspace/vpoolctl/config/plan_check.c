// SPDX-License-Identifier: GPL-2.0-only
/*
 * Check a plan before its first change.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <libvpool.h>

#include "base/alloc.h"
#include "base/code.h"
#include "base/command.h"
#include "base/exit.h"
#include "base/failure.h"
#include "base/macros.h"
#include "config/declare.h"
#include "config/plan.h"
#include "config/plan_check.h"
#include "config/plan_execute.h"
#include "config/request.h"
#include "host/isolate.h"
#include "host/mounting.h"
#include "host/mounts.h"
#include "host/pools.h"
#include "host/spare.h"
#include "output/messages.h"
#include "output/units.h"

/**
 * struct checker - state of a check
 * @plan: the plan
 * @inv: the command, for messages
 * @vp: the handle
 * @host: resources of the host
 * @keep_going: impossible changes are left out of the plan
 * @bad: a change is impossible
 */
struct checker {
	const struct plan *plan;
	const struct invocation *inv;
	struct vpool *vp;
	struct vpool_host *host;
	bool keep_going;
	bool bad;
};

static void __printf(4, 5)
problem(struct checker *ck, const struct change *change, int code,
	const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	ck->bad = true;
	if (change->want && change->want->location.line)
		cmd_error(ck->inv, change_name(change), code, "%s:%u:%u: %s",
			  change->want->location.file, change->want->location.line,
			  change->want->location.column, text);
	else
		cmd_error(ck->inv, change_name(change), code, "%s", text);
}

/*
 * Tell whether a pool stays mounted after apply has unmounted its own mount. Set @dirs to
 * all directories, for free(3).
 */
static bool is_mounted_by_others(const struct checker *ck, const struct change *change,
				 char **dirs)
{
	unsigned int own = change_unmounts(change);

	*dirs = mounts_text(&ck->plan->mounts, change->info->name);
	if (!*dirs && change->info->mounts)
		*dirs = xstrdup("a directory of another mount namespace");
	return change->info->mounts > own;
}

/* Tell whether the plan takes off the mount at a directory. */
static bool is_taken_off(const struct plan *plan, const struct mount_point *mp)
{
	size_t i;

	for (i = 0; mp && i < plan->nr; i++)
		if (change_unmounts(plan->changes + i) &&
		    !strcmp(plan->changes[i].have.mount.dir, mp->dir))
			return true;
	return false;
}

/* Check that a mount can be taken off, and that the new one can be put on. */
static void check_mount(struct checker *ck, const struct change *change)
{
	const struct mounts *mounts = &ck->plan->mounts;
	const struct mount_point *mp;
	struct failure failure;

	if (change_unmounts(change)) {
		mp = mounts_at(mounts, change->have.mount.dir);
		if (mp && mount_check_idle(mounts, mp, &failure))
			problem(ck, change, failure.code, "%s", failure.text);
	}
	if (!change_mounts(change))
		return;
	if (mount_check_module(ck->vp, &failure)) {
		problem(ck, change, failure.code, "%s", failure.text);
		return;
	}
	mp = mounts_at(mounts, change->want->mount.dir);
	if (!is_taken_off(ck->plan, mp) &&
	    mount_check_dir(mounts, change->want->mount.dir, &failure))
		problem(ck, change, failure.code, "%s", failure.text);
}

/* Check that a pool can be destroyed: it must be idle. */
static void check_idle(struct checker *ck, const struct change *change)
{
	const struct vpool_info *info = change->info;
	struct failure failure;
	char *dirs = NULL;
	const char *way = change->want ? "it would have to be replaced" :
					 "it is not declared";

	if (!info)
		return;
	if (change_in_place(change))
		way = "its memory, CPUs, limits or mount would have to change";
	if (info->state == VPOOL_STATE_CREATING ||
	    info->state == VPOOL_STATE_DESTROYING)
		problem(ck, change, VPOOL_CODE_POOL_TRANSIENT,
			"%s, but it is %s just now", way,
			info->state_name);
	else if (change_in_place(change))
		return;
	else if (is_mounted_by_others(ck, change, &dirs))
		problem(ck, change, VPOOL_CODE_POOL_MOUNTED,
			"%s, but pool '%s' is mounted at %s", way, info->name,
			dirs);
	else if (info->members || info->regions || info->used_bytes)
		problem(ck, change, change->want ? TOOL_REPLACE_IN_USE :
						   TOOL_UNDECLARED_IN_USE,
			"%s, but it is in use: members: %u, open regions: %u, memory pinned or in regions: %llu bytes",
			way, info->members, info->regions, info->used_bytes);
	else if (change->have.isolate && isolate_idle(info->name, &failure))
		problem(ck, change, failure.code, "%s, but %s", way,
			failure.text);
	free(dirs);
}

static const struct vpool_host_node *find_node(const struct vpool_host *host,
					       int node)
{
	size_t i;

	for (i = 0; i < host->nr_nodes; i++)
		if (host->nodes[i].node == node)
			return host->nodes + i;
	return NULL;
}

static void check_nodes(struct checker *ck, const struct change *change)
{
	size_t i;

	for (i = 0; i < change->want->nr_mem; i++) {
		int node = change->want->mem[i].node;

		if (node != VPOOL_ANY_NODE && !find_node(ck->host, node))
			problem(ck, change, VPOOL_CODE_NODE_MISSING,
				"this host has no node %d", node);
	}
}

/*
 * Tell whether the plan leaves a pool as it is. A changed pool is declared, so that its
 * CPUs are in no other declaration.
 */
static bool stays(const struct plan *plan, const struct vpool_info *info)
{
	size_t i;

	for (i = 0; i < plan->nr; i++)
		if (plan->changes[i].info == info)
			return false;
	return true;
}

/* Copy the CPUs that a change takes. CPUs that a pool keeps may be offline. */
static void new_cpus(struct vpool_cpus *cpus, const struct change *change)
{
	if (vpool_cpus_copy(cpus, &change->want->cpus))
		exit(EXIT_FAILED);
	if (change_in_place(change))
		vpool_cpus_subtract(cpus, &change->have.cpus);
}

static void check_cpus(struct checker *ck, const struct change *change)
{
	struct vpool_cpus unavailable;
	size_t i;
	char *text;

	new_cpus(&unavailable, change);
	vpool_cpus_subtract(&unavailable, &ck->host->cpus);
	if (vpool_cpus_count(&unavailable)) {
		text = cpus_text(&unavailable);
		problem(ck, change, VPOOL_CODE_CPU_OFFLINE,
			"cpu %s is offline or not present", text);
		free(text);
	}
	vpool_cpus_free(&unavailable);
	for (i = 0; i < ck->plan->nr_pools; i++) {
		const struct vpool_info *info = ck->plan->pools[i];

		if (!stays(ck->plan, info))
			continue;
		new_cpus(&unavailable, change);
		vpool_cpus_and(&unavailable, &info->cpus);
		if (vpool_cpus_count(&unavailable)) {
			text = cpus_text(&unavailable);
			problem(ck, change, VPOOL_CODE_CPU_TAKEN,
				"cpu %s belongs to pool '%s'", text,
				info->name);
			free(text);
		}
		vpool_cpus_free(&unavailable);
	}
}

/* Compare the memory that the plan takes with the memory available and released. */
static void check_memory(struct checker *ck)
{
	__u64 taken = 0, have = ck->host->available_bytes;
	__u64 floor = spare_mem_floor();
	char want_text[SIZE_TEXT], have_text[SIZE_TEXT];
	const struct change *last = NULL;
	size_t i;

	have -= floor < have ? floor : have;
	for (i = 0; i < ck->plan->nr; i++) {
		const struct change *change = ck->plan->changes + i;

		if (change->info)
			have += change->info->total_bytes;
		if (change->want && change->want->nr_mem) {
			taken += pool_config_bytes(change->want);
			last = change;
		}
	}
	if (taken <= have || !last)
		return;
	problem(ck, last, VPOOL_CODE_MEM_HOST_SHORT,
		"the files declare %s of memory, but the host has only %s available",
		format_size(taken, want_text), format_size(have, have_text));
}

static bool releases(const struct plan *plan)
{
	size_t i;

	for (i = 0; i < plan->nr; i++)
		if (change_releases(plan->changes + i))
			return true;
	return false;
}

/*
 * If the plan releases anything first, dry-run only the release: resources that a later
 * step takes may not be free yet.
 */
static void ask_resize(struct checker *ck, const struct change *change)
{
	struct vpool_change chg;

	if (change_releases(change))
		fill_release(&chg, change);
	else if (change_takes(change) && !releases(ck->plan))
		fill_take(&chg, change);
	else
		return;
	chg.flags |= VPOOL_RESIZE_DRY_RUN;
	if (vpool_resize(ck->vp, &chg))
		problem(ck, change, vpool_reason_code(ck->vp), "%s",
			vpool_reason(ck->vp));
}

/*
 * Dry-run the creation of a pool. If the plan releases anything first, check only whether
 * the kernel supports this kind of pool.
 */
static void ask_kernel(struct checker *ck, const struct change *change)
{
	struct vpool_mem page = {
		.bytes = change->want->page_size, .node = VPOOL_ANY_NODE,
	};
	struct vpool_request req;

	fill_request(&req, change->want);
	req.flags |= VPOOL_CREATE_DRY_RUN;
	if (releases(ck->plan)) {
		if (!req.nr_mem)
			return;
		req.name = "apply-check";
		req.flags &= ~VPOOL_CREATE_ISOLATED;
		req.cpus = NULL;
		req.nr_cpus = 0;
		req.mem = &page;
		req.nr_mem = 1;
	}
	if (vpool_create(ck->vp, &req))
		problem(ck, change, vpool_reason_code(ck->vp), "%s",
			vpool_reason(ck->vp));
}

static void check_isolation(struct checker *ck, const struct change *change)
{
	struct failure failure;

	if (change->want->isolate && !change_in_place(change) &&
	    isolate_check(change->want->isolate, &failure))
		problem(ck, change, failure.code, "%s", failure.text);
}

static void check_change(struct checker *ck, struct plan *plan, size_t nr,
			 bool can_create)
{
	const struct change *change = plan->changes + nr;
	bool bad = ck->bad;

	ck->bad = false;
	check_idle(ck, change);
	check_mount(ck, change);
	if (change->want) {
		if (change->want->unmet)
			problem(ck, change, change->want->unmet->code, "%s",
				change->want->unmet->text);
		check_nodes(ck, change);
		check_cpus(ck, change);
		check_isolation(ck, change);
	}
	/* The kernel would give the same message. */
	if (change->want && can_create && !ck->bad) {
		if (change_in_place(change))
			ask_resize(ck, change);
		else
			ask_kernel(ck, change);
	}
	plan->changes[nr].refused = ck->keep_going && ck->bad;
	ck->bad |= bad;
}

bool plan_check(struct plan *plan, const struct invocation *inv,
		struct vpool *vp, bool keep_going)
{
	struct checker ck = {
		.plan = plan, .inv = inv, .vp = vp, .keep_going = keep_going,
	};
	size_t i;
	int err;

	err = vpool_host_read(&ck.host);
	if (err) {
		cmd_error(inv, NULL, errno_code(-err),
			  "cannot read the CPUs and memory of the host: %s",
			  strerror(-err));
		return false;
	}
	for (i = 0; i < plan->nr; i++)
		check_change(&ck, plan, i, vpool_fd(vp) >= 0);
	if (!ck.bad && !keep_going)
		check_memory(&ck);
	vpool_host_free(ck.host);
	return !ck.bad;
}
