#!/usr/bin/env python3
"""Commands for an operator of a deployed environment. `make smoke`, `make redrive` and deploy.sh call it.

    operate.py preflight ENV                    whether the account lets the stack be created (PARAMETERS, samconfig.toml)
    operate.py migrate ENV [--bootstrap FILE]   apply the migrations; with FILE, with that build of the function
    operate.py state ENV FILE                   save health and alarms as they are before a deployment
    operate.py smoke ENV [--before FILE] [--tournament ID --round SLUG] [--require-provider]
    operate.py watch ENV [--before FILE] [--minutes 10]     fail when an alarm goes off that was not on before
    operate.py redrive ENV [--dry-run] [--refused]          invoke again what is in the dead-letter queues
    operate.py replan ENV                       delete the alarms and plan the checks of two days anew, after going back
    operate.py previous ENV FILE                save the deployed template, for a rollback (exits with 3: none)

The credentials are those of the AWS CLI (AWS_PROFILE, …); the region is that of samconfig.toml, unless AWS_REGION is
set.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import sys
import time
import urllib.error
import urllib.request
import uuid
import zipfile
from datetime import datetime, timezone
from pathlib import Path

HEALTH = "/api/v2/data-provider/health"
# Whether the deployed code runs and finds its tables, whatever the state of operations.
LIVE = f"{HEALTH}/live"
# The time limit of an answer: Lambda's maximum of 15 minutes.
ANSWER_SECONDS = 920
# These tell of days past or of the provider: going back would not help.
NOT_OF_A_DEPLOYMENT = ("no-daily-routine", "provider-blocked", "failed-invocations", "schedule-dead-letters")


class Failed(Exception):
    """A check or command failed; the message is for the operator."""


class NoStack(Failed):
    """There is nothing deployed yet."""


def say(text: str) -> None:
    """Prints a line for the operator."""
    print(text, flush=True)


class Environment:
    """One deployed environment. `client` gives an AWS client by the service's name."""

    def __init__(self, name: str, client) -> None:
        self.name = name
        self.prefix = f"best-shot-{name}"
        self.client = client

    def output(self, key: str) -> str:
        """One of the stack's outputs."""
        stacks = self.client("cloudformation").describe_stacks(StackName=self.prefix)["Stacks"]
        outputs = {output["OutputKey"]: output["OutputValue"] for output in stacks[0].get("Outputs", [])}
        if key not in outputs:
            raise Failed(f"the stack {self.prefix} has no output {key}: deploy it first")
        return outputs[key]

    def invoke(self, function: str, event: dict) -> tuple[dict, str]:
        """Invokes a function; returns its answer and the kind of its error (empty: none)."""
        answer = self.client("lambda").invoke(FunctionName=f"{self.prefix}-{function}", Payload=json.dumps(event).encode())
        body = json.loads(answer["Payload"].read() or b"null") or {}
        return body, (body.get("errorType") or "unknown") if answer.get("FunctionError") else ""


def preflight(environment: Environment, parameters: list[str]) -> None:
    """Fails where the account blocks public buckets and the images would be public."""
    given = dict(parameter.split("=", 1) for parameter in parameters if "=" in parameter)
    if given.get("CloudFrontDistributionArn"):
        say("preflight: the images are behind CloudFront")
        return
    account = environment.client("sts").get_caller_identity()["Account"]
    control = environment.client("s3control")
    try:
        blocked = control.get_public_access_block(AccountId=account)["PublicAccessBlockConfiguration"]
    except control.exceptions.ClientError as error:
        code = getattr(error, "response", {}).get("Error", {}).get("Code", "")
        if code == "NoSuchPublicAccessBlockConfiguration":
            blocked = {}
        else:
            say(f"WARNING: preflight: whether the account blocks public buckets is not known ({error})")
            return
    if blocked.get("BlockPublicPolicy") or blocked.get("RestrictPublicBuckets"):
        raise Failed(
            f"account {account} blocks public buckets (S3, Block Public Access), and without a distribution the images"
            " of teams are public. Set CloudFrontDistributionArn and CloudFrontUrl to a distribution with the bucket as"
            " its origin (docs/deploy.md, CloudFront), or switch BlockPublicPolicy and RestrictPublicBuckets off for the account"
        )
    say("preflight: the account allows public images")


