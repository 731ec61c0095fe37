// SPDX-License-Identifier: GPL-2.0
/*
 * Regions: committing, mapping, faulting, revoking.
 *
 * A region's folios are all there from commit to the end, so a fault only looks
 * one up. They are neither PFN-mapped nor special: the core maps them as it maps
 * any file's compound pages, by a PMD where address and offset allow, and pins
 * them as it pins any page. For that it wants three things of us: addresses
 * aligned to huge pages (thp_get_unmapped_area), a mapping whose inode is as
 * large as the region (so the device's own inode will not do), and folio->index
 * that agrees with the offset, because it refuses to map beyond the inode's size.
 *
 * Faulting races with revoking. A fault finds its folio under region->sem, and
 * returns it locked; the core unlocks it after it has installed the entry. So
 * once revoke has the semaphore and then had the lock of each folio, no entry
 * that is not there yet can come, and one walk over the mapping removes those that
 * are.
 *
 * While a region has a folio, folio->mapping is that of the region's inode: shared
 * futexes are found by it, and the core dereferences it when a page is poisoned
 * between ->fault and the installing of the entry. The folio is not in the page
 * cache of that mapping, nor on an LRU list, so reclaim, compaction, migration and
 * khugepaged, which find folios there, do not see it. Two paths could still evict or
 * split a folio that they reach by a page table, as if it were in the page cache:
 *
 * - mapping_evict_folio(), after a fault on a poisoned page. It leaves dirty folios
 *   alone, and the folios of a region are always dirty.
 * - split_huge_page() wants a reference for each page, which ours do not have, and
 *   the folio in the page cache, where ours is not.
 *
 * folio->mapping is set and cleared under the folio lock, and cleared before the
 * folio goes back to the store: a pin, or a futex that is being hashed, may outlive
 * the region, and with it the inode. Those who read folio->mapping without the lock
 * hold rcu_read_lock(), under which an inode stays readable.
 *
 * A policy that mbind(2) gives to a mapping comes after the commit. It moves the
 * folios of that range that no task has faulted in yet: they hold no data, no page
 * table and no pin, so others can take their places. A fault marks its folio under
 * region->sem, for which mbind(2) waits, so a folio that is moved is not one that a
 * fault has found. What has been faulted in stays where it is.
 */
#include <linux/dcache.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mempolicy.h>
#include <linux/mm.h>
#include <linux/mount.h>
#include <linux/pagemap.h>
#include <linux/pagevec.h>
#include <linux/path.h>
#include <linux/pid.h>
#include <linux/pseudo_fs.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "policy.h"
#include "populate.h"
#include "region.h"
#include "rss.h"
#include "scrub.h"
#include "store.h"
#include "trace.h"

#define VPOOL_FS_MAGIC 0x76706f6f

/* What /proc shows as the path of a region: that of the node it was opened by. */
static char *vpool_region_dname(struct dentry *dentry, char *buffer, int size)
{
	char text[64];
	int len = scnprintf(text, sizeof(text), "/dev/vpool/%s%s",
			    dentry->d_name.name,
			    d_inode(dentry)->i_nlink ? "" : " (deleted)") + 1;

	if (len > size)
		return ERR_PTR(-ENAMETOOLONG);
	return memcpy(buffer + size - len, text, len);
}

/* The path that a descriptor was opened by lasts as long as the one it has now. */
static void vpool_region_drelease(struct dentry *dentry)
{
	struct path *path = dentry->d_fsdata;

	if (!path)
		return;
	path_put(path);
	kfree(path);
}

static const struct dentry_operations vpool_fs_dops = {
	.d_delete = always_delete_dentry,
	.d_dname = vpool_region_dname,
	.d_release = vpool_region_drelease,
};

static int vpool_fs_init_context(struct fs_context *fc)
{
	struct pseudo_fs_context *ctx = init_pseudo(fc, VPOOL_FS_MAGIC);

	if (!ctx)
		return -ENOMEM;
	ctx->dops = &vpool_fs_dops;
	return 0;
}

