#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Definitions and logs of virtual machines, without any machine, with a directory that
# simulates sysfs. VPOOLCTL is the program.

dir=$(mktemp -d) || exit 1
trap 'rm -r "$dir"' EXIT
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=/dev/null
. "$here/tap.sh"
# shellcheck source=/dev/null
. "$here/sysfs.sh"

export LC_ALL=C
export VPOOL_DEV_DIR="$dir/dev" VPOOL_SYSFS_DIR="$dir/sys" VPOOL_RUN_DIR="$dir/run"
export VPOOL_ETC_DIR="$dir/etc" VPOOL_LOG_DIR="$dir/log" TMPDIR="$dir/tmp"
mkdir "$dir/tmp"
vmd=$dir/etc/vpool/vm.d
unset VISUAL
out='' err=''

# contents NAME: print a definition
contents() { cat "$vmd/$1.conf"; }

# only NAME FILES: check that the directory of definitions has these files and no other ones
only() { is "$1" "$(cd "$vmd" && echo ".$(find . -type f | sort | tr '\n' ' ')")" ".$2"; }

# definition LINE...: write a file that defines the machine web with these properties
definition()
{
	printf 'vms:\n  web:\n' >"$dir/web.conf"
	printf '    %s\n' "$@" >>"$dir/web.conf"
}

# refused NAME PATTERN: vm define must refuse the file, and report a mistake in it
refused()
{
	try 1 vm define "$dir/web.conf"
	like "$1" "$err" "$dir/web.conf$2*"
	is "$1: nothing is written" "$(ls "$vmd" 2>/dev/null)" ''
}

# From a file

definition 'pool: a' 'disk: /d' 'max-mem: 2G' 'mem: 1G'
try 0 vm define --dry-run "$dir/web.conf"
is 'a dry run says what it would do' "$out" "would define web in $vmd/web.conf"
is 'a dry run writes nothing' "$(ls "$dir/etc" 2>/dev/null)" ''

