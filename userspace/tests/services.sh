#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The interfaces of the OCF agent ocf:vpool:vm and of the libvirt hook, without a cluster
# and without libvirt. A program in the place of vpoolctl notes its arguments.
# selftests/vm/services.sh tests both with real machines. SOURCE is the source tree.

dir=$(mktemp -d) || exit 1
trap 'rm -r "$dir"' EXIT
# shellcheck source=/dev/null
. "$(dirname "$0")/tap.sh"

export LC_ALL=C
mkdir "$dir/bin"
# It prints $dir/list for vm list, notes other arguments in $dir/calls, and takes the
# messages and exit statuses of these calls from the lines of $dir/answers.
cat >"$dir/bin/vpoolctl" <<-END
	#!/bin/bash
	if [ "\$1 \$2" = 'vm list' ]; then
		cat "$dir/list"
		exit "\$(cat "$dir/list_status" 2>/dev/null || echo 0)"
	fi
	printf '<%s>' "\$@" >>"$dir/calls"
	echo >>"$dir/calls"
	read -r status message <"$dir/answers"
	sed -i 1d "$dir/answers"
	[ -z "\$message" ] || echo "\$message" >&2
	[ "\$1 \$2 \$status" != 'vm stop 0' ] || : >"$dir/list"
	exit "\${status:-0}"
END
chmod 755 "$dir/bin/vpoolctl"
tools=$PATH
PATH=$dir/bin:$PATH

agent=$SOURCE/packaging/ocf/vm

# agent LIST ANSWERS ACTION [PARAMETER=VALUE...]: run the agent; set out, err, status and
# calls
agent()
{
	printf '%s' "$1" >"$dir/list"
	printf '%s' "$2" >"$dir/answers"
	: >"$dir/calls"
	env "${@:4}" "$agent" "$3" >"$dir/out" 2>"$dir/err"
	status=$?
	out=$(cat "$dir/out")
	err=$(cat "$dir/err")
	calls=$(cat "$dir/calls")
}

nl='
'
echo disk >"$dir/disk"
shop=(OCF_RESKEY_vm=shop OCF_RESKEY_pool=web "OCF_RESKEY_disk=$dir/disk,format=raw")

agent '' '' meta-data
is 'meta-data succeeds without parameters' "$status" 0
like 'meta-data describes the agent' "$out" '<?xml*<resource-agent name="vm"*</resource-agent>'
for word in $(sed -n "s/^options='\(.*\)'/\1/p" "$agent") vm options qemu; do
	like "meta-data describes the parameter $word" "$out" "*<parameter name=\"$word\"*"
done
for word in start stop monitor validate-all meta-data; do
	like "meta-data lists the action $word" "$out" "*<action name=\"$word\" timeout=*"
done
if command -v xmllint >/dev/null; then
	is 'meta-data is well-formed' "$(xmllint --noout - <<<"$out" 2>&1)" ''
else
	tap_result yes 'meta-data is well-formed # SKIP there is no xmllint'
fi
agent '' '' usage
like 'usage' "$status $out" '0 usage: *start|stop|monitor|validate-all|meta-data|usage'
agent '' '' migrate_to "${shop[@]}"
like 'an action that the agent lacks' "$status $err" "3 ocf-exit-reason:unknown action 'migrate_to': *"

# invalid NAME STATUS PATTERN PARAMETER...: validate-all and start must fail in this way
invalid()
{
	agent '' '' validate-all "${@:4}"
	like "$1" "$status $err" "$2 ocf-exit-reason:$3"
	agent '' '' start "${@:4}"
	is "$1: start fails, too, and calls nothing" "$status $calls" "$2 "
}
agent '' '' validate-all "${shop[@]}"
is 'validate-all accepts a disk' "$status $err" '0 '
invalid 'no name' 6 "vm='' is not the name of a machine: *"
invalid 'an invalid name' 6 "vm='../x' is not the name of a machine: *" OCF_RESKEY_vm=../x
invalid 'no pool' 6 'the parameter pool is missing' OCF_RESKEY_vm=shop
invalid 'nothing to boot' 6 'there is nothing to boot: *' "${shop[@]:0:2}"
invalid 'a missing disk' 5 "disk: $dir/nowhere does not exist on this node" \
	"${shop[@]:0:2}" "OCF_RESKEY_disk=$dir/nowhere"

