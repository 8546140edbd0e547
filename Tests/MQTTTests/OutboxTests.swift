import Chance
import MQTT
import Testing

@Suite struct OutboxTests {
  private static func topic(_ text: String) -> TopicName { TopicName(text) ?? { preconditionFailure() }() }
  private static func message(_ topic: String, _ text: String) -> Message { Message(Self.topic(topic), text) }

  /// Sends all that may be sent; packets are numbered from `first`.
  private func sendAll(_ outbox: inout Outbox, from first: Int32) -> [Message] {
    var sent: [Message] = []
    while let message = outbox.take() {
      outbox.sent(packet: first + Int32(sent.count))
      sent.append(message)
    }
    return sent
  }

  /// The macro cannot take what changes its arguments.
  private func expect(_ sent: [Message], _ wanted: [Message]) { #expect(sent == wanted) }

  @Test func `messages leave in the order in which they came, the latest of each topic`() {
    var outbox = Outbox()
    for message in [("a", "1"), ("b", "1"), ("a", "2")] { _ = outbox.put(Self.message(message.0, message.1)) }
    expect(sendAll(&outbox, from: 1), [Self.message("a", "2"), Self.message("b", "1")])
    #expect(!outbox.isIdle)
    outbox.answered(packet: 1, refusal: nil)
    outbox.answered(packet: 2, refusal: nil)
    #expect(outbox.isIdle && outbox.refused == [:])
  }

  @Test func `one that is replaced while it is on its way is sent again`() {
    var outbox = Outbox()
    _ = outbox.put(Self.message("a", "1"))
    let first = outbox.take()
    #expect(first == Self.message("a", "1"))
    _ = outbox.put(Self.message("a", "2"))
    outbox.sent(packet: 1)
    outbox.answered(packet: 1, refusal: "quota exceeded")
    // The refusal was an earlier message's.
    #expect(outbox.refused == [:])
    expect(sendAll(&outbox, from: 2), [Self.message("a", "2")])
  }

  @Test func `after a loss everything is sent again, in its first order; what was cleared is not`() {
    var outbox = Outbox()
    for topic in ["a", "b", "c"] { _ = outbox.put(Self.message(topic, "1")) }
    _ = sendAll(&outbox, from: 1)
    for packet: Int32 in 1...3 { outbox.answered(packet: packet, refusal: nil) }
    _ = outbox.put(Self.message("b", ""))
    _ = outbox.put(Self.message("a", "2"))
    outbox.startOver()
    expect(sendAll(&outbox, from: 4), [Self.message("a", "2"), Self.message("b", ""), Self.message("c", "1")])
    outbox.answered(packet: 5, refusal: nil)
    outbox.startOver()
    expect(sendAll(&outbox, from: 9), [Self.message("a", "2"), Self.message("c", "1")])
  }

  @Test func `a conclusion comes after what came later, where all is said again`() {
    var outbox = Outbox()
    _ = outbox.put(Message(Self.topic("online"), "1", isConclusion: true))
    _ = outbox.put(Self.message("later", "1"))
    outbox.startOver()
    expect(sendAll(&outbox, from: 1), [Self.message("later", "1"), Message(Self.topic("online"), "1", isConclusion: true)])
  }

  @Test func `a message that is not retained is not said again`() {
    var outbox = Outbox()
    _ = outbox.put(Message(Self.topic("a"), "now", retained: false))
    _ = sendAll(&outbox, from: 1)
    outbox.answered(packet: 1, refusal: nil)
    outbox.startOver()
    #expect(outbox.isIdle)
  }

  @Test func `no more than a few wait for the broker, and what stalls holds only the latest`() {
    var outbox = Outbox()
    for number in 0..<100 { _ = outbox.put(Self.message("t\(number)", "1")) }
    let sent = sendAll(&outbox, from: 1)
    #expect(sent.count == Outbox.maxInFlight)
    for round in 2..<50 {
      for number in 0..<100 { _ = outbox.put(Self.message("t\(number)", "\(round)")) }
      let next = outbox.take()
      #expect(next == nil)
    }
    for packet in 1...Int32(Outbox.maxInFlight) { outbox.answered(packet: packet, refusal: nil) }
    let next = outbox.take()
    #expect(next?.payload == Array("49".utf8))
  }

  @Test func `what is refused is known by its topic, and tried again`() {
    var outbox = Outbox()
    _ = outbox.put(Self.message("a", "1"))
    _ = outbox.put(Self.message("b", "1"))
    _ = outbox.take()
    outbox.refuse(why: "too large")
    _ = outbox.take()
    outbox.sent(packet: 1)
    outbox.answered(packet: 1, refusal: "not authorized")
    #expect(outbox.refused == [Self.topic("a"): "too large", Self.topic("b"): "not authorized"] && outbox.isIdle)
    outbox.retryRefused()
    #expect(outbox.refused == [:] && !outbox.isIdle)
    let again = sendAll(&outbox, from: 2)
    #expect(Set(again) == [Self.message("a", "1"), Self.message("b", "1")])
  }

  @Test func `there is an end to topics`() {
    var outbox = Outbox()
    let taken = (0..<Outbox.maxTopics).filter { outbox.put(Self.message("t\($0)", "1")) }
    #expect(taken.count == Outbox.maxTopics)
    let another = outbox.put(Self.message("another", "1"))
    let known = outbox.put(Self.message("t7", "2"))
    #expect(!another && known)
  }

  @Test(arguments: 0..<100 as Range<UInt64>) func `a walk: when all is said, the broker has just what was put last`(seed: UInt64)
  {
    var dice = Dice(seed: seed)
    var outbox = Outbox()
    var wanted: [TopicName: [UInt8]] = [:]
    // A broker that keeps what is retained, and answers when it likes, or never.
    var broker: [TopicName: [UInt8]] = [:]
    var unanswered: [Int32] = []
    var packet: Int32 = 0
    func transmit() {
      guard let message = outbox.take() else { return }
      if Int.random(in: 0..<20, using: &dice) == 0 { return outbox.startOver() }
      broker[message.topic] = message.payload.isEmpty ? nil : message.payload
      packet += 1
      outbox.sent(packet: packet)
      unanswered.append(packet)
    }
    for step in 0..<400 {
      switch Int.random(in: 0..<10, using: &dice) {
      case 0..<4:
        let topic = Self.topic("t\(Int.random(in: 0..<30, using: &dice))")
        let payload = Int.random(in: 0..<4, using: &dice) == 0 ? [] : Array("\(step)".utf8)
        wanted[topic] = payload.isEmpty ? nil : payload
        _ = outbox.put(Message(topic, payload))
      case 4..<7: transmit()
      case 7..<9:
        if let index = unanswered.indices.randomElement(using: &dice) {
          outbox.answered(packet: unanswered.remove(at: index), refusal: nil)
        }
      default:
        guard Int.random(in: 0..<10, using: &dice) == 0 else { break }
        // The connection is lost; the broker may have lost everything with it.
        unanswered = []
        if Bool.random(using: &dice) { broker = [:] }
        outbox.startOver()
      }
    }
    while !outbox.isIdle {
      transmit()
      while let packet = unanswered.popLast() { outbox.answered(packet: packet, refusal: nil) }
    }
    #expect(broker == wanted)
  }
}
