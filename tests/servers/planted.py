"""A number and a seed → a corpus of preferences and statements in which 12 principles are planted.

A person's chosen response has the feature the reason names, the rejected one lacks it; both have
other features at random. Noise is odd: no two people share it.
"""

from __future__ import annotations

import csv
import random
from pathlib import Path
from typing import Any

from servers.known import recognised, shows, spoken_of
from servers.planted_principles import CONTEXTUAL, GENERAL, PLANTED, Planted

__all__ = ["CONTEXTUAL", "GENERAL", "PLANTED", "Planted", "recognised", "shows", "spoken_of"]
__all__ += ["write_corpus"]

NUM_PEOPLE = 80
PREFERENCE_SHARE = 0.7
SECOND_GROUND_SHARE = 0.2  # of the reasons name a second planted principle
OTHER_FEATURE_SHARE = 0.25
GROUPS = {
    "region": ("Capital", "Highlands", "North Coast", "River Delta"),
    "role": ("teacher", "student", "nurse", "farmer", "shop owner"),
}
_TASKS = (
    "How do I {}?",
    "I would like to {}. What should I know?",
    "My neighbour wants to {}. Any advice?",
    "Explain to a beginner how to {}.",
)
_TOPICS = (
    "repair a bicycle chain|bake rye bread|keep bees|paint a ceiling|learn the violin|"
    "grow tomatoes|write a cover letter|train for a marathon|clean a chimney|build a bookshelf|"
    "brew beer|choose a bank account|raise a puppy|fix a leaking tap|organise a street party|"
    "plan a trip by train|save for a house|sleep better|teach a child to read|start a choir|"
    "restore an old chair|prepare for an exam|cook for forty people|change a car tyre|"
    "sew a winter coat|insulate an attic|run a small newspaper|collect rainwater"
).split("|")
_BODY = (
    "To {}, set aside enough time and gather what you need beforehand.",
    "Most people who {} find that the beginning is the hardest part.",
    "The weather, the season and the tools at hand all play a role when you {}.",
    "It helps to talk to somebody in your area who has done it before.",
    "Good material costs more at first and lasts much longer in the end.",
    "Keep notes while you {}, since they will be useful the next time.",
)
_LEAD_INS = ("", "", "", "I went with this one because ", "For me it was clear: ")
_FILLERS = (
    "Both read well otherwise.",
    "That settled it.",
    "I read them twice.",
    "An easy choice for me.",
    "Apart from that they are alike.",
    "My sister would have picked the same.",
)
_WISHES = ("", "", "", "I think that ", "As I see it, ", "In my family we agree: ")
_ODD_REASONS = (
    "It reminded me of my {who}'s {thing}.",
    "I had {food} for lunch and this one matched my mood.",
    "The word {thing} made me smile.",
    "My {who} would have laughed about the {thing}.",
    "The {animal} next door was loud and I took the left one.",
    "It sounds like a song about a {animal} and a {thing}.",
    "I always pick the one that makes me think of {food}.",
    "Every {day} I choose whatever my {animal} sits on.",
)
_ODD_STATEMENTS = (
    "My {who} once had a {thing} that could talk.",
    "Computers ought to smell of {food}.",
    "On a {day} it could play music for my {animal}.",
    "I would like one in the shape of a {thing}.",
    "My {who} collects pictures of a {animal} with {food}.",
    "Nothing beats {food} on a {day}.",
    "It can borrow my {thing} when my {who} is away.",
)
_ODD_WORDS = {
    "who": "uncle aunt grandfather dentist landlord cousin godmother hairdresser coach tailor",
    "thing": "trumpet sailing-boat wheelbarrow parasol telescope bagpipe lantern typewriter "
    "hammock carousel teapot sledge kite lawnmower submarine xylophone wardrobe scarecrow",
    "food": "herring pancakes liquorice porridge artichokes gingerbread radishes marzipan "
    "dumplings sauerkraut mangoes rhubarb",
    "animal": "donkey parrot hedgehog goose camel weasel tortoise walrus magpie ferret llama newt",
    "day": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
}


def write_corpus(
    directory: Path | str, num_annotations: int = 400, noise: float = 0.0, seed: int = 0
) -> dict[str, Any]:
    """Write `preferences.csv` (70 %) and `statements.csv` (30 %) of about 80 people.

    `noise`: share of the annotations that say something odd and choose at random. Returns
    `{"sources": [...]}`, a part of a configuration of gcai_ray.
    """
    drawn = random.Random(f"{seed}:{num_annotations}:{noise}")
    people = [
        {"annotator": f"p{n:02}", **{name: drawn.choice(of) for name, of in GROUPS.items()}}
        for n in range(NUM_PEOPLE)
    ]
    num_preferences = round(num_annotations * PREFERENCE_SHARE)
    preferences = [
        _preference(drawn, planted)
        for planted in _spread(drawn, CONTEXTUAL, num_preferences, noise)
    ]
    statements = [
        {"statement": _statement(drawn, planted)}
        for planted in _spread(drawn, GENERAL, num_annotations - num_preferences, noise)
    ]
    folder = Path(directory)
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / "preferences.csv", _signed(drawn, "pref", people, preferences))
    _write(folder / "statements.csv", _signed(drawn, "stat", people, statements))
    return {"sources": _sources(folder)}


