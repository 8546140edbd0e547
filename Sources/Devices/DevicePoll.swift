package import Readings

/// Reads one device: its required blocks, then the optional ones, then days of its own record where they are wanted; and what became of
/// each.
package struct DevicePoll<L: Link> {
  package struct Outcome: Equatable, Sendable {
    package var result: Result<DeviceReadings, FailureReport>
    package var notes: BlockNotes
    /// The link broke after the required blocks: there are readings, and no session any more.
    package var broken: FailureReport?
  }

  private let reader: BlockReader<L>
  /// For what the device can do without: of the time that is left, no more than its share.
  private let optional: BlockReader<L>
  private let request: DeviceRequest
  private let profile: Profile
  private let name: String?
  private let confidence: Confidence?

  /// - Parameters:
  ///   - name: as the module advertises itself, where known.
  ///   - share: when it is others' turn, who wait: no more optional blocks are asked then.
  ///   - confidence: how the profile was told, where it was not configured.
  ///   - seen: in this session so far.
  package init(
    _ request: DeviceRequest, profile: Profile, name: String? = nil, confidence: Confidence? = nil, link: L,
    deadline: ContinuousClock.Instant, share: ContinuousClock.Instant? = nil, seen: SeenReplies = SeenReplies()
  ) {
    self.request = request
    self.profile = profile
    self.name = name
    self.confidence = confidence
    self.reader = BlockReader(link: link, deadline: deadline, seen: seen)
    self.optional = BlockReader(link: link, deadline: min(deadline, share ?? deadline), seen: seen)
  }

  package func run() throws -> Outcome {
    var answers = Answers()
    var notes = BlockNotes()
    var unit = request.unit ?? profile.unit
    var answered: UInt8?
    func outcome(_ result: Result<DeviceReadings, FailureReport>, broken: FailureReport? = nil) -> Outcome {
      Outcome(result: result, notes: notes, broken: broken)
    }

    for block in profile.blocks where block.isWanted(skipping: request.skip) {
      var answer: BlockReader<L>.Answer
      do {
        answer = try ask(block, unit)
      } catch let error as FailureReport where block.need == .optional {
        // The required ones are complete: what was read is given out before the link's end is.
        return outcome(decoded(answers, unit: answered ?? unit, isCutShort: true), broken: error)
      }
      // No unit is configured and the usual one is silent: one try at the family's other one, for the same block, so that a
      // late answer of the first could only be the same registers.
      if answer == .silent, answered == nil, request.unit == nil, let other = profile.otherUnit {
        unit = other
        answer = try ask(block, other, owing: true)
      }
      // At unit 255 anybody may answer: what two say is no one's.
      if case .words(let from, _) = answer, let answered, from != answered {
        answer = .bad(.unit(got: from, asked: answered))
      }
      switch (answer, block.need) {
      case (.words(let from, let words), _):
        answers.note(block.register, words)
        answered = from
      case (.unsupported, .optional): notes.unsupported.append(block.name)
      case (.exception, .optional), (.bad, .optional): break
      case (.outOfTime, .optional): return outcome(decoded(answers, unit: answered ?? unit, isCutShort: true))
      case (.outOfTime, .required):
        return outcome(
          .failure(
            FailureReport(
              .outOfTime, at: .read,
              "\(request.name): the poll's time was over before unit \(unit) had answered to registers \(block.name).")))
      case (.silent, .optional):
        notes.silent.append(block.name)
        return outcome(decoded(answers, unit: answered ?? unit, isCutShort: true))
      case (.unsupported, .required): return outcome(.failure(refused(block, unit, code: 2)))
      case (.exception(let code), .required): return outcome(.failure(refused(block, unit, code: code)))
      case (.silent, .required):
        return outcome(
          .failure(
            FailureReport(
              .silent, at: .read, "\(request.name): no answer from unit \(unit) to registers \(block.name).")))
      case (.bad(let fault), .required):
        return outcome(
          .failure(
            FailureReport(
              .badFrames, at: .read,
              "\(request.name): \(BlockReader<L>.tries) replies of unit \(unit) to registers \(block.name) were refused: \(fault)."
            )))
      }
    }
    do {
      try readDays(unit, into: &answers)
    } catch let error as FailureReport {
      return outcome(decoded(answers, unit: answered ?? unit), broken: error)
    }
    return outcome(decoded(answers, unit: answered ?? unit))
  }

  /// As many days as were asked for and are there.
  private func readDays(_ unit: UInt8, into answers: inout Answers) throws {
    guard let page = profile.dayPage else { return }
    for day in 0..<request.days {
      let request = page.request(unit, daysAgo: day)
      guard case .words(_, let words) = try optional.read(request, timeout: profile.replyTimeout) else { return }
      answers.note(request.register, words)
    }
  }

  private func ask(_ block: Block, _ unit: UInt8, owing: Bool = false) throws -> BlockReader<L>.Answer {
    try (block.need == .required ? reader : optional).read(
      ReadRequest(unit: unit, register: block.register, words: block.words), timeout: profile.replyTimeout, owing: owing)
  }

  private func refused(_ block: Block, _ unit: UInt8, code: UInt8) -> FailureReport {
    FailureReport(
      .modbusException, at: .read,
      "\(request.name): unit \(unit) refuses registers \(block.name) with Modbus exception \(code).")
  }

  /// The readings; a device whose required registers all say "not supported" is not one of this profile.
  ///
  /// - Parameter isCutShort: not all blocks were asked. A value whose sign is the model's to say is left out where the model may be
  ///   said by one that was not: with the register's sign it would be turned round in the next poll.
  private func decoded(
    _ answers: Answers, unit: UInt8, isCutShort: Bool = false
  ) -> Result<DeviceReadings, FailureReport> {
    var decoding = profile.decode(answers, name: name, model: request.model)
    if isCutShort, decoding.model == nil {
      for key in decoding.rawSign { decoding.readings[key] = nil }
      decoding.rawSign = []
    }
    let required = profile.blocks.filter { $0.need == .required }
    guard required.allSatisfy({ hasValue(decoding, in: $0) }) else {
      return .failure(
        FailureReport(
          .wrongProfile, at: .read,
          "\(request.name): unit \(unit) answers, but registers that this profile needs hold no value."))
    }
    return .success(
      DeviceReadings(
        device: request.name, profile: profile.name, unit: unit, model: decoding.model, readings: decoding.readings,
        implausible: decoding.implausible, rawSign: decoding.rawSign, derived: decoding.derived, counters: decoding.counters,
        confidence: confidence, days: decoding.days))
  }

  private func hasValue(_ decoding: Decoding, in block: Block) -> Bool {
    let registers = block.register..<block.register + block.words
    return profile.fields.contains { field in
      field.register.map(registers.contains) ?? false && decoding.readings[field.key] != nil
    }
  }
}
