#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What disturbs the CPUs of pools, with the module: the settings that audit shows, the
# commands that end them, and the settings that isolated pools change and restore.
# Needs root, the module, cgroup2 with cpusets and three CPUs; VPOOLCTL is the program.

PATH=$PATH:/usr/sbin:/sbin
dir=$(mktemp -d) || exit 1
# shellcheck source=/dev/null
. "$(dirname "$(readlink -f "$0")")/tap.sh"

export LC_ALL=C
VPOOLCTL=${VPOOLCTL:-vpoolctl}
last=$(sed 's/.*[,-]//' /sys/devices/system/cpu/online)
one=$((last - 1))
rest=0-$((last - 2))
cgroup=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/self/mounts)
run=/run/vpool
workqueue=/sys/devices/virtual/workqueue/cpumask
watchdog=/proc/sys/kernel/watchdog_cpumask
expedited=/sys/kernel/rcu_expedited
fair_server=/sys/kernel/debug/sched/fair_server
irqbalance='' out='' err=''

if [ ! -c /dev/vpool/control ]; then
	echo '1..0 # SKIP the module is not loaded'
	exit 0
fi
if ! grep -qw cpuset "$cgroup/cgroup.controllers"; then
	echo '1..0 # SKIP cgroup2 has no cpuset controller here'
	exit 0
fi
if [ "$last" -lt 3 ]; then
	echo '1..0 # SKIP there are fewer than four CPUs'
	exit 0
fi
if [ ! -w $watchdog ] || ! command -v sysctl >/dev/null; then
	echo '1..0 # SKIP this kernel has no watchdog, or there is no sysctl'
	exit 0
fi

# Everything that an END below can change
[ ! -d /sys/kernel/debug/sched/fair_server ] || mapfile -t fair < <(ls $fair_server/cpu*/runtime)
files=("$workqueue" "$watchdog" "$expedited" /sys/kernel/rcu_normal
	/sys/kernel/mm/transparent_hugepage/enabled /sys/kernel/mm/ksm/run "${fair[@]}"
	/proc/sys/kernel/{numa_balancing,timer_migration,sched_rt_runtime_us,watchdog}
	/proc/sys/vm/compaction_proactiveness)
save()
{
	local file

	for file in "${files[@]}"; do
		[ ! -e "$file" ] || echo "$(sed 's/.*\[\(.*\)\].*/\1/' "$file") $file"
	done
}

restore()
{
	local value file

	while read -r value file; do
		[ "$(cat "$file")" = "$value" ] || echo "$value" >"$file"
	done <"$dir/saved" 2>/dev/null
}

# shellcheck disable=SC2317 # the trap calls it
clean_up()
{
	umount $watchdog 2>/dev/null
	"$VPOOLCTL" destroy --force ga gb >/dev/null 2>&1
	restore
	[ -z "$irqbalance" ] || kill "$irqbalance"
	rm -rf "$dir" $run/settings.bad /run/irqbalance
}
save >"$dir/saved"
trap clean_up EXIT

# cpus FILE: print the CPUs of a mask or list, and whether RCU is expedited
set_of() { python3 -c '
import sys
text = sys.stdin.read().strip()
print(*(i for i in range(64) if int(text.replace(",", ""), 16) >> i & 1))' <"$1"; }
values() { echo "$(set_of $workqueue), $(cat $watchdog), $(cat $expedited)"; }
# settings NAME: print the names of the settings that disturb a pool
settings() { "$VPOOLCTL" audit --settings --noheadings -o ID "$1" | xargs; }
# end_of NAME SETTING: print what ends a setting
end_of() { "$VPOOLCTL" audit --settings --noheadings --raw -o ID,END "$1" |
	sed -n "s/^$2 //p" | sed 's/\\x20/ /g; s/\\x7c/|/g'; }

# Settings, and the commands that end them

echo 1 >$expedited
echo 0 >/sys/kernel/rcu_normal
echo 1 >/sys/kernel/mm/ksm/run
[ ! -e /sys/kernel/mm/transparent_hugepage/enabled ] ||
	echo always >/sys/kernel/mm/transparent_hugepage/enabled
echo "0-$last" >$watchdog
before=$(values)
try 0 create ga --cpus "$one-$last" --split-cores
try 0 audit ga
echo "$out" | grep '^setting' | sed 's/^/# /'
try 0 audit ga -J
schema audit
try 0 audit --settings -J ga
schema audit
for name in nohz_full rcu_nocbs workqueue soft_watchdog thp ksm rcu_expedited rcu_normal; do
	[ $name != thp ] || [ -e /sys/kernel/mm/transparent_hugepage/enabled ] || continue
	like "a plain pool: $name" " $(settings ga) " "* $name *"
done
is 'a user sees the same' "$(setpriv --reuid nobody --regid nogroup --clear-groups \
	"$VPOOLCTL" audit --settings --noheadings -o ID ga | grep -v -e fair_server -e sched_rt | xargs)" \
	"$(settings ga | tr ' ' '\n' | grep -v -e fair_server -e sched_rt | xargs)"
for name in $(settings ga); do
	command=$(end_of ga "$name")
	case $command in
	echo*|sysctl*)
		is "$name: the command runs" "$(eval "$command" 2>&1 >/dev/null)" ''
		is "$name: it is gone" "$(end_of ga "$name")" ''
		;;
	boot\ with\ *|boot\ a\ kernel\ *|restart\ irqbalance*)
		tap_result yes "$name: $command"
		;;
	*)
		is "$name: what ends it" "$command" 'a command'
		;;
	esac
