#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Mounted pools: mount, list, umount, destroy, apply and export. Needs root, the module, no
# other pools and 64 MiB. VPOOLCTL is the program.

dir=$(mktemp -d) || exit 1
# shellcheck source=/dev/null
. "$(dirname "$0")/tap.sh"

export LC_ALL=C
VPOOLCTL=${VPOOLCTL:-vpoolctl}
out='' err='' other=''

if [ ! -c /dev/vpool/control ]; then
	echo '1..0 # SKIP the module is not loaded'
	exit 0
fi

page=$(cat /sys/kernel/vpool/default_page_size)
at=$dir/at
second=$dir/second

# size PAGES: print the size of a number of huge pages as vpoolctl does
size()
{
	echo "$(($1 * page >> 20))M"
}

# shellcheck disable=SC2317 # the trap calls it
clean_up()
{
	[ -z "$other" ] || kill "$other"
	exec 9>&-
	cd /
	umount "$at/sub" 2>/dev/null
	"$VPOOLCTL" umount --quiet mnt mnt2 2>/dev/null
	"$VPOOLCTL" destroy --force mnt mnt2 >/dev/null 2>&1
	"$VPOOLCTL" umount --quiet mnt mnt2 2>/dev/null
	rm -r "$dir"
}
trap clean_up EXIT

# mounted: print "NAME DIRECTORY" of each mounted pool, without the temporary directory
mounted()
{
	"$VPOOLCTL" mount --noheadings --raw -o NAME,DIRECTORY | sed "s|$dir/||"
}

# wait_for FILE: wait until a process in the background has written to a file
wait_for()
{
	local i

	for ((i = 0; i < 300; i++)); do
		[ -s "$1" ] && return
		sleep 0.1
	done
}

# apply STATUS DECLARATION...: apply declarations in YAML
apply()
{
	local status=$1

	shift
	printf '%s\n' "$@" >"$dir/file"
	try "$status" apply "$dir/file"
}

mkdir "$at" "$second"
echo 'pools: {}' | "$VPOOLCTL" apply --quiet -

# mount and umount

try 0 create mnt --mem "$(size 8)" --mode 0640 --owner daemon:adm
try 0 mount
is 'nothing is mounted' "$out" ''
try 0 mount mnt "$at"
is 'mount says where' "$out" "mounted mnt at $at"
is 'the root directory has the owner and the mode of the pool' \
	"$(stat -c '%U:%G %a' "$at")" 'daemon:adm 750'
is 'the magic number is that of vpool' "$(stat -f -c %t "$at")" 76706f6f
like 'the filesystem is mounted without devices, programs and set-user-ID' \
	",$(findmnt -n -o OPTIONS "$at")," '*,nosuid,nodev,noexec,*'
try 0 mount --noheadings --raw -b -o NAME,DIRECTORY,SIZE,USED,FREE,PAGE,OWNER,MODE,HUGETLBFS
is 'a mounted pool is listed' "$out" \
	"mnt $at $((8 * page)) 0 $((8 * page)) $page daemon:adm 0750 no"
truncate -s "$((3 * page))" "$at/file"
try 0 mount --noheadings --raw -b -o USED,FREE
is 'the list tells what is used' "$out" "$((3 * page)) $((5 * page))"
is 'df tells the same' "$(df -B1 --output=size,used,avail "$at" | tail -n 1 | xargs)" \
	"$((8 * page)) $((3 * page)) $((5 * page))"
try 0 mount -J
schema mount
try 0 show mnt -J
schema show
like 'show has the mount' "$(echo "$out" | tr -d ' \n')" \
	"*\"mounts\":1,*\"mount_points\":\[{\"mounted_at\":\"$at\",\"hugetlbfs\":false}\]*"
like 'metrics count the mount' "$("$VPOOLCTL" metrics)" '*vpool_mounts{pool="mnt"} 1*'
try 1 mount mnt "$at"
like 'nothing is mounted over a mounted pool' "$err" "*pool 'mnt' is mounted at $at already*"
try 1 mount mnt /proc
like 'nothing is mounted over another filesystem' "$err" \
	'*a filesystem (proc) is mounted at /proc already*'
