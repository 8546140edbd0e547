import FoundationEssentials
import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOHTTPTypes

/// Holds a connection to one request and to its time: so long to ask, so long to take the answer, and no time at all once the service
/// ends. What is not HTTP gets its answer here, in JSON like every other.
final class OneRequest: ChannelDuplexHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPRequestPart
  typealias InboundOut = HTTPRequestPart
  typealias OutboundIn = HTTPResponsePart
  typealias OutboundOut = HTTPResponsePart

  /// For what is under way when the service is told to end.
  static let patienceAtEnd = TimeAmount.seconds(1)

  private enum State {
    case asking
    case asked
    case answering
    /// What comes now has no reader.
    case over
  }

  /// For the whole request, not for each piece of it: one that comes byte by byte must end too. As long for the answer.
  private let patience: TimeAmount
  private var state = State.asking
  private var limit: Scheduled<Void>?

  init(patience: TimeAmount) { self.patience = patience }

  func handlerAdded(context: ChannelHandlerContext) { close(context, in: patience) }

  func handlerRemoved(context: ChannelHandlerContext) { limit?.cancel() }

  func channelInactive(context: ChannelHandlerContext) {
    limit?.cancel()
    context.fireChannelInactive()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard state == .asking else { return }
    if case .end = unwrapInboundIn(data) {
      state = .asked
      limit?.cancel()
    }
    context.fireChannelRead(data)
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    guard state != .over else {
      promise?.fail(ChannelError.ioOnClosedChannel)
      return
    }
    guard case .end = unwrapOutboundIn(data) else {
      if state != .answering {
        state = .answering
        close(context, in: patience)
      }
      return context.write(data, promise: promise)
    }
    finish(context, data, promise)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    if state == .asking, let error = error as? HTTPParserError {
      let isLong = error == .headerOverflow
      let body = Answer.error(
        isLong ? .requestHeaderFieldsTooLarge : .badRequest,
        isLong
          ? "The request's head is too long; at most \(StatusServer.maxHeadBytes) bytes are taken."
          : "This is not an HTTP request that can be read.")
      state = .answering
      close(context, in: patience)
      context.write(wrapOutboundOut(.head(body.head)), promise: nil)
      context.write(wrapOutboundOut(.body(ByteBuffer(bytes: body.body))), promise: nil)
      finish(context, wrapOutboundOut(.end(nil)), nil)
    }
    // Whoever reads the body must not take this for its end.
    context.fireErrorCaught(error)
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if event is ChannelShouldQuiesceEvent {
      if state == .asking { context.close(promise: nil) } else { close(context, in: Self.patienceAtEnd) }
    }
    context.fireUserInboundEventTriggered(event)
  }

  private func finish(_ context: ChannelHandlerContext, _ end: NIOAny, _ promise: EventLoopPromise<Void>?) {
    state = .over
    let written = promise ?? context.eventLoop.makePromise()
    written.futureResult.assumeIsolated().whenComplete { _ in context.close(promise: nil) }
    context.writeAndFlush(end, promise: written)
  }

  private func close(_ context: ChannelHandlerContext, in time: TimeAmount) {
    limit?.cancel()
    limit = context.eventLoop.assumeIsolated().scheduleTask(in: time) { context.close(promise: nil) }
  }
}
