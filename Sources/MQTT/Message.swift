/// What is published, or was received.
package struct Message: Hashable, Sendable {
  package var topic: TopicName
  /// Empty and retained: what the broker keeps there is taken away.
  package var payload: [UInt8]
  package var isRetained: Bool

  package init(_ topic: TopicName, _ payload: [UInt8], retained: Bool = true) {
    self.topic = topic
    self.payload = payload
    isRetained = retained
  }

  package init(_ topic: TopicName, _ text: String, retained: Bool = true) {
    self.init(topic, Array(text.utf8), retained: retained)
  }

  package var clears: Bool { isRetained && payload.isEmpty }
}
