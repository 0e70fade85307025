"""The site of a repository that has lived: every number on it, from commits that tests know."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

from pipeline.adapters.git.plumbing import Git
from pipeline.manifest import RolloutSpec, parse_rollout
from pipeline.rollout_commands import Command, Verb
from scripts import build_dashboard
from tests.dom import Node, parse
from tests.repository import git
from tests.rollouts import MODEL
from tests.sites import DATA, HOLDOUT, HOUR, MINUTE, Site, lived

FORGE = "https://forge.example/flights"
PAGE = f"models/{MODEL}.html"
CHAMPION = f"rollouts/{MODEL}/champion.yaml"
B, C, D, E = (
    f"2013-04-09-{'b' * 12}",
    f"2013-05-05-{'c' * 12}",
    f"2013-06-01-{'d' * 12}",
    f"2013-06-29-{'e' * 12}",
)


@dataclass
class Built:
    """The repository, and its site as texts by path."""

    site: Site
    pages: dict[str, str]

    @cached_property
    def model(self) -> Node:
        return parse(self.pages[PAGE])

    def commit(self, subject: str) -> str:
        """The full id of the only commit whose subject begins so."""
        log = git(self.site.root, "log", "--format=%H %s", "--first-parent", "main").splitlines()
        (found,) = [line[:40] for line in log if line[41:].startswith(subject)]
        return found

    def spec(self, commit: str) -> RolloutSpec:
        text = git(self.site.root, "show", f"{commit}:rollouts/{MODEL}/rollout.yaml")
        return parse_rollout(text, "rollout.yaml")


def run(root: Path, *options: str) -> int:
    with contextlib.chdir(root):
        return build_dashboard.main(list(options))


def build(site: Site, output: Path, *options: str) -> dict[str, str]:
    moment = f"{site.now:%Y-%m-%dT%H:%M:%SZ}"
    assert run(site.root, "--output", str(output), "--at", moment, "--forge", FORGE, *options) == 0
    return {p.relative_to(output).as_posix(): p.read_text() for p in output.rglob("*.html")}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("site")
    (folder / "repo").mkdir()
    site = lived(folder / "repo")
    return Built(site, build(site, folder / "out"))


@pytest.fixture
def fresh(tmp_path: Path) -> Site:
    (tmp_path / "repo").mkdir()
    return Site(tmp_path / "repo")


def told(page: Node, name: str) -> tuple[str, str, str]:
    """Value, standing and n of a figure."""
    (card,) = [card for card in page.all("article") if card.one("h3").text == name]
    standing = card.one("p", "standing").all("span")[0]
    return card.one("p", "big").text, standing.text, card.one("p", "n").text.removeprefix("n ")


def facts(found: Node) -> dict[str, str]:
    pairs = zip(found.all("dt"), found.all("dd"), strict=True)
    return {label.text: value.text for label, value in pairs}


def section(page: Node, name: str) -> Node:
    (found,) = [s for s in page.all("section") if s.attrs["aria-labelledby"] == name]
    return found


# ---------------------------------------------------------------- every number


def test_the_champion_is_the_one_that_a_revert_brought_back(built: Built) -> None:
    found = section(built.model, "champion")
    commit = built.commit(f"{MODEL}: roll back {D}")
    evidence = built.spec(built.commit("Merge pull request #7")).evidence.digest
    assert found.one("p", "version").text == B
    assert facts(found) == {
        "Digest": f"sha256:{'b' * 12}",
        "Serves since": "2013-06-05 13:02 UTC",
        "Approved by": "Ada",
        "Because": f"rollout {B} of retrain flight-delay-0002, evidence {evidence[:19]}…",
        "Commit": commit[:12],
    }
    assert found.one("a").attrs["href"] == f"{FORGE}/commit/{commit}"


def test_what_rolls_out_now_says_its_stage_its_weight_and_what_is_next(built: Built) -> None:
    found = section(built.model, "rolling")
    assert found.one("p", "big").text == f"50 % to {E}"
    stages = [(s.attrs["class"], s.one("b").text) for s in found.all("li")]
    assert stages == [("done", "5 %"), ("now", "50 %"), ("next", "100 %")]
    assert facts(found) == {
        "Phase": "Progressing, stage 2 of 3",
        "Since": "2013-07-01 14:12 UTC: Stage 1 passed every criterion after 70 min.",
        "Next": "100 % of traffic, if every criterion passes: "
        "2013-07-01 15:12 UTC at the earliest.",
    }


def test_each_success_figure_has_its_value_its_goal_and_what_it_rests_on(built: Built) -> None:
    page = built.model
    minutes = (built.site.now - built.site.began) / MINUTE
    assert told(page, "Retrains a month") == ("1.3", "Goal met", "5 retrains in 119 days")
    assert told(page, "Mean improvement") == ("+0.0265", "Goal met", "2 promotions, in f1_weighted")
    assert told(page, "Rollout success") == ("33.3 %", "Goal missed", "1 of 3 rollouts")
    assert told(page, "Rollback time") == (
        "1 min 40 s",
        "Goal met",
        "2 of 2 rollbacks timed, 1 min 14 s at the median",
    )
    assert told(page, "Availability") == ("100 %", "Goal met", f"0 of {minutes:,.0f} min lost")
    assert [gap.text for gap in page.all("p", "gap")] == [
        "Not counted: 1 under way.",
        "What users saw is not in git: it holds no request and no outage between records.",
    ]
    assert all(len(card.one("details").text) > 100 for card in page.all("article"))


def test_every_rollout_is_in_the_table_the_most_recent_first(built: Built) -> None:
    rows = section(built.model, "rollouts").one("tbody").all("tr")
    assert [[cell.text for cell in (*row.all("th"), *row.all("td"))] for row in rows] == [
        [E, "2013-07-01 13:02", "Under way", "+0.0270", "–"],
        [D, "2013-06-03 09:02", "Rolled back", "+0.0120", "48 s"],
        [C, "2013-05-07 10:02", "Rolled back", "+0.0180", "1 min 40 s"],
        [B, "2013-04-11 11:02", "Completed", "+0.0410", "–"],
    ]


def test_the_lineage_leads_from_the_data_to_the_traffic(built: Built) -> None:
    steps = {step.one("h3").text: facts(step) for step in section(built.model, "lineage").all("li")}
    merge = built.commit("Merge pull request #7")
    spec = built.spec(merge)
    assert steps["Data"] == {
        "Known as of": "2013-04-09 11:00 UTC",
        "Data digest": DATA,
        "Holdout digest": HOLDOUT,
        "dvc.lock": git(built.site.root, "rev-parse", f"{merge}:dvc.lock").strip(),
    }
    assert steps["Reason"] == {
        "Retrain": "flight-delay-0002",
        "Data drift (high)": "dep_delay: PSI 0.31, the limit is 0.2",
    }
    assert steps["Model"] == {
        "Code": ("c0de" * 3),
        "Package": f"sha256:{'b' * 64}",
        "In DVC": f"{'b' * 32}.dir",
        "MLflow version": "7 (run run-7)",
        "Evidence": spec.evidence.digest,
    }
    assert steps["Approval"] == {
        "Pull request": "#7",
        "Approved by": "maria, ben",
        "Merged by": "Ada",
        "Merge": merge[:12],
    }
    commits = [
        built.commit(f"{MODEL}: {subject}")
        for subject in (f"5 % to {B}", f"50 % to {B}", f"100 % to {B}")
    ]
    traffic = list(steps["Traffic"].values())
    assert [said.partition(" ·")[0] for said in traffic] == [
        "5 %", "50 %", "100 %", "100 %, as the champion", "100 %, settled in",
    ]  # fmt: skip
    assert [said[-12:] for said in traffic[:3]] == [commit[:12] for commit in commits]


def test_the_timeline_tells_all_kinds_of_things_the_most_recent_first(built: Built) -> None:
    found = section(built.model, "timeline").all("li")
    lines = [line for line in found if line.all("time")]
    times = [line.one("time").text for line in lines]
    assert times == sorted(times, reverse=True)
    assert {line.attrs["class"] for line in lines} == {
        "trigger", "retrain", "rollout", "rollback", "champion",
    }  # fmt: skip
    titles = [line.one("b").text for line in lines]
    assert titles[:3] == [f"50 % to {E}", f"5 % to {E}", f"{E} is merged by pull request #15"]
    assert titles[-1] == f"{'a' * 12} is made champion by Ada"
    for title in (f"{C} is rolled back", f"{D} is rolled back", f"{B} has settled in"):
        assert titles.count(title) == 1
    assert titles.count("flight-delay-0001 lost") == 1


def test_the_picture_has_a_mark_for_each_of_them_and_says_so_in_words(built: Built) -> None:
    name = f"{MODEL}-track"
    (track,) = [
        d for d in built.model.all("svg") if d.attrs.get("aria-labelledby", "")[:18] == name
    ]
    assert track.one("desc").text == (
        "5 triggers, 5 retrains and 4 rollouts, of which 2 were rolled back: the list below tells."
    )
    assert len(track.all("circle")) == 5
    bars = [bar.one("title").text for bar in track.all("rect")]
    assert sum(bar.startswith("flight-delay-000") for bar in bars) == 5
    assert [bar for bar in bars if C in bar] == [f"{C}: 5 %", f"{C}: 50 %"]
    assert sum(" since " in bar for bar in bars) == 4  # champions: a, b, d, and b again


def test_the_overview_says_the_same_and_leads_to_the_page(built: Built) -> None:
    page = parse(built.pages["index.html"])
    card = section(page, f"model-{MODEL}")
    assert card.one("h2").one("a").attrs["href"] == PAGE
    assert card.one("p", "state").text == "A rollout is under way, at 50 % of traffic."
    assert [value.text for value in card.all("b")] == [
        "1.3", "+0.0265", "33.3 %", "1 min 40 s", "100 %",
    ]  # fmt: skip
    tips = [built.commit(f"{MODEL}: 50 % to {E}")[:12]]
    tips.append(git(built.site.root, "rev-parse", "perennial/ledger")[:12])
    assert [code.text for code in page.one("footer").all("code")][:2] == tips


# ---------------------------------------------------------------- what is not known


def test_a_repository_without_a_past_claims_nothing(fresh: Site, tmp_path: Path) -> None:
    fresh.commit("Start", {CHAMPION: "# No model serves yet.\n"})
    fresh.now += HOUR
    page = parse(build(fresh, tmp_path / "out")[PAGE])
    assert page.one("p", "state").text == "No champion yet: a person approves the first one."
    names = [card.one("h3").text for card in page.all("article")]
    assert len(names) == 5
    assert {told(page, name)[:2] for name in names} == {("not known", "No verdict")}


def test_a_champion_of_a_person_alone_has_no_figure_but_its_time(
    fresh: Site, tmp_path: Path
) -> None:
    fresh.begin()
    fresh.now += 10 * HOUR
    page = parse(build(fresh, tmp_path / "out")[PAGE])
    assert told(page, "Availability") == ("100 %", "Goal met", "0 of 600 min lost")
    assert told(page, "Retrains a month")[2] == "no trigger ledger in this history"
    assert told(page, "Mean improvement") == ("not known", "No verdict", "0 promotions")
    assert told(page, "Rollout success") == ("not known", "No verdict", "0 of 0 rollouts")
    assert told(page, "Rollback time") == ("not known", "No verdict", "0 of 0 rollbacks timed")
    lineage = section(page, "lineage")
    assert facts(lineage)["Rollout"] == "none: a person put it there"
    assert facts(lineage)["MLflow version"] == "not in git"


def test_time_without_a_champion_is_taken_off(fresh: Site, tmp_path: Path) -> None:
    fresh.begin()
    fresh.now += 8 * HOUR
    for bent in ("digest: nonsense\n", None):
        gone = fresh.commit("Oops", {CHAMPION: bent, "kept": bent or "x"})
        fresh.now += 15 * MINUTE
        fresh.revert(gone)
    fresh.now += 90 * MINUTE
    page = parse(build(fresh, tmp_path / "out")[PAGE])
    assert told(page, "Availability") == ("95.0 %", "Goal missed", "30 of 600 min lost")
    titles = [line.text for line in section(page, "timeline").all("b")]
    assert "No champion" in titles


def test_an_abort_is_timed_by_the_clock_of_git(fresh: Site, tmp_path: Path) -> None:
    fresh.begin()
    fresh.merge(fresh.spec("c", "by-hand"), 3)
    fresh.reconcile()
    fresh.now += 7 * MINUTE
    fresh.tell(Command(Verb.ABORT, fresh.state().spec.version))
    fresh.now += MINUTE / 2
    fresh.reconcile()
    page = parse(build(fresh, tmp_path / "out")[PAGE])
    assert told(page, "Rollback time") == ("30 s", "Goal met", "1 of 1 rollback timed")
    assert told(page, "Rollout success") == ("0.0 %", "Goal missed", "0 of 1 rollout")


def test_a_file_that_cannot_be_read_is_said_and_spoils_no_other_figure(
    fresh: Site, tmp_path: Path
) -> None:
    fresh.begin()
    fresh.commit("Bend", {f"rollouts/{MODEL}/status/0001-stage-1.yaml": "sequence: {{\n"})
    fresh.now += HOUR
    page = parse(build(fresh, tmp_path / "out")[PAGE])
    assert page.one("p", "state").text == "Something in git cannot be read: see below."
    assert "status/0001-stage-1.yaml" in section(page, "faults").text
    assert told(page, "Availability")[0] == "100 %"


# ---------------------------------------------------------------- hostile, cut off, again, long


def test_what_others_wrote_is_shown_and_never_obeyed(fresh: Site, tmp_path: Path) -> None:
    evil = "</style><script>alert(1)</script><img src=x onerror=alert(2)>\u202e"
    fresh.begin()
    path = fresh.root / CHAMPION
    bent = path.read_text().replace("reason: the first", f'reason: "{evil}"')
    assert bent != path.read_text()
    fresh.commit("Bend", {CHAMPION: bent.replace("a" * 64, "b" * 64)})
    fresh.commit("Hide", {"rollouts/../rollouts/X Y/champion.yaml": "x\n"})
    pages = build(fresh, tmp_path / "out")
    assert sorted(pages) == ["index.html", PAGE]  # a folder that can name no model has no page
    page = parse(pages[PAGE])
    assert not page.all("script")
    assert not page.all("img")
    assert "<script>alert(1)</script>" in facts(section(page, "champion"))["Because"]
    assert "\u202e" not in pages[PAGE]


def test_the_same_history_and_moment_give_the_same_bytes(built: Built, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", str(built.site.root), str(clone))
    again = Site.__new__(Site)
    again.root, again.now = clone, built.site.now
    assert build(again, tmp_path / "out") == built.pages


def test_a_shallow_clone_is_refused_with_what_to_do(
    built: Built, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    origin = f"file://{built.site.root}"
    git(tmp_path, "clone", "--quiet", "--depth=1", origin, "shallow")
    assert run(tmp_path / "shallow", "--output", "out") == 3
    said = capsys.readouterr().err
    assert "shallow" in said
    assert "fetch-depth: 0" in said
    assert not (tmp_path / "shallow" / "out").exists()


@pytest.mark.parametrize(
    ("option", "value", "code"),
    [("--forge", "javascript:alert(1)", 2), ("--ref", "nowhere", 3), ("--at", "soon", 2)],
)
def test_a_bad_option_is_refused_and_nothing_is_written(
    built: Built, tmp_path: Path, option: str, value: str, code: int
) -> None:
    assert run(built.site.root, "--output", str(tmp_path / "out"), option, value) == code
    assert not (tmp_path / "out").exists()


def test_a_ledger_that_is_no_json_is_told_with_its_way_back(
    fresh: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fresh.begin()
    blob = fresh.repository.beside("x")[0].write_blob(b"{")
    git_of = fresh.repository.beside("x")[0]
    commit = git_of.write_commit(git_of.write_tree(None, {"ledger.json": blob}), [], "Bend")
    git(fresh.root, "update-ref", "refs/heads/perennial/ledger", commit)
    assert run(fresh.root, "--output", str(tmp_path / "out")) == 3
    assert "ledger.json on perennial/ledger: not JSON" in capsys.readouterr().err


def test_configuration_that_cannot_be_read_leaves_the_goal_unset(
    fresh: Site, tmp_path: Path
) -> None:
    fresh.begin()
    fresh.commit("Bend", {"configs/triggers.yaml": "nonsense: [\n"})
    page = parse(build(fresh, tmp_path / "out")[PAGE])
    assert told(page, "Retrains a month")[:2] == ("not known", "No verdict")
    (card,) = [c for c in page.all("article") if c.one("h3").text == "Retrains a month"]
    assert "none is set" in card.one("p", "standing").text


def test_the_forge_is_known_from_the_job_and_nowhere_else() -> None:
    job = {"GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "a/b"}
    assert build_dashboard.forge_of(job) == "https://github.com/a/b"
    assert build_dashboard.forge_of({"GITHUB_REPOSITORY": "a/b"}) == ""


def test_a_champion_of_another_model_and_a_broken_manifest_are_said(
    fresh: Site, tmp_path: Path
) -> None:
    fresh.begin()
    text = (fresh.root / CHAMPION).read_text()
    fresh.commit("Move", {CHAMPION: text.replace(f"model: {MODEL}", "model: other")})
    fresh.commit("Bend", {f"rollouts/{MODEL}/rollout.yaml": "x" * 300_000})
    faults = section(parse(build(fresh, tmp_path / "out")[PAGE]), "faults").all("li")
    assert [fault.text for fault in faults] == [
        "champion.yaml: it is of another model, 'other'",
        "rollout.yaml: expected a small file",
    ]


def test_hundreds_of_records_take_no_more_processes_than_a_few(
    built: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = Site.__new__(Site)
    long.root, long.now = tmp_path / "long", built.site.now
    shutil.copytree(built.site.root, long.root)
    feed = "".join(_more_records(built, 400))
    git_import = ["git", "fast-import", "--quiet"]
    subprocess.run(git_import, cwd=long.root, input=feed, text=True, check=True)
    started, run_git = [], Git.run

    def counted(self: Git, *arguments: str, **options: object):
        started.append(arguments[0])
        return run_git(self, *arguments, **options)

    monkeypatch.setattr(Git, "run", counted)
    pages = build(long, tmp_path / "out", "--ref", "refs/heads/long")
    assert len(started) < 20
    timeline = section(parse(pages[PAGE]), "timeline")
    assert "more are in git" in timeline.all("summary")[-1].text
    assert len(timeline.all("time")) == 300


def _more_records(built: Built, count: int):
    """Commits that each add one record after the newest, as git fast-import reads them."""
    folder = f"rollouts/{MODEL}/status"
    newest = git(built.site.root, "ls-tree", "--name-only", "main", f"{folder}/").split()[-1]
    text = git(built.site.root, "show", f"main:{newest}")
    first = int(newest.rpartition("/")[2][:4])
    for i in range(first + 1, first + 1 + count):
        record = text.replace(f"sequence: {first}\n", f"sequence: {i}\n")
        record = record.replace("kind: stage\n", "kind: held\n")
        begins = f"from {built.commit(f'{MODEL}: 50 % to {E}')}\n" if i == first + 1 else ""
        yield (
            f"commit refs/heads/long\ncommitter perennial <p@localhost> {1372689600 + i} +0000\n"
            f"data 6\nLook.\n\n{begins}M 100644 inline {folder}/{i:04}-held.yaml\n"
            f"data {len(record.encode())}\n{record}\n"
        )
