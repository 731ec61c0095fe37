// SPDX-License-Identifier: GPL-2.0-only
/*
 * A process and its descendants.
 */
#include <ctype.h>
#include <dirent.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/files.h"
#include "host/proc.h"
#include "host/tree.h"

/**
 * struct process - a process of the host
 * @pid: its id
 * @parent: id of its parent, or 0
 * @found: it is in the tree
 */
struct process {
	int pid;
	int parent;
	bool found;
};

static struct process *list_processes(size_t *nr)
{
	struct process *list = NULL;
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	size_t room = 0;

	*nr = 0;
	while (dir && (entry = readdir(dir))) {
		int pid = atoi(entry->d_name);

		if (!isdigit((unsigned char)*entry->d_name))
			continue;
		if (*nr == room) {
			room = room ? 2 * room : 256;
			list = xrealloc(list, room * sizeof(*list));
		}
		list[(*nr)++] = (struct process) { pid, status_number(pid, "PPid"), false };
	}
	if (dir)
		closedir(dir);
	return list;
}

int *tree_find(int pid, size_t *nr)
{
	size_t i, at, nr_list;
	struct process *list;
	int *tree;

	list = list_processes(&nr_list);
	tree = xcalloc(nr_list + 1, sizeof(*tree));
	tree[0] = pid;
	*nr = 1;
	for (at = 0; at < *nr; at++) {
		for (i = 0; i < nr_list; i++) {
			if (list[i].parent != tree[at] || list[i].found)
				continue;
			list[i].found = true;
			tree[(*nr)++] = list[i].pid;
		}
	}
	free(list);
	return tree;
}
