#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run virtual machines as services of two hosts, as in Documentation/hosts/services.rst:
# libvirt's live migration with the hook, and Pacemaker with ocf:vpool:vm and with libvirt's
# own agent: moves, a killed QEMU, a power cut. Runs in the first host of
# "tools/vm/cluster 2 --cpus 3 --mem 1400M".

# shellcheck source=selftests/hosts/hosts.sh
. "$(dirname "$(readlink -f "$0")")/hosts.sh"
build=${OUTPUT:-$(readlink -f "$here/../../build/selftests")}
top=$(readlink -f "$here/../..")
# shellcheck source=selftests/vm/guest.sh
. "$here/../vm/guest.sh"
need_hosts 2
for command in libvirtd virsh xmllint pacemakerd corosync cibadmin; do
	command -v $command > /dev/null || skip_all "no $command here"
done

export TESTVM_TOP=$top
export LIBVIRT_DEFAULT_URI=qemu:///system
pool=svc
# The hosts share this folder, as they would share storage.
rmdir "$dir"
dir=/cluster/services
host=$here/services_host.sh

# shellcheck disable=SC2317 # the trap calls it
clean_up() {
	virsh destroy d
	both "umount /srv/svc; vpoolctl destroy --force $pool"
	rm -rf "$dir" /cluster/start
} > /dev/null 2>&1
trap clean_up EXIT

# on HOST COMMAND: run a command of the shell on a host.
on() {
	if [ "$1" = host1 ]; then
		bash -c "$2"
	else
		# shellcheck disable=SC2029 # it expands here
		ssh "$1" "export TESTVM_TOP=$top; $2"
	fi
}
both() {
	local name

	for name in host1 host2; do
		on $name "$1" || return
	done
}

# left HOST: print the memory in use and the members of the pool there.
left() { on "$1" "cat $pools/$pool/memory/used_bytes $pools/$pool/cpus/members" | tr '\n' ' '; }
nothing_left() { [ "$(left "$1")" = '0 0 ' ]; }
# is_clean HOST TEST: check that nothing is left on the host.
is_clean() {
	until_true 60 nothing_left "$1"
	is "$2: nothing is left on $1" "$(left "$1")" '0 0 '
}
# Each host has the console in a file of its own.
console=/run/services.console
# last HOST: print the last iteration that the guest has reported there.
last() { on "$1" "sed -n 's/^guest: right in iteration \([0-9]*\).$/\1/p' $console | tail -n 1"; }
# has_passed HOST N: check that the guest on this host is beyond iteration N.
has_passed() { [ "$(last "$1")" -gt "$2" ] 2> /dev/null; }
# guest_runs HOST TEST [N]: check that the guest runs there, beyond its last iteration or
# iteration N, and that its memory is right.
guest_runs() {
	local at=${3:-$(last "$1")}

	until_true 120 has_passed "$1" "${at:-0}"
	is "$2: the guest runs with correct memory" "$?-$(on "$1" "grep -c WRONG $console")" 0-0
}

domain() {
	cat <<-END
	<domain type='kvm'>
	  <name>d</name>
	  <metadata>
	    <vpool:pool xmlns:vpool='https://vpool.dev/libvirt/1.0' name='$pool' vcpus='dedicated'/>
	  </metadata>
	  <memory unit='MiB'>144</memory>
	  <memoryBacking><hugepages/><access mode='shared'/></memoryBacking>
	  <vcpu placement='static'>1</vcpu>
	  <os>
	    <type arch='x86_64' machine='q35'>hvm</type>
	    <kernel>$dir/kernel</kernel>
	    <initrd>$dir/guest.cpio</initrd>
	    <cmdline>console=ttyS0 quiet MB=4</cmdline>
	  </os>
	  <features><acpi/></features>
	  <cpu mode='host-passthrough' migratable='on'/>
	  <devices>
	    <emulator>$(command -v qemu-system-x86_64)</emulator>
	    <serial type='file'><source path='$console'/></serial>
	    <controller type='usb' model='none'/>
	    <memballoon model='none'/>
	  </devices>
	</domain>
	END
}
# placed HOST: print the CPUs of the vCPU and of the first thread of the domain's QEMU.
placed() {
	# shellcheck disable=SC2016 # the other shell expands it
	on "$1" 'cd /proc/$(cat /run/libvirt/qemu/d.pid)/task && for t in *; do
		case $(cat $t/comm) in
		CPU*|qemu-system-*) grep -h "^Cpus_allowed_list" $t/status ;;
		esac
	done' | sed 's/.*:\t//' | sort -u | tr '\n' ' '
}
libvirt_answers() { virsh -c "$1" version > /dev/null 2>&1; }
peer=qemu+ssh://host2/system

