import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseServer } from "../parse.ts";
import { findReferences } from "../reference.ts";
import type { ServerSource, ServerSourceInput } from "../server.ts";
import { missingAnswers, wrongAnswers } from "./answers.ts";
import type { RegistryArgument, RegistryPackage, RegistryRemote } from "./format.ts";
import { parseServerJson } from "./format.ts";
import type { Offer } from "./offers.ts";
import { offersOf } from "./offers.ts";

type Possible = Extract<Offer, { readonly isPossible: true }>;

function offer(given: { packages?: readonly object[]; remotes?: readonly object[] }): Offer {
  const json = parseServerJson({ name: "io.example/a", version: "1.0.0", ...given }, "test");
  return offersOf(json)[0] ?? assert.fail("no offer");
}

function packaged(given: Partial<RegistryPackage>): Offer {
  return offer({ packages: [{ registryType: "npm", identifier: "@acme/a", version: "1.0.0", ...given }] });
}

function possible(one: Offer): Possible {
  return one.isPossible ? one : assert.fail(one.why);
}

function source(one: Offer, answers: Readonly<Record<string, string | readonly string[]>> = {}): ServerSourceInput {
  const lists = Object.entries(answers).map(
    ([key, value]) => [key, typeof value === "string" ? [value] : value] as const,
  );
  return possible(one).source(new Map(lists));
}

function args(
  packageArguments: readonly RegistryArgument[],
  answers?: Readonly<Record<string, string | readonly string[]>>,
): readonly string[] {
  const made = source(packaged({ packageArguments }), answers);
  return made.kind === "process" ? (made.args ?? []).slice(2) : assert.fail();
}

function why(one: Offer): string {
  return one.isPossible ? assert.fail("it is possible") : one.why;
}

test("each kind of package is run by its program, at its version", () => {
  const line = (given: Partial<RegistryPackage>): string => {
    const made = source(packaged(given));
    return made.kind === "process" ? [made.command, ...(made.args ?? [])].join(" ") : assert.fail();
  };
  const behind: readonly RegistryArgument[] = [{ type: "positional", value: "start" }];
  assert.equal(line({ packageArguments: behind }), "npx -y @acme/a@1.0.0 start");
  assert.equal(
    line({ runtimeHint: "npx", runtimeArguments: [{ type: "named", name: "--yes" }] }),
    "npx --yes @acme/a@1.0.0",
  );
  assert.equal(
    line({ registryBaseUrl: "https://npm.acme.example/" }),
    "npx -y --registry=https://npm.acme.example @acme/a@1.0.0",
  );
  // The usual one is left to the program, whose user may have a mirror of it; what only looks like it is another.
  const usual = ["npmjs", "org"].join(".");
  for (const host of [usual, `registry.${usual}`])
    assert.equal(line({ registryBaseUrl: `https://${host}/` }), "npx -y @acme/a@1.0.0", host);
  for (const host of [`evil-${usual}`, `${usual}.example`, `${usual}:8443`])
    assert.equal(line({ registryBaseUrl: `https://${host}` }), `npx -y --registry=https://${host} @acme/a@1.0.0`, host);
  assert.equal(line({ runtimeHint: "bunx" }), "bunx @acme/a@1.0.0");
  assert.equal(line({ registryType: "pypi", identifier: "a-b", packageArguments: behind }), "uvx a-b@1.0.0 start");
  assert.equal(line({ registryType: "pypi", identifier: "a-b", runtimeHint: "pipx" }), "pipx run a-b==1.0.0");
  assert.equal(line({ registryType: "nuget", identifier: "A.B" }), "dnx A.B@1.0.0 --yes");
  assert.equal(
    line({ registryType: "nuget", identifier: "A.B", packageArguments: behind }),
    "dnx A.B@1.0.0 --yes -- start",
  );
  assert.equal(line({ runtimeHint: "node" }), "npx -y @acme/a@1.0.0");
});