static struct file_system_type vpool_fs = {
	.name = "vpool",
	.owner = THIS_MODULE,
	.init_fs_context = vpool_fs_init_context,
	.kill_sb = kill_anon_super,
};

/*
 * Mounted only while there are regions: a mount that lasted would pin the module.
 * simple_pin_fs() guards both.
 */
static struct vfsmount *vpool_mnt;
static int vpool_mnt_count;

static struct inode *vpool_inode_get(void)
{
	struct inode *inode;
	int err;

	err = simple_pin_fs(&vpool_fs, &vpool_mnt, &vpool_mnt_count);
	if (err)
		return ERR_PTR(err);
	inode = alloc_anon_inode(vpool_mnt->mnt_sb);
	if (IS_ERR(inode))
		simple_release_fs(&vpool_mnt, &vpool_mnt_count);
	return inode;
}

/**
 * vpool_inode_put - drop a reference to a region's inode
 * @inode: from vpool_region_poisoned(), or the region's own
 */
void vpool_inode_put(struct inode *inode)
{
	iput(inode);
	simple_release_fs(&vpool_mnt, &vpool_mnt_count);
}

/**
 * vpool_region_init - a region without a size, opened by current
 * @region: zeroed memory
 * @store: where its folios will come from
 *
 * Return: 0 or a negative errno.
 */
int vpool_region_init(struct vpool_region *region, struct vpool_store *store)
{
	struct inode *inode = vpool_inode_get();

	if (IS_ERR(inode))
		return PTR_ERR(inode);
	INIT_LIST_HEAD(&region->link);
	init_rwsem(&region->sem);
	region->users = 1;
	region->inode = inode;
	region->store = store;
	region->pid = get_pid(task_tgid(current));
	region->uid = current_uid();
	get_task_comm(region->comm, current);
	return 0;
}

/**
 * vpool_region_file - make a file whose path leads to a region's inode
 * @region: an initialised region
 * @name: the pool's
 * @fops: of the file
 *
 * Return: the file, for fput(), or an ERR_PTR.
 */
struct file *vpool_region_file(struct vpool_region *region, const char *name,
			       const struct file_operations *fops)
{
	struct file *file;

	ihold(region->inode);
	file = alloc_file_pseudo(region->inode, vpool_mnt, name, O_RDWR, fops);
	if (IS_ERR(file))
		iput(region->inode);
	return file;
}

/* Make a folio that no other task can find yet part of the region. */
static void vpool_folio_bind(struct folio *folio, struct vpool_region *region,
			     pgoff_t index)
{
	folio_lock(folio);
	folio->mapping = region->inode->i_mapping;
	folio->index = index;
	folio_set_dirty(folio);
	folio_unlock(folio);
}

/* Undo vpool_folio_bind() for a folio that no page table maps. */
static void vpool_folio_unbind(struct folio *folio)
{
	folio_lock(folio);
	folio->mapping = NULL;
	folio_clear_dirty(folio);
	folio_unlock(folio);
}

/* Releasing a batch first flushes the other batches of this CPU. */
static long vpool_drain_cpu(void *arg)
{
	struct folio *folio = arg;
	struct folio_batch batch;

	folio_batch_init(&batch);
	folio_get(folio);
	folio_batch_add(&batch, folio);
	folio_batch_release(&batch);
	return 0;
}

/*
 * munlock(2), and unmapping what was locked, is queued on the CPU where it happens.
 * The queue of an idle CPU can keep its reference to a small folio for long, and the
 * folio would count as pinned. A folio in such a queue is still marked as locked.
 */
static void vpool_region_drain(struct vpool_region *region)
{
	struct folio *folio = NULL;
	unsigned long i;
	int cpu;

	for (i = 0; i < region->nr && !folio; i++)
		if (folio_test_mlocked(region->folios[i]))
			folio = region->folios[i];
	if (!folio)
		return;
	for_each_online_cpu(cpu)
		work_on_cpu_safe(cpu, vpool_drain_cpu, folio);
}

