"""A small machine for classic BPF as seccomp runs it: enough to ask a filter what it would do."""

import struct

WORD = 0xFFFFFFFF


def run(program, arch, number, arguments=()):
    """The filter's verdict for one system call; arguments are 64 bits wide."""
    arguments = (*arguments, 0, 0, 0, 0, 0, 0)[:6]
    data = struct.pack("<IIQ6Q", number & WORD, arch, 0x7FFF_0000_1234, *(a & (1 << 64) - 1 for a in arguments))
    lines = list(struct.iter_unpack("<HBBI", program))
    at = accumulator = 0
    while True:
        code, then, otherwise, value = lines[at]
        at += 1
        if code == 0x20:
            (accumulator,) = struct.unpack_from("<I", data, value)
        elif code == 0x54:
            accumulator &= value
        elif code == 0x15:
            at += then if accumulator == value else otherwise
        elif code == 0x35:
            at += then if accumulator >= value else otherwise
        elif code == 0x06:
            return value
        else:
            raise ValueError(f"no such instruction: {code:#x}")
