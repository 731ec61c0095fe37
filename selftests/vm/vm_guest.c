// SPDX-License-Identifier: GPL-2.0
/*
 * The only program in the guest of a test, started as init. It continuously writes
 * memory and checks what it wrote before. It prints each iteration and the first bytes
 * of its disk on the console, and shuts down when the power button is pressed.
 *
 * Environment variables come from the kernel command line: MB is the amount of memory in
 * MiB. With ELASTIC, the amount follows the memory that the guest has. With NVME, the
 * guest has an NVMe disk: it reads the number at the start of it, and writes to the rest.
 * With ANSWER, an IPv4 address, the guest answers on TCP port 7 with its last iteration.
 * With WRITE, it continuously writes to its disk and checks what it wrote before. With
 * EVERY, it reports every so many milliseconds, and at once that it runs.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/input.h>
#include <net/if.h>
#include <net/route.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096
/* Default interval between two reports. */
#define REPORT_MS 500
#define MAX_BUTTONS 8
#define NVME "/dev/nvme0n1"
/* What the guest writes to the NVMe disk: bytes, offset and pattern. */
#define NVME_BYTES 0x400000UL
#define NVME_OFFSET 0x100000UL
#define NVME_PATTERN 7
/* With ELASTIC: what is left to the kernel, the minimum and the maximum of the rest. */
#define ELASTIC_KERNEL (80UL << 20)
#define ELASTIC_MIN (8UL << 20)
#define ELASTIC_MAX (1024UL << 20)
/* Part of the rest that the program uses. */
#define ELASTIC_PART 5
/* An ethertype for local experiments. */
#define PACKET_TYPE 0x88b5
#define PACKET_BYTES 1000
#define PACKETS 200
/* The port on which the guest answers. */
#define ANSWER_PORT 7
/* With WRITE: the blocks of the disk that are written, and the first of them. */
#define DISK "/dev/vda"
#define DISK_BLOCKS 64
#define DISK_FIRST 256

static __u64 *mem;
/* Words that each iteration writes, and those that the last one has written. */
static size_t words, written;
static int buttons[MAX_BUTTONS + 1];
static int nr_buttons;

static void report(const char *what, unsigned long iteration)
{
	char line[80];
	int len;

	len = snprintf(line, sizeof(line), "guest: %s %lu\n", what, iteration);
	if (write(STDOUT_FILENO, line, len) != len)
		sync();
}

static long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Load the modules /0.ko, /1.ko and so on, in this order. */
static void load_modules(void)
{
	char path[16];
	int i, fd;

	for (i = 0;; i++) {
		snprintf(path, sizeof(path), "/%d.ko", i);
		fd = open(path, O_RDONLY);
		if (fd < 0)
			break;
		syscall(SYS_finit_module, fd, "", 0);
		close(fd);
	}
}

/* Open all input devices: one of them is the button. */
static void open_buttons(void)
{
	char path[32];
	int i, tries;

	for (tries = 0; tries < 20 && !nr_buttons; tries++) {
		usleep(100000);
		for (i = 0; i < MAX_BUTTONS; i++) {
			snprintf(path, sizeof(path), "/dev/input/event%d", i);
			buttons[nr_buttons] = open(path, O_RDONLY | O_NONBLOCK);
			if (buttons[nr_buttons] >= 0)
				nr_buttons++;
		}
	}
	report("devices with keys:", nr_buttons);
}

static void poll_buttons(void)
{
	struct input_event event;
	int i;

	for (i = 0; i < nr_buttons; i++) {
		while (read(buttons[i], &event, sizeof(event)) ==
		       sizeof(event)) {
			if (event.type != EV_KEY || event.code != KEY_POWER)
				continue;
			report("power off", 0);
			reboot(RB_POWER_OFF);
		}
	}
}

/* Print the number at the start of a disk, if there is a disk. */
static void read_disk(const char *path)
{
	char text[32] = "";
	int fd = open(path, O_RDONLY);

	if (fd < 0)
		return;
	if (read(fd, text, sizeof(text) - 1) > 0)
		report("disk", strtoul(text, NULL, 10));
	close(fd);
}

/* Open the network card, and enable it. Return a negative number if there is none. */
static int open_network(struct ifreq *card)
{
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(PACKET_TYPE),
	};
	struct timeval timeout = { .tv_sec = 1 };
	int sock;

	addr.sll_ifindex = if_nametoindex(card->ifr_name);
	if (!addr.sll_ifindex)
		return -1;
	sock = socket(AF_PACKET, SOCK_RAW, htons(PACKET_TYPE));
	card->ifr_flags = IFF_UP | IFF_PROMISC;
	if (sock < 0 || ioctl(sock, SIOCSIFFLAGS, card) ||
	    ioctl(sock, SIOCGIFHWADDR, card) ||
	    bind(sock, (struct sockaddr *)&addr, sizeof(addr)) ||
	    setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &timeout,
		       sizeof(timeout)))
		return -1;
	return sock;
}

