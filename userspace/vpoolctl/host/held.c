// SPDX-License-Identifier: GPL-2.0-only
/*
 * Find out what keeps a member on the CPUs of its pool.
 */
#include <stdlib.h>

#include <libvpool.h>

#include "host/cgroup.h"
#include "host/held.h"
#include "host/proc.h"

const char *held_text(enum held held)
{
	static const char *const words[] = {
		[HELD_GONE] = "gone",
		[HELD_MASK] = "mask",
		[HELD_MODULE] = "module",
		[HELD_CPUSET] = "cpuset",
		[HELD_OUTSIDE] = "outside",
	};

	return words[held];
}

/* Tell whether the mask is a subset of @cpus. */
static bool is_within(const char *mask, const struct vpool_cpus *cpus)
{
	struct vpool_cpus set = { 0 };
	bool within = true;

	if (!vpool_cpus_parse(mask, &set, NULL, 0)) {
		vpool_cpus_subtract(&set, cpus);
		within = !vpool_cpus_count(&set);
	}
	vpool_cpus_free(&set);
	return within;
}

/* A task in another pid namespace cannot be read from /proc: it counts as held. */
enum held member_held(const struct vpool_info *pool,
		      const struct vpool_member_info *member)
{
	bool put_back = pool->create_flags & VPOOL_CREATE_ISOLATED;
	struct task task;
	bool within;

	if (!member->tid)
		return put_back ? HELD_MODULE : HELD_MASK;
	if (read_task(member->tid, &task))
		return HELD_GONE;
	within = is_within(task.mask, &pool->cpus);
	free(task.mask);
	if (!within)
		return HELD_OUTSIDE;
	if (!put_back)
		return HELD_MASK;
	return cgroup_in_slice(pool->name, member->tid) ? HELD_CPUSET :
							  HELD_MODULE;
}
