// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Run on the CPUs of a pool, with memory that the pool guarantees.
 *
 *	cc $(pkg-config --cflags libvpool) memory.c $(pkg-config --libs libvpool)
 */
#include <libvpool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define BYTES (4UL << 20)

/* Print the CPUs and the free memory of the pool. */
static int show(struct vpool *vp)
{
	struct vpool_info *info;
	char *cpus;
	int err;

	err = vpool_query(vp, NULL, &info);
	if (err)
		return err;
	cpus = vpool_cpus_format(&info->cpus);
	printf("%s: CPUs %s, %llu of %llu bytes are free\n", info->name,
	       cpus && *cpus ? cpus : "none",
	       (unsigned long long)info->free_bytes,
	       (unsigned long long)info->total_bytes);
	free(cpus);
	vpool_info_free(info);
	return 0;
}

static int use(struct vpool *vp)
{
	void *memory;
	int err;

	/* From now on, this process and its children run on the pool's CPUs. */
	err = vpool_attach(vp, VPOOL_SELF, VPOOL_ATTACH_PROCESS);
	if (err)
		return err;
	/* The call either commits all BYTES, or fails and commits nothing. */
	err = vpool_map(vp, 0, BYTES, &memory);
	if (err)
		return err;
	memset(memory, 1, BYTES);
	err = show(vp);
	munmap(memory, BYTES);
	return err;
}

int main(int argc, char **argv)
{
	struct vpool *vp;
	int err;

	if (argc != 2) {
		fprintf(stderr, "usage: %s POOL\n", argv[0]);
		return 2;
	}
	err = vpool_open(argv[1], &vp);
	if (!err)
		err = use(vp);
	if (err)
		fprintf(stderr, "%s: %s\n", argv[1], vpool_reason(vp));
	vpool_close(vp);
	return err ? 1 : 0;
}
