#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Give pools to containers with podman, as described in Documentation/hosts/containers.rst:
# as root and as another user, with processes that are added to a container, a resize, a
# killed conmon and pools that have gone. Needs root, podman with crun, newuidmap, a static
# busybox, and cgroup2. One host is enough.

here=$(dirname "$(readlink -f "$0")")
build=${OUTPUT:-$(readlink -f "$here/../../build/selftests")}
# shellcheck source=selftests/lib/require.sh
. "$here/../lib/require.sh"
# shellcheck source=/dev/null
. "$here/../../userspace/tests/tap.sh"
# shellcheck source=selftests/vm/guest.sh
. "$here/../vm/guest.sh"

for command in podman crun conmon newuidmap newgidmap useradd; do
	command -v $command > /dev/null || skip_all "no $command here: make check-hosts"
done
cgroups=/sys/fs/cgroup
grep -qw cpuset "$cgroups/cgroup.controllers" 2> /dev/null ||
	skip_all 'no cpuset controller of cgroup2 here'

export LC_ALL=C
pool=cdi
user=vpool-cdi
cdi=/run/cdi
listener=''
dir=$(mktemp -d) || exit 1
chmod 755 "$dir"
export CONTAINERS_CONF=$dir/containers.conf

# shellcheck disable=SC2317 # the trap calls it
clean_up() {
	root rm -f -t 0 -a
	user rm -f -t 0 -a
	[ -z "$listener" ] || { kill "$listener"; rm -f /dev/log; }
	pkill -KILL -u "$user"
	for name in $pool cdi-own cdi-mem cdi-iso 7cdi; do
		vpoolctl cdi "$name" -d $cdi --remove
		vpoolctl destroy --force "$name"
	done
	rmdir $cdi
	find $cgroups/vpool_cdi_user $cgroups/libpod_parent -depth -type d -exec rmdir {} +
	userdel $user
	umount "$dir/tmp"
	rm -rf "$dir"
} > /dev/null 2>&1
trap clean_up EXIT

# Configuration

cat > "$CONTAINERS_CONF" <<END
[containers]
netns = "none"
seccomp_profile = "unconfined"
log_driver = "k8s-file"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "none"
runtime = "crun"
conmon_path = ["$(command -v conmon)"]
[engine.runtimes]
crun = ["$(command -v crun)"]
END
useradd --no-log-init -d "$dir/user" $user
grep -q "^$user:" /etc/subuid || echo "$user:2000000:65536" >> /etc/subuid
grep -q "^$user:" /etc/subgid || echo "$user:2000000:65536" >> /etc/subgid
uid=$(id -u $user)
mkdir -p "$dir/bin" "$dir/tmp" "$dir/run"
# An unpacked copy may have lost the set-user-id bit.
for command in newuidmap newgidmap; do
	install -m 4755 "$(command -v $command)" "$dir/bin/$command"
done
PATH=$dir/bin:$PATH
mount -t tmpfs none "$dir/tmp"
for home in root user; do
	mkdir -p "$dir/$home/.config/containers" "$dir/run/$home"
	echo '{ "default": [ { "type": "insecureAcceptAnything" } ] }' \
		> "$dir/$home/.config/containers/policy.json"
	chmod 700 "$dir/run/$home"
done
chown -R "$uid" "$dir/user" "$dir/run/user"

# The part of the cgroup tree that belongs to the user.
mine=$cgroups/vpool_cdi_user
echo '+cpuset +memory +pids' > $cgroups/cgroup.subtree_control
mkdir -p $mine/shell
echo '+cpuset +memory +pids' > $mine/cgroup.subtree_control
chown "$uid" $mine $mine/cgroup.{procs,threads,subtree_control}
chown -R "$uid" $mine/shell

# root ARGUMENT...: run podman as root
root() {
	HOME=$dir/root podman --log-level=error --storage-driver=vfs --root "$dir/tmp/root" \
		--runroot "$dir/run/root" "$@"
}

# user ARGUMENT...: run podman as the user, in the user's part of the cgroup tree
user() {
	(
		echo $BASHPID > $mine/shell/cgroup.procs
		cd "$dir" || exit
		HOME=$dir/user XDG_RUNTIME_DIR=$dir/run/user exec setpriv --reuid "$uid" \
			--regid "$uid" --clear-groups --inh-caps=-all \
			podman --log-level=error --storage-driver=vfs "$@"
	)
}

