#!/usr/bin/env bash
# Everything that has to hold, in the order in which it fails soonest. Stops at the first failure.
set -euo pipefail
cd "$(dirname "$0")/.."

heading() { printf '\n\033[1m== %s\033[0m\n' "$*"; }

heading "What the tests need"
scripts/setup.sh test

heading "Format"
cargo fmt --all --check

heading "Page: types, tests, build"
(cd ui && npm run --silent check && npm test --silent && npm run --silent build)

heading "Lints"
cargo clippy --workspace --all-targets -- -D warnings

heading "Licences, sources, known holes"
scripts/audit.sh

heading "Tests of every crate, on real servers"
# No retries: a test that fails now and then has found something.
if cargo nextest --version >/dev/null 2>&1; then
    cargo nextest run --workspace --retries 0
else
    # Some kill processes and measure how long clients wait; nothing else may run meanwhile (see .config/nextest.toml).
    cargo test --workspace -- --test-threads=1
fi

heading "Generated TypeScript is current"
# The tests above have just written it; compared with what is committed or staged, new files included.
generated=ui/src/lib/api/generated
unknown=$(git ls-files --others --exclude-standard -- "$generated")
if ! git --no-pager diff --exit-code -- "$generated" || [ -n "$unknown" ]; then
    echo "commit the generated files together with the Rust types they come from: $generated $unknown" >&2
    exit 1
fi

heading "The whole journey, without a window"
# Of the whole workspace, like the tests: a package alone asks other features of its libraries, which are then compiled again.
SCALE=${SCALE:-0.05} make --no-print-directory demo HEADLESS=1 BUILD="--workspace --bins --test window"

heading "The real window"
scripts/window-tests.sh window

heading "All passed"
