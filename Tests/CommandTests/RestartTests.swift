import FoundationEssentials
import Glibc
import Policy
import Readings
import Rig
import Supervisor
import Testing

/// What a service that ended knew, the next one knows: its readings, as old as they are.
@Suite struct RestartTests {
  private static let config = "interval: 300s\nlink: bluez\n" + PollCommandTests.config

  private func fleet(_ scene: Scene) async throws -> FleetStatus? {
    try? Wire.decode(FleetStatus.self, from: Array(try await scene.blupow(["status", "--json"]).output.utf8))
  }

  private func wait(_ scene: Scene, for match: (DeviceStatus) -> Bool) async throws -> DeviceStatus {
    while true {
      try Task.checkCancellation()
      if let device = try await fleet(scene)?.devices.first, match(device) { return device }
    }
  }

  @Test(.timeLimit(.minutes(10)), arguments: [SIGTERM, SIGKILL])
  func `after a restart the last readings are shown with their age, and are not taken for live`(signal: Int32) async throws {
    let scene = try await Scene.one()
    let state = ["BLUPOW_STATE_DIR": "\(scene.simulation.directory)/state"]
    let began = ContinuousClock.now
    let first = try await scene.start(["run"], config: Self.config, more: state)
    let log = ServiceLog(of: first) { _ in false }
    let read = try await wait(scene) { $0.status == .connected }
    if signal == SIGKILL {
      // What is killed has what it last wrote, which it does twice a minute.
      while try await !isStored(scene) { try await Task.sleep(for: .milliseconds(100)) }
    }
    kill(first.pid, signal)
    _ = await log.whole
    _ = try await scene.tell(#"{"do":"faults","address":"D8:B6:73:BF:4F:75","faults":[{"fault":"never_connects"}]}"#)
    let second = try await scene.start(["run"], config: Self.config, more: state)
    let later = ServiceLog(of: second) { _ in false }
    let shown = try await wait(scene) { _ in true }
    #expect(shown.status == .offline && shown.available)
    #expect(shown.readings == read.readings && shown.readings.count == Scene.inverterReadings)
    // As it was last said, which is by the milliseconds that the poll's end makes of it.
    #expect(abs(try #require(shown.readAt).timeIntervalSince(try #require(read.readAt))) < 1)
    let age = try #require(shown.age)
    #expect(age > (read.age ?? .zero) && age < began.duration(to: .now))
    kill(second.pid, SIGTERM)
    #expect(await later.whole.exitCode == 0)
    await scene.end()
  }

  /// Whether the write-ahead log holds the device by now.
  private func isStored(_ scene: Scene) async throws -> Bool {
    let path = "\(scene.simulation.directory)/state/blupow.sqlite-wal"
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return false }
    defer { close(file) }
    var bytes = [UInt8](repeating: 0, count: 1_048_576)
    let count = Glibc.read(file, &bytes, bytes.count)
    return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self).contains("battery_voltage")
  }

  @Test(.timeLimit(.minutes(5))) func `a state that cannot be kept is a problem, and stops nothing`() async throws {
    let scene = try await Scene.one()
    try scene.write("no directory", to: "\(scene.simulation.directory)/file")
    let state = ["BLUPOW_STATE_DIR": "\(scene.simulation.directory)/file"]
    let service = try await scene.start(["run"], config: Self.config, more: state)
    let log = ServiceLog(of: service) { _ in false }
    _ = try await wait(scene) { $0.status == .connected }
    let problems = try #require(try await fleet(scene)).problems
    #expect(Set(problems.map(\.name)) == [.storeFailed, .historyFailed])
    #expect(problems.first?.message.contains("\(scene.simulation.directory)/file") == true)
    kill(service.pid, SIGTERM)
    #expect(await log.whole.exitCode == 0)
    await scene.end()
  }
}
