#!/usr/bin/env bash
# Checks everything about a deployment that needs no AWS account. Ends with a table, which is also in
# target/lambda-check/table.md.
#
#   deploy/lambda-check.sh              all of it (the release build takes ten minutes)
#   deploy/lambda-check.sh --no-build   with the functions that are in target/lambda
#   deploy/lambda-check.sh --no-run     without starting the functions
#
# The functions are started by `local lambda-check`, which is called as
#
#   local lambda-check --functions DIR --chromium PATH --summary FILE --calls FILE
#
# DIR holds NAME/bootstrap for each function. It runs every function under the Runtime Interface Emulator with the local
# stack, sends it each of its events in events/, fails when one is not answered as expected, and writes to
# the summary {"functions": {NAME: {"init_ms": …, "cold_start_ms": …, "peak_memory_mb": …, "events": […]}}} and in the calls what
# deploy/check_policies.py reads.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=deploy/tools.sh
source deploy/tools.sh

build=yes run=yes
for option in "$@"; do
    case $option in
        --no-build) build= ;;
        --no-run) run= ;;
        *) fail "there is no option $option: see the head of this file" ;;
    esac
done

functions=(daily-routine scores-and-standings knockouts tournaments operator-api migrate)
with_browser=" daily-routine scores-and-standings knockouts tournaments "
built=target/lambda
out=target/lambda-check
layer=$PWD/$out/layer
# Lambda's limit of function and layers together, unpacked, and the C library of its image.
max_bytes=$((250 * 1024 * 1024))
max_glibc=2.34
# The image's libraries; all others must be in the layer.
image_libraries=' ld-linux-x86-64.so.2 libc.so.6 libdl.so.2 libgcc_s.so.1 libm.so.6 libpthread.so.0 librt.so.1 libsqlite3.so.0 '

step() { echo "== $*"; }
bytes_of() { find "$@" -type f -printf '%s\n' | awk '{ sum += $1 } END { printf "%d", sum }'; }
glibc_of() { objdump -T "$@" 2> /dev/null | grep -o 'GLIBC_[0-9.]*' | sort -uV | tail -1 | sed 's/GLIBC_//'; }
mega() { awk -v bytes="$1" 'BEGIN { printf "%.1f", bytes / 1e6 }'; }

check_glibc() { # NAME FILE…
    local name=$1 newest
    shift
    newest=$(glibc_of "$@")
    [ "$(printf '%s\n' "$newest" "$max_glibc" | sort -V | tail -1)" = "$max_glibc" ] ||
        fail "$name needs GLIBC_$newest, and Lambda's image has $max_glibc: build with cargo-lambda"
}

check_libraries() { # NAME DIRECTORY_WITH_LIBRARIES FILE…
    local name=$1 own=$2 library
    shift 2
    for library in $(objdump -p "$@" | awk '$1 == "NEEDED" { print $2 }' | sort -u); do
        case $image_libraries in *" $library "*) continue ;; esac
        [ -n "$own" ] && [ -e "$own/$library" ] && continue
        fail "$name needs $library, which neither Lambda's image nor the layer has"
    done
}

use_sam
command -v objdump > /dev/null || fail "objdump is missing: install binutils"
mkdir -p "$out"

step "the template"
sam validate --lint --region eu-central-1
cfn-lint template.yaml

step "the scripts' own tests"
# One of them compares the documents with the commands of `local`.
cargo build --locked --quiet --package local
python -m unittest discover --start-directory deploy

step "panics unwind"
python - << 'PYTHON'
import pathlib, sys, tomlkit
manifest = tomlkit.parse(pathlib.Path("Cargo.toml").read_text())
panic = manifest.get("profile", {}).get("release", {}).get("panic")
# By default, cargo-lambda sets it to abort, and a panic then ends the process instead of the invocation.
sys.exit(None if panic == "unwind" else f'[profile.release] needs panic = "unwind", and has {panic!r}')
PYTHON

