"""What each program's columns mean: whose address, whether they want mail, since when."""

import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import IntEnum
from typing import Any

from newsletter.moving.cells import read_date, split_tags
from newsletter.moving.own import as_it_was
from newsletter.moving.reading import Line, Sheet

OWN = "fibrosite"
OWN_SUPPRESSIONS = "fibrosite-suppressions"
GENERIC = "generic"

Row = Mapping[str, str]


class Standing(IntEnum):
    """What a file says of a person. Where it says two things of one, the higher one holds."""

    UNCONFIRMED = 0
    RESTING = 1
    SUBSCRIBED = 2
    UNKNOWN = 3
    LEFT = 4
    BOUNCED = 5
    COMPLAINED = 6

    @property
    def is_out(self) -> bool:
        """Whether this person must not be mailed."""
        return self >= Standing.LEFT


Judgement = tuple[Standing, str]


@dataclass(frozen=True)
class Format:
    """One program's export. Headings are compared without capitals, accents and signs.

    `signs` are headings that only it has together; `standing` reads a row. The other fields name
    the columns that hold the address, the day of consent, the day of leaving, and the tags, each
    in the order in which they are tried.
    """

    kind: str
    name: str
    signs: frozenset[str]
    standing: Callable[[Row], Judgement]
    address: tuple[str, ...] = ("email", "emailaddress")
    agreed: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    tags: str = ""
    day_first: bool = False
    backslash: bool = False


@dataclass(frozen=True)
class Layout:
    """How one file is read: its sheet, its format, and for a generic one which column is what.

    `columns` gives the place of a column by its role: address, status, left, agreed, tags.
    """

    sheet: Sheet
    kind: str
    columns: Mapping[str, int]
    day_first: bool = False

    def as_json(self) -> dict[str, Any]:
        """What `from_json` reads back."""
        return {
            "sheet": self.sheet.as_json(),
            "kind": self.kind,
            "columns": dict(self.columns),
            "day_first": self.day_first,
        }

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "Layout":
        """The layout that `as_json` wrote."""
        return cls(**{**stored, "sheet": Sheet.from_json(stored["sheet"])})

    @property
    def is_known(self) -> bool:
        """Whether the headings say what the file is, so that nobody needs to."""
        return self.kind != GENERIC


@dataclass(frozen=True)
class Entry:
    """What one row says.

    `problem` says why the row cannot be read, `bad` why no letter can be sent to its address.
    `row` holds the cells by heading, for our own files alone.
    """

    number: int
    address: str
    standing: Standing
    why: str = ""
    agreed_at: datetime | None = None
    left_at: datetime | None = None
    tags: tuple[str, ...] = ()
    problem: str = ""
    row: Row | None = None
    bad: str = ""

    @property
    def is_usable(self) -> bool:
        """Whether it can be read and has an address that letters can be sent to."""
        return not self.problem and not self.bad


def plain(heading: str) -> str:
    """A heading without capitals, accents, spaces and signs: "E-Mail Adresse" is emailadresse."""
    letters = unicodedata.normalize("NFKD", heading.casefold())
    return "".join(letter for letter in letters if letter.isalnum())


# What words of other programs mean


def _words(standing: Standing, words: str) -> dict[str, Standing]:
    return dict.fromkeys(words.split(), standing)


