import Foundation
import Rig
import Testing

/// What the built executables load. One that never loads libdbus cannot be poisoned by it; a worker that does not load all of
/// Foundation starts many times faster, and it starts at every poll.
struct LinkageTests {
  /// Names of all shared libraries that the executable loads, whoever wants them.
  private func libraries(of name: String) throws -> [String] {
    let ldd = Process()
    let output = Pipe()
    ldd.executableURL = URL(filePath: "/usr/bin/env")
    ldd.arguments = ["ldd", Built.path(name)]
    ldd.standardOutput = output
    try ldd.run()
    let text = try String(decoding: output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    ldd.waitUntilExit()
    try #require(ldd.terminationStatus == 0, "ldd \(Built.path(name)) exits with \(ldd.terminationStatus)")
    let names = text.split(separator: "\n").compactMap { line in
      line.split(whereSeparator: \.isWhitespace).first.map(String.init)
    }
    // What cannot be missing: the list was read right.
    try #require(names.contains { $0.hasPrefix("libc.so") }, "\(names)")
    return names
  }

  @Test func `the supervisor does not load libdbus`() throws {
    #expect(try libraries(of: "blupow").filter { $0.contains("dbus") } == [])
  }

  @Test func `nobody but the supervisor loads libmosquitto`() throws {
    #expect(try libraries(of: "blupow").contains { $0.hasPrefix("libmosquitto.so") })
    for name in ["blupow-worker", "blupow-simulator"] {
      #expect(try libraries(of: name).filter { $0.contains("mosquitto") || $0.contains("ssl") } == [])
    }
  }

  @Test(arguments: ["blupow-worker", "blupow-simulator"])
  func `who speaks D-Bus loads libdbus, and of Foundation the essentials at most`(name: String) throws {
    let libraries = try libraries(of: name)
    #expect(libraries.contains { $0.hasPrefix("libdbus-1.so") })
    #expect(libraries.filter { $0.contains("Foundation") && $0 != "libFoundationEssentials.so" } == [])
  }
}
