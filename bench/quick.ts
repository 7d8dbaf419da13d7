// scratch: alternate contestants, print CPU us per call
import { envoy } from "./peers/envoy.ts";
import { nginx } from "./peers/nginx.ts";
import { relay } from "./peers/relay.ts";
import { saturate } from "./rig/load.ts";
import { cpuSeconds } from "./rig/process.ts";
import { openSessions, tryCall } from "./rig/session.ts";
import { direct, startUpstream } from "./rig/upstream.ts";
const [rounds = "3", seconds = "2", era = "legacy", which = "envoy,nginx,net,undici"] = process.argv.slice(2);
const e = era as "legacy" | "modern";
const up = await startUpstream(e, 1);
const list = which
  .split(",")
  .map((w) =>
    w === "direct"
      ? direct(up.port, e)
      : w === "envoy"
        ? envoy(up.port, e, e === "legacy" ? "router" : "pass", 0)
        : w === "envoyr"
          ? envoy(up.port, e, "router", 0)
          : w === "envoyp"
            ? envoy(up.port, e, "pass", 0)
            : w === "nginx"
              ? nginx(up.port, e, 0)
              : relay(up.port, e, w.split(":")[0] as "net", 0, w.split(":").slice(1).join(",")),
  );
const running = [];
for (const c of list) {
  const r = await c.start();
  const s = await openSessions(r.target, 16);
  await tryCall(r.target, s[0]);
  running.push({ r, s, cpu: [] as number[], rate: [] as number[] });
}
for (const x of running)
  await saturate({ target: x.r.target, sessions: x.s, connections: 16, seconds: 2, core: 1, seed: "w" });
for (let i = 0; i < Number(rounds); i++)
  for (const x of running) {
    const before = x.r.pid === undefined ? 0 : cpuSeconds(x.r.pid, x.r.children);
    const res = await saturate({
      target: x.r.target,
      sessions: x.s,
      connections: 16,
      seconds: Number(seconds),
      core: 1,
      seed: `r${i}`,
    });
    const after = x.r.pid === undefined ? 0 : cpuSeconds(x.r.pid, x.r.children);
    x.cpu.push(((after - before) * 1e6) / res.requests);
    x.rate.push(res.perSecond);
  }
const med = (a: number[]) => a.toSorted((p, q) => p - q)[a.length >> 1]!;
const base = med(running[0]!.cpu);
for (const x of running)
  console.log(
    x.r.target.name.padEnd(24),
    "cpu us",
    med(x.cpu).toFixed(1),
    "ratio",
    (med(x.cpu) / base).toFixed(3),
    "rate",
    med(x.rate).toFixed(0),
    x.cpu.map((c) => c.toFixed(1)).join(" "),
  );
for (const x of running) await x.r.stop();
await up.stop();
