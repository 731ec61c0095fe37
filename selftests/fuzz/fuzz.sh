#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The fuzzer, for VPOOL_FUZZ_SECONDS (90 unless told) or VPOOL_FUZZ_CALLS operations,
# from the seeds that are kept here. VPOOL_KCOV_KO is the module with coverage, which
# is loaded for it, VPOOL_KO the other. VPOOL_FUZZ_ARGS is passed on. Prints TAP.

here=$(dirname "$(readlink -f "$0")")
build=${OUTPUT:-$(readlink -f "$here/../../build/selftests")}
# shellcheck source=selftests/lib/require.sh
. "$here/../lib/require.sh"
status=0

# A moment passes between the last close and the module's being idle.
load() {
	local try

	for try in {1..50}; do
		rmmod vpool 2> /dev/null && break
		[ "$try" -lt 50 ] || rmmod vpool || return 1
		sleep 0.2
	done
	insmod "$1"
}

if [ -n "${VPOOL_KCOV_KO:-}" ]; then
	load "$VPOOL_KCOV_KO" || exit 1
fi
# shellcheck disable=SC2086 # they are words
"$build/vpool_fuzz" -s "${VPOOL_FUZZ_SECONDS:-90}" ${VPOOL_FUZZ_CALLS:+-c $VPOOL_FUZZ_CALLS} \
	${VPOOL_FUZZ_ARGS:-} "$here/seeds" || status=$?
if [ -n "${VPOOL_KCOV_KO:-}" ]; then
	load "$VPOOL_KO" || status=1
fi
exit "$status"
