/* SPDX-License-Identifier: GPL-2.0 */
/* The machine and its kernel: CPUs, NUMA nodes, the module, time. */
#ifndef VP_HOST_H
#define VP_HOST_H

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>

#include <linux/types.h>

#define VP_CONTROL "/dev/vpool/control"
#define VP_POOLS "/sys/kernel/vpool/pools"
#define VP_FAULT_AROUND "/sys/module/vpool/parameters/fault_around"

/*
 * Time limit of a wait. It allows for a host that was paused; only a failing test
 * reaches it.
 */
#define VP_WAIT_MS 60000

/* The harness's 30 seconds for each test are too few for the debug kernel. */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT 300

/* The module. */
int vp_load(void);
int vp_unload(void);
int vp_unload_wait(unsigned int seconds);

/* CPUs and NUMA nodes. */
void vp_parse_cpus(const char *list, cpu_set_t *set);
int vp_set_online(int cpu, bool online);
int vp_online_cpus(void);
bool vp_core_of(int cpu, cpu_set_t *core);
const char *vp_lacks_cpus(void);
bool vp_has_node(int node);

/* How much to do on this kernel. */
bool vp_is_debug(void);
int vp_scale(int iterations);
int vp_storm_children(void);
int vp_env_number(const char *name, int number);

/* Time. */
void vp_sleep_ms(unsigned int ms);
__u64 vp_now_ms(void);

#endif /* VP_HOST_H */
