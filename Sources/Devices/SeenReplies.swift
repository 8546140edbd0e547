/// Every reply that was believed in one session, and by what registers. One that comes again, to a request for others, may be the same
/// once more: bluetoothd was seen to hand every notification out twice (5.66, after its client was killed). A reply does not say what
/// registers it is of; any that are as many would look alike.
package final class SeenReplies {
  private var registers: [ModbusReply: UInt16] = [:]

  package init() {}

  /// Whether it can be told from earlier ones; from then on it is one of them.
  func insert(_ reply: ModbusReply, to request: ReadRequest) -> Bool {
    registers.updateValue(request.register, forKey: reply).map { $0 == request.register } ?? true
  }
}
