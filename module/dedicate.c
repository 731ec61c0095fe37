// SPDX-License-Identifier: GPL-2.0
/*
 * CPUs of a pool that are dedicated to one member.
 *
 * vpool_member_lock guards all of it, because attach, exit and fork take that lock.
 */
#include <linux/cpumask.h>
#include <linux/list.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "dedicate.h"
#include "extack.h"
#include "member_set.h"

/* Return the member that @cpu is dedicated to, or NULL. */
static struct vpool_member *vpool_dedicate_owner(struct vpool_member_set *members,
						 int cpu)
{
	struct vpool_member *member;

	list_for_each_entry(member, &members->list, link)
		if (member->cpu == cpu)
			return member;
	return NULL;
}

/*
 * Print "2 to task 17, 3 to task 18" into @text, truncated to @size bytes. Stop there:
 * a search for the owner walks over all members under a raw lock.
 */
static void vpool_dedicate_text(struct vpool_member_set *members, char *text,
				size_t size)
{
	struct vpool_member *owner;
	size_t len = 0;
	int cpu;

	for_each_cpu(cpu, members->dedicated) {
		if (len + 1 >= size)
			break;
		owner = vpool_dedicate_owner(members, cpu);
		if (!owner)
			continue;
		len += scnprintf(text + len, size - len, "%s%d to task %d",
				 len ? ", " : "", cpu,
				 task_pid_vnr(owner->task));
	}
}

static int vpool_dedicate_none_left(struct vpool_member_set *members,
				    struct vpool_extack *extack)
{
	char text[VPOOL_REASON_SIZE / 2] = "";

	vpool_dedicate_text(members, text, sizeof(text));
	return vpool_err(extack, -EBUSY, VPOOL_CODE_CPUS_ALL_DEDICATED,
			 "all CPUs of pool '%s' are dedicated: %s",
			 members->name, text);
}

static int vpool_dedicate_taken(struct vpool_member_set *members, int cpu,
				const struct vpool_member *owner,
				struct vpool_extack *extack)
{
	return vpool_err(extack, -EBUSY, VPOOL_CODE_CPU_DEDICATED,
			 "cpu %d of pool '%s' is dedicated to task %d", cpu,
			 members->name, owner ? task_pid_vnr(owner->task) : 0);
}

/**
 * vpool_dedicate_check_shared - check that a CPU is left for one more shared member
 * @members: members of the pool
 * @extack: message of a failed call, or NULL
 *
 * Context: vpool_member_lock held.
 * Return: 0, or -EBUSY if every CPU of the pool is dedicated.
 */
int vpool_dedicate_check_shared(struct vpool_member_set *members,
				struct vpool_extack *extack)
{
	lockdep_assert_held(&vpool_member_lock);
	if (!cpumask_subset(members->cpus, members->dedicated))
		return 0;
	return vpool_dedicate_none_left(members, extack);
}

static int vpool_dedicate_check_cpu(struct vpool_member_set *members, int cpu,
				    struct vpool_extack *extack)
{
	if (cpu >= (int)nr_cpu_ids)
		return vpool_err(extack, -ENODEV, VPOOL_CODE_CPU_MISSING,
				 "cpu %d does not exist", cpu);
	if (cpumask_test_cpu(cpu, members->dedicated))
		return vpool_dedicate_taken(members, cpu,
					    vpool_dedicate_owner(members, cpu),
					    extack);
	if (cpumask_test_cpu(cpu, members->cpus))
		return 0;
	return vpool_err(extack, cpu_online(cpu) ? -EINVAL : -ENODEV,
			 VPOOL_CODE_CPU_NOT_IN_POOL,
			 "cpu %d does not belong to pool '%s', or is offline", cpu,
			 members->name);
}

/* If there are members without a dedicated CPU, one CPU must be left for them. */
static int vpool_dedicate_check_last(struct vpool_member_set *members,
				     const struct vpool_member *old,
				     struct vpool_extack *extack)
{
	unsigned int sharing = members->nr - members->nr_dedicated;
	unsigned int cpu, left = 0;

	if (old)
		sharing--;
	for_each_cpu(cpu, members->cpus)
		left += !cpumask_test_cpu(cpu, members->dedicated);
	if (left > 1 || !sharing)
		return 0;
	return vpool_err(extack, -EBUSY, VPOOL_CODE_CPU_LAST_SHARED,
			 "the %u other member%s of pool '%s' need%s the last CPU that is not dedicated",
			 sharing, sharing == 1 ? "" : "s", members->name,
			 sharing == 1 ? "s" : "");
}

