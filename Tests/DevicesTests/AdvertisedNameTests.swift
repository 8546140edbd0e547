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

  @Test func `the padding that modules advertise is not part of the name`() {
    #expect(AdvertisedName("BT-TH-66E5CDEB    ").text == "BT-TH-66E5CDEB")
  }
}
