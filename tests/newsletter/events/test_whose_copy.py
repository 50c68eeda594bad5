"""A report finds its copy by the provider's name for it, by our Message-ID, or not at all."""

import json

import pytest

from newsletter.events import webhooks
from newsletter.models import MailEvent, Subscriber
from tests.factories import SubscriberFactory
from tests.newsletter.events.scenes import State, copy_to, post


@pytest.fixture(autouse=True)
def _work_is_done_at_once(monkeypatch):
    monkeypatch.setattr(webhooks, "enqueue", lambda task, *args: task(*args))


@pytest.fixture
def tell(cleo, secured, auth):
    """Let Brevo report; the event that was kept."""

    def report(event, email, name, **fields):
        body = {"event": event, "email": email, "message-id": name, **fields}
        assert post(cleo, "brevo", body, **auth).status_code == 200
        return MailEvent.objects.get()

    return report


def own_id(copy, domain="fibrosite.example"):
    return f"<digest.{copy.digest_id}.{copy.pk}@{domain}>"


def test_our_message_id_names_the_copy(tell, bea):
    copy = copy_to(bea, state=State.UNKNOWN)
    event = tell("delivered", bea.email, own_id(copy))
    assert (event.delivery, event.digest) == (copy, copy.digest)
    copy.refresh_from_db()
    assert copy.state == State.SENT


def test_the_providers_name_for_it_names_the_copy(tell, bea):
    copy = copy_to(bea, provider_id="<2018.98@smtp-relay.mailin.fr>")
    assert tell("delivered", bea.email, "<2018.98@smtp-relay.mailin.fr>").delivery == copy


def test_of_copies_that_share_a_name_the_readers_own_is_meant(tell, bea):
    dora = SubscriberFactory.create(email="dora@readers.example")
    copies = {reader: copy_to(reader, provider_id="<call@mailgun>") for reader in (bea, dora)}
    assert tell("delivered", dora.email, "<call@mailgun>").delivery == copies[dora]


def test_copies_that_share_a_name_are_told_apart_by_our_message_id(tell, bea):
    dora = SubscriberFactory.create(email="dora@readers.example")
    copy_to(bea, provider_id="<call@mailgun>")
    copy = copy_to(dora, provider_id="<call@mailgun>")
    dora.delete()
    told = {"X-Mailin-custom": json.dumps({"message_id": own_id(copy).strip("<>")})}
    assert tell("delivered", "dora@readers.example", "<call@mailgun>", **told).delivery == copy


def test_a_message_id_deep_in_the_report_will_do(tell, bea):
    copy = copy_to(bea)
    mail = {"commonHeaders": {"messageId": own_id(copy)}}
    assert tell("delivered", bea.email, "0000-ses", mail=mail).delivery == copy


@pytest.mark.parametrize(
    "name", ["", None, "<else@fibrosite.example>", "<digest.1.999999@fibrosite.example>"]
)
def test_without_a_name_of_ours_there_is_no_copy(tell, bea, name):
    copy_to(bea)
    assert tell("delivered", bea.email, name).delivery is None


def test_a_message_id_of_another_site_is_not_ours(tell, bea):
    event = tell("delivered", bea.email, own_id(copy_to(bea), "other.example"))
    assert event.delivery is None


def test_a_number_no_database_holds_is_no_copy(tell, bea):
    name = f"<digest.1.{'9' * 30}@fibrosite.example>"
    assert tell("delivered", bea.email, name).delivery is None


def test_a_report_on_another_address_is_not_about_this_copy(tell, bea):
    dora = SubscriberFactory.create(email="dora@readers.example", joined_at=bea.joined_at)
    event = tell("hard_bounce", dora.email, own_id(copy_to(bea)))
    assert event.delivery is None
    bea.refresh_from_db()
    dora.refresh_from_db()
    assert (bea.state, dora.state) == (Subscriber.State.ACTIVE, Subscriber.State.BLOCKED)


def test_capitals_of_an_address_do_not_matter(tell, bea):
    copy = copy_to(bea)
    assert tell("delivered", "BEA@Readers.Example", own_id(copy)).delivery == copy
