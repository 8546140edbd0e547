import Foundation
import Testing

/// Nothing in the repository leans on the machine it was written on.
struct TextGuardTests {
  /// Put together, so that this file holds none of them.
  private static let outside = ["../" + "shared", "/" + "work" + "/", "/" + "root" + "/"].map { Array($0.utf8) }

  /// What one text says of the outside. An absolute path begins where no name comes before it: a URL may well have such a folder.
  private func traces(in bytes: [UInt8]) -> [String] {
    Self.outside.filter { trace in
      var rest = bytes[...]
      while let found = rest.firstRange(of: trace) {
        let before = found.lowerBound == bytes.startIndex ? nil : bytes[found.lowerBound - 1]
        if trace.first != UInt8(ascii: "/") || !isPartOfName(before) { return true }
        rest = rest[found.upperBound...]
      }
      return false
    }.map { String(decoding: $0, as: UTF8.self) }
  }

  private func isPartOfName(_ byte: UInt8?) -> Bool {
    guard let byte else { return false }
    let character = Character(Unicode.Scalar(byte))
    return character.isLetter || character.isNumber || "._-~}$)".contains(character)
  }

  @Test func `no file names a path of the machine it was written on`() throws {
    let files = try Repository.files()
    try #require(files.contains("Package.swift"))
    for file in files {
      let bytes = try Array(Data(contentsOf: Repository.root.appending(path: file)))
      #expect(traces(in: bytes) == [], "\(file)")
    }
  }

  @Test func `such a path is seen where one stands`() {
    let work = "/" + "work" + "/"
    #expect(traces(in: Array("see \(work)x".utf8)) == [work])
    #expect(traces(in: Array("\(work)x".utf8)) == [work])
    #expect(traces(in: Array("\"..".utf8) + Array("/shared\"".utf8)) == ["../" + "shared"])
    #expect(traces(in: Array("https://example.org\(work)x and net\(work)x".utf8)) == [])
    #expect(traces(in: Array("https://example.org\(work)x, then \(work)y".utf8)) == [work])
  }
}
