import Glibc
import Readings
import Synchronization

/// A private D-Bus daemon and blupow-simulator on it, in a temporary directory of their own. Nothing of it outlives `end()`;
/// and both processes get SIGKILL when this one dies.
package final class Simulation: Sendable {
  package struct Trouble: Error, CustomStringConvertible, Sendable {
    package var description: String

    init(_ description: String) { self.description = description }
  }

  /// Holds the bus's socket; also fit for XDG_RUNTIME_DIR.
  package let directory: String
  package let bus: Child
  package let simulator: Child
  package var busAddress: String { "unix:path=\(directory)/bus" }
  /// Where the modules' attribute sockets are: BLUPOW_ATT_SOCKETS of a worker that shall take the kernel's link.
  package var attSockets: String { "\(directory)/att" }
  private let drained: Task<Void, Never>
  private let ended = Mutex(false)

  /// Starts both and waits until they are ready.
  ///
  /// - Parameters:
  ///   - program: the path of blupow-simulator.
  ///   - setup: its configuration (`protocol/simulator.md`); `nil`: one healthy inverter.
  ///   - busPolicy: more rules for the bus, e.g. `<deny send_interface="..."/>`.
  ///   - journal: every line that the simulator says.
  package static func start(
    program: String, setup: [UInt8]? = nil, busPolicy: String = "", journal: @escaping @Sendable ([UInt8]) -> Void = { _ in }
  ) async throws -> Simulation {
    guard let setpriv = find("setpriv"), let daemon = find("dbus-daemon") else {
      throw Trouble("dbus-daemon and setpriv are needed: apt-get install dbus util-linux")
    }
    let directory = try makeDirectory()
    do {
      try write(busConfiguration(directory, policy: busPolicy), to: "\(directory)/bus.conf")
      guard mkdir("\(directory)/att", 0o700) == 0 else { throw Trouble("No directory in \(directory): \(errorText(errno)).") }
      var arguments = ["--control", "--die-with-parent", "--att-sockets", "\(directory)/att"]
      if let setup {
        try write(setup, to: "\(directory)/simulator.json")
        arguments += ["--config", "\(directory)/simulator.json"]
      }
      let limits = OutputLimits(line: 1_048_576, total: .max, errorLine: 4096, errorTotal: 65_536)
      let bus = try await Spawner.shared.start(
        Command(
          path: setpriv,
          arguments: ["--pdeathsig", "KILL", daemon, "--config-file=\(directory)/bus.conf", "--nofork", "--print-address=1"]),
        limits: limits, deadline: nil)
      let hurry = Task {
        try await Task.sleep(for: .seconds(10))
        bus.stop()
      }
      defer { hurry.cancel() }
      var said = ""
      guard await firstLine(of: bus, errors: &said) != nil else { throw Trouble("dbus-daemon did not start: \(said)") }
      let simulator = try await Spawner.shared.start(
        Command(
          path: program, arguments: arguments,
          environment: ["DBUS_SYSTEM_BUS_ADDRESS": "unix:path=\(directory)/bus"], keepsInputOpen: true),
        limits: limits, deadline: nil)
      var errors = ""
      var ready = false
      var iterator = simulator.output.makeAsyncIterator()
      while !ready, let event = await iterator.next() {
        switch event {
        case .line(let line):
          journal(line)
          ready = String(decoding: line, as: UTF8.self).contains("\"ready\"")
        case .errorLine(let line): errors = line
        default: break
        }
      }
      guard ready else {
        bus.stop()
        throw Trouble("blupow-simulator did not start: \(errors)")
      }
      return Simulation(directory: directory, bus: bus, simulator: simulator, journal: journal)
    } catch {
      removeDirectory(directory)
      throw error
    }
  }

  private init(directory: String, bus: Child, simulator: Child, journal: @escaping @Sendable ([UInt8]) -> Void) {
    self.directory = directory
    self.bus = bus
    self.simulator = simulator
    drained = Task {
      for await event in simulator.output {
        if case .line(let line) = event { journal(line) }
      }
    }
  }

  /// Returns when the simulator has ended.
  package func untilSimulatorIsGone() async { await drained.value }

  /// One control line to the simulator.
  package func tell(_ line: String) { simulator.write(Array((line + "\n").utf8)) }

  /// Ends both, waits until they are gone, and removes the directory.
  package func end() async {
    guard
      !ended.withLock({ was in
        defer { was = true }; return was
      })
    else { return }
    simulator.kill(SIGCONT)
    bus.kill(SIGCONT)
    simulator.stop()
    await drained.value
    bus.stop()
    for await _ in bus.output {}
    Self.removeDirectory(directory)
  }

  // MARK: - Pieces

  private static func firstLine(of child: Child, errors: inout String) async -> [UInt8]? {
    for await event in child.output {
      switch event {
      case .line(let line): return line
      case .errorLine(let line): errors = line
      default: break
      }
    }
    return nil
  }

  private static func busConfiguration(_ directory: String, policy: String) -> [UInt8] {
    Array(
      """
      <!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
       "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
      <busconfig>
        <type>system</type>
        <listen>unix:path=\(directory)/bus</listen>
        <auth>EXTERNAL</auth>
        <policy context="default">
          <allow user="*"/><allow own="*"/><allow send_type="method_call"/><allow send_type="signal"/>
          <allow send_type="method_return"/><allow send_type="error"/>
          <allow receive_type="method_call"/><allow receive_type="signal"/>
          <allow receive_type="method_return"/><allow receive_type="error"/>
          \(policy)
        </policy>
      </busconfig>
      """.utf8)
  }

  private static func makeDirectory() throws -> String {
    let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    var template = Array("\(parent)/blupow-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw Trouble("No temporary directory in \(parent): \(errorText(errno)).") }
    return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// Everything in it is ours: two levels, no links followed.
  private static func removeDirectory(_ path: String) {
    for name in Directory.names(in: path) ?? [] {
      let inner = "\(path)/\(name)"
      if unlink(inner) != 0 { removeDirectory(inner) }
    }
    rmdir(path)
  }

  private static func write(_ bytes: [UInt8], to path: String) throws {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw Trouble("\(path) could not be written: \(errorText(errno)).") }
    defer { close(descriptor) }
    guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count else {
      throw Trouble("\(path) could not be written: \(errorText(errno)).")
    }
  }

  private static func find(_ program: String) -> String? {
    ["/usr/bin", "/bin", "/usr/local/bin", "/usr/sbin"].map { "\($0)/\(program)" }.first { access($0, X_OK) == 0 }
  }
}
