"""More attacks: on the host by what is said, on the runner by way of the interpreter it shares with cells."""

from tests.contract.attacks.attack import Attack, asked, nothing, traced
from tests.contract.attacks.protocol import CALL, KEY

SAID, INTERPRETER, LATE = "what is said", "the interpreter", "late"

LIE = 'import json\nlie = {"t": "done", "key": key, "stdout": "", "size": 0, "error": None, "line": None}\n'
ASK = 'def ask(args, name=\'"echo"\', id="1"):\n    '
ASK += 'send(frame(\'{"t": "call", "id": %s, "name": %s, "args": %s}\' % (id, name, args)))\n'
NEST = "def nest(n): return '[' * n + ']' * n\n"
STOP = "sc('tgkill', os.getpid(), os.getpid(), 19)"

SAYINGS = {
    "no number": ASK + 'ask(\'{"x": NaN, "y": -Infinity}\')',
    "a truth for an id": ASK + "ask('{}', id='true')",
    "a fraction for an id": ASK + "ask('{}', id='1.5')",
    "a list for a name": ASK + "ask('{}', name='[]')",
    "every depth of nesting": ASK + NEST + "for n in range(50, 1000, 50): ask('{\"x\": %s}' % nest(n))\ncall('echo')",
    "the deepest that parses": ASK + NEST + "for n in range(930, 1000): ask('{\"x\": %s}' % nest(n))\ncall('echo')",
    "depth far below Python": ASK + NEST + "for n in (2000, 4000, 9000, 20000): ask('{\"x\": %s}' % nest(n))",
    "a report of depth": NEST + KEY + LIE + "for n in range(990, 900, -1):\n"
    "    lie['error'] = {'kind': 'x', 'message': 0}\n"
    "    send(frame(json.dumps(lie).replace('0}', nest(n) + '}')))",
    "a state of depth": NEST + KEY + LIE + "lie['state'] = 0\n"
    "send(frame(json.dumps(lie).replace('\"state\": 0', '\"state\": ' + nest(980))))",
    "a report of nothing but the wrong kinds": KEY
    + LIE
    + "lie['error'] = {'kind': [1] * 9, 'message': {'a': 1}, 'traceback': None}\nsend(frame(json.dumps(lie)))",
    "a line beyond every line": KEY + LIE + "lie['line'] = -10**4000\nsend(frame(json.dumps(lie)))",
    "a size beyond every size": KEY + LIE + "lie['size'] = 10**4000\nsend(frame(json.dumps(lie)))",
    "output in the widest letters": KEY
    + LIE
    + "lie['stdout'] = chr(0x1f600) * 2_000_000\nsend(frame(json.dumps(lie, ensure_ascii=False)))",
    "a field of ten thousand names": ASK + "ask('{%s}' % ','.join('\"%d\":0' % i for i in range(90_000)))",
    "the same name again and again": ASK + "ask('{%s}' % ','.join('\"x\":0' for i in range(170_000)))",
    "numbers with a million digits": ASK
    + "for i in range(8): ask('{\"x\": 1.%s}' % ('7' * 900_000))\nfor i in range(8): ask('{\"x\": 1%s.5e-900000}' % "
    "('7' * 900_000))",
    "numbers beyond all numbers": ASK + "ask('{\"x\": %s}' % ','.join(['1e999999999'])[:99])\ncall('echo')",
    "strings of nothing but escapes": ASK + "for i in range(5): ask('{\"x\": \"%s\"}' % ('\\\\ud800' * 1_300_000))",
    "half letters in a mountain of lists": ASK
    + "for i in range(5): ask('{\"x\": [\"\\\\ud800\", %s 0]}' % ('[],' * 340_000))",
    "mountains of lists": ASK + "for i in range(9): ask('{\"x\": [%s 0]}' % ('[],' * 340_000))\ncall('echo')",
    "thousands of small hills of lists": ASK
    + "x = '{\"x\": [%s 0]}' % ('[],' * 5_000)\nfor i in range(4_000): ask(x, id=str(i))\ncall('echo')",
    "the widest letters, many times": ASK
    + "for i in range(7): ask('{\"x\": \"%s\"}' % ('a' * 8_000_000 + chr(0x1f600)))\ncall('echo')",
    "a name that is a book": ASK + "for i in range(7): ask('{}', name='\"%s\"' % ('n' * 8_000_000))\ncall('spy')",
    "a name that speaks to terminals": "for i in range(9):\n    try: call('\\x1b]0;x\\x07\\n\\0' * 9)\n"
    "    except HostCallError: pass",
    "thousands of questions with long answers": "from concurrent.futures import ThreadPoolExecutor\n"
    "def ask(i):\n    try: return len(call('big', n=i))\n    except HostCallError: return 0\n"
    "with ThreadPoolExecutor(8) as p: print(sum(p.map(ask, range(2_000))))",
    "long answers never fetched, and then deaf": KEY
    + 'for i in range(100): send(frame(\'{"t": "call", "id": 1, "name": "big", "args": {}}\'))\n'
    "import time\ntime.sleep(0.2)\nsend(frame(DONE % key))\n" + STOP,
    "deaf after a forged end": f"{KEY}send(frame(DONE % key))\n{STOP}",
    "half a frame for the next cell": "send(b'\\0')",
    "a frame in single bytes": f"for b in frame('{CALL}' % 3) * 40: send(bytes([b]))\ncall('echo')",
    "thousands of empty frames": "send(b'\\0' * 400_000)",
    "a forged failure to start": 'send(frame(\'{"t": "failed", "kind": "x", "message": "y"}\'))\ncall(\'echo\')',
    "asking from 40 threads for ever": "from threading import Thread\n"
    "def f():\n    while True:\n        try: call('echo', x='x' * 1000)\n        except HostCallError: pass\n"
    "for i in range(40): Thread(target=f, daemon=True).start()\nimport time\ntime.sleep(9)",
}

