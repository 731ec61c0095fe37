// SPDX-License-Identifier: GPL-2.0
#include <linux/cred.h>
#include <linux/kobject.h>
#include <linux/module.h>
#include <linux/nodemask.h>
#include <linux/slab.h>
#include <linux/sysfs.h>

#include "page_size.h"
#include "pool.h"
#include "sysfs.h"

/**
 * struct vpool_sysfs_dir - a directory of a pool
 * @kobj: kobject of the directory
 * @pool: pool to which the directory has a reference
 * @nid: NUMA node that the directory describes, or VPOOL_ANY_NODE for all nodes
 * @memory: the directory "memory", in the top directory of a pool only
 * @node: the directories "nodeN", indexed by node id, in "memory" only
 */
struct vpool_sysfs_dir {
	struct kobject kobj;
	struct vpool_pool *pool;
	int nid;
	struct vpool_sysfs_dir *memory;
	struct vpool_sysfs_dir *node[];
};

static struct kobject *vpool_sysfs_root;
static struct kset *vpool_sysfs_pools;

static struct vpool_pool *vpool_sysfs_pool(struct kobject *kobj)
{
	return container_of(kobj, struct vpool_sysfs_dir, kobj)->pool;
}

#define VPOOL_SHOW(_name, _fmt, _value)					\
static ssize_t _name##_show(struct kobject *kobj,			\
			    struct kobj_attribute *attr, char *buf)	\
{									\
	struct vpool_pool *pool = vpool_sysfs_pool(kobj);			\
									\
	return sysfs_emit(buf, _fmt "\n", _value);			\
}									\
static struct kobj_attribute vpool_##_name = __ATTR_RO(_name)

VPOOL_SHOW(id, "%u", pool->id);
VPOOL_SHOW(state, "%s", vpool_state_name(vpool_pool_state(pool)));
VPOOL_SHOW(page_size, "%llu", vpool_store_page_size(&pool->store));
VPOOL_SHOW(uid, "%u", from_kuid_munged(current_user_ns(), pool->uid));
VPOOL_SHOW(gid, "%u", from_kgid_munged(current_user_ns(), pool->gid));
VPOOL_SHOW(mode, "%04o", pool->mode);
VPOOL_SHOW(isolated, "%u", pool->members.isolated);
VPOOL_SHOW(mounts, "%u", READ_ONCE(pool->nr_mounts));
VPOOL_SHOW(created_ns, "%llu", pool->created_ns);

static struct attribute *vpool_pool_attrs[] = {
	&vpool_created_ns.attr,
	&vpool_gid.attr,
	&vpool_id.attr,
	&vpool_isolated.attr,
	&vpool_mode.attr,
	&vpool_mounts.attr,
	&vpool_page_size.attr,
	&vpool_state.attr,
	&vpool_uid.attr,
	NULL
};

static const struct attribute_group vpool_pool_group = {
	.attrs = vpool_pool_attrs,
};

static struct vpool_limits vpool_read_limits(struct vpool_pool *pool)
{
	struct vpool_limits limits;

	vpool_budget_get_limits(&pool->budget, &limits);
	return limits;
}

VPOOL_SHOW(user_bytes, "%llu", vpool_read_limits(pool).bytes);
VPOOL_SHOW(user_members, "%u", vpool_read_limits(pool).members);
VPOOL_SHOW(user_regions, "%u", vpool_read_limits(pool).regions);

static struct attribute *vpool_limits_attrs[] = {
	&vpool_user_bytes.attr,
	&vpool_user_members.attr,
	&vpool_user_regions.attr,
	NULL
};

static const struct attribute_group vpool_limits_group = {
	.name = "limits",
	.attrs = vpool_limits_attrs,
};

VPOOL_SHOW(members, "%u", READ_ONCE(pool->members.nr));

static void vpool_read_assigned(struct vpool_pool *pool, struct cpumask *mask)
{
	vpool_cpus_read(&pool->cpus, mask, NULL);
}

static void vpool_read_effective(struct vpool_pool *pool, struct cpumask *mask)
{
	vpool_cpus_read(&pool->cpus, NULL, mask);
}

static void vpool_read_dedicated(struct vpool_pool *pool, struct cpumask *mask)
{
	vpool_members_dedicated(&pool->members, mask);
}