def migrate(environment: Environment, bootstrap: Path | None = None) -> None:
    """Applies the migrations. With `bootstrap`, the function gets that code first: the rest still runs the old code."""
    function = f"{environment.prefix}-migrate"
    client = environment.client("lambda")
    if bootstrap:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            entry = zipfile.ZipInfo("bootstrap")
            entry.external_attr = 0o755 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, bootstrap.read_bytes())
        client.update_function_code(FunctionName=function, ZipFile=packed.getvalue())
        client.get_waiter("function_updated_v2").wait(FunctionName=function)
    answer, error = environment.invoke("migrate", {})
    if error:
        raise Failed(f"the migrations failed: {error}: {answer.get('errorMessage')}")
    say(f"migrations applied: {', '.join(map(str, answer.get('applied', []))) or 'none were pending'}")


def health(environment: Environment, path: str = HEALTH, get=urllib.request.urlopen) -> tuple[int, str]:
    """Status and beginning of the answer of a health request; 0 if there is none."""
    url = environment.output("OperatorApiUrl") + path
    try:
        with get(url, timeout=15) as answer:
            return answer.status, answer.read(200).decode(errors="replace")
    except urllib.error.HTTPError as error:
        return error.code, error.read(200).decode(errors="replace")
    except OSError as error:
        return 0, f"{url}: {error}"


def ringing(environment: Environment) -> set[str]:
    """The environment's alarms that are on and can concern a deployment."""
    pages = environment.client("cloudwatch").get_paginator("describe_alarms")
    alarms = (alarm for page in pages.paginate(AlarmNamePrefix=f"{environment.prefix}-", StateValue="ALARM")
              for alarm in page["MetricAlarms"])
    return {alarm["AlarmName"] for alarm in alarms if not alarm["AlarmName"].endswith(NOT_OF_A_DEPLOYMENT)}


def state(environment: Environment, file: Path, get=urllib.request.urlopen) -> None:
    """Saves health and alarms, with which those after the deployment are compared."""
    status, told = health(environment, get=get)
    before = {"health": status, "alarms": sorted(ringing(environment))}
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(before))
    say(f"before: health {status} {told}; in alarm: {', '.join(before['alarms']) or 'none'}")


def before_of(file: Path | None) -> dict:
    """What `state` saved; nothing before a first deployment."""
    return json.loads(file.read_text()) if file and file.is_file() else {}


def smoke(environment: Environment, tournament: str | None, round_slug: str | None, require_provider: bool,
          before: dict | None = None, get=urllib.request.urlopen) -> None:
    """Migrations, liveness, one dry run of each function, and one real request to the provider."""
    problems = []
    migrate(environment)

    for attempt in range(5):
        status, told = health(environment, LIVE, get)
        if status == 200:
            say(f"live: {told}")
            break
        if attempt == 4:
            problems.append(f"live: {status or 'no answer'}: {told}")
        else:
            time.sleep(2)
    status, told = health(environment, get=get)
    if status == 200:
        say(f"health: {told}")
    elif (before or {}).get("health") == 200:
        problems.append(f"health: {status}: {told}: it was well before the deployment")
    else:
        say(f"WARNING: health: {status}: {told}: as before the deployment")

    # Without a tournament to test with, refusing an unknown one is the correct answer: for it the function has started,
    # read its secret and queried the database.
    key = f"smoke-{uuid.uuid4()}"
    target = {"targetEnv": environment.name, "idempotencyKey": key, "dryRun": True}
    now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    someone = {"tournamentId": tournament or str(uuid.uuid4())}
    checked = {**target, **someone, "roundSlug": round_slug or "1", "kickoff": now, "check": "interim"}
    runs = {
        "daily-routine": {**target, "scheduledTime": now},
        "scores-and-standings": checked,
        "knockouts": {**target, **someone},
        "tournaments": {**target, **someone, "operation": "refresh"},
    }
    for function, event in runs.items():
        answer, error = environment.invoke(function, event)
        told = str(answer.get("errorMessage", ""))
        refused = not tournament and function != "daily-routine" and "no such tournament" in told
        if not error:
            say(f"{function}: dry run answered")
        elif refused:
            say(f"{function}: dry run refused an unknown tournament, as expected")
        else:
            problems.append(f"{function}: {error}: {told}")

    answer, error = environment.invoke("tournaments", {"operation": "probe", "targetEnv": environment.name})
    outcome = answer.get("outcome", "unknown")
    if error:
        problems.append(f"probe: {error}: {answer.get('errorMessage')}")
    elif outcome == "answered":
        say(f"probe: the provider answers: {json.dumps(answer)}")
    else:
        # Not caused by the deployment; a rollback would not help: only a warning, unless --require-provider is set.
        told = f"probe: the provider does not answer Lambda ({outcome}): {json.dumps(answer)}"
        if require_provider:
            problems.append(told)
        else:
            say(f"WARNING: {told}")
    if problems:
        raise Failed("\n".join(problems))
    say("smoke test passed")


