extension Store {
  /// The name of a record. Names are the same when their bytes are, as for SQLite: Swift's own comparison takes two spellings of an
  /// accented letter for one.
  package struct Key: Hashable, Sendable {
    package var kind: String
    package var key: String

    package init(kind: String, key: String) {
      self.kind = kind
      self.key = key
    }

    package static func == (one: Key, other: Key) -> Bool {
      one.kind.utf8.elementsEqual(other.kind.utf8) && one.key.utf8.elementsEqual(other.key.utf8)
    }

    package func hash(into hasher: inout Hasher) {
      for byte in kind.utf8 { hasher.combine(byte) }
      hasher.combine(UInt8(0xff))
      for byte in key.utf8 { hasher.combine(byte) }
    }
  }

  /// A small document by its name.
  package struct Record: Equatable, Sendable {
    /// What it is of, e.g. "device".
    package var kind: String
    package var key: String
    /// JSON, as a rule; the store does not read it.
    package var text: String

    package init(kind: String, key: String, text: String) {
      self.kind = kind
      self.key = key
      self.text = text
    }

    package var name: Key { Key(kind: kind, key: key) }
  }
}

extension Store.Record {
  /// Of `text`, in bytes.
  package static let maxText = 65_536
  /// Of `kind` and of `key`, in bytes.
  package static let maxName = 256
  /// In one store.
  package static let maxCount = 5000

  /// Why it cannot be kept; `nil`: it can.
  var fault: String? {
    // SQLite's texts end at a NUL.
    func isUnfit(_ name: String) -> Bool { name.isEmpty || name.utf8.count > Self.maxName || name.utf8.contains(0) }
    if isUnfit(kind) || isUnfit(key) { return "its name has no or more than \(Self.maxName) bytes, or a NUL" }
    if text.utf8.count > Self.maxText { return "its text has \(text.utf8.count) bytes, of \(Self.maxText) allowed" }
    return text.utf8.contains(0) ? "its text holds a NUL" : nil
  }

  /// Of all three.
  var sum: Int64 {
    var sum = Checksum()
    for part in [kind, key, text] {
      for byte in part.utf8 { sum.take(byte) }
      sum.take(0xff)  // in no UTF-8
    }
    return Int64(bitPattern: sum.value)
  }
}
