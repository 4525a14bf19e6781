"""Tests of the template's alarms: each is fed the series that it is there for, and one on which it must stay quiet."""

from __future__ import annotations

import re
import unittest
from pathlib import Path
from typing import Any

from policies import Resolver, load

ROOT = Path(__file__).parent.parent
ENVIRONMENT = "demo"
BROWSER_FUNCTIONS = ["daily-routine", "scores-and-standings", "knockouts", "tournaments"]
FUNCTIONS = [*BROWSER_FUNCTIONS, "operator-api", "migrate"]

# A metric: its namespace, its name, and the values of its dimensions.
Metric = tuple[str, str, frozenset[tuple[str, str]]]
# Values by period, counted from the first that an alarm looks at. One that is not there is missing.
Series = dict[Metric, dict[int, float]]


def metric(namespace: str, name: str, **dimensions: str) -> Metric:
    return namespace, name, frozenset(dimensions.items())


TEMPLATE = load(ROOT / "template.yaml")
TEXT = Resolver(TEMPLATE, ENVIRONMENT).text


def metric_of(found: dict[str, Any]) -> Metric:
    dimensions = {entry["Name"]: TEXT(entry["Value"]) for entry in found.get("Dimensions", [])}
    return metric(found["Namespace"], found["MetricName"], **dimensions)


def values(alarm: dict[str, Any], series: Series, period: int) -> list[float]:
    """What the alarm compares in a period: one value, or none if all of its metrics are missing."""
    if "Metrics" not in alarm:
        return [series[key][period] for key in [metric_of(alarm)] if period in series.get(key, {})]
    returned = [entry for entry in alarm["Metrics"] if entry.get("ReturnData", True)]
    assert len(returned) == 1, "an alarm compares one series"
    stated = [metric_of(entry["MetricStat"]["Metric"]) for entry in alarm["Metrics"] if "MetricStat" in entry]
    present = [series[key][period] for key in stated if period in series.get(key, {})]
    expression = TEXT(returned[0]["Expression"])
    if expression == "SUM(METRICS())":
        return [sum(present)] if present else []
    if expression == "MAX(METRICS())":
        return [max(present)] if present else []
    query = re.fullmatch(r"""SELECT SUM\((\w+)\) FROM SCHEMA\("(\w+)", ([\w, ]+)\) WHERE (\w+) = '(\w+)'""", expression)
    assert query, f"an expression that this test can't evaluate: {expression}"
    name, namespace, dimensions, dimension, value = query.groups()
    matching = [
        entry[period]
        for (space, called, having), entry in series.items()
        if (space, called) == (namespace, name) and {key for key, _ in having} == set(dimensions.split(", "))
        and (dimension, value) in having and period in entry
    ]
    return [sum(matching)] if matching else []


def rings(alarm: dict[str, Any], series: Series) -> bool:
    """Whether the alarm is on at the end of its periods."""
    threshold = alarm["Threshold"]
    compare = {
        "GreaterThanOrEqualToThreshold": lambda value: value >= threshold,
        "GreaterThanThreshold": lambda value: value > threshold,
        "LessThanThreshold": lambda value: value < threshold,
    }[alarm["ComparisonOperator"]]
    missing = {"breaching": True, "notBreaching": False}[alarm["TreatMissingData"]]
    periods = alarm["EvaluationPeriods"]
    breaching = [
        compare(found[0]) if (found := values(alarm, series, period)) else missing for period in range(periods)
    ]
    return sum(breaching) >= alarm.get("DatapointsToAlarm", periods)


def lambdas(name: str, functions: list[str], value: float) -> list[Series]:
    """A series for each function, in which it alone has the value and the others have none or 0."""
    def of(function: str) -> Metric:
        return metric("AWS/Lambda", name, FunctionName=f"best-shot-{ENVIRONMENT}-{function}")

    quiet = {of(other): {0: 0.0} for other in functions}
    return [quiet | {of(function): {0: value}} for function in functions]


def queue(name: str, value: float) -> Series:
    return {metric("AWS/SQS", "ApproximateNumberOfMessagesVisible", QueueName=f"best-shot-{ENVIRONMENT}-{name}"): {0: value}}


def scheduler(name: str, value: float) -> Series:
    return {metric("AWS/Scheduler", name, ScheduleGroup=f"best-shot-{ENVIRONMENT}"): {0: value}}


