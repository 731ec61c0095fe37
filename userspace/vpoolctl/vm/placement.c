// SPDX-License-Identifier: GPL-2.0-only
/*
 * Place the memory and vCPUs of a virtual machine on a pool.
 *
 * The guest gets a NUMA node for each node on which the pool has memory, as long as there
 * are vCPUs for them. The memory of a region comes from the node of the thread that maps
 * it first. So QEMU runs on CPUs of that node while it maps the memory of a guest node.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libvpool.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/code.h"
#include "base/command.h"
#include "output/messages.h"
#include "output/units.h"
#include "vm/backing.h"
#include "vm/placement.h"
#include "vm/qemu.h"
#include "vm/qmp.h"
#include "vm/size.h"
#include "vm/vm.h"

/* Planning */

int vm_check_pool(const struct invocation *inv, const struct vpool_info *pool,
		  __u64 bytes, unsigned int vcpus)
{
	unsigned int cpus = vpool_cpus_count(&pool->cpus);
	char want[SIZE_TEXT], have[SIZE_TEXT];

	if (!cpus)
		cmd_error(inv, inv->argv[0], VPOOL_CODE_POOL_WITHOUT_CPUS,
			  "pool '%s' has no CPUs; create one with --cpus or --ncpus",
			  pool->name);
	else if (vcpus > cpus)
		cmd_error(inv, inv->argv[0], TOOL_VM_MANY_VCPUS,
			  "%u vCPUs are requested, but pool '%s' has %u CPU%s",
			  vcpus, pool->name, cpus, cpus == 1 ? "" : "s");
	else if (!pool->free_bytes || bytes > pool->free_bytes)
		cmd_error(inv, inv->argv[0], TOOL_VM_POOL_SHORT,
			  "pool '%s' has %s free, but %s is requested; 'vpoolctl regions %s' shows who uses the rest",
			  pool->name, format_size(pool->free_bytes, have),
			  bytes ? format_size(bytes, want) : "some", pool->name);
	else
		return 0;
	return -1;
}

static int compare_free(const void *a, const void *b)
{
	const struct vpool_node_info *x = a, *y = b;

	if (x->free_bytes != y->free_bytes)
		return x->free_bytes > y->free_bytes ? -1 : 1;
	return (x->node > y->node) - (x->node < y->node);
}

/* Return the number of nodes: one per vCPU at most, but more if the memory needs them. */
static size_t nodes_needed(const struct vpool_node_info *nodes, size_t nr,
			   __u64 bytes, unsigned int vcpus)
{
	__u64 have = 0;
	size_t i;

	for (i = 0; i < nr && nodes[i].free_bytes; i++) {
		if (i >= vcpus && have >= bytes)
			break;
		have += nodes[i].free_bytes;
	}
	if (i > PLAN_NODES)
		i = PLAN_NODES;
	return i ? i : 1;
}

/* Share @bytes in proportion to the free memory. The last node gets the remainder. */
static void share_memory(const struct vpool_info *pool,
			 const struct vpool_node_info *nodes, __u64 bytes,
			 struct vm_plan *plan)
{
	__u64 have = 0, left = bytes, share;
	size_t i;

	for (i = 0; i < plan->nr && i < pool->nr_nodes; i++)
		have += nodes[i].free_bytes;
	for (i = 0; i < plan->nr; i++) {
		plan->node[i].host = i < pool->nr_nodes ? nodes[i].node : -1;
		share = have ? (double)bytes * nodes[i].free_bytes / have : 0;
		share -= share % pool->page_size;
		if (i == plan->nr - 1 || share > left)
			share = left;
		plan->node[i].bytes = share;
		left -= share;
	}
}

void vm_plan(const struct vpool_info *pool, __u64 bytes, unsigned int vcpus,
	     struct vm_plan *plan)
{
	struct vpool_node_info *nodes =
		xcalloc(pool->nr_nodes, sizeof(*nodes));
	unsigned int i;

	memset(plan, 0, sizeof(*plan));
	if (pool->nr_nodes) {
		memcpy(nodes, pool->nodes, pool->nr_nodes * sizeof(*nodes));
		qsort(nodes, pool->nr_nodes, sizeof(*nodes), compare_free);
	}
	plan->nr = nodes_needed(nodes, pool->nr_nodes, bytes, vcpus);
	share_memory(pool, nodes, bytes, plan);
	for (i = 0; i < vcpus; i++)
		plan->node[i % plan->nr].vcpus++;
	free(nodes);
}