TRICKS = {
    "a deaf ear, an evil hook": "import sys\ndef hook(*a): raise ValueError\nsys.addaudithook(hook)",
    "hooks in every thread": "import sys, threading\ndef f(*a): raise ValueError\n"
    "getattr(threading, 'settrace_all_threads', threading.settrace)(f)\n"
    "getattr(threading, 'setprofile_all_threads', threading.setprofile)(f)",
    "monitoring": "import sys\nm = sys.monitoring\ndef f(*a): raise ValueError\nm.use_tool_id(1, 'x')\n"
    "m.register_callback(1, m.events.PY_START, f)\nm.set_events(1, m.events.PY_START)",
    "callbacks of the collector": "import gc\ndef f(*a): 1 / 0\ngc.callbacks.append(f)\ngc.collect()",
    "no turn for others": "import sys\nsys.setswitchinterval(10**6)",
    "recursion without limit": "import sys\nsys.setrecursionlimit(2**31 - 1)\ndef f(): f()\nf()",
    "a descriptor for signals": "import signal\nsignal.set_wakeup_fd(3)",
    "the fault handler on the channel": "import faulthandler\n"
    "faulthandler.dump_traceback_later(0.01, repeat=True, file=3)\n"
    "import time\ntime.sleep(0.1)",
    "handlers for every signal": "import signal\nfor s in range(1, 65):\n"
    "    try: signal.signal(s, lambda *a: os._exit(3))\n    except (OSError, ValueError): pass",
    "an exception in the listener": "import threading\nfor t, f in __import__('sys')._current_frames().items():\n"
    "    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(t), ctypes.py_object(ValueError))",
    "the end of the interpreter": "ctypes.pythonapi.Py_FinalizeEx()",
    "the lock of the interpreter": "ctypes.PyDLL(None).sleep(9)",
    "a count of references": "for o in (None, True, (), ''):\n"
    "    ctypes.c_long.from_address(id(o)).value = 1\nx = [None] * 99\ndel x",
    "another truth": "ctypes.memmove(id(True) + 24, id(False) + 24, 4)",
    "outputs that are none": "out.clear()\nout['x'] = 1\nout[-1] = None\nout[10**9] = b''",
    "an output that is everything": "out[0] = out\nout[1] = 'x' * 10**7",
    "the runner's own bounds": "import gc\nfor o in gc.get_objects():\n    if type(o).__name__ == 'Runner':\n"
    "        o._shown = 10**9\n        o._capture._half = 10**9\nprint('x' * 6_000_000)",
    "the runner's own lines": "import gc\nfor o in gc.get_objects():\n"
    "    if type(o).__name__ in ('Names', 'Calls', 'Cells'):\n"
    "        vars(o).clear()",
    "the runner's modules": "import sys\nfor n, m in list(sys.modules.items()):\n"
    "    if n.startswith('rlm_sandbox'): vars(m).clear()",
    "text that lies about itself": "import sys\nclass S(str):\n    def isascii(self): return True\n"
    "    def __len__(self): return 10**15\n    def __getitem__(self, k): return self\n"
    "sys.stdout.write(S('x'))",
    "text that is none": "import sys\nclass S(str):\n    def __getitem__(self, k): return b'x'\n"
    "sys.stdout.write(S('x'))",
    "a kind without a name": "class M(type):\n    __name__ = property(lambda self: [self])\n"
    "class E(Exception, metaclass=M): pass\nraise E",
    "a kind with an endless name": "raise type('x' * 9_000_000, (Exception,), {})",
    "an exception from afar": "def f(n):\n    try: f(n - 1) if n else 1 / 0\n"
    "    except Exception as e: raise ValueError(n) from e\nf(400)",
    "a line without an end": "f = lambda n: f(n - 1) if n else 1 / 0  #" + " x" * 900_000 + "\nf(20)",
    "names that are no names": "globals()[1] = 2\nglobals()[None] = 3\nglobals().update({('a',): 4})",
    "a namespace that is not there": "import sys\nsys.modules['__main__'] = None\nglobals().clear()",
    "no parser": "import ast, linecache, traceback, codecs\nast.parse = linecache.cache = traceback.walk_tb = None\n"
    "linecache.getline = linecache.lazycache = traceback.StackSummary = codecs.lookup = None",
    "no imports": "import sys\nsys.meta_path.clear()\nsys.path_hooks.clear()\nsys.meta_path.append(None)",
    "no text": "import sys\nsys.set_int_max_str_digits(640)\nsys.stdout = sys.stderr = None\nsys.stdin = 5",
    "warnings as errors": "import warnings\nwarnings.simplefilter('error')\nwarnings.showwarning = None",
    "types that are broken": "ctypes.pythonapi.PyType_Modified(ctypes.py_object(dict))\n"
    "ctypes.memset(id(dict) + 64, 0, 8)\n{}",
}

