#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Test vm save, vm start --template, vm templates and vm discard, and machines of type
# microvm, with Linux guests under KVM. Needs root, KVM, four CPUs and 512 MiB free.
#
# VPOOL_KERNEL_IMAGE is the kernel for the guests. It must be the running kernel,
# whose modules are in /lib/modules.

here=$(dirname "$(readlink -f "$0")")
build=${OUTPUT:-$(readlink -f "$here/../../build/selftests")}
# shellcheck source=selftests/lib/require.sh
. "$here/../lib/require.sh"
# shellcheck source=/dev/null
. "$here/../../userspace/tests/tap.sh"
# shellcheck source=selftests/vm/guest.sh
. "$here/guest.sh"

need_guest
command -v systemd-sysusers > /dev/null || skip 'no systemd-sysusers here'

export LC_ALL=C
dir=$(mktemp -d) || exit 1
export VPOOL_RUN_DIR=$dir/run VPOOL_LOG_DIR=$dir/log VPOOL_ETC_DIR=$dir/etc
export VPOOL_TEMPLATE_DIR=$dir/templates VPOOL_STATE_DIR=$dir/state
out='' err=''

# shellcheck disable=SC2317 # the trap calls it
clean_up() {
	stop_machines
	umount "$dir/full"
	vpoolctl destroy --force tpl
	vpoolctl destroy --force tpl-to
	restore_host
	restore_balancing
	rm -r "$dir"
} > /dev/null 2>&1
trap clean_up EXIT

templates() { vpoolctl vm templates --noheadings -o "$1" | tr -s ' ' | sed 's/ *$//'; }
# arg NAME OPTION: print the value of an option of its QEMU
arg() { tr '\0' '\n' < "/proc/$(pid_of "$1")/cmdline" | grep -A 1 -x -e "$2" | tail -n 1; }
# generation NAME: print the generation ID
generation() { tr '\0' '\n' < "/proc/$(pid_of "$1")/cmdline" | sed -n 's/^vmgenid,guid=//p'; }
# mac NAME: print the MAC address of its network card
mac() { tr '\0' '\n' < "/proc/$(pid_of "$1")/cmdline" | sed -n 's/^virtio-net-.*,mac=\([^,]*\).*/\1/p'; }
# refused NAME PATTERN ARGUMENT...: vm start must refuse, and leave nothing
refused() {
	try 1 vm start new --pool tpl "${@:3}"
	like "$1" "$err" "vpoolctl: vm start new: $2*"
	is "$1: nothing is left" "$(ls "$dir/run/vm") $(used tpl)" " $in_use"
}

# QEMU runs as a user that can read neither the templates nor the kernels in them.
chmod 711 "$dir"
save_host
systemd-sysusers "$here/../../packaging/sysusers.d/vpool.conf"
getent group kvm > /dev/null || groupadd -r kvm
chown root:kvm /dev/kvm
chmod 660 /dev/kvm
uid=$(id -u vpool-vm)
stop_balancing
make_initrd virtio_mmio
cp "$VPOOL_KERNEL_IMAGE" "$dir/kernel"
echo data > "$dir/read.img"
truncate -s 1M "$dir/read.img"
cp "$dir/read.img" "$dir/cd.iso"
printf '\001CD001' | dd of="$dir/cd.iso" bs=1 seek=32768 conv=notrunc 2> /dev/null
chmod 644 "$dir/kernel" "$dir/guest.cpio" "$dir/read.img" "$dir/cd.iso"
echo 77 > "$dir/disk.img"
truncate -s 1M "$dir/disk.img"
chown vpool-vm "$dir/disk.img"
try 0 create tpl --cpus 1-3 --mem 448M
boot=(--pool tpl --mem 144M --kernel "$dir/kernel" --initrd "$dir/guest.cpio"
	--append 'console=ttyS0 quiet MB=16' --vcpus 1)

section 'cold boot'

try 0 vm start one "${boot[@]}" --console "$dir/one" --disk "$dir/read.img,readonly=true" \
	--cdrom "$dir/cd.iso" --net user
until_true 300 is_up one
is 'the guest is up' "$?" 0
sleep 1

section 'save'

try 2 vm save one
like 'a template needs a name' "$err" '*no template: use --template TEMPLATE*'
try 2 vm save one --template a/b
try 1 vm save none --template t
try 0 vm save one --template t --dry-run
is 'a dry run saves nothing' "$(ls "$dir/templates" 2> /dev/null)" ''
mkdir "$dir/full"
mount -t tmpfs -o size=48M none "$dir/full"
VPOOL_TEMPLATE_DIR=$dir/full/t try 1 vm save one --template t
like 'a full disk is reported' "$err" \
	"vpoolctl: vm save one: not saved, and it continues: cannot write $dir/full/t/t~/memory: No space left on device*"
