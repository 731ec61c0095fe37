#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run the benchmark on little memory, without a reliable clock. Check that it prints all
# figures, that the report accepts them and that its output can be parsed. Print TAP.

here=$(dirname "$(readlink -f "$0")")
build=${OUTPUT:-$(readlink -f "$here/../../build/selftests")}
# shellcheck source=selftests/lib/require.sh
. "$here/../lib/require.sh"
report=$here/report
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
nr=0
failed=0

# result NAME STATUS: print one line of TAP.
result() {
	nr=$((nr + 1))
	if [ "$2" -eq 0 ]; then
		echo "ok $nr - $1"
	else
		failed=1
		echo "not ok $nr - $1"
	fi
}

# Earlier tests may have fragmented memory: make huge pages available.
sync
echo 3 > /proc/sys/vm/drop_caches
echo 1 > /proc/sys/vm/compact_memory

echo TAP version 13
echo 1..6
{
	"$build/vpool_bench" --mib 16 --iterations 1 --calls 3 --pools 1,5 &&
	"$build/vpool_bench" --mib 16 --iterations 1 --calls 3 --files 100 --part files &&
	"$build/vpool_bench" --mib 16 --iterations 1 --part reserve &&
	"$build/vpool_bench" --mib 64 --iterations 1 --part reserve-cpus &&
	"$build/vpool_bench" --mib 1024 --iterations 1 --part gigantic
} > "$tmp/figures"
result "vpool_bench completes" $?
"$here/vm" --mib 32 --iterations 1 >> "$tmp/figures"
result "the start of virtual machines is measured" $?

# A commit or an open may take less than one tick of the clock.
awk -F '\t' '$1 == "figure" && $5 <= 0 && $2 !~ /commit|open/ { bad = 1; print "# " $0 }
	END { exit bad }' "$tmp/figures"
result "no figure is zero" $?

"$report" --json "$tmp/json" --svg "$tmp/svg" < "$tmp/figures" > "$tmp/table"
result "the report finds all figures" $?

python3 - "$tmp/json" "$tmp/svg" << END
import json, sys
import xml.etree.ElementTree as ET
with open(sys.argv[1], encoding="utf-8") as f:
    data = json.load(f)
assert len(data["figures"]) > 60, len(data["figures"])
skipped = {s["what"].startswith("gigantic") for s in data["skipped"]}
missing = {"1 GiB" in g["what"] for g in data["goals"] if g["reached"] is None}
assert missing <= skipped, data["goals"]
assert ET.parse(sys.argv[2]).getroot().tag.endswith("svg")
END
result "JSON and chart can be parsed" $?

grep -v "^figure	first-touch	vpool" "$tmp/figures" |
	"$report" > "$tmp/table" 2> "$tmp/error"
[ $? -eq 1 ] && grep -q "no figure of first-touch of vpool" "$tmp/error"
result "the report fails if a figure is missing" $?
exit "$failed"
