// SPDX-License-Identifier: GPL-2.0-only
/*
 * The connection between two vpoolctls, with a script instead of ssh, and the notes of a
 * migration.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/interrupt.h"
#include "base/macros.h"
#include "vm/cpu.h"
#include "vm/handed.h"
#include "vm/peer.h"
#include "vm/qmp.h"
#include "tap.h"

static char dir[32] = "/tmp/vpool-peer.XXXXXX";

/* Let a shell run the command, as ssh does. It checks that ssh must not ask. */
static void make_ssh(void)
{
	char *path = xprintf("%s/ssh", dir);
	FILE *file = fopen(path, "w");

	if (!file)
		exit(1);
	fputs("#!/bin/sh\n"
	      "case \"$*\" in *BatchMode=yes*\"-- node2 \"*) ;; *) exit 9 ;; esac\n"
	      "for command; do :; done\n"
	      "exec sh -c \"$command\"\n", file);
	fclose(file);
	chmod(path, 0700);
	setenv("VPOOL_SSH", path, 1);
	free(path);
}

static struct peer *connect_to(const char *command)
{
	struct peer *peer = NULL;

	expect(!peer_connect("node2", command, &peer));
	return peer;
}

/* Wait for an object, and check its word. */
static void expect_word(struct peer *peer, const char *word)
{
	struct json_object *object;

	if (expect(!peer_wait(peer, 5000, &object)))
		expect_text(json_text(object, "say"), word);
	json_object_put(object);
}

static int wait_error(struct peer *peer, int ms)
{
	struct json_object *object;
	int err = peer_wait(peer, ms, &object);

	json_object_put(object);
	return err;
}

static void objects(void)
{
	struct peer *peer = connect_to("echo motd; echo '{\"say\": \"hello\"}'; "
				       "read line; echo \"$line\"");

	expect_word(peer, "hello");
	peer_send(peer, peer_word("offer"));
	expect_word(peer, "offer");
	expect(wait_error(peer, 5000) == -EPIPE);
	peer_close(peer, 5000);
}

static void no_objects(void)
{
	struct peer *peer = connect_to("echo '{\"say\": \"hello\"}'; echo wow; sleep 5");

	expect_word(peer, "hello");
	expect(wait_error(peer, 5000) == -EPROTO);
	peer_close(peer, 0);
}

static void ssh_fails(void)
{
	struct peer *peer = connect_to("echo 'Host key verification failed.' >&2; "
				       "exit 255");
	int code = -1;

	expect(wait_error(peer, 5000) == -EPIPE);
	expect_text(peer_error(peer, &code), "Host key verification failed.");
	expect(!code);
	expect(peer_exit_status(peer) == 255);
	peer_close(peer, 5000);
}

static void other_fails(void)
{
	static const char error[] =
		"{\"error\": {\"code\": 2033, \"message\": \"too small\"}}";
	char *command = xprintf("echo warning >&2; echo '  qemu: no' >&2; echo '%s' >&2; exit 1",
				error);
	struct peer *peer = connect_to(command);
	int code = 0;

	expect(wait_error(peer, 5000) == -EPIPE);
	expect_text(peer_error(peer, &code), "too small qemu: no");
	expect(code == 2033);
	peer_close(peer, 5000);
	free(command);
}

/* A host that is silent, but whose connection stays. */
static void silence(void)
{
	struct peer *peer = connect_to("echo '{\"say\": \"hello\"}'; exec sleep 60");
	double begin = now_ms();

	expect_word(peer, "hello");
	expect(wait_error(peer, 30000) == -EHOSTUNREACH);
	expect(now_ms() - begin >= PEER_SILENCE_MS);
	expect(now_ms() - begin < PEER_SILENCE_MS + 3000);
	begin = now_ms();
	peer_close(peer, 30000);
	expect(now_ms() - begin < 5000);
}

