// SPDX-License-Identifier: GPL-2.0-only
/*
 * What to try next, by what went wrong. Reasons are the kernel's or our own; each of
 * the kernel's that a command can meet is here, which a test compares with
 * Documentation/troubleshooting.rst.
 */
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <libvpool.h>

#include "base/macros.h"
#include "output/hint.h"

#define PARAMETERS "/sys/module/vpool/parameters/"

/*
 * The first that matches counts. %s is the pool that the reason names, or else what
 * the command was about. {root:...} is for root only, {user:...} for all others,
 * {threads:...} and {nodes:...} for hosts that have several threads in a core or several
 * NUMA nodes, {node:...} for those with one. NULL: the reason says it itself.
 */
static const struct {
	const char *reason;
	const char *advice;
} hints[] = {
	{ "nothing was changed", NULL },
	{ "*; 'vpoolctl *", NULL },
	{ "the vpool module is not loaded*", NULL },
	{ "the vpool module is loaded, but *",
	  "Try 'mount -t devtmpfs none /dev', or in a container pass the node on to it." },
	{ "the vpool module does not know this call*",
	  "Try 'modprobe -r vpool && modprobe vpool' for the module that is installed." },
	{ "*(nodev)*", NULL },
	{ "*--force destroys it all the same", NULL },
	{ "*install QEMU*", NULL },
	{ "*--accel tcg runs it without*", NULL },
	{ "*say --*", NULL },
	{ "*in dmesg or in the audit log*", NULL },

	/* Permission and names */
	{ "changing pools needs CAP_SYS_ADMIN*",
	  "{user:Try as root, on the host.}{root:Try on the host, outside of this container.}" },
	{ "only root may *",
	  "{user:Try as root, or with sudo.}{root:Try on the host, outside of this container.}" },
	{ "you may not open *",
	  "{user:Try as that user, or 'vpoolctl list -o +OWNER,MODE' for a pool of your own.}{root:Try on the host, outside of this container.}"
	},
	{ "there is no pool '*'*",
	  "Try 'vpoolctl list' for the pools that there are." },
	{ "there is a pool '*' already",
	  "Try 'vpoolctl resize %s', or another name." },
	{ "*'*' is not a pool's name*",
	  "Try small letters, digits, dots, underscores and dashes, as in web-1." },
	{ "'*' is not a valid name*",
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
	{ "cpu * is offline; *", NULL },
	{ "that would leave the host *, it keeps 1 (host_cpus_floor)",
	  "Try fewer CPUs: 'vpoolctl host' shows those that a pool can take." },
	{ "that would leave the host * (host_cpus_floor)",
	  "Try fewer CPUs, or write less to " PARAMETERS "host_cpus_floor." },
	{ "* CPU* asked*can be had*",
	  "Try fewer{nodes:, or another node}{threads:, or --split-cores}; 'vpoolctl host' shows what a pool can take."
	},
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
	  "Try without --isolate (in files isolate: false), or boot with cgroup v2: systemd.unified_cgroup_hierarchy=1."
	},
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
	{ "*keeps 0B (host_mem_floor)",
	  "Try less; 'vpoolctl host' shows what a pool can take." },
	{ "*(host_mem_floor)",
	  "Try less memory, or write fewer MiB to " PARAMETERS "host_mem_floor." },
	{ "* asked, the host has *",
	  "Try less; 'vpoolctl host' shows what there is." },
	{ "* of memory are declared together*",
	  "Try less; 'vpoolctl host' shows what there is." },
	{ "node * has * in all, * asked",
	  "Try {nodes:several nodes, as in --mem 1G@0,1G@1}{node:less}; 'vpoolctl host' shows what there is."
	},
	{ "interrupted: * had * in free blocks, *", "Try again." },
	{ "* had * in free blocks, *cannot be moved",
	  "Try less{nodes:, or another node}, or soon after boot: no --timeout brings what cannot be moved."
	},
	{ "the host has no page to give *",
	  "Try 'vpoolctl host' for what a pool can take, and destroy or resize what is not needed."
	},
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
	{ "pages of * are not supported, *",
	  "Try one of those with --page-size." },
	{ "pages of *", "Try without --page-size." },
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
	{ "mapped by small pages: *",
	  "Try without PR_SET_THP_DISABLE; the memory is right either way." },
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
	  "Try {user:as root, or }a task of your own{root:, or with CAP_SYS_NICE}." },
	{ "task * is a kernel thread",
	  "Try 'vpoolctl create --isolate', which keeps off those that can move." },
	{ "task * is bound to its CPUs by the kernel",
	  "Try 'vpoolctl create --isolate', which keeps off those that can move." },
	{ "all CPUs of pool '*' are dedicated*",
	  "Try 'vpoolctl resize %s --cpus LIST' for more, or detach a thread." },
	{ "*the last CPU that is not dedicated",
	  "Try 'vpoolctl resize %s --cpus LIST' for one more." },
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
	{ "pool '*' is there, but not *", "Try again in a moment." },
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
	{ "cannot run '*",
	  "Try 'command -v' for where a program is, and 'ls -l' for who may run it." },
	{ "*: No such file or directory",
	  "Try 'ls' for what is there; a new file needs its folder." },
	{ "*: Permission denied",
	  "{user:Try as root, or 'ls -l' for who may use it.}{root:Try 'ls -l' and 'dmesg': a security module or a container may be why.}"
	},
	{ "the kernel *: not an x86 kernel*", NULL },
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

