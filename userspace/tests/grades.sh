#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Confined and isolated pools with the module: moves of processes between cgroups,
# processes that prevent the destruction of a pool, damaged and read-only state, and
# interrupts.
# Needs root, the module, cgroup2 with cpusets and three CPUs; VPOOLCTL is the program.

dir=$(mktemp -d) || exit 1
# shellcheck source=/dev/null
. "$(dirname "$(readlink -f "$0")")/tap.sh"

export LC_ALL=C
VPOOLCTL=${VPOOLCTL:-vpoolctl}
last=$(sed 's/.*[,-]//' /sys/devices/system/cpu/online)
one=$((last - 1))
cgroup=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/self/mounts)
run=/run/vpool
kids=()
sockets='' out='' err=''

if [ ! -c /dev/vpool/control ]; then
	echo '1..0 # SKIP the module is not loaded'
	exit 0
fi
if ! grep -qw cpuset "$cgroup/cgroup.controllers"; then
	echo '1..0 # SKIP cgroup2 has no cpuset controller here'
	exit 0
fi
if [ "$last" -lt 2 ]; then
	echo '1..0 # SKIP there are fewer than three CPUs'
	exit 0
fi

end_kids()
{
	[ ${#kids[@]} -eq 0 ] || kill -KILL "${kids[@]}" 2>/dev/null
	wait "${kids[@]}" 2>/dev/null
	kids=()
}

# shellcheck disable=SC2317 # the trap calls it
clean_up()
{
	mount -o remount,rw /run 2>/dev/null
	end_kids
	"$VPOOLCTL" destroy --force ga gb >/dev/null 2>&1
	rmdir "$cgroup"/vpool_g[ab].slice/* "$cgroup"/vpool_g[ab].slice \
		"$cgroup/vpool-test" 2>/dev/null
	rm -rf "$dir" "$run"/*.bad "$run"/*.isolated
	[ -z "$sockets" ] || rm -r /run/irqbalance
}
trap clean_up EXIT

# wait_for TEXT COMMAND...: wait up to ten seconds until the command prints the text
wait_for()
{
	local i text=$1

	shift
	for ((i = 0; i < 200; i++)); do
		[ "$("$@")" != "$text" ] || return 0
		sleep 0.05
	done
	return 1
}

cgroup_of() { sed -n 's/^0:://p' "/proc/$1/cgroup"; }
held() { "$VPOOLCTL" ps "$1" --noheadings -o TID,HELD | sed -n "s/^ *$2 *//p"; }
field() { "$VPOOLCTL" list --noheadings --raw -o "NAME,$2" | sed -n "s/^$1 //p"; }
# start CGROUP: start a process in a cgroup; set kid
start()
{
	sleep 1000 &
	kid=$!
	kids+=("$kid")
	echo "$kid" >"$cgroup$1/cgroup.procs"
}

# Grades

try 2 create ga --mem 4M --confine
try 2 create ga --cpus "$last" --confine --isolate
try 2 create ga --cpus "$last" --isolate=half
try 0 create ga --cpus "$one-$last" --split-cores --confine
is 'a pool is confined' "$(field ga GRADE)" confined
is 'the cpuset of a confined pool is not a partition' \
	"$(cat "$cgroup/vpool_ga.slice/cpuset.cpus.partition")" member
"$VPOOLCTL" run ga -- taskset -c 0 true 2>/dev/null
is 'a member cannot leave the cpuset' "$?" 1
try 0 run ga -- taskset -c "0-$last" grep Cpus_allowed_list /proc/self/status
is 'a member that sets its affinity stays on the CPUs' "${out##*[ 	]}" "$one-$last"
start /
try 0 attach ga --pid "$kid"
is 'a process of the root cgroup is moved' "$(cgroup_of "$kid")" /vpool_ga.slice
is 'the cpuset holds the process' "$(held ga "$kid")" cpuset
mkdir "$cgroup/vpool-test"
start /vpool-test
try 0 attach ga --pid "$kid"
is 'a process of another cgroup is not moved' "$(cgroup_of "$kid")" /vpool-test
is 'the module holds the process' "$(held ga "$kid")" module
chmod 755 "$dir"
"$VPOOLCTL" destroy ga --force
try 0 create ga --cpus "$one-$last" --split-cores --confine --owner nobody
kid=$(setpriv --reuid nobody --regid nogroup --clear-groups "$VPOOLCTL" run ga -- \
	sh -c 'sleep 1000 >/dev/null & echo $!')
is "another user's program is held by the module" "$(held ga "$kid")" module
kids+=("$kid")
is 'no member is outside' "$(field ga OUTSIDE)" 0
try 1 destroy ga
try 0 destroy ga --force
is 'destroy removes the cpuset' "$(ls -d "$cgroup/vpool_ga.slice" 2>/dev/null)" ''
end_kids

try 0 create ga --cpus "$last" --split-cores
is 'a pool is plain' "$(field ga GRADE)" plain
start /
try 0 attach ga --pid "$kid"
is 'the affinity holds a member of a plain pool' "$(held ga "$kid")" mask
taskset -cp 0 "$kid" >/dev/null
is 'a member with other CPUs is outside' "$(held ga "$kid")" outside
try 0 show ga
is 'show counts members outside' "$(sed -n 's/^Outside: *//p' <<<"$out")" 1
end_kids
try 0 destroy ga --force

# Deadline tasks on two pools: each pool has a separate bandwidth

deadline=(chrt -d --sched-runtime 1000000 --sched-deadline 10000000
	--sched-period 10000000 0 true)
try 0 create ga --cpus "$one" --split-cores --isolate
try 0 create gb --cpus "$last" --split-cores --isolate=nobalance
is 'an isolated pool has load balancing' \
	"$(cat "$cgroup/vpool_ga.slice/cpuset.cpus.partition")" root
is 'a nobalance pool has no load balancing' "$(cat "$cgroup/vpool_gb.slice/cpuset.cpus.partition")" isolated
is 'list shows the grade nobalance' "$(field gb GRADE)" isolated-nobalance
try 0 destroy gb
try 0 create gb --cpus "$last" --split-cores --isolate
for name in ga gb; do
	try 0 run "$name" -- "${deadline[@]}"
done

# A process with a cgroup is not moved

start /vpool-test
try 1 attach ga --pid "$kid"
is 'a process with a cgroup is refused' "$(cgroup_of "$kid")" /vpool-test
like 'the message names the slice' "$err" '*vpool_ga.slice*Slice=*'
echo $BASHPID >"$cgroup/vpool-test/cgroup.procs"
try 1 run ga -- true
try 0 run --move-cgroup ga -- cat /proc/self/cgroup
is '--move-cgroup moves the program of run' "${out#0::}" /vpool_ga.slice
echo $BASHPID >"$cgroup/cgroup.procs"
try 0 attach ga --pid "$kid" --move-cgroup
is '--move-cgroup moves a process' "$(cgroup_of "$kid")" /vpool_ga.slice
try 0 detach ga --pid "$kid"
is 'detach moves the process out of the slice' "$(cgroup_of "$kid")" /
end_kids

mkdir "$cgroup/vpool_ga.slice/svc"
start /vpool_ga.slice/svc
try 0 attach ga --pid "$kid"
is 'a process in the slice keeps its cgroup' "$(cgroup_of "$kid")" /vpool_ga.slice/svc
try 0 detach ga --pid "$kid"
is 'a detached process keeps its cgroup in the slice' "$(cgroup_of "$kid")" /vpool_ga.slice/svc
like 'detach reports the process in the slice' "$err" '*keeps it on the pool*'
echo +memory >"$cgroup/cgroup.subtree_control"
echo +memory >"$cgroup/vpool_ga.slice/cgroup.subtree_control"
try 0 run ga -- cat /proc/self/cgroup
is 'a member joins a slice with services' "${out#0::}" /vpool_ga.slice/members
try 1 destroy ga
like 'a process in the slice prevents destroy' "$err" "*process $kid (sleep) is in *"
is 'the pool still exists' "$(field ga GRADE)" isolated
try 0 destroy ga --force
is 'force does not kill processes' "$(cgroup_of "$kid")" /vpool_ga.slice/svc
end_kids
wait_for 'populated 0' sed -n 1p "$cgroup/vpool_ga.slice/cgroup.events"
rmdir "$cgroup/vpool_ga.slice/svc" "$cgroup/vpool_ga.slice" "$cgroup/vpool-test"
echo -memory >"$cgroup/cgroup.subtree_control"

# State that cannot be parsed is renamed, and no command fails

for name in Web control 0123456789.123456789-123456789_ab 'a b'; do
	try 1 create "$name" --cpus "$one" --split-cores --isolate
	is 'a refused name leaves no file' "$(ls "$run/$name"* 2>/dev/null)" ''
done
try 0 create ga --cpus "$one" --split-cores
echo rubbish >"$run/Web.isolated"
echo rubbish >"$run/gone.isolated"
echo rubbish >"$run/gb.isolated"
echo 'grade plain' >"$run/c.isolated"
mkdir "$run/d.isolated"
try 0 run ga -- true
like 'a renamed file is reported' "$err" '*gone.isolated cannot be parsed*'
is 'all invalid files are renamed' "$(cd "$run" && echo *.bad)" \
	'Web.isolated.bad c.isolated.bad d.isolated.bad gb.isolated.bad gone.isolated.bad'
try 0 run ga -- true
is 'an invalid note is reported once' "$err" ''
is 'the note of an existing pool is restored' "$(head -n 1 "$run/gb.isolated")" \
	'grade isolated'
echo rubbish >"$run/gb.baseline"
try 0 audit gb --noheadings -o SINCE
like 'an invalid baseline is reported' "$err" '*gb.baseline cannot be parsed*'
try 0 audit gb
is 'an invalid baseline is reported once' "$err" ''

# On a read-only state directory, only commands that write state fail.

mount -o remount,ro /run
try 0 run ga -- true
try 0 destroy ga
try 0 destroy gb
is 'destroy removes the partition' "$(ls -d "$cgroup/vpool_gb.slice" 2>/dev/null)" ''
try 1 create ga --cpus "$one" --split-cores --isolate
is 'no pool is created without its grade' "$(field ga GRADE)" ''
mount -o remount,rw /run
try 0 audit --mend
is 'the note is removed later' "$(ls "$run"/*.isolated 2>/dev/null)" ''

# Interrupts that are requested later, and irqbalance

mkdir -p /run/irqbalance && sockets=yes
cat >"$dir/irqbalance.py" <<-'END'
	import os, socket, sys
	at = socket.socket(socket.AF_UNIX)
	at.bind("/run/irqbalance/irqbalance1.sock")
	at.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
	at.listen(1)
	while True:
	    peer = at.accept()[0]
	    words, extra, _, _ = peer.recvmsg(4096, 64)
	    if words == b"setup":
	        peer.send(b"SLEEP 10 IRQ 5 LOAD 0 DIFF 0 CLASS 0 BANNED 00000000,00000001")
	    elif extra:
	        print(words.decode(), flush=True)
	    peer.close()
END
python3 "$dir/irqbalance.py" >"$dir/told" &
kids+=($!)
wait_for irqbalance1.sock ls /run/irqbalance
before=$(cat /proc/irq/default_smp_affinity)
shown=$(cat /sys/devices/system/cpu/isolated)
try 0 create ga --cpus "$last" --split-cores --isolate
like 'new interrupts avoid the CPUs' "$((0x$(tr -d , </proc/irq/default_smp_affinity) >> last & 1))" 0
is 'irqbalance can read the CPUs' "$(cat /sys/devices/system/cpu/isolated)" \
	"${shown:+$shown,}$last"
is 'a running irqbalance gets the CPUs' "$(cat "$dir/told")" "settings cpus 0,$last"
try 0 audit --mend
is 'audit --mend keeps the list of CPUs' "$(cat /sys/devices/system/cpu/isolated)" \
	"${shown:+$shown,}$last"
for irq in /proc/irq/[0-9]*/smp_affinity_list; do
	cpus=$(cat "$irq")
	echo "$last" >"$irq" && break
done 2>/dev/null
if [ "$(cat "$irq")" = "$last" ]; then
	try 0 audit ga
	is 'audit moves an interrupt off the CPUs again' \
		"$([ "$(cat "$irq")" = "$last" ] && echo there)" ''
	echo "$cpus" >"$irq"
fi
try 0 destroy ga
is 'the default affinity of interrupts is restored' "$(cat /proc/irq/default_smp_affinity)" "$before"
is 'the list of isolated CPUs is restored' "$(cat /sys/devices/system/cpu/isolated)" "$shown"
is 'irqbalance gets its former list' "$(tail -n 1 "$dir/told")" 'settings cpus 0'

tap_end
