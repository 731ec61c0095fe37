#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Messages and exit statuses of vpoolctl, with a directory that simulates sysfs.
# VPOOLCTL is the program.

dir=$(mktemp -d) || exit 1
trap 'rm -r "$dir"' EXIT
# shellcheck source=/dev/null
. "$(dirname "$0")/tap.sh"

export LC_ALL=C
export VPOOL_DEV_DIR="$dir/dev"
export VPOOL_SYSFS_DIR="$dir/nowhere"
export VPOOL_RUN_DIR="$dir/run"

# try ARGUMENT...: run vpoolctl; set out, err and status
try()
{
	"$VPOOLCTL" "$@" >"$dir/out" 2>"$dir/err"
	status=$?
	out=$(cat "$dir/out")
	err=$(cat "$dir/err")
}

# check NAME STATUS PATTERN: check the exit status and standard error of the last try
check()
{
	is "$1: exit status" "$status" "$2"
	like "$1: message" "$err" "$3"
	says_next "$1"
}

nl='
'
no_module="vpoolctl: list: the vpool module is not loaded: run 'modprobe vpool' or 'insmod vpool.ko'"

try
check 'no verb' 2 'usage: vpoolctl*'
try help
is 'help' "$status" 0
like 'help lists verbs' "$out" '*create*list*destroy*'
try --version
like 'version' "$out" 'vpoolctl [0-9]*.[0-9]*'
try crate
check 'misspelt verb' 2 "vpoolctl: unknown verb 'crate': did you mean 'create'?*"
try xyzzy
check 'unknown verb' 2 "vpoolctl: unknown verb 'xyzzy'${nl}Try*"
try help xyzzy
check 'help for an unknown verb' 2 "*unknown verb 'xyzzy'*"
try help crate
check 'help for a misspelt verb' 2 "*unknown verb 'crate': did you mean 'create'?*"
try help vm stpo
check 'help for a misspelt second word' 2 "*verb 'vm stpo': did you mean 'vm stop'?*"
# A suggestion must not lead to a verb with another meaning.
while read -r typo right; do
	# shellcheck disable=SC2086 # words
	try $typo
	check "$typo: the suggested verb has the same meaning" 2 "*unknown verb '$typo': did you mean '$right'?*"
done <<-END
	remove destroy
	rm destroy
	ls list
	destory destroy
	ditach detach
END
try vm status
check 'vm list is suggested for vm status' 2 "*unknown verb 'vm status': did you mean 'vm list'?*"
for typo in reset restart 'vm shot' 'vm top' lost mist kil1 hosts2 creat3; do
	# shellcheck disable=SC2086 # words
	try $typo
	case $err in
	*"'destroy'"*|*"'kill'"*|*"'resize'"*|*"'vm stop'"*|*"'create'"*)
		tap_result no "$typo: $err"
		;;
	*)
		tap_result yes "no verb that changes something is suggested for $typo"
		;;
	esac
done
try list --quite
check 'no option is suggested for another word' 2 "*unknown option '--quite'${nl}*"
# Examples are not wrapped.
try resize --help
is 'examples of resize' "$(grep -c '^    vpoolctl resize web .* # ' "$dir/out")" 4
for verb in $("$VPOOLCTL" help | sed -n "s,^  \([a-z]*\) .*,\1,p"); do
	try "$verb" --help
	is "$verb --help: exit status" "$status" 0
	like "$verb --help: usage" "$out" "usage: vpoolctl $verb *"
	try help "$verb"
	like "help $verb" "$out" "usage: vpoolctl $verb *"
done

try help vm
is 'help vm' "$status" 0
like 'help vm lists its verbs' "$out" '*vm start*vm list*vm stop*vm migrate*'
try vm
check 'vm alone' 2 'usage: vpoolctl vm VERB*'
try vm --help
is 'vm --help' "$status" 0
try vm strat
check 'misspelt second word' 2 "vpoolctl: unknown verb 'vm strat': did you mean 'vm start'?*"
for verb in start list stop resize migrate receive console pause resume; do
	try vm "$verb" --help
	is "vm $verb --help: exit status" "$status" 0
	like "vm $verb --help: usage" "$out" "usage: vpoolctl vm $verb *"
	try help vm "$verb"
	like "help vm $verb" "$out" "usage: vpoolctl vm $verb *"
done

try vm start x --pool a
check 'vm with nothing to boot' 2 '*nothing to boot*'
try vm start x --kernel /vmlinuz
check 'vm without a pool' 2 '*no pool: use --pool*'
try vm start X --pool a --kernel /vmlinuz
check 'invalid name of a vm' 2 "*'X' is not a valid name*"
try vm start x --pool a --kernel /vmlinuz --vcpus 0
check 'invalid number of vCPUs' 2 "*--vcpus: '0' is not a number of CPUs*"
try vm start x --pool a --kernel /vmlinuz -n 0
check 'invalid number of vCPUs after -n' 2 "*--vcpus: '0' is not a number of CPUs*"
try vm start x --pool a --kernel /vmlinuz --mem 1GB
check "invalid memory of a vm" 2 '*--mem: *powers of 1024*'
try vm start x --pool a --kernel /vmlinuz --max-mem 1G
check 'maximum without memory' 2 '*--max-mem needs --mem*'
try vm start x --pool a --kernel /vmlinuz --mem 1G --max-mem 2GB
check 'invalid maximum' 2 '*--max-mem: *powers of 1024*'
try vm start x --pool a --kernel /vmlinuz --mem 1G --max-mem 1G
check 'maximum that is not more than the memory' 2 "*--max-mem is not more than --mem*"
try vm start x --pool a --kernel /vmlinuz --mem 1G --max-mem 1100M
check 'maximum that a guest cannot use' 2 \
	"*--max-mem is not --mem plus a multiple of 128M*"
