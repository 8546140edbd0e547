import Policy
import Publishers
import Readings
import Testing

/// A status whose numbers no service can mean: whoever asked is told so, and lives.
@Suite struct OddNumbersTests {
  private static let odd = [
    "1e30", "-1e30", "1e300", "-1e300", "1e19", "-1e19", "9.3e18", "9223372036854775807", "-9223372036854775808", "1e18", "-5",
    "-0.001", "400000000000",
  ]
  /// It may be below zero.
  private static let signed = ["rssi", "value"]

  private func document() throws -> String {
    var device = try Sample.device("Inverter")
    (device.unit, device.rssi, device.interval) = (32, -61, .seconds(30))
    let fleet = FleetStatus(
      gateway: "cabin", uptime: .seconds(3600), skippedPolls: 1, lagP99: 2, descriptors: 31, strays: 0, devices: [device])
    return String(decoding: try Wire.line(fleet), as: UTF8.self)
  }

  /// All that commands make of one.
  private func show(_ fleet: FleetStatus) throws {
    let thresholds = HealthThresholds()
    _ = HealthLine.text(fleet, HealthVerdict(fleet, thresholds), thresholds)
    _ = FleetOverview(fleet, colours: true).text
    _ = FleetTable(fleet).text
    _ = try Wire.line(fleet)
  }

  @Test func `no number of an answer can end who reads it`() throws {
    let document = try document()
    let fields = document.matches(of: /"(?<key>[a-z0-9_]+)":(?<number>-?[0-9][0-9.]*)/)
    let keys = Set(fields.map { String($0.output.key) })
    #expect(
      keys == [
        "uptime_s", "skipped_polls", "lag_p99_ms", "descriptors", "strays", "unit", "age_s", "success_rate", "availability",
        "connect_ms", "connect_ms_mean", "poll_ms", "consecutive_failures", "deadline_s", "interval_s", "rssi", "value",
      ])
    for field in fields {
      for number in Self.odd {
        let key = String(field.output.key)
        let number = Substring(number)
        let text = document[..<field.output.number.startIndex] + number + document[field.output.number.endIndex...]
        let fleet = try? Wire.decode(FleetStatus.self, from: Array(text.utf8))
        if let fleet { try show(fleet) }
        // A count may be as high as that.
        let counts = ["skipped_polls", "descriptors", "strays", "consecutive_failures"]
        let isCount = counts.contains(key) && number == "400000000000"
        let isTaken = isCount || (Self.signed.contains(key) && fleet != nil)
        #expect(fleet == nil || isTaken, "\(key): \(number)")
      }
    }
  }

  @Test(arguments: [("\"success_rate\":1,", "\"success_rate\":1.01,"), ("\"rssi\":-61", "\"rssi\":40000")])
  func `a share is one, and a signal is a radio's`(is was: String, becomes: String) throws {
    let text = try document().replacing(was, with: becomes)
    #expect(throws: DecodingError.self) { try Wire.decode(FleetStatus.self, from: Array(text.utf8)) }
  }

  @Test func `a service of an earlier release does not say what it uses, and its own word is kept`() throws {
    let text = try document().replacing("\"broker\":null,", with: "").replacing("\"state_dir\":null,", with: "")
    let old = try Wire.decode(FleetStatus.self, from: Array(text.utf8))
    #expect(old.places == nil)
    #expect(String(decoding: try Wire.line(old), as: UTF8.self) == text)
    #expect(try Wire.decode(FleetStatus.self, from: Array(document().utf8)).places == ServicePlaces())
  }
}
