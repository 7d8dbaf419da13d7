/** What bubblewrap is told, as data. What comes of it is in sandboxed.test.ts. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { SandboxView } from "./sandbox.ts";
import { sandboxWords, wordsAsBytes } from "./sandbox.ts";

const view: SandboxView = {
  roots: [
    { kind: "directory", path: "/usr" },
    { kind: "link", path: "/bin", to: "usr/bin" },
  ],
  readable: ["/home/me/.nvm/node/bin"],
  hidden: [
    { path: "/etc/shadow", isDirectory: false },
    { path: "/etc/ssl/private", isDirectory: true },
  ],
  data: "/srv/app/data",
  home: "/srv/app/data/homes/weather",
  writable: ["/srv/app/cache/deep", "/srv/app"],
  links: [{ path: "/app", to: "/srv/app" }],
  cwd: "/srv/app",
  network: "host",
  temporaryBytes: 1024,
  env: { TOKEN: "s3cret", EMPTY: "" },
};

const text = (change: Partial<SandboxView> = {}): string => sandboxWords({ ...view, ...change }).join(" ");

test("everything is shut off, and the network only where it is asked for", () => {
  assert.match(text(), /^--unshare-all --share-net --die-with-parent --new-session --cap-drop ALL /);
  assert.match(text({ network: "none" }), /^--unshare-all --die-with-parent /);
});

test("the system is read-only, as links where it has links; what only root may read is empty", () => {
  assert.match(text(), / --ro-bind \/usr \/usr --symlink usr\/bin \/bin /);
  assert.match(text(), / --ro-bind \/dev\/null \/etc\/shadow --tmpfs \/etc\/ssl\/private /);
});

test("what lies inside another is shown after it, and the manager's data is covered last of all", () => {
  const words = text();
  const places = [
    "--tmpfs /tmp",
    "--ro-bind /home/me/.nvm/node/bin",
    "--bind /srv/app /srv/app",
    "--bind /srv/app/cache/deep",
    "--symlink /srv/app /app",
    "--tmpfs /srv/app/data",
    "--bind /srv/app/data/homes/weather",
  ].map((part) => words.indexOf(part));
  assert.deepEqual(
    places,
    places.toSorted((a, b) => a - b),
  );
  assert.ok(!places.includes(-1));
});

test("what is mounted for the sandbox itself is not to be written to, nor are the kernel's settings", () => {
  assert.match(text(), / --remount-ro \/srv\/app\/data --remount-ro \/proc --remount-ro \/dev --remount-ro \/ /);
});

test("temporary files, which are memory, are bounded", () => {
  assert.match(text(), / --size 1024 --tmpfs \/tmp .* --size 1024 --tmpfs \/dev\/shm /);
});

test("the environment is made anew, and all of it goes through a pipe", () => {
  assert.match(text(), / --clearenv --setenv TOKEN s3cret --setenv EMPTY {2}--chdir \/srv\/app$/);
  assert.equal(wordsAsBytes(["--setenv", "EMPTY", ""]).toString(), "--setenv\0EMPTY\0\0");
});
