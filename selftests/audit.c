// SPDX-License-Identifier: GPL-2.0
/* Records that the module writes to the kernel's audit log. */
#include <linux/audit.h>
#include <linux/netlink.h>
#include <linux/vpool.h>
#include <poll.h>
#include <sys/socket.h>

#include "kselftest_harness.h"
#include "lib/host.h"
#include "lib/memory.h"
#include "lib/pool.h"
#include "lib/task.h"

#define POOL "audit-pool"
#define TIMEOUT_MS 60000

FIXTURE(audit)
{
	int ctl;
	int sock;
};

/* Send a request and wait for the answer. Return 0 or a negative errno. */
static int request(int sock, int type, const void *data, size_t size)
{
	struct {
		struct nlmsghdr head;
		struct audit_status status;
	} msg = {
		.head.nlmsg_len = NLMSG_LENGTH(size),
		.head.nlmsg_type = type,
		.head.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
	};
	union {
		struct nlmsghdr head;
		char room[9000];
	} answer;
	struct nlmsgerr *err = NLMSG_DATA(&answer.head);

	memcpy(NLMSG_DATA(&msg.head), data, size);
	if (send(sock, &msg, msg.head.nlmsg_len, 0) < 0)
		return -errno;
	do {
		if (recv(sock, &answer, sizeof(answer), 0) < 0)
			return -errno;
	} while (answer.head.nlmsg_type != NLMSG_ERROR);
	return err->error;
}

static int set_enabled(bool enabled)
{
	struct audit_status status = {
		.mask = AUDIT_STATUS_ENABLED,
		.enabled = enabled,
	};
	int sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_AUDIT);
	int err = -errno;

	if (sock < 0)
		return err;
	err = request(sock, AUDIT_SET, &status, sizeof(status));
	close(sock);
	return err;
}

static int listener(void)
{
	struct sockaddr_nl addr = {
		.nl_family = AF_NETLINK,
		.nl_groups = 1 << (AUDIT_NLGRP_READLOG - 1),
	};
	int sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_AUDIT);

	if (sock < 0)
		return -errno;
	if (!bind(sock, (struct sockaddr *)&addr, sizeof(addr)))
		return sock;
	close(sock);
	return -errno;
}

FIXTURE_SETUP(audit)
{
	self->sock = listener();
	if (self->sock < 0)
		SKIP(return, "cannot listen to the audit log: %s",
		     strerror(-self->sock));
	ASSERT_EQ(0, set_enabled(true));
	self->ctl = vp_control();
	ASSERT_LE(0, self->ctl);
	vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
}

FIXTURE_TEARDOWN(audit)
{
	vp_destroy(self->ctl, POOL, VPOOL_DESTROY_FORCE);
	set_enabled(false);
	close(self->ctl);
	close(self->sock);
}

/*
 * Check whether a record is the one of @op on our pool by this task. The record must
 * contain @more and have the result @res.
 */
static bool is_record(const char *text, const char *op, const char *more,
		      int res)
{
	char begin[128], end[16];

	snprintf(begin, sizeof(begin), ": op=vpool-%s pool=\"" POOL "\" ", op);
	snprintf(end, sizeof(end), " res=%d", res);
	return strstr(text, begin) && strstr(text, more) &&
		strstr(text, " comm=\"audit\" ") && strstr(text, end);
}

/* Wait for a record. Skip records of other tasks. */
static bool is_recorded(int sock, const char *op, const char *more, int res)
{
	struct pollfd fd = { .fd = sock, .events = POLLIN };
	__u64 end = vp_now_ms() + TIMEOUT_MS;
	char *text;
	union {
		struct nlmsghdr head;
		char room[9000];
	} msg;
	ssize_t got;

	while (vp_now_ms() < end && poll(&fd, 1, TIMEOUT_MS) == 1) {
		got = recv(sock, &msg, sizeof(msg) - 1, 0);
		if (got <= 0 || msg.head.nlmsg_type != AUDIT_KERNEL_OTHER)
			continue;
		msg.room[got] = '\0';
		text = NLMSG_DATA(&msg.head);
		if (is_record(text, op, more, res))
			return true;
		fprintf(stderr, "# skipped: %s\n", text);
	}
	fprintf(stderr, "# no record of %s with '%s' and res=%d\n", op, more,
		res);
	return false;
}

TEST_F(audit, changes_of_a_pool_are_recorded)
{
	__u64 bytes = 2 * HUGE_SIZE;

	ASSERT_EQ(0, vp_create(self->ctl, POOL, HUGE_SIZE, 0, NULL));
	EXPECT_TRUE(is_recorded(self->sock, "create", " uid=0 ", 1));
	EXPECT_EQ(-EEXIST, vp_create(self->ctl, POOL, HUGE_SIZE, 0, NULL));
	EXPECT_TRUE(is_recorded(self->sock, "create", " uid=0 ", 0));
	EXPECT_EQ(0, vp_resize(self->ctl, POOL, &bytes, VPOOL_ANY_NODE));
	EXPECT_TRUE(is_recorded(self->sock, "resize", " uid=0 ", 1));
	bytes = 1ULL << 50;
	EXPECT_EQ(-ENOMEM, vp_resize(self->ctl, POOL, &bytes, VPOOL_ANY_NODE));
	EXPECT_TRUE(is_recorded(self->sock, "resize", " uid=0 ", 0));
	EXPECT_EQ(0, vp_destroy(self->ctl, POOL, 0));
	EXPECT_TRUE(is_recorded(self->sock, "destroy", " uid=0 ", 1));
}

TEST_F(audit, attach_is_recorded)
{
	char opid[32];
	int fd;

	if (vp_lacks_cpus())
		SKIP(return, "%s", vp_lacks_cpus());
	snprintf(opid, sizeof(opid), " opid=%d ", getpid());
	ASSERT_EQ(0, vp_create(self->ctl, POOL, 0, 0, "1"));
	fd = vp_open(POOL);
	ASSERT_EQ(0, vp_attach(fd, 0));
	EXPECT_TRUE(is_recorded(self->sock, "attach", opid, 1));
	EXPECT_EQ(-EBUSY, vp_destroy(self->ctl, POOL, 0));
	EXPECT_TRUE(is_recorded(self->sock, "destroy", "", 0));
	EXPECT_EQ(0, vp_detach(fd, 0));
	EXPECT_TRUE(is_recorded(self->sock, "detach", opid, 1));
	EXPECT_EQ(-ESRCH, vp_detach(fd, 0));
	EXPECT_TRUE(is_recorded(self->sock, "detach", opid, 0));
	close(fd);
}

/* Neither a dry run nor a call with an invalid name is recorded. */
TEST_F(audit, a_dry_run_is_not_recorded)
{
	struct vp_request req;

	vp_request_init(&req, POOL);
	vp_request_mem(&req, HUGE_SIZE, VPOOL_ANY_NODE);
	req.create.flags |= VPOOL_CREATE_DRY_RUN;
	EXPECT_EQ(0, vp_request_send(self->ctl, &req));
	EXPECT_EQ(-EINVAL, vp_create(self->ctl, "no\"pool", HUGE_SIZE, 0, NULL));
	ASSERT_EQ(0, vp_create(self->ctl, POOL, HUGE_SIZE, 0, NULL));
	/* This record is the first one. */
	EXPECT_TRUE(is_recorded(self->sock, "create", "", 1));
}

TEST_HARNESS_MAIN
