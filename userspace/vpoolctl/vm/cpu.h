/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_VM_CPU_H
#define VPOOLCTL_VM_CPU_H

/* Return the vendor and the features of the host's CPU, as words, for free(3). */
char *read_cpu_flags(void);

/* Return the first word of @wanted that @have lacks, for free(3), or NULL. */
char *missing_cpu_flag(const char *wanted, const char *have);

#endif /* VPOOLCTL_VM_CPU_H */
