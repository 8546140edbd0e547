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
    /// Every piece is notified twice.
    case twice
    // To Connect.
    case notAdvertising
    case neverConnects
    /// On a socket: answered by nothing until the client gives it up. Then it is made, and bluetoothd has it.
    case connectsWhenGivenUp
    /// The module ends the link as soon as it is made.
    case dropOnConnect
    case connectError(Refusal)
    case authFailed
    case slots
    case busyForever
    // Once connected.
    /// The link is up, and no signal says so: only who asks for the property is told.
    case connectedUnsaid
    /// bluetoothd shows the services that it remembers, until it is made to forget the module: another module's.
    case staleCache
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
    /// Whoever ends its link: it is there again at once, made by the kernel, as of a trusted module.
    case reconnects
    // To StartDiscovery, of any module's adapter.
    /// It runs, and nobody is heard.
    case discoversNobody
    /// It does not begin: "Operation already in progress".
    case discoveryRefused
    // To any call of this method's name.
    case daemonMute(String)
    /// On a socket: said before the first answer that a link gets once the packet size is agreed on, or before a reply.
    case unasked(Unasked, reading: Bool)
  }

  /// A packet of the attribute protocol that no client asked for.
  package enum Unasked: String, Sendable {
    /// The module asks for the packet size itself.
    case peerMTU = "peer_mtu"
    case strayResponse = "stray_response"
    case indication
    case unknownOpcode = "unknown_opcode"
    /// Ten bytes more than were agreed on.
    case longPDU = "long_pdu"
  }

  /// What is said unasked by these faults.
  static func unasked(_ struck: [Kind]) -> [Unasked] {
    struck.compactMap { if case .unasked(let what, _) = $0 { what } else { nil } }
  }

  /// What a fault counts, and when it is asked for.
  enum Occasion: Equatable {
    case request
    case connect
    case services
    /// The first request on a socket's link after the exchange of packet sizes.
    case exploring
    case notify
    case disconnect
    case discovery
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
    case .silent, .slow, .wrongCRC, .wrongID, .truncated, .exception, .dropLink, .noise, .lateReply, .twice, .unasked(_, true):
      .request
    case .neverConnects, .connectsWhenGivenUp, .dropOnConnect, .connectError, .authFailed, .slots, .busyForever: .connect
    case .connectedUnsaid, .staleCache, .servicesNeverResolve, .servicesLate, .noCharacteristics: .services
    case .unasked(_, false): .exploring
    case .notifyRefused, .needsPairing, .notifyTaken, .notifyIgnored, .dropOnSubscribe: .notify
    case .disconnectNever: .disconnect
    case .discoversNobody, .discoveryRefused: .discovery
    case .daemonMute: .call
    case .notAdvertising, .reconnects: .standing
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
