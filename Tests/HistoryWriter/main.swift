import Chance
import Foundation
import Readings
import Store

// What writes a history for tests.
//   history-writer loop DIRECTORY                   saves batch after batch of 10 polls, numbered on from what is there; says the
//                                                   last number of each that is saved as eight bytes on standard output
//   history-writer days DIRECTORY N TRANSCRIPTS [MS]
//                                                   N days of five devices at 30 s, from that time of the wall clock on, saved as the
//                                                   service does; says how many bytes that wrote, and how many reached the disk's queue
//                                                   ("wrote" and "queued": wchar and write_bytes of /proc/self/io)
//   history-writer ask DIRECTORY DAYS               what a page asks of so many days, and how long each answer takes

func fail(_ text: String) -> Never {
  FileHandle.standardError.write(Data("\(text)\n".utf8))
  exit(1)
}

/// 2026-01-01T00:00:00Z, where no other is given.
let epoch: Int64 = CommandLine.arguments.dropFirst(5).first.flatMap { Int64($0) } ?? 1_767_225_600_000
let origin = ContinuousClock.now

func clock(_ second: Int) -> HistoryClock {
  HistoryClock(instant: origin + .seconds(second), wallMs: epoch + Int64(second) * 1000, isSynchronised: true)
}

func loop(_ directory: String) throws -> Never {
  let file = try HistoryFile.open(directory: directory).file
  var tail = HistoryTail()
  tail.begin(at: file.nextID)
  let device = HistoryEntry.Device(name: "Inverter", address: "D8:B6:73:BF:4F:75", unit: nil, isSimulated: false)
  var number = try last(directory)
  while true {
    let entries = (1...10).map { step in
      HistoryEntry(
        device: device, at: clock((number + step) * 30).instant, connectMs: 900, pollMs: 4000, deadline: .seconds(25),
        readings: ["number": Reading(.number(Double(number + step)))])
    }
    number += 10
    tail.take(entries, clock(number * 30))
    try file.save(tail.rows.filter(\.needsSave))
    tail.noteSaved()
    var said = Int64(number)
    write(1, &said, 8)
  }
}

/// The last number that is there.
func last(_ directory: String) throws -> Int {
  let reader = HistoryReader(directory: directory)
  guard let device = try reader.devices().first?.id else { return 0 }
  let curves = try reader.series(
    device: device, keys: ["number"], from: Date(timeIntervalSince1970: 0), to: Date(timeIntervalSince1970: 4e9), points: 1)
  return curves.content.first?.points.first.map { Int($0.max) } ?? 0
}

func counter(_ name: String) -> Int {
  guard let text = try? String(contentsOfFile: "/proc/self/io", encoding: .utf8) else { fail("no /proc/self/io") }
  let line = text.split(separator: "\n").first { $0.hasPrefix("\(name): ") }
  return line.flatMap { Int($0.dropFirst(name.count + 2)) } ?? 0
}

func days(_ directory: String, count: Int, transcripts: String) throws {
  let recorded = try Recorded(transcripts)
  let devices = recorded.devices.enumerated().map { number, device in
    (device, HistoryEntry.Device(name: device.name, address: "D8:B6:73:BF:4F:7\(number)", unit: nil, isSimulated: false))
  }
  let file = try HistoryFile.open(directory: directory).file
  var tail = HistoryTail()
  tail.begin(at: file.nextID)
  var dice = Dice(seed: 7)
  let before = (wrote: counter("wchar"), queued: counter("write_bytes"))
  for save in 0..<(count * 288) {
    var entries: [HistoryEntry] = []
    for poll in 0..<10 {
      for (number, (device, named)) in devices.enumerated() {
        // A scheduler's lateness, and a radio's.
        let at = clock(save * 300 + poll * 30 + number * 3).instant + .milliseconds(dice.roll(0...40))
        let failure = dice.roll(1...100) == 1 ? HistoryFailure(name: "connect_timeout", stage: "connect") : nil
        entries.append(
          HistoryEntry(
            device: named, at: at, failure: failure, connectMs: failure == nil ? Int64(dice.roll(400...1800)) : nil,
            pollMs: Int64(dice.roll(2500...6000)), deadline: .seconds(25),
            readings: failure == nil ? recorded.readings(of: device) { dice.roll($0) } : [:], derived: device.derived,
            rawSign: device.rawSign))
      }
    }
    tail.take(entries, clock((save + 1) * 300))
    try file.save(tail.rows.filter(\.needsSave))
    tail.noteSaved()
    if save % 12 == 0 { try file.retain(before: epoch - 1, maxBytes: HistoryKeeper.maxBytes) }
  }
  file.close()
  print("wrote \(counter("wchar") - before.wrote)")
  print("queued \(counter("write_bytes") - before.queued)")
  print("readings \(devices.map { "\($0.1.name): \($0.0.readings.count)" }.joined(separator: ", "))")
}

func time<Answer>(_ what: String, _ body: () throws -> Answer) rethrows -> Answer {
  let began = ContinuousClock.now
  defer { print("\(what): \((ContinuousClock.now - began).milliseconds) ms") }
  return try body()
}

func ask(_ directory: String, days all: Int) throws {
  let reader = HistoryReader(directory: directory)
  let devices = try time("the devices") { try reader.devices() }
  let end = Date(timeIntervalSince1970: Double(epoch) / 1000 + Double(all) * 86_400)
  for device in devices {
    let keys = device.keys.filter(\.isNumber).map(\.key)
    for days in [1, 7, 30, 90, 365] where days <= all {
      let from = end.addingTimeInterval(-Double(days) * 86_400)
      let name = "\(device.name) (\(keys.count) keys), \(days) days"
      let curves = try time("\(name), 1 curve of 1000 points") {
        try reader.series(device: device.id, keys: Array(keys.prefix(1)), from: from, to: end, points: 1000)
      }
      _ = try time("\(name), 6 curves of 300 points") {
        try reader.series(device: device.id, keys: Array(keys.prefix(6)), from: from, to: end, points: 300)
      }
      let outcomes = try time("\(name), outcomes by 300 points") {
        try reader.outcomes(device: device.id, from: from, to: end, points: 300)
      }
      let polls = outcomes.content.reduce(0) { $0 + $1.good + $1.failed.values.reduce(0, +) }
      guard curves.content.first?.points.isEmpty == false, polls == days * 2880 else { fail("\(name): \(polls) polls") }
    }
  }
  try time("opened and checked whole") { try HistoryFile.open(directory: directory).file.close() }
}

let arguments = CommandLine.arguments
do {
  switch (arguments.dropFirst().first, arguments.count) {
  case ("loop", 3): try loop(arguments[2])
  case ("days", 5...6): try days(arguments[2], count: Int(arguments[3]) ?? 1, transcripts: arguments[4])
  case ("ask", 4): try ask(arguments[2], days: Int(arguments[3]) ?? 1)
  default: fail("usage: history-writer loop DIRECTORY | days DIRECTORY N TRANSCRIPTS [MS] | ask DIRECTORY DAYS")
  }
} catch {
  fail("\(error)")
}
