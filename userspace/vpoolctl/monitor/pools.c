// SPDX-License-Identifier: GPL-2.0-only
/*
 * Report how the pools differ between two looks at them.
 *
 * A look reads the state of all pools from sysfs. Comparing two looks cannot miss a
 * change that lasts, whatever messages of the kernel are lost. Messages tell when to
 * look, and they report pools that came and went between two looks.
 *
 * A message can be older than the last look, which has then reported what it says. So a
 * message that a pool is gone counts only if the new look does not find the very pool
 * that is known, and one that a pool is there only if no pool of that name is known.
 *
 * No device is kept open, so that the module can be unloaded and replaced.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/macros.h"
#include "host/pools.h"
#include "monitor/pools.h"
#include "output/units.h"

/* The pools that count: not those that are being created or destroyed. */

static bool is_there(const struct vpool_info *info)
{
	return info->state != VPOOL_STATE_CREATING &&
	       info->state != VPOOL_STATE_DESTROYING;
}

static void free_pool(struct sampled_pool *pool)
{
	vpool_info_free(pool->info);
	free(pool->counters);
}

static void remove_pool(struct sample *sample, size_t nr)
{
	free_pool(sample->pools + nr);
	sample->nr_pools--;
	memmove(sample->pools + nr, sample->pools + nr + 1,
		(sample->nr_pools - nr) * sizeof(*sample->pools));
}

/* On failure, leave the message in *@vp. */
static int take_sample(struct vpool **vp, struct sample *sample)
{
	size_t i = 0;
	int err;

	err = vpool_open_sysfs(vp);
	if (!err)
		err = sample_take(*vp, sample);
	if (err)
		return err;
	vpool_close(*vp);
	*vp = NULL;
	while (i < sample->nr_pools) {
		if (is_there(sample->pools[i].info))
			i++;
		else
			remove_pool(sample, i);
	}
	return 0;
}

static const struct sampled_pool *find_name(const struct sample *sample,
					    const char *name)
{
	size_t i;

	for (i = 0; i < sample->nr_pools; i++)
		if (!strcmp(sample->pools[i].info->name, name))
			return sample->pools + i;
	return NULL;
}

/* Events */

static void report_created(struct event_sink *sink, const char *name,
			   const struct vpool_info *info)
{
	struct event event = {
		.kind = EVENT_CREATED, .pool = name, .info = info,
	};
	char size[SIZE_TEXT], page[SIZE_TEXT], *cpus;

	if (!info) {
		event_print(sink, &event, "the pool was created, and destroyed at once");
		return;
	}
	cpus = cpus_text(&info->cpus);
	event_print(sink, &event, "%s of memory in pages of %s%s%s",
		    format_size(info->total_bytes, size),
		    format_size(info->page_size, page),
		    *cpus ? ", CPUs " : ", no CPUs", cpus);
	free(cpus);
}

static void report_destroyed(struct event_sink *sink, const char *name)
{
	struct event event = { .kind = EVENT_DESTROYED, .pool = name };

	event_print(sink, &event, "the pool was destroyed");
}

static bool same_cpus(const struct vpool_cpus *a, const struct vpool_cpus *b)
{
	char *x = cpus_text(a), *y = cpus_text(b);
	bool same = !strcmp(x, y);

	free(x);
	free(y);
	return same;
}

static void compare_sizes(struct event_sink *sink, const struct vpool_info *was,
			  const struct vpool_info *now)
{
	struct event event = {
		.kind = EVENT_RESIZED, .pool = now->name, .info = now,
	};
	char before[SIZE_TEXT], after[SIZE_TEXT], *old, *new;

	if (was->total_bytes == now->total_bytes &&
	    same_cpus(&was->cpus, &now->cpus))
		return;
	old = cpus_text(&was->cpus);
	new = cpus_text(&now->cpus);
	event_print(sink, &event, "memory %s, was %s; CPUs %s, were %s",
		    format_size(now->total_bytes, after),
		    format_size(was->total_bytes, before), *new ? new : "none",
		    *old ? old : "none");
	free(old);
	free(new);
}

static void compare_states(struct event_sink *sink, const struct vpool_info *was,
			   const struct vpool_info *now)
{
	struct event event = { .pool = now->name, .info = now };
	char *online;

	if (now->state == VPOOL_STATE_DEGRADED &&
	    (was->state != now->state ||
	     !same_cpus(&was->effective, &now->effective))) {
		event.kind = EVENT_DEGRADED;
		online = cpus_text(&now->effective);
		event_print(sink, &event, "CPUs of the pool are offline; online: %s",
			    *online ? online : "none");
		free(online);
	}
	if (was->state == VPOOL_STATE_DEGRADED && now->state != was->state) {
		event.kind = EVENT_RECOVERED;
		event_print(sink, &event, "all CPUs of the pool are online");
	}
}

static const struct {
	const char *counter;
	enum event_kind kind;
	const char *message;
} counted[] = {
	{ "alloc_failures", EVENT_OUT_OF_MEMORY,
	  "the pool has too little free memory for what was asked for" },
	{ "escapes", EVENT_ESCAPED,
	  "members may run on CPUs that are not for them" },
	{ "limited", EVENT_LIMITED,
	  "max_regions, max_members or a limit of a user refused a call" },
};

static void compare_counters(struct event_sink *sink, bool traced,
			     const struct sampled_pool *was,
			     const struct sampled_pool *now)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(counted); i++) {
		__u64 before = counter_value(was, counted[i].counter);
		__u64 after = counter_value(now, counted[i].counter);
		struct event event = {
			.kind = counted[i].kind, .pool = now->info->name,
			.info = now->info, .count = after - before,
		};

		if (after > before && !(traced && event.kind == EVENT_ESCAPED))
			event_print(sink, &event, "%s (%llu since the last look)",
				    counted[i].message, event.count);
	}
}

