/**
 * The stand-in MCP server on stdio: one message a line, answers of one read leave in one write.
 *
 *   node upstream/stdio.ts legacy|modern|both
 */
import { answerTo } from "./answers.ts";

const era = process.argv[2];
const eras = era === "modern" || era === "both" ? era : "legacy";
let rest = "";

process.stdin.setEncoding("utf8");
process.stdin.on("data", (chunk: string) => {
  const text = rest + chunk;
  let out = "";
  let from = 0;
  for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", from)) {
    const answer = end > from ? answerTo(text.slice(from, end), eras) : undefined;
    if (answer !== undefined) out += `${answer}\n`;
    from = end + 1;
  }
  rest = text.slice(from);
  if (out !== "") process.stdout.write(out);
});
process.stdin.on("end", () => process.exit(0));
