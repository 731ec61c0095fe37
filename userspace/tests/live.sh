#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# All verbs of vpoolctl with the module, and their failures. Needs root, the module, two
# CPUs, 1.5 GiB and 32 huge pages. VPOOLCTL is the program.

dir=$(mktemp -d) || exit 1
# shellcheck source=/dev/null
. "$(dirname "$0")/tap.sh"

export LC_ALL=C
VPOOLCTL=${VPOOLCTL:-vpoolctl}
out='' err=''
cpu=$(sed 's/.*[,-]//' /sys/devices/system/cpu/online)
pools='live-web live-mem live-none live-big'

if [ ! -c /dev/vpool/control ]; then
	echo '1..0 # SKIP the module is not loaded'
	exit 0
fi

page=$(cat /sys/kernel/vpool/default_page_size)
base=$(getconf PAGESIZE)

# size PAGES: print the size of a number of huge pages as vpoolctl does. It is a
# number of MiB, and less than a GiB.
size()
{
	echo "$(($1 * page >> 20))M"
}

# shellcheck disable=SC2317 # the trap calls it
clean_up()
{
	# shellcheck disable=SC2086 # words
	"$VPOOLCTL" destroy --force $pools >/dev/null 2>&1
	rm -r "$dir"
}
trap clean_up EXIT

try 0 host
like 'host reports that the module is loaded' "$out" '*Module loaded:*yes*'
try 0 host -J
like 'host tells how pool memory is mapped' "$out" \
	"*\"memory_mapped_by\": $(cat /sys/kernel/vpool/max_mapping_size),*"
try 0 create live-none --mem "$(size 2)" --dry-run
like 'a dry run of create says so' "$out" "would create live-none: $(size 2)*"
try 1 show live-none
is 'a dry run creates no pool' "$err" \
	"vpoolctl: show live-none: there is no pool 'live-none'
Try 'vpoolctl list' for the existing pools."

try 0 create live-none --mem "$(size 2)" --dry-run -J
schema create
try 0 create live-web --mem "$(size 4)" --cpus "$cpu" --split-cores --mode 0600
is 'create prints the resources' "$out" \
	"created live-web: $(size 4) of memory in pages of $(size 1) and CPU $cpu"
try 0 create live-mem --mem "$((page + 1))"
like 'rounding is reported' "$out" "*live-mem: $(size 2)*was requested, and rounded up*"
try 1 create live-mem --mem "$(size 2)"
like 'a name is unique' "$err" "*pool 'live-mem' already exists*"
try 1 create live-none --cpus "$cpu" --split-cores
like 'a CPU is in one pool' "$err" "*cpu $cpu belongs to pool 'live-web'*"
try 1 create live-none --cpus 500000
like 'a missing CPU is refused' "$err" '*cpu 500000 *'

try 0 list -b --noheadings -o NAME,TOTAL,CPUS
like 'both pools are listed' "$(echo "$out" | tr -s ' ')" \
	"*live-web $((4 * page)) $cpu*live-mem $((2 * page)) -*"
try 0 list -J
schema list
try 0 host -J
schema host
try 0 map -J
schema map
try 0 top -J -n 1 -d 0.1
schema top
try 0 show live-web -J
schema show
like 'show prints all properties' "$(echo "$out" | tr -d ' \n')" \
	'*"name":"live-web"*"mode":"0600"*"nodes":[{"node":*'

