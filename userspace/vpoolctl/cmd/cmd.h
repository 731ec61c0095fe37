/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_CMD_CMD_H
#define VPOOLCTL_CMD_CMD_H

#include "base/command.h"

/* The verbs. Each is in the file of its name, but detach in attach.c and show in list.c. */
extern const struct command cmd_agent;
extern const struct command cmd_apply;
extern const struct command cmd_attach;
extern const struct command cmd_audit;
extern const struct command cmd_cdi;
extern const struct command cmd_check;
extern const struct command cmd_create;
extern const struct command cmd_destroy;
extern const struct command cmd_detach;
extern const struct command cmd_export;
extern const struct command cmd_help;
extern const struct command cmd_host;
extern const struct command cmd_import;
extern const struct command cmd_kill;
extern const struct command cmd_list;
extern const struct command cmd_map;
extern const struct command cmd_metrics;
extern const struct command cmd_monitor;
extern const struct command cmd_mount;
extern const struct command cmd_ps;
extern const struct command cmd_regions;
extern const struct command cmd_resize;
extern const struct command cmd_run;
extern const struct command cmd_show;
extern const struct command cmd_slice;
extern const struct command cmd_top;
extern const struct command cmd_umount;
extern const struct command cmd_upgrade;
extern const struct command cmd_users;
extern const struct command cmd_version;

#endif /* VPOOLCTL_CMD_CMD_H */
