#!/usr/bin/env bash
# Makes a real QEMU available for the tests: eng/get-qemu.sh VERSION[-TARGET]...   (VERSION: 7.2 or 10.0; TARGET: aarch64 or riscv64)
#
# Prints the path of a ready qemu-system-x86_64, or that of the target, for each version, one a line. Nothing is installed: the packages of the
# Debian suite that carries the version are downloaded through a scratch apt configuration and unpacked into
#     ${VMSTATEGEN_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/vmstategen}/qemu-VERSION[-TARGET]/
# together with every library they need, libc included, so the host's own packages neither matter nor change. No root needed.
# A second run finds the folder and downloads nothing. Exit: 0 all there, 1 something is missing (a sentence on stderr), 2 usage.
#
# The archive's address is taken from the machine's own apt sources. Where those are not Debian's, set
#     VMSTATEGEN_DEBIAN_ARCHIVE   address of a Debian archive
#     VMSTATEGEN_DEBIAN_KEYRING   keyring that signs it (default: debian-archive-keyring's)
#     VMSTATEGEN_APT_ETC          folder to read apt sources from (default: /etc/apt)
set -euo pipefail

say()  { printf 'get-qemu: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

suite_of() {
    case ${1%%-*} in
        7.2)  echo bookworm ;;
        10.0) echo trixie ;;
        *)    say "unknown QEMU version '$1'; known: 7.2 10.0"; exit 2 ;;
    esac
}

target_of() {
    case $1 in
        *-aarch64|*-riscv64) echo "${1#*-}" ;;
        *-*) say "unknown target in '$1'; known: aarch64 riscv64"; exit 2 ;;
        *)   echo x86_64 ;;
    esac
}

# The packages that carry a target. RISC-V has got one of its own in newer suites.
packages_of() {
    case $1 in
        aarch64) echo qemu-system-arm ;;
        riscv64) apt-cache show qemu-system-riscv > /dev/null 2>&1 && echo qemu-system-riscv || echo qemu-system-misc ;;
        *)       echo qemu-system-x86 qemu-utils ;;
    esac
}

