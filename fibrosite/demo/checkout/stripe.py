"""The parts of Stripe's API that the site calls, as of the version that its SDK pins."""

import re
import time
from collections.abc import Callable

from fibrosite.demo.checkout.books import Books, Missing, Refused, Thing
from fibrosite.demo.checkout.hooks import Hooks

API_VERSION = "2026-10-28.endive"
MONTH_SECONDS = 30 * 24 * 3600
DAY_SECONDS = 24 * 3600
_PART = re.compile(r"\[([^\]]*)\]")


def nested(pairs: list[tuple[str, str]]) -> Thing:
    """A form as Stripe's SDK encodes it, such as `items[0][price]`, as nested dicts.

    Lists come out as dicts of "0", "1" and so on.
    """
    tree: Thing = {}
    for name, value in pairs:
        first, *rest = name.split("[", 1)
        keys = [first, *_PART.findall("[" + rest[0])] if rest else [first]
        here = tree
        for key in keys[:-1]:
            here = here.setdefault(key, {})
        last = keys[-1] or str(len(here))
        here[last] = value
    return tree


class Stripe:
    """Answers one request after the other; every change is told by events."""

    def __init__(self, books: Books, hooks: Hooks) -> None:
        self.books = books
        self.hooks = hooks

    def answer(self, method: str, path: str, form: Thing, *, key: str, here: str) -> Thing:
        """The object that Stripe would answer with. Raises Missing or Refused.

        `key` is the idempotency key: the same key gets the same object again.
        """
        for verb, pattern, handler in self._routes():
            found = re.fullmatch(pattern, path)
            if verb == method and found:
                with self.books.lock:
                    return self._once(key, lambda: handler(*found.groups(), form, here))  # noqa: B023
        raise Missing(f"Unrecognized request URL ({method}: {path})")

    def _once(self, key: str, make: Callable[[], Thing]) -> Thing:
        if key and key in self.books.answered:
            return self.books.get(self.books.answered[key])
        thing = make()
        if key and "id" in thing:
            self.books.answered[key] = thing["id"]
        self.books.save()
        return thing

    def _routes(self) -> list[tuple[str, str, Callable[..., Thing]]]:
        name = r"([\w]+)"
        return [
            ("POST", "/v1/checkout/sessions", self._create_session),
            ("POST", f"/v1/checkout/sessions/{name}/expire", self._expire),
            ("GET", f"/v1/checkout/sessions/{name}", self._one),
            ("GET", "/v1/checkout/sessions", self._all("checkout.session")),
            ("POST", f"/v1/subscriptions/{name}", self._change_subscription),
            ("DELETE", f"/v1/subscriptions/{name}", self._cancel_subscription),
            ("GET", "/v1/subscriptions", self._all("subscription")),
            ("POST", "/v1/refunds", self._refund),
            ("GET", "/v1/refunds", self._all("refund")),
            ("GET", "/v1/disputes", self._all("dispute")),
            ("GET", "/v1/invoices", self._all("invoice")),
            ("GET", "/v1/invoice_payments", self._all("invoice_payment")),
            ("GET", "/v1/payment_intents", self._all("payment_intent")),
            ("GET", "/v1/charges", self._all("charge")),
            ("GET", "/v1/balance_transactions", self._all("balance_transaction")),
            ("GET", "/v1/events", self._events),
            ("POST", "/v1/billing_portal/sessions", self._portal),
            ("GET", rf"/v1/(?!events)[a-z_]+/{name}", self._one),
        ]

    # Reading

    def _one(self, name: str, form: Thing, here: str) -> Thing:
        return self._expanded(self.books.get(name), list((form.get("expand") or {}).values()))

    def _all(self, kind: str) -> Callable[[Thing, str], Thing]:
        def answer(form: Thing, here: str) -> Thing:
            found = [thing for thing in self.books.of(kind) if _wanted(thing, form)]
            paths = [path.removeprefix("data.") for path in (form.get("expand") or {}).values()]
            return _page([self._expanded(thing, paths) for thing in found], form)

        return answer

    def _events(self, form: Thing, here: str) -> Thing:
        events = [event for event in reversed(self.books.events) if event["object"] == "event"]
        types = set((form.get("types") or {}).values())
        wanted = [one for one in events if _wanted(one, {"created": form.get("created", {})})]
        return _page([one for one in wanted if not types or one["type"] in types], form)

    def _expanded(self, thing: Thing, paths: list[str]) -> Thing:
        for path in paths:
            first, _, rest = path.partition(".")
            if isinstance(thing.get(first), str):
                inner = self.books.get(thing[first])
                thing = {**thing, first: self._expanded(inner, [rest] if rest else [])}
        return thing

    # Checkout

    def _create_session(self, form: Thing, here: str) -> Thing:
        mode = form.get("mode")
        if mode not in ("payment", "subscription"):
            raise Refused("mode must be payment or subscription")
        items = list(form.get("line_items", {}).values())
        if not items or not form.get("success_url"):
            raise Refused("line_items and success_url are needed")
        total = sum(_amount(item) * int(item.get("quantity", 1)) for item in items)
        session = self.books.add(
            "checkout.session",
            "cs_test_",
            mode=mode,
            status="open",
            payment_status="unpaid",
            amount_subtotal=total,
            amount_total=total,
            currency=items[0]["price_data"]["currency"],
            customer=None,
            customer_email=form.get("customer_email"),
            customer_details=None,
            client_reference_id=form.get("client_reference_id"),
            metadata=form.get("metadata", {}),
            success_url=form["success_url"],
            cancel_url=form.get("cancel_url"),
            expires_at=int(form.get("expires_at", time.time() + DAY_SECONDS)),
            payment_intent=None,
            subscription=None,
            invoice=None,
            custom_text=form.get("custom_text", {}),
            submit_type=form.get("submit_type"),
            asked_for=form,
        )
        session["url"] = f"{here}/pay/{session['id']}"
        return session

    def _expire(self, name: str, form: Thing, here: str) -> Thing:
        session = self.books.get(name, "checkout.session")
        if session["status"] != "open":
            raise Refused("Only open sessions can be expired.")
        session.update(status="expired", url=None)
        self._tell("checkout.session.expired", session)
        return session

    def pay(self, name: str, *, email: str, person: str) -> Thing:
        """Somebody pays a session with a good card; the session."""
        with self.books.lock:
            session = self._open(name)
            self._complete(session, email, person)
            if session["mode"] == "subscription":
                self._begin_subscription(session)
            else:
                self._settle_session(session)
            session["payment_status"] = "paid"
            self._tell("checkout.session.completed", session)
            self.books.save()
            return session

    def pay_later(self, name: str, *, email: str, person: str) -> Thing:
        """Somebody pays by a bank transfer: the session is complete, the money is not there."""
        with self.books.lock:
            session = self._open(name)
            self._complete(session, email, person)
            self._tell("checkout.session.completed", session)
            self.books.save()
            return session

    def arrive(self, name: str, *, arrives: bool) -> Thing:
        """The bank transfer of a session arrives, or fails."""
        with self.books.lock:
            session = self.books.get(name, "checkout.session")
            if arrives:
                self._settle_session(session)
                session["payment_status"] = "paid"
            word = "succeeded" if arrives else "failed"
            self._tell(f"checkout.session.async_payment_{word}", session)
            self.books.save()
            return session

    def refuse_card(self, name: str) -> Thing:
        """The card of whoever pays a session is refused; the session stays open."""
        with self.books.lock:
            session = self._open(name)
            intent = self._intent(session["amount_total"], session["currency"], session)
            intent.update(status="requires_payment_method", amount_received=0, latest_charge=None)
            intent["last_payment_error"] = {"code": "card_declined", "type": "card_error"}
            self._tell("payment_intent.payment_failed", intent)
            self.books.save()
            return session

    def _open(self, name: str) -> Thing:
        session = self.books.get(name, "checkout.session")
        if session["status"] != "open":
            raise Refused("This page was used already.")
        return session

    def _complete(self, session: Thing, email: str, person: str) -> None:
        customer = self.books.add("customer", "cus_", email=email, name=person, metadata={})
        session.update(
            status="complete",
            customer=customer["id"],
            customer_details={"email": email, "name": person or None},
            url=None,
        )

    def _settle_session(self, session: Thing) -> None:
        intent = self._intent(session["amount_total"], session["currency"], session)
        data = session["asked_for"].get("payment_intent_data", {})
        intent["metadata"] = data.get("metadata", {})
        session["payment_intent"] = intent["id"]
        self._charge(intent)

    def _intent(self, amount: int, currency: str, session: Thing) -> Thing:
        return self.books.add(
            "payment_intent",
            "pi_",
            amount=amount,
            amount_received=amount,
            currency=currency,
            customer=session.get("customer"),
            metadata={},
            status="succeeded",
        )

    def _charge(self, intent: Thing) -> Thing:
        amount = intent["amount"]
        charge = self.books.add(
            "charge",
            "ch_",
            amount=amount,
            amount_captured=amount,
            amount_refunded=0,
            currency=intent["currency"],
            customer=intent["customer"],
            disputed=False,
            metadata=intent["metadata"],
            paid=True,
            payment_intent=intent["id"],
            refunded=False,
            status="succeeded",
        )
        intent["latest_charge"] = charge["id"]
        fee = fee_of(amount)
        self._balance(charge, "charge", amount, fee)
        self._tell("charge.succeeded", charge)
        self._tell("payment_intent.succeeded", intent)
        return charge

    def _balance(self, source: Thing, kind: str, amount: int, fee: int) -> None:
        row = self.books.add(
            "balance_transaction",
            "txn_",
            amount=amount,
            currency=source["currency"],
            fee=fee,
            net=amount - fee,
            source=source["id"],
            status="available",
            type=kind,
            reporting_category=kind,
        )
        if source["object"] == "dispute":
            source["balance_transactions"] = [*source.get("balance_transactions", []), row]
        else:
            source["balance_transaction"] = row["id"]

    # Monthly

    def _begin_subscription(self, session: Thing) -> None:
        data = session["asked_for"].get("subscription_data", {})
        now = int(time.time())
        item = {
            "id": f"si_{session['id'][-12:]}",
            "object": "subscription_item",
            "quantity": 1,
            "current_period_start": now,
            "current_period_end": now + MONTH_SECONDS,
            "price": self._price(session["amount_total"], session["currency"]),
        }
        subscription = self.books.add(
            "subscription",
            "sub_",
            customer=session["customer"],
            currency=session["currency"],
            items={"object": "list", "data": [item]},
            metadata=data.get("metadata", {}),
            status="active",
            cancel_at=None,
            cancel_at_period_end=False,
            canceled_at=None,
            ended_at=None,
            start_date=now,
        )
        session["subscription"] = subscription["id"]
        self._tell("customer.subscription.created", subscription)
        session["invoice"] = self._invoice(subscription, "subscription_create")["id"]

    def _price(self, amount: int, currency: str, product: str = "") -> Thing:
        product = product or self.books.add("product", "prod_", name="Monthly gift")["id"]
        return self.books.add(
            "price",
            "price_",
            product=product,
            unit_amount=amount,
            currency=currency,
            recurring={"interval": "month", "interval_count": 1},
        )

    def _invoice(self, subscription: Thing, reason: str, *, paid: bool = True) -> Thing:
        price = subscription["items"]["data"][0]["price"]
        amount = price["unit_amount"]
        about = {"subscription": subscription["id"], "metadata": subscription["metadata"]}
        invoice = self.books.add(
            "invoice",
            "in_",
            amount_due=amount,
            amount_paid=amount if paid else 0,
            amount_remaining=0 if paid else amount,
            attempt_count=1,
            billing_reason=reason,
            currency=subscription["currency"],
            customer=subscription["customer"],
            customer_email=self.books.get(subscription["customer"])["email"],
            customer_name=self.books.get(subscription["customer"])["name"],
            hosted_invoice_url=None,
            next_payment_attempt=None if paid else int(time.time()) + 3 * DAY_SECONDS,
            parent={
                "type": "subscription_details",
                "subscription_details": about,
                "quote_details": None,
            },
            status="paid" if paid else "open",
            total=amount,
        )
        if not paid:
            self._tell("invoice.payment_failed", invoice)
            return invoice
        intent = self._intent(amount, subscription["currency"], subscription)
        self._charge(intent)
        part = self.books.add(
            "invoice_payment",
            "inpay_",
            amount_paid=amount,
            currency=subscription["currency"],
            invoice=invoice["id"],
            payment={"type": "payment_intent", "payment_intent": intent["id"]},
            status="paid",
        )
        self._tell("invoice.paid", invoice)
        self._tell("invoice.payment_succeeded", invoice)
        self._tell("invoice_payment.paid", part)
        return invoice

    def renew(self, name: str, *, paid: bool = True) -> Thing:
        """A month went by: the subscription's next invoice, paid or not."""
        with self.books.lock:
            subscription = self.books.get(name, "subscription")
            if subscription["status"] == "canceled":
                raise Refused("This subscription has ended.")
            subscription["status"] = "active" if paid else "past_due"
            item = subscription["items"]["data"][0]
            item["current_period_start"] = item["current_period_end"]
            item["current_period_end"] += MONTH_SECONDS
            invoice = self._invoice(subscription, "subscription_cycle", paid=paid)
            self._tell("customer.subscription.updated", subscription)
            self.books.save()
            return invoice

    def _change_subscription(self, name: str, form: Thing, here: str) -> Thing:
        subscription = self.books.get(name, "subscription")
        for item in form.get("items", {}).values():
            data = item["price_data"]
            price = self._price(int(data["unit_amount"]), data["currency"], data["product"])
            subscription["items"]["data"][0]["price"] = price
        if "cancel_at_period_end" in form:
            subscription["cancel_at_period_end"] = form["cancel_at_period_end"] == "true"
        self._tell("customer.subscription.updated", subscription)
        return subscription

    def _cancel_subscription(self, name: str, form: Thing, here: str) -> Thing:
        subscription = self.books.get(name, "subscription")
        if subscription["status"] == "canceled":
            raise Missing(f"No such subscription: {name!r}")
        now = int(time.time())
        subscription.update(status="canceled", canceled_at=now, ended_at=now)
        self._tell("customer.subscription.deleted", subscription)
        return subscription

    def _portal(self, form: Thing, here: str) -> Thing:
        customer = self.books.get(form.get("customer"), "customer")
        session = self.books.add(
            "billing_portal.session",
            "bps_",
            customer=customer["id"],
            return_url=form.get("return_url") or here,
        )
        session["url"] = f"{here}/portal/{session['id']}"
        return session

    # Money back

    def _refund(self, form: Thing, here: str) -> Thing:
        charge = self._charge_of(form)
        left = charge["amount"] - charge["amount_refunded"]
        amount = int(form.get("amount", left))
        if not 0 < amount <= left:
            raise Refused(f"Refund amount ({amount}) is greater than unrefunded amount ({left})")
        refund = self.books.add(
            "refund",
            "re_",
            amount=amount,
            charge=charge["id"],
            currency=charge["currency"],
            metadata=form.get("metadata", {}),
            payment_intent=charge["payment_intent"],
            reason=form.get("reason"),
            status="succeeded",
        )
        charge["amount_refunded"] += amount
        charge["refunded"] = charge["amount_refunded"] == charge["amount"]
        self._balance(refund, "refund", -amount, 0)
        self._tell("refund.created", refund)
        self._tell("charge.refunded", charge)
        return refund

    def _charge_of(self, form: Thing) -> Thing:
        if form.get("charge"):
            return self.books.get(form["charge"], "charge")
        intent = self.books.get(form.get("payment_intent"), "payment_intent")
        return self.books.get(intent.get("latest_charge"), "charge")

    def dispute(self, payment: str) -> Thing:
        """The giver's bank takes a payment back; the dispute."""
        with self.books.lock:
            charge = self._charge_of({"payment_intent": payment})
            charge["disputed"] = True
            dispute = self.books.add(
                "dispute",
                "du_",
                amount=charge["amount"],
                charge=charge["id"],
                currency=charge["currency"],
                payment_intent=charge["payment_intent"],
                reason="fraudulent",
                status="needs_response",
            )
            self._balance(dispute, "adjustment", -charge["amount"], 1500)
            self._tell("charge.dispute.created", dispute)
            self._tell("charge.dispute.funds_withdrawn", dispute)
            self.books.save()
            return dispute

    def close_dispute(self, name: str, status: str) -> Thing:
        """The dispute is "won" (the money comes back) or "lost"."""
        with self.books.lock:
            dispute = self.books.get(name, "dispute")
            dispute["status"] = status
            if status == "won":
                self._balance(dispute, "adjustment", dispute["amount"], 0)
                self._tell("charge.dispute.funds_reinstated", dispute)
            self._tell("charge.dispute.closed", dispute)
            self.books.save()
            return dispute

    def _tell(self, kind: str, thing: Thing) -> None:
        event = self.books.add(
            "event",
            "evt_",
            api_version=API_VERSION,
            data={"object": _frozen(thing)},
            pending_webhooks=1,
            request={"id": None, "idempotency_key": None},
            type=kind,
        )
        # Events have a list of their own.
        del self.books.objects[event["id"]]
        self.hooks.tell(event)


