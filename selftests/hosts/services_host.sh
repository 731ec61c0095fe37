#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Make a host of hosts_services.sh ready; runs in each host, and as /cluster/start each time
# one starts. Create the pool and mount it, install the hook and the agent, and start
# libvirtd and Pacemaker, as the units of their packages would.
#
# usage: services_host.sh [pool|libvirt|pacemaker]...

top=$TESTVM_TOP
pool=svc
mnt=/srv/svc
[ $# -gt 0 ] || set -- pool libvirt pacemaker

# background LOG COMMAND...: run a daemon that survives this script and its ssh.
background() {
	setsid "${@:2}" < /dev/null > "$1" 2>&1 3>&- &
}

make_pool() {
	modprobe -q kvm_amd || modprobe -q kvm_intel
	mkdir -p $mnt
	vpoolctl create -q $pool --cpus 1-2 --mem 160M &&
		mount -t vpool -o pool=$pool,mode=755,f_type=hugetlbfs none $mnt
}

start_libvirt() {
	mkdir -p /etc/libvirt/hooks/qemu.d /run/libvirt /var/lib/libvirt /var/log/libvirt
	cp "$top/packaging/libvirt/vpool" /etc/libvirt/hooks/qemu.d/
	getent passwd libvirt-qemu > /dev/null ||
		useradd --system --user-group libvirt-qemu
	# The folder of the guest's files belongs to root.
	printf '%s\n' 'security_driver = "none"' 'namespaces = [ ]' 'user = "root"' \
		'group = "root"' 'stdio_handler = "file"' "hugetlbfs_mount = [ \"$mnt\" ]" \
		> /etc/libvirt/qemu.conf
	background /run/libvirtd.log libvirtd
}

start_pacemaker() {
	local folder

	mkdir -p /usr/lib/ocf/resource.d/vpool /etc/corosync /var/lib/corosync \
		/var/log/corosync /var/log/pacemaker
	cp "$top/packaging/ocf/vm" /usr/lib/ocf/resource.d/vpool/
	ln -sf "$(command -v vpoolctl)" /usr/bin/vpoolctl
	for folder in blackbox cib cores pengine; do
		mkdir -p /var/lib/pacemaker/$folder
	done
	chown -R hacluster:haclient /var/lib/pacemaker /var/log/pacemaker
	# A busy emulated machine does not answer for several seconds.
	cat > /etc/corosync/corosync.conf <<-END
	totem {
		version: 2
		cluster_name: vpool
		token: 15000
		crypto_cipher: none
		crypto_hash: none
	}
	nodelist {
		node {
			ring0_addr: host1
			name: host1
			nodeid: 1
		}
		node {
			ring0_addr: host2
			name: host2
			nodeid: 2
		}
	}
	quorum {
		provider: corosync_votequorum
		two_node: 1
	}
	logging {
		to_logfile: yes
		logfile: /var/log/corosync/corosync.log
		to_syslog: no
	}
	END
	corosync > /run/corosync.log 2>&1 || return
	background /run/pacemakerd.log pacemakerd -f
}

status=0
for part in "$@"; do
	case $part in
	pool) make_pool ;;
	libvirt) start_libvirt ;;
	pacemaker) start_pacemaker ;;
	esac || status=1
done
exit "$status"
