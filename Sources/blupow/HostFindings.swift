import Foundation
import Policy
import Readings
import Store

/// What is to be said of this host beside its radio.
enum HostFindings {
  // MARK: The worker

  /// - Parameters:
  ///   - said: what it prints of its version; `nil`: nothing.
  ///   - own: what this release's prints.
  static func worker(at path: String, said: String?, own: String) -> Finding {
    guard let said else {
      return .fault(
        .worker, "\(path) does not say its version.",
        advice: "Install blupow and blupow-worker again, both from the same release; `blupow-worker --version` tries it.")
    }
    guard said == own else {
      let other = Printable.text(said, maxBytes: 200)
      return .fault(
        .worker, FailureReport(.versionUnknown, at: .start, "\(path) is of another release: \(other), in place of \(own)."))
    }
    return .ok(.worker, "\(path) is \(own).")
  }

  // MARK: Limits

  static func limits(_ limits: ProcessLimits) -> [Finding] {
    var faults: [Finding] = []
    if limits.descriptors < ProcessLimits.leastDescriptors {
      faults.append(
        .fault(
          .limits,
          "Programs started here may have only \(limits.descriptors) files and sockets open; a service needs \(ProcessLimits.leastDescriptors).",
          advice: "`ulimit -n 1024` for this shell; for the service LimitNOFILE=1024 (`systemctl edit blupow`)."))
    }
    if let room = limits.room, room.left < ProcessLimits.leastRoom {
      faults.append(
        .fault(
          .limits,
          "Only \(max(0, room.left)) more processes and threads may be started of \(room.limit) (\(room.by)); a service needs \(ProcessLimits.leastRoom).",
          advice:
            "End what is not needed, or raise it: `ulimit -u 1024` for this shell, TasksMax=256 for the service (`systemctl edit blupow`)."
        ))
    }
    guard faults.isEmpty else { return faults }
    let room = limits.room.map { ", \($0.left) more processes" } ?? ""
    return [.ok(.limits, "Room for \(limits.descriptors == .max ? "any number of" : "\(limits.descriptors)") files\(room).")]
  }

  // MARK: The clock

  /// Before this program was written: 2025.
  private static let earliest = Date(timeIntervalSince1970: 1_735_689_600)

  static func clock(wall: Date, isSynchronised: Bool) -> Finding {
    guard wall >= earliest else {
      return .fault(
        .clock, "The clock was never set: it says \(wall.rfc3339).",
        advice:
          "`timedatectl set-ntp true` where there is a network, else `date -s`; until then nobody knows when anything was read.")
    }
    guard isSynchronised else {
      // No fault: on a boat without a network it stays so, and what is wrong with it costs little.
      return .unknown(
        .clock, "Nobody vouches for the clock: it is not synchronised, by the kernel's word. It says \(wall.rfc3339).",
        advice:
          "`timedatectl set-ntp true` (`timedatectl timesync-status` shows whom it asks); until then readings that were kept over a reboot are of no known age."
      )
    }
    return .ok(.clock, "The clock is synchronised.")
  }

  // MARK: BlueZ

  /// - Parameter said: what `bluetoothd --version` prints; `nil`: it was not found, or said nothing.
  static func bluez(at path: String?, said: String?) -> Finding {
    guard let path else {
      return .unknown(
        .bluez, "bluetoothd's version is not known: it is neither in PATH nor at its usual places.",
        advice: "`bluetoothctl --version` tells it.")
    }
    guard let said, let version = BlueZVersion(said) else {
      return .unknown(.bluez, "\(path) does not say its version.", advice: "`bluetoothctl --version` tells it.")
    }
    let faults = version.faults
    let words = faults.map(\.text).joined(separator: "; it ")
    guard faults.contains(where: \.isInTheWay) else {
      return .ok(.bluez, "\(path) is \(version)." + (faults.isEmpty ? "" : " It \(words). BluPow allows for that."))
    }
    return .fault(
      .bluez, "\(path) is \(version), which has known faults: it \(words).",
      advice:
        "`apt-get install --only-upgrade bluez`, or a newer release of the system; `link: kernel` in the configuration does without."
    )
  }

  // MARK: The state directory

  static func state(at path: String?, trouble: StoreTrouble?) -> Finding {
    guard let path else {
      return .unknown(
        .state, "Nothing says where to keep what survives a restart.", advice: "Set state_dir in the configuration.")
    }
    guard let trouble else { return .ok(.state, "\(path) can be written.") }
    return .fault(.state, trouble.message, advice: "\(trouble.advice) `df -h \(path)` and `ls -ld \(path)` show it.")
  }
}
