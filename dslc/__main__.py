"""`python -m dslc`."""

from dslc.cli.main import main

if __name__ == "__main__":
    main(prog_name="dslc")
