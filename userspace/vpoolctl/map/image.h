/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_MAP_IMAGE_H
#define VPOOLCTL_MAP_IMAGE_H

struct hostmap;
struct invocation;

/*
 * Draw the map as an image with lstopo of hwloc. The format is "svg" or "png". Return 0,
 * or EXIT_FAILED with a message.
 */
int map_draw(const struct hostmap *map, const struct invocation *inv,
	     const char *path, const char *format);

#endif /* VPOOLCTL_MAP_IMAGE_H */