done
"$VPOOLCTL" destroy ga
restore
echo 1 >$expedited
echo "0-$last" >$watchdog
is 'the settings are as before' "$(values)" "$before"

# An isolated pool changes settings, and they come back

try 0 create ga --cpus "$last" --split-cores --isolate --dry-run
is 'a dry run changes nothing' "$(values)" "$before"
try 0 create ga --cpus "$last" --split-cores --isolate
is 'an isolated pool' "$(values)" "$(seq -s ' ' 0 "$one"), 0-$one, 0"
"$VPOOLCTL" audit --settings -o ID,MASK,WHAT,END ga | sed 's/^/# /'
for name in workqueue soft_watchdog nmi_watchdog rcu_expedited; do
	is "an isolated pool has no $name" "$(end_of ga $name)" ''
done
try 0 audit --mend
is 'audit --mend changes nothing' "$(values)" "$(seq -s ' ' 0 "$one"), 0-$one, 0"
try 0 destroy ga
is 'it is destroyed' "$(values)" "$before"
is 'the record is gone' "$(ls $run/settings 2>/dev/null)" ''

# Two pools, in both orders, by resize, by force, without load balancing

two="$(seq -s ' ' 0 $((last - 2))), $rest, 0"
for order in 'ga gb' 'gb ga'; do
	try 0 create ga --cpus "$last" --split-cores --isolate
	try 0 create gb --cpus "$one" --split-cores --isolate=nobalance
	is "two pools, to be destroyed as $order" "$(values)" "$two"
	"$VPOOLCTL" run "${order% *}" -- sleep 1000 &
	sleep 0.5
	try 1 destroy "${order% *}"
	is 'a pool in use keeps its settings' "$(values)" "$two"
	try 0 destroy --force "${order% *}"
	kill $!
	wait $! 2>/dev/null
	left=$last
	[ "$order" != 'gb ga' ] && left=$one
	is "one pool is left" "$(values)" \
		"$(seq 0 "$last" | grep -vx "$left" | xargs), $([ "$left" = "$last" ] &&
			echo 0-"$one" || echo "$rest,$last"), 0"
	try 0 destroy "${order#* }"
	is 'no pool is left' "$(values)" "$before"
done
try 0 create ga --cpus "$last" --split-cores --isolate
try 0 resize ga --cpus "$one-$last" --split-cores
is 'a pool grows' "$(values)" "$two"
try 0 resize ga --cpus "$one" --split-cores
is 'a pool gets other CPUs' "$(values)" \
	"$(seq 0 "$last" | grep -vx "$one" | xargs), $rest,$last, 0"
try 0 destroy ga
is 'a resized pool is destroyed' "$(values)" "$before"

# The administrator changes a value

try 0 create ga --cpus "$last" --split-cores --isolate
echo 0 >$watchdog
try 0 create gb --cpus "$one" --split-cores --isolate
is "the administrator's value stays, the others follow" "$(values)" "${two%%,*}, 0, 0"
like 'audit shows no watchdog' " $(settings gb) " '* nohz_full *'
echo "0-$last" >$watchdog
like 'audit shows a watchdog that the administrator wants' " $(settings gb) " '* soft_watchdog *'
echo 0 >$watchdog
try 0 destroy ga gb
is 'it stays after the last pool' "$(values)" "${before%%,*}, 0, 1"
echo "0-$last" >$watchdog

# A file that cannot be written