test("what cannot be run is refused with what to do", () => {
  assert.match(why(packaged({ registryType: "oci", identifier: "acme/a" })), /container image.*not available yet/);
  assert.match(why(packaged({ registryType: "mcpb", identifier: "https://x/a.mcpb" })), /unpack it yourself/);
  assert.match(why(packaged({ registryType: "cargo" })), /npm, pypi, nuget are/);
  assert.match(why(packaged({ transport: { type: "streamable-http" } })), /stdin and stdout only/);
  assert.match(
    why(packaged({ runtimeHint: "bash", runtimeArguments: [{ type: "positional", value: "-c" }] })),
    /another program/,
  );
  for (const identifier of ["-c", "--package=evil", "a b", "../a", "git+https://evil.example/a", "a; rm -rf ~"])
    assert.match(why(packaged({ identifier })), /no name of a package/, identifier);
  assert.match(why(packaged({ version: "--registry=http://evil.example" })), /version is none/);
  for (const path of ["/${secret:key}", "/?a=${secret:key}", "/#${file:/etc/passwd}", "/a b", "@evil.example", ":x/"])
    assert.match(why(packaged({ registryBaseUrl: `https://npm.example${path}` })), /no plain https/, path);
  for (const registryBaseUrl of ["http://evil.example", "https://", "--call=x", "https:/evil.example"])
    assert.match(why(packaged({ registryBaseUrl })), /no plain https/, registryBaseUrl);
  assert.match(why(offer({ remotes: [{ type: "websocket", url: "wss://x" }] })), /no transport/);
});

test("a remote server has its address and headers, with what was answered in them", () => {
  const remote: RegistryRemote = {
    type: "streamable-http",
    url: "https://{tenant}.example.com/{tenant}/{other}",
    variables: { tenant: { description: "yours" } },
    headers: [
      { name: "Authorization", value: "Bearer {token}", isRequired: true, variables: { token: { isSecret: true } } },
      { name: "X-Region", default: "eu", choices: ["eu", "us"] },
      { name: "X-Trace" },
    ],
  };
  const one = possible(offer({ remotes: [remote] }));
  assert.deepEqual(
    one.questions.map(({ key, isRequired, isSecret, takesReferences }) => [key, isRequired, isSecret, takesReferences]),
    [
      ["tenant", true, false, false],
      ["token", true, true, true],
      ["X-Region", false, false, true],
      ["X-Trace", false, false, true],
    ],
  );
  assert.deepEqual(source(one, { tenant: "acme", token: "${secret:acme}" }), {
    kind: "remote",
    url: "https://acme.example.com/acme/{other}",
    transport: "streamable-http",
    headers: { Authorization: "Bearer ${secret:acme}", "X-Region": "eu" },
  });
});

test("arguments: fixed, asked for, by default, repeated, flags alone, and those left out", () => {
  const given: readonly RegistryArgument[] = [
    { type: "named", name: "--stdio", description: "always" },
    { type: "named", name: "--host", default: "localhost" },
    { type: "named", name: "--port", format: "number" },
    { type: "named", name: "--level=", value: "info" },
    { type: "named", name: "-e", value: "A={a},B={b}", isRepeated: true, variables: { a: {}, b: { default: "x" } } },
    { type: "positional", valueHint: "dir", isRequired: true, isRepeated: true },
    { type: "positional", value: "last" },
  ];
  assert.deepEqual(args(given, { dir: ["/a", "/b"] }), [
    "--stdio",
    "--host",
    "localhost",
    "--level=info",
    "/a",
    "/b",
    "last",
  ]);
  assert.deepEqual(args(given, { dir: "/a", a: ["1", "2"], port: "80", host: "" }), [
    "--stdio",
    "--host",
    "--port",
    "80",
    "--level=info",
    "-e",
    "A=1,B=x",
    "-e",
    "A=2,B=x",
    "/a",
    "last",
  ]);
  assert.throws(() => args(given, { dir: "/a", a: ["1", "2", "3"], b: ["1", "2"] }), {
    message: /b has to be given once, or 3 times/,
  });
});

test("two questions of one name have keys of their own", () => {
  const one = possible(
    packaged({
      environmentVariables: [{ name: "path" }],
      packageArguments: [
        { type: "named", name: "--in", value: "{path}", variables: { path: {} } },
        { type: "named", name: "--out", value: "{path}", variables: { path: {} } },
      ],
    }),
  );
  assert.deepEqual(
    one.questions.map(({ key, subject }) => [key, subject]),
    [
      ["path", "path of argument --in"],
      ["path-2", "path of argument --out"],
      ["path-3", "environment variable path"],
    ],
  );
});

