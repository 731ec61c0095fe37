#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run PostgreSQL with its dynamic shared memory and its temporary files in a pool, as
# described in Documentation/programs.rst. Needs root, and PostgreSQL, installed or
# unpacked by "tools/setup long".

# shellcheck source=selftests/programs/pool_dir.sh
. "$(dirname "$(readlink -f "$0")")/pool_dir.sh"

newest() { printf '%s\n' "$1"/usr/lib/postgresql/*/bin | sort -V | tail -n 1; }
bin=$(newest '')
user=postgres
if [ ! -x "$bin/initdb" ]; then
	# It is unpacked beside the other tools, in a directory that may be root's alone.
	tools=${VPOOL_TOOLS:-$HOME/.cache/vpool/tools/usr/bin}
	mkdir -p "$dir/usr/lib" "$dir/usr/share"
	{ cp -a "$tools/../lib/postgresql" "$dir/usr/lib" 2> /dev/null &&
		cp -a "$tools/../share/postgresql" "$dir/usr/share"; } ||
		skip_all 'no PostgreSQL here'
	bin=$(newest "$dir")
	user=nobody
fi
data=$dir/data

as_postgres() { runuser -u $user -- "$@"; }
sql() { as_postgres "$bin/psql" -h "$dir" -XAtq -U postgres -d postgres "$@" 2>&1; }
server() { head -n 1 "$data/postmaster.pid"; }
accepts() { sql -c 'select 1' > /dev/null; }

# start: start the server, and wait for it.
start() {
	as_postgres "$bin/postgres" -D "$data" > "$dir/log" 2>&1 &
	job=$!
	until_true 120 accepts && users=("$(server)")
}

chown $user "$dir"
(cd / && as_postgres "$bin/initdb" -D "$data" -U postgres -A trust --no-sync --no-locale) > "$dir/log" 2>&1
is 'initdb' $? 0
mount_pool 96M ",uid=$(id -u $user),mode=700"
# A second mount of the same pool, for shared memory of parallel queries.
mount -t vpool -o "pool=$pool,uid=$(id -u $user),mode=700" none "$data/pg_dynshmem"
is 'the pool is mounted for dynamic shared memory' $? 0
cat >> "$data/postgresql.conf" <<END
dynamic_shared_memory_type = mmap
fsync = off
jit = off
listen_addresses = ''
max_parallel_workers_per_gather = 2
max_wal_senders = 0
min_parallel_table_scan_size = 0
parallel_setup_cost = 0
parallel_tuple_cost = 0
shared_buffers = 16MB
unix_socket_directories = '$dir'
wal_level = minimal
work_mem = 64kB
END
cd /
start
is 'PostgreSQL starts' $? 0
sed 's/^/# /' "$dir/log"
like 'it maps a file of the pool' "$(cat "/proc/$(server)/maps")" \
	"* rw-s * $data/pg_dynshmem/mmap.*"
before=$(used $pool)

sql -c "create tablespace pool location '$mnt'"
sql <<-END
	create table numbers as select a, md5(a::text) as b from generate_series(1, 50000) a;
	analyze numbers;
END
plan=$(sql -c 'explain (analyze, costs off) select count(*), max(b) from numbers')
like 'a parallel query has workers' "$plan" '*Workers Launched: [1-9]*'
is 'it has the right result' "$(sql -c 'select count(*), sum(a) from numbers')" \
	'50000|1250025000'

# A sort that exceeds work_mem writes temporary files.
sorted=$(sql -c "set temp_tablespaces = 'pool'; set log_temp_files = 0;
	set max_parallel_workers_per_gather = 0;
	select count(*), min(c) from (select b, row_number() over (order by b) c from numbers) t")
is 'a sort has the right result' "$sorted" '50000|1'
like 'its temporary files are in the pool' "$(cat "$dir/log")" \
	'*temporary file: path "pg_tblspc/*/pgsql_tmp*'

# A table in a pool is lost with the pool. This is for data that can be made again.
sql <<-END
	create unlogged table fast (a int primary key, b text) tablespace pool;
	insert into fast select a, b from numbers;
	checkpoint;
END
is 'a table in the pool has the right data' \
	"$(sql -c 'select count(*), sum(a), min(b) < max(b) from fast')" '50000|1250025000|t'
echo "# $((before >> 20)) MiB of the pool for shared memory, $(($(used $pool) >> 20)) MiB with the table"
like 'the pool has the memory of the table' "$((($(used $pool) - before) >> 20))" '[1-9]*'

kill -INT "$(server)"
wait "$job"
is 'PostgreSQL stops' $? 0
users=()
start
is 'PostgreSQL starts again' $? 0
is 'the table is still there after a clean restart' \
	"$(sql -c 'select count(*), sum(a) from fast')" '50000|1250025000'
sql -c 'drop table fast' -c 'drop tablespace pool'
kill -INT "$(server)"
wait "$job"
users=()
umount "$data/pg_dynshmem"
is 'the mount for shared memory is not busy' $? 0
returned
end
