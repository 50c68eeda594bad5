"""django-newsletter, run by the Python of a virtual environment that holds it; see send.py.

    python benchmarks/peer.py PORT READERS BYTES FOLDER

Prints one JSON object: seconds from submit to the end, this process's CPU seconds, and how many
bytes a letter had, about BYTES.
"""

import json
import resource
import sys
import time
from pathlib import Path

PORT, READERS, BYTES, FOLDER = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
SENTENCE = "Forty people rested for a day and then walked for six minutes. "
# The article stands in both parts.
WORDS = SENTENCE * (BYTES // 2 // len(SENTENCE))


def configure() -> None:
    """The settings that its documentation asks for."""
    import django  # noqa: PLC0415
    from django.conf import settings  # noqa: PLC0415

    settings.configure(
        SECRET_KEY="only-for-this-run",
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": Path(FOLDER) / "peer.sqlite3",
                "OPTIONS": {"init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"},
            }
        },
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sites",
            "django.contrib.sessions",
            "django.contrib.messages",
            "django.contrib.admin",
            "sorl.thumbnail",
            "newsletter",
        ],
        TEMPLATES=[
            {"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}
        ],
        SITE_ID=1,
        ROOT_URLCONF="newsletter.urls",
        NEWSLETTER_THUMBNAIL="sorl-thumbnail",
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        EMAIL_HOST="127.0.0.1",
        EMAIL_PORT=PORT,
        NEWSLETTER_USE_HTTPS=True,
        USE_TZ=True,
    )
    django.setup()


def main() -> None:
    """Make a list and a message, submit it, print what it took."""
    configure()
    from django.core.management import call_command  # noqa: PLC0415

    from newsletter.models import (  # type: ignore[attr-defined]  # noqa: PLC0415
        Article,
        Message,
        Newsletter,
        Submission,
        Subscription,
    )

    call_command("migrate", verbosity=0)
    paper = Newsletter.objects.create(
        title="Peer", slug="peer", email="peer@sender.example", sender="Peer", send_html=True
    )
    paper.site.set([1])
    Subscription.objects.bulk_create(
        Subscription(newsletter=paper, email_field=f"peer{n}@readers.example", subscribed=True)
        for n in range(READERS)
    )
    message = Message.objects.create(title="News", slug="news", newsletter=paper)
    Article.objects.create(post=message, title="An article", text=f"<p>{WORDS}</p>", sortorder=1)
    submission = Submission.from_message(message)
    submission.prepared = True
    submission.save()
    letter = submission.get_message(submission.get_subscriptions()[0]).message().as_bytes()
    began, used = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF)
    Submission.submit_queue()
    took, now = time.monotonic() - began, resource.getrusage(resource.RUSAGE_SELF)
    cpu = now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime
    print(json.dumps({"seconds": took, "cpu_s": cpu, "letter_bytes": len(letter)}))


if __name__ == "__main__":
    main()
