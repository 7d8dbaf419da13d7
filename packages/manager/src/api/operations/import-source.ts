/** What an import's body holds: a file as it is, or a client's JSON document itself. Pure. */
import { describe, invalidFields } from "@mcp-manager/api";
import type { FieldError } from "@mcp-manager/api";

const filenameLengthMax = 4_096;

/** The text to read and what the file is called. Throws `invalid_argument`. */
export function importSource(body: unknown): { readonly text: string; readonly filename: string } {
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    const expected = "a client's configuration, or an object with text and filename";
    throw invalidFields("import", [{ path: "the whole", given: describe(body, true), expected }]);
  }
  if (!("text" in body)) return { text: JSON.stringify(body), filename: "body.json" };
  const { text, filename = "file", ...others } = body as Readonly<Record<string, unknown>>;
  const wrong: FieldError[] = Object.keys(others).map((path) => {
    return { path: path.slice(0, 60), given: "something", expected: "no such field (known here: text, filename)" };
  });
  if (typeof text !== "string") wrong.push({ path: "text", given: describe(text, true), expected: "text" });
  if (typeof filename !== "string" || filename === "" || filename.length > filenameLengthMax)
    wrong.push({ path: "filename", given: describe(filename), expected: `1 to ${filenameLengthMax} characters` });
  if (wrong.length > 0 || typeof text !== "string" || typeof filename !== "string")
    throw invalidFields("import", wrong);
  return { text, filename };
}
