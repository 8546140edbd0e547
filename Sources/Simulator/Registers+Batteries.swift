// Batteries: three of one hub, and one of each family. What was captured of a real one is as it was; the rest is plausible by the
// register table.

extension Registers {
  static let rbt50lfp48sA = Registers(
    model: "RBT50LFP48S",
    blocks: [
      Block(
        first: 5000, origin: .capture(id: "f005", source: "charlieh0tel/renogy-rs"),
        words: [
          0x000f, 0x0022, 0x0022, 0x0022, 0x0022, 0x0022, 0x0022, 0x0022, 0x0022, 0x0022, 0x0023, 0x0023, 0x0022, 0x0022, 0x0022,
          0x0022, 0x0000, 0x000f, 0x0082, 0x0082, 0x0082, 0x0082, 0x0082, 0x0082, 0x0082, 0x0082, 0x008c, 0x008c, 0x008c, 0x008c,
          0x008c, 0x008c, 0x008c, 0x0000,
        ]),
      Block(
        first: 5042, origin: .capture(id: "f001", source: "charlieh0tel/renogy-rs"),
        words: [0x0000, 0x020c, 0x0000, 0xc2b2, 0x0000, 0xc350]),
      Block(first: 5048, origin: .table, words: limits(cycles: 5)),
      Block(first: 5100, origin: .table, words: [0, 0, 0, 0]),
      Block(
        first: 5104, origin: .capture(id: "f002", source: "charlieh0tel/renogy-rs"),
        words: [
          0x0000, 0x0000, 0x000e, 0x0a00, 0x0000, 0x00c0, 0x3232, 0x5242, 0x4834, 0x4130, 0x3531, 0x3032, 0x3030, 0x3030, 0x3031,
          0x3030, 0x3031, 0x3139, 0x5242, 0x5435, 0x304c, 0x4650, 0x3438, 0x5300, 0x0000, 0x0000, 0x5631, 0x3034,
        ]),
    ])

  static let rbt50lfp48sB = Registers(
    model: "RBT50LFP48S",
    blocks: [
      Block(
        first: 5000, origin: .capture(id: "f008", source: "charlieh0tel/renogy-rs"),
        words: [
          0x000f, 0x0022, 0x0022, 0x0022, 0x0022, 0x0022, 0x0022, 0x0022, 0x0022, 0x0022, 0x0022, 0x0022, 0x0022, 0x0022, 0x0022,
          0x0022, 0x0000, 0x000f, 0x0082, 0x0082, 0x0082, 0x0082, 0x0082, 0x0082, 0x0082, 0x0082, 0x008c, 0x008c, 0x0082, 0x0082,
          0x0082, 0x0082, 0x008c, 0x0000,
        ]),
      Block(
        first: 5042, origin: .capture(id: "f003", source: "charlieh0tel/renogy-rs"),
        words: [0x0000, 0x020c, 0x0000, 0xc2ad, 0x0000, 0xc34b]),
      Block(first: 5048, origin: .table, words: limits(cycles: 5)),
      Block(first: 5100, origin: .table, words: [0, 0, 0, 0]),
      Block(
        first: 5104, origin: .capture(id: "f004", source: "charlieh0tel/renogy-rs"),
        words: [
          0x0000, 0x0000, 0x000e, 0x0a00, 0x0000, 0x00c0, 0x3232, 0x5242, 0x4834, 0x4130, 0x3531, 0x3032, 0x3030, 0x3030, 0x3031,
          0x3030, 0x3031, 0x3139, 0x5242, 0x5435, 0x304c, 0x4650, 0x3438, 0x5300, 0x0000, 0x0000, 0x5631, 0x3034,
        ]),
    ])

  /// Discharging.
  static let rbt50lfp48sC = Registers(
    model: "RBT50LFP48S",
    blocks: [
      Block(first: 5000, origin: .table, words: cells(15, 33) + probes([135, 136, 140])),
      Block(first: 5042, origin: .table, words: [0xff9c, 522, 0, 0xa410, 0, 0xc350], moving: [5042]),
      Block(first: 5048, origin: .table, words: limits(cycles: 41)),
      Block(first: 5100, origin: .table, words: [0, 0, 0, 0]),
      Block(
        first: 5104, origin: .table, words: [0, 0, 0x000e, 0, 0, 0x00c0] + identity("SIMULATED0000003", "RBT50LFP48S", "V104")),
    ])

