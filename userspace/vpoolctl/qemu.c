// SPDX-License-Identifier: GPL-2.0-only
/*
 * QEMU: its command line, and starting it.
 *
 * QEMU is started without memory and devices (-preconfig): it gets its memory
 * over QMP, see vm_place.c, so that what takes how long can be told apart.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "isolate.h"
#include "qemu.h"

/* The oldest QEMU that this is tested with. */
#define OLDEST_MAJOR 7
#define OLDEST_MINOR 2

/* Where QEMU has the connection to who starts it. */
#define BOOT_FD 100
/* How long QEMU may take until it can be talked to. */
#define LAUNCH_MS 60000
/* How much of its log is shown when it has ended. */
#define LAST_WORDS 2000

/* Which QEMU */

const char *qemu_program(void)
{
	const char *program = getenv("VPOOL_QEMU");

	return program ? program : "qemu-system-x86_64";
}

/* The first line that it prints about itself; NULL if it cannot be run. */
static char *version_line(void)
{
	char *command = xprintf("'%s' --version 2>/dev/null", qemu_program());
	FILE *from = popen(command, "re");
	char *line = NULL;
	size_t room = 0;

	if (from && getline(&line, &room, from) <= 0) {
		free(line);
		line = NULL;
	}
	if (from)
		pclose(from);
	free(command);
	return line;
}

int qemu_check(const struct invocation *inv, const char *name)
{
	static const char before[] = "QEMU emulator version ";
	unsigned int major = 0, minor = 0;
	char *line = version_line();
	int err = -1;

	if (!line)
		complain(inv, name,
			 "%s is not there or does not run; install QEMU (qemu-system-x86), or say in VPOOL_QEMU where it is",
			 qemu_program());
	else if (strncmp(line, before, sizeof(before) - 1) ||
		 sscanf(line + sizeof(before) - 1, "%u.%u", &major,
			&minor) != 2)
		complain(inv, name, "%s is no QEMU", qemu_program());
	else if (major < OLDEST_MAJOR ||
		 (major == OLDEST_MAJOR && minor < OLDEST_MINOR))
		complain(inv, name,
			 "%s is QEMU %u.%u; it takes %d.%d or newer",
			 qemu_program(), major, minor, OLDEST_MAJOR,
			 OLDEST_MINOR);
	else
		err = 0;
	free(line);
	return err;
}

/* Arguments */

static size_t args_count(char **args)
{
	size_t nr = 0;

	while (args && args[nr])
		nr++;
	return nr;
}

static void add(char ***args, const char *arg)
{
	size_t nr = args_count(*args);

	*args = xrealloc(*args, (nr + 2) * sizeof(**args));
	(*args)[nr] = xstrdup(arg);
	(*args)[nr + 1] = NULL;
}

static void add_two(char ***args, const char *one, const char *two)
{
	add(args, one);
	add(args, two);
}

/* Add an option and its value, which is freed. */
static void add_made(char ***args, const char *option, char *value)
{
	add_two(args, option, value);
	free(value);
}

void qemu_args_free(char **args)
{
	size_t i;

	for (i = 0; args && args[i]; i++)
		free(args[i]);
	free(args);
}

/* Commas are doubled in values of QEMU's options. */
static char *escape(const char *text)
{
	char *escaped = xcalloc(2 * strlen(text) + 1, 1), *to = escaped;

	for (; *text; text++) {
		*to++ = *text;
		if (*text == ',')
			*to++ = ',';
	}
	return escaped;
}

/*
 * Monitors. QEMU makes each ready in its main thread and then hands it to another
 * one; who connects to its socket half-way is served by both, and what he says
 * reaches QEMU in the order in which they got hold of the bytes. So the sockets
 * have other names at first, and who starts QEMU talks to it by a connection that
 * QEMU inherits.
 */
static const char * const monitors[] = { "qmp", "state" };

