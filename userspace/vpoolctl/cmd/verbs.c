// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of verbs. Help, manual and completion are made from it.
 */
#include <stddef.h>

#include "base/command.h"
#include "base/macros.h"
#include "cmd/cmd.h"
#include "cmd/verbs.h"
#include "vm/cmd.h"

const struct command * const verbs[] = {
	&cmd_host,
	&cmd_create,
	&cmd_list,
	&cmd_show,
	&cmd_resize,
	&cmd_run,
	&cmd_attach,
	&cmd_detach,
	&cmd_slice,
	&cmd_mount,
	&cmd_umount,
	&cmd_cdi,
	&cmd_regions,
	&cmd_users,
	&cmd_ps,
	&cmd_kill,
	&cmd_audit,
	&cmd_destroy,
	&cmd_top,
	&cmd_map,
	&cmd_metrics,
	&cmd_monitor,
	&cmd_agent,
	&cmd_apply,
	&cmd_export,
	&cmd_check,
	&cmd_import,
	&cmd_upgrade,
	&cmd_vm_start,
	&cmd_vm_list,
	&cmd_vm_stop,
	&cmd_vm_resize,
	&cmd_vm_migrate,
	&cmd_vm_receive,
	&cmd_vm_console,
	&cmd_vm_pause,
	&cmd_vm_resume,
	&cmd_vm_reset,
	&cmd_vm_log,
	&cmd_vm_save,
	&cmd_vm_templates,
	&cmd_vm_discard,
	&cmd_vm_define,
	&cmd_vm_show,
	&cmd_vm_edit,
	&cmd_vm_undefine,
	&cmd_vm_autostart,
	&cmd_help,
	&cmd_version,
};

const size_t nr_verbs = ARRAY_SIZE(verbs);
