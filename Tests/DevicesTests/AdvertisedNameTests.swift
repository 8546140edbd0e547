import Devices
import Testing

@Suite struct AdvertisedNameTests {
  @Test(
    arguments: [
      ("BTRIC134000035", true, "inverter"), ("RNGRIU12345", true, "inverter"), ("RTMShunt300AABBCC", true, "shunt300"),
      ("RNGPRO125BAT-EF036881", true, "battery"), ("RNGRBP1234", true, "battery"), ("RNGC122BAT28000194", true, "battery"),
      ("BT-TH-66E5CDEB", true, nil), ("Fridge", false, nil),
    ] as [(String, Bool, String?)])
  func `a name tells the profile only where it can`(text: String, isRenogy: Bool, profile: String?) {
    let name = AdvertisedName(text)
    #expect(name.isRenogy == isRenogy)
    #expect(name.profile == profile)
  }

  @Test func `what a terminal would obey is not part of a name, nor more than a name may be`() {
    #expect(AdvertisedName("BT-TH-\u{1B}[31m\n1").text == "BT-TH-?[31m?1")
    #expect(AdvertisedName("BT-TH-" + String(repeating: "é", count: 100)).text.utf8.count == 64)
  }

  @Test func `the padding that modules advertise is not part of the name`() {
    #expect(AdvertisedName("BT-TH-66E5CDEB    ").text == "BT-TH-66E5CDEB")
  }
}
