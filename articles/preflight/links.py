"""Links that lead readers to nothing, found without the network."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.db.models import QuerySet
from django.urls import Resolver404, ResolverMatch, resolve

from articles import prose
from articles.models import Article, ArticleRelated, Author, Page, Series, Tag, Term
from articles.preflight.findings import Cause, Place, Trouble
from articles.preflight.reading import Reading
from research.models import Study

BROKEN = Cause(
    "A link leads to nothing that readers can see: {words}.",
    "Correct the address, or remove the link.",
)
NO_ANCHOR = Cause(
    "A link leads to a heading that is not here: {words}.",
    "Correct the address, or remove the link.",
)
NOT_SECURE = Cause(
    "A link leads to an address without encryption: {words}.",
    "Change http:// to https:// if the other site answers there.",
)
HIDDEN_RELATED = Cause(
    "The related article is not public: readers see nothing here.",
    "Publish that article first, or remove the block.",
)


def _public_articles() -> QuerySet[Article]:
    return Article.objects.published().order_by()


# The door behind each address that names a row by its slug.
DOORS: dict[str, Callable[[], QuerySet]] = {
    "articles:article": _public_articles,
    "articles:article_references": _public_articles,
    "articles:page": Page.objects.published,
    "articles:page_references": Page.objects.published,
    "articles:series": lambda: Series.objects.filter(articles__in=_public_articles()),
    "articles:tag": lambda: Tag.objects.filter(
        tagged_articles__content_object__in=_public_articles().values("pk")
    ),
    "articles:author": lambda: Author.objects.filter(articles__in=_public_articles()),
    "articles:glossary": Term.objects.all,
    "research:study": Study.objects.all,
    "research:export_study": Study.objects.all,
}


@dataclass(frozen=True)
class _Link:
    """A link within the site: the address as written, and the row that must be public."""

    place: Place
    href: str
    door: str
    slug: str


def links(reading: Reading) -> Iterator[Trouble]:
    """Links within the site that lead nowhere, unsafe links to others, hidden related articles."""
    inside: list[_Link] = []
    anchors = {anchor for part in reading.parts for _, anchor, _ in prose.headings(part.html)}
    for passage in reading.passages:
        for link in passage.links:
            trouble, target = _follow(link.href.strip(), passage.place, anchors)
            if trouble:
                yield trouble
            if target:
                inside.append(target)
    yield from _behind_doors(inside, reading)
    for part in reading.parts:
        if isinstance(part.block, ArticleRelated) and not part.block.related.is_public():
            yield Trouble(HIDDEN_RELATED, part.place)


def _follow(href: str, place: Place, anchors: set[str]) -> tuple[Trouble | None, _Link | None]:
    """What is wrong with a link at sight, and what is left to look up."""
    if href.startswith("#"):
        known = href[1:] in anchors or prose.PAGES_OWN.fullmatch(href[1:])
        return (None if known else Trouble(NO_ANCHOR, place, href)), None
    try:
        parts = urlsplit(href)
    except ValueError:
        return Trouble(BROKEN, place, href), None
    own_host = urlsplit(settings.SITE_URL).netloc
    if parts.scheme not in ("", "http", "https"):
        return None, None
    if parts.netloc not in ("", own_host):
        return (Trouble(NOT_SECURE, place, href) if parts.scheme == "http" else None), None
    path = unquote(parts.path) or "/"
    if path.startswith((settings.STATIC_URL, settings.MEDIA_URL)):
        return None, None
    match = _match(path)
    if match is None or match.app_name == "admin":
        return Trouble(BROKEN, place, href), None
    slug = match.kwargs.get("slug", parts.fragment)
    has_door = bool(slug) and match.view_name in DOORS
    return None, _Link(place, href, match.view_name, slug) if has_door else None


def _match(path: str) -> ResolverMatch | None:
    """What answers at a path, with or without the stroke at its end."""
    for candidate in (path, f"{path}/"):
        try:
            return resolve(candidate)
        except Resolver404:
            continue
    return None


def _behind_doors(inside: list[_Link], reading: Reading) -> Iterator[Trouble]:
    """Ask each door once for all that should be behind it."""
    wanted: dict[str, set[str]] = {}
    for link in inside:
        wanted.setdefault(link.door, set()).add(link.slug)
    public = {
        (door, slug)
        for door, slugs in wanted.items()
        for slug in DOORS[door]().filter(slug__in=slugs).values_list("slug", flat=True)
    }
    # A draft may link to itself: it is public when its readers come.
    kind = "article" if isinstance(reading.document, Article) else "page"
    public.add((f"articles:{kind}", reading.document.slug))
    for link in inside:
        if (link.door, link.slug) not in public:
            yield Trouble(BROKEN, link.place, link.href)
