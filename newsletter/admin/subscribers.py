"""Who is on the list, who waits to be, and what each agreed to."""

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html, format_html_join

from newsletter.admin.base import ReadOnlyAdmin
from newsletter.models import ConsentEvent, SignUp, Subscriber

COPIES_SHOWN = 20


@admin.register(Subscriber)
class SubscriberAdmin(ReadOnlyAdmin):
    """Who is on the list. People join and leave by themselves."""

    list_display = ["email", "state", "joined_at", "left_at"]
    list_filter = ["state"]
    search_fields = ["email"]
    fields = [
        "email",
        "state",
        "joined_at",
        "left_at",
        "paused_until_at",
        "wishes",
        "agreed",
        "copies",
    ]
    readonly_fields = ["wishes", "agreed", "copies"]
    show_full_result_count = False

    @admin.display(description="wants")
    def wishes(self, subscriber: Subscriber) -> str:
        """Such as "Every week; The gist alone; topics: sleep"."""
        topics = ", ".join(subscriber.topics.values_list("name", flat=True))
        wanted = [
            subscriber.get_cadence_display(),
            subscriber.get_depth_display(),
            "text only" if subscriber.text_only else "",
            f"at most {subscriber.max_items} articles" if subscriber.max_items else "",
            f"topics: {topics}" if topics else "all topics",
        ]
        return "; ".join(one for one in wanted if one)

    @admin.display(description="consent")
    def agreed(self, subscriber: Subscriber) -> str:
        """What they agreed to and took back, as it happened."""
        events = subscriber.consent.all()
        return format_html("<ul>{}</ul>", format_html_join("", "<li>{}</li>", map(_told, events)))

    @admin.display(description="copies")
    def copies(self, subscriber: Subscriber) -> str:
        """The latest copies and what became of each, and the way to all of them."""
        rows = subscriber.deliveries.select_related("digest").order_by("-pk")[:COPIES_SHOWN]
        ledger = reverse("admin:newsletter_delivery_changelist")
        lines = format_html_join(
            "",
            '<li><a href="{}">{}</a>: {}{}</li>',
            (
                (
                    reverse("admin:newsletter_digest_change", args=[copy.digest_id]),
                    copy.digest.subject,
                    copy.get_state_display().lower(),
                    f" ({copy.reason})" if copy.reason else "",
                )
                for copy in rows
            ),
        )
        return format_html(
            '<ul>{}</ul><a href="{}?subscriber__id__exact={}">All copies in the ledger</a>',
            lines,
            ledger,
            subscriber.pk,
        )


def _told(event: ConsentEvent) -> tuple[str]:
    """Such as "Confirmed the address at 2026-03-05 12:00 UTC; Button on our page; form foot"."""
    parts = [
        str(event),
        event.get_method_display(),
        f"form {event.form}" if event.form else "",
        f"text of {event.text_version}" if event.text_version else "",
        f"asked at {event.asked_at:%Y-%m-%d %H:%M} UTC" if event.asked_at else "",
        event.detail,
    ]
    return ("; ".join(part for part in parts if part),)


@admin.register(SignUp)
class SignUpAdmin(ReadOnlyAdmin):
    """Addresses that wait for their owner's word."""

    list_display = ["email", "asked_at", "reminded_at", "confirmed_at"]
    fields = [
        "email",
        "form",
        "asked_at",
        "reminded_at",
        "confirmed_at",
    ]
    search_fields = ["email"]
