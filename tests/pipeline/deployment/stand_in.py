"""Stands in for `sam deploy`, which needs an account: creates or updates the stack in the emulator, and swaps the code.

    stand_in.py deploy --template-file FILE …     the template says in `Build:` which directory of BUILDS has the code
    stand_in.py alarm NAME                        an alarm of the environment is on
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import boto3

PREFIX = os.environ["STACK"]


def alarm(name: str) -> None:
    client = boto3.client("cloudwatch")
    client.put_metric_alarm(AlarmName=f"{PREFIX}-{name}", EvaluationPeriods=1, Threshold=1, Period=60, Statistic="Sum",
                            ComparisonOperator="GreaterThanThreshold", Namespace="Test", MetricName="Test")
    client.set_alarm_state(AlarmName=f"{PREFIX}-{name}", StateValue="ALARM", StateReason="test")


def deploy(template: Path) -> None:
    body = template.read_text()
    build = re.search(r"Build: (\w+)", body).group(1)
    with open(os.environ["SEEN"], "a") as seen:
        seen.write(f"deploy {build}\n")
    functions = Path(os.environ["FUNCTIONS"])
    for binary in (Path(os.environ["BUILDS"]) / build).iterdir():
        link = functions / f"{binary.name}.new"
        link.symlink_to(binary.resolve())
        link.rename(functions / binary.name)
    client = boto3.client("cloudformation")
    known = [stack["StackName"] for stack in client.describe_stacks()["Stacks"]]
    change = client.update_stack if PREFIX in known else client.create_stack
    change(StackName=PREFIX, TemplateBody=body)
    if build == "ringing":
        alarm("errors")


if sys.argv[1] == "alarm":
    alarm(sys.argv[2])
else:
    deploy(Path(sys.argv[sys.argv.index("--template-file") + 1]))
