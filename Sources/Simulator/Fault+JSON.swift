extension Fault {
  /// `{"fault": "slow", "ms": 900, "from_request": 2, "times": 1}`
  init(_ json: JSON, at place: String) throws(Mistake) {
    var fields = try Fields(json, at: place)
    let word = try fields.needText("fault")
    let (kind, first) = try Fault.kind(word, &fields)
    self.init(
      kind, from: try fields.number("from_request", in: 1...1_000_000) ?? 1,
      times: try fields.number("times", in: 1...1_000_000) ?? first,
      unit: try fields.number("unit", in: 0...255).map { UInt8($0) },
      register: try fields.number("register", in: 0...65_535).map { UInt16($0) })
    try fields.finish()
  }

  /// The kind, and its own count where the word has one.
  private static func kind(_ word: String, _ fields: inout Fields) throws(Mistake) -> (Kind, times: Int?) {
    func duration(_ standard: Int) throws(Mistake) -> Duration {
      try fields.milliseconds("ms") ?? .milliseconds(standard)
    }
    func refusal(_ standard: Refusal) throws(Mistake) -> Refusal {
      Refusal(try fields.errorName("name") ?? standard.name, try fields.text("text") ?? standard.text)
    }
    let aborted = Refusal.failed("le-connection-abort-by-local")
    switch word {
    case "silent": return (.silent, nil)
    case "slow": return (.slow(try duration(1500)), nil)
    case "wrong_crc": return (.wrongCRC, nil)
    case "wrong_id": return (.wrongID, nil)
    case "truncated": return (.truncated, nil)
    case "exception": return (.exception(UInt8(try fields.number("code", in: 1...255) ?? 4)), nil)
    case "drop_link": return (.dropLink, nil)
    case "noise": return (.noise(try fields.words("bytes") ?? [0x00, 0xff, 0x13]), nil)
    case "late_reply": return (.lateReply(try duration(12_000)), nil)
    case "twice": return (.twice, nil)
    case "not_advertising": return (.notAdvertising, nil)
    case "never_connects": return (.neverConnects, nil)
    case "connects_when_given_up": return (.connectsWhenGivenUp, nil)
    case "drop_on_connect": return (.dropOnConnect, nil)
    case "connect_error": return (.connectError(try refusal(aborted)), nil)
    case "connect_fails_once": return (.connectError(try refusal(aborted)), try fields.number("k", in: 1...1000) ?? 1)
    case "auth_failed": return (.authFailed, nil)
    case "slots": return (.slots, nil)
    case "busy_forever": return (.busyForever, nil)
    case "connected_unsaid": return (.connectedUnsaid, nil)
    case "stale_cache": return (.staleCache, nil)
    case "services_never_resolve": return (.servicesNeverResolve, nil)
    case "services_late": return (.servicesLate(try duration(5000)), nil)
    case "no_characteristics": return (.noCharacteristics, nil)
    case "notify_refused": return (.notifyRefused, nil)
    case "needs_pairing": return (.needsPairing, nil)
    case "notify_taken": return (.notifyTaken, nil)
    case "notify_ignored": return (.notifyIgnored, nil)
    case "drop_on_subscribe": return (.dropOnSubscribe, nil)
    case "disconnect_never": return (.disconnectNever, nil)
    case "reconnects": return (.reconnects, nil)
    case "discovers_nobody": return (.discoversNobody, nil)
    case "discovery_refused": return (.discoveryRefused, nil)
    case "daemon_mute": return (.daemonMute(try fields.needText("method")), nil)
    default:
      if let unasked = Unasked(rawValue: word) { return (.unasked(unasked, reading: try fields.isReading()), nil) }
      throw Mistake("\(fields.name("fault")): '\(word.prefix(40))' is not a known fault")
    }
  }
}

extension Fields {
  /// `"when": "reading"`, and nothing else.
  fileprivate mutating func isReading() throws(Mistake) -> Bool {
    guard let when = try text("when") else { return false }
    guard when == "reading" else { throw Mistake("\(name("when")): '\(when.prefix(40))' is not \"reading\"") }
    return true
  }
}
