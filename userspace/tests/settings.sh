#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# vpoolctl audit --settings, with a simulated host: each setting of the host that disturbs
# the CPUs of a pool, and each that does not. VPOOLCTL is the program.

dir=$(mktemp -d) || exit 1
trap 'rm -r "$dir"' EXIT
# shellcheck source=/dev/null
. "$(dirname "$0")/tap.sh"
# shellcheck source=/dev/null
. "$(dirname "$0")/sysfs.sh"

export LC_ALL=C
export VPOOL_DEV_DIR="$dir/dev" VPOOL_SYSFS_DIR="$dir/vpool" VPOOL_HOST_ROOT_DIR="$dir/root"
cd "$dir" || exit 1
mkdir -p dev
sysfs_pool vpool/pools/rt 2-3
sysfs_pool vpool/pools/mem ''
out=''

cpu_dir=/sys/devices/system/cpu
thp=/sys/kernel/mm/transparent_hugepage/enabled
wq=/sys/devices/virtual/workqueue/cpumask

# file PATH TEXT: write a file of the simulated host
file()
{
	mkdir -p "$(dirname "root$1")"
	printf '%s\n' "$2" >"root$1"
}

# host: begin a host of four CPUs on which nothing disturbs CPUs 2 and 3
host()
{
	rm -rf root
	file /proc/cmdline 'root=/dev/vda quiet nohz_full=2-3'
	file $cpu_dir/nohz_full 2-3
	file $cpu_dir/isolated ''
	file $thp 'always [madvise] never'
	file $wq 3
	file /sys/kernel/rcu_normal 1
	file /proc/sys/kernel/watchdog_cpumask 0-1
}

