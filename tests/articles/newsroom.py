"""What a browser posts from the newsroom's article form."""

from io import BytesIO
from itertools import count
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from articles.models import ARTICLE_BLOCKS
from tests.factories import AuthorFactory

ADD = "/admin/articles/article/add/"


def inline(prefix: str, rows: list[dict[str, Any]], initial: int = 0) -> dict[str, Any]:
    """The fields of one inline formset."""
    data: dict[str, Any] = {
        f"{prefix}-TOTAL_FORMS": len(rows),
        f"{prefix}-INITIAL_FORMS": initial,
    }
    for number, row in enumerate(rows):
        data |= {f"{prefix}-{number}-{name}": value for name, value in row.items()}
    return data


def article_form(
    *,
    gist: list[str] | None = None,
    studies: list[Any] | None = None,
    blocks: dict[str, list[dict[str, Any]]] | None = None,
    **fields: Any,
) -> dict[str, Any]:
    """A new draft as an editor types it; name only what the test is about.

    `blocks` holds rows by the kind of block, as in {"text": [{"html": "<p>Hello</p>"}]}.
    """
    given = {"text": [{"html": "<p>Twenty people slept.</p>"}]} if blocks is None else blocks
    points = ["It was small.", "It was slow.", "It hints."] if gist is None else gist
    form = {
        "title": "Sleep and pain",
        "slug": "sleep-and-pain",
        "standfirst": "A small study.",
        "kind": "research-summary",
        "author": fields.pop("author", None) or AuthorFactory.create().pk,
        "tags": "",
        "picture_alt": "",
        "picture_caption": "",
        "state": "draft",
        "published_at_0": "",
        "published_at_1": "",
        **inline("gist", [{"text": text, "position": 0} for text in points]),
        **inline(
            "references",
            [{"study": s.pk, "relation": "mentions", "position": 0} for s in studies or []],
        ),
        **block_forms(given),
    }
    return {**form, **fields}


def block_forms(given: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """The fields of all kinds of blocks; they stand in the order in which `given` names them."""
    data: dict[str, Any] = {}
    place = count(10, 10)
    for model in ARTICLE_BLOCKS:
        name = model._meta.model_name
        rows = [
            {"region": "body", "ordering": next(place), **row}
            for row in given.get(name.removeprefix("article"), [])
        ]
        data |= inline(f"articles_{name}_set", rows)
    return data


def errors(response: Any) -> dict[str, list[str]]:
    """The errors that the form shows, by field; formset errors under their prefix."""
    found: dict[str, list[str]] = dict(response.context["adminform"].form.errors)
    for formset in response.context["inline_admin_formsets"]:
        for form_errors in formset.formset.errors:
            found |= {f"{formset.formset.prefix}.{name}": e for name, e in form_errors.items()}
        if formset.formset.non_form_errors():
            found[formset.formset.prefix] = list(formset.formset.non_form_errors())
    return found


def picture(
    format: str = "JPEG",
    size: tuple[int, int] = (40, 20),
    mode: str = "RGB",
    color: Any = "teal",
    name: str = "picture",
    **options: Any,
) -> SimpleUploadedFile:
    """An upload made on the spot."""
    out = BytesIO()
    Image.new(mode, size, color).save(out, format=format, **options)
    return SimpleUploadedFile(f"{name}.{format.lower()}", out.getvalue())
