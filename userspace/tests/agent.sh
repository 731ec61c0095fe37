#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Answers of vpoolctl agent, with a directory that simulates sysfs. VPOOLCTL is the
# program.

dir=$(mktemp -d) || exit 1
trap 'rm -r "$dir"' EXIT
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=/dev/null
. "$here/tap.sh"

export LC_ALL=C
export VPOOL_DEV_DIR="$dir/dev"
export VPOOL_RUN_DIR="$dir/run"
export VPOOL_SYSFS_DIR="$dir/sys"
cd "$dir" || exit 1

# pool NAME CPUS: create the files of a pool
pool()
{
	local at=sys/pools/$1 file

	mkdir -p "$at/cpus" "$at/memory/node0" "$at/stat"
	for file in id uid gid cpus/members memory/used_bytes memory/regions \
		memory/free_bytes memory/scrubbing_bytes memory/total_bytes; do
		echo 0 >"$at/$file"
	done
	echo active >"$at/state"
	echo 2097152 >"$at/page_size"
	echo 0660 >"$at/mode"
	echo "$2" | tee "$at/cpus/assigned" >"$at/cpus/effective"
	echo >"$at/cpus/dedicated"
	echo 1600000000000000000 >"$at/created_ns"
}

# answers NAME STATUS LINE [ARGUMENT...]: check an answer for the pool web
answers()
{
	local name=$1 status=$2 line=$3

	shift 3
	"$VPOOLCTL" agent web "$@" >out 2>err
	is "$name: exit status" "$?" "$status"
	is "$name" "$(cat out)" "$line"
}

answers 'without the module' 3 \
	"down#the vpool module is not loaded: run 'modprobe vpool' or 'insmod vpool.ko'"
like 'without the module: message' "$(cat err)" 'vpoolctl: agent: the vpool module is not loaded*'
mkdir -p sys/pools
answers 'a pool that does not exist' 1 "down#there is no pool 'web'"
like 'a pool that does not exist: message' "$(cat err)" "vpoolctl: agent web: there is no pool 'web'*Try *"
pool web 2-5
cpus=sys/pools/web/cpus
answers 'four CPUs' 0 'up ready 40%'
answers 'four CPUs with another scale' 0 'up ready 100%' --per-cpu 25
echo 2-3 >$cpus/effective
answers 'two of the CPUs are offline' 0 'up ready 20%'
echo >$cpus/effective
answers 'all CPUs are offline' 1 'down#no CPU of pool web is online'
seq -s, 0 255 | tee $cpus/assigned >$cpus/effective
answers '256 CPUs' 0 'up ready 2560%'
for state in creating destroying; do
	echo $state >sys/pools/web/state
	answers "a pool that is $state" 1 "down#pool web is $state"
done
echo degraded >sys/pools/web/state
answers 'a degraded pool' 0 'up ready 2560%'
echo >$cpus/assigned
echo >$cpus/effective
answers 'a pool of memory' 0 'up ready'

# Drain

pool web 2-3
try 0 agent web --drain
# shellcheck disable=SC2154 # try sets them
is 'drain prints nothing' "$out$err" ''
answers 'a drained pool' 0 'up drain'
try 0 agent web --drain
is 'the file of a drained pool' "$(ls run)" web.drain
echo destroying >sys/pools/web/state
answers 'a drained pool that is destroyed' 1 'down#pool web is destroying'
pool web 2-3
answers 'a drained pool that is there again' 0 'up drain'
try 0 agent web --ready
answers 'a pool that is ready again' 0 'up ready 20%'
is 'no file is left' "$(ls run)" ''
try 0 agent web --ready
touch run/web.drain
answers 'a file that another program has made' 0 'up drain'
rm -r sys/pools/web
try 0 agent web --ready
is 'the file of a pool that is gone can be removed' "$(ls run)" ''
try 1 agent web --ready
like 'ready of a pool that does not exist' "$err" "vpoolctl: agent web: there is no pool 'web'*"
try 1 agent web --drain
like 'drain of a pool that does not exist' "$err" "vpoolctl: agent web: there is no pool 'web'*"
is 'no file is left of it' "$(ls run)" ''
touch x.drain
try 1 agent ../x --ready
is 'a name cannot lead to another directory' "$(ls x.drain)" x.drain
pool web 2-3
rmdir run
touch run
try 1 agent web --drain
like 'drain without a directory' "$err" 'vpoolctl: agent web: cannot change the drain file: *'
rm run

try 2 agent web --drain --ready
like 'drain and ready' "$err" 'vpoolctl: agent: --drain and --ready exclude each other*'
for scale in 0 -1 1001 10% ' 1' ''; do
	try 2 agent web --per-cpu "$scale"
	like "scale '$scale'" "$err" "vpoolctl: agent: --per-cpu: '$scale' is not a percentage*"
done
try 2 agent
like 'agent without a pool' "$err" 'vpoolctl: agent: too few arguments: expected NAME*'

# A socket, as systemd passes it. The program ends after the signal.

cat >activate.py <<'END'
import os, signal, socket, subprocess, sys, time

def serve():
    os.dup2(listener.fileno(), 3)
    os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")

def ask(send=b""):
    with socket.create_connection(listener.getsockname(), timeout=10) as s:
        if send:
            s.sendall(send)
        with s.makefile() as f:
            return f.read()

listener = socket.create_server(("127.0.0.1", 0))
agent = subprocess.Popen([sys.argv[1], "agent", "web"], preexec_fn=serve,
                         pass_fds=[3])
print(repr(ask()))
with open("sys/pools/web/cpus/effective", "w") as f:
    f.write("2\n")
print(repr(ask()))
print(repr(ask(b"web\n" * 1000)))
# A client that says nothing and stays must not keep the others from an answer.
idle = socket.create_connection(listener.getsockname())
start = time.monotonic()
print(repr(ask()), time.monotonic() - start < 5)
os.rename("sys/pools/web", "sys/pools/gone")
print(repr(ask()))
print(agent.poll())
agent.send_signal(signal.SIGTERM)
print(agent.wait(timeout=10))
END
is 'answers at a socket' "$(timeout 60 python3 activate.py "$VPOOLCTL" 2>&1)" \
	"'up ready 20%\\n'
'up ready 10%\\n'
'up ready 10%\\n'
'up ready 10%\\n' True
\"down#there is no pool 'web'\\n\"
None
0"
mv sys/pools/gone sys/pools/web
is 'descriptors for another process are not used' \
	"$(LISTEN_PID=1 LISTEN_FDS=1 timeout 10 "$VPOOLCTL" agent web)" 'up ready 10%'

tap_end
