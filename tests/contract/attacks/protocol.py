"""Attacks on the host through the channel: frames that are not, floods, forged ids, and answers nobody asked for."""

from tests.contract.attacks.attack import Attack, asked, nothing

KIND = "protocol"
CALL = '{"t": "call", "id": %d, "name": "echo", "args": {}}'

KEY = """
import sys
where = sys._getframe()
while "message" not in where.f_locals: where = where.f_back
key = where.f_locals["message"]["key"]
DONE = '{"t": "done", "key": "%s", "stdout": "lie", "size": -5, "error": null, "line": null}'
"""
"""The cell's own key is in the frames below it; the next cell's is not."""

LATER = """
import threading, time
def later():
    time.sleep(0.3)
    for i in range(5):
        try: call('spy')
        except Exception: pass
threading.Thread(target=later).start()
"""

ATTACKS = tuple(
    Attack(KIND, name, code, judge, control="held", raw=True, seconds=0.5)
    for name, code, judge in (
        ("garbage", "send(os.urandom(100_000))", nothing),
        ("a frame of 4 GiB", "send(b'\\xff\\xff\\xff\\xff')", nothing),
        ("a frame that never ends", "send((8_000_000).to_bytes(4, 'big') + b'x' * 1000)", nothing),
        ("no JSON", "send(frame('{'))", nothing),
        ("no UTF-8", "send(frame(b'\\xff\\xfe'))", nothing),
        ("a deep nest", "send(frame('[' * 2_000_000))", nothing),
        ("a mountain of objects", "send(frame('[' + '[],' * 2_000_000 + '[]]'))", nothing),
        ("a huge number", "send(frame('1' * 7_000_000))", nothing),
        ("an unknown message", 'send(frame(\'{"t": "exec", "cell": 1, "code": "1"}\'))', nothing),
        ("a message for itself", 'send(frame(\'{"t": "answer", "id": 1, "value": 1}\'))', nothing),
        ("a flood of calls", f"for i in range(20_000): send(frame('{CALL}' % i))", nothing),
        (
            "a flood of bytes",
            "x = 'x' * 7_000_000\nfor i in range(40):\n    try: call('echo', x=x)\n    except HostCallError: pass",
            nothing,
        ),
        ("the same id a hundred times", f"send(frame('{CALL}' % 7) * 100)\ncall('echo')", nothing),
        ("negative and enormous ids", f"send(frame('{CALL}' % -1) + frame('{CALL}' % 10**30))\ncall('echo')", nothing),
        (
            "a call by a dunder's name",
            "for n in ('__class__', '', 'x' * 10**6, '\\ud800'):\n    try: call(n)\n    except HostCallError: pass",
            nothing,
        ),
        ("a forged end, and on it goes", f"{KEY}send(frame(DONE % key))\nwhile True: pass", nothing),
        ("forged ends for cells to come", f"{KEY}for i in range(50): send(frame(DONE % i))", nothing),
        ("a forged greeting", 'send(frame(\'{"t": "ready", "protocol": 1, "lock": []}\'))\ncall(\'echo\')', nothing),
        (
            "half surrogates",
            'send(frame(\'{"t": "call", "id": 1, "name": "echo", "args": {"x": "\\\\ud800"}}\'))',
            nothing,
        ),
        ("closing the channel", "os.close(3)", nothing),
        (
            "reading what is not meant for it",
            "import threading\nthreading.Thread(target=os.read, args=(3, 99)).start()\ncall('echo')",
            nothing,
        ),
        (
            "never reading answers",
            f"x = frame('{CALL}' % 5)\nfor i in range(300): send(x)\nimport time\ntime.sleep(9)",
            nothing,
        ),
        ("calls after the cell", LATER, asked),
        (
            "a state that cannot be read",
            "class L(list):\n    def __iter__(self): raise ValueError\nx = L([1])",
            nothing,
        ),
        ("printing for ever", "while True: print('x' * 100_000)", nothing),
        ("a result of nothing but quotes", "print('\\\\\"' * 5_000_000)", nothing),
    )
)
