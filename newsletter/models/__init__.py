"""Who gets the digest, what it says, and what became of each copy."""

from newsletter.models.addresses import same_address
from newsletter.models.alarms import Alarm
from newsletter.models.batches import Batch
from newsletter.models.consent import ConsentEvent
from newsletter.models.corrections import Citation, Correction
from newsletter.models.deliveries import Delivery
from newsletter.models.digests import Digest, DigestItem, News, Pin, Rhythm, Variant, last_news
from newsletter.models.feedback import MailEvent, Suppression
from newsletter.models.imports import ImportRun
from newsletter.models.letters import Letter
from newsletter.models.pacing import Bucket, DomainRest, WarmUpDay
from newsletter.models.sign_ups import AddressChange, SignUp
from newsletter.models.subscribers import Cadence, Depth, Subscriber, SubscriberTopic

__all__ = [
    "AddressChange",
    "Alarm",
    "Batch",
    "Bucket",
    "Cadence",
    "Citation",
    "ConsentEvent",
    "Correction",
    "Delivery",
    "Depth",
    "Digest",
    "DigestItem",
    "DomainRest",
    "ImportRun",
    "Letter",
    "MailEvent",
    "News",
    "Pin",
    "Rhythm",
    "SignUp",
    "Subscriber",
    "SubscriberTopic",
    "Suppression",
    "Variant",
    "WarmUpDay",
    "last_news",
    "same_address",
]
