/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The device nodes and their calls.
 */
#ifndef VPOOL_CHARDEV_H
#define VPOOL_CHARDEV_H

struct vpool_pool;

int vpool_nodes_start(void);
void vpool_nodes_stop(void);
int vpool_node_add(struct vpool_pool *pool);
void vpool_node_del(struct vpool_pool *pool);

int vpool_control_start(void);
void vpool_control_stop(void);

#endif /* VPOOL_CHARDEV_H */
