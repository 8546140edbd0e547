/// One scripted misbehaviour of a module or of bluetoothd towards it.
package struct Fault: Equatable, Sendable {
  package enum Kind: Equatable, Sendable {
    // To a request.
    case silent
    case slow(Duration)
    case wrongCRC
    case wrongID
    case truncated
    case exception(UInt8)
    case dropLink
    case noise([UInt8])
    case lateReply(Duration)
    // To Connect.
    case notAdvertising
    case neverConnects
    /// The module ends the link as soon as it is made.
    case dropOnConnect
    case connectError(Refusal)
    case authFailed
    case slots
    case busyForever
    // Once connected.
    /// The link is up, and no signal says so: only who asks for the property is told.
    case connectedUnsaid
    case servicesNeverResolve
    case servicesLate(Duration)
    case noCharacteristics
    /// The module refuses the subscription (ATT error 0x0e).
    case notifyRefused
    /// The module wants to be paired with first, and refuses to.
    case needsPairing
    /// Another client has acquired the notifications.
    case notifyTaken
    /// StartNotify is answered with ok, and nothing is ever notified.
    case notifyIgnored
    case dropOnSubscribe
    case disconnectNever
    // To any call of this method's name.
    case daemonMute(String)
  }

  /// What a fault counts, and when it is asked for.
  enum Occasion: Equatable {
    case request
    case connect
    case services
    case notify
    case disconnect
    case call
    /// Not counted: it holds while it is in the list.
    case standing
  }

  package var kind: Kind
  /// The first occasion (1-based) that it spoils, and how many from there; `nil` is all.
  package var from = 1
  package var times: Int?
  /// Only requests to this unit, or from this register.
  package var unit: UInt8?
  package var register: UInt16?
  private var occasions = 0

  package init(_ kind: Kind, from: Int = 1, times: Int? = nil, unit: UInt8? = nil, register: UInt16? = nil) {
    self.kind = kind
    self.from = from
    self.times = times
    self.unit = unit
    self.register = register
  }

  var occasion: Occasion {
    switch kind {
    case .silent, .slow, .wrongCRC, .wrongID, .truncated, .exception, .dropLink, .noise, .lateReply: .request
    case .neverConnects, .dropOnConnect, .connectError, .authFailed, .slots, .busyForever: .connect
    case .connectedUnsaid, .servicesNeverResolve, .servicesLate, .noCharacteristics: .services
    case .notifyRefused, .needsPairing, .notifyTaken, .notifyIgnored, .dropOnSubscribe: .notify
    case .disconnectNever: .disconnect
    case .daemonMute: .call
    case .notAdvertising: .standing
    }
  }

  /// Counts one occasion; whether it is spoilt.
  mutating func strikes() -> Bool {
    occasions += 1
    return occasions >= from && times.map { occasions < from + $0 } ?? true
  }

  func concerns(_ request: [UInt8]) -> Bool {
    if let unit, request.first != unit { return false }
    if let register { return request.count > 3 && UInt16(request[2]) << 8 | UInt16(request[3]) == register }
    return true
  }
}
