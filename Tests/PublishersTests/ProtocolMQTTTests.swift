import Foundation
import Logging
import MQTT
import Policy
import Rig
import Testing

@testable import Publishers

/// `protocol/mqtt.md`, against what a broker gets.
@Suite struct ProtocolMQTTTests {
  private static let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../protocol/mqtt.md")
  private static var example: Regex<(Substring, topic: Substring, payload: Substring)> {
    /### `(?<topic>[^`]+)`\n\n```\n(?<payload>[^`]*)```/
  }

  /// BLUPOW_TEST_WRITE=1 writes the examples anew.
  @Test func `every example is what is on the wire, byte for byte`() async throws {
    var wire: [String: String] = [:]
    for form in [MQTTSettings.Discovery.component, .device] {
      let broker = try await Broker()
      let listener = try await Listener(broker)
      let fleet = try Sample.fleetAtBroker()
      let publisher = MQTTPublisher(
        Sample.settings(broker.port, form), PublishedFleet(try Sample.config()), log: Logger(label: "test"), raise: { _ in },
        settle: { _ in })
      let running = Task { await publisher.run(AsyncStream { $0.yield(fleet) }) }
      // The last of its messages.
      #expect(try await listener.wait { $0["blupow/cabin/availability"] == "online" })
      wire.merge(listener.retained) { $1 }
      running.cancel()
      await running.value
      await listener.end()
      await broker.leave()
    }
    var text = try String(contentsOf: Self.file, encoding: .utf8)
    if ProcessInfo.processInfo.environment["BLUPOW_TEST_WRITE"] != nil {
      text.replace(Self.example) { match in
        "### `\(match.topic)`\n\n```\n\(wire[String(match.topic)] ?? "nothing")\n```"
      }
      try Data(text.utf8).write(to: Self.file)
    }
    let examples = text.matches(of: Self.example)
    for match in examples {
      #expect(wire[String(match.topic)].map { "\($0)\n" } == String(match.payload), "\(match.topic)")
    }
    // None of its examples is overlooked, and each kind of topic has one.
    #expect(examples.count == text.split(separator: "\n").filter { $0.hasPrefix("### ") }.count)
    let shown = Set(examples.map { Self.kind(String($0.topic)) })
    #expect(Set(wire.keys.map(Self.kind)) == shown)
  }

  /// What differs only by device or key is of a kind.
  private static func kind(_ topic: String) -> String {
    let levels = topic.split(separator: "/")
    return levels[0] == "homeassistant" ? "\(levels[1])" : "\(levels.count) \(levels[levels.count - 1])"
  }
}
