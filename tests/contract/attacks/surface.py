"""More attacks on the kernel's surface: rarer calls, and what calls that are allowed can be bent to."""

from tests.contract.attacks.attack import LOOK, Attack, bloated, claims, hurt, nothing, tampered, told

RARE, HELD, MEMORY, CORPUS = "rare calls", "what it holds", "bent memory calls", "the corpus"

EVERY_FD = "for fd in range(40):\n    "
BASE = "libc.mremap.restype = ctypes.c_void_p\naddress = ctypes.addressof(ctypes.c_char.from_buffer_copy(b'x'))\n"
PAIR = "(ctypes.c_uint64 * 2)()"

CERTAIN = {
    "open a process": "sc('pidfd_open', os.getpid(), 0) >= 0",
    "a pipe": "sc('pipe2', (ctypes.c_int * 2)(), 0) == 0",
    "signals as a descriptor": "sc('signalfd4', -1, ctypes.byref(ctypes.c_uint64(2)), 8, 0) >= 0",
    "time as a descriptor": "sc('timerfd_create', 1, 0) >= 0",
    "an alarm": "sc('setitimer', 0, (ctypes.c_uint64 * 4)(0, 0, 900, 0), None) == 0",
    "a name in the list of processes": "libc.prctl(15, b'init', 0, 0, 0) == 0",
    "adopt orphans": "libc.prctl(36, 1, 0, 0, 0) == 0",
    "slack of timers": "libc.prctl(29, 1, 0, 0, 0) == 0",
    "no huge pages": "libc.prctl(41, 1, 0, 0, 0) == 0",
    "who the parent is": "sc('getppid') > 0",
    "the group of the host": "sc('getpgid', HOST) >= 0",
    "the session of the host": "sc('getsid', HOST) >= 0",
    "the scheduler of a victim": "sc('sched_getscheduler', VICTIM) >= 0",
    "the priority of a victim": "sc('getpriority', 0, VICTIM) > 0",
    "the disk priority of a victim": "sc('ioprio_get', 1, VICTIM) >= 0",
    "become a batch job": "sc('sched_setscheduler', 0, 3, ctypes.byref(ctypes.c_int(0))) == 0",
    "one processor for itself": "sc('sched_setaffinity', 0, 8, ctypes.byref(ctypes.c_uint64(1))) == 0",
    "where memory lies": f"sc('get_mempolicy', {PAIR}, None, 0, None, 0) == 0",
    "barriers on every processor": "sc('membarrier', 16, 0, 0) == 0",
    "a ruleset of its own": "sc('landlock_create_ruleset', None, 0, 1) > 0",
    "a filter of its own": "sc('seccomp', 2, 0, ctypes.byref(ctypes.c_uint32(0x7fff0000))) == 0",
    "asynchronous disk access": "sc('io_setup', 1, ctypes.byref(ctypes.c_uint64(0))) == 0",
    "lock memory": "sc('mlock', mapped(4096, 3, 0x22), 4096) == 0",
    "which pages lie in memory": "sc('mincore', mapped(4096, 3, 0x22), 4096, b'x') == 0",
    "a mask for new files": "sc('umask', 0o777) >= 0",
    "how the machine does": "sc('sysinfo', (ctypes.c_char * 256)()) == 0",
    "the clock's settings": "sc('adjtimex', (ctypes.c_char * 512)()) >= 0",
    "capabilities": "sc('capget', (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()) == 0",
    "its groups": "sc('getgroups', 0, None) >= 0",
    "pending signals": "sc('rt_sigpending', ctypes.byref(ctypes.c_uint64()), 8) == 0",
    "write its own memory as another's": "sc('process_vm_writev', os.getpid(), None, 0, None, 0, 0) >= 0",
    "write back a device": "sc('sync') == 0",
    "a debugger for itself": "sc('ptrace', 0, 0, 0, 0) == 0",
}
UNSURE = {
    "calls that come back as signals": "libc.prctl(59, 1, 0, 0, ctypes.c_char()) == 0",
    "open the host": "sc('pidfd_open', HOST, 0) >= 0",
    "compare with the host": "sc('kcmp', HOST, os.getpid(), 3, 0, 0) >= 0",
    "move the host's memory": "sc('move_pages', HOST, 0, None, None, None, 0) >= 0",
    "advise the host's memory": "sc('process_madvise', sc('pidfd_open', HOST, 0), None, 0, 4, 0) >= 0",
    "enter the host's namespaces": "sc('setns', sc('pidfd_open', HOST, 0), 0x20000) == 0",
    "a file system of its own": "sc('fsopen', path('tmpfs'), 0) >= 0",
    "a copy of the tree": "sc('open_tree', -100, path('/'), 1) >= 0",
    "a list of mounts": f"sc('listmount', (ctypes.c_uint64 * 4)(32, 2**64 - 1, 0, 0), {PAIR}, 2, 0) >= 0",
    "ports of devices": "sc('ioperm', 0x80, 1, 1) == 0",
    "a table of segments": "sc('modify_ldt', 0, (ctypes.c_char * 64)(), 64) >= 0",
    "registers of segments": f"sc('arch_prctl', 0x1003, {PAIR}) == 0",
    "a second stack of returns": "sc('map_shadow_stack', 0, 4096, 0) > 0",
    "wait on many futexes": "sc('futex_waitv', None, 0, 0, None, 0) >= 0",
    "a key of memory": "sc('pkey_alloc', 0, 0) >= 0",
    "a keyring": "sc('request_key', path('user'), path('k'), None, -2) >= 0",
    "the module of security": f"sc('lsm_list_modules', {PAIR}, ctypes.byref(ctypes.c_uint32(16)), 0) >= 0",
    "the kernel's own memory of links": "sc('lookup_dcookie', 0, (ctypes.c_char * 9)(), 9) >= 0",
    "every process's priority": "sc('setpriority', 2, os.getuid(), 19) == 0",
}
ON_WHAT_IT_HOLDS = {
    "learn of it": "sc('fstat', fd, (ctypes.c_char * 256)()) == 0",
    "learn of it without a name": "sc('statx', fd, b'\\0', 0x1000, 0xfff, (ctypes.c_char * 256)()) == 0",
    "its file system": "sc('fstatfs', fd, (ctypes.c_char * 256)()) == 0",
    "lock it": "sc('flock', fd, 5) == 0",
    "where it stands": "sc('lseek', fd, 0, 1) >= 0",
    "its attributes": "sc('flistxattr', fd, None, 0) >= 0",
    "its times": "sc('utimensat', fd, None, None, 0) == 0",
    "its mode": "sc('fchmod', fd, 0o777) == 0",
    "advice about it": "sc('fadvise64', fd, 0, 0, 4) == 0",
    "read it elsewhere": "sc('pread64', fd, ctypes.create_string_buffer(9), 9, 0) > 0",
    "send it on": "sc('sendfile', 3, fd, None, 1) >= 0",
    "what waits in it": "sc('poll', (ctypes.c_int * 2)(fd, 1), 1, 0) >= 0",
    "its end of a socket": "sc('getsockopt', fd, 1, 17, (ctypes.c_int * 3)(), ctypes.byref(ctypes.c_int(12))) == 0",
    "a message with a descriptor": "sc('sendmsg', fd, (ctypes.c_uint64 * 7)(), 0) >= 0",
    "how many bytes wait": "sc('ioctl', fd, 0x541b, ctypes.byref(ctypes.c_int())) == 0",
    "its number, by force": "sc('dup3', fd, 39 - fd, 0) >= 0",
    "a lease on it": "sc('fcntl', fd, 1024, 2) == 0 or sc('fcntl', fd, 5, (ctypes.c_uint64 * 4)()) == 0",
}

