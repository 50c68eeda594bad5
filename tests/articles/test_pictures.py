"""An uploaded picture is served upright, small, and without what its camera noted."""

from io import BytesIO
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from articles.pictures import MAX_SIDE, fit_to_serve
from tests.articles.newsroom import picture

ORIENTATION, GPS, CAMERA = 0x0112, 0x8825, 0x0110


def served(upload: SimpleUploadedFile) -> Image.Image:
    return Image.open(fit_to_serve(upload))


def exif() -> Image.Exif:
    tags = Image.Exif()
    tags[CAMERA] = "Camera of Ada"
    tags.get_ifd(GPS)[2] = (47.0, 22.0, 1.0)
    return tags


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_place_and_camera_are_gone(format: str):
    upload = picture(format, exif=exif())
    assert b"Camera of Ada" in upload.read()
    result = served(upload)
    assert not result.getexif()
    assert "exif" not in result.info
    assert "xmp" not in result.info


def test_comments_are_gone():
    notes = PngInfo()
    notes.add_text("Comment", "at Ada's house")
    for upload in (
        picture("JPEG", comment=b"at Ada's house"),
        picture("PNG", pnginfo=notes),
        picture("GIF", comment=b"at Ada's house"),
    ):
        assert b"Ada" not in fit_to_serve(upload).read()


@pytest.mark.parametrize(
    ("orientation", "size"), [(1, (40, 20)), (3, (40, 20)), (6, (20, 40)), (8, (20, 40))]
)
def test_a_turned_picture_stands_upright(orientation: int, size: tuple[int, int]):
    tags = Image.Exif()
    tags[ORIENTATION] = orientation
    assert served(picture("JPEG", exif=tags)).size == size


def test_the_top_of_a_turned_picture_ends_up_on_top():
    # The left half is red; "rotate 90 degrees clockwise to see it" puts that half on top.
    camera = Image.new("RGB", (80, 40), "blue")
    camera.paste("red", (0, 0, 40, 40))
    tags = Image.Exif()
    tags[ORIENTATION] = 6
    out = BytesIO()
    camera.save(out, format="JPEG", exif=tags)
    upright = served(SimpleUploadedFile("x.jpg", out.getvalue()))
    top, bottom = (upright.crop((0, y, 40, y + 10)).resize((1, 1)).tobytes() for y in (5, 65))
    assert top[0] > 200 > top[2]
    assert bottom[2] > 200 > bottom[0]


@pytest.mark.parametrize(
    ("size", "fitted"),
    [
        ((4000, 1000), (1600, 400)),
        ((1000, 4000), (400, 1600)),
        ((8000, 6000), (1600, 1200)),
        ((1600, 900), (1600, 900)),
        ((30, 20), (30, 20)),
    ],
)
def test_a_picture_is_at_most_1600_pixels_a_side_and_never_enlarged(size, fitted):
    assert served(picture("JPEG", size=size)).size == fitted
    assert max(fitted) <= MAX_SIDE


@pytest.mark.parametrize(
    ("format", "name", "kept"),
    [
        ("JPEG", "picture.jpg", "JPEG"),
        ("MPO", "picture.jpg", "JPEG"),
        ("PNG", "picture.png", "PNG"),
        ("WEBP", "picture.webp", "WEBP"),
        ("GIF", "picture.png", "PNG"),
        ("BMP", "picture.png", "PNG"),
        ("TIFF", "picture.png", "PNG"),
    ],
)
def test_each_kind_is_stored_as_one_that_browsers_show(format: str, name: str, kept: str):
    second = [Image.new("RGB", (40, 20))]
    options: dict[str, Any] = {"save_all": True, "append_images": second} if format == "MPO" else {}
    file = fit_to_serve(picture(format, **options))
    assert file.name == name
    assert Image.open(file).format == kept


def test_a_print_jpeg_is_brought_to_screen_colours():
    assert served(picture("JPEG", mode="CMYK", color=(0, 255, 255, 0))).mode == "RGB"


@pytest.mark.parametrize(
    ("format", "mode", "color"),
    [("PNG", "RGBA", (0, 128, 128, 0)), ("WEBP", "RGBA", (0, 128, 128, 0)), ("PNG", "LA", (9, 0))],
)
def test_transparency_is_kept(format: str, mode: str, color: tuple[int, ...]):
    result = served(picture(format, mode=mode, color=color))
    assert result.convert("RGBA").getchannel("A").getextrema() == (0, 0)


def test_transparency_of_a_palette_is_kept():
    result = served(picture("GIF", mode="P", color=0, transparency=0))
    assert result.convert("RGBA").getchannel("A").getextrema() == (0, 0)


def test_a_damaged_picture_is_refused_in_a_sentence():
    whole = picture("JPEG", size=(400, 300)).read()
    with pytest.raises(ValueError, match="damaged"):
        fit_to_serve(SimpleUploadedFile("x.jpg", whole[: len(whole) // 2]))


def test_a_picture_of_too_many_pixels_is_refused_before_it_is_unpacked():
    bomb = picture("PNG", size=(8_000, 8_000), mode="1", color=0)
    assert bomb.size < 20_000
    with pytest.raises(ValueError, match="60 million pixels"):
        fit_to_serve(bomb)
