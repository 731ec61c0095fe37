/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_VM_CMD_H
#define VPOOLCTL_VM_CMD_H

#include "base/command.h"

/*
 * The verbs of "vpoolctl vm". Each is in the file of its name, but resume and reset in
 * pause.c, show in edit.c, undefine and autostart in define.c, log in showlog.c,
 * and discard in templates.c.
 */
extern const struct command cmd_vm_autostart;
extern const struct command cmd_vm_console;
extern const struct command cmd_vm_define;
extern const struct command cmd_vm_discard;
extern const struct command cmd_vm_edit;
extern const struct command cmd_vm_list;
extern const struct command cmd_vm_log;
extern const struct command cmd_vm_migrate;
extern const struct command cmd_vm_pause;
extern const struct command cmd_vm_receive;
extern const struct command cmd_vm_reset;
extern const struct command cmd_vm_resize;
extern const struct command cmd_vm_resume;
extern const struct command cmd_vm_save;
extern const struct command cmd_vm_show;
extern const struct command cmd_vm_start;
extern const struct command cmd_vm_stop;
extern const struct command cmd_vm_templates;
extern const struct command cmd_vm_undefine;

#endif /* VPOOLCTL_VM_CMD_H */
