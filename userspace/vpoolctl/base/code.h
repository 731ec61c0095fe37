/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_BASE_CODE_H
#define VPOOLCTL_BASE_CODE_H

/**
 * enum tool_code - kinds of failure that vpoolctl finds itself
 * @TOOL_SYSTEM: a system call failed; the message has the errno's text
 * @TOOL_FILE_MISSING: a file or directory does not exist
 * @TOOL_FILE_DENIED: the caller may not use a file
 * @TOOL_USAGE: the command line is wrong
 * @TOOL_CONFIG: a configuration file has a mistake
 * @TOOL_OUTPUT_LOST: standard output could not be written
 * @TOOL_PROGRAM: the program of run cannot be started
 * @TOOL_NOTHING_CHANGED: apply changed nothing, because of the failures before
 * @TOOL_UNDONE: apply undid the changes that it had made
 * @TOOL_NOT_UNDONE: apply could not undo all changes that it had made
 * @TOOL_REPLACE_IN_USE: apply would have to replace a pool that is in use
 * @TOOL_UNDECLARED_IN_USE: apply would have to destroy an undeclared pool that is in use
 * @TOOL_CPU_WAITS: a declared CPU is offline, and the pool is made without it
 * @TOOL_SHARE_EMPTY: a share of memory is less than a page
 * @TOOL_SHRINK_TOO_FAR: the pool has less memory than resize takes away
 * @TOOL_IN_USE: the pool is in use, and --force would destroy it
 * @TOOL_CANNOT_ISOLATE: isolation needs a cpuset controller of cgroup v2
 * @TOOL_CANNOT_CONFINE: confinement needs a cpuset controller of cgroup v2
 * @TOOL_PARTITION_INVALID: the kernel does not accept the pool's cpuset partition
 * @TOOL_SYSTEMD: systemd refused a call
 * @TOOL_CGROUP_LIMITS: moving the process would end the limits of its cgroup
 * @TOOL_SLICE_OCCUPIED: a process that is not a member is in the pool's slice
 * @TOOL_SLICE_KEEPS: a process that was detached stays in the pool's slice
 * @TOOL_NOTE_DAMAGED: vpoolctl's note about a pool cannot be read or written
 * @TOOL_TASK_MISSING: no such task
 * @TOOL_TERMINAL: the terminal cannot show top
 * @TOOL_LSTOPO: lstopo cannot draw the map
 * @TOOL_VM_NAME: the name is not valid for a virtual machine
 * @TOOL_VM_MISSING: no virtual machine has this name
 * @TOOL_VM_EXISTS: a virtual machine has this name already
 * @TOOL_VM_BUSY: another vpoolctl works on the virtual machine
 * @TOOL_VM_STUCK: a migration was left halfway, and QEMU does not answer
 * @TOOL_VM_MANY_VCPUS: the virtual machine has more vCPUs than the pool has CPUs
 * @TOOL_VM_POOL_SHORT: the pool has too little free memory for the virtual machine
 * @TOOL_VM_SAME_POOL: the virtual machine is on this pool already
 * @TOOL_VM_NOT_MIGRATED: the migration failed; the virtual machine runs where it was
 * @TOOL_VM_LOST: the virtual machine does not run any more
 * @TOOL_VM_FOREIGN: the QEMU cannot be migrated by this vpoolctl
 * @TOOL_VM_FILE: a disk, kernel or initrd cannot be used
 * @TOOL_VM_NO_KVM: KVM cannot be used
 * @TOOL_VM_CONSOLE_TAKEN: another program has the console
 * @TOOL_VM_FORCED: QEMU was stopped, as the guest could not be asked to shut down
 * @TOOL_QEMU_MISSING: QEMU is not installed
 * @TOOL_QEMU_UNSUITABLE: the program is no QEMU that vpoolctl can use
 * @TOOL_QEMU_ENDED: QEMU ended while it was being started
 * @TOOL_QEMU_FAILED: QEMU refused a command or does not answer
 * @TOOL_VM_TIMEOUT: QEMU was stopped, as the guest did not shut down in time
 * @TOOL_MODULE_FILE: a file is no vpool module that this host can load
 * @TOOL_MODULE_LOAD: the module could not be loaded or unloaded
 * @TOOL_UPGRADE_IN_USE: upgrade would have to destroy a pool or module that is in use
 * @TOOL_UPGRADE_NO_FALLBACK: upgrade has no file of the loaded module to go back to
 * @TOOL_UPGRADE_UNFINISHED: an earlier upgrade did not finish
 * @TOOL_UPGRADE_FAILED: a pool is not as it was before upgrade
 * @TOOL_UPGRADE_LOST: upgrade failed and could not restore the old pools
 * @TOOL_MOUNT_NO_DIRECTORY: there is no directory to mount a pool on
 * @TOOL_MOUNT_OCCUPIED: something is mounted at the directory already
 * @TOOL_MOUNT_BUSY: unmounting would stop a process or lose a file
 * @TOOL_MOUNT_REFUSED: the kernel refused to mount the pool
 * @TOOL_NOT_MOUNTED: the directory has no filesystem of a pool, or the pool is not mounted
 * @TOOL_VM_DEVICE: a device cannot be passed to a virtual machine
 * @TOOL_VM_DEVICE_NO_IOMMU: no IOMMU is between a device and memory
 * @TOOL_VM_DEVICE_GROUP: the host uses another device of the IOMMU group
 * @TOOL_VM_DEVICE_IN_USE: the host uses a device
 * @TOOL_VM_DEVICE_TAKEN: a virtual machine or another program has a device
 * @TOOL_VM_DEVICE_BIND: a device could not be bound to vfio-pci
 * @TOOL_VM_DEVICE_NOT_BACK: a device could not be given back to its former driver
 * @TOOL_VM_HAS_DEVICE: a virtual machine with a device of the host cannot migrate
 * @TOOL_VM_MEMLOCK: the caller may not lock as much memory as a device needs
 * @TOOL_VM_FIXED_SIZE: a virtual machine was started without --max-mem
 * @TOOL_VM_SIZE: a virtual machine cannot have this size
 * @TOOL_VM_PAGE_SIZE: a virtual machine cannot return pages of the pool's size
 * @TOOL_VM_NOT_RESIZED: a guest did not take or return memory in time
 * @TOOL_CDI_NAME: container engines do not accept the name of the pool
 * @TOOL_CONTAINER_STATE: the hook was not given the state of a container
 * @TOOL_CONTAINER_CGROUP: a container has no cgroup with a cpuset that only it uses
 * @TOOL_CONTAINER_CPUS: the cgroup of a container has CPUs outside the pool
 * @TOOL_CONTAINER_SLICE: a container is outside the slice of an isolated pool
 * @TOOL_HOST_UNREACHABLE: ssh cannot connect to another host
 * @TOOL_HOST_NO_TOOL: a host of --hosts has no vpoolctl
 * @TOOL_HOST_ANSWER: the output of vpoolctl on another host cannot be used
 * @TOOL_HOST_SILENT: another host does not answer
 * @TOOL_HOST_VERSION: another host has no vpoolctl or module, or one of another version
 * @TOOL_VM_UNSURE: another host may have the virtual machine
 * @TOOL_NO_SYSTEMD: systemd does not manage the cgroups of this host
 * @TOOL_SYSTEMD_PROPERTY: systemd refused the properties of a scope
 * @TOOL_UNIT_NAME: the name of a unit has a dash of a pool's name, not \\x2d
 * @TOOL_UNIT_ISOLATED: a unit of a user cannot be in the slice of an isolated pool
 * @TOOL_IMPORT: a file of the host cannot be imported
 * @TOOL_VM_DEFINED: a virtual machine with this name is defined already
 * @TOOL_VM_NOT_DEFINED: no virtual machine with this name is defined
 * @TOOL_VM_EDITED: the definition of a virtual machine is or was edited by another
 * @TOOL_VM_LOG: the log of a virtual machine cannot be written
 * @TOOL_VM_USER: QEMU cannot run as this user
 * @TOOL_VM_USER_FILE: the user that QEMU runs as cannot open a file
 * @TOOL_VM_AS_ROOT: QEMU runs as root, because there is no user for it
 * @TOOL_VM_SCOPE: a virtual machine cannot have a scope with properties here
 * @TOOL_VM_DISK_IN_USE: another machine or program uses a disk
 * @TOOL_VM_NETWORK: a network interface or bridge cannot be used
 * @TOOL_VM_PROGRAM: a program or firmware that a virtual machine needs is not installed
 * @TOOL_VM_STATE: the state of a virtual machine cannot be kept
 * @TOOL_VM_FIXED: a part of a virtual machine prevents this migration
 * @TOOL_HEAP_LIBRARY: the library of run --heap cannot be preloaded
 * @TOOL_HEAP_MALLOC: run --heap-malloc has no malloc to preload
 * @TOOL_TEMPLATE_EXISTS: a template with this name exists
 * @TOOL_TEMPLATE_MISSING: there is no template with this name
 * @TOOL_TEMPLATE_DAMAGED: the files of a template are damaged
 * @TOOL_TEMPLATE_OTHER: a template does not fit the options, the QEMU or the CPU
 * @TOOL_TEMPLATE_MACHINE: a virtual machine cannot become a template
 * @TOOL_TEMPLATE_DISK: a disk of a template was changed
 * @TOOL_TEMPLATE_NOT_SAVED: a template was not saved; the machine continues
 * @TOOL_TEMPLATE_ACCESS: others can write to a template
 * @TOOL_VM_CONFINE: QEMU cannot have an AppArmor profile or an SELinux context
 * @TOOL_VM_UNCONFINED: QEMU runs without an AppArmor profile, which this host cannot give it
 * @NR_TOOL_END: one more than the last code
 *
 * Values start at 2000, so that none is an enum vpool_code or enum vpool_lib_code. A
 * value is never given another meaning; new values are added at the end.
 */