static ssize_t vpool_sysfs_emit_mask(struct kobject *kobj, char *buf,
				     void (*read)(struct vpool_pool *pool,
						  struct cpumask *mask))
{
	cpumask_var_t mask;
	ssize_t len;

	if (!alloc_cpumask_var(&mask, GFP_KERNEL))
		return -ENOMEM;
	read(vpool_sysfs_pool(kobj), mask);
	len = sysfs_emit(buf, "%*pbl\n", cpumask_pr_args(mask));
	free_cpumask_var(mask);
	return len;
}

#define VPOOL_MASK(_name)						\
static ssize_t _name##_show(struct kobject *kobj,			\
			    struct kobj_attribute *attr, char *buf)	\
{									\
	return vpool_sysfs_emit_mask(kobj, buf, vpool_read_##_name);		\
}									\
static struct kobj_attribute vpool_##_name = __ATTR_RO(_name)

VPOOL_MASK(assigned);
VPOOL_MASK(dedicated);
VPOOL_MASK(effective);

static struct attribute *vpool_cpus_attrs[] = {
	&vpool_assigned.attr,
	&vpool_dedicated.attr,
	&vpool_effective.attr,
	&vpool_members.attr,
	NULL
};

static const struct attribute_group vpool_cpus_group = {
	.name = "cpus",
	.attrs = vpool_cpus_attrs,
};

#define VPOOL_STAT(_name, _item)					\
	VPOOL_SHOW(_name, "%llu", vpool_stat_read(&pool->stat, _item))

VPOOL_STAT(alloc_failures, VPOOL_STAT_ALLOC_FAILURES);
VPOOL_STAT(allocs, VPOOL_STAT_ALLOCS);
VPOOL_STAT(attaches, VPOOL_STAT_ATTACHES);
VPOOL_STAT(escapes, VPOOL_STAT_ESCAPES);
VPOOL_STAT(faults_base, VPOOL_STAT_FAULTS_BASE);
VPOOL_STAT(faults_huge, VPOOL_STAT_FAULTS_HUGE);
VPOOL_STAT(frees, VPOOL_STAT_FREES);
VPOOL_STAT(limited, VPOOL_STAT_LIMITED);
VPOOL_STAT(mapped_around, VPOOL_STAT_MAPPED_AROUND);
VPOOL_STAT(scrubbed_bytes, VPOOL_STAT_SCRUBBED_BYTES);

static struct attribute *vpool_stat_attrs[] = {
	&vpool_alloc_failures.attr,
	&vpool_allocs.attr,
	&vpool_attaches.attr,
	&vpool_escapes.attr,
	&vpool_faults_base.attr,
	&vpool_faults_huge.attr,
	&vpool_frees.attr,
	&vpool_limited.attr,
	&vpool_mapped_around.attr,
	&vpool_scrubbed_bytes.attr,
	NULL
};

static const struct attribute_group vpool_stat_group = {
	.name = "stat",
	.attrs = vpool_stat_attrs,
};

static const struct attribute_group *vpool_pool_groups[] = {
	&vpool_pool_group,
	&vpool_cpus_group,
	&vpool_stat_group,
	&vpool_limits_group,
	NULL
};

static struct vpool_usage vpool_sysfs_usage(struct kobject *kobj)
{
	struct vpool_sysfs_dir *dir = container_of(kobj, struct vpool_sysfs_dir, kobj);
	struct vpool_usage usage;

