package import SafeTensors

/// Why a path could not be opened as a checkpoint: the facts, and one sentence that says what to do.
package enum CheckpointError: Error, Equatable {
    /// Nothing at this path.
    case missing(path: String)
    /// The file or folder could not be read.
    case unreadable(path: String, reason: String)
    /// A weight file that is damaged, or no safetensors file at all.
    case weights(SafeTensorsError)
    /// A file of another format, recognised by its first bytes or its name.
    case otherFormat(path: String, format: String, advice: String)
    /// A folder that is no checkpoint; `candidates` are safetensors files in it that may be meant.
    case noCheckpoint(folder: String, found: String, candidates: [String])
    /// A diffusers folder of another kind of pipeline.
    case otherPipeline(folder: String, pipeline: String, family: String)
    /// A component of a class that its family's pipeline does not run.
    case otherComponent(file: String, component: String, expected: String, found: String)
    /// A safetensors file that holds something else than what was asked for.
    case otherFile(path: String, is: String, advice: String)
    /// The checkpoint lacks a whole component.
    case missingComponent(path: String, component: String, advice: String)
    /// A component is there only as pickled Python objects, which are programs and are not run.
    case onlyPickle(folder: String, file: String)
    /// A file that should be JSON is not, or is not of the expected form.
    case brokenJSON(file: String, reason: String)
    /// A configuration lacks a field that has no default.
    case missingField(file: String, field: String)
    /// A configuration's value would need a computation that the models do not have.
    case unsupported(file: String, field: String, value: String, expected: String)
    /// A tensor that does not have the shape its configuration implies.
    case shape(component: String, key: String, stored: String, expected: [Int], found: [Int])
    /// Keys and shapes alone do not say how the model is built.
    case underivable(path: String, component: String, reason: String)
    /// Two parts that do not fit each other.
    case mismatch(path: String, reason: String)
}

extension CheckpointError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .missing(let path):
            return "\(path): there is no such file or folder."
        case .unreadable(let path, let reason):
            return "\(path): cannot be read: \(reason)."
        case .weights(let error):
            return Self.isCutOff(error) ? "\(error). The file is not complete: get it again." : "\(error)."
        case .otherFormat(let path, let format, let advice):
            return "\(path): this is \(format), not a safetensors file. \(advice)"
        case .noCheckpoint(let folder, let found, let candidates):
            return "\(folder): not a checkpoint: \(found)." + Self.suggestion(candidates)
        case .otherPipeline(let folder, let pipeline, let family):
            return
                "\(folder): a \(pipeline) folder (\(family)); only folders of StableDiffusionXLPipeline and"
                + " FluxPipeline can be run."
        case .otherComponent(let file, let component, let expected, let found):
            return "\(file): its \(component) is \(found); only \(expected) can be run."
        case .otherFile(let path, let what, let advice):
            return "\(path): this is \(what), not a complete checkpoint. \(advice)"
        case .missingComponent(let path, let component, let advice):
            return "\(path): has no \(component). \(advice)"
        case .onlyPickle(let folder, let file):
            return "\(folder): only \(file) is here; pickled weights can run programs and are not read."
                + " Get the safetensors files of the same model, or convert it."
        case .brokenJSON(let file, let reason):
            return "\(file): cannot be read as a configuration: \(reason)."
        case .missingField(let file, let field):
            return "\(file): the field \(field) is missing."
        case .unsupported(let file, let field, let value, let expected):
            return "\(file): \(field) is \(value); only \(expected) is supported."
        case .shape(let component, let key, let stored, let expected, let found):
            let origin = stored == key ? "" : " (in the file: \(stored))"
            return
                "\(component): \(key)\(origin) has the shape \(found), but the configuration says \(expected)."
        case .underivable(let path, let component, let reason):
            return "\(path): the configuration of its \(component) cannot be told from the file: \(reason)."
                + " Give the folder of the same model's configurations with --config FOLDER."
        case .mismatch(let path, let reason):
            return "\(path): \(reason)."
        }
    }

    /// Whether an error is what an interrupted download looks like.
    private static func isCutOff(_ error: SafeTensorsError) -> Bool {
        switch error.reason {
        case .tooShort, .headerCutOff, .tensor(_, .outsideFile): true
        case .fileSize(let expected, let found): found < expected
        default: false
        }
    }

    private static func suggestion(_ candidates: [String]) -> String {
        switch candidates.count {
        case 0: ""
        case 1: " If you mean the file \(candidates[0]), give its path."
        default:
            " If you mean one of its files (\(candidates.prefix(5).joined(separator: ", "))"
                + (candidates.count > 5 ? ", ...), give its path." : "), give its path.")
        }
    }
}
