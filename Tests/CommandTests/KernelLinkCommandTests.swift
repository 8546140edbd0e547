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
    .timeLimit(.minutes(5)),
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
    #expect(device.readings.count == Scene.inverterReadings)
    #expect(try await scene.quiet() != nil)
    await scene.end()
  }

  @Test func `a link that is none is named`() async throws {
    let scene = try await Scene.one()
    let run = try await scene.blupow(["poll", "--link", "wire"], config: PollCommandTests.config)
    #expect(run.exitCode == 64)
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `a link that stood is freed, and the log says so`() async throws {
    let scene = try await Scene.one()
    _ = try await scene.tell(#"{"do":"link","address":"D8:B6:73:BF:4F:75","owner":"other"}"#)
    let run = try await scene.blupow(
      ["poll", "--json", "-v"], config: PollCommandTests.config, more: ["BLUPOW_ATT_SOCKETS": scene.simulation.attSockets])
    #expect(run.exitCode == 0, "\(run.errors)")
    #expect(try device(run).link == .kernel)
    #expect(run.errors.contains("that link was freed"), "\(run.errors)")
    await scene.end()
  }

  @Test(
    .timeLimit(.minutes(5)),
    arguments: [
      ([], LinkKind.kernel), (["--link", "auto"], .kernel), (["--link", "kernel"], .kernel), (["--link", "bluez"], .bluez),
    ])
  func `a demo takes either link, and says which`(arguments: [String], link: LinkKind) async throws {
    let scene = try await Scene.start("{}")
    let run = try await scene.blupow(["demo", "--for", "4s"] + arguments, more: ["TMPDIR": scene.simulation.directory])
    #expect(run.exitCode == 0, "\(run.errors)")
    #expect(run.output.contains("Inverter: connected"), "\(run.output)")
    #expect(run.output.contains("Links: the kernel's own") == (link == .kernel))
    // What it was, beside what it was to be.
    let last = link == .kernel ? "the last by the kernel's link." : "the last by bluetoothd's link."
    #expect(run.output.contains(last), "\(run.output)")
    await scene.end()
  }

  @Test func `a demo takes no link that is none`() async throws {
    let scene = try await Scene.start("{}")
    #expect(try await scene.blupow(["demo", "--link", "wire"]).exitCode == 64)
    await scene.end()
  }
}
