import { describe, expect, it } from "vitest";
import { parseRunRequest } from "./run-requests.ts";
import { readFileLimitBytes, ServerAct, ServerActResult } from "./server-acts.ts";

describe("server acts", () => {
  it("admits the slot names PostgreSQL admits, and no other", () => {
    for (const name of ["a", "tidemark_1", "x".repeat(63)]) {
      expect(ServerAct.parse({ kind: "create-slot", name, reserveWal: true })).toMatchObject({ name });
    }
    for (const name of ["", "Upper", "with-dash", "x".repeat(64), 'quote"d']) {
      expect(() => ServerAct.parse({ kind: "plan-drop-slot", name })).toThrow();
    }
  });

  it("drops no slot without the hash of the plan that was shown", () => {
    expect(() => ServerAct.parse({ kind: "drop-slot", name: "a" })).toThrow();
  });

  it("reads at most the limit at once, and only for a recipient", () => {
    const read = {
      kind: "read-file",
      path: "PG_VERSION",
      offset: 0,
      lengthBytes: readFileLimitBytes,
      recipient: "key",
    };
    expect(ServerAct.parse(read)).toEqual(read);
    expect(() => ServerAct.parse({ ...read, lengthBytes: readFileLimitBytes + 1 })).toThrow();
    expect(() => ServerAct.parse({ ...read, recipient: undefined })).toThrow();
  });

  it("takes LSNs as PostgreSQL prints them", () => {
    const result = { kind: "checkpoint", lsn: "0/16B3748", timeline: 1, sentence: "done" };
    expect(ServerActResult.parse(result)).toEqual(result);
    expect(() => ServerActResult.parse({ ...result, lsn: "23869256" })).toThrow();
  });

  it("reads a backup asked for before methods existed as a streamed one of the server itself", () => {
    const old = { serverId: "s", backupId: "b", checkpoint: "fast", maxRateKib: null, label: null, drillAfter: false };
    expect(parseRunRequest("backup", old)).toMatchObject({ method: "stream", readers: 4, memberName: null });
  });
});
