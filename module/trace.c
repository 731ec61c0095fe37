// SPDX-License-Identifier: GPL-2.0
#include <linux/sched.h>
#include <linux/string.h>

#define CREATE_TRACE_POINTS
#include "trace.h"
