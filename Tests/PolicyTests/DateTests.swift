import FoundationEssentials
import Testing

@testable import Policy

@Suite struct DateTests {
  @Test func `a time that is written and read again and again stays what it is, to the millisecond`() throws {
    for millisecond in 0..<1000 {
      let text = "2026-11-26T14:07:00.\(String(1000 + millisecond).dropFirst())Z"
      #expect(try Date(rfc3339: text).rfc3339 == text)
    }
  }
}
