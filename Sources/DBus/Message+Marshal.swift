internal import CDBus

// Between `Message` and libdbus's own. The pointers live only within these calls.

extension Message {
  /// Takes the values out of `raw`; the caller still owns it. `nil` for a kind that D-Bus does not define.
  init?(_ raw: OpaquePointer) {
    guard let kind = Kind(rawValue: dbus_message_get_type(raw)) else { return nil }
    self.init(kind: kind)
    func text(_ pointer: UnsafePointer<CChar>?) -> String? { pointer.map { String(cString: $0) } }
    serial = dbus_message_get_serial(raw)
    replySerial = dbus_message_get_reply_serial(raw)
    sender = text(dbus_message_get_sender(raw))
    destination = text(dbus_message_get_destination(raw))
    path = text(dbus_message_get_path(raw))
    interface = text(dbus_message_get_interface(raw))
    member = text(dbus_message_get_member(raw))
    errorName = text(dbus_message_get_error_name(raw))
    noReply = dbus_message_get_no_reply(raw) != 0
    noAutoStart = dbus_message_get_auto_start(raw) == 0
    var iterator = DBusMessageIter()
    if dbus_message_iter_init(raw, &iterator) != 0 {
      repeat { body.append(Value.read(&iterator)) } while dbus_message_iter_next(&iterator) != 0
    }
  }

  /// A libdbus message that the caller must unref; `nil` where a name or path in it is not a legal one, or without memory.
  func makeRaw() -> OpaquePointer? {
    guard let raw = dbus_message_new(kind.rawValue) else { return nil }
    func set(_ text: String?, _ setter: (OpaquePointer, UnsafePointer<CChar>) -> dbus_bool_t) -> Bool {
      guard let text else { return true }
      return text.withCString { setter(raw, $0) } != 0
    }
    guard path.map({ dbus_validate_path($0, nil) != 0 }) ?? true,
      interface.map({ dbus_validate_interface($0, nil) != 0 }) ?? true,
      member.map({ dbus_validate_member($0, nil) != 0 }) ?? true,
      destination.map({ dbus_validate_bus_name($0, nil) != 0 }) ?? true,
      errorName.map({ dbus_validate_error_name($0, nil) != 0 }) ?? true,
      set(destination, { dbus_message_set_destination($0, $1) }),
      set(path, { dbus_message_set_path($0, $1) }),
      set(interface, { dbus_message_set_interface($0, $1) }),
      set(member, { dbus_message_set_member($0, $1) }),
      set(errorName, { dbus_message_set_error_name($0, $1) })
    else {
      dbus_message_unref(raw)
      return nil
    }
    if replySerial != 0 { _ = dbus_message_set_reply_serial(raw, replySerial) }
    dbus_message_set_no_reply(raw, noReply || kind != .methodCall ? 1 : 0)
    dbus_message_set_auto_start(raw, noAutoStart ? 0 : 1)
    var iterator = DBusMessageIter()
    dbus_message_iter_init_append(raw, &iterator)
    guard body.allSatisfy({ $0.append(to: &iterator) }) else {
      dbus_message_unref(raw)
      return nil
    }
    return raw
  }
}

extension Value {
  fileprivate static func read(_ iterator: inout DBusMessageIter) -> Value {
    func basic<T>(_ initial: T) -> T {
      var value = initial
      withUnsafeMutablePointer(to: &value) { dbus_message_iter_get_basic(&iterator, $0) }
      return value
    }
    func text() -> String {
      let pointer: UnsafePointer<CChar>? = basic(nil)
      return pointer.map { String(cString: $0) } ?? ""
    }
    switch dbus_message_iter_get_arg_type(&iterator) {
    case blupow_dbus_byte: return .byte(basic(0))
    case blupow_dbus_boolean: return .bool(basic(dbus_bool_t(0)) != 0)
    case blupow_dbus_int16: return .int16(basic(0))
    case blupow_dbus_uint16: return .uint16(basic(0))
    case blupow_dbus_int32: return .int32(basic(0))
    case blupow_dbus_uint32: return .uint32(basic(0))
    case blupow_dbus_int64: return .int64(basic(0))
    case blupow_dbus_uint64: return .uint64(basic(0))
    case blupow_dbus_double: return .double(basic(0))
    case blupow_dbus_string: return .string(text())
    case blupow_dbus_object_path: return .objectPath(text())
    case blupow_dbus_signature: return .signature(text())
    case blupow_dbus_variant: return .variant(members(&iterator).first ?? .string(""))
    case blupow_dbus_struct: return .structure(members(&iterator))
    case blupow_dbus_array: return array(&iterator)
    default: return .string("")  // a file descriptor: nothing that we call returns one
    }
  }

  private static func members(_ iterator: inout DBusMessageIter) -> [Value] {
    var inner = DBusMessageIter()
    dbus_message_iter_recurse(&iterator, &inner)
    var result: [Value] = []
    while dbus_message_iter_get_arg_type(&inner) != blupow_dbus_invalid {
      result.append(read(&inner))
      dbus_message_iter_next(&inner)
    }
    return result
  }

