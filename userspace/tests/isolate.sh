#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Isolation, attach, detach, kill and audit with the module. Needs root, the module,
# tracefs and three CPUs. VPOOLCTL is the program; VPOOL_ISOLATE_SECONDS is the duration
# of each measurement.

dir=$(mktemp -d) || exit 1
# shellcheck source=/dev/null
. "$(dirname "$(readlink -f "$0")")/tap.sh"

export LC_ALL=C
VPOOLCTL=${VPOOLCTL:-vpoolctl}
each=${VPOOL_ISOLATE_SECONDS:-5}
cpu=$(sed 's/.*[,-]//' /sys/devices/system/cpu/online)
tracing=/sys/kernel/tracing
cgroup=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/self/mounts)
part=$cgroup/vpool_iso.slice
out='' err=''
load=''

if [ ! -c /dev/vpool/control ]; then
	printf '%s\n' 1..1 'ok 1 # SKIP the module is not loaded'
	exit 0
fi
if ! grep -qw cpuset "$cgroup/cgroup.controllers"; then
	printf '%s\n' 1..1 'ok 1 # SKIP cgroup2 has no cpuset controller here'
	exit 0
fi
if ! command -v stress-ng >/dev/null; then
	printf '%s\n' 1..1 'ok 1 # SKIP there is no stress-ng to make a load'
	exit 0
fi

stop_load()
{
	[ -z "$load" ] || kill -INT "$load"
	wait "$load" 2>/dev/null
	load=''
}

# shellcheck disable=SC2317 # the trap calls it
clean_up()
{
	stop_load
	"$VPOOLCTL" destroy --force iso >/dev/null 2>&1
	rm -r "$dir"
}
trap clean_up EXIT

start_load()
{
	stress-ng --quiet --cpu 0 --fork 4 --temp-path "$dir" &
	load=$!
}

affinities()
{
	grep -s . /proc/irq/[0-9]*/smp_affinity_list
}

# Enable the event on an idle host: an emulator can fail when the code of the scheduler
# changes while another CPU executes it.
trace_switches()
{
	echo 0 >$tracing/tracing_on
	all_cpus=$(cat $tracing/tracing_cpumask)
	room=$(cat $tracing/buffer_size_kb)
	printf '%x\n' $((1 << cpu)) >$tracing/tracing_cpumask
	echo 8192 >$tracing/buffer_size_kb
	echo 1 >$tracing/events/sched/sched_switch/enable
}

trace_no_switches()
{
	echo 0 >$tracing/events/sched/sched_switch/enable
	echo >$tracing/trace
	echo "$all_cpus" >$tracing/tracing_cpumask
	echo "${room%% *}" >$tracing/buffer_size_kb
	echo 1 >$tracing/tracing_on
}

# Count switches on the CPU to user tasks that are not named "mine". Kernel threads are
# the children of kthreadd, process 2.
foreign_switches()
{
	echo >$tracing/trace
	echo 1 >$tracing/tracing_on
	sleep "$each"
	echo 0 >$tracing/tracing_on
	cat /proc/[0-9]*/stat 2>/dev/null |
		sed -n 's/^\([0-9]*\) (.*) [A-Z] [02] 0 0 .*/\1/p' >"$dir/kthreads"
	grep -o 'next_comm=.* next_pid=[0-9]*' $tracing/trace >"$dir/switches"
	awk -v list="$dir/kthreads" '
		BEGIN { while ((getline pid < list) > 0) kthread[pid] = 1 }
		/next_comm=(mine|kworker\/)/ { next }
		{ pid = $NF; sub(/.*=/, "", pid) }
		pid != 0 && !(pid in kthread) { nr++ }
		END { print nr + 0 }' "$dir/switches"
}

cp "$(command -v bash)" "$dir/mine"
before=$(affinities)
mask=$(taskset -cp $$ | sed 's/.*: //')

# With taskset alone
trace_switches
start_load
taskset -c "$cpu" "$dir/mine" -c 'while :; do :; done' &
spinner=$!
for _ in {1..10}; do
	bare=$(foreign_switches)
	[ "$bare" -le 20 ] || break
