/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tracepoint probes that are registered only while they are needed.
 */
#ifndef VPOOL_PROBES_H
#define VPOOL_PROBES_H

#include <linux/types.h>

struct tracepoint;

/**
 * struct vpool_probe - one probe
 * @name: name of the tracepoint
 * @func: the probe, of the tracepoint's type
 * @skip: this kernel does not need the probe
 * @optional: continue without the probe if the tracepoint is missing
 * @tp: the tracepoint; set by vpool_probes_start()
 */
struct vpool_probe {
	const char *name;
	void *func;
	bool skip;
	bool optional;
	struct tracepoint *tp;
};

int vpool_probes_start(struct vpool_probe *probes, unsigned int nr);
void vpool_probes_stop(void);
int vpool_probe_get(void);
void vpool_probe_hold(void);
void vpool_probe_put(void);

#endif /* VPOOL_PROBES_H */