static struct json_object *text(const char *value)
{
	return json_object_new_string(value);
}

/* Read the memory of the guest nodes, "ram0" and up, into the plan. */
static int plan_memory(struct qmp *from, struct vm_plan *plan)
{
	struct json_object *list, *one;
	size_t i, at;
	int err;

	err = qmp_run(from, QMP_MS, "query-memdev", NULL, &list);
	if (err)
		return err;
	for (i = 0; i < json_object_array_length(list); i++) {
		one = json_object_array_get_idx(list, i);
		if (sscanf(json_text(one, "id"), "ram%zu", &at) != 1 ||
		    at >= PLAN_NODES)
			continue;
		plan->node[at].bytes = json_number(one, "size");
		if (at >= plan->nr)
			plan->nr = at + 1;
	}
	json_object_put(list);
	return plan->nr ? 0 : -EINVAL;
}

static int plan_vcpus(struct qmp *from, struct vm_plan *plan)
{
	struct json_object *list, *props;
	size_t i, at;
	int err;

	err = qmp_run(from, QMP_MS, "query-cpus-fast", NULL, &list);
	if (err)
		return err;
	for (i = 0; i < json_object_array_length(list); i++) {
		at = 0;
		if (json_object_object_get_ex(json_object_array_get_idx(list, i),
					      "props", &props))
			at = json_number(props, "node-id");
		plan->node[at < plan->nr ? at : 0].vcpus++;
	}
	json_object_put(list);
	return 0;
}

/* Read from the path of the memory whether it is in files. */
static int plan_files(struct qmp *from, struct vm_plan *plan)
{
	struct json_object *args = json_object_new_object(), *path;
	int err;

	json_object_object_add(args, "path", text("/objects/ram0"));
	json_object_object_add(args, "property", text("mem-path"));
	err = qmp_run(from, QMP_MS, "qom-get", args, &path);
	if (err)
		return err;
	plan->in_files = backing_is_path(json_object_get_string(path));
	json_object_put(path);
	return 0;
}

/* A machine without the device answers with an error. */
static void plan_reclaim(struct qmp *from, struct vm_plan *plan)
{
	struct json_object *args = json_object_new_object(), *reports;

	json_object_object_add(args, "path", text("/machine/peripheral/" VM_RECLAIM_DEVICE));
	json_object_object_add(args, "property", text("free-page-reporting"));
	if (qmp_run(from, QMP_MS, "qom-get", args, &reports))
		return;
	plan->reclaims = json_object_get_boolean(reports);
	json_object_put(reports);
}

static int plan_size(struct qmp *from, struct vm_plan *plan)
{
	struct vm_size size;
	int err;

	err = vm_size_read(from, QMP_MS, &size);
	plan->elastic = size.elastic;
	plan->plugged = size.plugged;
	plan->block = size.block;
	return err;
}

int vm_plan_of(struct qmp *from, struct vm_plan *plan)
{
	int err;

	memset(plan, 0, sizeof(*plan));
	err = plan_memory(from, plan);
	if (!err)
		err = plan_files(from, plan);
	if (!err && plan->in_files)
		plan_reclaim(from, plan);
	if (!err)
		err = plan_size(from, plan);
	if (!err)
		err = plan_vcpus(from, plan);
	return err;
}

/*
 * Memory returns to a pool in whole pages. A machine whose blocks are smaller, or whose
 * guest reports smaller parts as free, would never return any.
 */
static int check_page_size(const struct invocation *inv, const char *name,
			   const struct vpool_info *info,
			   const struct vm_plan *plan)
{
	__u64 block = plan->reclaims || !plan->block ? VM_SIZE_BLOCK : plan->block;
	char page[SIZE_TEXT], unit[SIZE_TEXT];

	if ((!plan->reclaims && !plan->elastic) || info->page_size <= block)
		return 0;
	cmd_error(inv, name, TOOL_VM_PAGE_SIZE,
		  "pool '%s' has pages of %s, but the machine returns memory in blocks of %s",
		  info->name, format_size(info->page_size, page),
		  format_size(block, unit));
	return -1;
}

