#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run jobs in pools on three machines, cancel and kill them, and cut the power of a machine,
# as described in Documentation/hosts/slurm.rst. The short form runs a step on two machines.

# shellcheck source=selftests/slurm/jobs.sh
. "$(dirname "$(readlink -f "$0")")/jobs.sh"

nr_jobs=${VPOOL_SLURM_JOBS:-24}
RANDOM=${VPOOL_SEED:-$$}
echo "# seed ${VPOOL_SEED:-$$}"
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
as_user srun -n1 --mem=256M --vpool-mem=63M "$dir/facts" > "$dir/out" 2> "$dir/err"
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
as_user srun -N2 -n2 --mem=128M --vpool-mem=128M true > "$dir/out" 2> "$dir/err"
is 'a step whose pool leaves its tasks no memory fails' $? 1
like 'the message tells why' "$(cat "$dir/err")" \
	"*vpool: $VPOOL_HOST: a pool of 128M does not fit: the step has 128M on this node (--mem), and its tasks must keep 16M*"
is 'one task of each node tells it' "$(grep -c '^vpool:' "$dir/err")" 2
returned 'a refusal'
as_user srun --vpool-mem=64 true > "$dir/out" 2> "$dir/err"
is 'a size without a unit is refused' $? 255
like 'srun tells why' "$(cat "$dir/err")" "*--vpool-mem: '64': a size needs a unit*"
[ -z "${VPOOL_QUICK:-}" ] || tap_end

# A machine that starts again joins the cluster.
cat > /cluster/start <<END
#!/bin/bash
$here/host.sh prepare
awk '/MemTotal/ { print \$2 }' /proc/meminfo > /cluster/slurm/\$VPOOL_HOST.memory
$here/host.sh node
END
chmod 755 /cluster/start

# Slurm ends this job after a minute. Its end is checked below.
running limited -w host3 -t 1 --mem=64M --vpool-mem=16M "$task" 8 600
limited=$srun

section 'a step on all nodes'
as_user srun -N3 -n3 --mem=128M --vpool-mem=64M "$task" 48 1 > "$dir/out" 2>&1
is 'a step on three nodes runs' $? 0
is 'each node has a pool of the same name' "$(awk '/^ready/ { print $2 }' "$dir/out" |
	sort | uniq -c | awk '{ print $1 }')" 3
quoted "$dir/out"

section 'sbatch'
mkdir -m 777 /cluster/slurm/out
cat > "$dir/script" <<END
#!/bin/bash
#SBATCH -w host2 -n2 --mem=256M --vpool-mem=64M --vpool-page-size=4K
echo "batch: '\$VPOOL_POOL'"
srun "$task" 32 1
srun --vpool-mem=0 bash -c 'echo "without: \\"\$VPOOL_POOL\\""' | sort -u
srun -n1 --vpool-page-size=2M bash -c \\
	'echo "page: \$(cat /sys/kernel/vpool/pools/\$VPOOL_POOL/page_size)"'
END
chmod 644 "$dir/script"
as_user sbatch -W -o "/cluster/slurm/out/batch" "$dir/script" > "$dir/out" 2>&1
is 'a batch job runs' $? 0
quoted "$dir/out" /cluster/slurm/out/batch
like 'the batch script has no pool' "$(cat /cluster/slurm/out/batch)" "*batch: ''*"
is 'a step of it has the pool of sbatch' "$(grep -c '^ready slurm-.*\.0 ' /cluster/slurm/out/batch)" 2
is 'Slurm binds each task to a CPU of the pool' "$(sed -n 's/^ready .* cpus //p' \
	/cluster/slurm/out/batch | sort | tr '\n' ,)" 1,2,
like 'a step can go without' "$(cat /cluster/slurm/out/batch)" '*without: ""*'
like 'a step can have other pages' "$(cat /cluster/slurm/out/batch)" '*page: 2097152*'

section 'a default of the site'
on host2 "echo 'optional spank_vpool.so mem=32M' > /etc/slurm/plugstack.conf"
as_user srun -w host2 --mem=64M "$task" 16 0 > "$dir/out" 2>&1
is 'a step has the pool of plugstack.conf' $? 0
as_user srun -w host2 --mem=64M --vpool-mem=60M true > "$dir/out" 2>&1
is 'a refused step fails although the plugin is optional' $? 1
on host2 "cp $here/../../packaging/slurm/vpool.conf /etc/slurm/plugstack.conf"

section 'more than there is'
as_user srun --mem=100G --vpool-mem=99G true > "$dir/out" 2>&1
is 'a job that asks for more than any node has is refused' $? 1
quoted "$dir/out"
# Two jobs that Slurm cannot run together wait for each other.
start_srun first -w host2 --mem=400M --vpool-mem=350M "$task" 300 3
first=$srun
start_srun second -w host2 --mem=400M --vpool-mem=350M "$task" 300 3
wait "$first"
is 'the first of two large jobs runs' $? 0
wait "$srun"
is 'the second runs after it' $? 0
quoted "$dir/first" "$dir/second"
# Slurm does not know that root has taken memory. What is left suffices for one of two.
# shellcheck disable=SC2016 # host2 expands it
on host2 'mem=64; vpoolctl create hog --mem 64M
	while vpoolctl create try --mem 250M --dry-run; do
		mem=$((mem + 32)); vpoolctl resize hog --mem ${mem}M || break
	done' > "$dir/out" 2>&1
