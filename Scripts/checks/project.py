"""What every check stands on: the project's files, Swift text without comments and strings, and findings."""

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, order=True)
class Finding:
    """One thing to mend: where it is, what it is, and what to do about it."""

    path: str
    line: int
    text: str

    def __str__(self):
        return f"{self.path}:{self.line}: {self.text}"


class Project:
    """The files of one checkout. `root` is the folder with Package.swift."""

    def __init__(self, root):
        self.root = Path(root)

    def files(self, *folders, suffixes=()):
        """Paths relative to the root, sorted; hidden folders, caches and files without the suffixes are left out."""
        found = []
        for folder in folders:
            top = self.root / folder
            if top.is_file():
                found.append(folder)
            for directory, names, files in os.walk(top):
                names[:] = [name for name in names if not name.startswith(".") and name != "__pycache__"]
                for file in files:
                    path = os.path.relpath(os.path.join(directory, file), self.root)
                    if not suffixes or path.endswith(tuple(suffixes)):
                        found.append(path)
        return sorted(found)

    def text(self, path):
        return (self.root / path).read_text(encoding="utf-8", errors="replace")

    def lines(self, path):
        """Line numbers from 1, with the text of each line."""
        return list(enumerate(self.text(path).splitlines(), start=1))

    def code_lines(self, path):
        """The same for Swift, with comments and the insides of string literals blanked out."""
        return list(enumerate(code_only(self.text(path)).splitlines(), start=1))

    def run(self, *command):
        """Exit status, output and errors of a command run in the root; 127 where there is no such command."""
        try:
            done = subprocess.run(command, cwd=self.root, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            return 127, "", f"there is no {command[0]} on the PATH"
        return done.returncode, done.stdout, done.stderr.strip()


# What is no code: comments, strings of all forms, names in backquotes.
_TOKENS = re.compile(
    r"""
    //[^\n]* | /\* |
    (?P<raw>\#*)\"\"\".*?\"\"\"(?P=raw) |
    (?P<hash>\#+)".*?"(?P=hash) |
    `[^`\n]*` |
    "(?:\\.|[^"\\\n])*"
    """,
    re.VERBOSE | re.DOTALL,
)


def code_only(source):
    """Swift source with comments (nested ones too), strings and quoted names replaced by spaces, line for line."""
    pieces, at = [], 0
    while match := _TOKENS.search(source, at):
        end = _end_of_comment(source, match.start()) if match.group() == "/*" else match.end()
        pieces += [source[at : match.start()], re.sub(r"[^\n]", " ", source[match.start() : end])]
        at = end
    return "".join(pieces) + source[at:]


def _end_of_comment(source, start):
    depth = 0
    for match in re.compile(r"/\*|\*/").finditer(source, start):
        depth += 1 if match.group() == "/*" else -1
        if depth == 0:
            return match.end()
    return len(source)
