/// Who makes a call: an API key's owner, or whoever sits at the machine that the server is bound to.
package struct Caller: Sendable, Equatable {
    /// What a key allows; `admin` allows everything.
    package enum Role: String, Sendable, Codable, CaseIterable {
        case generate, admin
    }

    /// The key's name, or `local`. It is ``Generation/Job/caller`` of this caller's jobs.
    package let name: String
    package let roles: Set<Role>
    package let limits: CallerLimits

    package init(name: String, roles: Set<Role>, limits: CallerLimits = CallerLimits()) {
        self.name = name
        self.roles = roles
        self.limits = limits
    }

    package func may(_ role: Role) -> Bool { roles.contains(.admin) || roles.contains(role) }

    /// Whether this caller may see and change somebody's jobs.
    package func owns(_ jobCaller: String) -> Bool { name == jobCaller || roles.contains(.admin) }

    /// The caller of a server that is bound to loopback and has no keys.
    package static let local = Caller(name: "local", roles: [.generate, .admin])
}

/// How much one key may ask for; nil is what the server's settings say.
package struct CallerLimits: Sendable, Equatable, Codable {
    /// Calls that submit, upload or examine, in a minute.
    package var callsPerMinute: Int?
    /// Jobs that wait or run at once, 1 to 200.
    package var jobs: Int?

    package init(callsPerMinute: Int? = nil, jobs: Int? = nil) {
        self.callsPerMinute = callsPerMinute
        self.jobs = jobs
    }
}