# An image of a static busybox, and of the program that uses the pool.
make_image() {
	local applet

	mkdir -p "$dir/image"/{bin,dev,proc,sys,tmp}
	cp -L "$(command -v busybox)" "$build/pool_user" "$dir/image/bin"
	for applet in cat grep sh sleep taskset true; do
		ln -s busybox "$dir/image/bin/$applet"
	done
	tar -C "$dir/image" -cf "$dir/image.tar" .
	chmod 644 "$dir/image.tar"
}

# A hook reports to the system log. Without one, receive the messages here.
listen() {
	python3 -c '
import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind("/dev/log")
os.chmod("/dev/log", 0o666)
while True:
    print(s.recv(4096).decode(), flush=True)' > "$dir/log" &
	listener=$!
	until_true 30 test -S /dev/log
}

# logged NAME PATTERN: check the last message in the system log
logged() {
	if [ -n "$listener" ]; then
		like "$1" "$(tail -n 1 "$dir/log")" "$2"
	else
		tap_result yes "$1 # SKIP the system log goes elsewhere"
	fi
}

# engine root|user COMMAND [ARGUMENT]...: run podman, and set out and status
engine() {
	"$@" > "$dir/out" 2>&1
	status=$?
	out=$(cat "$dir/out")
	[ $status = 0 ] || sed 's/^/# /' "$dir/out"
}

# start WHO NAME POOL [OPTION]...: start a container that uses 8 MiB of a pool
start() {
	local who=$1 name=$2 from=$3

	shift 3
	engine "$who" run -d --name "$name" --device "vpool.dev/pool=$from" "$@" box \
		/bin/pool_user 8
	is "$who: a container starts ($name)" $status 0
	find_container "$who" "$name"
	until_true 60 is_ready "$from"
}
# The program has forked, and both processes have written to the memory.
is_ready() {
	has_members "$1" 2 && [ "$(value "$1" memory/used_bytes)" = $((8 << 20)) ]
}

# find_container WHO NAME: set pid, conmon and at, the cgroup
find_container() {
	read -r pid conmon < \
		<("$1" inspect -f '{{.State.Pid}} {{.State.ConmonPid}}' "$2")
	at=$(sed -n "s,^0::,$cgroups,p" "/proc/$pid/cgroup")
}

# cpus_of PID: print the affinity of a process
cpus_of() { sed -n 's/^Cpus_allowed_list:\t//p' "/proc/$1/status"; }

# added WHO NAME [COMMAND]...: add a process to a container, and print its affinity
added() {
	local who=$1 name=$2

	shift 2
	[ $# -gt 0 ] || set -- grep Cpus_allowed_list /proc/self/status
	"$who" exec "$name" "$@" 2>&1 | sed 's/^.*:\t//' | tr -d '\r' | xargs
}

value() { cat "/sys/kernel/vpool/pools/$1/$2"; }
has_members() { [ "$(value "$1" cpus/members)" = "$2" ]; }
is_free() { has_members "$1" 0 && [ "$(value "$1" memory/used_bytes)" = 0 ]; }
is_on() { [ "$(cpus_of "$pid")" = "$1" ]; }

# left CGROUP: print "removed", or whether it has processes: 0 or 1
left() {
	local populated

	populated=$(sed -n 's/^populated //p' "$1/cgroup.events" 2> /dev/null)
	echo "${populated:-removed}"
}
is_left() { [ "$(left "$1")" = "$2" ]; }

# returned NAME POOL CGROUP: check that a container has left nothing
returned() {
	until_true 60 is_free "$2"
	is "$1: the pool has no member and no used memory" "$(value "$2" cpus/members) $(
		value "$2" memory/used_bytes) $(value "$2" memory/regions)" '0 0 0'
	[ -n "${3-}" ] || return
	until_true 20 is_left "$3" "${4:-removed}"
	is "$1: the cgroup" "$(left "$3")" "${4:-removed}"
}

