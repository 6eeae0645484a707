"""Inputs from files: images as torchvision's presets prepare them, and .npy arrays."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dslc.backends.onnx.errors_run import RunError, UnreadableInput
from dslc.backends.onnx.graph import Array
from dslc.errors import NotInstalled

MODES = {1: "L", 3: "RGB", 4: "RGBA"}
CROP = 224 / 256
"""The part of the resized image that is kept: torchvision's presets crop 224 of 256 (_presets.py)."""


def load_image(path: str | Path, channels: int, height: int, width: int) -> Array:
    """An image as float32 [1, channels, height, width] in 0..1.

    As torchvision's classification presets: the short side is resized so that the crop takes 224/256 of it
    (bilinear, antialiased), then the centre is cropped. Turned upright by its EXIF tag. No mean is
    subtracted: `normalize` is a layer of the network.
    """
    try:
        from PIL import Image, ImageOps, UnidentifiedImageError
    except ImportError as error:
        raise RunError(NotInstalled("Pillow", "image", "`--image`")) from error
    try:
        with Image.open(path) as file:
            image = ImageOps.exif_transpose(file).convert(MODES[channels])
    except UnidentifiedImageError as error:
        raise RunError(UnreadableInput(str(path), "it is no image in a known format")) from error
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise RunError(UnreadableInput(str(path), reason.lower())) from error
    scale = max(height / CROP / image.height, width / CROP / image.width)
    size = max(round(image.width * scale), width), max(round(image.height * scale), height)
    image = image.resize(size, Image.Resampling.BILINEAR)
    left, top = round((image.width - width) / 2), round((image.height - height) / 2)
    image = image.crop((left, top, left + width, top + height))
    pixels = np.asarray(image, np.float32).reshape(height, width, channels) / np.float32(255)
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)[np.newaxis])


def load_array(path: str | Path) -> Array:
    """A .npy array. Pickled objects are refused: they could run any code."""
    try:
        found = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise RunError(UnreadableInput(str(path), reason.lower().splitlines()[0])) from error
    if not isinstance(found, np.ndarray):
        found.close()
        raise RunError(UnreadableInput(str(path), "it holds several arrays: give each as a .npy of its own"))
    return found
