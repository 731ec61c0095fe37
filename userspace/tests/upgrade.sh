#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# vpoolctl upgrade with the module: replace it by a build of other sources, refuse that
# while something is in use, and go back if the new module fails. Needs root, no other
# pools, and VPOOL_KO, the file of the loaded module.

dir=$(mktemp -d) || exit 1
# shellcheck source=/dev/null
. "$(dirname "$0")/tap.sh"

export LC_ALL=C
VPOOLCTL=${VPOOLCTL:-vpoolctl}
saved=/run/vpool/upgrade.conf
kept=/var/lib/vpool
module=/sys/module/vpool

if [ -z "${VPOOL_KO:-}" ]; then
	echo '1..0 # SKIP VPOOL_KO names no file of the loaded module'
	rm -r "$dir"
	exit 0
fi

# shellcheck disable=SC2317 # the trap calls it
clean_up()
{
	kill "$sleeper" "$reader"
	[ -e /dev/vpool/control ] || insmod "$VPOOL_KO"
	"$VPOOLCTL" umount one two
	"$VPOOLCTL" destroy --force one two three
	umount "/lib/modules/$(uname -r)"
	rm -f "$kept/$old.ko" "$kept/$new.ko"
	rm -rf "$dir" "$saved"
	rmmod vpool && insmod "$VPOOL_KO"
} >/dev/null 2>&1
trap clean_up EXIT
sleeper='' reader='' out='' err=''

cgroup=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/self/mounts)
isolate=''
! grep -qsw cpuset "$cgroup/cgroup.controllers" || isolate=--isolate

