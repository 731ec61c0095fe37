#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Machines that are defined with autostart, over the boots of a host: vpool-vms.service starts
# them in order, also beside one that cannot start, shuts them down before a reboot, and starts
# them again, after a power cut too. Their logs stay. Boots the installed systemd three times,
# and loads the module again in between. Needs root, KVM, the module, an empty cgroup2 and four
# CPUs. VPOOL_KO is the module, VPOOL_KERNEL_IMAGE the kernel for the guests.

self=$(readlink -f "$0")
top=$(dirname "$self")
here=$(readlink -f "$top/../../userspace/tests")
# shellcheck disable=SC2034 # guest.sh uses it
build=${OUTPUT:-$(readlink -f "$top/../../build/selftests")}
logs=/var/log/vpool
# shellcheck source=/dev/null
. "$here/tap.sh"
# shellcheck source=selftests/vm/guest.sh
. "$top/guest.sh"

log_of() { sed 's/^[^ ]* //' "$logs/$1.log"; }
# starts NAME: print how often the log says that the machine has started
starts() { log_of "$1" | grep -c '^started: '; }
# started, stopped: print the machines in the order in which vpoolctl started or stopped them
started() { sed -n 's/^started \([a-z]*\) on .*/\1/p' "$dir/said" | xargs; }
stopped() { sed -n 's/^\([a-z]*\) shut down.*/\1/p' "$dir/said" | xargs; }

# Inside, as a service of that systemd

# came_up BOOT: check that the machines have started in order, for this time
came_up()
{
	local vm cgroup

	is "boot $1: the machines start in order" "$(started)" 'early shop'
	is "boot $1: the unit is active" "$(systemctl is-active vpool-vms)" active
	for vm in early shop; do
		until_true 300 is_up $vm
		is "boot $1: the guest of $vm runs" $? 0
		is "boot $1: the log of $vm has all starts" "$(starts $vm)" "$1"
		cgroup=$(sed -n 's/^0:://p' "/proc/$(pid_of $vm)/cgroup")
		like "boot $1: $vm is in the slice of the pool" "$cgroup" '/vpool_def.slice/*.scope'
	done
	is "boot $1: they are listed" "$(listed NAME,STATE | tr '\n' ' ')" 'early running shop running '
	echo "# $(systemctl show -P ExecMainStatus vpool-vms) is the status of vm start --autostart"
}

# A machine that cannot start is between the two.
one_boot()
{
	came_up 1
	like 'the journal would have the reason' "$(cat "$dir/messages")" \
		'*broken*the kernel /nowhere: No such file*'
}

two_boot()
{
	came_up 2
}

three_boot()
{
	came_up 3
	is 'the log has no end of the machine whose host lost its power' \
		"$(log_of shop | grep -c '^ended: ')" 1
	systemctl stop vpool-vms
	is 'the stop of the unit stops the machines, the last one first' \
		"$(stopped)" 'shop early'
	is 'no machine is left' "$(listed NAME)" ''
}

if [ "${1-}" = --inside ]; then
	dir=$2
	# shellcheck disable=SC2034
	out='' err=''
	"$3_boot"
	tap_end
fi

need_guest
# shellcheck source=userspace/tests/boot.sh
. "$here/boot.sh"
VPOOLCTL=$(readlink -f "$(command -v "${VPOOLCTL:-vpoolctl}")")
export LC_ALL=C
boot_needs
dir=$(mktemp -d -p /var/tmp) || exit 1

# shellcheck disable=SC2317 # the trap calls it
clean_up()
{
	rm -rf /etc/vpool.d/try.conf /etc/vpool/vm.d/{early,shop,broken}.conf
	vpoolctl destroy --force def
	power_off
	restore_balancing
	rm -r "$dir" $logs
} >/dev/null 2>&1
trap clean_up EXIT

stop_balancing
make_initrd
boot_prepare
packaged units "$boot_packaging"/systemd/vpool.service "$boot_packaging"/systemd/vpool@.*
packaged units "$boot_packaging"/systemd/vpool-vms.service
# What default dependencies would give.
sed -i "/^\[Unit\]/a DefaultDependencies=no\nConflicts=shutdown.target\nBefore=shutdown.target
	/^\[Service\]/a StandardOutput=append:$dir/said" "$dir/units/vpool-vms.service"
echo 'pools: {def: {cpus: 1-3, mem: 320M, split-cores: true}}' >/etc/vpool.d/try.conf
options=(--pool def --mem 144M --kernel "$VPOOL_KERNEL_IMAGE" --initrd "$dir/guest.cpio"
	--append 'console=ttyS0 MB=16' --vcpus 1 --user root)
boot_after=vpool-vms.service

# part NAME COMMAND: run a function that checks something outside of the boots
part()
{
	(
		# shellcheck disable=SC2034 # try sets them
		out='' err=''
		"$2"
		tap_end
	) >"$dir/$1"
}

define()
{
	try 0 vm define shop "${options[@]}" --autostart true --console "$dir/shop"
	try 0 vm define broken --pool def --kernel /nowhere --autostart 2
	try 0 vm define early "${options[@]}" --autostart 1 --console "$dir/early"
}

reboot()
{
	local vm

	is 'a reboot shuts the machines down, the last one first' "$(stopped)" 'shop early'
	for vm in early shop; do
		is "the log of $vm says so" "$(log_of $vm | tail -n 1)" 'ended: the guest shut down'
	done
	sed 's/^/# /' "$dir/said" "$dir/messages"
	try 0 vm undefine broken
}

# restart: do what happens between two boots
restart()
{
	vpoolctl destroy --force def >/dev/null
	power_off
	rmmod vpool || echo '# the module cannot be unloaded'
	: >"$dir/said"
	: >"$dir/early"
	: >"$dir/shop"
}

part define define
restart
boot one 400 'systemctl --no-block reboot' "$self"
part reboot reboot
restart
# The kernel kills all processes.
boot two 400 'systemctl reboot --force --force' "$self"
restart
boot three 400 'systemctl exit --force 0' "$self"
[ -c /dev/vpool/control ] || insmod "$VPOOL_KO"
boot_results define one reboot two three
