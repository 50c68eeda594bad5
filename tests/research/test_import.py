"""Files of reference managers: looked through first, then imported, all or nothing."""

import re
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from research import importing
from research.exporting import FORMATS
from research.importing import UnreadableFileError, Verdict, carry_out, decode, plan
from research.models import Study
from research.sources import bibtex
from tests.factories import StudyFactory
from tests.research.registers import DATA

pytestmark = pytest.mark.django_db

BIB = DATA / "fibromyalgia-refs.bib"
REFERENCES = BIB.read_text(encoding="utf-8")
FIELDS = ["doi", "pmid", "title", "authors", "journal", "publisher", "place", "year", "volume",
          "issue", "pages", "url"]  # fmt: skip


def verdicts(text: str) -> list[str]:
    return [row.verdict for row in plan(text).rows]


def values(study: Study) -> dict[str, Any]:
    return {name: getattr(study, name) for name in FIELDS}


# The whole file, without loss


def fields_in_file() -> list[tuple[str, str]]:
    """Each field of each entry, read by nothing but the shape of this one file."""
    found = re.findall(r"^  (\w+) += \{(.*)\},?$", REFERENCES, re.MULTILINE)
    return [(name, value) for name, value in found if name not in {"author", "note"}]


def test_every_field_of_every_entry_is_in_the_library_and_in_its_export():
    carry_out(plan(REFERENCES))
    assert Study.objects.count() == 42
    kept = "\n".join(str(list(values(study).values())) for study in Study.objects.all())
    exported = bibtex.parse(FORMATS["bib"][0](Study.objects.all()))
    given_back = "\n".join(str(entry.record) for entry in exported)
    fields = fields_in_file()
    assert len(fields) > 270
    for name, value in fields:
        text = value.lower() if name == "doi" else bibtex.unlatex(value)
        assert text in kept, name
        assert text in given_back, name


def test_every_author_is_in_the_library():
    carry_out(plan(REFERENCES))
    lines = re.findall(r"^  author +=\s+\{(.*)\},$", REFERENCES, re.MULTILINE)
    written = [bibtex.unlatex(name) for line in lines for name in line.split(" and ")]
    kept = [line for study in Study.objects.all() for line in study.authors.splitlines()]
    assert len(written) == 173
    assert sorted(kept) == sorted(written)


def test_the_manual_has_its_organisation_and_place():
    carry_out(plan(REFERENCES))
    manual = Study.objects.get(title__startswith="R: A Language")
    assert values(manual) == {
        "doi": None, "pmid": None, "authors": "R Core Team", "year": 2024,
        "title": "R: A Language and Environment for Statistical Computing",
        "journal": "", "publisher": "R Foundation for Statistical Computing",
        "place": "Vienna, Austria", "url": "https://www.R-project.org/",
        "volume": "", "issue": "", "pages": "",
    }  # fmt: skip


@pytest.mark.parametrize("form", FORMATS)
def test_what_is_exported_is_read_again(form: str):
    carry_out(plan(REFERENCES))
    StudyFactory.create(
        doi="10.5555/odd_one", pmid="31275544", kind="preprint", year=2020, month=2, day=29,
        title="50% of {braces} & pain #1_a ~ 5$ \\ H₂O", journal="medRxiv",
        authors="van der Berg, Jan\nKing, Martin L., Jr.\nRECOVER Consortium\net al.",
        pages="e12", volume="3", issue="Suppl 1",
    )  # fmt: skip
    studies = list(Study.objects.order_by("pk"))
    text = FORMATS[form][0](studies)
    Study.objects.all().delete()
    carry_out(plan(text))
    again = list(Study.objects.order_by("pk"))
    # RIS holds one address, which is the DOI's where there is one.
    fields = [name for name in FIELDS if form != "ris" or name != "url"]
    for before, after in zip(studies, again, strict=True):
        assert [values(after)[name] for name in fields] == [values(before)[name] for name in fields]


# What is here, what is new


def test_importing_it_twice_makes_nothing_new():
    carry_out(plan(REFERENCES))
    again = plan(REFERENCES)
    assert str(again) == "42 already in the library"
    assert carry_out(again) == []


