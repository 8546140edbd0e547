/// One D-Bus message as plain values.
package struct Message: Equatable, Sendable {
  package enum Kind: Int32, Sendable {
    case methodCall = 1
    case methodReturn = 2
    case error = 3
    case signal = 4
  }

  package var kind: Kind
  package var serial: UInt32 = 0
  package var replySerial: UInt32 = 0
  package var sender: String?
  package var destination: String?
  package var path: String?
  package var interface: String?
  package var member: String?
  package var errorName: String?
  /// The caller of a method wants no answer.
  package var noReply = false
  /// Nobody shall be started for it: where the receiver is not on the bus, that is the answer.
  package var noAutoStart = false
  package var body: [Value] = []

  package static func call(
    to destination: String, _ path: String, _ interface: String, _ member: String, _ body: [Value] = []
  ) -> Message {
    var message = Message(kind: .methodCall)
    message.destination = destination
    message.path = path
    message.interface = interface
    message.member = member
    message.body = body
    return message
  }

  package static func signal(_ path: String, _ interface: String, _ member: String, _ body: [Value] = []) -> Message {
    var message = Message(kind: .signal)
    message.path = path
    message.interface = interface
    message.member = member
    message.body = body
    return message
  }

  package func reply(_ body: [Value] = []) -> Message {
    var message = Message(kind: .methodReturn)
    message.destination = sender
    message.replySerial = serial
    message.body = body
    return message
  }

  package func reply(error name: String, _ text: String) -> Message {
    var message = Message(kind: .error)
    message.destination = sender
    message.replySerial = serial
    message.errorName = name
    message.body = [.string(text)]
    return message
  }

  /// The text that an error message carries.
  package var errorText: String { body.first?.asString ?? "" }

  package func isSignal(_ interface: String, _ member: String) -> Bool {
    kind == .signal && self.interface == interface && self.member == member
  }
}
