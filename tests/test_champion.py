from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.champion import (
    Champion,
    champion_path,
    load_champion,
    parse_champion,
    render_champion,
)
from pipeline.errors import ConfigurationError

DIGEST, OTHER = "sha256:" + "a" * 64, "sha256:" + "b" * 64
CHAMPION = Champion(
    model="flight-delay",
    digest=DIGEST,
    package_md5="c" * 32 + ".dir",
    as_of=datetime(2013, 7, 2, tzinfo=UTC),
    approved_by="alice",
    reason="f1_weighted 0.591 → 0.693: better on every airport",
    previous=OTHER,
)


def test_a_champion_reads_the_way_people_wrote_it_down():
    assert render_champion(CHAMPION) == (
        "# Which model serves. Only pull requests change this file.\n"
        "schema: 1\n"
        "model: flight-delay\n"
        f"digest: {DIGEST}\n"
        f"package_md5: {'c' * 32}.dir\n"
        "as_of: '2013-07-02T00:00:00Z'\n"
        "approved_by: alice\n"
        "reason: 'f1_weighted 0.591 → 0.693: better on every airport'\n"
        f"previous: {OTHER}\n"
    )


TEXT = st.text(min_size=1, max_size=80)


@settings(deadline=None)  # a busy machine is no fault
@given(
    st.builds(
        Champion,
        model=st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True),
        digest=st.just(DIGEST),
        package_md5=st.from_regex(r"[0-9a-f]{32}\.dir", fullmatch=True),
        as_of=st.datetimes(timezones=st.just(UTC)),
        approved_by=TEXT,
        reason=TEXT,
        previous=st.sampled_from([None, OTHER]),
    )
)
def test_what_is_rendered_parses_to_the_same_champion(champion):
    assert parse_champion(render_champion(champion), "here") == champion


def test_no_file_means_no_champion_yet(tmp_path):
    assert load_champion(tmp_path, "flight-delay") is None


def test_a_champion_loads_from_its_models_folder(tmp_path):
    save(tmp_path, CHAMPION)
    assert load_champion(tmp_path, "flight-delay") == CHAMPION


def test_a_champion_of_another_model_is_refused(tmp_path):
    path = save(tmp_path, CHAMPION)
    path.write_text(path.read_text().replace("model: flight-delay", "model: other"))
    with pytest.raises(ConfigurationError, match="found 'other', expected 'flight-delay'"):
        load_champion(tmp_path, "flight-delay")


def save(root, champion):
    path = champion_path(root, champion.model)
    path.parent.mkdir(parents=True)
    path.write_text(render_champion(champion))
    return path


def test_every_fault_is_named_at_once():
    text = "schema: 2\nmodel: Flight Delay\ndigest: abc\npackage_md5: x\napprovedby: me\n"
    with pytest.raises(ConfigurationError) as error:
        parse_champion(text, "champion.yaml")
    faults = " ".join(error.value.faults)
    for name in ("schema", "model", "digest", "package_md5", "as_of", "approved_by", "reason"):
        assert f"{name}: " in faults
    assert "approvedby: unknown key; did you mean 'approved_by'?" in faults


@pytest.mark.parametrize(
    ("find", "put"),
    [
        (DIGEST, DIGEST.upper()),
        (DIGEST, DIGEST + "\\n"),
        (".dir", ""),
        ("approved_by: alice", "approved_by: ''"),
        ("approved_by: alice", "approved_by: [alice]"),
        (OTHER, DIGEST),
        ("schema: 1", "schema: 1\nschema: 1"),
    ],
)
def test_a_champion_that_is_not_exact_is_refused(find, put):
    with pytest.raises(ConfigurationError):
        parse_champion(render_champion(CHAMPION).replace(find, put), "champion.yaml")