def test_a_study_is_known_by_doi_pmid_or_title_and_year():
    StudyFactory.create(doi="10.5555/a", title="By DOI")
    StudyFactory.create(doi=None, pmid="7654321", title="By PMID")
    StudyFactory.create(doi="10.5555/b", title="By title: and  YEAR.", year=2019)
    assert (
        verdicts(
            """
        @article{a, title={Another title}, doi={https://doi.org/10.5555/A}}
        @article{b, title={Another one}, pmid={7654321}}
        @article{c, title={By Title and year}, year={2019}}
        @article{d, title={By title and year}, year={2020}}
        @article{e, title={By title: and year}, year={2019}, doi={10.5555/preprint}}
        """
        )
        == ["already in the library"] * 3 + ["new"] * 2
    )


def test_an_entry_that_stands_twice_is_made_once():
    text = "@article{a, title={One}, year={2019}}\n@article{b, title={One.}, year={2019}}"
    assert verdicts(text) == [Verdict.NEW, Verdict.TWICE]
    assert len(carry_out(plan(text))) == 1


def test_what_does_not_fit_is_named_with_its_field():
    (row,) = plan(f"@article{{a, title={{{'long ' * 150}}}}}").rows
    assert row.verdict == Verdict.UNREADABLE
    assert row.problem.startswith("Title: Ensure this value has at most 500")


def test_all_or_nothing(monkeypatch: pytest.MonkeyPatch):
    planned = plan("@article{a, title={One}}\n@article{b, title={Two}, doi={10.5555/b}}")
    StudyFactory.create(doi="10.5555/b")
    with pytest.raises(ValidationError):
        carry_out(planned)
    assert [study.doi for study in Study.objects.all()] == ["10.5555/b"]


# The file itself


@pytest.mark.parametrize(
    ("content", "title"),
    [
        ("@misc{a, title={Müde}}".encode(), "Müde"),
        ("\ufeff@misc{a, title={Müde}}".encode(), "Müde"),
        ("@misc{a, title={Müde}}".encode("utf-16"), "Müde"),
        ("@misc{a, title={Müde “so”}}".encode("cp1252"), "Müde “so”"),
        (b"@misc{a, title={M\xfcde \x81}}", "Müde"),
        (b"@misc{a,\r title={One}}\r", "One"),
    ],
)
def test_files_in_many_alphabets_are_read(content: bytes, title: str):
    (row,) = plan(decode(content)).rows
    assert row.study is not None
    assert row.study.title == title


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "empty"),
        (b"  \n ", "empty"),
        (b"PK\x03\x04\x00\x00", "no text file"),
        (b"\xff\xfea", "damaged"),
        (b"x" * (importing.MAX_BYTES + 1), "larger than 2 MB"),
        (b"title;year\nOne;2019", "neither BibTeX nor RIS nor CSL-JSON"),
        (b"[{]", "no JSON: .* in line 1"),
        (b"[]", "holds no entry"),
        (b"@comment{nothing}", "holds no entry"),
    ],
)
def test_a_file_that_is_none_is_refused_in_a_sentence(content: bytes, why: str):
    with pytest.raises(UnreadableFileError, match=why):
        plan(decode(content))


# The page

PAGE = "admin:research_study_import"


def upload(client: Client, content: str | bytes, name: str = "refs.bib") -> str:
    body = content if isinstance(content, bytes) else content.encode()
    file = SimpleUploadedFile(name, body)
    return client.post(reverse(PAGE), {"file": file}).content.decode()


def payload_in(page: str) -> str:
    found = re.search(r'name="payload" value="([^"]+)"', page)
    assert found
    return found[1]


def test_ada_sees_what_a_file_holds_before_anything_is_stored(ada_browses: Client):
    here = StudyFactory.create(doi="10.5555/here", title="Is here")
    page = upload(
        ada_browses,
        "@article{a, title={New <b>one</b>}, abstract={Long}}\n@article{b, doi={10.5555/here},"
        " title={Here}}\n@article{c, year={2000}}",
    )
    assert "refs.bib (BibTeX): 1 new, 1 already in the library, 1 cannot be read" in page
    assert "New &lt;b&gt;one&lt;/b&gt;" in page
    assert "abstract" in page
    assert reverse("admin:research_study_change", args=[here.pk]) in page
    assert "<strong>cannot be read</strong>: It has no title." in page
    assert "line 3" in page
    assert Study.objects.count() == 1


