#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Monitoring of pools with the module: top on a terminal, and metrics through
# node-exporter. Needs root, the module and two CPUs. VPOOLCTL is the program.

# tools/setup unpacks programs here that are not installed.
PATH=$PATH:${VPOOL_TOOLS:-$HOME/.cache/vpool/tools/usr/bin}
dir=$(mktemp -d) || exit 1
# shellcheck source=/dev/null
. "$(dirname "$0")/tap.sh"

export LC_ALL=C.UTF-8
VPOOLCTL=${VPOOLCTL:-$(command -v vpoolctl)}
cpu=$(sed 's/.*[,-]//' /sys/devices/system/cpu/online)
exporter=

if [ ! -c /dev/vpool/control ]; then
	echo '1..0 # SKIP the module is not loaded'
	exit 0
fi
if [ "$(cat /sys/kernel/vpool/default_page_size)" -gt $((2 << 20)) ]; then
	echo '1..0 # SKIP this test declares memory in units of 2 MiB, less than a huge page here'
	exit 0
fi

# shellcheck disable=SC2317 # the trap calls it
clean_up()
{
	[ -z "$exporter" ] || kill "$exporter"
	tmux -L vpool-test kill-server 2>/dev/null
	"$VPOOLCTL" destroy --force watch-a watch-b >/dev/null 2>&1
	rm -r "$dir"
}
trap clean_up EXIT

"$VPOOLCTL" create watch-a --mem 4M --cpus "$cpu" --split-cores --quiet
"$VPOOLCTL" create watch-b --mem 8M --quiet

# Take memory of a pool and touch it.
use()
{
	python3 -c '
import mmap, os, sys
fd = os.open(f"/dev/vpool/{sys.argv[1]}", os.O_RDWR)
with mmap.mmap(fd, 1 << 21) as m:
    m[0] = 1
' "$1"
}

# top, as batch and on a terminal

"$VPOOLCTL" run watch-a sh -c 'while :; do :; done' &
burner=$!
# Try again if the test machine stalls during the measurement.
for _ in {1..6}; do
	"$VPOOLCTL" top -b -n 1 -d 10 -J >"$dir/top" &
	top_pid=$!
	# Use memory all the time, so that some of it falls between the two samples.
	while kill -0 "$top_pid" 2>/dev/null; do
		use watch-b
	done
	wait "$top_pid"
	figures=$(python3 -c '
import json, sys
pools = {p["name"]: p for p in json.load(sys.stdin)["pools"]}
a, b = pools["watch-a"], pools["watch-b"]
print("busy" if a["busy_percent"] > 50 else a["busy_percent"],
      a["members"], b["busy_percent"],
      "allocs" if b["allocs_per_s"] > 0 else b["allocs_per_s"],
      "faults" if b["faults_per_s"] > 0 else b["faults_per_s"])' <"$dir/top")
	[ "$figures" != 'busy 1 None allocs faults' ] || break
done
is 'top sees CPUs, members and rates' "$figures" 'busy 1 None allocs faults'
kill "$burner"
wait "$burner" 2>/dev/null

# Print the content of the terminal.
screen()
{
	tmux -L vpool-test capture-pane -p -t top 2>/dev/null
}

# until_screen PATTERN [TRIES]: wait until the screen matches; set shown to its content
until_screen()
{
	local i

	for ((i = 0; i < ${2:-120}; i++)); do
		shown=$(screen)
		# shellcheck disable=SC2254 # it is a pattern
		case $shown in
		$1) return 0 ;;
		esac
		sleep 0.5
	done
	return 1
}

# sees NAME PATTERN
sees()
{
	until_screen "$2"
	like "$1" "$shown" "$2"
}

press()
{
	tmux -L vpool-test send-keys -t top "$@"
}

