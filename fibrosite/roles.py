"""Roles of the newsroom: groups with permissions, kept in code so that each site has the same."""

from typing import Any

EDITOR = "Editors"
TREASURER = "Treasurers"

BLOCKS_OF_PAGES = ["text", "figure", "quote", "table", "studycard", "box", "fact"]
BLOCKS_OF_ARTICLES = [*BLOCKS_OF_PAGES, "related", "video", "callout"]

ROLES: dict[str, list[str]] = {
    EDITOR: [
        *(
            f"{app}.{verb}_{model}"
            for app, model in (
                ("articles", "article"),
                ("articles", "author"),
                ("articles", "gistpoint"),
                ("articles", "reference"),
                ("articles", "tag"),
                ("articles", "term"),
                ("articles", "series"),
                ("articles", "page"),
                ("articles", "pagereference"),
                *(("articles", f"article{kind}") for kind in BLOCKS_OF_ARTICLES),
                *(("articles", f"page{kind}") for kind in BLOCKS_OF_PAGES),
                ("research", "study"),
                ("research", "condition"),
                ("donations", "drive"),
                ("donations", "milestone"),
            )
            for verb in ("view", "add", "change", "delete")
        ),
        "articles.publish_article",
        "research.view_notice",
        "research.change_notice",
        "articles.publish_page",
        # Who gives, and what, is for the treasurer: editors see sums, and words for readers.
        "donations.view_match",
        "donations.view_driverate",
        "donations.view_calloutcopy",
        "donations.change_calloutcopy",
        "donations.view_message",
        "donations.change_message",
        "newsletter.view_digest",
        "newsletter.send_digest",
        "newsletter.view_delivery",
        "newsletter.view_subscriber",
        "newsletter.view_signup",
        "newsletter.view_consentevent",
        "newsletter.view_mailevent",
        "newsletter.view_suppression",
        "newsletter.view_rhythm",
        "newsletter.change_rhythm",
    ],
    TREASURER: [
        *(
            f"donations.{verb}_{model}"
            for model in ("donation", "donor", "match", "driverate")
            for verb in ("view", "add", "change")
        ),
        "donations.view_ledgerentry",
        "donations.add_ledgerentry",
        "donations.view_drive",
        "donations.change_drive",
        "donations.view_milestone",
        "donations.view_pledge",
        "donations.view_paymentevent",
        "donations.view_bookscheck",
    ],
}


def keep(using: str = "default", **kwargs: Any) -> None:
    """Give each role exactly the permissions above. Runs after each migrate."""
    # Models load only once the registry is ready, which is after this module is imported.
    from django.apps import apps  # noqa: PLC0415
    from django.contrib.auth.management import create_permissions  # noqa: PLC0415
    from django.contrib.auth.models import Group, Permission  # noqa: PLC0415

    labels = {name.split(".")[0] for names in ROLES.values() for name in names}
    for label in labels:
        create_permissions(apps.get_app_config(label), verbosity=0, using=using)
    by_name = {
        f"{permission.content_type.app_label}.{permission.codename}": permission
        for permission in Permission.objects.using(using)
        .filter(content_type__app_label__in=labels)
        .select_related("content_type")
    }
    for role, names in ROLES.items():
        group, _ = Group.objects.using(using).get_or_create(name=role)
        group.permissions.set([by_name[name] for name in names if name in by_name])
