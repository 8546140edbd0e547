/// Polls of one device in a row, within one quarter of an hour: what one row of the history holds, columns by columns.
struct HistoryChunk: Equatable {
  /// A module that is polled every second has 900.
  static let maxPolls = 1000
  static let maxColumns = 512
  private static let version: UInt8 = 1

  enum Value: Equatable {
    case number(Double)
    /// By its number among the words.
    case word(Int64)
  }

  struct Poll: Equatable {
    /// Milliseconds since the row's beginning.
    var offset: Int64
    /// By their numbers among the words; 0: it gave readings.
    var failure: Int64 = 0
    var stage: Int64 = 0
    var connectMs: Int64?
    var pollMs: Int64
    var deadlineMs: Int64
    /// By the numbers of their keys.
    var values: [Int64: Value] = [:]
  }

  var polls: [Poll]

  // MARK: Bytes

  var packed: [UInt8] {
    var packing = Packing()
    packing.put(byte: Self.version)
    packing.put(polls.count)
    packing.put(column: polls.map(\.offset))
    packing.put(column: polls.map(\.failure))
    packing.put(column: polls.map(\.stage))
    packing.put(column: polls.map { $0.connectMs.map { $0 + 1 } ?? 0 })
    packing.put(column: polls.map(\.pollMs))
    packing.put(column: polls.map(\.deadlineMs))
    let keys = Set(polls.lazy.flatMap(\.values.keys)).sorted()
    packing.put(keys.count)
    for key in keys {
      packing.put(UInt64(bitPattern: key))
      packing.put(piece: Self.column(polls.map { $0.values[key] }))
    }
    return packing.sealed
  }

  /// How the numbers are coded, where they have values, and those.
  private static func column(_ values: [Value?]) -> Packing {
    var packing = Packing()
    let scale = Scale(of: values)
    packing.put(byte: scale.code)
    // As runs: a value is there, or is not, for long.
    packing.put(column: values.map { $0 == nil ? 0 : 1 })
    packing.put(column: values.compactMap { $0.map(scale.whole) })
    return packing
  }

  /// - Parameter wanted: the keys whose values are of interest; `nil`: all.
  init(packed bytes: [UInt8], keys wanted: Set<Int64>? = nil) throws(Unpacking.Damage) {
    var unpacking = try Unpacking(sealed: bytes)
    guard try unpacking.byte() == Self.version else { throw Unpacking.Damage() }
    let count = try unpacking.count(atMost: Self.maxPolls)
    let offsets = try unpacking.column(count)
    let failures = try unpacking.column(count)
    let stages = try unpacking.column(count)
    let connects = try unpacking.column(count)
    let lasted = try unpacking.column(count)
    let deadlines = try unpacking.column(count)
    polls = (0..<count).map { index in
      Poll(
        offset: offsets[index], failure: failures[index], stage: stages[index],
        connectMs: connects[index] > 0 ? connects[index] - 1 : nil, pollMs: lasted[index], deadlineMs: deadlines[index])
    }
    for _ in 0..<(try unpacking.count(atMost: Self.maxColumns)) {
      let key = Int64(try unpacking.count(atMost: Int(Int32.max)))
      var piece = try unpacking.piece()
      guard wanted?.contains(key) ?? true else { continue }
      let scale = try Scale(code: piece.byte())
      let presence = try piece.column(count)
      let present = presence.indices.filter { presence[$0] == 1 }
      for (index, whole) in zip(present, try piece.column(present.count)) { polls[index].values[key] = scale.value(whole) }
    }
  }

  init(polls: [Poll]) { self.polls = polls }
}

/// How values are whole numbers: a register's number is one with so many digits after the point, which is exact; any other is the
/// pattern of its bits.
enum Scale: Equatable {
  case decimals(Int)
  case pattern
  case word

  private static let powers: [Double] = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000]

  /// The fewest digits that are exact for all of them.
  init(of values: [HistoryChunk.Value?]) {
    var numbers: [Double] = []
    for value in values {
      switch value {
      case .number(let number)?: numbers.append(number)
      case .word?:
        self = .word
        return
      case nil: break
      }
    }
    self.init(of: numbers)
  }

  init(of numbers: [Double]) {
    let digits = Self.powers.indices.first { digits in
      numbers.allSatisfy { number in
        let scaled = (number * Self.powers[digits]).rounded()
        return scaled.magnitude < 0x1p53 && scaled / Self.powers[digits] == number
      }
    }
    self = digits.map { .decimals($0) } ?? .pattern
  }

  init(code: UInt8) throws(Unpacking.Damage) {
    switch code {
    case 0..<7: self = .decimals(Int(code))
    case 7: self = .pattern
    case 8: self = .word
    default: throw Unpacking.Damage()
    }
  }

  var code: UInt8 {
    switch self {
    case .decimals(let digits): UInt8(digits)
    case .pattern: 7
    case .word: 8
    }
  }

  func whole(_ value: HistoryChunk.Value) -> Int64 {
    switch value {
    case .number(let number): whole(number)
    case .word(let word): word
    }
  }

  /// Rounded to what it can hold.
  func whole(_ number: Double) -> Int64 {
    guard case .decimals(let digits) = self else { return Int64(bitPattern: number.bitPattern) }
    return Int64((number * Self.powers[digits]).rounded())
  }

  func value(_ whole: Int64) -> HistoryChunk.Value { self == .word ? .word(whole) : .number(number(whole)) }

  func number(_ whole: Int64) -> Double {
    guard case .decimals(let digits) = self else { return Double(bitPattern: UInt64(bitPattern: whole)) }
    // One division by a power of ten gives the double that prints with the register's own digits.
    return Double(whole) / Self.powers[digits]
  }

  /// With so many more digits: for means.
  func finer(by more: Int) -> Scale {
    guard case .decimals(let digits) = self else { return self }
    return .decimals(min(digits + more, Self.powers.count - 1))
  }
}
