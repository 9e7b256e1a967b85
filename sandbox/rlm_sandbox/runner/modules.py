"""What is imported before the lock. Afterwards no file can be opened, so nothing else can ever be imported."""

import importlib
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec

_LIST = """
abc array ast base64 binascii bisect bz2 calendar cmath codecs collections collections.abc colorsys
concurrent.futures concurrent.futures.thread contextlib contextvars copy csv ctypes dataclasses datetime decimal difflib
enum fnmatch fractions functools gc glob graphlib gzip hashlib heapq hmac html html.entities html.parser inspect io
ipaddress itertools json keyword linecache locale logging lzma math mmap numbers operator os os.path pathlib pprint
queue random re reprlib secrets shlex signal statistics string stringprep struct sys tempfile textwrap threading time
timeit token tokenize traceback types typing unicodedata urllib.parse uuid warnings weakref xml.etree.ElementTree zlib
encodings.aliases encodings.ascii encodings.cp1252 encodings.cp437 encodings.idna encodings.latin_1
encodings.punycode encodings.raw_unicode_escape encodings.unicode_escape encodings.utf_16 encodings.utf_16_be
encodings.utf_16_le encodings.utf_32 encodings.utf_8 encodings.utf_8_sig
"""

NAMES = tuple(_LIST.split())


class NotHere:
    """Answers an import that cannot be had with a sentence, where Python would say only `No module named`."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: object = None) -> ModuleSpec | None:
        del path, target
        raise ModuleNotFoundError(
            f"No module named {name!r} in this sandbox: it has no files and no packages, only the common modules of "
            "the standard library (re, json, collections, itertools, math, statistics, difflib, concurrent.futures …)",
            name=name,
        )


def load() -> None:
    """Import what this interpreter has of the list; some builds lack bz2 or lzma."""
    for name in NAMES:
        try:
            importlib.import_module(name)
        except ImportError:
            continue


def close() -> None:
    """From here on, an import that is not loaded already explains itself."""
    sys.meta_path.append(NotHere())