def _spread(
    drawn: random.Random, planted: tuple[Planted, ...], num: int, noise: float
) -> list[Planted | None]:
    """Each principle about as often as any other, `None` for noise, shuffled."""
    num_noise = round(num * noise)
    rows: list[Planted | None] = [planted[n % len(planted)] for n in range(num - num_noise)]
    rows += [None] * num_noise
    drawn.shuffle(rows)
    return rows


def _preference(drawn: random.Random, planted: Planted | None) -> dict[str, str]:
    named = [planted] if planted else []
    if planted and drawn.random() < SECOND_GROUND_SHARE:
        named.append(drawn.choice([other for other in CONTEXTUAL if other != planted]))
    topic = drawn.choice(_TOPICS)
    chosen = _response(drawn, topic, named, [])
    rejected = _response(drawn, topic, [], named)
    first_is_chosen = drawn.random() < 0.5
    answers = (chosen, rejected) if first_is_chosen else (rejected, chosen)
    return {
        "prompt": drawn.choice(_TASKS).format(topic),
        "answer_1": answers[0],
        "answer_2": answers[1],
        "preferred": "Answer 1" if first_is_chosen else "Answer 2",
        "reason": _reason(drawn, named),
    }


def _response(
    drawn: random.Random, topic: str, wanted: list[Planted], unwanted: list[Planted]
) -> str:
    """A response that shows every wanted feature, no unwanted one, and others at random."""
    shown = [
        planted
        for planted in CONTEXTUAL
        if planted in wanted or (planted not in unwanted and drawn.random() < OTHER_FEATURE_SHARE)
    ]
    is_concise = any(planted.key == "concise" for planted in shown)
    body = drawn.sample(_BODY, 1 if is_concise else 3)
    sentences = [sentence.format(topic) for sentence in body]
    sentences += [drawn.choice(planted.markers) for planted in shown]
    drawn.shuffle(sentences)
    return " ".join(sentences)


def _reason(drawn: random.Random, named: list[Planted]) -> str:
    if not named:
        return _odd(drawn, _ODD_REASONS)
    sentences = [_led_in(drawn, _LEAD_INS, drawn.choice(planted.reasons)) for planted in named]
    if drawn.random() < 0.4:
        sentences.insert(drawn.randrange(len(sentences) + 1), drawn.choice(_FILLERS))
    return " ".join(sentences)


def _statement(drawn: random.Random, planted: Planted | None) -> str:
    if planted is None:
        return _odd(drawn, _ODD_STATEMENTS)
    return _led_in(drawn, _WISHES, drawn.choice(planted.reasons))


def _led_in(drawn: random.Random, lead_ins: tuple[str, ...], sentence: str) -> str:
    lead_in = drawn.choice(lead_ins)
    if not lead_in or sentence.startswith(("I ", "AI ")):
        return lead_in + sentence
    return lead_in + sentence[0].lower() + sentence[1:]


def _odd(drawn: random.Random, templates: tuple[str, ...]) -> str:
    words = {name: drawn.choice(of.split()) for name, of in _ODD_WORDS.items()}
    return drawn.choice(templates).format(**words)


def _signed(
    drawn: random.Random, prefix: str, people: list[dict[str, str]], rows: list[dict[str, str]]
) -> list[dict[str, str]]:
    """The rows, each with an id and a person."""
    return [
        {"id": f"{prefix}-{n:05}", **drawn.choice(people), **row} for n, row in enumerate(rows, 1)
    ]


def _write(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _sources(folder: Path) -> list[dict[str, Any]]:
    shared = {"annotator": "annotator", "id": "id", "groups": list(GROUPS)}
    preferences = {"prompt": "prompt", "response_a": "answer_1", "response_b": "answer_2"}
    preferences |= {"preferred": "preferred", "reason": "reason"}
    values = {"Answer 1": "a", "Answer 2": "b", "Tie": "tie"}
    head = {"format": "tabular", "people": "planted"}
    return [
        {
            "name": "planted_preferences",
            **head,
            "path": str(folder / "preferences.csv"),
            "preferences": {**preferences, "values": values, **shared},
        },
        {
            "name": "planted_statements",
            **head,
            "path": str(folder / "statements.csv"),
            "statements": {"text": "statement", **shared},
        },
    ]
