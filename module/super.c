// SPDX-License-Identifier: GPL-2.0
/*
 * vpool's filesystem: mounts of pools, and the pseudo filesystem of devices' regions.
 *
 * Each mount(2) with the option pool=NAME makes a filesystem of its own, whose files take
 * their memory from that pool. It counts as a user of the pool: the pool can be destroyed
 * by force only, and its files are then revoked.
 *
 * The module itself mounts the pseudo filesystem. It has the inodes of devices' regions,
 * and the files of VPOOL_FILE, which have no names. It is mounted only while there are
 * such inodes: a permanent mount would pin the module. Each inode of a region comes with
 * a reference to the mount. A file has one as long as it is open or mapped.
 */
#include <linux/dcache.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/fs_context.h>
#include <linux/fs_parser.h>
#include <linux/magic.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/path.h>
#include <linux/pseudo_fs.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/statfs.h>
#include <linux/string.h>

#include "compat.h"
#include "file.h"
#include "inode.h"
#include "pool.h"
#include "pool_region.h"
#include "registry.h"
#include "store.h"
#include "super.h"

#define VPOOL_SUPER_MAGIC 0x76706f6f

/**
 * struct vpool_options - mount options
 * @given: mask of BIT(enum vpool_option)
 * @pool: name of the pool
 * @mount: values of the other options
 */
struct vpool_options {
	unsigned int given;
	char pool[VPOOL_NAME_SIZE];
	struct vpool_mount mount;
};

enum vpool_option {
	VPOOL_OPTION_F_TYPE,
	VPOOL_OPTION_GID,
	VPOOL_OPTION_MODE,
	VPOOL_OPTION_POOL,
	VPOOL_OPTION_UID,
};

static const struct constant_table vpool_f_types[] = {
	{ "hugetlbfs", HUGETLBFS_MAGIC },
	{ "vpool", VPOOL_SUPER_MAGIC },
	{}
};

static const struct fs_parameter_spec vpool_parameters[] = {
	fsparam_enum("f_type", VPOOL_OPTION_F_TYPE, vpool_f_types),
	fsparam_u32("gid", VPOOL_OPTION_GID),
	fsparam_u32oct("mode", VPOOL_OPTION_MODE),
	fsparam_string("pool", VPOOL_OPTION_POOL),
	fsparam_u32("uid", VPOOL_OPTION_UID),
	{}
};

static int vpool_super_set_option(struct fs_context *fc,
				  struct vpool_options *options, int option,
				  struct fs_parameter *param,
				  const struct fs_parse_result *result)
{
	struct vpool_mount *mount = &options->mount;

	switch (option) {
	case VPOOL_OPTION_F_TYPE:
		mount->magic = result->uint_32;
		return 0;
	case VPOOL_OPTION_GID:
		mount->gid = make_kgid(current_user_ns(), result->uint_32);
		return gid_valid(mount->gid) ? 0 :
			invalf(fc, "vpool: gid %u is not valid", result->uint_32);
	case VPOOL_OPTION_MODE:
		mount->mode = result->uint_32;
		return mount->mode & ~01777 ?
			invalf(fc, "vpool: mode %o has bits outside 1777",
			       result->uint_32) : 0;
	case VPOOL_OPTION_UID:
		mount->uid = make_kuid(current_user_ns(), result->uint_32);
		return uid_valid(mount->uid) ? 0 :
			invalf(fc, "vpool: uid %u is not valid", result->uint_32);
	default:
		return strscpy_pad(options->pool, param->string,
				   sizeof(options->pool)) < 0 ?
			invalf(fc, "vpool: the name of the pool is too long") : 0;
	}
}

static int vpool_super_parse(struct fs_context *fc, struct fs_parameter *param)
{
	struct vpool_options *options = fc->fs_private;
	struct fs_parse_result result;
	int option = fs_parse(fc, vpool_parameters, param, &result);

	if (option < 0)
		return option;
	options->given |= BIT(option);
	return vpool_super_set_option(fc, options, option, param, &result);
}

static bool vpool_super_given(const struct vpool_options *options,
			      enum vpool_option option)
{
	return options->given & BIT(option);
}

/* A directory needs the execute bit where a device needs the read bit. */
static umode_t vpool_super_mode(umode_t mode)
{
	return mode | (mode & 0444) >> 2;
}

