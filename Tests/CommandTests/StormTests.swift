import Glibc
import Readings
import Rig
import Supervisor
import Testing

/// Modules that fail in every way, and workers that die in every way, all at once.
@Suite struct StormTests {
  private static let faults = [
    "", #"{"fault":"silent"}"#, #"{"fault":"drop_link","from_request":2}"#, #"{"fault":"never_connects"}"#,
    #"{"fault":"connects_when_given_up"}"#, #"{"fault":"services_never_resolve"}"#,
  ]
  private static let addresses = faults.indices.map { "D8:B6:73:BF:4F:7\($0)" }

  private static var setup: String {
    let modules = zip(addresses, faults).map { address, fault in
      """
      {"address":"\(address)","known":true,"name":"BTRIC134000035   ","faults":[\(fault)],"delays":\(Scene.fast),
        "devices":[{"unit":32,"registers":"RIV4835CSH1S"}]}
      """
    }
    return "{\"modules\":[\(modules.joined(separator: ","))]}"
  }

  private static func config(_ link: LinkKind) -> String {
    let devices = addresses.map { "  - {name: '\($0)', address: '\($0)', profile: inverter, unit: 32}\n" }
    return "interval: 1s\ntimeout: 10s\nlink: \(link)\ndevices:\n\(devices.joined())"
  }

  @Test(.timeLimit(.minutes(10)), arguments: LinkKind.allCases)
  func `in a storm of faults and deaths a healthy module is read on, and nothing is left`(link: LinkKind) async throws {
    let scene = try await Scene.start(Self.setup)
    let sockets = link == .kernel ? ["BLUPOW_ATT_SOCKETS": scene.simulation.attSockets] : [:]
    let service = try await scene.start(["run", "-v"], config: Self.config(link), more: sockets)
    let log = ServiceLog(of: service) { $0.contains("ok=true") && $0.contains("poll=D8B673BF4F70-") }
    var dice = SystemRandomNumberGenerator()
    var deaths = 0
    var seen: Set<Int32> = []
    while deaths < 40 {
      try await Task.sleep(for: .milliseconds(.random(in: 20...200, using: &dice)))
      let workers = ProcessTable.running("blupow-worker", under: service.pid)
      seen.formUnion(workers)
      guard let worker = workers.randomElement(using: &dice) else { continue }
      // One that is stopped meets its deadline.
      let signal = [SIGKILL, SIGKILL, SIGTERM, SIGSEGV, SIGSTOP].randomElement(using: &dice) ?? SIGKILL
      if kill(worker, signal) == 0 { deaths += 1 }
    }
    #expect(try await log.wait(forMore: 3, within: .seconds(60)) != nil, "the healthy module is no longer read")
    let end = ContinuousClock.now
    kill(service.pid, SIGTERM)
    let run = await log.whole
    #expect(run.exitCode == 0 && end.duration(to: .now) < .seconds(5), "\(run.errors.suffix(2000))")
    for worker in seen { #expect(try await ProcessTable.end(of: worker, within: .seconds(10)) != nil) }
    #expect(try await scene.quiet() != nil, "\(scene.journal.lines.suffix(10))")
    await scene.end()
  }
}
