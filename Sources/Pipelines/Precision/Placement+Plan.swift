internal import Generation
internal import Layers
internal import Planning
internal import Torch

extension Placement {
    /// A stage's plan in libtorch's terms.
    init(_ plan: StagePlan, observer: SiteObserver?) {
        self.init(
            storageDevice: Device(plan.storageDevice) ?? .cpu,
            computeDevice: Device(plan.computeDevice) ?? .cpu,
            storage: plan.storage.map(DType.init), compute: DType(plan.compute),
            residual: DType(plan.residual), sites: plan.sites, observer: observer,
            isPaged: plan.residency == .paged)
    }
}

extension Plan {
    /// - Throws: ``Failure`` for a plan that can't be run: the checkpoint's fault or the policy's.
    func requireRunnable() throws(Failure) {
        guard !problems.isEmpty else { return }
        let reasons = problems.joined(separator: "; ")
        throw hasBrokenWeights
            ? Failure(.badCheckpoint, reasons) : Failure(.cannotRun, reasons, field: "precision")
    }
}

extension Receipt.Precision {
    /// A stage's plan in the receipt's words.
    init(_ plan: StagePlan) {
        self.init(
            storage: plan.storage?.rawValue ?? "file", compute: plan.compute.rawValue,
            residual: plan.residual.rawValue,
            sites: Dictionary(
                plan.sites.map { ($0.path, $0.compute.rawValue) }, uniquingKeysWith: { _, last in last }))
    }
}
