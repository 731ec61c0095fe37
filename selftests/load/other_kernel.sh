#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Load a module that was built for another kernel. VPOOL_OTHER_KO is that module.

here=$(dirname "$(readlink -f "$0")")
# shellcheck source=selftests/lib/require.sh
. "$here/../lib/require.sh"
# shellcheck source=/dev/null
. "$here/../../userspace/tests/tap.sh"

[ -n "${VPOOL_OTHER_KO:-}" ] || skip_all 'VPOOL_OTHER_KO is not set'

# The kernel looks for a module of the same name first.
rmmod vpool || exit 1
out=$(insmod "$VPOOL_OTHER_KO" 2>&1)
is 'a module for another kernel is refused: exit status' "$?" 1
# "Invalid module format", or "Invalid parameters" if only the versions of symbols differ.
like 'insmod says so' "$out" '*could not insert module *: Invalid *'
# With CONFIG_MODVERSIONS the kernel compares the versions of symbols, else its release.
like 'the kernel gives the reason' "$(dmesg | tail -n 5 |
	grep -oE 'vpool: (disagrees about version of symbol|version magic)')" 'vpool: *'
is 'no module is left' "$(ls -d /sys/module/vpool 2>/dev/null)" ''
insmod "$VPOOL_KO"
is "the kernel's own module can be loaded" "$?" 0

tap_end
