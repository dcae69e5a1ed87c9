import Foundation
import Testing
import Torch

@testable import CLI

/// What the doctor says about machines that are not this one.
@Suite struct DoctorTests {
    /// A machine that has everything.
    private var healthy: Diagnosis {
        Diagnosis(
            gesso: "0.1.0",
            candidates: [
                .init(
                    path: "/p/.libtorch/lib/libtorch.so", origin: "the project's folder", version: "2.13.0",
                    problem: nil),
                .init(
                    path: "/usr/torch/lib/libtorch.so", origin: "a Python environment", version: "2.9",
                    problem: "it is version 2.9; Gesso needs 2.11 or newer"),
            ],
            libtorch: .init(
                path: "/p/.libtorch/lib/libtorch.so", origin: "the project's folder", version: "2.13",
                supportsCUDA: true, openSeconds: 0.234, threads: 16),
            cards: [.init(device: "cuda:0", freeBytes: 70_500_000_000, totalBytes: 84_900_000_000)],
            hasNVIDIADriver: true,
            processor: .init(name: "Some Processor", cores: 16, features: ["avx2", "avx512"]),
            memoryAvailableBytes: 120_000_000_000,
            workingFolder: .init(path: "/p", freeBytes: 1_500_000_000_000, isWritable: true),
            cacheFolder: .init(path: "/h/.cache/gesso", freeBytes: 1_500_000_000_000, isWritable: true),
            models: ["/p/Checkpoints/other.safetensors", "/p/Checkpoints/starter-sdxl"],
            defaultModel: "/p/Checkpoints/starter-sdxl")
    }

