"""The content security policy: strict for readers, with a nonce and inline style for the admin."""

from csp.constants import NONCE, SELF, UNSAFE_INLINE
from csp.middleware import CSPMiddleware, PolicyParts
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse

# The editor's text field sets inline styles and needs an import map, which is an inline script.
ADMIN_UPDATE = {"script-src": [NONCE], "style-src": [UNSAFE_INLINE], "img-src": ["data:", SELF]}


class ContentSecurityPolicy(CSPMiddleware):
    """django-csp's middleware; pages of the admin get ADMIN_UPDATE on top."""

    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False
    ) -> PolicyParts:
        parts = super().get_policy_parts(request, response, report_only)
        if request.path.startswith(reverse("admin:index")):
            parts.update = ADMIN_UPDATE
        return parts
