# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# Skip the whole test, with the exit status that kselftest counts as a skip, if vpool is
# not loaded or the user is not root. Tests source this file.

skip_all() {
	echo "1..0 # SKIP $*"
	exit 4
}

[ -e /dev/vpool/control ] || skip_all 'vpool is not loaded'
[ "$(id -u)" -eq 0 ] || skip_all 'needs root'
