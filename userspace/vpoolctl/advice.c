// SPDX-License-Identifier: GPL-2.0-only
/*
 * What to try next, by what went wrong. Reasons are the kernel's or our own; each of
 * the kernel's that a command can meet is here, which a test compares with
 * Documentation/troubleshooting.rst.
 */
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "advice.h"

#define PARAMETERS "/sys/module/vpool/parameters/"

/*
 * The first that matches counts. %s is the pool that the reason names, or else what
 * the command was about. NULL: the reason says it itself.
 */
static const struct {
	const char *reason;
	const char *advice;
} advices[] = {
	{ "nothing was changed", NULL },
	{ "*; 'vpoolctl *", NULL },
	{ "the vpool module is not loaded*", NULL },
	{ "*--force destroys it all the same", NULL },
	{ "*install QEMU*", NULL },
	{ "*--accel tcg runs it without*", NULL },
	{ "*say --*", NULL },
	{ "*dmesg, or the audit's log*", NULL },

	/* Permission and names */
	{ "changing pools needs CAP_SYS_ADMIN*",
	  "Try as root, on the host." },
	{ "only root may *", "Try as root, or with sudo." },
	{ "you may not open *",
	  "Try as that user, or 'vpoolctl list -o +OWNER,MODE' for a pool of your own." },
	{ "there is no pool '*'*",
	  "Try 'vpoolctl list' for the pools that there are." },
	{ "there is a pool '*' already",
	  "Try 'vpoolctl resize %s', or another name." },
	{ "*'*' is not a pool's name*",
	  "Try small letters, digits, dots, underscores and dashes, as in web-1." },
	{ "'*' is no name*",
	  "Try small letters, digits, dots, underscores and dashes, as in web-1." },
	{ "the name *",
	  "Try up to 32 small letters, digits, dots, underscores and dashes." },
	{ "there is no room for another pool",
	  "Try 'vpoolctl list', and destroy one." },
	{ "a pool needs memory or CPUs", "Try --mem, --cpus, or both." },
	{ "the owner does not exist*", "Try --owner with a user of this host." },
	{ "mode * has bits *", "Try --mode 0600, 0660 or 0666." },

	/* CPUs */
	{ "cpu * belongs to pool '*'",
	  "Try 'vpoolctl host' for the CPUs that are free, or resize or destroy that pool." },
	{ "cpu * is of the core that the host booted on*",
	  "Try other CPUs, or --boot-core (in files boot-core: true)." },
	{ "cpu * shares its core with *",
	  "Try both, or --split-cores (in files split-cores: true)." },
	{ "that would leave the host * (host_cpus_floor)",
	  "Try fewer CPUs, or write less to " PARAMETERS "host_cpus_floor." },
	{ "* CPU* asked*can be had*",
	  "Try fewer, another node, or --split-cores; 'vpoolctl host' shows what is free." },
	{ "CPUs are asked for by list or by number*",
	  "Try --cpus or --ncpus, one of them." },
	{ "a pool without CPUs cannot be isolated",
	  "Try --cpus or --ncpus with --isolate." },
	{ "the list of CPUs is empty", "Try a list such as 2-5,8." },
	{ "cpu * of pool '*' is dedicated to task *",
	  "Try another CPU, or 'vpoolctl detach %s --tid TID' for that thread." },
	{ "cpu * is not of pool '*'*",
	  "Try 'vpoolctl show %s' for its CPUs." },
	{ "cpu *",
	  "Try 'vpoolctl host' for the CPUs that are online and free." },
	{ "isolation needs *",
	  "Try without --isolate, or boot with cgroup v2: systemd.unified_cgroup_hierarchy=1." },
	{ "confinement needs *",
	  "Try without --confine, or boot with cgroup v2: systemd.unified_cgroup_hierarchy=1." },
	{ "process * is in the cgroup *",
	  "Try Slice= in its unit, or --move-cgroup, which ends its limits." },
	{ "process * is in vpool_*.slice",
	  "Try to stop it, or --force, which leaves it running." },
	{ "process * is no member any more; *", NULL },
	{ "*cpuset.cpus.partition says: *",
	  "Try 'vpoolctl audit %s' without --isolate, or other CPUs." },

	/* Memory of a pool */
	{ "*(host_mem_floor)",
	  "Try less memory, or write fewer MiB to " PARAMETERS "host_mem_floor." },
	{ "* asked, the host has *",
	  "Try less; 'vpoolctl host' shows what there is." },
	{ "* of memory are declared together*",
	  "Try less; 'vpoolctl host' shows what there is." },
	{ "node * has * in all, * asked",
	  "Try several nodes, as in --mem 1G@0,1G@1; 'vpoolctl host' shows them." },
	{ "* had * in free blocks, * asked*",
	  "Try a longer --timeout, 'echo 3 >/proc/sys/vm/drop_caches', or less." },
	{ "*node * does not exist",
	  "Try 'vpoolctl host' for the nodes that there are." },
	{ "node * has no memory",
	  "Try 'vpoolctl host' for the nodes with memory." },
	{ "this host has no node *",
	  "Try 'vpoolctl host' for the nodes that there are." },
	{ "node * is named twice", "Try to name each node once." },
	{ "a total over all nodes cannot be mixed*",
	  "Try each node by its number, or one size without a node." },
	{ "pages of *", "Try --page-size 2M." },
	{ "0 bytes of memory asked", "Try a size such as 512M or 4G." },
	{ "*beyond all bounds", "Try a size such as 512M or 4G." },
	{ "pool '*' can give back *",
	  "Try 'vpoolctl regions %s' for who has the rest." },
	{ "pool '*' has no CPUs, so it needs memory",
	  "Try 'vpoolctl destroy %s' if nothing of it is to stay." },
	{ "nothing was said of what is to change", "Try --mem or --cpus." },
	{ "it has less than --mem takes away",
	  "Try 'vpoolctl show %s' for what it has." },
	{ "--mem is too large", "Try a size such as 512M or 4G." },

	/* Using a pool */
	{ "pool '*' has * free on node *, which the memory policy*",
	  "Try another 'numactl --membind', or 'vpoolctl resize %s --mem +SIZE@NODE'." },
	{ "the caller's cpuset allows memory *",
	  "Try a node that cpuset.mems of the caller's cgroup has." },
	{ "pool '*' has * free*",
	  "Try 'vpoolctl regions %s' for who has the rest, or resize it." },
	{ "pool '*' has as many regions *",
	  "Try 'vpoolctl regions %s' for whose they are, or more in " PARAMETERS "max_regions." },
	{ "pool '*' has * members, and * (max_members)",
	  "Try 'vpoolctl ps %s' for who they are, or more in " PARAMETERS "max_members." },
	{ "pool memory cannot be mapped MAP_PRIVATE*",
	  "Try MAP_SHARED, with QEMU share=on." },
	{ "the region has its size already*",
	  "Try to open the node again for another region." },
	{ "* bytes is no size for a region",
	  "Try one byte or more." },
	{ "the mapping *", "Try within the region's size." },
	{ "the offset is out of range", "Try within the region's size." },
	{ "*pool* has been destroyed",
	  "Try 'vpoolctl list' for the pools that there are." },
	{ "pool '*' has no CPUs*",
	  "Try a pool with CPUs: 'vpoolctl list' shows them." },
	{ "no cpu of pool '*' is online",
	  "Try 'echo 1 >/sys/devices/system/cpu/cpuN/online' for one of its CPUs." },
	{ "* vCPUs were asked for, pool '*' has *",
	  "Try fewer --vcpus, or 'vpoolctl resize %s --cpus LIST'." },
	{ "task * is a member of pool '*'",
	  "Try 'vpoolctl detach %s' for it first." },
	{ "task * is no member of pool '*'",
	  "Try 'vpoolctl ps %s' for its members." },
	{ "the cpuset of task * has no CPU of pool '*'*",
	  "Try to start it in the slice of pool '%s', or to give its cgroup one of these CPUs." },
	{ "task * is SCHED_DEADLINE*",
	  "Try to attach it first, and give it its deadline then." },
	{ "task * has exited", "Try 'vpoolctl ps %s' for its members." },
	{ "task *: No such process", "Try 'ps -eL' for the tasks that there are." },
	{ "task * is another user's*",
	  "Try as root, or a task of your own." },
	{ "task * is a kernel thread",
	  "Try 'vpoolctl create --isolate', which keeps off those that can move." },
	{ "task * is bound to its CPUs by the kernel",
	  "Try 'vpoolctl create --isolate', which keeps off those that can move." },
	{ "all CPUs of pool '*' are dedicated*",
	  "Try 'vpoolctl resize %s --cpus LIST' for more, or detach a thread." },
	{ "*the last CPU that is not dedicated",
	  "Try 'vpoolctl resize %s --cpus LIST' for one more." },
	{ "only the caller itself can be attached*", "Try --pid of your own." },
	{ "the fork and exit tracepoints cannot be used",
	  "Try a kernel with tracepoints." },

	/* Taking it back */
	{ "pool '*' has * region* open or mapped*",
	  "Try 'vpoolctl regions %s' for whose they are." },
	{ "pool '*' has * member*",
	  "Try 'vpoolctl ps %s' for who they are." },
	{ "* of pool '*' are still pinned*",
	  "Try again when what it was sent to has ended; a --force does not wait." },
	{ "it * made anew, but it is in use*",
	  "Try 'vpoolctl ps %s' and 'vpoolctl regions %s' for who uses it." },
	{ "it is not declared, but it is in use*",
	  "Try --keep, or 'vpoolctl ps %s' and 'vpoolctl regions %s' for who uses it." },
	{ "pool '*' is *", "Try again in a moment." },
	{ "* just now", "Try again in a moment." },
	{ "*nterrupted*", "Try again." },

	/* The host */
	{ "no kernel memory *",
	  "Try 'free -m' and 'slabtop' for what fills the host." },
	{ "the device node could not be made",
	  "Try 'free -m' and 'slabtop' for what fills the host." },
	{ "not all that was changed*", "Try 'vpoolctl apply' again." },
	{ "what was changed before has been undone", NULL },

	/* Virtual machines */
	{ "*: No such file or directory", "Try another path." },
	{ "*: Permission denied", "Try as root, or another path." },
	{ "the kernel * is no kernel*", NULL },
	{ "it is on pool '*' already",
	  "Try 'vpoolctl list' for another pool." },
	{ "another vpoolctl *", "Try again when that is done." },
	{ "another program has its console*",
	  "Try again when that has ended; --console FILE of vm start writes it to a file." },
	{ "it did not shut down *",
	  "Try a longer --timeout, or --force not to ask the guest." },
	{ "it could not shut down *", "Try --force not to ask the guest." },
	{ "it did not answer *", "Try --force not to ask the guest." },
};