# answers NAME PATTERN KEY...: press keys until the screen matches. The message is shown
# only for a few seconds, so try several times.
answers()
{
	local name=$1 pattern=$2 key

	shift 2
	for _ in {1..20}; do
		for key; do
			press "$key"
		done
		until_screen "$pattern" 6 && break
	done
	like "$name" "$shown" "$pattern"
}

if command -v tmux >/dev/null; then
	tmux -L vpool-test -f /dev/null new-session -d -s top -x 130 -y 20 \
		"'$VPOOLCTL' top -d 1; echo it ended with \$?; sleep 600"
	sees 'top shows pools on a terminal' '*vpoolctl top*NAME*watch-*'
	press N
	sees 'N sorts by name' '*sorted by NAME*watch-a*watch-b*'
	press R
	sees 'R reverses' '*sorted by NAME, reversed*watch-b*watch-a*'
	press '<'
	press M
	sees 'M sorts by memory' '*sorted by USED*'
	press '>'
	sees '> goes to the next column' '*sorted by FREE*'
	press b
	sees 'b shows bytes' '*8388608*'
	press d
	sees 'd asks for the delay' '*seconds between two refreshes:*'
	answers 'an invalid delay is reported' \
		'*not a time of 0.1 seconds or more*' d x Enter
	answers 'an unknown key is reported' '*no such key*' Z
	"$VPOOLCTL" destroy watch-b
	sees 'top notices a destroyed pool' '*1 pool,*'
	tmux -L vpool-test resize-window -t top -x 40 -y 10
	sees 'top works in a small window' '*vpoolctl top*watch-a*'
	press q
	sees 'q quits' '*it ended with 0*'
	tmux -L vpool-test kill-server
	"$VPOOLCTL" create watch-b --mem 8M --quiet
else
	tap_result yes 'top on a terminal # SKIP tmux is not installed'
fi

# metrics, scraped from node-exporter

fetch()
{
	python3 -c 'import urllib.request as u
print(u.urlopen("http://127.0.0.1:9917/metrics").read().decode())' 2>/dev/null
}

"$VPOOLCTL" metrics -o "$dir/vpool.prom"
if command -v promtool >/dev/null; then
	is 'promtool finds no mistake' \
		"$(promtool check metrics <"$dir/vpool.prom" 2>&1)" ''
else
	tap_result yes 'promtool # SKIP prometheus is not installed'
fi
for figure in /sys/kernel/vpool/pools/watch-b/stat/*; do
	name=$(basename "$figure")
	is "$name is as in sysfs" "$(sed -n \
		"s/^vpool_${name}_total{pool=\"watch-b\"} //p" "$dir/vpool.prom")" \
		"$(cat "$figure")"
done
for name in free used peak clean scrubbing poisoned; do
	is "${name}_bytes has a metric" "$(grep -c \
		"^vpool_memory_${name}_bytes{pool=\"watch-b\"}" \
		"$dir/vpool.prom")" 1
done
if command -v prometheus-node-exporter >/dev/null; then
	mkdir "$dir/textfile"
	mv "$dir/vpool.prom" "$dir/textfile/"
	prometheus-node-exporter --collector.disable-defaults \
		--collector.textfile \
		--collector.textfile.directory="$dir/textfile" \
		--web.listen-address=127.0.0.1:9917 >"$dir/exporter" 2>&1 &
	exporter=$!
	for ((i = 0; i < 60; i++)); do
		fetch >"$dir/scraped"
		[ -s "$dir/scraped" ] && break
		sleep 1
	done
	is 'node-exporter serves the metrics' "$(grep \
		'^vpool_memory_size_bytes' "$dir/scraped" | xargs)" \
		'vpool_memory_size_bytes{pool=watch-a} 4.194304e+06 vpool_memory_size_bytes{pool=watch-b} 8.388608e+06'
	is 'node-exporter reports no scrape error' "$(grep '^node_textfile_scrape_error' \
		"$dir/scraped")" 'node_textfile_scrape_error 0'
else
	tap_result yes 'node-exporter # SKIP it is not installed'
fi

tap_end
