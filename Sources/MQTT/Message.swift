/// What is published, or was received.
package struct Message: Hashable, Sendable {
  package var topic: TopicName
  /// Empty and retained: what the broker keeps there is taken away.
  package var payload: [UInt8]
  package var isRetained: Bool
  /// Says that what others hold is true: where everything is sent again, it comes after them.
  package var isConclusion: Bool

  package init(_ topic: TopicName, _ payload: [UInt8], retained: Bool = true, isConclusion: Bool = false) {
    self.topic = topic
    self.payload = payload
    isRetained = retained
    self.isConclusion = isConclusion
  }

  package init(_ topic: TopicName, _ text: String, retained: Bool = true, isConclusion: Bool = false) {
    self.init(topic, Array(text.utf8), retained: retained, isConclusion: isConclusion)
  }

  package var clears: Bool { isRetained && payload.isEmpty }
}