static void vpool_region_give_back(struct vpool_region *region)
{
	unsigned long i;

	lockdep_assert_held_write(&region->sem);
	if (!region->nr)
		return;
	trace_vpool_release(region->store->name, region->id,
			    vpool_region_bytes(region));
	for (i = 0; i < region->nr; i++) {
		vpool_folio_unbind(region->folios[i]);
		cond_resched();
	}
	vpool_region_drain(region);
	vpool_store_return(region->store, region->folios, region->nr);
	kvfree(region->folios);
	kvfree(region->touched);
	region->folios = NULL;
	region->touched = NULL;
	WRITE_ONCE(region->nr, 0);
}

/**
 * vpool_region_empty - give a region's memory back to the store
 * @region: no mapping and no descriptor of it is left
 *
 * Context: sleeps; takes @region->sem.
 */
void vpool_region_empty(struct vpool_region *region)
{
	down_write(&region->sem);
	vpool_region_give_back(region);
	up_write(&region->sem);
}

/**
 * vpool_region_exit - the end
 * @region: empty, in no list
 */
void vpool_region_exit(struct vpool_region *region)
{
	put_pid(region->pid);
	vpool_inode_put(region->inode);
}

/**
 * vpool_region_pid - who opened it
 * @region: which
 *
 * Return: the process in the current pid namespace, 0 if it is not visible there
 * or has gone.
 */
pid_t vpool_region_pid(struct vpool_region *region)
{
	bool alive;

	rcu_read_lock();
	alive = pid_task(region->pid, PIDTYPE_TGID);
	rcu_read_unlock();
	return alive ? pid_vnr(region->pid) : 0;
}

/**
 * vpool_region_bytes - a region's size
 * @region: which
 *
 * Context: any; a look without @region->sem may be old by the time it is used.
 * Return: bytes, 0 while it has no size or after it was revoked.
 */
u64 vpool_region_bytes(struct vpool_region *region)
{
	return READ_ONCE(region->nr) * vpool_store_page_size(region->store);
}

static int vpool_revoked(struct vpool_extack *extack)
{
	return vpool_err(extack, -ENXIO, VPOOL_CODE_POOL_DESTROYED,
			 "the pool has been destroyed");
}

static int vpool_region_check_size(struct vpool_region *region, u64 bytes,
				   struct vpool_extack *extack)
{
	if (region->revoked)
		return vpool_revoked(extack);
	if (region->nr)
		return vpool_err(extack, -EBUSY, VPOOL_CODE_REGION_HAS_SIZE,
				 "the region has its size already, %s",
				 vpool_size(vpool_region_bytes(region)).s);
	if (!bytes ||
	    bytes > MAX_LFS_FILESIZE - vpool_store_page_size(region->store))
		return vpool_err(extack, -EINVAL,
				 VPOOL_CODE_REGION_SIZE_INVALID,
				 "%llu bytes is no size for a region", bytes);
	return 0;
}

static void vpool_region_place(struct vpool_region *region, unsigned long i,
			       struct folio *folio)
{
	vpool_folio_bind(folio, region, i << region->store->order);
	region->folios[i] = folio;
}

/* Takes @nr folios for a region that has no size. */
static int vpool_region_fill(struct vpool_region *region, int nid,
			     unsigned long nr, bool zero,
			     struct vpool_extack *extack)
{
	const gfp_t gfp = GFP_KERNEL_ACCOUNT | __GFP_NOWARN;
	struct vpool_policy policy;
	unsigned long i;
	int err;

	err = vpool_policy_of_task(&policy, nid, extack);
	/* The cheap check first: the array of a hopeless request may be huge. */
	if (!err)
		err = vpool_store_can_take(region->store, &policy, nr, extack);
	if (err)
		return err;
	region->folios = kvmalloc_array(nr, sizeof(*region->folios), gfp);
	region->touched = kvcalloc(BITS_TO_LONGS(nr), sizeof(long), gfp);
	if (region->folios && region->touched)
		err = vpool_store_take(region->store, &policy, region->folios,
				       nr, zero, extack);
	else
		err = vpool_err(extack, -ENOMEM, VPOOL_CODE_NO_KERNEL_MEMORY,
				"no kernel memory to describe %lu pages", nr);
	if (err) {
		kvfree(region->folios);
		kvfree(region->touched);
		region->folios = NULL;
		region->touched = NULL;
		return err;
	}
	vpool_policy_used(&policy);
	for (i = 0; i < nr; i++) {
		vpool_region_place(region, i, region->folios[i]);
		cond_resched();
	}
	WRITE_ONCE(region->nr, nr);
	return 0;
}