# Every apt source of the machine that carries Debian itself, rewritten to the wanted suite, as files in $2.
# deb822 stanzas are kept whole except for Types and Suites, so that an embedded key survives.
write_sources() {
    local suite=$1 parts=$2 file
    mkdir -p "$parts"
    if [[ -n ${VMSTATEGEN_DEBIAN_ARCHIVE:-} ]]; then
        printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: %s\n' "$VMSTATEGEN_DEBIAN_ARCHIVE" "$suite" \
            "${VMSTATEGEN_DEBIAN_KEYRING:-/usr/share/keyrings/debian-archive-keyring.gpg}" > "$parts/debian.sources"
        return
    fi
    local etc=${VMSTATEGEN_APT_ETC:-/etc/apt}
    for file in "$etc"/sources.list.d/*.sources; do
        [[ -f $file ]] || continue
        # Comment lines go first: they may stand inside a stanza. A line of blanks ends one.
        sed -e '/^#/d' -e 's/[[:space:]]*$//' "$file" | awk -v RS= -v want="$suite" '
            function wanted(list,    n, i, words, word, suffix, out) {
                n = split(list, words, /[ \t]+/)
                for (i = 1; i <= n; i++) {
                    word = words[i]
                    if (word !~ /^(buster|bullseye|bookworm|trixie|forky|sid|stable|oldstable|testing|unstable)(-updates|-security)?$/) continue
                    suffix = match(word, /-(updates|security)$/) ? substr(word, RSTART) : ""
                    if (index(" " out " ", " " want suffix " ") == 0) out = out (out == "" ? "" : " ") want suffix
                }
                return out
            }
            {
                n = split($0, lines, "\n"); deb = 0; uris = comps = suites = name = ""
                for (i = 1; i <= n; i++) {
                    line = lines[i]
                    if (match(line, /^[A-Za-z-]+:/)) { name = tolower(substr(line, 1, RLENGTH - 1)); line = substr(line, RLENGTH + 1) }
                    owner[i] = name
                    if (name == "types")      deb = deb || line ~ /(^|[ \t])deb([ \t]|$)/
                    if (name == "uris")       uris = uris " " line
                    if (name == "components") comps = comps " " line
                    if (name == "suites")     suites = suites " " line
                    if (name == "enabled" && line ~ /no|false|0/) next
                }
                sub(/^[ \t]+/, "", suites)
                out = wanted(suites)
                if (!deb || out == "" || comps !~ /(^|[ \t])main([ \t]|$)/ || uris !~ /\/debian(-security)?\/?([ \t]|$)|^[ \t]*mirror/) next
                print "Types: deb\nSuites: " out
                for (i = 1; i <= n; i++) if (owner[i] != "types" && owner[i] != "suites") print lines[i]
                print ""
            }' > "$parts/$(basename "$file")"
    done
    for file in "$etc"/sources.list "$etc"/sources.list.d/*.list; do
        [[ -f $file ]] || continue
        sed -n -E "s/^[[:space:]]*deb[[:space:]]+((\[[^]]*\][[:space:]]+)?[^[:space:]]+\/debian(-security)?\/?)[[:space:]]+(buster|bullseye|bookworm|trixie|forky|sid|stable|oldstable|testing|unstable)(-updates|-security)?[[:space:]]+(.*[[:space:]])?main([[:space:]].*)?$/deb \1 $suite\5 main/p" \
            "$file" | sort -u > "$parts/$(basename "$file")"
    done
    find "$parts" -type f -empty -delete
    [[ -n $(ls -A "$parts") ]] \
        || fail "no Debian archive among this machine's apt sources ($etc); set VMSTATEGEN_DEBIAN_ARCHIVE to the address of one"
}

# A whole apt of our own in $1: empty package database, own lists, own cache, the machine's proxy and credentials settings.
write_apt_configuration() {
    local apt=$1
    mkdir -p "$apt"/{state/lists/partial,cache/archives/partial,conf.d,preferences.d}
    : > "$apt/state/status"
    {
        # The machine's hooks (Post-Invoke and friends) clean the machine's own caches: not ours to run.
        apt-config dump | grep -v -E '^(Dir|DPkg|RPM|Unattended-Upgrade|Aptitude)(::|[[:space:]])|Invoke|^APT::(Periodic|Default-Release|Install-|Architectures|Never|Sandbox|Compressor)' || true
        cat <<CONF
Dir::State "$apt/state";
Dir::State::status "$apt/state/status";
Dir::State::lists "$apt/state/lists";
Dir::Cache "$apt/cache";
Dir::Cache::archives "$apt/cache/archives";
Dir::Etc::main "$apt/none";
Dir::Etc::parts "$apt/conf.d";
Dir::Etc::preferences "$apt/none";
Dir::Etc::preferencesparts "$apt/preferences.d";
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "$apt/sources.d";
APT::Architecture "amd64";
APT::Architectures "amd64";
APT::Install-Recommends "false";
APT::Install-Suggests "false";
APT::Get::List-Cleanup "false";
Acquire::Languages "none";
Acquire::Retries "3";
CONF
        # The unprivileged download user cannot enter a root-owned cache folder; signatures are verified all the same.
        if [[ $(id -u) == 0 ]]; then echo 'APT::Sandbox::User "root";'; fi
    } > "$apt/apt.conf"
}

# The suites -updates and -security are welcome but a mirror need not carry them for a suite other than its own.
update_lists() {
    local apt=$1 log=$2 strict='-o APT::Update::Error-Mode=any'
    # shellcheck disable=SC2086  # $strict is two words on purpose
    apt-get $strict update > "$log" 2>&1 && return
    local file
    for file in "$apt"/sources.d/*; do
        sed -i -E -e ':again; /^(Suites:|deb )/s/ [a-z]+-(updates|security)( |$)/ \2/; t again' "$file"
        # What has no suite left is dropped whole: a one-line entry, or a stanza.
        if [[ $file == *.list ]]; then
            sed -i -E '/[^ ]+:[^ ]+ +main$/d' "$file"
        else
            awk -v RS= -v ORS='\n\n' '$0 !~ /(^|\n)Suites:[ \t]*(\n|$)/' "$file" > "$file.new" && mv "$file.new" "$file"
        fi
    done
    # shellcheck disable=SC2086
    apt-get $strict update > "$log" 2>&1
}

write_wrapper() {
    cat > "$1" <<'WRAPPER'
#!/bin/sh
# Runs this folder's QEMU with this folder's libraries, modules and firmware, whatever the host has. The process id stays the same.
set -eu
root=$(dirname "$(readlink -f "$0")")/root
tool=$(basename "$0")
loader=$root/lib64/ld-linux-x86-64.so.2
[ -e "$loader" ] || loader=$(ls "$root"/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 "$root"/usr/lib*/ld-linux-x86-64.so.2 "$root"/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 2>/dev/null | head -n 1)
libraries=$root/usr/lib/x86_64-linux-gnu:$root/lib/x86_64-linux-gnu:$root/usr/lib/x86_64-linux-gnu/pulseaudio
export QEMU_MODULE_DIR="$root/usr/lib/x86_64-linux-gnu/qemu"
case $tool in
    qemu-system-*) set -- -L "$root/usr/share/qemu" -L "$root/usr/share/seabios" -L "$root/usr/lib/ipxe/qemu" "$@" ;;
