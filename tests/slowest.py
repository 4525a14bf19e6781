"""Prints the slowest tests of a run and its total time, from nextest's JUnit report."""

import sys
import xml.etree.ElementTree

SHOWN = 10

report = xml.etree.ElementTree.parse(sys.argv[1])
cases = [(float(case.get("time")), case.get("name")) for case in report.iter("testcase")]
print(f"The slowest of {len(cases)} tests:")
for seconds, name in sorted(cases, reverse=True)[:SHOWN]:
    print(f"{seconds:7.1f} s  {name}")
print(f"{float(report.getroot().get('time')):7.1f} s  in all, several at once ({sum(time for time, _ in cases):.0f} s one by one)")
