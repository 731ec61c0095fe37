/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_VM_NET_H
#define VPOOLCTL_VM_NET_H

#include <stdbool.h>
#include <stddef.h>

struct invocation;
struct vm_config;
struct vm_config_net;
struct vm_plugs;

/* Check the networks of a machine. Return 0, or -1 after a message. */
int vm_nets_check(const struct invocation *inv, const struct vm_config *config);

/* Connect to the networks of a machine. Return 0, or -1 after a message. */
int vm_nets_open(const struct invocation *inv, const struct vm_config *config,
		 struct vm_plugs *plugs);

/*
 * Connect to the networks that the arguments of a QEMU name, for a QEMU to which the machine
 * migrates. Return 0, or -1 after a message.
 */
int vm_nets_reopen(const struct invocation *inv, const char *name, char **args,
		   struct vm_plugs *plugs);

/* Return the MAC address of the n-th network for free(3), or NULL for that of QEMU. */
char *vm_net_mac(const struct vm_config *config, size_t nr);

/* Make a MAC address, for free(3): always the same for a name and a number on this host. */
char *vm_net_make_mac(const char *name, size_t nr);

/* Return the value of -netdev for the n-th network, for free(3). */
char *vm_net_backend(const struct vm_config_net *net, size_t nr);
/* Return the identifier of the n-th network, for free(3). */
char *vm_net_id(const struct vm_config_net *net, size_t nr);

/**
 * vm_net_parse() - read a value that vm_net_backend() has made
 * @value: value of an option -netdev
 * @type: out: type of the network, with room for 16 characters
 * @name: out: interface of the host, with room for 16 characters
 * @at: out: number of QEMU's descriptor
 *
 * Return: true if it is a network with an interface of the host
 */
bool vm_net_parse(const char *value, char *type, char *name, int *at);

#endif /* VPOOLCTL_VM_NET_H */
