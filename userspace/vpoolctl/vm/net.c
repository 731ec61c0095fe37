// SPDX-License-Identifier: GPL-2.0-only
/*
 * Networks of a machine that have an interface of the host.
 *
 * vpoolctl connects to the interface, and QEMU inherits the descriptor. So QEMU needs no
 * privileges, and a failure has a message before QEMU starts. The identifier of a network
 * in QEMU has its type and the name of the interface, from which vm migrate connects the
 * next QEMU.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/code.h"
#include "base/command.h"
#include "base/exit.h"
#include "base/files.h"
#include "base/macros.h"
#include "output/messages.h"
#include "output/printable.h"
#include "vm/config.h"
#include "vm/net.h"
#include "vm/plug.h"
#include "vm/program.h"

#define CLASS "/sys/class/net/"
/* Longest message of the helper of bridges that is printed. */
#define WORDS_SIZE 512

/* The host */

/* Read an attribute of an interface, for free(3), or NULL. */
static char *attribute(const char *name, const char *file)
{
	char *path = xprintf(CLASS "%s/%s", name, file), *text = read_text(path);

	free(path);
	if (text)
		text[strcspn(text, "\n")] = '\0';
	return text;
}

static bool has_file(const char *name, const char *file)
{
	char *path = xprintf(CLASS "%s/%s", name, file);
	bool has = !access(path, F_OK);

	free(path);
	return has;
}

/* Tell whether an interface is one of tun/tap, and has whole Ethernet frames. */
static bool is_tap(const char *name)
{
	char *flags = attribute(name, "tun_flags");
	bool is = flags && strtoul(flags, NULL, 16) & IFF_TAP;

	free(flags);
	return is;
}

/* Return the device of a macvtap for free(3), or NULL if the interface is none. */
static char *macvtap_device(const char *name)
{
	char *index = attribute(name, "ifindex"), *below = NULL, *path = NULL;

	if (index)
		below = xprintf("tap%s", index);
	if (below && has_file(name, below))
		path = xprintf("/dev/%s", below);
	free(below);
	free(index);
	return path;
}

/* Types of networks that have an interface of the host, and how to make one. */
static const struct {
	const char *type;
	const char *how;
} types[] = {
	{ "bridge", "ip link add NAME type bridge" },
	{ "macvtap", "ip link add link INTERFACE name NAME type macvtap mode bridge" },
	{ "tap", "ip tuntap add NAME mode tap user USER" },
};

static int refuse(const struct invocation *inv, const char *name, const char *type,
		  const char *interface, const char *reason)
{
	cmd_error(inv, name, TOOL_VM_NETWORK, "the network %s '%s': %s", type, interface,
		  reason);
	return -1;
}

/* Check that an interface exists and has the right type. */
static int check_interface(const struct invocation *inv, const char *name, const char *type,
			   const char *interface)
{
	char *device;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(types) && !has_file(interface, ""); i++) {
		if (strcmp(types[i].type, type))
			continue;
		cmd_error(inv, name, TOOL_VM_NETWORK,
			  "the network %s '%s': the host has no such %s; '%s' makes one", type,
			  interface, strcmp(type, "bridge") ? "interface" : "bridge",
			  types[i].how);
		return -1;
	}
	if (!has_file(interface, ""))
		return refuse(inv, name, type, interface, "its type is unknown here");
	if (!strcmp(type, "bridge") && !has_file(interface, "bridge"))
		return refuse(inv, name, type, interface, "the interface is not a bridge");
	if (!strcmp(type, "tap") && !is_tap(interface))
		return refuse(inv, name, type, interface, "the interface is not a tap device");
	if (strcmp(type, "macvtap"))
		return 0;
	device = macvtap_device(interface);
	free(device);
	if (device)
		return 0;
	return refuse(inv, name, type, interface, "the interface is not a macvtap");
}

static bool on_host(const struct vm_config_net *net)
{
	return strcmp(net->type, "user") && strcmp(net->type, "none");
}

static int check_mac(const struct invocation *inv, const struct vm_config *config,
		     const struct vm_config_net *net)
{
	char *mac;
	int err = 0;

	if (!net->mac || strcmp(net->type, "macvtap"))
		return 0;
	mac = attribute(net->name, "address");
	if (mac && strcmp(mac, net->mac)) {
		cmd_error(inv, config->name, TOOL_VM_NETWORK,
			  "the network macvtap '%s': it has the MAC address %s, and passes no frames for another one; 'ip link set %s address %s' changes it",
			  net->name, mac, net->name, net->mac);
		err = -1;
	}
	free(mac);
	return err;
}

