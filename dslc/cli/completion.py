"""`dslc completion`."""

from __future__ import annotations

import click


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print a script that completes commands and options in your shell.

    \b
    bash:  dslc completion bash > ~/.local/share/bash-completion/completions/dslc
    zsh:   dslc completion zsh > ~/.zfunc/_dslc     (with ~/.zfunc in fpath)
    fish:  dslc completion fish > ~/.config/fish/completions/dslc.fish
    """
    from click.shell_completion import get_completion_class

    script = get_completion_class(shell)
    assert script is not None
    click.echo(script(ctx.find_root().command, {}, "dslc", "_DSLC_COMPLETE").source())