# settings NAME WANTED [WHAT [END]]: audit finds these settings, and no other. The first
# one matches patterns.
settings()
{
	try 0 audit --settings --noheadings -o ID rt
	is "$1: findings" "$(echo "$out" | xargs)" "$2"
	[ $# -ge 3 ] || return
	try 0 audit --settings --noheadings -o WHAT rt
	like "$1: what it costs" "$out" "$3"
	[ $# -ge 4 ] || return
	try 0 audit --settings --noheadings -o END rt
	is "$1: what ends it" "$out" "$4"
}

# mask WANTED: the first finding is about these CPUs
mask()
{
	try 0 audit --settings --noheadings -o MASK rt
	is 'the CPUs' "$(echo "$out" | xargs)" "$1"
}

host
settings 'a quiet host' ''
rm -r root
mkdir root
settings 'a host without these files' 'nohz_full rcu_nocbs'

# Boot parameters

host
file $cpu_dir/nohz_full '(null)'
settings nohz_full 'nohz_full rcu_nocbs' 'not set: the tick*'
mask '2-3 2-3'
try 0 audit --settings --noheadings -o END rt
is 'both boot parameters' "$out" 'boot with nohz_full=2-3
boot with rcu_nocbs=2-3'
file $cpu_dir/nohz_full 1-2
file /proc/cmdline 'rcu_nocbs=3'
settings 'one CPU is missing' nohz_full 'not set*' 'boot with nohz_full=1-3'
mask 3
rm root$cpu_dir/nohz_full
settings 'a kernel without nohz_full' 'nohz_full rcu_nocbs'
try 0 audit --settings --noheadings -o END rt
like 'it needs another kernel' "$out" 'boot a kernel with CONFIG_NO_HZ_FULL*'
file $cpu_dir/nohz_full ''
file /proc/cmdline 'rcu_nocbs=0-7:2/4 rcu_nocbs xrcu_nocbs=0-3'
settings 'a list with groups' 'nohz_full rcu_nocbs'
mask '2-3 2-3'
file /proc/cmdline 'rcu_nocbs=2-3,x'
settings 'a list that is wrong' 'nohz_full rcu_nocbs'

host
file /proc/irq/33/smp_affinity 4
file /proc/irq/33/effective_affinity_list 2
mkdir root/proc/irq/33/nvme0q3
settings 'an interrupt that can be moved' ''
chmod a-w root/proc/irq/33/smp_affinity
settings 'an interrupt that cannot' managed_irq '*: 33 (nvme0q3)' \
	'boot with isolcpus=managed_irq,2-3'
mask 2
file /proc/cmdline 'isolcpus=domain,2-3'
settings 'another flag of isolcpus' managed_irq
file /proc/cmdline 'isolcpus=2-3'
settings 'isolcpus without a flag' managed_irq
file /proc/cmdline 'isolcpus=domain,managed_irq,2-3'
settings 'managed_irq is set' ''
file /proc/cmdline ''
file /proc/irq/33/effective_affinity_list 1
settings 'an interrupt elsewhere' ''
file /proc/irq/33/effective_affinity_list 2
rmdir root/proc/irq/33/nvme0q3
settings 'an interrupt without a handler' ''

# Power management

host
state=$cpu_dir/cpu3/cpuidle/state
for i in '0 POLL 0' '1 C1 2' '2 C6 133'; do
	read -r nr name latency <<<"$i"
	file "$state$nr/name" "$name"
	file "$state$nr/latency" "$latency"
	file "$state$nr/disable" 0
done
file $cpu_dir/cpu3/power/pm_qos_resume_latency_us 0
settings 'idle states' cpuidle 'C6: *133 us*' \
	"echo 10 | tee $cpu_dir/cpu3/power/pm_qos_resume_latency_us"
mask 3
file $cpu_dir/cpu3/power/pm_qos_resume_latency_us 10
settings 'a limit for the CPU' ''
file $cpu_dir/cpu3/power/pm_qos_resume_latency_us n/a
settings 'no latency at all' ''
file $cpu_dir/cpu3/power/pm_qos_resume_latency_us 500
settings 'a limit that is too high' cpuidle
file "${state}2/disable" 1
settings 'a disabled state' ''
file "${state}2/disable" 0
mkdir root/dev
printf '\005\000\000\000' >root/dev/cpu_dma_latency
settings 'a limit for all CPUs' ''
printf '\000\224\065\167' >root/dev/cpu_dma_latency
settings 'the default of the limit' cpuidle

host
for cpu in 1 2 3; do
	file $cpu_dir/cpu$cpu/cpufreq/scaling_governor schedutil
done
settings cpufreq cpufreq 'schedutil: *' \
	"echo performance | tee $cpu_dir/cpu{2..3}/cpufreq/scaling_governor"
file $cpu_dir/cpu2/cpufreq/scaling_governor performance
settings 'cpufreq of one CPU' cpufreq 'schedutil: *' \
	"echo performance | tee $cpu_dir/cpu3/cpufreq/scaling_governor"
file $cpu_dir/cpu3/cpufreq/scaling_governor performance
settings 'the governor performance' ''

# Memory of programs

host
file $thp '[always] madvise never'
settings thp thp 'always: *' "echo madvise >$thp"
host
file /proc/sys/kernel/numa_balancing 2
settings numa_balancing numa_balancing '2: *' 'sysctl kernel.numa_balancing=0'
file /proc/sys/kernel/numa_balancing 0
file /sys/kernel/mm/ksm/run 1
settings ksm ksm '1: *' 'echo 0 >/sys/kernel/mm/ksm/run'
file /sys/kernel/mm/ksm/run 2
file /proc/sys/vm/compaction_proactiveness 20
settings compaction compaction '20: *' 'sysctl vm.compaction_proactiveness=0'

# Watchdogs

host
file /proc/sys/kernel/watchdog_cpumask 0-3
settings 'watchdogs that are missing' ''
file /proc/sys/kernel/nmi_watchdog 1
file /proc/sys/kernel/soft_watchdog 0
file /proc/sys/kernel/watchdog_thresh 20
settings nmi_watchdog nmi_watchdog '1: *20 s*' 'sysctl kernel.watchdog_cpumask=0-1'
mask 2-3
file /proc/sys/kernel/soft_watchdog 1
file /proc/sys/kernel/nmi_watchdog 0
settings soft_watchdog soft_watchdog '1: *8.0 s*' 'sysctl kernel.watchdog_cpumask=0-1'
file /proc/sys/kernel/watchdog_cpumask 3
settings 'a watchdog of only these CPUs' soft_watchdog '*' 'sysctl kernel.watchdog=0'
mask 3
file /proc/sys/kernel/watchdog_cpumask 0-1
settings 'a watchdog elsewhere' ''

# Work of the kernel

host
file $wq ff
settings workqueue workqueue '*workers*' "echo 000000f3 >$wq"
file $wq 0000000a
settings 'workers on one of the CPUs' workqueue '*' "echo 00000002 >$wq"
mask 3
file $wq c
settings 'workers that have nowhere else to go' ''
file $wq 'not a mask'
settings 'a mask that cannot be parsed' ''

host
file /sys/kernel/rcu_expedited 1
settings 'rcu_normal wins' ''
file /sys/kernel/rcu_normal 0
settings rcu_expedited 'rcu_expedited rcu_normal'
try 0 audit --settings --noheadings -o END rt
is 'rcu_expedited: what ends it' "$out" 'echo 0 >/sys/kernel/rcu_expedited
echo 1 >/sys/kernel/rcu_normal'

host
file $cpu_dir/nohz_full ''
file /proc/cmdline 'rcu_nocbs=2-3'
file /proc/12/comm init
settings 'no irqbalance' nohz_full
file /proc/4711/comm irqbalance
settings irqbalance 'nohz_full irqbalance' '*irqbalance runs*' "boot with nohz_full=2-3
restart irqbalance with IRQBALANCE_BANNED_CPULIST=2-3 in /etc/default/irqbalance"
file $cpu_dir/isolated 2-3
settings 'irqbalance spares isolated CPUs' nohz_full
host
file $cpu_dir/isolated 3
file $cpu_dir/nohz_full 2
file /proc/4711/comm irqbalance
settings 'irqbalance spares both lists' 'nohz_full rcu_nocbs'

host
file /proc/sys/kernel/timer_migration 1
settings timer_migration timer_migration '1: *' 'sysctl kernel.timer_migration=0'
file /proc/sys/kernel/timer_migration 0
file /proc/sys/kernel/sched_rt_runtime_us 950000
file /proc/sys/kernel/sched_rt_period_us 1000000
settings sched_rt_runtime_us sched_rt_runtime_us '950000: *50 of 1000 ms*' \
	'sysctl kernel.sched_rt_runtime_us=-1'
file /proc/sys/kernel/sched_rt_runtime_us 1000000
settings 'real-time tasks have the whole period' ''
file /proc/sys/kernel/sched_rt_runtime_us -1
settings 'no limit of real-time tasks' ''
file /proc/sys/kernel/sched_rt_runtime_us 950000
for cpu in 0 2; do
	file /sys/kernel/debug/sched/fair_server/cpu$cpu/runtime 50000000
done
settings fair_server fair_server '*50 ms*' \
	'sysctl kernel.sched_rt_runtime_us=-1; echo 0 | tee /sys/kernel/debug/sched/fair_server/cpu2/runtime'
mask 2
file /sys/kernel/debug/sched/fair_server/cpu2/runtime 0
settings 'fair_server is off' ''

# CPUs of a pool in several ranges

sysfs_pool vpool/pools/rt 1,3-5,7
host
for cpu in 1 3 4 5 7; do
	file $cpu_dir/cpu$cpu/cpufreq/scaling_governor powersave
done
try 0 audit --settings --noheadings -o END rt
like 'the shell expands the command' "$out" "*cpu{1,{3..5},7}/cpufreq*"
read -r command < <(grep -o '/sys.*governor' <<<"$out")
is 'to all files' "$(eval "ls root${command}" | wc -l)" 5

# Other forms, and bad input

try 0 audit --settings mem
is 'a pool without CPUs' "$out" ''
try 0 audit --settings -J rt
schema audit
like 'JSON' "$out" '*"kind": "setting"*"end": "boot with nohz_full=*'
try 1 audit --settings nosuch
try 2 audit --settings
try 2 audit --settings --mend
try 2 audit --settings=x rt

tap_end
