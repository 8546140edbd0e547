import Chance
import Policy
import Readings
import Testing

@Suite struct CounterCheckTests {
  private static func readings(_ values: [String: Double?], counters: [String] = ["total_energy"]) -> DeviceReadings {
    DeviceReadings(
      device: "Inverter", profile: "inverter", unit: 32, model: nil,
      readings: values.compactMapValues { $0.map { Reading(.number($0), unit: "Wh") } }, implausible: ["temperature"],
      rawSign: ["total_energy"], derived: ["total_energy", "power"], counters: counters)
  }

  /// What passes of one counter; `nil`: withheld, or not read at all.
  private func shown(_ values: [Double?], of check: inout CounterCheck) -> [Double?] {
    values.map { value in
      guard case .number(let number) = check.pass(Self.readings(["total_energy": value])).readings["total_energy"]?.value else {
        return nil
      }
      return number
    }
  }

  @Test(
    arguments: [
      ([100, 101, 101, 250], [100, 101, 101, 250]),
      // A bad moment, and two of them.
      ([100, 0, 101], [100, nil, 101]),
      ([100, 0, 0, 101], [100, nil, nil, 101]),
      // A reset, from which it counts on.
      ([100, 0, 0, 0, 1], [100, nil, nil, 0, 1]),
      ([100, 1, 2, 3, 4], [100, nil, nil, 3, 4]),
      // Values that fall among themselves are no counter's: the row begins anew.
      ([100, 30, 20, 10, 10, 11], [100, nil, nil, nil, nil, 11]),
      ([100, 30, 40, 20, 30, 40], [100, nil, nil, nil, nil, 40]),
      // Polls without it say nothing.
      ([100, nil, 99, nil, 100], [100, nil, nil, nil, 100]),
      ([100, 1, nil, 2, nil, nil, 3], [100, nil, nil, nil, nil, nil, 3]),
      // A spike upwards, and two of them; and what was really counted while nobody asked.
      ([100, 9000, 101, 102], [100, nil, 101, 102]),
      ([100, 9000, 9000, 101], [100, nil, nil, 101]),
      ([100, 9000, 9001, 9002, 9003], [100, nil, nil, 9002, 9003]),
      ([100, 9000, 8999, 9000, 9001], [100, nil, nil, nil, 9001]),
      ([100, 9000, 20_000, 40_000, 80_000], [100, nil, nil, nil, nil]),
      // As far as it may count in one poll, and a little farther.
      ([100, 5100, 10_101], [100, 5100, nil]),
      // A value as high as the accepted one ends a row.
      ([100, 1, 2, 100, 3, 4, 5], [100, nil, nil, 100, nil, nil, 5]),
    ] as [([Double?], [Double?])])
  func `a counter jumps only when three polls in a row say so`(values: [Double?], expected: [Double?]) {
    var check = CounterCheck()
    #expect(shown(values, of: &check) == expected)
  }

  @Test(arguments: [("Wh", 5000), ("kWh", 5), ("Ah", 125), ("d", 10), (nil, 10)] as [(String?, Double)])
  func `how far a counter may count in one poll depends on what it counts`(unit: String?, step: Double) {
    func readings(_ value: Double) -> DeviceReadings {
      DeviceReadings(
        device: "Roof", profile: "controller", unit: 1, model: nil, readings: ["total": Reading(.number(value), unit: unit)],
        counters: ["total"])
    }
    var check = CounterCheck()
    _ = check.pass(readings(100))
    #expect(check.pass(readings(100 + step)).readings["total"] != nil)
    #expect(check.pass(readings(100 + step + step + 0.1)).readings["total"] == nil)
  }

  @Test func `what is withheld is listed as implausible, and nowhere else`() {
    var check = CounterCheck()
    let first = Self.readings(["total_energy": 100, "power": 5])
    #expect(check.pass(first) == first)
    let passed = check.pass(Self.readings(["total_energy": 99, "power": 4]))
    #expect(passed.readings.keys.sorted() == ["power"])
    #expect(passed.implausible == ["temperature", "total_energy"])
    #expect(passed.derived == ["power"] && passed.rawSign == [])
  }

  @Test func `only counters are held, and each for itself`() {
    var check = CounterCheck()
    _ = check.pass(Self.readings(["total_energy": 100, "cycles": 7, "power": 5], counters: ["cycles", "total_energy"]))
    let passed = check.pass(Self.readings(["total_energy": 1, "cycles": 8, "power": 4], counters: ["cycles", "total_energy"]))
    #expect(passed.readings.keys.sorted() == ["cycles", "power"])
    #expect(check.accepted == ["total_energy": 100, "cycles": 8])
  }

  @Test func `what was accepted holds in a later process, and no more of it than a device can have`() {
    var check = CounterCheck()
    _ = shown([100, 1, 2], of: &check)
    var later = CounterCheck(accepted: check.accepted)
    #expect(shown([3, 101], of: &later) == [nil, 101])
    let many = Dictionary(uniqueKeysWithValues: (0..<1000).map { ("counter_\($0)", 1.0) })
    #expect(CounterCheck(accepted: many).accepted.count == Wire.maxReadings)
    #expect(CounterCheck(accepted: ["a": 1e300, String(repeating: "k", count: 65): 1]).accepted == [:])
    var full = CounterCheck()
    _ = full.pass(Self.readings(many.mapValues { $0 }, counters: many.keys.sorted()))
    #expect(full.accepted.count == Wire.maxReadings)
  }

  @Test(arguments: 0..<200 as Range<UInt64>) func `a walk over bad moments, gaps, resets and restarts`(seed: UInt64) {
    var dice = Dice(seed: seed)
    var check = CounterCheck()
    var truth = 500.0
    // The books: what was accepted last, and what has been read since.
    var accepted: Double?
    var since: [Double] = []
    var readSinceReset = 100
    for _ in 0..<400 {
      truth += Double(Int.random(in: 0...3, using: &dice))
      switch Int.random(in: 0..<40, using: &dice) {
      case 0:
        truth = 0
        readSinceReset = 0
      case 1:
        check = CounterCheck(accepted: check.accepted)
        since = []
        readSinceReset = min(readSinceReset, 0)
      default: break
      }
      let isGap = Int.random(in: 0..<5, using: &dice) == 0
      let isBad = Int.random(in: 0..<10, using: &dice) == 0
      let value: Double? = isGap ? nil : isBad ? Double(Int.random(in: 0...20_000, using: &dice)) : truth
      let passed = shown([value], of: &check)[0]
      guard let value else {
        #expect(passed == nil)
        continue
      }
      readSinceReset = isBad ? 0 : readSinceReset + 1
      since.append(value)
      let row = Array(since.suffix(3))
      func countsOn(_ from: Double, _ to: Double) -> Bool { to >= from && to - from <= 5000 }
      let isReset = row.count == 3 && countsOn(row[0], row[1]) && countsOn(row[1], row[2])
      let isAccepted = accepted.map { countsOn($0, value) || isReset } ?? true
      #expect(passed == (isAccepted ? value : nil))
      if isAccepted { (accepted, since) = (value, []) }
      // Whatever was before: three true values in a row, and the third is shown.
      if readSinceReset >= 3 { #expect(passed == truth) }
    }
  }
}