# For generic files, in the languages of likely lists.
WORDS = {
    **_words(
        Standing.SUBSCRIBED,
        "subscribed active enabled confirmed regular optin optedin subscribe abonne abonnee "
        "inscrit inscrite actif active aktiv angemeldet bestatigt suscrito activo iscritto attivo",
    ),
    **_words(
        Standing.LEFT,
        "unsubscribed unsubscribe optout optedout left cancelled canceled removed disabled deleted "
        "blocklisted blacklisted blocked suppressed archived desinscrit desinscrite desabonne "
        "desabonnee abgemeldet ausgetragen baja cancelado disiscritto",
    ),
    **_words(
        Standing.BOUNCED, "bounced cleaned invalid undeliverable hardbounce hardbounced bounce"
    ),
    **_words(Standing.COMPLAINED, "complained complaint spam spammed markedasspam"),
    **_words(
        Standing.UNCONFIRMED,
        "unconfirmed pending notconfirmed unactivated nonsubscribed neversubscribed nonconfirme "
        "enattente unbestatigt pendiente",
    ),
    **_words(Standing.RESTING, "inactive paused sleeping snoozed enpause pausiert inaktiv"),
}
_YES = {"yes", "y", "true", "1", "x", "oui", "o", "vrai", "ja", "wahr", "si", "verdadero", "vero"}
_NO = {"no", "n", "false", "0", "non", "faux", "nein", "falsch", "falso"}


def _by(words: dict[str, Standing], column: str) -> Callable[[Row], Judgement]:
    """A reader of one status column with these words."""

    def standing(row: Row) -> Judgement:
        said = row.get(column, "").strip()
        return words.get(plain(said), Standing.UNKNOWN), f"{column}: {said or 'empty'}"

    return standing


def _flag(row: Row, column: str, *, out: bool) -> Judgement:
    """Of a column that says yes or no: subscribed, unless it says `out`."""
    said = row.get(column, "").strip()
    answer = truth(said)
    why = f"{column}: {said or 'empty'}"
    if answer is None:
        return Standing.UNKNOWN, why
    return (Standing.LEFT if answer is out else Standing.SUBSCRIBED), why


def truth(said: str) -> bool | None:
    """Yes or no in the languages of likely lists; None for anything else."""
    word = plain(said)
    return True if word in _YES else False if word in _NO else None


def _mailchimp(row: Row) -> Judgement:
    """Mailchimp writes one file for each status, and tells them apart by a column."""
    if "cleantime" in row:
        return Standing.BOUNCED, "Mailchimp: cleaned"
    if "unsubtime" in row:
        complained = "spam" in plain(row.get("unsubreason", ""))
        return (Standing.COMPLAINED if complained else Standing.LEFT), "Mailchimp: unsubscribed"
    if not row.get("confirmtime", "").strip() and not row.get("optintime", "").strip():
        return Standing.UNCONFIRMED, "Mailchimp has no time at which they joined"
    return Standing.SUBSCRIBED, "Mailchimp: subscribed"


_MAILPOET = {
    "subscribed": Standing.SUBSCRIBED,
    "unconfirmed": Standing.UNCONFIRMED,
    "unsubscribed": Standing.LEFT,
    "bounced": Standing.BOUNCED,
    "inactive": Standing.RESTING,
}


def _mailpoet(row: Row) -> Judgement:
    """One row a person and list; who left one list has left, whatever the other list says."""
    own, everywhere = (row.get(name, "").strip() for name in ("liststatus", "globalstatus"))
    found = [_MAILPOET.get(plain(word), Standing.UNKNOWN) for word in (own, everywhere)]
    # A person who is not confirmed or rests anywhere is not subscribed by the other column.
    standing = max(found) if max(found) >= Standing.UNKNOWN else min(found)
    where = row.get("list", "").strip()
    return standing, f"MailPoet: {everywhere}" + (f"; list “{where}”: {own}" if where else "")


def _ghost(row: Row) -> Judgement:
    if row.get("deletedat", "").strip():
        return Standing.LEFT, "Ghost: deleted"
    return _flag(row, "subscribedtoemails", out=False)


def _brevo(row: Row) -> Judgement:
    column = "emailblacklisted" if "emailblacklisted" in row else "emailblocklisted"
    return _flag(row, column, out=True)


_LISTMONK = {"enabled": Standing.SUBSCRIBED, "disabled": Standing.LEFT,
             "blocklisted": Standing.LEFT}  # fmt: skip
_KIT = {"active": Standing.SUBSCRIBED, "inactive": Standing.UNCONFIRMED,
        "cancelled": Standing.LEFT, "bounced": Standing.BOUNCED,
        "complained": Standing.COMPLAINED}  # fmt: skip
