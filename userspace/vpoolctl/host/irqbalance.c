// SPDX-License-Identifier: GPL-2.0-only
/*
 * Keep irqbalance off the CPUs of isolated pools.
 *
 * By default, irqbalance spares the CPUs in /sys/devices/system/cpu/isolated, which it
 * reads when it starts and when interrupts are added or removed. The kernel lists the
 * CPUs of the boot parameter isolcpus= there, but not the CPUs of cpuset partitions. So
 * vpoolctl mounts a file with both over it. Every irqbalance sees that file, also one
 * that starts later.
 *
 * A running irqbalance does not read the file again at once, or has a list from its
 * environment. So vpoolctl also sends the list to its socket. The former list is stored
 * in VPOOL_RUN, and sent again after the last isolated pool is destroyed. One that started
 * beside an isolated pool has read the file: the CPUs of pools are not in its former list.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <libvpool.h>

#include "base/alloc.h"
#include "base/files.h"
#include "host/cpumask.h"
#include "host/irqbalance.h"
#include "host/isolate.h"
#include "host/kernel_file.h"
#include "host/pools.h"

#define CPU_DIR "/sys/devices/system/cpu"
#define ISOLATED CPU_DIR "/isolated"
#define ISOLATED_COPY VPOOL_RUN "/cpu-isolated"
#define SHOWN VPOOL_RUN "/cpu-isolated.pools"
#define SOCKETS "/run/irqbalance"
#define STATE VPOOL_RUN "/irqbalance"
/* Begin of the names of the variables that have a list of CPUs for irqbalance. */
#define BANNED "IRQBALANCE_BANNED_CPU"
/* Stands for an empty list in the state file. */
#define NO_CPUS "-"

static bool is_mounted_over(void)
{
	struct stat dir, file;

	return !stat(CPU_DIR, &dir) && !stat(ISOLATED, &file) &&
	       dir.st_dev != file.st_dev;
}

static bool parse(const char *text, struct vpool_cpus *cpus)
{
	char *copy = xstrdup(text);
	int err = 0;

	*cpus = (struct vpool_cpus) { 0 };
	copy[strcspn(copy, "\n")] = '\0';
	if (*copy && strcmp(copy, NO_CPUS))
		err = vpool_cpus_parse(copy, cpus, NULL, 0);
	free(copy);
	return !err;
}

/* Return the union of two sets as a CPU list, for free(3). */
static char *union_text(const struct vpool_cpus *a, const struct vpool_cpus *b)
{
	struct vpool_cpus both = { 0 };
	char *text;

	cpus_add_all(&both, a);
	cpus_add_all(&both, b);
	text = cpus_text(&both);
	vpool_cpus_free(&both);
	return text;
}

/* Read the kernel's own list, below the mounted file. */
static bool read_isolated(struct vpool_cpus *cpus)
{
	char *text;
	bool good;

	if (is_mounted_over() && umount2(ISOLATED, MNT_DETACH))
		return false;
	text = read_text(ISOLATED);
	good = text && parse(text, cpus);
	free(text);
	return good;
}

/* Mount a file with @cpus, and with the CPUs that the kernel lists, over the list. */
static void mount_isolated(const struct vpool_cpus *cpus)
{
	struct vpool_cpus own = { 0 };
	char *list, *said, *line;

	if (!read_isolated(&own))
		return;
	list = union_text(&own, cpus);
	said = cpus_text(&own);
	line = xprintf("%s\n", list);
	if (strcmp(list, said) && !replace_file(ISOLATED_COPY, line))
		mount(ISOLATED_COPY, ISOLATED, NULL, MS_BIND, NULL);
	else
		unlink(ISOLATED_COPY);
	free(line);
	free(said);
	free(list);
	vpool_cpus_free(&own);
}

