// SPDX-License-Identifier: GPL-2.0
#include <linux/ctype.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/nodemask.h>
#include <linux/overflow.h>
#include <linux/rhashtable.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/swap.h>
#include <linux/timekeeping.h>
#include <linux/wait.h>
#include <linux/xarray.h>

#include "audit.h"
#include "compat.h"
#include "dedicate.h"
#include "host.h"
#include "inode.h"
#include "mce.h"
#include "pool.h"
#include "reserve.h"
#include "trace.h"

/* What those who may open a pool can cost the kernel has an end. */
static uint max_regions = 65536;
module_param(max_regions, uint, 0644);
MODULE_PARM_DESC(max_regions, "regions that may be open in a pool at once");

/* Minors are 20 bits wide; id 0 is left out, so that it can mean none. */
#define VPOOL_ID_MAX ((1U << 20) - 1)

static const struct rhashtable_params vpool_by_name = {
	.key_offset = offsetof(struct vpool_pool, name),
	.key_len = VPOOL_NAME_SIZE,
	.head_offset = offsetof(struct vpool_pool, by_name),
	.automatic_shrinking = true,
};

/* Guards both tables and the taking of a reference out of them. */
static DEFINE_MUTEX(vpool_pools_lock);
static struct rhashtable vpool_names;
static DEFINE_XARRAY_ALLOC1(vpool_ids);
static u32 vpool_last_id;

static const struct vpool_faces *vpool_faces;
/* No workqueue: what it runs zeroes memory, and kworkers run on any CPU. */
static struct kthread_worker *vpool_reaper;

/* Pools whose memory is not freed yet; unloading waits for none. */
static atomic_t vpool_live = ATOMIC_INIT(0);
static DECLARE_WAIT_QUEUE_HEAD(vpool_none_live);

/**
 * vpool_state_name - a state as sysfs shows it
 * @state: which
 *
 * Return: one word.
 */
const char *vpool_state_name(enum vpool_state state)
{
	static const char * const name[] = {
		[VPOOL_STATE_CREATING] = "creating",
		[VPOOL_STATE_ACTIVE] = "active",
		[VPOOL_STATE_DESTROYING] = "destroying",
		[VPOOL_STATE_DEGRADED] = "degraded",
	};

	return name[state];
}

/**
 * vpool_pool_state - a pool's state as others see it
 * @pool: which
 *
 * Return: the state; that of a pool in use which lacks CPUs is degraded.
 */
enum vpool_state vpool_pool_state(struct vpool_pool *pool)
{
	enum vpool_state state = READ_ONCE(pool->state);

	if (state == VPOOL_STATE_ACTIVE && READ_ONCE(pool->cpus.degraded))
		return VPOOL_STATE_DEGRADED;
	return state;
}

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

/* islower() and isdigit() know Latin-1, names are ASCII. */
static bool vpool_name_is_ascii(const char *name)
{
	for (; *name; name++)
		if (!isascii(*name))
			return false;
	return true;
}

static int vpool_check_name(const char *name, struct vpool_extack *extack)
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
			 "'%*pE' is no name for a pool: [a-z0-9][a-z0-9._-]{0,31}, not 'control'",
			 (int)strlen(name), name);
}

static int vpool_page_order(u64 page_size, unsigned int *order,
			    struct vpool_extack *extack)
{
	if (!page_size || page_size == PMD_SIZE)
		*order = PMD_SHIFT - PAGE_SHIFT;
	else if (page_size == PAGE_SIZE)
		*order = 0;
	else if (page_size == PUD_SIZE)
		return vpool_err(extack, -EOPNOTSUPP,
				 VPOOL_CODE_PAGE_SIZE_NEEDS_KERNEL,
				 "pages of %s need Linux 6.15 or newer",
				 vpool_size(page_size).s);
	else
		return vpool_err(extack, -EOPNOTSUPP,
				 VPOOL_CODE_PAGE_SIZE_UNSUPPORTED,
				 "pages of %llu bytes are not supported, only of %lu and %lu",
				 page_size, PAGE_SIZE, PMD_SIZE);
	return 0;
}

/**
 * vpool_check_node - can there be memory on that node?
 * @nid: as userspace gave it
 * @extack: told if not
 *
 * Return: 0, -ENODEV if there is no such node, -ENOMEM if it has no memory.
 */
int vpool_check_node(int nid, struct vpool_extack *extack)
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

