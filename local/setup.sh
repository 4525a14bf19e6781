#!/usr/bin/env bash
# Installs what the local stack needs on Debian or Ubuntu: Postgres, PgBouncer, Chromium, and a Python environment with
# the AWS emulator (moto), AWS's Runtime Interface Emulator (from the SAM CLI) and the test runner (cargo-nextest).
# Prints what it installs; a second run does nothing. Root (or sudo) is needed only for missing system packages.
set -euo pipefail
cd "$(dirname "$0")/.."

tools=${TOOLS_DIR:-$PWD/.tools}
say() { echo "setup: $*"; }
fail() { echo "setup: $*" >&2; exit 1; }

updated=
apt_install() {
    command -v apt-get > /dev/null || fail "apt-get is missing: install $* by hand"
    local sudo=
    if [ "$(id -u)" != 0 ]; then
        command -v sudo > /dev/null || fail "root is needed to install $*: run this as root, or install sudo"
        sudo=sudo
    fi
    if [ -z "$updated" ]; then
        say "updating the list of packages…"
        $sudo apt-get update -qq
        updated=yes
    fi
    say "installing system packages: $*"
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" > /dev/null
}

[ "$(uname -m)" = x86_64 ] || fail "the local stack runs on x86_64 only: so do the functions and AWS's emulator here"

# A C compiler for the crates that build C, and certificates for downloads.
[ -s /etc/ssl/certs/ca-certificates.crt ] || apt_install ca-certificates
command -v cc > /dev/null || apt_install build-essential
command -v setpriv > /dev/null || apt_install util-linux
ls /usr/lib/postgresql/*/bin/initdb > /dev/null 2>&1 || apt_install postgresql
# Debian's own service is not changed: the stack's server has its own port.
[ -x /usr/sbin/pgbouncer ] || apt_install pgbouncer
python3 -c 'import venv, ensurepip' 2> /dev/null || apt_install python3 python3-venv

chromium_installed() {
    [ -n "${CHROMIUM_PATH:-}" ] || [ -x /usr/lib/chromium/chromium-headless-shell ] ||
        [ -x /usr/lib/chromium/chromium ] || [ -x "$tools/chromium/chromium" ]
}
if ! chromium_installed; then
    if [ -z "$updated" ] && command -v apt-get > /dev/null; then
        say "updating the list of packages…"
        if [ "$(id -u)" = 0 ]; then apt-get update -qq; elif command -v sudo > /dev/null; then sudo apt-get update -qq; fi
        updated=yes
    fi
    if apt-cache show chromium-headless-shell > /dev/null 2>&1; then
        apt_install chromium-headless-shell
    else
        # Ubuntu's chromium is a snap, which can't be controlled from here: the Lambda layer's own build is used.
        command -v npm > /dev/null || apt_install npm
        ldconfig -p | grep -q libnss3.so || apt_install libnss3
        want_brotli=yes
    fi
fi

mkdir -p "$tools"
if ! cmp --silent local/requirements.txt "$tools/venv/requirements.txt"; then
    say "making a Python environment in $tools/venv: $(tr '\n' ' ' < local/requirements.in)"
    python3 -m venv --clear "$tools/venv"
    # The lock file names every package and its hashes: nothing else is fetched, and no package's code runs to build it.
    "$tools/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary :all: \
        -r local/requirements.txt
    cp local/requirements.txt "$tools/venv/requirements.txt"
fi
if [ ! -x "$tools/aws-lambda-rie" ]; then
    rie=$(echo "$tools"/venv/lib/python3*/site-packages/samcli/local/rapid/aws-lambda-rie-x86_64)
    [ -f "$rie" ] || fail "the Runtime Interface Emulator is not in aws-sam-cli any more: $rie"
    install -m 755 "$rie" "$tools/aws-lambda-rie"
fi

if [ -n "${want_brotli:-}" ]; then
    say "unpacking Chromium from the npm package @sparticuz/chromium into $tools/chromium"
    # The version and its checksum are those of the layer.
    pinned() { sed -n "s/^$1 := //p" layers/chromium/Makefile; }
    version=$(pinned VERSION)
    package=sparticuz-chromium-$version.tgz
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    (cd "$work" && npm pack --silent --ignore-scripts "@sparticuz/chromium@$version" > /dev/null)
    echo "$(pinned SHA512)  $work/$package" | sha512sum --check --quiet ||
        fail "$package is not the package that was chosen (SHA512 in layers/chromium/Makefile)"
    tar -xzf "$work/$package" -C "$work"
    mkdir -p "$tools/chromium"
    "$tools/venv/bin/python" - "$work/package/bin" "$tools/chromium" << 'PYTHON'
import brotli, io, pathlib, sys, tarfile
source, target = map(pathlib.Path, sys.argv[1:])
for name in ("swiftshader.tar.br", "fonts.tar.br"):
    archive = io.BytesIO(brotli.decompress((source / name).read_bytes()))
    tarfile.open(fileobj=archive).extractall(target)
# The binary last, by one rename: if it exists, everything is installed.
binary = target / "chromium.part"
binary.write_bytes(brotli.decompress((source / "chromium.br").read_bytes()))
binary.chmod(0o755)
binary.rename(target / "chromium")
PYTHON
fi
chromium_installed || fail "Chromium could not be installed"
command -v cargo > /dev/null || fail "Rust is missing: install it with rustup (rust-toolchain.toml names the version)"
