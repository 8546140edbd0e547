import Foundation
import Logging
import Readings
import Rig
import Synchronization
import Testing

@testable import Store

@Suite(.timeLimit(.minutes(5))) struct HistoryKeeperTests {
  private let desk = HistoryDesk()

  private func keeper(_ directory: String, period: Duration = .milliseconds(5)) -> HistoryKeeper {
    HistoryKeeper(
      directory: directory, keep: .seconds(90 * 86_400), period: period, reopening: .milliseconds(20),
      clock: { [desk] in desk.clock(10_000) }, log: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
  }

  /// What it was told, in order.
  private final class Told: Sendable {
    private let troubles = Mutex<[StoreTrouble?]>([])
    func note(_ trouble: StoreTrouble?) { troubles.withLock { $0.append(trouble) } }
    var all: [StoreTrouble?] { troubles.withLock(\.self) }

    /// The suite's limit in time ends what never comes.
    func wait(_ condition: ([StoreTrouble?]) throws -> Bool) async throws {
      while try !condition(all) { try await Task.sleep(for: .milliseconds(2)) }
    }
  }

  private func end(_ running: Task<Void, Never>) async {
    running.cancel()
    await running.value
  }

  @Test func `what came last is saved when it is cancelled, its quarter with it`() async throws {
    let folder = try Folder()
    let (keeper, told) = (keeper(folder.path, period: .seconds(3600)), Told())
    keeper.note(desk.read(0))
    let running = Task { await keeper.run { told.note($0) } }
    keeper.note(desk.read(30))
    await end(running)
    #expect(try folder.names == ["history.lock", "history.sqlite"] && told.all == [])
    #expect(try folder.polls().count == 2)
    #expect(try folder.counted() == 2)
  }

  @Test(.timeLimit(.minutes(1))) func `the descriptor of those who read beside it is there before anybody reads`() async throws {
    let folder = try Folder()
    let keeper = keeper(folder.path, period: .seconds(3600))
    let running = Task { await keeper.run { _ in } }
    while try folder.opened("history.sqlite") < 2 { try await Task.sleep(for: .milliseconds(2)) }
    let reader = folder.history
    await onOwnThread { _ = try? reader.devices() }
    #expect(try folder.opened("history.sqlite") == 2)
    await end(running)
    #expect(try folder.opened("history.sqlite") == 0)
  }

  @Test func `polls are saved as they come, by one that goes on`() async throws {
    let folder = try Folder()
    let keeper = keeper(folder.path)
    let running = Task { await keeper.run { _ in } }
    for second in stride(from: 0, to: 600, by: 30) {
      keeper.note(desk.read(second))
      while (try? folder.polls().count) ?? 0 < second / 30 + 1 { try await Task.sleep(for: .milliseconds(2)) }
    }
    await end(running)
    #expect(try folder.polls().count == 20)
  }

  @Test(.enabled(if: Disk.isToBeHad, "needs to mount a small tmpfs"))
  func `a full disk is told of once, and once there is room all that came meanwhile is saved`() async throws {
    let disk = try Disk(kibibytes: 1024)
    let (keeper, told) = (keeper(disk.path), Told())
    let running = Task { await keeper.run { told.note($0) } }
    keeper.note(desk.read(0))
    let reader = HistoryReader(directory: disk.path)
    while (try? reader.devices())?.isEmpty ?? true { try await Task.sleep(for: .milliseconds(2)) }
    disk.fill()
    for second in stride(from: 30, to: 9000, by: 30) {
      keeper.note(desk.read(second, "Inverter", ["faults": Reading(.text(String(repeating: "x", count: second % 250)))]))
    }
    try await told.wait { !$0.isEmpty }
    #expect(told.all.map { $0?.message } == ["The disk with \(disk.path)/history.sqlite is full."])
    keeper.note(desk.read(9000))
    disk.free()
    try await told.wait { $0.count == 2 }
    #expect(told.all.last == .some(nil))
    await end(running)
    let folder = try Folder()
    for name in ["history.sqlite"] { try folder.write(Array(Data(contentsOf: URL(filePath: "\(disk.path)/\(name)"))), to: name) }
    #expect(try folder.polls().count == 301)
  }

  @Test func `what it cannot open it opens later, and what came meanwhile is there`() async throws {
    let folder = try Folder()
    try folder.write([], to: "state")
    let (keeper, told) = (keeper("\(folder.path)/state"), Told())
    let running = Task { await keeper.run { told.note($0) } }
    keeper.note(desk.read(0))
    try await told.wait { !$0.isEmpty }
    #expect(told.all.map { $0?.message } == ["\(folder.path)/state is not a directory."])
    unlink("\(folder.path)/state")
    try await told.wait { $0.count == 2 }
    await end(running)
    #expect(try HistoryReader(directory: "\(folder.path)/state").devices().map(\.name) == ["Inverter"])
  }

  @Test func `what comes before a file with a past can be opened does not take the place of its rows`() async throws {
    let folder = try Folder()
    let before = keeper(folder.path)
    for second in 0..<5 { before.note(desk.read(second, "Old \(second)")) }
    await end(Task { await before.run { _ in } })
    // Another process has it.
    let (file, _) = try HistoryFile.open(directory: folder.path)
    let (keeper, told) = (keeper(folder.path), Told())
    let running = Task { await keeper.run { told.note($0) } }
    for second in 100..<103 { keeper.note(desk.read(second, "New \(second)")) }
    try await told.wait { !$0.isEmpty }
    file.close()
    try await told.wait { $0.last == .some(nil) }
    await end(running)
    let reader = HistoryReader(directory: folder.path)
    let devices = try reader.devices()
    #expect(
      devices.map(\.name).sorted() == (0..<5).map { "Old \($0)" }.reduce(into: (100..<103).map { "New \($0)" }) { $0.append($1) })
    for device in devices {
      let polls = try reader.polls(device: device.id, from: .distantPast, to: .distantFuture).polls
      let second = try #require(device.name.split(separator: " ").last.flatMap { Int64($0) })
      #expect(polls.map(\.time) == [Date(wallMs: HistoryDesk.epoch + second * 1000)], "\(device.name)")
    }
  }

  @Test func `a file that is deleted under it is begun anew`() async throws {
    let folder = try Folder()
    let (keeper, told) = (keeper(folder.path), Told())
    let running = Task { await keeper.run { told.note($0) } }
    keeper.note(desk.read(0))
    while (try? folder.polls().count) ?? 0 < 1 { try await Task.sleep(for: .milliseconds(2)) }
    for name in try folder.names where name.hasPrefix("history.sqlite") { unlink("\(folder.path)/\(name)") }
    keeper.note(desk.read(30))
    try await told.wait { $0.count == 2 }
    #expect(told.all[0]?.message == "\(folder.path)/history.sqlite was deleted or replaced while it was in use.")
    #expect(told.all[1] == nil)
    keeper.note(desk.read(60))
    await end(running)
    #expect(try folder.polls().last?.time == Date(wallMs: HistoryDesk.epoch + 60_000))
  }

  @Test func `nobody waits for it, and nothing grows`() async throws {
    let folder = try Folder()
    let keeper = keeper(folder.path)
    for second in 0..<10_000 { keeper.note(desk.read(second)) }
    let running = Task { await keeper.run { _ in } }
    await end(running)
    let polls = try folder.polls()
    #expect(polls.count <= 2000 && polls.count > 1700)
    #expect(polls.last?.time == Date(wallMs: HistoryDesk.epoch + 9_999_000))
  }
}
