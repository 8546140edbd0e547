import Foundation
import Testing

/// Arrows go down only: who may import whom, as a table. An arrow that is new in the code must be drawn here first.
struct ImportGraphTests {
  private struct Room {
    var name: String
    /// Other targets and packages.
    var arrows: Set<String>
    /// Modules of the system.
    var system: Set<String>

    init(_ name: String, _ arrows: Set<String>, system: Set<String> = ["FoundationEssentials", "Glibc", "Synchronization"]) {
      self.name = name
      self.arrows = arrows
      self.system = system
    }
  }

  /// Full Foundation only in `blupow`, which has it by Yams anyway; Dispatch nowhere: the worker has no threads, and the
  /// supervisor's processes belong to one. Glibc not in the three pure rooms: nothing there asks the system for anything.
  private static let rooms = [
    Room("CDBus", []),
    Room("CMosquitto", []),
    Room("CLinux", []),
    Room("Readings", [], system: ["FoundationEssentials", "Synchronization"]),
    Room("Devices", ["Readings"], system: ["FoundationEssentials", "Synchronization"]),
    Room("Policy", ["Readings"], system: ["FoundationEssentials", "Synchronization"]),
    Room("DBus", ["CDBus"]),
    Room("BlueZ", ["DBus", "Readings"]),
    Room("ATT", ["Readings", "CLinux"]),
    Room("Supervisor", ["Policy", "Readings", "CLinux", "Logging"]),
    Room("MQTT", ["CMosquitto", "CLinux"]),
    Room("Store", ["Readings", "GRDB", "Logging"]),
    Room(
      "Publishers",
      [
        "Policy", "Devices", "Readings", "MQTT", "CLinux", "Logging", "ServiceLifecycle", "HummingbirdCore", "HTTPTypes",
        "NIOHTTPTypes",
        "NIOCore", "NIOPosix", "NIOHTTP1",
      ]),
    Room("Simulator", ["DBus", "Devices", "Readings", "CLinux"]),
    Room(
      "blupow",
      [
        "Supervisor", "Store", "Publishers", "Policy", "Devices", "MQTT", "Readings", "ArgumentParser", "Logging",
        "ServiceLifecycle",
        "UnixSignals",
        "Yams",
      ],
      system: ["Foundation", "FoundationEssentials", "Glibc", "Synchronization"]),
    Room("blupow-worker", ["ATT", "BlueZ", "DBus", "Devices", "Readings", "CLinux"]),
    Room("blupow-simulator", ["Simulator", "Readings", "CLinux"]),
  ]

  @Test func `every room imports only what stands below it`() throws {
    for room in Self.rooms {
      for file in try Repository.files(in: "Sources/\(room.name)") where file.hasSuffix(".swift") {
        for module in Self.imports(of: try Repository.text(file)) {
          #expect(
            room.arrows.contains(module) || room.system.contains(module), "\(file) imports \(module): not below \(room.name)")
        }
      }
    }
  }

  @Test func `every folder of Sources is a room`() throws {
    let folders = Set(try Repository.files(in: "Sources").compactMap { $0.split(separator: "/").dropFirst().first })
    #expect(folders.map(String.init).sorted() == Self.rooms.map(\.name).sorted())
  }

  @Test func `the package declares just these arrows`() throws {
    let declared = try Self.declaredDependencies(in: Repository.text("Package.swift"))
    for room in Self.rooms {
      #expect(declared[room.name]?.sorted() == room.arrows.sorted(), "\(room.name)")
    }
  }

  @Test func `no arrow leads back`() {
    let arrows = Dictionary(uniqueKeysWithValues: Self.rooms.map { ($0.name, $0.arrows) })
    func below(_ name: String, _ path: [String]) {
      guard !path.contains(name) else {
        Issue.record("a circle: \((path + [name]).joined(separator: " -> "))")
        return
      }
      for next in arrows[name] ?? [] { below(next, path + [name]) }
    }
    for room in Self.rooms { below(room.name, []) }
  }

  @Test(arguments: [
    ("import DBus", ["DBus"]), ("internal import DBus", ["DBus"]), ("package import DBus", ["DBus"]),
    ("@testable import DBus", ["DBus"]), ("@preconcurrency public import DBus", ["DBus"]),
    ("@_implementationOnly import DBus", ["DBus"]), ("  import struct DBus.Message // why", ["DBus"]),
    ("import DBus.Message", ["DBus"]), ("import A; import B", ["A", "B"]), ("#if os(Linux)\n  import A\n#endif", ["A"]),
    ("// import DBus", []), ("/// It may import DBus", []), ("let important = 1", []), ("importer.run()", []),
  ])
  func `an import is seen in every form, and nothing else is`(source: String, modules: [String]) {
    #expect(Self.imports(of: source) == modules)
  }

  // MARK: Reading Swift, as far as needed

  /// The modules that a source text imports, in order.
  private static func imports(of source: String) -> [String] {
    source.split(whereSeparator: { $0.isNewline || $0 == ";" }).compactMap { statement in
      var words = statement.split(whereSeparator: \.isWhitespace)[...]
      let modifiers: Set<Substring> = ["public", "package", "internal", "fileprivate", "private"]
      while let word = words.first, word.hasPrefix("@") || modifiers.contains(word) { words.removeFirst() }
      guard words.popFirst() == "import" else { return nil }
      let kinds: Set<Substring> = ["typealias", "struct", "class", "enum", "protocol", "let", "var", "func", "actor"]
      if let kind = words.first, kinds.contains(kind) { words.removeFirst() }
      return words.first?.split(separator: ".").first.map(String.init)
    }
  }

  /// Target to its dependencies: `name:` and `dependencies:` of every target, with the products that have a name of their own.
  private static func declaredDependencies(in manifest: String) throws -> [String: [String]] {
    var products: [String: String] = [:]
    for match in manifest.matches(of: /let (\w+): Target\.Dependency = \.product\(name: "(\w+)"/) {
      products[String(match.1)] = String(match.2)
    }
    let target =
      /\.(?:target|executableTarget|systemLibrary)\(\s*name: "([\w-]+)"(?:,\s*dependencies: \[([^\]]*)\])?/
    var declared: [String: [String]] = [:]
    for match in manifest.matches(of: target) {
      let items = (match.2 ?? "").split(separator: ",").map { $0.trimmingCharacters(in: .whitespacesAndNewlines) }
      declared[String(match.1)] = items.filter { !$0.isEmpty }.map { item in
        item.hasPrefix("\"") ? String(item.dropFirst().dropLast()) : products[item] ?? item
      }
    }
    return declared
  }
}