/* Mount a new file only if the list has changed. @last is what the file has of pools. */
static void show_isolated(const struct vpool_cpus *cpus, const struct vpool_cpus *last)
{
	char *before = cpus_text(last), *list = cpus_text(cpus);

	if (strcmp(list, before)) {
		mount_isolated(cpus);
		if (*list)
			replace_file(SHOWN, list);
		else
			unlink(SHOWN);
	}
	free(list);
	free(before);
}

/* Read the CPUs of pools that the mounted file has. */
static void read_shown(struct vpool_cpus *cpus)
{
	char *text = read_text(SHOWN);

	if (!text || !parse(text, cpus))
		*cpus = (struct vpool_cpus) { 0 };
	free(text);
}

/* Connect to a running irqbalance. Return a descriptor, or -1. */
static int dial(const char *file)
{
	const struct timeval timeout = { .tv_sec = 1 };
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(at.sun_path, sizeof(at.sun_path), SOCKETS "/%s", file);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	if (fd >= 0 && !connect(fd, (struct sockaddr *)&at, sizeof(at)))
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

/* Send one command on a new connection. The kernel adds the credentials. */
static bool say(const char *file, const char *words, char *answer, size_t room)
{
	size_t len = strlen(words), got = 0;
	int fd = dial(file);
	ssize_t more = 0;
	bool said;

	if (fd < 0)
		return false;
	said = send(fd, words, len, MSG_NOSIGNAL) == (ssize_t)len;
	while (said && got + 1 < room &&
	       (more = recv(fd, answer + got, room - got - 1, 0)) > 0)
		got += more;
	if (room)
		answer[got] = '\0';
	close(fd);
	return said && more >= 0;
}

/* Return the process of a socket, whose name is irqbalancePID.sock. */
static int pid_of(const char *file)
{
	return atoi(file + strlen("irqbalance"));
}

/* Read which CPUs irqbalance spares from "SLEEP 10 IRQ ... BANNED 00000000,0000000c". */
static bool ask_spared(const char *file, struct vpool_cpus *cpus)
{
	char answer[8192], *at;

	if (!say(file, "setup", answer, sizeof(answer)))
		return false;
	at = strstr(answer, "BANNED ");
	return at && !mask_parse(at + strlen("BANNED "), cpus);
}

static void tell_spare(const char *file, const char *list)
{
	char *words = xprintf("settings cpus %s", list);

	say(file, words, NULL, 0);
	free(words);
}

/* Return LIST of the line "FILE LIST" of the state for a socket, for free(3), or NULL. */
static char *find_told(const char *state, const char *file)
{
	size_t len = strlen(file);

	while (state && *state) {
		if (!strncmp(state, file, len) && state[len] == ' ')
			return xprintf("%.*s", (int)strcspn(state + len + 1, "\n"),
				       state + len + 1);
		state = strchr(state, '\n');
		state += state ? 1 : 0;
	}
	return NULL;
}

/* Tell whether an irqbalance has a list from its environment, and read no file. */
static bool has_own_list(const char *file)
{
	char *path = xprintf("/proc/%d/environ", pid_of(file)), *variable = NULL;
	FILE *from = fopen(path, "re");
	size_t room = 0;
	bool has = false;

	while (from && !has && getdelim(&variable, &room, '\0', from) > 0)
		has = !strncmp(variable, BANNED, strlen(BANNED));
	if (from)
		fclose(from);
	free(variable);
	free(path);
	return has;
}

/*
 * Read which CPUs an irqbalance spares beside those of pools: what it spared before vpoolctl
 * told it anything. @last are the CPUs of pools that it may have read when it started.
 */
static bool find_former(const char *file, const char *was, const struct vpool_cpus *now,
			const struct vpool_cpus *last, struct vpool_cpus *former)
{
	if (was)
		return parse(was, former);
	if (vpool_cpus_copy(former, now))
		return false;
	if (!has_own_list(file))
		vpool_cpus_subtract(former, last);
	return true;
}

/* Send the former list to one irqbalance. If that is empty, it goes back to its default list. */
static void tell_former(const char *file, const char *was, const struct vpool_cpus *last)
{
	/* It started beside an isolated pool, and has read the file. */
	if (!was && vpool_cpus_count(last) && !has_own_list(file))
		was = NO_CPUS;
	if (was)
		tell_spare(file, strcmp(was, NO_CPUS) ? was : "NULL");
}

/*
 * Send the list to one irqbalance, and return its line of the new state, or NULL. If
 * @cpus is empty, send the former list.
 */
static char *tell_one(const char *file, const struct vpool_cpus *cpus,
		      const struct vpool_cpus *last, const char *state)
{
	struct vpool_cpus spared = { 0 }, now = { 0 };
	char *was = find_told(state, file), *list, *is, *line = NULL;
	bool good;

	if (!vpool_cpus_count(cpus)) {
		tell_former(file, was, last);
		free(was);
		return NULL;
	}
	good = ask_spared(file, &now) && find_former(file, was, &now, last, &spared);
	if (good) {
		list = union_text(&spared, cpus);
		is = cpus_text(&now);
		if (strcmp(list, is))
			tell_spare(file, list);
		free(list);
		free(is);
		is = cpus_text(&spared);
		line = xprintf("%s %s\n", file, *is ? is : NO_CPUS);
		free(is);
	}
	vpool_cpus_free(&spared);
	vpool_cpus_free(&now);
	free(was);
	return line;
}

static void tell_running(const struct vpool_cpus *cpus, const struct vpool_cpus *last)
{
	char *state = read_text(STATE), *fresh = xstrdup(""), *line, *more;
	DIR *dir = opendir(SOCKETS);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		if (strncmp(entry->d_name, "irqbalance", strlen("irqbalance")))
			continue;
		line = tell_one(entry->d_name, cpus, last, state);
		if (!line)
			continue;
		more = xprintf("%s%s", fresh, line);
		free(fresh);
		free(line);
		fresh = more;
	}
	if (dir)
		closedir(dir);
	if (!*fresh)
		unlink(STATE);
	else if (!state || strcmp(state, fresh))
		replace_file(STATE, fresh);
	free(fresh);
	free(state);
}

