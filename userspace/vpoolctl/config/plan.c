// SPDX-License-Identifier: GPL-2.0-only
/*
 * Plan the changes that turn the existing pools into the declared ones.
 */
#include <stdlib.h>
#include <string.h>

#include <libvpool.h>

#include "base/alloc.h"
#include "base/exit.h"
#include "config/config.h"
#include "config/declare.h"
#include "config/plan.h"
#include "config/plan_resolve.h"
#include "host/mount_note.h"
#include "host/mounts.h"
#include "host/pools.h"
#include "output/printable.h"

const char *change_name(const struct change *change)
{
	return change->want ? change->want->name : change->have.name;
}

const char *change_word(const struct change *change)
{
	static const char *const words[] = {
		[CHANGE_CREATE] = "create",
		[CHANGE_DESTROY] = "destroy",
		[CHANGE_RESIZE] = "resize",
		[CHANGE_REPLACE] = "replace",
		[CHANGE_MOUNT] = "mount",
	};

	if (change->kind == CHANGE_MOUNT && !change->want->mount.dir)
		return "unmount";
	return words[change->kind];
}

/* Return the bytes declared for a NUMA node, or for VPOOL_ANY_NODE. */
static __u64 mem_on(const struct pool_config *pool, int node)
{
	__u64 bytes = 0;
	size_t i;

	for (i = 0; i < pool->nr_mem; i++)
		if (pool->mem[i].node == node)
			bytes += pool->mem[i].bytes;
	return bytes;
}

/* Memory declared without a node can be on any node. */
bool mem_matches(const struct pool_config *have,
		 const struct pool_config *want)
{
	size_t i;

	if (pool_config_bytes(have) != pool_config_bytes(want))
		return false;
	for (i = 0; i < want->nr_mem; i++) {
		int node = want->mem[i].node;

		if (node != VPOOL_ANY_NODE &&
		    mem_on(have, node) < mem_on(want, node))
			return false;
	}
	return true;
}

static void common_cpus(struct vpool_cpus *both, const struct pool_config *have,
			const struct pool_config *want)
{
	if (vpool_cpus_copy(both, &have->cpus))
		exit(EXIT_FAILED);
	vpool_cpus_and(both, &want->cpus);
}

static bool cpus_match(const struct pool_config *have,
		       const struct pool_config *want)
{
	struct vpool_cpus both;
	unsigned int nr;

	common_cpus(&both, have, want);
	nr = vpool_cpus_count(&both);
	vpool_cpus_free(&both);
	return nr == vpool_cpus_count(&have->cpus) &&
	       nr == vpool_cpus_count(&want->cpus);
}

/* Tell whether two pools are mounted at the same directory and with the same options. */
static bool same_mount(const struct pool_config *have, const struct pool_config *want)
{
	char *a, *b;
	bool same;

	if (!have->mount.dir || !want->mount.dir)
		return have->mount.dir == want->mount.dir;
	a = canonical_dir(have->mount.dir);
	b = canonical_dir(want->mount.dir);
	same = !strcmp(a, b) && have->mount.hugetlbfs == want->mount.hugetlbfs;
	free(a);
	free(b);
	return same;
}

static bool mount_matches(const struct pool_config *have,
			  const struct pool_config *want)
{
	return same_mount(have, want) && (!want->mount.dir ||
	       (mount_uid(have) == mount_uid(want) &&
		mount_gid(have) == mount_gid(want) &&
		mount_mode(have) == mount_mode(want)));
}

