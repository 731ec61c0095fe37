#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Move a host over to pools, as "vpoolctl import" proposes: huge pages with a mount, a
# cpuset and a domain of libvirt. Follows the steps, and applies the file. Needs root, the
# module, cgroup2 with cpusets and four CPUs. VPOOLCTL is the program.

dir=$(mktemp -d) || exit 1
# shellcheck source=/dev/null
. "$(dirname "$(readlink -f "$0")")/tap.sh"

export LC_ALL=C
VPOOLCTL=${VPOOLCTL:-vpoolctl}
cgroup=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/self/mounts)
pages=/sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages
domain=/etc/libvirt/qemu/vpool-test.xml
out=''

skip()
{
	echo "1..0 # SKIP $1"
	exit 0
}

[ -c /dev/vpool/control ] || skip 'the module is not loaded'
[ "$cgroup" = /sys/fs/cgroup ] || skip 'cgroup2 is not mounted on /sys/fs/cgroup'
grep -qw cpuset "$cgroup/cgroup.controllers" || skip 'cgroup2 has no cpusets here'
[ -e $pages ] || skip 'the kernel has no huge pages of 2 MiB'
[ "$(nproc)" -ge 4 ] || skip 'there are fewer than four CPUs'
[ ! -d /etc/libvirt/qemu ] || [ -z "$(ls /etc/libvirt/qemu/*.xml 2>/dev/null)" ] ||
	skip 'this host has domains of libvirt'

# shellcheck disable=SC2317 # the trap calls it
clean_up()
{
	rm -f $domain
	umount "$dir/huge" 2>/dev/null
	for name in $("$VPOOLCTL" list --noheadings --raw -o NAME); do
		"$VPOOLCTL" umount "$name"
		"$VPOOLCTL" destroy --force "$name"
	done >/dev/null 2>&1
	echo 0 >$pages
	rmdir "$cgroup/vpool-test" 2>/dev/null
	rm -rf "$dir"
}
trap clean_up EXIT

# What the host has
mkdir -p /etc/libvirt/qemu "$dir/huge"
cat >$domain <<-END
	<domain type='kvm'>
	  <name>one</name>
	  <memory unit='MiB'>16</memory>
	  <memoryBacking><hugepages/></memoryBacking>
	  <vcpu placement='static' cpuset='1'>1</vcpu>
	  <numatune><memory mode='strict' nodeset='0'/></numatune>
	</domain>
END
echo 24 >$pages
is 'the host reserves huge pages' "$(cat $pages)" 24
mount -t hugetlbfs -o pagesize=2M none "$dir/huge"
echo +cpuset >"$cgroup/cgroup.subtree_control"
mkdir "$cgroup/vpool-test"
echo 2-3 >"$cgroup/vpool-test/cpuset.cpus"
state() { cat $pages /proc/self/mounts "$cgroup/vpool-test/cpuset.cpus"; "$VPOOLCTL" list; }

before=$(state)
try 0 import
cp "$dir/out" "$dir/pools.conf"
is 'import changes nothing' "$(state)" "$before"
try 0 check "$dir/pools.conf"
like 'the steps name what is here' "$(cat "$dir/pools.conf")" \
	"*cgroup /vpool-test*echo 0 >$pages*umount $dir/huge*mkdir -p *"

# The steps
umount "$dir/huge"
echo 0 >$pages
rmdir "$cgroup/vpool-test"
mkdir -p /srv/vms
try 0 apply -q "$dir/pools.conf"
try 0 list --noheadings --raw --bytes -o NAME,TOTAL,CPUS,GRADE
is 'the pools have what the host had' "$(sort <<<"$out")" \
	"hugepages $((16 * 2 << 20)) - plain
vms $((8 * 2 << 20)) 1 plain
vpool-test 0 2-3 confined"
is 'the pool is mounted where hugetlbfs was' \
	"$(awk -v dir="$dir/huge" '$2 == dir { print $3 }' /proc/self/mounts)" vpool
try 0 apply --dry-run "$dir/pools.conf"
like 'the host is as declared' "$out" '*nothing to do*'

tap_end
