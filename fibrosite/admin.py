"""The newsroom: the stock admin under the site's own name, with a guarded door."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib.admin import AdminSite
from django.contrib.admin.forms import AdminAuthenticationForm

from fibrosite.lib.network import client_network
from fibrosite.lib.ratelimit import seconds_to_wait


class GuardedLoginForm(AdminAuthenticationForm):
    """Refuses to try passwords after ten attempts in a quarter of an hour from one network."""

    def clean(self) -> dict[str, Any]:
        network = client_network(self.request) if self.request else ""
        wait = seconds_to_wait("login", network, limit=10, per=900)
        if wait:
            minutes = wait // 60 + 1
            raise forms.ValidationError(
                f"Too many attempts to log in. Please try again in {minutes} min."
            )
        return super().clean()


class FibrositeAdminSite(AdminSite):
    """Django's admin site with our titles and login form."""

    site_title = settings.SITE_NAME
    site_header = f"{settings.SITE_NAME} newsroom"
    index_title = "Newsroom"
    login_form = GuardedLoginForm
    enable_nav_sidebar = True
