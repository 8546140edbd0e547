extension Registers {
  static let dcdcs = [rbc50d1sg1, rbc30d1sg6]

  /// A DC-DC charger of 50 A that charges from the sun.
  static let rbc50d1sg1 = Registers(
    model: "RBC50D1S-G1",
    blocks: [
      Block(first: 0x000c, origin: .table, words: ascii("  RBC50D1S-G1", words: 8, padding: 0x20)),
      // Software and hardware versions.
      Block(
        first: 0x0014, origin: .capture(id: "f064", source: "markwilkie/Renogy-BT2-Reader"),
        words: [0x0002, 0x0200, 0x0002, 0x0200]),
      // Serial, address.
      Block(
        first: 0x0018, origin: .capture(id: "f065", source: "markwilkie/Renogy-BT2-Reader"), words: [0x150c, 0x0001, 0x0060]),
      // SOC %; 0.1 V, 0.01 A; temperatures; alternator 0.1 V, 0.01 A, W.
      Block(
        first: 0x0100, origin: .capture(id: "f066", source: "markwilkie/Renogy-BT2-Reader"),
        words: [0x0064, 0x0084, 0x0049, 0x1a19, 0x0080, 0x0000, 0x0000]),
      // Solar 0.1 V, 0.01 A; charging W; reserved.
      Block(
        first: 0x0107, origin: .capture(id: "f067", source: "markwilkie/Renogy-BT2-Reader"),
        words: [0x00a8, 0x0037, 0x000a, 0x0000]),
      // Today: V min, max; A; reserved; W; reserved; Ah; reserved; Wh; reserved. Days; over-discharges; full charges. Ever.
      Block(
        first: 0x010b, origin: .table,
        words: joined([129, 139, 1240, 0, 168, 0, 24, 0, 331, 0, 212, 2, 143], long(3_874), long(0), long(52_918), long(0))),
      // MPPT; fault words; reserved; output W; charging mode: solar to house; ignition: off.
      Block(first: 0x0120, origin: .table, words: [2, 0, 0, 0, 10, 3, 0], moving: [0x0124]),
      // Limit 0.01 A, Ah, system voltage, battery type, thresholds and times.
      Block(
        first: 0xe001, origin: .capture(id: "f069", source: "markwilkie/Renogy-BT2-Reader"),
        words: [
          0x0bb8, 0x00c8, 0x0c0c, 0x0000, 0x0096, 0x009b, 0x0092, 0x0092, 0x008a, 0x0084, 0x007e, 0x0079,
          0x006f, 0x006a, 0x6432, 0x0005, 0x0000, 0x000f, 0x0000, 0x0000, 0x0004, 0x0064, 0x0000, 0x0046,
          0x0004, 0x0032, 0x1400, 0x0014, 0x0010, 0x0005, 0x0005, 0x0000, 0x0000,
        ]),
      Block(first: 0xe02e, origin: .table, words: [100, 100]),  // controller and alternator charging power %
    ])

  /// One of 30 A, on the road. A -G6 ends at 0x121: it answers 34 words from 0x100, and nothing to a read that begins at 0x120.
  static let rbc30d1sg6 = Registers(
    model: "RBC30D1S-G6",
    blocks: [
      Block(first: 0x000c, origin: .table, words: ascii("  RBC30D1S-G6", words: 8, padding: 0x20)),
      Block(first: 0x0014, origin: .table, words: [0x0001, 0x0302, 0x0001, 0x0100]),  // software 1.3.2, hardware 1.1.0
      Block(first: 0x0018, origin: .table, words: [0x1703, 0x0009, 0x0060]),  // serial, address
      Block(
        first: 0x0100, origin: .table,
        words: joined(
          // SOC %; 0.1 V, 0.01 A; 34 and 21 C; alternator 0.1 V, 0.01 A, W; solar 0.1 V, 0.01 A; charging W; reserved.
          [88, 138, 2310, 0x2215, 142, 2268, 322, 0, 0, 318, 0],
          // Today: V min, max; A; reserved; W; reserved; Ah; reserved; Wh; reserved. Days; over-discharges; full charges. Ever.
          [127, 141, 2540, 0, 356, 0, 31, 0, 424, 0, 96, 0, 58], long(1_420), long(0), long(19_340), long(0),
          [8, 0]  // direct, from the alternator; no fault
        ), moving: [0x0101, 0x0102, 0x0104, 0x0105, 0x0106, 0x0109]),
      Block(
        first: 0xe001, origin: .table,
        words: [3000, 100, 0x0c0c, 4, 160, 155, 144, 144, 138, 132, 126, 120, 111, 106, 0x6432, 5, 0, 120, 0, 0]),
      Block(first: 0xe02e, origin: .table, words: [100, 100]),  // controller and alternator charging power %
    ],
    silences: [0x0120])
}