done
kill -KILL "$spinner"
wait "$spinner" 2>/dev/null
stop_load
echo "# taskset alone: $bare switches to foreign user tasks in $each s"
is 'with taskset alone, other tasks run on the CPU' "$((bare > 20))" 1

try 2 create iso --mem 4M --isolate
try 0 create iso --cpus "$cpu" --split-cores --isolate --dry-run
is 'a dry run creates no partition' "$([ -e "$part" ] && echo there)" ''
try 0 create iso --cpus "$cpu" --split-cores --isolate
is 'the cpuset is a partition' "$(cat "$part/cpuset.cpus.partition")" root
is 'the partition has the CPU' "$(cat "$part/cpuset.cpus.effective")" "$cpu"
moved=$(diff <(echo "$before") <(affinities) | grep -c '^>')
echo "# $moved of $(echo "$before" | wc -l) interrupts moved"
is 'interrupts are moved' "$((moved > 0))" 1

start_load
"$VPOOLCTL" run iso -- "$dir/mine" -c 'while :; do :; done' &
spinner=$!
for _ in {1..100}; do
	grep -sqx mine "/proc/$spinner/comm" && break
	sleep 0.2
done
like 'a member is in the cgroup of the pool' " $(tr '\n' ' ' <"$part/cgroup.procs")" \
	"* $spinner *"
isolated=$(foreign_switches)
own=$(grep -c next_comm=mine "$dir/switches")
ticks=$(awk '{ print $14 + $15 }' "/proc/$spinner/stat")
echo "# isolated: $isolated switches to foreign user tasks in $each s," \
	"$own to the member, which ran $ticks ticks"
is 'no other task runs on the CPU' "$isolated" 0
is 'the member runs on the CPU' "$((ticks > 100 * each / 4))" 1
stop_load
trace_no_switches

sleep infinity &
guest=$!
try 0 attach iso --pid $guest
like 'an attached process has the CPU' "$(taskset -cp $guest)" "*: $cpu"
like 'an attached process is in the cgroup of the pool' "$(cat /proc/$guest/cgroup)" '*vpool_iso.slice*'
try 0 detach iso --pid $guest
is 'a detached process gets its affinity back' "$(taskset -cp $guest | sed 's/.*: //')" \
	"$(cat "$cgroup/cpuset.cpus.effective")"
like 'a detached process is not in the cgroup of the pool' "$(cat /proc/$guest/cgroup)" '0::/'
try 1 detach iso --pid $guest
like 'a process that is not a member cannot be detached' "$err" '*is not a member of pool*'
try 2 attach iso
try 2 attach iso --pid 0
try 1 attach iso --pid 2
try 0 audit iso --noheadings -o KIND,ID,RAN,COUNT
echo "$out" | head -20 | sed 's/^/# audit: /'
try 0 audit iso -J
schema audit
try 0 audit iso --noheadings -o KIND,ID,RAN,COUNT
is 'audit lists no user task' "$(echo "$out" | grep -c '^task')" 0
like 'audit lists the tick' "$out" '*tick*LOC*'
try 0 attach iso --tid $guest
try 0 kill iso -s KILL
wait "$guest" "$spinner" 2>/dev/null
try 0 ps iso --noheadings
is 'kill leaves no member' "$out" ''
try 2 kill iso -s NOSUCH

# Simulate an interrupted vpoolctl: the next call repairs the partition.
echo member >"$part/cpuset.cpus.partition"
try 0 run iso true
is 'the partition is repaired' "$(cat "$part/cpuset.cpus.partition")" root
try 0 destroy iso
is 'destroy removes the partition' "$([ -e "$part" ] && echo there)" ''
is 'destroy restores the interrupts' "$(affinities)" "$before"
is 'destroy removes the note' "$(ls /run/vpool/iso.isolated 2>/dev/null)" ''
is 'the shell has its former affinity' "$(taskset -cp $$ | sed 's/.*: //')" "$mask"

tap_end
