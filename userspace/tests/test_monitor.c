// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages of the kernel and lines of trace_pipe, as vpoolctl monitor reads them.
 */
#include "base/macros.h"
#include "monitor/tracing.h"
#include "monitor/uevent.h"
#include "tap.h"

/* Parts of a line of trace_pipe. */
#define HEADER "           <...>-1234    [003] .....  12.345678: "
#define REFUSE "vpool_refuse: pool=web call=create error=-17 code=14 "
#define REFUSE_UNNAMED "vpool_refuse: pool= call=create error=-22 code=11 "

#define PARSE(text, uevent) uevent_parse(text, sizeof(text), uevent)

static void uevents(void)
{
	struct uevent uevent;

	if (expect(PARSE("add@/kernel/vpool/pools/web\0ACTION=add", &uevent))) {
		expect(uevent.action == UEVENT_ADD);
		expect_text(uevent.pool, "web");
	}
	if (expect(PARSE("change@/kernel/vpool/pools/a.b-1_2", &uevent))) {
		expect(uevent.action == UEVENT_CHANGE);
		expect_text(uevent.pool, "a.b-1_2");
	}
	if (expect(PARSE("remove@/kernel/vpool/pools/web", &uevent)))
		expect(uevent.action == UEVENT_REMOVE);
}

static void other_uevents(void)
{
	struct uevent uevent;

	expect(!PARSE("add@/module/vpool", &uevent));
	expect(!PARSE("add@/kernel/vpool/pools", &uevent));
	expect(!PARSE("add@/kernel/vpool/pools/", &uevent));
	expect(!PARSE("add@/kernel/vpool/pools/web/memory", &uevent));
	expect(!PARSE("add@/kernel/vpool/pools/Web", &uevent));
	expect(!PARSE("bind@/kernel/vpool/pools/web", &uevent));
	expect(!PARSE("libudev", &uevent));
	expect(!PARSE("", &uevent));
	expect(!uevent_parse("", 0, &uevent));
	/* Without a NUL, the name would have no end. */
	expect(!uevent_parse("add@/kernel/vpool/pools/web", 27, &uevent));
	expect(!PARSE("add@/kernel/vpool/pools/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		      &uevent));
}

static void refusals(void)
{
	struct traced traced;

	if (!expect(traced_parse(HEADER REFUSE "comm=vpoolctl reason=pool 'web' exists",
				 &traced)))
		return;
	expect_text(traced.event, "refuse");
	expect_text(traced.pool, "web");
	expect_text(traced.comm, "vpoolctl");
	expect_text(traced.call, "create");
	expect_text(traced.reason, "pool 'web' exists");
	expect(traced.pid == 1234);
	expect(traced.code == 14);
}

static void names_of_tasks(void)
{
	struct traced traced;

	if (expect(traced_parse(" a-b [1] c-d-77      [000] d..1.  1.0: vpool_escape: pool=x tid=5",
				&traced))) {
		expect_text(traced.comm, "a-b [1] c-d");
		expect(traced.pid == 77);
		expect(traced.tid == 5);
	}
	/* The name is empty where the caller gave no valid one. */
	if (expect(traced_parse(HEADER REFUSE_UNNAMED "comm=a comm= b reason='A B=' is not",
				&traced))) {
		expect_text(traced.pool, "");
		expect_text(traced.call, "create");
		expect_text(traced.comm, "a comm= b");
		expect_text(traced.reason, "'A B=' is not");
	}
}

static void memory_errors(void)
{
	struct traced traced;

	if (expect(traced_parse(HEADER "vpool_memory_error: pool=db pfn=0x1f00",
				&traced))) {
		expect_text(traced.event, "memory_error");
		expect_text(traced.pool, "db");
		expect(traced.pfn == 0x1f00);
	}
}

static void other_lines(void)
{
	struct traced traced;

	expect(!traced_parse("", &traced));
	expect(!traced_parse("CPU:1 [LOST 12 EVENTS]", &traced));
	expect(!traced_parse("x-1 [000] ..... 1.0: sched_switch: pool=a", &traced));
	expect(!traced_parse("x-1 [000] ..... 1.0: vpool_commit: pool=a region=1 bytes=2",
			     &traced));
	expect(!traced_parse("x-1 [000] ..... 1.0: vpool_refuse: pool=a call=create",
			     &traced));
	expect(!traced_parse(": vpool_refuse: pool=a call=create error=-1 code=1 comm=c reason=b",
			     &traced));
}

static const struct tap_case cases[] = {
	{ "messages about pools", uevents },
	{ "other messages are skipped", other_uevents },
	{ "refused calls", refusals },
	{ "names of tasks with any character", names_of_tasks },
	{ "memory errors", memory_errors },
	{ "other lines are skipped", other_lines },
};

int main(void)
{
	return tap_main(cases, ARRAY_SIZE(cases));
}
