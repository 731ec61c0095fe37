# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154
#
# Boot the installed systemd in new pid and mount namespaces, in which it has its own /run.
# A test sources this file, calls boot_needs, boot_prepare, and boot once for each boot. In
# between it calls power_off and unloads the module: what is left is on disk, as after a reboot. The
# variable dir names a directory that the booted systemd does not clear, and here the directory
# of this file.

boot_packaging=$here/../../packaging
boot_cgroup=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/self/mounts)
boot_systemd=/lib/systemd/systemd
# tools/setup unpacks programs here that are not installed.
boot_tools=${VPOOL_TOOLS:-$HOME/.cache/vpool/tools/usr/bin}
# udevadm is udevd if its name is that. Debian 12 has it in /bin.
boot_udevadm=$(PATH=$PATH:$boot_tools:$boot_tools/../../bin command -v udevadm)

# boot_needs: call skip with the reason if something is missing here
boot_needs()
{
	[ -c /dev/vpool/control ] || skip 'the module is not loaded'
	[ -n "${VPOOL_KO-}" ] || skip 'VPOOL_KO does not name the module'
	[ "$boot_cgroup" = /sys/fs/cgroup ] || skip 'cgroup2 is not mounted on /sys/fs/cgroup'
	grep -qw cpuset "$boot_cgroup/cgroup.controllers" || skip 'cgroup2 has no cpusets here'
	[ ! -d /run/systemd/system ] || skip 'this host runs systemd'
	[ -x $boot_systemd ] || skip 'systemd is not installed'
	[ -x "$boot_udevadm" ] || skip 'there is no udevd: run tools/setup'
	[ -e /lib/systemd/system/dbus.socket ] || skip 'dbus is not installed'
	[ "$(nproc)" -ge 4 ] || skip 'there are fewer than four CPUs'
}

# boot_prepare: begin the units of the boots. VPOOLCTL is the path of the program.
boot_prepare()
{
	chmod 755 "$dir"
	ln -s "$boot_udevadm" "$dir/systemd-udevd"
	boot_enabled=$(cat "$boot_cgroup/cgroup.subtree_control")
	boot_environment="PATH=$PATH LD_LIBRARY_PATH=${LD_LIBRARY_PATH-} HOME=/root LC_ALL=C VPOOLCTL=$VPOOLCTL"
	mkdir -p "$dir/units" "$dir/user" /etc/vpool.d
	: >"$dir/messages"
	chmod 666 "$dir/messages"
	unit udevd.service Before=vpool.service '[Service]' "ExecStart=$dir/systemd-udevd" Type=notify
}

# unit NAME LINE...: write a unit without default dependencies, which such a boot lacks
unit()
{
	local name=$1

	shift
	printf '%s\n' '[Unit]' DefaultDependencies=no "$@" >"$dir/units/$name"
}

# packaged FOLDER FILE...: copy units of the package to a folder of $dir. Their messages go
# to $dir/messages.
packaged()
{
	local folder=$dir/$1 file

	shift
	for file; do
		sed "s|/usr/bin/vpoolctl|$VPOOLCTL|; s|/sbin/modprobe vpool|-/sbin/insmod $VPOOL_KO|
			/^\[Service\]/a Environment=$boot_environment\nStandardError=append:$dir/messages" \
			"$file" >"$folder/${file##*/}"
	done
}

# boot NAME SECONDS END SCRIPT: boot with a service that runs "SCRIPT --inside $dir NAME", after
# the units in boot_after, and then the command END. Its output is in $dir/NAME.
boot()
{
	unit try.service Requires=dbus.socket "Wants=$boot_after" "After=dbus.socket $boot_after" \
		'[Service]' Type=oneshot "Environment=$boot_environment" \
		"ExecStart=/bin/bash $4 --inside $dir $1" \
		"StandardOutput=file:$dir/$1" StandardError=inherit \
		"ExecStopPost=-$3" "TimeoutStartSec=$2"
	unit try.target 'Requires=udevd.service try.service' 'After=udevd.service try.service'
	cat >"$dir/init" <<-END
		mount -t tmpfs tmpfs /run
		mount -t tmpfs tmpfs /tmp
		mkdir -p /run/systemd/system /run/systemd/user /run/udev/rules.d
		cp $dir/units/* /run/systemd/system
		cp $dir/user/* /run/systemd/user 2>/dev/null
		cp $boot_packaging/udev/60-vpool.rules /run/udev/rules.d
		export container=vpool
		exec $boot_systemd --system --unit=try.target --log-target=null
	END
	: >"$dir/$1"
	timeout -k 5 $(($2 + 20)) unshare --kill-child --pid --fork --mount --mount-proc \
		bash "$dir/init" >"$dir/console" 2>&1
}

# power_off: remove what a power cut would remove of the processes and cgroups of a boot
power_off()
{
	local controller

	find "$boot_cgroup" -mindepth 1 -depth -type d -exec rmdir {} + 2>/dev/null
	# shellcheck disable=SC2013 # words
	for controller in $(cat "$boot_cgroup/cgroup.subtree_control"); do
		[[ " $boot_enabled " == *" $controller "* ]] ||
			echo "-$controller" >"$boot_cgroup/cgroup.subtree_control"
	done
}

# boot_results NAME...: print the results of these boots with one plan
boot_results()
{
	local name files=()

	for name; do
		files+=("$dir/$name")
	done
	cat "${files[@]}" | awk -v wanted=$# '
		/^1\.\.[0-9]/ { boots++; next }
		/^(not )?ok / { nr++; sub(/ok [0-9]+/, "ok " nr); bad += /^not/ }
		{ print }
		END {
			if (boots != wanted)
				print "# a boot did not end"
			print "1.." (boots == wanted ? nr : nr + 1)
			exit bad || boots != wanted
		}'
}
