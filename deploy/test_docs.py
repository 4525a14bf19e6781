"""The documents name nothing that does not exist: links, make targets, commands, options, variables."""

import re
import subprocess
import unittest
from pathlib import Path

ROOT = Path(__file__).parent.parent
LOCAL = ROOT / "target/debug/local"
FILES = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob(".github/**/*.md")]
TEXTS = {file: file.read_text() for file in FILES}
# Links and commands in blocks of code are commands, not links.
FENCED = re.compile(r"^( *)```(\w* ?\w*)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)


def prose(text: str) -> str:
    return FENCED.sub("", text)


def anchors(text: str) -> set[str]:
    """GitHub's anchors of the headings."""
    found = set()
    for heading in re.findall(r"^#+ (.*)$", prose(text), re.MULTILINE):
        heading = re.sub(r"\[([^]]*)\]\([^)]*\)|`", r"\1", heading)
        found.add(re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-"))
    return found


def commands(text: str) -> list[str]:
    """The commands in blocks of code and in code spans."""
    lines = [line for _, _, block in FENCED.findall(text) for line in block.splitlines()]
    lines += re.findall(r"`([^`]+)`", prose(text).replace("\n", " "))
    return [re.sub(r"^\s*\$ ", "", line).split("  #")[0].strip() for line in lines]


def setUpModule() -> None:
    if not LOCAL.exists():
        raise RuntimeError(f"{LOCAL} is missing: run `make build`")


def options(subcommand: str) -> set[str]:
    help_text = subprocess.run([LOCAL, subcommand, "--help"], capture_output=True, text=True, check=True).stdout
    return set(re.findall(r"--[a-z0-9-]+", help_text))


class Docs(unittest.TestCase):
    def test_links_lead_somewhere(self):
        for file, text in TEXTS.items():
            for link in re.findall(r"\]\(([^)\s]+)\)", prose(text)):
                if re.match(r"https?://|mailto:", link):
                    continue
                path, _, anchor = link.partition("#")
                target = (file.parent / path).resolve() if path else file
                with self.subTest(file=file.name, link=link):
                    self.assertTrue(target.exists(), f"{target} does not exist")
                    if anchor:
                        self.assertIn(anchor, anchors(target.read_text()))

    def test_make_targets_exist(self):
        targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
        for file, text in TEXTS.items():
            for command in commands(text):
                for target in re.findall(r"(?:^|[;&|] |\s)make ([a-z-]+)", command):
                    with self.subTest(file=file.name, command=command):
                        self.assertIn(target, targets)

    def test_commands_of_local_and_their_options_exist(self):
        known = {}
        listed = subprocess.run([LOCAL, "--help"], capture_output=True, text=True, check=True).stdout
        subcommands = set(re.findall(r"^  ([a-z-]+)  ", listed, re.MULTILINE))
        for file, text in TEXTS.items():
            for command in commands(text):
                found = re.match(r"(?:target/\w+/)?local ([a-z][a-z-]*)(.*)$", command)
                if not found:
                    continue
                subcommand, rest = found.groups()
                with self.subTest(file=file.name, command=command):
                    self.assertIn(subcommand, subcommands)
                    known.setdefault(subcommand, options(subcommand))
                    for option in re.findall(r"(--[a-z0-9-]+)", rest.split(" -- ")[0]):
                        self.assertIn(option, known[subcommand])

    def test_scripts_exist(self):
        for file, text in TEXTS.items():
            for command in commands(text):
                for script in re.findall(r"(?:deploy|local|tests|layers)/[\w/-]+\.(?:sh|py|sql|yaml)", command):
                    with self.subTest(file=file.name, command=command):
                        self.assertTrue((ROOT / script).exists(), script)

    def test_every_variable_of_the_functions_is_described(self):
        config = (ROOT / "shared/src/config.rs").read_text().split("#[cfg(test)]")[0]
        wanted = set(re.findall(r'"([A-Z][A-Z0-9_]{3,})"', config))
        described = set(re.findall(r"^\| `([A-Z0-9_]+)`", TEXTS[ROOT / "docs/configuration.md"], re.MULTILINE))
        self.assertLessEqual(wanted, described)

    def test_the_readme_is_short(self):
        lines = TEXTS[ROOT / "README.md"].splitlines()
        self.assertLessEqual(len(lines), 150)
        self.assertLessEqual(max(map(len, lines)), 120)

    def test_quick_commands_work(self):
        quick = [
            line.removeprefix("$ ")
            for text in TEXTS.values()
            for _, info, block in FENCED.findall(text)
            if info.endswith(" quick")
            for line in block.splitlines()
        ]
        self.assertGreaterEqual(len(quick), 2)
        for command in quick:
            with self.subTest(command=command):
                subprocess.run(["bash", "-c", command], cwd=ROOT, check=True, capture_output=True, timeout=60)

    def test_the_layers_package_is_named_once(self):
        """package.json is there for tools that look for newer versions; the Makefile has the checksum."""
        makefile = (ROOT / "layers/chromium/Makefile").read_text()
        version = re.search(r"^VERSION := (.*)$", makefile, re.MULTILINE).group(1)
        self.assertIn(f'"@sparticuz/chromium": "{version}"', (ROOT / "layers/chromium/package.json").read_text())


if __name__ == "__main__":
    unittest.main()