	if (dir->nid == VPOOL_ANY_NODE)
		vpool_store_usage(&dir->pool->store, &usage);
	else
		vpool_store_node_usage(&dir->pool->store, dir->nid, &usage);
	return usage;
}

#define VPOOL_BYTES(_what)						\
static ssize_t _what##_bytes_show(struct kobject *kobj,			\
				  struct kobj_attribute *attr,		\
				  char *buf)				\
{									\
	return sysfs_emit(buf, "%llu\n", vpool_sysfs_usage(kobj)._what);	\
}									\
static struct kobj_attribute vpool_##_what##_bytes =			\
	__ATTR_RO(_what##_bytes)

VPOOL_BYTES(clean);
VPOOL_BYTES(free);
VPOOL_BYTES(gathered);
VPOOL_BYTES(peak);
VPOOL_BYTES(poisoned);
VPOOL_BYTES(scrubbing);
VPOOL_BYTES(target);
VPOOL_BYTES(total);
VPOOL_BYTES(used);
VPOOL_SHOW(regions, "%u", READ_ONCE(pool->nr_regions));

static struct attribute *vpool_memory_attrs[] = {
	&vpool_clean_bytes.attr,
	&vpool_free_bytes.attr,
	&vpool_gathered_bytes.attr,
	&vpool_peak_bytes.attr,
	&vpool_poisoned_bytes.attr,
	&vpool_regions.attr,
	&vpool_scrubbing_bytes.attr,
	&vpool_target_bytes.attr,
	&vpool_total_bytes.attr,
	&vpool_used_bytes.attr,
	NULL
};
ATTRIBUTE_GROUPS(vpool_memory);

static struct attribute *vpool_node_attrs[] = {
	&vpool_free_bytes.attr,
	&vpool_total_bytes.attr,
	&vpool_used_bytes.attr,
	NULL
};
ATTRIBUTE_GROUPS(vpool_node);

static void vpool_sysfs_release(struct kobject *kobj)
{
	struct vpool_sysfs_dir *dir = container_of(kobj, struct vpool_sysfs_dir, kobj);
	struct vpool_pool *pool = dir->pool;

	kfree(dir);
	vpool_pool_put(pool);
}

#define VPOOL_KTYPE(_what)						\
static const struct kobj_type vpool_##_what##_ktype = {			\
	.release = vpool_sysfs_release,					\
	.sysfs_ops = &kobj_sysfs_ops,					\
	.default_groups = vpool_##_what##_groups,			\
}

VPOOL_KTYPE(pool);
VPOOL_KTYPE(memory);
VPOOL_KTYPE(node);

static struct vpool_sysfs_dir *vpool_sysfs_alloc(struct vpool_pool *pool,
						 int nid, unsigned int nr_nodes)
{
	struct vpool_sysfs_dir *dir;

	dir = kzalloc(struct_size(dir, node, nr_nodes), GFP_KERNEL);
	if (!dir)
		return NULL;
	vpool_pool_get(pool);
	dir->pool = pool;
	dir->nid = nid;
	return dir;
}

static void vpool_sysfs_dir_del(struct vpool_sysfs_dir *dir)
{
	if (!dir)
		return;
	kobject_del(&dir->kobj);
	kobject_put(&dir->kobj);
}

static void vpool_sysfs_memory_del(struct vpool_sysfs_dir *memory)
{
	unsigned int nid;

	if (!memory)
		return;
	for (nid = 0; nid < nr_node_ids; nid++)
		vpool_sysfs_dir_del(memory->node[nid]);
	vpool_sysfs_dir_del(memory);
}

static int vpool_sysfs_nodes_add(struct vpool_sysfs_dir *memory)
{
	struct vpool_sysfs_dir *dir;
	int nid, err;

	for_each_node_state(nid, N_MEMORY) {
		dir = vpool_sysfs_alloc(memory->pool, nid, 0);
		if (!dir)
			return -ENOMEM;
		err = kobject_init_and_add(&dir->kobj, &vpool_node_ktype,
					   &memory->kobj, "node%d", nid);
		if (err) {
			kobject_put(&dir->kobj);
			return err;
		}
		memory->node[nid] = dir;
	}
	return 0;
}

static int vpool_sysfs_memory_add(struct vpool_sysfs_dir *dir)
{
	struct vpool_sysfs_dir *memory;
	int err;

	memory = vpool_sysfs_alloc(dir->pool, VPOOL_ANY_NODE, nr_node_ids);
	if (!memory)
		return -ENOMEM;
	err = kobject_init_and_add(&memory->kobj, &vpool_memory_ktype,
				   &dir->kobj, "memory");
	if (err) {
		kobject_put(&memory->kobj);
		return err;
	}
	dir->memory = memory;
	return vpool_sysfs_nodes_add(memory);
}

/**
 * vpool_sysfs_add - create the directory of a pool
 * @pool: pool in state creating, with its name and its id
 *
 * Context: sleeps.
 * Return: 0 or a negative errno with nothing left behind.
 */
