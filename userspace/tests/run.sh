#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Run test programs and print their TAP. Fail if a program fails, ends early, or plans
# no tests.

status=0
out=$(mktemp) || exit 1
trap 'rm -f "$out"' EXIT

for test in "$@"; do
	echo "# $(basename "$test")"
	"$test" >"$out"
	code=$?
	cat "$out"
	plan=$(sed -n 's/^1\.\.\([0-9][0-9]*\)$/\1/p' "$out")
	good=$(grep -c '^ok ' "$out")
	if [ "$code" -ne 0 ] || [ "${plan:-0}" -eq 0 ] ||
	   [ "$good" -ne "$plan" ]; then
		echo "# FAILED: $(basename "$test"): $good of ${plan:-?} good," \
			"exit status $code"
		status=1
	fi
done
exit $status