section 'libvirt: live migration'

mkdir -p $dir
cp "$VPOOL_KERNEL_IMAGE" $dir/kernel
dir=$dir make_initrd 2> /dev/null
both "$host pool libvirt"
is 'both hosts have the pool' $? 0
domain > $dir/d.xml
until_true 120 libvirt_answers qemu:///system
is 'libvirtd answers on host1' $? 0
until_true 120 libvirt_answers $peer
is 'libvirtd answers on host2' $? 0
virsh create $dir/d.xml > $dir/out 2>&1
is 'the domain starts' $? 0
sed 's/^/# /' $dir/out
is 'its vCPU has a CPU of the pool to itself' "$(placed host1)" '1 2 '
guest_runs host1 'start' 0

on host2 "umount /srv/svc && vpoolctl destroy $pool"
virsh migrate --live d $peer > $dir/out 2>&1
is 'a migration to a host without the pool fails' $? 1
sed 's/^/# /' $dir/out
like 'the message names the pool' "$(cat $dir/out)" "*vpool: domain d: vpoolctl: show $pool: *"
guest_runs host1 'failed migration'
at=$(last host1)
on host2 "$host pool"
begin=$SECONDS
virsh migrate --live d $peer > $dir/out 2>&1
is 'virsh migrate --live' $? 0
echo "# $((SECONDS - begin)) s"
sed 's/^/# /' $dir/out
is 'QEMU is in the pool of host2' "$(placed host2)" '1 2 '
like 'its memory is of the pool of host2' "$(left host2)" "$((144 << 20)) [1-9]*"
is_clean host1 'migration'
guest_runs host2 'migration' "$at"
at=$(last host2)
begin=$SECONDS
on host2 "virsh migrate --live d qemu+ssh://host1/system" > $dir/out 2>&1
is 'the migration back' $? 0
echo "# $((SECONDS - begin)) s"
is 'QEMU is in the pool of host1' "$(placed host1)" '1 2 '
is_clean host2 'migration back'
guest_runs host1 'migration back' "$at"
virsh destroy d > /dev/null
is_clean host1 'end'

section 'Pacemaker'

# where RESOURCE: print the host that runs a resource; nothing while it starts or migrates.
where() {
	crm_mon -1 --output-as xml 2> /dev/null | xmllint --xpath \
		"string(//resource[@id='$1' and @role='Started' and
			(not(@pending) or @pending='Monitoring')]/node/@name)" -
}
runs_on() { [ "$(where "$1")" = "$2" ]; }
runs_nowhere() { crm_resource --locate --resource "$1" 2>&1 | grep -q 'NOT running'; }
online() { crm_mon -1 2> /dev/null | grep -q 'Online:.* host1 host2 '; }
show_cluster() { crm_mon -1rf 2>&1 | sed 's/^/# /'; }
# in_time SECONDS TEST COMMAND...: check that the command succeeds in time.
in_time() {
	local begin=$SECONDS

	if until_true "$1" "${@:3}"; then
		tap_result yes "$2"
	else
		tap_result no "$2"
		show_cluster
	fi
	echo "# after $((SECONDS - begin)) s"
}
# move RESOURCE HOST: move a resource, and remove the constraint afterwards.
move() {
	crm_resource --move --resource "$1" --node "$2" > $dir/out 2>&1
	is "$1 may move" $? 0
	in_time 600 "$1 is on $2" runs_on "$1" "$2"
	crm_resource --clear --resource "$1" > /dev/null 2>&1
}
# primitive ID CLASS TYPE META ATTRIBUTES: define a resource.
primitive() {
	local pair nr=0

	{
		echo "<primitive id='$1' class='ocf' provider='$2' type='$3'>"
		echo "<meta_attributes id='$1-m'><nvpair id='$1-m0' name='allow-migrate' value='$4'/></meta_attributes>"
		echo "<instance_attributes id='$1-a'>"
		for pair in "${@:5}"; do
			nr=$((nr + 1))
			echo "<nvpair id='$1-a$nr' name='${pair%%=*}' value='${pair#*=}'/>"
		done
		echo "</instance_attributes><operations>"
		echo "<op id='$1-o1' name='monitor' interval='10s' timeout='120s'/>"
		echo "<op id='$1-o2' name='start' interval='0' timeout='180s'/>"
		echo "<op id='$1-o3' name='stop' interval='0' timeout='160s'/>"
		# The default of 20 s is too short for a live migration of an emulated guest.
		echo "<op id='$1-o4' name='migrate_to' interval='0' timeout='600s'/>"
		echo "<op id='$1-o5' name='migrate_from' interval='0' timeout='600s'/>"
		echo "</operations></primitive>"
	} > $dir/resource.xml
	cibadmin --create --scope resources --xml-file $dir/resource.xml
}

