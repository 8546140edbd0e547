import FoundationEssentials
import HTTPTypes
import Readings

/// What one request gets: JSON, whatever becomes of it.
struct Answer: Sendable {
  var status: HTTPResponse.Status
  var body: [UInt8]
  /// The methods that would be taken.
  var allow: String?

  static func error(_ status: HTTPResponse.Status, _ sentence: String, allow: String? = nil) -> Answer {
    let body = try? Wire.line(["error": Printable.text(sentence, maxBytes: 4000)])
    return Answer(status: status, body: body ?? Array("{\"error\":\"\"}\n".utf8), allow: allow)
  }

  /// A connection is for one request.
  var head: HTTPResponse {
    var fields: HTTPFields = [.contentType: "application/json", .contentLength: "\(body.count)", .connection: "close"]
    fields[.allow] = allow
    return HTTPResponse(status: status, headerFields: fields)
  }
}