esac
set -- "$loader" --inhibit-cache --library-path "$libraries" --argv0 "$tool" "$root/usr/bin/$tool" "$@"

# A QEMU installed on the host has modules in the path compiled into this one: of another build, on which it aborts.
# They are hidden by an empty file system over them that only this process sees.
host=/usr/lib/x86_64-linux-gnu/qemu
if [ -d "$host" ]; then
    hide='mount -t tmpfs -o size=4k none "$1" && shift && exec "$@"'
    if [ "$(id -u)" = 0 ] && unshare --mount true 2>/dev/null; then
        exec unshare --mount sh -c "$hide" sh "$host" "$@"
    elif unshare --map-root-user --mount true 2>/dev/null; then
        exec unshare --map-root-user --mount sh -c "$hide" sh "$host" "$@"
    fi
    echo "$tool: $host belongs to another QEMU build and cannot be hidden (needs root or unprivileged user namespaces);" \
         "a device that lives in a module may abort" >&2
fi
exec "$@"
WRAPPER
    chmod 755 "$1"
}

# A machine that comes up, answers and quits: proves libraries, modules and firmware at once.
try_machine() {
    local out nics='-device e1000 -device virtio-net-pci'
    # Targets other than PCs come without the boot firmware of network cards.
    [[ $2 != virt ]] || nics='-nic none -device virtio-net-pci,romfile='
    # shellcheck disable=SC2086  # several words on purpose
    out=$(printf '%s\n' '{"execute":"qmp_capabilities"}' '{"execute":"quit"}' \
        | timeout 60 "$1" -M "$2" -accel tcg -m 64 -display none -S -qmp stdio $nics 2>&1) \
        && [[ $out == *SHUTDOWN* ]] || { say "$out"; return 1; }
}

