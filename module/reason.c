// SPDX-License-Identifier: GPL-2.0
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/string_helpers.h>

#include "reason.h"

/**
 * vpool_why_init - start with no failure
 * @why: to initialise
 */
void vpool_why_init(struct vpool_why *why)
{
	raw_spin_lock_init(&why->lock);
	why->text[0] = '\0';
}

/**
 * vpool_fail - remember why a call fails
 * @why: the descriptor's text, or NULL if nobody will ask
 * @err: negative errno
 * @fmt: printf format of one sentence without a newline
 *
 * Context: any; takes only @why's lock.
 * Return: @err, so that a failing path is one statement.
 */
int vpool_fail(struct vpool_why *why, int err, const char *fmt, ...)
{
	va_list args;

	if (!why)
		return err;
	va_start(args, fmt);
	raw_spin_lock(&why->lock);
	vscnprintf(why->text, sizeof(why->text), fmt, args);
	raw_spin_unlock(&why->lock);
	va_end(args);
	return err;
}

/**
 * vpool_why_read - copy the text
 * @why: the descriptor's text
 * @text: where to
 *
 * Return: bytes of the text with its NUL, 0 if nothing has failed.
 */
u32 vpool_why_read(struct vpool_why *why, char text[VPOOL_REASON_SIZE])
{
	u32 len;

	raw_spin_lock(&why->lock);
	len = strlen(why->text);
	memcpy(text, why->text, len + 1);
	raw_spin_unlock(&why->lock);
	return len ? len + 1 : 0;
}

/**
 * vpool_size - a size for people
 * @bytes: the size
 *
 * Return: by value, so that several fit in one format's arguments.
 */
struct vpool_size_text vpool_size(u64 bytes)
{
	struct vpool_size_text text;

	string_get_size(bytes, 1, STRING_UNITS_2, text.s, sizeof(text.s));
	return text;
}
