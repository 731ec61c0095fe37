/* SPDX-License-Identifier: GPL-2.0 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM vpool

#if !defined(VPOOL_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define VPOOL_TRACE_H

#include <linux/sched.h>
#include <linux/tracepoint.h>
#include <linux/vpool.h>

DECLARE_EVENT_CLASS(vpool_pool_event,
		    TP_PROTO(const char *pool, u32 id, int error),
		    TP_ARGS(pool, id, error),

		    TP_STRUCT__entry(__array(char, pool, VPOOL_NAME_SIZE)
				     __field(u32, id)
				     __field(int, error)),

		    TP_fast_assign(strscpy(__entry->pool, pool,
					   VPOOL_NAME_SIZE);
				   __entry->id = id;
				   __entry->error = error;),

		    TP_printk("pool=%s id=%u error=%d", __entry->pool,
			      __entry->id, __entry->error)
);

DEFINE_EVENT(vpool_pool_event, vpool_create,
	     TP_PROTO(const char *pool, u32 id, int error),
	     TP_ARGS(pool, id, error)
);

DEFINE_EVENT(vpool_pool_event, vpool_destroy,
	     TP_PROTO(const char *pool, u32 id, int error),
	     TP_ARGS(pool, id, error)
);

TRACE_EVENT(vpool_resize,
	    TP_PROTO(const char *pool, u64 bytes, int error),
	    TP_ARGS(pool, bytes, error),

	    TP_STRUCT__entry(__array(char, pool, VPOOL_NAME_SIZE)
			     __field(u64, bytes)
			     __field(int, error)),

	    TP_fast_assign(strscpy(__entry->pool, pool, VPOOL_NAME_SIZE);
			   __entry->bytes = bytes;
			   __entry->error = error;),

	    TP_printk("pool=%s bytes=%llu error=%d", __entry->pool,
		      __entry->bytes, __entry->error)
);

DECLARE_EVENT_CLASS(vpool_region_event,
		    TP_PROTO(const char *pool, u64 region, u64 bytes),
		    TP_ARGS(pool, region, bytes),

		    TP_STRUCT__entry(__array(char, pool, VPOOL_NAME_SIZE)
				     __field(u64, region)
				     __field(u64, bytes)),

		    TP_fast_assign(strscpy(__entry->pool, pool,
					   VPOOL_NAME_SIZE);
				   __entry->region = region;
				   __entry->bytes = bytes;),

		    TP_printk("pool=%s region=%llu bytes=%llu", __entry->pool,
			      __entry->region, __entry->bytes)
);

DEFINE_EVENT(vpool_region_event, vpool_commit,
	     TP_PROTO(const char *pool, u64 region, u64 bytes),
	     TP_ARGS(pool, region, bytes)
);

DEFINE_EVENT(vpool_region_event, vpool_release,
	     TP_PROTO(const char *pool, u64 region, u64 bytes),
	     TP_ARGS(pool, region, bytes)
);

TRACE_EVENT(vpool_attach,
	    TP_PROTO(const char *pool, pid_t pid, int error),
	    TP_ARGS(pool, pid, error),

	    TP_STRUCT__entry(__array(char, pool, VPOOL_NAME_SIZE)
			     __field(pid_t, pid)
			     __field(int, error)),

	    TP_fast_assign(strscpy(__entry->pool, pool, VPOOL_NAME_SIZE);
			   __entry->pid = pid;
			   __entry->error = error;),

	    TP_printk("pool=%s pid=%d error=%d", __entry->pool, __entry->pid,
		      __entry->error)
);

TRACE_EVENT(vpool_escape,
	    TP_PROTO(const char *pool, pid_t tid),
	    TP_ARGS(pool, tid),

	    TP_STRUCT__entry(__array(char, pool, VPOOL_NAME_SIZE)
			     __field(pid_t, tid)),

	    TP_fast_assign(strscpy(__entry->pool, pool, VPOOL_NAME_SIZE);
			   __entry->tid = tid;),

	    TP_printk("pool=%s tid=%d", __entry->pool, __entry->tid)
);

TRACE_EVENT(vpool_memory_error,
	    TP_PROTO(const char *pool, unsigned long pfn),
	    TP_ARGS(pool, pfn),

	    TP_STRUCT__entry(__array(char, pool, VPOOL_NAME_SIZE)
			     __field(unsigned long, pfn)),

	    TP_fast_assign(strscpy(__entry->pool, pool, VPOOL_NAME_SIZE);
			   __entry->pfn = pfn;),

	    TP_printk("pool=%s pfn=%#lx", __entry->pool, __entry->pfn)
);

/*
 * The text has no newline: vpool_err() quotes what users pass. The core of tracing does not
 * know the name of each task, so the event has it.
 */
TRACE_EVENT(vpool_refuse,
	    TP_PROTO(const char *pool, const char *call, int error, u32 code,
		     const char *reason),
	    TP_ARGS(pool, call, error, code, reason),

	    TP_STRUCT__entry(__array(char, pool, VPOOL_NAME_SIZE)
			     __array(char, call, 16)
			     __field(int, error)
			     __field(u32, code)
			     __array(char, comm, TASK_COMM_LEN)
			     __array(char, reason, VPOOL_REASON_SIZE)),

	    TP_fast_assign(strscpy(__entry->pool, pool, VPOOL_NAME_SIZE);
			   strscpy(__entry->call, call, 16);
			   __entry->error = error;
			   __entry->code = code;
			   memcpy(__entry->comm, current->comm, TASK_COMM_LEN);
			   strscpy(__entry->reason, reason, VPOOL_REASON_SIZE);),

	    TP_printk("pool=%s call=%s error=%d code=%u comm=%s reason=%s",
		      __entry->pool, __entry->call, __entry->error,
		      __entry->code, __entry->comm, __entry->reason)
);

#endif /* VPOOL_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
