// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "host.h"
#include "memory.h"

/* Return word @i of the pattern of @seed. All words of all patterns differ. */
static __u64 vp_word(__u64 seed, size_t i)
{
	return seed * 0x9e3779b97f4a7c15ULL + (__u64)i * 0xbf58476d1ce4e5b9ULL +
	       1;
}

void vp_fill(void *addr, size_t bytes, __u64 seed)
{
	__u64 *word = addr;
	size_t i;

	for (i = 0; i < bytes / sizeof(*word); i++)
		word[i] = vp_word(seed, i);
}

bool vp_is_filled(const void *addr, size_t bytes, __u64 seed)
{
	const __u64 *word = addr;
	size_t i;

	for (i = 0; i < bytes / sizeof(*word); i++)
		if (word[i] != vp_word(seed, i))
			return false;
	return true;
}

bool vp_is_zero(const void *addr, size_t bytes)
{
	const __u64 *word = addr;
	size_t i;

	for (i = 0; i < bytes / sizeof(*word); i++)
		if (word[i])
			return false;
	return true;
}

static __thread sigjmp_buf vp_fault_env;
static __thread siginfo_t vp_fault_info;

static void vp_fault(int sig, siginfo_t *info, void *context)
{
	vp_fault_info = *info;
	siglongjmp(vp_fault_env, sig);
}

static void vp_access(char *byte, bool write)
{
	char value = __atomic_load_n(byte, __ATOMIC_RELAXED);

	if (write)
		__atomic_store_n(byte, value, __ATOMIC_RELAXED);
}

/*
 * Read a byte and, if @write, write it back. Return the signal this raises, and set @info
 * to its details, or return 0.
 */
int vp_touch_info(void *addr, bool write, siginfo_t *info)
{
	struct sigaction act = {
		.sa_sigaction = vp_fault, .sa_flags = SA_SIGINFO,
	};
	struct sigaction old_bus, old_segv;
	int sig;

	sigaction(SIGBUS, &act, &old_bus);
	sigaction(SIGSEGV, &act, &old_segv);
	sig = sigsetjmp(vp_fault_env, 1);
	if (sig)
		*info = vp_fault_info;
	else
		vp_access(addr, write);
	sigaction(SIGBUS, &old_bus, NULL);
	sigaction(SIGSEGV, &old_segv, NULL);
	return sig;
}

/* Read a byte and, if @write, write it back. Return the signal this raises, or 0. */
int vp_touch(void *addr, bool write)
{
	siginfo_t info;

	return vp_touch_info(addr, write, &info);
}

/* Return the default page size of a pool, which the module knows, or the base page. */
__u64 vp_page_size(bool huge)
{
	static __u64 size;
	char text[32];

	if (!huge)
		return sysconf(_SC_PAGESIZE);
	if (!size) {
		if (vp_read_file("/sys/kernel/vpool/default_page_size", text,
				 sizeof(text)))
			return VP_NONE;
		size = strtoull(text, NULL, 10);
	}
	return size;
}

/* Return a field of /proc/meminfo in bytes, or VP_NONE. */
__u64 vp_meminfo(const char *field)
{
	char text[64];

	if (vp_read_field("/proc/meminfo", field, text, sizeof(text)))
		return VP_NONE;
	return strtoull(text, NULL, 10) * KIB;
}

/* Return a field of a NUMA node's meminfo in bytes, or VP_NONE. */
__u64 vp_node_meminfo(int node, const char *field)
{
	char path[64], line[32], text[64];

	snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/meminfo",
		 node);
	snprintf(line, sizeof(line), "Node %d %s", node, field);
	if (vp_read_field(path, line, text, sizeof(text)))
		return VP_NONE;
	return strtoull(text, NULL, 10) * KIB;
}

/*
 * Return the free bytes of the host. MemFree does not count the per-CPU page lists,
 * which may hold many huge pages that a pool has just freed.
 */
__u64 vp_host_free(void)
{
	FILE *file = fopen("/proc/zoneinfo", "re");
	unsigned long long count, pages = 0;
	char line[256];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, " count: %llu", &count) == 1)
			pages += count;
	if (file)
		fclose(file);
	return vp_meminfo("MemFree") + pages * sysconf(_SC_PAGESIZE);
}

/* Wait until the host has @bytes free. Pages may be freed after a grace period. */
bool vp_wait_host_free(__u64 bytes)
{
	__u64 end = vp_now_ms() + VP_WAIT_MS;

	while (vp_host_free() < bytes) {
		if (vp_now_ms() > end) {
			fprintf(stderr, "# the host has %llu of %llu MiB free\n",
				vp_host_free() / MIB, bytes / MIB);
			return false;
		}
		vp_sleep_ms(100);
		vp_write_file("/proc/sys/vm/drop_caches", "3");
	}
	return true;
}

static bool smaps_head_has(const char *line, unsigned long addr)
{
	unsigned long start, end;

	return sscanf(line, "%lx-%lx ", &start, &end) == 2 &&
	       start <= addr && addr < end;
}

static bool smaps_is_head(const char *line)
{
	unsigned long start, end;

	return sscanf(line, "%lx-%lx ", &start, &end) == 2;
}

/* Read a field of the mapping that contains @addr, in bytes. */
int vp_smaps(const void *addr, const char *field, __u64 *bytes)
{
	FILE *file = fopen("/proc/self/smaps", "re");
	size_t len = strlen(field);
	bool inside = false;
	char line[512];
	int err = -ENOENT;

	if (!file)
		return -errno;
	while (fgets(line, sizeof(line), file)) {
		if (smaps_is_head(line))
			inside = smaps_head_has(line, (unsigned long)addr);
		if (!inside || strncmp(line, field, len) || line[len] != ':')
			continue;
		*bytes = strtoull(line + len + 1, NULL, 10) * KIB;
		err = 0;
		break;
	}
	fclose(file);
	return err;
}

/* Return the resident set size of this process in bytes, or VP_NONE. */
__u64 vp_resident(void)
{
	char text[64];

	if (vp_read_field("/proc/self/status", "VmRSS", text, sizeof(text)))
		return VP_NONE;
	return strtoull(text, NULL, 10) * KIB;
}
