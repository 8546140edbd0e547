import Glibc
package import Readings
package import Supervisor
import Synchronization

/// A bus with a bluetoothd and a module, and workers by hand or by request line: real processes, real pipes. The bus is a private
/// one with the simulator on it, or the system's with a real bluetoothd (`contract`).
package final class Scene: Sendable {
  package let world: any World
  package let journal: Journal
  /// Of the module that `poll` asks.
  package let address: String

  package static let address = "D8:B6:73:BF:4F:75"

  /// What a poll of the standard inverter brings, and by how many requests.
  package static let inverterReadings = 32
  package static let inverterRequests = 11

  /// The simulator's processes. Only of scenes that have them.
  package var simulation: Simulation {
    guard let simulation = world as? Simulation else { fatalError("this scene stands on a real bluetoothd") }
    return simulation
  }

  /// The simulator with one inverter and no waiting, unless `module` says otherwise: JSON members of the module, after which
  /// come the defaults.
  package static func one(_ module: String = "", delays: String = fast, adapters: String = #"[{"name":"hci0"}]"#) async throws
    -> Scene
  {
    let members = module.isEmpty ? "" : module + ","
    let name = module.contains(#""name":"#) ? "" : #""name":"BTRIC134000035   ","#
    let devices = module.contains(#""devices":"#) ? "" : #""devices":[{"unit":32,"registers":"RIV4835CSH1S"}],"#
    return try await start(
      """
      {"adapters":\(adapters),"modules":[{\(members)"address":"\(address)",\(name)\(devices)"delays":\(delays)}]}
      """)
  }

  package static let fast =
    #"{"advertise_ms":5,"connect_ms":0,"services_ms":0,"reply_ms":0,"fragment_ms":0,"disconnect_ms":20}"#

  /// Nothing waits for anything: what remains is our own time. Closing takes a moment, so that it can be looked into.
  package static let noDelay =
    #"{"advertise_ms":1,"connect_ms":0,"services_ms":0,"reply_ms":0,"fragment_ms":0,"disconnect_ms":5}"#

  /// - Parameter keepingLines: so many lines of the journal, the newest.
  package static func start(_ setup: String, busPolicy: String = "", keepingLines: Int = .max) async throws -> Scene {
    let journal = Journal(keeping: keepingLines)
    let simulation = try await Simulation.start(
      program: Built.path("blupow-simulator"), setup: Array(setup.utf8), busPolicy: busPolicy
    ) { line in journal.append(String(decoding: line, as: UTF8.self)) }
    return Scene(world: simulation, journal: journal, address: address)
  }

  init(world: any World, journal: Journal, address: String) {
    self.world = world
    self.journal = journal
    self.address = address
  }

  package func end() async { await world.end() }

  /// Waits until the simulator's journal has ended with its process.
  package func untilSimulatorIsGone() async throws { await simulation.untilSimulatorIsGone() }

  package var environment: [String: String] {
    environment(bus: world.busAddress)
  }

  package func environment(bus: String) -> [String: String] {
    var environment = ["DBUS_SYSTEM_BUS_ADDRESS": bus, "XDG_RUNTIME_DIR": world.directory]
    // Under a sanitizer what is asked of it counts for the programs, too: at an end OpenSSL frees nothing of its threads.
    environment["ASAN_OPTIONS"] = getenv("ASAN_OPTIONS").map { String(cString: $0) }
    return environment
  }

  /// A control line, and the journal's answer to it.
  package func tell(_ line: String) async throws -> String {
    let mark = journal.count
    world.tell(line)
    return try await journal.wait(from: mark) { line in
      ["did", "state", "error"].contains { line.contains("\"saw\":\"\($0)\"") }
    }
  }

  package func state() async throws -> String { try await tell(#"{"do":"state"}"#) }

  /// No link, no pending Connect, no discovery, nobody notifying.
  package func isQuiet() async throws -> Bool {
    let state = try await state()
    let lists = ["links", "pending", "discovering", "notifying"]
    guard lists.allSatisfy({ state.contains("\"\($0)\":[]") || !state.contains("\"\($0)\":") }) else { return false }
    return try await world.isQuiet()
  }

  /// Waits for the simulator to be quiet, for at most `limit`; how long it took, or nil.
  package func quiet(within limit: Duration = .seconds(10)) async throws -> Duration? {
    let start = ContinuousClock.now
    repeat {
      if try await isQuiet() { return start.duration(to: .now) }
    } while start.duration(to: .now) < limit
    return nil
  }

  // MARK: - The worker

  /// Runs the worker by its flags; with `sockets`, the simulator's attribute sockets are its radio.
  package func worker(
    _ arguments: [String], deadline: Duration? = .seconds(240), sockets: Bool = false,
    _ onLine: @escaping @Sendable (EventLine, Child) async -> Void = { _, _ in }
  ) async throws -> WorkerRun {
    let command = Command(
      path: Built.path("blupow-worker"), arguments: arguments, environment: workerEnvironment(sockets: sockets))
    return try await run(command, deadline, onLine)
  }

  /// Runs the worker with that standard input.
  package func worker(
    input: [UInt8], sockets: Bool = false,
    _ onLine: @escaping @Sendable (EventLine, Child) async -> Void = { _, _ in }
  ) async throws -> WorkerRun {
    let command = Command(
      path: Built.path("blupow-worker"), environment: workerEnvironment(sockets: sockets), input: input)
    return try await run(command, .seconds(60), onLine)
  }

  private func workerEnvironment(sockets: Bool) -> [String: String] {
    sockets ? environment.merging(["BLUPOW_ATT_SOCKETS": simulation.attSockets]) { $1 } : environment
  }

  /// A poll of the standard inverter by hand, by one of the two links.
  package func poll(
    _ more: [String] = [], deadline: String = "25s", link: LinkKind = .bluez,
    _ onLine: @escaping @Sendable (EventLine, Child) async -> Void = { _, _ in }
  ) async throws -> WorkerRun {
    try await worker(
      [
        "poll", "--address", address, "--profile", "inverter", "--unit", "32", "--deadline", deadline, "--link", link.rawValue,
      ] + more, sockets: link == .kernel && world is Simulation, onLine)
  }

  /// A poll of the standard inverter by the kernel's link, by request line, with what an earlier one learned.
  package func poll(knowing learned: Learned, deadline: Duration = .seconds(25)) async throws -> WorkerRun {
    guard let address = Address(address) else { fatalError("a scene's module has an address") }
    let job = PollJob(
      module: Module(address: address), devices: [DeviceRequest(name: "Inverter", profile: "inverter", unit: 32)],
      link: .kernel, learned: learned)
    return try await worker(
      input: try Wire.line(Request(poll: "p-1", deadline: deadline, job: .poll(job))), sockets: world is Simulation)
  }

  /// Runs a command that ends up as a worker.
  package func run(
    _ command: Command, _ deadline: Duration?, _ onLine: @Sendable (EventLine, Child) async -> Void = { _, _ in }
  ) async throws -> WorkerRun {
    let child = try await Spawner.shared.start(command, limits: .worker, deadline: deadline)
    var run = WorkerRun()
    defer { WireRecord.keep(run.raw.filter { $0.hasPrefix("{") }, "worker.events") }
    for await event in child.output {
      switch event {
      case .line(let line):
        run.raw.append(String(decoding: line, as: UTF8.self))
        // `--help` and the like are not events.
        if let event = try? Wire.decode(EventLine.self, from: line) {
          run.events.append(event)
          await onLine(event, child)
        }
      case .errorLine(let line): run.log.append(line)
      case .ended(let ending): run.ending = ending
      case .overflow, .deadline, .killed: break
      }
    }
    return run
  }
}

/// What one worker said and how it ended.
package struct WorkerRun: Sendable {
  package var raw: [String] = []
  package var events: [EventLine] = []
  package var log: [String] = []
  package var ending = Ending(cause: .abandoned, lasted: .zero)

  package init() {}

  package var exitCode: Int32? { if case .exited(let code) = ending.cause { code } else { nil } }
  package var readings: DeviceReadings? {
    events.lazy.compactMap { if case .readings(let readings) = $0.event { readings } else { nil } }.first
  }
  package var failure: FailureReport? {
    events.lazy.compactMap { if case .failed(_, let report) = $0.event { report } else { nil } }.first
  }
  package var done: Done? { events.lazy.compactMap { if case .done(let done) = $0.event { done } else { nil } }.first }
  package var stages: [Stage] { events.compactMap { if case .stage(let stage, _) = $0.event { stage } else { nil } } }
}

/// The simulator's lines, to be waited for.
package final class Journal: Sendable {
  private struct Waiting: Sendable {
    var id: Int
    var match: @Sendable (String) -> Bool
    var found: CheckedContinuation<String?, Never>
  }
  private struct State: Sendable {
    var lines: [String] = []
    /// Of older ones, which are no longer kept.
    var dropped = 0
    var waiting: [Waiting] = []
    var lastWait = 0
  }
  private let state = Mutex(State())
  private let limit: Int

  package init(keeping limit: Int = .max) { self.limit = limit }

  package var count: Int { state.withLock { $0.dropped + $0.lines.count } }
  package var lines: [String] { state.withLock { $0.lines } }

  func append(_ line: String) {
    let served = state.withLock { [limit] state in
      if state.lines.count >= limit {
        state.dropped += limit / 2
        state.lines.removeFirst(limit / 2)
      }
      state.lines.append(line)
      let served = state.waiting.filter { $0.match(line) }
      state.waiting.removeAll { $0.match(line) }
      return served
    }
    for waiting in served { waiting.found.resume(returning: line) }
  }

  /// The first line from number `from` on that matches, now or later. Throws when the test's time is over.
  package func wait(from: Int = 0, for match: @escaping @Sendable (String) -> Bool) async throws -> String {
    let id = state.withLock { state in
      state.lastWait += 1
      return state.lastWait
    }
    let line = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let already = state.withLock { state -> String?? in
          if Task.isCancelled { return .some(nil) }
          if let line = state.lines.dropFirst(max(0, from - state.dropped)).first(where: match) { return line }
          state.waiting.append(Waiting(id: id, match: match, found: continuation))
          return nil
        }
        if let already { continuation.resume(returning: already) }
      }
    } onCancel: {
      let waiting = state.withLock { state in
        let mine = state.waiting.filter { $0.id == id }
        state.waiting.removeAll { $0.id == id }
        return mine
      }
      for mine in waiting { mine.found.resume(returning: nil) }
    }
    guard let line else { throw CancellationError() }
    return line
  }
}
