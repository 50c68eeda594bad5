"""How PayPal writes things: limits of its words, amounts of both its forms, rows of its books."""

import time
from decimal import Decimal

from fibrosite.demo.checkout.books import Refused, Thing

# PayPal's limits for the words of orders, items and plans, and of products.
LONGEST = {"name": 127, "description": 127}
LONGEST_OF_PRODUCT = {"name": 127, "description": 256}
# What its books call each kind of row, and whether money leaves by it.
CODES = {
    "capture": ("T0006", ""),
    "sale": ("T0002", ""),
    "refund-paypal": ("T1107", "-"),
    "reversal-paypal": ("T1106", "-"),
    "hold-paypal": ("T1110", "-"),
    "release-paypal": ("T1111", ""),
}


def check_words(thing: Thing, longest: dict[str, int]) -> None:
    """Refuse names and descriptions that PayPal would refuse."""
    for name, limit in longest.items():
        words = thing.get(name)
        if words is not None and not 1 <= len(words.encode()) <= limit:
            raise Refused(f"INVALID_STRING_LENGTH: {name}")


def check_items(unit: Thing) -> None:
    """Refuse items that lack what they must have, or do not add up to the amount."""
    items = unit.get("items") or []
    for item in items:
        check_words(item, LONGEST)
        if not {"name", "quantity", "unit_amount"} <= item.keys():
            raise Refused("MISSING_REQUIRED_PARAMETER")
    total = sum(Decimal(one["unit_amount"]["value"]) * int(one["quantity"]) for one in items)
    stated = unit["amount"].get("breakdown", {}).get("item_total", {}).get("value", "0")
    if items and not total == Decimal(stated) == Decimal(unit["amount"]["value"]):
        raise Refused("ITEM_TOTAL_MISMATCH")


def link_to(payment: Thing) -> list[Thing]:
    """How what follows from a payment names it."""
    return [{"rel": "up", "href": f"https://api.paypal.com/v2/payments/captures/{payment['id']}"}]


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


def price_of(cycles: list[Thing]) -> Thing:
    """What each month of a plan costs."""
    price: Thing = cycles[0]["pricing_scheme"]["fixed_price"]
    return price


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


def row_of(thing: Thing) -> Thing:
    code, sign = CODES[thing["object"]]
    amount = money(thing["amount"])
    info = {
        "transaction_id": thing["id"],
        "transaction_event_code": code,
        "transaction_initiation_date": thing["create_time"],
        "transaction_amount": {**amount, "value": f"{sign}{amount['value']}"},
        "transaction_status": "S",
        "custom_field": thing.get("custom_id") or thing.get("custom"),
        **_reference(thing),
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


def _reference(thing: Thing) -> Thing:
    """What a row is about: the subscription of a month, the payment of what left."""
    if thing.get("billing_agreement_id"):
        name, kind = thing["billing_agreement_id"], "SUB"
    elif thing.get("links"):
        name, kind = thing["links"][0]["href"].rpartition("/")[2], "TXN"
    else:
        return {}
    return {"paypal_reference_id": name, "paypal_reference_id_type": kind}
