// SPDX-License-Identifier: GPL-2.0-only
/*
 * Progress of a long reservation.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <libvpool.h>

#include "base/alloc.h"
#include "output/progress.h"
#include "output/units.h"

/* Delay before the first display, and interval of the updates. */
#define FIRST_MS 1000
#define EVERY_MS 250

struct progress {
	const char *verb;
	const char *name;
	struct timespec start;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t stopped;
	bool stop;
	bool shown;
};

/* Wait for @ms. Return false if the progress was stopped. */
static bool pause_for(struct progress *pr, unsigned int ms)
{
	struct timespec until;
	bool stop;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += ms * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_mutex_lock(&pr->lock);
	if (!pr->stop)
		pthread_cond_timedwait(&pr->stopped, &pr->lock, &until);
	stop = pr->stop;
	pthread_mutex_unlock(&pr->lock);
	return !stop;
}

static double seconds_since(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec - start->tv_sec +
	       (now.tv_nsec - start->tv_nsec) / 1e9;
}

/* Print the average rate so far and the time left at this rate. */
static void show_rate(struct progress *pr, __u64 have, __u64 want)
{
	double rate = have / seconds_since(&pr->start);
	char text[SIZE_TEXT];

	if (rate < 1 || want < have)
		return;
	fprintf(stderr, ", %s/s, %.0f s left", format_size(rate, text),
		(want - have) / rate);
}

static void show(struct progress *pr, struct vpool *vp)
{
	char have[SIZE_TEXT], want[SIZE_TEXT];
	struct vpool_info *info;
	__u64 wanted;

	if (vpool_query(vp, pr->name, &info))
		return;
	/* The total leaves out memory that a resize releases on other nodes. */
	wanted = info->target_bytes > info->total_bytes ?
		 info->target_bytes - info->total_bytes : 0;
	if (wanted < info->gathered_bytes)
		wanted = info->gathered_bytes;
	if (wanted) {
		fprintf(stderr, "\r\033[Kvpoolctl: %s %s: %s of %s", pr->verb,
			pr->name, format_size(info->gathered_bytes, have),
			format_size(wanted, want));
		show_rate(pr, info->gathered_bytes, wanted);
		pr->shown = true;
	}
	vpool_info_free(info);
}

static void *watch(void *arg)
{
	struct progress *pr = arg;
	unsigned int ms = FIRST_MS;
	struct vpool *vp;

	if (!vpool_open_reader(&vp)) {
		while (pause_for(pr, ms)) {
			show(pr, vp);
			ms = EVERY_MS;
		}
	}
	vpool_close(vp);
	return NULL;
}

struct progress *progress_start(const char *verb, const char *name)
{
	struct progress *pr;

	if (!isatty(STDERR_FILENO))
		return NULL;
	pr = xcalloc(1, sizeof(*pr));
	pr->verb = verb;
	pr->name = name;
	clock_gettime(CLOCK_MONOTONIC, &pr->start);
	pthread_mutex_init(&pr->lock, NULL);
	pthread_cond_init(&pr->stopped, NULL);
	if (!pthread_create(&pr->thread, NULL, watch, pr))
		return pr;
	free(pr);
	return NULL;
}

void progress_stop(struct progress *pr)
{
	if (!pr)
		return;
	pthread_mutex_lock(&pr->lock);
	pr->stop = true;
	pthread_cond_signal(&pr->stopped);
	pthread_mutex_unlock(&pr->lock);
	pthread_join(pr->thread, NULL);
	if (pr->shown)
		fputs("\r\033[K", stderr);
	pthread_cond_destroy(&pr->stopped);
	pthread_mutex_destroy(&pr->lock);
	free(pr);
}
