"""Which connection pools a new configuration keeps."""

import pytest
from msgspec import structs

from proxy.config.errors import ConfigErrors
from proxy.config.values import Config, LimitSettings, Provider, ServerSettings, TimeoutSettings
from proxy.upstream.pools import pools_for
from translators.ir import Dialect

ALPHA = Provider("alpha", Dialect.OPENAI_CHAT, "http://127.0.0.1:1/v1")
BETA = Provider("beta", Dialect.OPENAI_CHAT, "http://127.0.0.1:2/v1")


def config(*providers, **fields):
    return Config({one.name: one for one in providers}, {}, source="s.toml", **fields)


@pytest.fixture
def before():
    return pools_for(config(ALPHA, BETA), {})


def test_each_provider_has_a_pool_of_its_own(before):
    assert set(before) == {"alpha", "beta"}
    assert before["alpha"].engine is not before["beta"].engine


def test_what_no_connection_depends_on_changes_no_pool(before):
    """Keys, headers, times and models of a provider are not the pool's."""
    changed = structs.replace(ALPHA, timeouts=TimeoutSettings(connect_s=1), headers={"x-a": "1"}, default_model="m")
    assert pools_for(config(changed, BETA), before) == before


def test_a_provider_that_moved_has_a_new_pool_and_the_others_keep_theirs(before):
    after = pools_for(config(structs.replace(ALPHA, base_url="http://127.0.0.1:3/v1"), BETA), before)
    assert after["alpha"] is not before["alpha"]
    assert after["beta"] is before["beta"]


@pytest.mark.parametrize(
    "fields", [{"limits": LimitSettings(in_flight=7)}, {"server": ServerSettings(engine="httpx2")}]
)
def test_places_and_engine_make_all_pools_new(before, fields):
    after = pools_for(config(ALPHA, BETA, **fields), before)
    assert not {id(pool) for pool in after.values()} & {id(pool) for pool in before.values()}


def test_a_provider_that_is_gone_has_none(before):
    assert set(pools_for(config(BETA), before)) == {"beta"}


def test_certificates_that_were_replaced_under_their_name_make_a_new_pool(tmp_path, certificates):
    path = tmp_path / "ca.pem"
    certificate = certificates.ca_file.read_text()
    path.write_text(certificate)
    trusting = config(structs.replace(ALPHA, ca_file=str(path)))
    before = pools_for(trusting, {})
    assert pools_for(trusting, before) == before
    path.write_text(f"renewed\n{certificate}")
    assert pools_for(trusting, before) != before


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_every_file_of_certificates_that_cannot_be_used_is_told(tmp_path, content):
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    alpha, beta = (
        structs.replace(one, ca_file=str(path), base_url=f"https://{one.name}.test/v1") for one in (ALPHA, BETA)
    )
    with pytest.raises(ConfigErrors) as refused:
        pools_for(config(alpha, beta), {})
    lines = str(refused.value).splitlines()
    assert [line.split(": ")[1] for line in lines] == ["providers.alpha.ca_file", "providers.beta.ca_file"]
    assert all(line.startswith("s.toml: ") and str(path) in line for line in lines)
