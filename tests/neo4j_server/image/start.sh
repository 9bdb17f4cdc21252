#!/bin/sh
# Starts the server of the image: NEO4J_server_memory_heap_max__size=256m and the like become
# settings, as in the official image (a dot is written _, an underscore __).
set -eu

settings=/tmp/neo4j.conf
heap=512m
{
  echo server.default_listen_address=0.0.0.0
  echo server.directories.data=/data
  echo server.directories.logs=/logs
  echo server.bolt.enabled=true
  echo server.memory.pagecache.size=64m
  echo db.tx_log.preallocate=false
  echo dbms.usage_report.enabled=false
  # Else a stop waits ten seconds for nobody.
  echo internal.dbms.bolt.netty_server_shutdown_quiet_period=0
  echo internal.dbms.bolt.netty_server_shutdown_timeout=1s
  echo internal.server.bolt.thread_pool_shutdown_wait_time=1s
  case "${NEO4J_AUTH:-}" in
    none) echo dbms.security.auth_enabled=false ;;
    *) echo dbms.security.auth_enabled=true ;;
  esac
} >"$settings"

for name in $(env | sed -n 's/^\(NEO4J_[a-z][A-Za-z0-9_]*\)=.*/\1/p'); do
  eval "value=\$$name"
  key=$(echo "${name#NEO4J_}" | sed 's/__/%/g; s/_/./g; s/%/_/g')
  case "$key" in
    server.memory.heap.max_size) heap=$value ;;
    server.memory.heap.initial_size) ;;
    *)
      sed -i "/^$key=/d" "$settings"
      echo "$key=$value" >>"$settings"
      ;;
  esac
done

# shellcheck disable=SC2086 # several options
exec /opt/java/bin/java \
  --add-opens=java.base/java.nio=ALL-UNNAMED \
  --add-opens=java.base/java.io=ALL-UNNAMED \
  --add-opens=java.base/sun.nio.ch=ALL-UNNAMED \
  -Xmx"$heap" -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:+ExitOnOutOfMemoryError \
  -cp "/var/lib/neo4j/classes:/var/lib/neo4j/lib/*" ContainerServer /var/lib/neo4j "$settings"