int vm_plan_fit(const struct invocation *inv, const char *name,
		struct vpool *pool, struct vm_plan *plan)
{
	unsigned int vcpus = 0;
	struct vpool_info *info;
	__u64 bytes = plan->plugged;
	size_t i;
	int err;

	err = vpool_query(pool, NULL, &info);
	if (err) {
		handle_error(inv, name, pool, err);
		return -1;
	}
	for (i = 0; i < plan->nr; i++) {
		bytes += plan->node[i].bytes;
		vcpus += plan->node[i].vcpus;
		plan->node[i].host = i < info->nr_nodes ? info->nodes[i].node : -1;
	}
	err = vm_check_pool(inv, info, bytes, vcpus) ||
	      check_page_size(inv, name, info, plan);
	vpool_info_free(info);
	return err ? -1 : 0;
}

/* CPUs */

/* Return the CPUs of the pool on a host node, or all of its CPUs if it has none there. */
static struct vpool_cpus cpus_near(struct vpool *pool,
				   const struct vpool_host *host, int node)
{
	struct vpool_cpus cpus = { 0 };
	struct vpool_info *info;
	size_t i;

	if (vpool_query(pool, NULL, &info))
		return cpus;
	vpool_cpus_copy(&cpus, &info->cpus);
	for (i = 0; i < host->nr_nodes; i++)
		if (host->nodes[i].node == node)
			vpool_cpus_and(&cpus, &host->nodes[i].cpus);
	if (!vpool_cpus_count(&cpus)) {
		vpool_cpus_free(&cpus);
		vpool_cpus_copy(&cpus, &info->cpus);
	}
	vpool_info_free(info);
	return cpus;
}

/* Set the affinity of QEMU's first thread while it maps memory. Failure is harmless. */
static void move_to(const struct qemu *qemu, struct vpool *pool,
		    const struct vpool_host *host, int node)
{
	struct vpool_cpus cpus = cpus_near(pool, host, node);

	if (vpool_cpus_count(&cpus))
		sched_setaffinity(qemu->slot->pid, cpus.bytes,
				  (cpu_set_t *)cpus.bits);
	vpool_cpus_free(&cpus);
}

/* Dedicate a CPU to a vCPU, on @node if one is free there. */
static int give_cpu(struct vpool *pool, const struct qemu *qemu, pid_t tid,
		    const struct vpool_cpus *near, int *cpu)
{
	unsigned int i;
	int err;

	for (i = 0; i < near->bytes * 8; i++) {
		if (!vpool_cpus_test(near, i))
			continue;
		*cpu = i;
		err = vpool_attach_task(pool, qemu->slot->pidfd, tid, 0, cpu);
		if (err != -EBUSY)
			return err;
	}
	*cpu = -1;
	return vpool_attach_task(pool, qemu->slot->pidfd, tid, 0, cpu);
}

static bool has_thread(pid_t pid, pid_t tid)
{
	char *path = xprintf("/proc/%d/task/%d", pid, tid);
	bool has = !access(path, F_OK);

	free(path);
	return has;
}

/*
 * Dedicate a CPU to a vCPU. One vCPU may share its CPU, because QEMU's other threads need
 * a CPU that is not dedicated.
 */
static int pin_vcpu(struct vpool *pool, const struct qemu *qemu,
		    struct json_object *vcpu, const struct vm_plan *plan,
		    const struct vpool_host *host, struct vm_placed *placed)
{
	pid_t tid = json_number(vcpu, "thread-id");
	struct vpool_cpus near;
	struct json_object *props;
	size_t node = 0;
	int err, cpu;

	if (!has_thread(qemu->slot->pid, tid))
		return -ECHILD;
	if (json_object_object_get_ex(vcpu, "props", &props))
		node = json_number(props, "node-id");
	near = cpus_near(pool, host,
			 plan->node[node < plan->nr ? node : 0].host);
	err = give_cpu(pool, qemu, tid, &near, &cpu);
	vpool_cpus_free(&near);
	if (!err)
		return vpool_cpus_add(&placed->cpus, cpu);
	if (err != -EBUSY || placed->sharing)
		return err;
	placed->sharing++;
	return 0;
}

