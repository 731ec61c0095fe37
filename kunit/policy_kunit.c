// SPDX-License-Identifier: GPL-2.0
#include <kunit/test.h>
#include <linux/mempolicy.h>
#include <linux/nodemask.h>
#include <linux/vpool.h>

#include "policy.h"

static void takes_preferred_nodes_first(struct kunit *test)
{
	nodemask_t nodes = NODE_MASK_NONE;
	struct vpool_policy policy = { .near = 0 };

	node_set(0, nodes);
	node_set(1, nodes);
	node_set(2, nodes);
	policy.allowed = nodes;
	KUNIT_EXPECT_EQ(test, vpool_policy_next(&policy, &nodes), 0);
	node_set(2, policy.first);
	KUNIT_EXPECT_EQ(test, vpool_policy_next(&policy, &nodes), 2);
	node_clear(2, nodes);
	KUNIT_EXPECT_EQ(test, vpool_policy_next(&policy, &nodes), 0);
}

static void takes_only_allowed_nodes(struct kunit *test)
{
	nodemask_t nodes = NODE_MASK_NONE;
	struct vpool_policy policy = { .near = 0 };

	node_set(0, nodes);
	KUNIT_EXPECT_EQ(test, vpool_policy_next(&policy, &nodes),
			NUMA_NO_NODE);
	node_set(1, policy.allowed);
	KUNIT_EXPECT_EQ(test, vpool_policy_next(&policy, &nodes),
			NUMA_NO_NODE);
	node_set(1, nodes);
	KUNIT_EXPECT_EQ(test, vpool_policy_next(&policy, &nodes), 1);
}

static void applies_each_mode(struct kunit *test)
{
	struct mempolicy mpol = { .home_node = NUMA_NO_NODE };
	struct vpool_policy policy;

	vpool_policy_of_mapping(&policy, NULL, 0);
	KUNIT_EXPECT_FALSE(test, policy.restricted);
	KUNIT_EXPECT_TRUE(test, node_isset(first_memory_node, policy.allowed));
	/* MPOL_BIND to an empty set leaves no node. */
	mpol.mode = MPOL_BIND;
	vpool_policy_of_mapping(&policy, &mpol, 0);
	KUNIT_EXPECT_TRUE(test, policy.restricted);
	KUNIT_EXPECT_TRUE(test, nodes_empty(policy.allowed));
	node_set(first_memory_node, mpol.nodes);
	mpol.mode = MPOL_PREFERRED_MANY;
	vpool_policy_of_mapping(&policy, &mpol, 0);
	KUNIT_EXPECT_FALSE(test, policy.restricted);
	KUNIT_EXPECT_TRUE(test, node_isset(first_memory_node, policy.first));
	KUNIT_EXPECT_FALSE(test, policy.interleave);
	mpol.mode = MPOL_INTERLEAVE;
	vpool_policy_of_mapping(&policy, &mpol, 0);
	KUNIT_EXPECT_TRUE(test, policy.interleave);
}

static struct kunit_case vpool_policy_cases[] = {
	KUNIT_CASE(takes_preferred_nodes_first),
	KUNIT_CASE(takes_only_allowed_nodes),
	KUNIT_CASE(applies_each_mode),
	{}
};

static struct kunit_suite vpool_policy_suite = {
	.name = "vpool_policy",
	.test_cases = vpool_policy_cases,
};

kunit_test_suite(vpool_policy_suite);
