"""Digests through providers' APIs, as they arrive on the wire of a server that stands in."""

import contextlib
import json
import re
import socket
import threading
import warnings
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from anymail.backends import mailgun, sparkpost
from anymail.exceptions import AnymailAPIError, AnymailCancelSend
from anymail.signals import pre_send
from django.utils import timezone
from pytest_django import Settings

from newsletter import delivering
from newsletter.events.copies import copy_token
from newsletter.models import Correction, Delivery, Digest, Subscriber
from newsletter.outcomes import judge
from newsletter.sending import api_letters, providers
from newsletter.sending.load import Copy, Load
from newsletter.tokens import leave_token, preferences_token
from tests.factories import SubscriberFactory
from tests.newsletter.scenes import digest_to, states
from tests.newsletter.sending import provider as wire
from tests.newsletter.sending.provider import Call, Got, Provider, listening

pytestmark = pytest.mark.django_db

State = Delivery.State
Ask = Callable[[Call], tuple[int, Any]]

TEXT = "Hello\n\ue000corrections\ue001\ue000leave\ue001\n\ue000preferences\ue001\n"
HTML = "<p>Hello</p>\ue000corrections\ue001<a href='\ue000leave\ue001'>x</a>\ue000preferences\ue001"
KEYS = {
    f"{name}_{key}": "secret"
    for name in ("MAILGUN", "SENDGRID", "SPARKPOST", "BREVO", "RESEND", "MAILJET")
    for key in ("API_KEY", "SECRET_KEY")
} | {"POSTMARK_SERVER_TOKEN": "secret", "REQUESTS_TIMEOUT": 5}


def taken_by_mailgun(call: Call) -> tuple[int, Any]:
    return 200, {"id": "<one-for-all@mailgun.example>", "message": "Queued. Thank you."}


def taken_by_sparkpost(call: Call) -> tuple[int, Any]:
    number = len(call.body["recipients"])
    results = {"total_accepted_recipients": number, "total_rejected_recipients": 0, "id": "11"}
    return 200, {"results": results}


def taken_by_mailjet(call: Call) -> tuple[int, Any]:
    return 200, {"Messages": [mailjet_success(one) for one in call.body["Messages"]]}


def mailjet_success(message: dict[str, Any]) -> dict[str, Any]:
    (to,) = message["To"]
    return {"Status": "success", "To": [{"Email": to["Email"], "MessageID": f"id {to['Email']}"}]}


def taken_by_brevo(call: Call) -> tuple[int, Any]:
    if "messageVersions" not in call.body:
        return 201, {"messageId": f"id {call.body['to'][0]['email']}"}
    tos = [one["to"][0]["email"] for one in call.body["messageVersions"]]
    return 201, {"messageIds": [f"id {to}" for to in tos]}


def taken_by_postmark(call: Call) -> tuple[int, Any]:
    to = call.body["To"]
    return 200, {"ErrorCode": 0, "Message": "OK", "MessageID": f"id {to}", "To": to}


TAKEN: dict[str, Ask] = {
    "mailgun": taken_by_mailgun,
    "sendgrid": lambda call: (202, {}),
    "sparkpost": taken_by_sparkpost,
    "mailjet": taken_by_mailjet,
    "brevo": taken_by_brevo,
    "postmark": taken_by_postmark,
    "resend": lambda call: (200, {"id": f"id {call.body['to'][0]}"}),
}
MERGING = ["mailgun", "sendgrid", "sparkpost", "mailjet", "brevo"]
# Those that say which id they gave to whom.
NAMING = ["mailjet", "brevo", "postmark", "resend"]


class Api:
    """The provider that the site sends through, and what its readers got."""

    def __init__(self, name: str, server: Provider) -> None:
        self.name = name
        self.server = server

    @property
    def calls(self) -> list[Call]:
        return self.server.calls

    @property
    def got(self) -> list[Got]:
        """What every reader of every call finds in the mailbox."""
        merged = getattr(wire, self.name)
        return [one for call in self.calls for one in merged(call)]

    def answer(self, answers: Ask) -> None:
        self.server.answers = answers


Start = Callable[[str], Api]


