// SPDX-License-Identifier: GPL-2.0-only
/*
 * Settings of the host that isolated pools change, on a simulated host: pools in any order,
 * crashes, changes by the administrator, and files that cannot be written.
 */
#include <libvpool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/files.h"
#include "host/kernel_file.h"
#include "host/settings.h"
#include "tap.h"

#define WORKQUEUE "/sys/devices/virtual/workqueue/cpumask"
#define REQUESTED "/sys/devices/virtual/workqueue/cpumask_requested"
#define KERNEL_ISOLATED "/sys/devices/virtual/workqueue/cpumask_isolated"
#define WATCHDOG "/proc/sys/kernel/watchdog_cpumask"
#define EXPEDITED "/sys/kernel/rcu_expedited"
/* The kernel lets nobody write this file, not even root. */
#define UNWRITABLE "/proc/sys/kernel/ngroups_max"

static char *dir, *record;

static void put(const char *path, const char *text)
{
	char *whole = kernel_path(path), *file = xstrdup(whole);

	*strrchr(file, '/') = '\0';
	expect(!make_dirs(file));
	unlink(whole);
	expect(!replace_file(whole, text));
	free(file);
	free(whole);
}

static void drop(const char *path)
{
	char *whole = kernel_path(path);

	unlink(whole);
	free(whole);
}

/* Begin a host of four CPUs with rcu_expedited. */
static void host(void)
{
	unlink(record);
	put(WORKQUEUE, "0000000f\n");
	drop(REQUESTED);
	drop(KERNEL_ISOLATED);
	put(WATCHDOG, "0-3\n");
	put(EXPEDITED, "1\n");
}

/* Let isolated pools have these CPUs, as after a verb that changed one. */
static void pools(const char *list)
{
	struct vpool_cpus cpus;

	expect(!vpool_cpus_parse(list, &cpus, NULL, 0));
	settings_keep_off(record, &cpus);
	vpool_cpus_free(&cpus);
}

static void expect_line(const char *path, const char *wanted, const char *file, int line)
{
	char *text = kernel_line(path);

	tap_expect_text(text, wanted, file, line);
	free(text);
}

#define expect_file(path, wanted) expect_line(path, wanted, __FILE__, __LINE__)

#define expect_values(workqueue, watchdog, expedited) do { \
	expect_file(WORKQUEUE, workqueue); \
	expect_file(WATCHDOG, watchdog); \
	expect_file(EXPEDITED, expedited); \
} while (0)

static void expect_record(const char *wanted)
{
	char *text = read_text(record);

	expect_text(text ? text : "", wanted);
	expect(settings_are_kept(record) == !!*wanted);
	free(text);
}

static void one_pool(void)
{
	host();
	pools("");
	expect_values("0000000f", "0-3", "1");
	expect_record("");
	pools("2-3");
	expect_values("00000003", "0-1", "0");
	expect_record("workqueue 0-3 0-1\nwatchdog 0-3 0-1\nrcu_expedited 1 0\n");
	pools("2-3");
	expect_values("00000003", "0-1", "0");
	pools("");
	expect_values("0000000f", "0-3", "1");
	expect_record("");
}

static void two_pools(void)
{
	host();
	pools("2");
	expect_values("0000000b", "0-1,3", "0");
	pools("2-3");
	expect_values("00000003", "0-1", "0");
	pools("3");
	expect_values("00000007", "0-2", "0");
	pools("");
	expect_values("0000000f", "0-3", "1");
	pools("3");
	pools("2-3");
	pools("2");
	expect_values("0000000b", "0-1,3", "0");
	pools("1");
	expect_values("0000000d", "0,2-3", "0");
	pools("");
	expect_values("0000000f", "0-3", "1");
	expect_record("");
}

static void administrator(void)
{
	host();
	pools("2-3");
	put(WATCHDOG, "0-2\n");
	pools("2-3");
	expect_values("00000003", "0-2", "0");
	expect_record("workqueue 0-3 0-1\nwatchdog 0-3 -\nrcu_expedited 1 0\n");
	pools("1-3");
	expect_values("00000001", "0-2", "0");
	/* Not even a value that vpoolctl would have written makes it its own again. */
	put(WATCHDOG, "0-1\n");
	pools("2-3");
	expect_file(WATCHDOG, "0-1");
	pools("");
	expect_values("0000000f", "0-1", "1");
	expect_record("");
	/* The next pool begins with the administrator's value. */
	pools("1");
	expect_file(WATCHDOG, "0");
	pools("");
	expect_file(WATCHDOG, "0-1");
}

/* A change between the last verb of the last pool and its end stays, too. */
static void administrator_last(void)
{
	host();
	put(EXPEDITED, "0\n");
	pools("2-3");
	expect_record("workqueue 0-3 0-1\nwatchdog 0-3 0-1\nrcu_expedited 0 0\n");
	put(EXPEDITED, "1\n");
	put(WORKQUEUE, "00000001\n");
	pools("");
	expect_values("00000001", "0-3", "1");
	expect_record("");
}

