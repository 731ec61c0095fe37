#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The tracepoint one-liners of the administrator's guide, with a script that causes the
# events in place of the sleep of ten seconds. Needs root, the module and two CPUs. VPOOLCTL
# is the program.

dir=$(mktemp -d) || exit 1
# shellcheck source=/dev/null
. "$(dirname "$0")/tap.sh"

export LC_ALL=C.UTF-8
VPOOLCTL=${VPOOLCTL:-$(command -v vpoolctl)}
GUIDE=${GUIDE:-$(dirname "$0")/../../Documentation/admin-guide.rst}
cpu=$(sed 's/.*[,-]//' /sys/devices/system/cpu/online)
tracing=/sys/kernel/tracing

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
	"$VPOOLCTL" destroy --force web >/dev/null 2>&1
	rm -r "$dir"
}
trap clean_up EXIT

# one_liner PATTERN: print a line of the guide, with its sleep replaced
one_liner()
{
	sed -n "\,^    .*$1,s|sleep 10|\"$dir/do_all\"|p" "$GUIDE"
}

# Trigger each tracepoint.
cat >"$dir/do_all" <<END
#!/bin/sh
exec >/dev/null 2>&1
'$VPOOLCTL' create web --mem 4M --cpus $cpu --split-cores
'$VPOOLCTL' run web true
# Escape until the module has seen it. MADV_HWPOISON is 100.
'$VPOOLCTL' run web python3 -c '
import mmap, os, time
for _ in range(300):
    os.sched_setaffinity(0, {0})
    with open("/sys/kernel/vpool/pools/web/stat/escapes") as f:
        if int(f.read()):
            break
    time.sleep(0.1)
with mmap.mmap(os.open("/dev/vpool/web", os.O_RDWR), 1 << 21) as m:
    m[0] = 1
    m.madvise(100, 0, 4096)
'
'$VPOOLCTL' resize web --mem 2M
exec 8<>/dev/vpool/web
'$VPOOLCTL' destroy web
exec 8<&-
'$VPOOLCTL' destroy web
END
chmod +x "$dir/do_all"

for event in "$tracing"/events/vpool/vpool_*/; do
	event=$(basename "$event")
	line=$(one_liner "vpool:$event ")
	if [ -z "$line" ]; then
		tap_result no "the guide has a one-liner for $event"
	elif ! perf --version >/dev/null 2>&1; then
		tap_result yes "the one-liner for $event # SKIP there is no perf"
	else
		(eval "$line") >"$dir/trace" 2>&1
		like "the one-liner for $event" "$(cat "$dir/trace")" '*pool=web*'
	fi
done
if [ -e "$tracing/events/vpool/vpool_commit/hist" ]; then
	(eval "$(one_liner events/vpool/vpool_commit)") >"$dir/trace" 2>&1
	like 'bytes are summed by pool and program' "$(cat "$dir/trace")" \
		'*{ pool: web*python3*bytes: *2097152*'
else
	tap_result yes 'a histogram # SKIP this kernel has no histograms'
fi

tap_end
