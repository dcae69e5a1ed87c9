/// The program's version, in the one place that holds it.
package enum GessoVersion {
    package static let current = "0.1.0"
}