test("what is missing, unknown or of another kind is told, secrets unsaid", () => {
  const { questions } = possible(
    packaged({
      environmentVariables: [
        { name: "TOKEN", isRequired: true, isSecret: true, choices: ["a"] },
        { name: "MODE", isRequired: true, default: "x", choices: ["x", "y"] },
        { name: "COUNT", format: "number" },
      ],
    }),
  );
  assert.deepEqual(
    missingAnswers(questions, new Map()).map(({ key }) => key),
    ["TOKEN"],
  );
  const wrong = wrongAnswers(
    questions,
    new Map([
      ["TOKEN", ["hunter2"]],
      ["MODE", ["x", "y"]],
      ["COUNT", ["many"]],
      ["TOKNE", ["b"]],
    ]),
  );
  assert.deepEqual(wrong, [
    { path: "TOKNE", given: "a value", expected: "one of TOKEN, MODE, COUNT; did you mean TOKEN?" },
    { path: "TOKEN", given: "text (not shown)", expected: "one of a" },
    { path: "MODE", given: "2 values", expected: "one value" },
    { path: "COUNT", given: '"many"', expected: "a number" },
  ]);
  assert.deepEqual(wrongAnswers(questions, new Map([["COUNT", ["${env:N}"]]])), []);
});

test("a description of the registry's own form is read, whatever else is in it; a broken one is told field by field", () => {
  const json = parseServerJson(
    {
      $schema: "x",
      name: "io.example/a",
      description: "d",
      version: "1",
      icons: [],
      packages: [{ registryType: "npm", identifier: "a", transport: { type: "stdio" }, fileSha256: "0" }],
    },
    "test",
  );
  assert.deepEqual(json.packages, [{ registryType: "npm", identifier: "a", transport: { type: "stdio" } }]);
  assert.throws(
    () => parseServerJson({ name: "a", version: "", packages: [{ registryType: 1 }] }, "server.json of a"),
    {
      message:
        /^server\.json of a: 4 fields are wrong: name: given "a", expected a name like io\.github\.user\/weather/,
    },
  );
});

/** Whatever a description says, and whatever is answered: the Server that comes of it, read by the program's own rules. */
function drafted(made: ServerSourceInput): ServerSource {
  return parseServer({ metadata: { name: "a" }, spec: { source: made } }).spec.source;
}

const words = fc.oneof(
  fc.constantFrom("${env:HOME}", "$", "{env:HOME}", "${", "$${x}", "-y", "", " "),
  fc.string({ maxLength: 12 }),
);

test("no argument is lost, and their order is kept", () => {
  const argument = fc.oneof(
    words.map((value): RegistryArgument => ({ type: "positional", value: value.replaceAll(/[{}]/g, "") })),
    fc
      .tuple(fc.constantFrom("--a", "-b"), words)
      .map(([name, value]): RegistryArgument => ({ type: "named", name, value: value.replaceAll(/[{}]/g, "") })),
    fc.constantFrom("--c", "-d").map((name): RegistryArgument => ({ type: "named", name })),
    fc.nat(99).map((number): RegistryArgument => ({
      type: "positional",
      valueHint: `q${number}`,
      isRequired: true,
      isRepeated: true,
    })),
  );
  fc.assert(
    fc.property(
      fc.array(argument, { maxLength: 12 }),
      fc.array(fc.stringMatching(/^[a-z]{1,5}$/), { minLength: 1, maxLength: 3 }),
      (given, texts) => {
        const one = possible(packaged({ packageArguments: given }));
        const answers = Object.fromEntries(
          one.questions.map(({ key }) => [key, texts.map((text) => `${key}:${text}`)]),
        );
        const keys = one.questions.map(({ key }) => key);
        const expected = given.flatMap((item): readonly string[] => {
          if (item.type === "named")
            return item.value === undefined || item.value === "" ? [item.name] : [item.name, item.value];
          return item.value === undefined ? (answers[keys.shift() ?? ""] ?? []) : [item.value];
        });
        assert.deepEqual(args(given, answers), expected);
      },
    ),
  );
});

test("nothing that a description says becomes a reference to what this machine knows", () => {
  const variables = fc.dictionary(
    fc.constantFrom("a", "b"),
    fc.record({ value: words, default: words }, { requiredKeys: [] }),
  );
  const input = fc.record({ value: words, default: words, variables }, { requiredKeys: [] });
  fc.assert(
    fc.property(
      fc.array(input, { maxLength: 4 }),
      fc.array(fc.constantFrom("{a}", "${", "$", "{b}", "env:X}"), { maxLength: 5 }),
      (inputs, template) => {
        const all = [
          ...inputs,
          { value: template.join(""), variables: { a: { value: "{env:X}" }, b: { default: "{file:/x}" } } },
        ];
        const one = possible(
          packaged({
            environmentVariables: all.map((each, index) => ({ ...each, name: `E${index}` })),
            packageArguments: all.map((each) => ({ ...each, type: "positional" as const, valueHint: "h" })),
          }),
        );
        const made = drafted(source(one));
        assert.ok(made.kind === "process");
        for (const text of [...made.args, ...Object.values(made.env)]) assert.deepEqual(findReferences(text), [], text);
      },
    ),
  );
});
