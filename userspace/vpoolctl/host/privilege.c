// SPDX-License-Identifier: GPL-2.0-only
/*
 * Check for privilege over the host.
 */
#include <linux/capability.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/privilege.h"

/* Inode of the initial user namespace, which is part of the kernel ABI. */
#define INITIAL_USER_NS 0xeffffffdU

/* A kernel without user namespaces has no such file: then this is the initial one. */
static bool in_initial_namespace(void)
{
	struct stat st;

	return stat("/proc/self/ns/user", &st) || st.st_ino == INITIAL_USER_NS;
}

static bool is_capable(unsigned int capability)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (syscall(SYS_capget, &header, data))
		return false;
	return data[CAP_TO_INDEX(capability)].effective &
	       CAP_TO_MASK(capability);
}

bool may_change_host(void)
{
	return is_capable(CAP_SYS_ADMIN) && in_initial_namespace();
}

bool may_lock_memory(void)
{
	return is_capable(CAP_IPC_LOCK) && in_initial_namespace();
}
