/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_VM_PEER_H
#define VPOOLCTL_VM_PEER_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

/* A side that has heard nothing for this time takes the other for dead, in milliseconds. */
#define PEER_SILENCE_MS 10000

struct peer;

/**
 * peer_connect() - run a vpoolctl on another host, and talk to it
 * @host: destination for ssh(1), which does not begin with a dash
 * @command: command for the shell of the other host
 * @peer: out: the connection, for peer_close(); NULL on failure
 *
 * Return: 0 or a negative errno
 */
int peer_connect(const char *host, const char *command, struct peer **peer);

/* Talk to the vpoolctl at the other end of two descriptors; the call takes ownership. */
struct peer *peer_talk(int in, int out);

/*
 * Close the connection and free it. Wait up to @ms for the other side, which then cleans
 * up, to end.
 */
void peer_close(struct peer *peer, int ms);

/* Send SIGTERM to this process if the connection is lost before peer_settle(). */
void peer_interrupt_if_lost(struct peer *peer);

/* Accept that the connection can be lost from now on. Return false if it is lost. */
bool peer_settle(struct peer *peer);

/* Send an object. The call takes ownership. A failure is found by the next call. */
void peer_send(struct peer *peer, struct json_object *object);

/* Make an object that begins with "say". */
struct json_object *peer_word(const char *word);

/**
 * peer_wait() - wait for an object
 * @peer: the connection
 * @ms: time limit in milliseconds
 * @object: out: the object, for json_object_put()
 *
 * Return: 0; -ETIMEDOUT; -EPIPE if the other side has ended; -EHOSTUNREACH if it is
 * silent; -EPROTO if it sent something else; -EINTR
 */
int peer_wait(struct peer *peer, int ms, struct json_object **object);

/* Return what peer_wait() would return without an object, or 0 if there is no failure. */
int peer_lost(struct peer *peer);

/*
 * Return the age in milliseconds of the last beat of this side that the other side had
 * received when it sent @object.
 */
double peer_age(struct peer *peer, struct json_object *object);

/**
 * peer_error() - read the error message of the other side, which has ended
 * @peer: the connection
 * @code: out: code of the error, or 0 if ssh failed
 *
 * Return: the message, valid until peer_close(); empty if there is none
 */
const char *peer_error(struct peer *peer, int *code);

/* Return the exit status of ssh, or -1 if it still runs. */
int peer_exit_status(const struct peer *peer);

#endif /* VPOOLCTL_VM_PEER_H */
