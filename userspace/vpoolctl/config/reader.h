/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_CONFIG_READER_H
#define VPOOLCTL_CONFIG_READER_H

struct config;

/* Add the pools and mistakes of a file to @cfg; "-" is standard input. */
void config_read_file(struct config *cfg, const char *path);
/*
 * Read @nr files. If @nr is 0, read those of the host: /etc/vpool.conf and
 * /etc/vpool.d/.
 */
void config_read(struct config *cfg, char **paths, int nr);

#endif /* VPOOLCTL_CONFIG_READER_H */
