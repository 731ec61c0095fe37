#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# vpoolctl monitor with the module: every kind of event. Needs root, the module, four CPUs
# and 32 huge pages. VPOOLCTL is the program, VPOOL_KO the file of the loaded module.

dir=$(mktemp -d) || exit 1
# shellcheck source=/dev/null
. "$(dirname "$0")/tap.sh"

export LC_ALL=C
VPOOLCTL=${VPOOLCTL:-vpoolctl}
tracing=/sys/kernel/tracing
member='' all='' user=''
online=/sys/devices/system/cpu/cpu3/online
status=''

if [ ! -c /dev/vpool/control ]; then
	echo '1..0 # SKIP the module is not loaded'
	exit 0
fi
if [ ! -w "$online" ]; then
	echo '1..0 # SKIP this host has no CPU 3 that can go offline'
	exit 0
fi

page=$(cat /sys/kernel/vpool/default_page_size)
mib=$((page >> 20))

# shellcheck disable=SC2317 # the trap calls it
clean_up()
{
	# shellcheck disable=SC2086 # words
	kill $all $user $member
	echo 1 >"$online"
	"$VPOOLCTL" vm stop --force mon-vm
	"$VPOOLCTL" destroy --force mon-a mon-b mon-vms mon-vms2
	rm -r "$dir"
} >/dev/null 2>&1
trap clean_up EXIT

# watch FILE ARGUMENT...: start a monitor, and wait until it watches. Set pid.
watch()
{
	local file=$1

	shift
	: >"$file"
	"$@" >"$file" 2>"$file.err" &
	pid=$!
	until_event "$file" '*started*'
}

# until_event FILE PATTERN: wait for a line of FILE that matches. Set line.
until_event()
{
	local end=$((SECONDS + 60))

	while [ "$SECONDS" -lt "$end" ]; do
		while read -r line; do
			# shellcheck disable=SC2053 # it is a pattern
			[[ $line == $2 ]] && return 0
		done <"$1"
		sleep 0.1
	done
	line=$(cat "$1" "$1.err")
	return 1
}

# sees NAME PATTERN: check that the monitor that prints JSON reports an event
sees()
{
	if until_event "$dir/json" "$2"; then
		tap_result yes "$1"
	else
		printf '# no event like %s in 60 s:\n%s\n' "$2" "$line" | sed '2,$s/^/#   /'
		tap_result no "$1"
	fi
}

# count PATTERN: print how many lines of the JSON match
count() { grep -c "$1" "$dir/json"; }

# stop PID: stop a monitor. Set status to its exit status.
stop()
{
	kill "$1"
	wait "$1"
	status=$?
}

watch "$dir/json" "$VPOOLCTL" monitor -J -d 0.2
all=$pid
like 'it tells that it watches' "$line" '*"event":"started"*"message":"watching 0 pools and *"*'
watch "$dir/text" "$VPOOLCTL" monitor mon-b
user=$pid

# Pools

try 0 create mon-a --mem "$((4 * mib))M" --cpus 2-3 --split-cores --quiet
sees 'a creation' "*\"event\":\"created\",\"pool\":\"mon-a\",*\"total\":$((4 * page)),\"cpus\":\"2-3\",*"
try 0 resize mon-a --mem "$((6 * mib))M" --quiet
sees 'a resize' "*\"event\":\"resized\",\"pool\":\"mon-a\",*\"total\":$((6 * page)),*"
echo 0 >"$online"
sees 'an offline CPU' '*"event":"degraded","pool":"mon-a",*"effective":"2",*'
echo 1 >"$online"
sees 'an online CPU' '*"event":"recovered","pool":"mon-a",*"effective":"2-3",*'
try 1 create mon-a --mem "${mib}M"
sees 'a refused creation has program, code and reason' \
	"*\"event\":\"refused\",\"pool\":\"mon-a\",*\"call\":\"create\",*\"kind\":\"pool_exists\",\"message\":\"create by vpoolctl, process *: pool 'mon-a' already exists\"*"
