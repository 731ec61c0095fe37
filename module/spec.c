// SPDX-License-Identifier: GPL-2.0
#include <linux/ctype.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/overflow.h>
#include <linux/string.h>

#include "page_size.h"
#include "spec.h"

static bool vpool_name_is_valid(const char *name)
{
	size_t i;

	if (!islower(name[0]) && !isdigit(name[0]))
		return false;
	for (i = 1; name[i]; i++)
		if (!islower(name[i]) && !isdigit(name[i]) &&
		    !strchr("._-", name[i]))
			return false;
	return i <= VPOOL_NAME_MAX && strcmp(name, "control");
}

/* islower() and isdigit() accept Latin-1, but names must be ASCII. */
static bool vpool_name_is_ascii(const char *name)
{
	for (; *name; name++)
		if (!isascii(*name))
			return false;
	return true;
}

/**
 * vpool_spec_check_name - check the form of a pool's name
 * @name: VPOOL_NAME_SIZE bytes, NUL-terminated if the name is valid
 * @extack: message of a failed call, or NULL
 *
 * Return: 0 or -EINVAL.
 */
int vpool_spec_check_name(const char *name, struct vpool_extack *extack)
{
	if (strnlen(name, VPOOL_NAME_SIZE) > VPOOL_NAME_MAX)
		return vpool_err(extack, -EINVAL, VPOOL_CODE_NAME_INVALID,
				 "the name is longer than %u characters",
				 VPOOL_NAME_MAX);
	if (!name[0])
		return vpool_err(extack, -EINVAL, VPOOL_CODE_NAME_INVALID,
				 "the name is empty");
	if (vpool_name_is_ascii(name) && vpool_name_is_valid(name))
		return 0;
	return vpool_err(extack, -EINVAL, VPOOL_CODE_NAME_INVALID,
			 "'%*pE' is not a valid pool name: [a-z0-9][a-z0-9._-]{0,31}, not 'control'",
			 (int)strlen(name), name);
}

/**
 * vpool_spec_check_node - check that a NUMA node exists and has memory
 * @nid: node number from userspace, unchecked
 * @extack: message of a failed call, or NULL
 *
 * Return: 0, -ENODEV if the node does not exist, -ENOMEM if it has no memory.
 */
int vpool_spec_check_node(int nid, struct vpool_extack *extack)
{
	if (nid < 0 || nid >= (int)nr_node_ids || !node_online(nid))
		return vpool_err(extack, -ENODEV, VPOOL_CODE_NODE_MISSING,
				 "node %d does not exist", nid);
	if (!node_state(nid, N_MEMORY))
		return vpool_err(extack, -ENOMEM,
				 VPOOL_CODE_NODE_WITHOUT_MEMORY,
				 "node %d has no memory", nid);
	return 0;
}

/**
 * vpool_spec_check_limits - check limits of users
 * @limits: limits from userspace
 * @order: order of the pool's folios
 * @extack: message of a failed call, or NULL
 *
 * Return: 0, or -EINVAL for a limit that would leave a user without any memory.
 */
int vpool_spec_check_limits(const struct vpool_limits *limits,
			    unsigned int order, struct vpool_extack *extack)
{
	u64 page_size = (u64)PAGE_SIZE << order;

	if (!limits->bytes || limits->bytes >= page_size)
		return 0;
	return vpool_err(extack, -EINVAL, VPOOL_CODE_LIMIT_INVALID,
			 "a limit of %s for each user is less than a page of the pool, which has %s",
			 vpool_size(limits->bytes).s, vpool_size(page_size).s);
}

static int vpool_check_mem(const struct vpool_mem *mem,
			   struct vpool_extack *extack)
{
	if (mem->__reserved)
		return vpool_err(extack, -EINVAL, VPOOL_CODE_RESERVED_FIELD,
				 "a reserved field of a memory request is not 0");
	if (mem->bytes > S64_MAX)
		return vpool_err(extack, -EINVAL, VPOOL_CODE_MEM_OVERFLOW,
				 "%llu bytes are more than any host can have",
				 mem->bytes);
	if (mem->node == VPOOL_ANY_NODE)
		return 0;
	return vpool_spec_check_node(mem->node, extack);
}

