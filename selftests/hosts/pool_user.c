// SPDX-License-Identifier: GPL-2.0
/*
 * The program of a container in a test: map memory of the pool that VPOOL_DEVICE names, and
 * write to it, as the process and as its child. Then run until a signal.
 *
 * usage: pool_user MIB
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	const char *device = getenv("VPOOL_DEVICE");
	size_t size = argc > 1 ? strtoul(argv[1], NULL, 10) << 20 : 0;
	void *memory;
	int fd;

	if (!device || !size) {
		fprintf(stderr, "usage: VPOOL_DEVICE=FILE pool_user MIB\n");
		return 2;
	}
	fd = open(device, O_RDWR);
	if (fd < 0) {
		perror(device);
		return 1;
	}
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED) {
		perror("mmap");
		return 1;
	}
	memset(memory, fork() ? 1 : 2, size);
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}