static void add_monitors(char ***args, const struct vm_side *side)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(monitors); i++) {
		char *path = vm_side_path(side, monitors[i]);
		char *escaped = escape(path);

		add_made(args, "-chardev",
			 xprintf("socket,id=%s,path=%s" VM_HIDDEN ",server=on,wait=off",
				 monitors[i], escaped));
		add_made(args, "-mon",
			 xprintf("chardev=%s,mode=control", monitors[i]));
		free(escaped);
		free(path);
	}
	/* The last of them: if it answers, all are ready. */
	add_made(args, "-chardev", xprintf("socket,id=boot,fd=%d", BOOT_FD));
	add_two(args, "-mon", "chardev=boot,mode=control");
}

static int show_monitors(const struct vm_side *side)
{
	int err = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(monitors); i++) {
		char *path = vm_side_path(side, monitors[i]);
		char *hidden = xprintf("%s" VM_HIDDEN, path);

		if (rename(hidden, path))
			err = -errno;
		free(hidden);
		free(path);
	}
	return err;
}

static void add_console(char ***args, const struct qemu_wish *wish,
			const struct vm_side *side)
{
	char *path = vm_side_path(side, "console"), *escaped = escape(path);
	char *file = wish->console ? escape(wish->console) : NULL;

	add_made(args, "-chardev",
		 xprintf("socket,id=console,path=%s,server=on,wait=off%s%s%s",
			 escaped, file ? ",logfile=" : "", file ? file : "",
			 file ? ",logappend=on" : ""));
	add_two(args, "-serial", "chardev:console");
	free(file);
	free(escaped);
	free(path);
}

static void add_boot(char ***args, const struct qemu_wish *wish)
{
	char *disk;

	if (wish->kernel)
		add_two(args, "-kernel", wish->kernel);
	if (wish->initrd)
		add_two(args, "-initrd", wish->initrd);
	if (wish->append)
		add_two(args, "-append", wish->append);
	if (wish->disk) {
		disk = escape(wish->disk);
		add_made(args, "-drive",
			 xprintf("if=virtio,id=disk,file=%s,format=%s", disk,
				 wish->format));
		free(disk);
	}
}

char **qemu_args(const struct qemu_wish *wish, const struct vm_side *side)
{
	bool kvm = !strcmp(wish->accel, "kvm");
	char **args = NULL, **extra;

	add(&args, qemu_program());
	add_made(&args, "-name", xprintf("%s,debug-threads=on", wish->name));
	add_two(&args, "-accel", wish->accel);
	add_two(&args, "-machine", "q35,hpet=off");
	add_two(&args, "-cpu", kvm ? "host" : "max");
	add_made(&args, "-smp", xprintf("%u", wish->vcpus));
	add_made(&args, "-m", xprintf("%lluB", wish->bytes));
	add_two(&args, "-display", "none");
	add(&args, "-nodefaults");
	add(&args, "-no-user-config");
	add(&args, "-preconfig");
	add(&args, "-S");
	add_monitors(&args, side);
	add_console(&args, wish, side);
	add_two(&args, "-nic", !strcmp(wish->net, "user") ?
		"user,model=virtio-net-pci" : "none");
	add_boot(&args, wish);
	for (extra = wish->extra; extra && *extra; extra++)
		add(&args, *extra);
	return args;
}

/* Replace the first occurrence of a word. */
static char *replace(const char *text, const char *word, const char *by)
{
	const char *at = strstr(text, word);

	if (!at)
		return xstrdup(text);
	return xprintf("%.*s%s%s", (int)(at - text), text, by,
		       at + strlen(word));
}

static char *read_cmdline(pid_t pid, size_t *len)
{
	char *path = xprintf("/proc/%d/cmdline", pid), *text = NULL;
	FILE *file = fopen(path, "re");
	size_t room = 0;
	int c;

	*len = 0;
	while (file && (c = getc(file)) != EOF) {
		if (*len + 1 >= room) {
			room = room ? 2 * room : 4096;
			text = xrealloc(text, room);
		}
		text[(*len)++] = c;
	}
	if (file)
		fclose(file);
	free(path);
	return text;
}

