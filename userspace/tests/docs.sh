#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Manual pages, completion and installed files. BUILD is the build directory.

dir=$(dirname "$0")
# shellcheck source=/dev/null
. "$dir/tap.sh"

man=$BUILD/man/vpoolctl.8
verbs=$("$VPOOLCTL" help | sed -n "s,^  \([a-z]\+\) .*,\1,p")

# complete_line WORD...: print the completions of the last word
complete_line()
{
	COMP_LINE="$*"
	COMP_POINT=${#COMP_LINE}
	COMPREPLY=()
	_vpoolctl 2>/dev/null
	echo "${COMPREPLY[*]}"
}

# shellcheck source=/dev/null
. "$BUILD/completion/vpoolctl"
for verb in $verbs; do
	like "the manual describes $verb" "$(cat "$man")" "*fBvpoolctl $verb*"
	like "completion offers $verb" "$(complete_line vpoolctl '')" "*$verb*"
	like "completion offers options of $verb" \
		"$(complete_line vpoolctl "$verb" --)" '*--help*'
done
like 'no placeholder is left' "$(grep -c '^@' "$man")" 0
is 'completion of a verb' "$(complete_line vpoolctl des)" destroy
is 'completion of a verb after options' "$(complete_line vpoolctl -J --raw des)" destroy
is 'completion of a verb after columns' "$(complete_line vpoolctl -o NAME,FREE lis)" list
is 'completion of a verb after hosts' "$(complete_line vpoolctl -H one,two des)" destroy
mkdir -p "$BUILD/tests/home/.ssh"
echo 'node7,10.0.0.7 ssh-ed25519 AAAA' >"$BUILD/tests/home/.ssh/known_hosts"
printf 'Host *\nHost  node8\n  User root\n' >"$BUILD/tests/home/.ssh/config"
is 'completion of a host' \
	"$(HOME=$BUILD/tests/home complete_line vpoolctl --hosts one,node)" 'one,node7 one,node8'
is 'completion of an option before the verb' "$(complete_line vpoolctl --noh)" --noheadings
is "completion of an option's value after options" \
	"$(complete_line vpoolctl -J list -o NAME,SCR)" NAME,SCRUBBING
is 'completion of an option' "$(complete_line vpoolctl create --pa)" \
	--page-size
is 'completion of a column' "$(complete_line vpoolctl list -o NAME,SCR)" NAME,SCRUBBING
# Completions that depend on the host, with and without word breaks at @, = and :.
export VPOOL_SYSFS_DIR=$BUILD/tests/sys
rm -rf "$VPOOL_SYSFS_DIR"
mkdir -p "$VPOOL_SYSFS_DIR/pools"
is 'no completion of a page size without the module' \
	"$(complete_line vpoolctl create x -p '' 2>&1)" ''
echo 16384 33554432 >"$VPOOL_SYSFS_DIR/page_sizes"
is 'completion of page sizes' "$(complete_line vpoolctl create x -p '')" '16K 32M'
echo 4096 2097152 1073741824 >"$VPOOL_SYSFS_DIR/page_sizes"
is "completion of an option's value" "$(complete_line vpoolctl create x -p 2)" 2M
online=$(_vpoolctl_numbers </sys/devices/system/cpu/online | xargs)
boot_core=$(_vpoolctl_numbers \
	</sys/devices/system/cpu/cpu0/topology/thread_siblings_list | xargs)
is 'completion leaves out CPUs of the boot core' \
	"$(complete_line vpoolctl create x --cpus '')" \
	"$(for cpu in $online; do
		[[ " $boot_core " == *" $cpu "* ]] || echo "$cpu"
	done | xargs) all"
is 'completion offers CPUs of the boot core with --boot-core' \
	"$(complete_line vpoolctl create x --boot-core --cpus '')" "$online all"
for pool in 'web 0' 'db 70-71,73'; do
	mkdir -p "$VPOOL_SYSFS_DIR/pools/${pool% *}/cpus"
	echo "${pool#* }" >"$VPOOL_SYSFS_DIR/pools/${pool% *}/cpus/assigned"
done
free=$(complete_line vpoolctl create x --boot-core --cpus '' | sed 's/ *all$//')
is 'free CPUs are the online CPUs in no pool' "$free" "${online#0 }"
is 'completion of the CPUs of a new pool' "$(complete_line vpoolctl create x --cpus '')" \
	"$(_vpoolctl_free | xargs) all"
