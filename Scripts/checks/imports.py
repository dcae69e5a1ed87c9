"""Who imports whom: the table in Documentation/architecture.md, the manifest and the import lines must agree."""

import json
import re
from dataclasses import dataclass, field

from project import Finding

TABLE = "Documentation/architecture.md"
SYSTEM = {"Foundation", "FoundationEssentials", "Glibc", "Darwin", "Synchronization", "Dispatch"}
TESTING = {"Testing"}
IMPORT = re.compile(
    r"^\s*(?:@\w+(?:\([^)]*\))?\s+)*(?:(?:public|package|internal|fileprivate|private)\s+)?"
    r"import\s+(?:(?:struct|class|enum|protocol|typealias|func|let|var)\s+)?(\w+)"
)


class ManifestError(Exception):
    """What the package manager says of a manifest that it cannot read."""


@dataclass
class Row:
    """One target's line of the table."""

    line: int
    targets: set
    packages: set


@dataclass
class Target:
    """One target as the manifest has it; `products` are modules of other packages, by package."""

    name: str
    is_test: bool
    targets: set = field(default_factory=set)
    products: dict = field(default_factory=dict)


def check(project):
    """Every disagreement, where it can be mended."""
    rows, findings = read_table(project)
    if rows:
        try:
            targets = read_manifest(project)
        except ManifestError as error:
            return findings + [Finding("Package.swift", 1, f"cannot be read: {error}")]
        findings += compare_manifest(project, rows, targets)
        findings += compare_imports(project, targets)
    return findings


def read_table(project):
    """Row by target name, and what is wrong with the table itself."""
    rows, findings, inside = {}, [], False
    if not (project.root / TABLE).is_file():
        return rows, [Finding(TABLE, 1, "is missing: it holds the import table")]
    cells_by_line = []
    for number, line in project.lines(TABLE):
        if line.strip() in ("<!-- import-table -->", "<!-- /import-table -->"):
            inside = line.strip() == "<!-- import-table -->"
        elif inside and line.startswith("|"):
            cells_by_line.append((number, [cell.strip() for cell in line.strip().strip("|").split("|")]))
    names = {name for _, cells in cells_by_line[2:] for name in split(cells[0])}
    everything = names - {"TestSupport"}
    for number, cells in cells_by_line[2:]:
        if len(cells) < 3:
            findings.append(
                Finding(TABLE, number, "has fewer than three columns: target, may import, from outside")
            )
            continue
        # Prose after a semicolon is for the reader; so is what stands before a colon.
        words = split(cells[1].split(";")[0].split(":")[-1])
        allowed = everything if words == ["everything"] else set(words)
        for unknown in sorted(allowed - names):
            findings.append(
                Finding(
                    TABLE, number, f"names {unknown}, which has no row of its own: add one or mend the name"
                )
            )
        packages = {bare(word) for part in cells[2].split(";") for word in split(part)}
        for name in split(cells[0]):
            rows[name] = Row(number, allowed - {name}, packages)
    if not rows and not findings:
        findings.append(
            Finding(TABLE, 1, "has no table between <!-- import-table --> and <!-- /import-table -->")
        )
    return rows, findings


def split(cell):
    """The names of a cell; none for an empty one or a dash."""
    return [name for name in (part.strip().strip("`") for part in cell.split(",")) if name not in ("", "-")]


def bare(package):
    """A package's name without the prefix that most have and few say."""
    return package.lower().removeprefix("swift-")


def read_manifest(project):
    """Every target of the package, by name; or ManifestError."""
    status, manifest, errors = project.run("swift", "package", "dump-package")
    if status != 0:
        raise ManifestError(errors)
    targets = {}
    for entry in json.loads(manifest)["targets"]:
        target = targets[entry["name"]] = Target(entry["name"], is_test=entry["type"] == "test")
        for dependency in entry["dependencies"]:
            if "product" in dependency:
                product, package = dependency["product"][:2]
                target.products[product] = package
            else:
                target.targets.add((dependency.get("byName") or dependency["target"])[0])
    return targets


def compare_manifest(project, rows, targets):
    """The manifest may depend on what the table allows, and both know the same targets."""
    findings = []
    for target in targets.values():
        line = manifest_line(project, target.name)
        if target.is_test:
            continue
        row = rows.get(target.name)
        if row is None:
            findings.append(
                Finding(
                    "Package.swift", line, f"{target.name} has no row in the import table of {TABLE}: add one"
                )
            )
            continue
        for name in sorted(target.targets - row.targets):
            findings.append(
                Finding(
                    "Package.swift",
                    line,
                    f"{target.name} may not depend on {name}: {TABLE}:{row.line} does not allow it",
                )
            )
        for product, package in sorted(target.products.items()):
            if bare(package) not in row.packages:
                findings.append(
                    Finding(
                        "Package.swift",
                        line,
                        f"{target.name} may not use {product} of {package}: {TABLE}:{row.line} does not allow it",
                    )
                )
    for name in sorted(rows.keys() - targets.keys()):
        findings.append(
            Finding(
                TABLE, rows[name].line, f"{name} is no target of Package.swift: remove it or mend the name"
            )
        )
    return findings


def manifest_line(project, name):
    """Where Package.swift declares a target."""
    declaration = re.compile(r'arget\(\s*(?:name:\s*)?"' + re.escape(name) + '"')
    text = project.text("Package.swift")
    match = declaration.search(text)
    return text.count("\n", 0, match.end()) + 1 if match else 1


def compare_imports(project, targets):
    """A file imports what its target depends on, and the system; SwiftPM itself lets more through."""
    findings = []
    for target in targets.values():
        folder = f"Tests/{target.name}" if target.is_test else f"Sources/{target.name}"
        allowed = SYSTEM | target.targets | target.products.keys()
        if target.is_test or target.name == "TestSupport":
            allowed |= TESTING
        for path in project.files(folder, suffixes=[".swift"]):
            for number, line in project.code_lines(path):
                match = IMPORT.match(line)
                if match and match[1] not in allowed | {target.name}:
                    findings.append(Finding(path, number, advice(match[1], target, targets)))
    return findings


def advice(module, target, targets):
    if module in targets:
        return (
            f"imports {module}, which {target.name} does not depend on: move the code, or add the dependency to "
            f"Package.swift and {TABLE}"
        )
    return f"imports {module}, which is neither the system nor a dependency of {target.name} in Package.swift"
