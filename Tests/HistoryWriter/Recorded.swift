import Devices
import Foundation
import Readings

/// Five devices of which registers were captured, and what was read in them.
struct Recorded {
  struct Device {
    var name: String
    var readings: [String: Reading]
    var derived: Set<String>
    var rawSign: Set<String>
    /// Of each key that has numbers all that any device had.
    var numbers: [(key: String, unit: String?, seen: [Double])] = []
  }

  private(set) var devices: [Device] = []

  /// - Parameter folder: of transcripts.
  init(_ folder: String) throws {
    for name in try FileManager.default.contentsOfDirectory(atPath: folder).sorted() where name.hasSuffix(".jsonl") {
      let transcript = try Transcript(parsing: Array(Data(contentsOf: URL(filePath: "\(folder)/\(name)"))))
      for device in TranscriptReport(transcript, TranscriptReport.Given()).devices where !device.decoding.readings.isEmpty {
        let decoding = device.decoding
        devices.append(
          Device(
            name: "\(name.dropLast(6)) \(device.unit)", readings: decoding.readings, derived: Set(decoding.derived),
            rawSign: Set(decoding.rawSign)))
      }
    }
    // Those with the most to say.
    devices = Array(devices.sorted { ($0.readings.count, $0.name) > ($1.readings.count, $1.name) }.prefix(5))
    var numbers: [String: [Double]] = [:]
    func name(_ key: String, _ unit: String?) -> String { "\(key) \(unit ?? "")" }
    for device in devices {
      for (key, reading) in device.readings {
        if case .number(let number) = reading.value { numbers[name(key, reading.unit), default: []].append(number) }
      }
    }
    for index in devices.indices {
      devices[index].numbers = devices[index].readings.sorted { $0.key < $1.key }.compactMap { key, reading in
        numbers[name(key, reading.unit)].map { (key, reading.unit, $0) }
      }
    }
  }

  /// A poll's readings: of every key one of the numbers that some device had, so that more changes from poll to poll than would in a
  /// van; words as the device has them.
  func readings(of device: Device, _ roll: (ClosedRange<Int>) -> Int) -> [String: Reading] {
    var readings = device.readings
    for (key, unit, seen) in device.numbers { readings[key] = Reading(.number(seen[roll(0...seen.count - 1)]), unit: unit) }
    return readings
  }
}