_BUTTONDOWN = {
    **_words(
        Standing.SUBSCRIBED,
        "regular premium gifted trialed unpaid pastdue churning churned",
    ),
    **_words(Standing.LEFT, "unsubscribed removed blocked"),
    **_words(Standing.BOUNCED, "undeliverable"),
    **_words(Standing.COMPLAINED, "complained spammy"),
    **_words(Standing.UNCONFIRMED, "unactivated"),
    **_words(Standing.RESTING, "paused upcoming"),
}
_NEWSLETTER_PLUGIN = {"c": Standing.SUBSCRIBED, "s": Standing.UNCONFIRMED, "u": Standing.LEFT,
                      "b": Standing.BOUNCED, "p": Standing.COMPLAINED}  # fmt: skip
_OWN = {"active": Standing.SUBSCRIBED, "left": Standing.LEFT, "blocked": Standing.LEFT}

FORMATS = [
    Format(OWN, "our own export", frozenset({"key", "state", "joinedat", "consent"}),
           _by(_OWN, "state"), agreed=("joinedat",), left=("leftat",)),
    Format(OWN_SUPPRESSIONS, "our own list of suppressions",
           frozenset({"addresshash", "reason", "sinceat", "site"}),
           lambda row: (Standing.LEFT, row.get("reason", "")), address=("addresshash",)),
    Format("mailchimp", "Mailchimp", frozenset({"optintime", "confirmtime", "leid", "euid"}),
           _mailchimp, agreed=("confirmtime", "optintime"), left=("unsubtime", "cleantime"),
           tags="tags"),
    Format("mailpoet", "MailPoet", frozenset({"email", "liststatus", "globalstatus"}), _mailpoet,
           agreed=("confirmationtime", "subscriptiontime"), tags="list", backslash=True),
    Format("listmonk", "listmonk", frozenset({"uuid", "email", "attributes", "status"}),
           _by(_LISTMONK, "status"), agreed=("createdat",), tags="attributes"),
    Format("ghost", "Ghost", frozenset({"email", "subscribedtoemails", "createdat"}), _ghost,
           agreed=("createdat",), left=("deletedat",), tags="labels"),
    Format("substack", "Substack", frozenset({"email", "emaildisabled", "preferdigests"}),
           lambda row: _flag(row, "emaildisabled", out=True), agreed=("createdat",)),
    Format("brevo", "Brevo", frozenset({"email", "emailblacklisted", "addedtime"}), _brevo,
           agreed=("addedtime",), day_first=True),
    Format("brevo", "Brevo", frozenset({"email", "emailblocklisted", "addedtime"}), _brevo,
           agreed=("addedtime",), day_first=True),
    Format("kit", "Kit", frozenset({"firstname", "email", "createdat", "status"}),
           _by(_KIT, "status"), agreed=("createdat",), tags="tags"),
    Format("buttondown", "Buttondown", frozenset({"emailaddress", "creationdate", "type"}),
           _by(_BUTTONDOWN, "type"), agreed=("creationdate",), tags="tags"),
    Format("newsletter-plugin", "the Newsletter plugin",
           frozenset({"email", "status", "date", "token", "profile1"}),
           _by(_NEWSLETTER_PLUGIN, "status"), agreed=("date",)),
]  # fmt: skip
_BY_KIND = {form.kind: form for form in reversed(FORMATS)}

# What a column is likely to be by its heading; the editor or the command has the last word.
ROLES = {
    "address": "the e-mail address",
    "status": "a word such as subscribed or unsubscribed",
    "left": "yes or a date for those who left",
    "agreed": "the day on which they agreed",
    "tags": "tags, lists or topics",
}
_LIKELY = {
    "address": "email emailaddress mail adresseemail adressemail adresseelectronique courriel "
    "emailadresse correo correoelectronico indirizzoemail subscriberemail useremail emails",
    "status": "status statut etat state estado stato subscriptionstatus emailstatus",
    "left": "unsubscribed optout optedout hasoptedout unsubscribedat unsubscribedate desinscrit "
    "desabonne desinscritle blacklisted blocklisted abgemeldet abgemeldetam",
    "agreed": "date createdat created subscribedat subscribedon signupdate joined joinedat "
    "inscritle datedinscription dateinscription subscriptiondate optintime optindate "
    "angemeldetam fechadealta consentdate",
    "tags": "tags tag labels topics categories themes etiquettes",
}


