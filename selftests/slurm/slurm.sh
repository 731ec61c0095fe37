#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run a step in a pool, with slurmctld and slurmd on one machine.

# shellcheck source=selftests/slurm/jobs.sh
. "$(dirname "$(readlink -f "$0")")/jobs.sh"

start_cluster
section 'a step with a pool'
# The task prints what it sees, one fact a line.
cat > "$dir/facts" <<'END'
#!/bin/bash
pool=$VPOOL_POOL
cgroup=/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)
echo "names: $pool $VPOOL_DEVICE"
echo "device: $(stat -c '%U %a' "$VPOOL_DEVICE")"
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
like 'the pool has CPUs' "$(fact cpus)" '[1-9]*'
is 'they are those that Slurm gave to the step' "$(fact cpus)" "$(fact slurm)"
is 'it has the memory, in whole pages' "$(fact memory)" $((64 << 20))
is 'the memory comes out of that of the step' "$(fact limit)" $((192 << 20))
is 'the memory comes out of that of the job' "$(fact job)" $((192 << 20))
is 'the task is a member before it runs' "$(fact member)" 1
returned 'a step with a pool'

section 'a refusal'
as_user srun -n2 --mem=128M --vpool-mem=128M true > "$dir/out" 2> "$dir/err"
is 'a step whose pool leaves its tasks no memory fails' $? 1
like 'the message tells why' "$(cat "$dir/err")" \
	"*vpool: $VPOOL_HOST: a pool of 128M does not fit: the step has 128M on this node (--mem), and its tasks must keep 16M*"
is 'one task tells it' "$(grep -c '^vpool:' "$dir/err")" 1
returned 'a refusal'
as_user srun --vpool-mem=64 true > "$dir/out" 2> "$dir/err"
is 'a size without a unit is refused' $? 255
like 'srun tells why' "$(cat "$dir/err")" "*--vpool-mem: '64': a size needs a unit*"
section end
tap_end
