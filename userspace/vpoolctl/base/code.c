// SPDX-License-Identifier: GPL-2.0-only
/*
 * Codes of failures and their names.
 */
#include <errno.h>
#include <stddef.h>

#include <libvpool.h>

#include "base/code.h"
#include "base/macros.h"

int errno_code(int err)
{
	switch (err) {
	case ENOENT:
		return TOOL_FILE_MISSING;
	case EACCES:
	case EPERM:
		return TOOL_FILE_DENIED;
	case EINTR:
		return VPOOL_CODE_INTERRUPTED;
	default:
		return TOOL_SYSTEM;
	}
}

/* One entry for each code. A test compares the table with the three enums. */
static const struct {
	int code;
	const char *name;
} names[] = {
	{ VPOOL_CODE_NONE, "none" },
	{ VPOOL_CODE_NOT_PERMITTED, "not_permitted" },
	{ VPOOL_CODE_NO_POOL, "no_pool" },
	{ VPOOL_CODE_POOL_EXISTS, "pool_exists" },
	{ VPOOL_CODE_TOO_MANY_POOLS, "too_many_pools" },
	{ VPOOL_CODE_NAME_INVALID, "name_invalid" },
	{ VPOOL_CODE_NAME_UNEXPECTED, "name_unexpected" },
	{ VPOOL_CODE_POOL_DESTROYED, "pool_destroyed" },
	{ VPOOL_CODE_POOL_TRANSIENT, "pool_transient" },
	{ VPOOL_CODE_POOL_EMPTY, "pool_empty" },
	{ VPOOL_CODE_OWNER_UNKNOWN, "owner_unknown" },
	{ VPOOL_CODE_MODE_INVALID, "mode_invalid" },
	{ VPOOL_CODE_CALL_UNKNOWN, "call_unknown" },
	{ VPOOL_CODE_STRUCT_UNREADABLE, "struct_unreadable" },
	{ VPOOL_CODE_BUFFER_UNWRITABLE, "buffer_unwritable" },
	{ VPOOL_CODE_STRUCT_SIZE, "struct_size" },
	{ VPOOL_CODE_BUFFER_TOO_SMALL, "buffer_too_small" },
	{ VPOOL_CODE_FLAGS_UNKNOWN, "flags_unknown" },
	{ VPOOL_CODE_RESERVED_FIELD, "reserved_field" },
	{ VPOOL_CODE_MEM_REQUESTS_MANY, "mem_requests_many" },
	{ VPOOL_CODE_MEM_REQUESTS_UNREADABLE, "mem_requests_unreadable" },
	{ VPOOL_CODE_CPU_MASK_UNREADABLE, "cpu_mask_unreadable" },
	{ VPOOL_CODE_CPU_MASK_SIZE, "cpu_mask_size" },
	{ VPOOL_CODE_NO_KERNEL_MEMORY, "no_kernel_memory" },
	{ VPOOL_CODE_CPU_MISSING, "cpu_missing" },
	{ VPOOL_CODE_CPU_OFFLINE, "cpu_offline" },
	{ VPOOL_CODE_CPU_TAKEN, "cpu_taken" },
	{ VPOOL_CODE_CPU_BOOT_CORE, "cpu_boot_core" },
	{ VPOOL_CODE_CPU_SPLITS_CORE, "cpu_splits_core" },
	{ VPOOL_CODE_CPUS_SHORT, "cpus_short" },
	{ VPOOL_CODE_CPUS_FLOOR, "cpus_floor" },
	{ VPOOL_CODE_CPU_LIST_EMPTY, "cpu_list_empty" },
	{ VPOOL_CODE_CPU_LIST_AND_NUMBER, "cpu_list_and_number" },
	{ VPOOL_CODE_ISOLATED_WITHOUT_CPUS, "isolated_without_cpus" },
	{ VPOOL_CODE_NODE_MISSING, "node_missing" },
	{ VPOOL_CODE_NODE_WITHOUT_MEMORY, "node_without_memory" },
	{ VPOOL_CODE_NODE_TWICE, "node_twice" },
	{ VPOOL_CODE_NODE_TOTAL_MIXED, "node_total_mixed" },
	{ VPOOL_CODE_PAGE_SIZE_NEEDS_KERNEL, "page_size_needs_kernel" },
	{ VPOOL_CODE_PAGE_SIZE_UNSUPPORTED, "page_size_unsupported" },
	{ VPOOL_CODE_MEM_ZERO, "mem_zero" },
	{ VPOOL_CODE_MEM_OVERFLOW, "mem_overflow" },
	{ VPOOL_CODE_MEM_NODE_FLOOR, "mem_node_floor" },
	{ VPOOL_CODE_MEM_FLOOR, "mem_floor" },
	{ VPOOL_CODE_MEM_HOST_SHORT, "mem_host_short" },
	{ VPOOL_CODE_MEM_NODE_SHORT, "mem_node_short" },
	{ VPOOL_CODE_MEM_FRAGMENTED, "mem_fragmented" },
	{ VPOOL_CODE_POOL_POLICY_SHORT, "pool_policy_short" },
	{ VPOOL_CODE_POOL_NODE_SHORT, "pool_node_short" },
	{ VPOOL_CODE_POOL_SHORT, "pool_short" },
	{ VPOOL_CODE_CPUSET_NODE, "cpuset_node" },
	{ VPOOL_CODE_MEM_IN_USE, "mem_in_use" },
	{ VPOOL_CODE_POOL_NEEDS_MEMORY, "pool_needs_memory" },
	{ VPOOL_CODE_NOTHING_TO_CHANGE, "nothing_to_change" },
	{ VPOOL_CODE_INTERRUPTED, "interrupted" },
	{ VPOOL_CODE_MAP_PRIVATE, "map_private" },
	{ VPOOL_CODE_REGION_HAS_SIZE, "region_has_size" },
	{ VPOOL_CODE_REGION_SIZE_INVALID, "region_size_invalid" },
	{ VPOOL_CODE_MAP_RANGE, "map_range" },
	{ VPOOL_CODE_MAPPED_SMALL, "mapped_small" },
	{ VPOOL_CODE_POPULATE_FAILED, "populate_failed" },
	{ VPOOL_CODE_POOL_WITHOUT_CPUS, "pool_without_cpus" },
	{ VPOOL_CODE_POOL_CPUS_OFFLINE, "pool_cpus_offline" },
	{ VPOOL_CODE_TASK_EXITED, "task_exited" },
	{ VPOOL_CODE_TASK_OTHER_POOL, "task_other_pool" },
	{ VPOOL_CODE_TASK_NOT_MEMBER, "task_not_member" },
	{ VPOOL_CODE_TOO_MANY_MEMBERS, "too_many_members" },
	{ VPOOL_CODE_TASK_DEADLINE, "task_deadline" },
	{ VPOOL_CODE_TASK_CPUSET, "task_cpuset" },
	{ VPOOL_CODE_NO_TRACEPOINTS, "no_tracepoints" },
	{ VPOOL_CODE_TASK_KTHREAD, "task_kthread" },
	{ VPOOL_CODE_TASK_BOUND, "task_bound" },
	{ VPOOL_CODE_TASK_FOREIGN, "task_foreign" },
	{ VPOOL_CODE_TID_INVALID, "tid_invalid" },
	{ VPOOL_CODE_PIDFD_INVALID, "pidfd_invalid" },
	{ VPOOL_CODE_DEDICATED_PROCESS, "dedicated_process" },
	{ VPOOL_CODE_CPU_NUMBER_INVALID, "cpu_number_invalid" },
	{ VPOOL_CODE_CPU_DEDICATED, "cpu_dedicated" },
	{ VPOOL_CODE_CPUS_ALL_DEDICATED, "cpus_all_dedicated" },
	{ VPOOL_CODE_CPU_NOT_IN_POOL, "cpu_not_in_pool" },
	{ VPOOL_CODE_CPU_LAST_SHARED, "cpu_last_shared" },
	{ VPOOL_CODE_POOL_HAS_REGIONS, "pool_has_regions" },
	{ VPOOL_CODE_POOL_PINNED, "pool_pinned" },
	{ VPOOL_CODE_POOL_HAS_MEMBERS, "pool_has_members" },
	{ VPOOL_CODE_TOO_MANY_REGIONS, "too_many_regions" },
	{ VPOOL_CODE_FILE_TOO_LARGE, "file_too_large" },
	{ VPOOL_CODE_POOL_WITHOUT_MEMORY, "pool_without_memory" },
	{ VPOOL_CODE_POOL_MOUNTED, "pool_mounted" },
	{ VPOOL_LIB_NO_MODULE, "lib_no_module" },
	{ VPOOL_LIB_NO_DEVICE, "lib_no_device" },
	{ VPOOL_LIB_CONTROL_DENIED, "lib_control_denied" },
	{ VPOOL_LIB_POOL_DENIED, "lib_pool_denied" },
	{ VPOOL_LIB_SECURITY_MODULE, "lib_security_module" },
	{ VPOOL_LIB_MOUNTED_NODEV, "lib_mounted_nodev" },
	{ VPOOL_LIB_TOO_MANY_REGIONS, "lib_too_many_regions" },
	{ VPOOL_LIB_CALL_UNKNOWN, "lib_call_unknown" },
	{ VPOOL_LIB_NO_MEMORY, "lib_no_memory" },
	{ VPOOL_LIB_NO_NAME, "lib_no_name" },
	{ VPOOL_LIB_NO_NODE, "lib_no_node" },
	{ VPOOL_LIB_STRUCT_SIZE, "lib_struct_size" },
	{ VPOOL_LIB_WRONG_HANDLE, "lib_wrong_handle" },
	{ VPOOL_LIB_WRONG_DESCRIPTOR, "lib_wrong_descriptor" },
	{ VPOOL_LIB_SYSTEM, "lib_system" },
	{ TOOL_SYSTEM, "system" },
	{ TOOL_FILE_MISSING, "file_missing" },
	{ TOOL_FILE_DENIED, "file_denied" },
	{ TOOL_USAGE, "usage" },
	{ TOOL_CONFIG, "config" },
	{ TOOL_OUTPUT_LOST, "output_lost" },
	{ TOOL_PROGRAM, "program" },
	{ TOOL_NOTHING_CHANGED, "nothing_changed" },
	{ TOOL_UNDONE, "undone" },
	{ TOOL_NOT_UNDONE, "not_undone" },
	{ TOOL_REPLACE_IN_USE, "replace_in_use" },
	{ TOOL_UNDECLARED_IN_USE, "undeclared_in_use" },
	{ TOOL_CPU_WAITS, "cpu_waits" },
	{ TOOL_SHARE_EMPTY, "share_empty" },
	{ TOOL_SHRINK_TOO_FAR, "shrink_too_far" },
	{ TOOL_IN_USE, "in_use" },
	{ TOOL_CANNOT_ISOLATE, "cannot_isolate" },
	{ TOOL_CANNOT_CONFINE, "cannot_confine" },
	{ TOOL_PARTITION_INVALID, "partition_invalid" },
	{ TOOL_SYSTEMD, "systemd" },
	{ TOOL_CGROUP_LIMITS, "cgroup_limits" },
	{ TOOL_SLICE_OCCUPIED, "slice_occupied" },
	{ TOOL_SLICE_KEEPS, "slice_keeps" },
	{ TOOL_NOTE_DAMAGED, "note_damaged" },
	{ TOOL_TASK_MISSING, "task_missing" },
	{ TOOL_TERMINAL, "terminal" },
	{ TOOL_LSTOPO, "lstopo" },
	{ TOOL_VM_NAME, "vm_name" },
	{ TOOL_VM_MISSING, "vm_missing" },
	{ TOOL_VM_EXISTS, "vm_exists" },
	{ TOOL_VM_BUSY, "vm_busy" },
	{ TOOL_VM_STUCK, "vm_stuck" },
	{ TOOL_VM_MANY_VCPUS, "vm_many_vcpus" },
	{ TOOL_VM_POOL_SHORT, "vm_pool_short" },
	{ TOOL_VM_SAME_POOL, "vm_same_pool" },
	{ TOOL_VM_NOT_MIGRATED, "vm_not_migrated" },
	{ TOOL_VM_LOST, "vm_lost" },
	{ TOOL_VM_FOREIGN, "vm_foreign" },
	{ TOOL_VM_FILE, "vm_file" },
	{ TOOL_VM_NO_KVM, "vm_no_kvm" },
	{ TOOL_VM_CONSOLE_TAKEN, "vm_console_taken" },
	{ TOOL_VM_FORCED, "vm_forced" },
	{ TOOL_QEMU_MISSING, "qemu_missing" },
	{ TOOL_QEMU_UNSUITABLE, "qemu_unsuitable" },
	{ TOOL_QEMU_ENDED, "qemu_ended" },
	{ TOOL_QEMU_FAILED, "qemu_failed" },
	{ TOOL_VM_TIMEOUT, "vm_timeout" },
	{ TOOL_MODULE_FILE, "module_file" },
	{ TOOL_MODULE_LOAD, "module_load" },
	{ TOOL_UPGRADE_IN_USE, "upgrade_in_use" },
	{ TOOL_UPGRADE_NO_FALLBACK, "upgrade_no_fallback" },
	{ TOOL_UPGRADE_UNFINISHED, "upgrade_unfinished" },
	{ TOOL_UPGRADE_FAILED, "upgrade_failed" },
	{ TOOL_UPGRADE_LOST, "upgrade_lost" },
	{ TOOL_MOUNT_NO_DIRECTORY, "mount_no_directory" },
	{ TOOL_MOUNT_OCCUPIED, "mount_occupied" },
	{ TOOL_MOUNT_BUSY, "mount_busy" },
	{ TOOL_MOUNT_REFUSED, "mount_refused" },
	{ TOOL_NOT_MOUNTED, "not_mounted" },
	{ TOOL_VM_DEVICE, "vm_device" },
	{ TOOL_VM_DEVICE_NO_IOMMU, "vm_device_no_iommu" },
	{ TOOL_VM_DEVICE_GROUP, "vm_device_group" },
	{ TOOL_VM_DEVICE_IN_USE, "vm_device_in_use" },
	{ TOOL_VM_DEVICE_TAKEN, "vm_device_taken" },
	{ TOOL_VM_DEVICE_BIND, "vm_device_bind" },
	{ TOOL_VM_DEVICE_NOT_BACK, "vm_device_not_back" },
	{ TOOL_VM_HAS_DEVICE, "vm_has_device" },
	{ TOOL_VM_MEMLOCK, "vm_memlock" },
	{ TOOL_VM_FIXED_SIZE, "vm_fixed_size" },
	{ TOOL_VM_SIZE, "vm_size" },
	{ TOOL_VM_PAGE_SIZE, "vm_page_size" },
	{ TOOL_VM_NOT_RESIZED, "vm_not_resized" },
};

const char *code_name(int code)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].code == code)
			return names[i].name;
	return "unknown";
}