definition 'pool: a' 'kernl: /k'
refused 'a misspelt property' ":4:5: unknown property 'kernl': did you mean 'kernel'?"
definition 'pool: a' 'disk: {file: /d, fromat: raw}'
refused 'a misspelt property of a disk' ":4:22: unknown property 'fromat': did you mean 'format'?"
definition 'pool: a' 'disk: {format: raw}'
refused 'a disk without a file' ":2:3: machine 'web': disk needs a file"
definition 'pool: a' 'disk: {}'
refused 'an empty mapping' ':4:11: disk is an empty mapping'
definition 'pool: a' 'disk: [/d, e]'
refused 'a relative path in a list' ":4:16: disk: 'e' is not an absolute path"
definition 'pool: a' 'disk: {file: e}'
refused 'a relative path in a mapping' ":4:18: file: 'e' is not an absolute path"
definition 'pool: a' 'kernel: /k' 'console: "-"'
refused 'a console on the terminal' ":5:14: console: '-' is not an absolute path"
definition 'pool: a' 'kernel: /k' 'mem: 1GB'
refused 'a size' ":5:10: mem: '1GB': sizes are powers of 1024, write 1GiB"
definition 'pool: a' 'kernel: /k' 'vcpus: 0'
refused 'a number of vCPUs' ":5:12: vcpus: '0' is not a number of CPUs"
definition 'pool: a' 'kernel: /k' 'net: tap9'
refused 'a network' ":5:10: net: 'tap9' is *"
definition 'pool: a' 'kernel: /k' 'net: [user, {type: tap}]'
refused 'a network without its interface' ":2:3: machine 'web': net tap needs name=NAME, an interface of the host"
definition 'pool: a' 'kernel: /k' 'net: {mac: "52:54:00:00:00:01"}'
refused 'a network without a type' ":2:3: machine 'web': net needs a type"
definition 'pool: a' 'kernel: /k' 'share: {tag: x}'
refused 'a share without a directory' ":2:3: machine 'web': share needs a dir"
definition 'pool: a' 'kernel: /k' 'share: {dir: x}'
refused 'a relative share' ":5:18: dir: 'x' is not an absolute path"
definition 'pool: a' 'kernel: /k' 'seed: {meta-data: /m}'
refused 'a seed without user-data' ":2:3: machine 'web': seed needs user-data"
definition 'pool: a' 'kernel: /k' 'seed: {user-data: /u, meta-data: m}'
refused 'a relative file of a seed' ":5:38: meta-data: 'm' is not an absolute path"
definition 'pool: a' 'kernel: /k' 'seed: "/u,meta-data=m"'
refused 'a relative file after a comma' ":5:11: seed: 'm' is not an absolute path"
definition 'pool: a' 'kernel: /k' 'cdrom: [/a, b]'
refused 'a relative CD' ":5:17: cdrom: 'b' is not an absolute path"
definition 'pool: a' 'kernel: /k' 'tpm: 2'
refused 'a TPM that is no boolean' ":5:10: tpm: '2' is neither true nor false"
definition 'pool: a' 'kernel: /k' 'reclaim: maybe'
refused 'a boolean' ":5:14: reclaim: 'maybe' is neither true nor false"
definition 'pool: a' 'kernel: /k' 'autostart: 1001'
refused 'a place' ":5:16: autostart: '1001' is not true, false or a place from 1 to 1000"
definition 'pool: a' 'kernel: /k' 'property: MemoryMax'
refused 'a property of a scope' ":5:15: property: 'MemoryMax' is not NAME=VALUE, as in MemoryMax=1G"
definition 'pool: a' 'kernel: /k' 'mem: [1G, 2G]'
refused 'a list' ':5:10: mem is a list, but must be a value'
definition 'pool: a' 'pool: b' 'kernel: /k'
refused 'a property twice' ":4:5: 'pool' is given twice"
definition 'kernel: /k'
refused 'no pool' ":2:3: machine 'web': needs a pool"
definition 'pool: a'
refused 'nothing to boot' ":2:3: machine 'web': nothing to boot: use kernel, disk or cdrom"
definition 'pool: a' 'kernel: /k' 'max-mem: 2G'
refused 'a maximum alone' ":2:3: machine 'web': max-mem needs mem"
definition 'pool: a' 'kernel: /k' 'qemu: [-daemonize]'
refused "an option of QEMU that vpoolctl refuses" ":2:3: machine 'web': QEMU's option -daemonize*"
definition 'pool: a' 'kernel: "/k'
refused 'a missing quote' ':*while scanning a quoted scalar*'
echo 'pools: {}' >"$dir/web.conf"
refused 'a file for apply' ":1:1: unknown key 'pools': only 'vms' is known"
echo 'vms: [web]' >"$dir/web.conf"
refused 'a list of machines' ':1:6: vms is a list, but must be a mapping of names to machines, or {} for no machines'
echo 'vms: {web: 5}' >"$dir/web.conf"
refused 'a value' ":1:12: machine 'web' is a value, but must be a mapping of properties, such as 'pool: web'"
echo 'vms: {Web: {pool: a, kernel: /k}}' >"$dir/web.conf"
refused 'a name' ":1:7: 'Web' is not a machine's name: *"
: >"$dir/web.conf"
refused 'an empty file' ': it defines nothing'
printf 'vms:\n  a: {pool: p, kernel: /k}\n  b: {pool: p, kernel: /k}\n' >"$dir/web.conf"
try 1 vm define "$dir/web.conf" 2>&1
like 'several machines' "$err" '*the file defines 2 machines; define each with a file of its own*'
try 1 vm define "$dir/nowhere"
like 'a missing file' "$err" "$dir/nowhere: No such file or directory*"
try 1 vm define "$dir"
like 'a directory' "$err" "$dir: Is a directory*"
if [ "$(id -u)" != 0 ] || unshare -r true 2>/dev/null; then
	: >"$dir/secret"
	chmod 0 "$dir/secret"
	if [ "$(id -u)" = 0 ]; then
		setpriv --reuid 65534 --regid 65534 --clear-groups true 2>/dev/null &&
			chmod 755 "$dir" && err=$(setpriv --reuid 65534 --regid 65534 --clear-groups \
				"$VPOOLCTL" vm define "$dir/secret" 2>&1)
	else
		err=$("$VPOOLCTL" vm define "$dir/secret" 2>&1)
	fi
	like 'an unreadable file' "$err" "$dir/secret: Permission denied*"
else
	tap_result yes 'an unreadable file # SKIP user namespaces are not available'
fi
try 2 vm define "$dir/web.conf" more
like 'two files' "$err" "*unexpected argument 'more'*"

definition 'pool: a  # fast' 'disk:' '  - {file: /ü.img, format: qcow2}' '  - /d,format=raw' \
	'qemu: [-device, "virtio-rng-pci,id=x"]' 'reclaim: yes'
