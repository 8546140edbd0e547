import Logging
import Policy
import Readings
import Rig
import Testing

@testable import Supervisor

/// Every way in which a worker can misbehave is one named failure, in bounded time.
@Suite struct ZooTests {
  private func poll(_ animal: String, deadline: Duration = .seconds(4), devices: [String] = ["Inverter"]) async throws
    -> PollOutcome
  {
    let runner = PollRunner(
      worker: WorkerCommand(path: Built.path("zoo"), arguments: animal.split(separator: ",").map(String.init), environment: [:]),
      grace: .milliseconds(300),
      log: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
    let module = Module(address: try #require(Address("D8:B6:73:BF:4F:75")))
    return await runner.poll(
      Request(
        poll: "p-1", deadline: deadline,
        job: .poll(
          PollJob(
            module: module,
            devices: devices.enumerated().map { DeviceRequest(name: $1, profile: "inverter", unit: UInt8(32 + $0)) }))))
  }

  @Test func `every animal of the zoo has its place in a table`() async throws {
    let child = try await Spawner.shared.start(Command(path: Built.path("zoo")), limits: .worker, deadline: .seconds(20))
    var said: [String] = []
    for await event in child.output { if case .errorLine(let line) = event { said.append(line) } }
    let listed =
      Zoo.misbehaving.compactMap(\.words.first) + Zoo.runaways.compactMap(\.0.words.first) + Zoo.behaving + Zoo.others
    let names = try #require(said.last).split(separator: " ").map(String.init)
    #expect(names.count > 30)
    #expect(Set(listed).sorted() == names.sorted())
  }

  @Test(arguments: Zoo.misbehaving)
  func `each misbehaviour is one named failure, within its deadline and grace`(_ expected: Zoo.Case) async throws {
    // Whoever ends by himself, or is ended for what he does, has time for it on a busy machine, too.
    let deadline = Duration.seconds(expected.failure == .workerTimedOut ? 4 : 20)
    let outcome = try await poll(expected.animal, deadline: deadline)
    let report = try #require(outcome.answers["Inverter"]?.failure)
    #expect(report.failure == expected.failure, "\(report)")
    #expect(report.stage == expected.stage, "\(report)")
    #expect(outcome.needsRelease == expected.needsRelease)
    #expect(!report.message.isEmpty)
    #expect(outcome.lasted < deadline + .seconds(3))
    #expect(outcome.answers.count == 1)
  }

  @Test(arguments: Zoo.deadlySignals) func `a worker that dies of a signal is said to have died of it`(signal: Int32) async throws
  {
    #expect(
      try await poll("dies_of,\(signal)", deadline: .seconds(30)).answers["Inverter"]?.failure
        == FailureReport(.workerCrashed, at: .start, "The worker was ended by signal \(signal) in start."))
  }

  @Test(arguments: ["fine", "unknown_event", "floods_stderr"])
  func `a correct answer is a success, and needs no release`(_ animal: String) async throws {
    let outcome = try await poll(animal, deadline: .seconds(30), devices: ["Inverter", "Battery"])
    #expect(outcome.answers["Inverter"]?.readings?.readings["battery_voltage"] == Reading(.number(52.4), unit: "V"))
    #expect(outcome.answers["Battery"]?.readings?.device == "Battery")
    #expect(outcome.done?.connectMs == 1240)
    #expect(outcome.stage == .disconnect)
    #expect(!outcome.needsRelease)
    #expect(outcome.trouble == nil)
  }

  @Test func `readings before a hang are a success, and the hang is trouble of its own`() async throws {
    let outcome = try await poll("fine_then_hangs")
    #expect(outcome.answers["Inverter"]?.readings != nil)
    #expect(outcome.trouble?.failure == .workerTimedOut)
    #expect(outcome.needsRelease)
  }

  @Test func `a link that the worker left is released`() async throws {
    let outcome = try await poll("leaves_its_link", deadline: .seconds(30))
    #expect(outcome.answers["Inverter"]?.readings != nil)
    #expect(outcome.needsRelease)
  }

  @Test func `a worker that cannot be started is missing, and leaves nothing to release`() async throws {
    let runner = PollRunner(
      worker: WorkerCommand(path: "/nonexistent/blupow-worker", environment: [:]),
      log: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
    let module = Module(address: try #require(Address("D8:B6:73:BF:4F:75")))
    let job = PollJob(module: module, devices: [DeviceRequest(name: "Inverter", profile: "inverter")])
    let outcome = await runner.poll(Request(poll: "p-1", deadline: .seconds(4), job: .poll(job)))
    #expect(
      outcome.answers["Inverter"]?.failure
        == FailureReport(
          .workerMissing, at: .start, "/nonexistent/blupow-worker could not be started: No such file or directory."))
    #expect(!outcome.needsRelease)
  }

  @Test func `a cancelled poll ends its worker and says stopped`() async throws {
    let polling = Task { try await poll("hangs", deadline: .seconds(30)) }
    polling.cancel()
    let outcome = try await polling.value
    #expect(outcome.answers["Inverter"]?.failure?.failure == .stopped)
    #expect(outcome.needsRelease)
    #expect(outcome.lasted < .seconds(3))
  }

  @Test func `a request longer than a pipe holds harms nobody where it is not read`() async throws {
    let runner = PollRunner(
      worker: WorkerCommand(path: Built.path("zoo"), arguments: ["never_reads_stdin"], environment: [:]),
      grace: .milliseconds(300), log: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
    let module = Module(address: try #require(Address("D8:B6:73:BF:4F:75")))
    let skip = (0..<30_000).map { "\($0)/1" }
    let job = PollJob(module: module, devices: [DeviceRequest(name: "Inverter", profile: "inverter", skip: skip)])
    let request = Request(poll: "p-1", deadline: .seconds(1), job: .poll(job))
    #expect(try Wire.line(request).count > 200_000)
    let outcome = await runner.poll(request)
    #expect(outcome.answers["Inverter"]?.failure?.failure == .workerTimedOut)
    #expect(outcome.lasted < .seconds(5))
  }

  @Test func `what a worker says on standard error is logged with its poll's id`() async throws {
    let lines = LogLines()
    let runner = PollRunner(
      worker: WorkerCommand(path: Built.path("zoo"), arguments: ["floods_stderr"], environment: [:]),
      log: Logger(label: "test", factory: { _ in lines.handler(level: .debug) }))
    let module = Module(address: try #require(Address("D8:B6:73:BF:4F:75")))
    let job = PollJob(module: module, devices: [DeviceRequest(name: "Inverter", profile: "inverter")])
    _ = await runner.poll(Request(poll: "p-17", deadline: .seconds(20), job: .poll(job)))
    #expect(lines.all.count == 15)
    #expect(lines.all.allSatisfy { $0.hasPrefix("debug worker: ") })
    #expect(lines.polls == Array(repeating: "p-17", count: 15))
  }

  @Test func `a release that works and one that does not are told apart`() async throws {
    let request = Request(
      poll: "p-1", deadline: .seconds(8), job: .release(Module(address: try #require(Address("D8:B6:73:BF:4F:75")))))
    func runner(_ arguments: [String]) -> PollRunner {
      PollRunner(
        worker: WorkerCommand(path: Built.path("zoo"), arguments: arguments, environment: [:]),
        log: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
    }
    #expect(await runner(["fine"]).release(request) == nil)
    #expect(await runner(["fine", "release_fails"]).release(request)?.failure == .daemonSilent)
  }

  @Test func `floods leave our memory bounded`() async throws {
    _ = try await poll("floods_lines")
    let before = Processes.residentKiB()
    for _ in 0..<10 { for animal in ["floods", "floods_lines", "floods_stderr"] { _ = try await poll(animal) } }
    #expect(Processes.residentKiB() - before < 64 * 1024)
  }

  @Test func `a poll of 20 seconds in an otherwise idle supervisor survives`() async throws {
    let outcome = try await poll("sleeps_20s_then_fine", deadline: .seconds(25))
    #expect(outcome.answers["Inverter"]?.readings != nil)
    #expect(outcome.lasted > .seconds(19))
  }
}
