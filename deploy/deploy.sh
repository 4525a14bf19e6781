#!/usr/bin/env bash
# Deploys one environment: the migrations first, then the new code, then the smoke test; rolls back when that fails or
# an alarm goes off.
#
#   deploy/deploy.sh ENV        ENV is a table of samconfig.toml: demo, prod
#
# PARAMETERS       parameter overrides ("Environment=demo SecretArn=…") in place of those in samconfig.toml
# BUILT=yes        .aws-sam/build exists already (CI builds once for all environments)
# WATCH_MINUTES    how long alarms are watched after the deployment (10)
# UNATTENDED=yes   no questions
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=deploy/tools.sh
source deploy/tools.sh

environment=${1:?say which environment: deploy/deploy.sh demo}
previous=.aws-sam/previous/$environment.yaml
before=.aws-sam/previous/$environment.json
if [ -n "${BUILT:-}" ]; then use_sam; else use_cargo_lambda; fi
operate() { python deploy/operate.py "$@"; }

sam_deploy() { # TEMPLATE
    local options=(--config-env "$environment" --template-file "$1" --no-fail-on-empty-changeset)
    # Unquoted on purpose: it is a list.
    # shellcheck disable=SC2206
    [ -z "${PARAMETERS:-}" ] || options+=(--parameter-overrides $PARAMETERS)
    [ -z "${UNATTENDED:-}" ] || options+=(--no-confirm-changeset)
    sam deploy "${options[@]}"
}

# What would fail after minutes of building is said before it.
operate preflight "$environment" || fail "nothing was built or changed"

if [ -z "${BUILT:-}" ]; then
    sam build --config-env "$environment"
fi

# The database must be ready before the code that needs it: the migrate function alone gets its new code, and applies the
# migrations while everything else still runs the old code. So a migration has to leave the old code working: it adds,
# and what it replaces is removed by a later release. If it fails, nothing else has changed.
rm -f "$previous" "$before"
found=0
operate previous "$environment" "$previous" || found=$?
case $found in
    0)
        # A deployment is judged by what it changes: what was not well before is not its doing.
        operate state "$environment" "$before"
        operate migrate "$environment" --bootstrap .aws-sam/build/Migrate/bootstrap
        ;;
    3) echo "creating it; the smoke test applies the migrations before anything else" ;;
    *) fail "what is deployed could not be read, so nothing was changed" ;;
esac

sam_deploy .aws-sam/build/template.yaml

if operate smoke "$environment" --before "$before" &&
    operate watch "$environment" --before "$before" --minutes "${WATCH_MINUTES:-10}"; then
    echo "$environment is deployed"
    exit 0
fi
[ -f "$previous" ] || fail "the first deployment of $environment is not well; there is nothing to go back to"
echo "rolling back to the previous template" >&2
UNATTENDED=yes
sam_deploy "$previous"
# The earlier code may not know the alarms of this one: what is due is planned anew by its own routine.
operate replan "$environment" || echo "replan failed: run it again, or checks of today may be missing" >&2
fail "$environment was not well and runs the earlier code again; migrations stay"
