import Generation
import Testing

@testable import Server

struct RunPodEnvironmentTests {
    private static let variables = RunPodJobSource.environment("https://api.example.org")

    @Test func `placeholders and parameters are put in`() throws {
        let environment = try RunPodEnvironment(Self.variables)
        #expect(
            environment.takeAddress(count: 1, isBusy: false)
                == "https://api.example.org/v2/ep/job-take/pod-1?gpu=none&job_in_progress=0")
        #expect(
            environment.takeAddress(count: 4, isBusy: true)
                == "https://api.example.org/v2/ep/job-take-batch/pod-1?gpu=none&batch_size=4&job_in_progress=1"
        )
        #expect(environment.stopAddress == "https://api.example.org/v2/ep/job-stop/pod-1?gpu=none")
        #expect(
            environment.resultAddress(job: "a/b", isStream: true)
                == "https://api.example.org/v2/ep/job-done/pod-1/a%2Fb?gpu=none&isStream=true")
        #expect(
            environment.pingAddress(jobs: ["a", "b"], version: "1.12.0")
                == "https://api.example.org/v2/ep/ping/pod-1?gpu=none&job_id=a,b&runpod_version=1.12.0")
        #expect(environment.pingInterval == 0.05)
    }

    @Test func `a worker that the platform does not know draws an id and sends no signs of life`() throws {
        var variables = Self.variables
        variables["RUNPOD_POD_ID"] = nil
        let environment = try RunPodEnvironment(variables)
        #expect(environment.workerID.count == 36)
        #expect(
            environment.takeAddress(count: 1, isBusy: false).contains("/job-take/\(environment.workerID)?"))
        #expect(environment.pingAddress(jobs: [], version: "1") == nil)
    }

    @Test func `a take address of another form has no stop channel`() throws {
        var variables = Self.variables
        variables["RUNPOD_WEBHOOK_GET_JOB"] = "https://api.example.org/take/$ID"
        let environment = try RunPodEnvironment(variables)
        #expect(environment.stopAddress == nil)
        #expect(
            environment.takeAddress(count: 1, isBusy: false)
                == "https://api.example.org/take/pod-1?job_in_progress=0")
    }

    @Test(arguments: [
        ("RUNPOD_WEBHOOK_GET_JOB", ""), ("RUNPOD_WEBHOOK_GET_JOB", "nowhere"),
        ("RUNPOD_WEBHOOK_POST_OUTPUT", ""), ("RUNPOD_WEBHOOK_POST_OUTPUT", "https://api.example.org/done?x"),
        ("RUNPOD_WEBHOOK_PING", "ftp://api.example.org"), ("RUNPOD_PING_INTERVAL", "soon"),
        ("RUNPOD_PING_INTERVAL", "0"), ("RUNPOD_REALTIME_PORT", "8080"),
    ]) func `a variable that is wrong is named`(name: String, value: String) {
        var variables = Self.variables
        variables[name] = value
        let failure = #expect(throws: Failure.self) { try RunPodEnvironment(variables) }
        #expect(failure?.field == name)
    }
}
