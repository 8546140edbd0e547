import FoundationEssentials
package import Policy
import Readings

/// The last events, in the order in which they were last seen: a line each, and under what went wrong what to do.
package struct EventList {
  private let events: [FleetEvent]

  package init(_ events: [FleetEvent]) { self.events = events }

  package var text: String {
    events.isEmpty ? "Nothing has happened yet.\n" : events.map(Self.text).joined()
  }

  private static func text(_ event: FleetEvent) -> String {
    var line = "\(moment(event.lastAt))  "
    // A status says itself whose and what it is.
    if event.kind != .status { line += "\(printable(event.subject)): " }
    if event.kind != .status, let name = event.name { line += "\(name)\(event.stage.map { " at \($0.rawValue)" } ?? ""): " }
    line += printable(event.message)
    if event.count > 1 { line += " (\(event.count) times in a row, since \(moment(event.at)))" }
    return line + "\n" + (event.advice.map { "    \(printable($0))\n" } ?? "")
  }

  /// To the second, as in the log.
  private static func moment(_ date: Date) -> String { date.rfc3339.prefix(19) + "Z" }

  private static func printable(_ text: String) -> String { Printable.text(text, maxBytes: 4000) }
}