void irqbalance_keep_off(const struct vpool_cpus *cpus)
{
	struct vpool_cpus last;

	read_shown(&last);
	show_isolated(cpus, &last);
	tell_running(cpus, &last);
	vpool_cpus_free(&last);
}

bool irqbalance_is_told(void)
{
	return !access(SHOWN, F_OK) || !access(STATE, F_OK);
}

/* Return the process id of an irqbalance, or 0 if none runs. */
static int find_running(void)
{
	char *proc = kernel_path("/proc"), *path, *comm;
	DIR *dir = opendir(proc);
	struct dirent *entry;
	int pid = 0;

	while (dir && !pid && (entry = readdir(dir))) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		path = xprintf("/proc/%s/comm", entry->d_name);
		comm = kernel_line(path);
		if (comm && !strcmp(comm, "irqbalance"))
			pid = atoi(entry->d_name);
		free(comm);
		free(path);
	}
	if (dir)
		closedir(dir);
	free(proc);
	return pid;
}

bool irqbalance_spared(struct vpool_cpus *cpus)
{
	int pid = find_running();
	struct vpool_cpus full;
	char *file;
	bool asked;

	*cpus = (struct vpool_cpus) { 0 };
	if (!pid)
		return false;
	file = xprintf("irqbalance%d.sock", pid);
	asked = ask_spared(file, cpus);
	free(file);
	if (asked)
		return true;
	/* It answers root alone. These are the CPUs that it spares by default. */
	kernel_cpus(ISOLATED, cpus);
	if (kernel_cpus(CPU_DIR "/nohz_full", &full))
		cpus_add_all(cpus, &full);
	vpool_cpus_free(&full);
	return true;
}
