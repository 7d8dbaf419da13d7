/**
 * Finds what a request holds that our proto files do not know: it is refused, as REST refuses it, since whoever sent it counts on
 * something that would not happen. What is open JSON by its type (Struct, Value) is not looked into.
 */
import type { DescField, DescMessage, Message } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import type { ReflectMessage } from "@bufbuild/protobuf/reflect";
import { invalidFields } from "@mcp-manager/api";

/** Throws `invalid_argument` when the message, or one inside it, has a field of an unknown number. */
export function refuseUnknown(desc: DescMessage, message: Message): void {
  const found = unknownIn(reflect(desc, message), "");
  if (found === undefined) return;
  const expected = "no such field: this manager's proto files are older or others than the client's";
  throw invalidFields(desc.name, [{ path: found, given: "a value", expected }]);
}

/** `server.spec.#99`: where, and the number. */
function unknownIn(message: ReflectMessage, path: string): string | undefined {
  const [unknown] = message.getUnknown() ?? [];
  if (unknown !== undefined) return `${path}#${unknown.no}`;
  for (const field of message.fields) {
    if (!message.isSet(field)) continue;
    for (const [inner, at] of messagesOf(message, field)) {
      const found = inner.desc.typeName.startsWith("google.") ? undefined : unknownIn(inner, `${path}${at}.`);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

function* messagesOf(message: ReflectMessage, field: DescField): Iterable<readonly [ReflectMessage, string]> {
  if (field.fieldKind === "message") yield [message.get(field), field.jsonName];
  if (field.fieldKind === "list" && field.listKind === "message") {
    for (const [index, item] of message.get(field).entries()) {
      yield [item as ReflectMessage, `${field.jsonName}[${index}]`];
    }
  }
  if (field.fieldKind === "map" && field.mapKind === "message") {
    for (const [key, item] of message.get(field)) yield [item as ReflectMessage, `${field.jsonName}.${String(key)}`];
  }
}