agent '' '' monitor "${shop[@]}"
is 'monitor: no machine' "$status" 7
agent "shopping running${nl}xshop running$nl" '' monitor "${shop[@]}"
is 'monitor: machines of other names' "$status" 7
for word in running paused migrating busy; do
	agent "other paused${nl}shop $word$nl" '' monitor "${shop[@]}"
	is "monitor: $word" "$status$err" 0
done
for word in internal-error io-error guest-panicked shutdown watchdog; do
	agent "shop $word$nl" '' monitor "${shop[@]}"
	is "monitor: $word" "$status $err" \
		"1 ocf-exit-reason:the machine shop is in the state $word"
done
echo 3 >"$dir/list_status"
agent '' '' monitor "${shop[@]}"
is 'monitor: the module is not loaded' "$status" 7
echo 1 >"$dir/list_status"
agent '' '' monitor "${shop[@]}"
is 'monitor: vpoolctl fails' "$status" 1
agent '' '' stop "${shop[@]}"
is 'stop: vpoolctl fails' "$status" 1
rm "$dir/list_status"

agent '' '0 started shop' start "${shop[@]}"
is 'start' "$status $calls" \
	"0 <vm><start><--pool><web><--disk><$dir/disk,format=raw><shop><-->"
agent '' '0 started shop' start "${shop[@]}" OCF_RESKEY_mem=1G OCF_RESKEY_vcpus=2 \
	'OCF_RESKEY_append=console=ttyS0 quiet' 'OCF_RESKEY_options=--max-mem 2G --reclaim' \
	'OCF_RESKEY_qemu=-device *'
is 'start with all kinds of parameters' "$calls" \
	"<vm><start><--pool><web><--mem><1G><--vcpus><2><--disk><$dir/disk,format=raw><--append><console=ttyS0 quiet><--max-mem><2G><--reclaim><shop><--><-device><*>"
agent "shop running$nl" '' start "${shop[@]}"
is 'start: it runs' "$status$calls" 0
agent "shop internal-error$nl" '' start "${shop[@]}"
is 'start: it has failed' "$status$calls" 1
while read -r word wanted; do
	agent '' "$word vpoolctl: vm start shop: this fails$nl" start "${shop[@]}"
	is "start: vpoolctl exits with $word" "$status $err" \
		"$wanted ocf-exit-reason:vpoolctl: vm start shop: this fails"
done <<-END
	1 1
	2 6
	3 5
END

agent '' '' stop "${shop[@]}"
is 'stop: no machine' "$status$calls" 0
agent "shop running$nl" 0 stop "${shop[@]}"
is 'stop: three quarters of the default time' "$status $calls" '0 <vm><stop><--timeout><90><shop>'
agent "shop running$nl" 0 stop "${shop[@]}" OCF_RESKEY_CRM_meta_timeout=40000
is 'stop: three quarters of the time' "$status $calls" '0 <vm><stop><--timeout><30><shop>'
agent "shop running$nl" "1 busy${nl}0$nl" stop "${shop[@]}"
like 'stop: the machine is busy' "$status $calls" \
	"0 <vm><stop><--timeout><90><shop>$nl<vm><stop><--timeout><8[0-9]><shop>"
agent "shop running$nl" "1 busy${nl}0$nl" stop "${shop[@]}" OCF_RESKEY_CRM_meta_timeout=2000
is 'stop: the time is over' "$status $calls" \
	"0 <vm><stop><--timeout><1><shop>$nl<vm><stop><--force><shop>"
agent "shop running$nl" "1 no${nl}1 no${nl}1 no$nl" stop "${shop[@]}" \
	OCF_RESKEY_CRM_meta_timeout=2000
like 'stop: nothing helps' "$status $err" '1 *ocf-exit-reason:the machine shop cannot be stopped'

mkdir "$dir/few"
for word in bash cat env; do
	ln -s "$(command -v "$word")" "$dir/few/$word"
done
agent '' '' monitor "${shop[@]}" "PATH=$dir/few"
is 'no vpoolctl: monitor' "$status $err" '5 ocf-exit-reason:vpoolctl is not installed on this node'
agent '' '' stop "${shop[@]}" "PATH=$dir/few"
is 'no vpoolctl: stop' "$status$err" 0

# The hook

