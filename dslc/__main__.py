"""`python -m dslc`: the command, without what Python itself does of its own accord.

Python looks for modules in the working directory first, where a program from a stranger may lie beside a `torch.py`.
The command does not, so neither does this.
"""

import os
import sys

if sys.path and not sys.flags.safe_path and os.path.realpath(sys.path[0]) == os.path.realpath(os.getcwd()):
    del sys.path[0]

from dslc.cli.main import main

if __name__ == "__main__":
    main(prog_name="dslc")
