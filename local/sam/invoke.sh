#!/usr/bin/env bash
# `sam local invoke` and `sam local start-api` with the services of `local up`:
#
#   local/sam/invoke.sh FUNCTION EVENT [OPTION…]      one function, one event
#   local/sam/invoke.sh start-api [OPTION…]           the operator's desk at http://127.0.0.1:3000
#
# Requires that `local up` runs, and that `sam build` has been run. This script creates what else SAM needs: an image with
# socat (Dockerfile), and on the host, while the function runs, forwarding from the containers' bridge to 127.0.0.1. The
# function is started by local/sam/bootstrap.
#
# BASE       image to start from (Lambda's own, which Docker pulls)
# TEMPLATE   a built template other than .aws-sam/build/template.yaml
# ENV_VARS   another file than events/env.local.json
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=deploy/tools.sh
source deploy/tools.sh

function=${1:?say which function: local/sam/invoke.sh Knockouts events/knockouts.json}
if [ "$function" = start-api ]; then
    function=OperatorApi
    command=(start-api --warm-containers LAZY)
    shift
else
    event=${2:?say which event: local/sam/invoke.sh Knockouts events/knockouts.json}
    command=(invoke "$function" --event "$event")
    shift 2
fi
env_vars=${ENV_VARS:-events/env.local.json}
[ -f "$env_vars" ] || fail "$env_vars is missing: run \`target/debug/local up\` in another terminal"
image=public.ecr.aws/lambda/provided:al2023-x86_64
base=${BASE:-$image}
use_sam
docker version > /dev/null || fail "a Docker engine is needed"

# Under the name that SAM looks for, so that it does not pull it. SAM's own image on top of it is rebuilt.
if [ "$(docker image inspect --format '{{ index .Config.Labels "best-shot" }}' "$image" 2> /dev/null)" != local ]; then
    docker image rm --force public.ecr.aws/lambda/provided:al2023-rapid-x86_64 > /dev/null 2>&1 || true
    docker build --quiet --build-arg BASE="$base" --label best-shot=local --tag "$image" local/sam > /dev/null
fi

# Older engines do not report the bridge's own address: it is the first of its network.
gateway=$(docker network inspect bridge | python -c '
import ipaddress, json, sys
config = json.load(sys.stdin)[0]["IPAM"]["Config"][0]
print(config.get("Gateway") or ipaddress.ip_network(config["Subnet"])[1])')
mapfile -t ports < <(grep -o '127\.0\.0\.1:[0-9]*' "$env_vars" | cut -d: -f2 | sort -u)
python local/sam/lead.py "$gateway" "${ports[@]}" &
trap 'kill %1' EXIT

built=${TEMPLATE:-.aws-sam/build/template.yaml}
rm -rf .aws-sam/local
mkdir -p .aws-sam/local/function
python local/sam/before.py "$built" "$function" .aws-sam/local
cp local/sam/bootstrap .aws-sam/local/function/bootstrap

# SAM passes these on; the AWS emulator accepts any keys. The region is the emulator's: what is in another one does not exist.
export AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local
sam local "${command[@]}" --template-file .aws-sam/local/template.yaml --region eu-central-1 \
    --env-vars "$env_vars" --skip-pull-image --add-host "best-shot-host:$gateway" \
    --parameter-overrides Local=true Environment=demo \
    SecretArn=arn:aws:secretsmanager:eu-central-1:123456789012:secret:best-shot/local-AAAAAA "$@"