static int vpool_check_mem(const struct vpool_mem *mem,
			   struct vpool_extack *extack)
{
	if (mem->__reserved)
		return vpool_err(
			extack, -EINVAL, VPOOL_CODE_RESERVED_FIELD,
			"a reserved field of a memory request is not 0");
	if (mem->bytes > S64_MAX)
		return vpool_err(extack, -EINVAL, VPOOL_CODE_MEM_OVERFLOW,
				 "%llu bytes are beyond all bounds",
				 mem->bytes);
	return mem->node == VPOOL_ANY_NODE
		       ? 0
		       : vpool_check_node(mem->node, extack);
}

/**
 * vpool_check_mems - check requests for form, round them up and add them
 * @mem: the requests
 * @nr_mem: how many
 * @order: of the pool's folios
 * @has: what the pool has already, in bytes
 * @total: set to their sum in bytes
 * @extack: told if it fails
 *
 * Return: 0, -EINVAL, -ENODEV for a node that does not exist, -ENOMEM for what
 * no host could give.
 */
int vpool_check_mems(struct vpool_mem *mem, u32 nr_mem, unsigned int order,
		     u64 has, u64 *total, struct vpool_extack *extack)
{
	/* What pools have is not in this. */
	u64 host = ((u64)totalram_pages() << PAGE_SHIFT) + has;
	u64 page_size = (u64)PAGE_SIZE << order;
	u32 i;
	int err;

	*total = 0;
	for (i = 0; i < nr_mem; i++) {
		err = vpool_check_mem(&mem[i], extack);
		if (err)
			return err;
		mem[i].bytes = round_up(mem[i].bytes, page_size);
		if (check_add_overflow(*total, mem[i].bytes, total))
			return vpool_err(
				extack, -EINVAL, VPOOL_CODE_MEM_OVERFLOW,
				"the memory requests add up beyond all bounds");
	}
	if (*total > host)
		return vpool_err(extack, -ENOMEM, VPOOL_CODE_MEM_HOST_SHORT,
				 "%s asked, the host has %s",
				 vpool_size(*total).s, vpool_size(host).s);
	return 0;
}

static bool vpool_spec_has_cpus(const struct vpool_spec *spec)
{
	return spec->cpus || spec->nr_cpus;
}

static int vpool_check_spec(struct vpool_spec *spec, unsigned int *order,
			    u64 *bytes, struct vpool_extack *extack)
{
	u32 i;
	int err;

	err = vpool_check_name(spec->name, extack);
	if (err)
		return err;
	if (spec->mode & ~0666)
		return vpool_err(extack, -EINVAL, VPOOL_CODE_MODE_INVALID,
				 "mode %#o has bits that are not in 0666",
				 spec->mode);
	if (!spec->nr_mem && !vpool_spec_has_cpus(spec))
		return vpool_err(extack, -EINVAL, VPOOL_CODE_POOL_EMPTY,
				 "a pool needs memory or CPUs");
	if (spec->flags & VPOOL_CREATE_ISOLATED && !vpool_spec_has_cpus(spec))
		return vpool_err(extack, -EINVAL,
				 VPOOL_CODE_ISOLATED_WITHOUT_CPUS,
				 "a pool without CPUs cannot be isolated");
	if (spec->cpus && spec->nr_cpus)
		return vpool_err(
			extack, -EINVAL, VPOOL_CODE_CPU_LIST_AND_NUMBER,
			"CPUs are asked for by list or by number, not both");
	err = vpool_page_order(spec->page_size, order, extack);
	if (err)
		return err;
	for (i = 0; i < spec->nr_mem; i++)
		if (!spec->mem[i].bytes)
			return vpool_err(extack, -EINVAL, VPOOL_CODE_MEM_ZERO,
					 "0 bytes of memory asked");
	return vpool_check_mems(spec->mem, spec->nr_mem, *order, 0, bytes,
				extack);
}

static struct vpool_cpu_rules vpool_spec_rules(const struct vpool_spec *spec)
{
	return (struct vpool_cpu_rules) {
		.split_cores = spec->flags & VPOOL_CREATE_SPLIT_CORES,
		.boot_core = spec->flags & VPOOL_CREATE_BOOT_CORE,
	};
}

/* What @spec wants, near the nodes that it asks memory of by number. */
static struct vpool_cpu_wish vpool_spec_wish(const struct vpool_spec *spec)
{
	struct vpool_cpu_wish wish = {
		.mask = spec->cpus,
		.nr = spec->nr_cpus,
		.node = spec->cpus_node,
	};
	u32 i;