def watch(environment: Environment, minutes: float, before: dict | None = None, pause_seconds: float = 15) -> None:
    """Fails when an alarm of the environment goes off that was not on before the deployment."""
    known = set((before or {}).get("alarms", [])) if before else ringing(environment)
    if known:
        say(f"in alarm already: {', '.join(sorted(known))}")
    end = time.monotonic() + minutes * 60
    while time.monotonic() < end:
        new = ringing(environment) - known
        if new:
            raise Failed(f"in alarm since the deployment: {', '.join(sorted(new))}")
        time.sleep(min(pause_seconds, max(0.0, end - time.monotonic())))
    say(f"no alarm in {minutes:g} minutes")


def failed_invocation(message: dict, refused_too: bool = False) -> tuple[str, dict]:
    """Function and event of a message in Lambda's dead-letter queue."""
    body = json.loads(message["Body"])
    if not refused_too and (body.get("responsePayload") or {}).get("errorType") == "InvalidInput":
        raise ValueError("its function refuses this event: see to the cause and run redrive with --refused, or delete it")
    arn = body["requestContext"]["functionArn"]
    # …:function:NAME or …:function:NAME:QUALIFIER
    return arn.split(":function:")[1].split(":")[0], body["requestPayload"]


def undelivered_schedule(message: dict) -> tuple[str, dict]:
    """Function and event of a message in Scheduler's dead-letter queue."""
    attributes = {name: value.get("StringValue", "") for name, value in message.get("MessageAttributes", {}).items()}
    if attributes.get("IS_PAYLOAD_TRUNCATED", "").lower() == "true":
        raise ValueError("its event was truncated")
    event = json.loads(message["Body"])
    target = attributes.get("TARGET_ARN", "")
    if "Payload" in event and "FunctionName" in event:  # the whole call instead of the event alone
        target = target if ":function:" in target else event["FunctionName"]
        event = json.loads(event["Payload"]) if isinstance(event["Payload"], str) else event["Payload"]
    if ":function:" not in target:
        raise ValueError(f"it names no function: {attributes}")
    for field, attribute in (("scheduledTime", "SCHEDULED_TIME"), ("scheduleArn", "SCHEDULE_ARN")):
        if re.match(r"<aws\.scheduler\.", str(event.get(field, ""))):
            event.pop(field)
            if attributes.get(attribute):
                event[field] = attributes[attribute]
    return target.split(":function:")[1].split(":")[0], event


def redrive(environment: Environment, dry_run: bool, refused_too: bool = False) -> None:
    """Invokes again what is in the two queues; a message is deleted once Lambda has accepted the event."""
    sqs, functions = environment.client("sqs"), environment.client("lambda")
    kept = 0
    for output, read in (
        ("FailedInvocationsUrl", lambda message: failed_invocation(message, refused_too)),
        ("ScheduleDeadLettersUrl", undelivered_schedule),
    ):
        queue = environment.output(output)
        seen: set[str] = set()
        while True:
            # Hidden from other readers for as long as this may take; kept messages are visible again after that.
            got = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, VisibilityTimeout=0 if dry_run else 120,
                                      WaitTimeSeconds=1, MessageAttributeNames=["All"]).get("Messages", [])
            got = [message for message in got if message["MessageId"] not in seen]
            if not got:
                break
            for message in got:
                seen.add(message["MessageId"])
                try:
                    function, event = read(message)
                    if not function.startswith(f"{environment.prefix}-"):
                        raise ValueError(f"{function} is not of {environment.name}")
                except (ValueError, KeyError) as error:
                    kept += 1
                    say(f"kept {message['MessageId']}: {error}")
                    continue
                say(f"{'would run' if dry_run else 'running'} {function} {json.dumps(event)}")
                if not dry_run:
                    functions.invoke(FunctionName=function, InvocationType="Event", Payload=json.dumps(event).encode())
                    sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        say(f"{output.removesuffix('Url')}: {len(seen)} messages")
    if kept:
        raise Failed(f"{kept} messages were kept: inspect them in the console")


