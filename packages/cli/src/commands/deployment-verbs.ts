/** `deployment promote|pause|resume|abort|retry`: a person's word to a deployment. The manager acts on it; `--watch` shows how. */
import type { Deployment } from "@mcp-manager/api";
import type { CallOptions, DeploymentCalls } from "@mcp-manager/client";
import type { Command, Invocation, Option } from "../command.ts";
import { followAndTell } from "./deployment-begun.ts";
import { deploymentWaitNotes, deploymentWaitOptions, toTheEnd, waitOf } from "./deployment-wait.ts";
import { noteAdvice } from "./deployment-outcome.ts";
import { percent } from "./deployment-text.ts";
import { follow } from "./follow.ts";

const watchOption: Readonly<Record<"watch", Option>> = {
  watch: { type: "boolean", short: "w", summary: "Stay and show it until it is over; exit status 1 when it went back" },
};

interface Word {
  readonly verb: string;
  readonly summary: string;
  readonly options?: Readonly<Record<string, Option>>;
  readonly notes: readonly string[];
  readonly examples: readonly string[];
  say(deployments: DeploymentCalls, name: string, options: CallOptions, invocation: Invocation): Promise<Deployment>;
  /** What it does now. */
  told(deployment: Deployment, invocation: Invocation): string;
}

/** A command that says a word and does not begin anything of its own. */
function commandOf({ verb, summary, options = {}, notes, examples, say, told }: Word): Command {
  return {
    words: ["deployment", verb],
    summary,
    positionals: [{ name: "NAME" }],
    options: { ...options, ...watchOption },
    notes,
    examples,
    async run(invocation) {
      const { client, print, positionals, flag, io } = invocation;
      const [name = ""] = positionals;
      const deployment = await say(client().deployments, name, { signal: io.signal }, invocation);
      if (flag("watch")) {
        const [followed] = await follow(invocation, [name], toTheEnd, "result");
        return followed?.ending === "there" || (verb === "abort" && followed?.ending === "back") ? 0 : 1;
      }
      print.result(deployment, () => {
        print.line(`deployment ${name} ${told(deployment, invocation)}`);
        if (deployment.status.phase === "Paused") noteAdvice(invocation, { name, ending: "going", deployment });
        else print.note(`to watch it: mcp-manager deployment get ${name} --watch`);
      });
      return 0;
    },
  };
}

const promote = commandOf({
  verb: "promote",
  summary: "Let a deployment go on at once: past its present step, or to the end",
  options: {
    full: { type: "boolean", summary: "To the end, whatever steps are left; of an A/B comparison, the new one wins" },
    "accept-breaking": { type: "boolean", summary: "Accept that its difference breaks what clients rely on" },
  },
  notes: [
    "Out of a pause for a difference it accepts the difference and the steps begin; one that breaks clients needs --accept-breaking. Out of any other pause, and in a step, it goes on to the next.",
  ],
  examples: [
    "mcp-manager deployment promote weather-7-1",
    "mcp-manager deployment promote weather-7-1 --accept-breaking --watch",
    "mcp-manager deployment promote weather-7-1 --full",
  ],
  say: (deployments, name, options, { flag }) =>
    deployments.promote(name, {
      ...options,
      ...(flag("full") ? { full: true } : {}),
      ...(flag("accept-breaking") ? { acceptBreaking: true } : {}),
    }),
  told: ({ spec }, { flag }) => (flag("full") ? `goes to the end: all traffic to ${spec.to}` : "goes on"),
});

const pause = commandOf({
  verb: "pause",
  summary: "Let a deployment stay where it is until it is resumed",
  notes: ["Traffic stays where it is. What speaks against the new revision still counts."],
  examples: ["mcp-manager deployment pause weather-7-1"],
  say: (deployments, name, options) => deployments.pause(name, options),
  told: ({ spec, status }) => `stays where it is, with ${percent(status.traffic.target)} of the traffic on ${spec.to}`,
});

const resume = commandOf({
  verb: "resume",
  summary: "Let a paused deployment go on",
  notes: [
    "It goes on where it was paused: a wait for promotion is over, a measurement that did not satisfy begins anew, a difference that only reads otherwise is accepted. One that breaks clients is" +
      " accepted by promote --accept-breaking only.",
  ],
  examples: ["mcp-manager deployment resume weather-7-1 --watch"],
  say: (deployments, name, options) => deployments.resume(name, options),
  told: () => "goes on",
});

const abort = commandOf({
  verb: "abort",
  summary: "Take a deployment back: all traffic to the stable revision, at once",
  notes: [
    "Calls under way finish where they are, for 30 s at most. With --watch the exit status is 0 when it has gone back.",
  ],
  examples: ["mcp-manager deployment abort weather-7-1"],
  say: (deployments, name, options) => deployments.abort(name, options),
  told: ({ spec }) =>
    `is taken back: ${spec.from === null ? "nothing serves then" : `all traffic goes to ${spec.from}`}`,
});

const retry: Command = {
  words: ["deployment", "retry"],
  summary: "Try an aborted or failed deployment once more, from the beginning",
  positionals: [{ name: "NAME" }],
  options: deploymentWaitOptions,
  notes: ["It makes the next deployment, to the same revision.", ...deploymentWaitNotes],
  examples: ["mcp-manager deployment retry weather-7-1"],
  async run(invocation) {
    const wait = waitOf(invocation, retry.words);
    const { client, positionals, io } = invocation;
    const deployment = await client().deployments.retry(positionals[0] ?? "", { signal: io.signal });
    return await followAndTell(invocation, deployment, wait);
  },
};

/** The words, in the order in which help shows them. */
export const deploymentVerbs: readonly Command[] = [promote, pause, resume, abort, retry];