static void vpool_super_set_defaults(struct vpool_options *options,
				     const struct vpool_pool *pool)
{
	struct vpool_mount *mount = &options->mount;

	if (!vpool_super_given(options, VPOOL_OPTION_F_TYPE))
		mount->magic = VPOOL_SUPER_MAGIC;
	if (!vpool_super_given(options, VPOOL_OPTION_GID))
		mount->gid = pool->gid;
	if (!vpool_super_given(options, VPOOL_OPTION_MODE))
		mount->mode = vpool_super_mode(pool->mode);
	if (!vpool_super_given(options, VPOOL_OPTION_UID))
		mount->uid = pool->uid;
}

static const struct super_operations vpool_super_ops;

static int vpool_super_fill_root(struct super_block *sb)
{
	struct inode *inode = vpool_inode_create_root(sb);

	if (IS_ERR(inode))
		return PTR_ERR(inode);
	sb->s_root = d_make_root(inode);
	return sb->s_root ? 0 : -ENOMEM;
}

/* On failure the core calls vpool_super_kill(). */
static int vpool_super_fill(struct super_block *sb, struct fs_context *fc)
{
	struct vpool_options *options = fc->fs_private;
	struct vpool_mount *mount;
	struct vpool_pool *pool;
	struct vpool_extack extack;
	int err;

	vpool_extack_init(&extack);
	mount = kzalloc(sizeof(*mount), GFP_KERNEL_ACCOUNT);
	if (!mount)
		return -ENOMEM;
	sb->s_fs_info = mount;
	pool = vpool_pool_find(options->pool, &extack);
	if (IS_ERR(pool)) {
		errorf(fc, "vpool: %s", extack.text);
		return PTR_ERR(pool);
	}
	vpool_super_set_defaults(options, pool);
	*mount = options->mount;
	err = vpool_pool_mount(pool, &extack);
	if (err) {
		vpool_pool_put(pool);
		errorf(fc, "vpool: %s", extack.text);
		return err;
	}
	mount->pool = pool;
	sb->s_blocksize = vpool_store_page_size(&pool->store);
	sb->s_blocksize_bits = vpool_store_page_shift(&pool->store);
	sb->s_maxbytes = MAX_LFS_FILESIZE;
	sb->s_magic = mount->magic;
	sb->s_op = &vpool_super_ops;
	sb->s_time_gran = 1;
	/* Memory for data: nothing in it is to be executed or opened as a device. */
	sb->s_iflags |= SB_I_NODEV | SB_I_NOEXEC;
	return vpool_super_fill_root(sb);
}

static int vpool_super_get_tree(struct fs_context *fc)
{
	const struct vpool_options *options = fc->fs_private;

	if (!vpool_super_given(options, VPOOL_OPTION_POOL))
		return invalf(fc, "vpool: the option pool=NAME is missing");
	return get_tree_nodev(fc, vpool_super_fill);
}

/* A remount can repeat the options. It cannot change them. */
static int vpool_super_reconfigure(struct fs_context *fc)
{
	const struct vpool_options *options = fc->fs_private;
	const struct vpool_mount *old = fc->root->d_sb->s_fs_info;
	const struct vpool_mount *new = &options->mount;

	if (vpool_super_given(options, VPOOL_OPTION_POOL) &&
	    strcmp(options->pool, old->pool->name))
		return invalf(fc, "vpool: a remount cannot change the pool, which is '%s'",
			      old->pool->name);
	if ((vpool_super_given(options, VPOOL_OPTION_F_TYPE) &&
	     new->magic != old->magic) ||
	    (vpool_super_given(options, VPOOL_OPTION_GID) &&
	     !gid_eq(new->gid, old->gid)) ||
	    (vpool_super_given(options, VPOOL_OPTION_MODE) &&
	     new->mode != old->mode) ||
	    (vpool_super_given(options, VPOOL_OPTION_UID) &&
	     !uid_eq(new->uid, old->uid)))
		return invalf(fc, "vpool: a remount cannot change the options of the filesystem");
	return 0;
}

static void vpool_super_free(struct fs_context *fc)
{
	kfree(fc->fs_private);
}

static const struct fs_context_operations vpool_super_context_ops = {
	.free = vpool_super_free,
	.get_tree = vpool_super_get_tree,
	.parse_param = vpool_super_parse,
	.reconfigure = vpool_super_reconfigure,
};

