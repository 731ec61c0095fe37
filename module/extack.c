// SPDX-License-Identifier: GPL-2.0
#include <linux/bits.h>
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/string.h>

#include "extack.h"

/**
 * vpool_extack_init - initialize an empty message
 * @extack: message to initialize
 */
void vpool_extack_init(struct vpool_extack *extack)
{
	raw_spin_lock_init(&extack->lock);
	extack->code = VPOOL_CODE_NONE;
	extack->text[0] = '\0';
}

/**
 * vpool_err - store the message of a call that fails
 * @extack: message of the descriptor, or NULL if no caller will read it
 * @err: negative errno, or 0 for a warning of a call that succeeds
 * @code: kind of failure
 * @fmt: printf format of one sentence without a newline
 *
 * Context: any; takes @extack's lock only.
 * Return: @err, so that an error path is a single statement.
 */
int vpool_err(struct vpool_extack *extack, int err, enum vpool_code code,
	      const char *fmt, ...)
{
	va_list args;

	if (!extack)
		return err;
	va_start(args, fmt);
	raw_spin_lock(&extack->lock);
	extack->code = code;
	vscnprintf(extack->text, sizeof(extack->text), fmt, args);
	raw_spin_unlock(&extack->lock);
	va_end(args);
	return err;
}

/**
 * vpool_extack_read - copy the message of the last failed call
 * @extack: message of the descriptor
 * @text: set to the sentence; empty if no call has failed
 * @code: set to one of enum vpool_code
 *
 * Return: size of the text in bytes with its NUL, 0 if no call has failed.
 */
u32 vpool_extack_read(struct vpool_extack *extack, char text[VPOOL_REASON_SIZE],
		      u32 *code)
{
	u32 len;

	raw_spin_lock(&extack->lock);
	len = strlen(extack->text);
	memcpy(text, extack->text, len + 1);
	*code = extack->code;
	raw_spin_unlock(&extack->lock);
	return len ? len + 1 : 0;
}

/**
 * vpool_size - format a size in the same way as vpoolctl
 * @bytes: size in bytes
 *
 * Units are powers of 1024: "32M", "1.5G". The text is exact if five digits and one
 * decimal place suffice for that in any unit. Otherwise the size is rounded down.
 *
 * Return: the text, by value, so that several fit into the arguments of one format.
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
		/* No unit is exact within five digits: round down in the largest. */
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
