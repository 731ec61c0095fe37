#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Test what the other tests of several hosts rely on: hosts reach each other by name, links
# are cut and mended, and a host comes back when it is restarted or its power is cut.

# shellcheck source=selftests/hosts/hosts.sh
. "$(dirname "$(readlink -f "$0")")/hosts.sh"
need_hosts 2

# shellcheck disable=SC2317 # the trap calls it
clean_up() {
	control mend host2
	vpoolctl destroy --force network
	rm -rf "$dir" /cluster/start /cluster/started
} > /dev/null 2>&1
trap clean_up EXIT

reaches() { ping -q -c 1 -W 2 host2 > /dev/null; }
boot_id() { ssh host2 cat /proc/sys/kernel/random/boot_id; }

section 'names and commands'

is 'the first host runs the test' "$(uname -n)" host1
reaches
is 'a host answers by its name' $? 0
# shellcheck disable=SC2016 # the other host expands it
is 'a command runs in the other host' \
	"$(ssh host2 'uname -n; echo $VPOOL_HOST' | tr '\n' ' ')" 'host2 host2 '
is 'the other host reaches this one' "$(ssh host2 ssh host1 uname -n)" host1
is 'a failure is reported' "$(ssh host2 exit 3; echo $?)" 3
ssh host2 vpoolctl create network --mem 64M > "$dir/out" 2>&1
is 'the other host has vpool' $? 0
sed 's/^/# /' "$dir/out"
is 'its pool is not here' "$(ls /sys/kernel/vpool/pools)" ''

section 'data'

head -c 4M /dev/urandom > "$dir/data"
ssh host2 'socat -u TCP-LISTEN:7000 OPEN:/run/data,creat' &
eventually 20 socat -u "OPEN:$dir/data" TCP:host2:7000 2> /dev/null
is 'four megabytes are sent' $? 0
wait
is 'they arrive unchanged' "$(ssh host2 md5sum /run/data | cut -d ' ' -f 1)" \
	"$(md5sum < "$dir/data" | cut -d ' ' -f 1)"
cp "$dir/data" /cluster/data
is 'the other host reads a file of the shared folder' \
	"$(ssh host2 cmp /run/data /cluster/data 2>&1)" ''
rm /cluster/data

section 'a link that is cut'

control cut host2
! reaches
is 'no frame passes' $? 0
new_ssh host2 true 2> /dev/null
is 'a new connection fails' $? 255
control mend host2
eventually 10 reaches
is 'frames pass when it is mended' $? 0
is 'a connection survives' "$(ssh host2 uname -n)" host2
control cut host1 host2
! reaches
is 'no frame passes between two hosts' $? 0
control mend host1 host2
eventually 10 reaches
is 'frames pass again' $? 0

section 'a host that is restarted'

printf '#!/bin/sh\nuname -n > /cluster/started\n' > /cluster/start
chmod +x /cluster/start
before=$(boot_id)
new_ssh host2 'echo b > /proc/sysrq-trigger' 2> /dev/null &
down() { ! control up host2 2> /dev/null; }
eventually 20 down
is 'it goes down' $? 0
kill $! 2> /dev/null
control wait host2
is 'it comes back' $? 0
rm -f /run/ssh/host2-*
[ "$(boot_id)" != "$before" ]
is 'its kernel is another' $? 0
is 'its files are lost' "$(ssh host2 'ls /run/data 2>&1 | grep -c "No such"')" 1
is 'its pool is lost' "$(pools_of host2)" ''
is 'it has run the start script' "$(cat /cluster/started)" host2

section 'a power cut'

if [ -z "${VPOOL_QUICK:-}" ]; then
	rm /cluster/start
	control power-off host2
	is 'the power is off' $? 0
	! reaches
	is 'the host does not answer' $? 0
	control power-on host2 && control wait host2
	is 'it comes back when the power is on' $? 0
	is 'it runs commands' "$(ssh host2 uname -n)" host2
fi

section 'invalid commands'

is 'an unknown host' "$(control cut host9 2>&1)" 'host: no such host: host9'
is 'the power of the first host' "$(control power-cycle host1 2>&1)" \
	"host: host1 runs the command: its power stays on"
control frobnicate host1 2> /dev/null
is 'an unknown command' $? 2

no_pools_left
tap_end
