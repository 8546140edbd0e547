import Policy
import Publishers
import Readings

/// The service's status once a second: in place on a terminal, else whenever it says something new.
struct FleetWatch: Sendable {
  var client: StatusClient
  var names: [String]
  var isDocument: Bool

  private static let pause = Duration.seconds(1)

  /// Until the service or the reader is gone, or it is cancelled.
  func run() async -> Result<Void, StatusCommand.Trouble> {
    let screen = isDocument ? nil : Screen()
    defer { screen?.leave() }
    var shown: FleetStatus?
    while !Task.isCancelled {
      let next = ContinuousClock.now + Self.pause
      let status: FleetStatus
      do throws(StatusCommand.Trouble) {
        status = try await StatusCommand.ask(client, names)
      } catch {
        return Task.isCancelled ? .success(()) : .failure(error)
      }
      let news = Self.news(status)
      if let screen {
        screen.draw(FleetOverview(status, colours: Console.hasColours).text)
      } else if news != shown {
        guard write(status) else { return .success(()) }
      }
      shown = news
      try? await Task.sleep(until: next, clock: .continuous)
    }
    return .success(())
  }

  private func write(_ status: FleetStatus) -> Bool {
    if isDocument {
      guard let line = try? Wire.line(status) else { return false }
      return Console.print(String(decoding: line.dropLast(), as: UTF8.self)) != .gone
    }
    return Console.print(FleetOverview(status).text) != .gone
  }

  /// What is no news by itself: that time goes by, that a client comes and goes.
  static func news(_ status: FleetStatus) -> FleetStatus {
    var news = status
    news.uptime = .zero
    news.lagP99 = nil
    news.descriptors = nil
    for index in news.devices.indices {
      news.devices[index].age = nil
      news.devices[index].availability = nil
    }
    return news
  }
}
