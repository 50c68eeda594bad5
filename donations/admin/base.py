"""What the pages of the desk share."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from functools import wraps
from typing import Any, cast

from django import forms
from django.contrib import admin
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.safestring import mark_safe

from fibrosite.lib.money import exponent, to_minor

View = Callable[..., HttpResponseBase]

FIRST_YEAR = 1990
# What stands in place of a drive that is not there.
FUND = mark_safe("The fund")


class MoneyField(forms.DecimalField):
    """An amount in figures. Not a number field: a turn of the mouse wheel would change it."""

    widget = forms.TextInput(attrs={"inputmode": "decimal", "size": 12})
    default_error_messages = {"invalid": "Please give the amount in figures, such as 10.50."}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_digits=12, decimal_places=3, **kwargs)


def likely_year(day: date) -> None:
    """Refuse a year that is a slip of the hand, such as 0026."""
    if not FIRST_YEAR <= day.year < date.max.year:
        raise forms.ValidationError("Please look at the year.")


class NamesDrive:
    """For rows whose money goes to a drive or, without one, to the fund."""

    @admin.display(description="drive", ordering="drive")
    def goes_to(self, row: Any) -> str:
        """What it goes to, by name."""
        return str(row.drive or FUND)


class DriveFilter(admin.RelatedFieldListFilter):
    """Rows by what their money goes to."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.empty_value_display = FUND


BY_DRIVE = ("drive", DriveFilter)


def minor_of(form: forms.BaseForm, field: str, currency: str) -> int | None:
    """The amount of a field in minor units; None if it is missing, or wrong and told so there."""
    amount = form.cleaned_data.get(field)
    if amount is None:
        return None
    try:
        return to_minor(amount, currency)
    except ValueError as error:
        form.add_error(field, str(error))
        return None


def major(minor: int | None, currency: str) -> Decimal | None:
    """Minor units as people type them."""
    return None if minor is None else Decimal(minor).scaleb(-exponent(currency))


def person(request: HttpRequest) -> User:
    """Who is logged in."""
    return cast(User, request.user)


def only_with(permission: str) -> Callable[[View], View]:
    """A view for those who have this permission."""

    def guarded(view: View) -> View:
        @wraps(view)
        def check(self: Any, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.has_perm(permission):
                raise PermissionDenied
            return view(self, request, *args, **kwargs)

        return check

    return guarded


class ReadOnlyAdmin(admin.ModelAdmin):
    """Rows that only the code writes."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def desk_page(
    model_admin: admin.ModelAdmin, request: HttpRequest, template: str, **context: Any
) -> HttpResponse:
    """A page of the desk that is no list and no form of the stock admin."""
    return render(
        request,
        f"admin/donations/{template}.html",
        {**model_admin.admin_site.each_context(request), "opts": model_admin.opts, **context},
    )