try 1 mount mnt "$dir/missing"
like 'the directory must exist' "$err" "*directory $dir/missing does not exist*"
touch "$dir/regular"
try 1 mount mnt "$dir/regular"
like 'a file is not a directory' "$err" "*$dir/regular is not a directory*"
try 1 mount mnx "$second"
like 'the pool must exist' "$err" "*there is no pool 'mnx': did you mean 'mnt'?*"
cpu=$(sed 's/.*[,-]//' /sys/devices/system/cpu/online)
try 0 create mnt2 --cpus "$cpu" --split-cores
try 1 mount mnt2 "$second"
like 'a pool without memory has no files' "$err" "*pool 'mnt2' has no memory*"
try 0 destroy mnt2
try 0 mount mnt "$second" --owner 7:8 --mode 1777 --hugetlbfs -J
schema mount
is 'owner and mode can be given' "$(stat -c '%u:%g %a' "$second")" '7:8 1777'
is 'the magic number of hugetlbfs can be had' "$(stat -f -c %t "$second")" 958458f6
is 'a pool can be mounted twice' "$(mounted)" 'mnt at
mnt second'
# Only a simulated module knows this pool, so that the kernel has to refuse it.
ghost=$dir/sys/pools/ghost
mkdir -p "$ghost/memory" "$dir/third"
echo 2 >"$dir/sys/abi_version"
echo active >"$ghost/state"
echo "$page" >"$ghost/memory/total_bytes"
VPOOL_SYSFS_DIR=$dir/sys VPOOL_DEV_DIR=$dir/dev try 1 mount ghost "$dir/third"
like "the kernel's message is printed" "$err" \
	"vpoolctl: mount ghost: $dir/third: there is no pool 'ghost'*"

# A filesystem in use

try 0 umount "$second"
is 'umount of a directory' "$out$(mounted)" "unmounted mnt from $second""mnt at"
exec 9<"$at/file"
try 1 umount mnt
is 'umount names the process that has a file open' "${err%%Try*}" \
	"vpoolctl: umount mnt: $at is in use: process $$ (mount.sh) has $at/file open
"
exec 9>&-
cd "$at" || exit 1
try 1 umount mnt -J
like 'umount names the process that has its working directory there' "$err" \
	"*process $$ (mount.sh) has $at as its working directory*"
schema umount
cd "$dir" || exit 1
# The module mmap of Python would keep a descriptor.
python3 -c '
import ctypes, mmap, os, sys, time
libc = ctypes.CDLL(None)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int,
                      ctypes.c_int, ctypes.c_long]
fd = os.open(sys.argv[1], os.O_RDWR)
if libc.mmap(None, 4096, mmap.PROT_READ, mmap.MAP_SHARED, fd, 0) == 2**64 - 1:
    sys.exit("mmap failed")
os.close(fd)
print("mapped", flush=True)
time.sleep(600)' "$at/file" >"$dir/mapped" &
other=$!
wait_for "$dir/mapped"
try 1 umount "$at"
like 'umount names the process that has a file mapped' "$err" \
	"*process $other (python3) has $at/file mapped*"
kill "$other"
wait "$other" 2>/dev/null
other=''
mkdir "$at/sub"
mount -t tmpfs none "$at/sub"
try 1 umount "$at"
like 'umount names the mount on it' "$err" "*tmpfs is mounted at $at/sub*"
umount "$at/sub"
mount -t tmpfs none "$at"
try 1 umount mnt
like 'a filesystem over the mount is not unmounted' "$err" \
	"*$at: a filesystem (tmpfs) is mounted over it*"
umount "$at"
try 0 mount mnt "$second"
mount --bind "$second" "$at"
try 0 umount mnt
is 'mounts on the same directory are unmounted one after the other' "$(mounted)" ''
try 0 mount mnt "$at"
truncate -s "$page" "$at/file"

# destroy

try 1 destroy mnt
like 'a file is a region of the pool' "$err" "*pool 'mnt' has 1 region open or mapped*"
rm "$at/file"
try 1 destroy mnt
like 'a mounted pool is not destroyed' "$err" \
	"*pool 'mnt' has 1 filesystem mounted*it is mounted at $at*Try 'vpoolctl umount mnt' first*"
truncate -s "$page" "$at/file"
try 0 destroy --force mnt
is 'destroy --force tells about the mount that stays' "$err" \
	"vpoolctl: destroy mnt: destroyed, but still mounted at $at without its files: 'vpoolctl umount mnt' removes the mount"
try 0 mount --noheadings --raw -b -o NAME,DIRECTORY,SIZE
is 'a dead mount is listed' "$out" "mnt $at 0"
try 0 create mnt --mem "$(size 4)"
try 1 mount mnt "$at"
like 'a dead mount is not taken for one of the new pool' "$err" \
	"*pool 'mnt', which is destroyed, is still mounted at $at*"
try 0 export
case $out in
*mount:*) tap_result no 'export does not write a dead mount' ;;
*) tap_result yes 'export does not write a dead mount' ;;
esac
try 0 umount mnt
is 'umount removes a dead mount' "$out$(mounted)" "unmounted mnt from $at"
try 1 umount mnt
like 'a second umount is refused' "$err" "*pool 'mnt' is not mounted*"
# A copy of the mount is left in another mount namespace only.
try 0 mount mnt "$at"
unshare -m --propagation private sh -c "echo ready; exec sleep 600" >"$dir/ready" &
other=$!
wait_for "$dir/ready"
try 0 umount mnt
try 1 umount mnt
like 'a mount of another mount namespace is reported' "$err" \
	'*is mounted in another mount namespace only*'