try 0 vm define "$dir/web.conf"
is 'a file is defined as it is' "$(contents web)" "$(cat "$dir/web.conf")"
only 'nothing else is there' './web.conf '
try 0 vm show web
is 'vm show prints it' "$out" "$(cat "$dir/web.conf")"
try 0 vm show web -J
schema vm_show
try 1 vm define "$dir/web.conf"
like 'the name is taken' "$err" "*web: a machine with this name is defined already, in $vmd/web.conf; *--replace*"
try 1 vm define --dry-run "$dir/web.conf"
like 'a dry run reports it, too' "$err" '*is defined already*'
try 0 vm define --replace -q - <"$dir/web.conf"
is 'standard input replaces it' "$out$(contents web)" "$(cat "$dir/web.conf")"

# From options

cd "$dir/tmp" || exit 1
try 0 vm define shop --pool a --mem 1G --max-mem 2G --disk x.img,format=qcow2 --disk /y \
	--device 0000:01:00.0,0000:01:00.1 --net none --autostart 5 -J -- -device 'a,b= "c"'
schema result
is 'the file has the options' "$(contents shop)" "vms:
  shop:
    pool: a
    mem: 1G
    disk:
      - \"$dir/tmp/x.img,format=qcow2\"
      - /y
    net: none
    device: \"0000:01:00.0,0000:01:00.1\"
    max-mem: 2G
    autostart: 5
    qemu:
      - \"-device\"
      - \"a,b= \\\"c\\\"\""
try 0 vm define --replace parts --pool a --cdrom cd.iso --seed user,network-config=net,meta-data=/m \
	--net bridge,name=br0,mac=52:54:00:00:00:01 --net user --share d,tag=x --vnc socket \
	--firmware uefi --tpm
is 'the parts of a machine' "$(contents parts)" "vms:
  parts:
    pool: a
    cdrom: $dir/tmp/cd.iso
    seed: \"$dir/tmp/user,network-config=$dir/tmp/net,meta-data=/m\"
    net:
      - \"bridge,name=br0,mac=52:54:00:00:00:01\"
      - user
    share: \"$dir/tmp/d,tag=x\"
    vnc: socket
    firmware: uefi
    tpm: true"
try 0 vm show parts
try 0 vm undefine parts
try 0 vm define --replace no --pool a --kernel k --append "two
lines: \\n" --autostart true
is 'special characters' "$(contents no | sed -n '2p; s/^ *append: //p')" '  "no":
"two\nlines: \\n"'
try 0 vm show no
try 2 vm define shop --pool a
like 'the options are checked' "$err" '*nothing to boot: use --kernel, --disk or --cdrom*'
try 2 vm define Shop --pool a --kernel /k
like 'the name is checked' "$err" "*'Shop' is not a valid name*"
try 2 vm define shop --pool a --kernel /k --console -
like 'a definition has no terminal' "$err" '*--console: a definition needs a file*'
try 2 vm define shop more --pool a --kernel /k
like 'a second machine' "$err" "*unexpected argument 'more'*"
try 1 vm define shop --pool a --kernel /k
like 'a taken name with options' "$err" '*shop: a machine with this name is defined already*'

# Starting

try 1 vm start shop
like 'vm start uses the definition' "$err" "vpoolctl: vm start shop: the disk $dir/tmp/x.img: No such file*"
try 1 vm start shop --disk /nowhere
like 'an option replaces the values of a property' "$err" \
	'vpoolctl: vm start shop: the disk /nowhere: No such file*'
try 2 vm start shop --max-mem 512M
like 'both are checked together' "$err" '*max-mem is not more than mem*'
try 2 vm start
like 'vm start without a machine' "$err" '*too few arguments*'
try 2 vm start --autostart shop
like 'vm start --autostart with a machine' "$err" '*--autostart takes no machine*'
try 2 vm start --autostart --mem 1G
like 'vm start --autostart with a property' "$err" '*--autostart takes no machine*'
try 1 vm start --autostart --dry-run
like 'vm start --autostart tries all, by place' "$(echo "$err" | grep '^vpoolctl')" \
	'vpoolctl: vm start shop: *
vpoolctl: vm start no: *'
try 2 vm stop
try 2 vm stop --all shop
try 0 vm stop --all
is 'vm stop --all without machines' "$out" ''

# Autostart

try 0 vm autostart web 7 -n
is 'a dry run changes nothing' "$(grep -c autostart "$vmd/web.conf")" 0
try 0 vm autostart web 7
like 'a comment stays' "$(contents web)" '*  web:
    autostart: 7
    pool: a  # fast
*'
try 0 vm autostart web
like 'the place is replaced' "$(contents web)" '*
    autostart: true
    pool: a*'
try 0 vm autostart web false
like 'it can be turned off' "$(contents web)" '*
    autostart: false
    pool: a*'
