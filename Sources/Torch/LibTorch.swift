internal import CTorch
internal import Foundation

/// Finding and opening libtorch. Nothing in the package is linked to it, so all else works without.
package enum LibTorch {
    /// The opened library.
    package struct Opened: Sendable, Equatable {
        /// The file that was opened.
        package let path: String
        /// Where it was found, in words.
        package let origin: String
        /// `2.13`, from the library itself.
        package let version: String
        /// Whether it is a CUDA build.
        package let supportsCUDA: Bool
    }

    /// Why libtorch could not be used, and what to do.
    package struct OpenError: Error, Equatable, CustomStringConvertible {
        package let reason: String
        package var description: String {
            "\(reason); run `make demo` once, install torch 2.11 or newer for Python, or set GESSO_LIBTORCH "
                + "to a folder with libtorch.so (`gesso doctor` shows where was looked)"
        }
    }

    /// Opens the first candidate that can be opened. Calling again returns the first result.
    ///
    /// Not to be called before it is needed: the library takes about 0.2 s and 100 MB.
    package static func open() throws(OpenError) -> Opened { try opened.get() }

    private static let opened: Result<Opened, OpenError> = {
        do throws(OpenError) {
            return .success(try open(firstOf: LibraryCandidate.all()))
        } catch {
            return .failure(error)
        }
    }()

    /// Opens the first of the candidates that can be opened: a broken one hides none behind it. But a library that
    /// could be loaded and not used ends the search, because no second one may join it in the process.
    static func open(firstOf candidates: [LibraryCandidate]) throws(OpenError) -> Opened {
        guard !candidates.isEmpty else { throw OpenError(reason: "libtorch was not found") }
        OpenMP.waitBriefly()
        var reasons: [String] = []
        for candidate in candidates {
            if let problem = candidate.problem {
                reasons.append("\(candidate.path): \(problem)")
                continue
            }
            let status = Int(unsafe ct_open(candidate.path))
            if status == CT_OPENED {
                let version = ct_abi_version()
                return Opened(
                    path: candidate.path, origin: candidate.origin,
                    version: "\(version >> 56).\(version >> 48 & 0xff)", supportsCUDA: ct_has_cuda_functions()
                )
            }
            reasons.append("libtorch could not be opened: \(Tensor.lastMessage)")
            if status == CT_UNUSABLE { break }
        }
        throw OpenError(reason: reasons.joined(separator: "; "))
    }

    /// How many threads operators use; to be asked on a device thread.
    package static func threadCount() throws(TensorError) -> Int {
        var count: UInt32 = 0
        try unsafe Tensor.check("get_num_threads", ct_thread_count(&count))
        return Int(count)
    }

    /// The memory of a CUDA card, or nil where there is none.
    package static func cudaMemory(_ index: Int) -> (free: Int, total: Int)? {
        typealias SetDevice = @convention(c) (Int32) -> Int32
        typealias MemoryInfo = @convention(c) (UnsafeMutablePointer<Int>, UnsafeMutablePointer<Int>) -> Int32
        guard index < cudaDeviceCount(), let set = unsafe ct_symbol("cudaSetDevice"),
            let info = unsafe ct_symbol("cudaMemGetInfo")
        else { return nil }
        var free = 0
        var total = 0
        guard unsafe unsafeBitCast(set, to: SetDevice.self)(Int32(clamping: index)) == 0,
            unsafe unsafeBitCast(info, to: MemoryInfo.self)(&free, &total) == 0
        else { return nil }
        return (free, total)
    }

    /// A card's compute capability times ten, such as 86; nil where there is no card or nothing says.
    package static func cudaCapability(_ index: Int) -> Int? {
        typealias Attribute = @convention(c) (UnsafeMutablePointer<Int32>, Int32, Int32) -> Int32
        guard index < cudaDeviceCount(), let attribute = unsafe ct_symbol("cudaDeviceGetAttribute") else {
            return nil
        }
        // cudaDevAttrComputeCapabilityMajor and Minor of the CUDA runtime.
        var parts: [Int32] = []
        for code in [Int32(75), 76] {
            var value: Int32 = 0
            guard
                unsafe unsafeBitCast(attribute, to: Attribute.self)(&value, code, Int32(clamping: index)) == 0
            else { return nil }
            parts.append(value)
        }
        return Int(parts[0]) * 10 + Int(parts[1])
    }

    /// A card's name, such as `NVIDIA L4`; nil where there is no card or nothing says.
    package static func cudaName(_ index: Int) -> String? {
        typealias Properties = @convention(c) (UnsafeMutableRawPointer, Int32) -> Int32
        // The structure grew with CUDA, and the function's name with it; the name always comes first, in 256 bytes.
        guard index < cudaDeviceCount(),
            let properties = unsafe ct_symbol("cudaGetDeviceProperties_v2")
                ?? ct_symbol("cudaGetDeviceProperties")
        else { return nil }
        // About 1 kB today.
        return unsafe withUnsafeTemporaryAllocation(byteCount: 1 << 14, alignment: 16) { buffer in
            guard let address = buffer.baseAddress else { return nil }
            unsafe buffer.initializeMemory(as: UInt8.self, repeating: 0)
            let status = unsafe unsafeBitCast(properties, to: Properties.self)(
                address, Int32(clamping: index))
            guard status == 0 else { return nil }
            return unsafe String(decoding: buffer.prefix(256).prefix { $0 != 0 }, as: UTF8.self)
        }
    }

    /// The versions of the driver's and the library's CUDA, such as 12080 for 12.8; nil without them.
    package static var cudaVersions: (driver: Int, runtime: Int)? {
        typealias Version = @convention(c) (UnsafeMutablePointer<Int32>) -> Int32
        var versions: [Int] = []
        for name in ["cudaDriverGetVersion", "cudaRuntimeGetVersion"] {
            var version: Int32 = 0
            guard let function = unsafe ct_symbol(name),
                unsafe unsafeBitCast(function, to: Version.self)(&version) == 0
            else { return nil }
            versions.append(Int(version))
        }
        return (versions[0], versions[1])
    }

    /// Waits until a device has done everything that was asked of it. A CPU has, whenever a call returns.
    package static func synchronize(_ device: Device) throws(TensorError) {
        typealias Set = @convention(c) (Int32) -> Int32
        typealias Synchronize = @convention(c) () -> Int32
        guard device.kind == .cuda else { return }
        guard let set = unsafe ct_symbol("cudaSetDevice"),
            let synchronize = unsafe ct_symbol("cudaDeviceSynchronize"),
            unsafe unsafeBitCast(set, to: Set.self)(device.index) == 0,
            unsafe unsafeBitCast(synchronize, to: Synchronize.self)() == 0
        else { throw TensorError(operation: "cudaDeviceSynchronize", message: "\(device) does not answer") }
    }

    /// How many CUDA cards the opened library sees; 0 for a CPU build or without a driver.
    package static func cudaDeviceCount() -> Int {
        typealias DeviceCount = @convention(c) (UnsafeMutablePointer<Int32>) -> Int32
        // The CUDA runtime comes with libtorch, which is why its functions are found through it.
        guard let count = unsafe ct_symbol("cudaGetDeviceCount") else { return 0 }
        var devices: Int32 = 0
        return unsafe unsafeBitCast(count, to: DeviceCount.self)(&devices) == 0 ? Int(devices) : 0
    }
}
