/**
 * JSON as people keep it: with comments. They are blanked, so that every other character stays where it was and positions in
 * errors are right; trailing commas need nothing, because the result is read as YAML, which allows them.
 */

/** What has no end is taken too, up to where it could have had one: looked for again from each further mark, it would take for ever. */
const pattern = /"(?:[^"\\\n]|\\.)*"?|\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$)/g;

/** `text` with spaces in place of its comments; line ends are kept. */
export function blankComments(text: string): string {
  return text.replace(pattern, (part) => (part.startsWith("/") ? part.replaceAll(/[^\r\n]/g, " ") : part));
}

/** Whether a file is JSON rather than YAML: by its name, else by its first character that is no comment. */
export function isJson(path: string, text: string): boolean {
  if (/\.jsonc?$/i.test(path)) return true;
  if (/\.ya?ml$/i.test(path)) return false;
  return /^\s*[{[]/.test(blankComments(text));
}

/** How deep the brackets of a JSON text without comments go. */
export function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\[^])*"?|[[\]{}]/g)) {
    if (token === "{" || token === "[") deepest = Math.max(deepest, (depth += 1));
    else if (token === "}" || token === "]") depth -= 1;
  }
  return deepest;
}
