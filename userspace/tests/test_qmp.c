// SPDX-License-Identifier: GPL-2.0-only
/*
 * QMP against a child process that acts as QEMU, and leftovers of virtual machines.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/macros.h"
#include "vm/migration.h"
#include "vm/qmp.h"
#include "vm/size.h"
#include "vm/vm.h"
#include "tap.h"

#define HELLO "{\"QMP\": {\"version\": {}}}\r\n"
#define READY "{\"return\": {}, \"id\": 1}\r\n"

static char dir[32] = "/tmp/vpool-qmp.XXXXXX";
static char path[64];
static pid_t child;

static void put(int fd, const char *text)
{
	if (write(fd, text, strlen(text)) < 0)
		_exit(1);
}

static void get_line(int fd)
{
	char c = 0;

	while (c != '\n')
		if (read(fd, &c, 1) != 1)
			_exit(1);
}

/* Each step is the answer to one command, the first to qmp_capabilities. */
static void play(int listener, const char *const *steps)
{
	int fd = accept(listener, NULL, NULL);

	put(fd, HELLO);
	for (; *steps; steps++) {
		get_line(fd);
		put(fd, *steps);
	}
	/* Close the connection after the last step. */
	_exit(0);
}

/* Start the child and connect to it. */
static struct qmp *connect_to(const char *const *steps)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);
	struct qmp *qmp;

	memcpy(addr.sun_path, path, strlen(path));
	unlink(path);
	if (bind(listener, (struct sockaddr *)&addr, sizeof(addr)) ||
	    listen(listener, 1))
		return NULL;
	child = fork();
	if (!child)
		play(listener, steps);
	close(listener);
	expect(!qmp_open(path, getpid(), 5000, &qmp));
	return qmp;
}

static void end(struct qmp *qmp)
{
	qmp_close(qmp);
	waitpid(child, NULL, 0);
}

static void answers(void)
{
	static const char *const steps[] = {
		READY,
		"{\"return\": {\"status\": \"running\"}, \"id\": 2}\r\n",
		NULL,
	};
	struct qmp *qmp = connect_to(steps);
	char *status;

	if (!qmp)
		return;
	status = qmp_status(qmp);
	expect_text(status, "running");
	free(status);
	end(qmp);
}

static void refusals(void)
{
	static const char *const steps[] = {
		READY,
		"{\"error\": {\"class\": \"GenericError\", \"desc\": \"no\"}, \"id\": 2}\r\n",
		NULL,
	};
	struct qmp *qmp = connect_to(steps);

	if (!qmp)
		return;
	expect(qmp_run(qmp, 5000, "quit", NULL, NULL) == -EREMOTEIO);
	expect_text(qmp_message(qmp), "quit: no");
	end(qmp);
}

#define SUMMARY "{\"return\": {\"base-memory\": 4194304, \"plugged-memory\": 0}, \"id\": 2}\r\n"
#define DIMM "{\"type\": \"dimm\", \"data\": {\"id\": \"x\", \"size\": 5}}"
#define DEVICE "{\"type\": \"virtio-mem\", \"data\": {\"id\": \"vmem\", \"size\": 6291456, " \
	"\"max-size\": 134217728, \"requested-size\": 8388608, \"block-size\": 2097152}}"

/* The size is that of the base memory and of the device, and of no other device. */
static void sizes(void)
{
	static const char *const steps[] = {
		READY, SUMMARY,
		"{\"return\": [" DIMM ", " DEVICE "], \"id\": 3}\r\n",
		"{\"return\": {}, \"id\": 4}\r\n",
		"{\"return\": {\"started\": false}, \"id\": 5}\r\n",
		"{\"return\": {\"started\": true}, \"id\": 6}\r\n",
		"{\"error\": {\"desc\": \"unknown\"}, \"id\": 7}\r\n",
		NULL,
	};
	struct qmp *qmp = connect_to(steps);
	struct vm_size size;

	if (!qmp)
		return;
	expect(!vm_size_read(qmp, 5000, &size));
	expect(size.base == 4 << 20);
	expect(size.plugged == 6 << 20);
	expect(size.requested == 8 << 20);
	expect(size.elastic == 128 << 20);
	expect(size.block == 2 << 20);
	expect(!vm_size_request(qmp, 0));
	expect(vm_size_lacks_driver(qmp));
	expect(!vm_size_lacks_driver(qmp));
	/* Without an answer, nothing is known. */
	expect(!vm_size_lacks_driver(qmp));
	end(qmp);
}