both "$host pacemaker"
is 'corosync and Pacemaker start' $? 0
in_time 180 'both hosts are online' online
# This test cuts the power itself. Production needs fencing.
crm_attribute --name stonith-enabled --update false
crm_attribute --type rsc_defaults --name resource-stickiness --update 100
crm_resource --show-metadata ocf:vpool:vm > $dir/out
like 'Pacemaker reads the metadata of the agent' "$(cat $dir/out)" '*<resource-agent name="vm"*'

section 'ocf:vpool:vm'

# The domain wrote there.
both ": > $console"
primitive m vpool vm false vm=m pool=$pool mem=144M kernel=$dir/kernel \
	initrd=$dir/guest.cpio 'append=console=ttyS0 quiet MB=4' console=$console
is 'the resource is accepted' $? 0
running() { [ -n "$(where m)" ]; }
in_time 180 'Pacemaker starts the machine' running
# A guest that still boots ignores the power button.
guest_runs "$(where m)" 'start' 0
if runs_on m host1; then
	move m host2
	is_clean host1 'move'
	guest_runs host2 'move' 0
fi
like 'the memory of the machine is of the pool' "$(left host2)" "$((144 << 20)) [1-9]*"

# shellcheck disable=SC2016 # the other shell expands it
on host2 'pid=$(vpoolctl vm list --noheadings -o PID); kill -9 $pid; echo $pid' > $dir/pid
restarted() {
	local at pid

	at=$(where m)
	pid=$(on "${at:-host2}" 'vpoolctl vm list --noheadings -o PID')
	[ -n "$pid" ] && [ "$at $pid" != "host2 $(cat $dir/pid)" ]
}
# Pacemaker counts the machine as stopped, and may start it on either host.
in_time 120 'a killed QEMU is restarted' restarted
if runs_on m host1; then
	guest_runs host1 'restart' 0
	move m host2
fi

cp "$host" /cluster/start
: > $console
begin=$SECONDS
control power-off host2
in_time 240 'after a power cut, the machine is on host1' runs_on m host1
like 'it has memory of the pool of host1' "$(left host1)" "$((144 << 20)) [1-9]*"
guest_runs host1 'power cut' 0
echo "# the guest runs $((SECONDS - begin)) s after the power cut"
control power-on host2
control wait host2
is 'host2 starts again' $? 0
in_time 180 'host2 is back in the cluster' online
is_clean host2 'power cut'
is 'the machine stays on host1' "$(where m)" host1
crm_resource --resource m --set-parameter target-role --meta --parameter-value Stopped > /dev/null
in_time 180 'the machine stops' runs_nowhere m
is_clean host1 'stop'
is 'no machine is left' "$(vpoolctl vm list --noheadings)" ''
crm_resource --resource m --set-parameter target-role --meta --parameter-value Started > /dev/null
in_time 180 'the machine starts again' running
last=$(where m)
cibadmin --delete --xml-text "<primitive id='m'/>"
gone() { nothing_left "$last"; }
in_time 180 'a removed resource stops' gone

section 'ocf:heartbeat:VirtualDomain with the hook'

# The other machine wrote there.
both ": > $console"
primitive d heartbeat VirtualDomain true config=$dir/d.xml hypervisor=qemu:///system \
	migration_transport=ssh
is 'the resource is accepted' $? 0
domain_runs() { [ -n "$(where d)" ]; }
in_time 180 'Pacemaker starts the domain' domain_runs
first=$(where d)
to=host1
[ "$first" = host2 ] || to=host2
is 'its QEMU is in the pool' "$(placed "$first")" '1 2 '
guest_runs "$first" 'start' 0
show_cluster
at=$(last "$first")
move d $to
is 'QEMU is in the pool of the other host' "$(placed $to)" '1 2 '
is_clean "$first" 'move'
guest_runs $to 'a live move' "$at"
cibadmin --delete --xml-text "<primitive id='d'/>"
in_time 180 'the domain stops' nothing_left $to
show_cluster

section 'the end'
both "pkill -x pacemakerd; pkill -x libvirtd; for i in \$(seq 60); do pgrep -x pacemakerd > /dev/null || break; sleep 1; done; pkill -x corosync; sleep 2; umount /srv/svc && vpoolctl destroy $pool"
is 'the pools are destroyed' $? 0

tap_end
