"""`dslc playground`."""

from __future__ import annotations

import click


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=8471, show_default=True, help="0: any that is free")
def playground(port: int) -> None:
    """Serve the playground to a browser on this machine, until Ctrl-C.

    The compiler runs in the page: mistakes with fixes to click, the picture, the numbers and the PyTorch module of a
    network while it is written. The page is built once, by `npm ci && npm run build` in playground/ of a checkout.
    """
    from dslc.diagnostics.model import Failure
    from dslc.errors import NotBuilt
    from dslc.playground.serve import HOST, SITE, built, server

    if not built(SITE):
        raise Failure(NotBuilt(str(SITE)))
    try:
        serving = server(port)
    except OSError as error:
        raise click.BadParameter(f"{port}: {(error.strerror or str(error)).lower()}", param_hint="--port") from None
    with serving:
        click.echo(f"the playground is at http://{HOST}:{serving.server_address[1]}/ (Ctrl-C ends it)")
        try:
            serving.serve_forever()
        except KeyboardInterrupt:
            return
