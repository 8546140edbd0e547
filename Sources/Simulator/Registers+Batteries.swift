extension Registers {
  static let batteries = [
    rbt50lfp48sA, rbt50lfp48sB, rbt50lfp48sC, rbt100lfp12bt, rngrbp1228, rbt12500lfpshbt,
  ]

  /// Three 48 V packs of 50 Ah as they stood behind one hub, at units 48, 49 and 50.
  static let rbt50lfp48sA = Registers(
    model: "RBT50LFP48S-A",
    blocks: [
      // 15 cells 0.1 V, and 15 probes 0.1 C.
      Block(
        first: 5000, origin: .capture(id: "f005", source: "charlieh0tel/renogy-rs"),
        words: [
          0x000f, 0x0022, 0x0022, 0x0022, 0x0022, 0x0022, 0x0022, 0x0022, 0x0022, 0x0022, 0x0023, 0x0023,
          0x0022, 0x0022, 0x0022, 0x0022, 0x0000, 0x000f, 0x0082, 0x0082, 0x0082, 0x0082, 0x0082, 0x0082,
          0x0082, 0x0082, 0x008c, 0x008c, 0x008c, 0x008c, 0x008c, 0x008c, 0x008c, 0x0000,
        ]),
      // 0.01 A, 0.1 V, remaining and capacity 0.001 Ah.
      Block(
        first: 5042, origin: .capture(id: "f001", source: "charlieh0tel/renogy-rs"),
        words: [0x0000, 0x020c, 0x0000, 0xc2b2, 0x0000, 0xc350]),
      // Alarms and states, serial, model, version.
      Block(
        first: 5104, origin: .capture(id: "f002", source: "charlieh0tel/renogy-rs"),
        words: [
          0x0000, 0x0000, 0x000e, 0x0a00, 0x0000, 0x00c0, 0x3232, 0x5242, 0x4834, 0x4130, 0x3531, 0x3032,
          0x3030, 0x3030, 0x3031, 0x3030, 0x3031, 0x3139, 0x5242, 0x5435, 0x304c, 0x4650, 0x3438, 0x5300,
          0x0000, 0x0000, 0x5631, 0x3034,
        ]),
    ],
    also: around(address: 48, cycles: 61, limits: [540, 420, 5000, UInt16(bitPattern: -5000)]))

  static let rbt50lfp48sB = Registers(
    model: "RBT50LFP48S-B",
    blocks: [
      Block(
        first: 5000, origin: .capture(id: "f008", source: "charlieh0tel/renogy-rs"),
        words: [
          0x000f, 0x0022, 0x0022, 0x0022, 0x0022, 0x0022, 0x0022, 0x0022, 0x0022, 0x0022, 0x0022, 0x0022,
          0x0022, 0x0022, 0x0022, 0x0022, 0x0000, 0x000f, 0x0082, 0x0082, 0x0082, 0x0082, 0x0082, 0x0082,
          0x0082, 0x0082, 0x008c, 0x008c, 0x0082, 0x0082, 0x0082, 0x0082, 0x008c, 0x0000,
        ]),
      Block(
        first: 5042, origin: .capture(id: "f003", source: "charlieh0tel/renogy-rs"),
        words: [0x0000, 0x020c, 0x0000, 0xc2ad, 0x0000, 0xc34b]),
      Block(
        first: 5104, origin: .capture(id: "f004", source: "charlieh0tel/renogy-rs"),
        words: [
          0x0000, 0x0000, 0x000e, 0x0a00, 0x0000, 0x00c0, 0x3232, 0x5242, 0x4834, 0x4130, 0x3531, 0x3032,
          0x3030, 0x3030, 0x3031, 0x3030, 0x3031, 0x3139, 0x5242, 0x5435, 0x304c, 0x4650, 0x3438, 0x5300,
          0x0000, 0x0000, 0x5631, 0x3034,
        ]),
    ],
    also: around(address: 49, cycles: 60, limits: [540, 420, 5000, UInt16(bitPattern: -5000)]))

  /// The third is by the table, and gives current.
  static let rbt50lfp48sC = Registers(
    model: "RBT50LFP48S-C",
    blocks: [
      cells([UInt16](repeating: 33, count: 15), probes: [UInt16](repeating: 125, count: 15)),
      Block(
        first: 5042, origin: .table, words: joined([UInt16(bitPattern: -326), 504], long(41_320), long(50_000)),
        moving: [5042, 5045]),
      Block(first: 5104, origin: .table, words: joined(states(0x000e, 0), texts("SIMULATED0000050", "RBT50LFP48S", "V104"))),
    ],
    also: around(address: 50, cycles: 58, limits: [540, 420, 5000, UInt16(bitPattern: -5000)]))

  /// A 12 V pack of 100 Ah with a radio of its own. The two captures of its states are of different moments; each comes back whole.
  static let rbt100lfp12bt = Registers(
    model: "RBT100LFP12-BT",
    blocks: [
      Block(
        first: 5104, origin: .capture(id: "f031", source: "patman15/aiobmsble"),
        words: [
          0x0000, 0x0000, 0x0006, 0x0000, 0x0000, 0x00c8, 0x3230, 0x3231, 0x3035, 0x3236, 0x0000, 0x0000,
          0x0000, 0x0000, 0x2020, 0x2020, 0x2020, 0x2020, 0x5242, 0x5431, 0x3030, 0x4c46, 0x5031, 0x322d,
          0x4254, 0x2020, 0x3031, 0x3030,
        ]),
      Block(
        first: 5100, origin: .capture(id: "f033", source: "patman15/aiobmsble"), words: [UInt16](repeating: 0, count: 8)),
      cells([34, 34, 34, 34], probes: [201, 198, 196]),
      // 0.01 A, 0.1 V, remaining and capacity 0.001 Ah.
      Block(
        first: 5042, origin: .table, words: joined([UInt16(bitPattern: -86), 136], long(97_200), long(100_000)),
        moving: [5042, 5045]),
    ],
    also: around(address: 48, cycles: 15, limits: [148, 100, 5000, UInt16(bitPattern: -10_000)], hasAlarms: true))

  /// A Pro, 12 V and 200 Ah: its current is in 0.1 A.
  static let rngrbp1228 = Registers(
    model: "RNGRBP1228",
    blocks: [
      Block(
        first: 5000, origin: .capture(id: "f039", source: "patman15/aiobmsble"),
        words: [
          0x0004, 0x0021, 0x0021, 0x0021, 0x0021, 0x0000, 0x0000, 0x0000, 0x0000, 0x0000, 0x0000, 0x0000,
          0x0000, 0x0000, 0x0000, 0x0000, 0x0000, 0x0003, 0x0111, 0x010c, 0x0113, 0x0000, 0x0000, 0x0000,
          0x0000, 0x0000, 0x0000, 0x0000, 0x0000, 0x0000, 0x0000, 0x0000, 0x0000, 0x0000,
        ]),
      Block(
        first: 5100, origin: .capture(id: "f041", source: "patman15/aiobmsble"), words: [0, 0, 0, 0, 0, 0, 0x000e, 0]),
      Block(first: 5042, origin: .table, words: joined([123, 133], long(183_400), long(200_000)), moving: [5042, 5045]),
      Block(first: 5104, origin: .table, words: joined(states(0x000e, 0), texts("SIMULATED0001228", "RNGRBP1228", "0104"))),
    ],
    also: around(address: 48, cycles: 37, limits: [148, 100, 10_000, UInt16(bitPattern: -20_000)], hasAlarms: true))

  /// An RNGPRO, 12 V and 500 Ah: its current is in 0.01 A, and 5101 of a healthy one is 0x00aa.
  static let rbt12500lfpshbt = Registers(
    model: "RBT12500LFP-SHBT",
    blocks: [
      // 0.01 A, 0.1 V, remaining and capacity 0.001 Ah, cycles.
      Block(
        first: 5042, origin: .capture(id: "f045", source: "IAmTheMitchell/renogy-ble"),
        words: [0xff37, 0x0085, 0x0007, 0x46ee, 0x0007, 0xa120, 0x0018]),
      Block(
        first: 5100, origin: .capture(id: "f047", source: "IAmTheMitchell/renogy-ble"),
        words: [0x0000, 0x00aa, 0x0000, 0x0000, 0x0000, 0x0000, 0x0006, 0x0000]),
      cells([33, 33, 33, 33], probes: [188, 186, 187, 185], moving: [5018, 5019, 5020, 5021]),
      Block(first: 5104, origin: .table, words: joined(states(0x0006, 0), texts("SIMULATED0012500", "RBT12500LFP-SHBT", "0100"))),
    ],
    also: around(address: 48, cycles: nil, limits: [146, 100, 20_000, UInt16(bitPattern: -25_000)], hasAlarms: true))

  // MARK: - What is by the table on all of them

  /// 5000/34: cells 0.1 V, probes 0.1 C.
  private static func cells(_ volts: [UInt16], probes: [UInt16], moving: Set<UInt16> = []) -> Block {
    func padded(_ words: [UInt16]) -> [UInt16] {
      joined([UInt16(words.count)], words, [UInt16](repeating: 0, count: 16 - words.count))
    }
    return Block(first: 5000, origin: .table, words: joined(padded(volts), padded(probes)), moving: moving)
  }

  /// 5104 to 5109: no alarm, two words of states, no cell's voltage error, charging and discharging enabled.
  private static func states(_ first: UInt16, _ second: UInt16) -> [UInt16] { [0, 0, first, second, 0, 0x00c0] }

  /// 5110 to 5131: serial, three versions, model, software version.
  private static func texts(_ serial: String, _ model: String, _ version: String) -> [UInt16] {
    joined(ascii(serial, words: 8), ascii("01000101", words: 4), ascii(model, words: 8), ascii(version, words: 2))
  }

  /// The cycles, unless they are captured; voltage and current limits of charging and discharging; the alarms of cells, unless they
  /// are captured; the address.
  private static func around(address: UInt16, cycles: UInt16?, limits: [UInt16], hasAlarms: Bool = false) -> [Block] {
    var blocks = [Block(first: 5049, origin: .table, words: limits), Block(first: 5223, origin: .table, words: [address])]
    if let cycles { blocks.append(Block(first: 5048, origin: .table, words: [cycles])) }
    if !hasAlarms { blocks.append(Block(first: 5100, origin: .table, words: [0, 0, 0, 0])) }
    return blocks
  }
}