static void crash(void)
{
	host();
	/* Before the first write, and after it. */
	expect(!replace_file(record, "workqueue 0-3 0-3 0-1\n"));
	pools("2-3");
	expect_values("00000003", "0-1", "0");
	pools("");
	expect_values("0000000f", "0-3", "1");
	expect(!replace_file(record, "workqueue 0-3 0-3 0-1\n"));
	put(WORKQUEUE, "00000003\n");
	pools("2-3");
	expect_record("workqueue 0-3 0-1\nwatchdog 0-3 0-1\nrcu_expedited 1 0\n");
	/* Both, and then the pool is gone. */
	expect(!replace_file(record, "workqueue 0-3 0-1 0,2\nwatchdog 0-3 0-1 0\n"));
	put(WORKQUEUE, "00000005\n");
	pools("");
	expect_values("0000000f", "0-3", "0");
	expect_record("");
	/* After the values have come back, before the record is gone. */
	host();
	expect(!replace_file(record, "workqueue 0-3 0-1\nrcu_expedited 1 0\n"));
	pools("");
	expect_values("0000000f", "0-3", "1");
	expect_record("");
}

static void unwritable(void)
{
	char *whole = kernel_path(EXPEDITED);

	host();
	unlink(whole);
	expect(!symlink(UNWRITABLE, whole));
	pools("2-3");
	expect_file(WORKQUEUE, "00000003");
	expect_file(WATCHDOG, "0-1");
	expect_record("workqueue 0-3 0-1\nwatchdog 0-3 0-1\nrcu_expedited 65536 65536 0\n");
	pools("2-3");
	expect_record("workqueue 0-3 0-1\nwatchdog 0-3 0-1\nrcu_expedited 65536 65536 0\n");
	pools("");
	expect_file(WORKQUEUE, "0000000f");
	expect_file(WATCHDOG, "0-3");
	expect_record("");
	/* A value that cannot be restored is tried again. */
	expect(!replace_file(record, "rcu_expedited 1 65536\n"));
	pools("");
	expect_record("rcu_expedited 1 65536 1\n");
	unlink(whole);
	put(EXPEDITED, "65536\n");
	pools("");
	expect_file(EXPEDITED, "1");
	expect_record("");
	free(whole);
}

/* Without the record on disk, nothing may change. */
static void no_record(void)
{
	char *good = record;

	host();
	record = xprintf("%s/nowhere/record", dir);
	pools("2-3");
	expect_values("0000000f", "0-3", "1");
	free(record);
	record = good;
}

static void bad_record(void)
{
	static const char *const bad[] = {
		"rubbish\n", "workqueue\n", "workqueue 0-3\n", "workqueue x 0-1\n",
		"workqueue 0-3 x\n", "workqueue 0-3 0-1 x\n", "rcu_expedited - 0\n",
		"rcu_expedited 1 0-1-\n1", "nosuch 1 1\n", "\001",
	};
	char *aside = xprintf("%s.bad", record);
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		host();
		expect(!replace_file(record, bad[i]));
		pools("");
		expect_values("0000000f", "0-3", "1");
		expect_record("");
		expect(!access(aside, F_OK));
		unlink(aside);
	}
	free(aside);
}

static void nothing_left(void)
{
	host();
	put(WORKQUEUE, "0000000c\n");
	put(WATCHDOG, "\n");
	pools("2-3");
	expect_values("0000000c", "", "0");
	expect_record("workqueue 2-3 2-3\nwatchdog none none\nrcu_expedited 1 0\n");
	pools("");
	expect_values("0000000c", "", "1");
}

static void missing(void)
{
	host();
	drop(WATCHDOG);
	drop(EXPEDITED);
	pools("2-3");
	expect_record("workqueue 0-3 0-1\n");
	drop(WORKQUEUE);
	pools("2-3");
	expect_record("");
}

/* The kernel keeps workers off the isolated partition of another program. */
static void kernel_isolates(void)
{
	host();
	put(REQUESTED, "0000000f\n");
	put(KERNEL_ISOLATED, "00000002\n");
	put(WORKQUEUE, "0000000d\n");
	pools("3");
	expect_file(WORKQUEUE, "00000005");
	/* The kernel stores what is written as requested. */
	put(REQUESTED, "00000005\n");
	pools("");
	expect_file(WORKQUEUE, "0000000d");
	expect_record("");
}

int main(void)
{
	static const struct tap_case cases[] = {
		{ "one pool: settings change, and come back", one_pool },
		{ "two pools in each order", two_pools },
		{ "a value of the administrator stays", administrator },
		{ "one that is written last stays", administrator_last },
		{ "a crash at any point", crash },
		{ "a file that cannot be written", unwritable },
		{ "no record, no change", no_record },
		{ "a record that cannot be parsed is set aside", bad_record },
		{ "a set of which nothing would be left", nothing_left },
		{ "a kernel without these files", missing },
		{ "CPUs that the kernel isolates", kernel_isolates },
	};
	char *command;
	int status;

	dir = xstrdup("/tmp/vpool-settings.XXXXXX");
	if (!mkdtemp(dir))
		return 1;
	setenv("VPOOL_HOST_ROOT_DIR", dir, 1);
	record = xprintf("%s/record", dir);
	status = tap_main(cases, sizeof(cases) / sizeof(*cases));
	command = xprintf("rm -r %s", dir);
	if (system(command))
		status = 1;
	free(command);
	free(record);
	free(dir);
	return status;
}
