"""A test of a letter, to an editor."""

from django.conf import settings
from django.core.mail import EmailMultiAlternatives

from newsletter.letters import Words, fill_slots, leave_url, preferences_url
from newsletter.mailing import hand_over, open_mailer
from newsletter.models import Delivery, Subscriber

NO_ADDRESS = "Your account has no e-mail address: an administrator enters it under Users."
NO_SERVER = "The mail server cannot be reached now. Nothing was sent."


def send_test(words: Words, *, to: str) -> str:
    """Send a letter to one address at once; why it was not sent, or "".

    Its links are those of a reader who does not exist: they do nothing.
    """
    if not to:
        return NO_ADDRESS
    with open_mailer() as mailer:
        if mailer is None:
            return NO_SERVER
        outcome = hand_over(_letter(words, to), mailer)
    if outcome.state == Delivery.State.SENT:
        return ""
    return f"The mail server did not take the letter: {outcome.reason}"


def _letter(words: Words, to: str) -> EmailMultiAlternatives:
    nobody = Subscriber(email=to)
    leave = leave_url(nobody)
    links = {"leave": leave, "preferences": preferences_url(nobody)}
    letter = EmailMultiAlternatives(
        subject=f"[Test] {words.subject}",
        body=fill_slots(words.text, **links),
        from_email=settings.DIGEST_FROM,
        to=[to],
        headers={
            "List-Unsubscribe": f"<{leave}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        },
    )
    if words.html:
        letter.attach_alternative(fill_slots(words.html, **links), "text/html")
    return letter