try vm start x --pool a --kernel /vmlinuz --device 0000:01:00.0 --reclaim
check 'reclaim with a device' 2 '*--reclaim has no effect with --device*'
try vm resize x
check 'vm resize without a size' 2 '*no size: use --mem SIZE*'
try vm resize x --mem lots
check 'vm resize with an invalid size' 2 '*vm resize: --mem: *'
try vm resize x --mem 1G --timeout never
check 'vm resize with an invalid time' 2 "*--timeout: 'never' is not a time in seconds*"
try vm start x --pool a --disk /disk --initrd /initrd
check 'an initrd without a kernel' 2 '*--initrd and --append need --kernel*'
try vm start x --pool a --disk /disk --net bond
check 'unknown value of --net' 2 "*--net: 'bond' is not user, none, tap, bridge or macvtap*"
try vm start x --pool a --disk /disk --net tap
check 'a network without its interface' 2 '*--net tap needs name=NAME, an interface of the host*'
try vm start x --pool a --disk /disk --net user,name=eth0
check 'a network that has no interface' 2 '*--net user has no interface of the host*'
try vm start x --pool a --disk /disk --net bridge,name=../x
check 'a path as an interface' 2 "*--net: '../x' is not the name of an interface*"
try vm start x --pool a --disk /disk --net none --net user
check 'no network and a network' 2 '*--net none is not the only network*'
for mac in 52:54:00:12:34 52:54:00:12:34:5g 53:54:00:12:34:56 52-54-00-12-34-56 52:54:0:12:34:567; do
	try vm start x --pool a --disk /disk --net "user,mac=$mac"
	check "MAC address $mac" 2 "*--net: '$mac' is not the MAC address of an interface*"
done
try vm start x --pool a --disk /disk --net user,mac=52:54:00:12:34:AB \
	--net user,mac=52:54:00:12:34:ab
check 'a MAC address twice' 2 '*two networks have the MAC address 52:54:00:12:34:ab*'
try vm start x --pool a --disk /disk --vnc 80
check 'a port that VNC cannot have' 2 "*--vnc: '80' is not socket or a port from 5900 to 65535*"
try vm start x --pool a --disk /disk --vnc 0.0.0.0:1
check 'an address for VNC' 2 "*--vnc: '0.0.0.0:1' is not socket or a port*"
try vm start x --pool a --disk /disk --firmware coreboot
check 'unknown firmware' 2 "*--firmware: 'coreboot' is neither bios nor uefi*"
try vm start x --pool a --disk /disk,cache=lots
check 'unknown cache of a disk' 2 \
	"*--disk: 'lots' is not none, writeback, writethrough, directsync or unsafe*"
try vm start x --pool a --disk /disk,io=fast
check 'unknown io of a disk' 2 "*--disk: 'fast' is not threads, native or io_uring*"
try vm start x --pool a --disk /disk,io=native
check 'native io with the cache of the host' 2 \
	'*--disk: io=native needs cache=none or cache=directsync*'
try vm start x --pool a --disk /disk,readonly=maybe
check 'readonly that is no boolean' 2 "*--disk: 'maybe' is neither true nor false*"
try vm start x --pool a --disk /disk --share / --share //
check 'a share without a name' 2 '*--share / needs a tag of at most 35 characters*'
try vm start x --pool a --disk /disk --share /a/b --share /c/b/
check 'two shares of one name' 2 "*two of --share have the tag 'b': use tag=TAG*"
try vm start x --pool a --disk /disk --seed /u,user=x
check 'unknown part of a seed' 2 "*--seed: unknown property 'user'*"
# shellcheck disable=SC2046 # words
try vm start x --pool a --disk /disk $(printf -- '--cdrom /c%d ' 1 2 3 4 5)
check 'too many CDs' 2 '*more than 4 of --cdrom*'
try vm start x --pool a --disk /disk --accel hvf
check 'unknown accelerator' 2 "*--accel: 'hvf' is neither kvm nor tcg*"
try vm start x --pool a --disk /disk --confine maybe
check 'unknown confinement' 2 \
	"*--confine: 'maybe' is not yes, no, auto or an SELinux context*"
try vm start x --pool a --disk /disk --confine system_u:system_r
check 'half a context' 2 "*--confine: 'system_u:system_r' is not yes*"
try vm start x --pool a --disk /disk --confine 'a::c'
check 'a context without a role' 2 "*--confine: 'a::c' is not yes*"
try vm start x --pool a --disk /disk,format=
check 'empty format of a disk' 2 "*--disk: '' is not a format, such as raw or qcow2*"
try vm start x --pool a --disk /disk,fromat=raw
check 'misspelt property of a disk' 2 \
	"*--disk: unknown property 'fromat': did you mean 'format'?*"
try vm start x --pool a --disk /disk,format=raw,qcow2
check 'a word after the format of a disk' 2 '*--disk: its value is FILE*'
try vm start x --pool a --mem 1G --mem 2G
check 'memory given twice' 2 "*option '--mem' is given twice*"
try vm start x --pool a --kernel /nowhere/vmlinuz
check 'a missing kernel' 1 \
	'vpoolctl: vm start x: the kernel /nowhere/vmlinuz: No such file or directory*'
