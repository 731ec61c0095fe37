/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_VM_SEND_H
#define VPOOLCTL_VM_SEND_H

#include <stdbool.h>

#include "vm/handed.h"

struct invocation;
struct json_object;
struct migration;
struct peer;
struct vm;

/* Version of the protocol between vm migrate and vm receive. */
#define SEND_PROTOCOL 1
/* The command of the other host, for its shell. */
#define SEND_COMMAND "vpoolctl vm receive"

/**
 * struct send_to - where to migrate to
 * @host: destination for ssh(1)
 * @pool: name of the pool on that host
 * @address: address for the data, or NULL for that of the ssh connection
 * @port: TCP port for the data, or 0 for any; the disks use the next one
 * @copy_disks: copy the disks, too
 * @overwrite_disks: replace the contents of files that exist
 */
struct send_to {
	const char *host;
	const char *pool;
	const char *address;
	unsigned int port;
	bool copy_disks;
	bool overwrite_disks;
};

/* Return the ABI version of the loaded module, or 0 if there is none. */
unsigned int vm_send_abi(void);

/*
 * Migrate a machine to another host. The limits of @migration are set. Return the exit
 * status.
 */
int vm_send(const struct invocation *inv, struct vm *vm,
	    const struct send_to *to, struct migration *migration);

/*
 * Check that a machine may continue here: another host was not told to run it, or says
 * that it does not. Return 0, or -1 with a message.
 */
int vm_send_taken(const struct invocation *inv, struct vm *vm);

#endif /* VPOOLCTL_VM_SEND_H */
