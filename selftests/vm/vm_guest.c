// SPDX-License-Identifier: GPL-2.0
/*
 * The only program in the guest of a test, started as init. It continuously writes
 * memory and checks what it wrote before. It prints each iteration and the first bytes
 * of its disk on the console, and shuts down when the power button is pressed. The
 * environment variable MB, from the kernel command line, is the amount of memory in
 * MiB.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/input.h>
#include <net/if.h>
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
#include <time.h>
#include <unistd.h>

#define PAGE 4096
/* Interval between two reports. */
#define REPORT_MS 500
#define MAX_BUTTONS 8
/* An ethertype for local experiments. */
#define PACKET_TYPE 0x88b5
#define PACKET_BYTES 1000
#define PACKETS 200

static __u64 *mem;
static size_t words;
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

/* Print the number at the start of the disk, if there is a disk. */
static void read_disk(void)
{
	char text[32] = "";
	int fd = open("/dev/vda", O_RDONLY);

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

static __u64 value(size_t word, unsigned long iteration)
{
	return (word + 1) * 0x9e3779b97f4a7c15ULL ^ iteration;
}

/* Check the data and the sum of the previous iteration, and write new data. */
static int run_iteration(unsigned long iteration)
{
	__u64 sum = 0, wanted = 0;
	size_t i;

	for (i = 0; i < words; i += PAGE / sizeof(*mem) / 4) {
		if (iteration) {
			sum += mem[i];
			wanted += value(i, iteration - 1);
		}
		mem[i] = value(i, iteration);
	}
	return sum == wanted;
}

int main(void)
{
	const char *mb = getenv("MB");
	long long said = 0;
	unsigned long iteration;
	size_t bytes;

	mkdir("/dev", 0755);
	mount("dev", "/dev", "devtmpfs", 0, "");
	bytes = (mb ? atoi(mb) : 16) * 1048576UL;
	words = bytes / sizeof(*mem);
	mem = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	load_modules();
	read_disk();
	run_network();
	open_buttons();
	report("up", 0);
	for (iteration = 0;; iteration++) {
		if (!run_iteration(iteration)) {
			report("WRONG in iteration", iteration);
			reboot(RB_POWER_OFF);
		}
		if (now_ms() - said > REPORT_MS) {
			report("right in iteration", iteration);
			said = now_ms();
		}
		poll_buttons();
	}
}
