#!/usr/bin/env bash
# What became part of the program, and from where:  scripts/audit.sh [install]
#   licences, forbidden crates and sources   by cargo-deny and deny.toml; needs no network
#   known holes in crates and packages       by cargo-deny and npm; needs their databases, so the network
# Without `install` it uses what is there and says what it left out; a finding fails, what was left out does not.
set -euo pipefail
cd "$(dirname "$0")/.."

deny=0.20.2
left_out() { echo "SKIPPED: $*"; }

if [ "${1:-}" = install ] && ! cargo deny --version >/dev/null 2>&1; then
    echo "audit: building cargo-deny $deny, once" >&2
    cargo install --quiet --locked --version "$deny" cargo-deny
fi

if cargo deny --version >/dev/null 2>&1; then
    cargo deny --offline --log-level error check licenses bans sources
    # The database is asked for first, so that a machine without network is told from one with a hole.
    if cargo deny --log-level error fetch db >/dev/null 2>&1; then
        cargo deny --offline --log-level error check advisories
    else
        left_out "known holes in crates: their database cannot be reached from here"
    fi
else
    left_out "licences and sources of crates: cargo-deny is not installed; make audit installs it"
fi

# npm ends with 1 for findings as for a registry that does not answer; only findings come as a report.
report=$(cd ui && npm audit --json --audit-level=high --fetch-retries=0 --fetch-timeout=10000 2>/dev/null) && code=0 || code=$?
if ! grep -q '"auditReportVersion"' <<<"$report"; then
    left_out "known holes in packages of the page: the registry does not say"
elif [ "$code" != 0 ]; then
    (cd ui && npm audit --audit-level=high) || exit 1
fi
