# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2154
#
# Functions for tests of jobs in pools, on machines of tools/vm/cluster; the tests source
# this file.

here=$(dirname "$(readlink -f "$0")")
build=${OUTPUT:-$(readlink -f "$here/../../build/selftests")}
# shellcheck source=selftests/lib/require.sh
. "$here/../lib/require.sh"
# shellcheck source=/dev/null
. "$here/../../userspace/tests/tap.sh"
# shellcheck source=selftests/vm/guest.sh
. "$here/../vm/guest.sh"

[ -n "${VPOOL_HOSTS:-}" ] || skip_all 'this is not a machine of tools/vm/cluster'
export LC_ALL=C
task=$build/pool_task
# A user for the jobs.
user=nobody
read -ra hosts <<< "$VPOOL_HOSTS"
dir=$(mktemp -d) || exit 1
chmod 755 "$dir"
# Slurm lets a job change to the directory of its submission.
cd / || exit 1

# End the daemons, so that another suite finds the machines idle. Without a slurmctld, scancel
# would wait for one for two minutes.
# shellcheck disable=SC2016,SC2317 # each machine expands it; the trap calls it
clean_up() {
	rm -f /cluster/start
	[ ! -e /run/slurmctld.pid ] || {
		scancel -s KILL -u $user
		until_true 30 no_jobs
	}
	on_all 'kill $(cat /run/slurmctld.pid /run/slurmd.pid /run/munge/munged.pid)'
	wait
	rm -r "$dir"
} > /dev/null 2>&1
trap clean_up EXIT

# quoted FILE...: print the ends of files as comments of TAP.
quoted() { tail -n 20 "$@" 2>&1 | sed 's/^/# /'; }
as_user() { setpriv --reuid=$user --regid=nogroup --clear-groups -- "$@"; }

# shellcheck disable=SC2153 # tools/vm/cluster sets VPOOL_HOST, too
# on HOST COMMAND: run a command in a machine.
on() {
	local host=$1

	shift
	if [ "$host" = "$VPOOL_HOST" ]; then
		bash -c "$*"
	else
		# shellcheck disable=SC2029 # the command is expanded here
		ssh "$host" "$*" < /dev/null
	fi
}

# on_all COMMAND: run a command in all machines at once. Fail if it fails in one.
on_all() {
	local host running=() status=0

	for host in "${hosts[@]}"; do
		on "$host" "$@" &
		running+=($!)
	done
	for host in "${running[@]}"; do
		wait "$host" || status=1
	done
	return $status
}

idle() { [ "$(sinfo -h -N -t idle -o %N 2> /dev/null | sort -u | wc -l)" = "$1" ]; }

# start_cluster: make all machines nodes, and this one the controller.
start_cluster() {
	on_all "$here/host.sh" prepare 2> "$dir/prepare" || {
		quoted "$dir/prepare"
		tap_result no 'Slurm is there'
		tap_end
	}
	"$here/host.sh" conf > /cluster/slurm/slurm.conf
	on_all "awk '/MemTotal/ { print \$2 }' /proc/meminfo > /cluster/slurm/\$VPOOL_HOST.memory"
	"$here/host.sh" controller && on_all "$here/host.sh" node
	until_true 180 idle ${#hosts[@]}
	is 'all nodes are idle' $? 0
	idle ${#hosts[@]} || {
		sinfo -N -l 2>&1 | sed 's/^/# /'
		quoted /var/log/slurm/slurmctld
		quoted /var/log/slurm/slurmd
		tap_end
	}
}

# Print "right" if a machine has no pool of a step and all its memory, else what it has.
cat > /cluster/returned <<'END'
#!/bin/bash
for ((i = 0; i < 300; i++)); do
	pools=$(ls /sys/kernel/vpool/pools | grep ^slurm-)
	[ -n "$pools" ] || break
	sleep 0.1
done
now=$(awk '/MemTotal/ { print $2 }' /proc/meminfo)
first=$(cat "/cluster/slurm/$VPOOL_HOST.memory")
if [ -z "$pools" ] && [ "$now" = "$first" ]; then
	echo right
else
	echo "$VPOOL_HOST has $pools and $now of $first kB"
fi
END
chmod 755 /cluster/returned

# returned WHEN: check that no machine has a pool of a step, and that each has its memory.
returned() {
	is "$1: no pool is left, and all memory is back" "$(on_all /cluster/returned | sort -u)" \
		right
}

# exec_srun ARGUMENT...: become srun. Without a process in between, a test can kill it.
exec_srun() {
	exec setpriv --reuid=$user --regid=nogroup --clear-groups -- srun "$@"
}

# start_srun NAME ARGUMENT...: start srun in the background. Its output goes to $dir/NAME.
start_srun() {
	local name=$1

	shift
	exec_srun "$@" > "$dir/$name" 2>&1 &
	srun=$!
}

# running NAME ARGUMENT...: start srun, and wait until its tasks have memory of the pool.
running() {
	start_srun "$@"
	until_true 90 is_ready "$1" || quoted "$dir/$1"
}

is_ready() { grep -q '^ready' "$dir/$1"; }
no_jobs() { [ -z "$(squeue -h 2> /dev/null)" ]; }
is_gone() { [ ! -e "$pools/$1" ]; }
# What an srun that is ready says: its pool, and the pid and the host of a task.
pool_of() { sed -n 's/^ready \([^ ]*\) .*/\1/p' "$dir/$1" | head -n 1; }
pid_of() { sed -n 's/^ready .* pid \([0-9]*\) .*/\1/p' "$dir/$1" | head -n 1; }
host_of() { sed -n 's/^ready .* on \([^ ]*\) .*/\1/p' "$dir/$1" | head -n 1; }
# stepd_of POOL: print the pid of the slurmstepd of a step on this machine.
stepd_of() { pgrep -f "slurmstepd: \[${1#slurm-}\]"; }
