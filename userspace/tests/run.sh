#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Run test programs and print their TAP, two at a time, since most of them often wait. Fail
# if a program fails, ends early, or plans no tests.
#
# usage: run.sh TEST...

if [ "$1" != --one ]; then
	printf '%s\n' "$@" | xargs -d '\n' -n 1 -P 2 "$0" --one || exit 1
	exit 0
fi
test=$2
name=$(basename "$test")
out=$(mktemp) || exit 1
trap 'rm -f "$out"' EXIT

"$test" >"$out"
code=$?
plan=$(sed -n 's/^1\.\.\([0-9][0-9]*\)$/\1/p' "$out")
good=$(grep -c '^ok ' "$out")
# No other test may print in the middle of this one.
exec 9<"$0"
flock 9
echo "# $name"
cat "$out"
if [ "$code" -ne 0 ] || [ "${plan:-0}" -eq 0 ] || [ "$good" -ne "$plan" ]; then
	echo "# FAILED: $name: $good of ${plan:-?} good, exit status $code"
	exit 1
fi