/* One argument for the other side. One that migrates in runs when it can. */
static void add_for(char ***args, const char *arg, const char *from,
		    const char *to)
{
	char *changed;

	if (!strcmp(arg, "-S"))
		return;
	if (!strcmp(arg, "-incoming") || !strcmp(arg, "defer"))
		return;
	changed = replace(arg, from, to);
	add(args, changed);
	free(changed);
}

char **qemu_args_of(const struct vm_side *from, const struct vm_side *to)
{
	char *old = escape(from->dir), *new = escape(to->dir);
	size_t len, at;
	char **args = NULL, *text;

	text = read_cmdline(from->pid, &len);
	for (at = 0; at < len; at += strlen(text + at) + 1)
		add_for(&args, text + at, old, new);
	if (args)
		add_two(&args, "-incoming", "defer");
	free(text);
	free(new);
	free(old);
	return args;
}

/* Starting */

/* Keep a descriptor at a number, or give up. */
static void place_fd(int fd, int at)
{
	if (fd == at ? fcntl(fd, F_SETFD, 0) : dup2(fd, at) < 0)
		_exit(EXIT_CANNOT_RUN);
}

/* Take the lock that says that we live; it stays over exec. */
static int hold_alive(const struct vm_side *side)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char *path = vm_side_path(side, "alive");
	int fd = open(path, O_RDWR | O_CREAT, 0600);

	free(path);
	return fd < 0 || fcntl(fd, F_SETLK, &lock) ? -errno : 0;
}

/* In the child: be where members of a confined or isolated pool must be. */
static int enter_cpuset(struct vpool *pool)
{
	struct vpool_info *info;
	char why[WHY_SIZE] = "";
	struct origin was = { 0 };
	int err;

	err = vpool_query(pool, NULL, &info);
	if (err) {
		fprintf(stderr, "%s\n", vpool_reason(pool));
		return err;
	}
	err = place_join(info, getpid(), false, &was, why);
	if (err)
		fprintf(stderr, "%s\n", why);
	place_free(&was);
	vpool_info_free(info);
	return err;
}

/* In the child: become QEMU. */
static void become(const struct vm_side *side, struct vpool *pool, int monitor,
		   char **args)
{
	char *path = vm_side_path(side, "log");
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int log = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int err;

	setsid();
	place_fd(null, STDIN_FILENO);
	place_fd(log, STDOUT_FILENO);
	place_fd(log, STDERR_FILENO);
	place_fd(monitor, BOOT_FD);
	err = hold_alive(side);
	if (err) {
		fprintf(stderr, "%s: %s\n", side->dir, strerror(-err));
		_exit(EXIT_CANNOT_RUN);
	}
	if (enter_cpuset(pool))
		_exit(EXIT_CANNOT_RUN);
	if (vpool_attach(pool, VPOOL_SELF, VPOOL_ATTACH_PROCESS)) {
		fprintf(stderr, "%s\n", vpool_reason(pool));
		_exit(EXIT_CANNOT_RUN);
	}
	execvp(*args, args);
	fprintf(stderr, "%s: %s\n", *args, strerror(errno));
	_exit(EXIT_NOT_FOUND);
}

/* Another child: if we die without a word, QEMU dies. */
static void guard(int fd, int pidfd)
{
	sigset_t all;
	char word;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	setsid();
	/* Neither the lock nor anybody's pipe shall stay open for us. */
	if (dup2(fd, 0) < 0 || dup2(pidfd, 1) < 0)
		_exit(1);
	syscall(SYS_close_range, 2, ~0U, 0);
	if (read(0, &word, 1) != 1)
		syscall(SYS_pidfd_send_signal, 1, SIGKILL, NULL, 0);
	_exit(0);
}