int vpool_sysfs_add(struct vpool_pool *pool)
{
	struct vpool_sysfs_dir *dir = vpool_sysfs_alloc(pool, VPOOL_ANY_NODE, 0);
	int err;

	if (!dir)
		return -ENOMEM;
	dir->kobj.kset = vpool_sysfs_pools;
	err = kobject_init_and_add(&dir->kobj, &vpool_pool_ktype, NULL, "%s",
				   pool->name);
	if (err) {
		kobject_put(&dir->kobj);
		return err;
	}
	pool->sysfs = dir;
	err = vpool_sysfs_memory_add(dir);
	if (err) {
		vpool_sysfs_del(pool);
		return err;
	}
	kobject_uevent(&dir->kobj, KOBJ_ADD);
	return 0;
}

/**
 * vpool_sysfs_del - remove the directory of a pool
 * @pool: pool whose directory was created by vpool_sysfs_add()
 *
 * Context: sleeps until no task reads an attribute of the pool.
 */
void vpool_sysfs_del(struct vpool_pool *pool)
{
	vpool_sysfs_memory_del(pool->sysfs->memory);
	vpool_sysfs_dir_del(pool->sysfs);
	pool->sysfs = NULL;
}

/**
 * vpool_sysfs_changed - notify pollers and udev of a new state or new CPUs
 * @pool: pool with a directory
 *
 * Context: sleeps.
 */
void vpool_sysfs_changed(struct vpool_pool *pool)
{
	sysfs_notify(&pool->sysfs->kobj, NULL, "state");
	sysfs_notify(&pool->sysfs->kobj, "cpus", "effective");
	kobject_uevent(&pool->sysfs->kobj, KOBJ_CHANGE);
}

static ssize_t abi_version_show(struct kobject *kobj,
				struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%d\n", VPOOL_ABI_VERSION);
}

static ssize_t default_page_size_show(struct kobject *kobj,
				      struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%lu\n", VPOOL_DEFAULT_PAGE_SIZE);
}

/* A kernel without transparent huge pages maps a huge page by its base pages. */
static ssize_t max_mapping_size_show(struct kobject *kobj,
				     struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%lu\n",
			  IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE) ?
			  PMD_SIZE : PAGE_SIZE);
}

static ssize_t page_sizes_show(struct kobject *kobj,
			       struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%s\n", vpool_page_size_list().s);
}

static struct kobj_attribute vpool_abi_version = __ATTR_RO(abi_version);
static struct kobj_attribute vpool_default_page_size =
	__ATTR_RO(default_page_size);
static struct kobj_attribute vpool_max_mapping_size =
	__ATTR_RO(max_mapping_size);
static struct kobj_attribute vpool_page_sizes = __ATTR_RO(page_sizes);

static const struct attribute *const vpool_root_attrs[] = {
	&vpool_abi_version.attr,
	&vpool_default_page_size.attr,
	&vpool_max_mapping_size.attr,
	&vpool_page_sizes.attr,
	NULL
};

/**
 * vpool_sysfs_start - create /sys/kernel/vpool
 *
 * Return: 0 or -ENOMEM.
 */
int vpool_sysfs_start(void)
{
	int err;

	vpool_sysfs_root = kobject_create_and_add("vpool", kernel_kobj);
	if (!vpool_sysfs_root)
		return -ENOMEM;
	err = sysfs_create_files(vpool_sysfs_root, vpool_root_attrs);
	if (err)
		goto del_root;
	vpool_sysfs_pools = kset_create_and_add("pools", NULL, vpool_sysfs_root);
	if (!vpool_sysfs_pools) {
		err = -ENOMEM;
		goto del_root;
	}
	return 0;

del_root:
	kobject_del(vpool_sysfs_root);
	kobject_put(vpool_sysfs_root);
	return err;
}

/**
 * vpool_sysfs_stop - remove /sys/kernel/vpool
 *
 * Context: no pool exists.
 */
void vpool_sysfs_stop(void)
{
	kset_unregister(vpool_sysfs_pools);
	/* Free the name now: the last kobject_put() may come after the next load. */
	kobject_del(vpool_sysfs_root);
	kobject_put(vpool_sysfs_root);
}
