"""dspy's RLM over its LocalInterpreter, in its own environment: arguments and output as in peers_rlms.py.

Its default interpreter needs Deno and packages from the network at first start; the local one runs without isolation.
"""

import json
import sys
import time
from pathlib import Path

import dspy
from dspy.primitives.local_interpreter import LocalInterpreter


def peak_mb() -> float:
    """The most memory this process had. Not ru_maxrss, which begins with what the parent had when it forked."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1000


url, path = sys.argv[1:]
text = Path(path).read_text()
root, sub = (
    dspy.LM(f"openai/{name}", api_base=url, api_key="none", cache=False) for name in ("gpt-4.1", "gpt-4.1-mini")
)
dspy.configure(lm=root, adapter=dspy.ChatAdapter())
model = dspy.RLM(
    "context, question -> answer", max_iters=40, max_llm_calls=10_000, sub_lm=sub, interpreter_factory=LocalInterpreter
)
started = time.perf_counter()
answer = model(context=text, question="How many?").answer
seconds = time.perf_counter() - started
print(json.dumps({"answer": answer, "seconds": seconds, "rss_mb": peak_mb()}))
