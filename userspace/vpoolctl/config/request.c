// SPDX-License-Identifier: GPL-2.0-only
/*
 * The request to the module for a declared pool.
 */
#include <libvpool.h>

#include "config/config.h"
#include "config/request.h"

void fill_request(struct vpool_request *req, const struct pool_config *pool)
{
	*req = (struct vpool_request)VPOOL_REQUEST_INIT;
	req->name = pool->name;
	req->page_size = pool->page_size;
	req->uid = pool->uid;
	req->gid = pool->gid;
	req->mode = pool->mode;
	req->timeout_ms = pool->timeout_ms;
	req->mem = pool->mem;
	req->nr_mem = pool->nr_mem;
	if (vpool_cpus_count(&pool->cpus))
		req->cpus = &pool->cpus;
	req->nr_cpus = pool->nr_cpus;
	req->cpus_node = pool->cpus_node;
	req->user_bytes = pool->user_bytes;
	req->user_regions = pool->user_regions;
	req->user_members = pool->user_members;
	if (pool->split_cores)
		req->flags |= VPOOL_CREATE_SPLIT_CORES;
	if (pool->boot_core)
		req->flags |= VPOOL_CREATE_BOOT_CORE;
	if (pool->isolate)
		req->flags |= VPOOL_CREATE_ISOLATED;
}
