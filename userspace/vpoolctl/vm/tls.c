// SPDX-License-Identifier: GPL-2.0-only
/*
 * The key of one migration between hosts.
 *
 * The source makes a random key and sends it over ssh. Both QEMUs use it as the pre-shared
 * key of TLS, so that no certificates are needed, and each accepts only the other.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/alloc.h"
#include "vm/migration.h"
#include "vm/qmp.h"
#include "vm/tls.h"
#include "vm/user.h"
#include "vm/vm.h"

/* The name that QEMU uses if it is given none. */
#define KEY_USER "qemu"

int tls_random(char *text, size_t room)
{
	unsigned char byte;
	size_t i;

	for (i = 0; i + 2 < room; i += 2) {
		if (getrandom(&byte, 1, 0) != 1)
			return -errno;
		snprintf(text + i, 3, "%02x", byte);
	}
	return 0;
}

/* Write the key for the user of QEMU. That user can have created any file or link. */
static int write_key(const char *path, const char *key, const struct vm_user *user)
{
	char *line = xprintf(KEY_USER ":%s\n", key);
	int fd, err = 0;

	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, line, strlen(line)) != (ssize_t)strlen(line))
		err = errno ? -errno : -ENOSPC;
	if (!err && user->name && fchown(fd, user->uid, user->gid))
		err = -errno;
	if (fd >= 0)
		close(fd);
	free(line);
	return err;
}

static void add_text(struct json_object *args, const char *key, const char *value)
{
	json_object_object_add(args, key, json_object_new_string(value));
}

int tls_add(struct qmp *qmp, const struct vm_slot *slot, const char *key,
	    bool server)
{
	char *path = vm_slot_path(slot, "keys.psk");
	struct json_object *args;
	struct vm_user user;
	int err = vm_user_of(slot->pid, &user);

	if (!err)
		err = write_key(path, key, &user);
	vm_user_free(&user);
	free(path);
	if (err)
		return err;
	args = json_object_new_object();
	add_text(args, "qom-type", "tls-creds-psk");
	add_text(args, "id", TLS_ID);
	add_text(args, "endpoint", server ? "server" : "client");
	add_text(args, "dir", slot->dir);
	return qmp_run(qmp, QMP_MS, "object-add", args, NULL);
}

void tls_remove(struct qmp *qmp, const struct vm_slot *slot)
{
	char *path = vm_slot_path(slot, "keys.psk");
	struct json_object *args = json_object_new_object();

	unlink(path);
	free(path);
	migration_set_tls(qmp, "");
	add_text(args, "id", TLS_ID);
	qmp_run(qmp, QMP_MS, "object-del", args, NULL);
}
