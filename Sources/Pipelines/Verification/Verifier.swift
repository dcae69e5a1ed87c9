internal import Generation
internal import Imaging
internal import Models
internal import Planning
internal import Sampling
internal import Torch

/// Verifies a plan of one model on one device: an actor on the device's own thread, where both sides are computed, the
/// reference with CPU tensors.
///
/// One model is loaded at a time: a stage's reference first, whose inputs and results are kept on the host, then the
/// plan's. What must fit is the largest stage in float32.
actor Verifier<Checkpoint: StagedCheckpoint>: PlanVerification {
    private typealias Order = Checkpoint.Order

    nonisolated let model: String
    nonisolated let family: String
    nonisolated let plan: Plan
    private nonisolated let referencePlan: Plan
    private nonisolated let libtorch: String
    private nonisolated let thread: DeviceActor
    nonisolated let remembered: PrecisionMemory.Entry?
    private nonisolated let availableMemory: Int?
    private var reference: VerifiedSide<Checkpoint>
    private var planned: VerifiedSide<Checkpoint>

    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.unownedExecutor }

    var ranges: [Stage: [String: Double]] { reference.ranges }

    /// Opens libtorch; loads nothing yet.
    /// - Parameters:
    ///   - other: What the reference is computed with; nil for the checkpoint itself.
    ///   - settings: Of the generation whose plan is to be verified.
    ///   - availableMemory: Bytes of host memory that may be taken; nil where nothing says.
    /// - Throws: ``Failure``: no libtorch, no such device, tokenizer files that can't be read, or a policy that cannot be
    ///   followed here.
    init(
        _ checkpoint: Checkpoint, against other: Checkpoint? = nil, _ settings: WorkerSettings,
        _ verification: VerificationSettings, availableMemory: Int?
    ) throws {
        let opened = try failing { (try LibTorch.open(), try checkpoint.tokens([])) }
        try DeviceCheck.require(settings.device, opened.0)
        plan = checkpoint.plan(
            settings.facts ?? DeviceFacts(unmeasured: settings.device), settings, width: verification.width,
            height: verification.height)
        try plan.requireRunnable()
        referencePlan = checkpoint.referencePlan(verification, availableMemory: availableMemory)
        remembered = settings.memory?.entry
        model = checkpoint.name
        family = Checkpoint.family.name
        libtorch = opened.0.version
        self.availableMemory = availableMemory
        thread = DeviceActor.of(settings.device)
        reference = VerifiedSide(models: StagedModels(other ?? checkpoint, opened.1, referencePlan))
        planned = VerifiedSide(models: StagedModels(checkpoint, opened.1, plan))
    }

    func verify(
        _ settings: VerificationSettings, progress: @escaping @Sendable (Progress) -> Void
    ) async throws -> VerificationReport {
        do {
            return try await measure(settings, StageClock(progress))
        } catch let error as CancellationError {
            throw error
        } catch let anomaly as Anomaly {
            throw Failure(
                .notFinite, "\(anomaly), in fp32 already: there is nothing that a plan could be compared with"
            )
        } catch {
            throw Failure(error)
        }
    }

    private func measure(
        _ settings: VerificationSettings, _ clock: consuming StageClock
    ) async throws -> VerificationReport {
        let begun = ContinuousClock.now
        guard !settings.prompts.isEmpty, let seed = settings.seeds.first else {
            throw Failure.badRequest("prompts", "there is no prompt to verify with")
        }
        let orders = try settings.prompts.map { try reference.models.order(settings.request($0, seed: seed)) }
        try requireMemory()
        reference.traces = settings.traces

        let text = try readText(orders, &clock)
        await Task.yield()
        let painted = try denoise(settings, orders, text, &clock)
        await Task.yield()
        let decoded = try decode(settings, painted, &clock)
        await Task.yield()
        let encoded = try encode(decoded.picture, &clock)

        return VerificationReport(
            gesso: GessoVersion.current, model: model, family: family, plan: plan.id,
            policy: plan.policy.text,
            device: plan.device, libtorch: libtorch, referenceDevice: referencePlan.device,
            settings: settings, width: orders[0].width, height: orders[0].height,
            guidanceScale: orders[0].guidanceScale,
            stages: text.stages + painted.stages + [encoded, decoded.stage],
            trajectory: decoded.trajectory, pictures: decoded.pictures,
            seconds: (ContinuousClock.now - begun).seconds)
    }

    /// - Throws: ``Failure`` where the larger of both sides does not fit.
    private func requireMemory() throws(Failure) {
        let needed = max(referencePlan.peakBytes, plan.device == "cpu" ? plan.peakBytes : 0)
        guard let available = availableMemory, needed > available else { return }
        throw Failure(
            .cannotRun,
            "cannot verify here: the fp32 reference needs about \(needed >> 20) MiB, and \(available >> 20) MiB are "
                + "free; a smaller --size needs less")
    }

    // MARK: - Text

    private struct Text {
        let stages: [StageVerification]
        let reference: [TextReading<Order>]
        /// nil where the plan's encoders failed; then ``problem`` says how.
        let planned: [TextReading<Order>]?
        let problem: String?
    }

    private func readText(_ orders: [Order], _ clock: inout StageClock) throws -> Text {
        clock.enter(.encoding)
        var expected: [TextReading<Order>] = []
        for order in orders {
            try Task.checkCancellation()
            expected.append(try reference.traced(.textEncoder, .textEncoder2) { try $0.read(order) })
            clock.finishedNext(of: 2 * orders.count)
        }
        reference.release(.textEncoder, .textEncoder2)
        var found: [TextReading<Order>] = []
        var anomaly: Anomaly?
        do {
            for order in orders {
                try Task.checkCancellation()
                found.append(try planned.models.read(order))
                clock.finishedNext(of: 2 * orders.count)
            }
        } catch let caught as Anomaly {
            anomaly = caught
        }
        planned.release(.textEncoder, .textEncoder2)

        let encoders = Set(expected.flatMap(\.said.keys)).sorted()
        let stages = encoders.map { stage in
            var points: [StageVerification.Point] = []
            for (index, (found, expected)) in zip(found, expected).enumerated() {
                for (a, b) in zip(found.said[stage] ?? [], expected.said[stage] ?? []) {
                    points.append(
                        StageVerification.Point(
                            place: "prompt \(index + 1), \(b.name)", distance: Distance(a.values, b.values)))
                }
            }
            let problem = anomaly.flatMap { anomaly in
                anomaly.stage == stage ? "\(anomaly)" : points.isEmpty ? "not measured: \(anomaly)" : nil
            }
            return verification(of: stage, points, problem: problem)
        }
        return Text(
            stages: stages, reference: expected, planned: anomaly == nil ? found : nil,
            problem: anomaly.map { "\($0)" })
    }

    private func verification(
        of stage: Stage, isGuided: Bool = false, _ points: [StageVerification.Point],
        likeness: Likeness? = nil, problem: String? = nil, seconds: [Double] = [],
        referenceSeconds: [Double] = []
    ) -> StageVerification {
        let gate = Gate(stage, plan[stage].compute)
        return StageVerification(
            stage: stage, isGuided: isGuided, formats: plan[stage].formats,
            gate: isGuided ? gate.guided : gate, points: points, likeness: likeness, problem: problem,
            seconds: seconds.median, referenceSeconds: referenceSeconds.median)
    }

    // MARK: - Denoiser

    /// A picture's latents on the host, or why there are none.
    private enum Latents {
        case some(Tensor)
        case none(String)
    }

    private struct Painted {
        var stages: [StageVerification] = []
        var steps: [TrajectoryVerification.Step] = []
        var noise: [Double] = []
        var problem: String?
        /// The first prompt's and seed's: the reference's, the plan's on the reference's text, the null run's.
        let reference: Tensor
        var planned: Tensor?
        var null: Tensor?
        /// Every prompt with every seed.
        var pictures: [(prompt: String, seed: UInt64, reference: Tensor, planned: Latents)] = []
    }

    private func denoise(
        _ settings: VerificationSettings, _ orders: [Order], _ text: Text, _ clock: inout StageClock
    ) throws -> Painted {
        let seed = settings.seeds[0]
        let followsTrajectory = settings.level >= .trajectory
        let paints = settings.level >= .pictures
        let places = orders.indices.flatMap { order in settings.seeds.map { (order, $0) } }
        let count = try reference.models.startLoop(orders[0], seed: seed).trajectory.steps.count
        let sampled = VerificationSettings.sampled(of: count)
        let total =
            count + sampled.count + (followsTrajectory ? 2 * count : 0)
            + (paints ? (2 * places.count - 1) * count : 0)
        clock.enter(.denoising)

        let course = try reference.run(
            orders[0], seed: seed, text.reference[0], sampled: sampled, &clock, of: total)
        var expected = [try course.result]
        if paints {
            for (order, seed) in places.dropFirst() {
                expected.append(
                    try reference.run(orders[order], seed: seed, text.reference[order], &clock, of: total)
                        .result)
            }
        }
        reference.release(.denoiser)

        var painted = Painted(reference: expected[0])
        let repeated = try planned.predict(course.captures, text.reference[0], &clock, of: total)
        let measured = try compare(course, repeated)
        painted.stages = measured.stages
        var followed: VerifiedSide<Checkpoint>.Course?
        if followsTrajectory {
            do {
                followed = try planned.run(orders[0], seed: seed, text.reference[0], &clock, of: total)
            } catch let anomaly as Anomaly {
                painted.problem = "\(anomaly)"
            }
        }
        if paints {
            for (index, (order, seed)) in places.enumerated() {
                let latents: Latents
                do {
                    if let readings = text.planned {
                        let course = try planned.run(
                            orders[order], seed: seed, readings[order], &clock, of: total)
                        latents = .some(try course.result)
                    } else {
                        latents = .none(text.problem ?? "no text")
                    }
                } catch let anomaly as Anomaly {
                    latents = .none("\(anomaly)")
                }
                painted.pictures.append((settings.prompts[order], seed, expected[index], latents))
            }
        }
        planned.release(.denoiser)

        guard let followed else { return painted }
        painted.planned = try followed.result
        let null = NullRun(measured.sizes)
        painted.noise = null.range
        let disturbed = try reference.run(
            orders[0], seed: seed, text.reference[0], null: null, &clock, of: total)
        reference.release(.denoiser)
        painted.null = try disturbed.result
        painted.steps = course.latents.indices.map { step in
            TrajectoryVerification.Step(
                step: step + 1, sigma: course.loop.trajectory.steps[step].sigma,
                planned: Distance(followed.latents[step], course.latents[step]),
                null: Distance(disturbed.latents[step], course.latents[step]))
        }
        return painted
    }

    /// The denoiser's own predictions and the guided ones, and the size of the error that enters each step.
    private func compare(
        _ course: VerifiedSide<Checkpoint>.Course, _ repeated: (outputs: [Tensor], seconds: [Double])
    ) throws -> (stages: [StageVerification], sizes: [(step: Int, size: Double)]) {
        var single: [StageVerification.Point] = []
        var guided: [StageVerification.Point] = []
        var sizes: [(step: Int, size: Double)] = []
        for (capture, output) in zip(course.captures, repeated.outputs) {
            let samples = capture.output.shape[0]
            for sample in 0..<samples {
                let kind = samples == 1 ? "" : sample == 0 ? ", unconditional" : ", conditional"
                single.append(
                    StageVerification.Point(
                        place: capture.place + kind,
                        distance: Distance(
                            try output.narrowed(0, from: sample, length: 1).floats(),
                            try capture.output.narrowed(0, from: sample, length: 1).floats())))
            }
            let distance = Distance(
                try course.loop.guided(output).floats(), try course.loop.guided(capture.output).floats())
            if course.loop.guidance.isActive {
                guided.append(StageVerification.Point(place: capture.place, distance: distance))
            }
            if let error = distance.relativeError { sizes.append((capture.step, error)) }
        }
        var stages = [
            verification(
                of: .denoiser, single, seconds: repeated.seconds, referenceSeconds: course.seconds)
        ]
        if !guided.isEmpty { stages.append(verification(of: .denoiser, isGuided: true, guided)) }
        return (stages, sizes)
    }

    // MARK: - Autoencoder

    private struct Decoded {
        let stage: StageVerification
        /// The first picture, in float32.
        let picture: Picture
        let trajectory: TrajectoryVerification?
        let pictures: PicturesVerification?
    }

    private func decode(
        _ settings: VerificationSettings, _ painted: Painted, _ clock: inout StageClock
    ) throws -> Decoded {
        let total =
            2 + [painted.planned, painted.null].compactMap(\.self).count + 2 * painted.pictures.count
        clock.enter(.decoding)
        func timed(
            _ latents: Tensor, _ side: inout VerifiedSide<Checkpoint>
        ) throws -> (DecodedPlanes, seconds: Double) {
            try Task.checkCancellation()
            let begun = ContinuousClock.now
            let planes = try side.traced(.decode) { try $0.decode(latents) }
            clock.finishedNext(of: total)
            return (planes, (ContinuousClock.now - begun).seconds)
        }

        let (expected, referenceSeconds) = try timed(painted.reference, &reference)
        let picture = try expected.picture()
        let null = try painted.null.map { try timed($0, &reference).0.picture() }
        let expectedPictures = try painted.pictures.map { try timed($0.reference, &reference).0.picture() }
        reference.release(.decode)

        let stage: StageVerification
        do {
            let (found, seconds) = try timed(painted.reference, &planned)
            let point = StageVerification.Point(
                place: "\(settings.prompts[0]), seed \(settings.seeds[0])",
                distance: Distance(found.planes, expected.planes))
            stage = verification(
                of: .decode, [point], likeness: Likeness(try found.picture(), picture), seconds: [seconds],
                referenceSeconds: [referenceSeconds])
        } catch let anomaly as Anomaly {
            stage = verification(of: .decode, [], problem: "\(anomaly)")
        }
        var trajectory: TrajectoryVerification?
        if settings.level >= .trajectory {
            var problem = painted.problem
            var found: Likeness?
            do {
                found = try painted.planned.map { Likeness(try timed($0, &planned).0.picture(), picture) }
            } catch let anomaly as Anomaly {
                problem = "\(anomaly)"
            }
            trajectory = TrajectoryVerification(
                steps: painted.steps, noise: painted.noise, planned: found,
                null: null.map { Likeness($0, picture) }, problem: problem)
        }
        let pairs = try zip(painted.pictures, expectedPictures).map { place, expected in
            try pair(place.prompt, place.seed, expected, place.planned) { try timed($0, &planned).0 }
        }
        planned.release(.decode)
        return Decoded(
            stage: stage, picture: picture, trajectory: trajectory,
            pictures: settings.level >= .pictures ? PicturesVerification(pairs: pairs) : nil)
    }

    private func pair(
        _ prompt: String, _ seed: UInt64, _ expected: Picture, _ latents: Latents,
        decode: (Tensor) throws -> DecodedPlanes
    ) throws -> PicturesVerification.Pair {
        var likeness: Likeness?
        var suspicion: String?
        switch latents {
        case .none(let problem): suspicion = problem
        case .some(let latents):
            do {
                let picture = try decode(latents).picture()
                likeness = Likeness(picture, expected)
                suspicion = Guards.suspicion(picture.pixels)
            } catch let anomaly as Anomaly {
                suspicion = "\(anomaly)"
            }
        }
        return PicturesVerification.Pair(
            prompt: prompt, seed: seed, likeness: likeness, suspicion: suspicion,
            referenceSuspicion: Guards.suspicion(expected.pixels))
    }

    private func encode(_ picture: Picture, _ clock: inout StageClock) throws -> StageVerification {
        clock.enter(.sourcePicture)
        func timed(
            _ side: inout VerifiedSide<Checkpoint>
        ) throws -> (parts: [(name: String, values: [Float])], seconds: Double) {
            try Task.checkCancellation()
            let begun = ContinuousClock.now
            let parts = try side.traced(.encode) { try $0.encode(picture) }
            side.release(.encode)
            return (parts, (ContinuousClock.now - begun).seconds)
        }
        let (expected, referenceSeconds) = try timed(&reference)
        do {
            let (found, seconds) = try timed(&planned)
            let points = zip(found, expected).map { a, b in
                StageVerification.Point(place: b.name, distance: Distance(a.values, b.values))
            }
            return verification(
                of: .encode, points, seconds: [seconds], referenceSeconds: [referenceSeconds])
        } catch let anomaly as Anomaly {
            return verification(of: .encode, [], problem: "\(anomaly)")
        }
    }
}

extension PaintableCheckpoint {
    /// float32 in every stage, on the CPU.
    func referencePlan(_ verification: VerificationSettings, availableMemory: Int?) -> Plan {
        let exact = Dictionary(uniqueKeysWithValues: Stage.allCases.map { ($0, NumberFormat.fp32) })
        return plan(
            .plainCPU, policy: PrecisionPolicy(formats: exact), width: verification.width,
            height: verification.height, budget: MemoryBudget(device: nil, host: availableMemory))
    }
}
