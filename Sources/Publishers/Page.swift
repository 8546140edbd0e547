/// The page: the files of the folder `Page` as they are, within the program.
package enum Page {
  /// By the path that a browser asks for.
  package static let assets: [String: WebSource.Asset] = [
    "/": WebSource.Asset(contentType: "text/html; charset=utf-8", bytes: PackageResources.index_html),
    "/page.css": WebSource.Asset(contentType: "text/css; charset=utf-8", bytes: PackageResources.page_css),
    "/page.js": WebSource.Asset(contentType: "text/javascript; charset=utf-8", bytes: PackageResources.page_js),
    "/icon.svg": WebSource.Asset(contentType: "image/svg+xml", bytes: PackageResources.icon_svg),
  ]
}
