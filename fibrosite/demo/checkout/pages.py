"""The pages on which somebody pays: real buttons, no script, calm."""

from html import escape

from fibrosite.demo.checkout.books import Thing

# The site's own colours; the page must look at home, and must not need the site to be up.
STYLE = """
:root { color-scheme: light dark; --paper: #faf7f1; --raised: #f2ecdf; --ink: #262b2d;
  --quiet: #565d5e; --line: #ddd4c3; --accent: #1f5f5b; --on-accent: #fbf8f2; --focus: #b0561f;
  --error: #8c2f1d; }
@media (prefers-color-scheme: dark) { :root { --paper: #17191a; --raised: #202425;
  --ink: #d8d3c8; --quiet: #a5a69e; --line: #373d3d; --accent: #8fc7bd; --on-accent: #14201f;
  --focus: #e2a36f; --error: #f0a58f; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); overflow-wrap: break-word;
  font: 400 1.125rem/1.65 "Atkinson Hyperlegible Next", system-ui, "Segoe UI", sans-serif; }
main { max-width: 34rem; margin: 0 auto; padding: 2.5rem 1.25rem; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 1rem; }
.small { font-size: 0.92rem; color: var(--quiet); }
.sum { font-size: 1.5rem; font-weight: 650; margin: 0; }
.raised { background: var(--raised); border-radius: 0.6rem; padding: 1.25rem; margin: 0 0 1.5rem; }
.raised p:last-child { margin-bottom: 0; }
.error { color: var(--error); font-weight: 600; }
label { font-weight: 600; display: block; }
input { width: 100%; min-height: 2.75rem; padding: 0.5em 0.75em; margin: 0.3rem 0 1rem;
  font: inherit; color: var(--ink); background: var(--paper); border: 2px solid var(--quiet);
  border-radius: 0.6rem; }
button, .button { display: block; width: 100%; min-height: 2.75rem; padding: 0.55em 1.15em;
  margin: 0 0 0.75rem; font: inherit; font-weight: 600; text-align: center;
  text-decoration: none; color: var(--on-accent); background: var(--accent); cursor: pointer;
  border: 2px solid var(--accent); border-radius: 0.6rem; }
button.quiet { color: var(--accent); background: transparent; border-color: var(--line); }
:focus-visible { outline: 3px solid var(--focus); outline-offset: 3px; }
"""


def page(title: str, body: str) -> str:
    """A whole page."""
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        # Browsers ask for an icon otherwise, and complain that there is none.
        f'<link rel="icon" href="data:,"><title>{escape(title)}</title>'
        f"<style>{STYLE}</style></head>"
        f"<body><main><h1>{escape(title)}</h1>{body}"
        '<p class="small">This is the demo\'s own payment page. It takes no card number, and no '
        "money moves.</p></main></body></html>"
    )


def pay_page(*, what: str, amount: str, email: str, words: str = "", error: str = "") -> str:
    """The page with the buttons: pay, a card that is refused, and the way back."""
    said = f'<p class="error" role="alert">{escape(error)}</p>' if error else ""
    legal = f"<p>{escape(words)}</p>" if words else ""
    fields = (
        '<label for="email">E-mail address for the receipt</label>'
        f'<input id="email" name="email" type="email" autocomplete="email" value="{escape(email)}">'
        '<label for="person">Name on the card (may stay empty)</label>'
        '<input id="person" name="person" autocomplete="name">'
    )
    return page(
        "Payment of the demo",
        f'{said}<div class="raised"><p class="sum">{escape(amount)}</p><p>{escape(what)}</p>{legal}'
        f'</div><form method="post">{fields}'
        f'<button name="press" value="pay">Pay {escape(amount)}</button>'
        '<button name="press" value="fail" class="quiet">Try a card that is refused</button>'
        '<button name="press" value="cancel" class="quiet" formnovalidate>'
        "Go back without paying</button></form>",
    )


def agree_page(*, what: str, amount: str) -> str:
    """The page on which somebody agrees to another amount of a monthly gift, or goes back."""
    return page(
        "Your new amount",
        f'<div class="raised"><p class="sum">{escape(amount)}</p><p>{escape(what)}, from the next '
        'month on</p></div><form method="post">'
        f'<button name="press" value="agree">Agree to {escape(amount)}</button>'
        '<button name="press" value="cancel" class="quiet">Go back without agreeing</button>'
        "</form>",
    )


def portal_page(subscriptions: list[Thing], back: str) -> str:
    """What Stripe's own page for monthly gifts does: shows and stops them."""
    rows = "".join(
        f'<div class="raised"><p>{escape(amount_text(one))} each month</p>'
        f'<form method="post"><button name="stop" value="{escape(one["id"])}">'
        "Stop this monthly gift</button></form></div>"
        for one in subscriptions
    )
    body = rows or "<p>There is no monthly gift.</p>"
    return page("Your monthly gifts", f'{body}<a class="button" href="{escape(back)}">Back</a>')


def amount_text(subscription: Thing) -> str:
    price = subscription["items"]["data"][0]["price"]
    return money_text(price["unit_amount"], price["currency"])


def money_text(minor: int, currency: str) -> str:
    """An amount of Stripe's, as text: `10.00 USD`."""
    code = currency.upper()
    digits = {"JPY": 0, "KRW": 0, "CLP": 0, "VND": 0, "BHD": 3, "JOD": 3, "KWD": 3}.get(code, 2)
    return f"{minor / 10**digits:,.{digits}f} {code}"
