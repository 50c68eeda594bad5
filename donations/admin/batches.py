"""Several gifts at once: the post of a day, by keyboard."""

import uuid
from typing import Any

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone

from donations import booking
from donations.admin.base import desk_page, person
from donations.admin.forms import DAY_WIDGET, BatchForm, GiftForm
from donations.models import Drive, LedgerEntry

ROWS = 8


class RowForm(GiftForm):
    """One gift among several; a row without amount, donor and note is empty."""

    class Meta(GiftForm.Meta):
        fields = [name for name in GiftForm.Meta.fields if name != "drive"]
        widgets = {"given_on": forms.DateInput(attrs=DAY_WIDGET)}

    def has_changed(self) -> bool:
        return bool({"amount", "donor_name", "donor_email", "note"} & set(self.changed_data))


class Rows(forms.BaseFormSet):
    """The rows of one page; alike rows are asked about like gifts that are in already."""

    def __init__(self, *args: Any, drive: Drive | None = None, **kwargs: Any) -> None:
        self.drive = drive
        super().__init__(*args, **kwargs)

    def _construct_form(self, i: int, **kwargs: Any) -> Any:
        form = super()._construct_form(i, **kwargs)  # type: ignore[misc]
        form.instance.drive = self.drive
        return form

    def filled(self) -> list[RowForm]:
        """The rows that say something."""
        return [form for form in self.forms if form.has_changed()]

    def clean(self) -> None:
        seen: dict[tuple[Any, ...], int] = {}
        for number, form in enumerate(self.forms, start=1):
            data = form.cleaned_data if form.has_changed() and form.is_valid() else None
            if not data:
                continue
            who = (data["donor_name"].casefold(), data["donor_email"].casefold())
            what = (form.amount_minor, data["currency"], data["method"], data["given_on"], *who)
            if what in seen and not data["another"]:
                form.fields["another"].widget = forms.CheckboxInput()
                form.add_error("amount", f"The same as row {seen[what]}. Tick if it is another.")
            seen.setdefault(what, number)


RowFormSet: Any = forms.formset_factory(RowForm, formset=Rows, extra=ROWS, max_num=ROWS)


def several(desk: Any, request: HttpRequest) -> HttpResponseBase:
    """GET shows empty rows; POST enters all that are filled, or none and says what is wrong."""
    is_post = request.method == "POST"
    batch = BatchForm(request.POST if is_post else None, initial=_first(request))
    drive = batch.cleaned_data.get("drive") if is_post and batch.is_valid() else None
    rows = RowFormSet(request.POST if is_post else None, prefix="row", drive=drive)
    if is_post and batch.is_valid() and rows.is_valid():
        if rows.filled():
            return _enter(desk, request, batch, rows)
        batch.add_error(None, "Nothing is filled in.")
    return desk_page(
        desk, request, "donation/several", title="Enter several gifts", form=batch, rows=rows
    )


def _first(request: HttpRequest) -> dict[str, Any]:
    current = Drive.objects.open_on(timezone.localdate()).first()
    asked = request.GET.get("drive", "")
    return {
        "key": uuid.uuid4(),
        "drive": asked if asked.isdecimal() else current.pk if current else None,
    }


def _enter(desk: Any, request: HttpRequest, batch: BatchForm, rows: Rows) -> HttpResponseBase:
    key, now, by = batch.cleaned_data["key"], timezone.now(), person(request)
    entries: list[LedgerEntry] = []
    try:
        with transaction.atomic():
            for number, form in enumerate(rows.filled()):
                entries.append(form.enter(now=now, by=by, source_key=f"hand:{key}:{number}"))
    except booking.BookedAlreadyError:
        text = "This page was entered already: nothing was entered again."
        desk.message_user(request, text, messages.WARNING)
    else:
        number = len(entries)
        text = f"{number} gift{'s' if number != 1 else ''} entered."
        desk.message_user(request, text, messages.SUCCESS)
    drive = batch.cleaned_data["drive"]
    query = f"?drive={drive.pk}" if drive else ""
    return HttpResponseRedirect(reverse("admin:donations_several") + query)
