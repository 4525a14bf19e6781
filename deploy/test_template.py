"""Tests of the template as a text: what no linter looks at."""

from __future__ import annotations

import re
import unittest
from pathlib import Path

ROOT = Path(__file__).parent.parent


class Alarms(unittest.TestCase):
    def setUp(self) -> None:
        template = (ROOT / "template.yaml").read_text()
        described = re.compile(r'AlarmName: !Sub "best-shot-\$\{Environment\}-([a-z-]+)"\n\s+AlarmDescription: (.*)')
        self.alarms = dict(described.findall(template))
        self.assertEqual(len(self.alarms), template.count("Type: AWS::CloudWatch::Alarm"))

    def test_each_alarm_says_what_to_do(self) -> None:
        entries = re.findall(r"^## (.*)$", (ROOT / "docs" / "operate.md").read_text(), re.MULTILINE)
        self.assertEqual(sorted(entries), sorted(self.alarms))
        for name, description in self.alarms.items():
            self.assertTrue(description.endswith(f"See docs/operate.md, {name}."), name)


if __name__ == "__main__":
    unittest.main()
