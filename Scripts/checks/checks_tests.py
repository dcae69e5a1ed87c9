"""What the checks of the sources must find and let pass, on small projects made for it."""

import os
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import formatting
import imports
import limits
import wording
from project import Project, code_only

TABLE = """<!-- import-table -->
| target | may import | from outside the package |
| --- | --- | --- |
| Core | - | - |
| Upper, Other | Core | swift-crypto |
| Tool | everything; nothing imports it | argument-parser |
| TestSupport | what it fakes: everything | - |
<!-- /import-table -->
"""

MANIFEST = """// swift-tools-version: 6.2
import PackageDescription
let package = Package(
    name: "small",
    targets: [
        .target(name: "Core"),
        .target(name: "Upper", dependencies: ["Core"]),
        .target(name: "Other", dependencies: ["Core"]),
        .executableTarget(name: "Tool", dependencies: ["Upper"]),
        .target(name: "TestSupport", dependencies: ["Core"]),
        .testTarget(name: "CoreTests", dependencies: ["Core", "TestSupport"]),
    ])
"""


class Checks(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        self.project = Project(self.root)
        self.write("Package.swift", MANIFEST)
        self.write("Documentation/architecture.md", TABLE)
        self.write("Sources/Core/Core.swift", "internal import Foundation\n")

    def write(self, path, text):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def places(self, check):
        return [(finding.path, finding.line) for finding in sorted(check(self.project))]

    # Imports

    def targets(self, **changed):
        """The manifest above as imports.py reads it, with changes."""
        names = {
            "Core": set(),
            "Upper": {"Core"},
            "Other": {"Core"},
            "Tool": {"Upper"},
            "TestSupport": {"Core"},
            "CoreTests": {"Core", "TestSupport"},
            **changed,
        }
        return {
            name: imports.Target(name, name.endswith("Tests"), targets) for name, targets in names.items()
        }

    def found_imports(self, targets=None):
        with mock.patch.object(imports, "read_manifest", lambda _: targets or self.targets()):
            return [str(finding) for finding in imports.check(self.project)]

    def test_what_the_table_allows_passes(self):
        self.write(
            "Sources/Upper/Upper.swift",
            "public import Core\npackage import struct Core.Thing\nimport Glibc\n",
        )
        self.write(
            "Tests/CoreTests/CoreTests.swift", "@testable import Core\nimport TestSupport\nimport Testing\n"
        )
        self.assertEqual(self.found_imports(), [])

    def test_the_manifest_itself_is_read(self):
        self.write("Sources/Upper/Upper.swift", "import Core\n")
        self.assertEqual([str(finding) for finding in imports.check(self.project)], [])

    def test_a_dependency_that_the_table_forbids_is_found(self):
        (found,) = self.found_imports(self.targets(Core={"Upper"}))
        self.assertIn("Package.swift:6: Core may not depend on Upper", found)

    def test_products_may_not_depend_on_test_support(self):
        (found,) = self.found_imports(self.targets(Tool={"TestSupport"}))
        self.assertIn("Tool may not depend on TestSupport", found)

    def test_packages_are_compared_without_their_prefix(self):
        targets = self.targets()
        targets["Upper"].products["Crypto"] = "swift-crypto"
        targets["Tool"].products["ArgumentParser"] = "swift-argument-parser"
        self.assertEqual(self.found_imports(targets), [])
        targets["Core"].products["Crypto"] = "swift-crypto"
        (found,) = self.found_imports(targets)
        self.assertIn("Core may not use Crypto of swift-crypto", found)

    def test_an_import_without_a_dependency_is_found(self):
        self.write("Sources/Core/More.swift", "// import Upper\n/* import Tool */\nimport Upper\n")
        (found,) = self.found_imports()
        self.assertTrue(found.startswith("Sources/Core/More.swift:3: imports Upper"), found)

    def test_an_unknown_module_is_found(self):
        self.write("Sources/Core/More.swift", "@preconcurrency internal import Crypto\n")
        (found,) = self.found_imports()
        self.assertIn("imports Crypto, which is neither the system nor a dependency", found)

    def test_testing_is_for_tests(self):
        self.write("Sources/Core/More.swift", "import Testing\n")
        self.assertEqual(len(self.found_imports()), 1)

    def test_table_and_manifest_know_the_same_targets(self):
        (found,) = self.found_imports(self.targets(New=set()))
        self.assertIn("New has no row", found)
        targets = self.targets()
        del targets["Other"]
        (found,) = self.found_imports(targets)
        self.assertIn("Documentation/architecture.md:5: Other is no target", found)

    def test_a_table_with_a_wrong_name_or_none_at_all_is_found(self):
        self.write("Documentation/architecture.md", TABLE.replace("| Core | swift", "| Croe | swift"))
        self.assertTrue(any("names Croe" in found for found in self.found_imports()))
        self.write("Documentation/architecture.md", "# Nothing\n")
        self.assertEqual(len(self.found_imports()), 1)

    # Sizes and pages

    def test_the_line_after_the_last_allowed_is_found(self):
        self.write("Sources/Core/Long.swift", "\n" * 600)
        self.assertEqual(self.places(limits.check_lengths), [])
        self.write("Sources/Core/Long.swift", "\n" * 601)
        self.assertEqual(self.places(limits.check_lengths), [("Sources/Core/Long.swift", 601)])

    def test_a_large_fixture_is_found(self):
        self.write("Fixtures/a/small.bin", "x" * 999_999)
        self.write("Fixtures/a/large.bin", "x" * 1_000_000)
        self.assertEqual(self.places(limits.check_fixtures), [("Fixtures/a/large.bin", 1)])

    def test_a_target_without_a_page_is_found(self):
        self.write("Sources/Core/Core.docc/Core.md", "# ``Core``\n")
        self.write("Sources/Upper/README.md", "not a page\n")
        self.assertEqual(self.places(limits.check_documentation), [("Sources/Upper", 1)])

    # Wording

    def test_constructs_are_found_in_code_only(self):
        self.write(
            "Sources/Core/More.swift",
            "\n".join(
                [
                    "// try! and fatalError( in a comment",
                    'let text = "try! fatalError("',
                    "/* /* try! */ try! */",
                    'let raw = #"a " try! "#',
                    'let lines = """',
                    '  try! "quoted"',
                    '  """',
                    "func `never try! this`() {}",
                    "let a = try! b()",
                    "fatalError()",
                    "final class C: @unchecked Sendable {}",
                ]
            ),
        )
        self.assertEqual(
            self.places(wording.check), [("Sources/Core/More.swift", line) for line in (9, 10, 11)]
        )

    def test_unchecked_code_has_its_places(self):
        code = "nonisolated(unsafe) let x = 1\n"
        for path in (
            "Torch/Storage.swift",
            "SafeTensors/FileMapping.swift",
            "SafeTensors/Mapping+Range.swift",
        ):
            self.write(f"Sources/{path}", code)
        self.assertEqual(self.places(wording.check), [])
        self.write("Sources/SafeTensors/Header.swift", code)
        self.assertEqual(self.places(wording.check), [("Sources/SafeTensors/Header.swift", 1)])

    def test_paths_of_a_machine_are_found(self):
        home, temporary = "/ho" + "me/anna/model", "/t" + "mp/x.png"
        self.write("Documentation/a.md", f"at {home}\nat {temporary}\nat project/tmp/x and /homepage\n")
        self.write("Sources/Core/More.swift", f"// {home}\n// {temporary}\n")
        self.assertEqual(
            self.places(wording.check),
            [("Documentation/a.md", 1), ("Documentation/a.md", 2), ("Sources/Core/More.swift", 1)],
        )

    def test_loose_ends_are_found(self):
        self.write("Scripts/tool", "# TO" "DO: later\n")
        self.assertEqual(self.places(wording.check), [("Scripts/tool", 1)])

    # Form

    def test_form_is_checked_by_line(self):
        self.write("Sources/Core/More.swift", "let  a = 1\n")
        (self.root / "Tests").mkdir()
        self.assertIn(("Sources/Core/More.swift", 1), self.places(formatting.check))

    def test_tools_that_do_not_run_are_findings(self):
        with mock.patch.dict(os.environ, {"PATH": str(self.root)}):
            self.assertEqual(self.places(formatting.check), [("Package.swift", 1)])
            self.assertEqual(self.places(imports.check), [("Package.swift", 1)])

    def test_a_manifest_that_does_not_compile_is_a_finding(self):
        self.write("Package.swift", "// swift-tools-version: 6.2\nlet package = \n")
        self.assertEqual(self.places(imports.check), [("Package.swift", 1)])

    def test_blanked_text_keeps_its_lines(self):
        source = 'a /* b\n /* c */ \n d */ e "f" // g\nh'
        self.assertEqual(code_only(source).split(), ["a", "e", "h"])
        self.assertEqual(code_only(source).count("\n"), source.count("\n"))


if __name__ == "__main__":
    unittest.main()
