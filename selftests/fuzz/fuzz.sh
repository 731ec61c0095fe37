#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run the fuzzer for VPOOL_FUZZ_SECONDS (default 20) or VPOOL_FUZZ_CALLS operations,
# starting from the seeds. Load VPOOL_KCOV_KO, the module with coverage, for the run, and
# VPOOL_KO afterwards. Pass VPOOL_FUZZ_ARGS to the fuzzer. Prints TAP.

here=$(dirname "$(readlink -f "$0")")
build=${OUTPUT:-$(readlink -f "$here/../../build/selftests")}
# shellcheck source=selftests/lib/require.sh
. "$here/../lib/require.sh"
status=0

# load FILE: replace the module. Retry, because the kernel drops the last reference some
# time after the last close.
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
# shellcheck disable=SC2086 # VPOOL_FUZZ_ARGS is a list of words
"$build/vpool_fuzz" -s "${VPOOL_FUZZ_SECONDS:-20}" ${VPOOL_FUZZ_CALLS:+-c $VPOOL_FUZZ_CALLS} \
	${VPOOL_FUZZ_ARGS:-} "$here/seeds" || status=$?
if [ -n "${VPOOL_KCOV_KO:-}" ]; then
	load "$VPOOL_KO" || status=1
fi
exit "$status"
