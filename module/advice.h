/* SPDX-License-Identifier: GPL-2.0 */
/*
 * MADV_COLD and MADV_PAGEOUT on a kernel without transparent huge pages.
 */
#ifndef VPOOL_ADVICE_H
#define VPOOL_ADVICE_H

void vpool_advice_start(void);
void vpool_advice_stop(void);

#endif /* VPOOL_ADVICE_H */
