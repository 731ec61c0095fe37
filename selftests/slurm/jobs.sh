# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2154
#
# Functions for tests of jobs in pools; the tests source this file.

here=$(dirname "$(readlink -f "$0")")
build=${OUTPUT:-$(readlink -f "$here/../../build/selftests")}
# shellcheck source=selftests/lib/require.sh
. "$here/../lib/require.sh"
# shellcheck source=/dev/null
. "$here/../../userspace/tests/tap.sh"
# shellcheck source=selftests/vm/guest.sh
. "$here/../vm/guest.sh"

export LC_ALL=C
# A user for the jobs.
user=nobody
dir=$(mktemp -d) || exit 1
chmod 755 "$dir"
# Slurm lets a job change to the directory of its submission.
cd / || exit 1

# as_user COMMAND...: run a command as the user of the jobs.
as_user() { runuser -u $user -- "$@"; }

section() { echo "# $SECONDS s: $*"; }

# quoted FILE...: print files as comments of TAP.
quoted() { tail -n 20 "$@" 2>&1 | sed 's/^/# /'; }

# start_srun NAME ARGUMENT...: start srun in the background. Its output goes to $dir/NAME.
start_srun() {
	local name=$1

	shift
	as_user srun "$@" > "$dir/$name" 2>&1 &
	srun=$!
}

is_ready() { grep -q '^ready' "$dir/$1"; }
idle_nodes() { [ "$(sinfo -h -N -t idle -o %N 2> /dev/null | sort -u | wc -l)" = "$1" ]; }
no_jobs() { [ -z "$(squeue -h 2> /dev/null)" ]; }
# ids NAME: print the number of the job, and the pid of a task, of an srun that is ready.
job_of() { sed -n 's/^ready slurm-\([0-9]*\).*/\1/p' "$dir/$1" | head -n 1; }
pid_of() { sed -n 's/.* pid \([0-9]*\) .*/\1/p' "$dir/$1" | head -n 1; }
stepd_of() { pgrep -f "slurmstepd: \[$1\.0\]"; }
