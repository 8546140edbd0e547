import Foundation
import Testing

@testable import blupow_worker

@Suite struct RadioSwitchTests {
  /// Folders as the kernel's.
  private func folder(_ switches: [(name: String, soft: String, hard: String)]) throws -> URL {
    let folder = FileManager.default.temporaryDirectory.appending(path: "rfkill-\(UUID().uuidString)")
    for (number, one) in switches.enumerated() {
      let own = folder.appending(path: "rfkill\(number)")
      try FileManager.default.createDirectory(at: own, withIntermediateDirectories: true)
      for (file, word) in [("name", one.name), ("soft", one.soft), ("hard", one.hard)] {
        try Data("\(word)\n".utf8).write(to: own.appending(path: file))
      }
    }
    return folder
  }

  @Test func `either switch keeps its own adapter off, and no other`() throws {
    let folder = try folder([("phy0", "1", "1"), ("hci0", "0", "0"), ("hci1", "1", "0"), ("hci2", "0", "1")])
    defer { try? FileManager.default.removeItem(at: folder) }
    let radios = RadioSwitch(folder: folder.path)
    #expect(["hci0", "hci1", "hci2", "hci3"].map(radios.isBlocked) == [false, true, true, nil])
    #expect(RadioSwitch(folder: "\(folder.path)/none").isBlocked("hci0") == nil)
  }
}