/*
 * @zero: zero its memory now. Under the mmap lock that would take too long, for
 * those who want that lock and for a kill; then each folio is zeroed by its first
 * fault.
 */
static int vpool_region_commit_locked(struct vpool_region *region, int nid,
				      u64 *bytes, bool zero,
				      struct vpool_extack *extack)
{
	int err;

	lockdep_assert_held_write(&region->sem);
	err = vpool_region_check_size(region, *bytes, extack);
	if (err)
		return err;
	err = vpool_region_fill(
		region, nid,
		DIV_ROUND_UP_ULL(*bytes, vpool_store_page_size(region->store)),
		zero, extack);
	if (err)
		return err;
	*bytes = vpool_region_bytes(region);
	i_size_write(region->inode, *bytes);
	trace_vpool_commit(region->store->name, region->id, *bytes);
	return 0;
}

/**
 * vpool_region_commit - give a region its size and its memory
 * @region: which
 * @nid: the node its memory must come from, or VPOOL_ANY_NODE
 * @bytes: in: the size wanted; out: the same, rounded up to the page size
 * @populate: have every later mapping filled before mmap(2) returns
 * @extack: told if it fails
 *
 * Context: sleeps; takes @region->sem.
 * Return: 0, -EINVAL, -EBUSY if it has a size, -EPERM for a node that the
 * caller's cpuset does not allow, -ENXIO after a revoke; or with nothing taken
 * -ENOMEM, or -EINTR if the caller is killed.
 */
int vpool_region_commit(struct vpool_region *region, int nid, u64 *bytes,
			bool populate, struct vpool_extack *extack)
{
	int err;

	down_write(&region->sem);
	err = vpool_region_commit_locked(region, nid, bytes, true, extack);
	if (!err)
		region->populate = populate;
	up_write(&region->sem);
	return err;
}

static struct folio *vpool_region_find(struct vpool_region *region,
				       pgoff_t pgoff)
{
	unsigned long i = pgoff >> region->store->order;

	lockdep_assert_held(&region->sem);
	if (region->revoked || i >= region->nr)
		return NULL;
	return region->folios[i];
}

/* Many faults set the same bit; only the first one needs to write. */
static void vpool_region_touch(struct vpool_region *region, pgoff_t pgoff)
{
	unsigned long i = pgoff >> region->store->order;

	lockdep_assert_held(&region->sem);
	if (!test_bit(i, region->touched))
		set_bit(i, region->touched);
}

/* Whether the core will map all of @folio by one entry: what do_set_pmd() checks. */
static bool vpool_fault_may_be_huge(struct vm_fault *vmf, struct folio *folio)
{
	struct vm_area_struct *vma = vmf->vma;
	unsigned long start = vmf->address & PMD_MASK;
	unsigned long first = vma->vm_pgoff - (vma->vm_start >> PAGE_SHIFT);

	return IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE) &&
	       folio_order(folio) == PMD_SHIFT - PAGE_SHIFT &&
	       IS_ALIGNED(first, PMD_SIZE / PAGE_SIZE) &&
	       start >= vma->vm_start && start + PMD_SIZE <= vma->vm_end &&
	       !PageHasHWPoisoned(&folio->page) && !vpool_vma_thp_disabled(vma);
}

static struct folio *vpool_region_get_locked(struct vpool_region *region,
					     pgoff_t pgoff)
{
	struct folio *folio;

	down_read(&region->sem);
	folio = vpool_region_find(region, pgoff);
	if (folio) {
		vpool_region_touch(region, pgoff);
		folio_get(folio);
		folio_lock(folio);
	}
	up_read(&region->sem);
	return folio;
}

/*
 * Zero a folio that mmap(2) has committed, before anything sees it. The folio lock
 * is held, so of many faults one does it and the others wait.
 */
