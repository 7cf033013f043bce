#!/usr/bin/env bash
# Installs Debian packages as root:  scripts/install-packages.sh PACKAGE...   (scripts/setup.sh knows which)
# We want programs, not services: it makes no database cluster, and starts and enables nothing.
set -euo pipefail

say() { echo "setup: $*" >&2; }
fail() { say "$*"; exit 1; }

sudo=()
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || fail "this needs root, and there is no sudo; as root run:  apt-get install --no-install-recommends $*"
    sudo=(sudo)
fi
as_root() { "${sudo[@]}" "$@"; }

say "installing with apt-get${sudo:+ through sudo}: $*"
# The password is asked for here, and not in the middle of it.
[ ${#sudo[@]} = 0 ] || sudo true || fail "sudo refused; as root run:  apt-get install --no-install-recommends $*"

log=$(mktemp "${TMPDIR:-/tmp}/switchyard-setup-XXXXXX.log")
# A machine that has just started may be updating itself: its lock is waited for.
apt() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold "$@" \
        </dev/null >>"$log" 2>&1
}

# Unlike an installation, an update does not wait for one that runs.
update() {
    for _ in {1..60}; do
        apt update && return
        tail -n 5 "$log" | grep -q 'lists/lock' || return 1
        sleep 5
    done
    return 1
}
# Another source of the user's that is out of order need not keep ours from being installed.
update || say "apt-get update failed (see $log); going on with the lists that are here"

candidate() { apt-cache policy "$1" 2>/dev/null | sed -n 's/^ *Candidate: //p'; }
list=()
for package in "$@"; do
    case $package in
        postgresql-15)
            case $(candidate postgresql-15) in
                '' | '(none)') package=postgresql ;;
            esac
            ;;
        nodejs)
            version=$(candidate nodejs)
            dpkg --compare-versions "${version/(none)/0}" ge 20.19 ||
                fail "there is no Node, and the distribution's is ${version:-absent}; 20.19 or newer is needed (see https://nodejs.org/en/download)"
            ;;
        prometheus)
            case $(candidate prometheus) in
                '' | '(none)')
                    say "there is no package prometheus here; the tests on a real one will print SKIPPED"
                    continue
                    ;;
            esac
            ;;
    esac
    list+=("$package")
done

no_cluster=/etc/postgresql-common/createcluster.d/switchyard-setup.conf policy=/usr/sbin/policy-rc.d ours=()
# Also when it is interrupted: with this policy left behind no service would ever start again.
put_back() { [ ${#ours[@]} = 0 ] || as_root rm -f "${ours[@]}"; }
trap put_back EXIT
as_root mkdir -p "$(dirname "$no_cluster")"
ours+=("$no_cluster")
echo 'create_main_cluster = false' | as_root tee "$no_cluster" >/dev/null
if [ ! -e "$policy" ]; then
    ours+=("$policy")
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod +x "$policy"
fi

# Whoever had a service before us keeps it as it is.
services=()
for service in pgbouncer haproxy postgresql prometheus; do
    [[ " ${list[*]} " == *" $service"* ]] && [ ! -e "/lib/systemd/system/$service.service" ] && services+=("$service")
done

size=$(apt-get install --no-install-recommends --simulate "${list[@]}" 2>/dev/null | grep -c '^Inst ' || true)
say "with what they need, $size packages; on a bare machine a few minutes. The log is $log"
apt install -y --no-install-recommends "${list[@]}" || {
    tail -n 15 "$log" >&2
    fail "apt-get could not install: ${list[*]} (all it said is in $log)"
}
rm -f "$log"
for service in "${services[@]}"; do
    if command -v systemctl >/dev/null; then
        as_root systemctl disable --quiet "$service" >&2 || true
    fi
done
