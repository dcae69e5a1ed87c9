"""The formatter's own rules, as findings."""

import re

from project import Finding

PLACE = re.compile(r"(?P<path>.+?):(?P<line>\d+):\d+: (?:error|warning): (?P<text>.*)")


def check(project):
    """`swift format lint` over all Swift files."""
    status, _, errors = project.run(
        "swift",
        "format",
        "lint",
        "--strict",
        "--recursive",
        "--parallel",
        "Sources",
        "Tests",
        "Package.swift",
    )
    findings = []
    for line in errors.splitlines():
        if match := PLACE.fullmatch(line):
            path = match["path"].removeprefix(str(project.root) + "/")
            findings.append(
                Finding(path, int(match["line"]), f"{match['text']} (make format mends most of these)")
            )
    if status != 0 and not findings:
        findings.append(
            Finding("Package.swift", 1, f"swift format did not run: {errors or 'no reason given'}")
        )
    return findings
