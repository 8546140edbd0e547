import HTTPTypes
import Readings
import Synchronization

/// What is answered of the past (`protocol/http.md`), whoever keeps it.
package struct HistoryRoutes: Sendable {
  package enum Found: Sendable {
    case document(HistoryDocument)
    /// No history of a device of that name; of these.
    case noDevice([String])
    /// Nothing can be said for now, and why, as a sentence.
    case nothing(String)
  }

  /// Questions that are being answered at the same time, those of clients that went away included.
  static let maxAsked = 16
  /// Of one place.
  static let maxAskedOfOne = 4

  private final class Asked: Sendable {
    let count = Mutex(0)
    let share = PlaceShare(most: maxAskedOfOne)
  }

  package typealias Ask = @Sendable (HistoryQuestion) async -> Found

  private let curves: Ask
  private let polls: Ask
  private let asked = Asked()

  package init(curves: @escaping Ask, polls: @escaping Ask) {
    self.curves = curves
    self.polls = polls
  }

  package var byPath: [String: WebSource.Route] {
    [
      "/api/history": { await answer($0, from: $1, hasKeys: true, curves) },
      "/api/polls": { await answer($0, from: $1, hasKeys: false, polls) },
    ]
  }

  private func answer(_ query: [String: String], from place: ClientPlace, hasKeys: Bool, _ ask: Ask) async -> Answer {
    let question: HistoryQuestion
    do throws(HistoryQuestion.Mistake) {
      question = try HistoryQuestion(query, hasKeys: hasKeys)
    } catch {
      return .wrong(error.sentence)
    }
    guard asked.share.take(place) else {
      return .unavailable(
        "\(Self.maxAskedOfOne) questions about the past are being answered to this \(place.kind) already. Try again.")
    }
    defer { asked.share.giveBack(place) }
    let isWithin = asked.count.withLock { count in
      guard count < Self.maxAsked else { return false }
      count += 1
      return true
    }
    guard isWithin else {
      return .unavailable("\(Self.maxAsked) questions about the past are being answered already. Try again.")
    }
    defer { asked.count.withLock { $0 -= 1 } }
    switch await ask(question) {
    case .document(let document): return .json(document)
    case .noDevice(let names):
      let known = names.isEmpty ? "none yet" : names.joined(separator: ", ")
      return .error(
        .notFound, "There is no history of '\(Printable.text(question.device, maxBytes: 200))'; there is of: \(known).")
    case .nothing(let sentence): return .unavailable(sentence)
    }
  }
}
