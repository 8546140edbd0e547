import Foundation
import GRDB

@testable import Store

/// A directory of a test's own, gone with it.
final class Folder: Sendable {
  let path: String
  var database: String { "\(path)/blupow.sqlite" }

  init() throws {
    let url = FileManager.default.temporaryDirectory.appending(path: "store-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: false)
    path = url.path()
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func write(_ bytes: [UInt8], to name: String = "blupow.sqlite") throws {
    try Data(bytes).write(to: URL(filePath: "\(path)/\(name)"))
  }

  func bytes(of name: String = "blupow.sqlite") throws -> [UInt8] {
    try Array(Data(contentsOf: URL(filePath: "\(path)/\(name)")))
  }

  /// How many descriptors this process has of it.
  func opened(_ name: String) throws -> Int {
    try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").filter {
      (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")) == "\(path)/\(name)"
    }.count
  }

  var names: [String] { get throws { try FileManager.default.contentsOfDirectory(atPath: path).sorted() } }

  /// Databases that were set aside, without what belongs to them.
  var setAside: [String] { get throws { try names.filter { $0.hasPrefix("blupow.sqlite.set-aside-") && $0.hasSuffix("Z") } } }

  /// The files as they are now, as a kill -9 at this moment would leave them.
  func copy() throws -> Folder {
    let copy = try Folder()
    for name in try names where name.contains(".sqlite") { try copy.write(bytes(of: name), to: name) }
    return copy
  }

  /// A store that holds `records`, closed.
  func fill(_ records: [Store.Record]) throws {
    let store = try Store.open(directory: path).store
    try store.save(changed: records)
    store.close()
  }

  /// Speaks to the database as another program would.
  func sql(_ statements: String, in name: String = "blupow.sqlite") throws {
    let queue = try DatabaseQueue(path: "\(path)/\(name)")
    try queue.writeWithoutTransaction { try $0.execute(sql: statements) }
    try queue.close()
  }
}

func record(_ key: String, _ text: String, kind: String = "device") -> Store.Record {
  Store.Record(kind: kind, key: key, text: text)
}