# common WHO POOL [OPTION]...: tests that are the same for root and for other users
common() {
	local who=$1 from=$2

	shift 2
	start "$who" one "$from" "$@"
	is "$who: it uses memory of the pool" "$(value "$from" memory/used_bytes)" $((8 << 20))
	is "$who: its processes are members" "$(value "$from" cpus/members)" 2
	is "$who: it runs on the pool's CPUs" "$(cpus_of "$pid")" 2-3
	is "$who: it knows its pool" "$(tr '\0' '\n' < "/proc/$pid/environ" |
		grep '^VPOOL_' | sort | xargs)" "VPOOL_DEVICE=/dev/vpool/$from VPOOL_POOL=$from"
	is "$who: processes that are added have the same CPUs, cannot leave them, and have the device" \
		"$(added "$who" one sh -c "
			grep Cpus_allowed_list /proc/self/status
			taskset f grep Cpus_allowed_list /proc/self/status
			: <>/dev/vpool/$from && echo opened")" '2-3 2-3 opened'
	try 0 resize "$from" --cpus 1 -q
	until_true 20 is_on 1
	is "$who: it follows a resize" "$(cpus_of "$pid")" 1
	is "$who: so do processes that are added" "$(added "$who" one)" 1
	try 0 resize "$from" --cpus 2-3 -q
	until_true 20 is_on 2-3
	is "$who: and back" "$(cpus_of "$pid")" 2-3
	engine "$who" rm -f -t 0 one
	is "$who: it is removed" $status 0
	returned "$who: removed" "$from" "$at"

	start "$who" two "$from" "$@"
	kill -KILL "$conmon"
	until_true 20 test ! -e "/proc/$conmon"
	is "$who: it outlives its conmon" "$(value "$from" cpus/members)" 2
	kill -KILL "$pid"
	until_true 60 is_free "$from"
	is "$who: a killed container without conmon returns all" "$(
		value "$from" cpus/members) $(value "$from" memory/used_bytes)" '0 0'
	engine "$who" rm -f -t 0 two
	is "$who: it is removed" $status 0
	returned "$who: killed" "$from" "$at" "$podman_leaves"
}

# gone WHO POOL COMMAND...: tests of a pool that is destroyed, and created by the command
gone() {
	local who=$1 from=$2

	shift 2
	try 0 destroy "$from"
	engine "$who" run --rm --device "vpool.dev/pool=$from" box true
	like "$who: a pool that has gone" "$status $out" "12[67] *\"/dev/vpool/$from\": no such file*"
	is "$who: no container is left" "$("$who" ps -aq)" ''
	"$@" > /dev/null
	engine "$who" run --rm --device "vpool.dev/pool=$from" box true
	is "$who: the file fits a pool of the same name" $status 0
}

make_image
[ -e /dev/log ] || listen

# Root

vpoolctl create $pool --cpus 2-3 --mem 64M -q
try 0 cdi $pool --directory $cdi
engine root import "$dir/image.tar" box
is 'root has the image' $status 0

# podman 4.3 does not remove the cgroup of a container whose conmon was killed, whether or
# not the container has a pool. It is empty then.
engine root run -d --name none box sleep 1000
find_container root none
kill -KILL "$conmon"
root rm -f -t 0 none > /dev/null
podman_leaves=$(sed -n 's/^populated //p' "$at/cgroup.events" 2> /dev/null)
echo "# without a pool, podman leaves a cgroup that is populated: ${podman_leaves:-none}"

common root $pool
start root three $pool
kill -KILL "$conmon"
engine root rm -f -t 0 three
is 'a container without conmon is removed' $status 0
returned 'without conmon' $pool "$at" "$podman_leaves"

start root one $pool
echo "pools: { $pool: { mem: 64M, cpus: 1-2 } }" > "$dir/apply.conf"
try 0 apply --keep "$dir/apply.conf"
is 'processes that are added follow apply' "$(added root one)" 1-2
try 0 resize $pool --cpus 2-3 -q
try 1 destroy $pool
# shellcheck disable=SC2154 # try sets it
like 'a pool in use is not destroyed' "$err" '*--force*'
root rm -f -t 0 one > /dev/null
returned 'apply' $pool

engine root run --rm --cpuset-cpus 3 --device vpool.dev/pool=$pool box \
	grep Cpus_allowed_list /proc/self/status
like 'a container can have fewer CPUs' "$out" '*:	3'
engine root run --rm --cpuset-cpus 1-2 --device vpool.dev/pool=$pool \
	--annotation "run.oci.hooks.stderr=$dir/hook" box true
like 'a container cannot have other CPUs' "$status $out" '126 *error executing hook*vpoolctl*'
logged 'the system log has the reason' \
	"*vpoolctl*cdi $pool: container *: the container's cgroup has the CPUs 1-2, and the pool has 2-3"
like 'an annotation keeps it as well' "$(cat "$dir/hook")" \
	"vpoolctl: cdi $pool: the container's cgroup has the CPUs 1-2*Try *"
is 'no container is left' "$(root ps -aq)" ''
returned 'a refused container' $pool

