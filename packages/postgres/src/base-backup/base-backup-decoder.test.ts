import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { capabilitiesOf } from "../session/capabilities.ts";
import type { BackendMessage } from "../wire/backend-messages.ts";
import { BaseBackupDecoder } from "./base-backup-decoder.ts";
import type { BaseBackupEvent } from "./base-backup-events.ts";
import { tarMember } from "./tar-writer.fixture.ts";

const row = (...values: (string | null)[]): BackendMessage => ({
  kind: "data-row",
  values: values.map((value) => (value === null ? null : Buffer.from(value))),
});
const columns: BackendMessage = { kind: "row-description", columns: [], types: [] };
const complete: BackendMessage = { kind: "command-complete", tag: "SELECT" };
const copyOut: BackendMessage = { kind: "copy-out" };
const copyDone: BackendMessage = { kind: "copy-done" };
const ready: BackendMessage = { kind: "ready" };
const copied = (payload: Uint8Array): BackendMessage => ({ kind: "copy-data", payload });

const begin = [
  columns,
  row("0/2000028", "1"),
  complete,
  columns,
  row("16385", "/srv/ts", "10"),
  row(null, null, "90"),
  complete,
];
const end = [columns, row("0/2000120", "1"), complete, complete, ready];
const tablespace = Buffer.concat([
  tarMember({ name: "PG_18_202506291/", type: "5" }),
  tarMember({ name: "PG_18_202506291/5/16386", body: Buffer.from("rows") }),
]);
const base = Buffer.concat([
  tarMember({ name: "backup_label", body: Buffer.from("label") }),
  tarMember({ name: "./pg_wal/archive_status/", type: "5" }),
]);
const manifest = Buffer.from("{ manifest }");

/** The same backup as each generation of servers sends it, in copied messages of the given size. */
function conversation(major: number, size: number): BackendMessage[] {
  const pieces = (bytes: Buffer): Buffer[] =>
    Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
      bytes.subarray(index * size, (index + 1) * size),
    );
  if (major < 15) {
    const copies = [tablespace, base, manifest].flatMap((bytes) => [copyOut, ...pieces(bytes).map(copied), copyDone]);
    return [...begin, ...copies, ...end];
  }
  const typed = (type: string, bytes: Uint8Array | string): BackendMessage =>
    copied(Buffer.concat([Buffer.from(type), Buffer.from(bytes)]));
  const contents = (bytes: Buffer): BackendMessage[] => pieces(bytes).map((piece) => typed("d", piece));
  return [
    ...begin,
    copyOut,
    typed("n", "16385.tar\0/srv/ts\0"),
    ...contents(tablespace),
    ...contents(Buffer.alloc(1024)),
    typed("p", Buffer.alloc(8)),
    typed("n", "base.tar\0\0"),
    ...contents(base),
    ...contents(Buffer.alloc(1024)),
    typed("m", ""),
    ...contents(manifest),
    copyDone,
    ...end,
  ];
}

function decode(major: number, messages: readonly BackendMessage[]): BaseBackupEvent[] {
  const decoder = new BaseBackupDecoder(capabilitiesOf(major));
  const events: BaseBackupEvent[] = [];
  for (const message of messages) {
    decoder.push(message);
    for (let event = decoder.next(); event !== null; event = decoder.next()) events.push(event);
  }
  return events;
}

/** Events as lines, contents joined. */
function story(events: readonly BaseBackupEvent[]): string[] {
  const lines: string[] = [];
  let body = "";
  for (const event of events) {
    if (event.kind === "file-data" || event.kind === "manifest-data") body += Buffer.from(event.chunk).toString();
    else if (event.kind === "file-end" || event.kind === "manifest-end") {
      lines.push(`${event.kind} ${body}`);
      body = "";
    } else if (event.kind === "directory" || event.kind === "file-begin") {
      lines.push(`${event.kind} ${Buffer.from(event.path).toString()}`);
    } else if (event.kind !== "progress") {
      lines.push(JSON.stringify(event, (_, value) => (typeof value === "bigint" ? value.toString(16) : value)));
    }
  }
  return lines;
}

