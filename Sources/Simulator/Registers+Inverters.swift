extension Registers {
  static let inverters = [riv4835csh1s, riv1230rchsps]

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
      // LFP16; equalize, boost, float, boost return, over-discharge return, under-voltage warning, over-discharge, limit 0.1 V;
      // over-discharge delay s; equalize and boost min; equalize interval d; to mains 0.1 V.
      Block(first: 4424, origin: .table, words: [6, 576, 568, 544, 528, 496, 440, 432, 424, 5, 120, 120, 30, 492]),
      // To the inverter 0.1 V; equalize timeout min; output priority; frequency 0.01 Hz; AC range; power saving.
      Block(first: 4439, origin: .table, words: [536, 240, 0, 6000, 0, 0]),
      Block(first: 4447, origin: .table, words: [2]),  // charge source
      Block(first: 4452, origin: .table, words: [600]),  // over-voltage protection 0.1 V
      Block(first: 4456, origin: .table, words: [300]),  // AC input current limit 0.1 A
      // Today: charge, discharge Ah; PV, load 0.1 kWh.
      Block(first: 4543, origin: .table, words: [86, 41, 38, 23]),
      // Ever: charge, discharge Ah; PV, load 0.1 kWh. Then today: mains charge Ah, load from mains 0.1 kWh.
      Block(first: 4550, origin: .table, words: joined(long(48_212), long(45_377), long(21_468), long(18_355), [12, 9])),
      Block(first: 4564, origin: .table, words: long(4_021)),  // load from mains, ever, 0.1 kWh
      Block(first: 0xe205, origin: .table, words: [50]),  // AC charge current limit 0.1 A
    ])

  /// A REGO, the 12 V 3 kW inverter charger. No frame of one is known: 124.9 V and 1.19 A out, 14.4 V, 0.7 A and 10 W into the battery
  /// and 150 VA are what renogy-bt's README shows of one. Its battery current is positive while it charges.
  static let riv1230rchsps = Registers(
    model: "RIV1230RCH-SPS",
    blocks: [
      // AC input V, A; AC output V, A, Hz; battery V; temperature; status bits; AC input Hz.
      Block(
        first: 4000, origin: .table, words: [1249, 124, 1249, 119, 6000, 144, 300, 0, 0, 6000], moving: [4000, 4002, 4006]),
      Block(first: 4109, origin: .table, words: [32]),  // device id
      Block(first: 4112, origin: .table, words: ascii("SIMULATED000000002", words: 9)),  // serial
      Block(first: 4303, origin: .table, words: ascii("RENOGY", words: 8)),  // company
      Block(first: 4311, origin: .table, words: ascii("RIV1230RCH-SPS", words: 8)),
      Block(first: 4319, origin: .table, words: ascii("SIMULATED", words: 8)),  // version text
      // SOC %; battery current 0.1 A; PV 0.1 V, 0.1 A, W; charge state; charging W.
      Block(first: 4327, origin: .table, words: [100, 7, 0, 0, 0, 2, 10], moving: [4333]),
      Block(first: 4398, origin: .table, words: [0, 0, 0, 0]),  // no active fault
      Block(first: 4405, origin: .table, words: [4]),  // on mains
      // Bus 0.1 V; load 0.1 A, W, VA; inverter DC component; mains charging 0.1 A; load %; heatsinks 0.1 C.
      Block(
        first: 4407, origin: .table, words: [3800, 12, 108, 150, 0, 7, 4, 335, 342], moving: [4409, 4410, 4414, 4415]),
      Block(first: 4422, origin: .table, words: [1500]),  // total charge current limit 0.1 A
      Block(first: 4424, origin: .table, words: [4]),  // battery type: LFP14
      Block(first: 4430, origin: .table, words: [110]),  // under-voltage warning 0.1 V
      Block(first: 4452, origin: .table, words: [155]),  // over-voltage protection 0.1 V
      Block(first: 4456, origin: .table, words: [300]),  // AC input current limit 0.1 A
      // Today: charge, discharge Ah; PV, load 0.1 kWh.
      Block(first: 4543, origin: .table, words: [22, 18, 0, 14]),
      // Ever: charge, discharge Ah; PV, load 0.1 kWh. Then today: mains charge Ah, load from mains 0.1 kWh.
      Block(first: 4550, origin: .table, words: joined(long(6_140), long(5_802), long(0), long(3_377), [22, 12])),
      Block(first: 4564, origin: .table, words: long(2_911)),  // load from mains, ever, 0.1 kWh
    ])
}