is 'nothing is left on it' "$(ls -A "$dir/full/t")" ''
umount "$dir/full"
at=$(last_iteration one)
until_true 60 is_beyond one "$at"
is 'the guest continues after that' "$?" 0
try 0 vm save one --template t --keep
echo "# $out"
like 'vm save tells what it did' "$out" 'saved one as template t: *; it continues'
is 'the machine runs' "$(listed NAME,STATE)" 'one running'
at=$(last_iteration one)
until_true 60 is_beyond one "$at"
is 'its guest continues' "$?" 0
is 'the template is listed' "$(templates NAME,MEMORY,VCPUS,MACHINE,ACCEL,VM)" 't 144M 1 q35 kvm one'
is 'with the files that its machines read' "$(templates DISKS)" "$dir/read.img,$dir/cd.iso"
is 'only this user can read it' "$(stat -c %a "$dir/templates/t")" 700
try 1 vm save one --template t
like 'an existing template is not replaced' "$err" "*template 't' exists*Try --replace*"
try 0 vm save one --template t --replace
like 'without --keep, the machine ends' "$out" 'saved one as template t: *; 144M back in pool tpl'
is 'it does not run' "$(listed NAME) $(used tpl)" ' 0'
is 'the template is whole' "$(ls "$dir/templates")" t
like 'vm list -a has the reason' "$(listed NAME,REASON -a)" '*vm save: it is template t'

section 'start'

in_use=0
try 0 vm start two --pool tpl --template t --console "$dir/two"
echo "# $out"
at=$(last_iteration one)
until_true 60 is_beyond two "$at"
is 'the guest continues where it was saved' "$?" 0
try 0 vm start three --pool tpl --template t --mem 144M --vcpus 1 --console "$dir/three"
until_true 60 is_beyond three "$at"
is 'another one starts beside it' "$?" 0
is 'QEMU runs as the user without privileges' "$(stat -c %u "/proc/$(pid_of two)")" "$uid"
like 'with a sandbox' "$(arg two -sandbox)" 'on,*spawn=deny*'
is 'its kernel is a descriptor' "$(arg two -kernel)" /proc/self/fd/200
is 'no guest has booted' "$(cat "$dir/two" "$dir/three" | grep -c 'guest: up')" 0
is 'both have memory of the pool' "$(used tpl)" $((288 << 20))
is 'both have a CPU' "$(dedicated tpl | tr ',-' '  ' | wc -w)" 2
isnt() { [ "$2" != "$3" ]; is "$1" "$?" 0; }
isnt 'their UUIDs differ' "$(arg two -uuid)" "$(arg three -uuid)"
isnt 'their generations differ' "$(generation two)" "$(generation three)"
isnt 'their MAC addresses differ' "$(mac two)" "$(mac three)"
like 'each has one' "$(mac two)$(mac three)" '52:54:00:??:??:??52:54:00:??:??:??'
try 1 vm start two --pool tpl --template t
like 'a name is not used twice' "$err" '*a virtual machine with this name exists*'
at=$(last_iteration two)
try 0 vm reset three
try 0 vm stop three --force
until_true 60 is_beyond two "$at"
is 'no guest found corrupt memory' "$(cat "$dir/one" "$dir/two" "$dir/three" | grep -c WRONG)" 0
try 0 vm stop two --timeout 120
is 'a machine from a template shuts down' "$(used tpl) $(dedicated tpl)" '0 '
try 0 vm start four --pool tpl --template t --user root --console "$dir/four"
is 'root can run it as root' "$(stat -c %u "/proc/$(pid_of four)")" 0
is 'without a sandbox' "$(arg four -kernel) $(tr '\0' '\n' < "/proc/$(pid_of four)/cmdline" |
	grep -c sandbox)" '/proc/self/fd/200 0'
until_true 60 is_beyond four 0
is 'its guest continues as well' "$?" 0
try 0 resize tpl --cpus 1-2 --mem 160M
try 0 create tpl-to --cpus 3 --mem 160M
try 0 vm migrate four --to tpl-to
at=$(last_iteration four)
until_true 60 is_beyond four "$at"
is 'it migrates with the kernel of its template' "$?" 0
try 0 vm save four --template again --replace
is 'and can be saved' "$(cmp "$dir/kernel" "$dir/templates/again/kernel" && echo same)" same
try 0 vm discard again
try 0 destroy tpl-to
try 0 resize tpl --cpus 1-3 --mem 448M

section 'machines that cannot be saved'

# unsaved NAME PATTERN ARGUMENT...: a machine that has not booted cannot become a template
unsaved() {
	try 0 vm start bad --pool tpl --mem 144M --vcpus 1 --kernel "$dir/kernel" "${@:3}"
	try 1 vm save bad --template bad
	like "$1" "$err" "vpoolctl: vm save bad: it cannot become a template: $2"
	try 0 vm stop bad --force
}
printf '#cloud-config\n' > "$dir/user-data"
unsaved 'a seed' '*--seed*' --seed "$dir/user-data"
unsaved 'a screen' '*--vnc*' --vnc socket
unsaved 'memory that returns' '*--reclaim*' --reclaim
is 'nothing is saved' "$(templates NAME)" t
in_use=0

