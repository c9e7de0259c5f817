/** Who may drive the server of `try`: its own page, by the names of this machine; and no path of a request reaches a file. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { hostsOf, isLoopback } from "../../../harness/try/guard.ts";
import { startTry } from "../../support/try-server.ts";
import type { Tried } from "../../support/try-server.ts";

describe("the guard of try", () => {
  let tried: Tried;
  before(async () => {
    tried = await startTry();
  });
  after(() => tried.stop());

  /** As it goes over the wire: fetch cleans paths and sets Host by itself. */
  async function raw(path: string, headers: Readonly<Record<string, string>> = {}, method = "GET"): Promise<string> {
    const socket = connect(tried.port, "localhost");
    const lines = Object.entries({ Host: `localhost:${tried.port}`, Connection: "close", ...headers });
    socket.end(`${method} ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`);
    let text = "";
    socket.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
    await once(socket, "close");
    return text;
  }
  const statusOf = (response: string): string => response.slice(9, 12);

  it("gives the page, with a policy that lets nothing from outside in", async () => {
    const response = await fetch(`${tried.url}/`);
    assert.equal(response.status, 200);
    assert.match(await response.text(), /<h1>Try a checkpoint<\/h1>/);
    const policy = response.headers.get("content-security-policy") ?? "";
    assert.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self'; /);
    assert.match(policy, /frame-ancestors 'none'$/);
    assert.doesNotMatch(policy, /unsafe|https?:|\*/);
    assert.equal(response.headers.get("x-content-type-options"), "nosniff");
    assert.equal(response.headers.get("referrer-policy"), "no-referrer");
    const script = await fetch(`${tried.url}/page/page.js`);
    assert.equal(script.headers.get("content-type"), "text/javascript; charset=utf-8");
  });

  for (const host of [
    "evil.example",
    "localhost",
    "localhost:1",
    "evil.example:PORT",
    "localhost.evil.example:PORT",
    "",
  ]) {
    it(`refuses the Host "${host}"`, async () => {
      const found = await raw("/", { Host: host.replace("PORT", String(tried.port)) });
      assert.equal(statusOf(found), host === "" ? "400" : "403", found);
      assert.doesNotMatch(found, /<h1>/);
    });
  }

  it("takes the names of this machine alone as Host", async () => {
    for (const name of ["localhost", "127.0.0.1", "[::1]", "LOCALHOST"]) {
      assert.equal(statusOf(await raw("/", { Host: `${name}:${tried.port}` })), "200", name);
    }
    assert.deepEqual([...hostsOf("192.0.2.7", 80)], ["192.0.2.7", "192.0.2.7:80"]);
    assert.ok(hostsOf("0.0.0.0", 8080).has("127.0.0.1:8080"));
    assert.deepEqual(["localhost", "127.0.0.1", "127.4.4.4", "::1", "0.0.0.0", "192.0.2.7"].map(isLoopback), [
      ...[true, true, true, true],
      ...[false, false],
    ]);
  });

  it("refuses pages from elsewhere, whatever they ask for", async () => {
    const foreign: readonly Readonly<Record<string, string>>[] = [
      { Origin: "http://evil.example" },
      { Origin: "null" },
      { Origin: `http://localhost:${tried.port + 1}` },
      { Origin: `https://localhost:${tried.port}` },
      { "Sec-Fetch-Site": "cross-site" },
      { "Sec-Fetch-Site": "same-site" },
      { "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe" },
    ];
    for (const headers of foreign) {
      for (const path of ["/", "/state", "/samples/0", "/page/page.js"]) {
        assert.equal(statusOf(await raw(path, headers)), "403", `${path} ${JSON.stringify(headers)}`);
      }
      for (const path of ["/answers", "/images"]) assert.equal(statusOf(await raw(path, headers, "POST")), "403");
    }
  });

  it("lets a link to the page itself be followed from anywhere, and to nothing else", async () => {
    const followed = { "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document" };
    assert.equal(statusOf(await raw("/", followed)), "200");
    for (const path of ["/state", "/samples/0", "/page/page.js", "/runs/0123/1"]) {
      assert.equal(statusOf(await raw(path, followed)), "403", path);
    }
    assert.equal(statusOf(await raw("/", followed, "POST")), "403");
  });

  it("gives no file by its path", async () => {
    const paths = [
      ...["/../package.json", "/page/../../package.json", "/page/..%2f..%2fpackage.json", "/page/%2e%2e/page.ts"],
      ...["//etc/passwd", "/samples/..%2f..%2fpackage.json", "/images/../../package.json", "/page/page.js%00.css"],
      ...["/runs/..%2f..%2fpackage.json/1", "/page/constructor", "/samples/-1", "/samples/1e1", "/\\..\\package.json"],
    ];
    for (const path of paths) {
      const found = await raw(path);
      assert.match(statusOf(found), /^4/, `${path}: ${found}`);
      assert.doesNotMatch(found, /blip2-bench"|root:/, path);
    }
  });
});