static int start_guard(struct qemu *qemu)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	qemu->guard = fork();
	if (!qemu->guard) {
		close(ends[1]);
		guard(ends[0], qemu->side->pidfd);
	}
	close(ends[0]);
	qemu->guard_fd = ends[1];
	return qemu->guard < 0 ? -errno : 0;
}

static int start_process(struct vm_side *side, struct vpool *pool, int monitor,
			 char **args)
{
	if (mkdir(side->dir, 0700))
		return -errno;
	side->pid = fork();
	if (!side->pid)
		become(side, pool, monitor, args);
	if (side->pid < 0) {
		side->pid = 0;
		return -errno;
	}
	side->pidfd = syscall(SYS_pidfd_open, side->pid, 0);
	return side->pidfd < 0 ? -errno : 0;
}

int qemu_launch(const struct invocation *inv, const char *name,
		struct vm_side *side, struct vpool *pool, char **args,
		struct qemu *qemu)
{
	int err, ends[2];

	memset(qemu, 0, sizeof(*qemu));
	qemu->side = side;
	qemu->guard_fd = -1;
	err = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) ?
		-errno : 0;
	if (!err) {
		err = start_process(side, pool, ends[1], args);
		close(ends[1]);
		if (!err)
			err = start_guard(qemu);
		if (err)
			close(ends[0]);
		else
			err = qmp_talk(ends[0], LAUNCH_MS, &qemu->qmp);
	}
	if (!err)
		err = show_monitors(side);
	if (!err)
		return 0;
	qemu_failed(inv, name, qemu, err);
	qemu_kill(qemu);
	return -1;
}

void qemu_release(struct qemu *qemu)
{
	sighandler_t old = signal(SIGPIPE, SIG_IGN);

	/* A guard that somebody ended does no harm any more. */
	if (qemu->guard_fd >= 0 && write(qemu->guard_fd, "", 1) != 1)
		qemu->guard = 0;
	signal(SIGPIPE, old);
	if (qemu->guard_fd >= 0)
		close(qemu->guard_fd);
	qemu->guard_fd = -1;
	if (qemu->guard > 0)
		waitpid(qemu->guard, NULL, 0);
	qemu->guard = 0;
}

void qemu_close(struct qemu *qemu)
{
	qmp_close(qemu->qmp);
	qemu->qmp = NULL;
}

void qemu_kill(struct qemu *qemu)
{
	pid_t pid = qemu->side->pid;

	qemu_close(qemu);
	vm_side_kill(qemu->side);
	qemu_release(qemu);
	/* It is ours if we started it. */
	if (pid > 0)
		waitpid(pid, NULL, 0);
}

/* Failure */

static bool show_log(const struct vm_side *side)
{
	char *path = vm_side_path(side, "log"), words[LAST_WORDS + 1], *line;
	FILE *log = fopen(path, "re");
	size_t len = 0;

	free(path);
	if (log && fseek(log, -LAST_WORDS, SEEK_END))
		rewind(log);
	if (log) {
		len = fread(words, 1, LAST_WORDS, log);
		fclose(log);
	}
	words[len] = '\0';
	for (line = strtok(words, "\r\n"); line; line = strtok(NULL, "\r\n"))
		fprintf(stderr, "  %s\n", line);
	return len;
}

void qemu_failed(const struct invocation *inv, const char *name,
		 const struct qemu *qemu, int err)
{
	bool ended;

	if (interrupted()) {
		complain(inv, name, "interrupted; nothing is left of it");
		return;
	}
	/* It closes its sockets a little before it is gone. */
	ended = qemu->side->pidfd >= 0 &&
		!vm_side_wait(qemu->side, err == -EPIPE ? 2000 : 0);
	if (!ended) {
		complain(inv, name, "%s", *qmp_why(qemu->qmp) ?
			 qmp_why(qemu->qmp) : strerror(-err));
		return;
	}
	complain(inv, name, "QEMU has ended; it said:");
	if (!show_log(qemu->side))
		fputs("  (nothing)\n", stderr);
}
