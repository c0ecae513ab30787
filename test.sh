#!/usr/bin/env bash
# Builds everything in Release and runs every test. Arguments go to each `dotnet test`: ./test.sh --filter FullyQualifiedName~Ram
#
# The last line of the output is always "N passed, N failed, N skipped", summed over all projects. Exit code 0 only if the build is clean,
# at least one test ran and none failed. Under CI=true a test that needs a QEMU which is not there fails instead of being skipped.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_SKIP_FIRST_TIME_EXPERIENCE=1
# dotnet and NuGet keep their files below HOME.
if [[ -z ${HOME:-} || ! -w $HOME ]]; then
    HOME=$(mktemp -d)
    export HOME
fi

passed=0 failed=0 skipped=0 broken=0
finish() {
    printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
    [[ $broken == 0 && $failed == 0 && $((passed + failed)) -gt 0 ]] || exit 1
    exit 0
}

qemu_missing=
eng/get-qemu.sh 7.2 10.0 7.2-aarch64 10.0-aarch64 7.2-riscv64 10.0-riscv64 || qemu_missing='warning: not every QEMU could be made available (see above); tests that need a missing one say so'

# Not needed: with it the tool that is built starts faster (src/VmStateGen.Tool/VmStateGen.Tool.csproj).
timeout 120 dotnet restore src/VmStateGen.Tool -p:FetchCrossgen=true > /dev/null 2>&1 ||
    echo 'note: the compiler that compiles ahead of time could not be had; the vmstate command will be compiled as it runs'

if ! dotnet build VmStateGen.sln -c Release; then
    echo 'The build failed; no test ran.'
    broken=1
    finish
fi

results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT

# <Counters total= executed= passed= failed= error= ... /> of one trx file; one attribute by name.
counter() { sed -n -E 's/.*<Counters [^>]*\b'"$2"'="([0-9]+)".*/\1/p' "$1" | head -n 1; }

# Each skipped test with the reason it gave. In a trx the reason is the message of a result whose outcome is NotExecuted.
skips() {
    awk '
        /<UnitTestResult / {
            name = ""; skipped = /outcome="NotExecuted"/
            if (match($0, /testName="[^"]*"/)) name = substr($0, RSTART + 10, RLENGTH - 11)
            if (skipped && /\/>[ \t\r]*$/) { print "skipped: " name; skipped = 0 }
        }
        skipped && /<Message>/ {
            reason = $0; sub(/.*<Message>/, "", reason); sub(/<\/Message>.*/, "", reason)
            print "skipped: " name ": " reason; skipped = 0
        }
        /<\/UnitTestResult>/ { if (skipped) print "skipped: " name; skipped = 0 }
    ' "$1" | sed -e 's/&quot;/"/g' -e "s/&apos;/'/g" -e 's/&lt;/</g' -e 's/&gt;/>/g' -e 's/&amp;/\&/g' -e 's/&#x[DA];//g' -e 's/\r$//'
}

for project in tests/*.Tests/*.csproj; do
    name=$(basename "$project" .csproj)
    echo
    echo "== $name"
    if ! grep -q -F "$name.csproj" VmStateGen.sln; then
        echo "$name is not in VmStateGen.sln, so it was not built: dotnet sln add $project"
        broken=1
        continue
    fi

    # A host that crashes or hangs names the tests that were running.
    code=0
    dotnet test "$project" --no-build -c Release --blame-hang-timeout 15m --blame-hang-dump-type none --logger "trx;LogFileName=$name.trx" --results-directory "$results" "$@" || code=$?
    trx=$results/$name.trx
    if [[ ! -s $trx ]]; then
        # A filter that matches nothing here writes no results and is no failure.
        [[ $code == 0 ]] || { echo "$name ended with code $code and left no results."; broken=1; }
        continue
    fi

    project_failed=$(counter "$trx" failed)
    passed=$((passed + $(counter "$trx" passed)))
    failed=$((failed + project_failed + $(counter "$trx" error) + $(counter "$trx" timeout) + $(counter "$trx" aborted)))
    # The counters name skipped tests by no attribute of their own: they are what was not executed.
    skipped=$((skipped + $(counter "$trx" total) - $(counter "$trx" executed)))
    skips "$trx"
    # A host that crashed after its last test has failed as well.
    if [[ $code != 0 && $project_failed == 0 ]]; then
        echo "$name ended with code $code although no test failed."
        broken=1
    fi
done

echo
[[ -z $qemu_missing ]] || echo "$qemu_missing"
finish
