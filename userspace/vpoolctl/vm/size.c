// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory of a running virtual machine: read it, and request another amount.
 *
 * A virtio-mem device has the memory above the base memory. The guest's driver takes and
 * returns blocks of it, until it has the requested amount.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "vm/qmp.h"
#include "vm/size.h"

#define DEVICE_PATH "/machine/peripheral/" VM_SIZE_DEVICE

/* Read the device, if the machine has it. */
static int read_device(struct qmp *qmp, int ms, struct vm_size *size)
{
	struct json_object *list, *data;
	size_t i;
	int err;

	err = qmp_run(qmp, ms, "query-memory-devices", NULL, &list);
	if (err)
		return err;
	for (i = 0; i < json_object_array_length(list); i++) {
		if (!json_object_object_get_ex(json_object_array_get_idx(list, i),
					       "data", &data) ||
		    strcmp(json_text(data, "id"), VM_SIZE_DEVICE))
			continue;
		size->elastic = json_number(data, "max-size");
		size->plugged = json_number(data, "size");
		size->requested = json_number(data, "requested-size");
		size->block = json_number(data, "block-size");
	}
	json_object_put(list);
	return 0;
}

int vm_size_read(struct qmp *qmp, int ms, struct vm_size *size)
{
	struct json_object *summary;
	int err;

	memset(size, 0, sizeof(*size));
	err = qmp_run(qmp, ms, "query-memory-size-summary", NULL, &summary);
	if (err)
		return err;
	size->base = json_number(summary, "base-memory");
	json_object_put(summary);
	return read_device(qmp, ms, size);
}

int vm_size_request(struct qmp *qmp, __u64 bytes)
{
	struct json_object *args = json_object_new_object();

	json_object_object_add(args, "path",
			       json_object_new_string(DEVICE_PATH));
	json_object_object_add(args, "property",
			       json_object_new_string("requested-size"));
	json_object_object_add(args, "value", json_object_new_int64(bytes));
	return qmp_run(qmp, QMP_MS, "qom-set", args, NULL);
}

bool vm_size_lacks_driver(struct qmp *qmp)
{
	struct json_object *args = json_object_new_object(), *ret, *started;
	bool lacks;

	json_object_object_add(args, "path",
			       json_object_new_string(DEVICE_PATH "/virtio-backend"));
	/* This command is not stable: without an answer, nothing is known. */
	if (qmp_run(qmp, QMP_MS, "x-query-virtio-status", args, &ret))
		return false;
	lacks = json_object_object_get_ex(ret, "started", &started) &&
		!json_object_get_boolean(started);
	json_object_put(ret);
	return lacks;
}
