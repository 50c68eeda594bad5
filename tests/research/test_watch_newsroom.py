"""Editors see what the watch found, with the texts it touches, and say that they dealt with it."""

from datetime import date, timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from articles.models import PageReference
from fibrosite.templatetags import newsroom
from research.models import Notice, Study
from tests.factories import NOON, ArticleFactory, PageFactory, StudyFactory

pytestmark = pytest.mark.django_db


def noticed(**fields: object) -> Notice:
    study = StudyFactory.create(title="Rest & <b>effort</b>", status="retracted")
    return Notice.objects.create(
        study=study, **{"kind": "retraction", "dated_on": date(2026, 3, 1), **fields}
    )


def desk(browser: Client) -> str:
    html = browser.get("/admin/").content.decode()
    return html[html.index('<section class="desk"') : html.index("</section>")]


def test_the_desk_names_the_study_and_each_text_that_cites_it(ada_browses: Client):
    notice = noticed(from_retraction_watch=True)
    draft = ArticleFactory.create(title="A <i>draft</i>", state="draft", studies=[notice.study])
    page = PageFactory.create(title="What rest does")
    PageReference.objects.create(page=page, study=notice.study)
    ArticleFactory.create(title="About something else")
    html = desk(ada_browses)
    assert "Rest &amp; &lt;b&gt;effort&lt;/b&gt;</a>, 1 March 2026 (Retraction Watch)" in html
    assert (
        f'<a href="/admin/articles/article/{draft.pk}/change/">A &lt;i&gt;draft&lt;/i&gt;</a>'
        in html
    )
    assert f'<a href="/admin/articles/page/{page.pk}/change/">What rest does</a>' in html
    assert "About something else" not in html


def test_the_gravest_comes_first_and_the_desk_stays_short(
    ada_browses: Client, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(newsroom, "NOTICES_SHOWN", 2)
    for kind in ("correction", "retraction", "concern"):
        noticed(kind=kind)
    html = desk(ada_browses)
    assert html.index("<strong>Retraction</strong>") < html.index("<strong>Expression of concern")
    assert "<strong>Correction</strong>" not in html
    assert '?settled=no">1 more notice about studies</a>' in html


def test_the_desk_asks_as_often_for_ten_notices_as_for_one(ada_browses: Client):
    def questions() -> int:
        with CaptureQueriesContext(connection) as asked:
            desk(ada_browses)
        return len(asked)

    ArticleFactory.create(studies=[noticed().study])
    one = questions()
    for _ in range(9):
        ArticleFactory.create(studies=[noticed().study])
    assert questions() == one


def test_ada_deals_with_a_notice_and_it_is_written_down(ada_browses: Client, ada: User):
    notice = noticed()
    response = ada_browses.post(f"/admin/research/notice/{notice.pk}/settle/", follow=True)
    assert "1 notice dealt with." in response.content.decode()
    assert "effort" not in desk(ada_browses)
    notice.refresh_from_db()
    assert notice.settled_by == ada
    assert notice.settled_at
    assert notice.stands


def test_who_dealt_with_it_first_stays_written(ada_browses: Client):
    before = User.objects.create_user("eli")
    notice = noticed(settled_at=NOON, settled_by=before)
    response = ada_browses.post(f"/admin/research/notice/{notice.pk}/settle/", follow=True)
    assert "Nothing has changed" in response.content.decode()
    notice.refresh_from_db()
    assert (notice.settled_at, notice.settled_by) == (NOON, before)


def test_a_link_alone_settles_nothing(ada_browses: Client):
    notice = noticed()
    assert ada_browses.get(f"/admin/research/notice/{notice.pk}/settle/").status_code == 405
    assert not Notice.objects.filter(settled_at__isnull=False).exists()


def test_who_is_no_editor_settles_nothing(cleo: Client):
    notice = noticed()
    path = f"/admin/research/notice/{notice.pk}/settle/"
    assert cleo.post(path).status_code == 302
    cleo.force_login(User.objects.create_user("eli", is_staff=True))
    assert cleo.post(path).status_code == 403
    assert not Notice.objects.filter(settled_at__isnull=False).exists()


def test_who_may_only_look_settles_nothing(dara_browses: Client):
    notice = noticed()
    assert dara_browses.post(f"/admin/research/notice/{notice.pk}/settle/").status_code == 403
    for action in ("deal_with", "set_aside"):
        data = {"action": action, "_selected_action": [notice.pk]}
        dara_browses.post("/admin/research/notice/", data)
    notice.refresh_from_db()
    assert (notice.settled_at, notice.stands) == (None, True)


def test_ada_sets_a_notice_aside_and_readers_see_it_no_longer(ada_browses: Client):
    notice = noticed()
    page = notice.study.get_absolute_url()
    action = {"action": "set_aside", "_selected_action": [notice.pk]}
    assert "This study was retracted." in ada_browses.get(page).content.decode()
    ada_browses.post("/admin/research/notice/", action)
    assert "This study was retracted." not in ada_browses.get(page).content.decode()
    assert desk(ada_browses).count("<form") == 0
    ada_browses.post("/admin/research/notice/", {**action, "action": "let_stand"})
    assert "This study was retracted." in ada_browses.get(page).content.decode()


def test_one_notice_set_aside_leaves_the_others_in_the_banner(ada_browses: Client):
    notice = noticed()
    Notice.objects.create(study=notice.study, kind="correction")
    action = {"action": "set_aside", "_selected_action": [notice.pk]}
    ada_browses.post("/admin/research/notice/", action)
    html = ada_browses.get(notice.study.get_absolute_url()).content.decode()
    assert "This study was corrected." in html
    assert "Retraction of" not in html


def test_what_a_notice_says_is_not_for_editors_to_change(ada_browses: Client):
    notice = noticed(doi="10.5555/n")
    path = f"/admin/research/notice/{notice.pk}/change/"
    html = ada_browses.get(path).content.decode()
    assert '<a href="https://doi.org/10.5555/n">' in html
    assert 'value="Save' not in html
    ada_browses.post(path, {"kind": "correction", "doi": "10.5555/other", "stands": ""})
    notice.refresh_from_db()
    assert (notice.kind, notice.doi, notice.stands) == ("retraction", "10.5555/n", True)
    assert ada_browses.get("/admin/research/notice/add/").status_code == 403
    assert ada_browses.get(path.replace("change", "delete")).status_code == 403


@pytest.mark.parametrize(("settled", "number"), [("no", 1), ("yes", 2), ("", 3)])
def test_the_list_shows_what_waits(ada_browses: Client, settled: str, number: int):
    for settled_at in (None, NOON, NOON + timedelta(days=1)):
        noticed(settled_at=settled_at)
    page = ada_browses.get("/admin/research/notice/", {"settled": settled})
    assert page.context["cl"].result_count == number


@pytest.mark.parametrize("kind", ["notice", "study"])
def test_the_lists_ask_as_often_for_ten_rows_as_for_one(ada_browses: Client, ada: User, kind: str):
    def questions() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert ada_browses.get(f"/admin/research/{kind}/").status_code == 200
        return len(asked)

    noticed(settled_at=NOON, settled_by=ada)
    one = questions()
    for _ in range(9):
        noticed(settled_at=NOON, settled_by=ada)
    assert questions() == one


def test_a_study_without_texts_is_named_all_the_same(ada_browses: Client):
    noticed()
    assert "No text cites it." in desk(ada_browses)
    assert Study.objects.get().articles.count() == 0
