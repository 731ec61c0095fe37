#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Usage: run.sh [SUITE]...
#
# Run the suites of tools/check/suites whose names match one of the globs SUITE, as
# root on a machine with vpool loaded. Print the TAP output of each suite between a
# "# suite:" line and a line of counts. Exit 1 if a test failed, a suite ran fewer
# tests than it declared or exceeded its time limit; 4 if no suite matches.
#
# Documentation/environment.rst lists the variables that select and scale suites.

here=$(cd "$(dirname "$0")" && pwd) || exit 1
suites=$here/../tools/check/suites
export OUTPUT=${OUTPUT:-$(readlink -f "$here/../build/selftests")}
[ $# -gt 0 ] || set -- '*'
patterns=("$@")
default_seconds=900
# A suite that skips all its tests.
status_skip=4
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT

pools() {
	ls /sys/kernel/vpool/pools 2>/dev/null
}

# program NAME: print the path of a suite's program or script.
program() {
	local script

	for script in "$here"/*/"$1.sh"; do
		[ ! -e "$script" ] || { echo "$script"; return; }
	done
	echo "$OUTPUT/$1"
}

# count SUITE SECONDS: print the trailer of the suite from $log. Fail unless all
# declared tests ran and none failed.
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

# suite NAME SECONDS: run one suite.
suite() {
	local name=$1 seconds=$2 before status bad=0 begin=$SECONDS

	echo "# suite: $name"
	before=$(pools)
	timeout -k 5 "$seconds" "$(program "$name")" 2>&1 | tee "$log"
	status=${PIPESTATUS[0]}
	if [ "$status" -ge 124 ]; then
		echo "# $name: out of time ($seconds s) or killed, status $status"
		bad=1
	elif [ "$status" -ne 0 ] && [ "$status" -ne "$status_skip" ]; then
		echo "# $name: status $status"
		bad=1
	fi
	if [ "$(pools)" != "$before" ]; then
		echo "# $name: still has pools: $(pools | tr '\n' ' ')"
		bad=1
	fi
	count "$name" $((SECONDS - begin)) || bad=1
	return "$bad"
}

if [ ! -e /dev/vpool/control ]; then
	echo "# vpool is not loaded"
	exit 1
fi

# wanted NAME: check whether the name matches a pattern
wanted() {
	local pattern

	for pattern in "${patterns[@]}"; do
		# shellcheck disable=SC2053
		[[ $1 != $pattern ]] || return 0
	done
	return 1
}

# runs_here WHERE NAME: check whether the suite NAME, with this third field, runs on this
# machine. Outside the test VM, the kernel has no name and all suites run.
runs_here() {
	local kernel=${VPOOL_KERNEL:-} where=$1

	[ -n "$where" ] && [ -n "$kernel" ] || return 0
	if [[ $where == long,* ]]; then
		runs_here long "$2" || return
		where=${where#long,}
	fi
	case $where in
	debug) [[ $kernel == debug* || $kernel == fuzz ]] ;;
	fast) [[ $kernel != debug* || -n ${VPOOL_LONG:-} ]] ;;
	long) [ -n "${VPOOL_LONG:-}" ] || [[ " ${patterns[*]} " == *" $2 "* ]] ;;
	smt) [ -n "${VPOOL_SMT:-}" ] ;;
	iommu) [ -n "${VPOOL_IOMMU:-}" ] ;;
	guard) [ -n "${VPOOL_GUARD:-}" ] ;;
	hosts) [ -n "${VPOOL_HOSTS:-}" ] ;;
	*) [[ ,$where, == *,$kernel,* ]] ;;
	esac
}

result=4
while read -r name seconds where _; do
	case $name in
	'' | '#'*) continue ;;
	esac
	wanted "$name" || continue
	runs_here "$where" "$name" || continue
	[ "$result" -eq 4 ] && result=0
	suite "$name" "${seconds:-$default_seconds}" </dev/null || result=1
done <"$suites"
[ "$result" -eq 4 ] && echo "# no suite matches '${patterns[*]}'"
exit "$result"
