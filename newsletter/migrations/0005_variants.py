from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps
from django.db.models import Count, Min


def share(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """What a digest held for all becomes its one variant; what went out is numbered as news."""
    Digest = apps.get_model("newsletter", "Digest")
    for digest in Digest.objects.annotate(copies=Count("deliveries")).iterator():
        variant = apps.get_model("newsletter", "Variant").objects.create(
            digest_id=digest.pk,
            signature="all",
            html=digest.html,
            text=digest.text,
            audience=digest.copies,
        )
        for name in ("DigestItem", "Delivery"):
            rows = apps.get_model("newsletter", name).objects.filter(digest_id=digest.pk)
            rows.update(variant_id=variant.pk)
    _number(apps)


def _number(apps: StateApps) -> None:
    News = apps.get_model("newsletter", "News")
    Article = apps.get_model("articles", "Article")
    sent = Article.objects.filter(digest_items__isnull=False).annotate(
        first=Min("digest_items__pk")
    )
    rows = [
        News(article_id=article.pk, number=number)
        for number, article in enumerate(sent.order_by("first"), start=1)
    ]
    News.objects.bulk_create(rows)
    apps.get_model("newsletter", "Subscriber").objects.update(served_news=len(rows))
    apps.get_model("newsletter", "Digest").objects.update(news_to=len(rows))


def unshare(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """The largest variant is the digest's words again."""
    for digest in apps.get_model("newsletter", "Digest").objects.iterator():
        variant = digest.variants.order_by("-audience", "pk").first()
        if variant:
            digest.html, digest.text = variant.html, variant.text
            digest.save(update_fields=["html", "text"])


class Migration(migrations.Migration):
    dependencies = [
        ("newsletter", "0004_readers_choose"),
    ]

    operations = [
        migrations.RunPython(share, unshare),
    ]
