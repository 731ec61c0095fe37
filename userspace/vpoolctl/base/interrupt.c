// SPDX-License-Identifier: GPL-2.0-only
/*
 * Termination signals.
 */
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>

#include "base/interrupt.h"

static atomic_int got_signal;

static void note_signal(int signal)
{
	got_signal = signal;
}

void catch_interrupts(void)
{
	static const int signals[] = { SIGHUP, SIGINT, SIGTERM };
	/* No SA_RESTART: a signal must end a blocking call. */
	struct sigaction action = { .sa_handler = note_signal }, old;
	size_t i;

	for (i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		if (!sigaction(signals[i], NULL, &old) &&
		    old.sa_handler != SIG_IGN)
			sigaction(signals[i], &action, NULL);
}

bool interrupted(void)
{
	return got_signal;
}

void forget_interrupt(void)
{
	got_signal = 0;
}
