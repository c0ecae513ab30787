#!/usr/bin/env bash
# Compares reading all RAM records of a stream with `cat FILE > /dev/null`, both from the page cache: eng/measure-read.sh [GIB]
#
# Makes a stream of one block in which every page has contents (4 GiB unless told), in $TMPDIR, and removes it. Prints seconds for both, and the
# peak memory of `vmstate inspect`, which is to stay below 1.5 times cat's time and 100 MiB. No test: only the ratio means something.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
gib=${1:-4}
tool=src/VmStateGen.Tool/bin/Release/net10.0/vmstate.dll
dotnet restore src/VmStateGen.Tool -p:FetchCrossgen=true > /dev/null 2>&1 || echo 'no compiler that compiles ahead of time: expect a tenth of a second more'
dotnet build -c Release src/VmStateGen.Tool > /dev/null
file=$(mktemp "${TMPDIR:-/tmp}/vmstate-measure-XXXXXX")
trap 'rm -f "$file"' EXIT

python3 - "$file" "$gib" <<'PYTHON'
import os, struct, sys
page = 4096
count = int(float(sys.argv[2]) * (1 << 30)) // page
footer = b'\x7e' + struct.pack('>I', 2)
end = struct.pack('>Q', 0x10) + footer
with open(sys.argv[1], 'wb', buffering=1 << 20) as f:
    f.write(b'QEVM' + struct.pack('>I', 3) + b'\x07' + struct.pack('>I', 4) + b'mach')
    f.write(b'\x01' + struct.pack('>I', 2) + b'\x03ram' + struct.pack('>II', 0, 4) + struct.pack('>Q', count * page | 4))
    f.write(b'\x06pc.ram' + struct.pack('>Q', count * page) + end + b'\x02' + struct.pack('>I', 2))
    pages = [os.urandom(page) for _ in range(64)]
    for i in range(count):
        f.write(struct.pack('>Q', i * page | 8 | (0x20 if i else 0)) + (b'' if i else b'\x06pc.ram') + pages[i & 63])
    f.write(end + b'\x03' + struct.pack('>I', 2) + end + b'\x00')
    json = b'{"page_size": 4096, "devices": []}'
    f.write(b'\x06' + struct.pack('>I', len(json)) + json)
PYTHON

TIMEFORMAT=%R
cat "$file" > /dev/null
for _ in {1..9}; do
    cat_time=$({ time cat "$file" > /dev/null; } 2>&1)
    tool_time=$({ time dotnet "$tool" inspect "$file" > /dev/null; } 2>&1)
    awk -v a="$cat_time" -v b="$tool_time" 'BEGIN { printf "cat %.2f s, inspect %.2f s (%.2f x)\n", a, b, b / a }'
done | sort -t '(' -k 2 -n | awk '{ print } NR == 5 { median = $0 } END { print "median: " median }'

# In a run of its own: to look at a process takes time from it.
dotnet "$tool" inspect "$file" > /dev/null & reader=$!
peak=0
while now=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$reader/status" 2> /dev/null) && [[ -n $now ]]; do
    peak=$now
    sleep 0.01
done
wait "$reader"
echo "peak $((peak / 1024)) MiB"
