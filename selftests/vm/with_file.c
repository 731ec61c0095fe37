// SPDX-License-Identifier: GPL-2.0
/*
 * Run a command that inherits a new file of a pool, which has no name, as descriptor 9.
 *
 * usage: with_file DEVICE COMMAND...
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/vpool.h>

#define DESCRIPTOR 9

int main(int argc, char **argv)
{
	struct vpool_file call = { .size = sizeof(call) };
	int pool;

	if (argc < 3) {
		fprintf(stderr, "usage: with_file DEVICE COMMAND...\n");
		return 1;
	}
	pool = open(argv[1], O_RDWR | O_CLOEXEC);
	if (pool < 0 || ioctl(pool, VPOOL_FILE, &call) ||
	    dup2(call.out_fd, DESCRIPTOR) < 0) {
		perror(argv[1]);
		return 1;
	}
	if (call.out_fd != DESCRIPTOR)
		close(call.out_fd);
	execvp(argv[2], argv + 2);
	perror(argv[2]);
	return 1;
}
