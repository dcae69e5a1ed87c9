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
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.30.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.30.0"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
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
                "Imaging", "Resources", "Prompts",
                .product(name: "Crypto", package: "swift-crypto"),
            ]),

        // Pure side: text, numbers, bytes.
        .target(name: "SafeTensors"),
        .target(name: "Resources", exclude: ["Configurations", "Text", "Vocabularies"]),
        .target(name: "Tokenizers", dependencies: ["Resources"]),
        .target(name: "Prompts"),
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

        // Serving side: jobs, their store, the routes. None of it knows libtorch.
        .target(
            name: "Engine",
            dependencies: [
                "Generation", "Planning",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ]),
        .target(
            name: "Storage",
            dependencies: [
                "Generation",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Logging", package: "swift-log"),
            ]),
        .target(
            name: "Server",
            dependencies: [
                "Generation", "Engine", "Imaging", "Resources",
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "HummingbirdTLS", package: "hummingbird"),
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "Yams", package: "Yams"),
            ]),

        .executableTarget(
            name: "CLI",
            dependencies: [
                "Torch", "SafeTensors", "Tokenizers", "Sampling", "Planning", "Generation", "Layers",
                "Models",
                "Imaging", "Resources", "Pipelines", "Prompts", "Engine", "Storage", "Server",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ]),

        .target(name: "TestSupport", dependencies: ["Torch", "SafeTensors", "Generation"]),
        .testTarget(name: "PromptsTests", dependencies: ["Prompts"]),
        .testTarget(
            name: "EngineTests",
            dependencies: [
                "Engine", "Generation", "Planning", "Storage", "TestSupport",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "MetricsTestKit", package: "swift-metrics"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ]),
        .testTarget(
            name: "StorageTests",
            dependencies: [
                "Storage", "Generation", "TestSupport",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
            ]),
        .testTarget(
            name: "ServerTests",
            dependencies: [
                "Server", "Engine", "Generation", "Imaging", "Storage", "TestSupport",
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "HummingbirdTesting", package: "hummingbird"),
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "Yams", package: "Yams"),
            ]),
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
            name: "EndToEndTests",
            dependencies: [
                "CLI", "Imaging", "TestSupport",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOFoundationCompat", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
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
