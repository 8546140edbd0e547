package import Readings

/// Finds out what answers: by the advertised name where it tells, else by the registers that are there.
///
/// Every unit is asked for the same registers first, so that a late answer of one that was given up could only be the same ones.
package struct Identification<L: Link> {
  /// What one unit is.
  package enum Outcome: Equatable, Sendable {
    case found(Found)
    case failed(FailureReport)
  }

  private enum Look: Equatable {
    case device(Found)
    case silent
    case outOfTime
    case bad(ModbusReply.Fault)
    /// It answers, and none of what is known.
    case stranger(UInt8)
  }

  private let reader: BlockReader<L>

  /// - Parameter seen: in this session so far.
  package init(link: L, deadline: ContinuousClock.Instant, seen: SeenReplies = SeenReplies()) {
    reader = BlockReader(link: link, deadline: deadline, seen: seen)
  }

  /// A lone device that answers at none of these is not there: the one that all answer, an inverter's, a battery's.
  package static var loneUnits: [UInt8] { [ReadRequest.anyUnit, 32, 48] }
  /// Those that hubs and chains give: controllers, batteries on a chain and an inverter, batteries behind a hub, controllers behind one.
  package static var hubUnits: [UInt8] { [48, 49, 50, 51, 52, 53, 54, 55, 32, 33, 34, 35, 16, 17, 96, 97] }

  /// The first answer is waited for as the slowest family needs.
  private static var patience: Duration { .seconds(5) }
  /// Behind a hub an answer takes 0.4 s; most of its units are not there.
  private static var hubPatience: Duration { .milliseconds(1500) }

  // MARK: - One device

  /// What the device at `unit` is; `nil`: wherever a lone one may be.
  package func identify(_ device: String, unit: UInt8?, name: String?) throws -> Outcome {
    if let name, let profile = AdvertisedName(name).profile {
      return .found(Found(unit: unit ?? 0, profile: profile, confidence: .name))
    }
    var last = Look.silent
    for (index, unit) in (unit.map({ [$0] }) ?? Self.loneUnits).enumerated() {
      last = try look(at: unit, timeout: Self.patience, owing: index > 0)
      if last != .silent { break }
    }
    switch last {
    case .device(let found): return .found(found)
    case .stranger(let unit):
      return failed(.wrongProfile, "\(device): unit \(unit) answers, and has no registers of any profile that is known.")
    case .bad(let fault):
      return failed(
        .badFrames,
        "\(device): replies were refused (\(fault)): behind a hub several may answer at once, and each entry names its `unit`.")
    case .outOfTime: return failed(.outOfTime, "\(device): the poll's time was over before it was known what answers.")
    case .silent:
      let units = unit.map { "unit \($0)" } ?? "units \(Self.loneUnits.map(String.init).joined(separator: ", "))"
      return failed(.silent, "\(device): no answer from \(units) to registers 12/8.")
    }
  }

  private func failed(_ failure: Failure, _ message: String) -> Outcome { .failed(FailureReport(failure, at: .read, message)) }

  // MARK: - Everybody

  /// Whoever answers behind the module, as each is found.
  package func everyone(name: String?, _ found: (Found) throws -> Void) throws {
    if case .device(var alone) = try look(at: ReadRequest.anyUnit, timeout: Self.patience, owing: false, asksModel: true) {
      if let name, let profile = AdvertisedName(name).profile { (alone.profile, alone.confidence) = (profile, .name) }
      return try found(alone)
    }
    for unit in Self.hubUnits {
      // An inverter's first answer may take longer.
      let timeout = Self.hubPatience * (unit == 32 ? 2 : 1)
      switch try look(at: unit, timeout: timeout, owing: true, asksModel: true) {
      case .device(let one): try found(one)
      case .outOfTime: return
      case .silent, .bad, .stranger: continue
      }
    }
  }

  // MARK: - The rules

  /// A controller's or a DC-DC charger's model is in register 12; a battery's in 5122, an inverter's in 4311, where it has one; every
  /// inverter has 4000.
  ///
  /// - Parameters:
  ///   - owing: another unit was asked the same, and may still answer.
  ///   - asksModel: also where the poll that follows asks for it.
  private func look(at unit: UInt8, timeout: Duration, owing: Bool, asksModel: Bool = false) throws -> Look {
    func text(
      _ register: UInt16, _ timeout: Duration, owing: Bool = false
    ) throws -> (BlockReader<L>.Answer, model: String?) {
      let answer = try reader.read(ReadRequest(unit: unit, register: register, words: 8), timeout: timeout, owing: owing)
      guard case .words(_, let words) = answer, case .text(let model) = Coding.text(words: 8).decode(words, variant: nil) else {
        return (answer, nil)
      }
      return (answer, model)
    }
    func found(_ profile: String, _ confidence: Confidence, _ model: String? = nil) -> Look {
      .device(Found(unit: unit, profile: profile, confidence: confidence, model: model))
    }
    let first = try text(12, timeout, owing: owing)
    switch first.0 {
    case .silent: return .silent
    case .outOfTime: return .outOfTime
    case .bad(let fault): return .bad(fault)
    case .words:
      let told = Self.controller(first.model)
      return found(told.profile, told.confidence, first.model)
    case .unsupported, .exception: break
    }
    // It is there, so that its silence now says that it has no such registers.
    let battery = try text(5122, Self.patience)
    if case .words = battery.0 { return found("battery", battery.model == nil ? .guess : .model, battery.model) }
    guard battery.0.isRefusal else { return Self.ended(battery.0, unit) }
    let values = try reader.read(ReadRequest(unit: unit, register: 4000, words: 10), timeout: Self.patience)
    guard case .words = values else { return Self.ended(values, unit) }
    // Some have no such register, or do not answer it.
    let model = asksModel ? try text(4311, Self.patience).model : nil
    return found("inverter", model == nil ? .guess : .model, model)
  }

  /// By the text in register 12.
  package static func controller(_ model: String?) -> (profile: String, confidence: Confidence) {
    guard let model else { return ("controller", .guess) }
    if model.hasPrefix("RBC") || model.contains("DCC") { return ("dcdc", .model) }
    if model.hasPrefix("RIV") { return ("inverter", .model) }
    return ("controller", ["RNG-CTRL", "MT", "ML"].contains(where: model.hasPrefix) ? .model : .guess)
  }

  private static func ended(_ answer: BlockReader<L>.Answer, _ unit: UInt8) -> Look {
    switch answer {
    case .bad(let fault): .bad(fault)
    case .outOfTime: .outOfTime
    case .words, .unsupported, .exception, .silent: .stranger(unit)
    }
  }
}

extension BlockReader.Answer {
  fileprivate var isRefusal: Bool {
    switch self {
    case .unsupported, .exception: true
    case .words, .silent, .outOfTime, .bad: false
    }
  }
}
