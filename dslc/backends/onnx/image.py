"""Inputs from files: images as torchvision's presets prepare them, and .npy arrays."""

from __future__ import annotations

import os
from io import BufferedReader
from pathlib import Path
from warnings import catch_warnings

import numpy as np

from dslc.backends.onnx.errors_run import RunError, UnreadableInput
from dslc.backends.onnx.graph import Array
from dslc.errors import NotInstalled
from dslc.reading import regular, unchanged

MODES = {1: "L", 3: "RGB", 4: "RGBA"}
CROP = 224 / 256
"""The part of the resized image that is kept: torchvision's presets crop 224 of 256 (_presets.py)."""


FORMATS = ("BMP", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP")
"""Formats of Pillow that are pictures alone: its others run Ghostscript (EPS), or read further files."""

MOST_PIXELS = 89_478_485
"""Pixels of a picture, a quarter of a GB: beyond, Pillow takes it for a bomb (`Image.MAX_IMAGE_PIXELS`)."""


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
        with (
            regular(path) as raw,
            catch_warnings(action="ignore"),
            Image.open(BufferedReader(raw), "r", FORMATS) as file,
        ):
            if file.width * file.height > MOST_PIXELS:
                raise RunError(UnreadableInput(str(path), _too_large(file.width, file.height)))
            image = ImageOps.exif_transpose(file).convert(MODES[channels])
    except UnidentifiedImageError as error:
        raise RunError(UnreadableInput(str(path), "it is no image in a known format")) from error
    except RunError:
        raise
    except Exception as error:  # decoders raise what they like where a file is damaged
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise RunError(UnreadableInput(str(path), reason.lower())) from error
    scale = max(height / CROP / image.height, width / CROP / image.width)
    size = max(round(image.width * scale), width), max(round(image.height * scale), height)
    if size[0] * size[1] > MOST_PIXELS:
        raise RunError(UnreadableInput(str(path), f"{image.width} x {image.height} would become {_too_large(*size)}"))
    image = image.resize(size, Image.Resampling.BILINEAR)
    left, top = round((image.width - width) / 2), round((image.height - height) / 2)
    image = image.crop((left, top, left + width, top + height))
    pixels = np.asarray(image, np.float32).reshape(height, width, channels) / np.float32(255)
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)[np.newaxis])


def _too_large(width: int, height: int) -> str:
    return f"{width:,} x {height:,} pixels, more than {MOST_PIXELS:,}"


def load_array(path: str | Path) -> Array:
    """A .npy array. Pickled objects are refused: they could run any code."""
    try:
        with regular(path) as file, catch_warnings(action="ignore"):
            size = os.fstat(file.fileno()).st_size
            found = np.load(file, allow_pickle=False)
            if isinstance(found, np.ndarray):
                unchanged(file, size)
    except Exception as error:  # OSError, ValueError, BadZipFile, TokenError of a header: numpy promises no set
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise RunError(UnreadableInput(str(path), reason.lower().splitlines()[0])) from error
    if not isinstance(found, np.ndarray):
        raise RunError(UnreadableInput(str(path), "it holds several arrays: give each as a .npy of its own"))
    return found