static void vpool_folio_first_use(struct folio *folio,
				  struct vpool_store *store)
{
	if (folio_test_uptodate(folio))
		return;
	vpool_folio_zero(folio);
	folio_mark_uptodate(folio);
	vpool_stat_add(store->stat, VPOOL_STAT_SCRUBBED_BYTES,
		       folio_size(folio));
}

static vm_fault_t vpool_region_fault(struct vm_fault *vmf)
{
	struct vpool_region *region = vmf->vma->vm_private_data;
	struct folio *folio = vpool_region_get_locked(region, vmf->pgoff);
	bool huge;
	struct page *page;

	if (!folio)
		return VM_FAULT_SIGBUS;
	page = folio_page(folio, vmf->pgoff & (folio_nr_pages(folio) - 1));
	/* The core looks again, for a page that is poisoned after this. */
	if (PageHWPoison(page)) {
		folio_unlock(folio);
		folio_put(folio);
		return VM_FAULT_HWPOISON;
	}
	vpool_folio_first_use(folio, region->store);
	huge = vpool_fault_may_be_huge(vmf, folio);
	vpool_rss_hide(vmf->vma->vm_mm, region,
		       huge ? folio_nr_pages(folio) : 1,
		       READ_ONCE(region->nr) << region->store->order);
	vpool_stat_inc(region->store->stat, huge ? VPOOL_STAT_FAULTS_HUGE :
		       VPOOL_STAT_FAULTS_BASE);
	vmf->page = page;
	return VM_FAULT_LOCKED;
}

/*
 * There is nothing to map around a fault. But to have this tells the core, from
 * 6.6 on, that it may call us with the lock of the mapping alone; without it each
 * fault is begun anew with the lock of the whole address space.
 */
static vm_fault_t vpool_region_map_pages(struct vm_fault *vmf, pgoff_t start,
					 pgoff_t end)
{
	return 0;
}

/* After the core has unmapped its pages; at the end of the address space, too. */
static void vpool_region_vm_close(struct vm_area_struct *vma)
{
	vpool_rss_show(vma->vm_mm, vma->vm_private_data);
}

#ifdef CONFIG_NUMA
/*
 * The policy of a mapping that was given none: one without MPOL_F_MOF. With it, NUMA
 * balancing would take page table entries away again and again, to see from where
 * memory is used that it cannot move.
 */
static struct mempolicy vpool_no_balancing = {
	.refcnt = ATOMIC_INIT(1),
	.mode = MPOL_LOCAL,
};

static struct mempolicy *vpool_region_get_policy(VPOOL_GET_POLICY_ARGS)
{
	return vma->vm_policy ?: &vpool_no_balancing;
}

/**
 * struct vpool_move - folios of a region that mbind(2) moves to other nodes
 * @region: whose; its semaphore is held for writing
 * @first: index of the first folio in the range
 * @end: index of the folio after the last
 * @policy: its allowed nodes are where they go
 * @stride: of this many folios in a row, only
 * @turn: this one is moved
 * @must: all that are elsewhere move, or none
 */
struct vpool_move {
	struct vpool_region *region;
	unsigned long first;
	unsigned long end;
	struct vpool_policy policy;
	unsigned int stride;
	unsigned int turn;
	bool must;
};

/* The next folio from index @i on that is elsewhere and can move, or the end. */
static unsigned long vpool_move_next(const struct vpool_move *move,
				     unsigned long i)
{
	struct vpool_region *region = move->region;

	for (; i < move->end; i++)
		if (i % move->stride == move->turn &&
		    !test_bit(i, region->touched) &&
		    !node_isset(folio_nid(region->folios[i]),
				move->policy.allowed))
			break;
	return i;
}

/* Puts @nr new folios in the places of old ones, and the old ones into the array. */
static void vpool_move_swap(const struct vpool_move *move,
			    struct folio **folios, unsigned long nr)
{
	struct vpool_region *region = move->region;
	unsigned long i = move->first, n;

