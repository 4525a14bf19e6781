#!/usr/bin/env bash
# Tries what README.md and docs/develop.md say of cargo-lambda: `local up`, `cargo lambda watch`, and every sample event by
# `cargo lambda invoke`, without editing a file. Ends with an error that names the sample, or with their number.
#
#   local/watch-check.sh      needs `make build`; installs cargo-lambda into .tools
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=deploy/tools.sh
source deploy/tools.sh
use_cargo_lambda

port=${WATCH_PORT:-9100}
logs=target/watch-check
mkdir -p "$logs"
target/debug/local up --watch-port "$port" > "$logs/up.log" 2>&1 &
up=$!
trap 'kill "$up" "${watch:-}" 2> /dev/null || true' EXIT
for _ in $(seq 120); do
    grep -q "keep running" "$logs/up.log" && break
    kill -0 "$up" 2> /dev/null || { cat "$logs/up.log"; fail "local up has ended"; }
    sleep 1
done
cargo lambda watch --invoke-port "$port" > "$logs/watch.log" 2>&1 &
watch=$!
for _ in $(seq 60); do
    grep -q "starting Runtime server" "$logs/watch.log" && break
    sleep 1
done

count=0
while read -r name function refused; do
    answer=$logs/$name.json
    if cargo lambda invoke --invoke-port "$port" "$function" --data-file "events/$name.json" > "$answer" 2>&1; then
        [ "$refused" = - ] || fail "events/$name.json is not refused: $(cat "$answer")"
        ! grep -q '"errors":\["' "$answer" || fail "events/$name.json: $(cat "$answer")"
    else
        [ "$refused" != - ] && grep -q "$refused" "$answer" || fail "events/$name.json: $(cat "$answer")"
    fi
    count=$((count + 1))
done < <(target/debug/local samples --list)

# The desk, through cargo-lambda's URL of a function.
desk=http://localhost:$port/lambda-url/operator-api
curl --fail --silent --show-error --header "X-Internal-Token: local-operator-token-for-this-machine-only" \
    "$desk/api/v2/data-provider/today" > "$logs/today.json" || fail "the desk does not answer at $desk"
# Its page names its own addresses below that path.
curl --fail --silent --show-error --header "X-Internal-Token: local-operator-token-for-this-machine-only" "$desk/" |
    grep -q 'href="/lambda-url/operator-api/tournaments"' || fail "the desk's page is not at $desk"
echo "$count samples and the desk answer through cargo lambda watch"