echo 'vms: {flow: {pool: ü, kernel: /k}}' >"$dir/flow"
try 0 vm define "$dir/flow"
try 0 vm autostart flow 3
is 'a definition in braces' "$(contents flow)" 'vms: {flow: {autostart: 3, pool: ü, kernel: /k}}'
echo 'vms: {flow: {pool: ü, kernel: /k, autostart: 3}} # ü' >"$vmd/flow.conf"
try 0 vm autostart flow off
is 'a value after other characters' "$(contents flow)" \
	'vms: {flow: {pool: ü, kernel: /k, autostart: false}} # ü'
try 2 vm autostart flow sometimes
like 'another word' "$err" "*'sometimes' is not true, false or a place*"
try 1 vm autostart nobody
like 'autostart of an undefined machine' "$err" '*nobody: no machine with this name is defined; *'

# Editing

# edits SCRIPT: let vm edit run a script with the file as $1
edits()
{
	printf '#!/bin/sh\n%s\n' "$1" >"$dir/editor"
	chmod +x "$dir/editor"
}
# drafts: print what editing has left
drafts() { find "$dir/tmp" -type f -name 'vpool-*'; }

export EDITOR="$dir/editor"
# shellcheck disable=SC2016 # the script expands it
edits 'sed -i s/7/8/ "$1"'
try 0 vm edit web
like 'nothing was edited' "$out" 'the definition of web did not change'
# shellcheck disable=SC2016
edits 'sed -i "s/pool: a/pool: b/" "$1"'
try 0 vm edit web
like 'an edit changes the definition' "$out $(contents web)" 'changed the definition of web; *pool: b  # fast*'
is 'no copy is left' "$(drafts)" ''
edits 'exit 1'
try 1 vm edit web
like 'an editor that fails' "$err" "*web: the editor '*' failed, and nothing was changed; *"
EDITOR=$dir/none try 1 vm edit web
is 'no copy is left by an editor that fails' "$(drafts)" ''
before=$(contents web)
# shellcheck disable=SC2016
edits 'sed -i "s/pool:/pol:/" "$1"'
try 1 vm edit web
like 'an edit with a mistake' "$err" \
	"$dir/tmp/vpool-web-*:4:5: unknown property 'pol': did you mean 'pool'?*web: the definition was not replaced; correct $(drafts), *--replace*"
is 'the definition is unchanged' "$(contents web)" "$before"
rm -f "$dir"/tmp/vpool-*
# shellcheck disable=SC2016
edits 'sed -i "s/web:/wob:/" "$1"'
try 1 vm edit web
like 'an edit of the name' "$err" "*: it must define the machine 'web' and no other one*"
rm -f "$dir"/tmp/vpool-*

# Two people: the second one is refused while the first one edits.
edits "touch $dir/editing; while [ -e $dir/editing ]; do sleep 0.05; done; echo '# mine' >>\"\$1\""
"$VPOOLCTL" vm edit web >"$dir/first" 2>&1 &
first=$!
while [ ! -e "$dir/editing" ]; do sleep 0.05; done
try 1 vm edit web
like 'a second vm edit' "$err" "*web: another 'vpoolctl vm edit' edits its definition; *"
rm "$dir/editing"
wait "$first"
is 'the first one is not disturbed' "$? $(tail -n 1 "$vmd/web.conf")" '0 # mine'
# Another program changes the file at the same time, or vpoolctl does.
for change in "echo '# theirs' >>$vmd/web.conf" "$VPOOLCTL vm autostart web 9 -q" \
	"$VPOOLCTL vm undefine web -q"; do
	cp "$vmd/web.conf" "$dir/saved"
	edits "$change; echo '# mine' >>\"\$1\""
	try 1 vm edit web
	like "while editing: $change" "$err" \
		"*web: its definition has changed since you began, and was not replaced; your version is in $(drafts): *"
	like 'the edited version is kept' "$(tail -n 1 "$(drafts)")" '# mine'
	is 'the other change stays' "$(grep -c mine "$vmd/web.conf" 2>/dev/null || :)" \
		"$(case $change in *undefine*) ;; *) echo 1 ;; esac)"
	rm "$dir"/tmp/vpool-*
	cp "$dir/saved" "$vmd/web.conf"
done
try 1 vm edit nobody
like 'an edit of an undefined machine' "$err" '*nobody: no machine with this name is defined*'
only 'no other file is left' './flow.conf ./no.conf ./shop.conf ./web.conf '

# A file that was damaged by hand

