import Readings

/// A device's own record of days: a read that begins at `first` + n is of the day n days ago.
package struct DayPage: Sendable {
  package var first: UInt16
  package var words: UInt16
  /// Their registers are offsets within a day.
  package var fields: [Field]

  package init(first: UInt16, words: UInt16, fields: [Field]) {
    self.first = first
    self.words = words
    self.fields = fields
  }

  package func request(_ unit: UInt8, daysAgo: Int) -> ReadRequest {
    ReadRequest(unit: unit, register: first + UInt16(daysAgo), words: words)
  }

  /// The days that were answered, the latest first. A value that cannot be is missing.
  func decode(_ answers: Answers) -> [DayReadings] {
    var days: [Int: DayReadings] = [:]
    for run in answers.runs where run.words.count == Int(words) {
      let daysAgo = Int(run.register) - Int(first)
      guard (0..<Wire.maxDays).contains(daysAgo) else { continue }
      var readings: [String: Reading] = [:]
      for field in fields {
        guard let offset = field.register.map(Int.init), offset < run.words.count,
          case .reading(let reading, _) = field.decode(run.words[offset..<offset + 1], variant: nil)
        else { continue }
        readings[field.key] = reading
      }
      days[daysAgo] = DayReadings(daysAgo: daysAgo, readings: readings)
    }
    return days.values.sorted { $0.daysAgo < $1.daysAgo }
  }
}
