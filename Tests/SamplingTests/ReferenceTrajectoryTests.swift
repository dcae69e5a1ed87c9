import Foundation
import Sampling
import Testing

@Suite struct ReferenceTrajectoryTests {
    /// How far recorded and repeated values may be apart.
    ///
    /// The reference takes square roots in float32 that are not always rounded correctly, so its noise levels
    /// differ in the last bit. Rescaling to zero terminal signal subtracts near equals and magnifies that,
    /// and so does the noise that an ancestral step adds, which is a difference of neighbouring levels.
    struct Closeness {
        let latents, sigma, timestep: Double

        init(_ sampler: Sampler, _ configuration: SchedulerConfiguration) {
            let isRescaled = configuration.rescaleBetasZeroSNR ?? false
            latents = sampler.isAncestral ? 1e-5 : isRescaled ? 5e-6 : 5e-7
            sigma = isRescaled ? 5e-6 : 5e-7
            timestep = isRescaled ? 2e-3 : 2e-4
        }
    }

    @Test(arguments: Sampler.catalogue.map(\.name))
    func `every recorded run of a sampler is repeated step by step`(name: String) throws {
        let recorded: Reference.Trajectories = try Reference.load(name.replacing("++", with: "pp") + ".json")
        let sampler = try Sampler.named(recorded.sampler)
        #expect(recorded.runs.count > 100)
        for run in recorded.runs {
            let configuration = recorded.configurations[run.configuration]
            let trajectory = try Trajectory(
                sampler: sampler, configuration: configuration,
                schedule: ScheduleChoice(parsing: run.schedule),
                steps: run.steps, strength: run.strength)
            let closeness = Closeness(sampler, configuration)
            let label = "\(run.schedule), \(run.steps) steps, configuration \(run.configuration)"
            try #require(trajectory.steps.count == run.timesteps.count, "\(label)")

            let start = ToyLoop.start(of: trajectory, isFromPicture: run.strength != nil)
            let latents = ToyLoop().run(trajectory, from: start).flatMap(\.self)
            try #require(latents.count == run.latents.count)
            // Latents are as large as their noise level, and so is what a differing last bit does to them.
            let scales = (run.sigmas.prefix(1) + run.sigmas).flatMap { [$0, $0, $0] }
            let difference =
                zip(zip(latents, run.latents), scales).map { abs($0.0 - $0.1) / max(1, abs($0.1), $1) }.max()
                ?? 0
            #expect(difference <= closeness.latents, "\(label)")

            let timestep =
                zip(trajectory.steps.map(\.timestep), run.timesteps).map { abs($0 - $1) }.max() ?? 0
            #expect(timestep <= closeness.timestep, "\(label)")
            let sigma = zip(trajectory.steps.map(\.sigma), run.sigmas).map { abs($0 - $1) / $1 }.max() ?? 0
            #expect(sigma <= closeness.sigma, "\(label)")
        }
    }

    @Test func `timesteps equal the recorded ones for many numbers of steps up to a thousand`() throws {
        let recorded: Reference.Timesteps = try Reference.load("timesteps.json")
        var configuration = SchedulerConfiguration()
        configuration.betaStart = 0.00085
        configuration.betaEnd = 0.012
        configuration.betaSchedule = .scaledLinear
        configuration.stepsOffset = 1
        for table in recorded.tables {
            let sampler = try Sampler.named(table.sampler)
            let schedule = try ScheduleChoice(parsing: table.schedule)
            for (steps, sums) in zip(recorded.counts, table.sums) {
                // Both refuse what the reference answers with nothing or with noise.
                if steps == 1000, schedule.spacing == .leading, ["ddim", "dpm++-2m"].contains(sampler.name) {
                    continue
                }
                let timesteps = try Trajectory(
                    sampler: sampler, configuration: configuration, schedule: schedule, steps: steps
                ).steps.map(\.timestep)
                let weighted = timesteps.enumerated().reduce(0) { $0 + Double($1.offset + 1) * $1.element }
                let isWhole = timesteps.allSatisfy { $0 == $0.rounded() }
                for (found, expected) in zip([timesteps.reduce(0, +), weighted], sums) {
                    let closeness = isWhole ? 0.01 : 1e-7 * abs(expected)
                    #expect(
                        abs(found - expected) <= closeness,
                        "\(table.sampler), \(table.schedule), \(steps) steps")
                }
            }
        }
    }
}
