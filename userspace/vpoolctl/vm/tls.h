/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_VM_TLS_H
#define VPOOLCTL_VM_TLS_H

#include <stdbool.h>
#include <stddef.h>

struct qmp;
struct vm_slot;

/* Room for a key, or for another random number, in hexadecimal. */
#define TLS_KEY_SIZE 65
/* Id of the credentials in QEMU. */
#define TLS_ID "migrate-tls"

/* Make a random number of @room - 1 hexadecimal digits. Return 0 or a negative errno. */
int tls_random(char *text, size_t room);

/*
 * Give a QEMU the key of a migration. Return 0, a negative errno of QMP, or another
 * negative errno if the file of the key cannot be written.
 */
int tls_add(struct qmp *qmp, const struct vm_slot *slot, const char *key,
	    bool server);
/* Remove the key. A QEMU that keeps it could not migrate without TLS. */
void tls_remove(struct qmp *qmp, const struct vm_slot *slot);

#endif /* VPOOLCTL_VM_TLS_H */
