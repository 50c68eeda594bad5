"""Mail to the editors when something needs a person."""

import logging

from django.conf import settings
from django.contrib.auth.models import User
from django.core.mail import EmailMessage
from django.db.models import Q
from django.urls import reverse

logger = logging.getLogger(__name__)


def tell_editors(subject: str, words: str) -> None:
    """Write to all who may send digests. Never raises: what is told stands in the newsroom, too."""
    may = Q(is_superuser=True) | Q(
        groups__permissions__codename="send_digest",
        groups__permissions__content_type__app_label="newsletter",
    )
    people = User.objects.filter(may, is_active=True, is_staff=True).exclude(email="")
    desk = f"{settings.SITE_URL}{reverse('admin:newsletter_digest_changelist')}"
    for email in sorted(set(people.values_list("email", flat=True))):
        message = EmailMessage(
            subject=f"{settings.SITE_NAME}: {subject}",
            body=f"{words}\n\nThe digest desk: {desk}\n",
            to=[email],
        )
        try:
            message.send()
        except Exception as error:
            logger.warning("The alarm to an editor was not sent: %s", error)
