"""What the scheduler starts, and how often. It only ticks, in UTC: the apps decide what is due."""

from datetime import timedelta
from typing import Any

from celery.schedules import crontab

SCHEDULE: dict[str, dict[str, Any]] = {
    "settle scheduled articles": {
        "task": "articles.tasks.publish_due",
        "schedule": timedelta(seconds=30),
        "options": {"expires": 30},
    },
    "send what is due": {
        "task": "newsletter.tasks.tick",
        "schedule": timedelta(seconds=20),
        # While no worker runs, ticks must not pile up: one does the work of all.
        "options": {"expires": 20},
    },
    "keep sending": {
        "task": "newsletter.tasks.keep_sending",
        "schedule": timedelta(seconds=2),
        "options": {"expires": 2},
    },
    "watch studies": {
        "task": "research.tasks.watch",
        "schedule": timedelta(minutes=1),
        "options": {"expires": 60},
    },
    "settle mail events": {
        "task": "newsletter.events.tasks.sweep_events",
        "schedule": timedelta(seconds=30),
        "options": {"expires": 30},
    },
    "read returned mail": {
        "task": "newsletter.events.tasks.read_bounces",
        "schedule": timedelta(minutes=5),
        "options": {"expires": 300},
    },
    "settle payment events": {
        "task": "donations.tasks.sweep_events",
        "schedule": timedelta(seconds=30),
        "options": {"expires": 30},
    },
    "take what givers approved": {
        "task": "donations.tasks.collect_all",
        "schedule": timedelta(hours=1),
        "options": {"expires": 3600},
    },
    "compare the books with the providers": {
        "task": "donations.tasks.reconcile",
        "schedule": crontab(hour=3, minute=17),
        "options": {"expires": 3600},
    },
    "watch monthly gifts": {
        "task": "donations.tasks.watch_renewals",
        "schedule": timedelta(hours=6),
        "options": {"expires": 3600},
    },
    "forget erased givers": {
        "task": "donations.tasks.forget_erased",
        "schedule": timedelta(hours=1),
        "options": {"expires": 3600},
    },
    "empty forms to give that were left": {
        "task": "donations.tasks.empty_abandoned",
        "schedule": crontab(hour=4, minute=41),
        "options": {"expires": 3600},
    },
    "go on with moving lists": {
        "task": "newsletter.tasks.move_lists",
        "schedule": timedelta(seconds=30),
        "options": {"expires": 30},
    },
    "look after sign-ups": {
        "task": "newsletter.tasks.look_after_sign_ups",
        "schedule": timedelta(minutes=5),
        "options": {"expires": 300},
    },
    "forget unconfirmed sign-ups": {
        "task": "newsletter.tasks.purge_sign_ups",
        "schedule": timedelta(hours=6),
    },
}