is 'completion of CPUs to leave out' \
	"$(complete_line vpoolctl create x --boot-core --cpus "all,^${free%% *}")" \
	"all,^${free%% *}"
is "completion of the CPUs of a pool to resize has its own CPUs" \
	"$(complete_line vpoolctl resize db --cpus 70,7)" '70,70 70,71 70,73'
is 'completion of the end of a range' "$(complete_line vpoolctl resize db -c 70-71)" 70-71
is "completion of a CPU of the pool" "$(complete_line vpoolctl attach db --tid 1 --cpu '')" \
	'70 71 73'
is 'completion of pools' "$(complete_line vpoolctl show '')" 'db web'
for COMP_WORDBREAKS in $' \n' $' \n@=:'; do
	before=4G@
	eq=--page-size=
	[[ $COMP_WORDBREAKS != *@* ]] || before=@ eq=''
	is "completion of a node with $before before it" \
		"$(complete_line vpoolctl create x --mem 4G@0)" "${before}0"
	is "completion of a second node with $before before it" \
		"$(complete_line vpoolctl create x --mem 1G@9,4G@0)" \
		"${before/4G/1G@9,4G}0"
	is "completion of a value after =${eq:+ with its option}" \
		"$(complete_line vpoolctl create x --page-size=2)" "${eq}2M"
done
printf '%s\n' '30 1 0:40 / /srv/x rw - vpool none rw,pool=web,mode=770' \
	'31 1 0:41 / /srv/y rw - vpool none rw,pool=db' '32 1 0:42 / /z rw - tmpfs z rw' \
	>"$BUILD/tests/mountinfo"
is 'completion of mounted pools and their directories' \
	"$(VPOOL_MOUNTINFO=$BUILD/tests/mountinfo complete_line vpoolctl umount '')" \
	'/srv/x /srv/y db web'
is 'completion of a pool for cdi' "$(complete_line vpoolctl cdi w)" web
like 'completion of a directory for cdi' "$(complete_line vpoolctl cdi web --directory /et)" '*/etc*'
is 'completion of a pool to mount' "$(complete_line vpoolctl mount w)" web
export VPOOL_HOST_SYSFS_DIR=$VPOOL_SYSFS_DIR/host
for device in 0000:01:00.0:0x020000 0000:01:00.1:0x020000 0000:02:00.0:0x060400; do
	mkdir -p "$VPOOL_HOST_SYSFS_DIR/bus/pci/devices/${device%:*}"
	echo "${device##*:}" >"$VPOOL_HOST_SYSFS_DIR/bus/pci/devices/${device%:*}/class"
done
# Bash replaces only the part after the last colon.
is 'completion of a device' "$(complete_line vpoolctl vm start x --device 0000:01)" \
	'01:00.0 01:00.1'
is 'completion of a second device' \
	"$(complete_line vpoolctl vm start x --device 0000:01:00.0,0000:01:00.1)" 00.1
is 'completion of a node for CPUs' "$(complete_line vpoolctl create x --ncpus 4@0)" @0
is 'no completion of a node before the @' "$(complete_line vpoolctl create x --mem 4)" ''
is 'completion of a group' "$(complete_line vpoolctl create x --owner root:daem)" daemon
is 'completion of a signal' "$(complete_line vpoolctl kill web -s KIL)" KILL
is 'completion of a keyword' "$(complete_line vpoolctl vm start x --net us)" user
like 'completion of a process' " $(complete_line vpoolctl attach web --pid '') " "* $$ *"
unset VPOOL_SYSFS_DIR
like 'completion of a program' "$(complete_line vpoolctl run web -- printen)" 'printenv*'
like 'completion of a file' "$(cd "$dir" && complete_line vpoolctl check docs)" docs.sh
conf=$BUILD/man/vpool.conf.5
like 'no placeholder is left in vpool.conf(5)' "$(grep -c '^@' "$conf")" 0
# The properties of machines have a section of their own.
for property in pool mem disk reclaim autostart qemu; do
	is "vpool.conf(5) describes $property of machines" \
		"$(sed -n '/^.SH MACHINES/,/^.SH CHANGES/p' "$conf" | grep -c "^.fB$property:")" 1
done
sed '/^.SH MACHINES/,/^.SH CHANGES/d' "$conf" >"$BUILD/pools.5"
conf=$BUILD/pools.5
for property in mem cpus ncpus page-size owner mode timeout split-cores boot-core isolate confine mount; do
	is "vpool.conf(5) describes $property" \
		"$(grep -c "^.fB$property:" "$conf")" 1