# Compare all files of a pool in sysfs with the output of vpoolctl. Print each file that
# vpoolctl does not print, or prints with another value.
missing=$("$VPOOLCTL" metrics >"$dir/metrics"
	"$VPOOLCTL" show live-web -J | python3 -c '
import json, os, re, sys
pool = json.load(sys.stdin)["pool"]
metrics = open(sys.argv[1]).read()
top = "/sys/kernel/vpool/pools/live-web"
names = {"page_size": "page", "cpus/assigned": "cpus"}
nodes = {f"node{node[key]}": node for node in pool["nodes"] for key in ["node"]}
for folder, _, files in os.walk(top):
    for name in files:
        path = os.path.relpath(os.path.join(folder, name), top)
        text = open(os.path.join(folder, name)).read().strip()
        key = re.sub("_bytes$", "", names.get(path, name))
        if path == "created_ns":
            continue
        if path.startswith("stat/"):
            have = re.search("^vpool_" + name + "_total.*live-web.* (.*)$",
                             metrics, re.M)
            have = have and have[1]
        elif "/node" in path:
            have = nodes.get(path.split("/")[1], {}).get(key, 0)
        elif path == "isolated":
            have = int(pool[key])
        elif path.startswith("limits/"):
            have = pool[{"user_bytes": "user_mem"}.get(name, name)] or 0
        else:
            have = pool.get(key)
        if str(have) != text:
            print(path, text, have)
' "$dir/metrics" 2>&1)
is 'vpoolctl prints all values of sysfs' "$missing" ''

try 0 resize live-web --mem "$(size 6)"
is 'resize prints the former size' "$out" \
	"resized live-web: $(size 6) of memory, it had $(size 4)"
try 0 resize live-web --mem "-$(size 1)" --dry-run
like 'a dry run of resize says so' "$out" "would resize live-web: $(size 5) of memory*"
try 0 resize live-web --mem "-$(size 2)" -J
schema resize
# The example commits 4 MiB, rounded up to whole pages.
used=$((((4 << 20) + page - 1) / page * page))
is 'the example of libvpool(3)' \
	"$("$(dirname "$(readlink -f "$(command -v "$VPOOLCTL")")")/../examples/memory" \
		live-web)" \
	"live-web: CPUs $cpu, $((4 * page - used)) of $((4 * page)) bytes are free"
# Dry runs, and outcomes as JSON.
sleep 600 &
task=$!
try 0 attach live-web -p "$task" -n
is 'a dry run of attach' "$out" "would attach $task"
try 0 attach live-web -p "$task" -n -q
is '-q silences a dry run' "$out" ''
is 'a dry run attaches nothing' "$(cat /sys/kernel/vpool/pools/live-web/cpus/members)" 0
try 1 attach live-mem -p "$task" -n
like 'a dry run of attach to a pool without CPUs' "$err" "*pool 'live-mem' has no CPUs*"
try 1 detach live-web -p "$task" -n
like 'a dry run of detach of a task that is no member' "$err" '*is not a member of pool*'
try 0 attach live-web -p "$task" -J
schema attach
like 'the outcome of attach' "$(echo "$out" | tr -d '\n')" \
	"*\"version\": 1,*\"command\": \"attach\",*\"name\": \"live-web\",*\"dry_run\": false,*\"message\": \"attached $task\"*"
try 0 detach live-web -p "$task" -n
is 'a dry run of detach' "$out" "would detach $task"
try 0 kill live-web -n
is 'a dry run of kill' "$out" 'signal 15 would go to 1 process'
is 'a dry run kills nothing' "$(kill -0 "$task" && echo alive)" alive
try 1 destroy live-web -n
like 'a dry run of destroy tells that the pool is in use' "$err" '*it is in use (0 regions, 1 members, 0 mounts); --force*'
try 0 destroy live-web live-mem -n -f -J
schema destroy
is 'a dry run destroys nothing' "$(echo "$out" | grep -c '"destroyed": false')" 2
try 0 detach live-web -p "$task" -J
schema detach
try 0 destroy live-web -n
is 'a dry run of destroy' "$out" 'would destroy live-web'
kill "$task"
wait "$task" 2>/dev/null
try 0 run -n live-web -- sh -c 'exit 3'
is 'a dry run of run' "$out" 'would run sh on pool live-web'
"$VPOOLCTL" run -n live-web -- no-such-program 2>/dev/null
is 'a dry run of run without the program' "$?" 127
mkdir "$dir/files"
try 0 mount live-mem "$dir/files" -n
is 'a dry run of mount' "$out" "would mount live-mem at $dir/files"
try 0 mount live-mem "$dir/files" -q
try 0 umount live-mem -n
is 'a dry run of umount' "$out" "would unmount live-mem from $dir/files"
try 0 umount live-mem -J
schema umount
try 0 audit --mend -n
is 'nothing to restore' "$out" ''

# The library with an adopted descriptor, and with a node.
library=$(dirname "$(readlink -f "$(command -v "$VPOOLCTL")")")/../lib/libvpool.so
# A node that the pool has memory on.
node=$(grep -lv '^0$' /sys/kernel/vpool/pools/live-web/memory/node*/free_bytes |
	sed -n 's,.*/node\([0-9]*\)/.*,\1,p' | head -n 1)
is 'the library adopts a descriptor and commits from a node' "$(python3 -c '
import ctypes, os, sys
lib = ctypes.CDLL(sys.argv[1])
lib.vpool_reason.restype = ctypes.c_char_p
lib.vpool_reason.argtypes = lib.vpool_close.argtypes = [ctypes.c_void_p]
def adopt(path):
    vp = ctypes.c_void_p()
    fd = os.open(path, os.O_RDWR)
    return lib.vpool_adopt(fd, ctypes.byref(vp)), vp
print(*(adopt("/dev/" + name)[0] for name in ("null", "vpool/control")))
err, vp = adopt("/dev/vpool/live-web")
size = ctypes.c_ulonglong(1)
print(err, lib.vpool_commit(vp, ctypes.byref(size), 2),
      lib.vpool_commit_node(vp, ctypes.byref(size), 0, 4000),
      lib.vpool_commit_node(vp, ctypes.byref(size), 0, int(sys.argv[2])), size.value)
# Any CPU of the pool. CPU 0 is not one of them.
print(lib.vpool_attach(vp, -1, 2))
lib.vpool_close(vp)' "$library" "$node" 2>&1)" "-25 0
0 -22 -19 0 $page
0"
is 'the memory is released' "$(cat /sys/kernel/vpool/pools/live-web/memory/used_bytes)" 0

# Process 1 of a pid namespace, which has few children.
# shellcheck disable=SC2016 # for the shell there
like 'process 1 is attached with a warning' "$(unshare -pf --mount-proc sh -c \
	'"$1" attach live-web --pid 1; "$1" detach live-web --pid 1' sh "$VPOOLCTL" 2>&1)" \
	'vpoolctl: attach live-web: warning: process 1 starts the services*'

# Root of a user namespace has the permissions of its user, and not those of root.
owner=$(stat -c %u:%g /dev/vpool/live-web)
chmod 0666 /dev/vpool/live-web
mkdir -p /run/vpool
is 'root of a user namespace can run a program' "$(setpriv --reuid 4711 --regid 4711 \
	--clear-groups unshare -r "$VPOOLCTL" run live-web -- sh -c 'id -u' 2>&1)" 0
setpriv --reuid 4711 --regid 4711 --clear-groups unshare -r sleep infinity &
sleeper=$!
for _ in {1..60}; do
	[ "$(cat "/proc/$sleeper/comm")" = sleep ] && break
	sleep 1
done
is 'root of a user namespace can attach' "$(setpriv --reuid 4711 --regid 4711 --clear-groups \
	nsenter -t "$sleeper" -U --preserve-credentials "$VPOOLCTL" attach live-web --pid "$sleeper" 2>&1)" ''
kill "$sleeper"
wait "$sleeper" 2>/dev/null
chmod 0600 /dev/vpool/live-web
like 'root of a user namespace cannot open the device of another user' "$(setpriv --reuid 4711 --regid 4711 \
	--clear-groups unshare -r "$VPOOLCTL" run live-web true 2>&1)" \
	'*you may not open /dev/vpool/live-web: it belongs to *mode 0600*'
is 'the owner of the device is unchanged' "$(stat -c %u:%g /dev/vpool/live-web)" "$owner"
mkdir "$dir/nodev"
mount -t tmpfs -o nodev nodev "$dir/nodev"
cp -a /dev/vpool/live-web "$dir/nodev"
like 'a directory mounted with nodev is reported' \
	"$(VPOOL_DEV_DIR=$dir/nodev "$VPOOLCTL" run live-web true 2>&1)" '*nodev*pass the device on*'
umount "$dir/nodev"
try 1 resize live-web --mem "-$(size 8)"
like 'resize cannot remove more than the pool has' "$err" '*it has less memory than --mem takes away*'
try 1 resize live-none --mem "$(size 2)"
try 2 resize live-web
try 0 show live-web -b

# shellcheck disable=SC2016 # for the shell there
try 42 run live-web -- sh -c \
	'grep Cpus_allowed_list /proc/self/status
	 echo "$VPOOL_POOL $VPOOL_DEVICE"; exit 42'
like 'a program runs on the pool' "$out" \
	"Cpus_allowed_list:	$cpu*live-web /dev/vpool/live-web"
try 0 run live-mem true
try 127 run live-web /nowhere/nothing
try 126 run live-web /etc/passwd
try 1 run live-none true

"$VPOOLCTL" run live-web sleep infinity &
sleeper=$!
exec 9<>/dev/vpool/live-web
for _ in {1..60}; do
	try=$("$VPOOLCTL" ps live-web --noheadings -o COMM)
	[ "$try" = sleep ] && break
	sleep 1
done
is 'a member is listed' "$try" sleep
try 0 ps live-web -J
schema ps
like 'ps lists the thread of the member' "$(echo "$out" | tr -d ' \n')" "*\"tid\":$sleeper,*"
try 0 regions live-web -J
schema regions
try 0 regions live-web --noheadings -o PID,USER
is 'a region is listed' "$(echo "$out" | tr -s ' ')" "$(echo " $$ root" |
	sed 's/^ //')"
