package import Generation
internal import Imaging
internal import Layers
internal import Models
internal import Planning
internal import SafeTensors
internal import Sampling
internal import Tokenizers
internal import Torch

extension Failure {
    /// Turns any error of the parts below into a failure with a stable code; a failure stays itself.
    package init(_ error: any Error) {
        switch error {
        case let failure as Failure: self = failure
        case let error as TensorError: self = Failure(tensor: error)
        case WeightError.tensor(_, _, let cause) where cause.kind == .outOfMemory:
            self = Failure(.outOfMemory, "\(error)")
        case is WeightError, is CheckpointError, is SafeTensorsError, is TokenizerError:
            self = Failure(.badCheckpoint, "\(error)")
        case is LibTorch.OpenError: self = Failure(.cannotRun, "\(error)")
        case is ImagingError: self = Failure(.badRequest, "\(error)", field: "image")
        case let error as SamplingError: self = Failure(sampling: error)
        case is PrecisionPolicy.ParsingError: self = Failure(.badRequest, "\(error)", field: "precision")
        default: self = Failure(.cannotRun, "\(error)")
        }
    }

    private init(sampling error: SamplingError) {
        switch error {
        case .field: self.init(.badCheckpoint, "\(error)")
        case .arithmetic: self.init(.cannotRun, "\(error)")
        case .range(let name, _, _): self.init(.badRequest, "\(error)", field: name)
        case .unknownSchedule, .conflictingSchedule, .unsupported(field: "schedule", _, _, _):
            self.init(.badRequest, "\(error)", field: "schedule")
        case .unknownSampler, .unsupported: self.init(.badRequest, "\(error)", field: "sampler")
        }
    }

    private init(tensor error: TensorError) {
        switch error.kind {
        case .outOfMemory: self.init(.outOfMemory, "out of memory in \(error); try a smaller size")
        case .noDevice: self.init(.cannotRun, "the device can't be used: \(error)")
        case .failed: self.init(.cannotRun, "\(error)")
        }
    }
}

/// Runs `body` and turns whatever it throws into a ``Failure``; cancellation passes as it is.
func failing<Value>(_ body: () throws -> Value) throws -> Value {
    do {
        return try body()
    } catch let error as CancellationError {
        throw error
    } catch {
        throw Failure(error)
    }
}
