#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run programs that people use with vpoolctl run --heap, as described in
# Documentation/programs.rst: PostgreSQL and Java, which ask for huge pages, and redis with
# another malloc, and testpmd of DPDK. Needs root; a program that is neither
# installed nor unpacked by "tools/setup long" is skipped.

# shellcheck source=selftests/programs/pool_dir.sh
. "$(dirname "$(readlink -f "$0")")/pool_dir.sh"

page=$(cat /sys/kernel/vpool/default_page_size)
[ "$page" = $((2 << 20)) ] || skip_all "huge pages of 2 MiB are needed, not of $page bytes"
tools=${VPOOL_TOOLS:-$HOME/.cache/vpool/tools/usr/bin}
unpacked=${tools%/bin}
report=$dir/report
# PostgreSQL does not run as root.
user=nobody
as_user() { runuser -u $user -- "$@"; }
chmod 711 "$dir"
install -m 666 /dev/null "$report"
# What the pool cannot serve fails.
heap=(vpoolctl run --heap --heap-fallback=no --heap-report="$report")

# gone NAME PATTERN: check the report of the program, and that the pool has its memory back
gone() {
	sed 's/^/# /' "$report"
	like "$1: the report" "$(cat "$report")" "$2"
	: > "$report"
	until_true 30 has_used = 0
	is "$1: the pool has its memory back" "$(used $pool)" 0
}

echo "# $(grep HugePages_Total /proc/meminfo)"
try 0 create $pool --mem 320M --owner $user

section PostgreSQL

