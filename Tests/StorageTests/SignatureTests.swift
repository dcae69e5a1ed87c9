import Foundation
import Testing

@testable import Storage

/// AWS's published examples: the test suite of Signature Version 4, and those of S3's API reference.
@Suite struct SignatureTests {
    /// 30 August 2015, 12:36:00 UTC
    private let suiteDate = Date(timeIntervalSince1970: 1_440_938_160)
    /// 24 May 2013, 00:00:00 UTC
    private let s3Date = Date(timeIntervalSince1970: 1_369_353_600)
    private let empty = RequestSigner.hash([])

    private let suite = RequestSigner(
        accessKey: "AKIDEXAMPLE", secretKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", sessionToken: nil,
        region: "us-east-1", service: "service")
    private let s3 = RequestSigner(
        accessKey: "AKIAIOSFODNN7EXAMPLE", secretKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        sessionToken: nil, region: "us-east-1")

    private func signature(_ signer: RequestSigner, _ request: RequestSigner.Request, _ date: Date) -> String?
    {
        let header = signer.signed(request, at: date).headers.first { $0.name == "authorization" }
        return header?.value.components(separatedBy: "Signature=").last
    }

    @Test(arguments: [
        (
            "GET", [("host", "example.amazonaws.com")], [],
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
        ),
        (
            "GET", [("host", "example.amazonaws.com")], [("Param2", "value2"), ("Param1", "value1")],
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"
        ),
        (
            "POST", [("host", "example.amazonaws.com")], [],
            "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"
        ),
        (
            "GET",
            [("host", "example.amazonaws.com"), ("my-header1", " value1"), ("my-header2", " \"a   b   c\"")],
            [],
            "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"
        ),
    ])
    func `requests of the published suite get their signatures`(
        method: String, headers: [(String, String)], query: [(String, String)], expected: String
    ) {
        let request = RequestSigner.Request(
            method: method, path: "/", query: query.map { (name: $0.0, value: $0.1) },
            headers: headers.map { (name: $0.0, value: $0.1) }, payload: empty)
        #expect(signature(suite, request, suiteDate) == expected)
    }

    @Test func `a range of an object is signed as published`() {
        let request = RequestSigner.Request(
            method: "GET", path: "/test.txt",
            headers: [
                ("host", "examplebucket.s3.amazonaws.com"), ("range", "bytes=0-9"),
                ("x-amz-content-sha256", empty),
            ], payload: empty)
        let expected = "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
        #expect(signature(s3, request, s3Date) == expected)
    }

    @Test func `an upload whose key needs encoding is signed as published`() {
        let hash = RequestSigner.hash(Array("Welcome to Amazon S3.".utf8))
        let request = RequestSigner.Request(
            method: "PUT", path: RequestSigner.encoded("/test$file.text", keepsSlashes: true),
            headers: [
                ("host", "examplebucket.s3.amazonaws.com"), ("date", "Fri, 24 May 2013 00:00:00 GMT"),
                ("x-amz-storage-class", "REDUCED_REDUNDANCY"), ("x-amz-content-sha256", hash),
            ], payload: hash)
        #expect(hash == "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072")
        let expected = "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"
        #expect(signature(s3, request, s3Date) == expected)
    }

    @Test func `a query is sorted and signed as published`() {
        let request = RequestSigner.Request(
            method: "GET", path: "/", query: [("prefix", "J"), ("max-keys", "2")],
            headers: [("host", "examplebucket.s3.amazonaws.com"), ("x-amz-content-sha256", empty)],
            payload: empty)
        let expected = "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"
        #expect(signature(s3, request, s3Date) == expected)
    }

    @Test func `an address is signed as published`() {
        let request = RequestSigner.Request(
            method: "GET", path: "/test.txt", headers: [("host", "examplebucket.s3.amazonaws.com")],
            payload: "UNSIGNED-PAYLOAD")
        let query = s3.presigned(request, at: s3Date, lifetime: 86_400)
        #expect(
            query == "X-Amz-Algorithm=AWS4-HMAC-SHA256"
                + "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
                + "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
                + "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404")
    }

    @Test func `dates of every kind of year are written as AWS reads them`() {
        for (seconds, text) in [
            (0.0, "19700101T000000Z"), (951_782_400, "20000229T000000Z"), (951_868_799.9, "20000229T235959Z"),
            (4_107_542_400, "21000301T000000Z"), (1_735_689_599, "20241231T235959Z"),
        ] {
            #expect(RequestSigner.timestamp(Date(timeIntervalSince1970: seconds)) == text)
        }
    }

    @Test func `a session's token is signed with the rest`() {
        var signer = s3
        signer = RequestSigner(
            accessKey: s3.accessKey, secretKey: s3.secretKey, sessionToken: "token/with+signs=",
            region: "auto")
        let request = RequestSigner.Request(
            method: "GET", path: "/", headers: [("host", "h")], payload: empty)
        let headers = signer.signed(request, at: s3Date).headers
        #expect(headers.contains { $0 == ("x-amz-security-token", "token/with+signs=") })
        let header = headers.first { $0.name == "authorization" }?.value ?? ""
        #expect(header.contains("SignedHeaders=host;x-amz-date;x-amz-security-token,"))
        #expect(header.contains("/20130524/auto/s3/aws4_request"))
        #expect(
            signer.presigned(request, at: s3Date, lifetime: 60)
                .contains("&X-Amz-Security-Token=token%2Fwith%2Bsigns%3D&"))
    }
}
