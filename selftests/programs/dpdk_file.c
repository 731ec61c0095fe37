// SPDX-License-Identifier: GPL-2.0
/*
 * Register a file as external memory of DPDK, take packet buffers from it, send them
 * through a virtual device, and check what arrives.
 *
 * usage: dpdk_file EAL-OPTION... -- FILE MIB
 *
 * The EAL options must create one device that returns what it sends, such as net_ring.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <rte_config.h>
/* The headers of libbsd are not needed. */
#undef RTE_USE_LIBBSD
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>

#define HEAP "file"
#define PACKETS 100000
#define BURST 32
#define BYTES 1500

static char *memory;
static size_t size;

static void fail(const char *what)
{
	fprintf(stderr, "dpdk_file: %s: %s\n", what, rte_strerror(rte_errno));
	exit(1);
}

/* Make the file a heap of DPDK, which has a socket of its own. Return the socket. */
static int add_file(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT, 0600);
	struct stat stat;

	if (fd < 0 || ftruncate(fd, size) || fstat(fd, &stat)) {
		perror(path);
		exit(1);
	}
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (memory == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
	if (rte_malloc_heap_create(HEAP))
		fail("rte_malloc_heap_create");
	if (rte_malloc_heap_memory_add(HEAP, memory, size, NULL, 0,
				       stat.st_blksize))
		fail("rte_malloc_heap_memory_add");
	return rte_malloc_heap_get_socket(HEAP);
}

static void start_port(struct rte_mempool *pool, int socket)
{
	struct rte_eth_conf conf = {};

	if (rte_eth_dev_configure(0, 1, 1, &conf) ||
	    rte_eth_rx_queue_setup(0, 0, 512, socket, NULL, pool) ||
	    rte_eth_tx_queue_setup(0, 0, 512, socket, NULL) ||
	    rte_eth_dev_start(0))
		fail("cannot start port 0");
}

static int in_file(const void *p)
{
	return (const char *)p >= memory && (const char *)p < memory + size;
}

static void fill(struct rte_mbuf *packet, unsigned int nr)
{
	char *data = rte_pktmbuf_append(packet, BYTES);

	if (!data || !in_file(packet) || !in_file(data))
		fail("a buffer is not in the file");
	memset(data, nr, BYTES);
	memcpy(data, &nr, sizeof(nr));
}

static void check(struct rte_mbuf *packet, unsigned int nr)
{
	char wanted[BYTES];

	memset(wanted, nr, BYTES);
	memcpy(wanted, &nr, sizeof(nr));
	if (packet->pkt_len != BYTES ||
	    memcmp(rte_pktmbuf_mtod(packet, char *), wanted, BYTES))
		fail("a packet has wrong data");
	rte_pktmbuf_free(packet);
}

/* Send a burst and receive it. Return the number of packets. */
static unsigned int run_burst(struct rte_mempool *pool, unsigned int first)
{
	struct rte_mbuf *packets[BURST];
	unsigned int i, sent, got;

	if (rte_pktmbuf_alloc_bulk(pool, packets, BURST))
		fail("no packet buffers");
	for (i = 0; i < BURST; i++)
		fill(packets[i], first + i);
	sent = rte_eth_tx_burst(0, 0, packets, BURST);
	got = rte_eth_rx_burst(0, 0, packets, BURST);
	if (sent != BURST || got != BURST)
		fail("packets are lost");
	for (i = 0; i < BURST; i++)
		check(packets[i], first + i);
	return BURST;
}

int main(int argc, char **argv)
{
	int used = rte_eal_init(argc, argv), socket;
	struct rte_mempool *pool;
	unsigned int nr = 0;

	if (used < 0)
		fail("rte_eal_init");
	if (argc - used != 3) {
		fprintf(stderr, "usage: dpdk_file EAL-OPTION... -- FILE MIB\n");
		return 1;
	}
	size = strtoul(argv[used + 2], NULL, 10) << 20;
	socket = add_file(argv[used + 1]);
	pool = rte_pktmbuf_pool_create("packets", 1024, BURST, 0,
				       RTE_MBUF_DEFAULT_BUF_SIZE, socket);
	if (!pool)
		fail("rte_pktmbuf_pool_create");
	start_port(pool, socket);
	while (nr < PACKETS)
		nr += run_burst(pool, nr);
	printf("%u packets of %d bytes through the file\n", nr, BYTES);
	rte_eth_dev_stop(0);
	rte_eth_dev_close(0);
	rte_mempool_free(pool);
	if (rte_malloc_heap_memory_remove(HEAP, memory, size))
		fail("rte_malloc_heap_memory_remove");
	return rte_eal_cleanup();
}
