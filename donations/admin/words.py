"""What readers see: the words of callouts, and messages that came with gifts."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from donations.admin.base import BY_DRIVE, NamesDrive
from donations.models import CalloutCopy, Donation, Message


@admin.register(CalloutCopy)
class CalloutCopyAdmin(admin.ModelAdmin):
    """The words of each state, once for the whole site."""

    list_display = ["__str__", "heading", "words", "button"]
    fieldsets = [
        (
            None,
            {
                "fields": ["heading", "words", "button"],
                "description": "{drive}, {begins} and {ends} stand for the name of the drive, its "
                "first and its last day. Without a heading nothing is shown. Before a drive "
                "begins, its callout stands for seven days.",
            },
        )
    ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Message)
class MessageAdmin(NamesDrive, admin.ModelAdmin):
    """Messages of givers: shown on the site only once somebody let them through.

    An editor sees the words and the name that was chosen to be shown, never who gave.
    """

    list_display = ["words", "public_name", "goes_to", "given_on", "message_state"]
    list_filter = ["message_state", BY_DRIVE]
    list_select_related = ["drive"]
    fields = ("message", "public_name", "goes_to", "given_on", "message_state")
    readonly_fields = fields
    actions = ["show", "refuse"]

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """No question to the fields that are not shown, such as the note or the amount."""
        return lookup.partition("__")[0] in ("message_state", "drive")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Message]:
        return super().get_queryset(request).exclude(message="")

    @admin.display(description="message")
    def words(self, message: Message) -> str:
        return message.message

    @admin.action(description="Show on the site", permissions=["change"])
    def show(self, request: HttpRequest, rows: QuerySet[Message]) -> None:
        self._decide(request, rows, Donation.MessageState.SHOWN)

    @admin.action(description="Do not show", permissions=["change"])
    def refuse(self, request: HttpRequest, rows: QuerySet[Message]) -> None:
        self._decide(request, rows, Donation.MessageState.REFUSED)

    def _decide(self, request: HttpRequest, rows: QuerySet[Message], state: str) -> None:
        number = rows.update(message_state=state)
        label = Donation.MessageState(state).label.lower()
        self.message_user(request, f"{number} message{'s' if number != 1 else ''} {label}.")
