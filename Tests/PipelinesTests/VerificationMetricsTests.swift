import Foundation
import TestSupport
import Testing

@testable import Pipelines

/// The figures by themselves, against numpy's and scikit-image's.
struct VerificationMetricsTests {
    private struct Distances: Decodable {
        struct Case: Decodable {
            let found, reference: [Double]
            let relative, cosine: Double
            let largest: Double?
        }
        let distances: [String: Case]
    }

    private struct Pictures: Decodable {
        struct Case: Decodable {
            let number, height, width: Int
            let psnr: Double?
            let ssim, differing: Double
        }
        let pictures: [String: Case]
    }

    private func decode<Value: Decodable>(_ name: String, _: Value.Type) throws -> Value {
        try JSONDecoder().decode(
            Value.self, from: Data(contentsOf: URL(fileURLWithPath: Fixture.path("verification/\(name)"))))
    }

    @Test func `distances are numpy's`() throws {
        let cases = try decode("distances.json", Distances.self).distances
        #expect(cases.count == 5)
        for (name, expected) in cases {
            let found = Distance(expected.found.map { Float($0) }, expected.reference.map { Float($0) })
            #expect(try abs(#require(found.relativeError) - expected.relative) < 1e-12, "\(name)")
            #expect(try abs(#require(found.cosine) - expected.cosine) < 1e-12, "\(name)")
            #expect(found.notFinite == 0)
            if let largest = expected.largest {
                #expect(try abs(#require(found.largest) - largest) < 1e-12, "\(name)")
            } else {
                #expect(found.largest == nil, "\(name)")
            }
        }
    }

    @Test func `equal numbers have no distance, whatever they are`() {
        for numbers: [Float] in [[], [0, 0], [3, 3], [-1, 2]] {
            let distance = Distance(numbers, numbers)
            #expect(distance.relativeError == 0 && distance.cosine == 1 && distance.largest == 0)
        }
    }

    @Test func `what has no measure is none and never a small number`() {
        #expect(Distance([1, 0], [0, 0]).relativeError == nil)
        #expect(Distance([0, 0], [1, -1]).relativeError == 1)
        #expect(Distance([0, 0], [1, -1]).cosine == nil)
        for broken in [Float.nan, .infinity, -.infinity] {
            let distance = Distance([1, broken, 2], [1, 2, 2])
            #expect(distance.relativeError == nil && distance.cosine == nil && distance.largest == nil)
            #expect(distance.notFinite == 1)
        }
    }

    @Test func `the worst of several is each figure's worst, and a missing one is missing`() {
        let near = Distance([1, 2.001], [1, 2])
        let turned = Distance([2, 1], [1, 2])
        let worst = Distance.worst(of: [near, turned, near])
        #expect(worst?.relativeError == turned.relativeError)
        #expect(worst?.cosine == turned.cosine)
        #expect(worst?.largest == turned.largest)
        let broken = Distance.worst(of: [near, Distance([.nan, 2], [1, 2]), near])
        #expect(broken?.relativeError == nil && broken?.notFinite == 1)
        #expect(Distance.worst(of: []) == nil)
    }

    @Test func `pictures are as alike as scikit-image says`() throws {
        let cases = try decode("pictures.json", Pictures.self).pictures
        let recording = try Recording("verification/pictures.safetensors")
        #expect(cases.count == 7)
        for (name, expected) in cases {
            let found = Likeness(
                try recording.bytes("\(expected.number).found"),
                try recording.bytes("\(expected.number).reference"), width: expected.width,
                height: expected.height)
            #expect(try abs(#require(found.ssim) - expected.ssim) < 1e-9, "\(name): \(found)")
            #expect(abs(found.differing - expected.differing) < 1e-12, "\(name)")
            if let psnr = expected.psnr {
                #expect(try abs(#require(found.psnr) - psnr) < 1e-9, "\(name): \(found)")
            } else {
                #expect(found.psnr == nil, "\(name)")
            }
        }
    }

    @Test func `a picture smaller than the window has no similarity`() {
        let likeness = Likeness(
            [UInt8](repeating: 1, count: 300), [UInt8](repeating: 3, count: 300), width: 10, height: 10)
        #expect(likeness.ssim == nil)
        #expect(likeness.psnr.map { abs($0 - 10 * log10(255 * 255 / 4)) < 1e-12 } == true)
    }

    @Test(arguments: [
        (1, [0]), (3, [0, 1, 2]), (5, [0, 1, 2, 3, 4]), (6, [0, 1, 3, 4, 5]), (20, [0, 5, 10, 14, 19]),
    ])
    func `the denoiser is measured from the first step to the last`(count: Int, expected: [Int]) {
        #expect(VerificationSettings.sampled(of: count) == expected)
    }

    @Test func `noise between measured steps lies between the measured sizes`() {
        let run = NullRun([(0, 0.02), (4, 0.01), (6, 0.03)])
        let sizes = (0...8).map { run.size(at: $0) }
        let expected = [0.02, 0.0175, 0.015, 0.0125, 0.01, 0.02, 0.03, 0.03, 0.03]
        for (found, expected) in zip(sizes, expected) { #expect(abs(found - expected) < 1e-12) }
        #expect(run.range == [0.01, 0.03])
        #expect(NullRun([]).size(at: 3) == 0)
        #expect(NullRun([(2, 0.5)]).size(at: 0) == 0.5)
    }
}
