extension Registers {
  /// By the name that a set-up gives.
  package static let models: [String: Registers] = ["RIV4835CSH1S": riv4835csh1s]

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
      Block(first: 4398, origin: .table, words: [0, 0, 0, 0]),  // no active fault
      Block(first: 4405, origin: .table, words: [4]),  // on mains
      Block(first: 4407, origin: .table, words: [3800], moving: [4407]),  // bus 0.1 V
      Block(first: 4414, origin: .table, words: [412, 398], moving: [4414, 4415]),  // heatsinks 0.1 C
      Block(first: 4422, origin: .table, words: [800]),  // total charge current limit 0.1 A
      Block(first: 4430, origin: .table, words: [440]),  // under-voltage warning 0.1 V
      Block(first: 0xe205, origin: .table, words: [50]),  // AC charge current limit 0.1 A
    ])

  /// Two characters a word, padded with NUL as the devices do.
  private static func ascii(_ text: String, words: Int) -> [UInt16] {
    let bytes = Array(text.utf8) + [UInt8](repeating: 0, count: words * 2)
    return (0..<words).map { UInt16(bytes[$0 * 2]) << 8 | UInt16(bytes[$0 * 2 + 1]) }
  }
}
