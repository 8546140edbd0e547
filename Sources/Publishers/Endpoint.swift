import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import ServiceLifecycle

/// One place that answers HTTP, until the group is told to end; then within about a second, whoever is connected. Should it end by
/// itself it is begun again: at an accept that failed for want of descriptors, for one.
struct Endpoint: Service {
  static let maxConnections = 64
  /// Of one place, over TCP.
  static let maxConnectionsOfOne = 24
  static let maxHeadBytes = 16_384
  static let maxHeadFields = 100
  static let pause = Duration.seconds(5)

  var address: BindAddress
  /// For a request, and again for its answer to be taken; of a stream for each piece.
  var patience: TimeAmount
  /// What every answer has, besides its own.
  var fields: HTTPFields = [:]
  /// Throws where the request does not come to its end.
  var respond: @Sendable (HummingbirdCore.Request, any Channel) async throws -> Answer
  var whenServing: @Sendable (any Channel) async -> Void
  /// Each time that it cannot begin, or has ended by itself (`nil`).
  var whenAway: @Sendable ((any Error)?) async -> Void
  var log: Logger

  func run() async {
    while !Task.isShuttingDownGracefully, !Task.isCancelled {
      var reason: (any Error)?
      do {
        try await server().run()
      } catch {
        reason = error
      }
      guard !Task.isShuttingDownGracefully, !Task.isCancelled else { return }
      await whenAway(reason)
      try? await cancelWhenGracefulShutdown { try await Task.sleep(for: Self.pause) }
    }
  }

  private func server() -> any Service {
    let (respond, patience, fields) = (respond, patience, fields)
    let share = PlaceShare(most: Self.maxConnectionsOfOne)
    var quiet = log
    quiet.logLevel = .critical
    let http = HTTP1Channel(
      responder: { request, writer, channel in
        let answer = try await respond(request, channel)
        let head = answer.head(fields)
        switch answer.body {
        case .whole(let bytes):
          try await writer.write(response: head, body: request.method == .head ? .init() : .init(byteBuffer: bytes))
        case .stream(let stream):
          channel.closeFuture.whenComplete { _ in stream.end() }
          defer { stream.end() }
          var body = try await writer.writeHead(head)
          for await piece in stream.pieces { try await body.write(piece) }
          try await body.finish(nil)
        }
      },
      configuration: .init(
        additionalChannelHandlers: [OneRequest(patience: patience, fields: fields, share: share)],
        httpDecoderConfiguration: .init(
          maxHeaderFieldSize: Self.maxHeadBytes, maxHeaderListSize: Self.maxHeadBytes, maxHeaderFieldCount: Self.maxHeadFields)))
    return http.server(
      configuration: .init(
        address: address, availableConnectionsDelegate: MaximumAvailableConnections(Self.maxConnections, logger: quiet)),
      onServerRunning: whenServing, eventLoopGroup: Loops.one, logger: quiet)
  }
}
