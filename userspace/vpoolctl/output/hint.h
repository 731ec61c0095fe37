/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_OUTPUT_HINT_H
#define VPOOLCTL_OUTPUT_HINT_H

#include <stdbool.h>
#include <stddef.h>

#define HINT_SIZE 256

/**
 * struct hint_host - the properties of caller and host that hints depend on
 * @root: the caller is root
 * @threads: a core has several threads
 * @nodes: the host has several NUMA nodes
 * @cpus_floor: host_cpus_floor is above its minimum
 * @mem_floor: host_mem_floor is above its minimum
 */
struct hint_host {
	bool root;
	bool threads;
	bool nodes;
	bool cpus_floor;
	bool mem_floor;
};

/* Use @host instead of the properties of this host. For tests. */
void hint_set_host(const struct hint_host *host);

/* Tell whether the table of hints has an entry for @code. The entry can be "no hint". */
bool hint_has(int code);

/**
 * hint_for() - get the hint for a failure
 * @code: the failure's code
 * @message: its message, in which a pool is named as "pool 'NAME'"
 * @subject: object of the command, such as the name of a pool; or NULL
 * @text: receives one sentence, or an empty text if there is no hint
 * @room: room in @text, in bytes
 *
 * Return: false if the caller should point to the command's help
 */
bool hint_for(int code, const char *message, const char *subject, char *text,
	      size_t room);

#endif /* VPOOLCTL_OUTPUT_HINT_H */
