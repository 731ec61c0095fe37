#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Test vpoolctl vm migrate between two hosts. The guest continuously writes its memory and
# its disk, checks what it wrote, and answers over the network. It moves there and back, the
# target is killed, and the link is cut half-way and around the last word. Its QEMU runs as
# a user without privileges. Then that user moves a machine without the help of root. With
# VPOOL_QUICK, the guest only moves there and back.
#
# VPOOL_KERNEL_IMAGE is the kernel for the guest. It must be the running kernel, whose
# modules are in /lib/modules.

# shellcheck source=selftests/hosts/hosts.sh
. "$(dirname "$(readlink -f "$0")")/hosts.sh"
# shellcheck disable=SC2034 # guest.sh uses it
build=${OUTPUT:-$(readlink -f "$here/../../build/selftests")}
# shellcheck source=selftests/vm/guest.sh
. "$here/../vm/guest.sh"
need_hosts 2
need_guest

out='' err=''
disk=/run/vpool-test/one.img
user=vpool-migrate
home=/run/$user

# shellcheck disable=SC2317 # the trap calls it
clean_up() {
	local host

	control mend host2
	for host in host1 host2; do
		new_ssh "$host" "vpoolctl vm stop --force one
			pkill -9 -u $user; vpoolctl destroy --force vms mine
			umount /sys/kernel/vpool/abi_version; rm -r /run/vpool-test $home
			userdel $user"
	done
	rm -rf "$dir" /cluster/guest.cpio /cluster/kernel
} > /dev/null 2>&1
trap clean_up EXIT

# there COMMAND: run a command in the second host.
# shellcheck disable=SC2029 # it expands here
there() { ssh host2 "$@"; }
# Mend the link. The connection that the commands share would wait long for its next packet.
mend() {
	control mend host2
	ssh -O exit host2 2> /dev/null
}
# Print the machines of a host, its memory in use and its dedicated CPUs.
state_of() {
	# shellcheck disable=SC2016 # the host expands it
	ssh "$1" 'vpoolctl vm list --noheadings -o NAME,STATE
		cat /sys/kernel/vpool/pools/vms/memory/used_bytes /sys/kernel/vpool/pools/vms/cpus/members' |
		xargs
}
state_is() { [ "$(state_of "$1")" = "$2" ]; }
whole='0 0'
# iteration HOST: print the iteration of the guest, which answers at port 7007 of its host.
iteration() {
	(exec 3<> "/dev/tcp/$1/7007" && timeout 10 head -n 1 <&3) 2> /dev/null |
		sed -n 's/^right in iteration //p'
}
answers() { [ -n "$(iteration "$1")" ]; }
goes_on() { [ "$(iteration "$1")" -gt "$2" ] 2> /dev/null; }
# continues HOST NAME: check that the guest still runs on a host.
continues() {
	local at

	eventually 60 answers "$1"
	at=$(iteration "$1")
	eventually 60 goes_on "$1" "$at"
	is "$2" "$?" 0
}
# refused NAME PATTERN ARGUMENT...: the migration must fail with a message like PATTERN.
refused() {
	local name=$1 pattern=$2

	shift 2
	try 1 vm migrate one "$@"
	like "$name" "$err" "vpoolctl: vm migrate one: $pattern"
}
# Print the user, the capabilities and the mode of seccomp of the first machine of a host.
user_of() {
	# shellcheck disable=SC2016 # the host expands it
	ssh "$1" 'pid=$(vpoolctl vm list --noheadings -o PID)
		ps -o user:32= -p $pid; sed -n "s/^CapEff:\t0*/0/p; s/^Seccomp:\t//p" /proc/$((pid))/status' |
		xargs
}
# Let vpoolctl run ssh with more options.
ssh_with() {
	printf '#!/bin/sh\nexec ssh %s "$@"\n' "$*" > "$dir/ssh"
	chmod +x "$dir/ssh"
}
# The copy of the disk has at least one MiB.
is_copied() { [ "$(there du -k $disk | cut -f 1)" -ge 1024 ] 2> /dev/null; }
# migrate_slowly: migrate in the background, for longer than the test needs. Return while the
# disk is being copied.
migrate_slowly() {
	vpoolctl vm migrate one --to host2:vms --copy-disks --bandwidth 1M --downtime 0.001 \
		> "$dir/out" 2> "$dir/err" &
	migration=$!
	eventually 120 is_copied
}

