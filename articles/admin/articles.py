"""The writers' desk."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.files.uploadedfile import UploadedFile
from django.db.models import Count, Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from js_asset import Media

from articles import publishing
from articles.models import MAX_GIST, MIN_GIST, Article, Author, GistPoint, Reference, Tag
from articles.pictures import fit_to_serve
from fibrosite.lib.fields import LineField

MAX_TAG = Tag._meta.get_field("name").max_length


class ArticleForm(forms.ModelForm):
    """An article as typed."""

    def clean_picture(self) -> Any:
        """A new picture is made fit to serve before it is stored."""
        picture = self.cleaned_data.get("picture")
        if not isinstance(picture, UploadedFile):
            return picture
        try:
            return fit_to_serve(picture)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error

    def clean_tags(self) -> list[str]:
        """Tags that fit their column."""
        tags = self.cleaned_data["tags"]
        for tag in tags:
            if len(tag) > MAX_TAG:
                raise forms.ValidationError(
                    f"“{tag[:30]}…” is longer than {MAX_TAG} letters. Is a comma missing?"
                )
        return tags

    def clean(self) -> dict[str, Any]:
        """An article published without a time is published now."""
        data = super().clean() or self.cleaned_data
        if data.get("state") == Article.State.PUBLISHED and "published_at" in data:
            data["published_at"] = data["published_at"] or timezone.now()
        self._refuse_past_schedule(data)
        return data

    def _refuse_past_schedule(self, data: dict[str, Any]) -> None:
        """A slip in the year would show a draft to everybody at once."""
        at = data.get("published_at")
        touched = {"state", "published_at"} & set(self.changed_data)
        if touched and data.get("state") == Article.State.SCHEDULED and at and at <= timezone.now():
            self.add_error("published_at", "This time is past. Choose a later one, or Published.")


class GistFormSet(forms.BaseInlineFormSet):
    """The gist as typed: a draft may wait for it, readers may not."""

    def clean(self) -> None:
        super().clean()
        public = self.instance.state in (Article.State.SCHEDULED, Article.State.PUBLISHED)
        if public and len(self._kept()) < MIN_GIST:
            raise forms.ValidationError(
                f"An article for readers needs at least {MIN_GIST} gist points."
            )

    def _kept(self) -> list[Any]:
        typed = [form for form in self.forms if getattr(form, "cleaned_data", {}).get("text")]
        return [form for form in typed if form not in self.deleted_forms]


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


class ReferenceInline(admin.StackedInline):
    """The studies an article refers to, in their order."""

    model = Reference
    extra = 0
    autocomplete_fields = ["study"]
    verbose_name_plural = "studies this article refers to"


@admin.register(Article)
class ArticleAdmin(admin.ModelAdmin):
    """Write, preview, publish, withdraw."""

    form = ArticleForm
    inlines = [GistInline, ReferenceInline]
    list_display = ["title", "state", "published_at", "kind", "author"]
    list_filter = ["state", "kind", "author"]
    list_select_related = ["author"]
    search_fields = ["title", "standfirst", "slug"]
    date_hierarchy = "published_at"
    prepopulated_fields: ClassVar[dict[str, Sequence[str]]] = {"slug": ["title"]}
    actions = ["publish_now", "withdraw"]
    save_on_top = True
    fieldsets = [
        (None, {"fields": ["title", "standfirst", "body"]}),
        ("Where it belongs", {"fields": ["kind", "author", "tags", "slug"]}),
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
        if {"state", "published_at"} & set(form.changed_data):
            self._say_what_readers_see(request, obj)

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

    def get_urls(self) -> list[URLPattern]:
        preview = self.admin_site.admin_view(self.preview)
        name = "articles_article_preview"
        return [path("<int:pk>/preview/", preview, name=name), *super().get_urls()]

    def view_on_site(self, obj: Article) -> str:
        """The public page, or the preview while there is none."""
        if obj.is_public():
            return obj.get_absolute_url()
        return reverse("admin:articles_article_preview", args=[obj.pk])

    def preview(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The article as readers will see it, for whoever may see it in the newsroom."""
        article = get_object_or_404(Article.objects.for_page(), pk=pk)
        if not self.has_view_permission(request, article):
            return render(request, "403.html", status=403)
        if article.is_public():
            return redirect(article)
        context = {"article": article, "is_preview": True}
        response = render(request, "articles/article.html", context)
        response["X-Robots-Tag"] = "noindex"
        return response

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        # The editor's import map is an inline script: it runs only with this request's nonce.
        context["media"] = Media.from_media(context["media"], nonce=request.csp_nonce)  # type: ignore[attr-defined]
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.action(description="Publish the selected articles now", permissions=["publish"])
    def publish_now(self, request: HttpRequest, queryset: QuerySet[Article]) -> None:
        now = timezone.now()
        counted = queryset.annotate(points=Count("gist"))
        count = sum(publishing.publish(a, now=now) for a in counted if a.points >= MIN_GIST)
        self.message_user(request, f"{count} published.", messages.SUCCESS)
        for article in counted.filter(points__lt=MIN_GIST):
            lack = f"“{article}” waits: it has fewer than {MIN_GIST} gist points."
            self.message_user(request, lack, messages.WARNING)

    @admin.action(description="Withdraw the selected articles", permissions=["publish"])
    def withdraw(self, request: HttpRequest, queryset: QuerySet[Article]) -> None:
        for article in queryset:
            publishing.withdraw(article)
        self.message_user(request, f"{len(queryset)} withdrawn from readers.", messages.SUCCESS)

    def has_publish_permission(self, request: HttpRequest) -> bool:
        """Whether this person may publish and withdraw."""
        return request.user.has_perm("articles.publish_article")


@admin.register(Author)
class AuthorAdmin(admin.ModelAdmin):
    """Bylines."""

    list_display = ["name", "role"]
    search_fields = ["name"]
    prepopulated_fields = {"slug": ["name"]}


@admin.register(Tag)
class TagAdmin(admin.ModelAdmin):
    """Topics."""

    list_display = ["name", "label", "slug"]
    search_fields = ["name"]
    prepopulated_fields = {"slug": ["name"]}
