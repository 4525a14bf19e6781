"""Tests of operate, with clients that give scripted answers."""

from __future__ import annotations

import io
import json
import tempfile
import unittest
import urllib.error
import zipfile
from contextlib import redirect_stdout
from pathlib import Path
from unittest import mock

import operate

NO_TOURNAMENT = {"errorType": "InvalidInput", "errorMessage": "there is no such tournament, or it is deleted"}


class Lambda:
    def __init__(self, answers: dict | None = None) -> None:
        self.answers = answers or {}
        self.calls: list[tuple[str, dict]] = []
        self.code = b""

    def invoke(self, FunctionName: str, Payload: bytes, InvocationType: str = "RequestResponse") -> dict:
        event = json.loads(Payload)
        self.calls.append((FunctionName, event))
        function = FunctionName.removeprefix("best-shot-demo-")
        answer = self.answers.get("probe" if event.get("operation") == "probe" else function, {})
        failed = {"FunctionError": "Unhandled"} if "errorType" in answer else {}
        return {"Payload": io.BytesIO(json.dumps(answer).encode()), **failed}

    def update_function_code(self, FunctionName: str, ZipFile: bytes) -> None:
        self.code = ZipFile

    def get_waiter(self, name: str) -> mock.Mock:
        return mock.Mock()


class Queues:
    def __init__(self, **queues: list[dict]) -> None:
        self.queues = queues

    def receive_message(self, QueueUrl: str, VisibilityTimeout: int, **_: object) -> dict:
        waiting = [m for m in self.queues[QueueUrl] if not m.get("hidden")]
        for message in waiting:
            message["hidden"] = VisibilityTimeout > 0
        return {"Messages": [{**m, "ReceiptHandle": m["MessageId"]} for m in waiting]} if waiting else {}

    def delete_message(self, QueueUrl: str, ReceiptHandle: str) -> None:
        self.queues[QueueUrl] = [m for m in self.queues[QueueUrl] if m["MessageId"] != ReceiptHandle]


def environment(**clients: object) -> operate.Environment:
    outputs = {"OperatorApiUrl": "https://api", "FailedInvocationsUrl": "failed", "ScheduleDeadLettersUrl": "schedules"}
    stack = {"Outputs": [{"OutputKey": key, "OutputValue": value} for key, value in outputs.items()]}
    clients["cloudformation"] = mock.Mock(
        describe_stacks=mock.Mock(return_value={"Stacks": [stack]}),
        get_template=mock.Mock(return_value={"TemplateBody": "Resources: {}\n"}),
        exceptions=mock.Mock(ClientError=RuntimeError),
    )
    return operate.Environment("demo", lambda service: clients[service])


def healthy(url: str, timeout: float) -> mock.Mock:
    answer = mock.MagicMock(status=200, read=mock.Mock(return_value=b"{}"))
    answer.__enter__.return_value = answer
    return answer


def answering(statuses: dict[str, int]) -> object:
    """Answers health requests with a status by the end of the path; others with 200."""
    def get(url: str, timeout: float) -> mock.Mock:
        status = next((status for end, status in statuses.items() if url.endswith(end)), 200)
        if status != 200:
            raise urllib.error.HTTPError(url, status, "", {}, io.BytesIO(b'{"status": "down"}'))
        return healthy(url, timeout)
    return get


