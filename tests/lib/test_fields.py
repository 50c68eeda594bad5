"""Text columns hold what a page, a feed and a letter can show."""

import pytest
from django.core.exceptions import ValidationError

from articles.models import ArticleText, GistPoint


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Sleep", "Sleep"),
        (" Sleep  and\tpain\r\n", "Sleep and pain"),
        ("Sleep\x0band\x0cpain", "Sleep and pain"),
        ("Sleep\u2028and\x85pain", "Sleep and pain"),
        ("10\u00a0mg", "10\u00a0mg"),
        ("👩\u200d🔬 Ada", "👩\u200d🔬 Ada"),
    ],
)
def test_a_line_is_one_line_without_what_nobody_sees(typed: str, kept: str):
    assert GistPoint(text=typed)._meta.get_field("text").to_python(typed) == kept


@pytest.mark.parametrize("body", ["", "<p></p>", "<p> </p>", "<p>&nbsp;</p>", "<script>x</script>"])
def test_rich_text_of_which_nothing_is_seen_is_refused(body: str):
    with pytest.raises(ValidationError):
        ArticleText._meta.get_field("html").clean(body, None)
