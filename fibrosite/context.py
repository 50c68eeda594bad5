"""What every template may use. It asks the database nothing."""

from django.conf import settings
from django.http import HttpRequest


def site(request: HttpRequest) -> dict[str, object]:
    """Name, tagline, public address and legal status of the site, from the settings."""
    return {
        "site_name": settings.SITE_NAME,
        "site_tagline": settings.SITE_TAGLINE,
        "site_url": settings.SITE_URL,
        "legal_status": settings.LEGAL_STATUS,
        "is_demo": "fibrosite.demo" in settings.INSTALLED_APPS,
    }
