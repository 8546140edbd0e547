// Controllers and DC-DC chargers. What was captured of a real one is as it was; the rest is plausible by the register tables.

extension Registers {
  /// A Rover 40A in little light, its battery full.
  static let rngCtrlRVR40 = Registers(
    model: "RNG-CTRL-RVR40",
    blocks: [
      Block(
        first: 12, origin: .capture(id: "f056", source: "IAmTheMitchell/renogy-ble"),
        words: [0x2020, 0x524e, 0x472d, 0x4354, 0x524c, 0x2d52, 0x5652, 0x3430]),
      Block(first: 26, origin: .capture(id: "f057", source: "IAmTheMitchell/renogy-ble"), words: [0x0010]),
      Block(
        first: 256, origin: .capture(id: "f075", source: "SleeplessAnnoyedNerd/renogy_bt1_via_arduino_ble"),
        words: [
          0x0064, 0x0092, 0x0007, 0x0d19, 0x0000, 0x0000, 0x0000, 0x02fd, 0x0001, 0x0001, 0x0000, 0x007f, 0x0093, 0x00ca, 0x0000,
          0x0019, 0x0000, 0x0009, 0x0000, 0x007d, 0x0000, 0x00a0, 0x000d, 0x0193, 0x0000, 0x03cc, 0x0000, 0x0000, 0x0000, 0x3326,
          0x0000, 0x0000, 0x0004, 0x0000,
        ]),
      Block(first: 10, origin: .table, words: [0x1828, 0x2800]),
      Block(first: 20, origin: .table, words: [0x0003, 0x0201, 0x0001, 0x0203]),  // software 3.2.1, hardware 1.2.3
      Block(first: 24, origin: .table, words: [0x1501, 0x002a]),
      Block(first: 0xe002, origin: .table, words: [200, 0x0c0c, 4]),  // 200 Ah, 12 V, lithium
    ],
    days: [
      [127, 147, 202, 0, 25, 0, 9, 0, 125, 0], [126, 146, 310, 0, 44, 0, 12, 0, 160, 0],
      [128, 144, 250, 0, 35, 0, 10, 0, 140, 0],
    ])

  /// A DCC50S: the sun and the alternator both charge.
  static let rbc50d1sG1 = Registers(
    model: "RBC50D1S-G1",
    blocks: [
      Block(
        first: 256, origin: .capture(id: "f066", source: "markwilkie/Renogy-BT2-Reader"),
        words: [0x0064, 0x0084, 0x0049, 0x1a19, 0x0080, 0x0000, 0x0000]),
      Block(
        first: 263, origin: .capture(id: "f067", source: "markwilkie/Renogy-BT2-Reader"), words: [0x00a8, 0x0037, 0x000a, 0x0000]),
      Block(
        first: 20, origin: .capture(id: "f064", source: "markwilkie/Renogy-BT2-Reader"), words: [0x0002, 0x0200, 0x0002, 0x0200]),
      Block(first: 24, origin: .capture(id: "f065", source: "markwilkie/Renogy-BT2-Reader"), words: [0x150c, 0x0001, 0x0060]),
      Block(
        first: 0xe001, origin: .capture(id: "f069", source: "markwilkie/Renogy-BT2-Reader"),
        words: [
          0x0bb8, 0x00c8, 0x0c0c, 0x0000, 0x0096, 0x009b, 0x0092, 0x0092, 0x008a, 0x0084, 0x007e, 0x0079, 0x006f, 0x006a, 0x6432,
          0x0005, 0x0000, 0x000f, 0x0000, 0x0000, 0x0004, 0x0064, 0x0000, 0x0046, 0x0004, 0x0032, 0x1400, 0x0014, 0x0010, 0x0005,
          0x0005, 0x0000, 0x0000,
        ]),
      Block(first: 12, origin: .table, words: ascii("  RBC50D1S-G1", words: 8)),
      // Of today: lowest and highest V, highest A, W, Ah, Wh; days, over-discharges, full charges; for ever: Ah, Wh.
      Block(
        first: 267, origin: .table,
        words: [
          128, 146, 3010, 0, 440, 0, 31, 0, 434, 0, 703, 4, 1435, 0, 5607, 0, 0, 1, 0x2b24, 0, 0,
        ], moving: [275]),
      Block(first: 288, origin: .table, words: [2, 0, 0, 0, 267, 4, 1], moving: [292]),
    ])

  /// One of the sixth generation: registers end at 0x0121, and nothing is said to a read that begins at 0x0120.
  static let rbc30d1sG6 = Registers(
    model: "RBC30D1S-G6",
    blocks: [
      Block(first: 12, origin: .table, words: ascii("  RBC30D1S-G6", words: 8)),
      Block(first: 20, origin: .table, words: [0x0002, 0x0200, 0x0002, 0x0200]),
      Block(first: 24, origin: .table, words: [0x150c, 0x0002, 96]),
      Block(
        first: 256, origin: .table,
        words: [
          96, 133, 1250, 0x1a19, 138, 1310, 180, 0, 0, 166, 0, 128, 146, 3010, 0, 440, 0, 31, 0, 434, 0, 703, 4, 1435, 0, 5607, 0,
          0,
          1, 0x2b24, 0, 0, 4, 0,
        ], moving: [258]),
      Block(first: 0xe002, origin: .table, words: [100, 0x0c0c, 4]),
    ],
    mute: [288])
}