done
# vpoolctl accepts the example in the manual.
sed -n '/^# .etc.vpool.d/,/^\.fi/{/^\.fi/d;s/\\-/-/g;p}' "$conf" |
	sed '/owner:/d' >"$BUILD/example.conf"
is 'vpoolctl check accepts the example of vpool.conf(5)' "$("$VPOOLCTL" check "$BUILD/example.conf")" \
	'1 file, 3 pools, no mistakes'
# The map, the header and the manual of the library name the same functions.
here=$(cd "$dir/.." && pwd)
functions=$(sed -n 's/^\t\(vpool_.*\);/\1/p' "$here/libvpool/libvpool.map" | sort)
is 'the map and the header have the same functions' "$functions" \
	"$(sed -n 's/^ \* \(vpool_[a-z_]*\)() - .*/\1/p' \
		"$here/libvpool/libvpool.h" | sort)"
is 'libvpool.so exports the functions of the map' "$functions" \
	"$(nm -D --defined-only "$BUILD/lib/libvpool.so" |
		sed -n 's/.* T \(vpool_.*\)@@LIBVPOOL_0[_0-9]*$/\1/p' | sort)"
is 'the library has no global variables' \
	"$(objdump -t "$BUILD/lib/libvpool.a" | grep -E ' O \.(data|bss)(\s|$)')" ''
is 'libvpool(3) describes all functions' "$functions" \
	"$(sed -n 's/^\.SS \(vpool_[a-z_]*\)() .*/\1/p' "$BUILD/man/libvpool.3" |
		sort)"
is 'vpool(4) describes all calls' \
	"$(grep -o 'ioctl(VPOOL_[A-Z]*)' "$BUILD/man/vpool.4" | sort -u)" \
	"$(sed -n 's/^#define \(VPOOL_[A-Z]*\) _IOWR(.*/ioctl(\1)/p' \
		"$here/../include/uapi/linux/vpool.h" | sort)"

# The release number is the one in the file VERSION.
version=$(cat "$here/../VERSION")
is 'vpoolctl has the release number' "$("$VPOOLCTL" version)" "vpoolctl $version"
is 'libvpool.pc has the release number' \
	"$(sed -n 's/^Version: //p' "$BUILD/lib/libvpool.pc")" "$version"
is 'libvpool.so has the release number' \
	"$(basename "$(readlink -f "$BUILD/lib/libvpool.so")")" "libvpool.so.$version"
for page in "$BUILD"/man/*.[0-9]; do
	like "$(basename "$page") has the release number" \
		"$(grep '^\.TH ' "$page")" "*\"vpool $version\"*"
done
is 'the Debian packages have the release number' \
	"$(sed -n '1s/^vpool (\(.*\)) .*/\1/p' "$here/../packaging/debian/changelog")" \
	"$version"

# The example of libvpool(3) builds against the installed files, as its comment says.
root=$BUILD/tests/root
rm -rf "$root"
make -s -C "$here" BUILD="$BUILD" DESTDIR="$root" prefix=/usr libdir=/usr/lib \
	install >/dev/null
export PKG_CONFIG_SYSROOT_DIR=$root PKG_CONFIG_LIBDIR=$root/usr/lib/pkgconfig
flags=$(pkg-config --cflags libvpool)
libs=$(pkg-config --libs libvpool)
example=$here/examples/memory.c
build()
{
	# shellcheck disable=SC2086 # words
	"$@" -Wall -Wextra -Werror $flags 2>&1
}
# shellcheck disable=SC2086 # words
is 'the example builds' "$(build cc -o "$root/shared" "$example" $libs)" ''
# shellcheck disable=SC2086 # words
is 'the example builds with the static archive' \
	"$(build cc -o "$root/static" "$example" -Wl,-Bstatic $libs \
		-Wl,-Bdynamic)" ''
is 'the header compiles as C++' "$(echo '#include <libvpool.h>' |
	build c++ -fsyntax-only -x c++ -)" ''
for how in shared static; do
	is "the $how example prints the reason of a failure" \
		"$(LD_LIBRARY_PATH=$root/usr/lib VPOOL_SYSFS_DIR=/nowhere \
			VPOOL_DEV_DIR=/nowhere "$root/$how" web 2>&1)" \
		"web: the vpool module is not loaded: run 'modprobe vpool' or 'insmod vpool.ko'"
done
like 'the static example does not need libvpool.so' \
	"$(readelf -d "$root/static" 2>&1 | grep -c libvpool)" 0
