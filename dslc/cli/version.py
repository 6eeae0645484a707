"""`dslc version`."""

import click


@click.command()
def version() -> None:
    """Print the version."""
    import dslc

    click.echo(f"dslc {dslc.__version__}")
