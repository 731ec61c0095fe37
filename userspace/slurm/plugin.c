// SPDX-License-Identifier: GPL-2.0-only
/*
 * A SPANK plugin for Slurm: a pool for each step of a job.
 *
 * slurmstepd loads the plugin on every node of a step, and so do srun, sbatch and salloc,
 * which only check the options. In slurmstepd, the hooks run in this order:
 *
 *   slurm_spank_init_post_opt   slurmstepd, before it forks: set the environment
 *   slurm_spank_task_post_fork  slurmstepd, as root, for each task, after Slurm has put
 *                               it into its cgroup and has set its affinity, and while it
 *                               waits before exec(2): create the pool, attach the task
 *   slurm_spank_task_init       the task, as the user, after that: report a refusal
 *   slurm_spank_exit            slurmstepd, after the last task: destroy the pool
 *
 * If slurm_spank_task_post_fork failed, slurmstepd would kill the tasks, but srun would
 * exit with status 0. So it keeps the reason in shared memory, and the tasks fail.
 *
 * The batch script, the interactive shell of salloc and the extern step have no pool.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <slurm/slurm.h>
#include <slurm/spank.h>

#include "base/macros.h"
#include "refusal.h"
#include "settings.h"
#include "step_pool.h"

SPANK_PLUGIN(vpool, 1)

/*
 * srun takes an option from this variable if the command line does not have it. sbatch and
 * salloc set it, so that the steps of their job have the option.
 */
#define OPTION_VARIABLE "SLURM_SPANK__SLURM_SPANK_OPTION_vpool_"

enum option {
	OPTION_MEM,
	OPTION_PAGE_SIZE,
};

static struct settings settings = SETTINGS_INIT;
static struct step step;
/* NULL in a step without a pool. */
static struct refusal *refusal;

static int set_option(int val, const char *optarg, int remote)
{
	static const struct {
		const char *option, *name, *variable;
	} known[] = {
		[OPTION_MEM] = { "--vpool-mem", "mem", OPTION_VARIABLE "vpool_mem" },
		[OPTION_PAGE_SIZE] = { "--vpool-page-size", "page_size",
				       OPTION_VARIABLE "vpool_page_size" },
	};
	char message[REFUSAL_SIZE];

	if (settings_set(&settings, known[val].name, optarg, message, sizeof(message))) {
		slurm_error("%s: %s", known[val].option, message);
		return -1;
	}
	if (!remote && spank_context() == S_CTX_ALLOCATOR)
		setenv(known[val].variable, optarg, 1);
	return 0;
}

static struct spank_option options[] = {
	{
		.name = "vpool-mem",
		.arginfo = "SIZE",
		.usage = "run each step in a pool with SIZE of its memory on each node; 0: no pool",
		.has_arg = 1,
		.val = OPTION_MEM,
		.cb = set_option,
	}, {
		.name = "vpool-page-size",
		.arginfo = "SIZE",
		.usage = "page size of the pool, such as 2M",
		.has_arg = 1,
		.val = OPTION_PAGE_SIZE,
		.cb = set_option,
	},
};

int slurm_spank_init(spank_t spank, int argc, char *argv[])
{
	char message[REFUSAL_SIZE];
	size_t i;
	int arg;

	switch (spank_context()) {
	case S_CTX_LOCAL:
	case S_CTX_REMOTE:
	case S_CTX_ALLOCATOR:
		break;
	default:
		return ESPANK_SUCCESS;
	}
	for (arg = 0; arg < argc; arg++) {
		if (settings_parse(&settings, argv[arg], message, sizeof(message))) {
			slurm_error("plugstack.conf: spank_vpool.so: %s", message);
			return ESPANK_BAD_ARG;
		}
	}
	for (i = 0; i < ARRAY_SIZE(options); i++)
		if (spank_option_register(spank, &options[i]) != ESPANK_SUCCESS)
			return ESPANK_ERROR;
	return ESPANK_SUCCESS;
}

/* Read the numbers, the user and the memory of the step. */
static int read_step(spank_t spank)
{
	__u64 job_mib, step_mib;

	if (spank_get_item(spank, S_JOB_ID, &step.job_id) ||
	    spank_get_item(spank, S_JOB_STEPID, &step.step_id) ||
	    spank_get_item(spank, S_JOB_UID, &step.uid) ||
	    spank_get_item(spank, S_JOB_GID, &step.gid) ||
	    spank_get_item(spank, S_JOB_ALLOC_MEM, &job_mib) ||
	    spank_get_item(spank, S_STEP_ALLOC_MEM, &step_mib)) {
		slurm_error("vpool: Slurm does not describe the step");
		return -1;
	}
	step.job_bytes = job_mib << 20;
	step.step_bytes = step_mib << 20;
	step.settings = settings;
	step_set_name(&step);
	return 0;
}

int slurm_spank_init_post_opt(spank_t spank, int argc, char *argv[])
{
	char device[sizeof("/dev/vpool/") + VPOOL_NAME_SIZE];

	(void)argc;
	(void)argv;
	if (!spank_remote(spank))
		return ESPANK_SUCCESS;
	if (read_step(spank))
		return ESPANK_ERROR;
	if (step.step_id >= SLURM_MAX_NORMAL_STEP_ID)
		return ESPANK_SUCCESS;
	if (!settings.mem) {
		spank_unsetenv(spank, "VPOOL_POOL");
		spank_unsetenv(spank, "VPOOL_DEVICE");
		return ESPANK_SUCCESS;
	}
	refusal = mmap(NULL, sizeof(*refusal), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (refusal == MAP_FAILED) {
		refusal = NULL;
		slurm_error("vpool: slurmstepd is out of memory");
		return ESPANK_ERROR;
	}
	snprintf(device, sizeof(device), "/dev/vpool/%s", step.name);
	spank_setenv(spank, "VPOOL_POOL", step.name, 1);
	spank_setenv(spank, "VPOOL_DEVICE", device, 1);
	return ESPANK_SUCCESS;
}

int slurm_spank_task_post_fork(spank_t spank, int argc, char *argv[])
{
	static bool logged;
	pid_t pid;

	(void)argc;
	(void)argv;
	/* The extern step has no task. */
	if (spank_get_item(spank, S_TASK_PID, &pid))
		return ESPANK_SUCCESS;
	if (!refusal) {
		if (step.job_bytes)
			step_respect_pools(&step, pid);
		return ESPANK_SUCCESS;
	}
	if (!step.control && !refusal->refused)
		step_create_pool(&step, pid, refusal);
	if (!refusal->refused)
		step_attach(&step, pid, refusal);
	if (refusal->refused && !logged) {
		slurm_info("vpool: %s: %s", step.name, refusal->text);
		logged = true;
	}
	return ESPANK_SUCCESS;
}

int slurm_spank_task_init(spank_t spank, int argc, char *argv[])
{
	char node[256] = "";
	int task = 0;

	(void)argc;
	(void)argv;
	if (!refusal || !refusal->refused)
		return ESPANK_SUCCESS;
	/* One task reports for its node. */
	spank_get_item(spank, S_TASK_ID, &task);
	spank_getenv(spank, "SLURMD_NODENAME", node, sizeof(node));
	if (!task)
		dprintf(STDERR_FILENO, "vpool: %s: %s\n", node, refusal->text);
	/* Also where plugstack.conf calls the plugin optional, the task must not run. */
	_exit(EXIT_FAILURE);
}

int slurm_spank_exit(spank_t spank, int argc, char *argv[])
{
	(void)spank;
	(void)argc;
	(void)argv;
	step_release_pool(&step);
	return ESPANK_SUCCESS;
}