section 'templates that do not fit'

refused 'another memory' 'template t has a memory of 144M, not 160M' --template t --mem 160M
refused 'another number of vCPUs' 'template t has a number of vCPUs of 1, not 2' \
	--template t --vcpus 2
refused 'another machine' 'template t has the machine type q35, not microvm' \
	--template t --machine microvm
refused 'a missing template' "there is no template 'u'; *" --template u
try 2 vm start new --template t
try 2 vm start new --template t --pool tpl --kernel /k
like 'the kernel is part of the template' "$err" '*--kernel cannot be given with --template*'
cp -a "$dir/templates/t" "$dir/saved"
# damage FILE COMMAND: change a file of the template t, and put it back later
damage() {
	rm -r "$dir/templates/t"
	cp -a "$dir/saved" "$dir/templates/t"
	(cd "$dir/templates/t" && eval "$1")
}
damage 'sed -i "s/\"qemu\":.*/\"qemu\":\"5.1\",/" config.json'
refused 'another QEMU' 'template t was saved by QEMU 5.1, but *; save the machine again' --template t
damage 'sed -i "s/\"cpu\":.*/\"cpu\":\"Z80\",/" config.json'
refused 'another CPU' "template t was saved on a host with the CPU 'Z80', but *" --template t
damage 'truncate -s -4096 memory'
refused 'a truncated memory' '*/memory has another size than when it was saved*' --template t
damage 'printf X | dd of=memory bs=1 seek=100000 conv=notrunc 2> /dev/null'
refused 'a changed memory' '*/memory is damaged: its checksum is wrong*' --template t
damage 'printf "\1" | dd of=memory bs=1 seek=6 conv=notrunc 2> /dev/null'
refused 'a wrong place in memory' '*/memory is damaged*' --template t
damage 'printf X | dd of=state bs=1 seek=1000 conv=notrunc 2> /dev/null'
refused 'a changed state' '*/state is damaged: its checksum is wrong*' --template t
damage 'rm kernel'
refused 'a missing kernel' 'the kernel of its template, */kernel: No such file*' --template t
damage 'rm state'
refused 'a missing state' '*/state: No such file*' --template t
damage 'truncate -s 300 config.json'
refused 'a truncated configuration' '*config.json is damaged*' --template t
damage 'chmod 777 .'
refused 'a template that others can change' '*other users can write to *' --template t
damage true
touch "$dir/cd.iso"
refused 'a changed CD' "the disk $dir/cd.iso was changed after template t was saved*" --template t

section 'discard'

try 0 vm discard t --dry-run
is 'a dry run keeps it' "$(templates NAME)" t
try 0 vm discard t
is 'it is gone' "$(ls -A "$dir/templates")" ''
try 1 vm discard t
refused 'it does not start' "there is no template 't'*" --template t

section 'microvm'

try 2 vm start new "${boot[@]}" --machine microvm --max-mem 272M
like 'a microvm has a fixed memory' "$err" '*--machine microvm cannot have --max-mem*'
try 2 vm start new --pool tpl --machine microvm --disk "$dir/disk.img"
like 'a microvm needs a kernel' "$err" '*--machine microvm cannot boot a disk*'
try 0 vm start micro "${boot[@]}" --machine microvm --disk "$dir/disk.img" --console "$dir/micro"
until_true 300 is_up micro
is 'its guest is up' "$?" 0
is 'it has its disk' "$(grep -c 'guest: disk 77' "$dir/micro")" 1
try 1 vm save micro --template m --keep
like 'a machine that continues would change its disk' "$err" '*leave out --keep*'
try 0 vm save micro --template m
echo "# $out"
is 'the template has the disk' "$(templates NAME,MACHINE,DISKS)" "m microvm $dir/disk.img"
at=$(last_iteration micro)
try 0 vm start two --pool tpl --template m --console "$dir/two"
until_true 60 is_beyond two "$at"
is 'a microvm continues, too' "$?" 0
like 'its disk is temporary' "$(arg two -drive)" '*,snapshot=on'
try 0 vm start three --pool tpl --template m
try 0 vm stop three --force
try 1 vm migrate two --to tpl
like 'a machine with a temporary disk does not migrate' "$err" '*cannot be migrated*temporary files*'
try 1 vm save two --template n
like 'nor can it be saved' "$err" '*the changes of its disks are temporary*'
try 0 vm stop two --timeout 120
is 'a microvm shuts down' "$(used tpl) $(dedicated tpl)" '0 '
touch "$dir/disk.img"
refused 'a changed disk' "the disk $dir/disk.img was changed after template m was saved*" --template m
is 'no guest found corrupt memory' "$(cat "$dir/micro" "$dir/two" | grep -c WRONG)" 0
tap_end