try vm start x --pool a --kernel /etc/passwd
check 'a file that is not a kernel' 1 '*the kernel /etc/passwd: not an x86 kernel*'
try vm start x y.img --pool a --disk /disk
check 'an unexpected word' 2 "*unexpected argument 'y.img': arguments for QEMU must follow --*"
# refused ARGUMENT...: check that vm start refuses these arguments for QEMU
refused()
{
	try vm start x --pool a --disk /disk -- "$@"
	check "QEMU's $*" 2 "*vm start: QEMU's option $1*: *"
}
refused -daemonize
refused --daemonize
refused -S
refused -incoming defer
refused -pidfile /pid
refused -runas nobody
refused -chroot /
refused -run-with user=nobody
refused -async-teardown
refused -name y
refused -m 1G
refused -m slots=2,size=1G
refused -smp 4
refused -smp threads=2,cpus=4
refused -numa node
refused -mem-path /tmp
refused -M q35,memory-backend=x
refused -chardev socket,id=qmp,path=/tmp/x
refused -mon chardev=state,mode=control
try vm start x --pool a --disk /nowhere -- -snapshot -daemonize
check 'a refused option after an option without a value' 2 "*QEMU's option -daemonize: *"
# Values that look like refused options, and options that are not refused.
try vm start x --pool a --disk /nowhere -- -D -daemonize -smp threads=2 \
	-m slots=2,maxmem=8G -chardev null,id=qmp2 -append -S
check 'values are not taken for options' 1 '*the disk /nowhere: No such file*'

# VPOOL_QEMU is the name of a program, not a shell command.
echo disk >"$dir/disk"
printf 'QFI\373more' >"$dir/qcow2"
printf 'vhdxfile' >"$dir/vhdx"
: >"$dir/empty"
# parts PATTERN OPTION...: vm start must refuse the options with a message
parts()
{
	pattern=$1
	shift
	try vm start x --pool a --accel tcg "$@"
	check "vm start $*" 1 "vpoolctl: vm start x: $pattern"
}
parts "the disk $dir/qcow2: the file is a qcow2 image: use --disk $dir/qcow2,format=qcow2*" \
	--disk "$dir/qcow2"
parts "the disk $dir/vhdx: the file is a vhdx image: use *,format=vhdx*" --disk "$dir/vhdx"
parts "the disk $dir/vhdx: the file is not a qcow2 image, but a vhdx*" \
	--disk "$dir/vhdx,format=qcow2"
parts "the disk $dir/disk: the file is not a vmdk image*" --disk "$dir/disk,format=vmdk"
parts "the disk $dir/empty: the file is empty*" --disk "$dir/empty"
parts "the disk $dir: it is a directory*" --disk "$dir"
parts "the disk /dev/null: not a regular file*" --disk /dev/null
parts "the disk $dir/disk: it is given twice*" --disk "$dir/disk" --disk "$dir/disk"
parts "the CD $dir/disk: it is not the image of a CD or DVD*" --cdrom "$dir/disk"
parts "the CD /nowhere: No such file or directory*" --cdrom /nowhere
parts "the seed's user-data /nowhere: No such file or directory*" --disk "$dir/disk" --seed /nowhere
parts "the seed's meta-data $dir: it is a directory*" --disk "$dir/disk" \
	--seed "$dir/disk,meta-data=$dir"
# What another user than root may not read or write.
if [ "$(id -u)" = 0 ] && setpriv --reuid 65534 --regid 65534 --clear-groups true 2>/dev/null; then
	chmod 755 "$dir"
	echo secret >"$dir/secret"
	for mode in 0:'Permission denied' 444:'cannot be written to: Permission denied'; do
		chmod "${mode%%:*}" "$dir/secret"
		out=$(setpriv --reuid 65534 --regid 65534 --clear-groups "$VPOOLCTL" vm start x \
			--pool a --accel tcg --disk "$dir/secret" 2>&1)
		like "a disk of mode ${mode%%:*}" "$out" \
			"vpoolctl: vm start x: the disk $dir/secret: ${mode#*:}*"
	done
	out=$(VPOOL_QEMU=/nowhere setpriv --reuid 65534 --regid 65534 --clear-groups "$VPOOLCTL" \
		vm start x --pool a --accel tcg --disk "$dir/secret,readonly=true" 2>&1)
	like 'a read-only disk need not be writable' "$out" '*/nowhere does not exist*'
else
	tap_result yes 'disks of another user # SKIP only root can become another user'
fi
export VPOOL_OVMF_DIR="$dir" VPOOL_SWTPM="$dir/disk" VPOOL_VIRTIOFSD="$dir"
parts 'there is no UEFI firmware: install OVMF (ovmf), *' --disk "$dir/disk" --firmware uefi
parts 'a TPM needs the program swtpm: install it, *' --disk "$dir/disk" --tpm
parts 'a share needs the program virtiofsd: install it, *' --disk "$dir/disk" --share "$dir"
export VPOOL_VIRTIOFSD=/bin/sh
parts "the share $dir/disk: it is not a directory*" --disk "$dir/disk" --share "$dir/disk"
parts 'the share /nowhere: No such file or directory*' --disk "$dir/disk" --share /nowhere
unset VPOOL_OVMF_DIR VPOOL_SWTPM VPOOL_VIRTIOFSD
parts "the network bridge 'vpoolnone': the host has no such bridge; *" --disk "$dir/disk" \
	--net bridge,name=vpoolnone
parts "the network bridge 'lo': the interface is not a bridge*" --disk "$dir/disk" \
	--net bridge,name=lo
parts "the network tap 'lo': the interface is not a tap device*" --disk "$dir/disk" --net tap,name=lo
parts "the network macvtap 'lo': the interface is not a macvtap*" --disk "$dir/disk" \
	--net macvtap,name=lo
