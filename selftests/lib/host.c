// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "file.h"
#include "host.h"

#define NSEC_PER_MSEC 1000000L
/* Maximum number of attempts to bring a CPU online that does not respond in time. */
#define ONLINE_TRIES 3
/* The exit status that kselftest counts as a skipped program. */
#define STATUS_SKIP 4

/*
 * Skip the whole program, before main(), if it cannot run here. A skip of each
 * test would let the program exit 0.
 */
static void __attribute__((constructor)) vp_require_module(void)
{
	const char *reason = NULL;

	if (access(VP_CONTROL, F_OK))
		reason = "vpool is not loaded";
	else if (geteuid())
		reason = "needs root";
	if (!reason)
		return;
	printf("TAP version 13\n1..0 # SKIP %s\n", reason);
	exit(STATUS_SKIP);
}

/* Load the module from the file that VPOOL_KO names. */
int vp_load(void)
{
	const char *file = getenv("VPOOL_KO");
	int fd = open(file ?: "", O_RDONLY | O_CLOEXEC);
	int err;

	if (fd < 0)
		return -errno;
	err = syscall(SYS_finit_module, fd, "", 0) ? -errno : 0;
	close(fd);
	return err;
}

int vp_unload(void)
{
	return syscall(SYS_delete_module, "vpool", O_NONBLOCK) ? -errno : 0;
}

/* Unload the module. Its last reference is dropped shortly after the last close. */
int vp_unload_wait(unsigned int seconds)
{
	__u64 end = vp_now_ms() + seconds * 1000ULL;
	int err;

	while ((err = vp_unload()) == -EWOULDBLOCK && vp_now_ms() < end)
		vp_sleep_ms(5);
	return err;
}

/* Parse a CPU list such as "0-2,5". */
void vp_parse_cpus(const char *list, cpu_set_t *set)
{
	unsigned long first, last;
	char *end;

	CPU_ZERO(set);
	while (*list >= '0' && *list <= '9') {
		first = strtoul(list, &end, 10);
		last = first;
		if (*end == '-')
			last = strtoul(end + 1, &end, 10);
		for (; first <= last; first++)
			CPU_SET(first, set);
		list = *end == ',' ? end + 1 : end;
	}
}

int vp_set_online(int cpu, bool online)
{
	char path[64];
	int err, i = 0;

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/online",
		 cpu);
	do {
		err = vp_write_file(path, online ? "1" : "0");
	} while (err == -EIO && online && ++i < ONLINE_TRIES);
	return err;
}

int vp_online_cpus(void)
{
	return sysconf(_SC_NPROCESSORS_ONLN);
}

/* Set @core to the threads of @cpu's core. Return false if there is no such CPU. */
bool vp_core_of(int cpu, cpu_set_t *core)
{
	char path[128], list[256];

	snprintf(path, sizeof(path),
		 "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list",
		 cpu);
	if (vp_read_file(path, list, sizeof(list)))
		return false;
	vp_parse_cpus(list, core);
	return true;
}

/* Return what this host lacks for tests that use CPUs 0 to 3 by number, or NULL. */
const char *vp_lacks_cpus(void)
{
	cpu_set_t core;
	int cpu;

	for (cpu = 0; cpu < 4; cpu++)
		if (!vp_core_of(cpu, &core))
			return "needs CPUs 0 to 3";
	for (cpu = 0; cpu < 4; cpu++)
		if (vp_core_of(cpu, &core) && CPU_COUNT(&core) > 1)
			return "needs cores of one thread each";
	return NULL;
}

bool vp_has_node(int node)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/devices/system/node/node%d", node);
	return !access(path, F_OK);
}

static bool vp_kernel_is(const char *name)
{
	const char *kernel = getenv("VPOOL_KERNEL");

	return kernel && !strcmp(kernel, name);
}

/* Check whether this is a debug kernel, which is slow: debug, debug-7.3 or kcsan. */
bool vp_is_debug(void)
{
	const char *kernel = getenv("VPOOL_KERNEL");

	return kernel && (!strncmp(kernel, "debug", 5) || !strcmp(kernel, "kcsan"));
}

/*
 * Scale a number of iterations to the kernel: a tenth on the debug kernel, which is ten
 * times slower, a quarter on 6.1 unless VPOOL_LONG is set, all of them elsewhere.
 */
int vp_scale(int iterations)
{
	if (vp_is_debug())
		return iterations / 10;
	return vp_kernel_is("6.1") && !getenv("VPOOL_LONG") ? iterations / 4 : iterations;
}

/* Return the number in an environment variable, or @number if it is not set. */
int vp_env_number(const char *name, int number)
{
	const char *value = getenv(name);

	return value ? atoi(value) : number;
}

/* Return the number of children in a fork storm: VPOOL_STORM or a short run. */
int vp_storm_children(void)
{
	return vp_env_number("VPOOL_STORM", vp_scale(1600));
}

void vp_sleep_ms(unsigned int ms)
{
	struct timespec ts = {
		.tv_sec = ms / 1000,
		.tv_nsec = ms % 1000 * NSEC_PER_MSEC,
	};

	while (nanosleep(&ts, &ts) && errno == EINTR)
		;
}

__u64 vp_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ULL + ts.tv_nsec / NSEC_PER_MSEC;
}
