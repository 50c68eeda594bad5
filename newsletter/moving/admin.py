"""Moving lists in the newsroom: for operators, not for editors."""

from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.shortcuts import get_object_or_404, render
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from fibrosite.lib.queueing import enqueue
from newsletter.admin.base import ReadOnlyAdmin
from newsletter.models import ImportRun, Subscriber, Suppression
from newsletter.moving import exporting, files, importing, reporting
from newsletter.moving.formats import name_of
from newsletter.moving.forms import AttestForm, ColumnsForm, FileForm
from newsletter.moving.reading import UnreadableFileError, lines
from newsletter.moving.verdicts import Verdict
from newsletter.tasks import move_lists

IMPORT = "newsletter.import_subscribers"
EXPORT = "newsletter.export_subscribers"
ROWS_A_PAGE = 100
SAMPLE_ROWS = 3

State = ImportRun.State
View = Callable[..., HttpResponseBase]


def _only_with(permission: str) -> Callable[[View], View]:
    """A view for those who have this permission."""

    def guarded(view: View) -> View:
        @wraps(view)
        def check(self: Any, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.has_perm(permission):
                raise PermissionDenied
            return view(self, request, *args, **kwargs)

        return check

    return guarded


@admin.register(ImportRun)
class ImportRunAdmin(ReadOnlyAdmin):
    """Lists that came or are on their way in, and the way out for our own."""

    list_display = ["file_name", "program", "state", "rows", "made_at", "made_by"]
    list_filter = ["state"]
    list_select_related = ["made_by"]
    change_list_template = "admin/newsletter/moving/change_list.html"

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm(IMPORT) or request.user.has_perm(EXPORT)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    @admin.display(description="from")
    def program(self, run: ImportRun) -> str:
        return name_of(run.file_format)

    @admin.display(description="rows")
    def rows(self, run: ImportRun) -> str:
        counts = run.counts.get("imported") or run.counts.get("checked")
        return importing.in_words(counts) if counts else ""

    def get_urls(self) -> list[URLPattern]:
        def named(route: str, view: View, name: str) -> URLPattern:
            return path(route, self.admin_site.admin_view(view), name=f"newsletter_moving_{name}")

        return [
            named("import/", self.import_view, "import"),
            named("export/", self.export_view, "export"),
            named("<int:pk>/columns/", self.columns_view, "columns"),
            named("<int:pk>/attest/", self.attest_view, "attest"),
            named("<int:pk>/give-up/", self.give_up_view, "give_up"),
            named("<int:pk>/report/", self.report_view, "report"),
            *super().get_urls(),
        ]

    # A list comes in

    @_only_with(IMPORT)
    def import_view(self, request: HttpRequest) -> HttpResponse:
        """GET asks for a file; POST keeps it and has it looked through."""
        is_post = request.method == "POST"
        form = FileForm(request.POST, request.FILES) if is_post else FileForm()
        if form.is_valid():
            file = form.cleaned_data["file"]
            by: Any = request.user
            try:
                run = importing.begin(file.chunks(), name=file.name, by=by, now=timezone.now())
            except UnreadableFileError as error:
                form.add_error("file", str(error))
            else:
                enqueue(move_lists)
                return _to_run(run)
        return self._page(request, "import", title="Import a list", form=form)

    @_only_with(IMPORT)
    def columns_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """POST says which column of an unknown file is what."""
        run = get_object_or_404(ImportRun, pk=pk)
        if run.state != State.COLUMNS or request.method != "POST":
            return _to_run(run)
        layout = importing.layout_of(run)
        form = ColumnsForm(layout, request.POST)
        if not form.is_valid():
            return self._run_page(request, run, form=form)
        importing.name_columns(run, form.columns(), day_first=form.cleaned_data["day_first"])
        enqueue(move_lists)
        return _to_run(run)

    @_only_with(IMPORT)
    def attest_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """POST stores the attestation and starts the import."""
        run = get_object_or_404(ImportRun, pk=pk)
        if run.state != State.CHECKED or request.method != "POST":
            return _to_run(run)
        form = AttestForm(request.POST)
        if not form.is_valid():
            return self._run_page(request, run, form=form)
        words = form.words(request.user.get_username())
        if importing.attest(run, words, with_topics=form.cleaned_data["with_topics"]):
            self.log_change(request, run, "Attested the consent and started the import.")
            enqueue(move_lists)
        return _to_run(run)

    @_only_with(IMPORT)
    def give_up_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """POST forgets a list that is not being imported, its file included."""
        run = get_object_or_404(ImportRun, pk=pk)
        if request.method != "POST":
            return _to_run(run)
        if importing.give_up(run):
            text = f"“{run.file_name}” and what was read of it are deleted. Nothing was imported."
            self.message_user(request, text, messages.SUCCESS)
            return HttpResponseRedirect(reverse("admin:newsletter_importrun_changelist"))
        text = "This list is being imported or is in already, so it was not deleted."
        self.message_user(request, text, messages.ERROR)
        return _to_run(run)

    @_only_with(IMPORT)
    def report_view(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """What the dry run says of each row, as a file."""
        run = get_object_or_404(ImportRun, pk=pk)
        report = files.report_of(run)
        if not run.path or not report.exists():
            raise Http404
        name = f"rows-of-import-{run.pk}.csv"
        return FileResponse(
            report.open("rb"), as_attachment=True, filename=name, content_type="text/csv"
        )

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Where a list stands, and the next step; it changes nothing."""
        if not request.user.has_perm(IMPORT):
            raise PermissionDenied
        if not object_id.isdecimal():
            raise Http404
        return self._run_page(request, get_object_or_404(ImportRun, pk=int(object_id)))

    def _run_page(self, request: HttpRequest, run: ImportRun, *, form: Any = None) -> HttpResponse:
        parts: dict[str, Callable[[], dict[str, Any]]] = {
            State.COLUMNS: lambda: _columns_part(run, form),
            State.CHECKED: lambda: _checked_part(request, run, form),
            State.RUNNING: lambda: _running_part(run),
        }
        part = parts.get(run.state, dict)()
        return self._page(
            request,
            "run",
            title=run.file_name,
            run=run,
            program=name_of(run.file_format),
            counts=_counts(run),
            total=sum(run.counts.get("checked", {}).values()),
            waits=run.state in (State.CHECKING, State.RUNNING),
            is_here=files.is_here(run),
            **part,
        )

    def _page(self, request: HttpRequest, template: str, **context: Any) -> HttpResponse:
        return render(
            request,
            f"admin/newsletter/moving/{template}.html",
            {**self.admin_site.each_context(request), "opts": self.opts, **context},
        )

    # Our own list goes out

    @_only_with(EXPORT)
    def export_view(self, request: HttpRequest) -> HttpResponseBase:
        """GET says what the files hold; POST hands one over, and writes down who took it."""
        if request.method != "POST":
            return self._page(
                request,
                "export",
                title="Export the list",
                subscribers=Subscriber.objects.count(),
                suppressions=Suppression.objects.count(),
            )
        if request.POST.get("what") == "suppressions":
            return _hand_over(request, Suppression, exporting.suppressions())
        return _hand_over(request, Subscriber, exporting.subscribers())


def _to_run(run: ImportRun) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("admin:newsletter_importrun_change", args=[run.pk]))


def _counts(run: ImportRun) -> list[tuple[Verdict, int, int]]:
    """Each verdict with the rows of the dry run and of the import."""
    checked, imported = (run.counts.get(name, {}) for name in ("checked", "imported"))
    rows = [(one, checked.get(one.name, 0), imported.get(one.name, 0)) for one in Verdict]
    return [row for row in rows if row[1] or row[2]]


def _columns_part(run: ImportRun, form: ColumnsForm | None) -> dict[str, Any]:
    layout = importing.layout_of(run)
    sample = []
    if files.is_here(run):
        found = lines(layout.sheet, files.list_of(run))
        sample = [line.cells for line, _ in zip(found, range(SAMPLE_ROWS), strict=False)]
    return {
        "form": form or ColumnsForm(layout),
        "headings": layout.sheet.headings,
        "sample": sample,
    }


def _checked_part(request: HttpRequest, run: ImportRun, form: AttestForm | None) -> dict[str, Any]:
    verdict = request.GET.get("verdict", "")
    verdict = verdict if verdict in Verdict.__members__ else ""
    number = request.GET.get("p", "")
    start = int(number) * ROWS_A_PAGE if number.isdecimal() and len(number) < 6 else 0
    wanted = Verdict[verdict].value if verdict else ""
    report = files.report_of(run)
    found: list[list[str]] = []
    if run.path and report.exists():
        found = reporting.page(report, verdict=wanted, start=start, size=ROWS_A_PAGE + 1)
    return {
        "form": form or AttestForm(),
        "found": found[:ROWS_A_PAGE],
        "verdict": verdict,
        "chosen": wanted,
        "next": start // ROWS_A_PAGE + 1 if len(found) > ROWS_A_PAGE else None,
        "previous": start // ROWS_A_PAGE - 1 if start else None,
        "to_do": sum(run.counts["checked"].get(name, 0) for name in ("NEW", "OUT")),
    }


def _running_part(run: ImportRun) -> dict[str, Any]:
    length = 2 * (run.counts["last_row"] + 1)
    return {"length": length, "percent": 100 * run.position // length}


def _hand_over(
    request: HttpRequest, model: type[Subscriber | Suppression], content: Iterator[str]
) -> StreamingHttpResponse:
    name = str(model._meta.verbose_name_plural)
    by: Any = request.user
    LogEntry.objects.create(
        user=by,
        content_type=ContentType.objects.get_for_model(model),
        object_repr=f"All {name}",
        action_flag=CHANGE,
        change_message=f"Exported all {name} ({model._default_manager.count():,}).",
    )
    response = StreamingHttpResponse(content, content_type="text/csv; charset=utf-8")
    day = timezone.localdate()
    response["Content-Disposition"] = f'attachment; filename="{name}-{day:%Y-%m-%d}.csv"'
    return response
