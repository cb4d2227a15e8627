"""What the file says of money and rates, section by section."""

import pytest

from proxy.config.errors import ConfigErrors
from proxy.config.load import load

BASE = (
    '[providers.openai]\nvendor = "openai"\n[models."*"]\nchain = ["openai/*"]\n[models.cheap]\nchain = ["openai/x"]\n'
)
KEYS = {"OPENAI_API_KEY": "k-1", "XDG_STATE_HOME": "/state"}
BUDGET = '[[budgets]]\nname = "b"\nunit = "usd"\namount = 5\nwindow = "day"\n'


def spending(tmp_path, text):
    path = tmp_path / "config.toml"
    path.write_text(BASE + text)
    return load(str(path), KEYS).config.spending


def test_a_budget_needs_a_place_where_it_is_kept(tmp_path):
    assert spending(tmp_path, "").ledger.url == ""
    assert spending(tmp_path, BUDGET).ledger.url == "sqlite:////state/sidestep/ledger.db"


def test_a_budget_may_give_way_to_a_model_of_the_file(tmp_path):
    told = f'{BUDGET}when_spent = "downgrade"\ndowngrade_to = "cheap"\n'
    assert spending(tmp_path, told).budgets[0].downgrade_to == "cheap"


def test_a_budgets_model_is_whatever_serves_and_a_rates_model_is_asked_for(tmp_path):
    assert spending(tmp_path, f'{BUDGET}scope = {{model = "gpt-9"}}\n').budgets[0].scope == {"model": "gpt-9"}
    with pytest.raises(ConfigErrors, match="provider"):
        spending(tmp_path, f'{BUDGET}scope = {{provider = "azure"}}\n')


def test_one_request_may_cost_so_much_at_most_and_what_passes_through_has_a_fee(tmp_path):
    found = spending(tmp_path, "[limits]\nmax_cost_per_request_usd = 0.5\n[passthrough]\nfee_usd = 0.001\n")
    assert (found.max_cost_per_request, found.passthrough_fee) == (500_000_000, 1_000_000)
