import Generation
import Testing

@testable import CLI

/// Codes and numbers that scripts rely on.
@Suite struct ExitStatusTests {
    @Test func `every code of failure has its number`() {
        let numbers = Failure.Code.allCases.map { "\($0.rawValue) \(ExitStatus($0).rawValue)" }
        #expect(
            numbers == [
                "bad_request 2", "cannot_run 3", "bad_checkpoint 4", "not_finite 3", "out_of_memory 3",
                "not_supported 2", "unknown_model 2", "queue_full 3", "conflict 2", "expired 3",
                "timed_out 3",
                "interrupted 3", "delivery_failed 3",
            ])
    }

    @Test func `the numbers themselves are fixed`() {
        #expect(ExitStatus.allCases.map(\.rawValue) == [0, 2, 3, 4, 5, 6, 130])
    }

    @Test(
        arguments: [
            (0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (6_938_040_682, "6.9 GB"),
        ]) func `sizes read as disks are sold`(count: Int, expected: String)
    {
        #expect(Quantity.bytes(count) == expected)
    }

    @Test(
        arguments: [
            (7, "7"), (1234, "1,234"), (999_999, "999,999"), (83_653_863, "83.7 million"),
            (2_567_463_684, "2.57 billion"),
        ]
    ) func `counts read as people say them`(count: Int, expected: String) {
        #expect(Quantity.count(count) == expected)
    }
}
