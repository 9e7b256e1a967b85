import stat
import sysconfig
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rlm_indexers.history.redact import Redactor, key_in

KEY = b"k" * 32
B62 = "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dF3hJ5kL7nP9rS1uV3xY5zA7cD9fG1iJ3lM5oP7qR9tU1wX3"
UPPER = "A2B3C4D5E6F7G2H3I4J5K6L7M2N3O4P5Q6R7S2T3U4V5W6X7Y2Z3A4B5C6D7"
BODY = "\n".join(B62[i : i + 40] + "+/" + B62[:22] for i in range(0, 24, 3))

# Invented, of the shapes their issuers document; put together here so that no scanner takes this file for a leak.
SECRETS = {
    "anthropic": "sk-ant-" + "api03-" + B62[:60] + "-AA",
    "openai": "sk-" + "proj-" + B62[:48],
    "openai legacy": "sk-" + B62[:48],
    "github": "gh" + "p_" + B62[:36],
    "github fine-grained": "github_" + "pat_" + B62[:22] + "_" + B62[:59],
    "gitlab": "gl" + "pat-" + B62[:20],
    "npm": "np" + "m_" + B62[:36],
    "pypi": "py" + "pi-AgEIcHlwaS5vcmc" + B62[:60],
    "huggingface": "h" + "f_" + B62[:34],
    "google": "AI" + "za" + B62[:35],
    "sendgrid": "S" + "G." + B62[:22] + "." + B62[:43],
    "azure": B62[:3] + "8Q" + "~" + B62[:34],
    "age": "AGE-SECRET-" + "KEY-1" + UPPER[:58],
    "aws": "AK" + "IA" + UPPER[:16],
    "slack": "xo" + "xb-123456789012-1234567890123-" + B62[:24],
    "jwt": "ey" + "J" + B62[:20] + ".ey" + "J" + B62[:40] + "." + B62[:43],
    "stripe": "sk_" + "live_" + B62[:24],
}
PLACES = {
    "json password": ('{"user": "ada", "password": "', "hunter2!x", '"}'),
    "lower case password": ('"password": "', "swordfish", '"'),
    "json inside json": ('\\"api_key\\": \\"', B62[:24], '\\"'),
    "aws secret": ("aws_secret_access_key = '", B62[:40], "'"),
    "environment": ("export DB_PASSWORD=", "s3cr3t-pw", ""),
    "azure connection": ("DefaultEndpointsProtocol=https;AccountKey=", B62[:60] + "==", ";EndpointSuffix=x"),
    "url": ("postgres://ada:", "pw4all", "@db.example.org/x"),
    "bearer": ("Authorization: Bearer ", B62[:30], ""),
    "basic": ("authorization: Basic ", "YWRhOnNlY3JldDE=", ""),
    "npmrc": ("//registry.example.org/:_authToken=", B62[:30], ""),
    "yaml": ("  db_password: ", "s3cr3t-pw9", ""),
    "flag": ("mysql --password=", "s3cr3t-pw", " -h x"),
}
PEM = {
    "whole": f"-----BEGIN RSA PRIVATE KEY-----\n{BODY}\n-----END RSA PRIVATE KEY-----",
    "openssh": f"-----BEGIN OPENSSH PRIVATE KEY-----\r\n{BODY}\r\n-----END OPENSSH PRIVATE KEY-----",
    "escaped": "-----BEGIN PRIVATE KEY-----\\n" + BODY.replace("\n", "\\n") + "\\n-----END PRIVATE KEY-----",
    "numbered": "-----BEGIN EC PRIVATE KEY-----\n"
    + "\n".join(f"{n}\t{line}" for n, line in enumerate(BODY.split("\n"), 2)),
    "cut off": f"-----BEGIN PRIVATE KEY-----\n{BODY}",
}


