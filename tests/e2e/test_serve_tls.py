"""The door behind a certificate in a file: who trusts it is answered, and nobody is without TLS."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path

import httpx
import openai
import pytest
from served import Served, tiny_settings

pytestmark = pytest.mark.long


@pytest.fixture
def certificate(tmp_path: Path) -> dict[str, str]:
    """A self-signed certificate of 127.0.0.1, and its key."""
    made = {"certificate": str(tmp_path / "cert.pem"), "key": str(tmp_path / "key.pem")}
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 "
    command += "-addext subjectAltName=IP:127.0.0.1"
    try:
        subprocess.run(
            [*command.split(), "-keyout", made["key"], "-out", made["certificate"]],
            check=True,
            capture_output=True,
        )
    except FileNotFoundError:
        pytest.skip("openssl is not installed")
    return made


def test_a_certificate_in_a_file_ends_tls_at_the_door(
    tiny_model: Path, tmp_path: Path, certificate: dict[str, str]
) -> None:
    pytest.importorskip("vllm")
    with Served(tmp_path, tiny_settings(tiny_model, tls=certificate)) as app:
        assert app.url.startswith("https://127.0.0.1:")
        known = ssl.create_default_context(cafile=certificate["certificate"])
        with httpx.Client(verify=known, timeout=120) as trusting:
            client = openai.OpenAI(base_url=app.url, api_key="none", http_client=trusting)
            turns = [{"role": "user", "content": "How do I begin with bread?"}]
            stream = client.chat.completions.create(
                model="tiny",
                messages=turns,  # type: ignore[arg-type]
                max_tokens=8,
                stream=True,
            )
            assert [chunk.choices[0].finish_reason for chunk in stream][-1] == "length"
        with pytest.raises(httpx.ConnectError, match="self-signed"):
            httpx.get(f"{app.url}/models")
        with pytest.raises(httpx.HTTPError):
            httpx.get(f"{app.url.replace('https', 'http')}/models")
