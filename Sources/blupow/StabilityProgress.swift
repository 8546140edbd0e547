import Glibc
import Policy
import Readings

/// A line a poll of a stability test; on a terminal it is there from the poll's begin, and written over at its end.
struct StabilityProgress: Sendable {
  private let runs: Int
  private let isShown: Bool
  private let isTerminal: Bool

  init(_ runs: Int, isShown: Bool) {
    self.runs = runs
    self.isShown = isShown
    isTerminal = isatty(STDOUT_FILENO) == 1
  }

  func tell(_ event: StabilityTest.Event, of device: DeviceConfig) {
    guard isShown else { return }
    switch event {
    case .began(let number):
      if isTerminal { Console.print("\r\(Self.head(number, of: runs, device)) ...\u{1B}[K", end: "") }
    case .ended(let run):
      Console.print((isTerminal ? "\r" : "") + Self.line(run, of: runs, device) + (isTerminal ? "\u{1B}[K" : ""))
    }
  }

  static func line(_ run: StabilityRun, of runs: Int, _ device: DeviceConfig) -> String {
    let head = head(run.number, of: runs, device)
    let polled = run.pollMs.map(StabilityText.time) ?? "-"
    guard let failure = run.failure else {
      let connected = run.connectMs.map { "connected in \(StabilityText.time($0)), " } ?? ""
      return "\(head)  ok      \(connected)polled in \(polled)"
    }
    return "\(head)  failed  \(failure.failure.rawValue) at \(failure.stage.rawValue), after \(polled)"
  }

  private static func head(_ number: Int, of runs: Int, _ device: DeviceConfig) -> String {
    let digits = "\(runs)".count
    let text = "\(number)"
    return
      "\(Printable.text(device.name, maxBytes: Wire.maxNameBytes))  \(String(repeating: " ", count: digits - text.count))\(text)/\(runs)"
  }
}
