"""The language of a file by its name, and by its first line when it is a script without one."""

import re

SUFFIXES = {
    **dict.fromkeys((".py", ".pyi", ".pyw"), "python"),
    **dict.fromkeys((".js", ".mjs", ".cjs", ".jsx"), "javascript"),
    **dict.fromkeys((".ts", ".mts", ".cts"), "typescript"),
    **dict.fromkeys((".c", ".h"), "c"),
    **dict.fromkeys((".cc", ".cpp", ".cxx", ".c++", ".hpp", ".hh", ".hxx", ".inl"), "cpp"),
    **dict.fromkeys((".rb", ".rake", ".gemspec"), "ruby"),
    **dict.fromkeys((".php", ".phtml"), "php"),
    **dict.fromkeys((".kt", ".kts"), "kotlin"),
    **dict.fromkeys((".scala", ".sc"), "scala"),
    **dict.fromkeys((".sh", ".bash", ".zsh", ".ksh"), "bash"),
    **dict.fromkeys((".md", ".markdown", ".mdx"), "markdown"),
    **dict.fromkeys((".html", ".htm", ".xhtml"), "html"),
    **dict.fromkeys((".yaml", ".yml"), "yaml"),
    **dict.fromkeys((".xml", ".xsd", ".xsl", ".svg"), "xml"),
    **dict.fromkeys((".pl", ".pm"), "perl"),
    **dict.fromkeys((".ex", ".exs"), "elixir"),
    **dict.fromkeys((".ml", ".mli"), "ocaml"),
    **dict.fromkeys((".f", ".f90", ".f95", ".for"), "fortran"),
    **dict.fromkeys((".s", ".asm"), "assembly"),
    **dict.fromkeys((".tf", ".hcl"), "hcl"),
    ".tsx": "tsx",
    ".go": "go",
    ".rs": "rust",
    ".java": "java",
    ".cs": "csharp",
    ".swift": "swift",
    ".lua": "lua",
    ".css": "css",
    ".scss": "scss",
    ".less": "less",
    ".sql": "sql",
    ".json": "json",
    ".toml": "toml",
    ".ini": "ini",
    ".rst": "rst",
    ".ipynb": "notebook",
    ".dart": "dart",
    ".r": "r",
    ".jl": "julia",
    ".hs": "haskell",
    ".erl": "erlang",
    ".clj": "clojure",
    ".zig": "zig",
    ".nim": "nim",
    ".vue": "vue",
    ".svelte": "svelte",
    ".m": "objc",
    ".mm": "objc",
    ".proto": "protobuf",
    ".gradle": "groovy",
    ".groovy": "groovy",
    ".cmake": "cmake",
    ".nix": "nix",
    ".el": "elisp",
    ".lisp": "lisp",
    ".scm": "scheme",
    ".v": "verilog",
    ".sv": "verilog",
    ".vhd": "vhdl",
    ".ps1": "powershell",
    ".tex": "latex",
}
NAMES = {
    "dockerfile": "dockerfile",
    "makefile": "make",
    "gnumakefile": "make",
    "cmakelists.txt": "cmake",
    "rakefile": "ruby",
    "gemfile": "ruby",
    "sconstruct": "python",
    "jenkinsfile": "groovy",
    "build": "starlark",
    "build.bazel": "starlark",
    "workspace": "starlark",
}
PROSE = frozenset({"", "markdown", "rst", "html", "latex", "notebook"})
"""Where a long line is a paragraph and nothing odd."""

_SHEBANG = re.compile(rb"^#![^\n]*?(python|node|bash|sh|ruby|perl|php|lua)[\d.]*\b")
_INTERPRETERS = {b"node": "javascript", b"sh": "bash"}


def language_of(path: str, head: bytes = b"") -> str:
    """The language of a file, or "" when nothing says."""
    name = path.rpartition("/")[2].lower()
    if name in NAMES:
        return NAMES[name]
    stem, dot, suffix = name.rpartition(".")
    if dot and stem:
        return SUFFIXES.get("." + suffix, "")
    script = _SHEBANG.match(head[:200])
    return _INTERPRETERS.get(script[1], script[1].decode()) if script else ""