def fee_of(amount: int) -> int:
    """The demo's fee: 2.9 % and 30, in minor units."""
    return round(amount * 0.029) + 30


def _amount(item: Thing) -> int:
    return int(item["price_data"]["unit_amount"])


def _frozen(thing: Thing) -> Thing:
    """The object as it is now: later changes do not reach events made before."""
    return {
        name: _frozen(value) if isinstance(value, dict) else value
        for name, value in thing.items()
        if name != "asked_for"
    }


def _wanted(thing: Thing, form: Thing) -> bool:
    created = form.get("created") or {}
    early = "gte" in created and thing["created"] < int(created["gte"])
    late = "lt" in created and thing["created"] >= int(created["lt"])
    named = ("invoice", "customer", "payment_intent", "charge", "subscription", "type", "source")
    other = any(name in form and thing.get(name) != form[name] for name in named)
    return not (early or late or other)


def _page(things: list[Thing], form: Thing) -> Thing:
    names = [thing["id"] for thing in things]
    start = names.index(form["starting_after"]) + 1 if form.get("starting_after") in names else 0
    end = start + int(form.get("limit", 10))
    return {
        "object": "list",
        "data": [_frozen(thing) for thing in things[start:end]],
        "has_more": end < len(things),
        "url": "/v1",
    }
