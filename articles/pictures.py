"""Uploaded pictures, made fit to serve."""

from io import BytesIO

from django.core.files.base import ContentFile
from django.core.files.uploadedfile import UploadedFile
from PIL import Image, ImageOps

MAX_WIDTH = 1600


def fit_to_serve(upload: UploadedFile) -> ContentFile:
    """The picture turned upright, at most 1600 px wide, without place and camera data.

    Keeps JPEG, PNG and WebP; anything else becomes PNG. `upload` must be a picture that
    Django's ImageField has accepted.
    """
    upload.seek(0)
    with Image.open(upload) as original:
        kind = original.format if original.format in ("JPEG", "PNG", "WEBP") else "PNG"
        picture = ImageOps.exif_transpose(original)
        picture.thumbnail((MAX_WIDTH, MAX_WIDTH * 2))
        bare = picture.copy()
        bare.info = {k: v for k, v in bare.info.items() if k in ("transparency",)}
        out = BytesIO()
        bare.save(out, format=kind, optimize=True, quality=82)
    stem = (upload.name or "picture").rsplit(".", 1)[0]
    return ContentFile(out.getvalue(), name=f"{stem}.{kind.lower().replace('jpeg', 'jpg')}")