try 1 destroy live-web live-mem live-none
like 'a pool in use is not destroyed' "$err" "*destroy live-web:*--force*live-none*"
try 1 show live-mem
try 0 show live-web
try 0 destroy --force live-web -J
schema destroy
exec 9<&-
kill "$sleeper"
wait "$sleeper" 2>/dev/null
# A long reservation, with and without a terminal.
progress='*vpoolctl: create live-big: * of *, */s, * s left*created live-big*'
# Progress is shown after the first second of the reservation. Other work of create
# can also take that long once, so try several times.
for _ in {1..5}; do
	"$VPOOLCTL" destroy live-big >/dev/null 2>&1
	begin=$SECONDS
	script -qec "'$VPOOLCTL' create live-big --page-size $base --mem 1G" /dev/null \
		>"$dir/typescript"
	took=$((SECONDS - begin))
	# shellcheck disable=SC2053 # it is a pattern
	[[ $took -le 2 || $(cat "$dir/typescript") == $progress ]] && break
done
if [ "$took" -gt 2 ]; then
	like 'a long reservation shows its progress' "$(cat "$dir/typescript")" \
		"$progress"
else
	tap_result yes 'progress # SKIP this host is too fast to show progress'
fi
try 0 destroy live-big
try 0 create live-big --page-size "$base" --mem 64M
is 'progress is not shown without a terminal' "$err" ''
try 0 destroy live-big

try 0 list --noheadings -o NAME
is 'no pool is left' "$(echo "$out" | grep -c '^live-')" 0

tap_end
