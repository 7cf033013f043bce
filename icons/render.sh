#!/bin/sh
# Renders icon.svg to every size that the bundles want. Needs rsvg-convert (librsvg2-bin) and python3.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for size in 16 32 48 64 128 256 512; do
  rsvg-convert --width "$size" --height "$size" icon.svg --output "$work/$size.png"
done
cp "$work/32.png" 32x32.png
cp "$work/128.png" 128x128.png
cp "$work/256.png" 128x128@2x.png
cp "$work/512.png" icon.png
# Both containers take PNG pictures as they are.
python3 - "$work" <<'PYTHON'
import struct, sys
picture = lambda size: open(f"{sys.argv[1]}/{size}.png", "rb").read()
sizes = [16, 32, 48, 64, 128, 256]
entries, bodies, offset = b"", b"", 6 + 16 * len(sizes)
for size in sizes:
    body = picture(size)
    entries += struct.pack("<BBBBHHII", size % 256, size % 256, 0, 0, 1, 32, len(body), offset + len(bodies))
    bodies += body
open("icon.ico", "wb").write(struct.pack("<HHH", 0, 1, len(sizes)) + entries + bodies)
kinds = [(b"ic11", 32), (b"ic12", 64), (b"ic07", 128), (b"ic13", 256), (b"ic08", 256), (b"ic14", 512), (b"ic09", 512)]
body = b"".join(kind + struct.pack(">I", 8 + len(picture(size))) + picture(size) for kind, size in kinds)
open("icon.icns", "wb").write(b"icns" + struct.pack(">I", 8 + len(body)) + body)
PYTHON