	for (i = 0; i < spec->nr_mem; i++)
		if (spec->mem[i].node != VPOOL_ANY_NODE)
			node_set(spec->mem[i].node, wish.near);
	return wish;
}

static void vpool_pool_release(struct kref *ref)
{
	struct vpool_pool *pool = container_of(ref, struct vpool_pool, ref);

	vpool_store_exit(&pool->store);
	vpool_members_exit(&pool->members);
	vpool_cpus_exit(&pool->cpus);
	mutex_destroy(&pool->resizing);
	mutex_destroy(&pool->lock);
	kfree(pool);
	if (atomic_dec_and_test(&vpool_live))
		wake_up_all(&vpool_none_live);
}

/**
 * vpool_pool_get - one more reference
 * @pool: to which the caller has one
 */
void vpool_pool_get(struct vpool_pool *pool)
{
	kref_get(&pool->ref);
}

/**
 * vpool_pool_put - drop a reference
 * @pool: gone with the last one, but destroyed before that
 */
void vpool_pool_put(struct vpool_pool *pool)
{
	kref_put(&pool->ref, vpool_pool_release);
}

static void vpool_pool_reap(struct kthread_work *work);

/* May be called in any context by who knows that the pool is not gone. */
static void vpool_pool_maybe_reap(struct vpool_pool *pool)
{
	if (!READ_ONCE(pool->orphan))
		return;
	vpool_pool_get(pool);
	if (!kthread_queue_work(vpool_reaper, &pool->reap))
		vpool_pool_put(pool);
}

static void vpool_pool_emptied(struct vpool_member_set *members)
{
	vpool_pool_maybe_reap(container_of(members, struct vpool_pool,
					   members));
}

/* A pool's members follow its CPUs. */
static void vpool_pool_moved(struct vpool_cpus *cpus, bool changed)
{
	struct vpool_pool *pool = container_of(cpus, struct vpool_pool, cpus);

	vpool_members_publish(&pool->members, cpus->assigned, cpus->usable,
			      cpus->exiled);
	/* As long as it has CPUs it has its directory. */
	if (changed)
		vpool_faces->dir_changed(pool);
}

static void vpool_pool_dedicated(const struct vpool_cpus *cpus,
				 struct cpumask *mask)
{
	struct vpool_pool *pool = container_of(cpus, struct vpool_pool, cpus);

	vpool_members_dedicated(&pool->members, mask);
}

/* The last pin is gone, and with it maybe the last use of an orphan. */
static void vpool_pool_unpinned(struct vpool_store *store)
{
	vpool_pool_maybe_reap(container_of(store, struct vpool_pool, store));
}

static struct vpool_pool *vpool_pool_alloc(const struct vpool_spec *spec,
					   unsigned int order)
{
	struct vpool_pool *pool = kzalloc(sizeof(*pool), GFP_KERNEL);

	if (!pool)
		return NULL;
	strscpy(pool->name, spec->name, sizeof(pool->name));
	if (vpool_cpus_init(&pool->cpus, pool->name))
		goto free_pool;
	if (vpool_members_init(&pool->members, pool->name, &pool->stat))
		goto exit_cpus;
	if (vpool_store_init(&pool->store, pool->name, &pool->cpus, order,
			     &pool->stat))
		goto exit_members;
	pool->cpus.moved = vpool_pool_moved;
	pool->cpus.dedicated = vpool_pool_dedicated;
	pool->cpus.isolated = spec->flags & VPOOL_CREATE_ISOLATED;
	pool->store.unpinned = vpool_pool_unpinned;
	pool->create_flags = spec->flags;
	pool->members.isolated = spec->flags & VPOOL_CREATE_ISOLATED;
	pool->members.emptied = vpool_pool_emptied;
	kref_init(&pool->ref);
	mutex_init(&pool->resizing);
	mutex_init(&pool->lock);
	kthread_init_work(&pool->reap, vpool_pool_reap);
	INIT_LIST_HEAD(&pool->regions);
	pool->uid = spec->uid;
	pool->gid = spec->gid;
	pool->mode = spec->mode;
	pool->creator = spec->creator;
	pool->created_ns = ktime_get_real_ns();
	pool->state = VPOOL_STATE_CREATING;
	atomic_inc(&vpool_live);
	return pool;

exit_members:
	vpool_members_exit(&pool->members);
exit_cpus:
	vpool_cpus_exit(&pool->cpus);
free_pool:
	kfree(pool);
	return NULL;
}

