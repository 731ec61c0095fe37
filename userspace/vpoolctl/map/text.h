/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_MAP_TEXT_H
#define VPOOLCTL_MAP_TEXT_H

#include <stdbool.h>
#include <stdio.h>

struct hostmap;

/* Print the map in block characters, with colours or letters. */
void map_print(const struct hostmap *map, bool colour, FILE *to);

#endif /* VPOOLCTL_MAP_TEXT_H */
