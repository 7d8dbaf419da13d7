/** The reference of metrics, written from what a manager shows. `metrics.test.ts` compares it with `docs/reference/metrics.md`. */

/** One metric as a scrape describes it. */
export interface Family {
  readonly name: string;
  readonly type: string;
  readonly labels: readonly string[];
  readonly help: string;
}

/** Counted only when something is broken, so that no test sees them. */
export const rare: readonly Family[] = [
  {
    name: "mcp_manager_metrics_collector_failures_total",
    type: "counter",
    labels: [],
    help: "Collectors that failed at a scrape.",
  },
];

/** Labels of what a manager counts seldom or late, so that it may have no sample yet to read them from. */
const seldom: Readonly<Record<string, readonly string[]>> = {
  mcp_manager_deployment_phase: ["server", "phase"],
  mcp_manager_deployment_step: ["server"],
  mcp_manager_deployment_weight: ["server"],
  mcp_manager_health_probes_total: ["server", "result"],
  mcp_manager_leases_closed_total: ["server", "reason"],
  mcp_manager_leases_opened_total: ["server"],
  mcp_manager_replica_restarts_total: ["server"],
  mcp_manager_upstream_messages_dropped_total: ["server", "what"],
  mcp_manager_upstream_sockets: ["server", "state"],
  mcp_manager_upstream_socket_uses_total: ["server", "what"],
};

/** The metrics in a text of Prometheus' format, by name. */
export function familiesOf(text: string): readonly Family[] {
  const families = [...text.matchAll(/^# HELP (\S+) (.*)\n# TYPE \S+ (\w+)$/gm)].map(
    ([, name = "", help = "", type = ""]) => {
      const samples = text.matchAll(new RegExp(`^${name}(?:_bucket|_sum|_count)?\\{(.*)\\} `, "gm"));
      const labels = [...samples].flatMap(([, given = ""]) => [...given.matchAll(/(\w+)="(?:[^"\\]|\\.)*"/g)]);
      const names = new Set(labels.map(([, label = ""]) => label).filter((label) => label !== "le"));
      return { name, type, help, labels: [...names] };
    },
  );
  return families.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** The page, in Markdown. */
export function metricsPage(families: readonly Family[]): string {
  const rows = [...families, ...rare].map(({ name, type, labels, help }) => {
    const shown = (seldom[name] ?? labels).map((label) => `\`${label}\``).join(", ");
    return `| \`${name}\` | ${type} | ${shown} | ${help} |`;
  });
  return [intro, "| metric | type | labels | meaning |", "| --- | --- | --- | --- |", ...rows, "", labelsText].join(
    "\n",
  );
}

const intro = `# Metrics

<!-- Written from a scrape. To change it, change the metrics and run
UPDATE_REFERENCE=1 node --conditions=mcp-manager-source --test test/e2e/metrics.test.ts -->

\`GET /metrics\` answers in Prometheus' text format. It needs a key with the permission \`metrics:read\`: the roles \`viewer\`, \`operator\` and
\`admin\` have it.

\`\`\`yaml
scrape_configs:
  - job_name: mcp-manager
    authorization: { credentials_file: /etc/prometheus/mcp-manager.key }
    static_configs: [{ targets: ["127.0.0.1:8080"] }]
\`\`\`
`;

const labelsText = `## Labels

| label | values |
| --- | --- |
| \`server\` | the server's name; empty for what the gateway answers itself, and for sessions on \`/mcp\` |
| \`revision\` | the revision's name, \`weather-7\` |
| \`method\` | the MCP method, \`tools/call\` |
| \`outcome\` | \`result\`; \`input_required\` (the server asks back); \`tool_error\` (the tool said \`isError\`: an answer, no outage); \`protocol_error\`; \`unavailable\`; \`timeout\`; \`cancelled\`; \`refused\` (a limit was reached) |
| \`state\` | of a server: \`pending\`, \`starting\`, \`ready\`, \`degraded\`, \`idle\`, \`failed\`, \`draining\`; of a replica: those without \`degraded\`, and \`stopped\`; of connections: \`in_use\`, \`idle\`, \`spare\`, \`busy\`, and \`waiting\` of the calls that want one |
| \`phase\` | of a server's newest deployment: \`Pending\`, \`SchemaCheck\`, \`TtlClamp\`, \`Progressing\`, \`Paused\`, \`Promoting\`, \`Draining\`, \`Completed\`, \`Aborting\`, \`Aborted\`, \`Failed\` |
| \`topic\` | of an event: see [events](events.md) |
| \`reason\` | in a word why a call or a client was refused, or a connection closed: \`breaker\`, \`held_off\`, \`queue\`, \`rate\`; \`overload\`, \`connections\` … |
| \`result\` | of a probe: \`alive\`, \`failed\`, \`needs-authorization\` |
| \`resource\` | \`heap\`, \`descriptors\`, \`event_loop\` |
| \`what\` | in a word what was counted, or dropped |
| \`quantile\` | \`0.5\`, \`0.99\` |

Names of tools are no labels: they come from outside. A metric has at most 2,000 combinations of label values; what comes beyond that is
counted under \`other\`. Metrics with labels appear with the first thing that they count. Histograms are in seconds, with buckets from half a
millisecond to five minutes.
`;
