// SPDX-License-Identifier: GPL-2.0-only
/*
 * Logs of machines: what QEMU prints, and when and why it started and ended.
 *
 * A line goes to a file and to the journal of systemd. The file is opened for each line,
 * so that an administrator can move or remove it, and two QEMUs of a machine can write to
 * it during a migration.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/files.h"
#include "vm/dirs.h"
#include "vm/log.h"

/* A guest can make QEMU print, so that a file must have an end. */
#define MAX_LOG 1048576

char *vm_log_path(const char *name)
{
	char *dir = vm_log_dir(), *path = xprintf("%s/%s.log", dir, name);

	free(dir);
	return path;
}

static int connect_journal(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	const char *path = getenv("VPOOL_JOURNAL_SOCKET");
	int fd;

	path = path ? path : "/run/systemd/journal/socket";
	if (strlen(path) >= sizeof(addr.sun_path))
		return -1;
	memcpy(addr.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || !connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return fd;
	close(fd);
	return -1;
}

void vm_log_init(struct vm_log *log, const char *name)
{
	char *dir = vm_log_dir();

	make_dirs(dir);
	free(dir);
	*log = (struct vm_log) {
		.name = xstrdup(name),
		.path = vm_log_path(name),
		.journal = connect_journal(),
	};
}

void vm_log_free(struct vm_log *log)
{
	if (log->journal >= 0)
		close(log->journal);
	free(log->name);
	free(log->path);
}

static void write_journal(const struct vm_log *log, const char *text)
{
	char *entry;

	if (log->journal < 0)
		return;
	entry = xprintf("MESSAGE=%s: %s\nPRIORITY=6\nSYSLOG_IDENTIFIER=vpool-vm\nVPOOL_VM=%s\n",
			log->name, text, log->name);
	/* A journal that is slow or gone must not stop the machine. */
	send(log->journal, entry, strlen(entry), MSG_DONTWAIT | MSG_NOSIGNAL);
	free(entry);
}

static void rotate(const struct vm_log *log)
{
	struct stat st;
	char *old;

	if (stat(log->path, &st) || st.st_size < MAX_LOG || !S_ISREG(st.st_mode))
		return;
	old = xprintf("%s.1", log->path);
	rename(log->path, old);
	free(old);
}

static int append(const struct vm_log *log, const char *line)
{
	size_t len = strlen(line);
	ssize_t done;
	int fd, err;

	rotate(log);
	fd = open(log->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW |
		  O_NONBLOCK, 0600);
	if (fd < 0)
		return -errno;
	done = write(fd, line, len);
	err = done < 0 ? -errno : (size_t)done < len ? -ENOSPC : 0;
	if (close(fd) && !err)
		err = -errno;
	return err;
}

int vm_log_line(struct vm_log *log, const char *text)
{
	time_t now = time(NULL);
	char stamp[32], *line;
	struct tm tm;
	int err;

	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
	line = xprintf("%s %s\n", stamp, text);
	err = append(log, line);
	free(line);
	write_journal(log, text);
	if (err && -err != log->err) {
		line = xprintf("cannot write %s: %s", log->path, strerror(-err));
		write_journal(log, line);
		free(line);
	}
	log->err = -err;
	return err;
}