ATTACKS = (
    *(Attack(RARE, name, f"reached({test})", claims) for name, test in CERTAIN.items()),
    *(Attack(RARE, name, f"reached({test})", claims, control="depends") for name, test in UNSURE.items()),
    *(
        Attack(HELD, name, f"{EVERY_FD}reached({test})", claims, control="depends", raw=True)
        for name, test in ON_WHAT_IT_HOLDS.items()
    ),
    Attack(
        HELD,
        "a folder above it",
        EVERY_FD + "new = sc('openat', fd, path(FILE), 0)\n    if new >= 0: print(os.read(new, 99))",
        told,
    ),
    Attack(
        HELD, "run it", EVERY_FD + "reached(sc('execveat', fd, b'\\0', None, None, 0x1000) == 0)", claims, "depends"
    ),
    Attack(RARE, "kill its own group", "sc('kill', 0, 9)", nothing, control="held", raw=True),
    Attack(RARE, "signal the host", "reached(sc('tgkill', HOST, HOST, 0) == 0)", claims, control="depends"),
    Attack(
        RARE,
        "kill by a timer",
        "sc('timer_create', 0, (ctypes.c_uint64 * 8)(0, 9 | (4 << 32), VICTIM), ctypes.byref(ctypes.c_int()))",
        hurt,
        control="depends",
    ),
    Attack(
        MEMORY,
        "the stack, grown by moving it",
        "libc.mremap.restype = ctypes.c_void_p\nlibc.mremap.argtypes = [ctypes.c_void_p] + [ctypes.c_size_t] * 2 + "
        "[ctypes.c_int]\nhere = ctypes.c_void_p.in_dll(libc, 'environ').value & ~4095\n"
        "for back in range(0, 64):\n"
        "    a = libc.mremap(here - back * 4096, 4096, 3 * 10**8, 1)\n"
        "    if a not in (None, 2**64 - 1): ctypes.memset(a, 1, 3 * 10**8); break\n" + LOOK,
        bloated,
        control="depends",
        raw=True,
    ),
    Attack(
        MEMORY,
        "writable only when the space is full",
        "libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]\n"
        "got, step = [], 2**36\n"
        "while step >= 2**20:\n"
        "    a = mapped(step, 0, 0x4022)\n"
        "    if a: got.append((a, step))\n    else: step //= 2\n"
        "for a, size in got[:1]:\n"
        "    size = min(size, 3 * 10**8)\n"
        "    if libc.mprotect(a, size, 3) == 0: ctypes.memset(a, 1, size)\n" + LOOK,
        bloated,
        control="depends",
        raw=True,
    ),
    Attack(
        MEMORY,
        "the break",
        "libc.sbrk.restype = ctypes.c_void_p\na = libc.sbrk(ctypes.c_long(3 * 10**8))\n"
        "assert a not in (None, 2**64 - 1)\nctypes.memset(a, 1, 3 * 10**8)\n" + LOOK,
        bloated,
    ),
    Attack(
        MEMORY,
        "stacks of threads",
        "import threading\nthreading.stack_size(10**8)\nlocal = 9 * 10**7\n"
        "def f():\n    a = mapped(local, 3, 0x22)\n    if a: ctypes.memset(a, 1, local)\n"
        "threads = [threading.Thread(target=f) for i in range(4)]\n"
        "for t in threads: t.start()\nfor t in threads: t.join()\n" + LOOK,
        bloated,
    ),
    Attack(
        MEMORY,
        "a bomb of zeros",
        "import zlib\nz = zlib.compress(b'\\0' * 10**7)\nx = [zlib.decompress(z) for i in range(30)]\n" + LOOK,
        bloated,
    ),
    Attack(
        MEMORY,
        "tables of pages",
        "for i in range(99):\n    a = mapped(2**36, 1, 0x4022)\n    if not a: break\n"
        "    for at in range(a, a + 2**36, 2**21): ctypes.string_at(at, 1)\nimport time\ntime.sleep(0.4)",
        nothing,
        control="held",
        raw=True,
    ),
    Attack(
        CORPUS,
        "grow its mapping and write",
        BASE + "start = ctypes.c_void_p.from_address(id(blob.obj) + 16).value\n"
        "a = libc.mremap(ctypes.c_void_p(start), 4096, 8192, 1)\n"
        "libc.mprotect(ctypes.c_void_p(a), 8192, 3)\nctypes.memmove(a, b'evil', 4)",
        tampered,
        control="held",
        raw=True,
    ),
    Attack(
        CORPUS,
        "reorder its pages, then write",
        "start = ctypes.c_void_p.from_address(id(blob.obj) + 16).value\n"
        "reached(sc('remap_file_pages', start, 4096, 0, 1, 0) == 0)",
        claims,
        control="depends",
        raw=True,
    ),
    Attack(
        CORPUS,
        "punch a hole into it",
        "start = ctypes.c_void_p.from_address(id(blob.obj) + 16).value\n"
        "for advice in (9, 10, 11, 16, 17, 18, 19, 20, 21, 23, 24, 25, 102, 103):\n"
        "    sc('madvise', start, 4096, advice)\n"
        "for fd in range(40): sc('fallocate', fd, 3, 0, 4096); sc('ftruncate', fd, 0)",
        tampered,
        control="held",
    ),
    Attack(
        CORPUS,
        "write it through the memory of the process",
        "start = ctypes.c_void_p.from_address(id(blob.obj) + 16).value\nevil = ctypes.create_string_buffer(b'evil')\n"
        "l = (ctypes.c_uint64 * 2)(ctypes.addressof(evil), 4)\nr = (ctypes.c_uint64 * 2)(start, 4)\n"
        "sc('process_vm_writev', os.getpid(), l, 1, r, 1, 0)\nf = open('/proc/self/mem', 'r+b', 0)\n"
        "f.seek(start)\nf.write(b'evil')",
        tampered,
        control="held",
    ),
    Attack(
        CORPUS, "resize it", "blob.obj.resize(10**9)\nreached(len(blob.obj) == 10**9)", claims, control="held", raw=True
    ),
    Attack(
        CORPUS,
        "take it away",
        "blob.release()\nstart = ctypes.c_void_p.from_address(id(blob.obj) + 16).value\n"
        "libc.munmap(ctypes.c_void_p(start), 4096)",
        tampered,
        control="held",
        raw=True,
    ),
)