probe="vm start x --pool a --accel tcg --disk $dir/disk"
# shellcheck disable=SC2086 # words
VPOOL_QEMU="x'; touch $dir/owned; '" try $probe
check 'VPOOL_QEMU is not passed to a shell' 1 "*x'; touch $dir/owned; ' does not exist*"
is 'VPOOL_QEMU runs no injected command' "$(ls "$dir/owned" 2>/dev/null)" ''
printf '%s\n' '#!/bin/sh' "echo >'$dir/probed'" "exec sleep \${NAP:-0}" >"$dir/sleepy"
chmod +x "$dir/sleepy"
# signalled SIGNAL COMMAND...: send a signal to the command while it probes QEMU; set
# err and status
signalled()
{
	rm -f "$dir/probed"
	signal=$1
	shift
	# The shell ignores SIGINT for background commands; python3 restores the default.
	VPOOL_QEMU=$dir/sleepy python3 -c '
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execvp(sys.argv[1], sys.argv[1:])' "$@" >"$dir/out" 2>"$dir/err" &
	start=$!
	for _ in $(seq 100); do
		[ -e "$dir/probed" ] && break
		sleep 0.1
	done
	kill -s "$signal" "$start"
	wait "$start"
	status=$?
	err=$(cat "$dir/err")
}
# shellcheck disable=SC2086 # words
NAP=60 signalled INT "$VPOOLCTL" $probe
check 'an interrupt while QEMU is probed' 1 '*vm start x: interrupted; nothing was started*'
# shellcheck disable=SC2086 # words
NAP=1 signalled HUP nohup "$VPOOLCTL" $probe
check 'SIGHUP under nohup is ignored' 1 "*$dir/sleepy does not exist or does not run*"

try vm migrate x
check 'migrate without a target' 2 '*no target pool: use --to*'
try vm migrate x --to a --bandwidth fast
check 'invalid bandwidth' 2 "*--bandwidth: 'fast' is not a size*"
try vm migrate x --to a --bandwidth 0
check 'too little bandwidth' 2 "*--bandwidth: '0' is not between 1 and 64G*"
try vm migrate x --to node2:
check 'migrate to a host without a pool' 2 "*--to: 'node2:' is not HOST:NAME*"
try vm migrate x --to -oProxyCommand=true:a
check 'migrate to an option of ssh' 2 "*--to: '-oProxyCommand=true:a' is not HOST:NAME*"
try vm migrate x --to a --copy-disks
check 'copy disks without a host' 2 '*--copy-disks needs --to HOST:NAME*'
try vm migrate x --to node2:a --overwrite-disks
check 'overwrite disks that are not copied' 2 '*--overwrite-disks needs --copy-disks*'
try vm migrate x --to node2:a --port 65535
check 'no port for the disks' 2 "*--port: '65535' is not between 1 and 65534*"
try vm stop x --timeout soon
check 'invalid time to stop' 2 "*--timeout: 'soon' is not a time*"
for verb in stop console pause resume 'migrate --to a' 'resize --mem 1G'; do
	# shellcheck disable=SC2086 # words
	try vm $verb x
	check "vm $verb: no such machine" 1 '*there is no such virtual machine*'
done
# vm receive answers on standard output, and reports errors as JSON.
# said WORDS: run vm receive with this input.
said()
{
	printf '%s\n' "$1" | "$VPOOLCTL" vm receive >"$dir/out" 2>"$dir/err"
	out=$(cat "$dir/out")
	err=$(cat "$dir/err")
}
id=0123456789abcdef0123456789abcdef
said '{"say":"ask","id":"'$id'","name":"x"}'
like 'vm receive says its version of the protocol' "$out" '{"say":"hello","protocol":1,*'
like 'a machine that was never here' "$out" '*"say":"tell","taken":false,"state":""*'
mkdir -p "$VPOOL_RUN_DIR/taken"
touch "$VPOOL_RUN_DIR/taken/$id"
said '{"say":"ask","id":"'$id'","name":"x"}'
like 'a machine that was here' "$out" '*"say":"tell","taken":true,"state":""*'
rm -r "$VPOOL_RUN_DIR/taken"
said '{"say":"ask","id":"../x","name":"x"}'
like 'a wrong number counts as one that was here' "$out" '*"taken":true*'
said '{"say":"offer","name":"x"}'
like 'an incomplete description' "$err" \
	'{"version":1,"error":{"code":2081,"kind":"host_version","command":"vm receive",*'
said 'surprise'
like 'a program that is not vpoolctl' "$err" '{"version":1,"error":{"code":2080,"kind":"host_silent",*'
# Root of a user namespace uses the directory of its user. A machine that has ended is
# removed.
if unshare -r true 2>/dev/null; then
	mkdir -p "$dir/xdg/vpool/vm/x/0"
	(
		unset VPOOL_RUN_DIR
		export XDG_RUNTIME_DIR="$dir/xdg" XDG_STATE_HOME="$dir/state"
		unshare -r "$VPOOLCTL" vm console x
	) >/dev/null 2>"$dir/err"
	like 'root of a user namespace uses the directories of its user' "$(cat "$dir/err")" \
		"*x: it does not run: the QEMU and the vpoolctl *its output is in $dir/state/vpool/log/x.log*"
	is 'an ended machine is removed' "$(ls "$dir/xdg/vpool/vm")" ''
else
	tap_result yes 'root of a user namespace # SKIP user namespaces are not available'
fi

