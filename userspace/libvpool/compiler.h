/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef LIBVPOOL_COMPILER_H
#define LIBVPOOL_COMPILER_H

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define __printf(fmt, args) \
	__attribute__((__format__(__printf__, fmt, \
				  args)))

#endif /* LIBVPOOL_COMPILER_H */