hook=$SOURCE/packaging/libvirt/vpool
uri=https://vpool.dev/libvirt/1.0

# hook OPERATION METADATA [ANSWERS]: run the hook for the domain d; set out, err, status
# and calls
hook()
{
	: >"$dir/calls"
	printf '%s' "${3:-}" >"$dir/answers"
	printf '%s\n' "<domain type='kvm' id='1'><name>d</name>$2<vcpu>2</vcpu></domain>" |
		"$hook" d "$1" begin - >"$dir/out" 2>"$dir/err"
	status=$?
	out=$(cat "$dir/out")
	err=$(cat "$dir/err")
	calls=$(cat "$dir/calls")
}
# pool ATTRIBUTES [CONTENTS]: print metadata
pool() { echo "<metadata><v:pool xmlns:v='$uri' $1>${2:-}</v:pool></metadata>"; }

for word in prepare started stopped; do
	PATH=$dir/few hook $word ''
	is "hook: $word of a domain without metadata does nothing" "$status$out$err$calls" 0
done
PATH=$dir/few hook release "$(pool "name='web'")"
is 'hook: the end of a member needs nothing' "$status$out$err$calls" 0
PATH=$dir/few hook prepare "$(pool "name='web'")"
is 'hook: no vpoolctl' "$status $err" '1 vpool: domain d: vpoolctl is not in PATH'
ln -s "$dir/bin/vpoolctl" "$dir/few/vpoolctl"
PATH=$dir/few hook prepare "$(pool "name='web'")"
like 'hook: no xmllint' "$status $err" '1 vpool: domain d: there is no xmllint (*libxml2-utils)'
if ! PATH=$tools command -v xmllint >/dev/null; then
	tap_result yes 'hook: the metadata # SKIP there is no xmllint'
	tap_end
fi

# wrong NAME METADATA PATTERN: the hook must fail before the start
wrong()
{
	hook prepare "$2"
	like "hook: $1" "$status $err" "1 vpool: domain d: $3"
	is "hook: $1: calls nothing" "$calls$out" ''
}
hook prepare "$(pool "name='web'")"
is 'hook: prepare looks for the pool' "$status $calls" '0 <show><--><web>'
hook prepare "<metadata><pool xmlns='$uri' name='web' vcpus='shared'/></metadata>"
is 'hook: any prefix of the namespace' "$status $calls" '0 <show><--><web>'
hook prepare "$(pool "name='web' vcpus='dedicated'" "<v:vcpu id='1' cpu='3'/><v:vcpu id='0'/>")"
is 'hook: a placement' "$status $calls" '0 <show><--><web>'
hook prepare "$(pool "name='web'")" '1 vpoolctl: show web: no such pool'
is 'hook: no such pool' "$status $err" '1 vpool: domain d: vpoolctl: show web: no such pool'
wrong 'no name' "$(pool '')" "the element 'pool' has no name="
wrong 'a misspelt element' "<metadata><v:pol xmlns:v='$uri'/></metadata>" \
	"the metadata has 0 elements 'pool' of $uri instead of 1"
wrong 'a misspelt attribute' "$(pool "name='web' vcpu='dedicated'")" \
	"the element 'pool' has other contents than *"
wrong 'an unknown element' "$(pool "name='web'" "<v:cpu id='1'/>")" \
	"the element 'pool' has other contents than *"
wrong 'an unknown word' "$(pool "name='web' vcpus='own'")" \
	"vcpus='own' is neither shared nor dedicated"
wrong 'no vCPU' "$(pool "name='web'" '<v:vcpu cpu="1"/>')" "id='' is not the number of a vCPU"
wrong 'a vCPU that the domain lacks' "$(pool "name='web'" '<v:vcpu id="2"/>')" \
	"id='2', but the domain has 2 vCPU(s)"
wrong 'a vCPU twice' "$(pool "name='web'" '<v:vcpu id="1"/><v:vcpu id="01" cpu="3"/>')" \
	'the metadata places vCPU 1 twice'
wrong 'a list of CPUs' "$(pool "name='web'" '<v:vcpu id="1" cpu="2-3"/>')" \
	"cpu='2-3' is neither the number of a CPU nor any"
hook started "$(pool "name='web'")"
is 'hook: no process' "$status $err$calls" \
	'1 vpool: domain d: there is no process in /run/libvirt/qemu/d.pid'

tap_end
