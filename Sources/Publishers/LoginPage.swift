import HTTPTypes

/// Where a browser is asked for the token. It travels in the form's body, and from then on a cookie stands for it.
enum LoginPage {
  static let path = "/login"
  static let field = "token"
  static let maxBodyBytes = 8192
  /// A form that is sent without a referrer is sent without an origin, too, and could be anybody's.
  private static let referrers = "same-origin"

  static func answer(_ status: HTTPResponse.Status, _ sentence: String) -> Answer {
    let page = """
      <!doctype html>
      <html lang="en">
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width">
      <title>BluPow</title>
      <h1>BluPow</h1>
      <p>\(sentence)</p>
      <form method="post" action="\(path)">
      <label>Token <input name="\(field)" type="password" autocomplete="current-password" required autofocus></label>
      <button>Show</button>
      </form>
      </html>

      """
    var fields: HTTPFields = [:]
    fields[.referrerPolicy] = referrers
    if status == .unauthorized { fields[.wwwAuthenticate] = Door.scheme }
    return Answer(status, Array(page.utf8), as: "text/html; charset=utf-8", fields: fields)
  }

  /// What was typed; `nil`: nothing.
  static func token(in body: [UInt8]) -> String? {
    WebQuery.parse(String(decoding: body, as: UTF8.self))?[field]
  }
}
