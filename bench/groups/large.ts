/** Results of 1 MB in either era: as one JSON body, and as the one event of a stream, which is how servers made with the official SDKs answer. */
import { envoy } from "../peers/envoy.ts";
import { nginx, nginxForLarge, nginxName } from "../peers/nginx.ts";
import type { Era, Work } from "../rig/contestant.ts";
import { startUpstream } from "../rig/upstream.ts";
import { manager } from "../peers/manager.ts";
import { type CallGroup, contestantCore, costOnly, endpoints, goals, loadCore, remote } from "./group.ts";

/** How the server answers. */
type Form = "json" | "sse";

const forms: readonly Form[] = ["json", "sse"];
const words: Readonly<Record<Form, string>> = { json: "JSON", sse: "one event" };

export function largeCall(form: Form): Work {
  return { path: form === "json" ? "/large" : "/sse", method: "tools/call", tool: "large", answerBytesMin: 1_000_000 };
}

export const largeGroups: readonly CallGroup[] = (["legacy", "modern"] as const).flatMap((era) =>
  forms.map((form) => largeGroup(era, form)),
);

function largeGroup(era: Era, form: Form): CallGroup {
  const work = largeCall(form);
  const mode = era === "legacy" ? "router" : "pass";
  return {
    kind: "calls",
    name: `large-${era}-${form}`,
    title: `Result of 1 MB as ${words[form]}, ${era} era`,
    baseline: nginxName,
    withChildren: false,
    extent: costOnly,
    remark:
      era === "legacy"
        ? "The goal is the cost of an nginx as it comes, which lets a part of such results wait on disk; the aim is 0.6 of it."
        : "As before; Envoy's mcp_router does not speak the modern era, so its pass-through stands here.",
    goals: goals(1),
    async prepare() {
      const upstream = await startUpstream(era, loadCore);
      const servers = { bench: remote(upstream, work.path) };
      const contestants = [
        nginx(upstream.port, era, contestantCore, work),
        nginxForLarge(upstream.port, era, contestantCore, work),
        envoy({ upstreamPort: upstream.port, era, mode, core: contestantCore, work }),
        ...endpoints.map((endpoint) => manager({ servers, era, endpoint, core: contestantCore, work })),
      ];
      return { contestants, stop: () => upstream.stop() };
    },
  };
}
