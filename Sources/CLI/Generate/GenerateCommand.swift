internal import ArgumentParser
internal import Generation

/// `gesso generate`: pictures from words, or from words and a picture.
struct GenerateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate",
        abstract: "Paint pictures from words, or from words and a picture.",
        discussion: """
            gesso generate "a lighthouse at dusk" --model juggernaut.safetensors
            gesso generate "a cat" --seed 7 --count 4 --output cats/
            gesso generate "oil painting" --image photo.jpg --strength 0.5 -o oil.png
            gesso generate "$(cat prompt.txt)" --steps 20 --sampler euler-ancestral --json

            Each file carries the receipt that repeats it: 'gesso inspect FILE' shows it. A prompt of any length \
            counts whole. A prompt that begins with a dash goes last, after --.

            Everything that can be checked is checked before the model is loaded. Files are written when all pictures \
            are painted: all of them, or none. Ctrl-C stops after the present step and leaves nothing behind.
            """)

    @Argument(help: "What to paint.")
    var prompt: String

    @OptionGroup(title: "The picture")
    var painting: PaintingOptions

    @OptionGroup(title: "The model and the machine")
    var machine: MachineOptions

    @OptionGroup(title: "The result")
    var result: ResultOptions

    func run() async throws {
        let surroundings = Surroundings.current
        let order = try Order(self, in: surroundings)
        let work = Task { try await order.fulfil(in: surroundings) }
        let interruption = surroundings.watchSignals { work.cancel() }
        defer { withExtendedLifetime(interruption) {} }
        let report = try await withTaskCancellationHandler {
            try await work.value
        } onCancel: {
            work.cancel()
        }
        if result.verbose { surroundings.console.complain(report.details) }
        try surroundings.console.print(
            result.json ? JSONText.line(report) : result.quiet ? report.paths : report.text)
    }
}