LATER = {
    "a finalizer that asks": "class F:\n    def __del__(self):\n        for i in range(9): call('spy')\nx = F()\n"
    "import threading, time\ndef later():\n    global x\n    time.sleep(0.2)\n    x = None\n"
    "threading.Thread(target=later).start()",
    "a thread that floods after the end": "import threading, time\ndef later():\n    time.sleep(0.1)\n"
    f"    while True: send(frame('{CALL}' % 1))\nthreading.Thread(target=later).start()",
    "a thread that floods with junk after the end": "import threading, time\ndef later():\n    time.sleep(0.1)\n"
    '    while True: send(frame(\'{"t": "ready", "protocol": 1, "lock": []}\'))\n'
    "threading.Thread(target=later).start()",
    "threads that make threads": "import threading, time\ndef f():\n    time.sleep(0.01)\n"
    "    try: threading.Thread(target=f).start(); threading.Thread(target=f).start()\n"
    "    except RuntimeError: time.sleep(1)\nf()",
    "a trap for the next cell": "import builtins, sys\nclass T(dict):\n    def __getitem__(self, k): os._exit(1)\n"
    "for n in ('call', 'out', 'blob', 'sc'): globals()[n] = T()\nsys.displayhook = os._exit",
    "a clock that runs out between cells": "import threading\nthreading.Timer(0.1, os._exit, (5,)).start()",
}

ATTACKS = (
    *(Attack(SAID, name, code, nothing, "held", raw=True, seconds=1.5) for name, code in SAYINGS.items()),
    *(Attack(INTERPRETER, name, code, nothing, "held", raw=True, seconds=1.0) for name, code in TRICKS.items()),
    *(Attack(LATE, name, code, asked, "held", raw=True, seconds=1.0) for name, code in LATER.items()),
    Attack(
        LATE,
        "an exit that writes",
        "import atexit, weakref, sys\ndef f(*a): open(TRACE, 'w').close()\n"
        "atexit.register(f)\nclass X: pass\nx = X()\nweakref.finalize(x, f)\nsys.exit(0)",
        traced,
        "held",
        raw=True,
    ),
)
