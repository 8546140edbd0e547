package import FoundationEssentials
import Readings

/// What somebody wants to know of a device's past, within bounds.
package struct HistoryQuestion: Equatable, Sendable {
  static let maxKeys = 64
  static let points = 1...2000
  /// Of all keys together: an answer is made in memory.
  static let maxNumbers = 24_000
  static let times = Duration.seconds(60)...Duration.seconds(3650 * 86_400)

  package var device: String
  /// Empty where it is about the polls.
  package var keys: [String]
  package var from: Date
  package var to: Date
  package var points: Int

  /// What is wrong with a question, as a sentence.
  struct Mistake: Error, Equatable { var sentence: String }

  /// - Parameter hasKeys: it is about the curves of some keys.
  init(_ query: [String: String], hasKeys: Bool, now: Date = .now) throws(Mistake) {
    let known = ["device", "since", "points"] + (hasKeys ? ["keys"] : [])
    if let other = query.keys.sorted().first(where: { !known.contains($0) }) {
      throw Mistake(
        sentence: "`\(Printable.text(other, maxBytes: 60))` says nothing here; there are \(known.joined(separator: ", ")).")
    }
    guard let device = query["device"], !device.isEmpty, device.utf8.count <= 1000 else {
      throw Mistake(sentence: "`device` is a device's name, of 1 to 1000 bytes.")
    }
    let keys = (query["keys"] ?? "").split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    guard !hasKeys || (keys.allSatisfy(Self.isKey) && keys.count <= Self.maxKeys && Set(keys).count == keys.count) else {
      throw Mistake(sentence: "`keys` is 1 to \(Self.maxKeys) keys of readings with commas between them, each once.")
    }
    guard let since = Duration(text: query["since"] ?? "24h"), Self.times.contains(since) else {
      throw Mistake(sentence: "`since` is a time like 24h or 30d, from 1m to 3650d.")
    }
    guard let points = Int(query["points"] ?? "400"), Self.points.contains(points) else {
      throw Mistake(sentence: "`points` is a number from \(Self.points.lowerBound) to \(Self.points.upperBound).")
    }
    guard !hasKeys || points * keys.count <= Self.maxNumbers else {
      throw Mistake(
        sentence: "\(keys.count) keys with \(points) points are more than \(Self.maxNumbers) in all: ask for fewer, or in turn.")
    }
    self.device = device
    self.keys = hasKeys ? keys : []
    from = now - since.seconds
    to = now
    self.points = points
  }

  private static func isKey(_ text: String) -> Bool {
    (1...64).contains(text.utf8.count) && text.utf8.allSatisfy { "abcdefghijklmnopqrstuvwxyz0123456789_".utf8.contains($0) }
  }
}