/**
 * vpool_spec_check_mem - check the memory requests, round them up and add them
 * @request: request whose memory to check
 * @order: order of the pool's folios
 * @has: memory that the pool already has, in bytes
 * @total: set to the sum of the rounded requests, in bytes
 * @extack: message of a failed call, or NULL
 *
 * Return: 0, -EINVAL, -ENODEV if a node does not exist, or -ENOMEM if the sum
 * exceeds the memory of the host.
 */
int vpool_spec_check_mem(struct vpool_request *request, unsigned int order,
			 u64 has, u64 *total, struct vpool_extack *extack)
{
	/* totalram_pages() does not count the memory of pools. */
	u64 host = ((u64)totalram_pages() << PAGE_SHIFT) + has;
	u64 page_size = (u64)PAGE_SIZE << order;
	struct vpool_mem *mem;
	int err;

	*total = 0;
	for (mem = request->mem; mem < request->mem + request->nr_mem; mem++) {
		err = vpool_check_mem(mem, extack);
		if (err)
			return err;
		mem->bytes = round_up(mem->bytes, page_size);
		if (check_add_overflow(*total, mem->bytes, total))
			return vpool_err(extack, -EINVAL,
					 VPOOL_CODE_MEM_OVERFLOW,
					 "the memory requests add up to more than any host can have");
	}
	if (*total > host)
		return vpool_err(extack, -ENOMEM, VPOOL_CODE_MEM_HOST_SHORT,
				 "%s requested, but the host has %s",
				 vpool_size(*total).s, vpool_size(host).s);
	return 0;
}

static int vpool_spec_check_cpus(const struct vpool_spec *spec,
				 struct vpool_extack *extack)
{
	const struct vpool_request *request = &spec->request;
	bool has_cpus = vpool_request_has_cpus(request);

	if (!request->nr_mem && !has_cpus)
		return vpool_err(extack, -EINVAL, VPOOL_CODE_POOL_EMPTY,
				 "a pool needs memory or CPUs");
	if (spec->flags & VPOOL_CREATE_ISOLATED && !has_cpus)
		return vpool_err(extack, -EINVAL,
				 VPOOL_CODE_ISOLATED_WITHOUT_CPUS,
				 "a pool without CPUs cannot be isolated");
	if (request->cpus.mask && request->cpus.nr)
		return vpool_err(extack, -EINVAL,
				 VPOOL_CODE_CPU_LIST_AND_NUMBER,
				 "give either a list of CPUs or a number of CPUs, not both");
	return 0;
}

static int vpool_spec_check_page_size(struct vpool_spec *spec,
				      struct vpool_extack *extack)
{
	u64 size = spec->page_size ?: VPOOL_DEFAULT_PAGE_SIZE;
	int err = vpool_page_size_check(size, extack);

	if (!err)
		spec->order = ilog2(size) - PAGE_SHIFT;
	return err;
}

/* Prefer CPUs near the nodes from which memory is requested. */
static void vpool_request_set_near(struct vpool_request *request)
{
	u32 i;

	for (i = 0; i < request->nr_mem; i++)
		if (request->mem[i].node != VPOOL_ANY_NODE)
			node_set(request->mem[i].node, request->cpus.near);
}

/**
 * vpool_spec_check - check the description of a new pool
 * @spec: description; on success the fields that depend on others are set
 * @extack: message of a failed call, or NULL
 *
 * This checks the form only, not whether the host can spare the memory and the CPUs.
 *
 * Return: 0 or a negative errno as the UAPI describes.
 */
int vpool_spec_check(struct vpool_spec *spec, struct vpool_extack *extack)
{
	struct vpool_request *request = &spec->request;
	u32 i;
	int err;

	err = vpool_spec_check_name(spec->name, extack);
	if (err)
		return err;
	if (spec->mode & ~0666)
		return vpool_err(extack, -EINVAL, VPOOL_CODE_MODE_INVALID,
				 "mode %#o has bits that are not in 0666",
				 spec->mode);
	err = vpool_spec_check_cpus(spec, extack);
	if (!err)
		err = vpool_spec_check_page_size(spec, extack);
	if (!err)
		err = vpool_spec_check_limits(&spec->limits, spec->order, extack);
	if (err)
		return err;
	for (i = 0; i < request->nr_mem; i++)
		if (!request->mem[i].bytes)
			return vpool_err(extack, -EINVAL, VPOOL_CODE_MEM_ZERO,
					 "a memory request is for 0 bytes");
	err = vpool_spec_check_mem(request, spec->order, 0, &spec->bytes,
				   extack);
	if (!err)
		vpool_request_set_near(request);
	return err;
}