  private static func array(_ iterator: inout DBusMessageIter) -> Value {
    var inner = DBusMessageIter()
    let element = dbus_message_iter_get_element_type(&iterator)
    dbus_message_iter_recurse(&iterator, &inner)
    if element == blupow_dbus_byte {
      var start: UnsafePointer<UInt8>?
      var count: Int32 = 0
      withUnsafeMutablePointer(to: &start) { dbus_message_iter_get_fixed_array(&inner, $0, &count) }
      return .bytes(Array(UnsafeBufferPointer(start: start, count: Int(count))))
    }
    var signature = ""
    if let raw = dbus_message_iter_get_signature(&inner) {
      signature = String(cString: raw)
      dbus_free(raw)
    }
    guard element == blupow_dbus_dict_entry else { return .array(signature: signature, members(&iterator)) }
    var entries: [Entry] = []
    while dbus_message_iter_get_arg_type(&inner) != blupow_dbus_invalid {
      let pair = members(&inner)
      if pair.count == 2 { entries.append(Entry(pair[0], pair[1])) }
      dbus_message_iter_next(&inner)
    }
    return .dictionary(signature: String(signature.dropFirst().dropLast()), entries)
  }

  /// Whether it could be appended: libdbus refuses strings that are not valid paths or signatures.
  fileprivate func append(to iterator: inout DBusMessageIter) -> Bool {
    func basic<T>(_ type: Int32, _ value: T) -> Bool {
      var value = value
      return withUnsafeMutablePointer(to: &value) { dbus_message_iter_append_basic(&iterator, type, $0) } != 0
    }
    func text(_ type: Int32, _ text: String) -> Bool {
      guard !text.utf8.contains(0) else { return false }
      return text.withCString { basic(type, UnsafePointer<CChar>($0)) }
    }
    func container(_ type: Int32, _ signature: String?, _ fill: (inout DBusMessageIter) -> Bool) -> Bool {
      var inner = DBusMessageIter()
      let opened =
        signature.map { $0.withCString { dbus_message_iter_open_container(&iterator, type, $0, &inner) } }
        ?? dbus_message_iter_open_container(&iterator, type, nil, &inner)
      guard opened != 0 else { return false }
      guard fill(&inner) else {
        dbus_message_iter_abandon_container(&iterator, &inner)
        return false
      }
      return dbus_message_iter_close_container(&iterator, &inner) != 0
    }
    switch self {
    case .byte(let value): return basic(blupow_dbus_byte, value)
    case .bool(let value): return basic(blupow_dbus_boolean, dbus_bool_t(value ? 1 : 0))
    case .int16(let value): return basic(blupow_dbus_int16, value)
    case .uint16(let value): return basic(blupow_dbus_uint16, value)
    case .int32(let value): return basic(blupow_dbus_int32, value)
    case .uint32(let value): return basic(blupow_dbus_uint32, value)
    case .int64(let value): return basic(blupow_dbus_int64, value)
    case .uint64(let value): return basic(blupow_dbus_uint64, value)
    case .double(let value): return basic(blupow_dbus_double, value)
    case .string(let value): return text(blupow_dbus_string, value)
    case .objectPath(let value):
      return dbus_validate_path(value, nil) != 0 && text(blupow_dbus_object_path, value)
    case .signature(let value):
      return dbus_signature_validate(value, nil) != 0 && text(blupow_dbus_signature, value)
    case .bytes(let bytes):
      return container(blupow_dbus_array, "y") { inner in
        bytes.withUnsafeBufferPointer { buffer in
          var start = buffer.baseAddress
          return withUnsafeMutablePointer(to: &start) {
            dbus_message_iter_append_fixed_array(&inner, blupow_dbus_byte, $0, Int32(buffer.count))
          } != 0
        }
      }
    case .array(let signature, let elements):
      return container(blupow_dbus_array, signature) { inner in elements.allSatisfy { $0.append(to: &inner) } }
    case .dictionary(let signature, let entries):
      return container(blupow_dbus_array, "{\(signature)}") { inner in
        entries.allSatisfy { entry in
          var pair = DBusMessageIter()
          guard dbus_message_iter_open_container(&inner, blupow_dbus_dict_entry, nil, &pair) != 0 else { return false }
          guard entry.key.append(to: &pair), entry.value.append(to: &pair) else {
            dbus_message_iter_abandon_container(&inner, &pair)
            return false
          }
          return dbus_message_iter_close_container(&inner, &pair) != 0
        }
      }
    case .structure(let members):
      return container(blupow_dbus_struct, nil) { inner in members.allSatisfy { $0.append(to: &inner) } }
    case .variant(let value):
      return container(blupow_dbus_variant, value.typeSignature) { inner in value.append(to: &inner) }
    }
  }
}
