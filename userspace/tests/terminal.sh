#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Completion and top on a terminal of tmux. VPOOLCTL is the program, BUILD the build
# directory with the completion.

dir=$(mktemp -d) || exit 1
# shellcheck source=/dev/null
. "$(dirname "$0")/tap.sh"

if ! command -v tmux >/dev/null; then
	tap_result yes 'a terminal # SKIP tmux is not installed'
	tap_end
fi

mux()
{
	tmux -S "$dir/socket" -f /dev/null "$@"
}
trap 'mux kill-server 2>/dev/null; rm -r "$dir"' EXIT

# sees NAME PATTERN: wait up to 15 seconds until the screen matches
sees()
{
	local i screen

	for ((i = 0; i < 60; i++)); do
		screen=$(mux capture-pane -p 2>/dev/null)
		# shellcheck disable=SC2254 # it is a pattern
		case $screen in
		$2) break ;;
		esac
		sleep 0.25
	done
	like "$1" "$screen" "$2"
}

# types NAME TEXT PATTERN: complete a new line, and wait until the screen matches
types()
{
	mux send-keys C-u
	mux send-keys C-l
	mux send-keys -l "$2"
	mux send-keys Tab
	sees "$1" "$3"
}

export LC_ALL=C.UTF-8
export VPOOL_SYSFS_DIR="$dir/sys" VPOOL_DEV_DIR="$dir/dev"
mkdir -p "$dir/sys/pools/web/cpus" "$dir/sys/pools/web/memory" \
	"$dir/sys/pools/web/stat"
echo active >"$dir/sys/pools/web/state"
echo 70-71,83 >"$dir/sys/pools/web/cpus/assigned"
echo 8388608 >"$dir/sys/pools/web/memory/total_bytes"
echo 'pools: {}' >"$dir/some-file.conf"

cat >"$dir/bashrc" <<-END
	PS1='% '
	vpoolctl() { "$VPOOLCTL" "\$@"; }
	. "$BUILD/completion/vpoolctl"
	cd "$dir"
	bind 'set show-all-if-ambiguous on'
END
mux new-session -d -x 100 -y 20 "bash --noprofile --rcfile $dir/bashrc -i"
sees 'a prompt' '*%*'
types 'a verb is completed' 'vpoolctl des' '% vpoolctl destroy*'
types 'an option is completed' 'vpoolctl apply --dry' \
	'% vpoolctl apply --dry-run*'
types 'a file is completed' 'vpoolctl check some' \
	'% vpoolctl check some-file.conf*'
types 'a column is completed' 'vpoolctl top --sort MEMB' \
	'% vpoolctl top --sort MEMBERS*'
types 'a pool is completed' 'vpoolctl show w' '% vpoolctl show web*'
types 'a CPU is completed' 'vpoolctl attach web --tid 1 --cpu 8' \
	'% vpoolctl attach web --tid 1 --cpu 83*'
types 'CPUs are offered after a comma' 'vpoolctl resize web --cpus 70,7' \
	'*70,70*70,71*% vpoolctl resize web --cpus 70,7*'
types 'a node is completed' 'vpoolctl create x --mem 4G@' \
	'% vpoolctl create x --mem 4G@0*'
mux send-keys C-u
mux send-keys -l 'vpoolctl top -d 0.3'
mux send-keys Enter
sees 'top shows a pool' '*vpoolctl top - *, 1 pool*sorted by USED*NAME*web *8M*'
# On a narrow screen, less important columns are hidden.
sees '100 columns show all rates' '*ALLOCS/S FAULTS/S SCRUBBED/S*'
mux resize-window -x 80 -y 20
sees '80 columns show all rates' '*NAME *CPUS *BUSY% *ALLOCS/S FAULTS/S SCRUBBED/S*web *'
mux resize-window -x 40 -y 20
sees '40 columns show the used memory' '*NAME *USED*USED%*BUSY%*web *'
mux resize-window -x 100 -y 20
mux send-keys N
sees 'top sorts' '*sorted by NAME*'
rm -r "$dir/sys/pools/web"
sees 'top notices a destroyed pool' '*0 pools*'
mux send-keys q
sees 'top restores the terminal' '*%*top -d 0.3*%*'
mux send-keys -l 'vpoolctl top </dev/null; echo it ended with $?'
mux send-keys Enter
sees 'top needs a terminal as standard input' '*standard input is not a terminal*it ended with 2*'
# A terminal that disappears without SIGHUP.
mux new-window -n gone "trap '' HUP; echo \$\$ >'$dir/pid'; exec '$VPOOLCTL' top -d 0.3"
sees 'top ignores SIGHUP in a new window' '*vpoolctl top*0 pools*'
pid=$(cat "$dir/pid")
mux kill-window -t gone
for _ in {1..60}; do
	kill -0 "$pid" 2>/dev/null || break
	sleep 0.25
done
is 'top ends when its terminal disappears' "$(ps -o comm= -p "$pid")" ''

tap_end
