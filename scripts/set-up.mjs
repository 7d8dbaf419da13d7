/**
 * Makes a fresh checkout ready: the project's packages (they bring its own Node), with `--examples` the servers that the quick
 * start runs, with `--system` the Debian packages that suites need. Quick when there is nothing to do. Runs on whatever Node is
 * installed, so it is plain JavaScript on built-ins; npm calls it before `npm start` and `npm test` (see "prestart" in
 * package.json), in a script of its own because a shell remembers which `node` it has found.
 */
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { withLock } from "./set-up/lock.mjs";
import { findNode } from "./set-up/node.mjs";
import { installPackages } from "./set-up/packages.mjs";
import { installSystemPackages } from "./set-up/system.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const say = (text) => void process.stdout.write(`set-up: ${text}\n`);
const { values: wanted } = parseArgs({ options: { examples: { type: "boolean" }, system: { type: "boolean" } } });

try {
  await withLock(join(root, ".cache", "set-up.lock"), say, async () => {
    await installPackages({ folder: root, what: "the project's packages, Node among them", say });
    if (wanted.examples) {
      await installPackages({ folder: join(root, "examples", "servers"), what: "the example servers", say });
    }
    if (wanted.system) installSystemPackages(say);
  });
  const node = findNode(root);
  if (node.problem !== undefined) throw new Error(node.problem);
} catch (error) {
  process.stderr.write(`set-up: ${error.message}\n`);
  process.exitCode = 1;
}
