#!/usr/bin/env python3
"""Compares the roles in template.yaml with the recorded AWS calls.

    check_policies.py CALLS.json [--all-of EXPECTED.json] [--template template.yaml] [--environment demo]

CALLS.json: what the functions called during a full test run, in any order, repeats allowed:

    [{"function": "daily-routine", "service": "s3", "operation": "PutObject", "resource": "bucket/key"}, ...]

`resource` is, by service: s3 "bucket/key"; scheduler "group/name" (ListSchedules: anything); secretsmanager the secret's
name or ARN; events the bus's name or ARN; lambda the function's name or ARN.

It fails when a call is not allowed, when something is allowed that no call needs, and when a resource or an action is
given by `*` where it need not be. With --all-of, also when a call of EXPECTED.json was not recorded: in this way `make
test` verifies deploy/expected-calls.json, by which the roles are checked where no test has run. (Tests may record more
calls: some run only over real seasons.)
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from policies import ACCOUNT, REGION, Grant, grants, load

# Operations whose IAM action has another name.
ACTIONS = {
    ("s3", "HeadObject"): "s3:GetObject",
    ("s3", "ListObjectsV2"): "s3:ListBucket",
    ("s3", "ListObjects"): "s3:ListBucket",
    ("lambda", "Invoke"): "lambda:InvokeFunction",
}

# Actions that IAM allows on `*` only, or on resources that do not exist before the call.
WITHOUT_ARN = {
    "xray:PutTraceSegments",
    "xray:PutTelemetryRecords",
    "ec2:CreateNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:DeleteNetworkInterface",
    "ec2:AssignPrivateIpAddresses",
    "ec2:UnassignPrivateIpAddresses",
}


@dataclass(frozen=True)
class Call:
    """A call that a role makes, or that AWS makes on its behalf."""

    role: str
    action: str
    resource: str
    why: str


def role_of(function: str) -> str:
    """`daily-routine` -> `DailyRoutine`."""
    return "".join(word.capitalize() for word in function.split("-"))


def recorded(record: dict) -> Call:
    """A recorded call in IAM's terms."""
    service, operation = record["service"], record["operation"]
    resource = record.get("resource", "")
    action = ACTIONS.get((service, operation), f"{service}:{operation}")
    if service == "s3":
        arn = f"arn:aws:s3:::{resource.split('/', 1)[0] if action == 's3:ListBucket' else resource}"
    elif service == "scheduler":
        # Listing is authorized on all groups, whichever is requested.
        arn = f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/{'*/*' if operation == 'ListSchedules' else resource}"
    elif service == "secretsmanager":
        arn = resource
        if not arn.startswith("arn:"):
            arn = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{resource}-XXXXXX"
    elif service == "events":
        arn = resource
        if not arn.startswith("arn:"):
            arn = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/{resource}"
    elif service == "lambda":
        arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{resource.rsplit(':', 1)[-1]}"
    else:
        raise SystemExit(f"{record['function']} called {service}:{operation}, which this check does not know: add it")
    return Call(role_of(record["function"]), action, arn, f"{record['function']} called {operation} on {resource!r}")


