"""What articles and pages refer to."""

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models

from articles.models.articles import Article
from articles.models.body import POSITION_HELP
from articles.models.pages import Page
from fibrosite.lib.fields import AddressField, LineField
from research.models import Study


class AbstractReference(models.Model):
    """A use of a study or another source. Texts mark it by its key; the page numbers it."""

    class Relation(models.TextChoices):
        MENTIONS = "mentions", "Mentions it"
        SUPPORTS = "supports", "Supports it"
        CONFLICTS = "conflicts", "Conflicts with it"
        REPEATS = "repeats", "Repeats it"

    study = models.ForeignKey(
        Study, on_delete=models.PROTECT, null=True, blank=True, related_name="%(class)ss"
    )
    key = models.CharField(
        max_length=140,
        blank=True,
        validators=[RegexValidator(r"^[-\w]+\Z", "Letters, digits, - and _ alone.")],
        help_text="How marks in the text name it. Leave empty: a study's own is filled in.",
    )
    source = LineField(
        "other source",
        max_length=500,
        blank=True,
        help_text="For what is no study: who, title, where, when.",
    )
    url = AddressField("address of the source", max_length=500, blank=True)
    access = models.CharField(
        "access to the source", max_length=10, choices=Study.Access, blank=True
    )
    relation = models.CharField(
        "how it is used", max_length=10, choices=Relation, default=Relation.MENTIONS
    )
    sign = models.CharField(
        max_length=3,
        blank=True,
        help_text="Empty: it gets a number. A sign such as * makes it a note outside the numbers.",
    )
    position = models.PositiveSmallIntegerField(default=0, help_text=POSITION_HELP)

    class Meta:
        abstract = True
        ordering = ["position", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(study__isnull=False, source="")
                | (models.Q(study__isnull=True) & ~models.Q(source="")),
                name="%(class)s_is_study_or_source",
            ),
            models.CheckConstraint(condition=~models.Q(key=""), name="%(class)s_has_key"),
        ]

    def __str__(self) -> str:
        return str(self.study or self.source)

    def save(self, *args: object, **kwargs: object) -> None:
        self._take_key_of_study()
        super().save(*args, **kwargs)  # type: ignore[arg-type]

    def clean(self) -> None:
        """Refuse a reference to nothing, one to two things, and a source without a key."""
        if bool(self.study) == bool(self.source):
            raise ValidationError({"study": "Choose a study, or describe another source."})
        self._take_key_of_study()
        if not self.key:
            raise ValidationError({"key": "Marks in the text need a key, such as nih-2024."})

    def _take_key_of_study(self) -> None:
        # A study has one key in all texts, so that a mark never depends on who placed it.
        if self.study:
            self.key = self.study.slug


class Reference(AbstractReference):
    """A reference of an article."""

    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="references")

    class Meta(AbstractReference.Meta):
        constraints = [
            *AbstractReference.Meta.constraints,
            models.UniqueConstraint(fields=["article", "study"], name="one_reference_per_study"),
            models.UniqueConstraint(fields=["article", "key"], name="one_reference_per_key"),
        ]


class PageReference(AbstractReference):
    """A reference of a page."""

    page = models.ForeignKey(Page, on_delete=models.CASCADE, related_name="references")

    class Meta(AbstractReference.Meta):
        verbose_name = "reference"
        constraints = [
            *AbstractReference.Meta.constraints,
            models.UniqueConstraint(fields=["page", "study"], name="one_page_reference_per_study"),
            models.UniqueConstraint(fields=["page", "key"], name="one_page_reference_per_key"),
        ]