static bool matches(const struct pool_config *have,
		    const struct pool_config *want, enum property property)
{
	switch (property) {
	case PROPERTY_MEM:
		return mem_matches(have, want);
	case PROPERTY_CPUS:
		return cpus_match(have, want);
	case PROPERTY_ISOLATE:
		return have->isolate == want->isolate;
	case PROPERTY_PAGE_SIZE:
		/* A pool without memory has no page size. */
		return have->page_size == want->page_size || !want->nr_mem;
	case PROPERTY_OWNER:
		return have->uid == want->uid && have->gid == want->gid;
	case PROPERTY_MODE:
		return have->mode == want->mode;
	case PROPERTY_USER_MEM:
		return have->user_bytes == want->user_bytes;
	case PROPERTY_USER_REGIONS:
		return have->user_regions == want->user_regions;
	case PROPERTY_USER_MEMBERS:
		return have->user_members == want->user_members;
	case PROPERTY_MOUNT:
		return mount_matches(have, want);
	case NR_PROPERTIES:
		break;
	}
	return true;
}

static bool compare(struct change *change)
{
	enum property property;
	bool differ = false;

	for (property = 0; property < NR_PROPERTIES; property++) {
		change->differs[property] = !matches(&change->have,
						     change->want, property);
		differ |= change->differs[property];
	}
	return differ;
}

static void set_target(struct change *change, int node, __u64 bytes)
{
	change->target = xrealloc(change->target, (change->nr_target + 1) *
				  sizeof(*change->target));
	change->target[change->nr_target++] = (struct vpool_mem) {
		.bytes = bytes, .node = node,
	};
}

static bool has_target(const struct change *change, int node)
{
	size_t i;

	for (i = 0; i < change->nr_target; i++)
		if (change->target[i].node == node)
			return true;
	return false;
}

/*
 * Compute the target of each node. Memory declared without a node stays where it is, as
 * far as a node has more than its declared part. The rest goes to the first node: the
 * kernel takes "any node" only as the single request.
 */
static void set_node_targets(struct change *change)
{
	const struct pool_config *have = &change->have, *want = change->want;
	__u64 left = mem_on(want, VPOOL_ANY_NODE);
	size_t i;

	for (i = 0; i < want->nr_mem; i++) {
		int node = want->mem[i].node;

		if (node != VPOOL_ANY_NODE && !has_target(change, node))
			set_target(change, node, mem_on(want, node));
	}
	for (i = 0; i < have->nr_mem; i++)
		if (!has_target(change, have->mem[i].node))
			set_target(change, have->mem[i].node, 0);
	for (i = 0; i < change->nr_target; i++) {
		struct vpool_mem *target = change->target + i;
		__u64 more = mem_on(have, target->node);

		more = more > target->bytes ? more - target->bytes : 0;
		more = more < left ? more : left;
		target->bytes += more;
		left -= more;
	}
	if (change->nr_target)
		change->target[0].bytes += left;
}

static bool anywhere(const struct pool_config *pool)
{
	size_t i;

	for (i = 0; i < pool->nr_mem; i++)
		if (pool->mem[i].node != VPOOL_ANY_NODE)
			return false;
	return true;
}

bool change_limits(const struct change *change)
{
	return change->differs[PROPERTY_USER_MEM] ||
	       change->differs[PROPERTY_USER_REGIONS] ||
	       change->differs[PROPERTY_USER_MEMBERS];
}

/*
 * Tell whether a resize is enough: only memory, CPUs, limits and the mount can change while
 * the pool is in use. The pool must keep a CPU, because it can lose CPUs before it gets new ones.
 */
static bool can_resize(const struct change *change)
{
	enum property property;

	for (property = PROPERTY_ISOLATE; property <= PROPERTY_MODE; property++)
		if (change->differs[property])
			return false;
	return !change->differs[PROPERTY_CPUS] ||
	       vpool_cpus_count(&change->kept);
}

static enum change_kind kind_of(struct change *change)
{
	if (!change->want)
		return CHANGE_DESTROY;
	common_cpus(&change->kept, &change->have, change->want);
	if (!can_resize(change))
		return CHANGE_REPLACE;
	if (!change->differs[PROPERTY_MEM] && !change->differs[PROPERTY_CPUS] &&
	    !change_limits(change))
		return CHANGE_MOUNT;
	if (!change->differs[PROPERTY_MEM])
		return CHANGE_RESIZE;
	if (anywhere(change->want))
		set_target(change, VPOOL_ANY_NODE, pool_config_bytes(change->want));
	else
		set_node_targets(change);
	return CHANGE_RESIZE;
}

