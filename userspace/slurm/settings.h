/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOL_SLURM_SETTINGS_H
#define VPOOL_SLURM_SETTINGS_H

#include <linux/types.h>
#include <stddef.h>

/**
 * struct settings - what a user or a site wants
 * @mem: memory of the pool on each node in bytes; 0 for no pool
 * @page_size: page size of the pool in bytes; 0 for the default of the node
 * @timeout_ms: time in which a node must gather the memory, in milliseconds
 */
struct settings {
	__u64 mem;
	__u64 page_size;
	__u32 timeout_ms;
};

#define SETTINGS_INIT { .timeout_ms = 10000 }

/**
 * settings_set() - change a setting
 * @settings: the settings
 * @name: "mem", "page_size" or "timeout"
 * @value: a size with a unit, or seconds
 * @message: receives a message on failure
 * @room: length of @message in bytes
 *
 * A size needs a unit, because sizes without one are MiB in options of Slurm and bytes in
 * vpoolctl.
 *
 * Return: 0 or -EINVAL
 */
int settings_set(struct settings *settings, const char *name, const char *value,
		 char *message, size_t room);

/**
 * settings_parse() - change a setting by an argument of plugstack.conf
 * @settings: the settings
 * @argument: "NAME=VALUE"
 * @message: receives a message on failure
 * @room: length of @message in bytes
 *
 * Return: 0 or -EINVAL
 */
int settings_parse(struct settings *settings, const char *argument, char *message,
		   size_t room);

#endif /* VPOOL_SLURM_SETTINGS_H */
