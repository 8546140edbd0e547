import Foundation

/// The files of this repository, as they stand beside the tests' sources.
enum Repository {
  /// Tests/HouseTests/Repository.swift is three below the root.
  static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  static func text(_ path: String) throws -> String {
    try String(contentsOf: root.appending(path: path), encoding: .utf8)
  }

  /// Paths of all files below `folder`, relative to the root. What builds, git and virtual environments leave is no part of it.
  static func files(in folder: String = "") throws -> [String] {
    let directory = folder.isEmpty ? root : root.appending(path: folder)
    return try FileManager.default.contentsOfDirectory(atPath: directory.path()).sorted().flatMap { name -> [String] in
      if name == ".git" || name == "__pycache__" || name.hasPrefix(".build") || name.hasPrefix(".venv") { return [] }
      let path = folder.isEmpty ? name : "\(folder)/\(name)"
      // A link is not followed: it may lead out.
      let values = try root.appending(path: path).resourceValues(forKeys: [.isDirectoryKey, .isRegularFileKey])
      if values.isDirectory == true { return try files(in: path) }
      return values.isRegularFile == true ? [path] : []
    }
  }
}