static int vpool_super_show_options(struct seq_file *seq, struct dentry *root)
{
	const struct vpool_mount *mount = root->d_sb->s_fs_info;

	/* The pseudo filesystem has no options. */
	if (!mount)
		return 0;
	seq_printf(seq, ",pool=%s,uid=%u,gid=%u,mode=%o", mount->pool->name,
		   from_kuid_munged(&init_user_ns, mount->uid),
		   from_kgid_munged(&init_user_ns, mount->gid), mount->mode);
	if (mount->magic == HUGETLBFS_MAGIC)
		seq_puts(seq, ",f_type=hugetlbfs");
	return 0;
}

static int vpool_super_statfs(struct dentry *dentry, struct kstatfs *buf)
{
	struct vpool_pool *pool = vpool_inode_pool(d_inode(dentry));
	int err = simple_statfs(dentry, buf);
	struct vpool_usage usage;
	u32 regions;

	if (err || !pool)
		return err;
	vpool_store_usage(&pool->store, &usage);
	buf->f_bsize = vpool_store_page_size(&pool->store);
	buf->f_frsize = buf->f_bsize;
	buf->f_blocks = usage.total >> vpool_store_page_shift(&pool->store);
	buf->f_bfree = usage.free >> vpool_store_page_shift(&pool->store);
	buf->f_bavail = buf->f_bfree;
	regions = READ_ONCE(pool->nr_regions);
	buf->f_files = max(vpool_pool_max_regions(), regions);
	buf->f_ffree = buf->f_files - regions;
	return 0;
}

static const struct super_operations vpool_super_ops = {
	.drop_inode = vpool_drop_inode,
	.evict_inode = vpool_inode_evict,
	.show_options = vpool_super_show_options,
	.statfs = vpool_super_statfs,
};

/*
 * /proc shows the path of the device by which a region was opened, and the pool of a file
 * without a name.
 */
static char *vpool_super_dname(struct dentry *dentry, char *buffer, int size)
{
	const struct inode *inode = d_inode(dentry);
	char text[64];
	int len = scnprintf(text, sizeof(text), "%s%s%s",
			    S_ISREG(inode->i_mode) ? "/vpool:" : "/dev/vpool/",
			    dentry->d_name.name,
			    inode->i_nlink ? "" : " (deleted)") + 1;

	if (len > size)
		return ERR_PTR(-ENAMETOOLONG);
	return memcpy(buffer + size - len, text, len);
}

/* Drop the path of the device, which open has stored in d_fsdata. */
static void vpool_super_drelease(struct dentry *dentry)
{
	struct path *path = dentry->d_fsdata;

	if (!path)
		return;
	path_put(path);
	kfree(path);
}

static const struct dentry_operations vpool_super_dops = {
	.d_delete = always_delete_dentry,
	.d_dname = vpool_super_dname,
	.d_release = vpool_super_drelease,
};

static int vpool_super_init_pseudo(struct fs_context *fc)
{
	struct pseudo_fs_context *ctx = init_pseudo(fc, VPOOL_SUPER_MAGIC);

	if (!ctx)
		return -ENOMEM;
	ctx->dops = &vpool_super_dops;
	ctx->ops = &vpool_super_ops;
	/* Since 6.17 devices on a pseudo filesystem cannot be opened. A region's can. */
	fc->s_iflags &= ~SB_I_NODEV;
	return 0;
}

static int vpool_super_init_context(struct fs_context *fc)
{
	struct vpool_options *options;

	if (fc->sb_flags & SB_KERNMOUNT)
		return vpool_super_init_pseudo(fc);
	options = kzalloc(sizeof(*options), GFP_KERNEL_ACCOUNT);
	if (!options)
		return -ENOMEM;
	fc->fs_private = options;
	fc->ops = &vpool_super_context_ops;
	return 0;
}

static void vpool_super_kill(struct super_block *sb)
{
	struct vpool_mount *mount = sb->s_fs_info;

	vpool_kill_super(sb);
	if (mount && mount->pool) {
		vpool_pool_unmount(mount->pool);
		vpool_pool_put(mount->pool);
	}
	kfree(mount);
}

static struct file_system_type vpool_super_type = {
	.name = "vpool",
	.owner = THIS_MODULE,
	.init_fs_context = vpool_super_init_context,
	.kill_sb = vpool_super_kill,
	.parameters = vpool_parameters,
};
MODULE_ALIAS_FS("vpool");