/* Receive the echo of a packet, which is not one that this host has sent. */
static int has_echo(int sock, const unsigned char *packet)
{
	unsigned char echo[PACKET_BYTES];
	struct sockaddr_ll from;
	socklen_t len;
	ssize_t n;

	do {
		len = sizeof(from);
		n = recvfrom(sock, echo, sizeof(echo), 0,
			     (struct sockaddr *)&from, &len);
		if (n < 0)
			return 0;
	} while (from.sll_pkttype == PACKET_OUTGOING ||
		 n != PACKET_BYTES || echo[14] != packet[14]);
	/* The echo has the two addresses exchanged. */
	return !memcmp(echo + 12, packet + 12, PACKET_BYTES - 12);
}

/*
 * Send packets to a switch that returns each with its addresses exchanged. Send one again
 * if there is no answer within a second, because the switch may not be ready.
 */
static void run_network(void)
{
	unsigned char packet[PACKET_BYTES] = { 2, 0, 0, 0, 0, 1 };
	struct ifreq card = { .ifr_name = "eth0" };
	int sock = open_network(&card), i, tries, right = 0;

	if (sock < 0)
		return;
	memcpy(packet + 6, card.ifr_hwaddr.sa_data, 6);
	packet[12] = PACKET_TYPE >> 8;
	packet[13] = PACKET_TYPE & 0xff;
	for (i = 0; i < PACKETS; i++) {
		memset(packet + 14, i, PACKET_BYTES - 14);
		for (tries = 0; tries < 30; tries++) {
			if (send(sock, packet, sizeof(packet), 0) < 0)
				sleep(1);
			else if (has_echo(sock, packet))
				break;
		}
		right += tries < 30;
		if (tries == 30)
			break;
	}
	close(sock);
	report("packets returned:", right);
}

/* Set an address, which is that of the network card, or its mask. */
static int set_address(int sock, unsigned long request, struct ifreq *card, in_addr_t addr)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = addr };

	memcpy(&card->ifr_addr, &in, sizeof(in));
	return ioctl(sock, request, card);
}

/* Reach all hosts through a gateway. QEMU's is number 2 of the network. */
static int set_gateway(int sock, in_addr_t addr)
{
	struct sockaddr_in any = { .sin_family = AF_INET }, gateway = any;
	struct rtentry route = { .rt_flags = RTF_UP | RTF_GATEWAY };

	gateway.sin_addr.s_addr = (addr & htonl(0xffffff00)) | htonl(2);
	memcpy(&route.rt_dst, &any, sizeof(any));
	memcpy(&route.rt_genmask, &any, sizeof(any));
	memcpy(&route.rt_gateway, &gateway, sizeof(gateway));
	return ioctl(sock, SIOCADDRT, &route);
}

/* Set the address of the network card, and listen. Return a socket. */
static int start_answers(const char *address)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(ANSWER_PORT) };
	struct ifreq card = { .ifr_name = "eth0" };
	int sock = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), err;

	addr.sin_addr.s_addr = inet_addr(address);
	err = set_address(sock, SIOCSIFADDR, &card, addr.sin_addr.s_addr);
	err |= set_address(sock, SIOCSIFNETMASK, &card, htonl(0xffffff00));
	card.ifr_flags = IFF_UP;
	err |= ioctl(sock, SIOCSIFFLAGS, &card);
	err |= set_gateway(sock, addr.sin_addr.s_addr);
	err |= bind(sock, (struct sockaddr *)&addr, sizeof(addr)) ||
	       listen(sock, 8);
	report(err ? "no network" : "answers", 0);
	return sock;
}

/* Tell each client the iteration, and close the connection. */
static void poll_answers(int sock, unsigned long iteration)
{
	char line[64];
	int fd = accept(sock, NULL, NULL), len;

	if (fd < 0)
		return;
	len = snprintf(line, sizeof(line), "right in iteration %lu\n", iteration);
	if (write(fd, line, len) != len)
		report("lost an answer in iteration", iteration);
	close(fd);
}

static __u64 value(size_t word, unsigned long iteration)
{
	return (word + 1) * 0x9e3779b97f4a7c15ULL ^ iteration;
}

