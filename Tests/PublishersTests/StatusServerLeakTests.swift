import Glibc
import Policy
import Rig
import Testing

@testable import Publishers

/// Counts what this process holds: alone (`Tests/run`).
@Suite struct StatusServerLeakTests {
  @Test(.timeLimit(.minutes(5))) func `500 connections, opened and dropped at every point, leave no descriptor`() async throws {
    let served = try await Served(try Sample.fleet())
    let words = [
      "", "GET /sta", "GET /status HTTP/1.1\r\n\r\n", "POST /poll HTTP/1.1\r\nContent-Length: 9\r\n\r\n{", "\u{1}\r\n\r\n",
    ]
    func wave(_ count: Int) async throws {
      for number in 0..<count {
        let conversation = try Conversation(served.path)
        conversation.say(words[number % words.count])
        if number % 3 == 0 { _ = try await served.client.status() }
      }
    }
    try await wave(50)
    let before = Processes.descriptors().count
    try await wave(500)
    // Those that were dropped last may still be closing.
    var after = Processes.descriptors().count
    for _ in 0..<1000 where after > before {
      try await Task.sleep(for: .milliseconds(5))
      after = Processes.descriptors().count
    }
    #expect(after <= before, "\(before) before, \(after) after")
    #expect(try await served.client.status().gateway == "cabin")
    try await served.leave()
  }
}
