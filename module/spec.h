/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The description of a new pool, or of a change to a pool, and its validation.
 */
#ifndef VPOOL_SPEC_H
#define VPOOL_SPEC_H

#include <linux/types.h>
#include <linux/uidgid.h>
#include <linux/vpool.h>

#include "budget.h"
#include "cpu_claim.h"
#include "extack.h"

/**
 * struct vpool_limit_change - limits of each user that a resize sets
 * @limits: new values
 * @flags: bits of enum vpool_resize_flags, which name the limits to set
 */
struct vpool_limit_change {
	struct vpool_limits limits;
	u32 flags;
};

/**
 * struct vpool_request - memory and CPUs that a create or a resize requests
 * @mem: memory requests, in bytes; owned by the caller, rounded up to the page
 *	size by vpool_spec_check_mem(). NULL if @nr_mem is 0
 * @nr_mem: number of entries in @mem
 * @cpus: CPUs; its mask is owned by the caller
 * @rules: exceptions to the CPU rules that the caller allows
 * @timeout_ms: time to wait for memory, in milliseconds
 * @limits: limits of each user that a resize sets; NULL to leave all as they are. A
 *	create has them in &struct vpool_spec
 * @dry_run: check the request, change nothing
 */
struct vpool_request {
	struct vpool_mem *mem;
	u32 nr_mem;
	struct vpool_cpu_request cpus;
	struct vpool_cpu_rules rules;
	u32 timeout_ms;
	const struct vpool_limit_change *limits;
	bool dry_run;
};

/**
 * struct vpool_spec - description of a new pool
 * @name: name of the pool; bytes from userspace, NUL-terminated once checked
 * @flags: bits of enum vpool_create_flags
 * @page_size: page size in bytes; 0 for the default
 * @order: order of the folios; set by vpool_spec_check()
 * @bytes: sum of the memory requests; set by vpool_spec_check()
 * @uid: owner of the device
 * @gid: group of the device
 * @mode: permission bits of the device
 * @creator: as in struct vpool_pool
 * @limits: limits of each user
 * @request: memory and CPUs
 */
struct vpool_spec {
	char name[VPOOL_NAME_SIZE];
	u32 flags;
	u64 page_size;
	unsigned int order;
	u64 bytes;
	kuid_t uid;
	kgid_t gid;
	umode_t mode;
	const void *creator;
	struct vpool_limits limits;
	struct vpool_request request;
};

int vpool_spec_check(struct vpool_spec *spec, struct vpool_extack *extack);
int vpool_spec_check_name(const char *name, struct vpool_extack *extack);
int vpool_spec_check_limits(const struct vpool_limits *limits,
			    unsigned int order, struct vpool_extack *extack);
int vpool_spec_check_node(int nid, struct vpool_extack *extack);
int vpool_spec_check_mem(struct vpool_request *request, unsigned int order,
			 u64 has, u64 *total, struct vpool_extack *extack);

static inline bool vpool_request_has_cpus(const struct vpool_request *request)
{
	return request->cpus.mask || request->cpus.nr;
}

#endif /* VPOOL_SPEC_H */
