/// Puts a reply together from notifications (20 bytes each at the default MTU) and finds it behind noise.
///
/// Where every piece comes twice, as bluetoothd was seen to hand them out (`SeenReplies`), it is put together of one of each.
///
/// Bytes that cannot begin a reply are shifted out one at a time. Where a possible beginning is still incomplete, the assembler
/// waits for the rest and does not look inside it: a frame's own data could look like a frame.
package struct ReplyAssembler: Sendable {
  /// No reply is longer than 255 bytes; twice that without one is not a reply.
  package static let limit = 512

  private let request: ReadRequest
  private var buffer: [UInt8] = []
  /// One of each two chunks, as long as each has come twice; the last one may still lack its twin.
  private var halved: [UInt8]? = []
  private var twinless: [UInt8]?

  package init(_ request: ReadRequest) { self.request = request }

  package var isEmpty: Bool { buffer.isEmpty }

  /// Whether something came that is no mere noise: what may be the beginning of a reply, or as much as a short one.
  package var hasBegun: Bool {
    buffer.count >= ModbusReply.exceptionLength
      || buffer.indices.contains { offset in
        do throws(ModbusReply.Fault) {
          _ = try ModbusReply.parse(buffer[offset...], to: request)
          return true
        } catch .truncated {
          return true
        } catch {
          return false
        }
      }
  }

  /// Takes a chunk; returns the reply once it is whole.
  package mutating func append(_ chunk: [UInt8]) throws(ModbusReply.Fault) -> ModbusReply? {
    buffer += chunk.prefix(Self.limit + 1)
    halve(chunk)
    if let reply = scan(waiting: true) { return reply }
    guard buffer.count <= Self.limit else { throw .tooLong(buffer.count) }
    return nil
  }

  /// Nothing more comes: the reply, if one stands behind an incomplete beginning, or else what is wrong with what came.
  package func conclude() -> Result<ModbusReply, ModbusReply.Fault> {
    if let reply = scan(waiting: false) { return .success(reply) }
    return .failure(ModbusReply.diagnose(buffer, to: request))
  }

  private mutating func halve(_ chunk: [UInt8]) {
    switch twinless {
    case chunk?: twinless = nil
    case nil: (halved, twinless) = (halved.map { $0 + chunk.prefix(Self.limit + 1) }, chunk)
    default: halved = nil
    }
  }

  private func scan(waiting: Bool) -> ModbusReply? {
    if let reply = Self.scan(buffer, request, waiting: waiting) { return reply }
    guard let halved, halved.count < buffer.count else { return nil }
    return Self.scan(halved, request, waiting: waiting)
  }

  private static func scan(_ buffer: [UInt8], _ request: ReadRequest, waiting: Bool) -> ModbusReply? {
    for offset in buffer.indices {
      do throws(ModbusReply.Fault) {
        return try ModbusReply.parse(buffer[offset...], to: request)
      } catch .truncated where waiting {
        return nil
      } catch {
        continue
      }
    }
    return nil
  }
}
