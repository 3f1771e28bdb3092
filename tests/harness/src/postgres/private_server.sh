# Runs a Postgres server until standard input closes, then removes everything.
# Arguments: an empty directory but for the file `password`, the folder of the server's programs, a port.
set -eu
directory=$1 binaries=$2 port=$3
trap 'rm -rf "$directory"' EXIT

# In clear, since it does not leave the machine: hashing it takes an unoptimized client a tenth of a second.
"$binaries/initdb" --pgdata="$directory/data" --username=postgres --pwfile="$directory/password" \
    --auth=password --encoding=UTF8 --locale=C --no-sync >&2

# Nothing here has to survive a crash, so nothing waits for the disk.
"$binaries/postgres" -D "$directory/data" -p "$port" \
    -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=300 \
    -c fsync=off -c synchronous_commit=off -c full_page_writes=off </dev/null &
server=$!

exec 3<&0
(read -r _ <&3 || true; kill -QUIT "$server") 2>/dev/null &
watcher=$!

wait "$server" || true
kill "$watcher" 2>/dev/null || true
