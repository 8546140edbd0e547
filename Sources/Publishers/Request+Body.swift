import HTTPTypes
import HummingbirdCore
import NIOCore

/// An answer in the place of what was asked for.
struct Refusal: Error { var answer: Answer }

extension HummingbirdCore.Request {
  /// The body, if its length is said and within bounds. One without a length ends where the connection does: that could be half of it.
  /// Throws where it does not come to its end.
  func bytes(atMost limit: Int) async throws -> Result<[UInt8], Refusal> {
    guard headers[.transferEncoding] == nil else {
      return .failure(Refusal(answer: .error(.lengthRequired, "Send the body with a Content-Length, not in chunks.")))
    }
    let long = Refusal(answer: .error(.contentTooLarge, "The body is longer than \(limit) bytes."))
    let expected = headers[.contentLength].flatMap { Int($0) } ?? 0
    guard expected <= limit else { return .failure(long) }
    var bytes: [UInt8] = []
    for try await piece in body {
      guard bytes.count + piece.readableBytes <= limit else { return .failure(long) }
      bytes += piece.readableBytesView
    }
    guard bytes.count == expected else { throw ChannelError.inputClosed }
    return .success(bytes)
  }
}
