#!/usr/bin/env bash
# The start without Nexus, for scripts/bench: starts the same two servers, polls their health and sends the same message.
# usage: bare-start.sh FOLDER ENGINE_PORT ROUTER_PORT
# FOLDER holds llamaServer.* and proxy.*: copies of cmdline and environ in /proc, and a link to the working directory; the
# message and the header with its key. `times` is written into it: a line for each stage, with the seconds since the epoch.
set -euo pipefail
export LC_ALL=C
dir=$1

note() { echo "$1 $EPOCHREALTIME" >>"$dir/times"; }

# Usage: start SERVER STAGE; with exactly the words, environment and folder that `nexus up` gave it.
start() {
  local argv environ
  mapfile -d '' argv <"$dir/$1.cmdline"
  mapfile -d '' environ <"$dir/$1.environ"
  cd "$dir/$1.cwd"
  env -i "${environ[@]}" "${argv[@]}" >>"$dir/$1.log" 2>&1 </dev/null &
  note "$2"
}

# Through Bash's own /dev/tcp: a curl for each poll would take a tenth of a CPU from servers that load on two, and slow this
# script down needlessly. The supervisor polls every 50 ms too.
is_healthy() {
  local line=
  { exec 3<>"/dev/tcp/127.0.0.1/$1"; } 2>/dev/null || return 1
  printf 'GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n' "$2" >&3
  read -r line <&3 || :
  exec 3>&-
  case $line in *' 200 '*) return 0 ;; *) return 1 ;; esac
}
until_healthy() { until is_healthy "$1" "$2"; do sleep 0.05; done; }

: >"$dir/times"
start proxy router-process
start llamaServer engine-process
until_healthy "$2" /health
note engine-ready
until_healthy "$3" /health/liveliness
note router-ready
curl -sS -f -o "$dir/answer.json" -H 'content-type: application/json' -H 'anthropic-version: 2023-06-01' \
  -H "@$dir/headers" -d "@$dir/message.json" "http://127.0.0.1:$3/v1/messages"
grep -q '"output_tokens":[1-9]' "$dir/answer.json"
note answered
