// SPDX-License-Identifier: GPL-2.0
/*
 * Which member has which CPU for its own. All of it under vpool_member_lock, which
 * a task that gets one, one that exits and one that is forked take.
 */
#include <linux/cpumask.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "dedicate.h"

static struct vpool_member *vpool_dedicated_to(struct vpool_member_set *members,
					       int cpu)
{
	struct vpool_member *member;

	list_for_each_entry(member, &members->list, link)
		if (member->cpu == cpu)
			return member;
	return NULL;
}

/* "2 to task 17, 3 to task 18", as far as there is room. */
static void vpool_dedicated_text(struct vpool_member_set *members, char *text,
				 size_t size)
{
	struct vpool_member *member;
	int cpu, len = 0;

	for_each_cpu(cpu, members->dedicated) {
		member = vpool_dedicated_to(members, cpu);
		if (!member)
			continue;
		len += scnprintf(text + len, size - len, "%s%d to task %d",
				 len ? ", " : "", cpu,
				 task_pid_vnr(member->task));
	}
}

static int vpool_all_dedicated(struct vpool_member_set *members,
			       struct vpool_extack *extack)
{
	char text[VPOOL_REASON_SIZE / 2] = "";

	vpool_dedicated_text(members, text, sizeof(text));
	return vpool_err(extack, -EBUSY, VPOOL_CODE_CPUS_ALL_DEDICATED,
			 "all CPUs of pool '%s' are dedicated: %s",
			 members->name, text);
}

/**
 * vpool_share_check - is there a CPU for a member without one of its own?
 * @members: of the pool
 * @extack: told if not
 *
 * Context: vpool_member_lock held.
 * Return: 0, or -EBUSY.
 */
int vpool_share_check(struct vpool_member_set *members,
		      struct vpool_extack *extack)
{
	lockdep_assert_held(&vpool_member_lock);
	if (!cpumask_subset(members->cpus, members->dedicated))
		return 0;
	return vpool_all_dedicated(members, extack);
}

/* A CPU that was asked for by number. */
static int vpool_dedicate_check_cpu(struct vpool_member_set *members, int cpu,
				    struct vpool_extack *extack)
{
	struct vpool_member *has;

	if (cpu >= (int)nr_cpu_ids)
		return vpool_err(extack, -ENODEV, VPOOL_CODE_CPU_MISSING,
				 "cpu %d does not exist", cpu);
	if (cpumask_test_cpu(cpu, members->dedicated)) {
		has = vpool_dedicated_to(members, cpu);
		return vpool_err(extack, -EBUSY, VPOOL_CODE_CPU_DEDICATED,
				 "cpu %d of pool '%s' is dedicated to task %d",
				 cpu, members->name,
				 has ? task_pid_vnr(has->task) : 0);
	}
	if (cpumask_test_cpu(cpu, members->cpus))
		return 0;
	return vpool_err(extack, cpu_online(cpu) ? -EINVAL : -ENODEV,
			 VPOOL_CODE_CPU_NOT_IN_POOL,
			 "cpu %d is not of pool '%s', or not online", cpu,
			 members->name);
}

/* Somebody has to run somewhere: members that share need one CPU to the last. */
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

/* A CPU that is free, if there is one that the task's cpuset allows; there is one. */
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
 * vpool_dedicate_check - can a member have a CPU of its own?
 * @members: of the pool
 * @old: its membership, or NULL if it is to become a member
 * @cpu: the one wanted, or -1 for any that @members->allowed has, if possible;
 *set to the one it can have
 * @extack: told if not
 *
 * Context: vpool_member_lock held.
 * Return: 0, -EINVAL if the CPU is not the pool's, -ENODEV if it is not online
 *or does not exist, -EBUSY if it is another's or others need it.
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
		return vpool_all_dedicated(members, extack);
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
 * vpool_dedicate - give a member a CPU of its own
 * @member: which; another that it has is taken back
 * @cpu: as vpool_dedicate_check() says
 *
 * Context: vpool_member_lock and the members' moving mutex held;
 * vpool_members_sync() must follow.
 */
void vpool_dedicate(struct vpool_member *member, int cpu)
{
	struct vpool_member_set *members = member->members;

	lockdep_assert_held(&vpool_member_lock);
	if (member->cpu >= 0)
		cpumask_clear_cpu(member->cpu, members->dedicated);
	else
		WRITE_ONCE(members->nr_dedicated,
			   members->nr_dedicated + 1);
	member->cpu = cpu;
	cpumask_set_cpu(cpu, members->dedicated);
	vpool_members_changed(members);
}

/**
 * vpool_dedicated_check - could a pool have just these CPUs?
 * @members: of the pool
 * @cpus: all that it is to have
 * @extack: told if not
 *
 * Context: takes vpool_member_lock.
 * Return: 0, or -EBUSY if one that is dedicated is not among them, or if there
 * were none for the members that share.
 */
int vpool_dedicated_check(struct vpool_member_set *members,
			  const struct cpumask *cpus,
			  struct vpool_extack *extack)
{
	struct vpool_member *member;
	int err = 0;

	raw_spin_lock(&vpool_member_lock);
	list_for_each_entry(member, &members->list, link)
		if (member->cpu >= 0 && !cpumask_test_cpu(member->cpu, cpus))
			err = vpool_err(
				extack, -EBUSY, VPOOL_CODE_CPU_DEDICATED,
				"cpu %d of pool '%s' is dedicated to task %d",
				member->cpu, members->name,
				task_pid_vnr(member->task));
	if (!err && members->nr > members->nr_dedicated &&
	    cpumask_subset(cpus, members->dedicated))
		err = vpool_all_dedicated(members, extack);
	raw_spin_unlock(&vpool_member_lock);
	return err;
}

/**
 * vpool_dedicate_undo - take a CPU back that could not be given
 * @member: the member; it shares from now on
 *
 * Context: takes vpool_member_lock; the set's moving mutex held;
 * vpool_members_sync() must follow.
 */
void vpool_dedicate_undo(struct vpool_member *member)
{
	struct vpool_member_set *members;

	raw_spin_lock(&vpool_member_lock);
	members = member->members;
	if (members && member->cpu >= 0) {
		cpumask_clear_cpu(member->cpu, members->dedicated);
		WRITE_ONCE(members->nr_dedicated, members->nr_dedicated - 1);
		member->cpu = -1;
		vpool_members_changed(members);
	}
	raw_spin_unlock(&vpool_member_lock);
}
