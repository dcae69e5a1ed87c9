import Foundation
import Sampling
import Testing

@Suite struct SchedulerConfigurationTests {
    @Test func `a published configuration is read`() throws {
        let configuration = try decode(
            """
            {
              "_class_name": "DPMSolverMultistepScheduler", "_diffusers_version": "0.42.0",
              "num_train_timesteps": 1000, "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear",
              "trained_betas": null, "prediction_type": "v_prediction", "timestep_spacing": "trailing",
              "steps_offset": 1, "rescale_betas_zero_snr": true, "clip_sample": false, "set_alpha_to_one": false,
              "use_karras_sigmas": true, "lambda_min_clipped": -Infinity, "solver_order": 2, "skip_prk_steps": true
            }
            """)
        #expect(configuration.className == "DPMSolverMultistepScheduler")
        #expect(configuration.trainSteps == 1000)
        #expect(configuration.betaSchedule == .scaledLinear)
        #expect(configuration.trainedBetas == nil)
        #expect(configuration.prediction == .velocity)
        #expect(configuration.timestepSpacing == .trailing)
        #expect(configuration.clipSample == false)
        #expect(configuration.usesKarrasSigmas == true)
        #expect(configuration.lambdaMinClipped == -.infinity)
        #expect(configuration.thresholding == nil)
        #expect(try Sampler.preferred(by: configuration) == .dpmPlusPlus2M)
    }

    @Test func `an absent field is not a null flag`() throws {
        #expect(try decode("{}") == SchedulerConfiguration())
        #expect(try decode(#"{"clip_sample": null}"#).clipSample == false)
        #expect(try decode(#"{"beta_start": null}"#).betaStart == nil)
    }

    @Test(arguments: [
        (#"{"num_train_timesteps": 0}"#, "num_train_timesteps is 0"),
        (#"{"num_train_timesteps": 1e9}"#, "num_train_timesteps is 1000000000"),
        (#"{"num_train_timesteps": 1e99}"#, "num_train_timesteps"),
        (#"{"num_train_timesteps": "1000"}"#, "num_train_timesteps is something else"),
        (#"{"beta_start": NaN}"#, "beta_start is nan"),
        (#"{"beta_end": 1.5}"#, "beta_end is 1.5"),
        (#"{"beta_end": [0.1]}"#, "beta_end is something else"),
        (#"{"beta_schedule": "cosine"}"#, "one of linear, scaled_linear, squaredcos_cap_v2"),
        (#"{"prediction_type": "score"}"#, "one of epsilon, v_prediction, sample"),
        (#"{"timestep_spacing": 3}"#, "timestep_spacing is something else"),
        (#"{"num_train_timesteps": 3, "trained_betas": [0.1, 0.2]}"#, "trained_betas is a list of 2 numbers"),
        (
            #"{"num_train_timesteps": 2, "trained_betas": [0.1, NaN]}"#,
            "trained_betas is a list that holds nan"
        ),
        (#"{"steps_offset": -1}"#, "steps_offset is -1"),
        (#"{"sigma_max": Infinity}"#, "sigma_max is inf"),
        (#"{"sigma_min": 0}"#, "sigma_min is 0.0"),
        (#"{"clip_sample_range": -1}"#, "clip_sample_range is -1.0"),
        (#"{"lambda_min_clipped": NaN}"#, "lambda_min_clipped is nan"),
        (#"{"clip_sample": "false"}"#, "clip_sample is something else"),
        (#"{"_class_name": ["a"]}"#, "_class_name is something else"),
    ])
    func `a bad field is named`(json: String, message: String) throws {
        let error = #expect(throws: SamplingError.self) { try decode(json) }
        #expect(try #require(error).description.contains(message), "\(String(describing: error))")
    }

    @Test(arguments: ["beta_schedule", "trained_betas"])
    func `betas that leave no noise or no signal are refused`(kind: String) throws {
        var configuration = SchedulerConfiguration()
        configuration.betaEnd = 0.999
        if kind == "trained_betas" {
            configuration.trainSteps = 3
            configuration.trainedBetas = [0.1, 1e-30, 0.1]
        }
        let error = #expect(throws: SamplingError.self) {
            try Trajectory(sampler: .euler, configuration: configuration, schedule: .checkpoint, steps: 2)
        }
        #expect(
            try #require(error).description.contains(kind == "trained_betas" ? kind : "beta_start, beta_end"))
    }

    /// Every field with every kind of odd value: decoding and laying out throw or give finite numbers, and
    /// never trap.
    @Test func `hostile fields throw or give finite trajectories`() throws {
        let fields = [
            "_class_name", "num_train_timesteps", "beta_start", "beta_end", "beta_schedule", "trained_betas",
            "prediction_type", "timestep_spacing", "timestep_type", "steps_offset", "rescale_betas_zero_snr",
            "interpolation_type", "final_sigmas_type", "sigma_min", "sigma_max", "lambda_min_clipped",
            "use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas", "clip_sample",
            "clip_sample_range",
            "set_alpha_to_one", "thresholding", "solver_order", "algorithm_type", "solver_type",
            "lower_order_final", "variance_type",
        ]
        let values = [
            "null", "true", "false", "-1", "0", "1", "2", "39", "40", "0.5", "1e-30", "1e30", "-1e30", "NaN",
            "Infinity", "-Infinity", #""""#, #""x""#, #""sigma_min""#, #""v_prediction""#, #""trailing""#,
            "[]", "{}",
            "[0.5]",
        ]
        var laidOut = 0
        for field in fields {
            for value in values {
                let base = field == "num_train_timesteps" ? "" : #""num_train_timesteps": 40,"#
                // Refused by decoding is as good as laid out.
                guard let configuration = try? decode("{\(base) \"\(field)\": \(value)}") else { continue }
                for (sampler, steps) in Sampler.catalogue.flatMap({ sampler in
                    [1, 7, 40].map { (sampler, $0) }
                }) {
                    for strength in [nil, 0.01, 1.0] {
                        guard
                            let trajectory = try? Trajectory(
                                sampler: sampler, configuration: configuration, schedule: .checkpoint,
                                steps: steps,
                                strength: strength)
                        else { continue }
                        laidOut += 1
                        #expect(isFinite(trajectory), "\(sampler.name), \(steps) steps, \(field): \(value)")
                    }
                }
            }
        }
        #expect(laidOut > 1000)
    }

    private func isFinite(_ trajectory: Trajectory) -> Bool {
        trajectory.initialNoiseScale.isFinite && !trajectory.steps.isEmpty
            && trajectory.steps.allSatisfy { step in
                let weights = step.weights
                return [
                    step.timestep, step.inputScale, step.latentsToDenoised, step.outputToDenoised, step.sigma,
                    weights.latents, weights.denoised, weights.previousDenoised, weights.output,
                    weights.noise,
                ].allSatisfy(\.isFinite)
            }
    }

    @discardableResult
    private func decode(_ json: String) throws -> SchedulerConfiguration {
        let decoder = JSONDecoder()
        decoder.allowsJSON5 = true
        return try decoder.decode(SchedulerConfiguration.self, from: Data(json.utf8))
    }
}
