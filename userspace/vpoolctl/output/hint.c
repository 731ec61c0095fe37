// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hints: what to try after a failure, by its code. troubleshooting.rst explains each code
 * of the module and the library; a test compares the page with this table.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <libvpool.h>

#include "base/code.h"
#include "base/macros.h"
#include "output/hint.h"

#define PARAMETERS "/sys/module/vpool/parameters/"

/* The hint is the help of the command. */
#define SEE_HELP ""

/*
 * %s stands for the pool that the message names, or else the subject of the command.
 * {CONDITION:TEXT} is TEXT if a condition of holds() is true, and nothing otherwise. NULL
 * is no hint: the message says what to do, or a correct program does not meet the code.
 */
static const struct {
	int code;
	const char *hint;
} hints[] = {
	{ VPOOL_CODE_NONE, SEE_HELP },
	{ VPOOL_CODE_NOT_PERMITTED,
	  "{user:Try as root, on the host.}{root:Try on the host, outside of this container.}" },
	{ VPOOL_CODE_NO_POOL, "Try 'vpoolctl list' for the existing pools." },
	{ VPOOL_CODE_POOL_EXISTS, "Try 'vpoolctl resize %s', or another name." },
	{ VPOOL_CODE_TOO_MANY_POOLS, "Try 'vpoolctl list', and destroy one." },
	{ VPOOL_CODE_NAME_INVALID,
	  "Try up to 32 lower-case letters, digits, dots, underscores and dashes, as in web-1." },
	{ VPOOL_CODE_NAME_UNEXPECTED, NULL },
	{ VPOOL_CODE_POOL_DESTROYED,
	  "Try 'vpoolctl list' for the existing pools." },
	{ VPOOL_CODE_POOL_TRANSIENT, "Try again in a moment." },
	{ VPOOL_CODE_POOL_EMPTY, "Try --mem, --cpus, or both." },
	{ VPOOL_CODE_OWNER_UNKNOWN, "Try --owner with a user of this host." },
	{ VPOOL_CODE_MODE_INVALID, "Try --mode 0600, 0660 or 0666." },
	{ VPOOL_CODE_CALL_UNKNOWN,
	  "Try 'vpoolctl upgrade' to load the installed module." },
	{ VPOOL_CODE_STRUCT_UNREADABLE, NULL },
	{ VPOOL_CODE_BUFFER_UNWRITABLE, NULL },
	{ VPOOL_CODE_STRUCT_SIZE,
	  "Try 'vpoolctl upgrade' to load the installed module." },
	{ VPOOL_CODE_BUFFER_TOO_SMALL, NULL },
	{ VPOOL_CODE_FLAGS_UNKNOWN,
	  "Try 'vpoolctl upgrade' to load the installed module." },
	{ VPOOL_CODE_RESERVED_FIELD,
	  "Try 'vpoolctl upgrade' to load the installed module." },
	{ VPOOL_CODE_MEM_REQUESTS_MANY, "Name each NUMA node only once." },
	{ VPOOL_CODE_MEM_REQUESTS_UNREADABLE, NULL },
	{ VPOOL_CODE_CPU_MASK_UNREADABLE, NULL },
	{ VPOOL_CODE_CPU_MASK_SIZE, NULL },
	{ VPOOL_CODE_NO_KERNEL_MEMORY,
	  "Try 'free -m' and 'slabtop' to see what uses the memory of the host." },
	{ VPOOL_CODE_CPU_MISSING,
	  "Try 'vpoolctl host' for the CPUs that are online and free." },
	{ VPOOL_CODE_CPU_OFFLINE,
	  "Try 'vpoolctl host' for the CPUs that are online and free." },
	{ VPOOL_CODE_CPU_TAKEN,
	  "Try 'vpoolctl host' for the CPUs that are free, or resize or destroy that pool." },
	{ VPOOL_CODE_CPU_BOOT_CORE,
	  "Try other CPUs, or --boot-core (in files boot-core: true)." },
	{ VPOOL_CODE_CPU_SPLITS_CORE,
	  "Try both CPUs of the core, or --split-cores (in files split-cores: true)." },
	{ VPOOL_CODE_CPUS_SHORT,
	  "Try fewer CPUs{nodes:, or another node}{threads:, or --split-cores}; 'vpoolctl host' shows what a pool can take."
	},
	{ VPOOL_CODE_CPUS_FLOOR,
	  "Try fewer CPUs{cpus_floor:, or write less to "
	    PARAMETERS "host_cpus_floor}; 'vpoolctl host' shows what a pool can take."
	},
	{ VPOOL_CODE_CPU_LIST_EMPTY, "Try a list such as 2-5,8." },
	{ VPOOL_CODE_CPU_LIST_AND_NUMBER, "Try either --cpus or --ncpus." },
	{ VPOOL_CODE_ISOLATED_WITHOUT_CPUS,
	  "Try --cpus or --ncpus with --isolate." },
	{ VPOOL_CODE_NODE_MISSING,
	  "Try 'vpoolctl host' for the existing nodes." },
	{ VPOOL_CODE_NODE_WITHOUT_MEMORY,
	  "Try 'vpoolctl host' for the nodes with memory." },
	{ VPOOL_CODE_NODE_TWICE, "Name each NUMA node only once." },
	{ VPOOL_CODE_NODE_TOTAL_MIXED,
	  "Try either a node for each size, or one size without a node." },
	{ VPOOL_CODE_PAGE_SIZE_NEEDS_KERNEL, "Try without --page-size." },
	{ VPOOL_CODE_PAGE_SIZE_UNSUPPORTED,
	  "Try --page-size with one of the sizes in the message." },
	{ VPOOL_CODE_MEM_ZERO, "Try a size such as 512M or 4G." },
	{ VPOOL_CODE_MEM_OVERFLOW, "Try a size such as 512M or 4G." },
	{ VPOOL_CODE_MEM_NODE_FLOOR,
	  "Try less memory{nodes: on this node, or another node}{mem_floor:, or write fewer MiB to "
	    PARAMETERS "host_mem_floor}; 'vpoolctl host' shows what a pool can take."
	},
	{ VPOOL_CODE_MEM_FLOOR,
	  "Try less memory{mem_floor:, or write fewer MiB to "
	    PARAMETERS "host_mem_floor}; 'vpoolctl host' shows what a pool can take."
	},
	{ VPOOL_CODE_MEM_HOST_SHORT,
	  "Try less memory; 'vpoolctl host' shows the poolable memory." },
	{ VPOOL_CODE_MEM_NODE_SHORT,
	  "Try {nodes:several nodes, as in --mem 1G@0,1G@1}{node:less memory}; 'vpoolctl host' shows the poolable memory."
	},
	{ VPOOL_CODE_MEM_FRAGMENTED,
	  "Try a longer --timeout, 'echo 3 >/proc/sys/vm/drop_caches', less memory{nodes:, another node}, or try again soon after boot."
	},
	{ VPOOL_CODE_POOL_POLICY_SHORT,
	  "Try another 'numactl --membind', or 'vpoolctl resize %s --mem +SIZE@NODE'." },
	{ VPOOL_CODE_POOL_NODE_SHORT,
	  "Try 'vpoolctl regions %s' to see who uses the memory, or resize the pool." },
	{ VPOOL_CODE_POOL_SHORT,
	  "Try 'vpoolctl regions %s' to see who uses the memory, or resize the pool." },
	{ VPOOL_CODE_CPUSET_NODE,
	  "Try a node in cpuset.mems of the caller's cgroup." },
	{ VPOOL_CODE_MEM_IN_USE, "Try 'vpoolctl regions %s' to see who uses the memory." },
	{ VPOOL_CODE_POOL_NEEDS_MEMORY,
	  "Try 'vpoolctl destroy %s' to give back all of it." },
	{ VPOOL_CODE_NOTHING_TO_CHANGE, "Try --mem or --cpus." },
	{ VPOOL_CODE_INTERRUPTED, "Try again." },
	{ VPOOL_CODE_MAP_PRIVATE, "Try MAP_SHARED; with QEMU, share=on." },
	{ VPOOL_CODE_REGION_HAS_SIZE,
	  "Try to open the device again for another region." },
	{ VPOOL_CODE_REGION_SIZE_INVALID, "Use a size of at least one byte." },
	{ VPOOL_CODE_MAP_RANGE, "Map within the region's size." },
	{ VPOOL_CODE_MAPPED_SMALL,
	  "Try without PR_SET_THP_DISABLE; only the speed differs." },
	{ VPOOL_CODE_POPULATE_FAILED, NULL },
	{ VPOOL_CODE_POOL_WITHOUT_CPUS,
	  "Try a pool with CPUs: 'vpoolctl list' shows them." },
	{ VPOOL_CODE_POOL_CPUS_OFFLINE,
	  "Try 'echo 1 >/sys/devices/system/cpu/cpuN/online' for one of its CPUs." },
	{ VPOOL_CODE_TASK_EXITED, "Try 'vpoolctl ps %s' for its members." },
	{ VPOOL_CODE_TASK_OTHER_POOL, "Try 'vpoolctl detach %s' for the task first." },
	{ VPOOL_CODE_TASK_NOT_MEMBER, "Try 'vpoolctl ps %s' for its members." },
	{ VPOOL_CODE_TOO_MANY_MEMBERS,
	  "Try 'vpoolctl ps %s' to list them, or raise " PARAMETERS "max_members." },
	{ VPOOL_CODE_TASK_DEADLINE,
	  "Attach the task first, and set its deadline policy later." },
	{ VPOOL_CODE_TASK_CPUSET,
	  "Try to start the task in the slice of pool '%s', or to give its cgroup one of these CPUs."
	},
	{ VPOOL_CODE_NO_TRACEPOINTS, "Try a kernel with tracepoints." },
	{ VPOOL_CODE_TASK_KTHREAD,
	  "Try 'vpoolctl create --isolate', which keeps movable tasks off the CPUs." },
	{ VPOOL_CODE_TASK_BOUND,
	  "Try 'vpoolctl create --isolate', which keeps movable tasks off the CPUs." },
	{ VPOOL_CODE_TASK_FOREIGN,
	  "Try {user:as root, or }one of your own tasks{root:, or with CAP_SYS_NICE}." },
	{ VPOOL_CODE_TID_INVALID, "Try 'ps -eL' for the existing tasks." },
	{ VPOOL_CODE_PIDFD_INVALID, NULL },
	{ VPOOL_CODE_DEDICATED_PROCESS, "Try --tid." },
	{ VPOOL_CODE_CPU_NUMBER_INVALID, NULL },
	{ VPOOL_CODE_CPU_DEDICATED,
	  "Try another CPU, or 'vpoolctl detach %s --tid TID' for that thread." },
	{ VPOOL_CODE_CPUS_ALL_DEDICATED,
	  "Try 'vpoolctl resize %s --cpus LIST' for more CPUs, or detach a thread." },
	{ VPOOL_CODE_CPU_NOT_IN_POOL, "Try 'vpoolctl show %s' for its CPUs." },
	{ VPOOL_CODE_CPU_LAST_SHARED,
	  "Try 'vpoolctl resize %s --cpus LIST' for one more CPU." },
	{ VPOOL_CODE_POOL_HAS_REGIONS,
	  "Try 'vpoolctl regions %s' to list them." },
	{ VPOOL_CODE_POOL_PINNED,
	  "Try again when the memory is no longer pinned; --force does not wait." },
	{ VPOOL_CODE_POOL_HAS_MEMBERS, "Try 'vpoolctl ps %s' to list them." },
	{ VPOOL_CODE_TOO_MANY_REGIONS,
	  "Try 'vpoolctl regions %s' to list them, or raise " PARAMETERS "max_regions." },
	{ VPOOL_CODE_FILE_TOO_LARGE,
	  "Try a smaller file, or 'vpoolctl resize %s --mem SIZE' for a larger pool." },
	{ VPOOL_CODE_POOL_WITHOUT_MEMORY,
	  "Try 'vpoolctl list' for a pool with memory." },
	{ VPOOL_CODE_POOL_MOUNTED,
	  "Try 'vpoolctl umount %s' first." },
	{ VPOOL_CODE_USER_BYTES,
	  "Try 'vpoolctl users %s' for what each user has, or 'vpoolctl resize %s --user-mem SIZE'{user: as root}."
	},
	{ VPOOL_CODE_USER_REGIONS,
	  "Try 'vpoolctl regions %s'{user: as root} to list them, or 'vpoolctl resize %s --user-regions NUMBER'."
	},
	{ VPOOL_CODE_USER_MEMBERS,
	  "Try 'vpoolctl users %s' for what each user has, or 'vpoolctl resize %s --user-members NUMBER'{user: as root}."
	},
	{ VPOOL_CODE_LIMIT_INVALID,
	  "Try a limit of at least one page; none stands for no limit." },
	{ VPOOL_LIB_NO_MODULE, NULL },
	{ VPOOL_LIB_NO_DEVICE,
	  "Try again in a moment, or 'mount -t devtmpfs none /dev'; a container must get the device from the host."
	},
	{ VPOOL_LIB_CONTROL_DENIED,
	  "{user:Try as root, or with sudo.}{root:Try on the host, outside of this container.}" },
	{ VPOOL_LIB_POOL_DENIED,
	  "{user:Try as that user, or 'vpoolctl list -o +OWNER,MODE' for a pool of your own.}{root:Try on the host, outside of this container.}"
	},
	{ VPOOL_LIB_SECURITY_MODULE, NULL },
	{ VPOOL_LIB_MOUNTED_NODEV, NULL },
	{ VPOOL_LIB_TOO_MANY_REGIONS,
	  "Try 'vpoolctl regions %s' to list them, or raise " PARAMETERS "max_regions." },
	{ VPOOL_LIB_CALL_UNKNOWN,
	  "Try 'vpoolctl upgrade' to load the installed module." },
	{ VPOOL_LIB_NO_MEMORY,
	  "Try 'free -m' and 'slabtop' to see what uses the memory of the host." },
	{ VPOOL_LIB_NO_NAME, NULL },
	{ VPOOL_LIB_NO_NODE, NULL },
	{ VPOOL_LIB_STRUCT_SIZE, NULL },
	{ VPOOL_LIB_WRONG_HANDLE, NULL },
	{ VPOOL_LIB_WRONG_DESCRIPTOR, NULL },
	{ VPOOL_LIB_SYSTEM, SEE_HELP },
	{ TOOL_SYSTEM, SEE_HELP },
	{ TOOL_FILE_MISSING,
	  "Try 'ls' to list the directory, which must exist." },
	{ TOOL_FILE_DENIED,
	  "{user:Try as root, or 'ls -l' for its owner and mode.}{root:Try 'ls -l' and 'dmesg': a security module or a container may deny it.}"
	},
	{ TOOL_USAGE, SEE_HELP },
	{ TOOL_CONFIG, "Try 'man vpool.conf' for the format of these files." },
	{ TOOL_OUTPUT_LOST, NULL },
	{ TOOL_PROGRAM,
	  "Try 'command -v' for the path of a program, and 'ls -l' for its mode." },
	{ TOOL_NOTHING_CHANGED, NULL },
	{ TOOL_UNDONE, NULL },
	{ TOOL_NOT_UNDONE, "Try 'vpoolctl apply' again." },
	{ TOOL_REPLACE_IN_USE,
	  "Try 'vpoolctl ps %s' and 'vpoolctl regions %s' to see who uses it." },
	{ TOOL_UNDECLARED_IN_USE,
	  "Try --keep, or 'vpoolctl ps %s' and 'vpoolctl regions %s' to see who uses it." },
	{ TOOL_CPU_WAITS, NULL },
	{ TOOL_SHARE_EMPTY,
	  "Try 'vpoolctl host' for what a pool can take, and destroy or resize a pool that needs less."
	},
	{ TOOL_SHRINK_TOO_FAR, "Try 'vpoolctl show %s' for its memory." },
	{ TOOL_IN_USE, NULL },
	{ TOOL_CANNOT_ISOLATE,
	  "Try without --isolate (in files isolate: false), or boot with cgroup v2: systemd.unified_cgroup_hierarchy=1."
	},
	{ TOOL_CANNOT_CONFINE,
	  "Try without --confine, or boot with cgroup v2: systemd.unified_cgroup_hierarchy=1." },
	{ TOOL_PARTITION_INVALID,
	  "Try without --isolate, then 'vpoolctl audit %s'; or try other CPUs." },
	{ TOOL_SYSTEMD, "Try 'journalctl -b -u init.scope' for the messages of systemd." },
	{ TOOL_CGROUP_LIMITS,
	  "Try Slice= in the unit of the process, or --move-cgroup, which lifts the limits of its cgroup."
	},
	{ TOOL_SLICE_OCCUPIED,
	  "Stop the process, or use --force, which leaves it running." },
	{ TOOL_SLICE_KEEPS, NULL },
	{ TOOL_NOTE_DAMAGED, SEE_HELP },
	{ TOOL_TASK_MISSING, "Try 'ps -eL' for the existing tasks." },
	{ TOOL_TERMINAL, NULL },
	{ TOOL_LSTOPO, SEE_HELP },
	{ TOOL_VM_NAME,
	  "Try lower-case letters, digits, dots, underscores and dashes, as in web-1." },
	{ TOOL_VM_MISSING, NULL },
	{ TOOL_VM_EXISTS, NULL },
	{ TOOL_VM_BUSY, "Try again later." },
	{ TOOL_VM_STUCK, NULL },
	{ TOOL_VM_MANY_VCPUS,
	  "Try fewer --vcpus, or 'vpoolctl resize %s --cpus LIST'." },
	{ TOOL_VM_POOL_SHORT, NULL },
	{ TOOL_VM_SAME_POOL, "Try 'vpoolctl list' for another pool." },
	{ TOOL_VM_NOT_MIGRATED, SEE_HELP },
	{ TOOL_VM_LOST, SEE_HELP },
	{ TOOL_VM_FOREIGN, SEE_HELP },
	{ TOOL_VM_FILE, SEE_HELP },
	{ TOOL_VM_NO_KVM, NULL },
	{ TOOL_VM_CONSOLE_TAKEN,
	  "Try again when that program has ended, or start the machine with --console FILE." },
	{ TOOL_VM_FORCED, "Try --force to skip the shutdown of the guest." },
	{ TOOL_QEMU_MISSING, NULL },
	{ TOOL_QEMU_UNSUITABLE, SEE_HELP },
	{ TOOL_QEMU_ENDED, SEE_HELP },
	{ TOOL_QEMU_FAILED, SEE_HELP },
	{ TOOL_VM_TIMEOUT,
	  "Try a longer --timeout, or --force to skip the shutdown of the guest." },
	{ TOOL_MODULE_FILE,
	  "Try --module with the file vpool.ko that was built for this kernel." },
	{ TOOL_MODULE_LOAD, "Try 'dmesg' for the reason of the kernel." },
	{ TOOL_UPGRADE_IN_USE,
	  "Try to stop or detach what uses the pools, and --wait SECONDS to wait for that." },
	{ TOOL_UPGRADE_NO_FALLBACK,
	  "Try --fallback with that file, or --no-fallback." },
	{ TOOL_UPGRADE_UNFINISHED,
	  "Try 'vpoolctl apply --keep /run/vpool/upgrade.conf', and remove the file." },
	{ TOOL_UPGRADE_FAILED, SEE_HELP },
	{ TOOL_UPGRADE_LOST, NULL },
	{ TOOL_MOUNT_NO_DIRECTORY,
	  "Try 'mkdir' to create the directory, or another directory." },
	{ TOOL_MOUNT_OCCUPIED,
	  "Try another directory, or 'vpoolctl mount' and 'findmnt' to see what is mounted." },
	{ TOOL_MOUNT_BUSY,
	  "Try to stop these processes or to delete the files, and then again." },
	{ TOOL_MOUNT_REFUSED,
	  "Try 'vpoolctl list' for the pools, and 'vpoolctl mount' for those that are mounted." },
	{ TOOL_NOT_MOUNTED, "Try 'vpoolctl mount' for the pools that are mounted." },
	{ TOOL_VM_DEVICE, "Try 'lspci -D' for the devices of the host." },
	{ TOOL_VM_DEVICE_NO_IOMMU,
	  "Try 'dmesg | grep -i iommu' for what the kernel has found." },
	{ TOOL_VM_DEVICE_GROUP,
	  "Try --device with all devices of the group, or a device that is alone in its group." },
	{ TOOL_VM_DEVICE_IN_USE,
	  "Try --force-device to take the device away from the host." },
	{ TOOL_VM_DEVICE_TAKEN,
	  "Try 'vpoolctl vm list -o NAME,DEVICES' for the devices of all machines." },
	{ TOOL_VM_DEVICE_BIND,
	  "{user:Try as root.}{root:Try 'dmesg' for the reason of the kernel.}" },
	{ TOOL_VM_DEVICE_NOT_BACK, "Try 'dmesg' for the reason of the kernel." },
	{ TOOL_VM_HAS_DEVICE,
	  "Try 'vpoolctl vm stop', and start it on the other pool." },
	{ TOOL_VM_MEMLOCK,
	  "Try 'ulimit -l', LimitMEMLOCK= of the unit, or /etc/security/limits.conf." },
	{ TOOL_VM_FIXED_SIZE,
	  "Try 'vpoolctl vm stop', and start it again with --max-mem." },
	{ TOOL_VM_SIZE,
	  "Try 'vpoolctl vm list -o NAME,MEMORY,MAX' for its size and maximum." },
	{ TOOL_VM_PAGE_SIZE, "Try 'vpoolctl list -o NAME,PAGE' for the other pools." },
	{ TOOL_VM_NOT_RESIZED,
	  "Try again, with a longer --timeout if the guest is slow." },
	{ TOOL_CDI_NAME, "Try a pool whose name ends with a letter or a digit." },
	{ TOOL_CONTAINER_STATE,
	  "Try 'vpoolctl cdi %s' without --hook: container engines call the hook." },
	{ TOOL_CONTAINER_CGROUP,
	  "Try to delegate the cpuset controller to the user of the container." },
	{ TOOL_CONTAINER_CPUS,
	  "Try 'vpoolctl show %s' for the CPUs, and --cpuset-cpus or another --cgroup-parent." },
	{ TOOL_CONTAINER_SLICE,
	  "Try to start the container with that slice as its --cgroup-parent." },
	{ TOOL_HOST_UNREACHABLE,
	  "Try 'ssh -o BatchMode=yes %s true', which must work without a password." },
	{ TOOL_HOST_NO_TOOL, "Try 'ssh %s command -v vpoolctl' after installing it there." },
	{ TOOL_HOST_ANSWER, "Try 'ssh %s vpoolctl version', and install one version everywhere." },
	{ TOOL_HOST_SILENT, "Try again when the other host answers." },
	{ TOOL_HOST_VERSION,
	  "Try 'vpoolctl version' on both hosts, and upgrade one of them." },
	{ TOOL_VM_UNSURE, NULL },
	{ TOOL_NO_SYSTEMD, "Try without systemd: 'vpoolctl run %s -- PROGRAM'." },
	{ TOOL_SYSTEMD_PROPERTY,
	  "Try the properties of systemd.resource-control(5), as in -p MemoryMax=1G." },
	{ TOOL_UNIT_NAME,
	  "Try 'systemd-escape --template=vpool@.target NAME' for the name of the unit." },
	{ TOOL_UNIT_ISOLATED,
	  "Try a unit of the system with User= and Slice=; 'vpoolctl slice %s' prints the slice." },
	{ TOOL_IMPORT, "Try to correct the file." },
	{ TOOL_VM_DEFINED, NULL },
	{ TOOL_VM_NOT_DEFINED, NULL },
	{ TOOL_VM_EDITED,
	  "Try 'vpoolctl vm show %s' for the definition as it is now." },
	{ TOOL_VM_LOG, NULL },
	{ TOOL_VM_DISK_IN_USE,
	  "Try a copy of the disk, or readonly=true in all machines that have it." },
	{ TOOL_VM_NETWORK, "Try 'ip -d link' for the interfaces of this host." },
	{ TOOL_VM_PROGRAM,
	  "Try to install ovmf, qemu-system-common, swtpm or virtiofsd." },
	{ TOOL_VM_STATE, "Try 'df' and 'ls -ld' with that path." },
	{ TOOL_VM_FIXED, "Try 'vpoolctl vm stop %s', and start it there." },
	{ TOOL_HEAP_LIBRARY,
	  "Try to install vpoolctl again, into a directory without a space or a colon." },
	{ TOOL_HEAP_MALLOC,
	  "Try 'apt-get install libmimalloc2.0', or --heap alone, which leaves malloc as it is."
	},
	{ TOOL_VM_USER, "Try 'getent passwd' for the users of this host." },
	{ TOOL_VM_USER_FILE,
	  "Try a file that the user owns, or --user with another user." },
	{ TOOL_VM_AS_ROOT, NULL },
	{ TOOL_VM_SCOPE,
	  "{user:Try as root.}{root:Try without the property.}" },
	{ TOOL_TEMPLATE_EXISTS, "Try --replace, or another name." },
	{ TOOL_TEMPLATE_MISSING, NULL },
	{ TOOL_TEMPLATE_DAMAGED, "Try 'vpoolctl vm save' with --replace." },
	{ TOOL_TEMPLATE_OTHER,
	  "Try 'vpoolctl vm templates' for what each template needs." },
	{ TOOL_TEMPLATE_MACHINE, "Try a machine without that." },
	{ TOOL_TEMPLATE_DISK,
	  "Try 'vpoolctl vm save' with --replace, with the disk as it is now." },
	{ TOOL_TEMPLATE_NOT_SAVED,
	  "Try 'vpoolctl vm log %s' for what QEMU reports." },
	{ TOOL_TEMPLATE_ACCESS, "Try 'ls -ld' with that path." },
	{ TOOL_VM_CONFINE, "{user:Try as root.}{root:Try 'aa-status'.}" },
	{ TOOL_VM_UNCONFINED, NULL },
};

