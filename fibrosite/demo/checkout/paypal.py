"""The parts of PayPal's API that the site calls: orders, subscriptions, refunds, disputes."""

import json
import re
import secrets
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from fibrosite.demo.checkout.books import Books, Missing, Refused, Thing
from fibrosite.demo.checkout.hooks import Hooks, paypal_signature
from fibrosite.demo.checkout.paypal_forms import (
    CODES,
    LONGEST,
    LONGEST_OF_PRODUCT,
    breakdown,
    check_items,
    check_words,
    link_to,
    money,
    now_text,
    old_fee,
    old_money,
    price_of,
    row_of,
)

# How a dispute ends that takes the money.
LOST = ("RESOLVED_BUYER_FAVOUR", "ACCEPTED")


class PayPal:
    """Answers one request after the other; every change is told by events."""

    def __init__(self, books: Books, hooks: Hooks) -> None:
        self.books = books
        self.hooks = hooks
        # The tokens that are taken: none of before a restart.
        self.tokens: set[str] = set()
        # How often somebody asked whether a report is ours.
        self.verified = 0

    def answer(
        self, method: str, path: str, body: bytes, query: Thing, *, key: str, here: str
    ) -> Any:
        """What PayPal would answer. Raises Missing or Refused. `key` is the PayPal-Request-Id."""
        if (method, path) == ("POST", "/v1/notifications/verify-webhook-signature"):
            return self.verify(body)
        asked = json.loads(body or b"{}")
        for verb, pattern, handler in self._routes():
            found = re.fullmatch(pattern, path)
            if verb == method and found:
                with self.books.lock:
                    return self._once(key, handler, [*found.groups(), asked or query, here])
        raise Missing(f"{method} {path}")

    def _once(self, key: str, handler: Callable[..., Thing], arguments: list[Any]) -> Thing:
        if key and key in self.books.answered:
            return self.books.get(self.books.answered[key])
        thing = handler(*arguments)
        if key and "id" in thing:
            self.books.answered[key] = thing["id"]
        self.books.save()
        return thing

    def _routes(self) -> list[tuple[str, str, Callable[..., Thing]]]:
        name = r"([\w-]+)"
        return [
            ("POST", "/v1/oauth2/token", self._token),
            ("POST", "/v2/checkout/orders", self._order),
            ("GET", f"/v2/checkout/orders/{name}", self._one),
            ("POST", f"/v2/checkout/orders/{name}/capture", self._capture),
            ("GET", f"/v2/payments/captures/{name}", self._one),
            ("POST", f"/v2/payments/captures/{name}/refund", self._refund),
            ("POST", f"/v1/payments/sale/{name}/refund", self._refund),
            ("POST", "/v1/catalogs/products", self._product),
            ("GET", "/v1/billing/plans", self._plans),
            ("POST", "/v1/billing/plans", self._plan),
            ("PATCH", f"/v1/billing/plans/{name}", self._change_words),
            ("PATCH", f"/v1/catalogs/products/{name}", self._change_words),
            ("POST", "/v1/billing/subscriptions", self._subscribe),
            ("GET", f"/v1/billing/subscriptions/{name}", self._one),
            ("POST", f"/v1/billing/subscriptions/{name}/cancel", self._cancel),
            ("POST", f"/v1/billing/subscriptions/{name}/revise", self._revise),
            ("GET", "/v1/reporting/transactions", self._transactions),
            ("GET", "/v1/notifications/webhooks-events", self._events),
        ]

    def _token(self, asked: Thing, here: str) -> Thing:
        token = secrets.token_hex(20)
        self.tokens.add(token)
        return {"access_token": token, "token_type": "Bearer", "expires_in": 32400}

    def verify(self, body: bytes) -> Thing:
        """Whether the headers in the question fit the event in it, byte for byte."""
        self.verified += 1
        asked = json.loads(body)
        raw = body[body.index(b'"webhook_event":') + len(b'"webhook_event":') : body.rindex(b"}")]
        expected = paypal_signature(
            raw.strip(), asked["transmission_id"], asked["transmission_time"], asked["webhook_id"]
        )
        fits = secrets.compare_digest(expected, str(asked["transmission_sig"]))
        ours = asked["webhook_id"] == self.hooks.paypal_webhook_id
        return {"verification_status": "SUCCESS" if fits and ours else "FAILURE"}

    def _one(self, name: str, asked: Thing, here: str) -> Thing:
        return self.books.get(name)

    # Once

    def _order(self, asked: Thing, here: str) -> Thing:
        units = asked.get("purchase_units") or []
        if asked.get("intent") != "CAPTURE" or not units:
            raise Refused("intent and purchase_units are needed")
        check_words(units[0], LONGEST)
        check_items(units[0])
        order = self.books.add("order", "5O", status="PAYER_ACTION_REQUIRED", asked_for=asked)
        order["intent"], order["purchase_units"] = "CAPTURE", units
        order["create_time"] = now_text()
        order["links"] = [
            {"href": f"{here}/checkoutnow?token={order['id']}", "rel": "payer-action"},
            {"href": f"{here}/v2/checkout/orders/{order['id']}", "rel": "self"},
        ]
        return order

    def approve(self, name: str, *, email: str) -> Thing:
        """Somebody agrees to pay an order; the site has still to take the money."""
        with self.books.lock:
            order = self.books.get(name, "order")
            if order["status"] != "PAYER_ACTION_REQUIRED":
                raise Refused("This page was used already.")
            order.update(status="APPROVED", payer={"email_address": email})
            self._tell("CHECKOUT.ORDER.APPROVED", "checkout-order", order)
            self.books.save()
            return order

    def _capture(self, name: str, asked: Thing, here: str) -> Thing:
        order = self.books.get(name, "order")
        if order["status"] == "COMPLETED":
            raise Refused("ORDER_ALREADY_CAPTURED")
        if order["status"] != "APPROVED":
            raise Refused("ORDER_NOT_APPROVED")
        if order.get("declined"):
            raise Refused("INSTRUMENT_DECLINED")
        unit = order["purchase_units"][0]
        capture = self.books.add(
            "capture",
            "3C",
            amount=unit["amount"],
            custom_id=unit.get("custom_id"),
            create_time=now_text(),
            final_capture=True,
            seller_receivable_breakdown=breakdown(unit["amount"]),
            status="COMPLETED",
            supplementary_data={"related_ids": {"order_id": order["id"]}},
        )
        order["status"] = "COMPLETED"
        order["purchase_units"] = [{**unit, "payments": {"captures": [capture]}}]
        self._tell("PAYMENT.CAPTURE.COMPLETED", "capture", capture)
        return order

    def _refund(self, name: str, asked: Thing, here: str) -> Thing:
        payment = self.books.get(name)
        amount = money(asked.get("amount") or payment["amount"])
        given_back = Decimal(payment.get("given_back", "0")) + Decimal(amount["value"])
        if given_back > Decimal(money(payment["amount"])["value"]):
            raise Refused("REFUND_AMOUNT_EXCEEDED")
        payment["given_back"] = str(given_back)
        is_sale = payment["object"] == "sale"
        refund = self.books.add(
            "refund-paypal",
            "1R",
            amount=old_money(amount) if is_sale else amount,
            create_time=now_text(),
            custom_id=payment.get("custom_id"),
            status="COMPLETED",
            links=link_to(payment),
        )
        if is_sale:
            refund.update(sale_id=name, state="completed")
        kind = "PAYMENT.SALE.REFUNDED" if is_sale else "PAYMENT.CAPTURE.REFUNDED"
        self._tell(kind, "refund", refund)
        return refund

    # Claims

    def dispute(self, name: str, *, value: str = "") -> Thing:
        """A payer claims a payment (or a part of it) back: its money is held."""
        with self.books.lock:
            payment = self.books.get(name)
            amount = {**money(payment["amount"]), **({"value": value} if value else {})}
            moved = {"amount": amount, "create_time": now_text(), "links": link_to(payment)}
            self.books.add("hold-paypal", "2H", **moved)
            dispute = self.books.add(
                "dispute-paypal",
                "",
                dispute_id=f"PP-D-{secrets.token_hex(4)}",
                create_time=now_text(),
                disputed_transactions=[{"seller_transaction_id": name}],
                dispute_amount=amount,
                status="OPEN",
            )
            self._tell("CUSTOMER.DISPUTE.CREATED", "dispute", dispute)
            self.books.save()
            return dispute

    def close_dispute(self, name: str, outcome: str) -> Thing:
        """PayPal decides: the hold is let go, and what is lost is taken under an id of its own."""
        with self.books.lock:
            dispute = self.books.get(name, "dispute-paypal")
            payment = self.books.get(dispute["disputed_transactions"][0]["seller_transaction_id"])
            amount = dispute["dispute_amount"]
            moved = {"amount": amount, "create_time": now_text(), "links": link_to(payment)}
            self.books.add("release-paypal", "2R", **moved)
            dispute.update(status="RESOLVED", dispute_outcome={"outcome_code": outcome})
            self._tell("CUSTOMER.DISPUTE.RESOLVED", "dispute", dispute)
            if outcome in LOST:
                self.reverse(payment["id"], value=amount["value"])
            self.books.save()
            return dispute

    def reverse(self, name: str, *, value: str) -> Thing:
        """PayPal takes money back of itself."""
        payment = self.books.get(name)
        is_sale = payment["object"] == "sale"
        amount = {**money(payment["amount"]), "value": value}
        reversal = self.books.add(
            "reversal-paypal",
            "6V",
            amount=old_money(amount) if is_sale else amount,
            create_time=now_text(),
            status="COMPLETED",
            links=link_to(payment),
        )
        if is_sale:
            reversal["sale_id"] = name
        kind = "PAYMENT.SALE.REVERSED" if is_sale else "PAYMENT.CAPTURE.REVERSED"
        self._tell(kind, "refund", reversal)
        return reversal

    # Monthly

    def _change_words(self, name: str, asked: Any, here: str) -> Thing:
        thing = self.books.get(name)
        limits = LONGEST_OF_PRODUCT if thing["object"] == "product-paypal" else LONGEST
        for change in asked:
            words = {str(change["path"]).removeprefix("/"): change["value"]}
            check_words(words, limits)
            thing.update(words)
        return {}

    def _product(self, asked: Thing, here: str) -> Thing:
        check_words(asked, LONGEST_OF_PRODUCT)
        name = asked.get("id") or f"PROD-{secrets.token_hex(6)}"
        if name in self.books.objects:
            raise Refused("DUPLICATE_RESOURCE_IDENTIFIER")
        product = {"id": name, "object": "product-paypal", "created": int(time.time())}
        words = {"name": asked.get("name"), "description": asked.get("description")}
        self.books.objects[name] = {**product, **words}
        return self.books.objects[name]

    def _plans(self, asked: Thing, here: str) -> Thing:
        plans = self.books.of("plan-paypal")
        return {"plans": [one for one in plans if one["product_id"] == asked.get("product_id")]}

    def _plan(self, asked: Thing, here: str) -> Thing:
        self.books.get(asked.get("product_id"), "product-paypal")
        check_words(asked, LONGEST)
        return self.books.add("plan-paypal", "P-", **{**asked, "status": "ACTIVE"})

    def _subscribe(self, asked: Thing, here: str) -> Thing:
        plan = self.books.get(asked.get("plan_id"), "plan-paypal")
        cycles = asked.get("plan", plan)["billing_cycles"]
        subscription = self.books.add(
            "subscription-paypal",
            "I-",
            plan_id=plan["id"],
            custom_id=asked.get("custom_id"),
            status="APPROVAL_PENDING",
            price=price_of(cycles),
            asked_for=asked,
            create_time=now_text(),
        )
        href = f"{here}/subscribe?token={subscription['id']}"
        subscription["links"] = [{"href": href, "rel": "approve"}]
        return subscription

    def begin(self, name: str, *, email: str) -> Thing:
        """Somebody agrees to pay monthly; the first payment is taken at once."""
        with self.books.lock:
            subscription = self.books.get(name, "subscription-paypal")
            if subscription["status"] != "APPROVAL_PENDING":
                raise Refused("This page was used already.")
            subscription.update(status="ACTIVE", subscriber={"email_address": email})
            self._tell("BILLING.SUBSCRIPTION.ACTIVATED", "subscription", subscription)
            self.renew(name)
            return subscription

    def renew(self, name: str, *, paid: bool = True) -> Thing:
        """A month went by: the subscription's payment, or its failure."""
        with self.books.lock:
            subscription = self.books.get(name, "subscription-paypal")
            if subscription["status"] != "ACTIVE":
                raise Refused("This subscription is not active.")
            if not paid:
                self._tell("BILLING.SUBSCRIPTION.PAYMENT.FAILED", "subscription", subscription)
                return subscription
            price = subscription["price"]
            sale = self.books.add(
                "sale",
                "8S",
                amount=old_money(price),
                billing_agreement_id=name,
                custom=subscription.get("custom_id"),
                create_time=now_text(),
                state="completed",
                transaction_fee=old_fee(price),
            )
            self._tell("PAYMENT.SALE.COMPLETED", "sale", sale)
            self.books.save()
            return sale

    def _revise(self, name: str, asked: Thing, here: str) -> Thing:
        subscription = self.books.get(name, "subscription-paypal")
        if subscription["status"] != "ACTIVE":
            raise Refused("SUBSCRIPTION_STATUS_INVALID")
        plan = self.books.get(asked.get("plan_id"), "plan-paypal")
        # What the subscription brought of its own does not stay.
        cycles = asked.get("plan", plan)["billing_cycles"]
        revision = self.books.add(
            "revision-paypal",
            "BA-",
            subscription=name,
            plan_id=plan["id"],
            cycles=cycles,
            way=asked["application_context"],
            agreed=False,
        )
        href = f"{here}/subscribe/update?ba_token={revision['id']}"
        links = [{"href": href, "rel": "approve"}]
        return {"plan_id": plan["id"], "plan_overridden": "plan" in asked, "links": links}

    def agree(self, name: str) -> Thing:
        """Somebody agrees to another amount: it is taken from the next month on."""
        with self.books.lock:
            revision = self.books.get(name, "revision-paypal")
            subscription = self.books.get(revision["subscription"], "subscription-paypal")
            if revision["agreed"] or subscription["status"] != "ACTIVE":
                raise Refused("This page was used already.")
            revision["agreed"] = True
            cycles = revision["cycles"]
            subscription.update(
                plan_id=revision["plan_id"],
                plan={"billing_cycles": cycles},
                price=price_of(cycles),
            )
            self._tell("BILLING.SUBSCRIPTION.UPDATED", "subscription", subscription)
            self.books.save()
            return subscription

    def _cancel(self, name: str, asked: Thing, here: str) -> Thing:
        subscription = self.books.get(name, "subscription-paypal")
        if subscription["status"] != "ACTIVE":
            raise Refused("SUBSCRIPTION_STATUS_INVALID")
        subscription["status"] = "CANCELLED"
        subscription["status_update_time"] = now_text()
        self._tell("BILLING.SUBSCRIPTION.CANCELLED", "subscription", subscription)
        return {}

    # Lists

    def _transactions(self, asked: Thing, here: str) -> Thing:
        rows = []
        for kind in CODES:
            rows += [row_of(thing) for thing in self.books.of(kind)]
        within = [
            row
            for row in rows
            if asked["start_date"] <= row["transaction_info"]["transaction_initiation_date"]
        ]
        return {"transaction_details": within, "page": 1, "total_pages": 1}

    def _events(self, asked: Thing, here: str) -> Thing:
        events = [event for event in self.books.events if "event_type" in event]
        start = asked.get("start_time", "")
        return {"events": [event for event in reversed(events) if event["create_time"] >= start]}

    def _tell(self, kind: str, resource_type: str, thing: Thing) -> None:
        resource = {
            name: value for name, value in thing.items() if name not in ("object", "asked_for")
        }
        self.hooks.tell(
            {
                "id": f"WH-{secrets.token_hex(8).upper()}",
                "event_version": "1.0",
                "create_time": now_text(),
                "resource_type": resource_type,
                "event_type": kind,
                "resource": json.loads(json.dumps(resource)),
            }
        )
