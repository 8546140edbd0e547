/// Reads one block over a link: one request in flight, checked and repeated as the rules say.
package struct BlockReader<L: Link> {
  package enum Answer: Equatable, Sendable {
    case words(unit: UInt8, [UInt16])
    /// Exception 2 with a good checksum: the device has no such registers.
    case unsupported
    case exception(code: UInt8)
    /// Not one byte. What comes later would be read as the next answer: no more requests to this unit in this session.
    case silent
    /// The poll's time was over before the reply's: that says nothing about the device.
    case outOfTime
    case bad(ModbusReply.Fault)
  }

  /// A reply that fails a check is asked for twice more.
  package static var tries: Int { 3 }
  /// When bytes stop coming for that long, no more come: connection intervals are far below it.
  package static var quiet: Duration { .seconds(1) }

  private let link: L
  private let deadline: ContinuousClock.Instant
  private let seen: SeenReplies

  /// - Parameter seen: by all readers of the session.
  package init(link: L, deadline: ContinuousClock.Instant, seen: SeenReplies) {
    self.link = link
    self.deadline = deadline
    self.seen = seen
  }

  /// - Parameter owing: an earlier request was given up, and may still be answered.
  package func read(_ request: ReadRequest, timeout: Duration, owing: Bool = false) throws -> Answer {
    var asked = owing ? 1 : 0
    let answer = try ask(request, timeout, &asked)
    // As many answers are owed as were asked for: one that comes later would pass for the next block's, where that is as long.
    if asked > 1, answer != .silent, answer != .outOfTime { try discard(for: Self.quiet) }
    return answer
  }

  private func ask(_ request: ReadRequest, _ timeout: Duration, _ asked: inout Int) throws -> Answer {
    var fault = ModbusReply.Fault.nothing
    var isDoubted = false
    for _ in 1...Self.tries {
      guard ContinuousClock.now < deadline else { return fault == .nothing ? .outOfTime : .bad(fault) }
      try discardPending()
      try link.send(request.frame)
      asked += 1
      let end = ContinuousClock.now + timeout
      let reply = try awaitReply(request, until: min(end, deadline))
      // An earlier answer once more, or registers that hold the same? What is asked for anew, when all is quiet, is believed.
      if case .success(let reply) = reply, !seen.insert(reply, to: request), !isDoubted {
        isDoubted = true
        try discard(for: Self.quiet)
        asked = 0
        continue
      }
      switch reply {
      case .success(.registers(let unit, let words)): return .words(unit: unit, words)
      case .success(.exception(_, 2)): return .unsupported
      case .success(.exception(_, let code)): return .exception(code: code)
      // Damage, and then nothing, is damage.
      case .failure(.nothing) where fault != .nothing: return .bad(fault)
      case .failure(.nothing): return end <= deadline ? .silent : .outOfTime
      case .failure(let other): fault = other
      }
    }
    return .bad(fault)
  }

  private func awaitReply(
    _ request: ReadRequest, until end: ContinuousClock.Instant
  ) throws -> Result<ModbusReply, ModbusReply.Fault> {
    var assembler = ReplyAssembler(request)
    while true {
      // Noise before a reply is no reply that stopped.
      let patience = assembler.hasBegun ? min(end, .now + Self.quiet) : end
      guard ContinuousClock.now < end, let chunk = try link.receive(until: patience) else { return assembler.conclude() }
      do throws(ModbusReply.Fault) {
        if let reply = try assembler.append(chunk) { return .success(reply) }
      } catch {
        return .failure(error)
      }
    }
  }

  /// What comes within that time of quiet, and no longer than a few of them.
  private func discard(for quiet: Duration) throws {
    let end = min(deadline, .now + quiet * 3)
    while ContinuousClock.now < end, try link.receive(until: min(end, .now + quiet)) != nil {}
  }

  /// Chunks of an answer that was given up: they are not the next one's. Bounded, for a module that never stops talking.
  private func discardPending() throws {
    for _ in 0..<64 { guard try link.receive(until: .now) != nil else { return } }
  }
}