const wanted = [
  '{"kind":"start","startLsn":"2000028","timeline":1,"tablespaces":[{"oid":16385,"path":"/srv/ts","sizeKib":"a"}],"estimatedBytes":"19000"}',
  '{"kind":"archive-begin","oid":16385}',
  "directory pg_tblspc/16385/PG_18_202506291",
  "file-begin pg_tblspc/16385/PG_18_202506291/5/16386",
  "file-end rows",
  '{"kind":"archive-begin","oid":null}',
  "file-begin backup_label",
  "file-end label",
  "directory pg_wal/archive_status",
  "manifest-end { manifest }",
  '{"kind":"end","stopLsn":"2000120","stopTimeline":1}',
];

describe.each([13, 14, 15, 16, 17, 18])("BaseBackupDecoder, PostgreSQL %i", (major) => {
  it("tells the same story whatever the size of the copied messages", () => {
    for (const size of [1, 100, 511, 512, 513, 32_768])
      expect(story(decode(major, conversation(major, size)))).toEqual(wanted);
  });

  it("never says `end` when the conversation stops early", () => {
    const messages = conversation(major, 600);
    for (let length = 0; length < messages.length; length++) {
      expect(decode(major, messages.slice(0, length)).some(({ kind }) => kind === "end")).toBe(false);
    }
  });

  it("refuses a conversation that lacks or repeats any message of substance", () => {
    const messages = conversation(major, 600);
    // Column names, the server's own progress, and the zeros between and behind members.
    const isOptional = (message: BackendMessage): boolean =>
      message.kind === "row-description" ||
      (message.kind === "copy-data" &&
        (message.payload[0] === 0x70 || message.payload.subarray(1).every((byte) => byte === 0)));
    for (const [index, message] of messages.entries()) {
      if (isOptional(message)) continue;
      const without = messages.filter((_, other) => other !== index);
      let outcome: BaseBackupEvent[] | "refused" = "refused";
      try {
        outcome = decode(major, without);
      } catch (error) {
        expect(error).toMatchObject({ code: expect.stringMatching(/^backup-/) });
      }
      // What is left out of contents shows in the story, and in the manifest's checksums.
      if (outcome !== "refused")
        expect(story(outcome), `without message ${index} (${message.kind})`).not.toEqual(wanted);
    }
  });
});

describe("BaseBackupDecoder", () => {
  it("reports progress every 128 KiB and at the end of each archive", () => {
    const big = tarMember({ name: "big", body: Buffer.alloc(20 << 20) });
    const pieces = Array.from({ length: big.length / 32_768 }, (_, index) =>
      copied(big.subarray(index * 32_768, (index + 1) * 32_768)),
    );
    const events = decode(13, [
      columns,
      row("0/2000028", "1"),
      complete,
      row(null, null, null),
      complete,
      copyOut,
      ...pieces,
    ]);
    const done = events.flatMap((event) => (event.kind === "progress" ? [event.doneBytes] : []));
    expect(done).toHaveLength((20 << 20) / (128 << 10));
    expect(events.find(({ kind }) => kind === "start")).toMatchObject({ estimatedBytes: null });
  });

  it.each(["/etc/passwd", "../evil", "base/../../x", "a//b", "./", "..", "base/.", ""])(
    "refuses the member %j",
    (name) => {
      const messages = [
        ...begin.slice(0, 4),
        row(null, null, "1"),
        complete,
        copyOut,
        copied(tarMember({ name, body: Buffer.from("x") })),
      ];
      expect(() => decode(13, messages)).toThrow(expect.objectContaining({ code: "backup-member-refused" }));
    },
  );

  it.each(["../base.tar", "/tmp/x.tar", "16386.tar", "base.tar.gz", ""])("refuses the archive %j", (name) => {
    const messages = [...begin, copyOut, copied(Buffer.from(`n${name}\0\0`))];
    expect(() => decode(18, messages)).toThrow(expect.objectContaining({ code: "backup-member-refused" }));
  });

  it("answers any order of messages with events or a code of its own", () => {
    const pool = [...conversation(18, 700), ...conversation(13, 700)];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pool), { maxLength: 30 }), fc.constantFrom(13, 18), (messages, major) => {
        try {
          decode(major, messages);
        } catch (error) {
          expect(error).toMatchObject({ code: expect.stringMatching(/^(backup-|protocol-violation)/) });
        }
      }),
    );
  });
});
