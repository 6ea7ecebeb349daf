#!/usr/bin/env bash
# The first step of action.yml: finds concadvise, or builds it from this very checkout, and tells the next step where.
# The input comes in a variable and is data; shown values are quoted, so that no line of the log is a command of theirs.
set -euo pipefail

refuse() {
    printf '::error title=concadvise gate::%s\n' "$1"
    exit 2
}

[ "$(uname -s)" = Linux ] || refuse "concadvise runs on Linux only; give the job runs-on: ubuntu-latest"

program=${CONCADVISE_INPUT_BINARY-}
export -n CONCADVISE_INPUT_BINARY
if [ -n "$program" ]; then
    [ -f "$program" ] && [ -x "$program" ] || {
        printf 'binary: %q\n' "$program"
        refuse "the input binary names no program that can be run"
    }
    program=$(realpath -- "$program")
elif program=$(type -P concadvise); then
    program=$(realpath -- "$program")
else
    command -v cargo >/dev/null || refuse "neither concadvise nor cargo is on the PATH; install Rust 1.95 or name a binary"
    root=${RUNNER_TEMP:-/tmp}/concadvise
    cargo install --path "$GITHUB_ACTION_PATH" --locked --root "$root"
    program=$root/bin/concadvise
fi
case $program in *$'\n'*) refuse "the path of concadvise must be one line" ;; esac
"$program" --version
printf 'binary=%s\n' "$program" >>"$GITHUB_OUTPUT"
