/** An event as the body of a delivery. Pure. */
import type { Event, WebhookSpec } from "@mcp-manager/api";

/** The body, JSON, the same for the same event: it is signed, and a retry carries it again. */
export function bodyOf(event: Event, template: WebhookSpec["template"]): string {
  return JSON.stringify(template === "raw" ? event : slackMessage(event));
}

/** Slack's limit of a text in a block. */
const textMax = 2_900;

/** As Slack's incoming webhooks take it, and what copied them: `text` for notifications, `blocks` for the eye. */
function slackMessage({ topic, at, server, replica, message, severity }: Event): object {
  const mark = severity === "warning" ? ":warning: " : "";
  const subject = server === undefined ? "" : `*${escaped(server)}* `;
  const said = escaped(message)
    .slice(0, textMax)
    .replace(/&[a-z]*$/, "");
  const about = [topic, ...(replica === undefined ? [] : [replica]), at].map(escaped).join("  ·  ");
  return {
    text: `${mark}${subject}${said}`,
    blocks: [
      { type: "section", text: { type: "mrkdwn", text: `${mark}${subject}${said}` } },
      { type: "context", elements: [{ type: "mrkdwn", text: about }] },
    ],
  };
}

/** What a server is called or says must not mention a channel or forge a link. */
function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