/* Write a pattern to the disk, and read it back to other memory; both by DMA. */
static int write_and_read(int fd)
{
	char *buffer = mmap(NULL, 2 * NVME_BYTES, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	__u64 *out = (__u64 *)buffer, *in = (__u64 *)(buffer + NVME_BYTES);
	size_t i;

	for (i = 0; i < NVME_BYTES / sizeof(*out); i++)
		out[i] = value(i, NVME_PATTERN);
	if (pwrite(fd, out, NVME_BYTES, NVME_OFFSET) != NVME_BYTES ||
	    pread(fd, in, NVME_BYTES, NVME_OFFSET) != NVME_BYTES)
		return 0;
	for (i = 0; i < NVME_BYTES / sizeof(*out); i++)
		if (in[i] != value(i, NVME_PATTERN))
			return 0;
	munmap(buffer, 2 * NVME_BYTES);
	return 1;
}

/* Wait for the NVMe disk, and use it. */
static void check_nvme(void)
{
	int fd = -1, tries;

	for (tries = 0; tries < 300 && fd < 0; tries++) {
		usleep(100000);
		fd = open(NVME, O_RDWR | O_DIRECT);
	}
	if (fd < 0) {
		report("no NVMe disk", 0);
		return;
	}
	read_disk(NVME);
	report(write_and_read(fd) ? "NVMe disk right" : "NVMe disk WRONG", 0);
	close(fd);
}

/* Write a block of the disk, and check what was written to it before. */
static int write_disk(int fd, unsigned long iteration)
{
	static __u64 *block, last[DISK_BLOCKS];
	size_t i = iteration % DISK_BLOCKS;
	off_t offset = (DISK_FIRST + i) * PAGE;

	if (!block)
		block = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (pread(fd, block, PAGE, offset) != PAGE ||
	    (last[i] && (block[0] != last[i] || block[PAGE / 16] != ~last[i])))
		return 0;
	last[i] = iteration + 1;
	block[0] = last[i];
	block[PAGE / 16] = ~last[i];
	return pwrite(fd, block, PAGE, offset) == PAGE;
}

/* Check the data and the sum of the previous iteration, and write new data. */
static int run_iteration(unsigned long iteration)
{
	__u64 sum = 0, wanted = 0;
	size_t i;

	for (i = 0; i < words; i += PAGE / sizeof(*mem) / 4) {
		if (i < written) {
			sum += mem[i];
			wanted += value(i, iteration - 1);
		}
		mem[i] = value(i, iteration);
	}
	written = words;
	return sum == wanted;
}

/*
 * Use a part of the memory that the guest has now and the kernel does not need. The rest
 * must suffice to move all data out of a memory block that the guest returns.
 */
static void fit_memory(void)
{
	unsigned long bytes = ELASTIC_MIN;
	struct sysinfo info;

	if (sysinfo(&info))
		return;
	info.totalram *= info.mem_unit;
	if (info.totalram > ELASTIC_KERNEL + ELASTIC_PART * ELASTIC_MIN)
		bytes = (info.totalram - ELASTIC_KERNEL) / ELASTIC_PART / PAGE * PAGE;
	if (bytes > ELASTIC_MAX)
		bytes = ELASTIC_MAX;
	words = bytes / sizeof(*mem);
	if (words >= written)
		return;
	madvise(mem + words, (written - words) * sizeof(*mem), MADV_DONTNEED);
	written = words;
}

int main(void)
{
	/* Set on the kernel command line. */
	const char *mb = getenv("MB"), *elastic = getenv("ELASTIC");
	const char *address = getenv("ANSWER"), *every = getenv("EVERY");
	long long interval = every ? atoi(every) : REPORT_MS;
	int answers = -1, disk = -1;
	long long said = 0;
	unsigned long iteration;
	size_t bytes;

	if (every)
		report("program", 0);
	mkdir("/dev", 0755);
	mount("dev", "/dev", "devtmpfs", 0, "");
	bytes = (mb ? atoi(mb) : 16) * 1048576UL;
	words = bytes / sizeof(*mem);
	mem = mmap(NULL, elastic ? ELASTIC_MAX : bytes, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	load_modules();
	read_disk("/dev/vda");
	if (getenv("NVME"))
		check_nvme();
	if (address)
		answers = start_answers(address);
	else
		run_network();
	if (getenv("WRITE"))
		disk = open(DISK, O_RDWR | O_DIRECT);
	open_buttons();
	report("up", 0);
	for (iteration = 0;; iteration++) {
		if (!run_iteration(iteration) ||
		    (disk >= 0 && !write_disk(disk, iteration))) {
			report("WRONG in iteration", iteration);
			reboot(RB_POWER_OFF);
		}
		if (now_ms() - said > interval) {
			report("right in iteration", iteration);
			if (elastic)
				report("uses MiB", words * sizeof(*mem) >> 20);
			said = now_ms();
		}
		poll_buttons();
		if (address)
			poll_answers(answers, iteration);
		if (elastic) {
			fit_memory();
			usleep(10000);
		}
	}
}