for page in man3/libvpool.3 man4/vpool.4 man5/vpool.conf.5 man8/vpoolctl.8; do
	is "$page is installed" "$(ls "$root/usr/share/man/$page")" \
		"$root/usr/share/man/$page"
done

# Documentation/packaging.rst lists these files.
for file in usr/lib/systemd/system/vpool.service \
	usr/lib/systemd/system/vpool-vms.service etc/vpool/vm.d \
	usr/lib/systemd/system/vpool-metrics.timer \
	usr/lib/systemd/system/vpool-agent@.socket \
	usr/lib/systemd/system/vpool@.target usr/lib/systemd/user/vpool@.target \
	usr/lib/udev/rules.d/60-vpool.rules etc/modprobe.d/vpool.conf \
	etc/apparmor.d/abstractions/vpool usr/share/vpool/vpool.cil \
	usr/share/vpool/prometheus/vpool.rules.yml usr/share/vpool/prometheus/vpool.json \
	usr/share/vpool/vpoolctl.schema.json etc/vpool.d usr/bin/vpoolctl; do
	is "$file is installed" "$(ls -d "$root/$file")" "$root/$file"
done
is 'the installed files are those of packaging/' "$(
	cd "$here/../packaging" &&
		cmp udev/60-vpool.rules "$root/usr/lib/udev/rules.d/60-vpool.rules" &&
		cmp systemd/vpool.service "$root/usr/lib/systemd/system/vpool.service" &&
		cmp modprobe.d/vpool.conf "$root/etc/modprobe.d/vpool.conf" && echo same)" same
echo 'options vpool host_mem_floor=512' >"$root/etc/modprobe.d/vpool.conf"
env -u PKG_CONFIG_SYSROOT_DIR -u PKG_CONFIG_LIBDIR make -s -C "$here" BUILD="$BUILD" DESTDIR="$root" prefix=/usr libdir=/usr/lib \
	install >/dev/null
is 'an installed modprobe.d/vpool.conf is kept' "$(cat "$root/etc/modprobe.d/vpool.conf")" \
	'options vpool host_mem_floor=512'
env -u PKG_CONFIG_SYSROOT_DIR -u PKG_CONFIG_LIBDIR make -s -C "$here" BUILD="$BUILD" DESTDIR="$root/local" install >/dev/null
like 'the unit runs the installed vpoolctl' \
	"$(cat "$root/local/usr/local/lib/systemd/system/vpool.service")" \
	'*ExecStart=/usr/local/bin/vpoolctl apply --keep-going*'
is 'configuration is installed in /etc, not in /usr/local/etc' "$(ls -d "$root"/local/*)" \
	"$root/local/etc
$root/local/usr"
rm -r "$root/local"

if command -v systemd-analyze >/dev/null; then
	units=$BUILD/tests/units
	rm -rf "$units"
	mkdir "$units"
	cp "$here"/../packaging/systemd/* "$units"
	sed -i 's,^ExecStart=/usr/bin/vpoolctl,ExecStart=/bin/true,' "$units"/*
	cp "$units/vpool-agent@.socket" "$units/vpool-agent@web.socket"
	cp "$units/vpool-agent@.service" "$units/vpool-agent@web.service"
	is 'systemd accepts the units of the agent' "$(SYSTEMD_UNIT_PATH=$units: systemd-analyze --man=no \
		verify "$units/vpool-agent@web.socket" "$units/vpool-agent@web.service" 2>&1 |
		grep vpool)" ''
	for unit in vpool@.service vpool@.target; do
		cp "$units/$unit" "$units/${unit/@/@web}"
	done
	is 'systemd accepts the units of a pool' "$(SYSTEMD_UNIT_PATH=$units: systemd-analyze --man=no \
		verify "$units/vpool@web.service" "$units/vpool@web.target" 2>&1 | grep vpool)" ''
fi

if command -v man >/dev/null; then
	for page in "$BUILD"/man/*.[0-9]; do
		is "$(basename "$page") has no warnings" \
			"$(MANWIDTH=80 man --warnings -l "$page" 2>&1 >/dev/null)" ''
	done
fi
vms='start list stop migrate console pause resume reset log define show edit undefine autostart
save templates discard'
for verb in $vms; do
	like "the manual describes vm $verb" "$(cat "$man")" \
		"*fBvpoolctl vm $verb*"
	like "completion offers vm $verb" "$(complete_line vpoolctl vm '')" "*$verb*"
	like "completion offers options of vm $verb" \
		"$(complete_line vpoolctl vm "$verb" --)" '*--help*'
done
# Each verb with JSON output has a schema.
all=$("$VPOOLCTL" help | sed -n 's/^  \([a-z]\+\( [a-z]\+\)\?\)  .*/\1/p')
like 'the help lists verbs of two words' "$all" '*vm start*'
while read -r verb; do
	# shellcheck disable=SC2086 # words
	"$VPOOLCTL" $verb --help | grep -q -- --json || continue
	is "the schema has $verb" "$(grep -c "^    \"${verb/ /_}\": {" \
		"$here/schema/vpoolctl.schema.json")" 1
