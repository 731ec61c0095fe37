#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run the commands of Documentation/hosts/guide.rst in their order, on two hosts with four
# CPUs. The hosts have no systemd, and the programs of Slurm, haproxy and Pacemaker are not
# configured by their packages, so that the test writes what the guide takes for granted.
#
# shellcheck disable=SC2016,SC2029 # the shell of a host expands the commands

# shellcheck source=selftests/hosts/hosts.sh
. "$(dirname "$(readlink -f "$0")")/hosts.sh"
top=$(readlink -f "$here/../..")
# shellcheck source=selftests/vm/guest.sh
. "$here/../vm/guest.sh"
need_hosts 2
need_guest
for command in slurmctld-wlm haproxy nginx crm corosync; do
	command -v $command > /dev/null || skip_all "no $command here"
done

guide=$top/Documentation/hosts/guide.rst
slurm=$top/selftests/slurm/host.sh
# What the shells of the steps need.
export top

# shellcheck disable=SC2317 # the trap calls it
clean_up() {
	rm -f /run/ssh/host2-*
	both 'for name in nginx haproxy pacemakerd corosync slurmctld slurmd munged; do
			pkill -x "$name"
		done
		kill $(cat /run/agent.pid)
		vpoolctl vm stop --force shop; vpoolctl destroy --force web; umount /srv/shared; true'
	rm -rf "$dir" /cluster/shared /cluster/slurm
} > /dev/null 2>&1
trap clean_up EXIT

# both COMMAND: run a command on each host.
both() {
	bash -c "$1" && ssh host2 "$1"
}

# Print the commands of the guide, one a line. They are in literal blocks, and begin with
# the name of a program; other blocks are parts of files.
commands_of_guide() {
	awk '/^[^ ]/ { block = /::$/ && !/^\.\./; next }
		block && NF {
			sub(/^ +/, "")
			if (sub(/ *\\$/, " ")) { line = line $0; next }
			print line $0
			line = ""
		}' "$guide" |
		grep -E '^(apt-get|modprobe|ssh|ssh-keygen|ssh-copy-id|vpoolctl|srun|chown|systemctl|crm|crm_mon) '
}

# part_of_guide LINE: print the literal block of the guide that begins with this line.
part_of_guide() {
	awk -v first="    $1" '$0 == first { block = 1 }
		block && /^[^ ]/ { exit }
		block { sub(/^    /, ""); print }' "$guide"
}

mapfile -t commands < <(commands_of_guide)
nr=0
# step PATTERN [COMMAND]: run the next command of the guide, which must match the pattern.
# With COMMAND, run that instead. Set out.
step() {
	local command=${commands[nr]-}

	nr=$((nr + 1))
	# shellcheck disable=SC2254 # it is a pattern
	case $command in
	$1) ;;
	*)
		like "command $nr of the guide" "$command" "$1"
		return
		;;
	esac
	bash -c "${2:-$command}" > "$dir/out" 2>&1 < /dev/null
	is "$command" $? 0
	out=$(cat "$dir/out")
	sed 's/^/# /' "$dir/out"
}

# The user and the group that the packages make, and /dev/kvm as udev makes it.
prepare='systemd-sysusers "$TESTVM_TOP/packaging/sysusers.d/vpool.conf"
	getent group kvm > /dev/null || groupadd -r kvm
	chown root:kvm /dev/kvm && chmod 660 /dev/kvm
	ln -sf "$(command -v vpoolctl)" /usr/bin/vpoolctl
	mkdir -p /srv/shared /var/log/crmsh'
both "$prepare" > "$dir/out" 2>&1
is 'the hosts are as the packages make them' $? 0
mkdir -p /cluster/shared

section 'two hosts with pools'
# check-deb tests the packages. The hosts have the module and their keys.
step 'apt-get install *' true
step 'modprobe vpool' 'grep -q "^vpool " /proc/modules'
step 'ssh-keygen *' 'test -s /root/.ssh/id_ed25519'
step 'ssh-copy-id host2' true
step 'ssh -o BatchMode=yes *'
is 'the other host is ready' "$out" ready
step 'ssh host2 vpoolctl host'
step 'vpoolctl create web *'
step 'ssh host2 vpoolctl create web *'
create_pools() {
	nr=$((nr - 2))
	step 'vpoolctl create web *'
	step 'ssh host2 vpoolctl create web *'
}
pools_at=$nr
step 'ssh host2 vpoolctl list'
like 'the other host has its pool' "$out" '*web *active *'
step 'vpoolctl export *'
vpoolctl destroy web > /dev/null
try 0 apply /etc/vpool.conf
is 'the file creates the pool again' "$(vpoolctl list --noheadings -o NAME,CPUS | xargs)" 'web 1-2'

