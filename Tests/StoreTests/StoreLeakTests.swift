import Foundation
import Rig
import Testing

@testable import Store

/// A service opens again once a minute for months.
@Suite(.serialized) struct StoreLeakTests {
  @Test func `neither an opening that fails nor a store that is closed leaves a descriptor`() throws {
    let garbage = try Folder()
    let pipe = try Folder()
    mkfifo(pipe.database, 0o600)
    let link = try Folder()
    symlink("elsewhere", "\(link.path)/blupow.lock")
    func once() throws {
      try garbage.write([1, 2, 3])
      try Store.open(directory: garbage.path).store.close()
      for folder in [pipe, link] { #expect(throws: StoreError.self) { try Store.open(directory: folder.path) } }
    }
    try once()
    let before = Processes.descriptors().count
    for _ in 0..<20 { try once() }
    #expect(Processes.descriptors().count == before)
  }
}
