"""Uploaded pictures, made fit to serve."""

from io import BytesIO
from typing import Any

from django import forms
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import UploadedFile
from PIL import Image, ImageOps

MAX_SIDE = 1600
# What a small server can hold in memory; the cameras of phones stay below.
MAX_PIXELS = 60_000_000
# Phones write JPEG files that hold a second picture; Pillow calls those MPO.
FORMATS = {"JPEG": "JPEG", "MPO": "JPEG", "PNG": "PNG", "WEBP": "WEBP"}
# Not EPS and its like, which Pillow hands to other programs.
READ = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
MODES = ("L", "LA", "RGB", "RGBA")


class PictureFormField(forms.ImageField):
    """An upload that is made fit to serve before it is stored."""

    def clean(self, data: Any, initial: Any = None) -> Any:
        picture = super().clean(data, initial)
        if not isinstance(picture, UploadedFile):
            return picture
        try:
            return fit_to_serve(picture)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error


def fit_to_serve(upload: UploadedFile) -> ContentFile:
    """The picture turned upright, at most 1600 px a side, without place and camera data.

    Keeps JPEG, PNG and WebP; anything else becomes PNG. `upload` must be a picture that
    Django's ImageField has accepted. Raises ValueError, with a sentence for its editor, if it
    is too large or broken.
    """
    upload.seek(0)
    try:
        with Image.open(upload, formats=READ) as original:
            kind = FORMATS.get(original.format or "", "PNG")
            content = _encode(_shrink(original), kind)
    except (OSError, SyntaxError, EOFError) as error:
        raise ValueError("This picture is damaged: it cannot be read to its end.") from error
    stem = (upload.name or "picture").rsplit(".", 1)[0]
    return ContentFile(content, name=f"{stem}.{kind.lower().replace('jpeg', 'jpg')}")


def _shrink(original: Image.Image) -> Image.Image:
    if original.width * original.height > MAX_PIXELS:
        millions = MAX_PIXELS // 1_000_000
        raise ValueError(f"This picture has more than {millions} million pixels: make it smaller.")
    # A large JPEG is decoded at a fraction of its size, if asked before anything else is.
    original.draft("RGB", (2 * MAX_SIDE, 2 * MAX_SIDE))
    picture = ImageOps.exif_transpose(original)
    if picture.mode not in MODES:
        picture = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    picture.thumbnail((MAX_SIDE, MAX_SIDE))
    return picture


def _encode(picture: Image.Image, kind: str) -> bytes:
    bare = picture.copy()
    # Some formats write back what they find here: comments, camera and place.
    bare.info = {key: value for key, value in bare.info.items() if key == "transparency"}
    out = BytesIO()
    bare.save(out, format=kind, optimize=True, quality=82)
    return out.getvalue()
