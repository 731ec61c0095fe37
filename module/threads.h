/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Kernel threads for each NUMA node.
 */
#ifndef VPOOL_THREADS_H
#define VPOOL_THREADS_H

#include <linux/kthread.h>
#include <linux/types.h>

struct cpumask;

/* Maximum number of threads of one kind on one node. */
#define VPOOL_THREADS 15

/**
 * struct vpool_node_threads - the threads of one NUMA node
 * @nr: number of threads; 0 for a node without memory
 * @worker: the threads
 */
struct vpool_node_threads {
	unsigned int nr;
	struct kthread_worker *worker[VPOOL_THREADS];
};

/**
 * struct vpool_threads - threads of one kind
 * @name: beginning of their names
 * @max: number of threads on a node with enough CPUs, at most %VPOOL_THREADS
 * @node: array indexed by NUMA node id
 */
struct vpool_threads {
	const char *name;
	unsigned int max;
	struct vpool_node_threads *node;
};

int vpool_threads_start(struct vpool_threads *threads);
void vpool_threads_stop(struct vpool_threads *threads);
struct vpool_node_threads *vpool_threads_of(struct vpool_threads *threads,
					    int nid);

bool vpool_thread_is_idle(struct kthread_worker *worker);
bool vpool_thread_move(struct task_struct *task, const struct cpumask *mask);

#endif /* VPOOL_THREADS_H */