static void compare_poison(struct event_sink *sink, const struct vpool_info *was,
			   const struct vpool_info *now)
{
	struct event event = {
		.kind = EVENT_MEMORY_ERROR, .pool = now->name, .info = now,
	};
	char size[SIZE_TEXT];

	if (now->poisoned_bytes > was->poisoned_bytes)
		event_print(sink, &event,
			    "%s of the pool's memory is set aside after hardware memory errors",
			    format_size(now->poisoned_bytes, size));
}

static void compare(const struct pool_watch *watch, struct event_sink *sink,
		    const struct sampled_pool *was, const struct sampled_pool *now)
{
	compare_sizes(sink, was->info, now->info);
	compare_states(sink, was->info, now->info);
	compare_counters(sink, watch->traced, was, now);
	if (!watch->traced)
		compare_poison(sink, was->info, now->info);
}

/* Messages of the kernel */

static bool forget_adding(struct pool_watch *watch, const char *name)
{
	size_t i;

	for (i = 0; i < watch->nr_adding; i++) {
		if (strcmp(watch->adding[i], name))
			continue;
		watch->nr_adding--;
		memmove(watch->adding + i, watch->adding + i + 1,
			(watch->nr_adding - i) * sizeof(*watch->adding));
		return true;
	}
	return false;
}

static void note_adding(struct pool_watch *watch, const char *name)
{
	forget_adding(watch, name);
	watch->adding = xrealloc(watch->adding, (watch->nr_adding + 1) *
				 sizeof(*watch->adding));
	memcpy(watch->adding[watch->nr_adding++], name, strlen(name) + 1);
}

/*
 * Report a pool that was destroyed, if a message says so and it was known. Forget it, so
 * that a new pool of its name is reported.
 */
static void replay_remove(struct pool_watch *watch, struct event_sink *sink,
			  const struct sample *now, const char *name)
{
	const struct sampled_pool *known = find_name(&watch->last, name);

	forget_adding(watch, name);
	if (!known || sample_find(now, known))
		return;
	report_destroyed(sink, name);
	remove_pool(&watch->last, known - watch->last.pools);
}

/*
 * The first change of a pool that is being created is that it is complete. Report one
 * that the new look does not find. compare_looks() reports the others.
 */
static void replay_change(struct pool_watch *watch, struct event_sink *sink,
			  const struct sample *now, const char *name)
{
	if (!forget_adding(watch, name) || find_name(now, name) ||
	    find_name(&watch->last, name))
		return;
	report_created(sink, name, NULL);
	report_destroyed(sink, name);
}

static void replay(struct pool_watch *watch, struct event_sink *sink,
		   const struct sample *now, const struct uevent *uevent)
{
	switch (uevent->action) {
	case UEVENT_ADD:
		if (!find_name(&watch->last, uevent->pool))
			note_adding(watch, uevent->pool);
		break;
	case UEVENT_CHANGE:
		replay_change(watch, sink, now, uevent->pool);
		break;
	case UEVENT_REMOVE:
		replay_remove(watch, sink, now, uevent->pool);
		break;
	}
}

/* Looks */

static void compare_looks(struct pool_watch *watch, struct event_sink *sink,
			  const struct sample *now)
{
	const struct sample *last = &watch->last;
	const struct sampled_pool *other;
	size_t i;

	for (i = 0; i < last->nr_pools; i++)
		if (!sample_find(now, last->pools + i))
			report_destroyed(sink, last->pools[i].info->name);
	for (i = 0; i < now->nr_pools; i++) {
		other = sample_find(last, now->pools + i);
		if (other) {
			compare(watch, sink, other, now->pools + i);
			continue;
		}
		forget_adding(watch, now->pools[i].info->name);
		report_created(sink, now->pools[i].info->name,
			       now->pools[i].info);
	}
}

static void report_module(struct pool_watch *watch, struct event_sink *sink,
			  bool loaded)
{
	struct event event = {
		.kind = loaded ? EVENT_MODULE_LOADED : EVENT_MODULE_UNLOADED,
	};

	if (loaded == watch->loaded)
		return;
	watch->loaded = loaded;
	event_print(sink, &event, loaded ? "the vpool module is loaded again" :
					   "the vpool module was unloaded");
}

int pool_watch_start(struct pool_watch *watch, struct vpool **vp)
{
	*watch = (struct pool_watch) { .loaded = true };
	return take_sample(vp, &watch->last);
}

void pool_watch_stop(struct pool_watch *watch)
{
	sample_free(&watch->last);
	free(watch->adding);
	watch->adding = NULL;
}

int pool_watch_look(struct pool_watch *watch, struct event_sink *sink,
		    const struct uevent *uevents, size_t nr, struct vpool **vp)
{
	struct sample now = { 0 };
	size_t i;
	int err;

	err = take_sample(vp, &now);
	if (err && err != -VPOOL_NO_MODULE) {
		/* Try again: the module may have been unloaded during the look. */
		vpool_close(*vp);
		err = take_sample(vp, &now);
	}
	if (err && err != -VPOOL_NO_MODULE)
		return err;
	vpool_close(*vp);
	*vp = NULL;
	if (now.ns)
		report_module(watch, sink, true);
	for (i = 0; i < nr; i++)
		replay(watch, sink, &now, uevents + i);
	compare_looks(watch, sink, &now);
	if (!now.ns)
		report_module(watch, sink, false);
	sample_free(&watch->last);
	watch->last = now;
	return 0;
}