refusals=$(count '"refused"')
try 1 create mon-a --mem "${mib}M" --dry-run
sleep 1
is 'a dry run is not a refusal' "$(count '"refused"')" "$refusals"

# Two events of one pool that follow each other at once.
try 0 create mon-b --mem "${mib}M" --quiet
try 0 destroy mon-b
sees 'a short life: creation' '*"event":"created","pool":"mon-b",*'
sees 'a short life: end' '*"event":"destroyed","pool":"mon-b",*'
for _ in 1 2 3 4 5 6 7 8; do
	"$VPOOLCTL" create mon-b --mem "${mib}M" --quiet
	"$VPOOLCTL" destroy mon-b
done
for _ in {1..50}; do
	[ "$(count '"destroyed","pool":"mon-b"')" = 9 ] && break
	sleep 0.2
done
is 'no creation is lost' "$(count '"created","pool":"mon-b"')" 9
is 'no destruction is lost' "$(count '"destroyed","pool":"mon-b"')" 9

# Tasks and memory

"$VPOOLCTL" run mon-a python3 -c '
import os, time
for _ in range(600):
    os.sched_setaffinity(0, {0})
    time.sleep(0.1)' &
member=$!
sees 'an escape names the task' "*\"event\":\"escaped\",\"pool\":\"mon-a\",\"vm\":null,\"pid\":*,*\"message\":\"task * may run on CPUs that are not for it; its mask is 0 now\"*"
like 'the task is the member' "$line" "*\"pid\":$member,*"
kill "$member"
wait "$member" 2>/dev/null
python3 -c '
import mmap, os, sys
mmap.mmap(os.open("/dev/vpool/mon-a", os.O_RDWR), int(sys.argv[1]))' \
	"$((64 * page))" 2>/dev/null
sees 'memory that the pool does not have' '*"event":"out_of_memory","pool":"mon-a",*"count":1,*'
limits=/sys/module/vpool/parameters/max_regions
was=$(cat "$limits")
echo 1 >"$limits"
exec 8<>/dev/vpool/mon-a
(exec 9<>/dev/vpool/mon-a) 2>/dev/null
echo "$was" >"$limits"
exec 8<&-
sees 'a limit' '*"event":"limited","pool":"mon-a",*'
if [ -e /sys/kernel/debug/hwpoison ] || grep -q ' memory_failure$' /proc/kallsyms; then
	python3 -c '
import mmap, os, sys
page = int(sys.argv[1])
with mmap.mmap(os.open("/dev/vpool/mon-a", os.O_RDWR), page) as m:
    m[0] = 1
    m.madvise(100, 0, mmap.PAGESIZE)' "$page"
	sees 'a memory error' '*"event":"memory_error","pool":"mon-a",*"message":"page 0x* of the host, in the pool*"*'
else
	tap_result yes 'a memory error # SKIP the kernel cannot inject memory errors'
fi

# Virtual machines

if command -v "${VPOOL_QEMU:-qemu-system-x86_64}" >/dev/null &&
   [ -r "${VPOOL_KERNEL_IMAGE:-}" ] && [ "$(uname -m)" = x86_64 ]; then
	try 0 create mon-vms --mem 80M --cpus 1 --split-cores --quiet
	try 0 create mon-vms2 --mem 80M --quiet
	try 0 vm start mon-vm --pool mon-vms --mem 64M --accel tcg \
		--kernel "$VPOOL_KERNEL_IMAGE"
	# The monitor may see it before it runs.
	sees 'a machine' '*"event":"vm_started","pool":"mon-vms","vm":"mon-vm",*'
	sees 'a machine that runs' '*"vm":"mon-vm",*"state":"running",*'
	try 0 vm pause mon-vm
	sees 'a paused machine' '*"event":"vm_state","pool":"mon-vms","vm":"mon-vm",*"state":"paused",*'
	try 0 vm resume mon-vm
	sees 'a resumed machine' '*"event":"vm_state",*"vm":"mon-vm",*"state":"running",*'
	try 0 vm stop --force mon-vm
	sees 'the end of a machine' '*"event":"vm_ended","pool":"mon-vms","vm":"mon-vm",*'
	try 0 destroy mon-vms mon-vms2
