// SPDX-License-Identifier: GPL-2.0
/*
 * A task of a job: map memory of the pool of its step, write it, and check again and again
 * that it has the same contents. Print a line with the host and the CPUs of the task when
 * the memory is written. End with status 0 if the contents are right.
 *
 * usage: pool_task MIB SECONDS
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <linux/types.h>

static void write_all(__u64 *memory, size_t nr, __u64 seed)
{
	size_t i;

	for (i = 0; i < nr; i++)
		memory[i] = seed + i;
}

static int is_right(const __u64 *memory, size_t nr, __u64 seed)
{
	size_t i;

	for (i = 0; i < nr; i++)
		if (memory[i] != seed + i)
			return 0;
	return 1;
}

static void report(const char *pool)
{
	char host[64] = "";
	cpu_set_t cpus;
	int cpu;

	sched_getaffinity(0, sizeof(cpus), &cpus);
	gethostname(host, sizeof(host) - 1);
	printf("ready %s pid %d on %s cpus", pool, getpid(), host);
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &cpus))
			printf(" %d", cpu);
	printf("\n");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	const char *device = getenv("VPOOL_DEVICE"), *pool = getenv("VPOOL_POOL");
	__u64 *memory, seed = getpid();
	size_t bytes, nr;
	time_t end;
	int fd;

	if (argc != 3 || !device || !pool) {
		fprintf(stderr, "usage: pool_task MIB SECONDS, in a step with a pool\n");
		return 2;
	}
	bytes = strtoul(argv[1], NULL, 10) << 20;
	nr = bytes / sizeof(*memory);
	end = time(NULL) + strtol(argv[2], NULL, 10);
	fd = open(device, O_RDWR | O_CLOEXEC);
	memory = fd < 0 ? MAP_FAILED : mmap(NULL, bytes, PROT_READ | PROT_WRITE,
					    MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED) {
		perror(device);
		return 3;
	}
	write_all(memory, nr, seed);
	report(pool);
	do {
		if (!is_right(memory, nr, seed)) {
			fprintf(stderr, "%s: the memory has wrong contents\n", pool);
			return 4;
		}
		usleep(100000);
	} while (time(NULL) < end);
	return 0;
}
