#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Usage: $0 [PATTERN]...
#
# Runs the tests of TESTS whose name has one of the PATTERNs in it, as root on a
# machine with vpool loaded. Passes their TAP output through, each suite between a
# "# suite:" line and one that counts. Exits 1 if anything failed, ran short of its
# plan or out of time; 4 if no test matches.
#
# BUILD is where the programs are, VPOOL_KERNEL the name of the kernel ("debug"
# for a slow one), VPOOL_KO the module to load again after unloading it. VPOOL_LONG
# is set where there is time to run everything in full on every kernel, VPOOL_SMT where
# cores have two threads, VPOOL_GUARD where one of guard_on's is on: it names it.

here=$(cd "$(dirname "$0")" && pwd) || exit 1
build=${BUILD:-$here/../build/selftests}
[ $# -gt 0 ] || set -- ''
patterns=("$@")
default_seconds=900
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT

pools() {
	ls /sys/kernel/vpool/pools 2>/dev/null
}

# count SUITE SECONDS: the trailer of the suite in $log; fails if the suite does not.
count() {
	awk -v suite="$1" -v seconds="$2" '
		/^1\.\.[0-9]+/	{ split($1, plan, /\.\./); planned = plan[2] }
		/^ok /		{ ran++; if (/ # SKIP/) skipped++; else passed++ }
		/^not ok /	{ ran++; failed++ }
		END {
			printf "# suite: %s: planned %d ran %d passed %d failed %d skipped %d seconds %d\n",
				suite, planned, ran, passed, failed, skipped, seconds
			exit !(planned && ran == planned && !failed)
		}' "$log"
}

# suite NAME SECONDS: run one program.
suite() {
	local name=$1 seconds=$2 before status bad=0 begin=$SECONDS

	echo "# suite: $name"
	before=$(pools)
	timeout -k 5 "$seconds" "$build/$name" 2>&1 | tee "$log"
	status=${PIPESTATUS[0]}
	if [ "$status" -ge 124 ]; then
		echo "# $name: out of time ($seconds s) or killed, status $status"
		bad=1
	elif [ "$status" -ne 0 ]; then
		echo "# $name: status $status"
		bad=1
	fi
	if [ "$(pools)" != "$before" ]; then
		echo "# $name: left pools behind: $(pools | tr '\n' ' ')"
		bad=1
	fi
	count "$name" $((SECONDS - begin)) || bad=1
	return "$bad"
}

if [ ! -e /dev/vpool/control ]; then
	echo "# vpool is not loaded"
	exit 1
fi

# wanted NAME: has it one of the patterns in it?
wanted() {
	local pattern

	for pattern in "${patterns[@]}"; do
		[[ $1 != *"$pattern"* ]] || return 0
	done
	return 1
}

result=4
while read -r name seconds where _; do
	case $name in
	'' | '#'*) continue ;;
	esac
	wanted "$name" || continue
	case $where-${VPOOL_KERNEL:-$where} in
	-* | "$where-$where") ;;
	debug-fuzz) ;;
	fast-debug) [ -n "${VPOOL_LONG:-}" ] || continue ;;
	smt-*) [ -n "${VPOOL_SMT:-}" ] || continue ;;
	guard-*) [ -n "${VPOOL_GUARD:-}" ] || continue ;;
	fast-*) ;;
	*) continue ;;
	esac
	[ "$result" -eq 4 ] && result=0
	suite "$name" "${seconds:-$default_seconds}" </dev/null || result=1
done <"$here/TESTS"
[ "$result" -eq 4 ] && echo "# no test has '${patterns[*]}' in its name"
exit "$result"
