import assert from "node:assert/strict";
import { test } from "node:test";
import { expandReferences, findReferences } from "./reference.ts";

test("references are found with their parts", () => {
  assert.deepEqual(findReferences("a ${env:A:-b:c} ${file:/x:-y} $${env:NOT} ${B}"), [
    { text: "${env:A:-b:c}", source: "env", key: "A", fallback: "b:c" },
    { text: "${file:/x:-y}", source: "file", key: "/x:-y" },
    { text: "${B}", source: "", key: "B" },
  ]);
});

test("references are replaced, the escaped one stands, and what was put in is not read again", () => {
  const value = "Bearer ${env:A} $${env:A} ${file:/f}";
  assert.equal(
    expandReferences(value, ({ key }) => `<${key} \${env:X}>`),
    "Bearer <A ${env:X}> ${env:A} </f ${env:X}>",
  );
});
