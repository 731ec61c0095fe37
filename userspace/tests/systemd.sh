#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Units of systemd in pools, by vpool@NAME.target and Slice=: services, templates, units of
# a user and scopes of "vpoolctl run". Boots the installed systemd twice in new pid and
# mount namespaces, with udevd, and loads the module again in between. Needs root, the
# module, an empty cgroup2 and four CPUs. VPOOLCTL is the program, VPOOL_KO the module.

here=$(dirname "$(readlink -f "$0")")

# Inside, as a service of that systemd

# shellcheck disable=SC2154 # try sets out and err
first_boot()
{
	local nl='
' old unit

	is 'the target starts with a unit that requires it' \
		"$(systemctl is-active app vpool@web.target)" "active${nl}active"
	where app vpool_web.slice/app.service 2 'a service'
	is 'a service keeps its limit' "$(cat "$cgroup/vpool_web.slice/app.service/memory.max")" 67108864
	systemctl start hog
	is 'a limit counts in the slice' "$(systemctl show -P Result hog)" oom-kill
	systemctl reset-failed hog

	old=$(main_pid app)
	systemctl restart app
	is 'restart starts another process' "$([ "$(main_pid app)" != "$old" ] && echo yes)" yes
	where app vpool_web.slice/app.service 2 'a restarted service'
	old=$(main_pid app)
	kill -SEGV "$old"
	until_true has_other_pid app "$old"
	where app vpool_web.slice/app.service 2 'a service that crashed'
	systemctl daemon-reload
	where app vpool_web.slice/app.service 2 'after daemon-reload, a service'
	is 'the slice keeps its CPUs on daemon-reload' "$(cat "$cgroup/vpool_web.slice/cpuset.cpus")" 2

	try 0 resize web --cpus 1-2 --split-cores -q
	where app vpool_web.slice/app.service 1-2 'after a resize, a service'
	echo 'pools: {web: {cpus: 2, split-cores: true, owner: nobody}}' >"$dir/two.conf"
	try 0 apply -q --keep "$dir/two.conf"
	where app vpool_web.slice/app.service 2 'after apply, a service'
	try 1 destroy web
	like 'a service prevents destroy' "$err" "*process $(main_pid app) (sleep) is in vpool_web.slice*"
	systemctl stop app
	is 'stop ends all processes' "$(head -n 1 "$cgroup/vpool_web.slice/cgroup.events")" 'populated 0'
	is 'the target stays' "$(systemctl is-active vpool@web.target)" active

	# Templates, and a name with a dash
	systemctl start 'in-pool@my\x2dpool' in-pool@web
	where 'in-pool@my\x2dpool' 'vpool_my\x2dpool.slice/in-pool@my\x2dpool.service' 3 \
		'an instance in an isolated pool'
	where in-pool@web 'vpool_web.slice/in-pool@web.service' 2 'an instance in a plain pool'
	try 0 ps my-pool --noheadings --raw -o TID,HELD
	is 'vpoolctl run makes it a member' "$out" "$(main_pid 'in-pool@my\x2dpool') cpuset"
	is 'the slice of the isolated pool is a partition' \
		"$(cat "$cgroup/vpool_my\\x2dpool.slice/cpuset.cpus.partition")" root
	systemctl stop 'in-pool@my\x2dpool' in-pool@web
	systemctl start vpool@my-pool.target 2>/dev/null
	is 'a dash in the name of a target is refused' "$(systemctl is-active vpool@my-pool.target)" inactive
	like 'the message tells how to write it' "$(messages)" '*slice my/pool: *write \\x2d*systemd-escape*'

	# Scopes
	try 1 run -p MemoryMax=64M web -- true
	like 'a scope for a process of a service' "$err" '*is in the cgroup /system.slice/try.service*--move-cgroup*'
	# shellcheck disable=SC2016 # the inner shell expands it
	try 0 run --move-cgroup -p MemoryMax=64M -p TasksMax=20 web -- sh -c '
		at=/sys/fs/cgroup$(sed -n s/^0:://p /proc/self/cgroup)
		echo "$at" && cat "$at/memory.max" "$at/pids.max" &&
			grep Cpus_allowed_list /proc/self/status && echo "$VPOOL_POOL"'
	like 'run -p' "$out" \
		"$cgroup/vpool_web.slice/run-vpool-*.scope${nl}67108864${nl}20${nl}Cpus_allowed_list:	2${nl}web"
	try 7 run --move-cgroup -p TasksMax=20 web -- sh -c 'exit 7'
	out=$(systemd-run --quiet --scope "$VPOOLCTL" run web -- cat /proc/self/cgroup)
	like 'run is a scope in a plain pool' "$out" '0::/vpool_web.slice/vpool-*.scope'
	# shellcheck disable=SC2016 # the inner shell expands it
	out=$(systemd-run --quiet --scope "$VPOOLCTL" run -p CPUWeight=50 my-pool -- sh -c '
		at=$(sed -n s/^0:://p /proc/self/cgroup)
		echo "${at#/vpool_my?x2dpool.slice}" && cat "/sys/fs/cgroup$at/cpu.weight"' 2>&1)
	like 'run -p in an isolated pool' "$out" "/run-vpool-*.scope${nl}50"
	try 1 run --move-cgroup -p NoSuch=1 web -- true
	like 'an unknown property' "$err" '*NoSuch*systemd-run refuses*'
	try 1 run --move-cgroup -p MemoryMax=much web -- true
	try 2 run -p MemoryMax web -- true
	try 0 run --move-cgroup -n -p MemoryMax=64M web -- true
	is 'no scope is left' "$(systemctl list-units --all --plain --no-legend '*vpool*.scope')" ''

	# A unit of a user
	systemctl start user
	until_true as_user systemctl --user show -P Version
	as_user systemctl --user start mine
	unit=$(as_user systemctl --user show -P MainPID mine)
	until_true grep -sqx sleep "/proc/$unit/comm"
	is 'a unit of a user stays in the cgroup of the user' "$(cgroup_of "$unit")" \
		/system.slice/user.service/app.slice/mine.service
	is 'a unit of a user has the CPUs' "$(cpus_of "$unit")" 2
	as_user systemctl --user stop mine
	is 'a unit of a user in an isolated pool is refused' \
		"$(as_user systemctl --user start 'vpool@my\x2dpool.target' 2>/dev/null || echo refused)" refused
	like 'the message tells why' "$(messages)" '*slice my-pool: *units of a user are outside*User= and Slice=*'
	out=$(as_user systemd-run --user --quiet --scope --slice=run "$VPOOLCTL" run -p TasksMax=30 web -- \
		cat /proc/self/cgroup 2>&1)
	like 'run -p of a user' "$out" '0::/system.slice/user.service/vpool_web.slice/run-vpool-*.scope'
	systemctl stop user

	# A pool that is gone
	systemctl start app wants
	old=$(main_pid wants)
	try 0 destroy web --force
	until_true unit_is app inactive
	is 'a unit that requires the pool stops with it' "$(systemctl is-active app)" inactive
	is 'a unit that wants the pool runs on' "$(systemctl is-active wants)" active
	is 'it has all CPUs again' "$(cpus_of "$old")" "$(cat /sys/fs/cgroup/cpuset.cpus.effective)"
	until_true unit_is vpool@web.service inactive
	is 'the target stops' "$(systemctl is-active vpool@web.target vpool@web.service | xargs)" 'inactive inactive'
	systemctl stop wants
	is 'systemd keeps nothing of the pool' "$(ls -d /run/systemd/system.control/vpool_web* 2>/dev/null)" ''
	: >"$dir/messages"
	systemctl start app 2>/dev/null
	is 'a unit whose pool is gone does not start' "$? $(systemctl is-active app)" '1 inactive'
	like 'the message tells what to do' "$(messages)" \
		"*slice web: *Try to declare pool 'web' in /etc/vpool.d*vpoolctl apply*"
	try 1 slice web
	try 0 slice web --remove
	systemctl reset-failed
	try 0 apply -q
	systemctl start app
	where app vpool_web.slice/app.service 2 'after apply, a unit'

	systemctl stop app vpool@web.target
	until_true unit_is vpool@web.service inactive
	is 'the stop of the target frees the slice' "$(ls -d /run/systemd/system.control/vpool_web* 2>/dev/null)" ''
	try 0 slice web -n
	is 'slice prints the slice' "$out" vpool_web.slice
	is 'a dry run sets nothing' "$(ls -d /run/systemd/system.control/vpool_web* 2>/dev/null)" ''
	try 0 slice web -J
	schema slice
	systemctl start app
	try 0 slice web --remove
	like 'the slice is kept while a process is in it' "$out" 'kept: process *'
	where app vpool_web.slice/app.service 2 'then a service'
	is 'no unit has failed' "$(systemctl --failed --plain --no-legend)" ''
}

second_boot()
{
	is 'after a reboot the unit is active' "$(systemctl is-active app vpool@web.target | xargs)" 'active active'
	where app vpool_web.slice/app.service 2 'after a reboot a service'
	is 'it has its limit' "$(cat "$cgroup/vpool_web.slice/app.service/memory.max")" 67108864
	is 'no unit failed at boot' "$(systemctl --failed --plain --no-legend)" ''
	systemctl stop app
	try 0 destroy web my-pool
	# Its last command also removes the slice.
	until_true unit_is vpool@web.service inactive
	is 'the slices are gone' "$(slices)" ''
}

# slices: list the remaining cgroups of pools, with their processes, and the state of the units
slices()
{
	if compgen -G "$cgroup/vpool_*" >/dev/null; then
		find "$cgroup"/vpool_* -type d -print -exec cat {}/cgroup.procs \;
		systemctl list-units --all --plain --no-legend '*vpool*'
	fi
}

cgroup_of() { sed -n 's/^0:://p' "/proc/$1/cgroup"; }
cpus_of() { sed -n 's/^Cpus_allowed_list:\t//p' "/proc/$1/status"; }
main_pid() { systemctl show -P MainPID "$1"; }
messages() { cat "$dir/messages"; }
unit_is() { [ "$(systemctl is-active "$1")" = "$2" ]; }
has_other_pid()
{
	local pid

	pid=$(main_pid "$1")
	[ "$pid" != "$2" ] && grep -sqx sleep "/proc/$pid/comm"
}
as_user()
{
	setpriv --reuid nobody --regid nogroup --clear-groups \
		env XDG_RUNTIME_DIR=/run/nobody HOME=/run/nobody "$@"
}
# until_true COMMAND...: try a command for up to 20 seconds
until_true()
{
	local i

	for ((i = 0; i < 200; i++)); do
		! "$@" >/dev/null 2>&1 || return 0
		sleep 0.1
	done
}
# where UNIT CGROUP CPUS WHAT: check where the main process of a unit is
where()
{
	local pid

	until_true has_other_pid "$1" 0
	pid=$(main_pid "$1")
	is "$4 is in the slice" "$(cgroup_of "$pid")" "/$2"
	is "$4 runs on the CPUs" "$(cpus_of "$pid")" "$3"
}

if [ "${1-}" = --inside ]; then
	dir=$2
	out='' err=''
	cgroup=/sys/fs/cgroup
	# shellcheck source=/dev/null
	. "$here/tap.sh"
	"$3_boot"
	tap_end
fi

skip()
{
	printf '%s\n' 1..1 "ok 1 - systemd # SKIP $1"
	exit 0
}

# shellcheck source=userspace/tests/boot.sh
. "$here/boot.sh"
VPOOLCTL=$(readlink -f "$(command -v "${VPOOLCTL:-vpoolctl}")")
boot_needs
# The booted systemd can clear /tmp.
dir=$(mktemp -d -p /var/tmp) || exit 1

# shellcheck disable=SC2317 # the trap calls it
clean_up()
{
	rm -f /etc/vpool.d/try.conf
	"$VPOOLCTL" destroy --force web my-pool >/dev/null 2>&1
	power_off
	rm -r "$dir"
}
trap clean_up EXIT

boot_prepare
packaged units "$boot_packaging"/systemd/vpool.service "$boot_packaging"/systemd/vpool@.*
packaged user "$boot_packaging"/systemd-user/*
cat >/etc/vpool.d/try.conf <<END
pools:
  web: {cpus: 2, split-cores: true, owner: nobody}
  my-pool: {cpus: 3, split-cores: true, isolate: true}
END

unit app.service Requires=vpool@web.target After=vpool@web.target '[Service]' \
	Slice=vpool_web.slice 'ExecStart=/bin/sleep 1000' MemoryMax=64M Restart=on-failure RestartSec=0
unit wants.service Wants=vpool@web.target After=vpool@web.target '[Service]' \
	Slice=vpool_web.slice 'ExecStart=/bin/sleep 1000'
unit hog.service Requires=vpool@web.target After=vpool@web.target '[Service]' Slice=vpool_web.slice \
	Type=oneshot MemoryMax=32M MemorySwapMax=0 \
	"ExecStart=/usr/bin/python3 -c 'bytearray(200 << 20)'"
sed "s|/usr/bin/vpoolctl|$VPOOLCTL|; s|/usr/local/bin/program|/bin/sleep 1000|
	/^\[Unit\]/a DefaultDependencies=no
	/^\[Service\]/a Environment=$boot_environment" "$here/../examples/in-pool@.service" \
	>"$dir/units/in-pool@.service"
unit user.service '[Service]' Type=notify User=nobody Group=nogroup Delegate=yes \
	Environment=XDG_RUNTIME_DIR=/run/nobody Environment=HOME=/run/nobody \
	RuntimeDirectory=nobody "ExecStart=$boot_systemd --user"
sed "s|/usr/bin/vpoolctl|$VPOOLCTL|; s|%h/bin/program|/bin/sleep 1000|
	/^\[Service\]/a Environment=$boot_environment" "$here/../examples/user-pool.service" \
	>"$dir/user/mine.service"

boot_after=app.service
end='/bin/systemctl exit --force 0'
boot first 400 "$end" "$here/systemd.sh"
# A reboot: all that is left is on disk.
"$VPOOLCTL" destroy --force web my-pool >/dev/null
power_off
rmmod vpool || echo '# the module cannot be unloaded'
boot second 400 "$end" "$here/systemd.sh"
[ -c /dev/vpool/control ] || insmod "$VPOOL_KO"
boot_results first second