static int vpool_name_taken(const char *name, struct vpool_extack *extack)
{
	return vpool_err(extack, -EEXIST, VPOOL_CODE_POOL_EXISTS,
			 "there is a pool '%s' already", name);
}

/* Enters a pool in both tables, which then have its first reference. */
static int vpool_pool_enter(struct vpool_pool *pool,
			    struct vpool_extack *extack)
{
	int err;

	mutex_lock(&vpool_pools_lock);
	err = xa_alloc_cyclic(&vpool_ids, &pool->id, pool,
			      XA_LIMIT(1, VPOOL_ID_MAX), &vpool_last_id,
			      GFP_KERNEL);
	if (err < 0) {
		err = vpool_err(extack, err == -EBUSY ? -ENOSPC : err,
				VPOOL_CODE_TOO_MANY_POOLS,
				"there is no room for another pool");
		goto unlock;
	}
	err = rhashtable_lookup_insert_fast(&vpool_names, &pool->by_name,
					    vpool_by_name);
	if (!err)
		goto unlock;
	xa_erase(&vpool_ids, pool->id);
	if (err == -EEXIST)
		vpool_name_taken(pool->name, extack);
	else
		err = vpool_err(extack, -ENOMEM, VPOOL_CODE_NO_KERNEL_MEMORY,
				"no kernel memory to enter the name");
unlock:
	mutex_unlock(&vpool_pools_lock);
	return err;
}

static void vpool_pool_leave(struct vpool_pool *pool)
{
	mutex_lock(&vpool_pools_lock);
	rhashtable_remove_fast(&vpool_names, &pool->by_name, vpool_by_name);
	xa_erase(&vpool_ids, pool->id);
	mutex_unlock(&vpool_pools_lock);
	vpool_pool_put(pool);
}

/**
 * vpool_pool_find - look up a pool
 * @name: NUL-terminated, in VPOOL_NAME_SIZE bytes
 * @extack: told if there is none
 *
 * Return: with a reference, or an ERR_PTR of -ENOENT, or of -EINVAL for what is
 * no name at all.
 */
struct vpool_pool *vpool_pool_find(const char *name,
				   struct vpool_extack *extack)
{
	char key[VPOOL_NAME_SIZE] = {};
	struct vpool_pool *pool;
	int err;

	err = vpool_check_name(name, extack);
	if (err)
		return ERR_PTR(err);
	strscpy(key, name, sizeof(key));
	mutex_lock(&vpool_pools_lock);
	pool = rhashtable_lookup_fast(&vpool_names, key, vpool_by_name);
	if (pool)
		vpool_pool_get(pool);
	mutex_unlock(&vpool_pools_lock);
	if (pool)
		return pool;
	return ERR_PTR(vpool_err(extack, -ENOENT, VPOOL_CODE_NO_POOL,
				 "there is no pool '%s'", key));
}

/**
 * vpool_pools_list - all pools
 * @entries: filled in, in the order of ids
 * @max: room in @entries
 *
 * Return: how many there are; with more than @max, @entries is of no use.
 */
u32 vpool_pools_list(struct vpool_list_entry *entries, u32 max)
{
	struct vpool_pool *pool;
	unsigned long id;
	u32 nr = 0;

	mutex_lock(&vpool_pools_lock);
	xa_for_each(&vpool_ids, id, pool) {
		if (nr < max) {
			entries[nr].id = id;
			entries[nr].state = vpool_pool_state(pool);
			strscpy(entries[nr].name, pool->name,
				VPOOL_NAME_SIZE);
		}
		nr++;
	}
	mutex_unlock(&vpool_pools_lock);
	return nr;
}

static void vpool_pool_set_state(struct vpool_pool *pool,
				 enum vpool_state state)
{
	lockdep_assert_held(&pool->lock);
	WRITE_ONCE(pool->state, state);
	vpool_faces->dir_changed(pool);
}

/* Memory of no particular node comes from near @cpus. */
static int vpool_pool_gather(struct vpool_pool *pool,
			     const struct vpool_spec *spec, u64 bytes,
			     const struct cpumask *cpus,
			     struct vpool_extack *extack)
{
	struct vpool_gather gather = {
		.store = &pool->store,
		.folios = LIST_HEAD_INIT(gather.folios),
		.cpus = cpus,
		.timeout = msecs_to_jiffies(spec->timeout_ms),
	};
	int err = 0;
	u32 i;

	vpool_store_set_target(&pool->store, bytes);
	for (i = 0; !err && i < spec->nr_mem; i++)
		err = vpool_gather_memory(&gather, spec->mem[i].node,
					  spec->mem[i].bytes, extack);
	if (err)
		vpool_gather_discard(&gather);
	else
		vpool_gather_publish(&gather);
	return err;
}