static void fixed_size(void)
{
	static const char *const steps[] = {
		READY, SUMMARY, "{\"return\": [" DIMM "], \"id\": 3}\r\n", NULL,
	};
	struct qmp *qmp = connect_to(steps);
	struct vm_size size;

	if (!qmp)
		return;
	expect(!vm_size_read(qmp, 5000, &size));
	expect(size.base == 4 << 20);
	expect(!size.elastic && !size.plugged && !size.block);
	expect(vm_size_read(qmp, 5000, &size) == -EPIPE);
	end(qmp);
}

/* An event before the answer is kept for qmp_wait(). */
static void events(void)
{
	static const char *const steps[] = {
		READY,
		"{\"event\": \"STOP\"}\r\n{\"event\": \"RESUME\"}\r\n{\"return\": {}, \"id\": 2}\r\n",
		NULL,
	};
	struct qmp *qmp = connect_to(steps);

	if (!qmp)
		return;
	expect(!qmp_run(qmp, 5000, "cont", NULL, NULL));
	expect(!qmp_wait(qmp, 5000, "RESUME"));
	expect(!qmp_wait(qmp, 5000, "STOP"));
	expect(qmp_wait(qmp, 5000, "RESUME") == -EPIPE);
	end(qmp);
}

/* The late answer to a call that timed out is not taken for the answer to the next. */
static void stale_answers(void)
{
	static const char *const steps[] = {
		READY, "{\"ret",
		"urn\": {\"status\": \"old\"}, \"id\": 2}\r\n{\"return\": {\"status\": \"new\"}, \"id\": 3}\r\n",
		NULL,
	};
	struct qmp *qmp = connect_to(steps);
	char *status;

	if (!qmp)
		return;
	expect(qmp_run(qmp, 50, "query-status", NULL, NULL) == -ETIMEDOUT);
	status = qmp_status(qmp);
	expect_text(status, "new");
	free(status);
	end(qmp);
}

/*
 * A QEMU that has received its machine reports this until it migrates itself. A migration whose
 * disks are still copied ends at once.
 */
static void cancels_before_it_begins(void)
{
	static const char *const steps[] = {
		READY,
		"{\"return\": {}, \"id\": 2}\r\n",
		"{\"return\": {\"status\": \"completed\", \"total-time\": 5}, \"id\": 3}\r\n",
		NULL,
	};
	struct migration migration = { .message = "the host is silent" };

	migration.qmp = connect_to(steps);
	if (!migration.qmp)
		return;
	expect(migration_cancel(&migration));
	expect_text(migration.message, "the host is silent");
	migration.begun = true;
	expect(!migration_cancel(&migration));
	end(migration.qmp);
}

static void an_end(void)
{
	static const char *const steps[] = { READY, "", NULL };
	struct qmp *qmp = connect_to(steps);

	if (!qmp)
		return;
	expect(qmp_run(qmp, 5000, "quit", NULL, NULL) == -EPIPE);
	expect(!qmp_status(qmp));
	end(qmp);
}

static void no_json(void)
{
	static const char *const steps[] = { READY, "nonsense\r\n", NULL };
	struct qmp *qmp = connect_to(steps);

	if (!qmp)
		return;
	expect(qmp_run(qmp, 5000, "quit", NULL, NULL) == -EPROTO);
	end(qmp);
}

static void nobody(void)
{
	struct qmp *qmp;

	expect(qmp_open("/nowhere/qmp", 0, 100, &qmp) == -ENOENT);
	expect(!qmp);
}

static void names(void)
{
	static const char *const good[] = { "a", "web-1", "0.x_y" };
	static const char *const bad[] = {
		"", ".", "..", "-a", "A", "a/b", "a b", "a,b",
		"abcdefghijklmnopqrstuvwxyz0123456",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(good); i++)
		expect(vm_name_ok(good[i]));
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		expect(!vm_name_ok(bad[i]));
}

