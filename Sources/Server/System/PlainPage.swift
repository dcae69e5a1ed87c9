internal import Crypto
internal import Foundation
internal import Generation

/// The page at `/`: what this is, and where its document is.
enum PlainPage {
    private static let style =
        "body{font:1rem/1.5 system-ui,sans-serif;max-width:40rem;margin:3rem auto;padding:0 1rem;color:#222;background:#fff}"
        + "code{font-family:ui-monospace,monospace}a{color:#0645ad}"

    /// The style's hash for the page's content security policy.
    static let styleHash = Data(SHA256.hash(data: Data(style.utf8))).base64EncodedString()

    static let text = """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width,initial-scale=1">
        <title>Gesso</title>
        <style>\(style)</style>
        </head>
        <body>
        <h1>Gesso</h1>
        <p>This is Gesso \(GessoVersion.current), a server that paints pictures from words.</p>
        <p>It is called by programs: <a href="/openapi.json">/openapi.json</a> describes its API.</p>
        <pre><code>curl -X POST http://localhost:7860/v1/generations?wait=300 \\
          -H 'Content-Type: application/json' -d '{"prompt":"a lighthouse at dusk"}'</code></pre>
        <p><a href="/livez">/livez</a> says whether it lives, <a href="/readyz">/readyz</a> whether it can paint.</p>
        </body>
        </html>

        """
}