/* By number: near the memory that the pool has got. */
static int vpool_pool_claim(struct vpool_pool *pool,
			    const struct vpool_spec *spec,
			    struct vpool_extack *extack)
{
	struct vpool_cpu_rules rules = vpool_spec_rules(spec);
	struct vpool_cpu_wish wish = vpool_spec_wish(spec);
	struct vpool_usage usage;
	int nid;

	for_each_node_state(nid, N_MEMORY) {
		vpool_store_node_usage(&pool->store, nid, &usage);
		if (usage.total)
			node_set(nid, wish.near);
	}
	return vpool_cpus_claim(&pool->cpus, &wish, &rules, extack);
}

/*
 * CPUs by list are taken first, that is quick. Of those by number the ones that could
 * be had now say where the memory comes from, unless a node was named; then CPUs are
 * taken where the memory turns out to be.
 */
static int vpool_pool_supply(struct vpool_pool *pool,
			     const struct vpool_spec *spec, u64 bytes,
			     struct vpool_extack *extack)
{
	struct vpool_cpu_rules rules = vpool_spec_rules(spec);
	struct vpool_cpu_wish wish = vpool_spec_wish(spec);
	cpumask_var_t cpus;
	int err = 0;

	if (!zalloc_cpumask_var(&cpus, GFP_KERNEL))
		return vpool_err(extack, -ENOMEM, VPOOL_CODE_NO_KERNEL_MEMORY,
				 "no kernel memory for a CPU mask");
	if (spec->cpus)
		err = vpool_pool_claim(pool, spec, extack);
	else if (spec->nr_cpus)
		err = vpool_cpus_check(&wish, &rules, cpus, extack);
	if (spec->cpus)
		cpumask_copy(cpus, spec->cpus);
	if (!err)
		err = vpool_pool_gather(pool, spec, bytes, cpus, extack);
	if (!err && spec->nr_cpus)
		err = vpool_pool_claim(pool, spec, extack);
	free_cpumask_var(cpus);
	return err;
}

static int vpool_pool_build(struct vpool_pool *pool,
			    const struct vpool_spec *spec, u64 bytes,
			    struct vpool_extack *extack)
{
	int err;

	err = vpool_pool_enter(pool, extack);
	if (err) {
		vpool_store_close(&pool->store);
		vpool_pool_put(pool);
		return err;
	}
	err = vpool_faces->dir_add(pool);
	if (err) {
		vpool_err(extack, err, VPOOL_CODE_NO_KERNEL_MEMORY,
			  "no kernel memory for sysfs");
		goto close_store;
	}
	err = vpool_pool_supply(pool, spec, bytes, extack);
	if (err)
		goto release_cpus;
	err = vpool_faces->node_add(pool);
	if (err) {
		vpool_err(extack, err, VPOOL_CODE_NO_KERNEL_MEMORY,
			  "the device node could not be made");
		goto release_cpus;
	}
	mutex_lock(&pool->lock);
	vpool_pool_set_state(pool, VPOOL_STATE_ACTIVE);
	mutex_unlock(&pool->lock);
	return 0;

release_cpus:
	vpool_cpus_release(&pool->cpus);
	vpool_faces->dir_del(pool);
close_store:
	vpool_store_close(&pool->store);
	vpool_pool_leave(pool);
	return err;
}

static int vpool_dry_run_cpus(const struct vpool_spec *spec,
			      struct vpool_extack *extack)
{
	struct vpool_cpu_rules rules = vpool_spec_rules(spec);
	struct vpool_cpu_wish wish = vpool_spec_wish(spec);
	cpumask_var_t found;
	int err;

	if (!vpool_spec_has_cpus(spec))
		return 0;
	if (!alloc_cpumask_var(&found, GFP_KERNEL))
		return vpool_err(extack, -ENOMEM, VPOOL_CODE_NO_KERNEL_MEMORY,
				 "no kernel memory for a CPU mask");
	err = vpool_cpus_check(&wish, &rules, found, extack);
	free_cpumask_var(found);
	return err;
}

/* Requests of one node are looked at one by one, and then all together. */
static int vpool_dry_run_mem(const struct vpool_spec *spec, u64 bytes,
			     struct vpool_extack *extack)
{
	int err = 0;
	u32 i;

