import Logging
import Policy
import Publishers
import ServiceLifecycle
import Store
import Supervisor
import UnixSignals

/// Reads the configuration again at every SIGHUP. One that is wrong is refused, and the old one stays in force.
struct ReloadService: Service {
  let path: String
  let locks: LockFiles
  let gateway: Gateway
  let publisher: MQTTPublisher
  let history: HistoryKeeper?
  let web: WebServer
  let systemd: SystemdPublisher?
  let hangups: UnixSignalsSequence
  let log: Logger

  func run() async {
    await cancelWhenGracefulShutdown {
      for await _ in hangups {
        await systemd?.reloading()
        await reload()
        await systemd?.reloaded()
      }
    }
  }

  private func reload() async {
    let whole: ConfigFile.Whole
    do {
      whole = try ConfigFile.load(path)
    } catch {
      await gateway.raise(
        Problem(
          .configRefused, message: "The old configuration stays in force, because the new one is wrong: \(error.description)",
          advice: "Mend the file (`blupow config check`), then `systemctl reload blupow`, or send SIGHUP."))
      return
    }
    let config = whole.gateway
    let old = await gateway.config
    locks.make(for: config)
    await gateway.settle(.configRefused)
    await gateway.adopt(config)
    history?.adopt(keep: whole.keep)
    await publisher.adopt(whole.mqtt, PublishedFleet(config))
    await web.adopt(whole.http)
    log.notice("configuration read again: \(config.counted)", metadata: ["gateway": "\(config.name)"])
    for (key, isSame) in [
      ("state_dir", config.stateDirectory == old.stateDirectory), ("diagnostics", config.diagnostics == old.diagnostics),
    ] where !isSame { log.warning("\(key) has changed: that takes a restart of the service") }
  }
}
