// SPDX-License-Identifier: GPL-2.0-only
/*
 * The plugin for Slurm: its settings, and the cgroups of a step.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libvpool.h>

#include "base/macros.h"
#include "refusal.h"
#include "settings.h"
#include "step_cgroup.h"
#include "step_pool.h"
#include "tap.h"

static void good_settings(void)
{
	struct settings settings = SETTINGS_INIT;
	char why[REFUSAL_SIZE];

	expect(settings.timeout_ms == 10000);
	expect(!settings_set(&settings, "mem", "4G", why, sizeof(why)));
	expect(settings.mem == 4ULL << 30);
	expect(!settings_set(&settings, "mem", "1.5GiB", why, sizeof(why)));
	expect(settings.mem == 3ULL << 29);
	expect(!settings_set(&settings, "page_size", "2M", why, sizeof(why)));
	expect(settings.page_size == 2 << 20);
	expect(!settings_parse(&settings, "timeout=0.5", why, sizeof(why)));
	expect(settings.timeout_ms == 500);
	expect(!settings_parse(&settings, "mem=0", why, sizeof(why)));
	expect(!settings.mem);
}

static void bad_settings(void)
{
	static const struct {
		const char *argument, *message;
	} cases[] = {
		{ "mem", "'mem' is not mem=SIZE, page_size=SIZE or timeout=SECONDS" },
		{ "mem=4096", "'4096': a size needs a unit, as in 512M or 4G" },
		{ "mem=1.5", "'1.5': a size needs a unit, as in 512M or 4G" },
		{ "mem=", "'' is not a size such as 512M or 4G" },
		{ "mem=-1G", "'-1G' is not a size such as 512M or 4G" },
		{ "mem=99999999999999999999G", "'99999999999999999999G' is too large" },
		{ "page_size=3M", "'3M' is not a power of two" },
		{ "timeout=soon", "'soon' is not a time in seconds" },
		{ "size=1G", "'size' is not mem, page_size or timeout" },
		{ "the_page_size=1",
		  "'the_page_size' is not mem, page_size or timeout" },
	};
	struct settings settings = SETTINGS_INIT;
	char why[REFUSAL_SIZE];
	size_t i;

	settings.mem = 1;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		expect(settings_parse(&settings, cases[i].argument, why, sizeof(why)));
		expect_text(why, cases[i].message);
	}
	expect(settings.mem == 1 && !settings.page_size && settings.timeout_ms == 10000);
}

static void first_reason_stays(void)
{
	struct refusal refusal = {};

	expect(refuse(&refusal, "cpu %d", 3) == -1);
	expect(refuse(&refusal, "other") == -1);
	expect(refusal.refused);
	expect_text(refusal.text, "cpu 3");
}

static void cgroup_of_step(void)
{
	struct refusal refusal = {};
	struct step_cgroup cgroup;

	expect(!step_cgroup_split("/sys/fs/cgroup",
				  "/system.slice/slurmstepd.scope/job_7/step_0/user/task_1",
				  &cgroup, &refusal));
	expect_text(cgroup.job, "/sys/fs/cgroup/system.slice/slurmstepd.scope/job_7");
	expect_text(cgroup.step,
		    "/sys/fs/cgroup/system.slice/slurmstepd.scope/job_7/step_0/user");
	expect(!refusal.refused);
}

static void cgroup_of_no_step(void)
{
	static const char * const paths[] = {
		"/", "", "/user.slice", "/a/job_7/step_0/user", "/job_7/step_0/slurm/task_0",
		"/job_7/user/task_0", "/step_0/user/task_0", "/my_job_7/step_0/user/task_0",
	};
	struct step_cgroup cgroup;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(paths); i++) {
		struct refusal refusal = {};

		expect(step_cgroup_split("/sys/fs/cgroup", paths[i], &cgroup, &refusal));
		expect(!strncmp(refusal.text, "Slurm does not run the step in a cgroup", 39));
	}
}

static void write_value(const char *dir, const char *file, const char *value)
{
	char path[PATH_MAX];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	f = fopen(path, "w");
	if (expect(f)) {
		fputs(value, f);
		fclose(f);
	}
}

static void files_of_cgroup(void)
{
	char dir[] = "/tmp/test_slurm.XXXXXX", command[64];
	struct refusal refusal = {};
	struct vpool_cpus cpus = {};
	struct step_cgroup cgroup;

	expect(mkdtemp(dir));
	snprintf(cgroup.step, sizeof(cgroup.step), "%s", dir);
	snprintf(cgroup.job, sizeof(cgroup.job), "%s", dir);

	expect(memory_limit(dir) == MEMORY_UNLIMITED);
	write_value(dir, "memory.max", "max\n");
	expect(memory_limit(dir) == MEMORY_UNLIMITED);
	expect(!set_memory_limit(dir, 5ULL << 30));
	expect(memory_limit(dir) == 5ULL << 30);

	/* Slurm gives a step that it constrains a list of its own. */
	write_value(dir, "cpuset.cpus.effective", "0-3\n");
	write_value(dir, "cpuset.cpus", "\n");
	expect(step_cgroup_cpus(&cgroup, &cpus, &refusal) == -1);
	expect(!strncmp(refusal.text, "Slurm does not constrain the CPUs", 33));
	write_value(dir, "cpuset.cpus", "1-5\n");
	expect(!step_cgroup_cpus(&cgroup, &cpus, &refusal));
	expect(vpool_cpus_count(&cpus) == 4 && vpool_cpus_test(&cpus, 3));
	vpool_cpus_free(&cpus);

	snprintf(command, sizeof(command), "rm -r %s", dir);
	expect(!system(command));
	expect(job_lock(&cgroup) == -1);
}

static void name_of_pool(void)
{
	struct step step = { .job_id = 4294967295U, .step_id = 4294967295U };

	step_set_name(&step);
	expect_text(step.name, "slurm-4294967295.4294967295");
	expect(vpool_name_is_valid(step.name));
}

int main(void)
{
	static const struct tap_case cases[] = {
		{ "settings are read", good_settings },
		{ "bad settings are refused, and change nothing", bad_settings },
		{ "the first reason of a refusal stays", first_reason_stays },
		{ "the cgroups of a step are found", cgroup_of_step },
		{ "a task outside a step is refused", cgroup_of_no_step },
		{ "limits and CPUs of a cgroup are read", files_of_cgroup },
		{ "the longest name of a pool is valid", name_of_pool },
	};

	return tap_main(cases, ARRAY_SIZE(cases));
}