try mount web
check 'mount without a directory' 2 '*mount: expected both NAME and DIR, or neither*'
try mount --hugetlbfs
check 'mount with settings but without a pool' 2 '*expected both NAME and DIR, or neither*'
try mount web /mnt more
check 'mount with too many arguments' 2 "*unexpected argument 'more'*"
try mount web /mnt --mode 0888
check 'mount with a mode that is not octal' 2 "*--mode: '0888' is not within 01777, in octal*"
try mount web /mnt --mode 4755
check 'mount with a set-user-ID bit' 2 "*--mode: '4755' is not within 01777*"
try mount web /mnt --owner nobody-by-that-name
check 'mount with an unknown owner' 2 "*no user 'nobody-by-that-name'*"
try mount web /mnt
check 'mount without the module' 3 'vpoolctl: mount: the vpool module is not loaded: *'
try mount
check 'list of mounts without the module' 3 'vpoolctl: mount: the vpool module is not loaded: *'
try umount
check 'umount without an argument' 2 '*too few arguments: expected DIR|NAME...*'
try umount web
check 'umount of a pool without the module' 3 'vpoolctl: umount: the vpool module is not loaded: *'
try umount "$dir"
check 'umount of a directory where nothing is mounted' 1 \
	"vpoolctl: umount $dir: no pool is mounted there${nl}Try 'vpoolctl mount' *"
try umount /proc
check 'umount of another filesystem' 1 \
	'vpoolctl: umount /proc: another filesystem is mounted there, and no pool*'
try attach web
check 'attach without a task' 2 'vpoolctl: attach: give either --pid or --tid*'
try attach web --pid 1 --tid 1
check 'attach with two tasks' 2 'vpoolctl: attach: give either --pid or --tid*'
try detach web --pid 1x
check 'invalid pid' 2 "vpoolctl: detach: --pid: '1x' is not a number*"
try attach web --pid 1 --tree --cpu 3
check 'a CPU for a tree' 2 'vpoolctl: attach: --tree needs --pid, and no CPU*'
try attach web --tid 1 --tree
check 'the tree of a thread' 2 'vpoolctl: attach: --tree needs --pid, and no CPU*'
try detach web --pid $$ --quiet
check 'detach with --quiet' 3 'vpoolctl: detach: the vpool module is not loaded*'
try attach web --pid 1 --cpu 4294967296
check 'invalid CPU' 2 "vpoolctl: attach: --cpu: '4294967296' is not a number*"
try attach web --tid 2147483647
check 'a missing task' 1 'vpoolctl: attach web: task 2147483647: No such process*'
try kill web -s NOSUCH
check 'unknown signal' 2 "vpoolctl: kill: --signal: 'NOSUCH' is not a signal*"
try kill web -s 9x
check 'invalid number of a signal' 2 "vpoolctl: kill: --signal: '9x' is not a signal*"
# Without the module, kill fails only after it has parsed the signal.
for signal in -9 -KILL -SIGKILL '-s 9' --signal=kill; do
	# shellcheck disable=SC2086 # words
	try kill $signal web
	check "kill $signal" 3 '*the vpool module is not loaded*'
done
try kill web -NOSUCH
check 'unknown signal after a dash' 2 "vpoolctl: kill: --signal: 'NOSUCH' is not a signal*"
try kill web -9 -15
check 'two signals' 2 "*'--signal' is given twice*"
try create web --mem 2M --isolate
check 'isolated without CPUs' 2 'vpoolctl: create: a pool cannot be isolated without cpus*'
try create web --mem 2M --confine
check 'confined without CPUs' 2 'vpoolctl: create: a pool cannot be confined without cpus*'
try create web --cpus 1 --isolate=half
check 'invalid value of --isolate' 2 "vpoolctl: create: --isolate: 'half' is not true, false, balance or nobalance*"
try create web --cpus 1 --isolate --confine
check 'two grades' 2 'vpoolctl: create: --isolate: isolate and confine exclude each other*'
try audit
check 'audit without a pool' 2 'vpoolctl: audit: too few arguments*'

# Control characters for terminals are escaped.
esc=$(printf '\033[31m')
try show "$esc"
check 'escapes in a name' 3 '*'
try list -o "$esc"
check 'escapes in a column' 2 '*no column *x1b[31M*'
printf 'pools:\n  "\\e[31m": { "k\\x9b": 1 }\n' >"$dir/esc$esc.conf"
try check "$dir/esc$esc.conf"
is 'escapes in a file are not printed' "$(printf %s "$err$out" | tr -d '\n[:print:]')" ''
like 'escapes in a file are shown as text' "$err" '*x1b*'
try kill web -s "$esc"
check 'escapes in a signal' 2 "*'?x1b?31m' is not a signal*"
try "$esc"
check 'escapes in a verb' 2 "*unknown verb '?x1b?31m'*"
try list --josn
check 'misspelt option' 2 "vpoolctl: list: unknown option '--josn': did you mean '--json'?*"
try list -x
check 'unknown letter' 2 "vpoolctl: list: unknown option '-x'*"
try list --json=3
check 'value for a flag' 2 "vpoolctl: list: option '--json' takes no value*"
try list -o
check 'option without its value' 2 "vpoolctl: list: option '-o' needs a value*"
try create a --mem --cpus 1
check 'option whose value is an option' 2 \
	"vpoolctl: create: option '--mem' needs a value, but '--cpus' follows*"
try create a --mem --
check 'option whose value is --' 2 \
	"vpoolctl: create: option '--mem' needs a value, but '--' follows*"
try create a --mem=--cpus
check 'option whose value looks like an option' 2 "vpoolctl: create: --mem: '--cpus' is not a size*"
try list -o NAME -o FREE
check 'option twice' 2 "*'--output' is given twice*"
try list extra
check 'unexpected argument' 2 "*unexpected argument 'extra'*"
try show
check 'missing argument' 2 '*too few arguments: expected NAME*'
try show a b
check 'one argument too many' 2 "*unexpected argument 'b'*"
try list -o NAEM
check 'misspelt column' 2 "*no column 'NAEM': did you mean 'NAME'?*"