section 'a job'
step 'vpoolctl destroy web'
step 'ssh host2 vpoolctl destroy web'
both "\$TESTVM_TOP/selftests/slurm/host.sh prepare" > "$dir/out" 2>&1
is 'the hosts have Slurm' $? 0
part_of_guide 'ProctrackType=proctrack/cgroup' > "$dir/slurm"
{
	"$slurm" conf | grep -vE "^($(sed -n 's/=.*//p' "$dir/slurm" | sort -u | paste -sd '|'))="
	cat "$dir/slurm"
} > /cluster/slurm/slurm.conf
sed 's/^/# /' "$dir/slurm"
part_of_guide 'ConstrainCores=yes' | grep . > "$dir/cgroup"
is "cgroup.conf has the lines of the guide" "$(grep -cxFf "$dir/cgroup" /etc/slurm/cgroup.conf)" \
	"$(wc -l < "$dir/cgroup")"
"$slurm" controller && both '$TESTVM_TOP/selftests/slurm/host.sh node'
idle() { [ "$(sinfo -h -N -t idle -o %N 2> /dev/null | sort -u | wc -l)" = 2 ]; }
until_true 180 idle
is 'both nodes are idle' $? 0
export job=${commands[nr]}
step 'srun -N2 *' \
	'cd / && exec setpriv --reuid=nobody --regid=nogroup --clear-groups bash -c "$job"'
is 'the step had a pool of the same name on both hosts' \
	"$(sed -n 's/^\(host[12]\): slurm-[0-9]*\.0$/\1/p' <<< "$out" | sort | xargs) $(
		sed -n 's/^host[12]: slurm/slurm/p' <<< "$out" | sort -u | wc -l)" 'host1 host2 1'
no_pools() { [ -z "$(pools_of host1; pools_of host2)" ]; }
until_true 30 no_pools
no_pools_left
both 'kill $(cat /run/slurmctld.pid /run/slurmd.pid /run/munge/munged.pid 2> /dev/null)'

section 'a machine that moves'
at=$nr
nr=$pools_at
create_pools
nr=$at
qemu-img create -q -f qcow2 /srv/shop.qcow2 32M
step 'chown vpool-vm /srv/shop.qcow2'
step 'vpoolctl vm start shop *'
step 'vpoolctl vm migrate shop *'
step 'ssh host2 vpoolctl vm list'
like 'the machine runs there' "$out" '*shop *web *running*'
step 'vpoolctl list'
is 'the pool has its memory back' "$(cat $pools/web/memory/used_bytes)" 0
is 'QEMU there is of the user vpool-vm' \
	"$(ssh host2 'ps -o user= -p $(vpoolctl vm list --noheadings -o PID)')" vpool-vm
is 'so is the disk' "$(ssh host2 stat -c %U /srv/shop.qcow2)" vpool-vm
ssh host2 vpoolctl vm stop --force shop > /dev/null

section 'a service that grows'
cat > /cluster/shared/nginx.conf <<'EOF'
user root;
pid /run/nginx.pid;
events { worker_connections 64; }
http {
	access_log off;
	client_body_temp_path /run/nginx-body;
	proxy_temp_path /run/nginx-proxy;
	fastcgi_temp_path /run/nginx-fastcgi;
	uwsgi_temp_path /run/nginx-uwsgi;
	scgi_temp_path /run/nginx-scgi;
	server { listen 8080; location / { return 200 "up\n"; } }
}
EOF
both 'mkdir -p /etc/nginx /var/log/nginx /var/lib/nginx && cp /cluster/shared/nginx.conf /etc/nginx'
run_nginx=${commands[nr]}
step 'vpoolctl run web -- nginx'
# nginx would keep the connection open.
ssh host2 "$run_nginx > /run/nginx.out 2>&1"
is 'the same on the other host' $? 0
# What systemd does for the socket.
agent='setsid systemd-socket-activate -l 9707 -E PATH -E LD_LIBRARY_PATH "$(command -v vpoolctl)" agent web \
	> /run/agent.log 2>&1 < /dev/null &
	echo $! > /run/agent.pid'
