/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Everything that a livepatch for vpool needs beside its new functions. A livepatch
 * is one C file that includes this header and ends with a table:
 *
 *	VPOOL_LIVEPATCH(VPOOL_REPLACE(vpool_old_function, new_function),
 *			VPOOL_REPLACE(vpool_other_function, other_new_function));
 */
#ifndef VPOOL_LIVEPATCH_H
#define VPOOL_LIVEPATCH_H

#include <linux/build_bug.h>
#include <linux/init.h>
#include <linux/kobject.h>
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/string.h>

/*
 * The kernel applies a livepatch to any module of the right name. Functions and layouts
 * are the same only if the module has the same source, whose hash is the srcversion.
 */
static int vpool_livepatch_check(const struct module *vpool)
{
	if (vpool->srcversion && !strcmp(vpool->srcversion, VPOOL_SRCVERSION))
		return 0;
	pr_err("made for vpool %s with srcversion %s, not for vpool %s with srcversion %s\n",
	       VPOOL_VERSION, VPOOL_SRCVERSION, vpool->version ?: "?",
	       vpool->srcversion ?: "?");
	return -ENOEXEC;
}

/*
 * Check the loaded vpool, if any, before the kernel looks for symbols that another
 * version may lack. All kobjects of modules are in one kset. The reference to the
 * kobject keeps the structure of the module, and the one to the module its srcversion.
 */
static int vpool_livepatch_check_loaded(void)
{
	struct kobject *kobj = kset_find_obj(THIS_MODULE->mkobj.kobj.kset, "vpool");
	struct module *vpool;
	int err = 0;

	if (!kobj)
		return 0;
	vpool = container_of(kobj, struct module_kobject, kobj)->mod;
	if (vpool && try_module_get(vpool)) {
		err = vpool_livepatch_check(vpool);
		module_put(vpool);
	}
	kobject_put(kobj);
	return err;
}

/* Check a vpool that is loaded after the livepatch: an error refuses that vpool. */
static int vpool_livepatch_pre_patch(struct klp_object *obj)
{
	return vpool_livepatch_check(obj->mod);
}

/* VPOOL_LIVEPATCH() initializes it. */
static struct klp_patch vpool_livepatch;

static int __init vpool_livepatch_init(void)
{
	return vpool_livepatch_check_loaded() ?: klp_enable_patch(&vpool_livepatch);
}

/* The kernel lets a livepatch go only after it is disabled. */
static void __exit vpool_livepatch_exit(void)
{
}

/* Replace the function _old of vpool, static or not, by _new, which has its type. */
#define VPOOL_REPLACE(_old, _new)					\
	{								\
		.old_name = #_old,					\
		.new_func = _new,					\
		.old_sympos =						\
			BUILD_BUG_ON_ZERO(!__same_type(_old, typeof(_new))), \
	}

/* Declare the livepatch that makes the replacements. */
#define VPOOL_LIVEPATCH(...)						\
static struct klp_func vpool_livepatch_funcs[] = {			\
	__VA_ARGS__,							\
	{ }								\
};									\
									\
static struct klp_object vpool_livepatch_objs[] = {			\
	{								\
		.name = "vpool",					\
		.funcs = vpool_livepatch_funcs,				\
		.callbacks.pre_patch = vpool_livepatch_pre_patch,	\
	},								\
	{ }								\
};									\
									\
static struct klp_patch vpool_livepatch = {				\
	.mod = THIS_MODULE,						\
	.objs = vpool_livepatch_objs,					\
}

module_init(vpool_livepatch_init);
module_exit(vpool_livepatch_exit);

MODULE_DESCRIPTION("Livepatch for vpool " VPOOL_VERSION);
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");

#endif /* VPOOL_LIVEPATCH_H */
