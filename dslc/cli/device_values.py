"""`--device H200`, `--device this` and `--device peak=10T,bandwidth=100G` on the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from dslc.analysis.devices import Device


def device(ctx: click.Context, option: click.Parameter, text: str | None) -> Device | None:
    """The device of a name, of numbers or measured; none where it is not asked for."""
    if text is None:
        return None
    from dslc.analysis.devices import DeviceError
    from dslc.machine import device_named

    try:
        return device_named(text)
    except DeviceError as error:
        raise click.BadParameter(str(error)) from None


def rate_of(device: Device, dtype: str) -> None:
    """Refuse an element type that the device has no rate for."""
    from dslc.analysis.devices import DeviceError

    try:
        device.peak(dtype)
    except DeviceError as error:
        raise click.BadParameter(str(error), param_hint="--dtype") from None
