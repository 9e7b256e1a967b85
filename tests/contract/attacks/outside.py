"""Attacks on what lies outside: files, programs, the network, other processes."""

from tests.contract.attacks.attack import Attack, changed, claims, hurt, knocked, tampered, told, traced

READ, META, WRITE = "read files", "learn of files", "write files"
PROGRAMS, PROC, NETWORK, UNIX = "run programs", "/proc", "network", "unix sockets"
PROCESSES, DESCRIPTORS = "other processes", "descriptors"

ATTACKS = (
    Attack(READ, "open a file", "print(open(FILE).read())", told),
    Attack(READ, "read through a raw openat", "fd = sc('openat', -100, path(FILE), 0)\nprint(os.read(fd, 99))", told),
    Attack(READ, "read through a raw open", "fd = sc('open', path(FILE), 0)\nprint(os.read(fd, 99))", told),
    Attack(
        READ,
        "read through openat2",
        "fd = sc('openat2', -100, path(FILE), (ctypes.c_uint64 * 3)(0, 0, 0), 24)\nprint(os.read(fd, 99))",
        told,
    ),
    Attack(READ, "map a file", "import mmap\nprint(mmap.mmap(os.open(FILE, 0), 0, mmap.MAP_PRIVATE)[:])", told),
    Attack(READ, "list a folder", "reached('secret.txt' in os.listdir(FOLDER))", claims),
    Attack(READ, "read the passwords", "reached('root' in open('/etc/passwd').read())", claims),
    Attack(READ, "read the home folder", "os.listdir(os.path.expanduser('~'))\nreached()", claims, control="depends"),
    Attack(READ, "import a file", "import sys\nsys.path.insert(0, FOLDER)\nimport stolen\nprint(stolen.value)", told),
    Attack(
        READ,
        "open by handle",
        "h = (ctypes.c_int * 40)(128)\nm = ctypes.c_int()\n"
        "assert sc('name_to_handle_at', -100, path(FILE), h, ctypes.byref(m), 0) == 0\n"
        "reached()",
        claims,
        control="depends",
    ),
    Attack(READ, "a folder's descriptor", "fd = os.open(FOLDER, os.O_PATH)\nreached(fd >= 0)", claims),
    Attack(META, "stat a file", "reached(os.stat(FILE).st_size > 0)", claims),
    Attack(
        META,
        "stat by raw newfstatat",
        "b = (ctypes.c_char * 256)()\nreached(sc('newfstatat', -100, path(FILE), b, 0) == 0)",
        claims,
    ),
    Attack(
        META, "statx", "b = (ctypes.c_char * 256)()\nreached(sc('statx', -100, path(FILE), 0, 0xfff, b) == 0)", claims
    ),
    Attack(META, "access", "reached(os.access(FILE, os.F_OK))", claims),
    Attack(META, "faccessat2", "reached(sc('faccessat2', -100, path(FILE), 0, 0) == 0)", claims),
    Attack(META, "readlink", "reached(bool(os.readlink('/proc/self/exe')))", claims),
    Attack(META, "statfs", "b = (ctypes.c_char * 256)()\nreached(sc('statfs', path(FOLDER), b) == 0)", claims),
    Attack(META, "the host's name", "reached(bool(os.uname().nodename))", claims),
    Attack(META, "change folder, then ask where", "os.chdir(FOLDER)\nreached(os.getcwd() == FOLDER)", claims),
    Attack(
        META,
        "watch a folder",
        "fd = sc('inotify_init1', 0)\nreached(sc('inotify_add_watch', fd, path(FOLDER), 2) >= 0)",
        claims,
    ),
    Attack(WRITE, "create a file", "open(TRACE, 'w').write('x')", traced),
    Attack(WRITE, "create by raw openat", "sc('openat', -100, path(TRACE), 0o101, 0o666)", traced),
    Attack(WRITE, "make a folder", "os.mkdir(FOLDER + '/new')", traced),
    Attack(WRITE, "make a link", "os.symlink('/etc/passwd', FOLDER + '/new')", traced),
    Attack(WRITE, "make a hard link", "os.link(FILE, FOLDER + '/new')", traced),
    Attack(WRITE, "make a pipe", "os.mkfifo(FOLDER + '/new')", traced),
    Attack(WRITE, "rewrite a file", "open(TARGET, 'w').write('x')", changed),
    Attack(WRITE, "truncate", "os.truncate(TARGET, 0)", changed),
    Attack(WRITE, "remove", "os.unlink(TARGET)", changed),
    Attack(WRITE, "rename", "os.rename(TARGET, TARGET + '2')", changed),
    Attack(WRITE, "change the mode", "os.chmod(TARGET, 0o777)", changed),
    Attack(WRITE, "change the times", "os.utime(TARGET, (5, 5))", changed),
    Attack(WRITE, "change an attribute", "os.setxattr(TARGET, 'user.x', b'1')", changed, control="depends"),
    Attack(WRITE, "write the corpus by its path", "open(BLOB, 'r+b').write(b'evil')", tampered),
    Attack(
        WRITE,
        "write the corpus through its descriptor or its mapping",
        "for fd in range(3, 32):\n"
        "    address = mapped(4096, 3, 1, fd)\n"
        "    if address: ctypes.memmove(address, b'evil', 4)\n"
        "address = ctypes.addressof(ctypes.py_object(blob)) and ctypes.c_void_p.from_address(id(blob.obj) + 16).value\n"
        "libc.mprotect(ctypes.c_void_p(address), 4096, 3) == 0 and ctypes.memmove(address, b'evil', 4)",
        tampered,
        control="held",
    ),
    Attack(PROGRAMS, "the shell", "os.system(PROGRAM)", traced),
    Attack(
        PROGRAMS,
        "subprocess",
        "import sys\nlib = os.path.dirname(os.__file__)\nsys.path += [lib, lib + '/lib-dynload']\n"
        "import subprocess\nsubprocess.run([PROGRAM])",
        traced,
    ),
    Attack(PROGRAMS, "posix_spawn", "os.waitpid(os.posix_spawn(PROGRAM, [PROGRAM], {}), 0)", traced),
    Attack(PROGRAMS, "become a program", "os.execv(PROGRAM, [PROGRAM])", traced, raw=True),
    Attack(
        PROGRAMS,
        "become a program by raw execveat",
        "argv = (ctypes.c_char_p * 2)(PROGRAM.encode(), None)\nsc('execveat', -100, path(PROGRAM), argv, None, 0)",
        traced,
        raw=True,
    ),
    Attack(
        PROGRAMS,
        "run from memory",
        "fd = sc('memfd_create', b'x\\0', 0)\nos.write(fd, open(PROGRAM, 'rb').read())\n"
        "os.waitpid(os.posix_spawn(f'/proc/self/fd/{fd}', ['x'], {}), 0)",
        traced,
    ),
    Attack(
        PROGRAMS, "fork", "pid = os.fork()\nif pid == 0: os._exit(0)\nreached(os.waitpid(pid, 0)[0] == pid)", claims
    ),
    Attack(
        PROGRAMS,
        "vfork by raw clone",
        "pid = sc('clone', 17, 0, 0, 0, 0)\nif pid == 0: os._exit(0)\nreached(pid > 0)",
        claims,
    ),
    Attack(
        PROGRAMS,
        "clone3",
        "a = (ctypes.c_uint64 * 11)(0, 0, 0, 0, 17)\npid = sc('clone3', a, 88)\n"
        "if pid == 0: os._exit(0)\nreached(pid > 0)",
        claims,
    ),
    Attack(PROC, "a victim's environment", "print(open(f'/proc/{VICTIM}/environ').read())", told),
    Attack(PROC, "a victim's arguments", "print(open(f'/proc/{VICTIM}/cmdline').read())", told),
    Attack(
        PROC,
        "the host's memory map",
        "reached('python' in open(f'/proc/{HOST}/maps').read())",
        claims,
        control="depends",
    ),
    Attack(PROC, "one's own memory map", "reached(bool(open('/proc/self/maps').read()))", claims),
    Attack(PROC, "the list of processes", "reached(str(VICTIM) in os.listdir('/proc'))", claims),
    Attack(NETWORK, "TCP", "import socket\nsocket.create_connection(('127.0.0.1', TCP), 2)", knocked),
    Attack(
        NETWORK, "TCP by IPv6", "import socket\nsocket.create_connection(('::1', TCP6), 2)", knocked, control="depends"
    ),
    Attack(NETWORK, "UDP", "import socket\nsocket.socket(2, 2).sendto(b'x', ('127.0.0.1', UDP))", knocked),
    Attack(
        NETWORK,
        "TCP by raw calls",
        "fd = sc('socket', 2, 1, 0)\na = b'\\2\\0' + TCP.to_bytes(2, 'big') + bytes([127, 0, 0, 1]) + bytes(8)\n"
        "sc('connect', fd, a, 16)",
        knocked,
    ),
    Attack(
        NETWORK,
        "listen",
        "import socket\ns = socket.create_server(('127.0.0.1', 0))\nreached(s.getsockname()[1] > 0)",
        claims,
    ),
    Attack(NETWORK, "talk to the kernel by netlink", "reached(sc('socket', 16, 3, 0) >= 0)", claims),
    Attack(NETWORK, "raw packets", "reached(sc('socket', 17, 3, 0x300) >= 0)", claims, control="depends"),
    Attack(NETWORK, "the machine's hypervisor", "reached(sc('socket', 40, 1, 0) >= 0)", claims, control="depends"),
    Attack(UNIX, "a socket in a folder", "import socket\nsocket.socket(1).connect(UNIX)", knocked),
    Attack(UNIX, "an abstract socket", "import socket\nsocket.socket(1).connect(ABSTRACT.encode('latin-1'))", knocked),
    Attack(UNIX, "a pair", "import socket\nreached(bool(socket.socketpair()))", claims),
    Attack(PROCESSES, "kill a victim", "os.kill(VICTIM, 9)", hurt),
    Attack(PROCESSES, "stop a victim", "os.kill(VICTIM, 19)", hurt),
    Attack(PROCESSES, "kill by tkill", "sc('tkill', VICTIM, 9)", hurt),
    Attack(PROCESSES, "kill by tgkill", "sc('tgkill', VICTIM, VICTIM, 9)", hurt),
    Attack(
        PROCESSES,
        "kill by rt_sigqueueinfo",
        "i = (ctypes.c_int * 32)(9, 0, -1)\nsc('rt_sigqueueinfo', VICTIM, 9, i)",
        hurt,
    ),
    Attack(
        PROCESSES, "kill by pidfd", "fd = sc('pidfd_open', VICTIM, 0)\nsc('pidfd_send_signal', fd, 9, None, 0)", hurt
    ),
    Attack(PROCESSES, "kill everything", "os.kill(-1, 0)\nreached()", claims, control="depends"),
    Attack(
        PROCESSES,
        "kill the owner of a pipe by its signals",
        "import fcntl\nr, w = os.pipe()\nF_SETSIG = 10\nfcntl.fcntl(r, F_SETSIG, 9)\n"
        "fcntl.fcntl(r, fcntl.F_SETOWN, VICTIM)\n"
        "fcntl.fcntl(r, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)\nos.write(w, b'x')",
        hurt,
    ),
    Attack(
        PROCESSES,
        "kill a victim by the signals of the channel",
        "import fcntl\nfor fd in (3,):\n    fcntl.fcntl(fd, 10, 9)\n    fcntl.fcntl(fd, fcntl.F_SETOWN, VICTIM)\n"
        "    fcntl.fcntl(fd, fcntl.F_SETFL, os.O_ASYNC)\ncall('echo', a=1)",
        hurt,
        control="depends",
    ),
    Attack(PROCESSES, "trace a victim", "reached(sc('ptrace', 16, VICTIM, 0, 0) == 0)", claims, control="depends"),
    Attack(
        PROCESSES,
        "read a victim's memory",
        "b = ctypes.create_string_buffer(SIZE)\nl = (ctypes.c_uint64 * 2)(ctypes.addressof(b), SIZE)\n"
        "r = (ctypes.c_uint64 * 2)(ADDRESS, SIZE)\nsc('process_vm_readv', VICTIM, l, 1, r, 1, 0)\nprint(b.raw)",
        told,
        control="depends",
    ),
    Attack(
        PROCESSES,
        "read a victim's memory file",
        "f = open(f'/proc/{VICTIM}/mem', 'rb')\nf.seek(ADDRESS)\nprint(f.read(SIZE))",
        told,
        control="depends",
    ),
    Attack(
        PROCESSES,
        "take a victim's descriptor",
        "fd = sc('pidfd_open', VICTIM, 0)\nreached(sc('pidfd_getfd', fd, 1, 0) >= 0)",
        claims,
        control="depends",
    ),
    Attack(PROCESSES, "change a victim's limits", "sc('prlimit64', VICTIM, 7, (ctypes.c_uint64 * 2)(5, 5), 0)", hurt),
    Attack(
        PROCESSES,
        "change a victim's limits, the pointer's low half zero",
        "p = zero_low_word()\nassert p\n(ctypes.c_uint64 * 2).from_address(p)[:] = [5, 5]\n"
        "sc('prlimit64', VICTIM, 7, p, 0)",
        hurt,
    ),
    Attack(
        PROCESSES,
        "read a victim's limits",
        "b = (ctypes.c_uint64 * 2)()\nreached(sc('prlimit64', VICTIM, 7, 0, b) == 0)",
        claims,
    ),
    Attack(PROCESSES, "change a victim's priority", "os.setpriority(0, VICTIM, 19)\nreached()", claims),
    Attack(PROCESSES, "move a victim to one processor", "os.sched_setaffinity(VICTIM, {0})\nreached()", claims),
    Attack(
        PROCESSES,
        "a victim's clock",
        "reached(sc('clock_gettime', (~VICTIM << 3) | 2, (ctypes.c_uint64 * 2)()) == 0)",
        claims,
    ),
    Attack(
        DESCRIPTORS,
        "what the host had open",
        "for fd in range(3, 64):\n    try: print(os.pread(fd, 99, 0))\n    except OSError: pass",
        told,
    ),
    Attack(
        DESCRIPTORS,
        "what the host had open, by read",
        "for fd in range(5, 64):\n    try: print(os.read(fd, 99))\n    except OSError: pass",
        told,
    ),
    Attack(
        DESCRIPTORS,
        "what the host had open, mapped",
        "for fd in range(3, 64):\n    a = mapped(4096, 1, 2, fd)\n    if a: print(ctypes.string_at(a, 40))",
        told,
    ),
    Attack(
        DESCRIPTORS,
        "type into a terminal",
        "import fcntl\nfor fd in range(3):\n"
        "    try: fcntl.ioctl(fd, 0x5412, b'x'); reached()\n    except OSError: pass",
        claims,
        control="held",
    ),
)
