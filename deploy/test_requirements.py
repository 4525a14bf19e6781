"""Tests of the Python packages that run with a deployment's credentials: all are locked, with hashes."""

from __future__ import annotations

import re
import unittest
from pathlib import Path

ROOT = Path(__file__).parent.parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
SCRIPTS = [ROOT / "local" / "setup.sh", *sorted((ROOT / "deploy").glob("*.sh"))]
LOCKS = ["local/requirements", "deploy/requirements", "deploy/build-requirements"]


def lines(text: str) -> list[str]:
    """The lines of a shell script or workflow, each with its continuations."""
    return re.sub(r"\\\n\s*", " ", text).splitlines()


class Requirements(unittest.TestCase):
    def test_every_installation_takes_what_is_locked_and_nothing_else(self) -> None:
        found = 0
        for file in [*WORKFLOWS, *SCRIPTS]:
            for line in lines(file.read_text()):
                if re.search(r"pip\"? install", line):
                    found += 1
                    for option in ("--no-deps", "--require-hashes", "--only-binary :all:"):
                        self.assertIn(option, line, file.name)
        self.assertGreaterEqual(found, 4)

    def test_the_lock_files_hold_what_is_wanted(self) -> None:
        for name in LOCKS:
            locked = (ROOT / f"{name}.txt").read_text()
            packages = re.findall(r"^([a-z0-9._-]+==[^ ;]+)[^\n]*\\\n    --hash=sha256:[0-9a-f]{64}", locked, re.M)
            self.assertEqual(len(packages), len(re.findall(r"^[a-z]", locked, re.M)), f"{name}: one without a hash")
            for wanted in (ROOT / f"{name}.in").read_text().split():
                self.assertIn(re.sub(r"\[.*\]", "", wanted), packages, f"{name}: run `make lock`")

    def test_deploying_takes_the_versions_that_are_tested(self) -> None:
        def versions(name: str) -> dict[str, str]:
            text = (ROOT / f"{name}.txt").read_text()
            return dict(re.findall(r"^([a-z0-9._-]+)==([^ ;]+)", text, re.M))

        tested = versions("local/requirements")
        for package, version in versions("deploy/requirements").items():
            self.assertEqual(tested[package], version)


if __name__ == "__main__":
    unittest.main()
