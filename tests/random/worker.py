"""A process that tries cases: what aborts or hangs it is a finding, and the next case gets a new one.

    python -m tests.random.worker

reads a case a line (JSON: its text and type) and answers a line each.
"""

from __future__ import annotations

import json
import linecache
import os
import select
import signal
import subprocess
import sys
import traceback
import warnings
from typing import Any

from dslc.generated import PREFIX
from dslc.types.tensor import DType
from tests.random.case import Case, Fault, Refused
from tests.random.oracles import check

Answer = dict[str, Any]
"""`result`: `agreed`, `refused` or `fault`; `who` is to blame, `words` say what differs."""


def tried(case: Case) -> Answer:
    """What comes of one case."""
    try:
        return {"result": "agreed", "words": check(case)}
    except Refused as refused:
        return {"result": "refused", "who": refused.code, "words": str(refused)}
    except Fault as fault:
        return {"result": "fault", "who": fault.who, "words": fault.words}
    except Exception as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        words = f"{type(error).__name__}: {error} ({os.path.basename(frame.filename)}:{frame.lineno})"
        return {"result": "fault", "who": "traceback", "words": words[:500]}


def forget() -> None:
    """Drops the modules that were generated, so that thousands of cases take no memory."""
    for name in [name for name in sys.modules if name.startswith(PREFIX)]:
        del sys.modules[name]
    linecache.clearcache()


def serve() -> None:
    import torch

    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print goes elsewhere
    answers.write("ready\n")
    answers.flush()
    for line in sys.stdin:
        asked = json.loads(line)
        answers.write(json.dumps(tried(Case(asked["text"], DType(asked["dtype"])))) + "\n")
        answers.flush()
        forget()


class Worker:
    """One such process, made again when it is gone or has tried `most` cases."""

    def __init__(self, timeout: float = 120.0, most: int = 400) -> None:
        self.timeout, self.most = timeout, most
        self.process: subprocess.Popen[str] | None = None
        self.count = 0

    def ask(self, case: Case) -> Answer:
        """What comes of a case; `died` and `timeout` are to blame on whom it hangs."""
        process = self.ready()
        assert process.stdin is not None and process.stdout is not None
        try:
            process.stdin.write(json.dumps({"text": case.text, "dtype": case.dtype.value}) + "\n")
            process.stdin.flush()
        except BrokenPipeError:
            return self.gone()
        waiting, _, _ = select.select([process.stdout], [], [], self.timeout)
        if not waiting:
            self.close()
            return {"result": "fault", "who": "timeout", "words": f"no answer in {self.timeout:g} s"}
        line = process.stdout.readline()
        if not line:
            return self.gone()
        answer: Answer = json.loads(line)
        return answer

    def ready(self) -> subprocess.Popen[str]:
        self.count += 1
        if self.process is not None and self.count > self.most:
            self.close()
        if self.process is None:
            self.count = 1
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.random.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
            assert self.process.stdout is not None
            self.process.stdout.readline()  # the imports are no part of a case's time
        return self.process

    def gone(self) -> Answer:
        assert self.process is not None
        code = self.process.wait()
        self.process = None
        name = signal.Signals(-code).name if code < 0 else f"exit status {code}"
        return {"result": "fault", "who": "died", "words": name}

    def close(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


if __name__ == "__main__":
    serve()