section 'start a guest'
mkdir -p "${disk%/*}"
there mkdir -p "${disk%/*}"
make_initrd virtio_net
# The initrd has the same path in both hosts.
cp "$dir/guest.cpio" /cluster/guest.cpio
head -c 8M /dev/urandom > $disk
useradd --system --user-group --no-create-home --home-dir $home $user
chown $user $disk
chmod 666 /dev/kvm
there chmod 666 /dev/kvm
# The user cannot read the kernel where the tests have it.
install -m 644 "$VPOOL_KERNEL_IMAGE" /cluster/kernel
chmod 644 /cluster/guest.cpio
try 0 create vms --cpus 1 --mem 160M
# shellcheck disable=SC2054 # the commas belong to QEMU's options
try 0 vm start one --pool vms --mem 144M --user $user --kernel /cluster/kernel \
	--initrd /cluster/guest.cpio --disk $disk --console "${disk%/*}/console" \
	--append 'console=ttyS0 quiet MB=4 ANSWER=10.0.2.15 WRITE=1' -- \
	-netdev 'user,id=net,hostfwd=tcp::7007-:7' -device virtio-net-pci,netdev=net

if [ -z "${VPOOL_QUICK:-}" ]; then
	section 'hosts that cannot receive it'

	refused 'an unknown host' 'cannot connect to host nowhere: *' --to nowhere:vms
	ssh_with -p 9
	VPOOL_SSH=$dir/ssh refused 'a host without sshd' \
		'cannot connect to host host2: *Connection refused*' --to host2:vms
	ssh_with -o PubkeyAuthentication=no
	VPOOL_SSH=$dir/ssh refused 'a host that asks for a password' \
		'cannot connect to host host2: *Permission denied*' --to host2:vms
	ssh_with -o UserKnownHostsFile=/dev/null -o GlobalKnownHostsFile=/dev/null -o StrictHostKeyChecking=ask
	VPOOL_SSH=$dir/ssh refused 'an unknown host key' \
		'cannot connect to host host2: Host key verification failed*' --to host2:vms
	refused 'no such pool' "host host2: there is no pool 'vms'*" --to host2:vms
	# shellcheck disable=SC2016 # the other host expands it
	there 'rmmod vpool'
	refused 'a host without the module' 'host host2: the vpool module is not loaded*' --to host2:vms
	# shellcheck disable=SC2016 # the other host expands it
	there 'insmod "$VPOOL_KO"; echo 99 > /run/abi; mount --bind /run/abi /sys/kernel/vpool/abi_version'
	refused 'another ABI version' 'host host2: the ABI version of its vpool module is 99, and *' \
		--to host2:vms
	there 'umount /sys/kernel/vpool/abi_version; vpoolctl create vms --cpus 1 --mem 100M' > /dev/null
	refused 'a host without the user' "host host2: there is no user '$user' here*" --to host2:vms
	there "useradd --system --user-group --no-create-home --home-dir $home $user"
	refused 'a pool that is too small' \
		"host host2: pool 'vms' has 100M free, but 144M is requested*" --to host2:vms
	there vpoolctl resize vms --mem 160M > /dev/null
	there chmod 700 "${disk%/*}"
	refused 'a folder that is closed to the user' \
		"host host2: the disk $disk: the directory ${disk%/*} is closed to user '$user'*" \
		--to host2:vms --copy-disks
	there chmod 755 "${disk%/*}"
	refused 'a disk that is not shared' \
		"host host2: the disk $disk is not on storage that both hosts share*" --to host2:vms
	is 'the refusals leave nothing' "$(state_of host2) $(there ls "${disk%/*}")" "$whole "
else
	there "vpoolctl create vms --cpus 1 --mem 160M; useradd --system --user-group $user" > /dev/null
fi

section 'there'
eventually 240 answers host1
is 'the guest answers over the network' "$?" 0
at=$(iteration host1)
try 0 vm migrate one --to host2:vms --copy-disks --timeout 300 --downtime 5
like 'migrate reports the durations' "$out" \
	'migrated one to pool vms of host host2: downtime *[0-9] ms, total time *[0-9] ms; 144M back in pool vms'
echo "# $out"
is 'the machine is there' "$(state_of host2 | cut -d ' ' -f 1,2)" 'one running'
is 'nothing is here' "$(state_of host1)" "$whole"
is 'its QEMU there is of the user, without capabilities and with seccomp' "$(user_of host2)" \
	"$user 0 2"
is 'so are its disk and its console' "$(there stat -c %U "$disk" "${disk%/*}/console" | xargs)" \
	"$user $user"
eventually 60 goes_on host2 "$at"
is 'the guest continues there, and answers' "$?" 0
is 'the disk was copied' "$(there tail -c 4M $disk | md5sum)" "$(tail -c 4M $disk | md5sum)"

section 'back'
at=$(iteration host2)
there vpoolctl vm migrate one --to host1:vms --copy-disks --overwrite-disks --timeout 300 --downtime 5 \
	> "$dir/out" 2> "$dir/err"
is 'the machine migrates back' "$? $(cat "$dir/err")" '0 '
echo "# $(cat "$dir/out")"
is 'the machine is here' "$(state_of host1 | cut -d ' ' -f 1,2)" 'one running'
is 'its QEMU here is of the user' "$(user_of host1)" "$user 0 2"
is 'nothing is there' "$(state_of host2)" "$whole"
eventually 60 goes_on host1 "$at"
is 'the guest continues' "$?" 0
there rm $disk

if [ -z "${VPOOL_QUICK:-}" ]; then
	section 'a target that is killed'

	migrate_slowly
	there "pkill -9 -f 'qemu-system.*/run/vpool/vm/one/'"
	wait "$migration"
	is 'the migration fails' "$?" 1
	like 'the source says why' "$(cat "$dir/err")" \
		"vpoolctl: vm migrate one: not migrated, it still runs on pool 'vms': host host2: QEMU has ended*"
	is 'the pool of the target is whole' "$(state_of host2)" "$whole"
	is 'the copy of the disk is gone' "$(there ls "${disk%/*}")" console
	continues host1 'the guest continues'

	section 'a link that is cut half-way'

	migrate_slowly
	control cut host2
	begin=$SECONDS
	wait "$migration"
	is 'the migration fails' "$?" 1
	like 'the source says why' "$(cat "$dir/err")" \
		"vpoolctl: vm migrate one: not migrated, it still runs on pool 'vms': host host2 does not answer*"
	echo "# the source continued $((SECONDS - begin)) s after the cut"
	is 'the source notices the silence' "$((SECONDS - begin <= 20))" 1
	continues host1 'the guest continues'
	mend
	eventually 60 state_is host2 "$whole"
	is 'the pool of the target is whole' "$(state_of host2)" "$whole"

	section 'the last word is lost'

	export VPOOL_SSH=$here/relay VPOOL_TEST_HOST=host2
	VPOOL_TEST_CUT=to:run try 1 vm migrate one --to host2:vms --copy-disks --downtime 5
	like 'the source says how to go on' "$err" \
		"vpoolctl: vm migrate one: host host2 was told to run it, but its answer was lost*vpoolctl vm resume one*"
	is 'the machine is stopped' "$(state_of host1 | cut -d ' ' -f 1,2)" 'one postmigrate'
	unset VPOOL_SSH
	try 1 vm resume one
	like 'the machine does not continue without an answer' "$err" \
		'vpoolctl: vm resume one: *host2*'
	try 1 vm migrate one --to host2:vms
	like 'nor does it migrate' "$err" '*host host2 was told to run it*vpoolctl vm resume one*'
	mend
	eventually 60 state_is host2 "$whole"
	is 'the pool of the target is whole' "$(state_of host2)" "$whole"
	try 0 vm resume one
	continues host1 'the guest continues here when the other host does not have it'

	section 'the answer is lost'

	export VPOOL_SSH=$here/relay
	VPOOL_TEST_CUT=from:runs try 1 vm migrate one --to host2:vms --copy-disks --downtime 5
	unset VPOOL_SSH
	like 'the source says how to go on' "$err" '*vpoolctl vm resume one*'
	is 'the machine is stopped here' "$(state_of host1 | cut -d ' ' -f 1,2)" 'one postmigrate'
	mend
	is 'the machine runs there' "$(state_of host2 | cut -d ' ' -f 1,2)" 'one running'
	try 1 vm resume one
	like 'it does not continue here' "$err" \
		'vpoolctl: vm resume one: host host2 has it, and its state there is running*'
	is 'the machine is still stopped here' "$(state_of host1 | cut -d ' ' -f 1,2)" 'one postmigrate'
	try 0 vm stop --force one
	is 'nothing is left here' "$(state_of host1)" "$whole"
	continues host2 'the guest continues there'
	there vpoolctl vm stop --force one > /dev/null
	is 'nothing is left there' "$(state_of host2)" "$whole"

	section 'a user without root'

	# Root's ssh reaches the user of host2. The runtime directory is what pam_systemd would make.
	for host in host1 host2; do
		# shellcheck disable=SC2029 # it expands here
		ssh $host "mkdir -p $home/.ssh $home/run && cp /root/.ssh/{authorized_keys,known_hosts,id_ed25519} $home/.ssh &&
			chown -R $user $home && chmod -R go= $home && usermod -p '*' -s /bin/bash $user
			vpoolctl destroy vms; vpoolctl create mine --cpus 1 --mem 64M --owner $user"
	done > /dev/null
	cat > "$dir/ssh" <<-END
	#!/bin/bash
	exec ssh "\${@:1:\$#-1}" "XDG_RUNTIME_DIR=$home/run \${*: -1}"
	END
	chmod 755 "$dir" "$dir/ssh"
	as_user() {
		(
			cd / && exec setpriv --reuid=$user --regid=$user --clear-groups -- env HOME=$home \
				XDG_RUNTIME_DIR=$home/run VPOOL_SSH="$dir/ssh" "$@"
		)
	}
	as_user_there() {
		there "setpriv --reuid=$user --regid=$user --clear-groups env XDG_RUNTIME_DIR=$home/run $*"
	}
	truncate -s 4M $home/two.img
	chown $user $home/two.img
	as_user vpoolctl vm start two --pool mine --mem 48M --kernel /cluster/kernel \
		--disk $home/two.img --console $home/console > "$dir/out" 2>&1
	is 'a user starts a machine' $? 0
	sed 's/^/# /' "$dir/out"
	as_user vpoolctl vm migrate two --to host2:mine --copy-disks --timeout 300 --downtime 5 \
		> "$dir/out" 2> "$dir/err"
	is 'the user migrates it' "$? $(cat "$dir/err")" '0 '
	sed 's/^/# /' "$dir/out"
	read -r name state pid <<< "$(as_user_there vpoolctl vm list --noheadings -o NAME,STATE,PID)"
	is 'it runs there' "$name $state" 'two running'
	is 'its QEMU there is of the user' "$(there ps -o user:32= -p "$pid" | xargs)" "$user"
	is 'it has memory of the pool there' "$(there cat $pools/mine/memory/used_bytes)" $((48 << 20))
	is 'the pool here is whole' "$(cat $pools/mine/memory/used_bytes $pools/mine/cpus/members | xargs)" '0 0'
	is 'the user owns the copy of the disk' "$(there stat -c %U $home/two.img)" "$user"
	is 'the user has no machine here' "$(as_user vpoolctl vm list --noheadings)" ''
	as_user_there vpoolctl vm stop --force two > "$dir/out" 2>&1
	is 'it stops' $? 0
	is 'nothing is left there' "$(there cat $pools/mine/memory/used_bytes $pools/mine/cpus/members | xargs)" '0 0'
	there "chown root:root /dev/vpool/mine && chmod 600 /dev/vpool/mine"
	as_user vpoolctl vm start two --pool mine --mem 48M --kernel /cluster/kernel > "$dir/out" 2>&1
	as_user vpoolctl vm migrate two --to host2:mine > "$dir/out" 2> "$dir/err"
	like 'a pool that the user may not open' "$? $(cat "$dir/err")" \
		"1 vpoolctl: vm migrate two: host host2: *"
	sed 's/^/# /' "$dir/err"
	is 'the machine still runs here' "$(as_user vpoolctl vm list --noheadings -o NAME,STATE | xargs)" \
		'two running'
	as_user vpoolctl vm stop --force two
	is 'nothing is left here' "$(cat $pools/mine/memory/used_bytes $pools/mine/cpus/members | xargs)" '0 0'
fi

is 'the guest found no corrupt memory and no wrong disk' \
	"$(cat "${disk%/*}/console" <(there cat "${disk%/*}/console") | grep -c WRONG)" 0
tap_end
