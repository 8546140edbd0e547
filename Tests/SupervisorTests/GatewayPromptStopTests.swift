import Rig
import Supervisor
import Testing

/// How soon a gateway ends: alone, after the other suites, because a loaded machine would be measured instead.
@Suite struct GatewayPromptStopTests {
  @Test func `cancelling ends a worker that hangs and leaves nothing behind, within 4.5 s`() async throws {
    let gateway = try GatewayTests().gateway(["ignores_sigterm", "of_the_gateway"], devices: 3)
    let running = Task { await gateway.run() }
    // The first of them has begun; the others' starts are spread out.
    while Processes.children(named: "zoo", argument: "of_the_gateway").isEmpty { try await Task.sleep(for: .milliseconds(5)) }
    let mine = Processes.children(named: "zoo", argument: "of_the_gateway")
    let began = ContinuousClock.now
    running.cancel()
    await running.value
    #expect(ContinuousClock.now - began < .milliseconds(4500))
    for pid in mine { #expect(Processes.state(of: pid) == nil) }
  }

  @Test func `cancelling ends even a release that hangs, within 4.5 s`() async throws {
    // A worker that ignores SIGTERM whatever its job is: two seconds for it, then its release.
    let gateway = try GatewayTests().gateway(["-c", "trap '' TERM; exec sleep 61.25"], path: "/bin/sh")
    let running = Task { await gateway.run() }
    while Processes.children(named: "sleep", argument: "61.25").isEmpty { try await Task.sleep(for: .milliseconds(5)) }
    let began = ContinuousClock.now
    running.cancel()
    await running.value
    #expect(ContinuousClock.now - began < .milliseconds(4500))
  }
}
