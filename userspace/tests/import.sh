#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# vpoolctl import, with directories that simulate the root of a host. Each file that it
# prints must pass "vpoolctl check". VPOOLCTL is the program.

dir=$(mktemp -d) || exit 1
trap 'rm -r "$dir"' EXIT
# shellcheck source=/dev/null
. "$(dirname "$0")/tap.sh"

export LC_ALL=C
export VPOOL_DEV_DIR="$dir/dev" VPOOL_SYSFS_DIR="$dir/nowhere" VPOOL_ETC_DIR="$dir/noetc"
cd "$dir" || exit 1
out='' err=''

# file PATH TEXT: write a file of the simulated host
file()
{
	mkdir -p "$(dirname "root$1")"
	printf '%s\n' "$2" >"root$1"
}

# host CPUS: begin a simulated host with these CPUs online
host()
{
	rm -rf root
	file /sys/devices/system/cpu/online "$1"
	file /sys/fs/cgroup/cgroup.controllers 'cpuset cpu memory'
	file /proc/cmdline 'BOOT_IMAGE=/vmlinuz root=/dev/sda1 quiet'
}

# cgroup PATH CPUS [PARTITION]: add a cgroup
cgroup()
{
	file "/sys/fs/cgroup$1/cgroup.procs" ''
	file "/sys/fs/cgroup$1/cpuset.cpus" "$2"
	file "/sys/fs/cgroup$1/cpuset.cpus.partition" "${3:-member}"
}

# stock NODE KILOBYTES NUMBER: add huge pages
stock() { file "/sys/devices/system/node/node$1/hugepages/hugepages-${2}kB/nr_hugepages" "$3"; }

