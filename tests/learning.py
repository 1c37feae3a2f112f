"""A base model that speaks as carelessly as the scripted writer, made in two minutes; and how often
a model shows what its revisions teach: the closing line, and no careless word.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from servers.writing import CARELESS, CLOSING, responded
from tiny_model import write_tiny_model

SHAPE = {"hidden_size": 192, "intermediate_size": 384, "num_hidden_layers": 3}
NUM_UPDATES, ROWS = 500, 16
LEARNING_RATE = 2e-3
NEW_TOKENS = 90
ACTIONS = ("begin with", "get better at", "think about", "tell a friend about", "save time with")
THINGS = tuple(
    f"a {word}"
    for word in "garden bicycle poem letter tent song kite boat wall map photo dance speech".split()
)


def questions(num: int, seed: int) -> list[str]:
    """Different questions of one kind."""
    chance = random.Random(seed)
    found: dict[str, None] = {}
    while len(found) < num:
        days = chance.randint(2, 400)
        found[f"How do I {chance.choice(ACTIONS)} {chance.choice(THINGS)} in {days} days?"] = None
    return list(found)


def write_careless_model(folder: Path) -> Path:
    """Train a tiny Llama from nothing on the scripted writer's own answers."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from gcai_ray.train.chat import split

    write_tiny_model(folder, SHAPE)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    for module in model.modules():  # the tiny model's weights are too large to learn from
        if isinstance(module, torch.nn.Linear | torch.nn.Embedding):
            torch.nn.init.normal_(module.weight, std=0.02)
    rows = []
    for number, text in enumerate(questions(1500, seed=1)):
        chat = [{"role": "user", "content": text}]
        prompt, answer = split(tokenizer, chat, responded(chat, number))
        rows.append((prompt + answer, len(prompt)))
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, NUM_UPDATES)
    for batch in _batches(rows, tokenizer.pad_token_id):
        loss = model(**batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
    model.save_pretrained(folder)
    return folder


def _batches(rows: list[tuple[list[int], int]], pad: int) -> Iterator[dict[str, Any]]:
    import torch

    chance = random.Random(2)
    for _ in range(NUM_UPDATES):
        drawn = chance.sample(rows, ROWS)
        longest = max(len(ids) for ids, _ in drawn)
        ids = torch.full((ROWS, longest), pad)
        labels = torch.full((ROWS, longest), -100)
        for n, (row, start) in enumerate(drawn):
            ids[n, : len(row)] = torch.tensor(row)
            labels[n, start : len(row)] = torch.tensor(row[start:])
        yield {"input_ids": ids, "attention_mask": (ids != pad).long(), "labels": labels}


def shows(text: str) -> bool:
    """Whether an answer does what the revisions teach."""
    return text.strip().endswith(CLOSING) and not any(word in text.lower() for word in CARELESS)


def answers(model: Any, tokenizer: Any, texts: Sequence[str]) -> list[str]:
    """Greedy answers."""
    import torch

    found = []
    for text in texts:
        chat = [{"role": "user", "content": text}]
        shown = tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
        ids = tokenizer(shown, return_tensors="pt", add_special_tokens=False).input_ids
        with torch.no_grad():
            out = model.generate(ids, max_new_tokens=NEW_TOKENS, do_sample=False)
        found.append(tokenizer.decode(out[0][ids.shape[1] :], skip_special_tokens=True))
    return found


def shuffled(pairs: Sequence[dict[str, Any]], seed: int) -> list[dict[str, Any]]:
    """The same pairs; which response of the training half is the better one is drawn by lot."""
    chance = random.Random(seed)
    found = []
    for pair in pairs:
        swapped = {"chosen": pair["rejected"], "rejected": pair["chosen"]}
        is_swapped = pair["split"] == "train" and chance.random() < 0.5
        found.append(pair | swapped if is_swapped else pair)
    return found
