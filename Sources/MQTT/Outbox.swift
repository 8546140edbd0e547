/// What the broker shall hold: of every topic the latest message, and whether the broker has it. Nothing queues: a message that was
/// not sent yet is replaced by the next one of its topic.
package struct Outbox: Sendable {
  /// Topics that it holds at most.
  package static let maxTopics = 65_536
  /// Messages that wait for the broker's answer at most: what a connection that stalls holds in memory.
  package static let maxInFlight = 20

  private struct Entry {
    var message: Message
    /// Counts the topic's messages, so that an answer is known to be the latest one's.
    var edition = 0
    var isWaiting = true
    /// In the order in which the topics came first.
    var place: Int
  }

  /// A message on its way, by its topic's count.
  private struct Flight {
    var topic: TopicName
    var edition: Int
  }

  private var entries: [TopicName: Entry] = [:]
  private var waiting: ArraySlice<TopicName> = []
  /// Taken, and not handed over yet.
  private var hand: Flight?
  private var flights: [Int32: Flight] = [:]
  private var nextPlace = 0
  /// Of the topics whose latest message the broker refused, why.
  package private(set) var refused: [TopicName: String] = [:]

  package init() {}

  /// Everything was taken or refused.
  package var isIdle: Bool { waiting.isEmpty && hand == nil && flights.isEmpty }

  /// `false`: there are as many topics as there may be, and this would be another one.
  package mutating func put(_ message: Message) -> Bool {
    if var entry = entries[message.topic] {
      let wasWaiting = entry.isWaiting
      (entry.message, entry.edition, entry.isWaiting) = (message, entry.edition + 1, true)
      entries[message.topic] = entry
      if !wasWaiting { waiting.append(message.topic) }
      return true
    }
    guard entries.count < Self.maxTopics else { return false }
    entries[message.topic] = Entry(message: message, place: nextPlace)
    nextPlace += 1
    waiting.append(message.topic)
    return true
  }

  /// The next message to send; `sent` or `refuse` says what became of it, before the next one.
  package mutating func take() -> Message? {
    guard flights.count < Self.maxInFlight, let topic = waiting.popFirst(), let entry = entries[topic] else { return nil }
    entries[topic]?.isWaiting = false
    hand = Flight(topic: topic, edition: entry.edition)
    return entry.message
  }

  /// - Parameter packet: what the broker's answer will be known by.
  package mutating func sent(packet: Int32) {
    flights[packet] = hand
    hand = nil
  }

  /// What was taken cannot be sent at all.
  package mutating func refuse(why: String) {
    if let hand, entries[hand.topic]?.edition == hand.edition { refused[hand.topic] = why }
    hand = nil
  }

  /// The broker's answer. What cleared its topic, or was for who listened just then, is forgotten.
  ///
  /// - Parameter refusal: `nil`: it took the message.
  package mutating func answered(packet: Int32, refusal: String?) {
    guard let flight = flights.removeValue(forKey: packet), let entry = entries[flight.topic], entry.edition == flight.edition
    else { return }
    refused[flight.topic] = refusal
    if refusal == nil, entry.message.clears || !entry.message.isRetained { entries[flight.topic] = nil }
  }

  /// Everything is to be sent again, in the order in which the topics came first, conclusions last: to another connection, whose broker may have
  /// forgotten, or to listeners that have come anew.
  package mutating func startOver() {
    (hand, flights, refused) = (nil, [:], [:])
    for topic in entries.keys { entries[topic]?.isWaiting = true }
    func order(_ entry: Entry) -> (Int, Int) { (entry.message.isConclusion ? 1 : 0, entry.place) }
    waiting = entries.sorted { order($0.value) < order($1.value) }.map(\.key)[...]
  }

  /// What waits is not said any more; where the topics come again, their messages do.
  package mutating func abandonWaiting() {
    for topic in waiting { entries[topic] = nil }
    waiting = []
  }

  /// What was refused is tried once more.
  package mutating func retryRefused() {
    for topic in refused.keys where entries[topic]?.isWaiting == false {
      entries[topic]?.isWaiting = true
      waiting.append(topic)
    }
    refused = [:]
  }
}
