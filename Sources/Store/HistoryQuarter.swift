/// What a device's polls of one quarter of an hour come to: for long ranges. Made of the rows of that quarter and of nothing else, so
/// that making it again gives the same.
struct HistoryQuarter: Equatable {
  static let lengthMs: Int64 = 15 * 60_000
  private static let version: UInt8 = 1
  private static let maxFailures = 64

  struct Numbers: Equatable {
    var count: Int
    var min: Double
    var max: Double
    var mean: Double

    mutating func add(_ other: Numbers) {
      let all = count + other.count
      mean = (mean * Double(count) + other.mean * Double(other.count)) / Double(all)
      count = all
      min = Swift.min(min, other.min)
      max = Swift.max(max, other.max)
      // The sum's last digit shall not make two numbers of one.
      if min == max { mean = min }
    }
  }

  var good = 0
  /// By the word of their class.
  var failed: [Int64: Int] = [:]
  /// Of the polls that said it.
  var connects: (count: Int, sum: Int64) = (0, 0)
  /// Of all polls.
  var pollMsSum: Int64 = 0
  var deadlineMs: Int64 = 0
  var numbers: [Int64: Numbers] = [:]

  static func begin(of wallMs: Int64) -> Int64 {
    let past = wallMs % lengthMs
    return wallMs - (past < 0 ? past + lengthMs : past)
  }

  var polls: Int { good + failed.values.reduce(0, +) }

  static func == (one: HistoryQuarter, other: HistoryQuarter) -> Bool {
    (one.good, one.pollMsSum, one.deadlineMs) == (other.good, other.pollMsSum, other.deadlineMs)
      && one.connects == other.connects && one.failed == other.failed && one.numbers == other.numbers
  }

  init() {}

  init(of polls: [HistoryChunk.Poll]) {
    for poll in polls {
      pollMsSum &+= poll.pollMs
      deadlineMs = max(deadlineMs, poll.deadlineMs)
      if let connectMs = poll.connectMs { connects = (connects.count + 1, connects.sum &+ connectMs) }
      guard poll.failure == 0 else {
        failed[poll.failure, default: 0] += 1
        continue
      }
      good += 1
      for case (let key, .number(let number)) in poll.values where number.isFinite {
        let one = Numbers(count: 1, min: number, max: number, mean: number)
        if numbers[key]?.add(one) == nil { numbers[key] = one }
      }
    }
  }

  /// Both together.
  mutating func add(_ other: HistoryQuarter) {
    good += other.good
    failed.merge(other.failed) { $0 + $1 }
    connects = (connects.count + other.connects.count, connects.sum &+ other.connects.sum)
    pollMsSum &+= other.pollMsSum
    deadlineMs = max(deadlineMs, other.deadlineMs)
    for (key, more) in other.numbers where numbers[key]?.add(more) == nil { numbers[key] = more }
  }

  // MARK: Bytes

  var packed: [UInt8] {
    var packing = Packing()
    packing.put(byte: Self.version)
    packing.put(good)
    let failures = failed.sorted { $0.key < $1.key }.prefix(Self.maxFailures)
    packing.put(failures.count)
    for (word, count) in failures {
      packing.put(UInt64(bitPattern: word))
      packing.put(count)
    }
    packing.put(connects.count)
    packing.put(connects.sum)
    packing.put(pollMsSum)
    packing.put(deadlineMs)
    packing.put(numbers.count)
    for (key, numbers) in numbers.sorted(by: { $0.key < $1.key }) {
      packing.put(UInt64(bitPattern: key))
      var piece = Packing()
      let scale = Scale(of: [numbers.min, numbers.max])
      piece.put(byte: scale.code)
      piece.put(numbers.count)
      piece.put(scale.whole(numbers.min))
      if numbers.max != numbers.min {
        piece.put(scale.whole(numbers.max))
        // Two more digits than the register's own.
        piece.put(scale.finer(by: 2).whole(numbers.mean))
      }
      packing.put(piece: piece)
    }
    return packing.sealed
  }

  /// - Parameter wanted: the keys whose numbers are of interest.
  init(packed bytes: [UInt8], keys wanted: Set<Int64>) throws(Unpacking.Damage) {
    var unpacking = try Unpacking(sealed: bytes)
    guard try unpacking.byte() == Self.version else { throw Unpacking.Damage() }
    let limit = Int(Int32.max)
    good = try unpacking.count(atMost: limit)
    for _ in 0..<(try unpacking.count(atMost: Self.maxFailures)) {
      let word = Int64(try unpacking.count(atMost: limit))
      failed[word] = try unpacking.count(atMost: limit)
    }
    connects.count = try unpacking.count(atMost: limit)
    connects.sum = try unpacking.whole()
    pollMsSum = try unpacking.whole()
    deadlineMs = try unpacking.whole()
    for _ in 0..<(try unpacking.count(atMost: HistoryChunk.maxColumns)) {
      let key = Int64(try unpacking.count(atMost: limit))
      var piece = try unpacking.piece()
      guard wanted.contains(key) else { continue }
      let scale = try Scale(code: piece.byte())
      let count = try piece.count(atMost: limit)
      let min = scale.number(try piece.whole())
      guard !piece.isEmpty else {
        numbers[key] = Numbers(count: count, min: min, max: min, mean: min)
        continue
      }
      let max = scale.number(try piece.whole())
      numbers[key] = Numbers(count: count, min: min, max: max, mean: scale.finer(by: 2).number(try piece.whole()))
    }
  }
}
