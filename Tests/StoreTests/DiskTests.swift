import Foundation
import Rig
import Testing

@testable import Store

/// Disks that are full or read-only.
@Suite(.enabled(if: Disk.isToBeHad, "needs to mount a small tmpfs: as root, outside of most containers")) struct DiskTests {
  private let text = String(repeating: "x", count: 20_000)

  @Test func `a save on a full disk is an error, and works without opening again once there is room`() throws {
    let disk = try Disk(kibibytes: 512)
    let store = try Store.open(directory: disk.path).store
    try store.save(changed: [record("a", "1")])
    disk.fill()
    for _ in 0..<3 {
      let error = #expect(throws: StoreError.self) { try store.save(changed: [record("a", "2"), record("b", text)]) }
      #expect(error?.cause == .full)
      #expect(
        error?.description == """
          The disk with \(disk.path)/blupow.sqlite is full. Free some space there: saving then goes on by itself. \
          Until then a restart forgets what came last.
          """)
      #expect(try store.load().records == [record("a", "1")])
    }
    disk.free()
    try store.save(changed: [record("a", "3"), record("b", text)])
    store.close()
    #expect(try Store.open(directory: disk.path).store.load().records == [record("a", "3"), record("b", text)])
  }

  @Test func `a new store on a full disk is an error, and a sound one is opened and read`() throws {
    let disk = try Disk(kibibytes: 512)
    disk.fill()
    let error = #expect(throws: StoreError.self) { try Store.open(directory: disk.path) }
    #expect(error?.cause == .full)
    disk.free()
    let store = try Store.open(directory: disk.path).store
    try store.save(changed: [record("a", text)])
    store.close()
    disk.fill()
    let again = try Store.open(directory: disk.path)
    #expect(again.warning == nil)
    #expect(try again.store.load().records == [record("a", text)])
  }

  @Test func `a file that the disk fills up under is not set aside`() throws {
    let disk = try Disk(kibibytes: 512)
    let store = try Store.open(directory: disk.path).store
    for round in 0..<100 { try? store.save(changed: [record("\(round)", text)]) }
    let held = try store.load().records
    #expect(held.count > 3 && held.count < 100)
    store.close()
    let again = try Store.open(directory: disk.path)
    #expect(again.warning == nil)
    #expect(try again.store.load().records == held)
  }

  @Test func `a read-only file system is an error that says so, and nothing is set aside`() throws {
    let disk = try Disk(kibibytes: 512)
    let store = try Store.open(directory: disk.path).store
    try store.save(changed: [record("a", "1")])
    store.close()
    try disk.makeReadOnly()
    let error = #expect(throws: StoreError.self) { try Store.open(directory: disk.path) }
    #expect(error?.cause == .readOnly)
    #expect(error?.description.contains("is on a read-only file system. Mount it writable") == true)
    #expect(try FileManager.default.contentsOfDirectory(atPath: disk.path).sorted() == ["blupow.lock", "blupow.sqlite"])
    let new = #expect(throws: StoreError.self) { try Store.open(directory: "\(disk.path)/below") }
    #expect(new?.cause == .readOnly)
  }

  @Test func `what would keep a store from being kept is told before, and nothing is written`() throws {
    let disk = try Disk(kibibytes: 4096)
    #expect(StateDirectory.trouble(at: "\(disk.path)/below/deeper") == nil)
    disk.fill()
    #expect(StateDirectory.trouble(at: disk.path)?.message == "The disk with \(disk.path) is full.")
    disk.free()
    try Data().write(to: URL(filePath: "\(disk.path)/file"))
    #expect(StateDirectory.trouble(at: "\(disk.path)/file/below")?.message.contains("file") == true)
    #expect(StateDirectory.trouble(at: "\(disk.path)/file")?.message == "\(disk.path)/file is not a directory.")
    try disk.makeReadOnly()
    #expect(StateDirectory.trouble(at: "\(disk.path)/below")?.message == "\(disk.path)/below is on a read-only file system.")
    #expect(try FileManager.default.contentsOfDirectory(atPath: disk.path) == ["file"])
  }
}
