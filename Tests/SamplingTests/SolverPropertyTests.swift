import Foundation
import Sampling
import Testing

/// What holds for every solver, so that a new entry of the catalogue is tested by being there.
@Suite struct SolverPropertyTests {
    @Test(arguments: Sampler.catalogue.map(\.name), PredictionType.allCases)
    func `a constant picture is a fixed point`(name: String, prediction: PredictionType) throws {
        let sampler = try Sampler.named(name)
        guard sampler.predictions.contains(prediction) else { return }
        let picture = [0.4, -2.5, 7.0]
        for steps in [1, 2, 5, 8, 40] {
            var configuration = stableDiffusion(prediction)
            configuration.timestepSpacing = .trailing
            let trajectory = try Trajectory(
                sampler: sampler, configuration: configuration, schedule: .checkpoint, steps: steps)
            let loop = ToyLoop(model: { inputs, step in
                zip(inputs, picture).map { input, clean in
                    let level = (1 + step.sigma * step.sigma).squareRoot()
                    let noise = (input * level - clean) / step.sigma
                    switch prediction {
                    case .epsilon: return noise
                    case .velocity: return (noise - step.sigma * clean) / level
                    case .sample: return clean
                    case .flow: return noise - clean
                    }
                }
            })
            let start = ToyLoop.start(of: trajectory, isFromPicture: false)
            let end = try #require(loop.run(trajectory, from: start).last)
            for (found, expected) in zip(end, picture) {
                #expect(abs(found - expected) < 1e-6, "\(steps) steps")
            }
        }
    }

    @Test(arguments: Sampler.catalogue.filter { !$0.isAncestral }.map(\.name))
    func `halving the step divides the error by two to the order`(name: String) throws {
        let sampler = try Sampler.named(name)
        let errors = try [100, 200].map { try gaussianError(sampler, steps: $0) }
        let ratio = errors[0] / errors[1]
        #expect(abs(ratio / pow(2, Double(sampler.order)) - 1) < 0.12, "divided by \(ratio)")
    }

    @Test(arguments: Sampler.catalogue.map(\.name))
    func `weights keep the signal and reach the next noise level`(name: String) throws {
        let sampler = try Sampler.named(name)
        for steps in [1, 4, 10, 20, 50] {
            // Leading spacing in numbers that divide the training steps: there each step ends where the next
            // begins.
            let trajectory = try Trajectory(
                sampler: sampler, configuration: stableDiffusion(.epsilon),
                schedule: .init(spacing: .leading),
                steps: steps)
            for (index, step) in trajectory.steps.enumerated() {
                let weights = step.weights
                let sigma = index + 1 < trajectory.steps.count ? trajectory.steps[index + 1].sigma : 0
                let isExploding = step.inputScale != 1
                let signal = isExploding ? 1 : 1 / (1 + step.sigma * step.sigma).squareRoot()
                let nextSignal = isExploding ? 1 : 1 / (1 + sigma * sigma).squareRoot()

                let kept = weights.latents * signal + weights.denoised + weights.previousDenoised
                #expect(abs(kept - nextSignal) < 1e-9)
                let deviation = weights.latents * signal * step.sigma
                let noise = (deviation * deviation + weights.noise * weights.noise).squareRoot()
                #expect(abs(noise - nextSignal * sigma) < 1e-9)
                #expect(sampler.isAncestral || weights.noise == 0)
                #expect(weights.output == 0)
            }
            #expect(trajectory.steps.first?.weights.previousDenoised == 0)
            #expect(trajectory.steps.last?.weights.noise == 0)
        }
    }

    @Test func `an ancestral sampler draws noise in every step but the last`() throws {
        let trajectory = try Trajectory(
            sampler: .eulerAncestral, configuration: stableDiffusion(.epsilon), schedule: .checkpoint,
            steps: 12)
        #expect(trajectory.steps.dropLast().allSatisfy { $0.weights.noise > 0 })
    }

    /// Data that are normal around 0.3 with deviation 0.5: the best denoiser is linear and the flow is known.
    private func gaussianError(_ sampler: Sampler, steps: Int) throws -> Double {
        let mean = 0.3
        let variance = 0.25
        var configuration = stableDiffusion(.sample)
        configuration.finalSigmasType = "sigma_min"
        configuration.setAlphaToOne = false
        configuration.lowerOrderFinal = false
        let schedule = ScheduleChoice(
            sigmas: sampler.sigmaSpacings.contains(.exponential) ? .exponential : nil)
        let trajectory = try Trajectory(
            sampler: sampler, configuration: configuration, schedule: schedule, steps: steps)
        let loop = ToyLoop(model: { inputs, step in
            let level = step.sigma * step.sigma
            return inputs.map { input in
                (variance * input * (1 + level).squareRoot() + level * mean) / (variance + level)
            }
        })
        let first = try #require(trajectory.steps.first)
        let last = try #require(trajectory.steps.last)
        let start = [0.7, -1.3, 2.1].map { $0 * (1 + first.sigma * first.sigma).squareRoot() * 0.5 }
        let end = try #require(loop.run(trajectory, from: start.map { $0 * unit(first) }).last)
        let shrinking = (variance + last.sigma * last.sigma) / (variance + first.sigma * first.sigma)
        return zip(start, end).map { start, end in
            abs(end / unit(last) - (mean + (start - mean) * shrinking.squareRoot()))
        }.max() ?? 0
    }

    /// What turns latents of signal one into those that the trajectory's convention has at a step.
    private func unit(_ step: SamplingStep) -> Double {
        step.inputScale == 1 ? 1 / (1 + step.sigma * step.sigma).squareRoot() : 1
    }

    private func stableDiffusion(_ prediction: PredictionType) -> SchedulerConfiguration {
        var configuration = SchedulerConfiguration()
        configuration.betaStart = 0.00085
        configuration.betaEnd = 0.012
        configuration.betaSchedule = .scaledLinear
        configuration.predictionType = prediction
        configuration.clipSample = false
        return configuration
    }
}
