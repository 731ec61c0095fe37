/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_HOST_KMOD_H
#define VPOOLCTL_HOST_KMOD_H

#include <stdbool.h>
#include <stddef.h>

struct failure;

/**
 * struct kmod - a build of the kernel module
 * @file: path of the module's file, owned; NULL for the loaded module
 * @version: its version, owned
 * @srcversion: hash of its source, owned; differs between builds of different source
 */
struct kmod {
	char *file;
	char *version;
	char *srcversion;
};

/* Read the loaded module. Return 0, or a negative errno with @failure set. */
int kmod_read_loaded(struct kmod *mod, struct failure *failure);
/*
 * Read a module from a file, or the installed one if @file is NULL. The module must be for
 * the running kernel. Return 0, or a negative errno with @failure set.
 */
int kmod_read_file(struct kmod *mod, const char *file, struct failure *failure);
/* Find a file of the module that is loaded now: installed, or kept by a package. */
bool kmod_find_file(const struct kmod *loaded, struct kmod *mod);
/* Remove the file of a module that has been replaced, if a package kept it. */
void kmod_forget(const struct kmod *mod);
bool kmod_same(const struct kmod *a, const struct kmod *b);
void kmod_free(struct kmod *mod);

/* Load a module. Return 0, or a negative errno with @failure set. */
int kmod_load(const struct kmod *mod, struct failure *failure);
/* Load a module of the kernel. Return 0, or a negative errno with @failure set. */
int kmod_load_kernel(const char *name, struct failure *failure);
/*
 * Unload the loaded module. Wait a moment for programs that only read about pools. Return
 * 0, or a negative errno with @failure set.
 */
int kmod_unload(struct failure *failure);

/**
 * struct kmod_param - a parameter of the loaded module
 * @name: its name, owned
 * @value: its value with a newline, owned
 */
struct kmod_param {
	char *name;
	char *value;
};

/* Read all parameters that root may write. Return the array for kmod_params_free(). */
struct kmod_param *kmod_params_read(size_t *nr);
/* Write the values that the loaded module does not have. Unknown parameters are left out. */
void kmod_params_write(const struct kmod_param *params, size_t nr);
void kmod_params_free(struct kmod_param *params, size_t nr);

/* Return the names of the livepatches of the loaded module, each for free(3). */
char **kmod_livepatches(size_t *nr);

#endif /* VPOOLCTL_HOST_KMOD_H */
