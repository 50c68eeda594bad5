"""What a publication says of itself, and how it is cited."""

import re
from datetime import date

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, URLValidator
from django.db import models
from django.utils.dates import MONTHS

from fibrosite.lib.fields import LineField
from research.identifiers import doi_url, pubmed_url
from research.models.fields import DOIField, PMIDField
from research.names import AND_MORE, Name, is_cut, parse_names

FIRST_YEAR, LAST_YEAR = 1800, 2100
# A citation names so many authors; of a longer list, the rest are "et al."
AUTHORS_CITED = 6
IN_LIBRARY = {"unique": "This study is already in the library."}


class Publication(models.TextChoices):
    """The kinds of publication."""

    ARTICLE = "journal-article", "Journal article"
    PREPRINT = "preprint", "Preprint"
    CONFERENCE_PAPER = "conference-paper", "Conference paper"
    BOOK = "book", "Book"
    CHAPTER = "book-chapter", "Book chapter"
    REPORT = "report", "Report"
    THESIS = "thesis", "Thesis"
    DATASET = "dataset", "Data set"
    WEB_PAGE = "web-page", "Web page"
    OTHER = "other", "Other"


class Citable(models.Model):
    """The fields of a citation, as in `research.records.Record`, and the citation itself."""

    class Access(models.TextChoices):
        FREE = "free", "Free to read"
        ABSTRACT = "abstract", "Abstract only"
        PAYWALLED = "paywalled", "Paywalled"

    doi = DOIField(
        "DOI",
        max_length=255,
        null=True,
        blank=True,
        unique=True,
        help_text="Paste it in any form, such as https://doi.org/10.1155/2019/2623161.",
        error_messages=IN_LIBRARY,
    )
    pmid = PMIDField(
        "PMID",
        max_length=8,
        null=True,
        blank=True,
        unique=True,
        help_text="The number in PubMed, such as 31275544.",
        error_messages=IN_LIBRARY,
    )
    slug = models.SlugField(max_length=120, unique=True, editable=False)
    kind = models.CharField(max_length=20, choices=Publication, default=Publication.ARTICLE)
    title = LineField(max_length=500)
    authors = models.TextField(
        blank=True,
        help_text="One per line: “Gentile, Eleonora” for a person, “RECOVER Consortium” for a "
        "group, {braces} around a group with a comma, “et al.” at the end if there are more.",
    )
    journal = LineField(
        max_length=255, blank=True, help_text="Of a chapter: the book that holds it."
    )
    publisher = LineField(max_length=255, blank=True)
    place = LineField(max_length=120, blank=True, help_text="Where the publisher sits.")
    year = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(FIRST_YEAR), MaxValueValidator(LAST_YEAR)],
    )
    month = models.PositiveSmallIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(12)]
    )
    day = models.PositiveSmallIntegerField(null=True, blank=True)
    volume = LineField(max_length=40, blank=True)
    issue = LineField(max_length=60, blank=True)
    pages = LineField(max_length=60, blank=True)
    url = models.CharField(
        "other address",
        max_length=500,
        blank=True,
        validators=[URLValidator(schemes=["http", "https"])],
        help_text="Only if it is not the DOI's, such as https://example.org/report.",
    )
    access = models.CharField(max_length=10, choices=Access, default=Access.ABSTRACT)

    class Meta:
        abstract = True

    def clean(self) -> None:
        """Raises ValidationError on the field that keeps year, month and day from being a date."""
        self.doi, self.pmid = self.doi or None, self.pmid or None
        if self.month and not self.year:
            raise ValidationError({"year": "A month needs its year."})
        if self.day is None:
            return
        if not (self.year and self.month):
            raise ValidationError({"month": "A day needs its month."})
        try:
            date(self.year, self.month, self.day)
        except ValueError as error:
            raise ValidationError({"day": "The month has no such day."}) from error

    @property
    def names(self) -> list[Name]:
        """The authors in order, without the mark that there are more."""
        return parse_names(self.authors)

    @property
    def has_more_authors(self) -> bool:
        """Whether the list of authors was cut."""
        return is_cut(self.authors)

    @property
    def author_list(self) -> list[str]:
        """All recorded authors as citations show them; "et al." last if the list was cut."""
        return [
            *(name.cited for name in self.names),
            *([AND_MORE] if self.has_more_authors else []),
        ]

    @property
    def authors_line(self) -> str:
        """The first six authors as a sentence that ends in one full stop; "" if none is known."""
        names = self.names
        cited = [name.cited for name in names[:AUTHORS_CITED]]
        if cited and (len(names) > AUTHORS_CITED or self.has_more_authors):
            cited.append("et al")
        return ", ".join(cited).rstrip(".") + "." if cited else ""

    @property
    def first_author(self) -> str:
        """The family name of who stands first, or the whole name of a group."""
        names = self.names
        return names[0].family if names else "Unknown"

    @property
    def short_citation(self) -> str:
        """First author and year, as in "Gentile et al 2019"."""
        more = " et al" if len(self.names) > 1 or self.has_more_authors else ""
        return f"{self.first_author}{more}{f' {self.year}' if self.year else ', no date'}"

    @property
    def published(self) -> str:
        """The date as far as it is known: "16 January 2019", "January 2019", "2019", "no date"."""
        if not self.year:
            return "no date"
        month = str(MONTHS[self.month]) if self.month else ""
        return " ".join(filter(None, [str(self.day or ""), month, str(self.year)]))

    @property
    def where_published(self) -> str:
        """Source, year, volume, issue and pages, as in "Pain Res Treat. 2019;3(2):1-9".

        The source is the journal; without one it is the publisher with its place, which a
        chapter has beside the book that holds it.
        """
        number = self.volume + (f"({self.issue})" if self.issue else "")
        where = (f";{number}" if number else "") + (f":{self.pages}" if self.pages else "")
        source = ". ".join(self._sources())
        if self.year:
            return f"{source}{'. ' if source else ''}{self.year}{where}"
        return f"{source}, no date{where}" if source else f"No date{where}"

    def _sources(self) -> list[str]:
        """What it appeared in, each without the stop that the citation sets itself."""
        publisher = ": ".join(filter(None, [self.place, self.publisher]))
        sources = [self.journal]
        if not self.journal or self.kind == Publication.CHAPTER:
            sources.append(publisher)
        return [source.rstrip(".") for source in sources if source]

    @property
    def first_page(self) -> str:
        """Where it begins, as in "319" of "319-329"."""
        return page_range(self.pages)[0]

    @property
    def last_page(self) -> str:
        """Where it ends, as in "329" of "319-329"; "" if that is not recorded."""
        return page_range(self.pages)[1]

    @property
    def doi_url(self) -> str:
        """The address that resolves the DOI; "" without one."""
        return doi_url(self.doi) if self.doi else ""

    @property
    def pubmed_url(self) -> str:
        """The address in PubMed; "" without a PMID."""
        return pubmed_url(self.pmid) if self.pmid else ""

    @property
    def best_link(self) -> str:
        """Where to read it: at its DOI, else its own address, else in PubMed; "" if nowhere."""
        return self.doi_url or self.url or self.pubmed_url


def page_range(pages: str) -> tuple[str, str]:
    """First and last page of "319-329", whichever dash; the last is "" if there is none."""
    first, _, last = re.sub(r"[\u2010-\u2015]", "-", pages).partition("-")
    return first.strip(), last.strip()