engine root run --rm --cgroups=disabled --device vpool.dev/pool=$pool box \
	grep Cpus_allowed_list /proc/self/status
like 'a container without a cgroup of its own is a member' "$out" '*:	2-3'
logged 'the system log has a warning' "*container *: the container has no cgroup with a cpuset*"
gone root $pool vpoolctl create $pool --cpus 2-3 --mem 64M
vpoolctl destroy $pool

vpoolctl create cdi-mem --mem 16M -q
try 0 cdi cdi-mem -d $cdi -q
engine root run --rm --device vpool.dev/pool=cdi-mem box sh -c \
	'grep Cpus_allowed_list /proc/self/status; pool_user 8 & sleep 2; kill $!; [ -c /dev/vpool/cdi-mem ]'
like 'a pool without CPUs' "$status $out" '0 *:	0-*ready*'
returned 'a pool without CPUs' cdi-mem
try 0 destroy cdi-mem

vpoolctl create 7cdi --cpus 2 -q
try 0 cdi 7cdi -d $cdi -q
engine root run --rm --device vpool.dev/pool=7cdi box grep Cpus_allowed_list /proc/self/status
like 'a pool whose name starts with a digit' "$out" '*:	2'
try 0 destroy 7cdi

vpoolctl create cdi-iso --cpus 2-3 --isolate -q
try 0 cdi cdi-iso -d $cdi -q
like 'an isolated pool needs its slice' "$err" "*--cgroup-parent=vpool_cdi\\\\x2diso.slice"
engine root run --rm --device vpool.dev/pool=cdi-iso box true
like 'a container outside the slice' "$status $out" '126 *error executing hook*'
logged 'the system log has the reason' "*pool 'cdi-iso' is isolated, and the container's cgroup */libpod-* is not in vpool_cdi*"
engine root run -d --name iso --cgroup-parent='/vpool_cdi\x2diso.slice/containers' \
	--device vpool.dev/pool=cdi-iso box sleep 1000
is 'a container in the slice' $status 0
find_container root iso
is 'it runs on the isolated CPUs' "$(cpus_of "$pid") $(added root iso)" '2-3 2-3'
root rm -f -t 0 iso > /dev/null
try 0 destroy cdi-iso
is 'the slice is removed' "$(ls -d $cgroups/vpool_cdi*.slice 2> /dev/null)" ''

# Another user

vpoolctl create cdi-own --cpus 2-3 --mem 64M --owner $user -q
vpoolctl create $pool --mem 16M -q
try 0 cdi cdi-own -d $cdi
engine user import "$dir/image.tar" box
is 'the user has the image' $status 0
common user cdi-own --cgroup-parent=/vpool_cdi_user/containers
start user one cdi-own
is 'the default of a user without systemd is a member' "$(cpus_of "$pid")" 2-3
logged 'the system log has a warning' "*container *: the container has no cgroup with a cpuset*"
user rm -f -t 0 one > /dev/null
returned 'without a cgroup' cdi-own
engine user run --rm --device vpool.dev/pool=$pool box true
like 'the pool of another user is refused' "$status $out" '12[67] *error executing hook*'
logged 'the system log has the reason' "*you may not open /dev/vpool/$pool*"
is 'the user can mark a cgroup' "$(
	setpriv --reuid "$uid" --regid "$uid" --clear-groups python3 -c '
import os, sys
os.setxattr(sys.argv[1], "user.vpool.pool", b"cdi-own")' $mine 2>&1)" ''
start user one cdi-own --cgroup-parent=/vpool_cdi_user/containers
echo 1-3 > $mine/cpuset.cpus
try 0 resize cdi-own --cpus 2 -q
is "root's cpuset of a cgroup of a user is not changed" "$(cat $mine/cpuset.cpus)" 1-3
is 'the cpuset of the container is' "$(added user one)" 2
user rm -f -t 0 one > /dev/null
gone user cdi-own vpoolctl create cdi-own --cpus 2-3 --mem 64M --owner $user
# podman keeps one process for the namespaces of the user: catatonit, or a copy of itself.
is 'the user has no process left' \
	"$(pgrep -u $user -l | grep -vxE '[0-9]+ (catatonit|podman pause)')" ''
try 0 destroy cdi-own $pool
for name in $pool cdi-own cdi-mem cdi-iso 7cdi; do
	try 0 cdi "$name" -d $cdi --remove -q
done
is 'no file is left' "$(ls $cdi)" ''
tap_end