get() {
    local version=$1 suite cache final target program release=${1%%-*}
    suite=$(suite_of "$version")
    target=$(target_of "$version")
    program=qemu-system-$target
    cache=${VMSTATEGEN_CACHE:-${XDG_CACHE_HOME:-${HOME:?HOME is not set; set VMSTATEGEN_CACHE to a folder}/.cache}/vmstategen}
    final=$cache/qemu-$version
    if [[ -x $final/$program ]]; then
        echo "$final/$program"
        return
    fi

    [[ $(uname -s) == Linux && $(uname -m) == x86_64 ]] || fail "QEMU $version is fetched for Linux on x86-64 only; this is $(uname -sm)"
    local tool
    for tool in apt-get apt-config dpkg-deb awk sed timeout; do
        command -v "$tool" > /dev/null \
            || fail "'$tool' is missing: QEMU $version comes from Debian's packages; install QEMU yourself and set VMSTATEGEN_QEMU_${version//./}"
    done

    mkdir -p "$cache"
    cache=$(readlink -f "$cache")
    final=$cache/qemu-$version
    # What a killed run left behind, once it is surely dead.
    find "$cache" -maxdepth 1 -name '.get-qemu-*' -mmin +180 -exec rm -rf {} +
    local work
    work=$(mktemp -d "$cache/.get-qemu-$version-XXXXXX")
    # shellcheck disable=SC2064  # the folder's name now, not then
    trap "rm -rf '$work'" EXIT
    local apt=$work/apt log=$work/log
    mkdir -p "$apt"

    say "fetching QEMU $version (suite $suite) into $final"
    write_sources "$suite" "$apt/sources.d"
    write_apt_configuration "$apt"
    export APT_CONFIG=$apt/apt.conf
    update_lists "$apt" "$log" || { tail -n 5 "$log" >&2; fail "cannot read the package lists of suite $suite: offline, or the archive does not carry it"; }
    # shellcheck disable=SC2046  # several packages are several words
    apt-get -y --no-install-recommends --download-only install $(packages_of "$target") > "$log" 2>&1 \
        || { tail -n 5 "$log" >&2; fail "cannot download $program of suite $suite"; }

    local deb tree=$work/tree
    # A system with /lib merged into /usr expects both names to be one folder, and some packages still use the old one.
    mkdir -p "$tree"/root/usr/{lib,lib64,bin,sbin}
    for tool in lib lib64 bin sbin; do ln -s "usr/$tool" "$tree/root/$tool"; done
    for deb in "$apt"/cache/archives/*.deb; do
        # Through tar, because dpkg-deb replaces a link to a folder by the folder.
        dpkg-deb --fsys-tarfile "$deb" | tar -x --keep-directory-symlink --no-same-owner -C "$tree/root" \
            || fail "cannot unpack $(basename "$deb")"
    done
    # Only what a QEMU reads at run time is worth the disk.
    rm -rf "$tree"/root/usr/share/{doc,man,locale,info,lintian,i18n,zoneinfo,perl,perl5,icons,fonts,bash-completion} "$tree"/root/{var,etc}
    write_wrapper "$tree/$program"
    [[ $target != x86_64 ]] || write_wrapper "$tree/qemu-img"

    local found
    found=$("$tree/$program" --version 2>&1 | head -n 1) || true
    [[ $found == *"version $release."* ]] || fail "suite $suite gave '$found', not QEMU $version"
    local machines='pc q35'
    [[ $target == x86_64 ]] || machines=virt
    for tool in $machines; do
        try_machine "$tree/$program" "$tool" || fail "QEMU $version was fetched but cannot start a '$tool' machine"
    done

    # Whole or not at all. Losing to another run that just did the same is as good as winning.
    chmod 755 "$tree"
    mv -T "$tree" "$final" 2> /dev/null || [[ -x $final/$program ]] || fail "cannot rename $tree to $final"
    rm -rf "$work"
    trap - EXIT
    say "QEMU $version is ready: $found"
    echo "$final/$program"
}

[[ $# -gt 0 ]] || { say "usage: get-qemu.sh VERSION[-TARGET]...   (7.2 or 10.0; aarch64 or riscv64)"; exit 2; }
for version; do suite_of "$version" > /dev/null; target_of "$version" > /dev/null; done
status=0
for version; do
    # One version that cannot be had does not keep the others away.
    set +e          # "( ... ) || ..." would switch errexit off inside as well
    ( set -e; get "$version" ); [[ $? == 0 ]] || status=1
    set -e
done
exit $status
