// SPDX-License-Identifier: GPL-2.0-only
/*
 * Carrying a plan out. A step gives something back or takes something, and can
 * be undone by the other. An interrupt ends the step, not the program.
 */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "plan.h"
#include "progress.h"

static atomic_int interrupted;

static void note_interrupt(int signal)
{
	interrupted = signal;
}

/* A call that waits for memory ends with EINTR then. */
static void catch_interrupts(void)
{
	static const int signals[] = { SIGHUP, SIGINT, SIGTERM };
	struct sigaction act = { .sa_handler = note_interrupt };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(signals); i++)
		sigaction(signals[i], &act, NULL);
}

void fill_request(struct vpool_request *req, const struct pool_config *pool)
{
	*req = (struct vpool_request)VPOOL_REQUEST_INIT;
	req->name = pool->name;
	req->page_size = pool->page_size;
	req->uid = pool->uid;
	req->gid = pool->gid;
	req->mode = pool->mode;
	req->timeout_ms = pool->timeout_ms;
	req->mem = pool->mem;
	req->nr_mem = pool->nr_mem;
	if (vpool_cpus_count(&pool->cpus))
		req->cpus = &pool->cpus;
	if (pool->split_cores)
		req->flags |= VPOOL_CREATE_SPLIT_CORES;
	if (pool->boot_core)
		req->flags |= VPOOL_CREATE_BOOT_CORE;
}

void fill_resize(struct vpool_change *chg, const struct change *change)
{
	*chg = (struct vpool_change)VPOOL_CHANGE_INIT;
	chg->name = change->want->name;
	chg->timeout_ms = change->want->timeout_ms;
	chg->mem = change->target;
	chg->nr_mem = change->nr_target;
}

static int resize(struct vpool *vp, struct vpool_change *chg)
{
	struct progress *progress;
	int err;

	if (interrupted)
		return -EINTR;
	progress = progress_start("resize", chg->name);
	err = vpool_resize(vp, chg);
	progress_stop(progress);
	return err;
}

/* Node by node, also where the pool has got memory by now. */
static int resize_back(struct vpool *vp, const struct change *change)
{
	const struct pool_config *have = &change->have;
	struct vpool_change chg = VPOOL_CHANGE_INIT;
	struct vpool_info *info;
	struct vpool_mem *mem;
	size_t i, j;
	int err;

	err = vpool_query(vp, have->name, &info);
	if (err)
		return err;
	mem = xcalloc(have->nr_mem + info->nr_nodes, sizeof(*mem));
	if (have->nr_mem)
		memcpy(mem, have->mem, have->nr_mem * sizeof(*mem));
	chg.nr_mem = have->nr_mem;
	for (i = 0; i < info->nr_nodes; i++) {
		for (j = 0; j < have->nr_mem; j++)
			if (have->mem[j].node == info->nodes[i].node)
				break;
		if (j == have->nr_mem)
			mem[chg.nr_mem++].node = info->nodes[i].node;
	}
	chg.name = have->name;
	chg.mem = mem;
	err = resize(vp, &chg);
	vpool_info_free(info);
	free(mem);
	return err;
}

static int make(struct vpool *vp, const struct pool_config *pool)
{
	struct vpool_request req;
	struct progress *progress;
	int err;

	if (interrupted)
		return -EINTR;
	fill_request(&req, pool);
	progress = pool->nr_mem ? progress_start("create", pool->name) : NULL;
	err = vpool_create(vp, &req);
	progress_stop(progress);
	return err;
}

/* Give back what the pool has; a pool that is in use is left alone. */
static int release(struct vpool *vp, struct change *change)
{
	struct vpool_change chg;
	int err;

	if (!change_releases(change))
		return 0;
	if (interrupted)
		return -EINTR;
	if (change->kind == CHANGE_RESIZE) {
		fill_resize(&chg, change);
		err = resize(vp, &chg);
	} else {
		err = vpool_destroy(vp, change->have.name, 0);
	}
	change->released = !err;
	return err;
}

static int take(struct vpool *vp, struct change *change)
{
	struct vpool_change chg;
	int err;

	if (!change->want || (change->kind == CHANGE_RESIZE &&
			      change_releases(change)))
		return 0;
	if (change->kind == CHANGE_RESIZE) {
		fill_resize(&chg, change);
		err = resize(vp, &chg);
	} else {
		err = make(vp, change->want);
	}
	change->taken = !err;
	return err;
}

static int complain_about(const struct invocation *inv, struct vpool *vp,
			  const struct change *change, int err)
{
	if (interrupted) {
		complain(inv, change_name(change), "interrupted");
		return EXIT_FAILED;
	}
	return failed(inv, change_name(change), vp, err);
}

static int untake(struct vpool *vp, const struct change *change)
{
	if (!change->taken)
		return 0;
	if (change->kind == CHANGE_RESIZE)
		return resize_back(vp, change);
	return vpool_destroy(vp, change->want->name, 0);
}

static int unrelease(struct vpool *vp, const struct change *change)
{
	if (!change->released)
		return 0;
	if (change->kind == CHANGE_RESIZE)
		return resize_back(vp, change);
	return make(vp, &change->have);
}

/* Latest first, so that what is taken again has been given back. */
static void undo(struct plan *plan, const struct invocation *inv,
		 struct vpool *vp)
{
	int (* const phases[])(struct vpool *vp,
			       const struct change *change) = {
		untake, unrelease,
	};
	size_t i, p;
	int err, bad = 0;

	interrupted = 0;
	for (p = 0; p < ARRAY_SIZE(phases); p++) {
		for (i = plan->nr; i-- > 0;) {
			err = phases[p](vp, plan->changes + i);
			if (err)
				complain_about(inv, vp, plan->changes + i, err);
			bad |= err;
		}
	}
	complain(inv, NULL, bad ? "not all that was changed before could be undone" :
				  "what was changed before has been undone");
}

int plan_do(struct plan *plan, const struct invocation *inv, struct vpool *vp)
{
	int (* const phases[])(struct vpool *vp, struct change *change) = {
		release, take,
	};
	int status, err;
	size_t i, p;

	catch_interrupts();
	for (p = 0; p < ARRAY_SIZE(phases); p++) {
		for (i = 0; i < plan->nr; i++) {
			err = phases[p](vp, plan->changes + i);
			if (!err)
				continue;
			status = complain_about(inv, vp, plan->changes + i, err);
			undo(plan, inv, vp);
			return status;
		}
	}
	return EXIT_OK;
}