enum tool_code {
	TOOL_SYSTEM = 2000,
	TOOL_FILE_MISSING = 2001,
	TOOL_FILE_DENIED = 2002,
	TOOL_USAGE = 2003,
	TOOL_CONFIG = 2004,
	TOOL_OUTPUT_LOST = 2005,
	TOOL_PROGRAM = 2006,
	TOOL_NOTHING_CHANGED = 2007,
	TOOL_UNDONE = 2008,
	TOOL_NOT_UNDONE = 2009,
	TOOL_REPLACE_IN_USE = 2010,
	TOOL_UNDECLARED_IN_USE = 2011,
	TOOL_CPU_WAITS = 2012,
	TOOL_SHARE_EMPTY = 2013,
	TOOL_SHRINK_TOO_FAR = 2014,
	TOOL_IN_USE = 2015,
	TOOL_CANNOT_ISOLATE = 2016,
	TOOL_CANNOT_CONFINE = 2017,
	TOOL_PARTITION_INVALID = 2018,
	TOOL_SYSTEMD = 2019,
	TOOL_CGROUP_LIMITS = 2020,
	TOOL_SLICE_OCCUPIED = 2021,
	TOOL_SLICE_KEEPS = 2022,
	TOOL_NOTE_DAMAGED = 2023,
	TOOL_TASK_MISSING = 2024,
	TOOL_TERMINAL = 2025,
	TOOL_LSTOPO = 2026,
	TOOL_VM_NAME = 2027,
	TOOL_VM_MISSING = 2028,
	TOOL_VM_EXISTS = 2029,
	TOOL_VM_BUSY = 2030,
	TOOL_VM_STUCK = 2031,
	TOOL_VM_MANY_VCPUS = 2032,
	TOOL_VM_POOL_SHORT = 2033,
	TOOL_VM_SAME_POOL = 2034,
	TOOL_VM_NOT_MIGRATED = 2035,
	TOOL_VM_LOST = 2036,
	TOOL_VM_FOREIGN = 2037,
	TOOL_VM_FILE = 2038,
	TOOL_VM_NO_KVM = 2039,
	TOOL_VM_CONSOLE_TAKEN = 2040,
	TOOL_VM_FORCED = 2041,
	TOOL_QEMU_MISSING = 2042,
	TOOL_QEMU_UNSUITABLE = 2043,
	TOOL_QEMU_ENDED = 2044,
	TOOL_QEMU_FAILED = 2045,
	TOOL_VM_TIMEOUT = 2046,
	TOOL_MODULE_FILE = 2047,
	TOOL_MODULE_LOAD = 2048,
	TOOL_UPGRADE_IN_USE = 2049,
	TOOL_UPGRADE_NO_FALLBACK = 2050,
	TOOL_UPGRADE_UNFINISHED = 2051,
	TOOL_UPGRADE_FAILED = 2052,
	TOOL_UPGRADE_LOST = 2053,
	TOOL_MOUNT_NO_DIRECTORY = 2054,
	TOOL_MOUNT_OCCUPIED = 2055,
	TOOL_MOUNT_BUSY = 2056,
	TOOL_MOUNT_REFUSED = 2057,
	TOOL_NOT_MOUNTED = 2058,
	TOOL_VM_DEVICE = 2059,
	TOOL_VM_DEVICE_NO_IOMMU = 2060,
	TOOL_VM_DEVICE_GROUP = 2061,
	TOOL_VM_DEVICE_IN_USE = 2062,
	TOOL_VM_DEVICE_TAKEN = 2063,
	TOOL_VM_DEVICE_BIND = 2064,
	TOOL_VM_DEVICE_NOT_BACK = 2065,
	TOOL_VM_HAS_DEVICE = 2066,
	TOOL_VM_MEMLOCK = 2067,
	TOOL_VM_FIXED_SIZE = 2068,
	TOOL_VM_SIZE = 2069,
	TOOL_VM_PAGE_SIZE = 2070,
	TOOL_VM_NOT_RESIZED = 2071,
	TOOL_CDI_NAME = 2072,
	TOOL_CONTAINER_STATE = 2073,
	TOOL_CONTAINER_CGROUP = 2074,
	TOOL_CONTAINER_CPUS = 2075,
	TOOL_CONTAINER_SLICE = 2076,
	TOOL_HOST_UNREACHABLE = 2077,
	TOOL_HOST_NO_TOOL = 2078,
	TOOL_HOST_ANSWER = 2079,
	TOOL_HOST_SILENT = 2080,
	TOOL_HOST_VERSION = 2081,
	TOOL_VM_UNSURE = 2082,
	TOOL_NO_SYSTEMD = 2083,
	TOOL_SYSTEMD_PROPERTY = 2084,
	TOOL_UNIT_NAME = 2085,
	TOOL_UNIT_ISOLATED = 2086,
	TOOL_IMPORT = 2087,
	TOOL_VM_DEFINED = 2088,
	TOOL_VM_NOT_DEFINED = 2089,
	TOOL_VM_EDITED = 2090,
	TOOL_VM_LOG = 2091,
	TOOL_VM_USER = 2092,
	TOOL_VM_USER_FILE = 2093,
	TOOL_VM_AS_ROOT = 2094,
	TOOL_VM_SCOPE = 2095,
	TOOL_VM_DISK_IN_USE = 2100,
	TOOL_VM_NETWORK = 2101,
	TOOL_VM_PROGRAM = 2102,
	TOOL_VM_STATE = 2103,
	TOOL_VM_FIXED = 2104,
	TOOL_HEAP_LIBRARY = 2120,
	TOOL_HEAP_MALLOC = 2121,
	TOOL_TEMPLATE_EXISTS = 2150,
	TOOL_TEMPLATE_MISSING = 2151,
	TOOL_TEMPLATE_DAMAGED = 2152,
	TOOL_TEMPLATE_OTHER = 2153,
	TOOL_TEMPLATE_MACHINE = 2154,
	TOOL_TEMPLATE_DISK = 2155,
	TOOL_TEMPLATE_NOT_SAVED = 2156,
	TOOL_TEMPLATE_ACCESS = 2157,
	TOOL_VM_CONFINE = 2160,
	TOOL_VM_UNCONFINED = 2161,
	NR_TOOL_END,
};

/* Return the code for a system call that failed with @err, a positive errno. */
int errno_code(int err);

/*
 * Return the name of a code of vpoolctl, libvpool or the module in lower case, such as
 * "pool_exists" for VPOOL_CODE_POOL_EXISTS; "unknown" for any other number.
 */
const char *code_name(int code);

#endif /* VPOOLCTL_BASE_CODE_H */
