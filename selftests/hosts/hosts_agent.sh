#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Test verbs on several hosts, Prometheus of several hosts, the agent for load balancers under
# load, and a pool that follows its load.

# shellcheck source=selftests/hosts/hosts.sh
. "$(dirname "$(readlink -f "$0")")/hosts.sh"
need_hosts 3
top=$(readlink -f "$here/../..")
prometheus=''

# shellcheck disable=SC2016,SC2317 # the trap calls it, and the hosts expand it
clean_up() {
	control mend host3
	for host in host1 host2; do
		new_ssh "$host" 'kill -- -$(cat /run/exporter.pid)
			vpoolctl destroy --force fleet'
	done
	vpoolctl destroy --force scale
	[ -z "$prometheus" ] || kill "$prometheus"
	rm -rf "$dir" /cluster/exporter
} > /dev/null 2>&1
trap clean_up EXIT

section 'one command for several hosts'

try 0 -H host1,host2 create fleet --mem 64M --cpus 1 --quiet
try 0 -H host1,host2,host3 list
# shellcheck disable=SC2154 # try sets it
is 'one table of the hosts' "$out" \
	'HOST  NAME  STATE  PAGE TOTAL USED FREE CPUS MEMBERS REGIONS
host1 fleet active   2M   64M   0B  64M 1          0       0
host2 fleet active   2M   64M   0B  64M 1          0       0'
try 0 -H host1,host2 vm list
try 1 -H host1,host2 create fleet --mem 64M
# shellcheck disable=SC2154 # try sets it
is 'each host gives its reason' "$(grep -c "^host[12]: vpoolctl: create fleet: " <<< "$err")" 2
is 'a program on each host' "$(vpoolctl -H host1,host2 run fleet -- uname -n)" \
	'host1: host1
host2: host2'

control cut host3
start=$SECONDS
try 1 -H host1,host3,host2,host9 list --noheadings -o NAME
took=$((SECONDS - start))
is 'the rows of the hosts that answer' "$(tr -s ' ' <<< "$out")" 'host1 fleet
host2 fleet'
like 'a host whose link is cut' "$err" '*vpoolctl: list host3: no connection: ssh: connect to host host3 port 22: *'
like 'an unknown host' "$err" '*vpoolctl: list host9: no connection: ssh: Could not resolve hostname host9: *'
is "nothing waits longer than ssh for a connection, $took s" "$((took < 60))" 1
try 1 -J -H host1,host3 list
is 'rows and errors as JSON' "$(python3 -c 'import json, sys
print([pool["host"] for pool in json.loads(sys.argv[1])["pools"]],
      json.loads(sys.argv[2])["error"]["host"])' "$out" "$err")" "['host1'] host3"
control mend host3

section 'Prometheus of two hosts'

PATH=$PATH:${VPOOL_TOOLS:-$HOME/.cache/vpool/tools/usr/bin}
if command -v prometheus > /dev/null && command -v prometheus-node-exporter > /dev/null; then
	mkdir "$dir/prometheus"
	cp "$top"/packaging/prometheus/vpool.rules.yml "$dir/prometheus"
	# The example of the package with these hosts, and without its waiting times.
	sed 's/node1:/host1:/; s/node2:/host2:/; /node3:/d; s/30s/1s/' \
		"$top/packaging/prometheus/prometheus.yml" > "$dir/prometheus/prometheus.yml"
	sed -i 's/for: [0-9]*m/for: 1s/' "$dir/prometheus/vpool.rules.yml"
	cat > /cluster/exporter <<-END
	#!/bin/bash
	mkdir -p /run/figures
	while :; do
		vpoolctl metrics --compact --output /run/figures/vpool.prom || exit
		sleep 1
	done &
	exec $(command -v prometheus-node-exporter) --collector.disable-defaults --collector.textfile \\
		--collector.textfile.directory=/run/figures
	END
	chmod +x /cluster/exporter
	# shellcheck disable=SC2016 # each host expands it
	for host in host1 host2; do
		ssh "$host" 'setsid /cluster/exporter > /dev/null 2>&1 < /dev/null & echo $! > /run/exporter.pid'
	done
	(
		cd "$dir/prometheus" &&
			exec prometheus --web.listen-address=127.0.0.1:9090 --storage.tsdb.path=data \
				--config.file=prometheus.yml > out 2>&1
	) &
	prometheus=$!
	# answer QUERY LABEL: print the label and the value of each result
	answer() {
		python3 -c '
import json, sys, urllib.parse, urllib.request
url = "http://127.0.0.1:9090/api/v1/query?" + urllib.parse.urlencode({"query": sys.argv[1]})
for one in json.load(urllib.request.urlopen(url, timeout=20))["data"]["result"]:
    print(one["metric"].get(sys.argv[2]), one["value"][1])' "$@" 2> /dev/null | sort | xargs
	}
	has_answer() { [ "$(answer "$1" "$2")" = "$3" ]; }
	# answered NAME QUERY LABEL WANTED: wait for an answer, and check it
	answered() {
		eventually 90 has_answer "$2" "$3" "$4"
		is "$1" "$(answer "$2" "$3")" "$4"
	}
	answered 'each host has its pools' 'vpool_memory_size_bytes{pool="fleet"}' host \
		"host1 $((64 << 20)) host2 $((64 << 20))"
	answered 'no alert' 'ALERTS{alertname!~"VpoolCpus.*"}' alertname ''
	try 0 -H host2 resize fleet --cpus 1-2
	answered 'the pool has grown' 'vpool_cpus_effective{pool="fleet"}' host 'host1 1 host2 2'
	# shellcheck disable=SC2016 # host2 expands it
	ssh host2 'kill -- -$(cat /run/exporter.pid)'
	answered 'a host that does not answer has an alert' \
		'ALERTS{alertname="VpoolHostDown",alertstate="firing"}' instance 'host2:9100 1'
	kill "$prometheus"
	wait "$prometheus"
	prometheus=''
	ssh host1 'kill -- -$(cat /run/exporter.pid)'