static int pin_vcpus(const struct invocation *inv, const char *name,
		     struct qemu *qemu, struct vpool *pool,
		     const struct vm_plan *plan,
		     const struct vpool_host *host, struct vm_placed *placed)
{
	struct json_object *list;
	size_t i;
	int err;

	err = qmp_run(qemu->qmp, QMP_FOREVER, "query-cpus-fast", NULL, &list);
	if (err) {
		qemu_failed(inv, name, qemu, err);
		return -1;
	}
	for (i = 0; i < json_object_array_length(list) && !err; i++)
		err = pin_vcpu(pool, qemu, json_object_array_get_idx(list, i),
			       plan, host, placed);
	json_object_put(list);
	if (err == -ECHILD)
		cmd_error(inv, name, TOOL_QEMU_UNSUITABLE,
			  "QEMU does not run in process %d, which vpoolctl started: a script in VPOOL_QEMU must exec QEMU, and QEMU must not fork",
			  qemu->slot->pid);
	else if (err)
		cmd_error(inv, name, *vpool_reason(pool) ?
			  vpool_reason_code(pool) : errno_code(-err),
			  "vCPU %zu: %s", i - 1, *vpool_reason(pool) ?
			  vpool_reason(pool) : strerror(-err));
	return err ? -1 : 0;
}

/* Memory */

int vm_plan_back(const struct invocation *inv, const char *name,
		 struct vpool *pool, const struct vm_plan *plan,
		 struct backing *backing)
{
	int err = 0;
	size_t i;

	for (i = 0; plan->in_files && i < plan->nr && !err; i++)
		err = backing_add(inv, name, pool, backing, BACKING_NODE(i),
				  plan->node[i].bytes);
	if (!err && plan->elastic)
		err = backing_add(inv, name, pool, backing, BACKING_ELASTIC,
				  plan->elastic);
	return err;
}

static char *device_path(const char *pool)
{
	const char *dir = getenv("VPOOL_DEV_DIR");

	return xprintf("%s/%s", dir ? dir : "/dev/vpool", pool);
}

/*
 * Return the arguments for memory, and free @path. Align the mapping to the page size,
 * because otherwise neither the page tables of QEMU nor those of KVM could have huge
 * pages.
 */
static struct json_object *memory_args(const char *id, char *path, __u64 page_size,
				       __u64 bytes, bool prealloc)
{
	struct json_object *args = json_object_new_object();

	json_object_object_add(args, "qom-type", text("memory-backend-file"));
	json_object_object_add(args, "id", text(id));
	json_object_object_add(args, "mem-path", text(path));
	json_object_object_add(args, "size", json_object_new_int64(bytes));
	json_object_object_add(args, "align", json_object_new_int64(page_size));
	json_object_object_add(args, "share", json_object_new_boolean(true));
	json_object_object_add(args, "prealloc", json_object_new_boolean(prealloc));
	free(path);
	return args;
}

/* Prefer memory of a host node; the kernel takes memory of other nodes after that. */
static void prefer_node(struct json_object *args, int node)
{
	struct json_object *nodes = json_object_new_array();

	json_object_array_add(nodes, json_object_new_int(node));
	json_object_object_add(args, "host-nodes", nodes);
	json_object_object_add(args, "policy", text("preferred"));
}

/* Add the memory for vm resize. The device commits the parts that the guest uses. */
static int add_elastic(struct qemu *qemu, __u64 page_size,
		       const struct vm_plan *plan, const struct vpool_host *host)
{
	struct json_object *args =
		memory_args(VM_SIZE_MEMORY, backing_path(BACKING_ELASTIC),
			    page_size, plan->elastic, false);

	if (host->nr_nodes > 1 && plan->node[0].host >= 0)
		prefer_node(args, plan->node[0].host);
	return qmp_run(qemu->qmp, QMP_FOREVER, "object-add", args, NULL);
}

static int add_memory(struct qemu *qemu, const char *id, char *path,
		      __u64 page_size, __u64 bytes)
{
	return qmp_run(qemu->qmp, QMP_FOREVER, "object-add",
		       memory_args(id, path, page_size, bytes, true), NULL);
}

static int add_node(struct qemu *qemu, size_t node, const char *id)
{
	struct json_object *args = json_object_new_object();

	json_object_object_add(args, "type", text("node"));
	json_object_object_add(args, "nodeid", json_object_new_int(node));
	json_object_object_add(args, "memdev", text(id));
	return qmp_run(qemu->qmp, QMP_FOREVER, "set-numa-node", args, NULL);
}

