#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A host that was booted with the parameters of the guide for real-time programs: an isolated
# pool on the CPUs that have them, which audit reports clean, the tick that stops there, and a
# pool on another CPU. Needs root, the module, cgroup2 with cpusets, four CPUs of which CPU 1
# has no such parameters, and a boot with
#
#	nohz_full=2-3 rcu_nocbs=2-3 isolcpus=managed_irq,2-3
#
# VPOOLCTL is the program. An NVMe disk is used, if there is one.

PATH=$PATH:/usr/sbin:/sbin
dir=$(mktemp -d) || exit 1
# shellcheck source=/dev/null
. "$(dirname "$(readlink -f "$0")")/tap.sh"

export LC_ALL=C
VPOOLCTL=${VPOOLCTL:-vpoolctl}
full=2-3
seconds=5
cgroup=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/self/mounts)
tick=$(getconf CLK_TCK)
# shellcheck disable=SC2034 # try sets err
out='' err='' spinner=''
files=(/sys/devices/virtual/workqueue/cpumask /proc/sys/kernel/watchdog_cpumask
	/sys/kernel/rcu_expedited)

skip()
{
	echo "1..0 # SKIP $1"
	exit 0
}

[ -c /dev/vpool/control ] || skip 'the module is not loaded'
grep -qw cpuset "$cgroup/cgroup.controllers" || skip 'cgroup2 has no cpuset controller here'
[ "$(cat /sys/devices/system/cpu/nohz_full 2>/dev/null)" = $full ] ||
	skip "this host was not booted with nohz_full=$full"

# shellcheck disable=SC2317 # the trap calls it
clean_up()
{
	[ -z "$spinner" ] || kill "$spinner"
	"$VPOOLCTL" destroy --force full other >/dev/null 2>&1
	rm -r "$dir"
}
trap clean_up EXIT

settings() { "$VPOOLCTL" audit --settings --noheadings -o ID "$1" | xargs; }
# about NAME SETTING COLUMN: print a column of a setting
about() { "$VPOOLCTL" audit --settings --noheadings --raw -o "ID,$3" "$1" |
	sed -n "s/^$2 //p" | sed 's/\\x20/ /g; s/\\x7c/|/g'; }
values() { cat "${files[@]}" 2>/dev/null | xargs; }
# audited NAME KIND: print the sum of the counts of a kind of finding
audited() { "$VPOOLCTL" audit --noheadings --raw -o KIND,COUNT "$1" |
	awk -v kind="$2" '$1 == kind { sum += $2 } END { print sum + 0 }'; }
# spin NAME CPU: start a member that is busy on the CPU, and wait until it runs
spin()
{
	"$VPOOLCTL" run --cpu "$2" "$1" -- sh -c 'while :; do :; done' &
	spinner=$!
	sleep 2
}
# ticks NAME CPU: set count to the ticks on the CPU in the seconds of a measurement, as
# audit counts them, while a member is busy there
ticks()
{
	local first used

	spin "$1" "$2"
	used=$(awk '{ print $14 + $15 }' "/proc/$spinner/stat")
	first=$(audited "$1" tick)
	sleep $seconds
	count=$(($(audited "$1" tick) - first))
	used=$(($(awk '{ print $14 + $15 }' "/proc/$spinner/stat") - used))
	kill "$spinner"
	wait "$spinner" 2>/dev/null
	spinner=''
	echo "# CPU $2: $count ticks while a member ran $used/$tick s"
	is "a member is busy on CPU $2" "$((used > seconds * tick / 4))" 1
}

modprobe nvme 2>/dev/null
for _ in {1..100}; do
	grep -qs 'nvme[0-9]*q1' /proc/interrupts && break
	[ -e /sys/bus/pci/drivers/nvme/0000:00:12.0 ] || break
	sleep 0.1
done
before=$(values)

# Linux 6.12 warns (in task_non_contending) if this is written for a CPU of a partition.
try 0 create full --cpus 3 --split-cores
command=$(about full fair_server END)
[ -z "$command" ] || eval "$command" >/dev/null
try 0 destroy full

try 0 create full --cpus 3 --split-cores --isolate
is 'the CPU is a partition' "$(cat "$cgroup/vpool_full.slice/cpuset.cpus.partition")" root
try 0 create other --cpus 1 --split-cores
try 0 audit full
printf '%s\n' "$out" | sed 's/^/# /'
for name in nohz_full rcu_nocbs managed_irq workqueue soft_watchdog nmi_watchdog rcu_expedited; do
	is "CPUs with the parameters: no $name" "$(about full $name END)" ''
done

# A CPU that the parameters lack

is 'a CPU without them: nohz_full' "$(about other nohz_full MASK), $(about other nohz_full END)" \
	'1, boot with nohz_full=1-3'
is 'a CPU without them: rcu_nocbs' "$(about other rcu_nocbs MASK), $(about other rcu_nocbs END)" \
	'1, boot with rcu_nocbs=1-3'
if grep -qs 'nvme[0-9]*q1' /proc/interrupts; then
	grep nvme /proc/interrupts | sed 's/^/# /'
	like 'a CPU without them: managed_irq' \
		"$(about other managed_irq MASK), $(about other managed_irq WHAT), $(about other managed_irq END)" \
		'1, *(nvme*q*), boot with isolcpus=managed_irq,1-3'
else
	tap_result yes 'managed_irq # SKIP there is no NVMe disk here'
fi

# The tick

ticks other 1
is 'the tick goes on beside them' "$((count > 50 * seconds))" 1
ticks full 3
is 'the tick stops' "$((count < 10 * seconds))" 1

# Nothing that disturbs is left after the commands have run

for name in $(settings full); do
	command=$(about full "$name" END)
	case $command in
	echo*|sysctl*) eval "$command" >/dev/null ;;
	esac
	is "$name: it is gone" "$(about full "$name" END)" ''
done
is 'no setting disturbs the pool' "$(settings full)" ''

# The pool changes, and ends

try 0 resize full --cpus 2-3 --split-cores
is 'a pool of all these CPUs' "$(about full nohz_full END)$(about full rcu_nocbs END)" ''
ticks full 2
is 'the tick stops on the other CPU' "$((count < 10 * seconds))" 1
try 0 destroy other full
is 'the settings are back' "$(values)" "$before"
tap_end
