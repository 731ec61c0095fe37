# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Functions for tests that need several hosts; the tests source this file. They run in the
# first machine of tools/vm/cluster. With VPOOL_QUICK they run a short form.

here=$(dirname "$(readlink -f "$0")")
# shellcheck source=selftests/lib/require.sh
. "$here/../lib/require.sh"
# shellcheck source=/dev/null
. "$here/../../userspace/tests/tap.sh"

export LC_ALL=C
# shellcheck disable=SC2034 # tap.sh and the tests use it
dir=$(mktemp -d) || exit 1
read -ra hosts <<< "${VPOOL_HOSTS:-}"

# need_hosts N: skip the suite if there are fewer hosts.
need_hosts() {
	[ "${#hosts[@]}" -ge "$1" ] || skip_all "needs $1 hosts: make check-hosts"
}

# control VERB HOST...: control the hosts and their links, see tools/vm/host.
control() { "$here/../../tools/vm/host" "$@"; }

section() { echo "# $*"; }

# new_ssh HOST COMMAND...: run a command through a new connection, and not through the one
# that the other commands share. Fail after a few seconds if the host does not answer.
new_ssh() { ssh -o ControlPath=none -o ConnectTimeout=10 "$@"; }

# eventually SECONDS COMMAND...: try a command until it succeeds.
eventually() {
	local end=$((SECONDS + $1))

	shift
	until "$@"; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.5
	done
}

pools_of() { ssh "$1" ls /sys/kernel/vpool/pools; }

# no_pools_left: check that no host has a pool.
no_pools_left() {
	local host

	for host in "${hosts[@]}"; do
		is "$host has no pool" "$(pools_of "$host" 2>&1)" ''
	done
}
