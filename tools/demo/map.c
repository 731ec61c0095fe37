// SPDX-License-Identifier: GPL-2.0
/*
 * Use pool memory as any program can: open the pool's device and map it. Then print
 * the CPUs that the program may run on, and how the kernel maps the memory.
 *
 * usage: map DEVICE BYTES
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Print the first line of @path that contains @what. */
static void show(const char *path, const char *what)
{
	char line[512];
	FILE *f = fopen(path, "r");

	while (f && fgets(line, sizeof(line), f)) {
		if (strstr(line, what)) {
			fputs(line, stdout);
			break;
		}
	}
	if (f)
		fclose(f);
}

/* Print the sizes and the flags of this process's mapping of @path. */
static void show_mapping(const char *path)
{
	char line[512];
	int ours = 0;
	FILE *f = fopen("/proc/self/smaps", "r");

	while (f && fgets(line, sizeof(line), f)) {
		if (strstr(line, path))
			ours = 1;
		if (ours && (!strncmp(line, "Size:", 5) ||
			     !strncmp(line, "FilePmdMapped:", 14)))
			fputs(line, stdout);
		if (ours && !strncmp(line, "VmFlags:", 8))
			break;
	}
	if (f)
		fclose(f);
}

int main(int argc, char **argv)
{
	size_t bytes;
	char *mem;
	int fd;

	if (argc != 3) {
		fprintf(stderr, "usage: map DEVICE BYTES\n");
		return 2;
	}
	bytes = strtoull(argv[2], NULL, 0);
	fd = open(argv[1], O_RDWR);
	if (fd < 0) {
		perror(argv[1]);
		return 1;
	}
	mem = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (mem == MAP_FAILED) {
		perror("mmap");
		return 1;
	}
	memset(mem, 1, bytes);
	show("/proc/self/status", "Cpus_allowed_list");
	show_mapping(argv[1]);
	return 0;
}
