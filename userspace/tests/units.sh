#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Confined and isolated pools under systemd: transient scopes, Slice= and services that
# keep their limits. Boots the installed systemd in new pid and mount namespaces. Needs
# root, the module, an empty cgroup2, and three CPUs. VPOOLCTL is the program.

here=$(dirname "$(readlink -f "$0")")

# Inside, as a service of that systemd
if [ "${1-}" = --inside ]; then
	dir=$2
	# shellcheck source=/dev/null
	. "$here/tap.sh"
	out='' err=''
	last=$(sed 's/.*[,-]//' /sys/devices/system/cpu/online)
	slice=/sys/fs/cgroup/vpool_gu.slice
	cgroup_of() { sed -n 's/^0:://p' "/proc/$1/cgroup"; }
	main_pid() { systemctl show -P MainPID "$1"; }
	# service NAME COMMAND...: start a service with a memory limit; set pid
	service()
	{
		local name=$1

		shift
		systemd-run --quiet --unit="$name" -p MemoryMax=64M \
			-p Environment="PATH=$PATH LD_LIBRARY_PATH=$LD_LIBRARY_PATH" "$@"
		for _ in {1..100}; do
			pid=$(main_pid "$name")
			grep -sqx sleep "/proc/$pid/comm" && break
			sleep 0.1
		done
	}

	try 0 create gu --cpus "$((last - 1))-$last" --split-cores --isolate
	is 'the slice is a partition' "$(cat "$slice/cpuset.cpus.partition")" root
	try 1 run gu -- true
	like 'run does not move a service out of its unit' "$err" '*Slice=*'
	try 0 run --move-cgroup gu -- cat /proc/self/cgroup
	like 'run --move-cgroup moves a service to a scope' "$out" '0::/vpool_gu.slice/vpool-*.scope'
	out=$(systemd-run --quiet --scope "$VPOOLCTL" run gu -- cat /proc/self/cgroup)
	like 'run moves a scope without limits' "$out" '0::/vpool_gu.slice/vpool-*.scope'
	out=$(systemd-run --quiet --scope -p MemoryMax=64M "$VPOOLCTL" run gu -- true 2>&1)
	like 'run does not move a scope with limits' "$out" '*is in the cgroup /system.slice/*'

	service inside --slice=vpool_gu.slice "$VPOOLCTL" run gu -- sleep 1000
	inside=$pid
	is 'a service with Slice= stays in its unit' "$(cgroup_of "$inside")" \
		/vpool_gu.slice/inside.service
	is 'a service with Slice= keeps its limits' "$(cat "$slice/inside.service/memory.max")" 67108864
	try 0 ps gu --noheadings -o TID,HELD
	like 'a service with Slice= is a member' "$out" "*$inside cpuset"

	service outside sleep 1000
	try 1 attach gu --pid "$pid"
	is 'attach does not move a service out of its unit' "$(cgroup_of "$pid")" /system.slice/outside.service
	try 0 attach gu --pid "$pid" --move-cgroup
	like 'attach --move-cgroup moves a service to a scope' "$(cgroup_of "$pid")" '/vpool_gu.slice/vpool-*.scope'
	try 0 detach gu --pid "$pid"
	like 'detach moves the process out of the slice' "$(cgroup_of "$pid")" '/system.slice/vpool-*.scope'
	kill "$pid"

	try 0 detach gu --pid "$inside"
	try 1 destroy gu
	like 'a service in the slice prevents destroy' "$err" "*process $inside (sleep) is in *"
	is 'the service continues to run' "$(systemctl is-active inside)" active
	systemctl daemon-reload
	is 'systemd keeps the partition on reload' "$(cat "$slice/cpuset.cpus.partition")" root
	try 0 destroy gu --force
	is 'destroy --force does not stop the service' "$(systemctl is-active inside)" active
	try 0 create gu --cpus "$((last - 1))-$last" --split-cores --isolate
	is 'the slice can be a partition again' "$(cat "$slice/cpuset.cpus.partition")" root
	systemctl stop inside
	try 0 destroy gu
	is 'destroy removes the slice' "$(ls -d "$slice" 2>/dev/null)" ''

	try 0 create gu --cpus "$last" --split-cores --confine
	try 0 run gu -- cat /proc/self/cgroup
	is 'a service keeps its cgroup in a confined pool' "${out#0::}" "$(cgroup_of self)"
	try 0 destroy gu

	# QEMU in a scope
	echo disk >"$dir/disk"
	machine=(--pool gu --mem 16M --vcpus 1 --accel tcg --disk "$dir/disk" --user root)
	scope_of() { cgroup_of "$(vpoolctl vm list --noheadings -o PID | tr -d ' ')"; }
	export VPOOL_LOG_DIR="$dir/log"
	try 0 create gu --cpus "$last" --split-cores --mem 32M
	try 0 create gv --cpus "$((last - 1))" --split-cores --mem 32M
	try 1 vm start m "${machine[@]}" --property Nonsense=1
	like 'a property that systemd does not know' "$err" \
		'*systemd-run refuses a scope with these properties*'
	try 0 vm start m "${machine[@]}" --property MemoryMax=1G --property CPUWeight=50
	scope=$(scope_of)
	like 'a machine with properties is in a scope of the pool' "$scope" \
		'/vpool_gu.slice/vpool-*.scope'
	is 'the scope has the limit' "$(cat "/sys/fs/cgroup$scope/memory.max")" 1073741824
	like 'vpool-vms.service stops before the scope' \
		"$(systemctl show -P Before "${scope##*/}")" '*vpool-vms.service*'
	try 0 vm migrate m --to gv --timeout 100
	scope=$(scope_of)
	like 'the scope is in the slice of the new pool' "$scope" '/vpool_gv.slice/vpool-*.scope'
	is 'it has the limit, too' "$(cat "/sys/fs/cgroup$scope/memory.max")" 1073741824
	try 0 vm stop m --force
	for _ in {1..100}; do
		[ -d "/sys/fs/cgroup$scope" ] || break
		sleep 0.1
	done
	is 'nothing is left of the machine' "$(ls /run/vpool/vm)$(ls -d "/sys/fs/cgroup$scope" 2>/dev/null)" ''
	try 0 vm start m "${machine[@]}"
	is 'without properties, a machine stays in the unit of its caller' "$(scope_of)" \
		"$(cgroup_of self)"
	try 0 vm stop m --force
	try 0 destroy gu gv
	is 'no unit has failed' "$(systemctl --failed --plain --no-legend)" ''
	tap_end
fi

skip()
{
	echo "1..0 # SKIP $1"
	exit 0
}

VPOOLCTL=$(command -v "${VPOOLCTL:-vpoolctl}")
cgroup=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/self/mounts)
systemd=/lib/systemd/systemd
[ -c /dev/vpool/control ] || skip 'the module is not loaded'
[ "$cgroup" = /sys/fs/cgroup ] || skip 'cgroup2 is not mounted on /sys/fs/cgroup'
grep -qw cpuset "$cgroup/cgroup.controllers" || skip 'cgroup2 has no cpusets here'
[ ! -d /run/systemd/system ] || skip 'this host runs systemd'
[ -x $systemd ] || skip 'systemd is not installed'
[ -e /lib/systemd/system/dbus.socket ] || skip 'dbus is not installed'
[ "$(nproc)" -ge 3 ] || skip 'there are fewer than three CPUs'

