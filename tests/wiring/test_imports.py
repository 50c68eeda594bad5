"""Who may import whom. Another arrow means that code lives in the wrong place."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
APPS = {"articles", "donations", "newsletter", "research"}
LIB = "fibrosite.lib"
WIRING = "fibrosite"
ARROWS = {
    WIRING: APPS,
    "newsletter": {"articles"},
    "articles": {"research"},
    "donations": set(),
    "research": set(),
    LIB: set(),
}


def part_of(module: str) -> str | None:
    """The part of the house that a module belongs to; None for what is not ours."""
    if module == LIB or module.startswith(f"{LIB}."):
        return LIB
    top = module.partition(".")[0]
    return top if top in APPS | {WIRING} else None


def imported_by(path: Path) -> Iterator[str]:
    """The modules that a file imports, at any depth, relative ones included."""
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            base = ".".join([*above, *([node.module] if node.module else [])])
            # `from fibrosite import lib` names a module, too.
            yield from (f"{base}.{alias.name}" for alias in node.names)


def files() -> list[Path]:
    return sorted(path for top in (*APPS, WIRING) for path in (ROOT / top).rglob("*.py"))


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


@pytest.mark.parametrize("path", files(), ids=name_of)
def test_a_module_imports_only_what_its_part_may(path: Path):
    part = part_of(name_of(path))
    assert part is not None
    targets = {part_of(module) for module in imported_by(path)} - {None, part}
    allowed = ARROWS[part] | ({LIB} if part != LIB else set())
    assert targets - allowed == set()


def test_the_walk_sees_every_part_of_the_house():
    assert {part_of(name_of(path)) for path in files()} == set(ARROWS)


def test_every_folder_of_code_is_known_here():
    code = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert code - {"tests", "benchmarks"} == APPS | {WIRING}


@pytest.mark.parametrize(
    ("code", "modules"),
    [
        ("import newsletter.models", ["newsletter.models"]),
        ("from fibrosite import lib", ["fibrosite.lib"]),
        ("from fibrosite.lib.money import format_money", ["fibrosite.lib.money.format_money"]),
        ("from . import models", ["articles.models"]),
        ("from ..donations import ledger", ["donations.ledger"]),
        ("def f():\n    if True:\n        import donations", ["donations"]),
    ],
)
def test_the_walk_sees_every_form_of_import(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, modules: list[str]
):
    monkeypatch.setitem(imported_by.__globals__, "ROOT", tmp_path)
    path = tmp_path / "articles" / "views.py"
    path.parent.mkdir()
    path.write_text(code)
    assert list(imported_by(path)) == modules
