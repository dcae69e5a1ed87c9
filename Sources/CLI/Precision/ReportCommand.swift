internal import ArgumentParser
internal import Pipelines

/// `gesso precision report`: the plan, why, what it costs, and how exact it was measured to be.
struct ReportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Show a checkpoint's plan, the reasons, the memory and the measured error.",
        discussion: """
            EXAMPLES:
              gesso precision report
              gesso precision report --model juggernaut.safetensors --size 512
              gesso precision report --precision unet=bf16 --level L3 --md > report.md
              gesso precision report --json | jq .memory

            Measures as 'gesso precision verify' does and adds the plan: in what each stage is stored, computed and \
            summed, what spoke for it and against the other formats, and what earlier runs had to mend. The exit status \
            says nothing about gates: it is 0 when there is a report.
            """)

    @OptionGroup(title: "What is measured")
    var verification: VerificationOptions

    @OptionGroup(title: "The model and the machine")
    var planning: PlanningOptions

    @Flag(help: "Print Markdown.")
    var md = false

    @Flag(help: "Print JSON: the plan and every measurement.")
    var json = false

    func validate() throws {
        guard !(md && json) else { throw ValidationError("--md and --json exclude each other") }
    }

    func run() async throws {
        let surroundings = Surroundings.current
        let (subject, measured) = try await PrecisionMeasurement(planning, verification, surroundings).make()
        let report = PrecisionReport(
            subject.plan, measured, remembered: subject.remembered)
        let document = ReportDocument(report)
        try surroundings.console.print(
            json ? JSONText.line(report) : md ? document.markdown : document.text)
    }
}
