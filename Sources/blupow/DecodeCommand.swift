import ArgumentParser
import Devices
import Glibc
import Readings
import Publishers

struct DecodeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "decode",
    abstract: "What recorded frames say, offline: of `blupow-worker poll --transcript F`, or pasted from a log.",
    discussion: """
      A transcript is a line for each frame, {"t_ms":132,"dir":"tx","hex":"ff03..."} or "rx", in pieces as they came; its first line says what \
      was recorded (protocol/transcript.md). Exit code: 0; 65 where nothing in it is valid.
      """)

  @Option(help: "What the frames are of: \(ConfigFile.profiles.joined(separator: ", ")) (default: as the file says, else auto).")
  var profile: String?

  @Option(help: "As the module advertises itself: it tells how a battery codes its current (default: as the file says).")
  var name: String?

  @Option(help: "The model, where the frames do not say it (default: as the file says).")
  var model: String?

  @Flag(help: "One JSON document.")
  var json = false

  @Argument(help: "The file (default: standard input).")
  var transcript: String?

  func run() async throws {
    if let profile, !ConfigFile.profiles.contains(profile) {
      throw ValidationError("--profile '\(profile)' is not one of: \(ConfigFile.profiles.joined(separator: ", ")).")
    }
    let place = transcript ?? "standard input"
    let recorded: Transcript
    do throws(Transcript.Fault) {
      recorded = try Transcript(parsing: try read(place))
    } catch {
      Console.complain("\(place)\(error.line > 0 ? ":\(error.line)" : ""): \(error.text).")
      throw Console.exit(.dataError)
    }
    guard recorded.head != nil || profile != nil else {
      throw ValidationError("\(place) does not say what it is of: give --profile.")
    }
    let report = TranscriptReport(recorded, TranscriptReport.Given(profile: profile, name: name, model: model))
    if report.devices.contains(where: { $0.profile == Profile.battery.name }), name ?? recorded.head?.name == nil {
      throw ValidationError(
        "a battery's advertised name tells how its current is coded: give --name (RNGRBP..., RNGPRO..., BT-TH-...).")
    }
    if json { try Console.json(report) } else { try show(report) }
    for notice in report.notices { Console.complain("\(place): \(Printable.text(notice, maxBytes: 400))") }
    guard report.good == 0 else { return }
    Console.complain("\(place): nothing valid is in it.")
    throw Console.exit(.dataError)
  }

  private func show(_ report: TranscriptReport) throws {
    for device in report.devices {
      let title = [device.profile ?? "not known", device.decoding.model].compactMap(\.self).joined(separator: ", ")
      let unit = device.unit == 0 ? "" : "Unit \(device.unit): "
      let told = device.confidence.map { " (told by its \($0.rawValue))" } ?? ""
      try Console.result(Printable.text("\(unit)\(title)\(told)", maxBytes: 400))
      let lines = FleetTable.lines(
        device.decoding.readings, of: device.profile ?? "", rawSign: device.decoding.rawSign, derived: device.decoding.derived)
      if !lines.isEmpty { try Console.result(lines.joined(separator: "\n")) }
      if !device.decoding.implausible.isEmpty {
        try Console.result("  cannot be, and is left out: \(device.decoding.implausible.sorted().joined(separator: ", "))")
      }
      for day in device.decoding.days {
        let values = day.readings.sorted { $0.key < $1.key }.map { "\($0.key) \(Self.text($0.value))" }
        try Console.result("  \(day.daysAgo) days ago: \(values.joined(separator: ", "))")
      }
      try Console.result("")
    }
    for refused in report.refused {
      try Console.result("line \(refused.line): refused (\(refused.fault)): \(Printable.text(refused.message, maxBytes: 400))")
    }
    for exception in report.exceptions {
      try Console.result(
        "line \(exception.line): unit \(exception.unit) refuses registers \(exception.register)/\(exception.words), code \(exception.code)"
      )
    }
    for request in report.unanswered {
      try Console.result(
        "line \(request.line): no answer of unit \(request.unit) to registers \(request.register)/\(request.words)")
    }
    try Console.result("\(report.good) good, \(report.refused.count) refused")
  }

  private static func text(_ reading: Reading) -> String {
    let value =
      switch reading.value {
      case .text(let text): text
      case .number(let number): "\(number)"
      }
    return reading.unit.map { "\(value) \($0)" } ?? value
  }

  /// All of it, within the limit of one; a terminal is read until its end.
  private func read(_ place: String) throws(Transcript.Fault) -> [UInt8] {
    // Non-blocking: a FIFO that stands there must not hold us.
    let descriptor = transcript.map { open($0, O_RDONLY | O_CLOEXEC | O_NONBLOCK) } ?? STDIN_FILENO
    func fault(_ text: String) -> Transcript.Fault { Transcript.Fault(line: 0, text: text) }
    guard descriptor >= 0 else { throw fault("cannot be read: \(String(cString: strerror(errno)))") }
    defer { if transcript != nil { close(descriptor) } }
    var status = stat()
    guard transcript == nil || (fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG) else {
      throw fault("is not a file")
    }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = Glibc.read(descriptor, &chunk, chunk.count)
      if count < 0 {
        if errno == EINTR { continue }
        throw fault("cannot be read: \(String(cString: strerror(errno)))")
      }
      if count == 0 { return bytes }
      bytes += chunk[..<count]
      guard bytes.count <= Transcript.maxBytes else { throw fault("is longer than \(Transcript.maxBytes) bytes") }
    }
  }
}
