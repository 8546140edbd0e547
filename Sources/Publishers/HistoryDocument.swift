package import FoundationEssentials
import Policy
import Readings

/// What there is of a device's past, in spans of time (`protocol/http.md`). Every key is always there: null says that nobody knows.
package struct HistoryDocument: Encodable, Sendable {
  /// A key's numbers of one kind. What was read in no span is not there.
  package struct Curve: Sendable {
    package struct Point: Sendable {
      var at: Date
      var min: Double
      var mean: Double
      var max: Double
      var count: Int

      package init(at: Date, min: Double, mean: Double, max: Double, count: Int) {
        self.at = at
        self.min = min
        self.mean = mean
        self.max = max
        self.count = count
      }
    }

    var key: String
    var unit: String?
    /// Computed from others of the same poll.
    var isDerived: Bool
    /// With the register's own sign, because this model's convention is not known.
    var isRawSign: Bool
    var points: [Point]

    package init(key: String, unit: String?, isDerived: Bool = false, isRawSign: Bool = false, points: [Point]) {
      self.key = key
      self.unit = unit
      self.isDerived = isDerived
      self.isRawSign = isRawSign
      self.points = points
    }
  }

  /// The polls of one span.
  package struct Outcome: Sendable {
    var at: Date
    var good: Int
    /// By class.
    var failed: [String: Int]
    var connectMsMean: Double?
    var pollMsMean: Double
    var deadline: Duration

    package init(at: Date, good: Int, failed: [String: Int], connectMsMean: Double?, pollMsMean: Double, deadline: Duration) {
      self.at = at
      self.good = good
      self.failed = failed
      self.connectMsMean = connectMsMean
      self.pollMsMean = pollMsMean
      self.deadline = deadline
    }
  }

  package enum Content: Sendable {
    case curves([Curve])
    case polls([Outcome])
  }

  private var question: HistoryQuestion
  private var isSimulated: Bool
  private var from: Date
  private var width: Duration
  private var gap: Duration
  private var content: Content

  /// - Parameters:
  ///   - from: where the first span begins; `nil`: where the question does.
  ///   - width: of a span.
  ///   - gap: how far apart two polls may be with nothing missed between them.
  package init(
    _ question: HistoryQuestion, isSimulated: Bool, from: Date? = nil, width: Duration, gap: Duration, _ content: Content
  ) {
    self.question = question
    self.isSimulated = isSimulated
    self.from = from ?? question.from
    self.width = width
    self.gap = gap
    self.content = content
  }

  private enum Key: String, CodingKey {
    case device, from, to, curves, polls
    case isSimulated = "test_mode"
    case width = "width_s"
    case gap = "gap_s"
  }

  package func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: Key.self)
    try fields.encode(question.device, forKey: .device)
    try fields.encode(isSimulated, forKey: .isSimulated)
    try fields.encode(from.rfc3339, forKey: .from)
    try fields.encode(question.to.rfc3339, forKey: .to)
    try fields.encode(width.seconds, forKey: .width)
    try fields.encode(gap.seconds, forKey: .gap)
    switch content {
    case .curves(let curves): try fields.encode(curves, forKey: .curves)
    case .polls(let polls): try fields.encode(polls, forKey: .polls)
    }
  }
}

extension HistoryDocument.Curve: Encodable {
  private enum Key: String, CodingKey {
    case key, unit, points
    case isDerived = "derived"
    case isRawSign = "raw_sign"
  }

  package func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: Key.self)
    try fields.encode(key, forKey: .key)
    try fields.encode(unit, forKey: .unit)
    try fields.encode(isDerived, forKey: .isDerived)
    try fields.encode(isRawSign, forKey: .isRawSign)
    try fields.encode(points, forKey: .points)
  }
}

extension HistoryDocument.Curve.Point: Encodable {
  private enum Key: String, CodingKey { case at, min, mean, max, count }

  package func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: Key.self)
    try fields.encode(at.rfc3339, forKey: .at)
    try fields.encode(min, forKey: .min)
    try fields.encode(mean, forKey: .mean)
    try fields.encode(max, forKey: .max)
    try fields.encode(count, forKey: .count)
  }
}

extension HistoryDocument.Outcome: Encodable {
  private enum Key: String, CodingKey {
    case at, good, failed
    case connectMsMean = "connect_ms_mean"
    case pollMsMean = "poll_ms_mean"
    case deadline = "deadline_s"
  }

  package func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: Key.self)
    try fields.encode(at.rfc3339, forKey: .at)
    try fields.encode(good, forKey: .good)
    try fields.encode(failed, forKey: .failed)
    try fields.encode(connectMsMean.map { ($0 * 10).rounded() / 10 }, forKey: .connectMsMean)
    try fields.encode((pollMsMean * 10).rounded() / 10, forKey: .pollMsMean)
    try fields.encode(deadline.seconds, forKey: .deadline)
  }
}
