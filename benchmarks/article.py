"""CPU time of one long article: 60 blocks, 80 references, from request to bytes.

Builds the article in a database of its own in memory, asks for its page as a reader would,
through all middleware, and prints the time that this process spent on it and the queries.
"""

import json
import os
import sys
import time
from itertools import cycle, islice
from statistics import median
from typing import Any

os.environ["DJANGO_SETTINGS_MODULE"] = "fibrosite.settings.test"

BLOCKS, REFERENCES, ROUNDS = 60, 80, 200
PARAGRAPH = "Forty people rested for a day and then walked for six minutes, twice. " * 6


def build() -> str:
    """The address of an article with BLOCKS blocks of all kinds and REFERENCES references."""
    from articles.models import ArticleText  # noqa: PLC0415
    from tests.articles.bodies import full_article, mark, term  # noqa: PLC0415
    from tests.factories import StudyFactory, TermFactory, add_block  # noqa: PLC0415

    studies = StudyFactory.create_batch(REFERENCES - 2)
    article = full_article(slug="long")
    missing = BLOCKS - 12
    word = TermFactory.create(slug="rest")
    cited = cycle(studies)
    for number in range(missing):
        marks = mark(*islice(cited, 2))
        html = f"<h2>Part {number}</h2><p>{PARAGRAPH}{marks}</p><p>{term(word, 'Rest')} helps.</p>"
        add_block(article, ArticleText, html=html)
    return str(article.get_absolute_url())


def measure(path: str) -> dict[str, Any]:
    """Median CPU milliseconds and the number of queries of one request for `path`."""
    from django.db import connection  # noqa: PLC0415
    from django.test import Client  # noqa: PLC0415
    from django.test.utils import CaptureQueriesContext  # noqa: PLC0415

    client = Client()
    with CaptureQueriesContext(connection) as asked:
        page = client.get(path)
        queries = len(asked)
    times = []
    for _ in range(ROUNDS):
        start = time.process_time()
        client.get(path)
        times.append((time.process_time() - start) * 1000)
    return {
        "cpu_ms": round(median(times), 1),
        "best_ms": round(min(times), 1),
        "queries": queries,
        "kilobytes": round(len(page.content) / 1000),
        "marks": page.content.count(b'role="doc-noteref"'),
        "references": page.content.count(b'id="ref-'),
    }


def main() -> int:
    """Print the figures as a table, then as JSON; 0."""
    import django  # noqa: PLC0415

    django.setup()
    from django.conf import settings  # noqa: PLC0415
    from django.core.management import call_command  # noqa: PLC0415

    # As in production: queries are not kept.
    settings.DEBUG = False
    settings.DATABASES["default"]["NAME"] = ":memory:"
    call_command("migrate", verbosity=0)
    figures = measure(build())
    for name, value in figures.items():
        sys.stdout.write(f"{name:>12}  {value}\n")
    sys.stdout.write(json.dumps(figures) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
