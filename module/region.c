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
 * A policy that mbind(2) gives to a mapping comes after the commit. It moves the
 * folios of that range that no task has faulted in yet: they hold no data, no page
 * table and no pin, so others can take their places. A fault marks its folio under
 * region->sem, for which mbind(2) waits, so a folio that is moved is not one that a
 * fault has found. What has been faulted in stays where it is.
 */
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/mount.h>
#include <linux/pagemap.h>
#include <linux/pid.h>
#include <linux/pseudo_fs.h>
#include <linux/slab.h>
#include <linux/task_work.h>

#include "compat.h"
#include "policy.h"
#include "region.h"
#include "rss.h"
#include "store.h"
#include "trace.h"

#define VPOOL_FS_MAGIC 0x76706f6f
/* Pages populated before others get a chance at the mmap lock. */
#define VPOOL_POPULATE_BATCH 64

static int vpool_fs_init_context(struct fs_context *fc)
{
	return init_pseudo(fc, VPOOL_FS_MAGIC) ? 0 : -ENOMEM;
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

static void vpool_inode_put(struct inode *inode)
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
	region->inode = inode;
	region->store = store;
	region->pid = get_pid(task_tgid(current));
	region->uid = current_uid();
	get_task_comm(region->comm, current);
	return 0;
}

