internal import Foundation
internal import HTTPTypes

/// Pictures inside JSON: base64, alone or as a `data:` address.
package enum Base64Picture {
    /// - Throws: ``Rejection`` that names the field.
    package static func bytes(_ text: String, field: String, limit: Int) throws(Rejection) -> [UInt8] {
        var base64 = text[...]
        if text.hasPrefix("data:") {
            guard let comma = text.firstIndex(of: ","), text[..<comma].hasSuffix(";base64") else {
                throw .badRequest(field, "\(field) begins with 'data:' and is not in base64")
            }
            base64 = text[text.index(after: comma)...]
        }
        guard base64.utf8.count / 4 * 3 <= limit + 3 else {
            throw Rejection(
                .contentTooLarge, "too_large", "\(field) has more than \(limit) bytes", field: field)
        }
        guard let data = Data(base64Encoded: String(base64)), !data.isEmpty else {
            throw .badRequest(
                field, "\(field) is no base64: letters, digits, '+', '/' and '=' at its end, without spaces")
        }
        return Array(data)
    }
}