static struct hint_host this_host;
static bool host_is_known;

void hint_set_host(const struct hint_host *host)
{
	this_host = *host;
	host_is_known = true;
}

/* Does a file begin with something else than @text? */
static bool begins_otherwise(const char *path, const char *text)
{
	char line[64] = "";
	FILE *file = fopen(path, "re");

	if (file && !fgets(line, sizeof(line), file))
		*line = '\0';
	if (file)
		fclose(file);
	return *line && strcmp(line, text);
}

static void know_host(void)
{
	if (host_is_known)
		return;
	this_host.root = !geteuid();
	this_host.threads =
		begins_otherwise("/sys/devices/system/cpu/smt/active", "0\n");
	this_host.nodes =
		begins_otherwise("/sys/devices/system/node/has_memory", "0\n");
	host_is_known = true;
}

static bool holds(const char *condition, size_t len)
{
	const struct {
		const char *name;
		bool value;
	} conditions[] = {
		{ "root", this_host.root },
		{ "user", !this_host.root },
		{ "threads", this_host.threads },
		{ "nodes", this_host.nodes },
		{ "node", !this_host.nodes },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(conditions); i++)
		if (strlen(conditions[i].name) == len &&
		    !strncmp(conditions[i].name, condition, len))
			return conditions[i].value;
	return false;
}

static void fill_in(const char *advice, const char *name, char *text,
		    size_t room)
{
	bool skip = false;
	size_t len = 0;

	know_host();
	for (; *advice && len < room; advice++) {
		size_t colon = strcspn(advice, ":");

		if (*advice == '{') {
			skip = !holds(advice + 1, colon - 1);
			advice += colon;
		} else if (*advice == '}') {
			skip = false;
		} else if (skip) {
			continue;
		} else if (!strncmp(advice, "%s", 2)) {
			len += snprintf(text + len, room - len, "%s", name);
			advice++;
		} else {
			text[len++] = *advice;
		}
	}
	text[len < room ? len : room - 1] = '\0';
}

/* Behind "web.conf:3:5: ", where something was declared. */
static const char *after_location(const char *reason)
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

bool hint_for(const char *reason, const char *subject, char *text,
	      size_t room)
{
	char name[VPOOL_NAME_SIZE];
	size_t i;

	*text = '\0';
	reason = after_location(reason);
	if (!find_pool(reason, name, sizeof(name)))
		snprintf(name, sizeof(name), "%s", subject ? subject : "NAME");
	for (i = 0; i < ARRAY_SIZE(hints); i++) {
		if (fnmatch(hints[i].reason, reason, 0))
			continue;
		if (hints[i].advice)
			fill_in(hints[i].advice, name, text, room);
		return true;
	}
	return false;
}
