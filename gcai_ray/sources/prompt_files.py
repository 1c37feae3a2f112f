"""Files of prompts → the turns of each, as they stand in the file, or the fault that kept a row
from being read. Does not check what the turns mean: that is `stages.prompts`.
"""

from __future__ import annotations

from collections.abc import Iterator

from gcai_ray.sources.files import matching_files
from gcai_ray.sources.hh_rlhf import shared_prompt
from gcai_ray.sources.json_lines import Record, is_fault, read_known_records
from gcai_ray.sources.raw import Fault
from gcai_ray.sources.records import UnreadableError, objects, required_text
from gcai_ray.sources.tabular import read_columns
from gcai_ray.training_config import HhPrompts, MessagesPrompts, PromptSource, TabularPrompts

Turns = list[dict[str, str]]
Read = tuple[int, Turns | None, Fault | None]  # 1-based row; turns, or a fault
SPEAKERS = {"Human": "user", "Assistant": "assistant"}


def prompt_files(source: PromptSource) -> list[str]:
    """The files of a source, sorted; raises InputError when one is missing or empty."""
    return matching_files(source.path, source.name)


def read_prompts(source: PromptSource, path: str) -> Iterator[Read]:
    """Every row of one file, in its order.

    Raises:
        InputError: the file cannot be read at all, or lacks the column or key.
    """
    if isinstance(source, TabularPrompts):
        yield from _of_table(source, path)
        return
    wanted = [source.key] if isinstance(source, MessagesPrompts) else ["chosen", "rejected"]
    for number, record in read_known_records(path, wanted):
        if is_fault(record):
            yield number, None, record  # type: ignore[misc]
            continue
        try:
            yield number, _turns(source, record), None
        except UnreadableError as error:
            yield number, None, error.fault


def _of_table(source: TabularPrompts, path: str) -> Iterator[Read]:
    columns = {"prompt": source.prompt}
    for table in read_columns(path, "preferences", columns, delimiter=source.delimiter):
        rows = zip(
            *(table[name].to_pylist() for name in ("source_row", "prompt", "fault")), strict=True
        )
        for number, text, fault in rows:
            yield _of_cell(number, text, fault)


def _of_cell(number: int, text: bytes | None, fault: Fault | None) -> Read:
    if fault is not None:
        return number, None, fault
    try:
        content = (text or b"").decode("utf-8")
    except UnicodeDecodeError:
        error = UnreadableError("prompt", text, "not valid UTF-8; save the file as UTF-8")
        return number, None, error.fault
    return number, [{"role": "user", "content": content}], None


def _turns(source: HhPrompts | MessagesPrompts, record: Record) -> Turns:
    if isinstance(source, HhPrompts):
        prompt, _, _ = shared_prompt(record)
        return hh_turns(prompt)
    return [_turn(source.key, turn) for turn in objects(record, source.key)]


def _turn(key: str, turn: Record) -> dict[str, str]:
    missing = {"role", "content"} - set(turn)
    if missing:
        raise UnreadableError(key, turn, f"a message without `{min(missing)}`")
    return {name: required_text(turn, name) for name in ("role", "content")}


def hh_turns(transcript: str) -> Turns:
    """The turns of an HH-RLHF transcript. What stands before the first name is part of no turn.

    >>> hh_turns("Human: Hi.\\n\\nAssistant: Yes?\\n\\nHuman: Bye.")[-1]
    {'role': 'user', 'content': 'Bye.'}
    """
    turns: Turns = []
    for line in f"\n\n{transcript.strip()}".split("\n\n"):
        name, colon, said = line.partition(":")
        if colon and name in SPEAKERS:
            turns.append({"role": SPEAKERS[name], "content": said.strip()})
        elif turns:
            turns[-1]["content"] += f"\n\n{line}"
    return turns
