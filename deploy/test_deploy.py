"""Tests of deploy.sh: the order of what it does, with SAM and operate.py replaced by scripts that record their calls."""

from __future__ import annotations

import os
import stat
import subprocess
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).parent

SAM = """#!/bin/sh
echo "sam $*" >> "$SEEN"
"""
# `python deploy/operate.py COMMAND ENV …`: fails if configured to; `previous` writes a template unless there is none.
PYTHON = """#!/bin/sh
shift
echo "operate $*" >> "$SEEN"
case " $FAILING " in *" $1 "*) exit 1 ;; esac
if [ "$1" = previous ]; then
    [ -z "$FIRST" ] || exit 3
    mkdir -p "$(dirname "$3")" && echo old > "$3"
fi
"""


class Deploy(unittest.TestCase):
    def deploy(self, failing: str = "", first: bool = False) -> tuple[int, list[str]]:
        """The exit status and the steps, a word or two each."""
        with tempfile.TemporaryDirectory() as folder:
            project = Path(folder)
            (project / "deploy").mkdir()
            for name in ("deploy.sh", "tools.sh"):
                (project / "deploy" / name).write_text((HERE / name).read_text())
            tools = project / "tools" / "venv" / "bin"
            tools.mkdir(parents=True)
            for name, text in (("sam", SAM), ("python", PYTHON)):
                (tools / name).write_text(text)
                (tools / name).chmod(stat.S_IRWXU)
            seen = project / "seen"
            environment = {**os.environ, "TOOLS_DIR": str(project / "tools"), "SEEN": str(seen), "FAILING": failing,
                           "FIRST": "yes" if first else "", "BUILT": "yes", "UNATTENDED": "yes",
                           "PARAMETERS": "Environment=demo AlarmEmail=a@b.c"}
            done = subprocess.run(["bash", "deploy/deploy.sh", "demo"], cwd=project, env=environment,
                                  capture_output=True, text=True, check=False)
            steps = []
            for line in seen.read_text().splitlines():
                words = line.split()
                if words[0] == "sam":
                    self.assertIn("--no-confirm-changeset", words)
                    self.assertIn("--parameter-overrides Environment=demo AlarmEmail=a@b.c", line)
                    steps.append("back" if ".aws-sam/previous/demo.yaml" in words else words[1])
                else:
                    steps.append(words[1])
            return done.returncode, steps

    def test_the_migrations_come_before_the_code(self) -> None:
        self.assertEqual(self.deploy(), (0, ["preflight", "previous", "state", "migrate", "deploy", "smoke", "watch"]))

    def test_the_first_deployment_has_nothing_to_migrate_before(self) -> None:
        self.assertEqual(self.deploy(first=True), (0, ["preflight", "previous", "deploy", "smoke", "watch"]))

    def test_when_the_migrations_fail_nothing_else_is_touched(self) -> None:
        self.assertEqual(self.deploy("migrate"), (1, ["preflight", "previous", "state", "migrate"]))

    def test_when_it_cannot_tell_what_is_deployed_nothing_is_touched(self) -> None:
        self.assertEqual(self.deploy("previous"), (1, ["preflight", "previous"]))

    def test_it_goes_back_after_a_failed_smoke_test_or_an_alarm(self) -> None:
        self.assertEqual(self.deploy("smoke"), (1, ["preflight", "previous", "state", "migrate", "deploy", "smoke", "back", "replan"]))
        self.assertEqual(self.deploy("watch"), (1, ["preflight", "previous", "state", "migrate", "deploy", "smoke", "watch", "back", "replan"]))

    def test_what_the_account_does_not_allow_is_said_before_anything_is_built(self) -> None:
        self.assertEqual(self.deploy("preflight"), (1, ["preflight"]))

    def test_the_first_deployment_has_nothing_to_go_back_to(self) -> None:
        self.assertEqual(self.deploy("smoke", first=True), (1, ["preflight", "previous", "deploy", "smoke"]))


if __name__ == "__main__":
    unittest.main()
