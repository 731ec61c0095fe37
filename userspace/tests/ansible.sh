#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The example of a role for Ansible, with a vpoolctl that only notes its calls: the role
# writes the declaration, applies it once, changes nothing the second time, and keeps the old
# file if the new one has a mistake. VPOOLCTL is the program that checks the file.

here=$(dirname "$(readlink -f "$0")")
dir=$(mktemp -d) || exit 1
trap 'rm -r "$dir"' EXIT
# shellcheck source=/dev/null
. "$here/tap.sh"

export LC_ALL=C.UTF-8 HOME="$dir" ANSIBLE_NOCOLOR=1 ANSIBLE_LOCALHOST_WARNING=false
export ANSIBLE_ROLES_PATH="$here/../examples/ansible/roles" ANSIBLE_RETRY_FILES_ENABLED=0
export ANSIBLE_HOME="$dir/ansible" ANSIBLE_LOCAL_TEMP="$dir/tmp" ANSIBLE_REMOTE_TEMP="$dir/tmp"

if ! command -v ansible-playbook >/dev/null; then
	tap_result yes 'the role # SKIP ansible-playbook is not installed'
	tap_end
fi

# A host has a change to make until apply has run.
cat >"$dir/vpoolctl" <<END
#!/bin/sh
echo "\$*" | sed "s,$dir/[^ ]*,FILE," >>"$dir/calls"
case \$* in
check*)
	exec "$VPOOLCTL" "\$@"
	;;
*--dry-run*)
	[ -e "$dir/applied" ] && changes='' || changes='{"name":"web"}'
	echo "{\"version\":1,\"changes\":[\$changes]}"
	;;
*)
	touch "$dir/applied"
	;;
esac
END
chmod +x "$dir/vpoolctl"

# play NAME POOLS [ARGUMENT...]: run the role; set recap and calls
play()
{
	local pools=$1

	shift
	: >"$dir/calls"
	cat >"$dir/site.yml" <<-END
		- hosts: localhost
		  connection: local
		  gather_facts: false
		  roles:
		    - role: vpool
		      vpool_packages: []
		      vpool_config: $dir/vpool.conf
		      vpool_vpoolctl: $dir/vpoolctl
		      vpool_pools: $pools
	END
	ansible-playbook -i localhost, "$@" "$dir/site.yml" >"$dir/out" 2>&1
	recap=$(sed -nE 's/^localhost .*(changed=[0-9]+).*(failed=[0-9]+).*/\1 \2/p' "$dir/out")
	calls=$(cat "$dir/calls")
	[ -n "$recap" ] || sed 's/^/# /' "$dir/out"
}

good='{web: {cpus: 2-3, mem: [1G@0, 512M], isolate: true}, db: {mem: 25%}}'
play "$good" --check
is 'check mode finds the changes' "$recap" 'changed=2 failed=0'
is 'check mode changes nothing' "$(ls "$dir/vpool.conf" "$dir/applied" 2>/dev/null)" ''
play "$good"
is 'the first run changes the host' "$recap" 'changed=3 failed=0'
is 'the declaration is checked before it is applied' "$calls" "check FILE
apply --keep --dry-run --json
apply --quiet --keep"
is 'the declaration is as the variables say' "$(python3 -c '
import json, sys, yaml
print(json.dumps(yaml.safe_load(open(sys.argv[1])), sort_keys=True))' "$dir/vpool.conf" 2>&1)" \
	'{"pools": {"db": {"mem": "25%"}, "web": {"cpus": "2-3", "isolate": true, "mem": ["1G@0", "512M"]}}}'
before=$(cat "$dir/vpool.conf")
play "$good"
is 'the second run changes nothing' "$recap" 'changed=0 failed=0'
play '{web: {cpu: 2}}'
is 'a mistake fails' "$recap" 'changed=0 failed=1'
like 'the message names the mistake' "$(cat "$dir/out")" "*unknown property 'cpu': did you mean 'cpus'?*"
is 'a mistake leaves the old file' "$(cat "$dir/vpool.conf")" "$before"
play '{web: {cpus: 2, mode: 0660}}'
is 'a mode without quotes fails' "$recap $(grep -c 'quote the mode' "$dir/out")" \
	'changed=0 failed=1 1'
play '{web: {cpus: 2, mode: "0660"}}'
is 'a mode with quotes is kept' "$(grep mode: "$dir/vpool.conf")" "    mode: '0660'"
ansible-playbook --syntax-check -i localhost, "$here/../examples/ansible/site.yml" \
	>"$dir/out" 2>&1
is 'the example playbook is valid' "$?" 0

tap_end
