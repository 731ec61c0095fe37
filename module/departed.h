/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tasks that have left their pool but must stay in the table of members for a while.
 */
#ifndef VPOOL_DEPARTED_H
#define VPOOL_DEPARTED_H

struct vpool_member;

void vpool_departed_add(struct vpool_member *member);
void vpool_departed_add_unrestored(struct vpool_member *member);
void vpool_departed_forget(struct vpool_member *member);
void vpool_departed_flush(void);
void vpool_departed_stop(void);

#endif /* VPOOL_DEPARTED_H */