done <<<"$all"
is 'completion offers vm once' "$(complete_line vpoolctl v)" 'vm version'
is 'completion of a second word' "$(complete_line vpoolctl vm mi)" migrate
is "completion of an option of a verb of two words" \
	"$(complete_line vpoolctl vm start x --kern)" --kernel
mkdir -p "$BUILD/tests/run/vm/one" && export VPOOL_RUN_DIR=$BUILD/tests/run
is 'completion of a virtual machine' "$(complete_line vpoolctl vm stop '')" one
mkdir -p "$BUILD/tests/etc/vpool/vm.d" && touch "$BUILD/tests/etc/vpool/vm.d/two.conf"
is 'completion of a defined machine' \
	"$(VPOOL_ETC_DIR=$BUILD/tests/etc complete_line vpoolctl vm start '')" 'one two'
# The commented example of a declaration has no mistake, and has every property.
example=$SOURCE/userspace/examples/vpool.conf
like 'the example vpool.conf has no mistake' "$("$VPOOLCTL" check "$example" 2>&1)" \
	'1 file, * pools, no mistakes'
properties=$(sed -n 's/^\\fB\([a-z-]*\):\\fR .*/\1/p' "$conf")
for property in $properties; do
	is "the example vpool.conf has $property" \
		"$(grep -cE "^    $property:" "$example" | sed 's/^[1-9].*/yes/')" yes
done

# zsh and fish, whose completion is made from the same table. Both read the simulated pools.

here=$(dirname "$(readlink -f "$0")")

# fish_offers LINE: print the words that fish offers after LINE, without descriptions
fish_offers()
{
	fish --no-config -c "source $BUILD/completion/vpoolctl.fish
		complete -C '$1'" 2>&1 | cut -f 1 | sort | xargs
}

# zsh_offers LINE: print the line as zsh completes it, and the words that it lists
zsh_offers()
{
	"$here/zsh_offers.py" "$BUILD/completion" "$1" 2>&1 | xargs
}

export VPOOL_SYSFS_DIR=$BUILD/tests/shells
mkdir -p "$VPOOL_SYSFS_DIR"/pools/db "$VPOOL_SYSFS_DIR"/pools/web
pools='db web'
if command -v fish >/dev/null; then
	is 'fish completes verbs' "$(fish_offers 'vpoolctl cre')" create
	is 'fish completes second words' "$(fish_offers 'vpoolctl vm st')" 'start stop'
	is 'fish completes pools' "$(fish_offers 'vpoolctl show ')" "$pools"
	is 'fish completes options behind arguments' \
		"$(fish_offers 'vpoolctl create x --mod')" --mode
	is 'fish completes listed values' "$(fish_offers 'vpoolctl vm start x --net ')" 'bridge macvtap none tap user'
	is 'fish completes after options before the verb' \
		"$(fish_offers 'vpoolctl -J vm pau')" pause
else
	tap_result yes 'fish # SKIP fish is not installed'
fi
if command -v zsh >/dev/null; then
	like 'zsh completes verbs' "$(zsh_offers 'vpoolctl cre')" '*vpoolctl create'
	like 'zsh completes second words' "$(zsh_offers 'vpoolctl vm st')" '*start stop*'
	like 'zsh completes pools' "$(zsh_offers 'vpoolctl show ')" "*$pools*"
	like 'zsh completes options' "$(zsh_offers 'vpoolctl create --isol')" '*--isolate*'
	like 'zsh completes listed values' "$(zsh_offers 'vpoolctl vm start x --net ')" '*bridge macvtap none tap user*'
	like 'zsh completes columns in any case' "$(zsh_offers 'vpoolctl list -o pea')" '*-o PEAK*'
else
	tap_result yes 'zsh # SKIP zsh is not installed'
fi

tap_end
