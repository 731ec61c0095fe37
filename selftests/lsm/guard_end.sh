#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Check the records of the security module that guard_on.sh enabled, and that it is still
# enforcing.

here=$(dirname "$(readlink -f "$0")")
# shellcheck source=selftests/lib/require.sh
. "$here/../lib/require.sh"
# shellcheck source=/dev/null
. "$here/../../userspace/tests/tap.sh"
# shellcheck source=selftests/lsm/guard.sh
. "$here/guard.sh"

log=/var/log/audit/audit.log

# recorded OP: count the records of an operation with its pool, process and user.
recorded() {
	grep -c "^type=KERNEL_OTHER .*: op=vpool-$1 pool=\"[a-z0-9.-]*\" .*pid=[0-9]* .*uid=[0-9]* .*comm=\"[^\"]*\" .*res=1" \
		"$log"
}

hardened() {
	local op

	for op in create destroy resize attach; do
		like "the log of auditd has the $op" "$(recorded "$op")" '[1-9]*'
	done
	like 'the log has the refused open of a pool' "$(cat "$log")" \
		'*apparmor="DENIED" operation="open"*profile="vpool-stranger"*name="/dev/vpool/*'
	is 'AppArmor denied no access of the tests' \
		"$(grep -c 'apparmor="DENIED".*profile="vpool-selftests"' "$log")" 0
	kill "$(pidof auditd)"
}

selinux() {
	is 'the policy is still enforced' "$(cat /sys/fs/selinux/enforce)" 1
}

lockdown() {
	like 'the kernel is still locked down' "$(cat /sys/kernel/security/lockdown)" \
		'*\[integrity\]*'
}

run_guard