int vm_nets_check(const struct invocation *inv, const struct vm_config *config)
{
	const struct vm_config_net *net;
	char *helper;
	size_t i;

	for (i = 0; i < config->nr_nets; i++) {
		net = config->nets + i;
		if (!on_host(net))
			continue;
		if (check_interface(inv, config->name, net->type, net->name) ||
		    check_mac(inv, config, net))
			return -1;
		if (strcmp(net->type, "bridge"))
			continue;
		helper = vm_program_find(&vm_program_bridge);
		free(helper);
		if (helper)
			continue;
		cmd_error(inv, config->name, TOOL_VM_PROGRAM,
			  "a bridge needs qemu-bridge-helper: install it (qemu-system-common), or set VPOOL_BRIDGE_HELPER to its path");
		return -1;
	}
	return 0;
}

/* MAC addresses */

/*
 * Return an address that stays the same for this machine, and that another machine or host
 * does not get: QEMU would give the same one to all machines.
 */
char *vm_net_make_mac(const char *name, size_t nr)
{
	char *host = read_text("/etc/machine-id");
	char *text = xprintf("%s/%s/%zu", host ? host : "", name, nr), *at;
	unsigned long long hash = 0xcbf29ce484222325ULL;

	for (at = text; *at; at++)
		hash = (hash ^ (unsigned char)*at) * 0x100000001b3ULL;
	hash ^= hash >> 32;
	free(text);
	free(host);
	return xprintf("52:54:00:%02x:%02x:%02x", (unsigned int)(hash >> 16) & 0xff,
		       (unsigned int)(hash >> 8) & 0xff, (unsigned int)hash & 0xff);
}

char *vm_net_mac(const struct vm_config *config, size_t nr)
{
	const struct vm_config_net *net = config->nets + nr;

	if (net->mac)
		return xstrdup(net->mac);
	if (!on_host(net))
		return NULL;
	if (!strcmp(net->type, "macvtap"))
		return attribute(net->name, "address");
	return vm_net_make_mac(config->name, nr);
}

/* Names */

char *vm_net_id(const struct vm_config_net *net, size_t nr)
{
	if (!on_host(net))
		return xprintf("vpool%zu", nr);
	return xprintf("vpool%zu.%s.%s", nr, net->type, net->name);
}

char *vm_net_backend(const struct vm_config_net *net, size_t nr)
{
	char *id = vm_net_id(net, nr), *value;

	if (on_host(net))
		value = xprintf("tap,id=%s,fd=%zu", id, VM_PLUG_NET + nr);
	else
		value = xprintf("user,id=%s", id);
	free(id);
	return value;
}

bool vm_net_parse(const char *value, char *type, char *name, int *at)
{
	unsigned int nr;
	int end = 0;

	return sscanf(value, "tap,id=vpool%u.%15[a-z].%15[a-zA-Z0-9._-],fd=%d%n", &nr, type,
		      name, at, &end) == 4 && !value[end];
}

/* Connections */

static int open_tap(const struct invocation *inv, const char *name, const char *interface)
{
	struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK), err;

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
	if (fd >= 0 && !ioctl(fd, TUNSETIFF, &request))
		return fd;
	err = errno;
	if (fd < 0)
		cmd_error(inv, name, errno_code(err), "the network tap '%s': /dev/net/tun: %s",
			  interface, strerror(err));
	else
		refuse(inv, name, "tap", interface,
		       err == EBUSY ? "another machine or program has it" :
		       err == EPERM ? "it belongs to another user" :
		       err == EINVAL ? "it has several queues; make it without multi_queue" :
		       strerror(err));
	if (fd >= 0)
		close(fd);
	return -1;
}

static int open_macvtap(const struct invocation *inv, const char *name,
			const char *interface)
{
	struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	char *path = macvtap_device(interface);
	int fd = path ? open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK) : -1, err = errno;

	if (fd >= 0 && ioctl(fd, TUNSETIFF, &request)) {
		err = errno;
		close(fd);
		fd = -1;
	}
	if (fd < 0 && path)
		cmd_error(inv, name, err == EBUSY ? TOOL_VM_NETWORK : errno_code(err),
			  "the network macvtap '%s': %s: %s", interface, path,
			  err == EBUSY ? "another machine or program has it" : strerror(err));
	free(path);
	return fd;
}

