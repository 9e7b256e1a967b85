"""Attacks from within: memory, threads, the kernel's surface, limits, and the interpreter itself."""

from tests.contract.attacks.attack import LOOK, Attack, bloated, claims, crowded, nothing

BOMBS, EXECUTABLE, KERNEL, LIMITS = "bombs", "new executable memory", "kernel surface", "limits and privileges"
HANGS, NAMES = "hangs and crashes", "names"


def _hang(name, code):
    """A cell that would never end, or ends more than itself; without a lock it is the host that stops it."""
    return Attack(HANGS, name, code, nothing, control="held", raw=True, seconds=0.3)


ATTACKS = (
    Attack(BOMBS, "heap", "x = []\nfor i in range(30): x.append(b'x' * 10**7)\n" + LOOK, bloated),
    Attack(BOMBS, "one block", "x = b'x' * (3 * 10**8)\n" + LOOK, bloated),
    Attack(
        BOMBS,
        "anonymous shared memory",
        "a = mapped(3 * 10**8, 3, 0x21)\nassert a\nctypes.memset(a, 1, 3 * 10**8)\n" + LOOK,
        bloated,
    ),
    Attack(
        BOMBS,
        "memory that grows down",
        "a = mapped(3 * 10**8, 3, 0x122)\nassert a\nctypes.memset(a, 1, 3 * 10**8)\n" + LOOK,
        bloated,
    ),
    Attack(
        BOMBS,
        "a file in memory",
        "fd = sc('memfd_create', b'x\\0', 0)\nos.ftruncate(fd, 3 * 10**8)\na = mapped(3 * 10**8, 3, 1, fd)\n"
        "assert a\nctypes.memset(a, 1, 3 * 10**8)\n" + LOOK,
        bloated,
    ),
    Attack(
        BOMBS,
        "System V shared memory",
        "i = sc('shmget', 0, 10**7, 0o1600)\nassert i >= 0\nreached()\nsc('shmctl', i, 0, 0)",
        claims,
    ),
    Attack(
        BOMBS,
        "threads of Python",
        "import threading\nend = threading.Event()\n"
        "try:\n    for i in range(300): threading.Thread(target=end.wait).start()\n"
        "    call('look')\nfinally: end.set()",
        crowded,
    ),
    Attack(
        BOMBS,
        "raw threads with tiny stacks",
        "libc.pthread_attr_setstacksize.argtypes = [ctypes.c_void_p, ctypes.c_size_t]\n"
        "attr = (ctypes.c_char * 64)()\nlibc.pthread_attr_init(attr)\nlibc.pthread_attr_setstacksize(attr, 16384)\n"
        "t = ctypes.c_ulong()\nn = 0\n"
        "sleep = ctypes.cast(libc.sleep, ctypes.c_void_p)\n"
        "for i in range(2000): n += libc.pthread_create(ctypes.byref(t), attr, sleep, ctypes.c_void_p(60)) == 0\n"
        + LOOK,
        crowded,
    ),
    Attack(
        BOMBS,
        "fork bomb",
        "n = 0\nfor i in range(3):\n    p = os.fork()\n    if p == 0: os._exit(0)\n    n += 1\nreached(n > 0)",
        claims,
    ),
    Attack(
        BOMBS,
        "descriptors",
        "n = 0\ntry:\n    for i in range(200): os.dup(0); n += 1\nfinally: reached(n >= 200)",
        claims,
    ),
    Attack(BOMBS, "numbers", "x = 10 ** (10 ** 8)", nothing, control="held"),
    Attack(EXECUTABLE, "map it", "reached(mapped(4096, 7, 0x22))", claims),
    Attack(
        EXECUTABLE,
        "make it",
        "a = mapped(4096, 3, 0x22)\nreached(libc.mprotect(ctypes.c_void_p(a), 4096, 5) == 0)",
        claims,
    ),
    Attack(
        EXECUTABLE,
        "make it by pkey_mprotect",
        "a = mapped(4096, 3, 0x22)\nreached(sc('pkey_mprotect', a, 4096, 5, -1) == 0)",
        claims,
        control="depends",
    ),
    Attack(EXECUTABLE, "read means execute", "reached(sc('personality', 0x0400000) >= 0)", claims),
    Attack(
        KERNEL, "io_uring", "reached(sc('io_uring_setup', 8, (ctypes.c_char * 120)()) >= 0)", claims, control="depends"
    ),
    Attack(
        KERNEL, "bpf", "reached(sc('bpf', 0, (ctypes.c_uint32 * 16)(2, 4, 4, 1), 64) >= 0)", claims, control="depends"
    ),
    Attack(KERNEL, "userfaultfd", "reached(sc('userfaultfd', 1) >= 0)", claims, control="depends"),
    Attack(
        KERNEL,
        "perf_event_open",
        "reached(sc('perf_event_open', (ctypes.c_uint32 * 32)(1, 128), 0, -1, -1, 0) >= 0)",
        claims,
        control="depends",
    ),
    Attack(
        KERNEL, "add_key", "reached(sc('add_key', b'user\\0', b'k\\0', b'v', 1, -2) >= 0)", claims, control="depends"
    ),
    Attack(KERNEL, "keyctl", "reached(sc('keyctl', 0, -3, 1) >= 0)", claims, control="depends"),
    Attack(
        KERNEL,
        "POSIX message queues",
        "reached(sc('mq_open', b'rlm\\0', 0o102, 0o600, 0) >= 0)\nsc('mq_unlink', b'rlm\\0')",
        claims,
        control="depends",
    ),
    Attack(
        KERNEL, "System V semaphores", "i = sc('semget', 0, 1, 0o1600)\nreached(i >= 0)\nsc('semctl', i, 0, 0)", claims
    ),
    Attack(KERNEL, "System V messages", "i = sc('msgget', 0, 0o1600)\nreached(i >= 0)\nsc('msgctl', i, 0, 0)", claims),
    Attack(KERNEL, "timers", "t = ctypes.c_int()\nreached(sc('timer_create', 0, 0, ctypes.byref(t)) == 0)", claims),
    Attack(KERNEL, "epoll", "reached(sc('epoll_create1', 0) >= 0)", claims),
    Attack(KERNEL, "eventfd", "reached(sc('eventfd2', 0, 0) >= 0)", claims),
    Attack(KERNEL, "a secret memory area", "reached(sc('memfd_secret', 0) >= 0)", claims, control="depends"),
    Attack(KERNEL, "fanotify", "reached(sc('fanotify_init', 0, 0) >= 0)", claims, control="depends"),
    Attack(
        KERNEL,
        "the kernel's log",
        "b = (ctypes.c_char * 64)()\nreached(sc('syslog', 3, b, 64) >= 0)",
        claims,
        control="depends",
    ),
    Attack(
        KERNEL,
        "priority-inheriting futexes",
        "f = ctypes.c_uint32(0)\nreached(sc('futex', ctypes.byref(f), 6, 0, 0, 0, 0) == 0)",
        claims,
    ),
    Attack(
        KERNEL,
        "32-bit calls",
        "code = b'\\xb8\\x14\\0\\0\\0\\xcd\\x80\\xc3'\na = mapped(4096, 7, 0x22)\nctypes.memmove(a, code, len(code))\n"
        "reached(ctypes.CFUNCTYPE(ctypes.c_int)(a)() > 0)",
        claims,
        control="depends",
    ),
    Attack(
        KERNEL,
        "x32 calls",
        "r = libc.syscall(ctypes.c_long(0x40000000 + 39))\nreached(r > 0)",
        claims,
        control="depends",
        raw=True,
    ),
    Attack(
        KERNEL,
        "merge memory with neighbours",
        "a = mapped(8192, 3, 0x22)\nreached(sc('madvise', a, 8192, 12) == 0)",
        claims,
        control="depends",
    ),
    Attack(
        LIMITS,
        "raise the memory limit",
        "import resource\nresource.setrlimit(resource.RLIMIT_DATA, (-1, -1))\nreached()",
        claims,
    ),
    Attack(
        LIMITS,
        "raise it by a raw call",
        "reached(sc('setrlimit', 2, (ctypes.c_uint64 * 2)(2**40, 2**40)) == 0)",
        claims,
    ),
    Attack(
        LIMITS,
        "raise it by a pointer whose low half is zero",
        "p = zero_low_word()\nassert p\n(ctypes.c_uint64 * 2).from_address(p)[:] = [2**40, 2**40]\n"
        "reached(sc('prlimit64', 0, 2, p, 0) == 0)",
        claims,
    ),
    Attack(LIMITS, "a namespace of users", "reached(sc('unshare', 0x10000000) == 0)", claims, control="depends"),
    Attack(
        LIMITS,
        "a namespace by clone",
        "p = sc('clone', 0x10000000 | 17, 0, 0, 0, 0)\nif p == 0: os._exit(0)\nreached(p > 0)",
        claims,
        control="depends",
    ),
    Attack(
        LIMITS,
        "a thread in another namespace",
        "p = sc('clone', 0x3d0f00 | 0x20000, 0, 0, 0, 0)\nreached(p > 0)",
        claims,
        control="held",
    ),
    Attack(
        LIMITS,
        "mount",
        "reached(sc('mount', b'none\\0', b'/mnt\\0', b'tmpfs\\0', 0, 0) == 0)\nsc('umount2', b'/mnt\\0', 2)",
        claims,
        control="depends",
    ),
    Attack(LIMITS, "change root", "reached(sc('chroot', b'/tmp\\0') == 0)", claims, control="depends", raw=True),
    Attack(LIMITS, "become root", "os.setuid(0)\nreached(os.getuid() == 0)", claims, control="depends"),
    Attack(LIMITS, "be dumpable again", "reached(libc.prctl(4, 1, 0, 0, 0) == 0)", claims),
    Attack(LIMITS, "outlive the parent", "reached(libc.prctl(1, 0, 0, 0, 0) == 0)", claims),
    Attack(LIMITS, "a filter of one's own", "reached(libc.prctl(38, 1, 0, 0, 0) == 0)", claims),
    Attack(LIMITS, "leave the session", "reached(sc('setsid') >= 0 or sc('setpgid', 0, 0) == 0)", claims),
    _hang("pure Python", "while True: pass"),
    _hang("a regex", "import re\nre.match(r'(a+)+$', 'a' * 64 + 'b')"),
    _hang("a loop in C", "sum(range(10**12))"),
    _hang("sleep", "import time\ntime.sleep(10**6)"),
    _hang("deaf to signals", "import signal\nsignal.signal(2, signal.SIG_IGN)\nwhile True: pass"),
    _hang("deaf by mask", "import signal\nsignal.pthread_sigmask(0, range(1, 65))\nwhile True: pass"),
    _hang("deaf by except", "while True:\n    try:\n        while True: pass\n    except BaseException: pass"),
    _hang("segmentation fault", "ctypes.string_at(0)"),
    _hang("abort", "os.abort()"),
    _hang("leave at once", "os._exit(0)"),
    _hang("recursion in C", "x = []\nfor i in range(10**6): x = [x]\nrepr(x)"),
    _hang(
        "threads that never end",
        "from threading import Thread\ndef f():\n    while True: pass\nfor i in range(8): Thread(target=f).start()",
    ),
    _hang("stop oneself", "os.kill(os.getpid(), 19)"),
    _hang("stop oneself by tgkill", "sc('tgkill', os.getpid(), os.getpid(), 19)"),
    Attack(
        NAMES,
        "break builtins",
        "import builtins\nfor n in list(vars(builtins)):\n    if n != 'None': setattr(builtins, n, None)",
        nothing,
        control="held",
        raw=True,
    ),
    Attack(
        NAMES,
        "break modules",
        "import sys, json, threading\njson.dumps = json.loads = os.write = os.read = threading.Lock = None\n"
        "sys.modules.clear()",
        nothing,
        control="held",
        raw=True,
    ),
    Attack(
        NAMES,
        "trace the runner",
        "import sys\nsys.settrace(lambda *a: 1 / 0)\nsys.setprofile(lambda *a: 1 / 0)",
        nothing,
        control="held",
    ),
    Attack(
        NAMES, "reserved names", "call = sc = reached = None\ndel globals()['HostCallError']", nothing, control="held"
    ),
    Attack(
        NAMES,
        "a poisonous exception",
        "class E(Exception):\n    def __str__(self): raise E\n    __repr__ = __str__\nraise E",
        nothing,
        control="held",
    ),
    Attack(
        NAMES, "a poisonous echo", "class R:\n    def __repr__(self): return 'x' * 10**7\nR()", nothing, control="held"
    ),
    Attack(NAMES, "leave by an exception", "raise SystemExit", nothing, control="held"),
    Attack(
        NAMES,
        "an exit handler",
        "import atexit\natexit.register(lambda: open(TRACE, 'w'))\nraise KeyboardInterrupt",
        nothing,
        control="held",
    ),
)
