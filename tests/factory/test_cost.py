"""What a build costs is counted where it arises, told in dollars, and kept below the recipe's limit."""

import json
from pathlib import Path
from typing import Any

import pytest

from factory.build import build
from factory.cost import Purse, usd_of
from factory.errors import BudgetError
from factory.ledger import Spent
from factory.models.served import PriceConfig
from factory.progress import Silent
from factory.report import write_report
from factory.status import read_status, status_text
from tests.factory.fakes import FakeRecipe, fake_recipe, fill


def recipe(folder: Path, **rest: Any) -> FakeRecipe:
    stages = [{"kind": "say", "micro_usd": 250_000}, {"kind": "find"}, {"kind": "write"}]
    return fake_recipe(fill(folder / "images", 10), folder / "out", stages, **rest)


def run(made: FakeRecipe) -> dict[str, Any]:
    return build(made, Path("recipe.yaml"), Silent()).summary


def test_tokens_and_hours_have_their_price() -> None:
    price = PriceConfig(input=2.0, output=8.0, cached_input=0.5)
    assert price.micro_usd(1000, 100, 400) == 600 * 2 + 400 * 0.5 + 100 * 8
    assert PriceConfig(input=2.0).micro_usd(1000, 100, 400) == 2000
    assert usd_of(Spent(1, 1800.0, 1800.0, {"micro_usd": 500_000}), 3.0) == pytest.approx(3.5)


def test_the_cost_stands_in_summary_status_card_and_report(tmp_path: Path) -> None:
    summary = run(recipe(tmp_path))
    assert (summary["usd"], summary["usd_per_accepted"]) == (2.5, 0.25)
    assert summary["stages"]["say"]["prefix_hit_rate"] == 0.75
    assert "micro_usd" not in json.dumps(summary)
    status = read_status(tmp_path / "out")
    assert status.usd == 2.5 and "2.5000 US dollars" in status_text(status)
    card = (tmp_path / "out" / "README.md").read_text()
    assert "2.50 US dollars" in card and "| say | 400 | 75 % | 0 |" in card
    page = write_report(tmp_path / "out", tmp_path / "report.html").read_text()
    assert "2.50 US dollars" in page and "75 %" in page


def test_without_prices_nothing_is_said_of_money(tmp_path: Path) -> None:
    run(fake_recipe(fill(tmp_path / "images", 4), tmp_path / "out"))
    assert "dollars" not in (tmp_path / "out" / "README.md").read_text()


def test_a_build_stops_when_its_budget_is_spent_and_goes_on_when_it_is_raised(tmp_path: Path) -> None:
    with pytest.raises(BudgetError, match=r"1\.00 of max_usd = 0\.9 dollars"):
        run(recipe(tmp_path, max_usd=0.9))
    with pytest.raises(BudgetError):
        run(recipe(tmp_path, max_usd=0.9))
    assert read_status(tmp_path / "out").usd == 1.0  # a shard of four, and nothing since
    assert run(recipe(tmp_path, max_usd=9.0))["usd"] == 2.5


def test_a_finished_build_needs_no_budget(tmp_path: Path) -> None:
    run(recipe(tmp_path))
    assert run(recipe(tmp_path, max_usd=0.01))["accepted"] == 10


def test_a_purse_without_a_limit_is_never_empty() -> None:
    purse = Purse(None, 1.0)
    purse.pay(Spent(1, 3600.0))
    purse.check()
    assert not purse.is_empty