def ours(name: str, operation: str, by_period: dict[int, float], environment: str = ENVIRONMENT) -> Series:
    return {metric("BestShot", name, environment=environment, operation=operation): by_period}


UNDELIVERED = ["TargetErrorCount", "InvocationDroppedCount", "InvocationsFailedToBeSentToDeadLetterCount"]

# Each alarm: the series on which it must ring, and those on which it must not.
CASES: dict[str, tuple[list[Series], list[Series]]] = {
    "errors": (lambdas("Errors", FUNCTIONS, 1), [{}, *lambdas("Errors", FUNCTIONS, 0)]),
    "throttles": (lambdas("Throttles", FUNCTIONS, 1), [{}, *lambdas("Throttles", FUNCTIONS, 0)]),
    "duration": (
        lambdas("Duration", BROWSER_FUNCTIONS, 720_001),
        [{}, *lambdas("Duration", BROWSER_FUNCTIONS, 720_000), *lambdas("Duration", ["operator-api"], 29_000)],
    ),
    "operator-api-duration": (
        lambdas("Duration", ["operator-api"], 23_201),
        [{}, *lambdas("Duration", ["operator-api"], 900), *lambdas("Duration", BROWSER_FUNCTIONS, 800_000)],
    ),
    "failed-invocations": (
        [queue("failed-invocations", 1)],
        [{}, queue("failed-invocations", 0), queue("schedule-dead-letters", 1)],
    ),
    "schedule-dead-letters": (
        [queue("schedule-dead-letters", 1)],
        [{}, queue("schedule-dead-letters", 0), queue("failed-invocations", 1)],
    ),
    "schedule-delivery": (
        [scheduler(name, 1) for name in UNDELIVERED],
        [{}, scheduler("InvocationAttemptCount", 9), *(scheduler(name, 0) for name in UNDELIVERED)],
    ),
    "no-daily-routine": (
        [
            {},
            ours("ExecutionsFailed", "daily_schedule", {20: 1}),
            ours("ExecutionsCompleted", "matches_update", {20: 1}),
            ours("ExecutionsCompleted", "daily_schedule", {20: 1}, environment="other"),
            ours("ExecutionsCompleted", "daily_schedule", {20: 0}),
        ],
        [
            ours("ExecutionsCompleted", "daily_schedule", {0: 1}),
            ours("ExecutionsCompleted", "daily_schedule", {25: 1}),
            ours("ExecutionsPartial", "daily_schedule", {12: 1}),
        ],
    ),
    "provider-blocked": (
        [
            ours("ProviderBlocked", "matches_update", {0: 1}),
            ours("ProviderBlocked", "matches_update", {0: 0}) | ours("ProviderBlocked", "daily_schedule", {0: 1}),
        ],
        [
            {},
            ours("ProviderBlocked", "matches_update", {0: 0}),
            ours("ProviderBlocked", "matches_update", {0: 1}, environment="other"),
        ],
    ),
}


class Alarms(unittest.TestCase):
    def setUp(self) -> None:
        found = [entry["Properties"] for entry in TEMPLATE["Resources"].values()
                 if entry["Type"] == "AWS::CloudWatch::Alarm"]
        self.alarms = {TEXT(alarm["AlarmName"]).removeprefix(f"best-shot-{ENVIRONMENT}-"): alarm for alarm in found}

    def test_every_alarm_has_its_series(self) -> None:
        self.assertEqual(sorted(CASES), sorted(self.alarms))

    def test_each_rings_on_what_it_is_there_for_and_on_nothing_else(self) -> None:
        for name, (ringing, quiet) in CASES.items():
            for series in ringing:
                self.assertTrue(rings(self.alarms[name], series), f"{name} does not ring on {series}")
            for series in quiet:
                self.assertFalse(rings(self.alarms[name], series), f"{name} rings on {series}")

    def test_the_metrics_of_ours_are_those_that_the_functions_emit(self) -> None:
        emitted = ROOT / "shared/src/snapshots/shared__telemetry__tests__metrics_are_what_cloudwatch_reads.snap"
        names = set(re.findall(r'"Name": "(\w+)"', emitted.read_text()))
        for alarm in self.alarms.values():
            text = str(alarm.get("Metrics"))
            if "BestShot" in text:
                of_ours = set(re.findall(r"'MetricName': '(\w+)'|SELECT SUM\((\w+)\)", text))
                self.assertTrue(of_ours)
                self.assertLessEqual({one or other for one, other in of_ours}, names)


if __name__ == "__main__":
    unittest.main()
