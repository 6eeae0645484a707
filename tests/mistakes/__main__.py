"""`python -m tests.mistakes [KIND/NAME ..]`: the marks of cases that no judgement needs, all of them or those named."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from tests.mistakes.case import all_cases, lay_out, table

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        lay_out(Path(folder))
        os.chdir(folder)
        wanted = sys.argv[1:]
        print(table([p for p in all_cases() if not wanted or any(str(p).startswith(name) for name in wanted)]))
