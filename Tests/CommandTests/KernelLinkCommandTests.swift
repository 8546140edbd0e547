import Foundation
import Policy
import Readings
import Rig
import Supervisor
import Testing

/// The whole way by the kernel's link: configuration, request, worker, status.
@Suite struct KernelLinkCommandTests {
  private func device(_ run: CommandRun) throws -> DeviceStatus {
    try #require(try JSONDecoder().decode(FleetStatus.self, from: Data(run.output.utf8)).devices.first, "\(run.errors)")
  }

  @Test(
    .timeLimit(.minutes(1)),
    arguments: [
      ("", [], LinkKind.kernel), ("link: bluez\n", [], .bluez), ("link: kernel\n", ["--link", "bluez"], .bluez),
      ("link: bluez\n", ["--link", "kernel"], .kernel),
    ])
  func `the link is the one that was asked for, and the status says which it was`(
    setting: String, arguments: [String], link: LinkKind
  ) async throws {
    let scene = try await Scene.one()
    let run = try await scene.blupow(
      ["poll", "--json"] + arguments, config: setting + PollCommandTests.config,
      more: ["BLUPOW_ATT_SOCKETS": scene.simulation.attSockets])
    #expect(run.exitCode == 0, "\(run.errors)")
    let device = try device(run)
    #expect(device.link == link)
    #expect(device.readings.count == 22)
    #expect(try await scene.quiet() != nil)
    await scene.end()
  }

  @Test func `a link that is none is named`() async throws {
    let scene = try await Scene.one()
    let run = try await scene.blupow(["poll", "--link", "wire"], config: PollCommandTests.config)
    #expect(run.exitCode == 64)
    await scene.end()
  }
}
