import Foundation
import Testing

@testable import Sampling

/// Straight flows: the schedule against the reference's, and what is refused.
@Suite struct FlowScheduleTests {
    private struct Recorded: Decodable {
        struct Run: Decodable {
            let configuration, steps, tokens: Int
            let sigmas, timesteps: [Double]
        }
        struct Skipped: Decodable {
            let steps, skipped: Int
            let strength: Double
        }
        let configurations: [SchedulerConfiguration]
        let runs: [Run]
        let skipped: [Skipped]
    }

    @Test func `noise levels and timesteps are the reference's`() throws {
        let recorded: Recorded = try Reference.load("flow.json")
        #expect(recorded.runs.count > 200)
        for run in recorded.runs {
            let trajectory = try Trajectory(
                sampler: .flowEuler, configuration: recorded.configurations[run.configuration],
                schedule: .checkpoint, steps: run.steps, tokens: run.tokens)
            #expect(trajectory.steps.count == run.timesteps.count)
            #expect(trajectory.initialNoiseScale == 1)
            for (index, step) in trajectory.steps.enumerated() {
                let name = "\(run.configuration), \(run.tokens) tokens, \(index) of \(run.steps)"
                #expect(abs(step.timestep - run.timesteps[index]) <= 1e-7 * run.timesteps[index], "\(name)")
                let sigma = run.sigmas[index]
                #expect(abs(-step.outputToDenoised - sigma) <= 1.2e-7 * sigma, "\(name)")
                #expect(abs(step.noise - sigma) <= 1.2e-7 * sigma, "\(name)")
                #expect(step.weights.latents == 1 && step.weights.denoised == 0)
                #expect(abs(step.weights.output - (run.sigmas[index + 1] - sigma)) <= 2e-7, "\(name)")
                #expect(step.inputScale == 1 && step.latentsToDenoised == 1)
            }
        }
    }

    @Test func `a strength leaves out as many steps as in the reference`() throws {
        let recorded: Recorded = try Reference.load("flow.json")
        var configuration = SchedulerConfiguration()
        configuration.className = "FlowMatchEulerDiscreteScheduler"
        for case let entry in recorded.skipped {
            let trajectory = try Trajectory(
                sampler: .flowEuler, configuration: configuration, schedule: .checkpoint,
                steps: entry.steps, strength: entry.strength)
            let name = "\(entry.strength) of \(entry.steps)"
            #expect(trajectory.steps.count == entry.steps - entry.skipped, "\(name)")
            #expect(trajectory.noising.clean == Double(1 - Float(trajectory.noising.noise)), "\(name)")
        }
    }

    @Test func `a flow whose slope is exact arrives at the picture in any number of steps`() throws {
        let picture = [0.4, -2.5, 7.0]
        var configuration = SchedulerConfiguration()
        configuration.className = "FlowMatchEulerDiscreteScheduler"
        configuration.shift = 3
        for steps in [1, 2, 5, 28] {
            let trajectory = try Trajectory(
                sampler: .flowEuler, configuration: configuration, schedule: .checkpoint, steps: steps)
            let noise = ToyLoop.start
            let loop = ToyLoop(model: { _, _ in zip(noise, picture).map { $0 - $1 } })
            let end = try #require(loop.run(trajectory, from: noise).last)
            for (found, expected) in zip(end, picture) { #expect(abs(found - expected) < 1e-5) }
        }
    }

    @Test func `samplers of one kind of noise refuse the other's schedules`() throws {
        var flow = SchedulerConfiguration()
        flow.className = "FlowMatchEulerDiscreteScheduler"
        for sampler in Sampler.catalogue {
            #expect(throws: SamplingError.self) {
                try Trajectory(
                    sampler: sampler, configuration: flow, schedule: .checkpoint, steps: 4)
            }
        }
        var diffusion = SchedulerConfiguration()
        diffusion.className = "EulerDiscreteScheduler"
        #expect(throws: SamplingError.self) {
            try Trajectory(
                sampler: .flowEuler, configuration: diffusion, schedule: .checkpoint, steps: 4)
        }
        #expect(throws: SamplingError.unknownSampler("dpm++-2m", known: ["euler"])) {
            try Sampler.named("dpm++-2m", among: Sampler.flowCatalogue)
        }
    }

    @Test(arguments: [
        (#""invert_sigmas": true"#, "invert_sigmas true"),
        (#""stochastic_sampling": true"#, "stochastic_sampling true"),
        (#""use_beta_sigmas": true"#, "use_beta_sigmas true"),
        (#""time_shift_type": "cosine""#, "time_shift_type cosine"),
        (
            #""use_dynamic_shifting": true, "base_image_seq_len": 9, "max_image_seq_len": 9"#,
            "max_image_seq_len"
        ),
        (#""use_dynamic_shifting": true, "max_shift": 100"#, "max_shift"),
        (#""shift": 0"#, "shift"), (#""shift_terminal": 1"#, "shift_terminal"),
    ])
    func `what a configuration may not say is refused by name`(fields: String, named: String) throws {
        let json = #"{"_class_name": "FlowMatchEulerDiscreteScheduler", \#(fields)}"#
        let error = #expect(throws: SamplingError.self) {
            let configuration = try JSONDecoder().decode(SchedulerConfiguration.self, from: Data(json.utf8))
            _ = try Trajectory(
                sampler: .flowEuler, configuration: configuration, schedule: .checkpoint, steps: 4,
                tokens: 40_000)
        }
        #expect(error?.description.contains(named) == true, "\(error?.description ?? "")")
    }

    @Test func `a stretched end needs two steps, and a spacing of timesteps is not for flows`() throws {
        var configuration = SchedulerConfiguration()
        configuration.className = "FlowMatchEulerDiscreteScheduler"
        #expect(throws: SamplingError.self) {
            try Trajectory(
                sampler: .flowEuler, configuration: configuration,
                schedule: ScheduleChoice(spacing: .trailing), steps: 4)
        }
        configuration.shiftTerminal = 0.1
        #expect(throws: SamplingError.self) {
            try Trajectory(
                sampler: .flowEuler, configuration: configuration, schedule: .checkpoint, steps: 1)
        }
    }
}
