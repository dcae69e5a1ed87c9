// swift-tools-version: 6.2
import PackageDescription

// The table of who may import whom stands in Documentation/architecture.md; Scripts/check compares the two.
let package = Package(
    name: "gesso",
    products: [
        .executable(name: "gesso", targets: ["CLI"])
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    ],
    targets: [
        // Computing side: libtorch behind a C table, opened at run time.
        .target(name: "CTorch", linkerSettings: [.linkedLibrary("dl")]),
        .target(name: "Torch", dependencies: ["CTorch"]),
        .target(name: "Layers", dependencies: ["Torch", "SafeTensors", "Planning"]),
        .target(name: "Models", dependencies: ["Torch", "SafeTensors", "Layers", "Resources"]),
        .target(
            name: "Pipelines",
            dependencies: [
                "Torch", "SafeTensors", "Tokenizers", "Sampling", "Planning", "Generation", "Layers",
                "Models",
                "Imaging", "Resources",
                .product(name: "Crypto", package: "swift-crypto"),
            ]),

        // Pure side: text, numbers, bytes.
        .target(name: "SafeTensors"),
        .target(name: "Resources", exclude: ["Configurations", "Text", "Vocabularies"]),
        .target(name: "Tokenizers", dependencies: ["Resources"]),
        .target(name: "Sampling"),
        .target(name: "Planning"),
        .target(name: "Generation"),
        .target(
            name: "CImaging",
            linkerSettings: [
                .linkedLibrary("png16"), .linkedLibrary("z"), .linkedLibrary("turbojpeg"),
                .linkedLibrary("webp"),
            ]),
        .target(name: "Imaging", dependencies: ["CImaging"]),

        .executableTarget(
            name: "CLI",
            dependencies: [
                "Torch", "SafeTensors", "Tokenizers", "Sampling", "Planning", "Generation", "Layers",
                "Models",
                "Imaging", "Resources", "Pipelines",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),

        .target(name: "TestSupport", dependencies: ["Torch", "SafeTensors", "Generation"]),
        .testTarget(name: "TorchTests", dependencies: ["Torch", "CTorch", "TestSupport"]),
        .testTarget(name: "SafeTensorsTests", dependencies: ["SafeTensors"]),
        .testTarget(name: "TokenizersTests", dependencies: ["Tokenizers", "Resources"]),
        .testTarget(name: "PlanningTests", dependencies: ["Planning"]),
        .testTarget(
            name: "LayersTests", dependencies: ["Layers", "SafeTensors", "Planning", "Torch", "TestSupport"]),
        .testTarget(name: "GenerationTests", dependencies: ["Generation"]),
        .testTarget(name: "SamplingTests", dependencies: ["Sampling"]),
        .testTarget(name: "ImagingTests", dependencies: ["Imaging"]),
        .testTarget(
            name: "ModelsTests", dependencies: ["Models", "Layers", "SafeTensors", "Torch", "TestSupport"]),
        .testTarget(
            name: "PipelinesTests",
            dependencies: [
                "Pipelines", "Generation", "Imaging", "Layers", "Models", "Planning", "SafeTensors",
                "Sampling",
                "Torch",
                "TestSupport",
            ]),
        .testTarget(
            name: "CLITests",
            dependencies: [
                "CLI", "Generation", "Imaging", "Layers", "Models", "Pipelines", "Planning", "SafeTensors",
                "Torch", "TestSupport",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),
    ],
    cLanguageStandard: .gnu2x
)

// Every target gets the same settings; the two that hide pointers also get strict memory safety.
let hidesPointers: Set<String> = ["Torch", "SafeTensors"]
let isC: Set<String> = ["CTorch", "CImaging", "Resources"]
for target in package.targets where !isC.contains(target.name) {
    var settings: [SwiftSetting] = [
        .swiftLanguageMode(.v6),
        .treatAllWarnings(as: .error),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
        .enableUpcomingFeature("InferIsolatedConformances"),
    ]
    if hidesPointers.contains(target.name) {
        settings.append(.strictMemorySafety())
    }
    target.swiftSettings = settings
}