start_srun first -w host2 --mem=250M --vpool-mem=200M "$task" 180 20
first=$srun
start_srun second -w host2 --mem=250M --vpool-mem=200M "$task" 180 20
wait "$first"
one=$?
wait "$srun"
is 'one of two jobs that race for the last memory has it' "$(printf '%s\n' $one $? | sort |
	tr '\n' ' ')" '0 1 '
quoted "$dir/first" "$dir/second"
like 'the other has the reason of the kernel' "$(cat "$dir/first" "$dir/second")" \
	'*vpool: host2: * requested, but the host has *'
on host2 vpoolctl destroy hog
returned 'jobs that are too large'

section 'a pool destroyed by root'
running destroyed -w host1 --mem=64M --vpool-mem=32M "$task" 16 600
pool=$(pool_of destroyed)
vpoolctl destroy --force "$pool"
is 'root destroys a pool under a job' $? 0
wait "$srun"
is 'its task ends by SIGBUS' $? $((128 + 7))
quoted "$dir/destroyed"

section 'a killed slurmstepd'
running killed -w host1 --mem=64M --vpool-mem=32M "$task" 16 600
pool=$(pool_of killed)
kill -9 "$(stepd_of "$pool")"
sleep 2
is 'the pool stays as long as the orphaned task' "$(is_gone "$pool"; echo $?)" 1
kill -9 "$(pid_of killed)"
until_true 30 is_gone "$pool"
is 'the pool is gone with the task' $? 0
kill "$srun"
wait "$srun"
until_true 120 idle 3

section 'a killed slurmd'
running kept -w host1 --mem=64M --vpool-mem=32M "$task" 16 20
kill -9 "$(cat /run/slurmd.pid)"
wait "$srun"
is 'a job outlives its slurmd' $? 0
"$here/host.sh" node
until_true 60 is_gone "$(pool_of kept)"
is 'its pool is gone' $? 0

section 'a time limit'
wait "$limited"
is 'a job that exceeds its time limit fails' "$(($? > 0))" 1
quoted "$dir/limited"
until_true 120 no_jobs
returned 'jobs that ended in many ways'
until_true 120 idle 3

section "$nr_jobs jobs"
is_alive() { kill -0 "$1" 2> /dev/null; }
begun() { is_ready "$1" || ! is_alive "$2"; }

# random_job NR FATE SECONDS ARGUMENT...: run a job, and let it end in one of several ways
# after some time.
random_job() {
	local name=job.$1 fate=$2 seconds=$3 job host

	shift 3
	start_srun "$name" -K "$@"
	until_true 400 begun "$name" "$srun"
	job=$(pool_of "$name")
	job=${job#slurm-}
	host=$(host_of "$name")
	sleep "$seconds"
	[ -z "$job" ] || case $fate in
	cancel) scancel "${job%.*}" ;;
	kill) scancel -s KILL "${job%.*}" ;;
	srun) kill -9 "$srun" ;;
	stepd) on "$host" "pkill -9 -f 'slurmstepd: \[$job\]'; kill -9 $(pid_of "$name")" ;;
	task) on "$host" kill -9 "$(pid_of "$name")" ;;
	esac
	# A job that has lost slurmstepd or srun ends only if it is cancelled.
	[ -z "$job" ] || [ "$fate" = end ] || { sleep 1; scancel "${job%.*}"; }
	wait "$srun"
	echo "status $?" >> "$dir/$name"
} 2> /dev/null

fates=(end cancel kill srun stepd task)
for ((nr = 1; nr <= nr_jobs; nr++)); do
	while [ "$(jobs -r | wc -l)" -ge 6 ]; do
		sleep 0.5
	done
	nodes=$((RANDOM % 3 + 1))
	mem=$((RANDOM % 160 + 80))
	pool=$((mem - 40 - RANDOM % 36))
	fate=${fates[RANDOM % 6]}
	[ "$fate" = end ] && lasts=$((RANDOM % 4)) || lasts=60
	echo "job $nr: $nodes nodes, $pool of $mem MiB, $fate" > "$dir/job.$nr.size"
	random_job $nr "$fate" $((RANDOM % 3)) -N$nodes -n$nodes --mem=${mem}M \
		--vpool-mem=${pool}M "$task" $((pool - 4)) "$lasts" &
	if [ $nr = $((nr_jobs / 2)) ]; then
		section 'a power cut'
		"$here/../../tools/vm/host" power-cycle host3
	fi
done
wait
for ((nr = 1; nr <= nr_jobs; nr++)); do
	echo "# $(cat "$dir/job.$nr.size"): $(grep -c '^ready' "$dir/job.$nr") tasks ready," \
		"$(tail -n 1 "$dir/job.$nr")"
done
is 'no task found wrong memory' "$(cat "$dir"/job.* | grep -c 'wrong contents')" 0
ready=$(cat "$dir"/job.* | grep -c '^ready')
is 'most jobs had their pools' "$((ready >= nr_jobs / 2))" 1
"$here/../../tools/vm/host" wait host3
scancel -u "$user"
until_true 240 no_jobs
is 'no job is left' "$(squeue -h 2>&1)" ''
scontrol update nodename=host3 state=resume 2> /dev/null
until_true 240 idle 3
is 'all nodes are idle again' "$(sinfo -h -N -t idle -o %N | sort -u | tr '\n' ' ')" \
	'host1 host2 host3 '
returned "$nr_jobs jobs and a power cut"
echo "cases: $nr_jobs of jobs in pools"
section end
tap_end
