import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { holds, parseAddress, parseBlock } from "./address.ts";
import { notPublic } from "./public-address.ts";

function judged(text: string): string | undefined {
  const address = parseAddress(text);
  assert.ok(address, text);
  return notPublic(address);
}

test("addresses of the public internet pass", () => {
  for (const text of ["8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "64:ff9b::8.8.8.8"])
    assert.equal(judged(text), undefined, text);
});

test("whatever leads inside is refused, in every spelling", () => {
  const inside = [
    ["127.0.0.1", "127.255.255.254", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1"],
    ["169.254.169.254", "100.64.0.1", "100.100.100.200", "168.63.129.16", "224.0.0.1", "240.0.0.1", "255.255.255.255"],
    [
      "192.0.2.1",
      "198.18.0.1",
      "203.0.113.9",
      "::",
      "::1",
      "fc00::1",
      "fd00:ec2::254",
      "fe80::1",
      "febf::1",
      "ff02::1",
    ],
    ["::ffff:127.0.0.1", "::ffff:a00:1", "::ffff:169.254.169.254", "64:ff9b::169.254.169.254", "64:ff9b:1::a00:1"],
    ["2002:7f00:1::", "2002:a00:1::1", "2001:0:1::1", "2001:db8::1", "3fff::1", "::127.0.0.1", "100::1", "4000::1"],
  ];
  for (const text of inside.flat()) assert.notEqual(judged(text), undefined, text);
});

test("an address with a zone is none", () => {
  assert.equal(parseAddress("fe80::1%eth0"), undefined);
});

test("every address of a block is in it and none beside it, whatever its length", () => {
  fc.assert(
    fc.property(fc.bigInt(0n, 2n ** 128n - 1n), fc.integer({ min: 1, max: 128 }), (value, length) => {
      const mask = (1n << BigInt(128 - length)) - 1n;
      const first = value & ~mask;
      const block = parseBlock(`${written(first)}/${length}`);
      assert.ok(block);
      const at = (number: bigint): boolean => holds(block, { family: 6, value: number });
      assert.ok(at(value) && at(first) && at(first + mask));
      assert.ok(!at(first - 1n) && !at(first + mask + 1n));
    }),
  );
});

test("a block with bits beyond its mask is none", () => {
  for (const text of ["10.0.0.1/8", "10.0.0.0/33", "::1/64", "10.0.0.0/8/8", "10.0.0.0/x", "10.0.0/8"])
    assert.equal(parseBlock(text), undefined, text);
});

function written(value: bigint): string {
  return Array.from({ length: 8 }, (_, group) => ((value >> BigInt(112 - 16 * group)) & 0xffffn).toString(16)).join(
    ":",
  );
}
