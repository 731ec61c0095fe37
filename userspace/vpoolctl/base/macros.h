/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_BASE_MACROS_H
#define VPOOLCTL_BASE_MACROS_H

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define __printf(fmt, args) \
	__attribute__((__format__(__printf__, fmt, \
				  args)))

#endif /* VPOOLCTL_BASE_MACROS_H */