newest() { printf '%s\n' "$1"/usr/lib/postgresql/*/bin | sort -V | tail -n 1; }
bin=$(newest '')
if [ ! -x "$bin/initdb" ]; then
	# It is unpacked in a directory that may be root's alone.
	mkdir -p "$dir/usr/lib" "$dir/usr/share"
	cp -a "$unpacked/lib/postgresql" "$dir/usr/lib" 2> /dev/null
	cp -a "$unpacked/share/postgresql" "$dir/usr/share" 2> /dev/null
	bin=$(newest "$dir")
fi
sql() { as_user "$bin/psql" -h "$dir" -XAtq -U postgres -d postgres "$@" 2>&1; }
accepts() { sql -c 'select 1' > /dev/null; }

# finds_backend: set backend to the process that serves the query below
finds_backend() {
	backend=$(sql -c "select pid from pg_stat_activity where query = 'select pg_sleep(1000)'")
	[ -n "$backend" ]
}

# start_postgres SHARED_BUFFERS: start the server in the pool. Set server to its process.
start_postgres() {
	as_user "${heap[@]}" $pool -- "$bin/postgres" -D "$dir/data" -c "shared_buffers=$1" \
		> "$dir/log" 2>&1 &
	job=$!
	until_true 120 accepts
	server=$(head -n 1 "$dir/data/postmaster.pid" 2> /dev/null)
	users=("$server")
}

if [ -x "$bin/initdb" ]; then
	mkdir "$dir/data"
	chown $user "$dir" "$dir/data"
	(cd / && as_user "$bin/initdb" -D "$dir/data" -U postgres -A trust --no-sync --no-locale) \
		> "$dir/log" 2>&1
	is 'initdb' $? 0
	cat >> "$dir/data/postgresql.conf" <<-END
	huge_pages = on
	fsync = off
	jit = off
	listen_addresses = ''
	max_wal_senders = 0
	wal_level = minimal
	unix_socket_directories = '$dir'
	END
	cd /
	start_postgres 64MB
	is 'PostgreSQL starts with huge_pages=on' "$(sql -c 'show huge_pages')" on
	sed 's/^/# /' "$dir/log"
	like 'its shared memory is in the pool, once' "$(($(used $pool) >> 20))" '[6-9]?'
	sql <<-END
		create table numbers as select a, md5(a::text) as b from generate_series(1, 50000) a;
		create index on numbers (b);
		update numbers set a = a + 1;
	END
	is 'a table has the right data' "$(sql -c 'select count(*), sum(a), count(distinct b) from numbers')" \
		'50000|1250075000|50000'
	sql -c 'select pg_sleep(1000)' > /dev/null &
	client=$!
	until_true 60 finds_backend
	kill -KILL "$backend"
	wait "$client"
	# The server makes its shared memory again.
	until_true 60 accepts
	like 'a process has crashed' "$(cat "$dir/log")" "*(PID $backend) was terminated by signal 9*"
	is 'after the crash of a process it has the same' \
		"$(sql -c 'select count(*), sum(a) from numbers')" '50000|1250075000'
	kill -INT "$server"
	wait "$job"
	users=()
	gone PostgreSQL '*vpool-heap: postgres (*): pool programs; shared: [1-9]* served*, 0 not*'
	as_user "${heap[@]}" $pool -- "$bin/postgres" -D "$dir/data" -c shared_buffers=512MB \
		> "$dir/log" 2>&1
	is 'PostgreSQL does not start with more memory than the pool has' $? 1
	like 'it has the message for huge pages' "$(cat "$dir/log")" '*could not map anonymous shared memory*'
	gone 'the other start' '*too little memory in the pool*'
else
	tap_result yes 'PostgreSQL # SKIP no PostgreSQL here'
fi

section redis

redis=$(PATH=$PATH:$tools command -v redis-server)
libs=$unpacked/lib/$(uname -m)-linux-gnu
ask() { LD_LIBRARY_PATH=$libs "${redis%-server}-cli" -s "$dir/redis.sock" "$@"; }
answers() { [ "$(ask ping 2> /dev/null)" = PONG ]; }

if [ -z "$redis" ]; then
	tap_result yes 'redis # SKIP no redis here'
elif ! vpoolctl run --dry-run --heap-malloc $pool -- true > /dev/null 2>&1; then
	tap_result yes 'redis # SKIP no mimalloc here'
else
	LD_LIBRARY_PATH=$libs:${LD_LIBRARY_PATH-} vpoolctl run --heap-malloc --heap-report="$report" $pool -- \
		"$redis" --port 0 --unixsocket "$dir/redis.sock" --dir "$dir" --save '' \
		--enable-debug-command yes \
		> "$dir/log" 2>&1 &
	users=($!)
	until_true 120 answers
	is 'redis starts' $? 0
	sed 's/^/# /' "$dir/log" | head -n 3
	before=$(used $pool)
	ask debug populate 80000 key 500 > "$dir/out"
	is 'it has the keys' "$(ask dbsize | tr -dc 0-9)" 80000
	echo "# $((before >> 20)) MiB at first, $(($(used $pool) >> 20)) MiB with the keys"
	is 'their memory is the pool'\''s' "$(($(used $pool) >= before + (8 << 20)))" 1
	digest=$(ask debug digest)
	ask bgsave > /dev/null
	until_true 120 test -s "$dir/dump.rdb"
	is 'a child has written all of them' "$(ask lastsave | grep -c .), $(test -s "$dir/dump.rdb" && echo there)" \
		'1, there'
	ask debug reload > "$dir/out"
	is 'they are the same when they are read again' "$(ask debug digest)" "$digest"
	ask shutdown nosave
	wait "${users[0]}"
	users=()
	gone redis '*vpool-heap: redis-server (*): pool programs; private: [1-9]* served*'
fi

section Java

keytool() {
	"${heap[@]}" $pool -- keytool -J-Xmx64m -J-Xms64m -J-XX:+UseLargePages -J-XX:+UseSerialGC \
		-J-XX:TieredStopAtLevel=1 -J-XX:ReservedCodeCacheSize=16m \
		-J-Xlog:pagesize*:file="$dir/pages" "$@" > "$dir/java" 2>&1
}
if ! missing Java keytool; then
	keytool -keystore "$dir/keys" -genkeypair -alias key -keyalg RSA -keysize 1024 -dname CN=pool \
		-storepass password
	is 'Java makes a key with -XX:+UseLargePages' "$?, $(test -s "$dir/keys" && echo there)" '0, there'
	sed 's/^/# /' "$dir/java" "$dir/pages" | head -n 20
	like 'its heap has huge pages' "$(cat "$dir/pages")" '*page_size=2M*'
	gone Java '*vpool-heap: keytool (*): pool programs; *private: [1-9]* served*'
fi

section DPDK

testpmd=$(PATH=$PATH:$tools command -v dpdk-testpmd)
if [ -z "$testpmd" ]; then
	tap_result yes 'testpmd # SKIP no dpdk-testpmd here'
else
	drivers=$(echo "$libs"/dpdk/pmds-*)
	LD_LIBRARY_PATH=$libs:${LD_LIBRARY_PATH-} timeout 120 "${heap[@]}" $pool -- "$testpmd" --no-pci \
		--no-telemetry --iova-mode=va -d "$drivers/librte_mempool_ring.so" --no-huge -m 64 -l 0,1 \
		-d "$drivers/librte_net_null.so" --vdev net_null0 -- --mp-alloc=xmemhuge --total-num-mbufs=2048 \
		--no-mlockall --auto-start < <(sleep 20; echo) > "$dir/out" 2>&1
	is 'testpmd runs with external huge pages' $? 0
	tail -n 25 "$dir/out" | sed 's/^/# /'
	gone testpmd '*vpool-heap: dpdk-testpmd (*): pool programs; private: [1-9]* served*'
fi

try 0 destroy $pool
tap_end