try create x
check 'create without memory and CPUs' 2 '*a pool needs mem or cpus*'
try create x --mem 4GB
check 'decimal size' 2 "*--mem: '4GB': sizes are powers of 1024, write 4GiB*"
try create x --mem 15E,15E
check 'sizes whose sum overflows' 2 "*--mem: '15E,15E' is too large*"
try create x --mem 4G@a
check 'invalid node' 2 "*'a' is not the number of a NUMA node*"
try create x --mem 1,5G
check 'memory with a decimal comma' 2 \
	"*--mem: '1,5G': a size in a list needs a unit; write fractions with a point, as in 1.5G*"
try resize x --mem +1,5G
check 'a change of memory with a decimal comma' 2 "*--mem: '+1,5G': a size in a list*"
try vm start x --pool a --disk /d --mem 1,5G
check "memory of a vm with a decimal comma" 2 "*'1,5G': write fractions with a point*"
try create x --mem 120%
check 'a percentage above 100' 2 "*--mem: '120%' is not a percentage from 0.01% to 100%*"
try create x --cpus ^3
check 'a list that excludes all its CPUs' 2 "*--cpus: '^3' leaves no CPU*"
try create x --cpus 5-2
check 'backward range' 2 '*--cpus: the range 5-2 is backwards*'
try create x --cpus ''
check 'empty list' 2 '*--cpus: the list is empty*'
try create x --cpus 1 --mode 0777
check 'mode beyond 0666' 2 "*--mode: '0777' is not within 0666*"
try create x --cpus 1 --mode 9
check 'mode not octal' 2 "*--mode: '9' is not*"
try create x --cpus 1 --owner nobody-by-that-name
check 'unknown owner' 2 "*no user 'nobody-by-that-name'*"
try create x --cpus 1 --owner :
check 'empty owner' 2 '*expected USER:GROUP*'
try create x --cpus 1 --timeout soon
check 'invalid timeout' 2 "*--timeout: 'soon' is not a time*"
try create x --mem 4G --page-size 0
check 'page size 0' 2 "*--page-size: '0' is not a page size, such as 4K, 2M or 1G*"
try create x --mem 4G --page-size 3M
check 'page size that is no power of 2' 2 "*--page-size: '3M' is not a page size*"
try create x --mem 4M --user-mem lots
check 'invalid limit of memory' 2 "*--user-mem: *lots*"
try create x --mem 4M --user-mem 1M
check 'limit of memory below a page' 2 "*a pool cannot have a user-mem of 1M, which is less than its page size of 2M*"
try create x --mem 4M --user-regions -1
check 'negative limit of regions' 2 "*--user-regions: '-1' is neither a number nor none*"
try resize x --user-members 4294967296
check 'limit of members beyond 32 bits' 2 "*--user-members: '4294967296' is neither a number nor none*"
try resize x --user-regions 3x
check 'limit of regions with a unit' 2 "*--user-regions: '3x' is neither a number nor none*"
try resize x
check 'resize without a change' 2 '*no change is given: use --mem, --cpus or a limit of users*'
try users
check 'users without a pool' 2 '*users: *'
try run x
check 'run without a program' 2 '*no program is given*'
try run --heap-fallback=no x -- true
check 'an option of --heap alone' 2 '*--heap-fallback needs --heap*'
try run --heap --heap-private=share x -- true
check 'an unknown value' 2 "*--heap-private: 'share' is not one of copy|dontfork|host*"
try run --cpu x x -- true
check 'run with a CPU that is no number' 2 "*--cpu: 'x' is not the number of a CPU*"
try run x --
check 'run without a program after --' 2 '*no program is given*'
for word in MemoryMax =1G 'Memory Max=1G' ''; do
	try run -p "$word" x -- true
	check "run with the property '$word'" 2 "*--property: '$word' is not NAME=VALUE*"
	try run -p TasksMax=5 -p "$word" x -- true
	check "run with '$word' as the second property" 2 "*--property: '$word' is not NAME=VALUE*"
done
try slice my/pool
check 'slice with a dash that systemd has read as a slash' 1 \
	"vpoolctl: slice my/pool: *write \\\\x2d for a dash*"

try list
check 'list without the module' 3 "$no_module"
try list -J
is 'no output without the module' "$out" ''
# Common options before the verb.
for before in -J --json '-b' '--bytes' '-o NAME,FREE' '-oNAME' '--output=NAME' \
	--noheadings '-Jb --raw'; do
	# shellcheck disable=SC2086 # words
	try $before list
	case $before in
	-J*|--json) check "$before before the verb" 3 '{"version":1,"error":{"code":1000,"kind":"lib_no_module",*}}' ;;
	*) check "$before before the verb" 3 "$no_module" ;;
	esac
done
try -q create x --cpus 1
check '-q before the verb' 3 '*create: the vpool module is not loaded*'
for words in '-J vm list' 'vm -J list' 'vm list -J' 'vm --json --raw list' \
	'-b vm -o NAME -J list'; do
	# shellcheck disable=SC2086 # words
	try $words
	check "options around two words: $words" 3 \
		'{"version":1,"error":{"code":1000,"kind":"lib_no_module","command":"vm list",*}}'
done
try vm -b --noheadings list
check 'options between two words' 3 'vpoolctl: vm list: the vpool module is not loaded*'
try vm -x list
check 'unknown option between two words' 2 "vpoolctl: unknown option '-x'*"
try vm -J -h list
is 'help between two words' "$status" 0