def implied(functions: set[str], calls: set[Call], environment: str) -> set[Call]:
    """Calls that are never recorded, because AWS makes them with the role; each with the reason."""
    result = set()
    prefix = f"best-shot-{environment}"
    queue = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{prefix}"
    for function in functions:
        role = role_of(function)
        logs = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/{prefix}-{function}:log-stream:x"
        for action in ("logs:CreateLogStream", "logs:PutLogEvents"):
            result.add(Call(role, action, logs, f"Lambda writes the log of {function}"))
        for action in WITHOUT_ARN:
            why = "Lambda writes traces" if action.startswith("xray:") else "Lambda joins the VPC"
            result.add(Call(role, action, "*", f"{why} for {function}"))
        if function not in ("operator-api", "migrate"):
            why = f"Lambda stores failed events of {function}"
            result.add(Call(role, "sqs:SendMessage", f"{queue}-failed-invocations", why))
    for call in calls:
        if call.action in ("scheduler:CreateSchedule", "scheduler:UpdateSchedule"):
            role = f"arn:aws:iam::{ACCOUNT}:role/SchedulerRole"
            result.add(Call(call.role, "iam:PassRole", role, f"{call.action} passes the role to the schedule"))
    for function in ("daily-routine", "scores-and-standings", "knockouts", "tournaments"):
        arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{prefix}-{function}"
        result.add(Call("Scheduler", "lambda:InvokeFunction", arn, f"a schedule invokes {function}"))
    why = "Scheduler stores events that it could not deliver"
    result.add(Call("Scheduler", "sqs:SendMessage", f"{queue}-schedule-dead-letters", why))
    return result


def allows(grant: Grant, call: Call) -> bool:
    """Whether the grant covers the call. Nothing here grants actions by pattern."""
    return grant.action == call.action and fnmatchcase(call.resource, grant.resource)


def check(template: dict, records: list[dict], environment: str = "demo") -> list[str]:
    """The problems, one sentence each."""
    roles = grants(template, environment)
    functions = {
        resource["Properties"]["FunctionName"]["Fn::Sub"].removeprefix("best-shot-${Environment}-")
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::Serverless::Function"
    }
    problems = [f"{call['function']} is in the recording but not in the template"
                for call in records if call["function"] not in functions]
    seen = {recorded(record) for record in records if record["function"] in functions}
    calls = seen | implied(functions, seen, environment)
    for call in calls:
        if not any(allows(grant, call) for grant in roles.get(call.role, [])):
            problems.append(f"{call.role} may not {call.action} on {call.resource}: {call.why}")
    # A policy that several roles share is needed if one of them needs it.
    shared: dict[tuple[str, str, str], bool] = {}
    for grant in (grant for granted in roles.values() for grant in granted):
        key = (grant.policy, grant.action, grant.resource)
        shared[key] = shared.get(key, False) or any(allows(grant, call) for call in calls if call.role == grant.role)
        if "*" in grant.action:
            problems.append(f"{grant.role}: {grant.action} is a pattern: name the actions")
        if grant.resource == "*" and grant.action not in WITHOUT_ARN:
            problems.append(f"{grant.role}: {grant.action} is allowed on *: name the resource")
        if grant.action == "iam:PassRole" and "iam:PassedToService" not in grant.condition:
            problems.append(f"{grant.role}: iam:PassRole without the condition iam:PassedToService")
    for (policy, action, resource), needed in shared.items():
        if not needed:
            problems.append(f"{policy}: {action} on {resource} is allowed, but no recorded call needs it")
    return sorted(set(problems))


def missing(records: list[dict], expected: list[dict]) -> list[str]:
    """The expected calls that were not recorded, one sentence each."""
    return [f"{call['function']}: {call['service']}:{call['operation']} on {call['resource']} is expected, but no test made it"
            for call in expected if call not in records]


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("calls", type=Path)
    parser.add_argument("--all-of", type=Path, metavar="EXPECTED.json")
    parser.add_argument("--template", type=Path, default=Path(__file__).parent.parent / "template.yaml")
    parser.add_argument("--environment", default="demo")
    arguments = parser.parse_args()
    records = json.loads(arguments.calls.read_text())
    problems = check(load(arguments.template), records, arguments.environment)
    unseen = missing(records, json.loads(arguments.all_of.read_text())) if arguments.all_of else []
    problems += unseen
    for problem in problems:
        print(f"policies: {problem}", file=sys.stderr)
    if unseen:
        print(f"policies: if they are no longer made, cp {arguments.calls} {arguments.all_of}", file=sys.stderr)
    if not problems:
        print(f"policies: {len(records)} recorded calls are allowed, and nothing else")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