    @Test func `a healthy machine`() {
        var diagnosis = healthy
        diagnosis.conclude(openError: nil, defaultModelExists: true)
        #expect(
            diagnosis.text == """
                gesso      0.1.0
                libtorch   /p/.libtorch/lib/libtorch.so (the project's folder)
                           version 2.13 for CUDA, opened in 0.23 s, 16 threads
                also seen  /usr/torch/lib/libtorch.so (a Python environment): it is version 2.9; Gesso needs 2.11 or newer
                processor  Some Processor, 16 cores, avx2 avx512
                memory     120.0 GB free
                cuda:0     70.5 GB free of 84.9 GB
                disk       1500.0 GB free in /p
                cache      1500.0 GB free in /h/.cache/gesso
                model      /p/Checkpoints/starter-sdxl, where --model is not given
                           /p/Checkpoints/other.safetensors

                This machine can paint.
                """)
    }

    @Test func `a machine that lacks everything`() {
        var diagnosis = healthy
        diagnosis.libtorch = nil
        diagnosis.candidates = []
        diagnosis.cards = []
        diagnosis.hasNVIDIADriver = false
        diagnosis.processor = .init(name: nil, cores: 1, features: [])
        diagnosis.memoryAvailableBytes = 900_000_000
        diagnosis.workingFolder = .init(path: "/ro", freeBytes: nil, isWritable: false)
        diagnosis.cacheFolder = .init(path: "/ro/c", freeBytes: 5000, isWritable: false)
        diagnosis.models = []
        diagnosis.defaultModel = nil
        diagnosis.conclude(openError: "libtorch was not found", defaultModelExists: false)
        #expect(!diagnosis.canGenerate)
        #expect(
            diagnosis.text == """
                gesso      0.1.0
                libtorch   not found
                processor  1 core, none of avx2, avx512
                memory     900.0 MB free
                CUDA       none
                disk       /ro, which can't be written to
                cache      5.0 kB free in /ro/c, which can't be written to
                model      none by default

                missing: libtorch was not found
                    to do: run 'make demo' once in the project's folder, or 'pip install torch'; or set GESSO_LIBTORCH to \
                a folder with libtorch.so
                note: 900.0 MB of memory are free; SDXL in full size needs more on a CPU
                    to do: close other programs, or use a smaller model
                note: the working folder can't be written to
                    to do: name another one with --output
                note: the cache folder can't be written to, so checkpoints are hashed anew each time
                    to do: make it writable, or set XDG_CACHE_HOME
                note: no model is bundled and GESSO_MODEL is not set
                    to do: give --model with an SDXL or FLUX.1 checkpoint
                This machine can't paint yet.
                """)
    }

    @Test func `an NVIDIA card beside a libtorch for CPUs is pointed out`() {
        var diagnosis = healthy
        diagnosis.libtorch = .init(
            path: "/x", origin: "GESSO_LIBTORCH", version: "2.13", supportsCUDA: false, openSeconds: 0.2,
            threads: nil)
        diagnosis.cards = []
        diagnosis.conclude(openError: nil, defaultModelExists: true)
        #expect(
            diagnosis.problems == [
                .init(
                    what: "there is an NVIDIA card, but this libtorch is for CPUs only",
                    fix: "set GESSO_LIBTORCH to the torch/lib folder of a CUDA build of torch",
                    isBlocking: false)
            ])
        #expect(diagnosis.canGenerate)
        diagnosis = healthy
        diagnosis.cards = []
        diagnosis.conclude(openError: nil, defaultModelExists: true)
        #expect(diagnosis.problems.map(\.what) == ["there is an NVIDIA card, but libtorch can't use it"])
    }

    @Test func `a named libtorch that fails is the variable's fault`() {
        var diagnosis = healthy
        diagnosis.libtorch = nil
        diagnosis.candidates = [
            .init(path: "/x", origin: "GESSO_LIBTORCH", version: nil, problem: "no such file or folder")
        ]
        diagnosis.conclude(openError: "/x: no such file or folder", defaultModelExists: true)
        #expect(diagnosis.problems.first?.fix.hasPrefix("set GESSO_LIBTORCH to a folder") == true)
        #expect(diagnosis.text.contains("libtorch   /x (GESSO_LIBTORCH): no such file or folder\n"))
    }

    @Test func `little disk space and a model that is gone are pointed out`() {
        var diagnosis = healthy
        diagnosis.workingFolder = .init(path: "/p", freeBytes: 50_000_000, isWritable: true)
        diagnosis.defaultModel = "gone"
        diagnosis.conclude(openError: nil, defaultModelExists: false)
        #expect(
            diagnosis.problems.map(\.what) == [
                "50.0 MB of disk space are left in the working folder",
                "GESSO_MODEL names gone, where nothing is",
            ])
    }

    @Test func `JSON has every key, also of what is missing`() throws {
        var diagnosis = healthy
        diagnosis.libtorch = nil
        diagnosis.cacheFolder = nil
        diagnosis.memoryAvailableBytes = nil
        diagnosis.defaultModel = nil
        diagnosis.candidates = []
        diagnosis.models = []
        #expect(
            try JSONText.line(diagnosis)
                == #"{"cacheFolder":null,"canGenerate":false,"candidates":[],"cards":[{"device":"cuda:0","#
                + #""freeBytes":70500000000,"totalBytes":84900000000}],"defaultModel":null,"gesso":"0.1.0","#
                + #""hasNVIDIADriver":true,"libtorch":null,"memoryAvailableBytes":null,"models":[],"problems":[],"#
                + #""processor":{"cores":16,"features":["avx2","avx512"],"name":"Some Processor"},"#
                + #""workingFolder":{"freeBytes":1500000000000,"isWritable":true,"path":"/p"}}"#)
    }

    @Test func `processors are read from the system's text`() {
        let x86 =
            "processor\t: 0\nmodel name\t: AMD EPYC 9R14\nflags\t\t: fpu avx2 avx512f avx512_bf16 amx_tile\n\nprocessor\t: 1\n"
        #expect(
            Diagnosis.Processor(HostProcessor(cpuinfo: x86), cores: 2)
                == .init(name: "AMD EPYC 9R14", cores: 2, features: ["avx2", "avx512", "avx512_bf16", "amx"]))
        let arm = "processor\t: 0\nFeatures\t: fp asimd sve bf16\n"
        #expect(
            Diagnosis.Processor(HostProcessor(cpuinfo: arm), cores: 4)
                == .init(name: nil, cores: 4, features: ["neon", "bf16", "sve"]))
        #expect(
            Diagnosis.Processor(HostProcessor(cpuinfo: ""), cores: 1)
                == .init(name: nil, cores: 1, features: []))
    }

    @Test func `on this machine everything is found that the tests need`() async throws {
        let diagnosis = await Diagnosis.machine(Surroundings.process)
        #expect(diagnosis.canGenerate)
        let library = try #require(diagnosis.libtorch)
        #expect(diagnosis.candidates.contains { $0.path == library.path })
        #expect((library.threads ?? 0) > 0)
        #expect(diagnosis.processor.cores > 0)
        #expect(diagnosis.workingFolder.freeBytes != nil)
    }
}