/* The pool that a reason names: "... pool 'web' ...". */
static bool find_pool(const char *reason, char *name, size_t room)
{
	static const char before[] = "pool '";
	const char *at = strstr(reason, before);

	if (!at)
		return false;
	at += sizeof(before) - 1;
	snprintf(name, room, "%.*s", (int)strcspn(at, "'"), at);
	return true;
}

static void fill_in(const char *advice, const char *name, char *text,
		    size_t room)
{
	const char *place;
	size_t len = 0;

	while (len < room && (place = strstr(advice, "%s"))) {
		len += snprintf(text + len, room - len, "%.*s%s",
				(int)(place - advice), advice, name);
		advice = place + 2;
	}
	if (len < room)
		snprintf(text + len, room - len, "%s", advice);
}

/* Behind "web.conf:3:5: ", where something was declared. */
static const char *behind_place(const char *reason)
{
	static const char digits[] = "0123456789";
	const char *at, *end;

	for (at = strchr(reason, ':'); at; at = strchr(at + 1, ':')) {
		end = at + 1 + strspn(at + 1, digits);
		if (end == at + 1 || *end != ':')
			continue;
		end += 1 + strspn(end + 1, digits);
		if (!strncmp(end, ": ", 2))
			return end + 2;
	}
	return reason;
}

bool advice_for(const char *reason, const char *subject, char *text,
		size_t room)
{
	char name[VPOOL_NAME_SIZE];
	size_t i;

	*text = '\0';
	reason = behind_place(reason);
	if (!find_pool(reason, name, sizeof(name)))
		snprintf(name, sizeof(name), "%s", subject ? subject : "NAME");
	for (i = 0; i < ARRAY_SIZE(advices); i++) {
		if (fnmatch(advices[i].reason, reason, 0))
			continue;
		if (advices[i].advice)
			fill_in(advices[i].advice, name, text, room);
		return true;
	}
	return false;
}