# loaded: print the srcversion of the loaded module.
loaded() { cat $module/srcversion; }
# pools: print the pools without what an upgrade changes.
pools() { "$VPOOLCTL" export | sed 1,2d; }
# pool_ids: print the ids, which a pool that is created again does not keep.
pool_ids() { cat /sys/kernel/vpool/pools/*/id; }

old=$(loaded)
new=${old//?/0}
failing=${old//?/1}
# Files of the same length, so that they stay valid.
sed "s/$old/$new/" "$VPOOL_KO" >"$dir/new.ko"
sed "s/$old/$failing/; s/alloc_contig_range/alloc_contig_rang_/g
	s/alloc_workqueue/alloc_workqueu_/g; s/class_create/class_creat_/g" \
	"$VPOOL_KO" >"$dir/failing.ko"
magic=$(modinfo -F vermagic "$VPOOL_KO" | cut -d ' ' -f 1)
sed "s/vermagic=${magic:0:1}/vermagic=9/" "$VPOOL_KO" >"$dir/foreign.ko"

up() { try "$1" upgrade --module "$dir/new.ko" --fallback "$VPOOL_KO" "${@:2}"; }
# unchanged NAME: check that the module and its pools are those from the start.
unchanged()
{
	is "$1: the module is the old one" "$(loaded)" "$old"
	is "$1: the pools are the same" "$(pools)" "$before"
	is "$1: no declaration is left" "$(ls "$saved" 2>/dev/null)" ''
}

try 0 create one --mem 8M --cpus 1 $isolate
try 0 create two --mem 2M@0 --page-size 4K --owner daemon --mode 0600
try 0 create three --ncpus 1 --split-cores
echo 12345 >$module/parameters/max_members
mkdir "$dir/files" "$dir/other"
"$VPOOLCTL" export | sed "s|^  one:\$|&\n    mount: $dir/files|" >"$dir/mounted"
try 0 apply "$dir/mounted"
is 'apply mounts a pool' "$out" 'mounted one'
before=$(pools)
ids=$(pool_ids)

# What is refused before anything changes

try 0 upgrade --module "$VPOOL_KO"
like 'the same module is no upgrade' "$out" '*nothing to do'
try 1 upgrade --module /nowhere
like 'a missing file is named' "$err" 'vpoolctl: upgrade: /nowhere: No such file*'
try 1 upgrade --module "$0"
try 1 upgrade --module "$dir/foreign.ko"
like 'a module for another kernel is refused' "$err" "*is for Linux 9*this host runs $(uname -r)*"
try 2 upgrade --wait soon
try 2 upgrade --fallback "$VPOOL_KO" --no-fallback
up 0 --dry-run
like 'a dry run names both modules' "$out" \
	"would replace * (srcversion $old) by * (srcversion $new), and create 3 pools again"
unchanged 'nothing in use'
is 'the pools were not touched' "$(pool_ids)" "$ids"

# Users

"$VPOOLCTL" run two -- sleep infinity 9</dev/vpool/two >/dev/null 2>&1 &
sleeper=$!
sleep infinity 8</dev/vpool/control &
reader=$!
for ((i = 0; i < 50; i++)); do
	[ "$(cat /sys/kernel/vpool/pools/two/memory/regions)" = 1 ] && break
	sleep 0.1
done
"$VPOOLCTL" attach three --pid "$reader" >/dev/null
"$VPOOLCTL" mount --quiet two "$dir/other"
up 1
like "the administrator's mount is named" "$err" "*upgrade two: it is mounted at $dir/other*"
"$VPOOLCTL" umount --quiet two
like 'the process with a region is named' "$err" "*upgrade two: process $sleeper (*"
like 'the member is named' "$err" "*upgrade three: process $reader (sleep) is a member*"
like 'the reader of the control device is named' "$err" \
	"*process $reader (sleep) has /dev/vpool/control open*"
like 'the tool says that nothing changed' "$err" '*nothing was changed*'
is 'the pools in use were not touched' "$(pool_ids)" "$ids"
begin=$SECONDS
up 1 --wait 1
is 'a wait ends' "$((SECONDS - begin >= 1))" 1
"$VPOOLCTL" detach three --pid "$reader"
"$VPOOLCTL" upgrade --module "$dir/new.ko" --fallback "$VPOOL_KO" --wait 60 \
	>"$dir/out" 2>"$dir/err" &
upgrade=$!
for ((i = 0; i < 300; i++)); do
	grep -q waiting "$dir/err" && break
	sleep 0.1
done
like 'the wait names a process' "$(cat "$dir/err")" "*waiting: two: process $sleeper*"
kill "$sleeper" "$reader"
wait "$upgrade"
is 'the wait ends with an upgrade' "$?" 0
out=$(cat "$dir/out")
like 'the upgrade succeeds after the wait' "$out" "replaced *created 3 pools again"
is 'the new module is loaded' "$(loaded)" "$new"
is 'the new module has the same pools' "$(pools)" "$before"
is "apply's mount is there again" "$("$VPOOLCTL" mount --noheadings --raw -o NAME,DIRECTORY)" \
	"one $dir/files"
is 'the parameters keep their values' "$(cat $module/parameters/max_members)" 12345
is 'no declaration is left' "$(ls "$saved" 2>/dev/null)" ''
if [ -n "$isolate" ]; then
	is 'the isolated pool has its partition' \
		"$(cat "$cgroup"/vpool_one.slice/cpuset.cpus.partition)" root
fi
wait "$sleeper" "$reader" 2>/dev/null
sleeper='' reader=''

# Failures

try 1 upgrade --module "$dir/failing.ko" --fallback "$dir/new.ko"
like 'the failure is reported' "$err" "*$dir/failing.ko: *Unknown symbol*"
like 'the tool goes back' "$err" '*the old module is loaded again, with its pools*'
is 'the module from before the failure is loaded' "$(loaded)" "$new"
is 'its pools exist again' "$(pools)" "$before"
is 'its parameters keep their values' "$(cat $module/parameters/max_members)" 12345
is 'no declaration is left after going back' "$(ls "$saved" 2>/dev/null)" ''
try 1 upgrade --module "$dir/failing.ko" --no-fallback
like 'without a way back, the tool names the declaration' "$err" "*apply --keep $saved*"
is 'the declaration has the pools' "$(cat "$saved")" "$before"
insmod "$dir/new.ko"
try 1 upgrade --module "$VPOOL_KO" --no-fallback
like 'an unfinished upgrade is reported' "$err" "*an earlier upgrade did not finish*"
try 0 apply --keep "$saved"
rm "$saved"
is 'the declaration brings the pools back' "$(pools)" "$before"
try 0 upgrade --quiet --module "$VPOOL_KO" --no-fallback
is 'a quiet upgrade prints nothing' "$out$err" ''
is 'the first module is loaded' "$(loaded)" "$old"
is 'it has the same pools' "$(pools)" "$before"

# An installed module

# install_module FILE: make FILE the module that modprobe loads.
install_module()
{
	cp "$1" "$tree/updates/vpool.ko"
	depmod -b "$dir/root" "$(uname -r)"
}

tree=$dir/root/lib/modules/$(uname -r)
mkdir -p "$tree/updates" "$kept"
touch "$tree"/modules.{order,builtin,builtin.modinfo}
install_module "$dir/new.ko"
mount --bind "$tree" "/lib/modules/$(uname -r)"
try 1 upgrade
like 'an upgrade without a way back is refused' "$err" \
	"*no file of the loaded module*srcversion $old*"
cp "$VPOOL_KO" "$kept/$old.ko"
# Documentation/upgrade.rst has these steps for members that only use CPUs.
sleep infinity &
sleeper=$!
"$VPOOLCTL" attach three --pid "$sleeper"
pids=$("$VPOOLCTL" ps three --noheadings --raw -o PID | sort -u)
is 'the pool has a member' "$pids" "$sleeper"
for pid in $pids; do "$VPOOLCTL" detach three --pid "$pid"; done
try 0 upgrade
for pid in $pids; do "$VPOOLCTL" attach three --pid "$pid"; done
is 'the pool has its member again' "$(cat /sys/kernel/vpool/pools/three/cpus/members)" 1
"$VPOOLCTL" detach three --pid "$sleeper"
kill "$sleeper"
is 'the installed module is loaded' "$(loaded)" "$new"
is 'it has the pools, too' "$(pools)" "$before"
is 'the kept file is no longer needed' "$(ls "$kept")" ''
try 0 upgrade
like 'the installed module is loaded already' "$out" '*nothing to do'
cp "$dir/new.ko" "$kept/$new.ko"
install_module "$dir/failing.ko"
try 1 upgrade
like 'the installed module fails' "$err" '*vpool.ko: *Unknown symbol*'
is 'the tool goes back to the kept file' "$(loaded)" "$new"
is 'the kept module has the pools' "$(pools)" "$before"
try 0 umount one
"$VPOOLCTL" destroy one two three

tap_end