/* simple_pin_fs() guards both. */
static struct vfsmount *vpool_super_mnt;
static int vpool_super_mnt_count;

static int vpool_super_pin(void)
{
	return simple_pin_fs(&vpool_super_type, &vpool_super_mnt,
			     &vpool_super_mnt_count);
}

static void vpool_super_unpin(void)
{
	simple_release_fs(&vpool_super_mnt, &vpool_super_mnt_count);
}

/**
 * vpool_super_has_inode - tell whether an inode belongs to vpool
 * @inode: inode of any filesystem
 *
 * Context: any.
 * Return: true if its memory comes from a pool.
 */
bool vpool_super_has_inode(const struct inode *inode)
{
	return inode->i_sb->s_type == &vpool_super_type;
}

/**
 * vpool_super_get_inode - create the inode of a device's region
 *
 * Context: sleeps.
 * Return: the inode with a reference, for vpool_super_put_inode(), or an ERR_PTR.
 */
struct inode *vpool_super_get_inode(void)
{
	struct inode *inode;
	int err = vpool_super_pin();

	if (err)
		return ERR_PTR(err);
	inode = vpool_inode_create_device(vpool_super_mnt->mnt_sb);
	if (IS_ERR(inode))
		vpool_super_unpin();
	return inode;
}

/**
 * vpool_super_put_inode - drop the reference of vpool_super_get_inode()
 * @inode: inode of a region that has ended
 *
 * Context: sleeps.
 */
void vpool_super_put_inode(struct inode *inode)
{
	iput(inode);
	vpool_super_unpin();
}

/**
 * vpool_super_path - create a file whose path leads to an inode
 * @inode: inode of the pseudo filesystem, which the caller keeps
 * @name: name of the pool, NUL-terminated
 * @fops: operations of the file
 *
 * Context: sleeps.
 * Return: the file, for fput(), or an ERR_PTR.
 */
struct file *vpool_super_path(struct inode *inode, const char *name,
			      const struct file_operations *fops)
{
	struct file *file;

	ihold(inode);
	file = alloc_file_pseudo(inode, vpool_super_mnt, name,
				 O_RDWR | O_LARGEFILE, fops);
	if (IS_ERR(file))
		iput(inode);
	return file;
}

/* Create a file without a name; the caller has pinned the pseudo filesystem. */
static struct file *vpool_super_open_file(struct vpool_pool *pool)
{
	struct inode *inode;
	struct file *file;
	int err;

	inode = vpool_inode_create_file(vpool_super_mnt->mnt_sb, NULL,
					S_IFREG | 0600, pool);
	if (IS_ERR(inode))
		return ERR_CAST(inode);
	clear_nlink(inode);
	/* Opening the device has decided who may have it, as for memory of the device. */
	inode->i_flags |= S_PRIVATE;
	/* fput() may free the file after all others are closed. */
	__module_get(THIS_MODULE);
	file = vpool_super_path(inode, pool->name, &vpool_file_fops);
	iput(inode);
	if (IS_ERR(file)) {
		module_put(THIS_MODULE);
		return file;
	}
	/* Opening a path sets these bits. */
	file->f_mode |= FMODE_LSEEK | FMODE_PREAD | FMODE_PWRITE;
	err = vpool_file_open(inode, file);
	if (!err)
		return file;
	fput(file);
	return ERR_PTR(err);
}

/**
 * vpool_super_create_file - create a file without a name
 * @pool: pool that the file's memory will come from
 *
 * Context: sleeps; takes the lock of @pool.
 * Return: the file, open for reading and writing, for fput(); or an ERR_PTR as
 * vpool_inode_create_file().
 */
struct file *vpool_super_create_file(struct vpool_pool *pool)
{
	struct file *file;
	int err = vpool_super_pin();

	if (err)
		return ERR_PTR(err);
	file = vpool_super_open_file(pool);
	vpool_super_unpin();
	return file;
}

/**
 * vpool_super_start - let pools be mounted
 *
 * Return: 0 or a negative errno.
 */
int vpool_super_start(void)
{
	return register_filesystem(&vpool_super_type);
}

/**
 * vpool_super_stop - let no more pools be mounted
 *
 * Context: no filesystem of a pool is mounted.
 */
void vpool_super_stop(void)
{
	unregister_filesystem(&vpool_super_type);
}