  static let rbt100lfp12bt = Registers(
    model: "RBT100LFP12-BT",
    blocks: [
      Block(first: 5000, origin: .table, words: cells(4, 34) + probes([200, 190])),
      Block(first: 5042, origin: .table, words: [0xffaa, 136, 1, 0x7bb0, 1, 0x86a0], moving: [5042]),
      Block(first: 5048, origin: .table, words: limits(cycles: 15)),
      Block(first: 5100, origin: .table, words: [0, 0, 0, 0]),
      Block(
        first: 5104, origin: .capture(id: "f031", source: "patman15/aiobmsble"),
        words: [
          0x0000, 0x0000, 0x0006, 0x0000, 0x0000, 0x00c8, 0x3230, 0x3231, 0x3035, 0x3236, 0x0000, 0x0000, 0x0000, 0x0000, 0x2020,
          0x2020, 0x2020, 0x2020, 0x5242, 0x5431, 0x3030, 0x4c46, 0x5031, 0x322d, 0x4254, 0x2020, 0x3031, 0x3030,
        ]),
    ])

  /// Pro: its current is in units of 0.1 A.
  static let rngrbp1228 = Registers(
    model: "RNGRBP1228",
    blocks: [
      Block(
        first: 5000, origin: .capture(id: "f039", source: "patman15/aiobmsble"),
        words: [
          0x0004, 0x0021, 0x0021, 0x0021, 0x0021, 0x0000, 0x0000, 0x0000, 0x0000, 0x0000, 0x0000, 0x0000, 0x0000, 0x0000, 0x0000,
          0x0000, 0x0000, 0x0003, 0x0111, 0x010c, 0x0113, 0x0000, 0x0000, 0x0000, 0x0000, 0x0000, 0x0000, 0x0000, 0x0000, 0x0000,
          0x0000, 0x0000, 0x0000, 0x0000,
        ]),
      Block(first: 5042, origin: .table, words: [0xfff4, 133, 3, 0x2d00, 3, 0x3900], moving: [5042]),
      Block(first: 5048, origin: .table, words: limits(cycles: 30)),
      Block(
        first: 5100, origin: .capture(id: "f041", source: "patman15/aiobmsble"),
        words: [0x0000, 0x0000, 0x0000, 0x0000, 0x0000, 0x0000, 0x000e, 0x0000]),
      Block(first: 5108, origin: .table, words: [0, 0x00c0] + identity("SIMULATED0000004", "RBT12200LFP", "0100")),
    ])

  /// RNGPRO: 0.01 A, and words for cell alarms that mean something else.
  static let rbt12500lfpSHBT = Registers(
    model: "RBT12500LFP-SHBT",
    blocks: [
      Block(first: 5000, origin: .table, words: cells(4, 33) + probes([215, 216])),
      Block(
        first: 5042, origin: .capture(id: "f045", source: "IAmTheMitchell/renogy-ble"),
        words: [0xff37, 0x0085, 0x0007, 0x46ee, 0x0007, 0xa120, 0x0018]),
      Block(first: 5049, origin: .table, words: Array(limits(cycles: 0).dropFirst())),
      Block(
        first: 5100, origin: .capture(id: "f047", source: "IAmTheMitchell/renogy-ble"),
        words: [0x0000, 0x00aa, 0x0000, 0x0000, 0x0000, 0x0000, 0x0006, 0x0000]),
      Block(first: 5108, origin: .table, words: [0, 0x00c0] + identity("SIMULATED0000005", "RBT12500LFP-SHBT", "0200")),
    ])

  /// 5000 to 5016: how many there are, and each in units of 0.1 V.
  private static func cells(_ count: Int, _ decivolts: UInt16) -> [UInt16] {
    [UInt16(count)] + (0..<16).map { $0 < count ? decivolts : 0 }
  }

  /// 5017 to 5033, in units of 0.1 °C.
  private static func probes(_ temperatures: [UInt16]) -> [UInt16] {
    [UInt16(temperatures.count)] + temperatures + [UInt16](repeating: 0, count: 16 - temperatures.count)
  }

  /// 5048 to 5052: cycles; 58.0 V and 40.0 V, 50 A and -50 A.
  private static func limits(cycles: UInt16) -> [UInt16] { [cycles, 580, 400, 5000, UInt16(bitPattern: -5000)] }

  /// 5110 to 5131: serial number, versions, name, software.
  private static func identity(_ serial: String, _ name: String, _ software: String) -> [UInt16] {
    ascii(serial, words: 8) + ascii("01000119", words: 4) + ascii(name, words: 8) + ascii(software, words: 2)
  }
}
