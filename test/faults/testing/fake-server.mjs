/**
 * A scriptable MCP server for the fault suite, plain JavaScript on built-ins: `fake-server.mjs stdio|http <options as JSON>`. It behaves
 * well until it is told otherwise: by an option, by the tool `fault` (one call), or by the tool `set` (all that follow; over HTTP also
 * `POST /set`). Every request that it executes is a line in its journal.
 *
 *   name, tag     what it is called; the tag makes its processes easy to find
 *   era           `legacy` (default) or `modern`
 *   journal       path of the file that it appends to
 *   start         a fault instead of a start: see fake/stdio.mjs
 *   stubborn      does not end at the end of its input, nor at SIGTERM
 *   crashAfter    ends with status 3 at the call after so many
 *   version       a number: it has the tools of fake/unfinished.mjs as well, which say it
 *   set           what `set` would be told first
 */
import process from "node:process";
import { FakeServer } from "./fake/server.mjs";
import { serveHttp } from "./fake/http.mjs";
import { serveStdio } from "./fake/stdio.mjs";

const [transport, text = "{}"] = process.argv.slice(2);
const server = new FakeServer(JSON.parse(text));
if (transport === "http") serveHttp(server);
else serveStdio(server);
