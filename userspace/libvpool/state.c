// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Names of the states of a pool.
 */
#include "compiler.h"
#include "libvpool.h"

static const char * const state_names[] = {
	[VPOOL_STATE_CREATING] = "creating",
	[VPOOL_STATE_ACTIVE] = "active",
	[VPOOL_STATE_DESTROYING] = "destroying",
	[VPOOL_STATE_DEGRADED] = "degraded",
};

const char *vpool_state_name(unsigned int state)
{
	if (state >= ARRAY_SIZE(state_names))
		return "unknown";
	return state_names[state];
}
