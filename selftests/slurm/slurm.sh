#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run jobs in pools with slurmctld and slurmd on this machine, as described in
# Documentation/hosts/slurm.rst. Needs root, and Slurm, installed or unpacked by tools/setup.

# shellcheck source=selftests/slurm/jobs.sh
. "$(dirname "$(readlink -f "$0")")/jobs.sh"

host=$(hostname -s)
# Without an address beside those of the loopback, Slurm finds no address to listen on. This
# one is reserved for documentation.
address=192.0.2.1/32
task=$build/pool_task

# shellcheck disable=SC2317 # the trap calls it
clean_up() {
	scancel -s KILL -u $user
	ip address delete $address dev lo
	kill "$(cat /run/slurmctld.pid)" "$(cat /run/slurmd.pid)" "$(cat /run/munge/munged.pid)"
	for pool in "$pools"/slurm-*; do
		vpoolctl destroy --force "${pool##*/}"
	done
	rm -r "$dir"
} > /dev/null 2>&1
trap clean_up EXIT

total() { sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo; }
no_pools() { ! ls -d "$pools"/slurm-* > /dev/null 2>&1; }
# all_returned NAME: check that no pool is left, and that the host has all its memory.
all_returned() {
	until_true 30 no_pools
	is "$1: no pool is left" "$(cd "$pools" && echo slurm-*)" 'slurm-*'
	is "$1: the host has all its memory" "$(total)" "$memory"
}

line=$("$here/host.sh" prepare 2> "$dir/prepare") || skip "$(cat "$dir/prepare")"
ip address add $address dev lo
grep -q "$host" /etc/hosts || echo "127.0.0.1 $host" >> /etc/hosts
echo "$line" | "$here/host.sh" conf "$host" | "$here/host.sh" configure
"$here/host.sh" controller && "$here/host.sh" node
until_true 120 idle_nodes 1
is 'the node is idle' $? 0
idle_nodes 1 || {
	quoted /var/log/slurm/slurmctld
	quoted /var/log/slurm/slurmd
	tap_end
}
memory=$(total)
section 'a step with a pool'

# The task prints what it sees, one fact a line.
cat > "$dir/facts" <<'END'
#!/bin/bash
pool=$VPOOL_POOL
echo "names: $pool $VPOOL_DEVICE"
echo "device: $(stat -c '%U %a' "$VPOOL_DEVICE")"
cgroup=/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)
echo "cpus: $(cat "/sys/kernel/vpool/pools/$pool/cpus/assigned")"
echo "slurm: $(cat "$cgroup/cpuset.cpus.effective")"
echo "memory: $(cat "/sys/kernel/vpool/pools/$pool/memory/total_bytes")"
echo "limit: $(cat "$cgroup/../memory.max")"
echo "job: $(cat "$cgroup/../../../memory.max")"
echo "member: $(vpoolctl ps "$pool" | grep -c -w "$$")"
END
chmod 755 "$dir/facts"
as_user srun -n1 -c2 --mem=256M --vpool-mem=63M "$dir/facts" > "$dir/out" 2> "$dir/err"
is 'a step with a pool runs' $? 0
quoted "$dir/out" "$dir/err"
fact() { sed -n "s/^$1: //p" "$dir/out"; }
like 'it has the name and the device of its pool' "$(fact names)" \
	'slurm-[0-9]*.0 /dev/vpool/slurm-[0-9]*.0'
is 'the device belongs to its user' "$(fact device)" "$user 600"
is 'the pool has the CPUs that Slurm gave to the step' "$(fact cpus)" "$(fact slurm)"
is 'it has the memory, in whole pages' "$(fact memory)" $((64 << 20))
is 'the memory comes out of that of the step' "$(fact limit)" $((192 << 20))
is 'and out of that of the job' "$(fact job)" $((192 << 20))
is 'the task is a member before it runs' "$(fact member)" 1
all_returned 'a step with a pool'

section 'a refusal'

as_user srun -n2 --mem=128M --vpool-mem=128M true > "$dir/out" 2> "$dir/err"
is 'a step whose pool leaves its tasks no memory fails' $? 1
like 'the message tells why' "$(cat "$dir/err")" \
	"*vpool: $host: a pool of 128M does not fit: the step has 128M on this node (--mem), and its tasks must keep 16M*"
is 'one task tells it' "$(grep -c '^vpool:' "$dir/err")" 1
all_returned 'a refusal'

as_user srun --vpool-mem=64 true > "$dir/out" 2> "$dir/err"
is 'a size without a unit is refused' $? 255
like 'srun tells why' "$(cat "$dir/err")" "*--vpool-mem: '64': a size needs a unit*"
section 'end'
tap_end
