# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# Skip the whole test, as kselftest counts it, if it cannot run here: source this.

skip_all() {
	echo "1..0 # SKIP $*"
	exit 4
}

[ -e /dev/vpool/control ] || skip_all 'vpool is not loaded'
[ "$(id -u)" -eq 0 ] || skip_all 'needs root'
