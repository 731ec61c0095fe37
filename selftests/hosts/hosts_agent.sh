#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Test verbs on several hosts, the agent for load balancers under load, and a pool that
# follows its load.

# shellcheck source=selftests/hosts/hosts.sh
. "$(dirname "$(readlink -f "$0")")/hosts.sh"
need_hosts 3
top=$(readlink -f "$here/../..")

# shellcheck disable=SC2317 # the trap calls it
clean_up() {
	control mend host3
	for host in host1 host2; do
		new_ssh "$host" vpoolctl destroy --force fleet
	done
	vpoolctl destroy --force scale
	rm -rf "$dir"
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
"$top/userspace/examples/vpool-scale" scale 1 2 3 > "$dir/out"
like 'an idle pool keeps its minimum' "$(cat "$dir/out"; vpoolctl list --noheadings -o CPUS)" \
	'scale: CPUs 1 are *% busy
1'
for nr in 1 2; do
	# shellcheck disable=SC2016 # the other shell expands it
	vpoolctl run scale -- sh -c 'echo $$ > "$1"; while :; do :; done' sh "$dir/pid$nr" &
done
eventually 20 test -s "$dir/pid2"
for _ in 1 2; do
	"$top/userspace/examples/vpool-scale" scale 1 2 3 > "$dir/out" 2>&1
	sed 's/^/# /' "$dir/out"
done
is 'a busy pool grows to its maximum' "$(vpoolctl list --noheadings -o CPUS)" 1-2
is 'the agent reports more weight' "$(vpoolctl agent scale)" 'up ready 20%'
kill "$(cat "$dir/pid1")" "$(cat "$dir/pid2")"
wait
"$top/userspace/examples/vpool-scale" scale 1 2 3 > "$dir/out" 2>&1
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
