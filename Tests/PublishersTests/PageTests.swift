import Foundation
import Testing

@testable import Publishers

/// The page's files, as they are in the program. That it works is seen in a browser: Tests/Page.
struct PageTests {
  private func text(_ path: String) throws -> String {
    String(decoding: try #require(Page.assets[path]).bytes, as: UTF8.self)
  }

  @Test func `the program has the folder's files and no others, byte for byte`() throws {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Sources/Publishers/Page")
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.path()).sorted()
    #expect(Page.assets.keys.sorted() == files.map { $0 == "index.html" ? "/" : "/\($0)" }.sorted())
    for file in files {
      let bytes = try [UInt8](Data(contentsOf: folder.appending(path: file)))
      #expect(Page.assets[file == "index.html" ? "/" : "/\(file)"]?.bytes == bytes, "\(file)")
    }
    #expect(Page.assets.values.reduce(0) { $0 + $1.bytes.count } < 60_000)
  }

  @Test func `a browser is told what each is`() {
    #expect(
      Page.assets.mapValues(\.contentType) == [
        "/": "text/html; charset=utf-8", "/page.css": "text/css; charset=utf-8", "/page.js": "text/javascript; charset=utf-8",
        "/icon.svg": "image/svg+xml",
      ])
  }

  @Test func `the document refers to its own files only`() throws {
    let references = try text("/").matches(of: /(?:href|src|action|srcset)="([^"]*)"/).map { String($0.1) }
    #expect(references.sorted() == ["#now", "icon.svg", "page.css", "page.js"])
    for path in ["/", "/page.css", "/page.js", "/icon.svg"] {
      let words = try text(path).replacing("http://www.w3.org/2000/svg", with: "")
      for outside in ["http:", "https:", "//cdn", "url(", "@import", "import(", " from '"] {
        #expect(!words.contains(outside), "\(path) has \(outside)")
      }
    }
  }

  /// What the policy of its answers would stop in a browser, where nobody sees it.
  @Test func `nothing in the document is a script or a style`() throws {
    let document = try text("/")
    #expect(!document.contains(/<style|\sstyle=|\son\w+=|javascript:|<script(?![^>]*\ssrc=)|<base|<iframe/))
  }

  /// Names of devices are anybody's words.
  @Test func `the script makes no markup of words`() throws {
    let script = try text("/page.js")
    for way in [
      "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "DOMParser", "eval(", "Function(", "srcdoc", "cssText",
    ] {
      #expect(!script.contains(way), "\(way)")
    }
  }

  @Test func `every part that the script fills is in the document`() throws {
    let document = try text("/")
    for match in try text("/page.js").matches(of: /\$\('([\w-]+)'\)/) {
      #expect(document.contains("id=\"\(match.1)\""), "\(match.1)")
    }
  }
}