else
	tap_result yes 'Prometheus # SKIP it is not installed'
fi

section 'hosts that cannot answer'

ssh host2 'mkdir -p /run/away && mv /root/.ssh/authorized_keys /run/away'
try 1 -H host1,host2 list
like 'a host that would ask for a password' "$err" \
	'vpoolctl: list host2: no connection: *Permission denied*'
ssh host2 mv /run/away/authorized_keys /root/.ssh
mv /root/.ssh/known_hosts "$dir"
try 1 -H host2 list
like 'a host with an unknown key' "$err" \
	'vpoolctl: list host2: no connection: *Host key verification failed.*'
cp "$dir/known_hosts" /root/.ssh
ssh host3 rmmod vpool
is 'the module is unloaded' $? 0
try 1 -H host2,host3 list
like 'a host without the module' "$err" 'host3: vpoolctl: list: the vpool module is not loaded*'
like 'the row of the other host' "$out" '*host2 fleet *'
control power-cycle host3
control wait host3

try 0 -H host1,host2 destroy fleet
no_pools_left

section 'a pool that follows its load'

vpoolctl create scale --cpus 1 --quiet
timeout 200 "$top/userspace/examples/vpool-scale" scale 1 2 3 > "$dir/out"
like 'an idle pool keeps its minimum' "$(cat "$dir/out"; vpoolctl list --noheadings -o CPUS)" \
	'scale: CPUs 1 are *% busy
1'
for nr in 1 2; do
	# shellcheck disable=SC2016 # the other shell expands it
	vpoolctl run scale -- sh -c 'echo $$ > "$1"; while :; do :; done' sh "$dir/pid$nr" &
done
eventually 20 test -s "$dir/pid2"
for _ in 1 2; do
	timeout 200 "$top/userspace/examples/vpool-scale" scale 1 2 3 > "$dir/out" 2>&1
	sed 's/^/# /' "$dir/out"
done
is 'a busy pool grows to its maximum' "$(vpoolctl list --noheadings -o CPUS)" 1-2
is 'the agent reports more weight' "$(vpoolctl agent scale)" 'up ready 20%'
kill "$(cat "$dir/pid1")" "$(cat "$dir/pid2")"
wait
timeout 200 "$top/userspace/examples/vpool-scale" scale 1 2 3 > "$dir/out" 2>&1
is 'it shrinks when it is idle' "$(vpoolctl list --noheadings -o CPUS)" 1
try 0 destroy scale

section 'a service behind a load balancer'

VPOOL_DEMO_SECONDS=5 "$top/tools/demo/service" > "$dir/demo" 2>&1
is 'the demonstration succeeds' $? 0
sed 's/^/# /' "$dir/demo"
like 'requests were answered' "$(cat "$dir/demo")" '*requests answered: [1-9]*'
is 'no request is lost' "$(sed -n 's/^requests lost: //p' "$dir/demo")" 0
no_pools_left
tap_end
