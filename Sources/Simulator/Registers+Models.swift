extension Registers {
  /// By the name that a set-up gives.
  package static let models: [String: Registers] = [
    "RIV4835CSH1S": riv4835csh1s, "RIV1230RCH-SPS": riv1230rchSPS, "RNG-CTRL-RVR40": rngCtrlRVR40, "RBC50D1S-G1": rbc50d1sG1,
    "RBC30D1S-G6": rbc30d1sG6, "RBT50LFP48S-A": rbt50lfp48sA, "RBT50LFP48S-B": rbt50lfp48sB, "RBT50LFP48S-C": rbt50lfp48sC,
    "RBT100LFP12-BT": rbt100lfp12bt, "RNGRBP1228": rngrbp1228, "RBT12500LFP-SHBT": rbt12500lfpSHBT, "RTMShunt300": rtmShunt300,
  ]

  /// A REGO 12 V 3 kW inverter charger: its battery current is positive while charging.
  static let riv1230rchSPS = Registers(
    model: "RIV1230RCH-SPS",
    blocks: [
      Block(first: 4000, origin: .table, words: [1249, 0, 1247, 119, 6000, 144, 390, 0, 0, 6000], moving: [4003]),
      Block(first: 4109, origin: .table, words: [32]),
      Block(first: 4112, origin: .table, words: ascii("SIMULATED000000002", words: 9)),
      Block(first: 4311, origin: .table, words: ascii("RIV1230RCH-SPS", words: 8)),
      Block(first: 4319, origin: .table, words: ascii("300*107*160*403", words: 8)),
      Block(first: 4327, origin: .table, words: [100, 7, 200, 5, 10, 4, 10]),
      Block(first: 4398, origin: .table, words: [12, 0, 0, 0]),  // there is no mains
      Block(first: 4405, origin: .table, words: [5]),  // on the battery
      Block(first: 4408, origin: .table, words: [12, 130, 150, 0, 0, 5]),
      Block(first: 4543, origin: .table, words: [0xffff, 0xffff, 0xffff, 0xffff]),  // it keeps no statistics
    ])

  /// A 48 V 3.5 kW inverter charger on a BT-2, charging from the mains and the sun.
  package static let riv4835csh1s = Registers(
    model: "RIV4835CSH1S",
    blocks: [
      // AC input V, A; AC output V, A, Hz; battery V; temperature; status bits; AC input Hz.
      Block(
        first: 4000, origin: .capture(id: "f048", source: "IAmTheMitchell/renogy-ble"),
        words: [0x046f, 0x06a4, 0x046b, 0x001e, 0x1771, 0x0200, 0x0227, 0x0000, 0x0000, 0x1771]),
      // Load A, W, VA; inverter DC component; mains charging A; load %.
      Block(
        first: 4408, origin: .capture(id: "f051", source: "IAmTheMitchell/renogy-ble"),
        words: [0x0002, 0x0014, 0x0016, 0x0000, 0x0171, 0x0000]),
      Block(first: 4109, origin: .table, words: [32]),  // device id
      Block(first: 4112, origin: .table, words: ascii("SIMULATED000000001", words: 9)),  // serial
      Block(first: 4303, origin: .table, words: ascii("RENOGY", words: 8)),  // company
      Block(first: 4311, origin: .table, words: ascii("RIV4835CSH1S", words: 8)),
      Block(first: 4319, origin: .table, words: ascii("SIMULATED", words: 8)),  // version text
      // SOC %; battery current 0.1 A, negative while charging on this model; PV 0.1 V, 0.1 A, W; charge state; charging W.
      Block(
        first: 4327, origin: .table, words: [87, UInt16(bitPattern: -495), 617, 105, 648, 1, 2535], moving: [4329, 4331, 4333]),
      // Today: Ah in and out, 0.1 kWh of the sun and of the load; for ever: the two energies.
      Block(first: 4543, origin: .table, words: [41, 17, 35, 19]),
      Block(first: 4554, origin: .table, words: [0, 12_345, 0, 6789]),
      Block(first: 4398, origin: .table, words: [0, 0, 0, 0]),  // no active fault
      Block(first: 4405, origin: .table, words: [4]),  // on mains
      Block(first: 4407, origin: .table, words: [3800], moving: [4407]),  // bus 0.1 V
      Block(first: 4414, origin: .table, words: [412, 398], moving: [4414, 4415]),  // heatsinks 0.1 C
      Block(first: 4422, origin: .table, words: [800]),  // total charge current limit 0.1 A
      Block(first: 4430, origin: .table, words: [440]),  // under-voltage warning 0.1 V
      Block(first: 0xe205, origin: .table, words: [50]),  // AC charge current limit 0.1 A
    ])

  /// Two characters a word, padded with NUL as the devices do.
  static func ascii(_ text: String, words: Int) -> [UInt16] {
    let bytes = Array(text.utf8) + [UInt8](repeating: 0, count: words * 2)
    return (0..<words).map { UInt16(bytes[$0 * 2]) << 8 | UInt16(bytes[$0 * 2 + 1]) }
  }
}
