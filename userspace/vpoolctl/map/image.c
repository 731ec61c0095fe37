// SPDX-License-Identifier: GPL-2.0-only
/*
 * The map as an image: lstopo draws the topology of hwloc, with a colour for each CPU of
 * a pool, and a box for the memory of a pool on each NUMA node.
 */
#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <libvpool.h>

#include "base/alloc.h"
#include "base/code.h"
#include "base/command.h"
#include "base/exit.h"
#include "base/macros.h"
#include "host/pools.h"
#include "map/image.h"
#include "map/map.h"
#include "output/messages.h"
#include "output/units.h"

extern char **environ;

/* Set the colour of an object for lstopo. */
static void paint(hwloc_obj_t obj, struct rgb colour)
{
	char *style = xprintf("Background=#%02x%02x%02x;Text=#000000",
			      colour.r, colour.g, colour.b);

	hwloc_obj_add_info(obj, "lstopoStyle", style);
	free(style);
}

static void paint_cpus(const struct hostmap *map)
{
	hwloc_obj_t obj = NULL;

	while ((obj = hwloc_get_next_obj_by_type(map->topology, HWLOC_OBJ_PU,
						 obj))) {
		int pool = pool_of_cpu(map, obj->os_index);

		if (pool >= 0)
			paint(obj, pool_colour(pool));
	}
}

static void add_memory(const struct hostmap *map, hwloc_obj_t node)
{
	char size[SIZE_TEXT], *name;
	hwloc_obj_t misc;
	__u64 bytes;
	size_t i;

	for (i = 0; i < map->nr; i++) {
		bytes = pool_on_node(map->pools[i], node->os_index);
		if (!bytes)
			continue;
		name = xprintf("%s: %s on node %u", map->pools[i]->name,
			       format_size(bytes, size), node->os_index);
		/* Insert the box beside the node, because lstopo draws no boxes inside a node. */
		misc = hwloc_topology_insert_misc_object(map->topology,
							 node->parent, name);
		if (misc)
			paint(misc, pool_colour(i));
		free(name);
	}
}

static void add_all_memory(const struct hostmap *map)
{
	hwloc_obj_t nodes[1024], obj = NULL;
	size_t i, nr = 0;

	/* Collect the nodes first, because inserting objects changes the list. */
	while (nr < ARRAY_SIZE(nodes) &&
	       (obj = hwloc_get_next_obj_by_type(map->topology,
						 HWLOC_OBJ_NUMANODE, obj)))
		nodes[nr++] = obj;
	for (i = 0; i < nr; i++)
		add_memory(map, nodes[i]);
}

static char *legend(const struct vpool_info *pool)
{
	char size[SIZE_TEXT], *text, *cpus = cpus_text(&pool->cpus);

	text = xprintf("pool %s: %s of memory, CPUs %s", pool->name,
		       format_size(pool->total_bytes, size),
		       *cpus ? cpus : "none");
	free(cpus);
	return text;
}

static int spawn(char **argv)
{
	int status, err;
	pid_t pid;

	err = posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ);
	if (err)
		return -err;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -EINTR;
}

/* Run lstopo of the package hwloc or hwloc-nox. */
static int run_lstopo(const struct hostmap *map, char *xml, char *path,
		      char *format)
{
	static const char *const programs[] = { "lstopo", "lstopo-no-graphics" };
	char **argv = xcalloc(16 + 2 * map->nr, sizeof(*argv));
	size_t i, legends, nr = 1;
	int err = -ENOENT;

	argv[nr++] = "--input";
	argv[nr++] = xml;
	argv[nr++] = "--input-format";
	argv[nr++] = "xml";
	argv[nr++] = "--output-format";
	/* "nativesvg" has searchable text, and needs no graphics libraries. */
	argv[nr++] = !strcmp(format, "svg") ? "nativesvg" : format;
	argv[nr++] = "--no-factorize";
	argv[nr++] = "--no-default-legend";
	argv[nr++] = "--force";
	legends = nr;
	for (i = 0; i < map->nr; i++) {
		argv[nr++] = "--append-legend";
		argv[nr++] = legend(map->pools[i]);
	}
	argv[nr++] = path;
	for (i = 0; err == -ENOENT && i < ARRAY_SIZE(programs); i++) {
		argv[0] = (char *)programs[i];
		err = spawn(argv);
	}
	for (i = 0; i < map->nr; i++)
		free(argv[legends + 2 * i + 1]);
	free(argv);
	return err;
}

int map_draw(const struct hostmap *map, const struct invocation *inv,
	     const char *path, const char *format)
{
	char xml[] = "/tmp/vpoolctl-map.XXXXXX";
	int fd = mkstemp(xml), err;
	char *to;

	if (fd < 0) {
		cmd_error(inv, NULL, errno_code(errno),
			  "/tmp: %s", strerror(errno));
		return EXIT_FAILED;
	}
	close(fd);
	paint_cpus(map);
	add_all_memory(map);
	/* lstopo must not take a path with a leading dash for an option. */
	to = xprintf("%s%s", *path == '-' ? "./" : "", path);
	err = hwloc_topology_export_xml(map->topology, xml, 0) ? -errno :
	      run_lstopo(map, xml, to, (char *)format);
	free(to);
	unlink(xml);
	if (!err)
		return EXIT_OK;
	if (err == -ENOENT)
		cmd_error(inv, NULL, TOOL_LSTOPO,
			  "lstopo is not installed: it is in the package hwloc");
	else if (err < 0)
		cmd_error(inv, NULL, TOOL_LSTOPO, "lstopo: %s", strerror(-err));
	else
		cmd_error(inv, NULL, TOOL_LSTOPO,
			  "lstopo could not draw %s", path);
	return EXIT_FAILED;
}