	for (n = 0; n < nr; n++, i++) {
		struct folio *old;

		i = vpool_move_next(move, i);
		old = region->folios[i];
		vpool_folio_unbind(old);
		vpool_region_place(region, i, folios[n]);
		folios[n] = old;
	}
}

static int vpool_move_do(struct vpool_move *move)
{
	struct vpool_store *store = move->region->store;
	unsigned long i, nr = 0;
	struct folio **folios;
	int err;

	lockdep_assert_held_write(&move->region->sem);
	for (i = vpool_move_next(move, move->first); i < move->end;
	     i = vpool_move_next(move, i + 1))
		nr++;
	if (!move->must)
		nr = min(nr, vpool_store_can_give(store, &move->policy));
	if (!nr)
		return 0;
	folios = kvmalloc_array(nr, sizeof(*folios),
				GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!folios)
		return -ENOMEM;
	/* Under the mmap lock: the first fault zeroes. */
	err = vpool_store_take(store, &move->policy, folios, nr, false,
			       move->region->extack);
	if (!err) {
		vpool_move_swap(move, folios, nr);
		vpool_store_return(store, folios, nr);
	}
	kvfree(folios);
	return move->must || err == -EINTR ? err : 0;
}

/* Each of the preferred nodes gets every so many-th folio of the region. */
static int vpool_move_interleave(struct vpool_move *move)
{
	nodemask_t nodes = move->policy.first;
	int nid, err = 0;

	move->policy.interleave = false;
	move->stride = nodes_weight(nodes);
	for_each_node_mask(nid, nodes) {
		move->policy.allowed = nodemask_of_node(nid);
		err = vpool_move_do(move);
		if (err)
			return err;
		move->turn++;
	}
	return 0;
}

static int vpool_region_move(struct vpool_move *move)
{
	if (move->policy.interleave)
		return vpool_move_interleave(move);
	move->must = move->policy.restricted;
	if (!nodes_empty(move->policy.first))
		move->policy.allowed = move->policy.first;
	return vpool_move_do(move);
}

/* With the mmap lock held for writing; the core keeps the policy in the vma. */
static int vpool_region_set_policy(struct vm_area_struct *vma,
				   struct mempolicy *mpol)
{
	struct vpool_region *region = vma->vm_private_data;
	unsigned int order = region->store->order;
	struct vpool_move move = {
		.region = region,
		.first = vma->vm_pgoff >> order,
		.end = ((vma->vm_pgoff + vma_pages(vma) - 1) >> order) + 1,
		.stride = 1,
	};
	int err = 0;

	vpool_policy_of_mapping(&move.policy, mpol);
	if (down_write_killable(&region->sem))
		return -EINTR;
	move.end = min(move.end, region->nr);
	if (!region->revoked)
		err = vpool_region_move(&move);
	up_write(&region->sem);
	return err;
}
#endif

static const struct vm_operations_struct vpool_region_vm_ops = {
	.fault = vpool_region_fault,
	.map_pages = vpool_region_map_pages,
	.close = vpool_region_vm_close,
#ifdef CONFIG_NUMA
	.get_policy = vpool_region_get_policy,
	.set_policy = vpool_region_set_policy,
#endif
};

/**
 * vpool_region_maps - tell whether a mapping is one of a region
 * @vma: any mapping
 *
 * Context: under the mmap lock.
 * Return: true if it is.
 */
bool vpool_region_maps(const struct vm_area_struct *vma)
{
	return vma->vm_ops == &vpool_region_vm_ops;
}

static int vpool_region_mmap_locked(struct vpool_region *region,
				    struct vm_area_struct *vma,
				    struct vpool_extack *extack)
{
	u64 start = (u64)vma->vm_pgoff << PAGE_SHIFT;
	u64 end = start + (vma->vm_end - vma->vm_start);
	u64 bytes = end;
	int err;

	if (vma->vm_pgoff > MAX_LFS_FILESIZE >> PAGE_SHIFT || end < start)
		return vpool_err(extack, -EINVAL, VPOOL_CODE_MAP_RANGE,
				 "the offset is out of range");
	if (!region->nr) {
		err = vpool_region_commit_locked(region, VPOOL_ANY_NODE, &bytes,
						 false, extack);
		if (err)
			return err;
	}
	bytes = vpool_region_bytes(region);
	if (end > bytes)
		return vpool_err(extack, -ENXIO, VPOOL_CODE_MAP_RANGE,
				 "the mapping ends at %llu, the region at %llu",
				 end, bytes);
	return 0;
}