/*
 * Return a CPU that is not dedicated, if possible one that the task's cpuset allows.
 * The caller has checked that one is left.
 */
static int vpool_dedicate_any(struct vpool_member_set *members)
{
	int cpu, found = nr_cpu_ids;

	for_each_cpu(cpu, members->cpus) {
		if (cpumask_test_cpu(cpu, members->dedicated))
			continue;
		if (cpumask_test_cpu(cpu, members->allowed))
			return cpu;
		found = min(found, cpu);
	}
	return found;
}

/**
 * vpool_dedicate_check - choose a CPU to dedicate to a task
 * @members: members of the pool, with @allowed set to the CPUs of the task's cpuset
 * @old: membership of the task in the pool, or NULL if the task is not a member yet
 * @cpu: requested CPU number, or -1 for any; set to the chosen one
 * @extack: message of a failed call, or NULL
 *
 * Context: affinity_mutex and vpool_member_lock held.
 * Return: 0, -EINVAL if the CPU is not in the pool, -ENODEV if it is offline or does
 * not exist, -EBUSY if it is dedicated to another member or the other members need it.
 */
int vpool_dedicate_check(struct vpool_member_set *members,
			 const struct vpool_member *old, int *cpu,
			 struct vpool_extack *extack)
{
	int err = 0;

	lockdep_assert_held(&vpool_member_lock);
	if (old && old->cpu >= 0 && (*cpu < 0 || *cpu == old->cpu)) {
		*cpu = old->cpu;
		return 0;
	}
	if (cpumask_subset(members->cpus, members->dedicated))
		return vpool_dedicate_none_left(members, extack);
	if (*cpu >= 0)
		err = vpool_dedicate_check_cpu(members, *cpu, extack);
	if (!err && !(old && old->cpu >= 0))
		err = vpool_dedicate_check_last(members, old, extack);
	if (err || *cpu >= 0)
		return err;
	*cpu = vpool_dedicate_any(members);
	return 0;
}

/**
 * vpool_dedicate - dedicate a CPU to a member
 * @member: linked member; a CPU that was dedicated to it before is shared again
 * @cpu: CPU number from vpool_dedicate_check()
 *
 * The caller must call vpool_members_sync() after it has dropped vpool_member_lock.
 *
 * Context: affinity_mutex and vpool_member_lock held.
 */
void vpool_dedicate(struct vpool_member *member, int cpu)
{
	struct vpool_member_set *members = member->members;

	lockdep_assert_held(&vpool_member_lock);
	if (member->cpu >= 0)
		cpumask_clear_cpu(member->cpu, members->dedicated);
	else
		WRITE_ONCE(members->nr_dedicated, members->nr_dedicated + 1);
	member->cpu = cpu;
	cpumask_set_cpu(cpu, members->dedicated);
	vpool_members_changed(members);
}

/**
 * vpool_dedicate_check_resize - check that a pool can be resized to some CPUs
 * @members: members of the pool
 * @cpus: all CPUs of the pool after the resize
 * @extack: message of a failed call, or NULL
 *
 * Context: takes vpool_member_lock.
 * Return: 0, or -EBUSY if @cpus lacks a dedicated CPU, or has no CPU for the members
 * without one.
 */
int vpool_dedicate_check_resize(struct vpool_member_set *members,
				const struct cpumask *cpus,
				struct vpool_extack *extack)
{
	struct vpool_member *member;
	int err = 0;

	raw_spin_lock(&vpool_member_lock);
	list_for_each_entry(member, &members->list, link)
		if (member->cpu >= 0 && !cpumask_test_cpu(member->cpu, cpus))
			err = vpool_dedicate_taken(members, member->cpu, member,
						   extack);
	if (!err && members->nr > members->nr_dedicated &&
	    cpumask_subset(cpus, members->dedicated))
		err = vpool_dedicate_none_left(members, extack);
	raw_spin_unlock(&vpool_member_lock);
	return err;
}

/**
 * vpool_dedicate_undo - share a CPU again because its owner could not be moved to it
 * @member: the owner; the caller holds references on it and on its task
 *
 * The caller must call vpool_members_sync().
 *
 * Context: affinity_mutex held; takes vpool_member_lock.
 */
void vpool_dedicate_undo(struct vpool_member *member)
{
	struct vpool_member_set *members;

	raw_spin_lock(&vpool_member_lock);
	members = member->members;
	if (members && vpool_members_drop_cpu(member))
		vpool_members_changed(members);
	raw_spin_unlock(&vpool_member_lock);
}
