#!/usr/bin/env bash
# Installs what is missing, and only that:  scripts/setup.sh build|demo|test
#   build   what compiling the app and its page needs
#   demo    and the servers that the demo runs on
#   test    and what drives the window without a screen
# It looks before it installs; when nothing is missing it is done in well under a second.
set -euo pipefail
cd "$(dirname "$0")/.."

what=${1:-build}
say() { echo "setup: $*" >&2; }
fail() { say "$*"; exit 1; }

case $what in
    build | demo | test) ;;
    *) fail "usage: scripts/setup.sh build|demo|test" ;;
esac

packages=(build-essential pkg-config libwebkit2gtk-4.1-dev)
if [ "$what" != build ]; then
    packages+=(pgbouncer haproxy openssl)
    # Debian 12 has PostgreSQL 15; elsewhere the distribution's own version is the source.
    compgen -G '/usr/lib/postgresql/1[5-7]/bin/postgres' >/dev/null || packages+=(postgresql-15)
fi
if [ "$what" = test ]; then
    packages+=(webkit2gtk-driver xvfb gnome-keyring dbus dbus-x11 imagemagick)
fi
command -v node >/dev/null && command -v npm >/dev/null || packages+=(nodejs npm)

installed() { [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        fail "this needs root, and there is no sudo; run as root: $*"
    fi
}

install_packages() {
    command -v apt-get >/dev/null || fail "no apt-get here; install the equivalents of: $*"
    say "installing with apt-get: $*"
    as_root apt-get update -q >&2
    local list=()
    for package in "$@"; do
        [ "$package" != postgresql-15 ] || [ -n "$(apt-cache madison postgresql-15)" ] || package=postgresql
        list+=("$package")
    done
    # We want programs, not services: no default cluster, and nothing started or enabled on our behalf.
    local no_cluster=/etc/postgresql-common/createcluster.d/switchyard-setup.conf policy=/usr/sbin/policy-rc.d own_policy=
    as_root mkdir -p "$(dirname "$no_cluster")"
    echo 'create_main_cluster = false' | as_root tee "$no_cluster" >/dev/null
    if [ ! -e "$policy" ]; then
        own_policy=$policy
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
        as_root chmod +x "$policy"
    fi
    local done=0
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${list[@]}" >&2 || done=$?
    as_root rm -f "$no_cluster" ${own_policy:+"$own_policy"}
    [ "$done" = 0 ] || fail "apt-get could not install: ${list[*]}"
    if [ -d /run/systemd/system ]; then
        for service in pgbouncer haproxy postgresql; do
            if [[ " ${list[*]} " == *" $service"* ]]; then
                as_root systemctl disable --quiet "$service" >&2 || true
            fi
        done
    fi
}

missing=()
for package in "${packages[@]}"; do
    installed "$package" || missing+=("$package")
done
[ ${#missing[@]} = 0 ] || install_packages "${missing[@]}"

# Vite needs Node 20.19 or newer, the workspace's edition a recent compiler; Debian 12's own are older.
node -e 'const [a, b] = process.versions.node.split("."); process.exit(+a > 20 || (+a === 20 && +b >= 19) ? 0 : 1)' ||
    fail "Node $(node --version) is too old; 20.19 or newer is needed (see https://nodejs.org/en/download)"
command -v cargo >/dev/null ||
    fail "there is no Rust toolchain; get one with rustup (see https://www.rust-lang.org/tools/install)"

# npm writes the file below when it has installed everything.
if [ -f ui/package-lock.json ] && [ ! ui/node_modules/.package-lock.json -nt ui/package-lock.json ]; then
    say "installing the page's packages"
    (cd ui && npm ci --no-audit --no-fund --loglevel=error) >&2
fi

if [ "$what" != build ]; then
    scripts/fetch-pg18.sh
fi
if [ "$what" = test ]; then
    scripts/fetch-pg18-client.sh
fi