/**
 * vpool_region_mmap - map a region, and commit it if that was not done
 * @region: which
 * @vma: filled in
 * @extack: told if it fails
 *
 * Context: called with the mmap lock held; takes @region->sem.
 * Return: 0 or a negative errno, see vpool_region_commit(); -EINVAL for a
 * private mapping, -ENXIO for one that goes beyond the region.
 */
int vpool_region_mmap(struct vpool_region *region, struct vm_area_struct *vma,
		      struct vpool_extack *extack)
{
	bool populate;
	int err;

	if (!(vma->vm_flags & VM_MAYSHARE))
		return vpool_err(extack, -EINVAL, VPOOL_CODE_MAP_PRIVATE,
				 "pool memory cannot be mapped MAP_PRIVATE, use MAP_SHARED");
	down_write(&region->sem);
	if (region->revoked)
		err = vpool_revoked(extack);
	else
		err = vpool_region_mmap_locked(region, vma, extack);
	populate = region->populate;
	up_write(&region->sem);
	if (!err && populate)
		err = vpool_populate_soon(vma, extack);
	if (err)
		return err;

	region->extack = extack;
	vma->vm_private_data = region;
	vma->vm_ops = &vpool_region_vm_ops;
	if (region->store->order && vpool_vma_thp_disabled(vma))
		vpool_err(extack, 0, VPOOL_CODE_MAPPED_SMALL,
			  "mapped by small pages: huge ones are off for this process, see PR_SET_THP_DISABLE in prctl(2)");
	return 0;
}

/**
 * vpool_region_revoke - take a region's memory away from whoever maps it
 * @region: which
 *
 * Its folios are back in the store, or wait there for their last pin; touching
 * a mapping is SIGBUS from now on. Does nothing the second time.
 *
 * Context: sleeps; takes @region->sem and the lock of each of its folios.
 */
void vpool_region_revoke(struct vpool_region *region)
{
	unsigned long i;

	down_write(&region->sem);
	region->revoked = true;
	clear_nlink(region->inode);
	for (i = 0; i < region->nr; i++) {
		folio_lock(region->folios[i]);
		folio_unlock(region->folios[i]);
		cond_resched();
	}
	unmap_mapping_range(region->inode->i_mapping, 0, 0, 1);
	vpool_region_give_back(region);
	up_write(&region->sem);
}

/* One more reference to a region's inode, and to the mount that it lives on. */
static struct inode *vpool_inode_hold(struct inode *inode)
{
	if (simple_pin_fs(&vpool_fs, &vpool_mnt, &vpool_mnt_count))
		return NULL;
	ihold(inode);
	return inode;
}

/**
 * vpool_region_poisoned - unmap the folio of a poisoned page
 * @region: a region that may have it
 * @page: the page; its folio is marked, so that the core maps it by pages from now on
 * @pgoff: set to the offset of @page in the region, in pages
 *
 * Context: sleeps; takes @region->sem and the folio's lock.
 * Return: the region's inode with a reference, for vpool_inode_put(), or NULL if
 * another region has the folio.
 */
struct inode *vpool_region_poisoned(struct vpool_region *region,
				    struct page *page, pgoff_t *pgoff)
{
	struct folio *folio = page_folio(page);
	struct inode *inode = NULL;

	down_read(&region->sem);
	if (vpool_region_find(region, folio->index) == folio) {
		/* Faults that did not see the mark have ended after that. */
		folio_lock(folio);
		folio_unlock(folio);
		unmap_mapping_range(region->inode->i_mapping,
				    (loff_t)folio->index << PAGE_SHIFT,
				    folio_size(folio), 1);
		*pgoff = folio->index + folio_page_idx(folio, page);
		inode = vpool_inode_hold(region->inode);
	}
	up_read(&region->sem);
	return inode;
}