bool change_in_place(const struct change *change)
{
	return change->kind == CHANGE_RESIZE || change->kind == CHANGE_MOUNT;
}

bool change_adjusts_mount(const struct change *change)
{
	return change_in_place(change) && change->differs[PROPERTY_MOUNT] &&
	       change->want->mount.dir && same_mount(&change->have, change->want);
}

bool change_unmounts(const struct change *change)
{
	if (!change->have.mount.dir)
		return false;
	return !change_in_place(change) ||
	       (change->differs[PROPERTY_MOUNT] && !change_adjusts_mount(change));
}

bool change_mounts(const struct change *change)
{
	if (!change->want || !change->want->mount.dir)
		return false;
	return !change_in_place(change) ||
	       (change->differs[PROPERTY_MOUNT] && !change_adjusts_mount(change));
}

bool change_shrinks(const struct change *change)
{
	return change->differs[PROPERTY_MEM] &&
	       pool_config_bytes(change->want) <
	       pool_config_bytes(&change->have);
}

bool change_grows(const struct change *change)
{
	return change->differs[PROPERTY_MEM] && !change_shrinks(change);
}

bool change_loses_cpus(const struct change *change)
{
	return change->differs[PROPERTY_CPUS] &&
	       vpool_cpus_count(&change->kept) <
	       vpool_cpus_count(&change->have.cpus);
}

bool change_gains_cpus(const struct change *change)
{
	return change->differs[PROPERTY_CPUS] &&
	       vpool_cpus_count(&change->kept) <
	       vpool_cpus_count(&change->want->cpus);
}

bool change_releases(const struct change *change)
{
	if (!change_in_place(change))
		return change->info;
	return change_shrinks(change) || change_loses_cpus(change);
}

bool change_takes(const struct change *change)
{
	if (!change_in_place(change))
		return change->want;
	return change_grows(change) || change_gains_cpus(change) ||
	       change_limits(change);
}

/* Return the next change. It does not count until the caller increments plan->nr. */
static struct change *room_for_change(struct plan *plan)
{
	plan->changes = xrealloc(plan->changes,
				 (plan->nr + 1) * sizeof(*plan->changes));
	return memset(plan->changes + plan->nr, 0, sizeof(*plan->changes));
}

/*
 * Find the mount that apply may change: the one at the declared directory, or the one that
 * apply has made. Other mounts are those of the administrator.
 */
static void find_mount(const struct plan *plan, struct change *change)
{
	const struct pool_config *want = change->want;
	struct pool_config *have = &change->have;
	const struct mount_point *mp = NULL;

	if (want && want->mount.dir)
		mp = mounts_of(&plan->mounts, have->name, want->mount.dir);
	if (!mp)
		mp = mount_noted(&plan->mounts, have->name);
	if (mp)
		pool_config_mount_of(have, mp);
}

static void plan_for_pool(struct plan *plan, const struct vpool_info *info,
			  bool keep)
{
	struct change *change = room_for_change(plan);

	change->info = info;
	change->want = config_find(plan->cfg, info->name);
	if (!change->want && keep)
		return;
	pool_config_of(&change->have, info);
	find_mount(plan, change);
	if (change->want && !compare(change)) {
		pool_config_free(&change->have);
		return;
	}
	change->kind = kind_of(change);
	/* A replaced pool loses the offline CPUs that it has now. */
	if (change->kind == CHANGE_REPLACE)
		config_hold_offline(config_find(plan->cfg, info->name), NULL);
	plan->nr++;
}

static bool is_there(const struct plan *plan, const char *name)
{
	size_t i;

	for (i = 0; i < plan->nr_pools; i++)
		if (!strcmp(plan->pools[i]->name, name))
			return true;
	return false;
}

