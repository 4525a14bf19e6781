# shellcheck shell=bash
# Sourced by the other scripts: puts SAM, cargo-lambda and zig of .tools/venv on the PATH.

tools=${TOOLS_DIR:-$PWD/.tools}
export SAM_CLI_TELEMETRY=0

fail() {
    echo "$(basename "$0"): $*" >&2
    exit 1
}

# SAM, cfn-lint and boto3.
use_sam() {
    [ -x "$tools/venv/bin/sam" ] || fail "the SAM CLI is missing: run \`make setup\`"
    PATH=$tools/venv/bin:$PATH
}

# cargo-lambda and its linker.
use_cargo_lambda() {
    use_sam
    local wanted=deploy/build-requirements.txt installed=$tools/venv/build-requirements.txt
    if ! cmp --silent "$wanted" "$installed"; then
        echo "installing cargo-lambda and zig into $tools/venv (400 MB)…"
        "$tools/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --require-hashes \
            --only-binary :all: -r "$wanted"
        cp "$wanted" "$installed"
    fi
}