	for (i = 0; !err && i < spec->nr_mem; i++)
		err = vpool_host_can_spare(spec->mem[i].node,
					   spec->mem[i].bytes, extack);
	if (err || !spec->nr_mem)
		return err;
	return vpool_host_can_spare(VPOOL_ANY_NODE, bytes, extack);
}

static int vpool_dry_run(const struct vpool_spec *spec, u64 bytes,
			 struct vpool_extack *extack)
{
	struct vpool_pool *pool = vpool_pool_find(spec->name, NULL);
	int err;

	if (!IS_ERR(pool)) {
		vpool_pool_put(pool);
		return vpool_name_taken(spec->name, extack);
	}
	err = vpool_dry_run_cpus(spec, extack);
	return err ?: vpool_dry_run_mem(spec, bytes, extack);
}

/**
 * vpool_pool_create - create a pool
 * @spec: what it is to be; its memory requests are rounded up
 * @id: set to its id, or left alone by a dry run
 * @bytes: set to its memory
 * @extack: told if it fails
 *
 * Context: sleeps, for as long as @spec allows; takes no lock for all of that.
 * Return: 0, or an errno as the UAPI describes with nothing changed.
 */
int vpool_pool_create(struct vpool_spec *spec, u32 *id, u64 *bytes,
		      struct vpool_extack *extack)
{
	struct vpool_pool *pool;
	unsigned int order;
	int err;

	err = vpool_check_spec(spec, &order, bytes, extack);
	if (err)
		return err;
	if (spec->flags & VPOOL_CREATE_DRY_RUN)
		return vpool_dry_run(spec, *bytes, extack);
	pool = vpool_pool_alloc(spec, order);
	if (!pool)
		return vpool_err(extack, -ENOMEM, VPOOL_CODE_NO_KERNEL_MEMORY,
				 "no kernel memory to describe a pool");
	vpool_pool_get(pool);
	err = vpool_pool_build(pool, spec, *bytes, extack);
	*id = pool->id;
	trace_vpool_create(spec->name, *id, err);
	vpool_audit("create", spec->name, err);
	vpool_pool_put(pool);
	return err;
}

static int vpool_busy_region(struct vpool_pool *pool,
			     struct vpool_extack *extack)
{
	struct vpool_region *region =
		list_first_entry(&pool->regions, struct vpool_region, link);

	return vpool_err(extack, -EBUSY, VPOOL_CODE_POOL_HAS_REGIONS,
			 "pool '%s' has %u region%s open or mapped, the oldest by task %d (%s)",
			 pool->name, pool->nr_regions,
			 pool->nr_regions == 1 ? "" : "s",
			 vpool_region_pid(region), region->comm);
}

/* Marks a pool as going; after that nobody comes to it any more. */
static int vpool_pool_condemn(struct vpool_pool *pool, bool force,
			      struct vpool_extack *extack)
{
	struct vpool_region *region;
	unsigned int nr;
	u64 pinned;

	lockdep_assert_held(&pool->lock);
	if (pool->state != VPOOL_STATE_ACTIVE)
		return vpool_err(extack, -EBUSY, VPOOL_CODE_POOL_TRANSIENT,
				 "pool '%s' is %s", pool->name,
				 vpool_state_name(pool->state));
	if (!force && pool->nr_regions)
		return vpool_busy_region(pool, extack);
	pinned = force ? 0 : vpool_store_pinned(&pool->store);
	if (pinned)
		return vpool_err(extack, -EBUSY, VPOOL_CODE_POOL_PINNED,
				 "%s of pool '%s' are still pinned, by a pipe or a device",
				 vpool_size(pinned).s, pool->name);
	if (!vpool_members_close(&pool->members, force)) {
		nr = READ_ONCE(pool->members.nr);
		return vpool_err(extack, -EBUSY, VPOOL_CODE_POOL_HAS_MEMBERS,
				 "pool '%s' has %u member%s", pool->name, nr,
				 nr == 1 ? "" : "s");
	}
	vpool_pool_set_state(pool, VPOOL_STATE_DESTROYING);
	list_for_each_entry(region, &pool->regions, link)
		vpool_region_revoke(region);
	return 0;
}

static int vpool_pool_end(struct vpool_pool *pool, bool force,
			  struct vpool_extack *extack)
{
	int err;