# The booted systemd can clear /tmp.
dir=$(mktemp -d -p /var/tmp) || exit 1
enabled=$(cat "$cgroup/cgroup.subtree_control")

# shellcheck disable=SC2317 # the trap calls it
clean_up()
{
	local controller

	"$VPOOLCTL" destroy --force gu gv >/dev/null 2>&1
	find "$cgroup" -mindepth 1 -depth -type d -exec rmdir {} + 2>/dev/null
	# shellcheck disable=SC2013 # words
	for controller in $(cat "$cgroup/cgroup.subtree_control"); do
		[[ " $enabled " == *" $controller "* ]] ||
			echo "-$controller" >"$cgroup/cgroup.subtree_control"
	done
	rm -r "$dir"
}
trap clean_up EXIT

cat >"$dir/try.service" <<END
[Unit]
DefaultDependencies=no
Requires=dbus.socket
After=dbus.socket
[Service]
Type=oneshot
Environment=PATH=$PATH LD_LIBRARY_PATH=$LD_LIBRARY_PATH HOME=/root LC_ALL=C VPOOLCTL=$VPOOLCTL
ExecStart=/bin/bash $here/units.sh --inside $dir
StandardOutput=file:$dir/tap
StandardError=inherit
ExecStopPost=-/bin/systemctl exit --force 0
TimeoutStartSec=300
END
cat >"$dir/try.target" <<END
[Unit]
DefaultDependencies=no
Requires=try.service
After=try.service
END
cat >"$dir/init" <<END
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /tmp
mkdir -p /run/systemd/system
cp $dir/try.* /run/systemd/system
export container=vpool
exec $systemd --system --unit=try.target --log-target=null
END
timeout -k 5 360 unshare --kill-child --pid --fork --mount --mount-proc bash "$dir/init" >/dev/null 2>&1
cat "$dir/tap"
grep -q '^1\.\.' "$dir/tap" && ! grep -q '^not ok' "$dir/tap"
