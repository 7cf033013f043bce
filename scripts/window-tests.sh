#!/usr/bin/env bash
# Runs a test of the `tests` package that needs a screen:  scripts/window-tests.sh window|screenshots|window_cost [NAME]
# It gets a screen of its own, a session bus, an unlocked keyring and an empty data folder; nothing of the user's is
# touched. The tests are marked #[ignore], so that a plain test run passes them by.
set -euo pipefail
cd "$(dirname "$0")/.."

# A measurement is of what is shipped, and its figures are what one wants to see.
profile='' shown=''
if [ "$1" = window_cost ]; then
    profile=--release shown=--nocapture
fi

if [ -z "${SWITCHYARD_IN_SESSION:-}" ]; then
    data=$(mktemp -d)
    # The desktop's portal mounts a folder in there, which is gone a moment after the session; what cannot be removed then
    # must not turn a passed test into a failed one.
    trap 'rm -rf "$data" 2>/dev/null || { sleep 2; rm -rf "$data" || true; }' EXIT
    # The app under test; it embeds the built page.
    (cd ui && npm run --silent build) >&2
    # With the features of the whole workspace, like every other test, so that nothing is compiled twice.
    cargo build $profile --workspace --bins --test "$1"
    XDG_DATA_HOME=$data XDG_CONFIG_HOME=$data/config XDG_CACHE_HOME=$data/cache SWITCHYARD_IN_SESSION=1 \
        dbus-run-session -- scripts/window-tests.sh "$@"
    exit
fi

# A newline is the keyring's password; with nothing at all on its input the daemon fails silently.
printf '\n' | gnome-keyring-daemon --unlock --components=secrets >/dev/null

exec 3< <(exec Xvfb -displayfd 1 -screen 0 1600x1100x24 -nolisten tcp 2>/dev/null)
screen=$!
trap 'kill "$screen" 2>/dev/null || true' EXIT
read -r -t 20 number <&3 || { echo "Xvfb did not start" >&2; exit 1; }
export DISPLAY=:$number

# One after the other: they share the screen.
cargo test $profile --workspace --test "$1" -- --ignored --test-threads=1 $shown "${@:2}"
