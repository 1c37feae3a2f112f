"""Messages of one of our questions → the reply of a competent annotator who follows rules.

It knows the planted principles and answers from their keywords; it does not know which rows were
planted. A question it does not know gets something of the right shape.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any

import orjson

from servers.known import KNOWN_CONTEXTUAL, recognised, shows, spoken_of
from servers.planted_principles import CONTEXTUAL, Planted
from servers.writing import criticised, responded, rewritten

ODD_SHARE = 0.5  # of the sentences without a planted principle get an odd one
MAX_PRINCIPLES = 3
MAX_CITED = 8
# Planted principles this annotator holds for contradictory, and when.
OPPOSED = {
    frozenset({"concise", "step_by_step"}): "somebody in a hurry asks how to do a long task",
    frozenset({"polite", "tell_truth"}): "somebody shows a poor piece of work and asks for praise",
}
_LINE = re.compile(r"^\[(\d+)\] ?(.*)$", re.MULTILINE)
_WORD = re.compile(r"[a-z]{4,}")
_STOPWORDS = set(
    "that this with from have what when where which would could should they them their there than "
    "then into just like more most some such very were will your about after always before choose "
    "response chosen rejected answer person people mentions talks talk speak words".split()
)
_ODD = {
    "contextual": ("mentions the {}", "brings up the {} of the person", "is about a {}"),
    "general": ("have something to do with the {}", "think of the {}", "look after every {}"),
}


def reply(messages: list[dict[str, Any]], reply_schema: dict[str, Any] | None, seed: int) -> str:
    """The text of the reply: the same for the same arguments.

    `messages`: `role` and `content` (text) each; `reply_schema`: as sent along, if it was.
    """
    answer = _rules().get(messages[0]["content"]) if messages else None
    content = str(messages[-1]["content"]) if messages else ""
    if answer is not None and len(messages) > 1:
        found = answer(content, seed)
        return found if isinstance(found, str) else orjson.dumps(found).decode()
    if reply_schema is not None:
        return orjson.dumps(of_schema(reply_schema)).decode()
    return _icai_reply(content, seed) or responded(messages, seed)


@cache
def _rules() -> dict[str, Callable[[str, int], Any]]:
    """System message → the rule that answers it."""
    by_name = {
        "extract_contextual": lambda text, seed: _extracted(text, "reason", "contextual", seed),
        "extract_general": lambda text, seed: _extracted(text, "statement", "general", seed),
        "icai_extract": _explained,
        "summarise_cluster": _summarised,
        "vote": _voted,
        "judge": _judged,
        "ground": _grounded,
        "conflict": _conflicting,
        "critique": lambda text, seed: criticised(block(text, "response")),
        "revise": lambda text, seed: rewritten(block(text, "response")),
    }
    modules = {name: import_module(f"gcai_ray.prompts.{name}") for name in by_name}
    return {module.INSTRUCTIONS: by_name[name] for name, module in modules.items()}


def block(content: str, tag: str) -> str:
    """What stands between `<tag-nonce>` and `</tag-nonce>`; empty when it is not there."""
    start = content.find(f"<{tag}-")
    if start < 0:
        return ""
    opened = content.find(">", start)
    end = content.find(f"</{content[start + 1 : opened]}>", opened)
    return content[opened + 2 : end - 1]


def lines(content: str, tag: str) -> dict[int, str]:
    """The numbered lines of a block."""
    return {int(number): text for number, text in _LINE.findall(block(content, tag))}


def draw(num: int, *key: object) -> int:
    """A number below `num` that follows from the key."""
    digest = hashlib.blake2b(repr(key).encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest) % num


def _extracted(content: str, tag: str, kind: str, seed: int) -> dict[str, Any]:
    cited: dict[str, list[int]] = {}
    for number, sentence in lines(content, tag).items():
        for wording in _wordings(sentence, kind, seed):
            cited.setdefault(wording, []).append(number)
    most = list(cited.items())[:MAX_PRINCIPLES]
    return {"principles": [{"principle": p, "sentences": n[:MAX_CITED]} for p, n in most]}


def _wordings(sentence: str, kind: str, seed: int) -> list[str]:
    """How this annotator would word what a sentence says: in words drawn for the sentence."""
    found = spoken_of(sentence, kind)
    if found:
        return [_worded(planted, seed, sentence) for planted in found]
    return _odd(sentence, kind, seed)


def _worded(planted: Planted, seed: int, text: str) -> str:
    wordings = (planted.canonical, *planted.paraphrases)
    return wordings[draw(len(wordings), seed, text, planted.key)]


def _odd(sentence: str, kind: str, seed: int) -> list[str]:
    """A principle nobody else would state, now and then."""
    words = sorted(_words(sentence), key=lambda word: (-len(word), word))
    if not words or draw(100, seed, sentence) >= ODD_SHARE * 100:
        return []
    templates = _ODD[kind]
    return [templates[draw(len(templates), seed, words)].format(" and the ".join(words[:2]))]


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.lower())) - _STOPWORDS


def _explained(content: str, seed: int) -> dict[str, Any]:
    """What the preferred response shows and the other does not."""
    sides = ("A", "B") if "The person preferred response_A" in content else ("B", "A")
    chosen, rejected = (block(content, f"response_{side}") for side in sides)
    found = [p for p in KNOWN_CONTEXTUAL if shows(chosen, p) and not shows(rejected, p)]
    return {"principles": [{"principle": _worded(p, seed, chosen)} for p in found[:MAX_PRINCIPLES]]}


def _summarised(content: str, seed: int) -> dict[str, Any]:
    """The planted principle most members speak of, else the shortest member."""
    kind = "general" if '"The AI should ..."' in content else "contextual"
    members = lines(content, "members")
    meant = {number: recognised(text, kind) for number, text in members.items()}
    counted = Counter(planted for planted in meant.values() if planted is not None)
    if counted:
        planted = max(counted, key=lambda of: (counted[of], of.key))
        covers = [number for number, of in meant.items() if of == planted]
        return {"principle": planted.canonical, "covers": covers}
    number, text = min(members.items(), key=lambda item: (len(item[1]), item[0]))
    covers = [n for n, other in members.items() if n == number or _words(other) & _words(text)]
    return {"principle": text, "covers": covers}


def _voted(content: str, seed: int) -> dict[str, str]:
    responses = block(content, "response_A"), block(content, "response_B")
    principles = lines(content, "principles")
    if not any(shows(response, p) for response in responses for p in KNOWN_CONTEXTUAL):
        return {str(n): _nearer(text, responses) for n, text in principles.items()}
    return {str(number): _vote(recognised(text), responses) for number, text in principles.items()}


def _nearer(text: str, responses: tuple[str, str]) -> str:
    """On a pair without any planted feature: the response that says more of the principle's words,
    else the longer one.
    """
    first, second = ((len(_words(text) & _words(r)), len(r)) for r in responses)
    return "both" if first == second else "A" if first > second else "B"


def _vote(planted: Planted | None, responses: tuple[str, str]) -> str:
    if planted is None:
        return "neither"
    shown = shows(responses[0], planted), shows(responses[1], planted)
    return {(True, False): "A", (False, True): "B", (True, True): "both"}.get(shown, "neither")


def _judged(content: str, seed: int) -> dict[str, str]:
    """The response that shows more of the constitution's planted principles, else the longer one,
    else the first: a slight bias to what stands first.
    """
    texts = lines(content, "principles").values()
    wanted = {planted for planted in map(recognised, texts) if planted is not None}
    responses = block(content, "response_A"), block(content, "response_B")
    first, second = ((sum(shows(text, p) for p in wanted), len(text)) for text in responses)
    return {"choice": "A" if first >= second else "B"}


def _grounded(content: str, seed: int) -> dict[str, str]:
    """Yes where the quote speaks of the planted principle; to an odd one, where they share a
    word.
    """
    [quote], [principle] = (lines(content, tag).values() for tag in ("statement", "principles"))
    planted = recognised(principle)
    states = planted in spoken_of(quote) if planted else bool(_words(quote) & _words(principle))
    return {"answer": "yes" if states else "no"}


def _conflicting(content: str, seed: int) -> dict[str, str]:
    duo = frozenset(p.key for p in map(recognised, lines(content, "principles").values()) if p)
    situation = OPPOSED.get(duo)
    return {"conflict": "yes" if situation else "no", "situation": situation or "none"}


def of_schema(schema: dict[str, Any]) -> Any:
    """A value of the shape a JSON Schema asks for (no patterns, no references)."""
    if "enum" in schema or "const" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    for union in ("anyOf", "oneOf"):
        if union in schema:
            return of_schema(schema[union][0])
    if schema.get("type") == "object":
        properties = schema.get("properties", {})
        return {name: of_schema(properties[name]) for name in schema.get("required", properties)}
    if schema.get("type") == "array":
        return [of_schema(schema.get("items", {}))] * schema.get("minItems", 1)
    plain = {"integer": schema.get("minimum", 1), "number": schema.get("minimum", 0.5)}
    plain |= {"boolean": True, "null": None}
    return plain.get(schema.get("type", "string"), "helps the person with the request")


_RULE = re.compile(r"[{ ](\d+): ['\"]")


def _icai_reply(content: str, seed: int) -> str:
    """What the prompts of the package `inverse-cai` 0.4.8 ask for; empty for anything else."""
    for asked, answers in (
        ("check for each rule", "AB"),
        ("check whether each rule", (True, False)),
    ):
        if asked in content:
            rules = content.partition(asked)[2].partition("Answer in json")[0]
            drawn = {n: answers[draw(2, seed, content, n)] for n in _RULE.findall(rules)}
            return orjson.dumps(drawn).decode()
    if "rules that may explain the selection" in content:
        few = [CONTEXTUAL[draw(len(CONTEXTUAL), content, n)].canonical for n in range(2)]
        said = [f"Select the response that {principle}" for principle in few]
        return orjson.dumps({"principles": said}).decode()
    if "Is the prompt" in content:
        return '{"features": ["Is the prompt a request for advice?"]}'
    if content.startswith("Select the response that"):
        return content.splitlines()[0]
    return ""
