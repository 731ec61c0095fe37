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

loaded=$(cat /sys/module/vpool/srcversion /sys/kernel/vpool/page_sizes)
out=$(insmod "$VPOOL_OTHER_KO" 2>&1)
is 'a module for another kernel is refused: exit status' "$?" 1
like 'insmod says so' "$out" '*Invalid module format*'
# With CONFIG_MODVERSIONS the kernel compares the versions of symbols, else its release.
is 'the kernel gives the reason' "$(dmesg | tail -n 5 |
	grep -cE 'vpool: (disagrees about version of symbol|version magic)')" 1
is 'the loaded module is unchanged' \
	"$(cat /sys/module/vpool/srcversion /sys/kernel/vpool/page_sizes)" "$loaded"

tap_end