	mutex_lock(&pool->lock);
	err = vpool_pool_condemn(pool, force, extack);
	mutex_unlock(&pool->lock);
	trace_vpool_destroy(pool->name, pool->id, err);
	vpool_audit("destroy", pool->name, err);
	if (err)
		return err;
	/* Whoever is resizing sees the state, gives up and lets go. */
	mutex_lock(&pool->resizing);
	mutex_unlock(&pool->resizing);
	vpool_faces->node_del(pool);
	vpool_cpus_release(&pool->cpus);
	vpool_faces->dir_del(pool);
	vpool_store_close(&pool->store);
	vpool_pool_leave(pool);
	return 0;
}

/**
 * vpool_pool_destroy - give a pool back to the host
 * @name: which
 * @force: also if it is in use
 * @extack: told if it fails
 *
 * Context: sleeps; takes the pool's lock.
 * Return: 0, -ENOENT, -EBUSY if it is in use or not active.
 */
int vpool_pool_destroy(const char *name, bool force,
		       struct vpool_extack *extack)
{
	struct vpool_pool *pool = vpool_pool_find(name, extack);
	int err;

	if (IS_ERR(pool))
		return PTR_ERR(pool);
	err = vpool_pool_end(pool, force, extack);
	vpool_pool_put(pool);
	return err;
}

/* The reaper zeroes what was not scrubbed, so it runs where scrubbers may. */
static void vpool_reaper_move(void)
{
	cpumask_var_t mask;

	if (!alloc_cpumask_var(&mask, GFP_KERNEL | __GFP_NOWARN))
		return;
	vpool_cpus_background(NULL, NUMA_NO_NODE, mask);
	if (!cpumask_empty(mask))
		set_cpus_allowed_ptr(current, mask);
	free_cpumask_var(mask);
}

static void vpool_pool_reap(struct kthread_work *work)
{
	struct vpool_pool *pool = container_of(work, struct vpool_pool, reap);

	vpool_reaper_move();
	vpool_pool_end(pool, false, NULL);
	vpool_pool_put(pool);
}

/**
 * vpool_pool_next - walk all pools
 * @id: of the one before, 0 at first; set to that of the one returned
 *
 * Return: with a reference, or NULL.
 */
struct vpool_pool *vpool_pool_next(u32 *id)
{
	unsigned long index = *id;
	struct vpool_pool *pool;

	mutex_lock(&vpool_pools_lock);
	pool = xa_find_after(&vpool_ids, &index, ULONG_MAX, XA_PRESENT);
	if (pool)
		vpool_pool_get(pool);
	mutex_unlock(&vpool_pools_lock);
	*id = index;
	return pool;
}

/**
 * vpool_pools_abandon - a creator of ephemeral pools is gone
 * @creator: who
 *
 * Its pools are destroyed as soon as nobody uses them, by a work item.
 */
void vpool_pools_abandon(const void *creator)
{
	struct vpool_pool *pool;
	u32 id = 0;

	while ((pool = vpool_pool_next(&id))) {
		if (READ_ONCE(pool->creator) == creator) {
			mutex_lock(&pool->lock);
			WRITE_ONCE(pool->creator, NULL);
			WRITE_ONCE(pool->orphan, true);
			mutex_unlock(&pool->lock);
			vpool_pool_maybe_reap(pool);
		}
		vpool_pool_put(pool);
	}
}

static int vpool_too_many_regions(struct vpool_pool *pool)
{
	vpool_stat_inc(&pool->stat, VPOOL_STAT_LIMITED);
	pr_notice_ratelimited("task %d (%s) may not open pool '%s': it has %u regions (max_regions)\n",
			      task_pid_nr(current), current->comm, pool->name,
			      pool->nr_regions);
	return -ENOSPC;
}

/**
 * vpool_pool_open - enter a region
 * @pool: which; the caller has a reference
 * @region: initialised, in no pool
 *
 * Return: 0, -ENXIO if the pool is not active, or -ENOSPC if it has as many regions
 * as it may have.
 */
int vpool_pool_open(struct vpool_pool *pool, struct vpool_region *region)
{
	int err = 0;

	mutex_lock(&pool->lock);
	if (pool->state != VPOOL_STATE_ACTIVE) {
		err = -ENXIO;
	} else if (pool->nr_regions >= READ_ONCE(max_regions)) {
		err = vpool_too_many_regions(pool);
	} else {
		region->id = ++pool->last_region;
		list_add_tail(&region->link, &pool->regions);
		WRITE_ONCE(pool->nr_regions, pool->nr_regions + 1);
	}
	mutex_unlock(&pool->lock);
	return err;
}

/**
 * vpool_pool_close - a region ends
 * @pool: its pool
 * @region: entered by vpool_pool_open(); ended by this
 */
