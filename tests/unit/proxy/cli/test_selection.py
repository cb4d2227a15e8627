"""Who chooses models, as people are told."""

from proxy.cli.selection import chosen_lines, described, lines
from proxy.config.selection import Experiment, Levels, Selection, Strategy, Task
from proxy.routing.explain import Chosen

BALANCED = Strategy(
    "balanced",
    Levels("fast", "large", "strong"),
    {"letters": Levels("a/m", "a/m", "a/m")},
    {"search": "docs"},
    "fast",
    50_000_000,
)
SELECTION = Selection(
    "balanced",
    tasks={"letters": Task("letters"), "maths": Task("maths", 0.1, 0.2, -0.5)},
    strategies={"balanced": BALANCED},
    experiments={"newer": Experiment("newer", (("large", 6670), ("strong", 3330)), "large")},
)


def test_all_of_it_is_told():
    assert list(lines(described(SELECTION))) == [
        "\nselection  balanced",
        "  task letters: simple below 0.3, complex from 0.7",
        "  task maths: simple below 0.1, complex from 0.2, hint -0.5",
        "  strategy balanced: simple fast, standard large, complex strong, then fast, at most 0.05 USD",
        "    letters: a/m",
        "    vectors search: docs",
        "  experiment newer: of requests for large large 66.7%, strong 33.3%",
    ]


def test_what_is_not_there_is_told_plainly():
    split = Experiment("rollout", (("a", 5000), ("b", 5000)))
    told = list(lines(described(Selection(track=False, experiments={"rollout": split}))))
    assert told == [
        "\nselection  none, auto is not served; how models do is not kept",
        "  experiment rollout: of requests for auto a 50%, b 50%",
    ]


def test_a_choice_is_told_with_what_made_the_request_look_how_complex():
    chosen = Chosen("m", "because", score=0.35, level="standard", parts={"length": 0.114, "code": 0.2})
    assert list(chosen_lines(chosen)) == ["  because", "  complexity 0.35 (standard): length 0.11, code 0.20"]
    assert list(chosen_lines(Chosen("m", "because", score=0.0, level="simple")))[1].endswith("nothing counts")
    assert list(chosen_lines(Chosen("m", "because"))) == ["  because"]
