#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Enable a security module, so that the following tests run under it, and check that it
# enforces the policy for vpool. VPOOL_GUARD is one of:
#
#	hardened	AppArmor with enforced profiles, and auditd; the kernel clears and
#			checks freed memory, and panics on a warning
#	selinux		SELinux enforcing VPOOL_POLICY, a policy with vpool's module; the
#			kernel poisons freed pages
#	lockdown	lockdown=integrity and a signed module; VPOOL_UNSIGNED_KO is the
#			module without a signature
#
# Run this in a test VM only: it leaves a daemon running, and loads profiles for all
# test programs. VPOOL_TOOLS is the directory of programs that are not installed.

here=$(dirname "$(readlink -f "$0")")
build=${OUTPUT:-$(readlink -f "$here/../../build/selftests")}
# shellcheck source=selftests/lib/require.sh
. "$here/../lib/require.sh"
# shellcheck source=/dev/null
. "$here/../../userspace/tests/tap.sh"
# shellcheck source=selftests/lsm/guard.sh
. "$here/guard.sh"

top=$(readlink -f "$here/../..")
tools=${VPOOL_TOOLS:-}
tools=${tools%/usr/bin}
security=/sys/kernel/security
pool=guard

tool() {
	local program=$1

	shift
	LD_LIBRARY_PATH=$tools/usr/lib/x86_64-linux-gnu:$tools/lib/x86_64-linux-gnu:$LD_LIBRARY_PATH \
		"$tools/$program" "$@"
}

profiles() {
	cat <<-END
	abi <abi/3.0>,
	include <tunables/global>

	# The tests: all rights of root, but for vpool only the rules that are shipped.
	profile vpool-selftests $build/* {
	  capability, network, mount, umount, pivot_root, ptrace, signal, unix,
	  change_profile -> *,
	  /{,**} rwlkmix,
	  include "$top/packaging/apparmor/vpool"
	}
	# A program that may only use pools.
	profile vpool-user {
	  include <abstractions/base>
	  include "$top/packaging/apparmor/vpool"
	  $top/build/userspace/** rm,
	  $top/build/userspace/bin/vpoolctl ix,
	  /{usr/,}bin/* rmix,
	  /sys/devices/system/** r,
	  /run/vpool/{,**} rwk,
	}
	# A program that may do everything except use pools.
	profile vpool-stranger {
	  capability, network, ptrace, signal, unix,
	  /{,**} rwlkmix,
	  audit deny /dev/vpool/** rw,
	}
	END
}

start_apparmor() {
	local dir=$tools/etc/apparmor.d

	if [ ! -x "$tools/sbin/apparmor_parser" ]; then
		echo "# no apparmor_parser in $tools/sbin"
		return 1
	fi
	profiles > /run/profiles
	tool sbin/apparmor_parser --skip-cache -I "$dir" --replace /run/profiles
}

under() {
	local profile=$1

	shift
	tool usr/bin/aa-exec -p "$profile" -- "$@" 2>&1
}

start_auditd() {
	mkdir -p /etc/audit/plugins.d /var/log/audit
	chmod 750 /etc/audit /var/log/audit
	cat > /etc/audit/auditd.conf <<-END
	local_events = yes
	write_logs = yes
	log_file = /var/log/audit/audit.log
	log_format = RAW
	flush = NONE
	max_log_file = 64
	max_log_file_action = IGNORE
	space_left = 2
	space_left_action = IGNORE
	admin_space_left = 1
	admin_space_left_action = IGNORE
	disk_full_action = IGNORE
	disk_error_action = IGNORE
	plugin_dir = /etc/audit/plugins.d
	END
	chmod 640 /etc/audit/auditd.conf
	tool sbin/auditd
}

hardened() {
	like 'memory is cleared when it is freed' "$(dmesg)" '*heap free:on*'
	is 'slab objects are checked' "$(cat /sys/kernel/slab/kmalloc-64/sanity_checks)" 1
	is 'the kernel panics on a warning' "$(cat /proc/sys/kernel/panic_on_warn)" 1
	start_apparmor
	is 'AppArmor accepts the profiles' "$?" 0
	like 'the profiles are enforced' "$(cat $security/apparmor/profiles)" \
		'*vpool-selftests (enforce)*'
	start_auditd
	is 'auditd starts' "$?" 0
	is 'auditd runs' "$(pgrep -xc auditd)" 1
	vpoolctl create "$pool" --mem 4M --cpus 1 > /dev/null
	is 'a program that may use pools runs' \
		"$(under vpool-user vpoolctl run "$pool" -- echo runs)" runs
	like 'a program without permission is refused' \
		"$(under vpool-stranger vpoolctl run "$pool" -- echo runs)" \
		'*a security module *does not let this program open /dev/vpool/guard*'
	vpoolctl resize "$pool" --mem 6M > /dev/null
	vpoolctl destroy "$pool"
}

# domain TYPE COMMAND...: run a command in an SELinux domain.
domain() {
	# shellcheck disable=SC2016 # for that shell
	bash -c 'printf %s "system_u:system_r:$0:s0" > /proc/self/attr/exec && exec "$@"' \
		"$@" 2>&1 | tr -d '\0'
}

# Label the devices, as udev would; the test VM has no udev.
label() { chcon system_u:object_r:vpool_device_t:s0 /dev/vpool/*; }

selinux() {
	local fs=/sys/fs/selinux

	mountpoint -q $fs || mount -t selinuxfs selinuxfs $fs
	# The kernel takes the policy in one write only, so read it from a local copy.
	cp "$VPOOL_POLICY" /run/policy
	dd if=/run/policy of=$fs/load bs=64M status=none
	is 'the kernel accepts the policy' "$?" 0
	echo 1 > $fs/enforce
	is 'the policy is enforced' "$(cat $fs/enforce)" 1
	like 'freed pages are poisoned' "$(dmesg)" '*PAGE_POISONING is on*'
	vpoolctl create "$pool" --mem 4M --cpus 1 > /dev/null
	label
	is 'a domain that may use pools runs' \
		"$(domain guard_user_t vpoolctl run "$pool" -- cat /proc/self/attr/current)" \
		system_u:system_r:guard_user_t:s0
	like 'a domain without permission is refused' \
		"$(domain guard_stranger_t vpoolctl run "$pool" -- echo runs)" \
		'*you may not open /dev/vpool/guard*'
	like 'a domain of users may not change pools' \
		"$(domain guard_user_t vpoolctl destroy "$pool")" '*vpoolctl: destroy guard: *'
	vpoolctl destroy "$pool"
	like 'the tests run in the domain' "$(tr -d '\0' < /proc/self/attr/current)" \
		'system_u:system_r:kernel_t:s0*'
}

lockdown() {
	like 'the kernel is locked down' "$(cat $security/lockdown)" '*\[integrity\]*'
	is 'the kernel panics on a warning' "$(cat /proc/sys/kernel/panic_on_warn)" 1
	like 'a module without a signature is refused' \
		"$(insmod "$VPOOL_UNSIGNED_KO" 2>&1)" '*could not insert module*'
	like 'the loaded module is signed' "$(modinfo -F signer "$VPOOL_KO")" '*key*'
	is 'the signed module is loaded' "$(lsmod | grep -c '^vpool ')" 1
}

mountpoint -q $security || mount -t securityfs securityfs $security
run_guard
