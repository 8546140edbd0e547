import ArgumentParser
import Devices
import FoundationEssentials
import Glibc
import Readings

struct DecodeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "decode", abstract: "Decode recorded frames offline.",
    discussion: """
      A transcript is what `blupow-worker poll --transcript F` writes: JSON lines, one for each write and notification. Nothing is asked of \
      anybody. Exit code: 0; 65 nothing valid in it, or no transcript; 64 a wrong argument.
      """)

  @Option(help: "What answers: inverter, controller, dcdc, battery, shunt300, or auto (default: as the file says).")
  var profile: String?

  @Option(help: "The name that the module advertises, or its beginning (RNGRBP): it tells the scale of a battery's current.")
  var name: String?

  @Option(help: "The model: some signs depend on it.")
  var model: String?

  @Flag(help: "One JSON document.")
  var json = false

  @Argument(help: "The file (default: standard input).")
  var transcript: String?

  func run() async throws {
    if let profile, profile != Profile.automatic, Profile.named(profile) == nil {
      let known = (Profile.all.map(\.name) + [Profile.automatic]).joined(separator: ", ")
      throw ValidationError("There is no profile '\(Printable.text(profile, maxBytes: 40))'; there are: \(known).")
    }
    let place = transcript.map { $0 == "-" ? "standard input" : $0 } ?? "standard input"
    let recorded: Transcript
    do {
      recorded = try Transcript(parsing: try Self.read(transcript == "-" ? nil : transcript))
    } catch let fault as Transcript.Fault {
      throw refusal("\(place):\(fault.line): \(fault.text).")
    } catch let unreadable as Unreadable {
      throw refusal("\(place): \(unreadable.text).")
    }
    let name = name ?? recorded.head?.name
    let profiles =
      profile.map { [$0] } ?? (recorded.head.map { $0.devices.map(\.profile) + ($0.profile.map { [$0] } ?? []) } ?? [])
    guard !profiles.isEmpty else {
      throw ValidationError("The file does not say what answers in it: give --profile, or --profile auto.")
    }
    if let unknown = profiles.first(where: { $0 != Profile.automatic && Profile.named($0) == nil }) {
      throw refusal("\(place):1: there is no profile '\(Printable.text(unknown, maxBytes: 40))'; --profile gives another.")
    }
    guard name != nil || !profiles.contains(where: { Profile.named($0)?.needsName == true }) else {
      throw ValidationError(
        """
        Give --name, the name that the module advertises (its beginning is enough: RNGRBP, RNGPRO, RNGC, BT-TH): it tells the scale of \
        a battery's current, which the registers do not.
        """)
    }
    let report = TranscriptReport(recorded, TranscriptReport.Given(profile: profile, name: name, model: model))
    if json {
      try Console.json(report)
    } else {
      if !report.devices.isEmpty { try Console.result(DecodeTable(report).text) }
      for line in DecodeTable(report).remarks { Console.complain(line) }
    }
    guard report.good > 0 else {
      let frames = report.refused.count
      throw refusal(
        "\(place): no valid reply is in it: \(recorded.lines.count) frames, \(frames) refused, \(report.unanswered.count) requests without an answer."
      )
    }
  }

  private func refusal(_ sentence: String) -> ArgumentParser.ExitCode {
    Console.complain(sentence)
    return Console.exit(.dataError)
  }

  private struct Unreadable: Error {
    var text: String
  }

  /// The file, or standard input; bounded.
  private static func read(_ path: String?) throws(Unreadable) -> [UInt8] {
    let file = path.map { open($0, O_RDONLY | O_CLOEXEC) } ?? STDIN_FILENO
    guard file >= 0 else { throw Unreadable(text: String(cString: strerror(errno))) }
    defer { if path != nil { close(file) } }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = Glibc.read(file, &chunk, chunk.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw Unreadable(text: String(cString: strerror(errno))) }
      if count == 0 { return bytes }
      // One byte too many is the parser's to refuse, with its line.
      bytes += chunk[..<min(count, Transcript.maxBytes + 1 - bytes.count)]
      if bytes.count > Transcript.maxBytes { return bytes }
    }
  }
}
