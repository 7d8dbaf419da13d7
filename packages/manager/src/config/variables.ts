/**
 * Variables as each client writes them, turned into the references this program knows: `${env:NAME}`, `${env:NAME:-fallback}`,
 * `${file:/path}` and `${secret:name}`. Nothing is looked up here. What only an editor can fill in (`${input:…}`) is reported.
 */

/**
 * How a client writes variables: `dollar` is `${VAR}`, `${VAR:-x}` (Claude Code) and `${env:VAR}` (Cursor, VS Code), `bare` is
 * `$VAR` (Gemini), `braces` is `{env:VAR}` (opencode).
 */
export type VariableForm = "dollar" | "bare" | "braces";

/** A text with our references. */
export interface Translated {
  readonly text: string;
  /** What has no equivalent, as written: `${input:token}`. */
  readonly unknown: readonly string[];
  /** Whether a bare `$NAME` was taken for a reference; it may have been meant literally. */
  readonly hasBare: boolean;
}

const patterns: Readonly<Record<VariableForm, RegExp>> = {
  dollar: /\$\$\{|\$\{([^{}]*)\}/g,
  // A password may hold a dollar sign: only a whole word in capitals is a variable.
  bare: /(?<![^\s])\$([A-Z_][A-Z0-9_]*)(?![^\s])/g,
  braces: /(?<!\$)\{((?:env|file):[^{}]*)\}/g,
};

/** What VS Code and Cursor replace by themselves; not variables of the environment, whatever they look like. */
const editorWords = /^(?:workspaceFolder(?:Basename)?|workspaceRoot|userHome|pathSeparator|cwd|file\w*|\/)$/;

/** `text` with the variables of these forms as references. */
export function toReferences(text: string, forms: readonly VariableForm[]): Translated {
  const unknown: string[] = [];
  let hasBare = false;
  let result = text;
  if (forms.includes("braces")) result = result.replace(patterns.braces, "${$1}");
  if (forms.includes("bare")) {
    result = result.replace(patterns.bare, (_, name: string) => {
      hasBare = true;
      return `\${env:${name}}`;
    });
  }
  if (!forms.includes("dollar")) return { text: result, unknown, hasBare };
  result = result.replace(patterns.dollar, (written: string, body?: string) => {
    if (body === undefined || /^(?:env|file|secret):/.test(body)) return written;
    if (/^[A-Za-z_]\w*(?::-|$)/.test(body) && !editorWords.test(body)) return `\${env:${body}}`;
    unknown.push(written);
    return written;
  });
  return { text: result, unknown, hasBare };
}
