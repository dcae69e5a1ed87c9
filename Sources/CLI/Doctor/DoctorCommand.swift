internal import ArgumentParser

/// `gesso doctor`: what is found, what is missing, and how to mend it.
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Check what this machine has for painting, and say how to get what is missing.",
        discussion: """
            gesso doctor
            GESSO_LIBTORCH=/opt/torch/lib gesso doctor
            gesso doctor --json | jq .canGenerate

            Shows where libtorch was looked for and which one is used, the processor, CUDA cards, memory, disk space, \
            bundled models and the cache folder. The exit status is 0 when pictures can be painted, else 3.
            """)

    @Flag(help: "Print JSON instead of text.")
    var json = false

    func run() async throws {
        let surroundings = Surroundings.current
        let diagnosis = await Diagnosis.machine(surroundings)
        try surroundings.console.print(json ? JSONText.line(diagnosis) : diagnosis.text)
        if !diagnosis.canGenerate { throw ExitStatus.cannotRun }
    }
}
