import FoundationEssentials
package import Readings

/// All that outlives this process: of each device its last real readings and measures, of each module what policy has counted and
/// learned, and the last events. As small documents, each of which stands alone: one that cannot be read costs nothing but itself.
package struct FleetMemory: Equatable, Sendable {
  package struct Document: Equatable, Sendable {
    /// `device`, `module`, `adapter` or `event`.
    package var kind: String
    /// The device's name, the module's address, the adapter's name, where `any` is any, or the event's number.
    package var key: String
    /// JSON; the same text as long as nothing has changed.
    package var text: String

    package init(kind: String, key: String, text: String) {
      self.kind = kind
      self.key = key
      self.text = text
    }
  }

  package var devices: [String: DeviceRecord.Keepsake] = [:]
  package var modules: [Address: ModuleMachine.Keepsake] = [:]
  package var adapters: [String?: AdapterMachine.Keepsake] = [:]
  package var events = EventLog()
  /// Documents that could not be read.
  package private(set) var unread = 0

  package init() {}

  package init(_ documents: [Document]) {
    var numbered: [Int: FleetEvent] = [:]
    for document in documents {
      let bytes = Array(document.text.utf8)
      switch document.kind {
      case "device":
        guard let kept = try? Wire.decode(DeviceRecord.Keepsake.self, from: bytes) else { break }
        devices[document.key] = kept
        continue
      case "module":
        guard let address = Address(document.key), let kept = try? Wire.decode(ModuleMachine.Keepsake.self, from: bytes) else {
          break
        }
        modules[address] = kept
        continue
      case "adapter":
        guard let kept = try? Wire.decode(AdapterMachine.Keepsake.self, from: bytes) else { break }
        adapters[document.key == Self.anyAdapter ? nil : document.key] = kept
        continue
      case "event":
        guard let number = Int(document.key), let event = try? Wire.decode(FleetEvent.self, from: bytes) else { break }
        numbered[number] = event
        continue
      default: break
      }
      unread += 1
    }
    events = EventLog(kept: numbered)
  }

  package var documents: [Document] {
    devices.compactMap { Self.document("device", $0.key, $0.value) }
      + modules.compactMap { Self.document("module", $0.key.text, $0.value) }
      + adapters.compactMap { Self.document("adapter", $0.key ?? Self.anyAdapter, $0.value) }
      + events.numbered.compactMap { Self.document("event", "\($0.number)", $0.event) }
  }

  private static let anyAdapter = "any"

  private static func document(_ kind: String, _ key: String, _ value: some Encodable) -> Document? {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard let bytes = try? encoder.encode(value) else { return nil }
    return Document(kind: kind, key: key, text: String(decoding: bytes, as: UTF8.self))
  }
}
