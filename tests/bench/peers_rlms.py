"""`rlms`, driven in its own environment: python peers_rlms.py URL TEXTFILE → {"answer", "seconds", "rss_mb"}."""

import json
import sys
import time
from pathlib import Path

from rlm import RLM


def peak_mb() -> float:
    """The most memory this process had. Not ru_maxrss, which begins with what the parent had when it forked."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1000


url, path = sys.argv[1:]
text = Path(path).read_text()
options = {"model_name": "gpt-4.1", "base_url": url, "api_key": "none"}
model = RLM(
    backend="openai",
    backend_kwargs=options,
    environment="local",
    max_depth=2,
    max_iterations=40,
    other_backends=["openai"],
    other_backend_kwargs=[options | {"model_name": "gpt-4.1-mini"}],
)
started = time.perf_counter()
answer = model.completion(text, root_prompt="How many?").response
seconds = time.perf_counter() - started
print(json.dumps({"answer": answer, "seconds": seconds, "rss_mb": peak_mb()}))