/* A directory without a running QEMU is a leftover of a crash. Reading it removes it. */
static void leftovers(void)
{
	char *vms = xprintf("%s/vm", dir), *left = xprintf("%s/x", vms);
	char *slot = xprintf("%s/0", left), *log = xprintf("%s/log", slot);
	struct vm *vm;
	FILE *file;

	mkdir(vms, 0700);
	mkdir(left, 0700);
	mkdir(slot, 0700);
	file = fopen(log, "w");
	if (expect(file))
		fclose(file);
	expect(vm_open("x", false, &vm) == -ENOENT);
	expect(access(left, F_OK) && errno == ENOENT);
	free(log);
	free(slot);
	free(left);
	free(vms);
}

/* The lock of a machine excludes other commands. */
static void locking(void)
{
	struct vm *vm, *other;

	if (!expect(!vm_open("y", true, &vm)))
		return;
	expect(vm->now == -1);
	expect(vm_open("y", false, &other) == -EBUSY);
	vm_close(vm);
	expect(vm_open("y", false, &other) == -ENOENT);
}

/* Hold the locks of the first @nr slots of a machine, as QEMUs that do not answer do. */
static void hold_slots(const char *machine, int nr, int ready)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char *alive;
	int i, fd;

	for (i = 0; i < nr; i++) {
		alive = xprintf("%s/%d/alive", machine, i);
		fd = open(alive, O_RDWR | O_CREAT, 0600);
		if (fd < 0 || fcntl(fd, F_SETLK, &lock))
			_exit(1);
		free(alive);
	}
	put(ready, "x");
	pause();
	_exit(0);
}

/*
 * A machine that another command has locked, and whose QEMUs do not answer, runs. A
 * cluster would start it a second time if it were not listed.
 */
static void silence(void)
{
	char *machine = xprintf("%s/vm/z", dir), *slot[VM_SLOTS], c;
	int nr, ready[2];
	struct vm *vm;
	pid_t qemu;

	mkdir(machine, 0700);
	for (nr = 1; nr <= VM_SLOTS; nr++) {
		slot[nr - 1] = xprintf("%s/%d", machine, nr - 1);
		mkdir(slot[nr - 1], 0700);
		if (!expect(!pipe(ready)))
			return;
		qemu = fork();
		if (!qemu)
			hold_slots(machine, nr, ready[1]);
		close(ready[1]);
		expect(read(ready[0], &c, 1) == 1);
		vm = vm_inspect("z");
		expect(vm->now >= 0);
		vm_close(vm);
		kill(qemu, SIGKILL);
		waitpid(qemu, NULL, 0);
		close(ready[0]);
	}
	for (nr = 0; nr < VM_SLOTS; nr++)
		free(slot[nr]);
	free(machine);
}

static const struct tap_case cases[] = {
	{ "answers are parsed", answers },
	{ "a refused command has QEMU's message", refusals },
	{ "the size of a machine is read, and another requested", sizes },
	{ "a machine without the device has a fixed size", fixed_size },
	{ "an event is kept until a caller waits for it", events },
	{ "late answers are dropped", stale_answers },
	{ "a migration is cancelled before it begins", cancels_before_it_begins },
	{ "the end of QEMU is reported", an_end },
	{ "an answer that is not JSON is refused", no_json },
	{ "a socket without a listener is reported", nobody },
	{ "names of machines are checked", names },
	{ "leftovers of machines are removed", leftovers },
	{ "a machine is locked", locking },
	{ "a machine that does not answer runs", silence },
};

int main(void)
{
	char *command;
	int status;

	if (!mkdtemp(dir))
		return 1;
	snprintf(path, sizeof(path), "%s/qmp", dir);
	setenv("VPOOL_RUN_DIR", dir, 1);
	status = tap_main(cases, ARRAY_SIZE(cases));
	command = xprintf("rm -r %s", dir);
	if (system(command))
		status = 1;
	free(command);
	return status;
}