else
	tap_result yes 'machines # SKIP there is no QEMU or no kernel for a guest'
fi

# The monitor of one pool

stop "$user"
user=''
is 'its exit status' "$status" 0
is 'only events of the pool, as text' "$(sed -E \
	's/^[0-9]{4}-[0-9-]+T[0-9:]+\.[0-9]{3}[+-][0-9:]+ //; s/:.*//' "$dir/text" |
	sort | uniq -c | sed 's/^ *//')" "9 created mon-b
9 destroyed mon-b
1 started"

# The module

try 0 destroy mon-a
sees 'a destruction' '*"event":"destroyed","pool":"mon-a",*'
if [ -n "${VPOOL_KO:-}" ]; then
	is 'the monitor does not keep the module loaded' "$(rmmod vpool 2>&1)" ''
	sees 'the end of the module' '*"event":"module_unloaded",*'
	insmod "$VPOOL_KO"
	sees 'the new module' '*"event":"module_loaded",*'
	refusals=$(count '"refused"')
	"$VPOOLCTL" create mon-c --cpus 500000 2>/dev/null
	sees 'refusals of the new module' '*"event":"refused","pool":"mon-c",*'
else
	tap_result yes 'the module # SKIP VPOOL_KO names no file of the loaded module'
fi

# The end

instance=$tracing/instances/vpoolctl-monitor-$all
is 'it has a trace instance' "$([ -d "$instance" ] && echo yes)" yes
stop "$all"
all=''
is 'a signal ends it with 0' "$status" 0
# shellcheck disable=SC2034 # schema reads it
out=$(cat "$dir/json")
schema monitor
is 'its trace instance is gone' "$([ ! -e "$instance" ] && echo yes)" yes
is 'it prints no error' "$(cat "$dir/json.err" "$dir/text.err")" ''
watch "$dir/killed" "$VPOOLCTL" monitor
kill -KILL "$pid"
wait "$pid" 2>/dev/null
: >"$dir/one"
"$VPOOLCTL" monitor -n 1 -J >"$dir/one" &
all=$!
until_event "$dir/one" '*started*'
is 'the next monitor removes what a killed one left' \
	"$(ls -d "$tracing"/instances/vpoolctl-monitor-* 2>/dev/null)" \
	"$tracing/instances/vpoolctl-monitor-$all"
try 0 create mon-b --mem "${mib}M" --quiet
wait "$all"
is '--events ends it' "$? $(wc -l <"$dir/one")" '0 2'
all=''
is 'lost output ends it with an error' \
	"$(timeout 60 "$VPOOLCTL" monitor 2>&1 >/dev/full; echo "$?")" \
	"vpoolctl: standard output: No space left on device
1"
timeout 60 "$VPOOLCTL" monitor | head -n 1 >/dev/null
is 'it ends with its reader' "${PIPESTATUS[0]}" 0

# A user who may not see refusals

: >"$dir/nobody"
setpriv --reuid 65534 --regid 65534 --clear-groups \
	"$VPOOLCTL" monitor mon-b -d 0.2 >"$dir/nobody" 2>"$dir/nobody.err" &
user=$!
until_event "$dir/nobody" '*started*'
like 'a user is told what is missing' "$line" '*; refused calls are not shown, which needs root and tracefs'
try 1 create mon-b --mem "${mib}M"
try 0 destroy mon-b
until_event "$dir/nobody" '*destroyed mon-b*'
like 'a user sees the pools' "$line" '*destroyed mon-b: the pool was destroyed'
is 'a user sees no refusals' "$(grep -c refused "$dir/nobody")" 1
stop "$user"
user=''
is 'the exit status of the user' "$status" 0

tap_end
