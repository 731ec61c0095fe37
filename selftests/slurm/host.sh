#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Make a machine of tools/vm/cluster a node of a Slurm cluster. Each machine runs it when the
# test starts, and after a power cycle.
#
# usage: host.sh prepare	write the machine's line of slurm.conf to /cluster/slurm
#        host.sh conf		print slurm.conf for all machines
#        host.sh node		start munged and slurmd
#        host.sh controller	start munged and slurmctld

top=$(dirname "$(readlink -f "$0")")/../..
plugins=/usr/lib/x86_64-linux-gnu/slurm-wlm
log=/var/log/slurm
shared=/cluster/slurm

fail() { echo "host.sh: $*" >&2; exit 1; }

# enable_cgroups: enable the controllers in the cgroups that slurmd makes without systemd.
# slurmd takes "memory" for missing if it is the last word of cgroup.controllers.
enable_cgroups() {
	local dir root=/sys/fs/cgroup

	mkdir -p $root/system.slice/slurmstepd.scope
	for dir in $root $root/system.slice $root/system.slice/slurmstepd.scope; do
		echo '+cpuset +cpu +memory +pids' > "$dir/cgroup.subtree_control" ||
			fail "the controllers of $dir cannot be enabled"
	done
}

# install: do what the packages do when they are configured, and install the plugin.
install() {
	local program

	for program in slurmctld slurmd slurmstepd; do
		[ -e /usr/sbin/$program ] || ln -s $program-wlm /usr/sbin/$program
	done
	cp "$top/build/userspace/lib/slurm/spank_vpool.so" $plugins/ ||
		fail 'there is no plugin: is libslurm-dev installed?'
	cp -P "$top"/build/userspace/lib/libvpool.so.* /usr/lib/x86_64-linux-gnu/
	mkdir -p /etc/slurm /etc/munge $log /var/lib/slurm /var/spool/slurmd /run/munge \
		/var/lib/munge /var/log/munge
	cp "$top/packaging/slurm/vpool.conf" /etc/slurm/plugstack.conf
	cat > /etc/slurm/cgroup.conf <<-END
	CgroupPlugin=cgroup/v2
	IgnoreSystemd=yes
	CgroupAutomount=yes
	ConstrainCores=yes
	ConstrainRAMSpace=yes
	END
	ln -sfn $shared/slurm.conf /etc/slurm/slurm.conf
	printf '%32s' 'the key of a cluster for tests' > /etc/munge/munge.key
	chmod 400 /etc/munge/munge.key
	chmod 700 /etc/munge
}

prepare() {
	command -v slurmd-wlm > /dev/null || fail 'no Slurm here'
	install
	enable_cgroups
	mkdir -p $shared
	slurmd -C | sed -n 's/ RealMemory=.*//; s/^NodeName=/&/p' > "$shared/$VPOOL_HOST.line"
}

# conf: print the configuration of the cluster. The boot core of each node, which vpool
# leaves to the host, must stay out of Slurm's hands.
conf() {
	cat <<-END
	ClusterName=test
	SlurmctldHost=$VPOOL_HOST
	SlurmUser=root
	StateSaveLocation=/var/lib/slurm
	SlurmdSpoolDir=/var/spool/slurmd
	ProctrackType=proctrack/cgroup
	TaskPlugin=task/affinity,task/cgroup
	SelectType=select/cons_tres
	SelectTypeParameters=CR_Core_Memory
	SchedulerParameters=sched_interval=5,bf_interval=5
	ReturnToService=2
	SlurmdTimeout=20
	MessageTimeout=60
	BatchStartTimeout=60
	KillWait=2
	MpiDefault=none
	JobAcctGatherType=jobacct_gather/none
	PropagateResourceLimits=NONE
	END
	sed "s/$/ RealMemory=600 CpuSpecList=0/" $shared/*.line
	echo 'PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE'
}

start_munged() {
	! munge -n > /dev/null 2>&1 || return 0
	munged --force 2> $log/munged || fail "munged: $(cat $log/munged)"
}

# start DAEMON: start a daemon that outlives the connection over which the test starts it.
start() {
	start_munged
	setsid "$1" -L "$log/$1" > /dev/null 2>&1 < /dev/null || fail "$1 does not start"
}

case ${1:-} in
prepare) prepare ;;
conf) conf ;;
node) start slurmd ;;
controller) start slurmctld ;;
*) fail 'usage: host.sh prepare|conf|node|controller' ;;
esac
