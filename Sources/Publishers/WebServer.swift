import Glibc
import HTTPTypes
import HummingbirdCore
package import Logging
import NIOCore
package import Policy
import ServiceLifecycle

/// The page, the API and the metrics over TCP, where the configuration wants them (`protocol/http.md`). Nothing can be changed by it.
///
/// That it cannot listen is a problem, and ends nothing.
package actor WebServer: Service {
  /// For a request, and again for its answer to be taken.
  private let patience: TimeAmount
  private var settings: HTTPSettings?
  private let source: WebSource
  private let feed = StatusFeed()
  private let wishes: AsyncStream<HTTPSettings?>
  private let wish: AsyncStream<HTTPSettings?>.Continuation
  private let raise: @Sendable (Problem) async -> Void
  private let settle: @Sendable (Problem.Name) async -> Void
  private let whenServing: @Sendable (HTTPSettings) -> Void
  private let log: Logger

  /// - Parameters:
  ///   - settings: `nil`: nowhere, until others are adopted.
  ///   - whenServing: told each time where it is served, with the port that it has.
  package init(
    _ settings: HTTPSettings?, _ source: WebSource, patience: Duration = .seconds(10), log: Logger,
    raise: @escaping @Sendable (Problem) async -> Void, settle: @escaping @Sendable (Problem.Name) async -> Void,
    whenServing: @escaping @Sendable (HTTPSettings) -> Void = { _ in }
  ) {
    self.settings = settings
    self.source = source
    self.patience = .milliseconds(Int64(patience / .milliseconds(1)))
    self.log = log
    self.raise = raise
    self.settle = settle
    self.whenServing = whenServing
    (wishes, wish) = AsyncStream.makeStream(of: HTTPSettings?.self, bufferingPolicy: .bufferingNewest(1))
    wish.yield(settings)
  }

  /// Other settings. What is served by the old ones is cut off within a second.
  package func adopt(_ new: HTTPSettings?) {
    guard new != settings else { return }
    settings = new
    wish.yield(new)
  }

  /// Until cancelled, or the group is told to end; then within about a second.
  package func run() async throws {
    let (feed, source) = (feed, source)
    await cancelWhenGracefulShutdown {
      await withTaskGroup(of: Void.self) { group in
        group.addTask { await feed.run(source.statuses()) }
        group.addTask { await self.serve() }
        await group.waitForAll()
      }
    }
  }

  private func serve() async {
    var place: (group: ServiceGroup, end: Task<Void, Never>)?
    for await settings in wishes {
      if let place { await Self.end(place) }
      await settle(.httpFailed)
      place = settings.map(begin)
    }
    if let place { await Self.end(place) }
  }

  private static func end(_ place: (group: ServiceGroup, end: Task<Void, Never>)) async {
    await place.group.triggerGracefulShutdown()
    await place.end.value
  }

  private func begin(_ settings: HTTPSettings) -> (ServiceGroup, Task<Void, Never>) {
    let routes = WebRoutes(source: source, door: Door(token: settings.token), feed: feed)
    let (raise, settle, log, whenServing) = (raise, settle, log, whenServing)
    let endpoint = Endpoint(
      address: .hostname(settings.host, port: settings.port), patience: patience, fields: WebRoutes.fields,
      respond: { try await routes.answer($0, from: $1) },
      whenServing: { channel in
        var settings = settings
        settings.port = channel.localAddress?.port ?? settings.port
        log.notice("served at \(settings.url)")
        whenServing(settings)
        await settle(.httpFailed)
      },
      whenAway: { await raise(settings.problem($0)) }, log: log)
    var quiet = log
    quiet.logLevel = .critical
    let group = ServiceGroup(configuration: .init(services: [.init(service: endpoint)], logger: quiet))
    return (group, Task { try? await group.run() })
  }
}

extension HTTPSettings {
  /// What is wrong where nobody can be answered, and what to do.
  ///
  /// - Parameter error: `nil`: it ended by itself.
  func problem(_ error: (any Error)?) -> Problem {
    let (reason, advice) =
      switch (error as? IOError)?.errnoCode {
      case EADDRINUSE:
        ("another program listens there already", "End that (`ss -ltnp` shows it), or set another port in http.listen.")
      case EADDRNOTAVAIL:
        (
          "this host has no such address",
          "Set http.listen to one that `ip address` shows, or to 0.0.0.0 for all; one that comes later is taken then."
        )
      case EACCES: ("a port that low takes a privilege", "Set one from 1024 up in http.listen.")
      default:
        (
          error.map { "\($0)" } ?? "it ended by itself",
          "Look at http.listen; what it needs may be out of reach for this service."
        )
      }
    return Problem(
      .httpFailed,
      message: "Nobody can be answered at \(url): \(reason). It is tried again every \(Endpoint.pause.components.seconds) s.",
      advice: advice)
  }
}
