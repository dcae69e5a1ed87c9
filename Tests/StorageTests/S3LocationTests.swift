import Generation
import Testing

@testable import Storage

@Suite struct S3LocationTests {
    private func location(
        _ endpoint: String, bucket: String? = nil, region: String? = nil, isHostStyle: Bool = false
    ) throws -> String {
        var settings = S3Settings(endpoint: endpoint, bucket: bucket, accessKey: "a", secretKey: "s")
        settings.region = region
        settings.isHostStyle = isHostStyle
        let location = try S3Location(settings)
        return "\(location.scheme) \(location.host) \(location.root) \(location.bucket) \(location.region)"
    }

    @Test func `the bucket may stand in the endpoint's path, its host, or apart`() throws {
        let r2 = "https://account.r2.cloudflarestorage.com"
        #expect(
            try location(r2, bucket: "pictures")
                == "https account.r2.cloudflarestorage.com /pictures/ pictures auto")
        #expect(
            try location(r2 + "/pictures")
                == "https account.r2.cloudflarestorage.com /pictures/ pictures auto")
        #expect(
            try location(r2 + "/pictures/", bucket: "pictures")
                == "https account.r2.cloudflarestorage.com /pictures/ pictures auto")
        #expect(
            try location("https://pictures.s3.eu-central-1.amazonaws.com")
                == "https pictures.s3.eu-central-1.amazonaws.com / pictures eu-central-1")
        #expect(
            try location("https://pictures.s3.eu-central-1.amazonaws.com", bucket: "pictures")
                == "https pictures.s3.eu-central-1.amazonaws.com / pictures eu-central-1")
        #expect(
            try location("https://s3.amazonaws.com", bucket: "my.pictures")
                == "https s3.amazonaws.com /my.pictures/ my.pictures us-east-1")
    }

    @Test func `addressing by host is chosen`() throws {
        #expect(
            try location("https://s3.eu-west-3.amazonaws.com", bucket: "pictures", isHostStyle: true)
                == "https pictures.s3.eu-west-3.amazonaws.com / pictures eu-west-3")
        #expect(
            try location(
                "https://pictures.fra1.digitaloceanspaces.com", bucket: "pictures", isHostStyle: true)
                == "https pictures.fra1.digitaloceanspaces.com / pictures fra1")
    }

    @Test func `a port that is not the scheme's own is part of the host`() throws {
        #expect(
            try location("http://127.0.0.1:9000", bucket: "pictures", region: "here")
                == "http 127.0.0.1:9000 /pictures/ pictures here")
        #expect(
            try location("https://example.com:443", bucket: "pictures")
                == "https example.com /pictures/ pictures us-east-1")
    }

    @Test(arguments: [
        ("ftp://example.com", "pictures", "is no address"),
        ("example.com", "pictures", "is no address"),
        ("https://example.com?x=1", "pictures", "is no address"),
        ("https://user@example.com", "pictures", "is no address"),
        ("https://example.com", nil, "the bucket is missing"),
        ("https://example.com", "Pictures", "no bucket's name"),
        ("https://example.com", "p", "no bucket's name"),
        ("https://example.com/a/b", nil, "path of several parts"),
        ("https://example.com/one", "two", "names the bucket 'one'"),
    ])
    func `settings that do not fit together are refused by name`(
        endpoint: String, bucket: String?, words: String
    ) {
        let error = #expect(throws: Failure.self) { try location(endpoint, bucket: bucket) }
        #expect(error?.code == .cannotRun)
        #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
    }

    @Test func `waits grow, are drawn, and end growing`() {
        #expect(S3ImageStore.pause(after: 1, chance: 0) == .milliseconds(250))
        #expect(S3ImageStore.pause(after: 1, chance: 1) == .milliseconds(500))
        #expect(S3ImageStore.pause(after: 4, chance: 0.5) == .seconds(3))
        #expect(S3ImageStore.pause(after: 5, chance: 1) == .seconds(8))
        #expect(S3ImageStore.pause(after: 1000, chance: 1) == .seconds(8))
    }
}