step "the Chromium layer"
stamp=$(cat layers/chromium/Makefile layers/chromium/unpack.mjs | sha256sum)
if [ "$(cat "$out/layer.stamp" 2> /dev/null)" != "$stamp" ]; then
    rm -rf "$layer" "$out/layer.stamp" "$out/layer-build"
    cp -r layers/chromium "$out/layer-build"
    mkdir -p "$layer"
    make --no-print-directory --directory "$out/layer-build" build-ChromiumLayer ARTIFACTS_DIR="$layer"
    rm -rf "$out/layer-build"
    echo "$stamp" > "$out/layer.stamp"
fi
layer_bytes=$(bytes_of "$layer")
mapfile -t layer_binaries < <(find "$layer" -type f \( -name chromium -o -name '*.so' -o -name '*.so.*' \))
check_glibc "the layer" "${layer_binaries[@]}"
check_libraries "the layer" "$layer/lib" "${layer_binaries[@]}"
# As in Lambda, where the layer is /opt: the fonts' configuration names it. `exec` replaces this process, so that the
# whole browser is killed.
mkdir -p "$out/fonts"
sed "s#/opt/fonts#$layer/fonts#" "$layer/fonts/fonts.conf" > "$out/fonts/fonts.conf"
cat > "$out/chromium" << SCRIPT
#!/bin/sh
export LD_LIBRARY_PATH='$layer/lib' FONTCONFIG_PATH='$PWD/$out/fonts'
exec '$layer/chromium/chromium' "\$@"
SCRIPT
chmod +x "$out/chromium"

if [ -n "$build" ]; then
    step "the functions"
    use_cargo_lambda
    cargo lambda build --release --locked --x86-64 --lambda-dir "$built" "${functions[@]/#/--bin=}"
fi
for name in "${functions[@]}"; do
    binary=$built/$name/bootstrap
    [ -f "$binary" ] || fail "$binary is missing: run without --no-build"
    check_glibc "$name" "$binary"
    check_libraries "$name" "" "$binary"
    bytes=$(bytes_of "$built/$name")
    case $with_browser in *" $name "*) bytes=$((bytes + layer_bytes)) ;; esac
    [ "$bytes" -le "$max_bytes" ] || fail "$name has $bytes bytes with its layer, and Lambda takes $max_bytes"
done

summary=$out/summary.json calls=deploy/expected-calls.json
rm -f "$summary"
if [ -n "$run" ]; then
    step "every function, every event"
    calls=$out/calls.json
    cargo run --locked --quiet --package local -- lambda-check \
        --functions "$PWD/$built" --chromium "$PWD/$out/chromium" --summary "$summary" --calls "$calls"
fi

if [ -n "$run" ]; then
    step "cargo lambda watch, every sample"
    cargo build --locked --quiet --workspace --bins
    local/watch-check.sh
fi

step "the roles, against $calls"
python deploy/check_policies.py "$calls"

step "done"
figure() { # NAME FIELD
    python - "$summary" "$1" "$2" << 'PYTHON'
import json, os, sys
path, name, field = sys.argv[1:]
figures = json.load(open(path))["functions"].get(name, {}) if os.path.exists(path) else {}
value = figures.get(field)
print("-" if value is None else value)
PYTHON
}
{
    echo "| function | unpacked, MB | with its layer, MB | newest glibc symbol | INIT, ms | cold start to the first answer, ms | peak memory without Chromium, MB |"
    echo "|---|---|---|---|---|---|---|"
    for name in "${functions[@]}"; do
        own=$(bytes_of "$built/$name") whole=-
        case $with_browser in *" $name "*) whole=$(mega $((own + layer_bytes))) ;; esac
        echo "| \`$name\` | $(mega "$own") | $whole | $(glibc_of "$built/$name/bootstrap") | $(figure "$name" init_ms) | $(figure "$name" cold_start_ms) | $(figure "$name" peak_memory_mb) |"
    done
    echo "| the Chromium layer | $(mega "$layer_bytes") | | $(glibc_of "${layer_binaries[@]}") | | | |"
} | tee "$out/table.md"
