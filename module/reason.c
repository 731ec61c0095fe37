// SPDX-License-Identifier: GPL-2.0
#include <linux/bits.h>
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/string.h>

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
 * vpool_size - write a size as vpoolctl writes it
 * @bytes: the size
 *
 * Units are powers of 1024: "32M", "1.5G". The text is exact where a number of at most
 * five digits and one digit behind the point can be; otherwise it is rounded down.
 *
 * Return: the text by value, so that several fit in one format's arguments.
 */
struct vpool_size_text vpool_size(u64 bytes)
{
	static const char units[] = "BKMGTPE";
	unsigned int top = bytes ? ilog2(bytes) / 10 : 0, power;
	struct vpool_size_text text;
	u64 whole, tenths, mask;

	for (power = top;; power--) {
		mask = BIT_ULL(power * 10) - 1;
		whole = bytes >> power * 10;
		tenths = (bytes & mask) * 10;
		/* Too many digits: a single byte is always exact. */
		if (whole > 99999)
			power = top;
		if (whole > 99999 || !(tenths & mask))
			break;
	}
	mask = BIT_ULL(power * 10) - 1;
	whole = bytes >> power * 10;
	tenths = (bytes & mask) * 10;
	if (tenths)
		scnprintf(text.s, sizeof(text.s), "%llu.%llu%c", whole,
			  tenths >> power * 10, units[power]);
	else
		scnprintf(text.s, sizeof(text.s), "%llu%c", whole,
			  units[power]);
	return text;
}