static int build_memory(struct qemu *qemu, struct vpool *pool,
			const char *pool_name, const struct vm_plan *plan,
			const struct vpool_host *host)
{
	struct vpool_info *info;
	__u64 page_size;
	char id[32];
	int err;
	size_t i;

	err = vpool_query(pool, NULL, &info);
	if (err)
		return err;
	page_size = info->page_size;
	vpool_info_free(info);
	for (i = 0; i < plan->nr && !err; i++) {
		snprintf(id, sizeof(id), "ram%zu", i);
		if (host->nr_nodes > 1)
			move_to(qemu, pool, host, plan->node[i].host);
		err = add_memory(qemu, id, plan->in_files ?
				 backing_path(BACKING_NODE(i)) :
				 device_path(pool_name), page_size,
				 plan->node[i].bytes);
		if (!err)
			err = add_node(qemu, i, id);
	}
	if (host->nr_nodes > 1)
		move_to(qemu, pool, host, -1);
	if (!err && plan->elastic)
		err = add_elastic(qemu, page_size, plan, host);
	return err;
}

/* Devices */

/* Return the guest node of the n-th vCPU. */
static size_t node_of(const struct vm_plan *plan, size_t n)
{
	size_t node;

	for (node = 0; node + 1 < plan->nr; node++) {
		if (n < plan->node[node].vcpus)
			break;
		n -= plan->node[node].vcpus;
	}
	return node;
}

static int assign_vcpu(struct qemu *qemu, struct json_object *vcpu, size_t node)
{
	struct json_object *args = json_object_new_object(), *props;

	json_object_object_add(args, "type", text("cpu"));
	json_object_object_add(args, "node-id", json_object_new_int(node));
	if (json_object_object_get_ex(vcpu, "props", &props)) {
		json_object_object_foreach(props, key, value) {
			if (strcmp(key, "node-id"))
				json_object_object_add(args, key,
						       json_object_get(value));
		}
	}
	return qmp_run(qemu->qmp, QMP_FOREVER, "set-numa-node", args, NULL);
}

/* QEMU lists vCPUs from the last to the first. */
static int assign_vcpus(struct qemu *qemu, const struct vm_plan *plan)
{
	struct json_object *list;
	size_t i, nr;
	int err;

	if (plan->nr < 2)
		return 0;
	err = qmp_run(qemu->qmp, QMP_FOREVER, "query-hotpluggable-cpus", NULL,
		      &list);
	/* A microvm has no CPU hotplug, and its guest sees no nodes. */
	if (err == -EREMOTEIO)
		return 0;
	if (err)
		return err;
	nr = json_object_array_length(list);
	for (i = 0; i < nr && !err; i++)
		err = assign_vcpu(qemu, json_object_array_get_idx(list, i),
				  node_of(plan, nr - 1 - i));
	json_object_put(list);
	return err;
}

static int build_qemu(struct qemu *qemu, struct vpool *pool,
		      const char *pool_name, const struct vm_plan *plan,
		      const struct vpool_host *host, struct vm_placed *placed)
{
	double begin = now_ms();
	int err;

	err = build_memory(qemu, pool, pool_name, plan, host);
	placed->memory_ms = now_ms() - begin;
	begin = now_ms();
	if (!err)
		err = assign_vcpus(qemu, plan);
	if (!err)
		err = qmp_run(qemu->qmp, QMP_FOREVER, "x-exit-preconfig", NULL,
			      NULL);
	placed->devices_ms = now_ms() - begin;
	return err;
}

int vm_build(const struct invocation *inv, const char *name,
	     struct qemu *qemu, struct vpool *pool, const char *pool_name,
	     const struct vm_plan *plan, struct vm_placed *placed)
{
	struct vpool_host *host;
	int err;

	memset(placed, 0, sizeof(*placed));
	err = vpool_host_read(&host);
	if (err) {
		cmd_error(inv, name, errno_code(-err),
			  "cannot read the host's NUMA nodes: %s",
			  strerror(-err));
		return -1;
	}
	err = build_qemu(qemu, pool, pool_name, plan, host, placed);
	if (err)
		qemu_failed(inv, name, qemu, err);
	else
		err = pin_vcpus(inv, name, qemu, pool, plan, host, placed);
	vpool_host_free(host);
	return err ? -1 : 0;
}