# domain FILE NAME MEMORY CPUS [ELEMENTS]: add a domain of libvirt
domain()
{
	local cpuset=${4:+ cpuset=\"$4\"}

	file "/etc/libvirt/qemu/$1" "<!--
WARNING: THIS IS AN AUTO-GENERATED FILE. CHANGES TO IT ARE LIKELY TO BE OVERWRITTEN
-->
<domain type='kvm'>
  <name>$2</name>
  $3
  <vcpu placement='static'$cpuset>2</vcpu>
  ${5-}
  <os><type arch='x86_64'>hvm</type></os>
</domain>"
}

# import STATUS [ARGUMENT]...: run import on the simulated host, and check what it prints.
# Set pools to the file without comments and without what each pool has.
import()
{
	local before

	before=$(find root -type f -exec cksum {} + 2>/dev/null | sort)
	try "$1" import --root root "${@:2}"
	cp "$dir/out" proposal
	is 'nothing has changed' "$(find root -type f -exec cksum {} + 2>/dev/null | sort)" "$before"
	like 'check accepts the proposal' "$("$VPOOLCTL" check proposal 2>&1)" '1 file, *no mistakes'
	pools=$(grep -v '^#' proposal | grep -vE 'owner: "?root:root|mode: "0660"|page-size: 2M' | xargs)
}

huge='<memoryBacking><hugepages/></memoryBacking>'

# A host with nothing

host 0-3
import 0
is 'a host with nothing' "$pools" 'pools: {}'
rm -r root && mkdir root
import 0
is 'an empty root' "$pools" 'pools: {}'

# Domains of libvirt

host 0-7
domain one.xml one "<memory unit='KiB'>2097152</memory>" 2-3 "$huge"
domain two.xml two "<memory unit='GiB'>1</memory>" '' "$huge
  <cputune><vcpupin vcpu='0' cpuset='4'/><vcpupin vcpu='1' cpuset='5,^6'/>
  <emulatorpin cpuset='2'/></cputune>"
domain plain.xml "a &lt;plain&gt; &#x26; &#233;" "<memory>1048576</memory>" ''
file /etc/libvirt/qemu/networks/default.xml '<network/>'
import 0
is 'domains share a pool' "$pools" \
	'pools: vms: mem: 3G cpus: 2-5 mount: {path: /srv/vms, mode: 0755, hugetlbfs: true}'
like 'a domain without huge pages is listed' "$out" "*the domain 'a <plain> & * has 1G of ordinary memory, and is not pinned*"
like 'the steps name libvirt' "$out" '*hugetlbfs_mount*access mode*virsh metadata*'
domain one.xml one "<memory unit='KiB'>2097152</memory>" 2-3 "$huge<numatune><memory mode='strict' nodeset='1'/></numatune>"
domain two.xml two "<memory unit='GiB'>1</memory>" 2 "$huge<numatune><memory mode='strict' nodeset='0'/></numatune>"
import 0
like 'memory on nodes' "$pools" '*mem: 1G@0,2G@1 cpus: 2-3 *'
domain one.xml one "<memory unit='GB'>5</memory>" '' \
	"<memoryBacking><hugepages><page size='1' unit='GiB'/></hugepages></memoryBacking>"
rm root/etc/libvirt/qemu/two.xml
import 0
like 'pages of 1 GiB' "$pools" 'pools: vms: mem: 5G page-size: 1G mount: *'
like 'they need a newer kernel' "$out" '*Linux 7.1 or newer*'
domain two.xml two "<memory unit='GiB'>1</memory>" 2
cp root/etc/libvirt/qemu/two.xml dump.xml
import 0 dump.xml
is 'a file from virsh dumpxml' "$pools" 'pools: vms: cpus: 2'
try 0 import --root root - <dump.xml
like 'a domain on standard input' "$out" "*standard input: the domain 'two'*"

# Broken domains

host 0-7
domain good.xml good "<memory unit='GiB'>1</memory>" 2 "$huge"
echo '<domain><name>x</name><memory>4</name></domain>' >root/etc/libvirt/qemu/bad.xml
import 1
like 'a broken file is reported' "$err" 'root/etc/libvirt/qemu/bad.xml: line 1: *</name>*</memory>*'
like 'the others are imported' "$pools" 'pools: vms: mem: 1G cpus: 2 *'
# broken NAME TEXT PATTERN
broken()
{
	printf '%s' "$2" >root/etc/libvirt/qemu/bad.xml
	import 1
	like "$1" "$err" "root/etc/libvirt/qemu/bad.xml: $3"
}
broken 'an empty file' '' 'line 1: there is no element*'
broken 'no XML' 'hello' 'line 1: there is text outside*'
broken 'a file that is cut off' '<domain>
<name>x' "line 2: the element 'name' does not end*"
broken 'a second document' '<domain/><domain/>' 'line 1: there is a second document*'
broken 'another document' '<network/>' '<network> is no domain*'
broken 'a DTD' '<!DOCTYPE x [<!ENTITY a "b">]><domain>&a;</domain>' 'line 1: a DTD is not supported*'
broken 'an unknown entity' '<domain>&a;</domain>' "line 1: '&a' is no character*"
broken 'a bad number of a character' '<domain>&#xd800000;</domain>' "line 1: '&#xd800000' is no*"
broken 'an attribute without quotes' '<domain type=kvm/>' '*has no quotes*'
broken 'an attribute that does not end' '<domain type="kvm' '*does not end*'
broken 'an attribute given twice' '<domain a="1" a="2"/>' "*'a' is given twice*"
broken 'a comment that does not end' '<!-- <domain/>' '*a comment does not end*'
broken 'no name' '<domain><memory>4</memory></domain>' 'the domain has no name*'
broken 'no memory' '<domain><name>x</name></domain>' "<memory>: '' KiB is not an amount*"
broken 'an unknown unit' '<domain><name>x</name><memory unit="PiB">4</memory></domain>' \
	"<memory>: '4' PiB is not*"
broken 'too much memory' '<domain><name>x</name><memory unit="TiB">99999999999</memory></domain>' \
	'<memory>: *is not an amount*'
broken 'negative memory' '<domain><name>x</name><memory>-4</memory></domain>' '<memory>: *'
broken 'a bad list of CPUs' \
	'<domain><name>x</name><memory>4</memory><vcpu cpuset="1-"/></domain>' '<vcpu cpuset=>: *'
head -c 20000 /dev/zero | tr '\0' '<' >deep
sed -i 's/</<a>/g' deep
broken 'very deep nesting' "$(cat deep)" "line 1: the element 'a' does not end*"
head -c 3000 /dev/urandom >root/etc/libvirt/qemu/bad.xml
import 1
rm root/etc/libvirt/qemu/bad.xml
mkdir root/etc/libvirt/qemu/bad.xml
import 1
like 'a directory in place of a file' "$err" '*bad.xml: Is a directory*'
rmdir root/etc/libvirt/qemu/bad.xml
import 1 /nowhere.xml
like 'a file that does not exist' "$err" '/nowhere.xml: No such file or directory*'
try 1 import --root /nowhere
like 'a root that does not exist' "$err" 'vpoolctl: import: --root: /nowhere: No such file*'
try 1 import --root dump.xml
like 'a root that is a file' "$err" '*--root: dump.xml: Not a directory*'
try 2 import --root ''
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	chmod 700 root/etc/libvirt
	chmod 755 "$dir"
	setpriv --reuid 65534 --regid 65534 --clear-groups "$VPOOLCTL" import --root root >user.out 2>user.err
	is 'a user may not read the domains' "$? $(head -n 1 user.err)" \
		'1 root/etc/libvirt/qemu: Permission denied'
	like 'and is told so' "$(cat user.err)" '*Try as root*'
fi

# Huge pages

host 0-7
stock 0 2048 512
stock 1 2048 256
stock 0 1048576 0
file /proc/self/mounts 'hugetlbfs /dev/hugepages hugetlbfs rw,relatime,pagesize=2M 0 0
none /mnt/huge\040pages hugetlbfs rw,pagesize=2M,uid=5 0 0
none /mnt/other hugetlbfs rw,pagesize=1024M 0 0
tmpfs /run tmpfs rw 0 0'
import 0
is 'huge pages are a pool with a mount' "$pools" \
	'pools: hugepages: mem: 1G@0,512M@1 mount: {path: /mnt/huge pages, mode: 1777, hugetlbfs: true}'
like 'the steps free them' "$out" '*echo 0 >/sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages*umount /dev/hugepages*umount /mnt/huge pages*'
file /proc/self/mounts $'none /srv/vms hugetlbfs rw,pagesize=2M 0 0
none /srv/\342\202 hugetlbfs rw,pagesize=2M 0 0
none /srv/a\\012b hugetlbfs rw,pagesize=2M 0 0'
domain one.xml one "<memory unit='MiB'>256</memory>" '' "$huge"
import 0
like 'directories that cannot be taken over' "$pools" \
	'*vms: mem: 256M mount: {path: /srv/vms,*hugepages: *mount: {path: /srv/hugepages,*'
file /proc/self/mounts 'hugetlbfs /mnt/other hugetlbfs rw,pagesize=1024M 0 0'
domain one.xml one "<memory unit='MiB'>768</memory>" '' "$huge<numatune><memory mode='strict' nodeset='0'/></numatune>"
domain two.xml two "<memory unit='MiB'>512</memory>" '' "$huge<numatune><memory mode='strict' nodeset='1'/></numatune>"
import 0
like 'the domains have a part of them' "$pools" 'pools: vms: mem: 768M@0,512M@1 mount: * hugepages: mem: 256M@0 *'
stock 0 1048576 2
import 0
like 'two sizes are two pools' "$pools" '* hugepages-1g: *'
stock 0 2048 many
import 1
like 'a broken number' "$err" "*node0/hugepages/hugepages-2048kB/nr_hugepages: 'many' is not a number*"
stock 0 2048 99999999999999
import 1
like 'a number that is too large' "$err" "*'99999999999999' is not a number of pages*"

# The command line and tuned

host 0-7
file /proc/cmdline 'root=/dev/sda1 isolcpus=managed_irq,domain,4-7 nohz_full=4-7 rcu_nocbs=4-7 hugepages=512'
import 0
is 'isolated CPUs are a pool' "$pools" 'pools: isolated: cpus: 4-7 isolate: true'
like 'the steps keep nohz_full' "$out" '*remove isolcpus=*keep nohz_full=4-7*remove hugepages=512*'
domain one.xml one "<memory unit='GiB'>1</memory>" 4-5 "$huge"
import 0
like 'a pool for libvirt is not isolated' "$pools" 'pools: vms: mem: 1G cpus: 4-5 mount: {*} isolated: cpus: 6-7 isolate: true'
file /proc/cmdline 'isolcpus=x-y'
import 1
like 'a broken command line' "$err" '*/proc/cmdline: isolcpus=x-y: *'
host 0-7
file /etc/tuned/active_profile cpu-partitioning
file /etc/tuned/cpu-partitioning-variables.conf '# isolated_cores=1-7
isolated_cores=2,3
no_balance_cores=5'
file /etc/tuned/realtime-variables.conf 'isolated_cores=6'
import 0
is "tuned's isolated CPUs are a pool" "$pools" 'pools: isolated: cpus: 2-3 isolate: true'
like 'the steps change the profile' "$out" '*tuned-adm profile*'
# shellcheck disable=SC2016 # a variable of tuned
file /etc/tuned/cpu-partitioning-variables.conf 'isolated_cores=${f:calc_isolated_cores:1}'
import 0
like 'a function of tuned' "$out" '*which only tuned can compute*'
file /etc/tuned/cpu-partitioning-variables.conf 'isolated_cores=3-1'
import 1
like 'a broken list of tuned' "$err" '*cpu-partitioning-variables.conf: isolated_cores=3-1: *'

# Cpusets

host 0-7
cgroup /system.slice ''
cgroup /Web_Server.slice 2-3
cgroup /Web_Server.slice/inner.service 2
cgroup /rt 4-5 isolated
cgroup /batch 6 root
cgroup /all 0-7
cgroup '/vpool_old.slice' 7
cgroup /machine.slice 7
cgroup /kubepods.slice 7
import 0
is 'cpusets are pools' "$pools" \
	'pools: web_server: cpus: 2-3 confine: true batch: cpus: 6 isolate: true rt: cpus: 4-5 isolate: nobalance'
like 'containers are left alone' "$out" '*kubepods.slice: left to the kubelet*vpoolctl cdi*'
like 'the steps name the units' "$out" '*Web_Server.slice: remove AllowedCPUs=*vpool@web_server.target*'
cgroup /other 3,7
import 0
like 'cpusets with common CPUs share a pool' "$pools" '*: cpus: 2-3,7 confine: true*'
like 'and the proposal says so' "$out" '*share CPUs: they share the pool*'
host 0-7
cgroup /part 4-5
file /proc/cmdline isolcpus=4-7
import 0
is 'a cpuset on isolated CPUs' "$pools" \
	'pools: part: cpus: 4-5 isolate: true isolated: cpus: 6-7 isolate: true'
cgroup /part 5-x
import 1
like 'a broken cpuset' "$err" '*cgroup/part/cpuset.cpus: *'
host 0-3
rm root/sys/fs/cgroup/cgroup.controllers
cgroup /cpuset ''
cgroup /cpuset/old 1
import 0
is 'a cpuset of cgroup v1' "$pools" 'pools: old: cpus: 1 confine: true'

# Cores

host 0-3
for cpu in 0 1 2 3; do
	file /sys/devices/system/cpu/cpu$cpu/topology/thread_siblings_list "$((cpu / 2 * 2))-$((cpu / 2 * 2 + 1))"
done
cgroup /a 1
cgroup /b 2-3
import 0
is 'parts of cores' "$pools" \
	'pools: a: cpus: 1 confine: true split-cores: true boot-core: true b: cpus: 2-3 confine: true'
cgroup /a 0-1
import 0
is 'the host keeps the core of CPU 0' "$pools" 'pools: b: cpus: 2-3 confine: true'
like 'and the proposal says so' "$out" '*no CPUs of the core of CPU 0*'

# Names that no pool can have

host 0-15
cgroup /control 1
cgroup /- 2
cgroup '/äöü' 3
cgroup /a.very.long.name.of.a.cgroup.that.is.longer.than.any.pool 4
cgroup $'/new\nline: {' 5
import 0
is 'each name is valid' "$("$VPOOLCTL" check proposal 2>&1)" '1 file, 5 pools, no mistakes'
is 'no text leaves its comment' "$(grep -c '^line' proposal)" 0

tap_end
