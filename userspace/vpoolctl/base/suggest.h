/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_BASE_SUGGEST_H
#define VPOOLCTL_BASE_SUGGEST_H

#include <stddef.h>

/* Return the name in @names nearest to the misspelt @word, or NULL if none is near. */
const char *nearest(const char *word, const char *const *names, size_t nr);
/*
 * Like nearest(), for names of actions, where a wrong suggestion does harm: allow one
 * typing error, or two in a long word.
 */
const char *nearest_slip(const char *word, const char *const *names, size_t nr);

#endif /* VPOOLCTL_BASE_SUGGEST_H */
