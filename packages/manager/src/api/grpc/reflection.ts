/**
 * The standard reflection service, in both versions that tools ask for: names of services, and the files that declare something. It
 * shows what the proto files say, and nothing of what runs.
 */
import type { DescFile, DescService } from "@bufbuild/protobuf";
import { createRegistry, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { file_google_rpc_error_details } from "./gen/google/rpc/error_details_pb.ts";
import type { ServerReflectionRequest } from "./gen/grpc/reflection/v1/reflection_pb.ts";
import type { ServerReflectionRequest as AlphaRequest } from "./gen/grpc/reflection/v1alpha/reflection_pb.ts";

/** What the response says beside the request it answers; the same in both versions. */
export type Reflected =
  | { readonly case: "fileDescriptorResponse"; readonly value: { readonly fileDescriptorProto: Uint8Array[] } }
  | { readonly case: "listServicesResponse"; readonly value: { readonly service: { readonly name: string }[] } }
  | {
      readonly case: "errorResponse";
      readonly value: { readonly errorCode: number; readonly errorMessage: string };
    };

/** The part of a request that asks something; the same in both versions. */
type Question = Pick<ServerReflectionRequest | AlphaRequest, "messageRequest">;

/** Answers questions about services and all that they mention. */
export function reflector(services: readonly DescService[]): (question: Question) => Reflected {
  const roots = [...services.map(({ file }) => file), file_google_rpc_error_details];
  const files = new Map(withImports(roots).map((file) => [`${file.name}.proto`, file]));
  const registry = createRegistry(...files.values());

  /** The file that declares a message, an enum, a service, or a member of one. */
  const declaring = (symbol: string): DescFile | undefined =>
    (registry.get(symbol) ?? registry.get(symbol.slice(0, Math.max(0, symbol.lastIndexOf(".")))))?.file;

  return ({ messageRequest: { case: kind, value } }) => {
    switch (kind) {
      case "listServices":
        return { case: "listServicesResponse", value: { service: services.map(({ typeName: name }) => ({ name })) } };
      case "fileByFilename":
        return answer(files.get(value), value);
      case "fileContainingSymbol":
        return answer(declaring(value), value);
      case "fileContainingExtension":
        return answer(undefined, value.containingType);
      case "allExtensionNumbersOfType":
        return answer(undefined, value);
      case undefined:
        return refusal(Code.InvalidArgument, "the request asks nothing");
    }
  };
}

/** A file and all that it imports, so that nobody has to ask for each. */
function answer(file: DescFile | undefined, asked: string): Reflected {
  if (file === undefined) return refusal(Code.NotFound, `there is no ${asked.slice(0, 100)}`);
  const fileDescriptorProto = withImports([file]).map(({ proto }) => toBinary(FileDescriptorProtoSchema, proto));
  return { case: "fileDescriptorResponse", value: { fileDescriptorProto } };
}

function refusal(errorCode: Code, errorMessage: string): Reflected {
  return { case: "errorResponse", value: { errorCode, errorMessage } };
}

function withImports(roots: readonly DescFile[]): readonly DescFile[] {
  const found = new Set(roots);
  for (const file of found) for (const imported of file.dependencies) found.add(imported);
  return [...found];
}
