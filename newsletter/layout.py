"""The layout that all letters share: MJML, made into HTML that old mail programs show too.

Only the frame passes through MJML. The words of a letter are put in afterwards: what an author
writes cannot break the layout, and the frame is made once for each subject.
"""

from functools import lru_cache

from django.template.loader import render_to_string
from django.utils.html import format_html
from mjml import mjml2html

_WORDS = "\ue000words\ue001"
_PREVIEW = "\ue000preview\ue001"
_FRAME = "newsletter/letters/base.mjml"


def in_layout(words: str, *, subject: str, preview_line: str = "") -> str:
    """A letter's HTML words as a whole document; `preview_line` is seen in lists of mails alone."""
    preview = _hidden(preview_line) if preview_line else ""
    return _frame(subject).replace(_PREVIEW, preview).replace(_WORDS, words)


def _hidden(line: str) -> str:
    # No colour like the ground's and no tiny type: filters take that for a trick.
    return format_html(
        '<div style="display:none;max-height:0;overflow:hidden;" aria-hidden="true">{}</div>', line
    )


@lru_cache(maxsize=64)
def _frame(subject: str) -> str:
    slots = {"subject": subject, "words_slot": _WORDS, "preview_slot": _PREVIEW}
    return mjml2html(render_to_string(_FRAME, slots), disable_comments=False)
