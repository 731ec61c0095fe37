#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Limits of the users of a pool: create, resize, show, export, apply and users, and two users
# who share a pool. Needs root, the module, no other pools, two CPUs and 8 huge pages.
# VPOOLCTL is the program.

dir=$(mktemp -d) || exit 1
# shellcheck source=/dev/null
. "$(dirname "$0")/tap.sh"

export LC_ALL=C
VPOOLCTL=${VPOOLCTL:-vpoolctl}
out='' err='' status=0 held=''

if [ ! -c /dev/vpool/control ]; then
	echo '1..0 # SKIP the module is not loaded'
	exit 0
fi

page=$(cat /sys/kernel/vpool/default_page_size)
at=$dir/at

# size PAGES: print the size of a number of huge pages as vpoolctl does
size()
{
	echo "$(($1 * page >> 20))M"
}

# shellcheck disable=SC2317 # the trap calls it
clean_up()
{
	[ -z "$held" ] || kill "$held"
	cd /
	"$VPOOLCTL" umount --quiet shared 2>/dev/null
	"$VPOOLCTL" destroy --force shared >/dev/null 2>&1
	rm -r "$dir"
}
trap clean_up EXIT

# try ARGUMENT...: run vpoolctl; set $out, $err and $status
try()
{
	"$VPOOLCTL" "$@" >"$dir/out" 2>"$dir/err"
	status=$?
	out=$(cat "$dir/out")
	err=$(cat "$dir/err")
}

# as UID COMMAND...: run a command as a user without privilege
as()
{
	local uid=$1

	shift
	setpriv --reuid "$uid" --regid "$uid" --clear-groups "$@"
}

chmod 755 "$dir"
mkdir "$at"

# Setting limits

try create shared --mem "$(size 8)" --cpus 1 --mode 0666 --user-mem 1
like 'a limit below a page' "$status $err" '2 *user-mem of 1B, which is less than its page size*'
try create shared --mem "$(size 8)" --cpus 1 --mode 0666 --user-mem "$(size 3)" \
	--user-regions 4 --user-members 2
is 'create with limits' "$status $err" '0 '
try show shared
like 'show' "$(tr -s ' ' <<<"$out")" "*User mem: $(size 3)*User regions: 4*User members: 2*"
try list -o NAME,USER-MEM,USER-REGIONS,USER-MEMBERS --noheadings --raw
is 'list' "$out" "shared $(size 3) 4 2"
try export
like 'export' "$out" "*user-mem: $(size 3)*user-regions: 4*user-members: 2*"
try resize shared --user-mem "$(size 2)" -n
is 'dry run of a resize' "$status $out" \
	"0 would resize shared: at most $(size 2) of memory for each user"
is 'a dry run changes nothing' "$(cat /sys/kernel/vpool/pools/shared/limits/user_bytes)" \
	"$((3 * page))"
try resize shared --user-mem "$(size 2)" --user-regions none
is 'resize' "$status $out" \
	"0 resized shared: at most $(size 2) of memory for each user; no limit of regions for each user"
is 'the other limit stays' "$(cat /sys/kernel/vpool/pools/shared/limits/user_members)" 2
try resize shared --user-mem 1
like 'resize to a limit below a page' "$status $err" '1 *a limit of 1B for each user is less than a page*Try a limit of at least one page*'

# Two users

try mount shared "$at" --mode 1777
is 'mount' "$status $err" '0 '
as 61001 fallocate -l $((3 * page)) "$at/a" 2>"$dir/err"
like 'a user cannot have more' "$? $(cat "$dir/err")" '1 *Disk quota exceeded*'
as 61001 fallocate -l $((2 * page)) "$at/a"
is 'a user can have that much' $? 0
as 61001 fallocate -l "$page" "$at/more" 2>"$dir/err"
like 'another file does not help' "$? $(cat "$dir/err")" '1 *Disk quota exceeded*'
as 61002 fallocate -l $((2 * page)) "$at/b"
is 'another user has as much' $? 0
fallocate -l $((3 * page)) "$at/root"
is 'root has no limit' $? 0
# Not by the function: the shell's child must become the program that kill ends.
setpriv --reuid 61001 --regid 61001 --clear-groups "$VPOOLCTL" run shared -- sleep 600 &
held=$!
for _ in {1..300}; do
	[ "$(cat /sys/kernel/vpool/pools/shared/cpus/members)" -eq 0 ] || break
	sleep 0.1
done
try users shared --noheadings --raw -o USER,MEM,REGIONS,MEMBERS
is 'users' "$out" "root $(size 3) 2 0
61001 $(size 2) 2 1
61002 $(size 2) 1 0"
try users shared -J
is 'users as JSON' "$(python3 -c 'import json, sys
for user in json.load(sys.stdin)["users"]:
	print(user["uid"], user["mem"], user["members"])' <<<"$out")" \
	"0 $((3 * page)) 0
61001 $((2 * page)) 1
61002 $((2 * page)) 0"
is 'a user lists the users, too' \
	"$(as 61002 "$VPOOLCTL" users shared --noheadings --raw -o USER,MEM,REGIONS | tail -n 1)" \
	"61002 $(size 2) 1"

# Failures of a user

try resize shared --user-members 1 --user-regions 2
as 61001 "$VPOOLCTL" run shared -- true 2>"$dir/err"
like 'too many regions' "$? $(cat "$dir/err")" \
	"1 *you have as many regions of pool 'shared' as each user may have*--user-regions*"
try resize shared --user-regions none
as 61001 "$VPOOLCTL" run shared -- true 2>"$dir/err"
like 'too many members' "$? $(cat "$dir/err")" \
	"1 *user 61001 has 1 members in pool 'shared', but at most 1 of each user*--user-members*"
as 61002 "$VPOOLCTL" run shared -- true
is 'another user can run' $? 0
as 61002 "$VPOOLCTL" resize shared --user-mem none 2>"$dir/err"
like 'a user cannot change limits' "$? $(cat "$dir/err")" '* only root may *'

# Files

cat >"$dir/limits.conf" <<END
pools:
  shared: {mem: $(size 8), cpus: 1, mode: 0666, user-mem: $(size 4), user-regions: 9}
END
try apply --keep -n "$dir/limits.conf"
like 'apply shows the limits' "$out" "*-    user-mem: $(size 2)*+    user-mem: $(size 4)*+    user-regions: 9*-    user-members: 1*"
try apply --keep "$dir/limits.conf"
is 'apply while the pool is in use' "$status" 0
is 'apply sets the limits' "$(cat /sys/kernel/vpool/pools/shared/limits/*)" "$((4 * page))
0
9"
try apply --keep "$dir/limits.conf"
like 'apply again' "$out$err" '*nothing to do*'
kill "$held"
wait "$held" 2>/dev/null
held=''
rm "$at"/*
try users shared --noheadings --raw -o USER,MEM,REGIONS,MEMBERS
is 'only the root directory is left' "$out" 'root 0B 1 0'

tap_end
