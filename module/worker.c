// SPDX-License-Identifier: GPL-2.0
#include <linux/sched.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "worker.h"

/**
 * vpool_worker_run - run a function in a kernel worker, and wait for it
 * @work: work item of this call alone, from INIT_WORK_ONSTACK()
 *
 * A worker does not have the credentials, namespaces or root directory of a user, and no
 * user can keep it from running while it holds a lock of the kernel. It is not bound to a
 * CPU, where a real-time task could keep it from running.
 *
 * A work item that several tasks share would not do. While one task is queuing it,
 * queue_work() of another does nothing, and flush_work() may not wait yet.
 *
 * Context: sleeps; the caller holds no lock that the function takes.
 */
void vpool_worker_run(struct work_struct *work)
{
	if (current->flags & PF_WQ_WORKER) {
		work->func(work);
		return;
	}
	queue_work(vpool_unbound_wq, work);
	flush_work(work);
}