step 'systemctl enable --now vpool-agent@web.socket' "$agent"
ssh host2 "$agent"
{
	cat <<-EOF
	global
		stats socket /run/haproxy.sock
		pidfile /run/haproxy.pid
	defaults
		timeout connect 5s
		timeout client 60s
		timeout server 30s
		timeout check 10s
	frontend web
		mode http
		bind 127.0.0.1:8000
		default_backend web
	EOF
	part_of_guide 'backend web'
} > /etc/haproxy.cfg
haproxy -D -f /etc/haproxy.cfg > "$dir/out" 2>&1
is 'haproxy accepts the backend of the guide' $? 0
sed 's/^/# /' "$dir/out"
# state SERVER: print its status and its weight
state() {
	echo 'show stat' | socat - UNIX-CONNECT:/run/haproxy.sock | awk -F, -v server="$1" '
		NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i }
		$2 == server { sub(/ .*/, "", $at["status"]); print $at["status"], $at["weight"] }'
}
# shellcheck disable=SC2053 # it is a pattern
has_state() { [[ $(state "$1") = $2 ]]; }
until_true 60 has_state host1 'UP 2'
until_true 60 has_state host2 'UP 2'
is 'the weights are the numbers of CPUs' "$(state host1) $(state host2)" 'UP 2 UP 2'
is 'the service answers' "$(exec 3<> /dev/tcp/127.0.0.1/8000; printf 'GET / HTTP/1.0\r\n\r\n' >&3
	tail -n 1 <&3)" up
step 'ssh host2 vpoolctl resize web *'
until_true 60 has_state host2 'UP 3'
is 'the weight follows the pool' "$(state host2)" 'UP 3'
step 'ssh host2 vpoolctl agent web --drain'
until_true 60 has_state host2 'DRAIN *'
like 'the host is drained' "$(state host2)" 'DRAIN *'
step 'ssh host2 vpoolctl agent web --ready'
until_true 60 has_state host2 'UP 3'
is 'it is back' "$(state host2)" 'UP 3'
kill "$(cat /run/haproxy.pid)"
both 'kill $(cat /run/nginx.pid) $(cat /run/agent.pid)'
ssh host2 vpoolctl resize web --cpus 1-2 > /dev/null

section 'a machine that survives the loss of its host'
both 'mount --bind /cluster/shared /srv/shared'
truncate -s 16M /srv/shared/shop.img
step 'chown vpool-vm /srv/shared/shop.img'
both '$TESTVM_TOP/selftests/hosts/services_host.sh pacemaker'
is 'corosync and Pacemaker start' $? 0
online() { crm_mon -1 2> /dev/null | grep -q 'Online:.* host1 host2 '; }
until_true 180 online
is 'both hosts are online' $? 0
# There is no fence device here.
crm_attribute --name stonith-enabled --update false
step 'crm configure primitive shop *'
where() { crm_mon -1 2> /dev/null | sed -n 's/.*shop.*Started \(host[12]\).*/\1/p'; }
runs() { [ -n "$(where)" ]; }
until_true 120 runs
step 'crm_mon -1'
like 'Pacemaker runs the machine' "$out" '*shop*Started host[12]*'
first=$(where)
other=host1
[ "$first" = host1 ] && other=host2
is 'it is of the pool' "$(ssh "$first" vpoolctl vm list --noheadings -o NAME,POOL | xargs)" 'shop web'
if [ "$first" = host2 ]; then
	section 'the power of host2 is cut'
	control power-off host2
	rm -f /run/ssh/host2-*
else
	section 'host1 runs this test: Pacemaker there is put on standby'
	crm_attribute --node host1 --name standby --update on
fi
is_there() { [ "$(where)" = "$other" ]; }
until_true 240 is_there
is 'the machine is on the other host' "$(where)" "$other"
[ "$first" = host1 ] || { control power-on host2 && control wait host2; }
crm_resource --resource shop --set-parameter target-role --meta --parameter-value Stopped \
	> /dev/null 2>&1
stopped() { [ -z "$(new_ssh "$other" vpoolctl vm list --noheadings)" ]; }
until_true 120 stopped
is 'it stops' $? 0

section 'the way back'
step 'vpoolctl ps web'
step 'vpoolctl destroy web'
# The module of the test is not in /lib/modules.
step 'modprobe -r vpool' 'pkill -x pacemakerd; rmmod vpool && insmod "$VPOOL_KO"'
new_ssh host2 'vpoolctl destroy --force web' > /dev/null 2>&1
no_pools_left
is 'the test has run all commands of the guide' $nr ${#commands[@]}
tap_end
