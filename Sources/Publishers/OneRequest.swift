import FoundationEssentials
import Glibc
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
  /// Bytes of an answer that a TCP connection holds beside what is written; the kernel doubles it.
  static let sendBuffer = 131_072
  /// The same, of a stream.
  static let streamBuffer = 8192

  private enum State: Equatable {
    case asking
    /// One too many from its place.
    case refused(ClientPlace)
    case asked
    case answering
    /// With pieces that have no end.
    case streaming
    /// What comes now has no reader.
    case over
  }

  /// For the whole request, not for each piece of it: one that comes byte by byte must end too. As long for the answer.
  private let patience: TimeAmount
  /// Of what every answer has.
  private let fields: HTTPFields
  /// Connections by place; of a unix socket there are none.
  private let share: PlaceShare
  /// Whence this one comes, where it is one of those.
  private var place: ClientPlace?
  private var state = State.asking
  private var limit: Scheduled<Void>?

  /// Pieces of a stream that were not taken yet.
  private var pieces = 0

  init(patience: TimeAmount, fields: HTTPFields, share: PlaceShare) {
    self.patience = patience
    self.fields = fields
    self.share = share
  }

  func handlerAdded(context: ChannelHandlerContext) {
    close(context, in: patience)
    bound(context)
    guard let address = context.remoteAddress?.ipAddress else { return }
    let place = ClientPlace(address: address)
    if share.take(place) { self.place = place } else { state = .refused(place) }
  }

  func channelActive(context: ChannelHandlerContext) {
    if case .refused(let place) = state {
      answer(
        context,
        .error(.tooManyRequests, "\(share.most) connections are open from there; more are not taken from one \(place.kind)."))
    }
    context.fireChannelActive()
  }

  /// What the kernel holds for a client that does not take it, and for how long it waits for one whose host has gone.
  private func bound(_ context: ChannelHandlerContext) {
    guard context.localAddress?.ipAddress != nil, let options = context.channel.syncOptions else { return }
    try? options.setOption(.socketOption(.so_sndbuf), value: Self.sendBuffer)
    let time = ChannelOptions.Types.SocketOption(level: .tcp, name: .init(rawValue: TCP_USER_TIMEOUT))
    try? options.setOption(time, value: Int(patience.nanoseconds / 1_000_000))
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    limit?.cancel()
    if let place { share.giveBack(place) }
    place = nil
  }

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
    switch unwrapOutboundIn(data) {
    case .head(let head) where head.headerFields[.contentLength] == nil:
      state = .streaming
      // What waits in the kernel is told late: of a stream it holds no more than a piece.
      if context.localAddress?.ipAddress != nil {
        try? context.channel.syncOptions?.setOption(.socketOption(.so_sndbuf), value: Self.streamBuffer)
      }
      stream(context, data, promise)
    case .head, .body:
      if state == .streaming { return stream(context, data, promise) }
      if state != .answering {
        state = .answering
        close(context, in: patience)
      }
      context.write(data, promise: promise)
    case .end: finish(context, data, promise)
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    if state == .asking, let error = error as? HTTPParserError {
      let isLong = error == .headerOverflow
      answer(
        context,
        .error(
          isLong ? .requestHeaderFieldsTooLarge : .badRequest,
          isLong
            ? "The request's head is too long; at most \(Endpoint.maxHeadBytes) bytes and \(Endpoint.maxHeadFields) fields are taken."
            : "This is not an HTTP request that can be read."))
    }
    // Whoever reads the body must not take this for its end.
    context.fireErrorCaught(error)
  }

  /// What nobody behind this is asked.
  private func answer(_ context: ChannelHandlerContext, _ answer: Answer) {
    state = .answering
    close(context, in: patience)
    context.write(wrapOutboundOut(.head(answer.head(fields))), promise: nil)
    if case .whole(let bytes) = answer.body { context.write(wrapOutboundOut(.body(bytes)), promise: nil) }
    finish(context, wrapOutboundOut(.end(nil)), nil)
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if event is ChannelShouldQuiesceEvent {
      if state == .asking || state == .streaming { context.close(promise: nil) } else { close(context, in: Self.patienceAtEnd) }
    }
    // Who listens to a stream has nothing more to say, and closes when he goes.
    if let event = event as? ChannelEvent, event == .inputClosed, state == .streaming { context.close(promise: nil) }
    context.fireUserInboundEventTriggered(event)
  }

  /// Each piece is to be taken in its time; between two of them there is no hurry.
  private func stream(_ context: ChannelHandlerContext, _ piece: NIOAny, _ promise: EventLoopPromise<Void>?) {
    if pieces == 0 { close(context, in: patience) }
    pieces += 1
    let taken = context.eventLoop.makePromise(of: Void.self)
    taken.futureResult.cascade(to: promise)
    taken.futureResult.assumeIsolated().whenComplete { _ in
      self.pieces -= 1
      if self.pieces == 0, self.state == .streaming { self.limit?.cancel() }
    }
    context.write(piece, promise: taken)
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