/* Receive a descriptor from the helper. Return it, or -1. */
static int receive_fd(int from)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	char byte;
	struct iovec data = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr message = {
		.msg_iov = &data, .msg_iovlen = 1, .msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *header;
	int fd = -1;

	if (recvmsg(from, &message, MSG_CMSG_CLOEXEC) <= 0)
		return -1;
	header = CMSG_FIRSTHDR(&message);
	if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	return fd;
}

/* Execute the helper in a child, with its messages in a pipe. */
static void become_bridge_helper(const char *helper, const char *bridge, int to, int words)
{
	char *fd = xprintf("--fd=%d", VM_HELPER_FD), *br = xprintf("--br=%s", bridge);

	/* Both are above the standard descriptors, and the pipe is read last. */
	if (dup2(words, STDERR_FILENO) < 0 || dup2(words, STDOUT_FILENO) < 0 ||
	    dup2(to, VM_HELPER_FD) < 0)
		_exit(EXIT_CANNOT_RUN);
	if (to == VM_HELPER_FD)
		fcntl(to, F_SETFD, 0);
	execl(helper, helper, "--use-vnet", fd, br, (char *)NULL);
	fprintf(stderr, "%s", strerror(errno));
	_exit(EXIT_NOT_FOUND);
}

static void read_words(int from, char *words)
{
	size_t len = 0;
	ssize_t got;

	while (len + 1 < WORDS_SIZE &&
	       (got = read(from, words + len, WORDS_SIZE - len - 1)) > 0)
		len += got;
	words[len] = '\0';
	words[strcspn(words, "\n")] = '\0';
}

/* Run the helper. Return a descriptor, or -1 with what the helper has printed. */
static int run_bridge_helper(const char *helper, const char *bridge, char *words)
{
	int ends[2], pipes[2], fd = -1;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return -1;
	if (pipe2(pipes, O_CLOEXEC)) {
		close(ends[0]);
		close(ends[1]);
		return -1;
	}
	pid = fork();
	if (!pid)
		become_bridge_helper(helper, bridge, ends[1], pipes[1]);
	close(ends[1]);
	close(pipes[1]);
	if (pid > 0)
		fd = receive_fd(ends[0]);
	read_words(pipes[0], words);
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	close(ends[0]);
	close(pipes[0]);
	return fd;
}

static int open_bridge(const struct invocation *inv, const char *name, const char *bridge)
{
	char *helper = vm_program_find(&vm_program_bridge), words[WORDS_SIZE] = "", *text;
	int fd = helper ? run_bridge_helper(helper, bridge, words) : -1;

	if (fd >= 0)
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	if (fd < 0) {
		text = printable(words);
		cmd_error(inv, name, TOOL_VM_NETWORK,
			  "the network bridge '%s': qemu-bridge-helper failed: %s; it needs the line 'allow %s' in /etc/qemu/bridge.conf, and root's privileges",
			  bridge, *text ? text : "it printed no reason", bridge);
		free(text);
	}
	free(helper);
	return fd;
}

static int open_one(const struct invocation *inv, const char *name, const char *type,
		    const char *interface, int at, struct vm_plugs *plugs)
{
	int fd, err;

	if (check_interface(inv, name, type, interface))
		return -1;
	fd = !strcmp(type, "tap") ? open_tap(inv, name, interface) :
	     !strcmp(type, "macvtap") ? open_macvtap(inv, name, interface) :
	     open_bridge(inv, name, interface);
	if (fd < 0)
		return -1;
	err = vm_plugs_add(plugs, at, fd, -1, NULL);
	if (err)
		cmd_error(inv, name, errno_code(-err), "the network %s '%s': %s", type,
			  interface, strerror(-err));
	return err ? -1 : 0;
}

int vm_nets_open(const struct invocation *inv, const struct vm_config *config,
		 struct vm_plugs *plugs)
{
	size_t i;

	for (i = 0; i < config->nr_nets; i++)
		if (on_host(config->nets + i) &&
		    open_one(inv, config->name, config->nets[i].type, config->nets[i].name,
			     VM_PLUG_NET + i, plugs))
			return -1;
	return 0;
}

int vm_nets_reopen(const struct invocation *inv, const char *name, char **args,
		   struct vm_plugs *plugs)
{
	char type[16], interface[16];
	int at;

	for (; args && args[0] && args[1]; args++)
		if (!strcmp(args[0], "-netdev") &&
		    vm_net_parse(args[1], type, interface, &at) &&
		    at >= VM_PLUG_NET && at < VM_PLUG_NET + VM_NETS_MAX &&
		    open_one(inv, name, type, interface, at, plugs))
			return -1;
	return 0;
}
