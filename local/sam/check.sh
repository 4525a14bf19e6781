#!/usr/bin/env bash
# Tries `sam local invoke` with every function and sample, and the desk by `sam local start-api`, against the services of
# `local up`. Ends with an error that names the sample, or with their number. Takes some minutes: a container for each.
#
#   local/sam/check.sh        needs a Docker engine, `make build` and `sam build`; BASE as for invoke.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=deploy/tools.sh
source deploy/tools.sh

logs=target/sam-check
mkdir -p "$logs"
target/debug/local up > "$logs/up.log" 2>&1 &
up=$!
trap 'kill "$up" "${api:-}" 2> /dev/null || true' EXIT
for _ in $(seq 120); do
    grep -q "keep running" "$logs/up.log" && break
    kill -0 "$up" 2> /dev/null || { cat "$logs/up.log"; fail "local up has ended"; }
    sleep 1
done

count=0
while read -r name function refused; do
    # The template's name of it: daily-routine is DailyRoutine.
    resource=$(sed -E 's/(^|-)(.)/\U\2/g' <<< "$function")
    answer=$logs/$name.json
    local/sam/invoke.sh "$resource" "events/$name.json" > "$answer" 2> "$logs/$name.log" < /dev/null ||
        fail "events/$name.json: $(tail -5 "$logs/$name.log")"
    if grep -q '"errorType"' "$answer"; then
        [ "$refused" != - ] && grep -q "$refused" "$answer" || fail "events/$name.json: $(cat "$answer")"
    else
        [ -s "$answer" ] && [ "$refused" = - ] || fail "events/$name.json is not refused, or not answered: $(cat "$answer")"
        ! grep -q '"errors": \["' "$answer" || fail "events/$name.json: $(cat "$answer")"
    fi
    count=$((count + 1))
done < <(target/debug/local samples --list)

local/sam/invoke.sh start-api > "$logs/start-api.log" 2>&1 &
api=$!
for _ in $(seq 60); do
    grep -q "Running on http://127.0.0.1:3000" "$logs/start-api.log" && break
    kill -0 "$api" 2> /dev/null || fail "start-api has ended: $(tail -5 "$logs/start-api.log")"
    sleep 1
done
curl --fail --silent --show-error --header "X-Internal-Token: local-operator-token-for-this-machine-only" \
    http://127.0.0.1:3000/ > "$logs/today.html" || fail "the desk does not answer: $(tail -5 "$logs/start-api.log")"
grep -q "What needs you" "$logs/today.html" || fail "the desk's page is another one: $(head -c 500 "$logs/today.html")"
echo "$count samples and the desk answer through sam local"