@pytest.fixture
def through(settings: Settings) -> Iterator[Start]:
    """Send through this provider from now on."""
    with contextlib.ExitStack() as stack:
        # Anymail is not sure how long it will know SendGrid.
        stack.enter_context(warnings.catch_warnings())
        warnings.filterwarnings("ignore", message="django-anymail has dropped official support")

        def start(name: str) -> Api:
            server = Provider(TAKEN[name])
            stack.enter_context(listening(server))
            settings.EMAIL_BACKEND = f"anymail.backends.{name}.EmailBackend"
            settings.ANYMAIL = KEYS | {f"{name.upper()}_API_URL": server.url}
            return Api(name, server)

        yield start


def readers(number: int) -> list[Subscriber]:
    return [SubscriberFactory.create(email=f"r{n}@readers.example") for n in range(number)]


def a_digest(*readers: Subscriber, **words: str) -> Digest:
    return digest_to(*readers, variant={"text": TEXT, "html": HTML, "subject": "News"} | words)


def send(*readers: Subscriber, **words: str) -> Digest:
    digest = a_digest(*readers, **words)
    delivering.deliver_round(digest.pk)
    return digest


def parts(got: Got) -> str:
    return got.text + got.html + "".join(got.headers.values())


def test_a_table_tells_of_each_that_merges() -> None:
    names = {kind.__module__.rpartition(".")[2] for kind in api_letters.MERGING}
    assert names == set(MERGING)


@pytest.mark.parametrize("name", TAKEN)
def test_each_reader_gets_links_of_their_own_and_nobody_elses(name: str, through: Start) -> None:
    api, people = through(name), readers(5)
    digest = send(*people)
    assert [got.to for got in api.got] == [reader.email for reader in people]
    copies = digest.deliveries.order_by("pk")
    for got, reader, copy in zip(api.got, people, copies, strict=True):
        link = f"https://fibrosite.example/unsubscribe/{leave_token(reader.key)}/"
        assert got.headers["List-Unsubscribe"] == f"<{link}>"
        assert got.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert got.headers["X-Digest-Copy"] == copy_token(copy.pk)
        assert f"\n{link}\n" in got.text
        assert f"href='{link}'" in got.html
        assert f"/preferences/{preferences_token(reader.key)}/" in got.text
        assert f"/preferences/{preferences_token(reader.key)}/" in got.html
        assert got.subject == "News"
        tokens = set(re.findall(r"/unsubscribe/([\w.-]+)/", parts(got)))
        assert tokens == {leave_token(reader.key)}
        assert not re.search("[\ue000\ue001]|{{|%recipient|%digest", parts(got))


@pytest.mark.parametrize("name", MERGING)
def test_who_can_merge_is_called_once(name: str, through: Start) -> None:
    api = through(name)
    digest = send(*readers(5))
    assert len(api.calls) == 1
    assert states(digest) == [State.SENT] * 5


@pytest.mark.parametrize("name", ["postmark", "resend"])
def test_who_cannot_is_called_for_each_reader(name: str, through: Start) -> None:
    api = through(name)
    digest = send(*readers(5))
    assert len(api.calls) == 5
    assert states(digest) == [State.SENT] * 5


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("mailgun", "'o:tracking-clicks': ['no'], 'o:tracking-opens': ['no']"),
        ("sendgrid", "'click_tracking': {'enable': False}, 'open_tracking': {'enable': False}"),
        ("sparkpost", "'click_tracking': False, 'open_tracking': False"),
        ("mailjet", "'TrackClicks': 'disabled', 'TrackOpens': 'disabled'"),
        ("postmark", "'TrackLinks': 'None', 'TrackOpens': False"),
    ],
)
def test_r12_a_provider_is_told_to_count_no_clicks_and_no_opens(
    name: str, words: str, through: Start
) -> None:
    api = through(name)
    send(*readers(2))
    assert words in str(api.calls[0].body)


@pytest.mark.parametrize("name", MERGING)
def test_to_one_reader_alone_nothing_is_merged(name: str, through: Start) -> None:
    api, (bea,) = through(name), readers(1)
    send(bea)
    (got,) = api.got
    assert leave_token(bea.key) in got.text
    assert leave_token(bea.key) in json.dumps(api.calls[0].body)


