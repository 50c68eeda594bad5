"""The writers' desk."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from articles import preflight, publishing
from articles.admin.blocks import ARTICLE_INLINES, PICTURES
from articles.admin.documents import DocumentAdmin
from articles.admin.forms import ArticleForm, GistFormSet
from articles.admin.references import ReferenceInline
from articles.models import MAX_GIST, MIN_GIST, Article, GistPoint
from articles.views import article_context
from fibrosite.lib.fields import LineField


class GistInline(admin.StackedInline):
    """Three to seven points."""

    model = GistPoint
    formset = GistFormSet
    formfield_overrides = {
        LineField: {"widget": forms.Textarea(attrs={"rows": 2, "class": "vLargeTextField"})}
    }
    max_num = MAX_GIST
    verbose_name = "gist point"
    verbose_name_plural = "gist: three to seven sentences that say it all"

    def get_extra(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> int:
        """Empty places up to the least number of points."""
        return max(0, MIN_GIST - (obj.gist.count() if obj else 0))

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        return super().get_formset(request, obj, validate_max=True, **kwargs)


@admin.register(Article)
class ArticleAdmin(DocumentAdmin):
    """Write, preview, publish, withdraw."""

    form = ArticleForm
    inlines: ClassVar[list[Any]] = [GistInline, ReferenceInline, *ARTICLE_INLINES]
    formfield_overrides = PICTURES
    list_display = ["title", "state", "published_at", "kind", "author"]
    list_filter = ["state", "kind", "author"]
    list_select_related = ["author"]
    search_fields = ["title", "standfirst", "slug"]
    date_hierarchy = "published_at"
    prepopulated_fields: ClassVar[dict[str, Sequence[str]]] = {"slug": ["title"]}
    actions = ["publish_now", "withdraw"]
    fieldsets = [
        (None, {"fields": ["title", "standfirst"]}),
        ("Where it belongs", {"fields": ["kind", "author", "tags", "slug", ("series", "part")]}),
        ("Picture", {"fields": ["picture", "picture_alt", "picture_caption"]}),
        ("Publication", {"fields": ["state", "published_at"]}),
    ]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        """A public address does not change under its readers; publishing needs the permission."""
        fields = []
        if isinstance(obj, Article) and obj.was_public():
            fields.append("slug")
        if not request.user.has_perm("articles.publish_article"):
            fields += ["state", "published_at"]
        return fields

    def get_prepopulated_fields(
        self, request: HttpRequest, obj: Model | None = None
    ) -> dict[str, Sequence[str]]:
        return {} if "slug" in self.get_readonly_fields(request, obj) else self.prepopulated_fields

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        publishing.settle(obj, now=timezone.now())
        super().save_model(request, obj, form, change)

    def holds(self, document: Article, form: Any) -> bool:
        return publishing.hold(document, was=form.initial, now=timezone.now())

    def after_saving(self, request: HttpRequest, document: Article, form: Any) -> None:
        if {"state", "published_at"} & set(form.changed_data):
            self._say_what_readers_see(request, document)

    def _say_what_readers_see(self, request: HttpRequest, article: Article) -> None:
        if article.is_public():
            self.message_user(request, f"Readers see “{article}” now.", messages.SUCCESS)
        elif article.state == Article.State.SCHEDULED and article.published_at:
            at = timezone.localtime(article.published_at)
            text = f"Readers will see “{article}” from {at:%-d %B %Y, %H:%M}."
            self.message_user(request, text, messages.SUCCESS)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """A standfirst is two sentences: its field shows both."""
        if db_field.name == "standfirst":
            kwargs["widget"] = forms.Textarea(attrs={"rows": 2, "class": "vLargeTextField"})
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def shown(self, document: Article) -> tuple[str, dict[str, Any]]:
        return "articles/article.html", article_context(document)

    @admin.action(description="Publish the selected articles now", permissions=["publish"])
    def publish_now(self, request: HttpRequest, queryset: QuerySet[Article]) -> None:
        count = 0
        for article in queryset.annotate(points=Count("gist")):
            lacks = _lacks(article)
            if lacks:
                self.message_user(request, f"“{article}” waits: {lacks}", messages.WARNING)
            else:
                count += publishing.publish(article, now=timezone.now())
        self.message_user(request, f"{count} published.", messages.SUCCESS)

    @admin.action(description="Withdraw the selected articles", permissions=["publish"])
    def withdraw(self, request: HttpRequest, queryset: QuerySet[Article]) -> None:
        for article in queryset:
            publishing.withdraw(article)
        self.message_user(request, f"{len(queryset)} withdrawn from readers.", messages.SUCCESS)

    def has_publish_permission(self, request: HttpRequest) -> bool:
        """Whether this person may publish and withdraw."""
        return request.user.has_perm("articles.publish_article")


def _lacks(article: Any) -> str:
    """What keeps an article, annotated with its `points`, from readers; "" if nothing does."""
    if article.points < MIN_GIST:
        return f"it has fewer than {MIN_GIST} gist points."
    return " ".join(str(finding) for finding in preflight.check(article) if finding.stops)
