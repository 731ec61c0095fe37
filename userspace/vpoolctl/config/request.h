/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VPOOLCTL_CONFIG_REQUEST_H
#define VPOOLCTL_CONFIG_REQUEST_H

#include <libvpool.h>

struct pool_config;

/* Fill a request for @pool. It points into @pool, which must outlive the request. */
void fill_request(struct vpool_request *req, const struct pool_config *pool);

#endif /* VPOOLCTL_CONFIG_REQUEST_H */
