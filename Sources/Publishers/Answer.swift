import FoundationEssentials
import HTTPTypes
import NIOCore
import Readings

/// What one request gets: JSON, where nothing else is said.
package struct Answer: Sendable {
  enum Body: Sendable {
    case whole(ByteBuffer)
    case stream(Stream)
  }

  /// A body that has no end of its own.
  struct Stream: Sendable {
    var pieces: AsyncStream<ByteBuffer>
    /// The client has gone.
    var end: @Sendable () -> Void
  }

  static let json = "application/json"

  var status: HTTPResponse.Status
  var body: Body
  var contentType: String
  /// Besides those that every answer has.
  var fields: HTTPFields

  init(_ status: HTTPResponse.Status, _ body: Body, as contentType: String = Self.json, fields: HTTPFields = [:]) {
    self.status = status
    self.body = body
    self.contentType = contentType
    self.fields = fields
  }

  init(_ status: HTTPResponse.Status, _ bytes: [UInt8], as contentType: String = Self.json, fields: HTTPFields = [:]) {
    self.init(status, .whole(ByteBuffer(bytes: bytes)), as: contentType, fields: fields)
  }

  /// One document.
  package static func json(_ document: some Encodable) -> Answer {
    do {
      return Answer(.ok, try Wire.line(document))
    } catch {
      return .error(.internalServerError, "The answer cannot be written as JSON: \(error)")
    }
  }

  /// A question that is not meant as it was asked.
  package static func wrong(_ sentence: String) -> Answer { .error(.badRequest, sentence) }

  /// What cannot be said at the moment.
  package static func unavailable(_ sentence: String) -> Answer { .error(.serviceUnavailable, sentence) }

  /// - Parameter allow: the methods that would be taken.
  static func error(
    _ status: HTTPResponse.Status, _ sentence: String, allow: String? = nil, fields: HTTPFields = [:]
  ) -> Answer {
    let body = try? Wire.line(["error": Printable.text(sentence, maxBytes: 4000)])
    var fields = fields
    fields[.allow] = allow
    return Answer(status, body ?? Array("{\"error\":\"\"}\n".utf8), fields: fields)
  }

  /// A connection is for one request. What has no length is a stream.
  ///
  /// - Parameter common: what every answer at that place has.
  func head(_ common: HTTPFields) -> HTTPResponse {
    var head = common
    head[.contentType] = contentType
    if case .whole(let bytes) = body { head[.contentLength] = "\(bytes.readableBytes)" }
    head[.connection] = "close"
    for field in fields { head[field.name] = field.value }
    return HTTPResponse(status: status, headerFields: head)
  }
}
