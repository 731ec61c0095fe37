// SPDX-License-Identifier: GPL-2.0-only
/*
 * vpoolctl import: propose pools for what a host has.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/code.h"
#include "base/command.h"
#include "base/exit.h"
#include "base/macros.h"
#include "cmd/cmd.h"
#include "import/findings.h"
#include "import/proposal.h"
#include "import/sources.h"
#include "output/messages.h"

enum {
	IMPORT_ROOT,
};

static const struct option_def import_options[] = {
	[IMPORT_ROOT] = {
		.name = "root", .letter = 'r', .arg = "DIR", .complete = COMPLETE_FILE,
		.help =
			"read DIR/etc, DIR/proc and DIR/sys, such as copies of another\n"
			"host's files, in place of those of this host",
	},
};

static int check_root(const struct invocation *inv, const char *root)
{
	struct stat st;
	int err = 0;

	if (!*root)
		return EXIT_OK;
	if (stat(root, &st))
		err = errno;
	else if (!S_ISDIR(st.st_mode))
		err = ENOTDIR;
	if (!err)
		return EXIT_OK;
	cmd_error(inv, NULL, errno_code(err), "--root: %s: %s", root, strerror(err));
	return EXIT_FAILED;
}

static int run_import(const struct invocation *inv)
{
	const char *root = inv->given[IMPORT_ROOT] ? inv->value[IMPORT_ROOT] : "";
	struct findings all = { .root = root };
	int i, status;

	if (inv->given[IMPORT_ROOT] && !*root)
		return usage_error(inv->cmd, "--root: the directory is empty");
	status = check_root(inv, root);
	if (status)
		return status;
	host_read_cpus(&all, "/sys/devices/system/cpu/online", &all.online);
	for (i = 0; i < inv->argc; i++)
		import_domain_file(&all, inv->argv[i]);
	if (!inv->argc)
		import_domains(&all);
	import_cgroups(&all);
	import_cmdline(&all);
	import_tuned(&all);
	import_hugepages(&all);
	proposal_write(&all, stdout);
	findings_free(&all);
	if (all.failed)
		add_hint(geteuid() ?
			 "Try as root, or correct the files: what they have is left out." :
			 "Try to correct the files: what they have is left out.");
	return all.failed ? EXIT_FAILED : EXIT_OK;
}

const struct command cmd_import = {
	.name = "import",
	.args = "[DOMAIN.xml...]",
	.summary = "propose pools for what this host has",
	.description =
		"Print a file that declares pools for what the host has now,\n"
		"with what was found, and the steps of moving over, as\n"
		"comments. The command changes nothing. It reads the domains of\n"
		"libvirt in /etc/libvirt/qemu, huge pages and the mounts of\n"
		"hugetlbfs, isolcpus= and nohz_full= of the kernel's command\n"
		"line, the profile of tuned, and the cpusets of cgroups. With\n"
		"files, as 'virsh dumpxml' prints them, it reads these domains\n"
		"in place of /etc/libvirt/qemu; - is standard input.\n\n"
		"A file that cannot be read is reported and left out, and the\n"
		"exit status is 1.\n\n"
		"    vpoolctl import >pools.conf\n"
		"    vpoolctl check pools.conf",
	.options = import_options,
	.nr_options = ARRAY_SIZE(import_options),
	.max_args = -1,
	.complete = COMPLETE_FILE,
	.complete_args = COMPLETE_FILE,
	.run = run_import,
};