cp $watchdog "$dir/watchdog"
mount --bind "$dir/watchdog" $watchdog
mount -o remount,bind,ro $watchdog
try 0 create ga --cpus "$last" --split-cores --isolate
like 'a file that cannot be written is reported' "$err" "*cannot write *$watchdog: *audit NAME*"
like 'the pool has the rest' "$(values)" "$(seq -s ' ' 0 "$one"), 0-$last, 0"
try 0 audit --mend
is 'it is reported once' "$err" ''
like 'audit shows it' " $(settings ga) " '* soft_watchdog *'
umount $watchdog
try 0 audit --mend
is 'it is written as soon as that works' "$(values)" "$(seq -s ' ' 0 "$one"), 0-$one, 0"
try 0 destroy ga
is 'all comes back' "$(values)" "$before"

# Crashes: between the record and the write, and after the last note has gone

try 0 create ga --cpus "$last" --split-cores --isolate
sed -i "s/^workqueue .*/workqueue 0-$last 0-$last 0-$one/; s/^watchdog .*/watchdog 0-$last 0-$last 0-$one/" \
	$run/settings
printf '%x\n' $(((1 << last + 1) - 1)) >$workqueue
try 0 run ga -- true
is 'a crash before a write' "$(values)" "$(seq -s ' ' 0 "$one"), 0-$one, 0"
cp $run/settings "$dir/settings"
try 0 destroy ga
cp "$dir/settings" $run/settings
echo "0-$one" >$watchdog
printf '%x\n' $(((1 << last) - 1)) >$workqueue
echo 0 >$expedited
try 0 audit --mend
is 'a crash before the values came back' "$(values)" "$before"
is 'the record has gone, too' "$(ls $run/settings 2>/dev/null)" ''
echo rubbish >$run/settings
try 0 create ga --cpus "$last" --split-cores --isolate
like 'a damaged record is set aside' "$err" '*settings cannot be parsed*settings.bad*'
try 0 destroy ga
is 'nothing else happens' "$(values)" "$before"

# A pool that vpoolctl does not see end

try 0 create ga --cpus "$last" --split-cores --isolate
built=$(dirname "$(readlink -f "$(command -v "$VPOOLCTL")")")/..
LD_LIBRARY_PATH=$built/lib PYTHONPATH=$built/python python3 -B -c '
import vpool
vpool.open_control().destroy("ga")'
is 'the settings are still changed' "$(values)" "$(seq -s ' ' 0 "$one"), 0-$one, 0"
try 0 audit --mend
is 'a pool that another program destroys' "$(values)" "$before"

# irqbalance

mkdir -p /run/irqbalance
cp "$(readlink -f "$(command -v python3)")" "$dir/irqbalance"
cat >"$dir/irqbalance.py" <<-'END'
	import os, socket
	at = socket.socket(socket.AF_UNIX)
	at.bind(f"/run/irqbalance/irqbalance{os.getpid()}.sock")
	at.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
	at.listen(1)
	banned = 1
	while True:
	    peer = at.accept()[0]
	    words, extra, _, _ = peer.recvmsg(4096, 64)
	    if words == b"setup":
	        peer.send(f"SLEEP 10 IRQ 5 LOAD 0 DIFF 0 CLASS 0 BANNED {banned:08x}".encode())
	    elif extra:
	        banned = 0
	        for part in words.split()[2].decode().split(","):
	            first, _, end = part.partition("-")
	            for cpu in range(int(first), int(end or first) + 1):
	                banned |= 1 << cpu
	    peer.close()
END
"$dir/irqbalance" "$dir/irqbalance.py" &
irqbalance=$!
for _ in {1..100}; do
	[ -S "/run/irqbalance/irqbalance$irqbalance.sock" ] && break
	sleep 0.1
done
try 0 create ga --cpus "$last" --split-cores
is 'irqbalance may use the CPUs of a plain pool' "$(end_of ga irqbalance)" \
	"restart irqbalance with IRQBALANCE_BANNED_CPULIST=0,$last in /etc/default/irqbalance"
try 0 destroy ga
try 0 create ga --cpus "$last" --split-cores --isolate
is 'irqbalance spares those of an isolated pool' "$(end_of ga irqbalance)" ''
try 0 destroy ga
try 0 create ga --cpus "$last" --split-cores
like 'irqbalance is told again' "$(end_of ga irqbalance)" "*=0,$last *"
try 0 destroy ga

try 2 audit ga --settings --mend
try 1 audit --settings ga

tap_end