def redacted(text):
    return Redactor(KEY).redact(text.encode()).decode()


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
@pytest.mark.parametrize(
    "around", ["{}", "key={} ", '"{}"', "token: {}\n", "https://x.example/?k={}&b=1", "\\n{}\\n", "grün{}"]
)
def test_token_of_a_known_shape_is_replaced(secret, around):
    if around == "grün{}" and not secret[0].isalpha():
        return
    text = redacted(around.replace("{}", f" {secret} " if around == "grün{}" else secret))
    assert secret not in text
    assert "[secret:" in text


@pytest.mark.parametrize(("before", "secret", "after"), PLACES.values(), ids=PLACES)
def test_value_where_a_secret_stands_is_replaced_and_nothing_else(before, secret, after):
    text = redacted(before + secret + after)
    assert secret not in text
    assert text.startswith(before)
    assert text.endswith(f"]{after}")


@pytest.mark.parametrize("pem", PEM.values(), ids=PEM)
def test_private_key_is_replaced_and_its_lines_are_kept(pem):
    text = redacted(f"before\n{pem}\nafter the key\n")
    assert text.startswith("before\n[secret:private-key:")
    assert text.endswith("\nafter the key\n")
    assert text.count("\n") == pem.count("\n") + 3
    assert not any(line.strip() in text for line in BODY.split("\n"))


@pytest.mark.parametrize(
    "text",
    [
        "token = name",
        "password = getpass.getpass()",
        '"password": "${DB_PASSWORD}"',
        "API_KEY=<your key here>",
        "api_key = os.environ['API_KEY']",
        'token="access_token"',
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
        "npm_config_registry sk-learn hf_hub_download eyJ.x",
        "https://example.org:8080/a@b",
        "commit 0c4a38cf6f03d5b0ac0cdfc8ebd9e2d3de38d6d9",
        "max_tokens: 4096",
        "'secret': '[secret:aws:00112233]'",
    ],
)
def test_text_without_a_secret_is_left_alone(text):
    assert redacted(text) == text


def test_equal_secrets_stay_equal_and_say_nothing_without_the_key():
    secret = SECRETS["github"]
    first, second = redacted(f"{secret} {secret}").split()
    assert first == second
    assert Redactor(b"other").redact(secret.encode()).decode() != first


def test_what_was_redacted_is_counted_by_rule():
    redactor = Redactor(KEY)
    redactor.redact(f"{SECRETS['github']} {SECRETS['aws']} {SECRETS['aws']}".encode())
    assert redactor.found == {"github": 1, "aws": 2}


@settings(deadline=None)
@given(
    secret=st.sampled_from([*SECRETS.values()]),
    before=st.text(max_size=80),
    after=st.text(max_size=80),
)
def test_canary_never_survives_whatever_stands_around_it(secret, before, after):
    text = f"{before} {secret} {after}".encode("utf-8", "replace")
    clean = Redactor(KEY).redact(text)
    assert secret.encode() not in clean
    assert clean.count(b"\n") == text.count(b"\n")


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_keep_their_line_ends(data):
    assert Redactor(KEY).redact(data).count(b"\n") == data.count(b"\n")


@settings(deadline=None)
@given(st.sampled_from([*SECRETS.values(), *PEM.values()]))
def test_redacting_twice_changes_nothing(secret):
    once = redacted(f'"password": "{secret}"\n{secret}')
    assert redacted(once) == once


def test_source_code_has_hardly_a_false_hit():
    redactor, total = Redactor(KEY), 0
    for path in sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py")):
        data = path.read_bytes()
        total += len(data)
        redactor.redact(data)
    assert total > 2_000_000
    assert redactor.found.total() / (total / 1e6) <= 5


def test_key_is_made_once_and_only_its_owner_reads_it(tmp_path):
    key = key_in(tmp_path / "cache")
    assert len(key) == 32
    assert key_in(tmp_path / "cache") == key
    assert stat.S_IMODE((tmp_path / "cache" / "redaction.key").stat().st_mode) == 0o600