# Errors as JSON.
try show -J web
check 'an error as JSON' 3 '{"version":1,"error":{"code":1000,"kind":"lib_no_module","command":"show","subject":null,"message":"the vpool module is not loaded: run *","hint":null}}'
out=$err
schema error
try create -J web
check 'wrong usage as JSON' 2 '{"version":1,"error":{"code":2003,"kind":"usage","command":"create",*"message":"a pool needs mem or cpus, or both","hint":"Try *create --help*."}}'
out=$err
schema error
try list --josn -J
check 'an unknown option as JSON' 2 '{"version":1,"error":{"code":2003,*did you mean*}}'
try -J lsit
check 'an unknown verb as JSON' 2 '{"version":1,"error":{"code":2003,*unknown verb*lsit*}}'
try -b map
check 'an option before a verb that does not have it' 2 "vpoolctl: map: unknown option '--bytes'*"
try -J
check 'an option without a verb' 2 '*these options need a verb*'
try -x list
check 'unknown option before the verb' 2 "vpoolctl: unknown option '-x'*"
try --josn list
check 'unknown long option before the verb' 2 "vpoolctl: unknown option '--josn'*"
try -o
check 'an option without its value before the verb' 2 "vpoolctl: option '-o' needs a value*"
try -J -h list
is 'help before the verb' "$status" 0
for verb in 'show x' 'ps x' 'regions x' 'destroy x' 'create x --cpus 1' \
	'run x -- true' 'run -p TasksMax=5 x -- true' 'slice x'; do
	# shellcheck disable=SC2086 # words
	try $verb
	check "$verb without module" 3 '*: the vpool module is not loaded: *'
done
try host
is 'host without module' "$status" 0
like 'host reports that the module is not loaded' "$out" '*Module loaded:*no*'
try host -J
like 'host as JSON' "$out" '*"module_loaded": false*'

like 'host without the module has no page sizes' "$(echo "$out" | tr -d ' \n')" \
	'*"page_sizes":\[\]*'

pool=$dir/sys/pools/web
mkdir -p "$pool/cpus" "$pool/memory/node1"
export VPOOL_SYSFS_DIR="$dir/sys"
try host
like 'host with a module that has no list of page sizes' "$status $out" \
	'0 *Module loaded:*yes*'
echo 16384 33554432 >"$dir/sys/page_sizes"
echo 33554432 >"$dir/sys/default_page_size"
try host
like 'host shows the page sizes' "$(echo "$out" | tr -s ' ')" \
	'*PAGE-SIZE DEFAULT* 16K no* 32M yes*'
try host -J
like 'page sizes as JSON' "$(echo "$out" | tr -d ' \n')" \
	'*"page_sizes":\[{"page_size":16384,"default":false},{"page_size":33554432,"default":true}\]*'
echo 'pools: {a: {mem: 1M}}' >"$dir/default.conf"
try apply -n "$dir/default.conf"
like 'the default page size is that of the module' "$out" '*mem: 32M*page-size: 32M*'
rm "$dir/sys/default_page_size"
echo active >"$pool/state"
echo 5 >"$pool/id"
echo 2097152 >"$pool/page_size"
echo 0 >"$pool/uid"
echo 0 >"$pool/gid"
echo 0660 >"$pool/mode"
echo 2-3 >"$pool/cpus/assigned"
echo 1 >"$pool/cpus/members"
echo 4194304 >"$pool/memory/total_bytes"
echo 2097152 >"$pool/memory/free_bytes"
echo 2097152 >"$pool/memory/used_bytes"
echo 2 >"$pool/memory/regions"
echo 4194304 >"$pool/memory/node1/total_bytes"

# Simulated mounts, with all that the kernel escapes, and with a filesystem without a pool.
cat >"$dir/mountinfo" <<-END
	24 1 0:22 / /proc rw,relatime - proc proc rw
	30 24 0:40 / $dir rw,nosuid,nodev,noexec - vpool web rw,pool=web,f_type=hugetlbfs
	31 24 0:41 / /a\\040b rw shared:1 - vpool none rw,pool=gone,mode=770
	32 24 0:42 / /c rw - vpool  rw
	33 24 0:43 / /covered rw - vpool none rw,pool=web
	34 33 0:44 / /covered rw - tmpfs none rw
END
export VPOOL_MOUNTINFO="$dir/mountinfo"
try mount --noheadings --raw -o NAME,DIRECTORY,HUGETLBFS
is 'list of mounts' "$out" "web $dir yes
gone /a\\x20b no
web /covered no"
try mount -J
schema mount
like 'a covered mount has no sizes' "$(echo "$out" | tr -d ' \n')" \
	'*"directory":"/covered","size":null,"used":null,"free":null,*'
echo 2 >"$pool/mounts"
try show web
like 'show prints the mounts' "$(echo "$out" | tr -s ' ')" "*Mounts: 2*MOUNTED-AT HUGETLBFS*$dir yes*/covered no*"
try show web -J
schema show
try metrics
like 'metrics have the number of mounts' "$out" '*vpool_mounts{pool="web"} 2*'
echo 1 >"$dir/sys/abi_version"
try mount web /mnt
check 'mount with a module without files' 1 \
	"vpoolctl: mount web: the loaded module has no files: its ABI version is 1, and files need version 2${nl}Try 'vpoolctl upgrade' *"
echo 2 >"$dir/sys/abi_version"
if unshare -r true 2>/dev/null; then
	unshare -r "$VPOOLCTL" mount web /mnt 2>"$dir/err"
	like 'mount needs privilege on the host' "$(cat "$dir/err")" \
		'*mount web: mounting needs CAP_SYS_ADMIN in the initial user namespace*'
else
	tap_result yes 'mount needs privilege on the host # SKIP user namespaces are not available'
fi
try umount web
check 'umount of simulated mounts' 1 "vpoolctl: umount web: *"
like 'a filesystem over a mount of a pool is not unmounted' "$err" \
	'*umount web: /covered: a filesystem (tmpfs) is mounted over it*'