/* Copy what follows @before in a message, up to a character of @after. */
static bool find_name(const char *message, const char *before,
		      const char *after, char *name, size_t room)
{
	const char *at = strstr(message, before);

	if (!at)
		return false;
	at += strlen(before);
	snprintf(name, room, "%.*s", (int)strcspn(at, after), at);
	return true;
}

static struct hint_host this_host;
static bool host_is_known;

void hint_set_host(const struct hint_host *host)
{
	this_host = *host;
	host_is_known = true;
}

/* Tell whether the first line of a file is there and differs from @text. */
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
	this_host.cpus_floor =
		begins_otherwise(PARAMETERS "host_cpus_floor", "1\n");
	this_host.mem_floor =
		begins_otherwise(PARAMETERS "host_mem_floor", "0\n");
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
		{ "cpus_floor", this_host.cpus_floor },
		{ "mem_floor", this_host.mem_floor },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(conditions); i++)
		if (strlen(conditions[i].name) == len &&
		    !strncmp(conditions[i].name, condition, len))
			return conditions[i].value;
	return false;
}

static void fill_in(const char *hint, const char *name, char *text,
		    size_t room)
{
	bool skip = false;
	size_t len = 0;

	know_host();
	for (; *hint && len < room; hint++) {
		size_t colon = strcspn(hint, ":");

		if (*hint == '{') {
			skip = !holds(hint + 1, colon - 1);
			hint += colon;
		} else if (*hint == '}') {
			skip = false;
		} else if (skip) {
			continue;
		} else if (!strncmp(hint, "%s", 2)) {
			len += snprintf(text + len, room - len, "%s", name);
			hint++;
		} else {
			text[len++] = *hint;
		}
	}
	text[len < room ? len : room - 1] = '\0';
}

/* Return the index of a code in the table, or the length of the table. */
static size_t find_code(int code)
{
	size_t i = 0;

	while (i < ARRAY_SIZE(hints) && hints[i].code != code)
		i++;
	return i;
}

bool hint_has(int code)
{
	return find_code(code) < ARRAY_SIZE(hints);
}

bool hint_for(int code, const char *message, const char *subject, char *text,
	      size_t room)
{
	char name[HOST_NAME_MAX + 1];
	size_t i = find_code(code);
	const char *hint;

	*text = '\0';
	hint = i < ARRAY_SIZE(hints) ? hints[i].hint : SEE_HELP;
	/* "... pool 'web' ..." or "cannot connect to host node1: ..." */
	if (!find_name(message, "pool '", "'", name, sizeof(name)) &&
	    !find_name(message, "cannot connect to host ", ":", name, sizeof(name)))
		snprintf(name, sizeof(name), "%s", subject ? subject : "NAME");
	if (hint)
		fill_in(hint, name, text, room);
	return !hint || *hint;
}