static void vpool_region_give_back(struct vpool_region *region)
{
	lockdep_assert_held_write(&region->sem);
	if (!region->nr)
		return;
	trace_vpool_release(region->store->name, region->id,
			    vpool_region_bytes(region));
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

static int vpool_revoked(struct vpool_why *why)
{
	return vpool_fail(why, -ENXIO, "the pool has been destroyed");
}

static int vpool_region_check_size(struct vpool_region *region, u64 bytes,
				   struct vpool_why *why)
{
	if (region->revoked)
		return vpool_revoked(why);
	if (region->nr)
		return vpool_fail(why, -EBUSY,
				  "the region has its size already, %s",
				  vpool_size(vpool_region_bytes(region)).s);
	if (!bytes ||
	    bytes > MAX_LFS_FILESIZE - vpool_store_page_size(region->store))
		return vpool_fail(why, -EINVAL,
				  "%llu bytes is no size for a region", bytes);
	return 0;
}

static void vpool_region_place(struct vpool_region *region, unsigned long i,
			       struct folio *folio)
{
	folio->index = i << region->store->order;
	region->folios[i] = folio;
}

/* Takes @nr folios for a region that has no size. */
static int vpool_region_fill(struct vpool_region *region, int nid,
			     unsigned long nr, struct vpool_why *why)
{
	const gfp_t gfp = GFP_KERNEL_ACCOUNT | __GFP_NOWARN;
	struct vpool_policy policy;
	unsigned long i;
	int err;

	err = vpool_policy_of_task(&policy, nid, why);
	/* The cheap check first: the array of a hopeless request may be huge. */
	if (!err)
		err = vpool_store_can_take(region->store, &policy, nr, why);
	if (err)
		return err;
	region->folios = kvmalloc_array(nr, sizeof(*region->folios), gfp);
	region->touched = kvcalloc(BITS_TO_LONGS(nr), sizeof(long), gfp);
	if (region->folios && region->touched)
		err = vpool_store_take(region->store, &policy, region->folios,
				       nr, why);
	else
		err = vpool_fail(why, -ENOMEM,
				 "no kernel memory to describe %lu pages", nr);
	if (err) {
		kvfree(region->folios);
		kvfree(region->touched);
		region->folios = NULL;
		region->touched = NULL;
		return err;
	}
	vpool_policy_used(&policy);
	for (i = 0; i < nr; i++)
		vpool_region_place(region, i, region->folios[i]);
	WRITE_ONCE(region->nr, nr);
	return 0;
}

static int vpool_region_commit_locked(struct vpool_region *region, int nid,
				      u64 *bytes, struct vpool_why *why)
{
	int err;

	lockdep_assert_held_write(&region->sem);
	err = vpool_region_check_size(region, *bytes, why);
	if (err)
		return err;
	err = vpool_region_fill(region, nid,
				DIV_ROUND_UP_ULL(*bytes,
						 vpool_store_page_size(region->store)),
				why);
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
 * @why: told if it fails
 *
 * Context: sleeps; takes @region->sem.
 * Return: 0, -EINVAL, -EBUSY if it has a size, -EPERM for a node that the caller's
 * cpuset does not allow, -ENXIO after a revoke; or with nothing taken -ENOMEM, or
 * -EINTR if the caller is killed.
 */
int vpool_region_commit(struct vpool_region *region, int nid, u64 *bytes,
			bool populate, struct vpool_why *why)
{
	int err;

	down_write(&region->sem);
	err = vpool_region_commit_locked(region, nid, bytes, why);
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

static bool vpool_fault_may_be_huge(struct vm_fault *vmf,
				    struct vpool_region *region)
{
	unsigned long start = vmf->address & PMD_MASK;

	return region->store->order == PMD_SHIFT - PAGE_SHIFT &&
	       start >= vmf->vma->vm_start &&
	       start + PMD_SIZE <= vmf->vma->vm_end;
}

static vm_fault_t vpool_region_fault(struct vm_fault *vmf)
{
	struct vpool_region *region = vmf->vma->vm_private_data;
	bool huge = vpool_fault_may_be_huge(vmf, region);
	unsigned long pages;
	struct folio *folio;
	struct page *page;

	down_read(&region->sem);
	folio = vpool_region_find(region, vmf->pgoff);
	if (!folio) {
		up_read(&region->sem);
		return VM_FAULT_SIGBUS;
	}
	page = folio_page(folio, vmf->pgoff & (folio_nr_pages(folio) - 1));
	if (PageHWPoison(page)) {
		up_read(&region->sem);
		return VM_FAULT_HWPOISON;
	}
	vpool_region_touch(region, vmf->pgoff);
	folio_get(folio);
	folio_lock(folio);
	pages = region->nr << region->store->order;
	up_read(&region->sem);

	vpool_rss_hide(vmf->vma->vm_mm, region,
		       huge ? folio_nr_pages(folio) : 1, pages);
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
	err = vpool_store_take(store, &move->policy, folios, nr,
			       move->region->why);
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
	.set_policy = vpool_region_set_policy,
#endif
};

/**
 * struct vpool_populate - a mapping to be filled when mmap(2) is about to return
 * @work: of the task that maps
 * @start: first address
 * @end: address after the last
 */
struct vpool_populate {
	struct callback_head work;
	unsigned long start;
	unsigned long end;
};

/* As long as the mapping is there and is one of ours. */
static bool vpool_populate_one(struct mm_struct *mm, unsigned long *addr)
{
	struct vm_area_struct *vma = vma_lookup(mm, *addr);
	unsigned int flags = 0;

	mmap_assert_locked(mm);
	if (!vma || vma->vm_ops != &vpool_region_vm_ops)
		return false;
	if (vma->vm_flags & VM_WRITE)
		flags |= FAULT_FLAG_WRITE;
	*addr += vpool_store_page_size(((struct vpool_region *)
					vma->vm_private_data)->store);
	return !fixup_user_fault(mm, *addr - 1, flags, NULL);
}

static void vpool_populate_run(struct callback_head *work)
{
	struct vpool_populate *populate =
		container_of(work, struct vpool_populate, work);
	struct mm_struct *mm = current->mm;
	unsigned long addr = populate->start, nr = 0;

	mmap_read_lock(mm);
	while (addr < populate->end && vpool_populate_one(mm, &addr)) {
		if (++nr % VPOOL_POPULATE_BATCH)
			continue;
		mmap_read_unlock(mm);
		cond_resched();
		mmap_read_lock(mm);
	}
	mmap_read_unlock(mm);
	kfree(populate);
}

/*
 * A mapping cannot be filled while it is being made, and nothing calls us when it
 * is there; what a task has to do before it is back in userspace comes closest.
 */
static int vpool_populate_soon(struct vm_area_struct *vma,
			       struct vpool_why *why)
{
	struct vpool_populate *populate;
	int err = -ENOMEM;

	populate = kmalloc(sizeof(*populate), GFP_KERNEL_ACCOUNT);
	if (populate) {
		init_task_work(&populate->work, vpool_populate_run);
		populate->start = vma->vm_start;
		populate->end = vma->vm_end;
		err = task_work_add(current, &populate->work, TWA_RESUME);
	}
	if (!err)
		return 0;
	kfree(populate);
	return vpool_fail(why, err, "the mapping cannot be populated");
}

static int vpool_region_mmap_locked(struct vpool_region *region,
				    struct vm_area_struct *vma,
				    struct vpool_why *why)
{
	u64 start = (u64)vma->vm_pgoff << PAGE_SHIFT;
	u64 end = start + (vma->vm_end - vma->vm_start);
	u64 bytes = end;
	int err;

	if (vma->vm_pgoff > MAX_LFS_FILESIZE >> PAGE_SHIFT || end < start)
		return vpool_fail(why, -EINVAL, "the offset is out of range");
	if (!region->nr) {
		err = vpool_region_commit_locked(region, VPOOL_ANY_NODE, &bytes,
						 why);
		if (err)
			return err;
	}
	bytes = vpool_region_bytes(region);
	if (end > bytes)
		return vpool_fail(why, -ENXIO,
				  "the mapping ends at %llu, the region at %llu",
				  end, bytes);
	return 0;
}

/**
 * vpool_region_mmap - map a region, and commit it if that was not done
 * @region: which
 * @vma: filled in
 * @why: told if it fails
 *
 * Context: called with the mmap lock held; takes @region->sem.
 * Return: 0 or a negative errno, see vpool_region_commit(); -EINVAL for a
 * private mapping, -ENXIO for one that goes beyond the region.
 */
int vpool_region_mmap(struct vpool_region *region, struct vm_area_struct *vma,
		      struct vpool_why *why)
{
	bool populate;
	int err;

	if (!(vma->vm_flags & VM_MAYSHARE))
		return vpool_fail(why, -EINVAL,
				  "pool memory cannot be mapped MAP_PRIVATE, use MAP_SHARED");
	down_write(&region->sem);
	if (region->revoked)
		err = vpool_revoked(why);
	else
		err = vpool_region_mmap_locked(region, vma, why);
	populate = region->populate;
	up_write(&region->sem);
	if (!err && populate)
		err = vpool_populate_soon(vma, why);
	if (err)
		return err;

	region->why = why;
	vpool_vm_flags_set(vma, VM_DONTEXPAND);
	vma->vm_private_data = region;
	vma->vm_ops = &vpool_region_vm_ops;
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
	for (i = 0; i < region->nr; i++) {
		folio_lock(region->folios[i]);
		folio_unlock(region->folios[i]);
		cond_resched();
	}
	unmap_mapping_range(region->inode->i_mapping, 0, 0, 1);
	vpool_region_give_back(region);
	up_write(&region->sem);
}

/**
 * vpool_region_poisoned - a page in some folio is broken
 * @region: which may have it
 * @folio: the one; marked, so that it will not be mapped in one piece again
 *
 * Context: sleeps; takes @region->sem and the folio's lock.
 * Return: true if it is this region's; no page table maps it any more.
 */
bool vpool_region_poisoned(struct vpool_region *region, struct folio *folio)
{
	bool ours;

	down_read(&region->sem);
	ours = vpool_region_find(region, folio->index) == folio;
	if (ours) {
		/* Faults that did not see the mark have ended after that. */
		folio_lock(folio);
		folio_unlock(folio);
		unmap_mapping_range(region->inode->i_mapping,
				    (loff_t)folio->index << PAGE_SHIFT,
				    folio_size(folio), 1);
	}
	up_read(&region->sem);
	return ours;
}
