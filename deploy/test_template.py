"""Tests of the template as a text: what no linter looks at."""

from __future__ import annotations

import re
import unittest
from pathlib import Path

from policies import Resolver, grants, load

ROOT = Path(__file__).parent.parent


class Alarms(unittest.TestCase):
    def setUp(self) -> None:
        template = (ROOT / "template.yaml").read_text()
        described = re.compile(r'AlarmName: !Sub "best-shot-\$\{Environment\}-([a-z-]+)"\n\s+AlarmDescription: (.*)')
        self.alarms = dict(described.findall(template))
        self.assertEqual(len(self.alarms), template.count("Type: AWS::CloudWatch::Alarm"))

    def test_each_alarm_says_what_to_do(self) -> None:
        entries = re.findall(r"^## ([a-z-]+)$", (ROOT / "docs" / "operate.md").read_text(), re.MULTILINE)
        self.assertEqual(sorted(entries), sorted(self.alarms))
        for name, description in self.alarms.items():
            self.assertTrue(description.endswith(f"See docs/operate.md, {name}."), name)


class Secrets(unittest.TestCase):
    def readers(self, **parameters: str) -> dict[str, set[str]]:
        """The roles that may read each secret."""
        readers: dict[str, set[str]] = {}
        for role, granted in grants(load(ROOT / "template.yaml"), **parameters).items():
            for grant in granted:
                if grant.action == "secretsmanager:GetSecretValue":
                    readers.setdefault(grant.resource.rsplit("/", 1)[-1], set()).add(role)
        return readers

    def test_one_secret_with_all_keys_is_enough(self) -> None:
        every = {"DailyRoutine", "ScoresAndStandings", "Knockouts", "Tournaments", "OperatorApi", "Migrate"}
        self.assertEqual(self.readers(), {"demo-??????": every})

    def test_a_secret_of_its_own_is_read_by_no_other_function(self) -> None:
        arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:best-shot/"
        self.assertEqual(
            self.readers(DeskSecretArn=f"{arn}desk", MigrateSecretArn=f"{arn}migrate"),
            {"demo-??????": {"DailyRoutine", "ScoresAndStandings", "Knockouts", "Tournaments"},
             "desk": {"OperatorApi"}, "migrate": {"Migrate"}},
        )

    def test_each_function_gets_the_secret_that_its_role_may_read(self) -> None:
        template = load(ROOT / "template.yaml")
        arns = {"SecretArn": "work", "DeskSecretArn": "desk", "MigrateSecretArn": "migrate"}
        text = Resolver(template, "demo", **arns).text
        for_all = template["Globals"]["Function"]["Environment"]["Variables"]["SECRET_ARN"]
        for name, resource in template["Resources"].items():
            if resource["Type"] == "AWS::Serverless::Function":
                own = resource["Properties"].get("Environment", {}).get("Variables", {}).get("SECRET_ARN", for_all)
                allowed = {grant.resource for grant in grants(template, **arns)[name]
                           if grant.action == "secretsmanager:GetSecretValue"}
                self.assertEqual({text(own)}, allowed, name)


class Routes(unittest.TestCase):
    def test_what_is_answered_without_a_token_has_limits_of_its_own(self) -> None:
        resources = load(ROOT / "template.yaml")["Resources"]
        events = [event["Properties"] for event in resources["OperatorApi"]["Properties"]["Events"].values()]
        named = {f"{event['Method'].upper()} {event['Path']}" for event in events if "Path" in event}
        api = resources["OperatorHttpApi"]["Properties"]
        self.assertEqual(named, set(api["RouteSettings"]))
        shared = api["DefaultRouteSettings"]["ThrottlingRateLimit"]
        self.assertLess(sum(limit["ThrottlingRateLimit"] for limit in api["RouteSettings"].values()), shared)


if __name__ == "__main__":
    unittest.main()
