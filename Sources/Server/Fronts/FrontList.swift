/// Every API that this server speaks, one line each.
enum FrontList {
    static func all(_ parts: ServerParts, metrics: MetricsRegistry) -> [any Front] {
        let streams = StreamCounter()
        return [
            V1Front(parts: parts, streams: streams, heartbeatSeconds: parts.settings.heartbeatSeconds),
            SystemFront(parts: parts, metrics: metrics, streams: streams),
            RunPodFront(parts: parts, settings: parts.runpod),
        ]
    }
}
