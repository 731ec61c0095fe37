/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VPOOL_HEAP_MACROS_H
#define VPOOL_HEAP_MACROS_H

#define __printf(fmt, args) \
	__attribute__((__format__(__printf__, fmt, \
				  args)))

#endif /* VPOOL_HEAP_MACROS_H */