/* A lost connection interrupts a side that depends on it, and no other. */
static void interrupts(void)
{
	int ends[2];
	struct peer *peer;

	catch_interrupts();
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		exit(1);
	peer = peer_talk(ends[0], dup(ends[0]));
	peer_interrupt_if_lost(peer);
	expect(!interrupted());
	close(ends[1]);
	expect(wait_error(peer, 5000) == -EPIPE);
	expect(interrupted());
	expect(!peer_settle(peer));
	forget_interrupt();
	peer_close(peer, 0);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		exit(1);
	peer = peer_talk(ends[0], dup(ends[0]));
	peer_interrupt_if_lost(peer);
	expect(peer_settle(peer));
	close(ends[1]);
	expect(wait_error(peer, 5000) == -EPIPE);
	expect(!interrupted());
	peer_close(peer, 0);
}

/* Send an object with an ack, and return the age that it has. */
static double age_of(struct peer *peer, int fd, long long ack)
{
	char *line = xprintf("{\"say\": \"run\", \"ack\": %lld}\n", ack);
	struct json_object *object = NULL;
	double age = -1;

	if (expect(write(fd, line, strlen(line)) == (ssize_t)strlen(line)) &&
	    expect(!peer_wait(peer, 5000, &object)))
		age = peer_age(peer, object);
	json_object_put(object);
	free(line);
	return age;
}

/* The age of an object is that of the last beat which its sender had received. */
static void ages(void)
{
	char line[256] = "";
	int ends[2];
	struct peer *peer;
	double age;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		exit(1);
	peer = peer_talk(ends[0], dup(ends[0]));
	expect(read(ends[1], line, sizeof(line) - 1) > 0);
	expect(strstr(line, "\"beat\"") && strstr(line, "\"nr\":1"));
	expect(age_of(peer, ends[1], 0) > PEER_SILENCE_MS);
	expect(age_of(peer, ends[1], 7) > PEER_SILENCE_MS);
	usleep(500000);
	age = age_of(peer, ends[1], 1);
	expect(age >= 500 && age < 5000);
	close(ends[1]);
	peer_close(peer, 0);
}

static void notes(void)
{
	struct handed note = { .host = "root@node2", .id = "12ab", .boot = "b-1",
			       .at_ms = 12345 }, read;

	expect(!handed_read(dir, &read));
	expect(!handed_write(dir, &note));
	if (expect(handed_read(dir, &read))) {
		expect_text(read.host, "root@node2");
		expect_text(read.id, "12ab");
		expect_text(read.boot, "b-1");
		expect(read.at_ms == 12345);
	}
	handed_remove(dir);
	expect(!handed_read(dir, &read));
}

static void cpus(void)
{
	char *missing = missing_cpu_flag("Vendor sse avx2", "Vendor avx2x sse avx");

	expect_text(missing, "avx2");
	free(missing);
	expect(!missing_cpu_flag("Vendor sse", "Vendor avx sse"));
	missing = missing_cpu_flag("Other sse", "Vendor sse");
	expect_text(missing, "Other");
	free(missing);
}

static const struct tap_case cases[] = {
	{ "objects are sent and received, after the output of a login", objects },
	{ "text between objects ends the connection", no_objects },
	{ "the message of ssh is the error", ssh_fails },
	{ "the error of the other vpoolctl has its code and QEMU's output", other_fails },
	{ "a silent host is noticed in time", silence },
	{ "a lost connection interrupts a target until it has the machine", interrupts },
	{ "an object is as old as the last beat that its sender had", ages },
	{ "the note of a machine is written, read and removed", notes },
	{ "a missing feature of a CPU is found", cpus },
};

int main(void)
{
	int status;

	if (!mkdtemp(dir))
		return 1;
	make_ssh();
	status = tap_main(cases, ARRAY_SIZE(cases));
	unlink(getenv("VPOOL_SSH"));
	rmdir(dir);
	return status;
}
