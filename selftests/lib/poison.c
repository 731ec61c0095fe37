// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "file.h"
#include "memory.h"
#include "poison.h"

#define INJECT "/sys/kernel/debug/hwpoison/corrupt-pfn"

/* Check whether memory errors can be injected. */
bool vp_can_poison(void)
{
	if (access(INJECT, W_OK))
		system("modprobe -q hwpoison-inject");
	return !access(INJECT, W_OK);
}

int vp_poison(__u64 pfn)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)pfn);
	return vp_write_file(INJECT, text);
}

/* Return the number of the page at @addr, as pagemap shows it. */
__u64 vp_pfn(const void *addr)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	__u64 entry = 0;

	pread(fd, &entry, sizeof(entry), (uintptr_t)addr / BASE * 8);
	close(fd);
	return entry & ((1ULL << 55) - 1);
}

/*
 * Return the code of the SIGBUS that a read raises, and its address if @where is not
 * NULL. Return 0 if the read succeeds, -1 if it raises another signal.
 */
int vp_bus_code(void *addr, char **where)
{
	siginfo_t info;
	int sig = vp_touch_info(addr, false, &info);

	if (!sig)
		return 0;
	if (where)
		*where = info.si_addr;
	return sig == SIGBUS ? info.si_code : -1;
}
