import { AppError } from "@tidemark/kit";

/** What a client sends (PostgreSQL manual, "Message Formats"); each function returns one whole message. */

/** Protocol 3.0 with the given parameters (`user`, `replication`, `application_name` …). */
export function encodeStartup(parameters: Readonly<Record<string, string>>): Buffer {
  const pairs = Object.entries(parameters).flatMap(([name, value]) => [cString(name), cString(value)]);
  return untyped(int32(196_608), ...pairs, Buffer.of(0));
}

/** 80877103: asks whether the server would speak TLS; it answers with one byte, `S` or `N`. */
export function encodeSslRequest(): Buffer {
  return untyped(int32(80_877_103));
}

/** 80877102, on a connection of its own: asks the server to stop what `processId` is doing. */
export function encodeCancelRequest(processId: number, secretKey: Uint8Array): Buffer {
  return untyped(int32(80_877_102), int32(processId), secretKey);
}

/** A simple query: the only kind a physical walsender takes. */
export function encodeQuery(text: string): Buffer {
  return typed("Q", cString(text));
}

/** A value of a parameter: text, binary (bytea as it is), or NULL. */
export type ParameterValue = string | Uint8Array | null;

/**
 * One statement by the extended protocol, in one write: Parse and Bind (unnamed), Describe, Execute, Sync. The types
 * of the parameters are left to the server.
 */
export function encodeQuestion(text: string, values: readonly ParameterValue[], results: "text" | "binary"): Buffer {
  const formats = values.map((value) => int16(value instanceof Uint8Array ? 1 : 0));
  const parameters = values.flatMap((value) => {
    if (value === null) return [int32(-1)];
    const bytes = typeof value === "string" ? Buffer.from(value, "utf8") : value;
    return [int32(bytes.length), bytes];
  });
  return Buffer.concat([
    typed("P", cString(""), cString(text), int16(0)),
    typed(
      "B",
      ...[cString(""), cString(""), int16(values.length), ...formats],
      ...[int16(values.length), ...parameters],
      ...[int16(1), int16(results === "binary" ? 1 : 0)],
    ),
    typed("D", Buffer.from("P"), cString("")),
    typed("E", cString(""), int32(0)),
    typed("S"),
  ]);
}

/** A piece of what a COPY takes in. */
export function encodeCopyData(bytes: Uint8Array): Buffer {
  return typed("d", bytes);
}

/** The end of what a COPY takes in. */
export function encodeCopyDone(): Buffer {
  return typed("c");
}

/** The answer to a request for a cleartext or md5 password. */
export function encodePassword(password: string): Buffer {
  return typed("p", cString(password));
}

export function encodeSaslInitial(mechanism: string, response: Uint8Array): Buffer {
  return typed("p", cString(mechanism), int32(response.length), response);
}

export function encodeSaslResponse(response: Uint8Array): Buffer {
  return typed("p", response);
}

export function encodeTerminate(): Buffer {
  return typed("X");
}

/** A name in a replication command, in double quotes. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A string in a replication command, in single quotes (repl_scanner.l knows no backslash escapes). */
export function quoteLiteral(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

function typed(type: string, ...parts: readonly Uint8Array[]): Buffer {
  return Buffer.concat([Buffer.from(type, "latin1"), untyped(...parts)]);
}

/** PostgreSQL counts the length field itself but not the type byte. */
function untyped(...parts: readonly Uint8Array[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 4);
  return Buffer.concat([int32(length), ...parts]);
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

/** What follows a zero byte would be read as the next field of the message. */
function cString(text: string): Buffer {
  if (text.includes("\0")) throw new AppError("bad-request", { message: "a text with a zero byte cannot be sent" });
  return Buffer.from(`${text}\0`, "utf8");
}