# FUNCTION-MOMENT-HASH at the end of an alarm's name, as `shared/src/alarms.rs` writes it.
ALARM = re.compile(r"-(daily-routine|scores-and-standings|knockouts|tournaments)-\d{8}T\d{6}-[0-9a-f]{10}$")


def replan(environment: Environment) -> None:
    """Deletes the alarms, which a version before them does not know, and has the daily routine plan what is due."""
    scheduler = environment.client("scheduler")
    deleted = 0
    for page in scheduler.get_paginator("list_schedules").paginate(GroupName=environment.prefix):
        for schedule in page["Schedules"]:
            if ALARM.search(schedule["Name"]):
                scheduler.delete_schedule(GroupName=environment.prefix, Name=schedule["Name"])
                deleted += 1
    say(f"{deleted} alarms deleted")
    now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    answer, error = environment.invoke("daily-routine", {"targetEnv": environment.name, "scheduledTime": now})
    if error:
        raise Failed(f"the daily routine failed ({error}): {answer.get('errorMessage')}")
    say("the daily routine has planned two days")


def previous(environment: Environment, file: Path) -> None:
    """Saves the deployed template. Its code is in SAM's bucket, under its checksum."""
    client = environment.client("cloudformation")
    try:
        answer = client.get_template(StackName=environment.prefix, TemplateStage="Original")
    except client.exceptions.ClientError as error:
        # CloudFormation has no specific error for this.
        if "does not exist" in str(error):
            raise NoStack(f"there is no stack {environment.prefix}") from error
        raise
    body = answer["TemplateBody"]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(body if isinstance(body, str) else json.dumps(body))
    say(f"the deployed template is in {file}")


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("preflight", "migrate", "state", "smoke", "watch", "redrive", "replan", "previous"):
        command = commands.add_parser(name)
        command.add_argument("environment", help="demo, prod, …")
        if name == "migrate":
            command.add_argument("--bootstrap", type=Path)
        if name == "smoke":
            command.add_argument("--tournament")
            command.add_argument("--round")
            command.add_argument("--require-provider", action="store_true")
        if name == "watch":
            command.add_argument("--minutes", type=float, default=10)
        if name in ("smoke", "watch"):
            command.add_argument("--before", type=Path)
        if name == "redrive":
            command.add_argument("--dry-run", action="store_true")
            command.add_argument("--refused", action="store_true", help="also what its function refused")
        if name in ("previous", "state"):
            command.add_argument("file", type=Path)
    arguments = parser.parse_args()

    import boto3
    import tomlkit
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    settings = tomlkit.parse((Path(__file__).parent.parent / "samconfig.toml").read_text())
    configured = settings.get(arguments.environment, {}).get("global", {}).get("parameters", {}).get("region")
    region = os.environ.get("AWS_REGION") or configured
    # A function is invoked once: the client's own retry after a time-out would run it twice.
    patient = Config(read_timeout=ANSWER_SECONDS, retries={"total_max_attempts": 1})
    clients: dict = {}

    def client(service: str):
        if service not in clients:
            clients[service] = boto3.client(service, region_name=region, config=patient if service == "lambda" else None)
        return clients[service]

    environment = Environment(arguments.environment, client)
    overrides = settings.get(arguments.environment, {}).get("deploy", {}).get("parameters", {})
    try:
        if arguments.command == "preflight":
            listed = os.environ.get("PARAMETERS", "").split()
            preflight(environment, listed or list(overrides.get("parameter_overrides", [])))
        elif arguments.command == "migrate":
            migrate(environment, arguments.bootstrap)
        elif arguments.command == "smoke":
            before = before_of(arguments.before)
            smoke(environment, arguments.tournament, arguments.round, arguments.require_provider, before)
        elif arguments.command == "watch":
            watch(environment, arguments.minutes, before_of(arguments.before))
        elif arguments.command == "state":
            state(environment, arguments.file)
        elif arguments.command == "redrive":
            redrive(environment, arguments.dry_run, arguments.refused)
        elif arguments.command == "replan":
            replan(environment)
        else:
            previous(environment, arguments.file)
    except (Failed, BotoCoreError, ClientError) as error:
        print(f"{arguments.command}: {error}", file=sys.stderr)
        return 3 if isinstance(error, NoStack) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