def test_the_button_imports_what_was_shown_and_a_second_press_nothing(ada_browses: Client):
    payload = payload_in(upload(ada_browses, REFERENCES))
    page = ada_browses.post(reverse(PAGE), {"payload": payload}, follow=True).content.decode()
    assert "42 studies imported." in page
    assert Study.objects.count() == 42
    page = ada_browses.post(reverse(PAGE), {"payload": payload}, follow=True).content.decode()
    assert "Nothing was imported: all of it is in the library already." in page
    assert Study.objects.count() == 42


def test_a_file_of_the_largest_size_passes_through_the_form(ada_browses: Client):
    entry = "@article{{k{0}, title={{A study of rest, number {0}}}, note={{{1}}}}}\n"
    text = "".join(entry.format(number, "ä" * 90_000) for number in range(11))
    assert 1_900_000 < len(text.encode()) < importing.MAX_BYTES
    payload = payload_in(upload(ada_browses, text))
    ada_browses.post(reverse(PAGE), {"payload": payload})
    assert Study.objects.count() == 11


@pytest.mark.parametrize("payload", ["", "forged", "a:b:c"])
def test_a_damaged_preview_imports_nothing(ada_browses: Client, payload: str):
    page = ada_browses.post(reverse(PAGE), {"payload": payload}, follow=True).content.decode()
    assert "The preview arrived damaged. Choose the file again." in page
    assert not Study.objects.exists()


def test_a_library_that_changed_meanwhile_imports_nothing(
    ada_browses: Client, monkeypatch: pytest.MonkeyPatch
):
    payload = payload_in(upload(ada_browses, "@article{a, title={One}}\n@article{b, title={Two}}"))

    def somebody_was_first(planned: Any) -> None:
        raise ValidationError("here already")

    monkeypatch.setattr("research.importing_views.carry_out", somebody_was_first)
    page = ada_browses.post(reverse(PAGE), {"payload": payload}, follow=True).content.decode()
    assert "so nothing was imported" in page


@pytest.mark.parametrize(
    ("content", "why"), [(b"", "This file is empty."), (b"\x00\x01", "This is no text file.")]
)
def test_a_bad_file_is_refused_on_its_field(ada_browses: Client, content: bytes, why: str):
    assert why in upload(ada_browses, content)


def test_no_file_is_asked_for(ada_browses: Client):
    assert "This field is required." in ada_browses.post(reverse(PAGE)).content.decode()


def test_a_file_with_nothing_new_has_no_button(ada_browses: Client):
    StudyFactory.create(doi="10.5555/a")
    page = upload(ada_browses, "@article{a, title={One}, doi={10.5555/a}}")
    assert "There is nothing to import." in page
    assert "payload" not in page


def test_looking_changes_nothing_and_strangers_see_nothing(ada_browses: Client, cleo: Client):
    assert ada_browses.get(reverse(PAGE)).status_code == 200
    assert cleo.get(reverse(PAGE)).status_code == 302
    assert cleo.post(reverse(PAGE), {"payload": "x"}).status_code == 302


def test_who_may_not_add_studies_imports_none(dara_browses: Client):
    assert dara_browses.get(reverse(PAGE)).status_code == 403
    assert dara_browses.post(reverse(PAGE), {"payload": "x"}).status_code == 403


def test_the_list_of_studies_leads_here(ada_browses: Client):
    page = ada_browses.get(reverse("admin:research_study_changelist")).content.decode()
    assert reverse(PAGE) in page


# The command


def run(*arguments: str) -> str:
    said = StringIO()
    call_command("import_studies", *arguments, stdout=said)
    return said.getvalue()


def test_the_command_imports_too():
    assert run(str(BIB), "--dry-run").endswith("42 new. Nothing was stored.\n")
    assert not Study.objects.exists()
    assert run(str(BIB)).endswith("42 new. Imported: 42.\n")
    assert run(str(BIB)).endswith("42 already in the library. Imported: 0.\n")


def test_the_command_names_what_it_cannot_read(tmp_path: Path):
    file = tmp_path / "a.bib"
    file.write_text("@article{a, year={2000}}\n@article{b, title={One}, isbn={1}}")
    said = run(str(file), "--dry-run")
    assert "line 1: cannot be read: It has no title.: a\n" in said
    assert "line 2: new: One (not kept: isbn)\n" in said


@pytest.mark.parametrize(("content", "why"), [(None, "No such file"), (b"", "This file is empty")])
def test_the_command_refuses_in_a_sentence(tmp_path: Path, content: bytes | None, why: str):
    file = tmp_path / "a.bib"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(CommandError, match=why):
        run(str(file))