@pytest.mark.parametrize("name", MERGING)
def test_a_call_holds_no_more_than_the_provider_takes(
    name: str, through: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = through(name)
    for kind, merging in api_letters.MERGING.items():
        fewer = api_letters.Merging(**vars(merging) | {"most": 4})
        monkeypatch.setitem(api_letters.MERGING, kind, fewer)
    digest = send(*readers(10))
    merged = getattr(wire, name)
    assert [len(merged(call)) for call in api.calls] == [4, 4, 2]
    assert len({got.to for got in api.got}) == 10
    assert states(digest) == [State.SENT] * 10


@pytest.mark.parametrize("name", TAKEN)
def test_the_journal_knows_of_each_copy_before_the_provider_does(
    name: str, through: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[str] = []
    begin = Load.begin

    def noted(load: Load, copy: Copy) -> None:
        begin(load, copy)
        begun.append(copy.email)

    def answer(call: Call) -> tuple[int, Any]:
        assert {got.to for got in getattr(wire, name)(call)} <= set(begun)
        return TAKEN[name](call)

    monkeypatch.setattr(Load, "begin", noted)
    through(name).answer(answer)
    assert states(send(*readers(3))) == [State.SENT] * 3


@pytest.mark.parametrize("number", [1, 3])
def test_mailjet_and_mailgun_write_some_headers_themselves(number: int, through: Start) -> None:
    for name, theirs in (("mailjet", {"message-id", "list-id"}), ("mailgun", {"message-id"})):
        api = through(name)
        send(*[SubscriberFactory.create() for _ in range(number)])
        for got in api.got:
            ours = {header.lower() for header in got.headers}
            assert "list-unsubscribe" in ours
            assert not theirs & ours


@pytest.mark.parametrize("name", NAMING)
def test_the_providers_name_for_each_copy_is_kept(name: str, through: Start) -> None:
    through(name)
    digest = send(*readers(3))
    kept = digest.deliveries.order_by("pk").values_list("provider_id", flat=True)
    assert list(kept) == [f"id r{n}@readers.example" for n in range(3)]


def test_a_name_for_the_whole_call_is_kept_for_each(through: Start) -> None:
    through("mailgun")
    digest = send(*readers(3))
    kept = digest.deliveries.values_list("provider_id", flat=True)
    assert set(kept) == {"<one-for-all@mailgun.example>"}


@pytest.mark.parametrize("name", ["sendgrid", "sparkpost", "mailgun", "brevo", "mailjet"])
def test_what_is_reported_of_a_merged_copy_names_our_message_id(name: str, through: Start) -> None:
    api = through(name)
    digest = send(*readers(2))
    said = json.dumps([call.body for call in api.calls])
    for copy in digest.deliveries.all():
        assert f"digest.{digest.pk}.{copy.pk}@fibrosite.example" in said


@pytest.mark.parametrize("name", MERGING)
def test_readers_with_corrections_get_calls_of_their_own(name: str, through: Start) -> None:
    api, people = through(name), readers(4)
    digest = a_digest(*people)
    line = Correction.objects.create(
        digest=digest,
        notice_key=1,
        study_key=1,
        found_at=digest.covers_to_at,
        is_grave=True,
        text="Withdrawn.\n",
        html="<p>Withdrawn.</p>",
    )
    digest.deliveries.get(subscriber=people[2]).corrections.add(line)
    delivering.deliver_round(digest.pk)
    told = {got.to: "Withdrawn" in got.text and "Withdrawn" in got.html for got in api.got}
    assert told == {person.email: person is people[2] for person in people}
    assert len(api.calls) == 3


@pytest.mark.parametrize("name", TAKEN)
def test_words_that_look_like_slots_arrive_as_they_are(name: str, through: Start) -> None:
    api = through(name)
    odd = "{{leave}} {{params.leave}} {{var:leave}} %recipient.leave% [%digest_leave%] {% if %}"
    digest = send(*readers(3), text=f"{odd}\n{TEXT}", html=f"<p>{odd}</p>{HTML}", subject=odd)
    assert states(digest) == [State.SENT] * 3
    # Nobody is given a call with slots, except where there is a way to write such words.
    merges = name == "sparkpost"
    assert len(api.calls) == (1 if merges else 3)
    if name != "brevo":  # whose params, empty here, are not for a stand-in to judge
        for got in api.got:
            assert got.text.startswith(odd)
            assert odd in got.html
            assert got.subject == odd


def test_a_plus_sign_keeps_an_address_out_of_a_merged_call_to_mailgun(through: Start) -> None:
    api = through("mailgun")
    people = [SubscriberFactory.create(email=f"{n}@readers.example") for n in ("a", "b+c", "d")]
    digest = send(*people)
    assert [call.body["to"] for call in api.calls] == [
        ["a@readers.example"],
        ["b+c@readers.example"],
        ["d@readers.example"],
    ]
    assert "recipient-variables" not in api.calls[1].body
    assert states(digest) == [State.SENT] * 3


@pytest.mark.parametrize("name", MERGING)
def test_domains_of_any_script_and_case_are_merged(name: str, through: Start) -> None:
    api = through(name)
    people = [
        SubscriberFactory.create(email=email)
        for email in ("Bea@Readers.Example", "bea@mühle.example", "cleo@readers.example")
    ]
    digest = send(*people)
    assert len(api.calls) == 1
    assert [got.to for got in api.got] == [
        "Bea@readers.example",
        "bea@xn--mhle-0ra.example",
        "cleo@readers.example",
    ]
    for got, person in zip(api.got, people, strict=True):
        assert leave_token(person.key) in got.text
    assert states(digest) == [State.SENT] * 3


def test_an_address_no_header_can_hold_fails_alone(through: Start) -> None:
    api, people = through("mailgun"), readers(3)
    Subscriber.objects.filter(pk=people[1].pk).update(email="b\r\nBcc: x@readers.example")
    digest = send(*people)
    assert states(digest) == [State.SENT, State.FAILED, State.SENT]
    assert {got.to for got in api.got} == {people[0].email, people[2].email}


def test_only_allowed_addresses_get_mail(through: Start, settings: Settings) -> None:
    settings.MAIL_ONLY_TO = ["r1@readers.example"]
    api = through("sendgrid")
    digest = send(*readers(3))
    assert states(digest) == [State.FAILED, State.SENT, State.FAILED]
    assert [got.to for got in api.got] == ["r1@readers.example"]


@pytest.mark.parametrize("name", TAKEN)
def test_with_a_bounce_address_providers_still_bounce_in_their_own_way(
    name: str, through: Start, settings: Settings
) -> None:
    settings.BOUNCE_ADDRESS = "bounces@fibrosite.example"
    api = through(name)
    assert states(send(*readers(2))) == [State.SENT] * 2
    assert "bounces" not in json.dumps([call.body for call in api.calls])


@pytest.mark.parametrize("status", [429, 401, 403, 503])
def test_what_is_refused_for_all_costs_one_attempt_and_a_rest(status: int, through: Start) -> None:
    api = through("sendgrid")
    api.answer(lambda call: (status, {"errors": [{"message": "not now"}]}))
    digest = send(*readers(4))
    assert len(api.calls) == 1
    assert states(digest) == [State.QUEUED] * 4
    assert list(digest.deliveries.order_by("pk").values_list("attempts", flat=True)) == [1, 0, 0, 0]
    digest.refresh_from_db()
    assert digest.rests_until_at is not None


def throttling(api: Api, *, free_calls: int) -> None:
    """Let the provider refuse every call after so many, until it is asked once more."""
    taken = TAKEN[api.name]

    def throttled(call: Call) -> tuple[int, Any]:
        is_free = len(api.calls) % (free_calls + 1)
        return taken(call) if is_free else (429, {"message": "Too many requests"})

    api.answer(throttled)


def test_a_provider_that_asks_for_a_moment_gets_it(
    through: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(providers.time, "sleep", waits.append)
    api = through("resend")
    api.server.says = {"Retry-After": "1"}
    throttling(api, free_calls=2)
    digest = send(*readers(7))
    assert states(digest) == [State.SENT] * 7
    assert set(digest.deliveries.values_list("attempts", flat=True)) == {1}
    assert waits == [1.0] * 3


@pytest.mark.parametrize(
    "asked", ["3600", "", "soon", "Wed, 21 Oct 2026 07:28:00 GMT", "-1", "..."]
)
def test_one_that_asks_for_hours_or_says_nothing_is_left_alone(asked: str, through: Start) -> None:
    api = through("resend")
    api.server.says = {"Retry-After": asked}
    throttling(api, free_calls=2)
    digest = send(*readers(5))
    assert states(digest) == [State.SENT] * 2 + [State.QUEUED] * 3
    assert len(api.calls) == 3


def test_one_that_asks_again_and_again_is_left_alone(
    through: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(providers.time, "sleep", waits.append)
    api = through("mailgun")
    api.server.says = {"Retry-After": "1"}
    api.answer(lambda call: (429, {"message": "Too many requests"}))
    digest = send(*readers(3))
    assert states(digest) == [State.QUEUED] * 3
    assert len(waits) == providers.PAUSES


@pytest.mark.parametrize(
    ("status", "state"), [(400, State.FAILED), (429, State.QUEUED), (500, State.UNKNOWN)]
)
def test_amazons_library_keeps_the_status_elsewhere(status: int, state: State) -> None:
    error = AnymailAPIError("slow down", response={"ResponseMetadata": {"HTTPStatusCode": status}})
    assert judge(error).state == state


@pytest.mark.parametrize("name", TAKEN)
def test_a_fault_of_the_provider_leaves_the_whole_call_unknown(name: str, through: Start) -> None:
    api = through(name)
    api.answer(lambda call: (500, {"message": "sorry"}))
    digest = send(*readers(3))
    assert len(api.calls) == 1
    tried = len(api.got)
    assert states(digest) == [State.UNKNOWN] * tried + [State.QUEUED] * (3 - tried)


# SendGrid's answers say nothing at the best of times.
@pytest.mark.parametrize("name", ["mailgun", "sparkpost", "mailjet", "brevo"])
def test_an_answer_that_says_nothing_leaves_the_whole_call_unknown(
    name: str, through: Start
) -> None:
    api = through(name)
    api.answer(lambda call: (200, {"nonsense": 1}))
    digest = send(*readers(3))
    assert states(digest) == [State.UNKNOWN] * 3


def test_silence_leaves_the_whole_call_unknown(through: Start, settings: Settings) -> None:
    api = through("mailgun")
    settings.ANYMAIL |= {"REQUESTS_TIMEOUT": 0.2}
    api.server.silence = threading.Event()
    digest = send(*readers(3))
    assert states(digest) == [State.UNKNOWN] * 3
    assert len(api.calls) == 1


def test_where_nobody_listens_everything_waits(through: Start, settings: Settings) -> None:
    through("mailgun")
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    settings.ANYMAIL |= {"MAILGUN_API_URL": f"http://127.0.0.1:{port}/"}
    assert states(send(*readers(3))) == [State.QUEUED] * 3


def test_one_bad_address_fails_alone_though_it_spoils_a_call(through: Start) -> None:
    api = through("mailgun")

    def spoiled(call: Call) -> tuple[int, Any]:
        if "r6@readers.example" in call.body["to"]:
            return 400, {"message": "'to' parameter is not a valid address"}
        return taken_by_mailgun(call)

    api.answer(spoiled)
    digest = send(*readers(16))
    expected = [State.SENT] * 16
    expected[6] = State.FAILED
    assert states(digest) == expected
    taken = [to for call in api.calls if spoiled(call)[0] == 200 for to in call.body["to"]]
    assert sorted(taken) == sorted({f"r{n}@readers.example" for n in range(16) if n != 6})
    assert len(api.calls) < 16


def test_each_reader_is_settled_by_what_is_said_of_them(through: Start) -> None:
    api = through("mailjet")

    def half(call: Call) -> tuple[int, Any]:
        good, bad = call.body["Messages"][:2], call.body["Messages"][2:]
        errors = [{"Status": "error", "Errors": []} for _ in bad]
        return 400, {"Messages": [mailjet_success(one) for one in good] + errors}

    api.answer(half)
    digest = send(*readers(4))
    assert states(digest) == [State.SENT, State.SENT, State.FAILED, State.FAILED]


def test_if_only_sums_are_known_nobodys_fate_is(through: Start) -> None:
    api = through("sparkpost")
    results = {"total_accepted_recipients": 2, "total_rejected_recipients": 1, "id": "11"}
    api.answer(lambda call: (200, {"results": results}))
    digest = send(*readers(3))
    assert states(digest) == [State.UNKNOWN] * 3
    assert set(digest.deliveries.values_list("provider_id", flat=True)) == {"11"}


def test_if_all_are_rejected_all_have_failed(through: Start) -> None:
    api = through("sparkpost")
    results = {"total_accepted_recipients": 0, "total_rejected_recipients": 3, "id": "11"}
    api.answer(lambda call: (200, {"results": results}))
    assert states(send(*readers(3))) == [State.FAILED] * 3


def test_a_suppressed_reader_fails_alone(through: Start) -> None:
    api = through("postmark")

    def inactive(call: Call) -> tuple[int, Any]:
        if call.body["To"] != "r1@readers.example":
            return taken_by_postmark(call)
        words = "Found inactive addresses: r1@readers.example.\nInactive recipients are"
        return 422, {"ErrorCode": 406, "Message": words}

    api.answer(inactive)
    assert states(send(*readers(3))) == [State.SENT, State.FAILED, State.SENT]


def test_a_repeat_has_the_same_key_so_that_resend_sends_once(
    through: Start, settings: Settings
) -> None:
    settings.MAIL_RESEND_UNKNOWN = True
    api = through("resend")
    api.answer(lambda call: (500, {"message": "sorry"}))
    digest = send(*readers(1))
    api.answer(TAKEN["resend"])
    past = timezone.now() - timedelta(seconds=1)
    digest.deliveries.update(not_before_at=past)
    digest.batches.update(due_at=past)
    Digest.objects.update(rests_until_at=None)
    delivering.deliver_round(digest.pk)
    assert states(digest) == [State.SENT]
    first, second = (call.headers["Idempotency-Key"] for call in api.calls)
    assert first == second
    assert api.calls[0].body == api.calls[1].body


def test_no_two_calls_share_a_key(through: Start) -> None:
    for name in ("resend", "brevo"):
        api = through(name)
        people = [SubscriberFactory.create() for _ in range(3)]
        send(*people)
        send(*people)
        keys = [
            call.headers["Idempotency-Key"]
            if name == "resend"
            else call.body["headers"]["idempotencyKey"]
            for call in api.calls
        ]
        assert len(set(keys)) == len(keys) > 1


def test_a_call_that_brevo_knows_is_not_cut_into_others(through: Start) -> None:
    api = through("brevo")
    api.answer(lambda call: (400, {"code": "duplicate_parameter", "message": "known"}))
    assert states(send(*readers(4))) == [State.UNKNOWN] * 4
    assert len(api.calls) == 1


class OwnMailgun(mailgun.EmailBackend):
    """A site's own backend."""


def test_a_backend_of_ones_own_is_sent_through_like_its_parent(
    through: Start, settings: Settings
) -> None:
    api = through("mailgun")
    settings.EMAIL_BACKEND = f"{__name__}.OwnMailgun"
    assert states(send(*readers(4))) == [State.SENT] * 4
    assert len(api.calls) == 1


def test_a_backend_that_no_table_tells_of_is_called_for_each(settings: Settings) -> None:
    settings.EMAIL_BACKEND = "anymail.backends.test.EmailBackend"
    assert states(send(*readers(3))) == [State.SENT] * 3


def test_a_letter_that_the_site_keeps_back_has_failed(through: Start) -> None:
    api = through("sparkpost")

    def keep(sender: Any, message: Any, **kwargs: Any) -> None:
        if "r1@readers.example" in message.to:
            raise AnymailCancelSend

    pre_send.connect(keep, sender=sparkpost.EmailBackend)
    try:
        digest = send(*readers(3))
    finally:
        pre_send.disconnect(keep, sender=sparkpost.EmailBackend)
    assert states(digest) == [State.SENT, State.FAILED, State.SENT]
    assert {got.to for got in api.got} == {"r0@readers.example", "r2@readers.example"}


def test_a_backend_without_its_key_waits(settings: Settings) -> None:
    settings.EMAIL_BACKEND = "anymail.backends.postmark.EmailBackend"
    settings.ANYMAIL = {}
    assert states(send(*readers(2))) == [State.QUEUED] * 2
