"""Tests of check_policies: run by `make test`, or `python -m unittest discover --start-directory deploy`."""

from __future__ import annotations

import copy
import json
import unittest
from pathlib import Path

from check_policies import check, missing
from policies import load

HERE = Path(__file__).parent
TEMPLATE = load(HERE.parent / "template.yaml")
CALLS = json.loads((HERE / "expected-calls.json").read_text())


def statements(template: dict) -> list[dict]:
    """Every statement of an identity's policy, as in the template."""
    documents = []
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::IAM::Role":
            documents += [policy["PolicyDocument"] for policy in resource["Properties"].get("Policies", [])]
        if resource["Type"] == "AWS::IAM::ManagedPolicy":
            documents.append(resource["Properties"]["PolicyDocument"])
    found = []
    for document in documents:
        for statement in document["Statement"]:
            found.append(statement["Fn::If"][1] if "Fn::If" in statement else statement)
    return found


def as_list(value: object) -> list:
    return list(value) if isinstance(value, list) else [value]


class Policies(unittest.TestCase):
    def setUp(self) -> None:
        self.template = copy.deepcopy(TEMPLATE)

    def test_the_template_allows_what_is_called_and_no_more(self) -> None:
        self.assertEqual(check(self.template, CALLS), [])

    def test_without_any_one_action_the_check_fails(self) -> None:
        tried = 0
        for index, statement in enumerate(statements(TEMPLATE)):
            for action in as_list(statement["Action"]):
                template = copy.deepcopy(TEMPLATE)
                changed = statements(template)[index]
                changed["Action"] = [a for a in as_list(changed["Action"]) if a != action]
                with self.subTest(action=action, statement=index):
                    self.assertTrue(any(action in problem for problem in check(template, CALLS)))
                tried += 1
        self.assertGreater(tried, 30)

    def test_without_any_one_resource_the_check_fails(self) -> None:
        for index, statement in enumerate(statements(TEMPLATE)):
            for position, resource in enumerate(as_list(statement["Resource"])):
                template = copy.deepcopy(TEMPLATE)
                changed = statements(template)[index]
                changed["Resource"] = [r for p, r in enumerate(as_list(changed["Resource"])) if p != position]
                with self.subTest(resource=resource, statement=index):
                    self.assertNotEqual(check(template, CALLS), [])

    def test_a_wider_action_resource_or_role_is_found(self) -> None:
        for index, statement in enumerate(statements(TEMPLATE)):
            if statement["Resource"] == "*":
                continue
            template = copy.deepcopy(TEMPLATE)
            statements(template)[index]["Resource"] = "*"
            with self.subTest(resource=statement["Resource"]):
                self.assertTrue(any("allowed on *" in problem for problem in check(template, CALLS)))
        template = copy.deepcopy(TEMPLATE)
        statements(template)[0]["Action"] = as_list(statements(template)[0]["Action"]) + ["s3:DeleteObject"]
        self.assertTrue(any("s3:DeleteObject" in problem for problem in check(template, CALLS)))
        template = copy.deepcopy(TEMPLATE)
        statements(template)[0]["Action"] = ["xray:*"]
        self.assertTrue(any("is a pattern" in problem for problem in check(template, CALLS)))
        for statement in statements(self.template):
            statement.pop("Condition", None)
        self.assertTrue(any("iam:PassedToService" in problem for problem in check(self.template, CALLS)))

    def test_a_call_that_is_not_allowed_is_found(self) -> None:
        for record in (
            {"function": "knockouts", "service": "s3", "operation": "PutObject", "resource": "best-shot-demo/data-providers/x"},
            {"function": "knockouts", "service": "s3", "operation": "PutObject", "resource": "another/data-provider-operation-reports/x"},
            {"function": "migrate", "service": "scheduler", "operation": "CreateSchedule", "resource": "best-shot-demo/x"},
            {"function": "daily-routine", "service": "scheduler", "operation": "DeleteSchedule", "resource": "best-shot-prod/x"},
            {"function": "daily-routine", "service": "secretsmanager", "operation": "GetSecretValue", "resource": "best-shot/prod"},
            {"function": "newcomer", "service": "s3", "operation": "PutObject", "resource": "x/y"},
        ):
            with self.subTest(record=record):
                self.assertNotEqual(check(self.template, [*CALLS, record]), [])

    def test_a_call_that_is_no_longer_made_is_found(self) -> None:
        for index, record in enumerate(CALLS):
            with self.subTest(record=record):
                if sum(r["operation"] == record["operation"] and r["resource"] == record["resource"] for r in CALLS) == 1:
                    self.assertNotEqual(check(self.template, CALLS[:index] + CALLS[index + 1:]), [])

    def test_an_expected_call_that_no_test_made_is_found(self) -> None:
        more = {"function": "migrate", "service": "s3", "operation": "PutObject", "resource": "x/*"}
        self.assertEqual(missing([*reversed(CALLS), more], CALLS), [])
        for index, record in enumerate(CALLS):
            with self.subTest(record=record):
                self.assertEqual(len(missing(CALLS[:index] + CALLS[index + 1:], CALLS)), 1)

    def test_policies_of_sam_are_refused(self) -> None:
        self.template["Resources"]["Knockouts"]["Properties"]["Policies"] = ["AmazonS3FullAccess"]
        with self.assertRaises(ValueError):
            check(self.template, CALLS)


if __name__ == "__main__":
    unittest.main()
