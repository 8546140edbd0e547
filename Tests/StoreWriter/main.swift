import Glibc
import Store

// What is killed while it saves.
//   store-writer loop DIRECTORY     writes generation after generation, always to two records in one transaction, with a third whose
//                                   length changes; says each that is saved as eight bytes on standard output
//   store-writer wear DIRECTORY N   saves 20 devices' changed readings N times; says how many bytes that wrote, and how many
//                                   reached the disk's queue ("wrote" and "queued": wchar and write_bytes of /proc/self/io)

func fail(_ text: String) -> Never {
  _ = "\(text)\n".utf8.withContiguousStorageIfAvailable { write(2, $0.baseAddress, $0.count) }
  exit(1)
}

func loop(_ store: Store, from last: Int64) throws(StoreError) -> Never {
  var generation = last
  while true {
    generation += 1
    let ballast = String(repeating: "x", count: Int(generation * 7919 % 30_000))
    try store.save(changed: [
      Store.Record(kind: "device", key: "a", text: "\(generation)"), Store.Record(kind: "ballast", key: "c", text: ballast),
      Store.Record(kind: "device", key: "b", text: "\(generation)"),
    ])
    write(1, &generation, 8)
  }
}

func counter(_ name: String) -> Int {
  guard let file = fopen("/proc/self/io", "r") else { fail("no /proc/self/io") }
  defer { fclose(file) }
  var buffer = [UInt8](repeating: 0, count: 4096)
  let text = String(decoding: buffer[..<fread(&buffer, 1, buffer.count, file)], as: UTF8.self)
  let line = text.split(separator: "\n").first { $0.hasPrefix("\(name): ") }
  return line.flatMap { Int($0.dropFirst(name.count + 2)) } ?? 0
}

func wear(_ store: Store, saves: Int) throws(StoreError) {
  // About what a charge controller says: 25 readings, as the events have them.
  func readings(_ save: Int, _ device: Int) -> String {
    let fields = (0..<25).map { field in
      #""reading_number_\#(field)":{"value":\#((save * 31 + device * 17 + field * 7) % 10_000),"unit":"V"}"#
    }
    return #"{"read_at":"2026-01-01T00:00:00Z","readings":{\#(fields.joined(separator: ","))}}"#
  }
  let before = (wrote: counter("wchar"), queued: counter("write_bytes"))
  for save in 0..<saves {
    try store.save(changed: (0..<20).map { Store.Record(kind: "device", key: "Device \($0)", text: readings(save, $0)) })
  }
  store.close()
  print("wrote \(counter("wchar") - before.wrote)")
  print("queued \(counter("write_bytes") - before.queued)")
  print("text \(readings(1, 1).utf8.count)")
}

let arguments = CommandLine.arguments
guard arguments.count > 2 else { fail("usage: store-writer loop DIRECTORY | wear DIRECTORY SAVES") }
do throws(StoreError) {
  let store = try Store.open(directory: arguments[2]).store
  switch (arguments[1], arguments.count > 3 ? Int(arguments[3]) : nil) {
  case ("loop", _):
    let last = try store.load().records.first { $0.key == "a" }
    try loop(store, from: last.flatMap { Int64($0.text) } ?? 0)
  case ("wear", let saves?): try wear(store, saves: saves)
  default: fail("usage: store-writer loop DIRECTORY | wear DIRECTORY SAVES")
  }
} catch {
  fail("\(error)")
}
