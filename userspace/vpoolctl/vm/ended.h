/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_VM_ENDED_H
#define VPOOLCTL_VM_ENDED_H

#include <stdbool.h>
#include <stddef.h>

#define ENDED_REASON 256

/**
 * struct ended - how the last machine with a name ended
 * @at: time in seconds since 1970
 * @unexpected: true if neither the guest nor an administrator ended it
 * @reason: why it ended, such as "the guest shut down"
 */
struct ended {
	long long at;
	bool unexpected;
	char reason[ENDED_REASON];
};

/* Note how a machine ended, until the next start or the next boot of the host. */
void ended_write(const char *name, const struct ended *ended);
/* Return false if no machine with this name has ended. */
bool ended_read(const char *name, struct ended *ended);
void ended_remove(const char *name);
/* Return the names of ended machines, sorted; each and the array for free(3). */
char **ended_names(size_t *nr);

#endif /* VPOOLCTL_VM_ENDED_H */
