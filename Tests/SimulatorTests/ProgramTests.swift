import Rig
import Supervisor
import Testing

/// The program's ends, as a person or a script meets them.
@Suite(.timeLimit(.minutes(5))) struct ProgramTests {
  private struct Run {
    var output = ""
    var errors = ""
    var cause: Ending.Cause?
  }

  private func run(_ arguments: [String], bus: String?, input: String? = nil) async throws -> Run {
    let child = try await Spawner.shared.start(
      Command(
        path: Built.path("blupow-simulator"), arguments: arguments,
        environment: bus.map { ["DBUS_SYSTEM_BUS_ADDRESS": $0] } ?? [:], input: Array((input ?? "").utf8)),
      limits: .worker, deadline: .seconds(30))
    var run = Run()
    for await event in child.output {
      switch event {
      case .line(let line): run.output += String(decoding: line, as: UTF8.self) + "\n"
      case .errorLine(let line): run.errors += line + "\n"
      case .ended(let ending): run.cause = ending.cause
      default: break
      }
    }
    return run
  }

  @Test func `without a bus of its own it refuses to start`() async throws {
    let none = try await run([], bus: nil)
    #expect(none.cause == .exited(64))
    #expect(none.errors.contains("DBUS_SYSTEM_BUS_ADDRESS is not set"))
    let real = try await run([], bus: "unix:path=/run/dbus/system_bus_socket")
    #expect(real.cause == .exited(64))
    #expect(real.errors.contains("the real system bus"))
  }

  @Test func `a bus that is not there is unavailable`() async throws {
    let run = try await run([], bus: "unix:path=/nonexistent/bus")
    #expect(run.cause == .exited(69))
    #expect(run.errors.contains("The bus at unix:path=/nonexistent/bus cannot be reached"))
  }

  @Test func `a set-up that cannot be read, and an option that is not known`() async throws {
    let missing = try await run(["--config", "/nonexistent/setup"], bus: "unix:path=/nonexistent/bus")
    #expect(missing.cause == .exited(78))
    #expect(missing.errors == "blupow-simulator: /nonexistent/setup cannot be read.\n")
    #expect(try await run(["--fast"], bus: nil).cause == .exited(64))
  }

  @Test func `help and version need nothing`() async throws {
    let help = try await run(["--help"], bus: nil)
    #expect(help.cause == .exited(0))
    #expect(help.output.hasPrefix("usage: blupow-simulator"))
    #expect(try await run(["--version"], bus: nil).cause == .exited(0))
  }

  @Test func `it takes commands until its input ends, and a bus has room for one`() async throws {
    let scene = try await Scene.one()
    let bus = scene.environment["DBUS_SYSTEM_BUS_ADDRESS"] ?? ""
    let second = try await run(["--control"], bus: bus)
    #expect(second.cause == .exited(69))
    #expect(second.errors.contains("The name org.bluez on \(bus) is taken"))
    // With its own simulator stopped, the bus is free for one that reads a command and ends with its input.
    scene.simulation.simulator.kill(9)
    let third = try await eventually { try await run(["--control"], bus: bus, input: #"{"do":"state"}"# + "\n") }
    #expect(third.output.contains(#""saw":"state""#))
    await scene.end()
  }

  /// The bus learns of a killed client in its own time.
  private func eventually(_ attempt: () async throws -> Run) async throws -> Run {
    while true {
      let run = try await attempt()
      if run.cause == .exited(0) { return run }
    }
  }

  @Test func `SIGTERM ends it cleanly`() async throws {
    let scene = try await Scene.one()
    scene.simulation.simulator.kill(9)
    var cause: Ending.Cause?
    repeat {
      let child = try await Spawner.shared.start(
        Command(path: Built.path("blupow-simulator"), environment: scene.environment), limits: .worker, deadline: .seconds(30))
      for await event in child.output {
        if case .line(let line) = event, String(decoding: line, as: UTF8.self).contains("\"ready\"") { child.stop() }
        if case .ended(let ending) = event { cause = ending.cause }
      }
    } while cause == .exited(69)  // the bus has not seen yet that the first one is gone
    #expect(cause == .exited(0))
    await scene.end()
  }
}