/* Pools whose CPUs the module chooses come last: it must not choose listed CPUs. */
static void plan_new_pools(struct plan *plan, bool ncpus)
{
	const struct config *cfg = plan->cfg;
	size_t i;

	for (i = 0; i < cfg->nr_pools; i++) {
		if (is_there(plan, cfg->pools[i].name) ||
		    ncpus != !!cfg->pools[i].nr_cpus)
			continue;
		room_for_change(plan)->want = cfg->pools + i;
		plan->changes[plan->nr++].kind = CHANGE_CREATE;
	}
}

int plan_make(struct plan *plan, struct config *cfg, struct vpool *vp,
	      bool keep)
{
	size_t i;
	int err;

	memset(plan, 0, sizeof(*plan));
	plan->cfg = cfg;
	mounts_read(&plan->mounts);
	err = read_pools(vp, &plan->pools, &plan->nr_pools);
	if (err) {
		mounts_free(&plan->mounts);
		return err;
	}
	err = plan_resolve(plan, cfg, keep);
	if (err) {
		plan_free(plan);
		return err;
	}
	for (i = 0; i < plan->nr_pools; i++)
		plan_for_pool(plan, plan->pools[i], keep);
	plan_new_pools(plan, false);
	plan_new_pools(plan, true);
	return 0;
}

void plan_free(struct plan *plan)
{
	size_t i;

	for (i = 0; i < plan->nr; i++) {
		pool_config_free(&plan->changes[i].have);
		vpool_cpus_free(&plan->changes[i].kept);
		free(plan->changes[i].target);
	}
	free(plan->changes);
	mounts_free(&plan->mounts);
	free_pools(plan->pools, plan->nr_pools);
}

/* Printing */

struct printer {
	FILE *to;
	bool colour;
};

static void put(const struct printer *pr, char sign, const char *indent,
		const char *text)
{
	const char *on = "", *off = "";

	if (pr->colour && sign != ' ') {
		on = sign == '+' ? "\033[32m" : "\033[31m";
		off = "\033[0m";
	}
	fprintf(pr->to, "%s%c%s%s%s\n", on, sign, indent, text, off);
}

static void put_property(const struct printer *pr, char sign,
			 const struct pool_config *pool,
			 enum property property)
{
	char *text = property_text(pool, property);

	if (text)
		put(pr, sign, "    ", text);
	free(text);
}

static void put_properties(const struct printer *pr,
			   const struct change *change)
{
	enum property property;

	for (property = 0; property < NR_PROPERTIES; property++) {
		bool same = change->info && change->want &&
			    !change->differs[property];

		if (same) {
			put_property(pr, ' ', change->want, property);
			continue;
		}
		if (change->info)
			put_property(pr, '-', &change->have, property);
		if (change->want)
			put_property(pr, '+', change->want, property);
	}
}

static void put_change(const struct printer *pr, const struct change *change)
{
	char *name = xprintf("%s:", change_name(change));
	char sign = !change->info ? '+' : !change->want ? '-' : ' ';

	fprintf(pr->to, "# %s %s%s\n", change_word(change),
		change_name(change), change->kind == CHANGE_REPLACE ?
		": destroy it and create it again, as it is idle" : "");
	put(pr, sign, "  ", name);
	put_properties(pr, change);
	free(name);
}

void plan_print(const struct plan *plan, bool colour, FILE *to)
{
	struct printer pr = { .to = to, .colour = colour };
	size_t i;

	fputs("--- this host\n+++", to);
	for (i = 0; i < plan->cfg->nr_files; i++) {
		char *file = printable(plan->cfg->files[i]);

		fprintf(to, "%s %s", i ? "," : "", file);
		free(file);
	}
	fputc('\n', to);
	for (i = 0; i < plan->nr; i++)
		if (!plan->changes[i].refused)
			put_change(&pr, plan->changes + i);
}

