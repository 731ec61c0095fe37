#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The real irqbalance beside isolated pools: it leaves their CPUs alone, however it was started,
# and uses them again when they are gone. Needs root, the module, cgroup2 with cpusets and four
# CPUs.
#
# VPOOLCTL is the program. VPOOL_TOOLS is the directory of programs that are not installed.

PATH=$PATH:/usr/sbin:/sbin:${VPOOL_TOOLS:+$VPOOL_TOOLS/../sbin}
here=$(dirname "$(readlink -f "$0")")
dir=$(mktemp -d) || exit 1
# shellcheck source=/dev/null
. "$here/tap.sh"

export LC_ALL=C
VPOOLCTL=${VPOOLCTL:-vpoolctl}
# shellcheck disable=SC2034 # try sets err
out='' err=''
daemons=()
cgroup=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/self/mounts)
isolated=/sys/devices/system/cpu/isolated

skip()
{
	echo "1..0 # SKIP $1"
	exit 0
}

[ -c /dev/vpool/control ] || skip 'the module is not loaded'
grep -qw cpuset "$cgroup/cgroup.controllers" || skip 'cgroup2 has no cpuset controller here'
command -v irqbalance >/dev/null || skip 'irqbalance is not installed'
pidof irqbalance >/dev/null && skip 'the irqbalance of this host runs'
[ "$(nproc --all)" -ge 4 ] || skip 'fewer than four CPUs'

# shellcheck disable=SC2317 # the trap calls it
clean_up()
{
	kill "${daemons[@]}"
	"$VPOOLCTL" destroy --force bal one
	rm -r "$dir"
} >/dev/null 2>&1
trap clean_up EXIT

# Start an irqbalance that looks every second. Set pid.
start()
{
	mkdir -p /run/irqbalance
	env "$@" irqbalance --foreground --interval 1 >"$dir/log" 2>&1 &
	pid=$!
	daemons+=("$pid")
	for _ in {1..200}; do
		[ -S "/run/irqbalance/irqbalance$pid.sock" ] && break
		sleep 0.1
	done
	# It answers after its first look.
	until_banned "$pid" '*' >/dev/null
}

stop()
{
	kill "$1"
	wait "$1"
}

# ask PID: print the mask of the CPUs that an irqbalance spares
ask()
{
	python3 - "/run/irqbalance/irqbalance$1.sock" <<-'END'
		import re, socket, sys
		at = socket.socket(socket.AF_UNIX)
		at.settimeout(10)
		at.connect(sys.argv[1])
		at.send(b"setup")
		mask = re.search(r"BANNED ([0-9a-f,]+)", at.recv(65536).decode())[1]
		print(f"{int(mask.replace(',', ''), 16):x}")
	END
}

# until_banned PID MASK: wait until an irqbalance spares these CPUs, and print what it spares
until_banned()
{
	local got=''

	for _ in {1..20}; do
		got=$(ask "$1" 2>"$dir/ask")
		# shellcheck disable=SC2053 # it can be a pattern
		[ -n "$got" ] && [[ $got == $2 ]] && break
		sleep 0.5
	done
	echo "$got"
}

# move_there: let all interrupts that can go to CPU 3. Print how many went.
move_there()
{
	local irq moved=0

	for irq in /proc/irq/[0-9]*; do
		echo 3 >"$irq/smp_affinity_list" && moved=$((moved + 1))
	done 2>/dev/null
	echo "$moved"
}

# Print how many interrupts may run on CPU 3 and on no other.
only_there() { grep -lx 3 /proc/irq/[0-9]*/smp_affinity_list | wc -l; }

start
is 'a host without pools: irqbalance spares nothing' "$(until_banned "$pid" 0)" 0
old=$pid
try 0 create bal --cpus 3 --split-cores --isolate
is 'a running one is told' "$(until_banned "$old" 8)" 8
is 'audit finds nothing to do' "$("$VPOOLCTL" audit --settings --noheadings -o ID bal |
	grep -c irqbalance)" 0

# One that starts later reads the file. It has no line in the state of vpoolctl.

stop "$old"
start
late=$pid
is 'one that starts later spares the CPUs, too' "$(until_banned "$late" 8)" 8
try 0 audit --mend
try 0 create one --cpus 2 --split-cores --isolate
is 'it is told of the next pool' "$(until_banned "$late" c)" c
try 0 destroy one
is 'and of its end' "$(until_banned "$late" 8)" 8
try 0 destroy bal
is 'the list of isolated CPUs is restored' "$(cat $isolated)" ''
is 'it uses the CPUs again' "$(until_banned "$late" 0)" 0

try 0 create bal --cpus 3 --split-cores --isolate
stop "$late"
start
late=$pid
is 'another one starts' "$(until_banned "$late" 8)" 8
try 0 destroy bal
is 'it uses the CPU, though no command was between' "$(until_banned "$late" 0)" 0
stop "$late"

# The list of the administrator stays.

try 0 create bal --cpus 3 --split-cores --isolate
start IRQBALANCE_BANNED_CPULIST=2-3
own=$pid
is 'a list in the environment counts alone' "$(until_banned "$own" c)" c
try 0 destroy bal
is 'it stays when the pool is gone' "$(until_banned "$own" c)" c
try 0 create bal --cpus 1 --split-cores --isolate
is 'the pool is added to it' "$(until_banned "$own" e)" e
try 0 destroy bal
is 'and removed again' "$(until_banned "$own" c)" c
stop "$own"

# What it does with interrupts

try 0 create bal --cpus 3 --split-cores --isolate
start
moved=$(move_there)
echo "# $moved interrupts can be moved"
[ "$moved" -gt 0 ] && [ "$(only_there)" -gt 0 ]
is 'interrupts are on the CPU of the pool' "$?" 0
try 0 audit --mend
is 'audit --mend moves them away' "$(only_there)" 0
sleep 5
is 'irqbalance does not bring them back' "$(only_there)" 0
stop "$pid"
try 0 destroy bal

tap_end
