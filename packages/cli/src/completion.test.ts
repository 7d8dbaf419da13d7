import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { commands } from "./commands.ts";
import { completionScript, shells } from "./completion.ts";
import { type } from "./testing/terminal.ts";

/** What bash offers for the last of the words. */
function offered(...words: readonly string[]): readonly string[] {
  const line = ["mcp-manager", ...words].map((word) => `'${word}'`).join(" ");
  const script = `${completionScript(commands, "bash")}
    COMP_WORDS=(${line}); COMP_CWORD=${words.length}; _mcp_manager; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr, status } = spawnSync("bash", ["--norc", "-c", script], { encoding: "utf8" });
  assert.deepEqual([stderr, status], ["", 0]);
  return stdout.split("\n").filter((word) => word !== "");
}

test("bash offers the words of commands, one after the other", () => {
  assert.deepEqual(offered("depl"), ["deployment"]);
  assert.ok(["up", "status", "server", "deployment"].every((word) => offered("").includes(word)));
  assert.deepEqual(offered("deployment", "p"), ["promote", "pause"]);
  assert.deepEqual(offered("nothing", ""), []);
});

test("bash offers the options of a command, also behind names", () => {
  assert.deepEqual(offered("deployment", "promote", "--a"), ["--accept-breaking"]);
  assert.deepEqual(offered("server", "apply", "-f", "x.yaml", "--no"), ["--no-wait"]);
  assert.deepEqual(offered("status", "--ou"), ["--output"]);
  assert.deepEqual(offered("connect", "claude", "--new"), ["--new-key"]);
});

test("every shell's script has every command", async () => {
  for (const shell of shells) {
    const { status, stdout } = await type(`completion ${shell}`);
    assert.equal(status, 0);
    for (const { words } of commands) for (const word of words) assert.ok(stdout.includes(word), `${shell}: ${word}`);
  }
  const wrong = await type("completion tcsh");
  assert.deepEqual([wrong.status, /bash, zsh, fish, not "tcsh"/.test(wrong.stderr)], [2, true]);
});
