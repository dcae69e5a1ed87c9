"""Words and constructs that the project does without."""

import re
from dataclasses import dataclass

from project import Finding

TEXT = [".md", ".swift", ".c", ".h", ".py", ".sh", ".json", ".txt", ".yml", ".html", ".js", ".css"]
WRITTEN = (
    "Sources",
    "Tests",
    "Scripts",
    "Documentation",
    "Web",
    "Package.swift",
    "Makefile",
    "README.md",
    "NOTICE",
)


@dataclass(frozen=True)
class Rule:
    """One pattern, where it is looked for and what to do instead."""

    pattern: re.Pattern
    folders: tuple
    advice: str
    suffixes: tuple = ()
    in_code_only: bool = False
    except_for: re.Pattern = re.compile(r"(?!)")


RULES = [
    Rule(
        re.compile(r"(?<![\w.])/(?:(?:home|Users)/\w+|(?:root|work)/[\w.]+)"),
        WRITTEN,
        "is a path of one machine: write a path inside the project or a placeholder",
    ),
    Rule(
        re.compile(r"(?<![\w./])/tmp/\w*"),
        ("Documentation", "Sources", "README.md"),
        "is a path of one machine: write a path inside the project",
        suffixes=(".md",),
    ),
    Rule(
        re.compile(r"@unchecked\s+Sendable|nonisolated\(unsafe\)"),
        ("Sources", "Tests"),
        "only Torch and SafeTensors' mapping may say this, each with a proof: use a value, a Mutex or an actor",
        suffixes=(".swift",),
        in_code_only=True,
        except_for=re.compile(r"Sources/Torch/|Tests/TorchTests/|Sources/SafeTensors/(?:.*/)?\w*Mapping\w*(?:\+\w+)?\.swift"),
    ),
    Rule(
        re.compile(r"\btry!"),
        ("Sources", "Tests"),
        "traps on bad input: throw, or catch and say why",
        suffixes=(".swift",),
        in_code_only=True,
    ),
    Rule(
        re.compile(r"\bfatalError\s*\("),
        ("Sources", "Tests"),
        "ends the process: throw, or for a programmer's mistake use precondition with the numbers in its message",
        suffixes=(".swift",),
        in_code_only=True,
    ),
    Rule(
        # Spelled apart, so that the rule does not find itself.
        re.compile(r"\b(?:TO" r"DO|FIX" r"ME)\b"),
        WRITTEN,
        "is a loose end: do it, or leave it out",
    ),
]


def check(project):
    """Every place where a rule's pattern stands."""
    findings = []
    for rule in RULES:
        for path in project.files(*rule.folders, suffixes=rule.suffixes or ()):
            if rule.except_for.match(path) or not (rule.suffixes or is_text(path)):
                continue
            lines = project.code_lines(path) if rule.in_code_only else project.lines(path)
            for number, line in lines:
                if match := rule.pattern.search(line):
                    findings.append(Finding(path, number, f"`{match.group().strip()}` {rule.advice}"))
    return findings


def is_text(path):
    """Whether a file is worth reading as text: by its ending, or because it has none (scripts, Makefile, NOTICE)."""
    name = path.rsplit("/", 1)[-1]
    return "." not in name or name.endswith(tuple(TEXT))
