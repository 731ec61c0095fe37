#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Metrics for many hosts, and the alerts and the dashboard that use them, with a directory
# that simulates sysfs. VPOOLCTL is the program.

# tools/setup unpacks programs here that are not installed.
PATH=$PATH:${VPOOL_TOOLS:-$HOME/.cache/vpool/tools/usr/bin}
dir=$(mktemp -d) || exit 1
trap 'rm -r "$dir"' EXIT
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=/dev/null
. "$here/tap.sh"
# shellcheck source=userspace/tests/sysfs.sh
. "$here/sysfs.sh"

export LC_ALL=C
export VPOOL_DEV_DIR="$dir/dev"
export VPOOL_SYSFS_DIR="$dir/sys"
packaging=$(cd "$here/../../packaging" && pwd)
cp "$packaging"/prometheus/* "$packaging/grafana/vpool.json" "$dir"
cd "$dir" || exit 1

# pool NAME: create the files of a pool
pool()
{
	sysfs_pool "sys/pools/$1" 0 memory/total_bytes created_ns stat/allocs \
		stat/alloc_failures stat/attaches stat/escapes stat/faults_base \
		stat/faults_huge stat/frees stat/limited stat/mapped_around stat/scrubbed_bytes
	mkdir "sys/pools/$1/memory/node1"
}

mkdir sys
echo 7 >sys/abi_version
pool web
pool db
"$VPOOLCTL" metrics >full
is 'metrics: exit status' $? 0
"$VPOOLCTL" metrics --compact >compact
is 'metrics --compact: exit status' $? 0
is 'a pool has 8 samples' "$(grep -c 'pool="web"' compact)" 8
is 'a host has two more' "$(grep -vc '^#\|pool=' compact)" 2
is 'the full form has the same samples' \
	"$(sed 's/ [0-9.]*$//' compact | grep -vxFf <(sed 's/ [0-9.]*$//' full))" ''
like 'and many more' "$(grep -c 'pool="web"' full)" '3[0-9]'
is 'metrics --compact' "$(grep -o '^vpool_[^ ]*"web"} 0$' compact; grep -c seconds_total compact)" \
	'vpool_memory_size_bytes{pool="web"} 0
vpool_memory_used_bytes{pool="web"} 0
vpool_memory_poisoned_bytes{pool="web"} 0
vpool_alloc_failures_total{pool="web"} 0
vpool_escapes_total{pool="web"} 0
4'

# names FILE: print the metrics of pools that a file uses. No other word begins so.
names() { grep -oE '\bvpool_[a-z_]+' "$1" | sort -u; }

grep -o '^vpool_[a-z_]*' compact | sort -u >known
for file in vpool.rules.yml vpool.test.yml vpool.json; do
	is "$file uses compact metrics only" "$(names $file | grep -vxFf known)" ''
	like "$file uses several" "$(names $file | wc -l)" '[6-9]'
done
alerts=$(sed -n 's/^ *- alert: //p' vpool.rules.yml)
like 'there are alerts' "$(wc -w <<<"$alerts")" '1[0-9]'
for alert in $alerts; do
	tests=$(sed -n "/^  - name: $alert\$/,/^  - name:/p" vpool.test.yml)
	like "a test lets $alert fire" "$tests" "*alertname: $alert*exp_labels*"
	like "a test lets $alert be silent" "$tests" "*alertname: $alert*exp_alerts: \[\]*"
done

# Each query of the dashboard, as a rule, with all hosts and pools.
python3 - >queries.yml <<'END'
import json
board = json.load(open("vpool.json"))
targets = [target for panel in board["panels"] for target in panel["targets"]]
variables = {v["name"] for v in board["templating"]["list"]}
assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
assert {"host", "pool"} <= variables
print("groups:\n  - name: queries\n    rules:")
for nr, target in enumerate(targets):
    expr = target["expr"].replace("$host", ".*").replace("$pool", ".*")
    assert "$" not in expr
    print(f"      - record: query{nr}\n        expr: {json.dumps(expr)}")
END
is 'the dashboard is complete' $? 0
like 'it has queries' "$(grep -c record queries.yml)" '1[0-9]'

if command -v promtool >/dev/null; then
	is 'promtool accepts the alerts' "$(promtool check rules vpool.rules.yml 2>&1 |
		grep -c 'SUCCESS: 10 rules')" 1
	is 'promtool accepts the example of a configuration' \
		"$(promtool check config prometheus.yml 2>&1 | grep -c 'prometheus.yml is valid')" 1
	is 'promtool accepts the queries of the dashboard' \
		"$(promtool check rules queries.yml 2>&1 | grep -o 'SUCCESS\|FAILED')" SUCCESS
	promtool test rules vpool.test.yml >out 2>&1
	is 'the alerts pass their tests' $? 0
	[ ! -s out ] || sed 's/^/# /' out
	# Each alert with another limit or labels must fail.
	for change in 's/== 0/== 2/' 's/> 120/> 1200/' 's/offset 10m/offset 1m/' \
		's/poisoned_bytes > 0/poisoned_bytes > 4e6/' 's/> 0.95/> 0.97/' \
		's/alloc_failures_total\[10m\]/alloc_failures_total[1h]/' \
		's/effective < vpool/effective <= vpool/' \
		's/escapes_total\[10m\]/escapes_total[1h]/' 's/> 0.8/> 0.95/' \
		's/effective > 1/effective > 0/'; do
		sed "$change" "$packaging/prometheus/vpool.rules.yml" >vpool.rules.yml
		promtool test rules vpool.test.yml >/dev/null 2>&1
		is "the tests notice $change" $? 1
	done
else
	tap_result yes 'promtool # SKIP prometheus is not installed'
fi

tap_end
