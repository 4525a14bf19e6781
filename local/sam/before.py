"""Copies a built template and one function's code to DIRECTORY, the code as `function/function`, so that a wrapper can
start it: before.py TEMPLATE FUNCTION DIRECTORY"""

import re
import shutil
import sys
from pathlib import Path

template, function, directory = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
text = template.read_text()
block = re.search(rf"^  {re.escape(function)}:\n((?:    .*\n|\n)*)", text, re.MULTILINE)
code = block and re.search(r"^      CodeUri: (.*)$", block.group(1), re.MULTILINE)
if not code:
    sys.exit(f"{template} has no function {function}: run `sam build`, and name it as the template does")
shutil.copy2(template.parent / code.group(1) / "bootstrap", directory / "function" / "function")
block_text = block.group(0).replace(code.group(0), "      CodeUri: function")
text = text.replace(block.group(0), block_text)
# Layers stay where they are.
text = re.sub(r"^(      ContentUri: )(.*)$", lambda m: m.group(1) + str((template.parent / m.group(2)).resolve()), text,
              flags=re.MULTILINE)
(directory / "template.yaml").write_text(text)
