# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154
#
# Functions for tests with libvirt; the tests source this file after guest.sh. $dir is a
# temporary directory.

export LIBVIRT_DEFAULT_URI=qemu:///system
conf=/etc/libvirt/qemu.conf
daemon=''
kvm_mode=''

need_libvirt() {
	local command

	for command in libvirtd virsh; do
		command -v $command > /dev/null || skip "no $command here"
	done
	! pgrep -x libvirtd > /dev/null || skip 'a libvirtd is running'
}

answers() { virsh version > /dev/null 2>&1; }
state() { virsh domstate "$1" 2> /dev/null | head -n 1; }
is_off() { [ "$(state "$1")" = 'shut off' ] || [ -z "$(state "$1")" ]; }

# Let the QEMU of libvirt, which runs as an ordinary user, reach the files of the test and
# /dev/kvm. A test VM has no udev, which would give that its mode. stop_libvirtd undoes it.
open_to_qemu() {
	chmod 755 "$dir"
	kvm_mode=$(stat -c %a /dev/kvm)
	chmod 666 /dev/kvm
}

# start_libvirtd LINE...: start the daemon with these lines in qemu.conf, and without
# libvirt's sandboxes: the tests are about memory.
start_libvirtd() {
	mkdir -p /etc/libvirt /run/libvirt /var/lib/libvirt /var/log/libvirt
	[ ! -e "$conf" ] || cp "$conf" "$dir/qemu.conf"
	# libvirtd needs the user that Debian's package creates.
	getent passwd libvirt-qemu > /dev/null ||
		useradd --system --user-group libvirt-qemu
	printf '%s\n' 'security_driver = "none"' 'namespaces = [ ]' \
		'stdio_handler = "file"' "$@" > "$conf"
	libvirtd > "$dir/libvirtd" 2>&1 &
	daemon=$!
	until_true 120 answers
	is 'libvirtd answers' "$?" 0
}

# stop_libvirtd: stop the daemon, and restore qemu.conf and the mode of /dev/kvm.
stop_libvirtd() {
	[ -z "$daemon" ] || kill "$daemon"
	wait
	[ -z "$kvm_mode" ] || chmod "$kvm_mode" /dev/kvm
	if [ -e "$dir/qemu.conf" ]; then
		mv "$dir/qemu.conf" "$conf"
	else
		rm -f "$conf"
	fi
}

# created NAME [TEST]: start the domain of $dir/NAME.xml, which must succeed.
created() {
	virsh create "$dir/$1.xml" > "$dir/created" 2>&1
	is "${2:-the domain starts}" "$?" 0
	sed 's/^/# /' "$dir/created"
	[ "$(state "$1")" = running ] || {
		tail -n 20 "$dir/libvirtd" "/var/log/libvirt/qemu/$1.log" | sed 's/^/# /'
		tap_end
	}
}