try 1 destroy mnt
like 'such a mount keeps the pool' "$err" "*pool 'mnt' has 1 filesystem mounted*"
apply 1 'pools: {}'
like 'apply does not destroy such a pool' "$err" \
	"*it is not declared, but pool 'mnt' is mounted at a directory of another mount namespace*"
nsenter -t "$other" -m "$VPOOLCTL" umount -q mnt
is 'vpoolctl unmounts it there' "$(cat /sys/kernel/vpool/pools/mnt/mounts)" 0

# apply and export

pool="mem: $(size 4), page-size: $((page >> 20))M"
apply 0 "pools: {mnt: {$pool, mount: $at}}"
is 'apply mounts an existing pool' "$out $(mounted)" 'mounted mnt mnt at'
apply 0 "pools: {mnt: {$pool, mount: $at}}"
is 'applying twice changes nothing' "$out" 'the host is as declared, nothing to do'
try 0 export
like 'export writes the mount' "$out" "*
    mount: $at*"
"$VPOOLCTL" export >"$dir/exported"
try 0 apply --dry-run "$dir/exported"
is 'the host matches the export' "$out" 'the host is as declared, nothing to do'
truncate -s "$page" "$at/file"
apply 0 "pools: {mnt: {$pool, mount: {path: $at, owner: 7:8, mode: 0711}}}"
is 'owner and mode change in place' "$(stat -c '%u:%g %a' "$at") $(ls "$at")" '7:8 711 file'
apply 0 "pools: {mnt: {$pool, mount: {path: $at, owner: 7:8, mode: 0711}}}"
is 'such a mount matches' "$out" 'the host is as declared, nothing to do'
apply 1 "pools: {mnt: {$pool, mount: $second}}"
like 'a mount with files does not move' "$err" "*$at has files, which unmounting deletes*"
apply 1 "pools: {mnt: {$pool}}"
like 'a mount with files is not taken off' "$err" "*$at has files*"
is 'the files are still there' "$(ls "$at")" file
rm "$at/file"
apply 0 "pools: {mnt: {$pool, mount: {path: $second, hugetlbfs: true}}}"
is 'a mount without files moves' "$(mounted) $(stat -f -c %t "$second")" 'mnt second 958458f6'
apply 0 "pools: {mnt: {mem: $(size 6), page-size: $((page >> 20))M, mount: {path: $second, hugetlbfs: true}}}"
is 'the pool changes while it is mounted' "$out $("$VPOOLCTL" list --noheadings -o TOTAL | xargs)" \
	"resized mnt $(size 6)"
apply 0 "pools: {mnt: {$pool, mode: 0600, mount: $at}}"
is 'a replaced pool is mounted again' "$out $(mounted)" 'replaced mnt mnt at'
apply 0 "pools: {mnt: {$pool, mode: 0600}}"
is 'a mount that is no longer declared is taken off' "$out$(mounted)" 'unmounted mnt'
try 0 mount mnt "$at"
apply 0 "pools: {mnt: {$pool, mode: 0600}}"
is "apply leaves the administrator's mount" "$out" 'the host is as declared, nothing to do'
apply 1 'pools: {}'
like 'apply does not destroy a pool that others have mounted' "$err" \
	"*it is not declared, but pool 'mnt' is mounted at $at*"
try 0 umount "$at"
apply 0 "pools: {mnt: {$pool, mount: $at}, mnt2: {$pool, mount: $second}}"
is 'apply mounts new pools' "$(mounted)" 'mnt at
mnt2 second'
apply 0 "pools: {mnt: {$pool, mount: $second}, mnt2: {$pool, mount: $at}}"
is 'two pools change places' "$(mounted | sort)" 'mnt second
mnt2 at'
apply 0 'pools: {}'
is 'apply unmounts and destroys undeclared pools' "$out$(mounted)$("$VPOOLCTL" list)" \
	'destroyed mnt
destroyed mnt2'

# The kernel refuses to mount at a directory of another mount namespace.
foreign=/proc/$other/root$second
apply 1 "pools: {mnt: {$pool, mount: $at}, mnt2: {$pool, mount: $foreign}}"
like 'a mount that fails is undone with all that came before' "$err" \
	"*mnt2: $foreign: *the earlier changes have been undone*"
is 'no pool and no mount is left' "$(mounted)$("$VPOOLCTL" list)" ''
printf '%s\n' "pools: {mnt: {$pool, mount: $foreign}, mnt2: {$pool, mount: $second}}" >"$dir/file"
try 1 apply --keep-going "$dir/file"
is 'with --keep-going the other pool is mounted' \
	"$(mounted) $("$VPOOLCTL" list --noheadings -o NAME | xargs)" 'mnt2 second mnt2'
apply 0 'pools: {}'

tap_end