printf 'vms:\n  other: {pool: a, kernel: /k}\n' >"$vmd/web.conf"
for verb in 'start web' 'show web' 'autostart web'; do
	# shellcheck disable=SC2086 # words
	try 1 vm $verb
	like "vm $verb reports a file with another name" "$err" \
		"$vmd/web.conf: it must define the machine 'web' and no other one*"
done
try 1 vm start --autostart --dry-run
like 'a file with mistakes does not prevent the others' "$err" "*$vmd/web.conf: it must define*vm start no:*"
rm "$vmd/web.conf"
mkdir "$vmd/web.conf"
try 1 vm start web
like 'a directory instead of a file' "$err" "$vmd/web.conf: Is a directory*"
rmdir "$vmd/web.conf"

# A full disk

if [ "$(id -u)" = 0 ] && unshare -m true 2>/dev/null; then
	# shellcheck disable=SC2016 # the inner shell expands it
	err=$(unshare -m sh -c 'mount -t tmpfs -o size=16k,mode=755 none "$1" && mkdir -p "$1/vpool/vm.d" &&
		{ dd if=/dev/zero of="$1/x" bs=4k 2>/dev/null; "$2" vm define full --pool a --kernel /k
		ls "$1/vpool/vm.d"; }' sh "$dir/etc" "$VPOOLCTL" 2>&1)
	is 'a full disk, on which nothing is left' "$(echo "$err" | grep -v '^Try')" \
		"vpoolctl: vm define full: cannot write $vmd/full.conf: No space left on device"
else
	tap_result yes 'a full disk # SKIP only root can mount'
fi

# Lists and logs

mkdir -p "$dir/sys/pools" "$dir/dev" "$dir/run/ended" "$dir/log"
: >"$dir/dev/control"
echo 1 >"$dir/sys/version"
echo '1700000000 1 QEMU was ended by signal 11 (Segmentation fault)' >"$dir/run/ended/shop"
echo '1700000000 0 vm stop: it shut down' >"$dir/run/ended/gone"
try 1 vm console shop
like 'a verb for running machines names the reason' "$err" \
	"*shop: it does not run: QEMU was ended by signal 11 *; its output is in $dir/log/shop.log*"
try 1 vm log shop
like 'no log' "$err" "*shop: $dir/log/shop.log: No such file or directory; 'journalctl VPOOL_VM=shop'*"
printf '1 one\n2 two\n3 th\033ree\n' >"$dir/log/shop.log"
try 0 vm log shop
is 'the log' "$(echo "$out" | head -n 2)" '1 one
2 two'
like 'a control character is not printed' "$out" '*th?*ree'
is 'nor reaches the terminal' "$(printf '%s' "$out" | tr -cd '\033')" ''
try 0 vm log shop -n 1
like 'the last line' "$out" '3 th*'
try 2 vm log shop -n x
try 1 vm log ../shop
like 'a path instead of a name' "$err" "*'../shop' is not a valid name*"
mkdir "$dir/log/dir.log"
try 1 vm log dir
like 'a log that is a directory' "$err" "*dir.log: Is a directory*"
"$VPOOLCTL" vm log -f shop >"$dir/follow" 2>&1 &
follower=$!
sleep 0.5
echo '4 four' >>"$dir/log/shop.log"
sleep 0.5
mv "$dir/log/shop.log" "$dir/log/shop.log.1"
echo '5 five' >"$dir/log/shop.log"
sleep 1
kill "$follower"
wait "$follower"
is 'vm log -f follows into a new file' "$(tail -n 2 "$dir/follow")" '4 four
5 five'

# Undefining

export VPOOL_STATE_DIR="$dir/state"
mkdir -p "$dir/state/shop/tpm"
: >"$dir/state/shop/uefi-variables"
: >"$dir/state/shop/tpm/tpm2-00.permall"
try 0 vm undefine shop --state -n
is 'a dry run keeps the state' "$(ls "$dir/state/shop")" 'tpm
uefi-variables'
try 0 vm undefine shop -n
try 0 vm undefine shop
is 'undefined' "$out $(ls "$vmd/shop.conf" "$dir/run/ended/shop" 2>/dev/null)" 'undefined shop '
is 'the log stays' "$(cat "$dir/log/shop.log")" '5 five'
is 'the state stays' "$(ls "$dir/state/shop")" 'tpm
uefi-variables'
try 0 vm define shop --pool a --kernel /k
try 0 vm undefine shop --state
is 'the state is removed' "$(ls "$dir/state")" ''
try 1 vm undefine shop
like 'twice' "$err" '*shop: no machine with this name is defined; *'
try 1 vm undefine ../../x
like 'a path' "$err" '*no machine with this name is defined*'

tap_end
