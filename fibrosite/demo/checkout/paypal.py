"""The parts of PayPal's API that the site calls: orders, subscriptions, refunds, verification."""

import json
import re
import secrets
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from fibrosite.demo.checkout.books import Books, Missing, Refused, Thing
from fibrosite.demo.checkout.hooks import Hooks, paypal_signature


class PayPal:
    """Answers one request after the other; every change is told by events."""

    def __init__(self, books: Books, hooks: Hooks) -> None:
        self.books = books
        self.hooks = hooks

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
            ("POST", "/v1/billing/subscriptions", self._subscribe),
            ("GET", f"/v1/billing/subscriptions/{name}", self._one),
            ("POST", f"/v1/billing/subscriptions/{name}/cancel", self._cancel),
            ("GET", "/v1/reporting/transactions", self._transactions),
            ("GET", "/v1/notifications/webhooks-events", self._events),
        ]

    def _token(self, asked: Thing, here: str) -> Thing:
        return {"access_token": secrets.token_hex(20), "token_type": "Bearer", "expires_in": 32400}

    def verify(self, body: bytes) -> Thing:
        """Whether the headers in the question fit the event in it, byte for byte."""
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
            links=[{"rel": "up", "href": f"{here}/v2/payments/captures/{name}"}],
        )
        if is_sale:
            refund.update(sale_id=name, state="completed")
        kind = "PAYMENT.SALE.REFUNDED" if is_sale else "PAYMENT.CAPTURE.REFUNDED"
        self._tell(kind, "refund", refund)
        return refund

    # Monthly

    def _product(self, asked: Thing, here: str) -> Thing:
        name = asked.get("id") or f"PROD-{secrets.token_hex(6)}"
        if name in self.books.objects:
            raise Refused("DUPLICATE_RESOURCE_IDENTIFIER")
        product = {"id": name, "object": "product-paypal", "created": int(time.time())}
        self.books.objects[name] = {**product, "name": asked.get("name")}
        return self.books.objects[name]

    def _plans(self, asked: Thing, here: str) -> Thing:
        plans = self.books.of("plan-paypal")
        return {"plans": [one for one in plans if one["product_id"] == asked.get("product_id")]}

    def _plan(self, asked: Thing, here: str) -> Thing:
        self.books.get(asked.get("product_id"), "product-paypal")
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
            price=cycles[0]["pricing_scheme"]["fixed_price"],
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
        for kind, code in (("capture", "T0006"), ("sale", "T0002"), ("refund-paypal", "T1107")):
            rows += [_row(thing, code) for thing in self.books.of(kind)]
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


def now_text() -> str:
    """The time as PayPal writes it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def money(amount: Thing) -> Thing:
    """An amount of either of PayPal's forms, in the newer one."""
    if "value" in amount:
        return {"currency_code": amount["currency_code"], "value": amount["value"]}
    return {"currency_code": amount["currency"], "value": amount["total"]}


def old_money(amount: Thing) -> Thing:
    return {"currency": amount["currency_code"], "total": amount["value"]}


def fee_text(amount: Thing) -> str:
    fee = Decimal(amount["value"]) * Decimal("0.0289") + Decimal("0.49")
    # As many decimals as the amount has.
    return str(fee.quantize(Decimal("0.01") if "." in amount["value"] else Decimal(1)))


def old_fee(amount: Thing) -> Thing:
    return {"currency": amount["currency_code"], "value": fee_text(amount)}


def breakdown(amount: Thing) -> Thing:
    """What PayPal says it keeps of a payment."""
    fee = {"currency_code": amount["currency_code"], "value": fee_text(amount)}
    net = str(Decimal(amount["value"]) - Decimal(fee["value"]))
    return {"gross_amount": amount, "paypal_fee": fee, "net_amount": {**fee, "value": net}}


def _row(thing: Thing, code: str) -> Thing:
    amount = money(thing["amount"])
    sign = "-" if thing["object"] == "refund-paypal" else ""
    info = {
        "transaction_id": thing["id"],
        "transaction_event_code": code,
        "transaction_initiation_date": thing["create_time"],
        "transaction_amount": {**amount, "value": f"{sign}{amount['value']}"},
        "transaction_status": "S",
        "custom_field": thing.get("custom_id") or thing.get("custom"),
        "paypal_reference_id": thing.get("billing_agreement_id", ""),
    }
    fee = thing.get("seller_receivable_breakdown", {}).get("paypal_fee")
    if thing.get("transaction_fee"):
        fee = {
            "currency_code": thing["transaction_fee"]["currency"],
            "value": thing["transaction_fee"]["value"],
        }
    if fee:
        info["fee_amount"] = {**fee, "value": f"-{fee['value']}"}
    return {"transaction_info": info}
