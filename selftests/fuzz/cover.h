/* SPDX-License-Identifier: GPL-2.0 */
/* Coverage of the module by programs. */
#ifndef FUZZ_COVER_H
#define FUZZ_COVER_H

#include "fuzz.h"

extern struct fuzz_shared *fuzz_shared;

int fuzz_cover_open(void);
void fuzz_cover_clear(void);
void fuzz_cover(void);
bool fuzz_has_coverage(void);
size_t fuzz_news(void);
size_t fuzz_points(void);

#endif /* FUZZ_COVER_H */