void vpool_pool_close(struct vpool_pool *pool, struct vpool_region *region)
{
	/* Before it leaves the list, so that an idle pool has all its memory. */
	vpool_region_empty(region);
	mutex_lock(&pool->lock);
	list_del(&region->link);
	WRITE_ONCE(pool->nr_regions, pool->nr_regions - 1);
	mutex_unlock(&pool->lock);
	vpool_region_exit(region);
	vpool_pool_maybe_reap(pool);
}

/**
 * vpool_pool_regions - the regions of a pool
 * @pool: which
 * @info: filled in, in the current namespaces, oldest first
 * @max: room in @info
 *
 * Return: how many there are; with more than @max, @info is of no use.
 */
u32 vpool_pool_regions(struct vpool_pool *pool, struct vpool_region_info *info,
		       u32 max)
{
	struct vpool_region *region;
	u32 nr = 0;

	mutex_lock(&pool->lock);
	list_for_each_entry(region, &pool->regions, link) {
		if (pool->nr_regions > max)
			break;
		info[nr].id = region->id;
		info[nr].bytes = vpool_region_bytes(region);
		info[nr].pid = vpool_region_pid(region);
		info[nr].uid = from_kuid_munged(current_user_ns(), region->uid);
		strscpy(info[nr].comm, region->comm, sizeof(info[nr].comm));
		nr++;
	}
	nr = pool->nr_regions;
	mutex_unlock(&pool->lock);
	return nr;
}

static bool vpool_pool_poisoned(struct vpool_pool *pool, struct page *page,
				bool has_ref)
{
	struct vpool_region *region;
	struct inode *inode = NULL;
	enum vpool_poisoned whose;
	pgoff_t pgoff;

	whose = vpool_store_poison(&pool->store, page, has_ref);
	if (whose != VPOOL_POISONED_USED)
		return whose == VPOOL_POISONED_ASIDE;
	mutex_lock(&pool->lock);
	list_for_each_entry(region, &pool->regions, link) {
		inode = vpool_region_poisoned(region, page, &pgoff);
		if (inode)
			break;
	}
	mutex_unlock(&pool->lock);
	if (inode) {
		/* Takes mmap locks, which come before those of pools and regions. */
		vpool_mce_tell(inode->i_mapping, pgoff);
		vpool_inode_put(inode);
	}
	return true;
}

/**
 * vpool_pools_poisoned - handle a memory error, if it is in a pool
 * @pfn: the page; it may be any pool's or none's
 * @has_ref: the caller has a reference to that page, and gives it up if the page is
 *	a pool's
 *
 * Context: sleeps; takes the lock of the pool that uses the page, and mmap locks.
 * Return: true if the page is a pool's; it is marked, and no page table maps it.
 */
bool vpool_pools_poisoned(unsigned long pfn, bool has_ref)
{
	struct page *page = pfn_to_online_page(pfn);
	struct vpool_pool *pool;
	bool ours = false;
	u32 id = 0;

	while (page && !ours && (pool = vpool_pool_next(&id))) {
		ours = vpool_pool_poisoned(pool, page, has_ref);
		if (ours)
			pr_err("%#lx: memory failure in pool '%s', recovery action: Recovered\n",
			       pfn, pool->name);
		vpool_pool_put(pool);
	}
	return ours;
}

/**
 * vpool_pools_start - no pool yet
 * @faces: how pools show themselves, for as long as there are any
 *
 * Return: 0, -ENOMEM, or -EINTR if the caller is killed meanwhile.
 */
int vpool_pools_start(const struct vpool_faces *faces)
{
	int err;

	vpool_faces = faces;
	vpool_reaper = kthread_run_worker(0, "vpool_reap");
	if (IS_ERR(vpool_reaper))
		return PTR_ERR(vpool_reaper);
	err = rhashtable_init(&vpool_names, &vpool_by_name);
	if (err)
		kthread_destroy_worker(vpool_reaper);
	return err;
}

/**
 * vpool_pools_stop - destroy all pools; nobody has one open
 *
 * Context: sleeps until the last one's memory is freed.
 */
void vpool_pools_stop(void)
{
	struct vpool_pool *pool;
	u32 id = 0;

	while ((pool = vpool_pool_next(&id))) {
		vpool_pool_end(pool, true, NULL);
		vpool_pool_put(pool);
	}
	wait_event(vpool_none_live, !atomic_read(&vpool_live));
	kthread_destroy_worker(vpool_reaper);
	rhashtable_destroy(&vpool_names);
}
