extension Registers {
  static let controllers = [rover40, wanderer30]

  /// A Rover of 40 A. Its live block was captured in low light, of another unit on a BT-1, and so never moves.
  static let rover40 = Registers(
    model: "RNG-CTRL-RVR40",
    blocks: [
      Block(first: 0x000a, origin: .table, words: [0x0c28, 0x1400]),  // 12 V, 40 A; 20 A of load, a controller
      // The model, with its spaces.
      Block(
        first: 0x000c, origin: .capture(id: "f056", source: "IAmTheMitchell/renogy-ble"),
        words: [0x2020, 0x524e, 0x472d, 0x4354, 0x524c, 0x2d52, 0x5652, 0x3430]),
      Block(first: 0x0014, origin: .table, words: [0x0001, 0x0204, 0x0002, 0x0000]),  // software 1.2.4, hardware 2.0.0
      Block(first: 0x0018, origin: .table, words: [0x1508, 0x0042]),  // serial
      Block(first: 0x001a, origin: .capture(id: "f057", source: "IAmTheMitchell/renogy-ble"), words: [0x0010]),  // address
      Block(
        first: 0x0100, origin: .capture(id: "f075", source: "SleeplessAnnoyedNerd/renogy_bt1_via_arduino_ble"),
        words: [
          0x0064, 0x0092, 0x0007, 0x0d19, 0x0000, 0x0000, 0x0000, 0x02fd, 0x0001, 0x0001, 0x0000, 0x007f,
          0x0093, 0x00ca, 0x0000, 0x0019, 0x0000, 0x0009, 0x0000, 0x007d, 0x0000, 0x00a0, 0x000d, 0x0193,
          0x0000, 0x03cc, 0x0000, 0x0000, 0x0000, 0x3326, 0x0000, 0x0000, 0x0004, 0x0000,
        ]),
      Block(first: 0x0122, origin: .table, words: [0]),  // reserved
    ],
    also: settings(ampereHours: 100),
    days: days([
      [127, 147, 202, 0, 25, 0, 9, 0, 125, 0], [126, 146, 318, 0, 44, 0, 13, 0, 178, 0],
      [125, 144, 411, 0, 56, 0, 17, 0, 229, 0],
      [126, 144, 96, 0, 13, 0, 3, 0, 41, 0], [124, 142, 388, 0, 53, 0, 15, 0, 203, 0], [125, 147, 455, 0, 64, 0, 19, 0, 262, 0],
      [126, 146, 290, 0, 40, 0, 12, 0, 163, 0],
    ]))

  /// A Wanderer of 30 A at noon, with a load switched on: by the table, so that it moves.
  static let wanderer30 = Registers(
    model: "RNG-CTRL-WND30",
    blocks: [
      Block(first: 0x000a, origin: .table, words: [0x0c1e, 0x1400]),  // 12 V, 30 A; 20 A of load, a controller
      Block(first: 0x000c, origin: .table, words: ascii("  RNG-CTRL-WND30", words: 8)),
      Block(first: 0x0014, origin: .table, words: [0x0001, 0x0103, 0x0001, 0x0000]),  // software 1.1.3, hardware 1.0.0
      Block(first: 0x0018, origin: .table, words: [0x140b, 0x0017]),  // serial
      Block(first: 0x001a, origin: .table, words: [0x0011]),  // address
      Block(
        first: 0x0100, origin: .table,
        words: joined(
          // SOC %, 0.1 V, 0.01 A; 31 and 22 C; load 0.1 V, 0.01 A, W; PV 0.1 V, 0.01 A, W; load command.
          [82, 134, 917, 0x1f16, 134, 156, 21, 182, 675, 123, 0],
          // Today: V min, max; A in, out; W in, out; Ah in, out; Wh in, out. Days; over-discharges; full charges.
          [123, 137, 1104, 214, 152, 29, 38, 9, 519, 121, 412, 3, 288], long(11_806), long(2_950), long(160_561), long(38_940),
          [0x8002, 0]  // load on, MPPT; no fault
        ), moving: [0x0101, 0x0102, 0x0105, 0x0107, 0x0108, 0x0109]),
      Block(first: 0x0122, origin: .table, words: [0]),  // reserved
    ],
    also: settings(ampereHours: 200),
    days: days([
      [123, 137, 1104, 214, 152, 29, 38, 9, 519, 121], [122, 142, 1280, 230, 178, 31, 61, 14, 842, 188],
      [121, 138, 640, 226, 86, 30, 24, 15, 322, 195], [122, 144, 1315, 198, 184, 27, 66, 12, 917, 161],
    ]))

  /// Ah, system voltage, lithium; ten thresholds of 0.1 V; states of charge; delay s, equalize and boost min, interval d,
  /// temperature compensation. Then the load's mode: by hand.
  private static func settings(ampereHours: UInt16) -> [Block] {
    [
      Block(
        first: 0xe002, origin: .table,
        words: [
          ampereHours, 0xff0c, 4, 160, 155, 144, 144, 138, 132, 126, 120, 111, 106, 0x6432, 5, 120, 120, 30, 0,
        ]),
      Block(first: 0xe01d, origin: .table, words: [0x0f]),
    ]
  }

  /// Today first: V min, max (0.1 V); A in, out (0.01 A); W in, out; Ah in, out; Wh in, out.
  private static func days(_ days: [[UInt16]]) -> Pages { Pages(first: 0xf000, pages: days) }
}
