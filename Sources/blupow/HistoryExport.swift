import FoundationEssentials
import Policy
import Readings
import Store

/// Every poll of some devices, a line each: as comma-separated values (RFC 4180), or as JSON (`protocol/history.md`).
struct HistoryExport {
  let devices: [HistoryDevice]
  private let isCSV: Bool
  /// Of all devices, by name: one column each.
  private let keys: [String]

  private static let columns = [
    "time", "time_known", "device", "address", "test_mode", "failure", "stage", "connect_ms", "poll_ms", "deadline_s", "derived",
    "raw_sign",
  ]

  init(_ devices: [HistoryDevice], isCSV: Bool) {
    self.devices = devices
    self.isCSV = isCSV
    keys = Set(devices.flatMap(\.keys).map(\.key)).sorted()
  }

  var head: String { isCSV ? Self.row(Self.columns + keys) : "" }

  func line(_ poll: HistoryPoll, of device: HistoryDevice) -> String {
    isCSV ? cells(poll, device) : String(decoding: (try? Wire.line(HistoryLine(poll, device))) ?? [], as: UTF8.self)
  }

  private func cells(_ poll: HistoryPoll, _ device: HistoryDevice) -> String {
    let first = [
      poll.time.rfc3339, "\(poll.isTimeKnown)", Self.harmless(device.name), device.address, "\(device.isSimulated)",
      Self.harmless(poll.failure?.name ?? ""), Self.harmless(poll.failure?.stage ?? ""), poll.connectMs.map { "\($0)" } ?? "",
      "\(poll.pollMs)", Self.digits(poll.deadline.seconds), poll.derived.joined(separator: " "),
      poll.rawSign.joined(separator: " "),
    ]
    return Self.row(
      first
        + keys.map { key in
          switch poll.readings[key]?.value {
          case .number(let number): Self.digits(number)
          case .text(let text): Self.harmless(text)
          case nil: ""
          }
        })
  }

  /// A spreadsheet takes a text that begins like this for a formula, and runs it.
  private static func harmless(_ text: String) -> String {
    text.utf8.first.map { "=+-@\t\r".utf8.contains($0) } == true ? "'\(text)" : text
  }

  /// As JSON has it: 12, not 12.0.
  private static func digits(_ number: Double) -> String {
    number.magnitude < 1e15 && number == number.rounded() ? "\(Int64(number))" : "\(number)"
  }

  private static func row(_ cells: [String]) -> String {
    cells.map { cell in
      cell.utf8.contains { "\",\r\n".utf8.contains($0) } ? "\"\(doubled(cell))\"" : cell
    }.joined(separator: ",") + "\r\n"
  }

  /// Its quotes. By bytes: one with an accent behind it is another character.
  private static func doubled(_ cell: String) -> String {
    let quote = UInt8(ascii: "\"")
    return String(decoding: cell.utf8.flatMap { $0 == quote ? [quote, quote] : [$0] }, as: UTF8.self)
  }
}

/// One poll as JSON.
struct HistoryLine: Encodable {
  private let poll: HistoryPoll
  private let device: HistoryDevice

  init(_ poll: HistoryPoll, _ device: HistoryDevice) {
    self.poll = poll
    self.device = device
  }

  private enum Key: String, CodingKey {
    case time, device, address, unit, failure, readings, derived
    case rawSign = "raw_sign"
    case isTimeKnown = "time_known"
    case testMode = "test_mode"
    case connectMs = "connect_ms"
    case pollMs = "poll_ms"
    case deadline = "deadline_s"
  }

  private struct Failure: Encodable {
    var `class`: String
    var stage: String
  }

  /// Every key is always there.
  func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: Key.self)
    try fields.encode(poll.time.rfc3339, forKey: .time)
    try fields.encode(poll.isTimeKnown, forKey: .isTimeKnown)
    try fields.encode(device.name, forKey: .device)
    try fields.encode(device.address, forKey: .address)
    try fields.encode(device.unit, forKey: .unit)
    try fields.encode(device.isSimulated, forKey: .testMode)
    try fields.encode(poll.failure.map { Failure(class: $0.name, stage: $0.stage) }, forKey: .failure)
    try fields.encode(poll.connectMs, forKey: .connectMs)
    try fields.encode(poll.pollMs, forKey: .pollMs)
    try fields.encode(poll.deadline.seconds, forKey: .deadline)
    try fields.encode(poll.readings, forKey: .readings)
    try fields.encode(poll.derived, forKey: .derived)
    try fields.encode(poll.rawSign, forKey: .rawSign)
  }
}