class Operate(unittest.TestCase):
    def setUp(self) -> None:
        self.out = io.StringIO()
        redirect = redirect_stdout(self.out)
        redirect.__enter__()
        self.addCleanup(redirect.__exit__, None, None, None)

    def smoke(self, answers: dict, tournament: str | None = None, **options: object) -> Lambda:
        functions = Lambda({"probe": {"outcome": "answered"}, **answers})
        options = {"require_provider": False, "get": healthy, **options}
        operate.smoke(environment(**{"lambda": functions}), tournament, "1", **options)
        return functions

    def test_smoke_runs_each_function_dry_and_asks_the_provider_once(self) -> None:
        functions = self.smoke({})
        names = [name.removeprefix("best-shot-demo-") for name, _ in functions.calls]
        self.assertEqual(names, ["migrate", "daily-routine", "scores-and-standings", "knockouts", "tournaments", "tournaments"])
        for name, event in functions.calls[1:-1]:
            self.assertTrue(event["dryRun"], name)
            self.assertEqual(event["targetEnv"], "demo")

    def test_smoke_takes_a_refusal_for_an_answer_only_without_a_tournament(self) -> None:
        refusals = dict.fromkeys(("scores-and-standings", "knockouts", "tournaments"), NO_TOURNAMENT)
        self.smoke(refusals)
        with self.assertRaises(operate.Failed):
            self.smoke(refusals, tournament="2f6b1c9e-7a54-4f0d-9b3e-5c8d1e6a0f42")
        with self.assertRaises(operate.Failed):
            self.smoke({"daily-routine": NO_TOURNAMENT})

    def test_smoke_fails_on_any_part(self) -> None:
        broken = {"errorType": "Database", "errorMessage": "refused"}
        for part in ("migrate", "daily-routine", "scores-and-standings", "knockouts", "tournaments", "probe"):
            with self.subTest(part=part), self.assertRaises(operate.Failed):
                self.smoke({part: broken})
        with mock.patch("time.sleep"), self.assertRaises(operate.Failed):
            self.smoke({}, get=mock.Mock(side_effect=OSError("no route")))

    def test_the_first_deployment_is_live_once_its_database_is_migrated(self) -> None:
        # Until then there are no tables: the request would be answered with 503.
        functions = Lambda({"probe": {"outcome": "answered"}})
        migrated = lambda: any(name.endswith("-migrate") for name, _ in functions.calls)
        def get(url: str, timeout: float) -> mock.Mock:
            return answering({} if migrated() else {"": 503})(url, timeout)
        operate.smoke(environment(**{"lambda": functions}), None, "1", False, {}, get)

    def test_a_late_routine_is_the_deployments_doing_only_if_it_was_not_late_before(self) -> None:
        late = answering({"/health": 503})
        self.smoke({}, get=late)
        self.smoke({}, get=late, before={"health": 503, "alarms": []})
        self.assertIn("WARNING: health: 503", self.out.getvalue())
        with self.assertRaisesRegex(operate.Failed, "well before the deployment"):
            self.smoke({}, get=late, before={"health": 200, "alarms": []})
        with mock.patch("time.sleep"), self.assertRaisesRegex(operate.Failed, "live: 503"):
            self.smoke({}, get=answering({"/health/live": 503}))

    def test_the_state_before_a_deployment_is_saved(self) -> None:
        pages = [{"MetricAlarms": [{"AlarmName": "best-shot-demo-errors"}, {"AlarmName": "best-shot-demo-provider-blocked"}]}]
        cloudwatch = mock.Mock(get_paginator=mock.Mock(return_value=mock.Mock(paginate=mock.Mock(return_value=pages))))
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "new" / "before.json"
            operate.state(environment(cloudwatch=cloudwatch), file, answering({"/health": 503}))
            self.assertEqual(operate.before_of(file), {"health": 503, "alarms": ["best-shot-demo-errors"]})
            operate.watch(environment(cloudwatch=cloudwatch), 0.001, operate.before_of(file), 0)
        self.assertEqual(operate.before_of(None), {})

    def test_a_provider_that_blocks_is_a_warning_unless_required(self) -> None:
        self.smoke({"probe": {"outcome": "blocked"}})
        self.assertIn("WARNING", self.out.getvalue())
        with self.assertRaises(operate.Failed):
            self.smoke({"probe": {"outcome": "blocked"}}, require_provider=True)

    def test_migrate_brings_its_own_code_and_keeps_it_executable(self) -> None:
        functions = Lambda({"migrate": {"applied": ["V6"]}})
        with tempfile.NamedTemporaryFile() as bootstrap:
            Path(bootstrap.name).write_bytes(b"code")
            operate.migrate(environment(**{"lambda": functions}), Path(bootstrap.name))
        archive = zipfile.ZipFile(io.BytesIO(functions.code))
        self.assertEqual(archive.read("bootstrap"), b"code")
        self.assertEqual(archive.getinfo("bootstrap").external_attr >> 16, 0o755)

    def test_watch_fails_on_a_new_alarm_only(self) -> None:
        states = [{"old"}, {"old", "no-daily-routine", "provider-blocked"}, {"old", "errors"}]

        def pages(**_: object) -> list[dict]:
            names = states.pop(0) if len(states) > 1 else states[0]
            return [{"MetricAlarms": [{"AlarmName": f"best-shot-demo-{name}"} for name in sorted(names)]}]

        cloudwatch = mock.Mock(get_paginator=mock.Mock(return_value=mock.Mock(paginate=pages)))
        with self.assertRaisesRegex(operate.Failed, "errors"):
            operate.watch(environment(cloudwatch=cloudwatch), minutes=1, pause_seconds=0)
        states[:] = [{"old"}]
        operate.watch(environment(cloudwatch=cloudwatch), minutes=0.001, pause_seconds=0)

    def queues(self) -> Queues:
        arn = "arn:aws:lambda:eu-central-1:123456789012:function:best-shot-demo-"
        failed = {"requestContext": {"functionArn": f"{arn}knockouts:$LATEST"}, "requestPayload": {"a": 1}}
        event = {"check": "closing", "scheduledTime": "<aws.scheduler.scheduled-time>"}
        attributes = {"TARGET_ARN": {"StringValue": f"{arn}scores-and-standings"},
                      "SCHEDULED_TIME": {"StringValue": "2022-11-20T18:00:00Z"}}
        refused = {**failed, "responsePayload": {"errorType": "InvalidInput", "errorMessage": "…"}}
        whole = {"FunctionName": f"{arn}daily-routine", "Payload": json.dumps({"b": 2})}
        return Queues(
            failed=[{"MessageId": "1", "Body": json.dumps(failed)}, {"MessageId": "2", "Body": "?"},
                    {"MessageId": "5", "Body": json.dumps(refused)}],
            schedules=[{"MessageId": "3", "Body": json.dumps(event), "MessageAttributes": attributes},
                       {"MessageId": "4", "Body": json.dumps(whole)}],
        )

    def test_redrive_invokes_what_it_can_read_and_keeps_the_rest(self) -> None:
        functions, queues = Lambda(), self.queues()
        with self.assertRaisesRegex(operate.Failed, "2 messages"):
            operate.redrive(environment(**{"lambda": functions, "sqs": queues}), dry_run=False)
        self.assertEqual(functions.calls, [
            ("best-shot-demo-knockouts", {"a": 1}),
            ("best-shot-demo-scores-and-standings", {"check": "closing", "scheduledTime": "2022-11-20T18:00:00Z"}),
            ("best-shot-demo-daily-routine", {"b": 2}),
        ])
        self.assertEqual([m["MessageId"] for m in queues.queues["failed"]], ["2", "5"])
        self.assertEqual(queues.queues["schedules"], [])

    def test_redrive_runs_what_was_refused_if_asked_to(self) -> None:
        functions, queues = Lambda(), self.queues()
        with self.assertRaisesRegex(operate.Failed, "1 messages"):
            operate.redrive(environment(**{"lambda": functions, "sqs": queues}), dry_run=False, refused_too=True)
        self.assertEqual([m["MessageId"] for m in queues.queues["failed"]], ["2"])

    def test_redrive_dry_takes_nothing(self) -> None:
        functions, queues = Lambda(), self.queues()
        with self.assertRaises(operate.Failed):
            operate.redrive(environment(**{"lambda": functions, "sqs": queues}), dry_run=True)
        self.assertEqual(functions.calls, [])
        self.assertEqual(len(queues.queues["failed"]) + len(queues.queues["schedules"]), 5)

    def test_redrive_keeps_a_message_that_lambda_did_not_take(self) -> None:
        functions, queues = mock.Mock(invoke=mock.Mock(side_effect=RuntimeError("throttled"))), self.queues()
        with self.assertRaises(RuntimeError):
            operate.redrive(environment(**{"lambda": functions, "sqs": queues}), dry_run=False)
        self.assertEqual(len(queues.queues["failed"]), 3)

    def test_an_account_that_blocks_public_buckets_needs_a_distribution(self) -> None:
        class Missing(RuntimeError):
            response = {"Error": {"Code": "NoSuchPublicAccessBlockConfiguration"}}

        def preflight(*parameters: str, answer: object) -> str:
            asked = mock.Mock(side_effect=answer) if isinstance(answer, Exception) else mock.Mock(return_value=answer)
            control = mock.Mock(get_public_access_block=asked, exceptions=mock.Mock(ClientError=RuntimeError))
            account = mock.Mock(get_caller_identity=mock.Mock(return_value={"Account": "123456789012"}))
            operate.preflight(environment(s3control=control, sts=account), list(parameters))
            return self.out.getvalue().splitlines()[-1]

        blocked = {"PublicAccessBlockConfiguration": {"BlockPublicPolicy": True, "RestrictPublicBuckets": True}}
        with self.assertRaisesRegex(operate.Failed, "CloudFrontDistributionArn"):
            preflight("Environment=demo", answer=blocked)
        self.assertIn("behind CloudFront", preflight("CloudFrontDistributionArn=arn:x", answer=blocked))
        self.assertIn("allows public images", preflight(answer={"PublicAccessBlockConfiguration": {}}))
        self.assertIn("allows public images", preflight(answer=Missing()))
        self.assertIn("is not known", preflight(answer=RuntimeError("denied")))

    def test_after_going_back_alarms_go_and_the_routine_plans_anew(self) -> None:
        names = [
            "best-shot-demo-daily-routine",
            "demo-scores-and-standings-20240302T170000-0123456789",
            "demo-knockouts-20240302T173000-0123456789",
            "demo-closing-premier-league-27-20240302T1500-0123456789",
        ]
        pages = mock.Mock(paginate=mock.Mock(return_value=[{"Schedules": [{"Name": name} for name in names]}]))
        scheduler = mock.Mock(get_paginator=mock.Mock(return_value=pages))
        functions = Lambda()
        operate.replan(environment(**{"lambda": functions, "scheduler": scheduler}))
        deleted = [call.kwargs["Name"] for call in scheduler.delete_schedule.call_args_list]
        self.assertEqual(deleted, names[1:3])
        [(function, event)] = functions.calls
        self.assertEqual((function, event["targetEnv"]), ("best-shot-demo-daily-routine", "demo"))
        self.assertNotIn("dryRun", event)
        refused = Lambda({"daily-routine": {"errorType": "Database", "errorMessage": "gone"}})
        with self.assertRaisesRegex(operate.Failed, "Database"):
            operate.replan(environment(**{"lambda": refused, "scheduler": scheduler}))

    def test_the_deployed_template_is_saved(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "new" / "template.yaml"
            operate.previous(environment(), file)
            self.assertEqual(file.read_text(), "Resources: {}\n")

    def test_no_stack_is_told_from_other_trouble(self) -> None:
        for told, expected in (("Stack with id best-shot-demo does not exist", operate.NoStack), ("Throttling", RuntimeError)):
            deployed = environment()
            deployed.client("cloudformation").get_template.side_effect = RuntimeError(told)
            with self.subTest(told=told), self.assertRaises(expected):
                operate.previous(deployed, Path("unused"))


if __name__ == "__main__":
    unittest.main()