def name_of(kind: str) -> str:
    """The program a kind of file is from, as people know it."""
    return _BY_KIND[kind].name if kind in _BY_KIND else "a list of your own"


def detect(sheet: Sheet) -> Layout:
    """What file this is by its headings; for an unknown one a guess at its columns."""
    headings = [plain(heading) for heading in sheet.headings]
    for form in FORMATS:
        address = next((name for name in form.address if name in headings), None)
        if form.signs <= set(headings) and address:
            sheet = replace(sheet, backslash=sheet.backslash or form.backslash)
            place = {"address": headings.index(address)}
            return Layout(sheet, form.kind, place, form.day_first)
    return Layout(sheet, GENERIC, _likely(headings), sheet.separator == ";")


def _likely(headings: list[str]) -> dict[str, int]:
    columns: dict[str, int] = {}
    for role, words in _LIKELY.items():
        for word in words.split():
            if word in headings:
                columns[role] = headings.index(word)
                break
    if len(headings) == 1:
        columns["address"] = 0
    return columns


def reader(layout: Layout) -> Callable[[Line], Entry]:
    """What reads the lines of a file with this layout; addresses stay as they are written."""
    if layout.is_known:
        return _known_reader(layout)
    return lambda line: _generic(layout, line)


def _known_reader(layout: Layout) -> Callable[[Line], Entry]:
    form = _BY_KIND[layout.kind]
    headings = [plain(heading) for heading in layout.sheet.headings]
    place = layout.columns["address"]

    is_own = layout.kind in (OWN, OWN_SUPPRESSIONS)

    def read(line: Line) -> Entry:
        cells = [as_it_was(cell) for cell in line.cells] if is_own else line.cells
        row = dict(zip(reversed(headings), reversed(cells), strict=True))
        standing, why = form.standing(row)
        return Entry(
            line.row,
            cells[place],
            standing,
            why,
            _first_date(row, form.agreed, day_first=form.day_first),
            _first_date(row, form.left, day_first=form.day_first),
            split_tags(row.get(form.tags, "")) if form.tags else (),
            line.problem,
            row if is_own else None,
        )

    return read


def _generic(layout: Layout, line: Line) -> Entry:
    said = {role: line.cells[place].strip() for role, place in layout.columns.items()}
    standing, why = _generic_standing(said)
    day = layout.day_first
    return Entry(
        line.row,
        said["address"],
        standing,
        why,
        read_date(said.get("agreed", ""), day_first=day),
        read_date(said.get("left", ""), day_first=day),
        split_tags(said.get("tags", "")),
        line.problem,
    )


def _generic_standing(said: Mapping[str, str]) -> Judgement:
    """Both columns are heard; the one that is against mail holds."""
    found: list[Judgement] = []
    if "status" in said:
        word = said["status"]
        found.append((WORDS.get(plain(word), Standing.UNKNOWN), f"status: {word or 'empty'}"))
    if left := said.get("left", ""):
        is_date = truth(left) is None and read_date(left, day_first=True) is not None
        answer = True if is_date else truth(left)
        standing = Standing.UNKNOWN if answer is None else Standing.LEFT
        found.append((Standing.SUBSCRIBED if answer is False else standing, f"left: {left}"))
    against = [one for one in found if one[0] != Standing.SUBSCRIBED]
    return max(against or found or [(Standing.SUBSCRIBED, "")])


def _first_date(row: Row, columns: Iterable[str], *, day_first: bool) -> datetime | None:
    for column in columns:
        if found := read_date(row.get(column, ""), day_first=day_first):
            return found
    return None
