/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_VM_LOG_H
#define VPOOLCTL_VM_LOG_H

/**
 * struct vm_log - the log of a machine, for writing
 * @name: name of the machine; owned
 * @path: path of the file; owned
 * @journal: socket of the journal, or -1
 * @err: errno of the last write to the file, or 0
 */
struct vm_log {
	char *name;
	char *path;
	int journal;
	int err;
};

/* Return the path of the log of a machine, for free(3). */
char *vm_log_path(const char *name);

/* Create the directory of the logs. vm_log_line() reports a failure to do so. */
void vm_log_init(struct vm_log *log, const char *name);
void vm_log_free(struct vm_log *log);

/*
 * Write a line to the file, with the time, and to the journal. The file stays below a
 * limit: the older half moves to PATH.1. A line that the file cannot take is in the journal
 * only. Return 0, or the negative errno of the file.
 */
int vm_log_line(struct vm_log *log, const char *text);

#endif /* VPOOLCTL_VM_LOG_H */
