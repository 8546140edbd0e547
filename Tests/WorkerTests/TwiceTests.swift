import Readings
import Rig
import Testing

/// bluetoothd 5.66 keeps the registration of a client that was killed while it subscribed: from then on each notification comes twice.
@Suite struct TwiceTests {
  private static func delays(fragment: Int) -> String {
    """
    {"advertise_ms":5,"connect_ms":0,"services_ms":0,"reply_ms":20,"fragment_ms":\(fragment),"disconnect_ms":20}
    """
  }

  @Test(.timeLimit(.minutes(5)), arguments: [LinkKind.bluez, .kernel], [23, 247])
  func `what comes twice is read once, and no block is taken for another that is as long`(link: LinkKind, mtu: Int) async throws {
    let scene = try await Scene.one(
      #""mtu":\#(mtu),"faults":[{"fault":"twice"}]"#, delays: Self.delays(fragment: 10))
    let plain = try await Scene.one(#""mtu":\#(mtu)"#, delays: Self.delays(fragment: 10))
    let twice = try await scene.poll(link: link)
    #expect(twice.exitCode == 0 && twice.readings?.readings.count == Scene.inverterReadings, "\(twice.raw)")
    #expect(twice.readings?.readings == (try await plain.poll(link: link)).readings?.readings)
    await scene.end()
    await plain.end()
  }
}
