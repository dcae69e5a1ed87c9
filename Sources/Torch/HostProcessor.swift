internal import Foundation

/// What the system says of this machine's processor, as far as it decides how fast a number format is.
package struct HostProcessor: Sendable, Equatable {
    /// `AMD EPYC 9R14`; nil where nothing says.
    package let name: String?
    /// `AuthenticAMD`, `GenuineIntel`; nil where nothing says.
    package let vendor: String?
    /// Instruction sets and other features, in the system's spelling.
    package let flags: Set<String>

    /// Reads Linux's `/proc/cpuinfo`, of x86 or ARM.
    package init(cpuinfo: String) {
        var values: [String: Substring] = [:]
        for line in cpuinfo.split(separator: "\n") {
            let sides = line.split(separator: ":", maxSplits: 1)
            guard sides.count == 2 else { continue }
            let key = sides[0].trimmingCharacters(in: .whitespaces)
            // Every core has a paragraph; the first speaks for all.
            if values[key] == nil { values[key] = sides[1] }
        }
        func text(_ key: String) -> String? { values[key]?.trimmingCharacters(in: .whitespaces) }
        name = text("model name")
        vendor = text("vendor_id") ?? text("CPU implementer")
        flags = Set((values["flags"] ?? values["Features"] ?? "").split(separator: " ").map(String.init))
    }

    /// This machine's. Nothing is known outside Linux.
    package static var current: HostProcessor {
        HostProcessor(cpuinfo: (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? "")
    }

    /// The features that kernels are chosen by, in a fixed order: wide vectors, 16-bit and matrix arithmetic.
    package static let decisive = [
        "avx2", "fma", "f16c", "avx_vnni", "avx512f", "avx512bw", "avx512vl", "avx512_vnni", "avx512_bf16",
        "avx512_fp16", "amx_tile", "amx_int8", "amx_bf16", "amx_fp16", "asimd", "asimdhp", "sve", "sve2",
        "bf16",
        "svebf16", "i8mm", "sme",
    ]

    /// Those of ``decisive`` that are there.
    package var features: [String] { Self.decisive.filter(flags.contains) }
}
