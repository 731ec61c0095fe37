/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_FLEET_SSH_H
#define VPOOLCTL_FLEET_SSH_H

#include <stddef.h>

struct hosts;

/* Exit status of ssh(1) if it fails itself. */
#define SSH_FAILED 255

/**
 * struct answer - what a command did on a host
 * @out: its standard output; owned
 * @err: its standard error, and that of ssh; owned
 * @status: its exit status, or SSH_FAILED
 */
struct answer {
	char *out;
	char *err;
	int status;
};

/* Quote a word for the shell of another host, for free(3). */
char *shell_quote(const char *word);

/*
 * Run a command on each host, on several at the same time, without a terminal, a password
 * or input. Return an answer for each host, for answers_free().
 */
struct answer *ssh_ask(const struct hosts *hosts, const char *command);
void answers_free(struct answer *answers, size_t nr);

#endif /* VPOOLCTL_FLEET_SSH_H */