try umount db
check 'umount of a pool that does not exist' 1 "vpoolctl: umount db: there is no pool 'db'*"
try umount ./web
check 'a name with a slash is a directory' 1 'vpoolctl: umount ./web: no pool is mounted there*'
unset VPOOL_MOUNTINFO
try umount web
check 'umount of a pool that is mounted elsewhere' 1 \
	"*pool 'web' is mounted in another mount namespace only*"
rm "$pool/mounts"
try umount web
check 'umount of a pool that is not mounted' 1 "*pool 'web' is not mounted*"

try list
is 'list' "$out" "NAME STATE  PAGE TOTAL USED FREE CPUS MEMBERS REGIONS
web  active   2M    4M   2M   2M 2-3        1       2"
try list -b --noheadings -o name,free
is 'list of columns in bytes' "$(echo "$out" | tr -s ' ')" 'web 2097152'
try list --raw -o NAME,STATE,CREATED,CPUS
is 'list for scripts' "$out" "NAME STATE CREATED CPUS
web active - 2-3"
try list -J -o NAME,TOTAL,CPUS
is 'list as JSON' "$(echo "$out" | tr -d ' \n')" \
	'{"version":1,"pools":[{"name":"web","total":4194304,"cpus":"2-3"}]}'
try show web
is 'show' "$status" 0
like 'show has nodes' "$out" '*Mode:*0660*NODE TOTAL*1*4M*'
try show db
check 'show a missing pool' 1 "vpoolctl: show db: there is no pool 'db'${nl}Try 'vpoolctl list' for the existing pools."
try show -J db
check 'show a missing pool as JSON' 1 '{"version":1,"error":{"code":13,"kind":"no_pool","command":"show","subject":"db","message":*,"hint":"Try *list* for the existing pools."}}'
try show wbe
check 'show a misspelt pool' 1 "*there is no pool 'wbe': did you mean 'web'?*"
# Names that differ in a digit are two pools, not a typing error.
mv "$pool" "$dir/sys/pools/web1"
try show web2
check 'another pool is not suggested' 1 "vpoolctl: show web2: there is no pool 'web2'${nl}*"
mv "$dir/sys/pools/web1" "$pool"
try show ../web
check 'show an invalid name' 1 "*is not a pool's name*"
try host
like 'pooled memory' "$out" '*Memory pooled:*4M*'
like 'an older module does not tell how it maps' "$out" '*Memory mapped by:*-*'
echo 4096 >"$dir/sys/max_mapping_size"
try host
like 'a kernel without huge mappings' "$out" '*Memory mapped by:*4K*'
try host -J
like 'the same as JSON' "$out" '*"memory_mapped_by": 4096,*'
try regions web
check 'a pool whose device is missing' 1 "vpoolctl: regions web: pool 'web' is there, but not *"
try -Jb -o NAME,FREE list
is 'options before the verb: all of them' "$(echo "$out" | tr -d ' \n')" \
	'{"version":1,"pools":[{"name":"web","free":2097152}]}'

# Verbs that change something have the same three options.
for verb in apply attach audit create destroy detach kill mount resize run slice umount upgrade \
	'vm migrate' 'vm pause' 'vm resize' 'vm resume' 'vm start' 'vm stop'; do
	# shellcheck disable=SC2086 # words
	try $verb --help
	# -n of vm start is --vcpus.
	case $verb in
	'vm start') dry='      --dry-run' ;;
	*) dry='  -n, --dry-run' ;;
	esac
	like "$verb has --dry-run" "$out" "*$dry*"
	like "$verb has --quiet and --json" "$(echo "$out" | sort)" '*-J, --json*-q, --quiet*'
done
try slice -n web
is 'a dry run of slice' "$status $out" '0 vpool_web.slice'
try slice -nJ web
like 'a dry run of slice as JSON' "$(echo "$out" | tr -d ' \n')" '*"dry_run":true,"message":"vpool_web.slice"*'
try slice nosuch
check 'slice of a pool that does not exist' 1 "vpoolctl: slice nosuch: *Try to declare pool 'nosuch' in /etc/vpool.d*"
try run -n web -- sh
check 'a dry run of run on a pool whose device is missing' 1 "vpoolctl: run web: pool 'web' is there, but not *"

# monitor, on the directory that simulates sysfs
try monitor -d 0
check 'monitor: the delay has a minimum' 2 "vpoolctl: monitor: --delay: '0' is not a time of 0.1 seconds or more*"
try monitor -n 0
check 'monitor: the number has a minimum' 2 "vpoolctl: monitor: --events: '0' is not a number of at least 1*"
try monitor Web
check 'monitor: an invalid name' 2 "vpoolctl: monitor: 'Web' is not a pool's name*"
echo 1 >"$dir/sys/pools/web/cpus/effective"
mkdir -p "$pool/stat"
echo 5 >"$pool/stat/escapes"
(
	sleep 1
	echo 8 >"$pool/stat/escapes.new"
	mv "$pool/stat/escapes.new" "$pool/stat/escapes"
	sleep 1
	mv "$pool" "$dir/sys/pools/away"
	mv "$dir/sys/pools/away" "$dir/sys/gone"
) &
try monitor -d 0.1 -n 2
wait
is 'monitor: exit status' "$status" 0
like 'monitor sees counters and the end of a pool' "$out" \
	"*T* started: watching 1 pool and 0 virtual machines; *${nl}*T* escaped web: *(3 since the last look)${nl}*T* destroyed web: the pool was destroyed"
mv "$dir/sys/gone" "$pool"

try list -z
check 'unknown option with a pool present' 2 '*'
"$VPOOLCTL" list >/dev/full 2>"$dir/err"
is 'lost output is an error' "$?" 1

tap_end
