"""The sign-up form, for any page."""

from typing import Any

from django import template

from newsletter.forms import form_stamp

register = template.Library()


@register.inclusion_tag("newsletter/sign_up_form.html", takes_context=True)
def sign_up_form(context: dict[str, Any], place: str) -> dict[str, Any]:
    """The form; `place` ("foot" or "page") is kept as the form that was agreed to."""
    return {
        "place": place,
        "sign_up": context.get("sign_up"),
        "stamp": context.get("stamp") or form_stamp(),
        "site_name": context.get("site_name"),
    }
