import Foundation
import SafeTensors
import TestSupport
import Testing

@testable import Models

/// What single files say about their schedule.
struct SDXLSchedulerTests {
    private func hints(_ keys: [String], _ metadata: [String: String] = [:]) throws -> SDXLScheduler {
        let scratch = try Scratch()
        let path = try scratch.sparse("x.safetensors", keys.map { ($0, []) }, metadata: metadata)
        return SDXLScheduler(hintsOf: try Archive(opening: path))
    }

    private func fields(_ scheduler: SDXLScheduler) throws -> [String: Any] {
        try #require(JSONSerialization.jsonObject(with: Data(scheduler.json)) as? [String: Any])
    }

    @Test func `a file that says nothing predicts noise`() throws {
        let fields = try fields(hints(["weight"]))
        #expect(fields["prediction_type"] as? String == "epsilon")
        #expect(fields["timestep_spacing"] as? String == "leading")
        #expect(fields["rescale_betas_zero_snr"] as? Bool == false)
    }

    @Test func `the marks of a velocity checkpoint`() throws {
        let velocity = try fields(hints(["v_pred"]))
        #expect(velocity["prediction_type"] as? String == "v_prediction")
        #expect(velocity["timestep_spacing"] as? String == "leading")
        let zero = try fields(hints(["v_pred", "ztsnr"]))
        #expect(zero["prediction_type"] as? String == "v_prediction")
        #expect(zero["timestep_spacing"] as? String == "trailing")
        #expect(zero["rescale_betas_zero_snr"] as? Bool == true)
    }

    @Test(arguments: ["modelspec.prediction_type", "modelspec.predict_key"])
    func `the metadata's words`(key: String) throws {
        #expect(try hints([], [key: "v"]).prediction == .velocity)
        #expect(try hints([], [key: "v_prediction"]).prediction == .velocity)
        #expect(try hints([], [key: "epsilon"]).prediction == .epsilon)
        #expect(try hints([], [key: ""]) == SDXLScheduler())
        let odd = try hints([], [key: "flow"])
        #expect(odd.prediction == .epsilon)
        #expect(odd.notes == ["the metadata say \(key) = \"flow\", which is not understood"])
    }

    @Test func `contradictions are noted`() throws {
        let mixed = try hints(["v_pred"], ["modelspec.prediction_type": "epsilon"])
        #expect(mixed.prediction == .velocity)
        #expect(
            mixed.notes == [
                "the file has the key v_pred but modelspec.prediction_type says epsilon; the key counts"
            ])
        let words = try hints([], ["modelspec.prediction_type": "v", "modelspec.predict_key": "epsilon"])
        #expect(words.prediction == .velocity)
        #expect(words.notes.count == 1)
    }

    @Test func `a file that contradicts the given schedule is noted`() throws {
        let folder = Fixture.path("sdxl-tiny-a")
        let scratch = try Scratch()
        let archive = try Archive(opening: Fixture.path("sdxl-single/a.safetensors"))
        let tensors = archive.names.map { (name: $0, shape: archive[$0]?.entry.shape ?? []) }
        let path = try scratch.sparse("x.safetensors", tensors + [("v_pred", [])])
        let checkpoint = try SDXLCheckpoint.open(path, configuration: folder)
        #expect(
            checkpoint.notes
                == ["the file says v_prediction, the scheduler in \(folder) says epsilon; that counts"])
        #expect(checkpoint.unusedKeys.isEmpty)
    }

    @Test func `the recorded velocity file says so`() throws {
        let archive = try Archive(opening: Fixture.path("sdxl-single/b.safetensors"))
        let hints = SDXLScheduler(hintsOf: archive)
        #expect(hints.prediction == .velocity)
        #expect(hints.hasZeroTerminalSNR)
        #expect(hints.notes.isEmpty)
    }
}
