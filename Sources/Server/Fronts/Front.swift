package import Hummingbird
package import ServiceLifecycle

/// One API that this server speaks: a folder of Server with its wire types, its routes and its shape of errors.
///
/// A front is made from ``ServerParts`` and registered with one line in `FrontList.swift`. It turns its wire format into a
/// `Generation.Job` and a `JobView` into its wire format; everything between is the engine's.
package protocol Front: Sendable {
    /// `v1`, `runpod`: stands in `Job.front`, in logs and in metrics.
    var name: String { get }
    /// What its paths begin with, `/v2`. The longest prefix that fits a path decides whose errors an unknown path gets.
    var prefix: String { get }
    func addRoutes(to routes: Routes)
    /// The answer for a call that was refused, in this front's shape, with status and headers.
    func answer(_ rejection: Rejection) -> Response
    /// What it does while nobody calls; it runs as long as the server does.
    var services: [any Service] { get }
}

extension Front {
    package var services: [any Service] { [] }
}
