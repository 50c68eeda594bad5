from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

from articles.prose import with_anchors, words_of


def move(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Each body becomes a first text block; each reference gets the key of its study."""
    Article = apps.get_model("articles", "Article")
    ArticleText = apps.get_model("articles", "ArticleText")
    Reference = apps.get_model("articles", "Reference")
    for article in Article.objects.exclude(body="").iterator():
        html = with_anchors(article.body)
        ArticleText.objects.create(parent=article, region="body", ordering=10, html=html)
        Article.objects.filter(pk=article.pk).update(words=words_of(html))
    for reference in Reference.objects.filter(key="").select_related("study").iterator():
        Reference.objects.filter(pk=reference.pk).update(key=reference.study.slug)


def move_back(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """The text blocks, in order, are the body again; what is no text has no place there."""
    Article = apps.get_model("articles", "Article")
    ArticleText = apps.get_model("articles", "ArticleText")
    for article in Article.objects.iterator():
        blocks = ArticleText.objects.filter(parent_id=article.pk).order_by("ordering")
        body = "".join(blocks.values_list("html", flat=True))
        Article.objects.filter(pk=article.pk).update(body=body)


class Migration(migrations.Migration):
    dependencies = [
        ("articles", "0002_blocks_and_references"),
        ("research", "0004_what_the_database_refuses"),
    ]

    operations = [
        migrations.RunPython(move, move_back),
    ]
