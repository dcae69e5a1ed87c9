"""Sizes, and what must be there: no long file, no large fixture, a documentation page for each target."""

import os

from project import Finding

LONGEST_FILE = 600
LARGEST_FIXTURE = 1_000_000
SOURCE = [".swift", ".c", ".h", ".py"]


def check_lengths(project):
    """No source file over the longest that one holds in mind."""
    findings = []
    for path in project.files("Sources", "Tests", suffixes=SOURCE):
        count = len(project.lines(path))
        if count > LONGEST_FILE:
            findings.append(
                Finding(
                    path,
                    LONGEST_FILE + 1,
                    f"is {count} lines long, over {LONGEST_FILE}: give each idea its file",
                )
            )
    return findings


def check_fixtures(project):
    """Fixtures travel with every clone."""
    findings = []
    for path in project.files("Fixtures"):
        size = os.path.getsize(project.root / path)
        if size >= LARGEST_FIXTURE:
            findings.append(
                Finding(path, 1, f"is {size:,} bytes, not under {LARGEST_FIXTURE:,}: record a smaller case")
            )
    return findings


def check_documentation(project):
    """Each target of Sources/ has a page in a .docc folder."""
    findings = []
    for folder in sorted(entry.name for entry in (project.root / "Sources").iterdir() if entry.is_dir()):
        pages = [path for path in project.files(f"Sources/{folder}", suffixes=[".md"]) if ".docc/" in path]
        if not pages:
            findings.append(
                Finding(
                    f"Sources/{folder}",
                    1,
                    f"has no page: write {folder}.docc/{folder}.md (purpose, main types, example, limits)",
                )
            )
    return findings
