internal import ArgumentParser
internal import Generation

/// The root of all commands.
struct Gesso: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gesso",
        abstract: "Gesso paints pictures from words, with the SDXL and FLUX.1 checkpoints you have.",
        discussion: """
            EXAMPLES:
              gesso generate "a lighthouse at dusk" --model juggernaut.safetensors
              gesso inspect juggernaut.safetensors
              gesso models
              gesso tokens "a fox++ in the snow"
              gesso precision plan --model juggernaut.safetensors
              gesso serve
              gesso doctor

            It works offline and downloads nothing. Models are diffusers folders and single .safetensors files, as \
            they are. What is computed runs on libtorch, which 'gesso doctor' helps to find.

            EXIT STATUS:
              0    done
              2    the request can't be met as it is: a wrong flag, value or file
              3    this machine can't do it: no libtorch, no such device, too little
                   memory or disk space, or what was computed is no picture
              4    the checkpoint is broken, of another kind, or does not fit together
              5    'precision plan': no plan for this model can be run here
              6    'precision verify': a stage is further from fp32 than its gate allows
              130  cancelled with Ctrl-C or SIGTERM
            An error is one line on standard error; with --json also an object on \
            standard output.

            ENVIRONMENT:
              GESSO_MODEL      the model where --model is not given
              GESSO_CONFIG     a server's configuration where --config is not given
              GESSO_LIBTORCH   libtorch.so or its folder, in place of all others
              GESSO_PROBE      0: never measure which formats this machine computes fast
              OMP_NUM_THREADS  how many threads a CPU computes with
              XDG_CACHE_HOME   where hashes, measurements and what runs have taught are
                               remembered, in gesso/ (~/.cache if not set)
              XDG_DATA_HOME    where a server keeps jobs, pictures and keys, in gesso/
                               (~/.local/share if not set)
            """,
        version: "gesso \(GessoVersion.current)",
        subcommands: [
            GenerateCommand.self, InspectCommand.self, ModelsCommand.self, DoctorCommand.self,
            SamplersCommand.self, TokensCommand.self, PrecisionCommand.self, BenchmarkCommand.self,
            ServeCommand.self, WorkerCommand.self, KeysCommand.self,
        ])
}
