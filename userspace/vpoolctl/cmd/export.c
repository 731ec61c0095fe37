// SPDX-License-Identifier: GPL-2.0-only
/*
 * vpoolctl export: print a file that declares the existing pools.
 */
#include <stdlib.h>
#include <unistd.h>

#include <libvpool.h>

#include "base/alloc.h"
#include "base/command.h"
#include "cmd/cmd.h"
#include "config/config.h"
#include "config/declare.h"
#include "host/mounts.h"
#include "host/pools.h"
#include "output/messages.h"

/* Add a pool with its first mount. A declaration has one mount for each pool. */
static void export_pool(struct config *cfg, const struct vpool_info *info,
			const struct mounts *mounts)
{
	const struct mount_point *mp = mounts_of(mounts, info->name, NULL);
	struct pool_config *pool = cfg->pools + cfg->nr_pools++;

	pool_config_of(pool, info);
	if (mp)
		pool_config_mount_of(pool, mp);
}

static int export_pools(struct vpool *vp, struct config *cfg)
{
	struct vpool_info **pools;
	struct mounts mounts;
	size_t i, nr;
	int err;

	err = read_pools(vp, &pools, &nr);
	if (err)
		return err;
	cfg->pools = xcalloc(nr, sizeof(*cfg->pools));
	mounts_read(&mounts);
	for (i = 0; i < nr; i++)
		if (pools[i]->state != VPOOL_STATE_CREATING &&
		    pools[i]->state != VPOOL_STATE_DESTROYING)
			export_pool(cfg, pools[i], &mounts);
	mounts_free(&mounts);
	free_pools(pools, nr);
	return 0;
}

static int run_export(const struct invocation *inv)
{
	struct config cfg = { 0 };
	char host[256] = "";
	struct vpool *vp;
	int err;

	err = vpool_open_reader(&vp);
	if (!err)
		err = export_pools(vp, &cfg);
	if (err) {
		err = handle_error(inv, NULL, vp, err);
	} else {
		gethostname(host, sizeof(host) - 1);
		printf("# The pools of %s, written by vpoolctl export.\n"
		       "# See vpool.conf(5).\n", host);
		config_write(&cfg, stdout);
	}
	config_free(&cfg);
	vpool_close(vp);
	return err;
}

const struct command cmd_export = {
	.name = "export",
	.summary = "print a file that declares the existing pools",
	.description =
		"Print a file from which 'vpoolctl apply' creates the same\n"
		"pools, on this host or a similar one. Any user can run this\n"
		"command.",
	.run = run_export,
};
