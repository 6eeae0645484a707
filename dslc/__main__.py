"""The command, `dslc` and `python -m dslc`, without what Python itself does of its own accord.

Python looks for modules in the working directory first, where a program from a stranger may lie beside a `torch.py`.
The command does not, so neither does this. And it looks for garbage again and again among what imports make, which all
stays: a tenth of their time.
"""

import gc
import os
import sys


def run() -> None:
    """Run the command that `sys.argv` holds."""
    gc.disable()
    if sys.path and not sys.flags.safe_path and os.path.realpath(sys.path[0]) == os.path.realpath(os.getcwd()):
        del sys.path[0]
    from dslc.cli.main import main

    main(prog_name="dslc")


if __name__ == "__main__":
    run()
