import Devices
import Foundation
import Readings

/// Five devices of which registers were captured, and what was read in them.
struct Recorded {
  struct Device {
    var name: String
    var readings: [String: Reading]
  }

  private(set) var devices: [Device] = []
  /// Every number that any of them had, by key and unit.
  private var numbers: [String: [Double]] = [:]

  /// - Parameter folder: of transcripts.
  init(_ folder: String) throws {
    for name in try FileManager.default.contentsOfDirectory(atPath: folder).sorted() where name.hasSuffix(".jsonl") {
      let transcript = try Transcript(parsing: Array(Data(contentsOf: URL(filePath: "\(folder)/\(name)"))))
      for device in TranscriptReport(transcript, TranscriptReport.Given()).devices where !device.decoding.readings.isEmpty {
        devices.append(Device(name: "\(name.dropLast(6)) \(device.unit)", readings: device.decoding.readings))
      }
    }
    // Those with the most to say.
    devices = Array(devices.sorted { ($0.readings.count, $0.name) > ($1.readings.count, $1.name) }.prefix(5))
    for device in devices {
      for (key, reading) in device.readings {
        if case .number(let number) = reading.value { numbers[Self.name(key, reading), default: []].append(number) }
      }
    }
  }

  /// A poll's readings: of every key one of the numbers that some device had, so that more changes from poll to poll than would in a
  /// van; words as the device has them.
  func readings(of device: Device, _ roll: (ClosedRange<Int>) -> Int) -> [String: Reading] {
    var readings = device.readings
    for key in device.readings.keys.sorted() {
      guard let reading = device.readings[key], case .number = reading.value else { continue }
      let seen = numbers[Self.name(key, reading)] ?? []
      readings[key]?.value = .number(seen[roll(0...seen.count - 1)])
    }
    return readings
  }

  private static func name(_ key: String, _ reading: Reading) -> String { "\(key) \(reading.unit ?? "")" }
}
