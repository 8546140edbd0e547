import Devices
import Foundation
import Testing

@Suite struct ReferenceTests {
  /// BLUPOW_TEST_WRITE=1 writes it anew.
  @Test func `protocol/readings.md is what the pages say`() throws {
    let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../protocol/readings.md")
    if ProcessInfo.processInfo.environment["BLUPOW_TEST_WRITE"] != nil {
      try Data(Reference.markdown.utf8).write(to: file)
    }
    #expect(
      try String(contentsOf: file, encoding: .utf8) == Reference.markdown,
      "write it anew: BLUPOW_TEST_WRITE=1 swift test --filter ReferenceTests")
  }

  @Test func `every field of every profile is in it, with a source`() throws {
    let text = Reference.markdown
    for profile in Profile.all {
      for field in profile.fields {
        #expect(text.contains("| `\(field.key)`") && !field.source.isEmpty)
        for id in field.source.matches(of: /\bf[0-9]{3}\b/).map({ String($0.output) }) {
          let frame = try #require(CapturedFrame.all.first { $0.id == id }, "\(field.key): there is no frame \(id)")
          #expect(frame.origin.hasPrefix("capture") || field.proof != .proved, "\(field.key): \(id) was not captured")
        }
      }
    }
  }
}
