#!/bin/bash
# Serves a replayed season and tests its operator's API against its OpenAPI description.
# `ignored_auth` is excluded: it sends wrong tokens until the API blocks this address; the test
# `nobody_comes_in_without_valid_credentials_and_nothing_is_written` checks every route instead.
# 400 examples per operation are well over 5,000 requests; the end of its report has the number.
set -euo pipefail
log=$(mktemp)
target/debug/local replay local/seasons/2022-world-cup.json --bulk --serve --summary target/schemathesis/summary.json >"$log" &
replay=$!
trap 'kill -INT "$replay"; wait "$replay" || true; rm -f "$log"' EXIT
until grep -q "keep running" "$log"; do kill -0 "$replay"; sleep 1; done
url=$(sed -nE 's#^desk: +(http://[^/]+)/.*#\1#p' "$log")
token=$(sed -nE 's#^desk: .*\(token: (.*)\)$#\1#p' "$log")
.tools/schemathesis/bin/schemathesis run "$url/api/v2/data-provider/openapi.json" \
  -H "X-Internal-Token: $token" --checks all --exclude-checks ignored_auth --max-examples 400 "$@"
