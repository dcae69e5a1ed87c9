# shellcheck shell=bash
# Sourced by the other scripts: moves to the project's folder, and gives them messages and timed stages.
set -euo pipefail
# A relative path means the folder that the person is in.
case ${GESSO_LIBTORCH:-/} in
    /*) ;;
    *) export GESSO_LIBTORCH=$PWD/$GESSO_LIBTORCH ;;
esac
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Prints one line for the person who waits.
say() { printf '%s\n' "$*"; }

# Ends the script: 1 when something went wrong, 3 when this machine lacks something (fail -3 ...).
fail() {
    local status=1
    if [[ $1 == -[0-9] ]]; then
        status=${1#-}
        shift
    fi
    printf '%s\n' "$@" >&2
    exit "$status"
}

# Seconds with a tenth since a moment taken from EPOCHREALTIME (whose decimal mark follows the locale).
seconds_since() {
    local tenths=$(((${EPOCHREALTIME//[.,]/} - ${1//[.,]/}) / 100000))
    printf '%d.%d s' $((tenths / 10)) $((tenths % 10))
}

run_started=$EPOCHREALTIME

# stage NAME COMMAND...: runs one step of a longer script, and says its name, its result and the time it took.
stage() {
    local name=$1 started=$EPOCHREALTIME status=0
    shift
    printf '\n== %s\n' "$name"
    "$@" || status=$?
    if ((status == 0)); then
        say "-- $name: passed in $(seconds_since "$started")"
    else
        say "-- $name: FAILED after $(seconds_since "$started") (exit status $status)"
        say "Stopped there, after $(seconds_since "$run_started") in total."
        exit "$status"
    fi
}
