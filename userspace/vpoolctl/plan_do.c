// SPDX-License-Identifier: GPL-2.0-only
/*
 * Carrying a plan out. A step gives something back or takes something, and can
 * be undone by the other. An interrupt ends the step, not the program.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "plan.h"
#include "progress.h"

static volatile sig_atomic_t interrupted;

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

void fill_request(struct vpool_request *req,
			 const struct pool_config *pool)
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

static int make(struct vpool *vp, const struct pool_config *pool)
{
	struct vpool_request req;
	struct progress *progress;
	int err;

	if (interrupted)
		return -EINTR;
	fill_request(&req, pool);
	progress = progress_start(pool->name, pool_config_bytes(pool));
	err = vpool_create(vp, &req);
	progress_stop(progress);
	return err;
}

/* Give back what the pool has; a pool that is in use is left alone. */
static int release(struct vpool *vp, struct change *change)
{
	int err;

	if (!change->info || interrupted)
		return change->info ? -EINTR : 0;
	err = vpool_destroy(vp, change->have.name, 0);
	change->released = !err;
	return err;
}

static int take(struct vpool *vp, struct change *change)
{
	int err;

	if (!change->want)
		return 0;
	err = make(vp, change->want);
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

/* Latest first, so that what is taken again has been given back. */
static void undo(struct plan *plan, const struct invocation *inv,
		 struct vpool *vp)
{
	size_t i;
	int err;

	interrupted = 0;
	for (i = plan->nr; i-- > 0;) {
		struct change *change = plan->changes + i;

		err = change->taken ?
		      vpool_destroy(vp, change->want->name, 0) : 0;
		if (err)
			complain_about(inv, vp, change, err);
	}
	for (i = plan->nr; i-- > 0;) {
		struct change *change = plan->changes + i;

		err = change->released ? make(vp, &change->have) : 0;
		if (err)
			complain_about(inv, vp, change, err);
	}
	complain(inv, NULL, "what was changed before has been undone");
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
