"""A study is a row, found by its DOI."""

from typing import NamedTuple
from urllib.parse import quote

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.urls import reverse
from django.utils.text import slugify

from fibrosite.lib.fields import LineField
from research.evidence import Design, Facts, Malaise, Reviewed, evidence_line
from research.identifiers import normalise_doi

FIRST_YEAR, LAST_YEAR = 1800, 2100
# Ends a list of authors that was cut.
AND_MORE = "et al."
NOT_KNOWN = "Leave empty if the study does not say."


class Name(NamedTuple):
    """An author's name; a group has no given name."""

    family: str
    given: str


def _name(author: str) -> Name:
    family, _, initials = author.rpartition(" ")
    # As in "Gentile E" or "Park J-H"; the names of groups have none.
    if family and initials.isupper() and len(initials) <= 4:
        return Name(family, initials)
    return Name(author, "")


class Condition(models.Model):
    """An illness that studies are about."""

    name = LineField(max_length=80, unique=True)
    slug = models.SlugField(max_length=80, unique=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Study(models.Model):
    """A research publication that articles refer to."""

    class Access(models.TextChoices):
        FREE = "free", "Free to read"
        ABSTRACT = "abstract", "Abstract only"
        PAYWALLED = "paywalled", "Paywalled"

    doi = models.CharField(
        "DOI",
        max_length=255,
        unique=True,
        help_text="Paste it in any form, such as https://doi.org/10.1155/2019/2623161.",
        error_messages={"unique": "This study is already in the library."},
    )
    slug = models.SlugField(max_length=120, unique=True, editable=False)
    title = LineField(max_length=500)
    authors = models.TextField(help_text="One per line, as in “Gentile E”.")
    journal = LineField(max_length=255)
    year = models.PositiveSmallIntegerField(
        validators=[MinValueValidator(FIRST_YEAR), MaxValueValidator(LAST_YEAR)]
    )
    volume = models.CharField(max_length=20, blank=True)
    issue = models.CharField(max_length=20, blank=True)
    pages = models.CharField(max_length=40, blank=True)
    access = models.CharField(max_length=10, choices=Access, default=Access.ABSTRACT)
    plain_sentence = LineField(
        "in one plain sentence",
        max_length=300,
        blank=True,
        help_text="Who was studied, and what it cannot show. Readers see it under the citation.",
    )

    conditions = models.ManyToManyField(Condition, blank=True, related_name="studies")
    design = models.CharField(max_length=20, choices=Design, blank=True)
    patients = models.PositiveIntegerField(null=True, blank=True, help_text=NOT_KNOWN)
    controls = models.PositiveIntegerField(null=True, blank=True, help_text=f"{NOT_KNOWN} 0: none.")
    criteria = LineField(
        "diagnostic criteria", max_length=120, blank=True, help_text="Such as “ACR 2016”."
    )
    malaise = models.CharField("post-exertional malaise", max_length=3, choices=Malaise, blank=True)
    reviewed = models.CharField("peer review", max_length=15, choices=Reviewed, blank=True)
    funding = LineField("funding and interests", max_length=300, blank=True)

    class Meta:
        ordering = ["-year", "title"]
        verbose_name_plural = "studies"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(year__gte=FIRST_YEAR), name="study_year_plausible"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.short_citation}: {self.title}"

    def save(self, *args: object, **kwargs: object) -> None:
        self.doi = normalise_doi(self.doi)
        if not self.slug:
            self.slug = self._free_slug()
        super().save(*args, **kwargs)  # type: ignore[arg-type]

    def get_absolute_url(self) -> str:
        return reverse("research:study", args=[self.slug])

    def clean(self) -> None:
        """Bring the DOI to its one form. Raises ValidationError on the field if it is no DOI."""
        try:
            # An empty one has its own error: it is required.
            self.doi = normalise_doi(self.doi) if self.doi else ""
        except ValueError as error:
            raise ValidationError({"doi": str(error)}) from error

    def _free_slug(self) -> str:
        title = " ".join(self.title.split()[:6])
        base = slugify(f"{self.first_author} {self.year} {title}")[:100].rstrip("-")
        taken = set(Study.objects.filter(slug__startswith=base).values_list("slug", flat=True))
        candidates = [base, *(f"{base}-{number}" for number in range(2, len(taken) + 3))]
        return next(slug for slug in candidates if slug not in taken)

    @property
    def evidence_line(self) -> str:
        """What it can carry, in one sentence; see `research.evidence`."""
        facts = Facts(
            design=self.design,
            patients=self.patients,
            controls=self.controls,
            criteria=self.criteria,
            malaise=self.malaise,
            reviewed=self.reviewed,
            funding=self.funding,
        )
        return evidence_line(facts)

    @property
    def author_list(self) -> list[str]:
        """The authors in order."""
        return [line.strip() for line in self.authors.splitlines() if line.strip()]

    @property
    def authors_line(self) -> str:
        """The authors as a sentence that ends in one full stop."""
        return ", ".join(self.author_list).rstrip(".") + "."

    @property
    def names(self) -> list[Name]:
        """The authors with family and given name apart, without the mark that there are more."""
        return [_name(author) for author in self.author_list if author != AND_MORE]

    @property
    def has_more_authors(self) -> bool:
        """Whether the list of authors was cut."""
        return AND_MORE in self.author_list

    @property
    def first_author(self) -> str:
        """The family name of who stands first, or the whole name of a group."""
        return self.names[0].family if self.names else "Unknown"

    @property
    def short_citation(self) -> str:
        """First author and year, as in "Gentile et al 2019"."""
        more = " et al" if len(self.author_list) > 1 else ""
        return f"{self.first_author}{more} {self.year}"

    @property
    def where_published(self) -> str:
        """Journal, year, volume, issue and pages, as in "Pain Res Treat. 2019;3(2):1-9"."""
        number = f"({self.issue})" if self.issue else ""
        place = f"{self.volume}{number}" if self.volume else ""
        pages = f":{self.pages}" if self.pages else ""
        return f"{self.journal}. {self.year}" + (f";{place}{pages}" if place or pages else "")

    @property
    def first_page(self) -> str:
        """Where it begins, as in "319" of "319-329"."""
        return self.pages.partition("-")[0].strip()

    @property
    def doi_url(self) -> str:
        """The address that resolves the DOI."""
        # Old DOIs hold signs such as # and <, which an address would take for its own.
        return f"https://doi.org/{quote(self.doi, safe='/:;()._-')}"
