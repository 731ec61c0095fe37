#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Make this machine a part of a Slurm cluster for a test. Tests run it on each machine. If
# Slurm is not installed, it copies the programs that tools/setup has unpacked into the
# root of the test VM, whose changes are discarded.
#
# usage: host.sh prepare	install Slurm; print the machine's line of slurm.conf
#        host.sh conf CONTROLLER	print slurm.conf for the lines on standard input
#        host.sh configure	write slurm.conf from standard input
#        host.sh node		start munged and slurmd
#        host.sh controller	start munged and slurmctld

top=$(dirname "$(readlink -f "$0")")/../..
plugins=/usr/lib/x86_64-linux-gnu/slurm-wlm
log=/var/log/slurm

fail() { echo "host.sh: $*" >&2; exit 1; }

# copy_unpacked: copy what tools/setup has unpacked. Users other than root must be able to
# read it.
copy_unpacked() {
	local tools program

	[ -n "${VPOOL_KERNEL:-}" ] || fail 'Slurm is not installed'
	tools=$(readlink -f "${VPOOL_TOOLS:-$HOME/.cache/vpool/tools/usr/bin}/..")
	[ -x "$tools/sbin/slurmd-wlm" ] || fail 'Slurm is not unpacked: run tools/setup'
	cp -a "$tools"/lib/x86_64-linux-gnu/slurm-wlm /usr/lib/x86_64-linux-gnu/
	cp -a "$tools"/lib/x86_64-linux-gnu/libmunge.so.* /usr/lib/x86_64-linux-gnu/
	for program in slurmd slurmstepd slurmctld; do
		cp "$tools/sbin/$program-wlm" /usr/sbin/$program
	done
	cp "$tools"/sbin/{munged,mungekey} /usr/sbin/
	cp "$tools"/bin/{srun,sbatch,salloc,scancel,scontrol,sinfo,squeue,munge} /usr/bin/
}

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

prepare() {
	[ -x /usr/sbin/slurmd ] || copy_unpacked
	[ -e $plugins/spank_vpool.so ] || {
		cp "$top/build/userspace/lib/slurm/spank_vpool.so" $plugins/ || fail 'no plugin'
		cp -P "$top"/build/userspace/lib/libvpool.so.* /usr/lib/x86_64-linux-gnu/
	}
	mkdir -p /etc/slurm /etc/munge $log /var/lib/slurm /var/spool/slurmd /run/munge \
		/var/lib/munge /var/log/munge
	printf '%32s' 'the key of a cluster for tests' > /etc/munge/munge.key
	chmod 400 /etc/munge/munge.key
	chmod 700 /etc/munge
	enable_cgroups
	slurmd -C | sed -n 's/ RealMemory=.*//; s/^NodeName=/&/p'
}

# conf CONTROLLER: print the configuration of the cluster. The boot core of each node, which
# vpool leaves to the host, must stay out of Slurm's hands.
conf() {
	cat <<-END
	ClusterName=test
	SlurmctldHost=$1
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
	PrologFlags=Alloc
	MpiDefault=none
	JobAcctGatherType=jobacct_gather/none
	PropagateResourceLimits=NONE
	END
	sed "s/$/ RealMemory=${VPOOL_SLURM_MEM:-1024} CpuSpecList=0/"
	echo 'PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE'
}

configure() {
	cat > /etc/slurm/slurm.conf
	cat > /etc/slurm/cgroup.conf <<-END
	CgroupPlugin=cgroup/v2
	IgnoreSystemd=yes
	CgroupAutomount=yes
	ConstrainCores=yes
	ConstrainRAMSpace=yes
	END
	cp "$top/packaging/slurm/vpool.conf" /etc/slurm/plugstack.conf
}

start_munged() {
	[ -S /run/munge/munge.socket.2 ] && munge -n > /dev/null 2>&1 && return
	munged --force 2> $log/munged || fail "munged: $(cat $log/munged)"
}

# The daemons must outlive the connection over which the test starts them.
start() {
	setsid "$@" > /dev/null 2>&1 < /dev/null || fail "$1 does not start"
}

case ${1:-} in
prepare) prepare ;;
conf) conf "$2" ;;
configure) configure ;;
node) start_munged && start slurmd -L $log/slurmd ;;
controller) start_munged && start slurmctld -L $log/slurmctld ;;
*) fail 'usage: host.sh prepare|conf|configure|node|controller' ;;
esac
