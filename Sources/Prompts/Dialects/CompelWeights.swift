#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

extension CompelGrammar {
    /// 1.1 for each `+`, 0.9 for each `-`, by the power function that the reference uses, for the same last digit.
    static func weight(ofSigns count: Int, isPlus: Bool) -> Double {
        pow(isPlus ? 1.1 : 0.9, Double(count))
    }
}
