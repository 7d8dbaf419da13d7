/** Reference counts of subscriptions, against a model that counts the slow way. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Interest } from "./subscription-interest.ts";

interface Client {
  readonly name: string;
}

const clients: readonly Client[] = [{ name: "a" }, { name: "b" }, { name: "c" }];
const servers = ["s", "t"];
const uris = ["x:1", "x:2"];

const one = fc.record({
  who: fc.constantFrom(...clients),
  server: fc.constantFrom(...servers),
  uri: fc.constantFrom(...uris),
});
const step = fc.oneof(
  fc.record({ do: fc.constant("subscribe" as const), to: one }),
  fc.record({ do: fc.constant("unsubscribe" as const), to: one }),
  fc.record({ do: fc.constant("end" as const), to: one }),
  fc.record({ do: fc.constant("delete" as const), to: one }),
);

test("G16 whatever the order: one client's end or unsubscribe never cuts off another, and servers hear of first and last only", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const told = new Set<string>();
      const interest = new Interest<Client>((server, uri, isWanted) => {
        const key = `${server} ${uri}`;
        assert.notEqual(told.has(key), isWanted, "a server is told the same thing twice");
        if (isWanted) told.add(key);
        else told.delete(key);
      });
      const model = new Set<string>();
      for (const { do: what, to } of steps) {
        const key = `${to.who.name} ${to.server} ${to.uri}`;
        if (what === "subscribe") {
          interest.add(to.who, to.server, to.uri, to.uri);
          model.add(key);
        } else if (what === "unsubscribe") {
          interest.remove(to.who, to.server, to.uri);
          model.delete(key);
        } else if (what === "end") {
          interest.removeClient(to.who);
          for (const each of model) if (each.startsWith(`${to.who.name} `)) model.delete(each);
        } else {
          interest.removeServer(to.server);
          for (const each of model) if (each.split(" ")[1] === to.server) model.delete(each);
        }
        compare(interest, model, told);
      }
    }),
  );
});

function compare(interest: Interest<Client>, model: ReadonlySet<string>, told: ReadonlySet<string>): void {
  assert.equal(interest.size, model.size);
  for (const client of clients) {
    assert.equal(interest.countOf(client), [...model].filter((key) => key.startsWith(`${client.name} `)).length);
  }
  for (const server of servers) {
    const wanted = uris.filter((uri) => clients.some(({ name }) => model.has(`${name} ${server} ${uri}`)));
    assert.deepEqual([...interest.urisOf(server)].sort(), wanted);
    for (const uri of uris) {
      const hearers = [...interest.hearers(server, uri).keys()].map(({ name }) => name).sort();
      const expected = clients.map(({ name }) => name).filter((name) => model.has(`${name} ${server} ${uri}`));
      assert.deepEqual(hearers, expected);
      assert.equal(told.has(`${server} ${uri}`), wanted.includes(uri));
    }
  }
}

test("an update of a part of a resource is told to whoever subscribed to the whole, under the URI it knows", () => {
  const [ada, bob, cy] = clients as [Client, Client, Client];
  const interest = new Interest<Client>(() => {});
  interest.add(ada, "s", "file:///dir", "s+file:///dir");
  interest.add(bob, "s", "file:///dir/sub/", "file:///dir/sub/");
  interest.add(cy, "s", "file:///di", "file:///di");
  const shownTo = (uri: string): unknown => [...interest.hearers("s", uri)].map(([{ name }, shown]) => [name, shown]);
  assert.deepEqual(shownTo("file:///dir/sub/f"), [
    ["b", "file:///dir/sub/f"],
    ["a", "s+file:///dir/sub/f"],
  ]);
  assert.deepEqual(shownTo("file:///dir"), [["a", "s+file:///dir"]]);
  assert.deepEqual(shownTo("file:///other"), []);
  assert.deepEqual(shownTo("/"), []);
  assert.deepEqual(shownTo(`file:///dir${"/x".repeat(10_000)}`), [], "it looks only so far up");
});
