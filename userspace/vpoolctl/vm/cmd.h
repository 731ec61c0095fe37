/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_VM_CMD_H
#define VPOOLCTL_VM_CMD_H

#include "base/command.h"

/* The verbs of "vpoolctl vm". Each is in the file of its name; resume is in pause.c. */
extern const struct command cmd_vm_console;
extern const struct command cmd_vm_list;
extern const struct command cmd_vm_migrate;
extern const struct command cmd_vm_pause;
extern const struct command cmd_vm_receive;
extern const struct command cmd_vm_resize;
extern const struct command cmd_vm_resume;
extern const struct command cmd_vm_start;
extern const struct command cmd_vm_stop;

#endif /* VPOOLCTL_VM_CMD_H */
