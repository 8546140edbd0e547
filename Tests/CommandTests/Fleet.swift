import Glibc
import Logging
import Policy
import Readings
import Rig
import Supervisor

/// Many simulated modules on several adapters, and what it takes to poll each of them in a process of its own.
struct Fleet {
  struct Member: Sendable {
    var address: String
    var adapter: String
    var link: LinkChoice
    /// JSON of its faults; empty: it is healthy.
    var faults = ""
    /// The name under which its workers run, so that they can be found.
    var worker: String { "worker-\(address.filter { $0 != ":" })" }
    var isHealthy: Bool { faults.isEmpty }
  }

  let members: [Member]
  let scene: Scene

  /// - Parameter faults: one entry a module, "" for a healthy one. They take the adapters in turn, and the two links in turn.
  static func start(_ faults: [String], adapters: Int, delays: String) async throws -> Fleet {
    let members = faults.enumerated().map { number, fault in
      Member(
        address: "D8:B6:73:BF:4F:\(number < 16 ? "0" : "")\(String(number, radix: 16, uppercase: true))",
        adapter: "hci\(number % adapters)", link: number % 2 == 0 ? .kernel : .bluez, faults: fault)
    }
    let modules = members.map {
      """
      {"address":"\($0.address)","adapter":"\($0.adapter)","known":true,"name":"BTRIC134000035   ","faults":[\($0.faults)],
       "delays":\(delays),"devices":[{"unit":32,"registers":"RIV4835CSH1S"}]}
      """
    }
    let setup = """
      {"adapters":[\((0..<adapters).map { "{\"name\":\"hci\($0)\"}" }.joined(separator: ","))],
       "modules":[\(modules.joined(separator: ","))]}
      """
    // The journal of thousands of polls would be the growth that a test then finds.
    let fleet = Fleet(members: members, scene: try await Scene.start(setup, keepingLines: 1000))
    for member in members { symlink(Built.path("blupow-worker"), fleet.path(of: member)) }
    return fleet
  }

  private func path(of member: Member) -> String { "\(scene.simulation.directory)/\(member.worker)" }

  func runner(_ member: Member) -> PollRunner {
    PollRunner(
      worker: WorkerCommand(
        path: path(of: member),
        environment: scene.environment.merging(["BLUPOW_ATT_SOCKETS": scene.simulation.attSockets]) { $1 }),
      log: Logger(label: "fleet", factory: { _ in SwiftLogNoOpLogHandler() }))
  }

  private func module(_ member: Member) -> Module {
    guard let address = Address(member.address) else { fatalError("\(member.address) is an address") }
    return Module(address: address, adapter: member.adapter)
  }

  /// One poll, with one attempt.
  func poll(_ member: Member, number: Int, deadline: Duration) async -> PollOutcome {
    let job = PollJob(
      module: module(member), devices: [DeviceRequest(name: "Inverter", profile: "inverter", unit: 32)], attempts: 1,
      link: member.link)
    return await runner(member).poll(Request(poll: "\(member.worker)-\(number)", deadline: deadline, job: .poll(job)))
  }

  /// What the outcome of a poll may ask for. `nil`: the link is free.
  func release(_ member: Member, number: Int) async -> FailureReport? {
    let request = Request(
      poll: "\(member.worker)-\(number)", deadline: ModuleMachine.releaseDeadline, job: .release(module(member)))
    return await runner(member).release(request)
  }

  static func median<T: Comparable>(_ values: some Sequence<T>) -> T? {
    let sorted = values.sorted()
    return sorted.isEmpty ? nil : sorted[sorted.count / 2]
  }
}
