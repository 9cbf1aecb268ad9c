import { describe, expect, it } from "vitest";
import type { Lsn } from "../files/lsn.ts";
import { decodeWalMessage, encodeStandbyStatus } from "./wal-messages.ts";

/** Type, start, end, time, then bytes. */
const xLogData = Buffer.from("7700000000030000000000000003000148000301b61f5c80f4d106", "hex");
const keepalive = Buffer.from("6b0000000003000148000301b61f5c80f401", "hex");

describe("messages in a WAL stream", () => {
  it("reads data with its place and the server's", () => {
    expect(decodeWalMessage(xLogData)).toEqual({
      kind: "data",
      startLsn: 0x3000000n,
      serverLsn: 0x3000148n,
      sentAt: new Date("2026-10-26T05:10:51.963Z"),
      bytes: xLogData.subarray(25),
    });
  });

  it("reads a keepalive and whether it wants an answer", () => {
    expect(decodeWalMessage(keepalive)).toMatchObject({
      kind: "keepalive",
      serverLsn: 0x3000148n,
      replyRequested: true,
    });
  });

  it("refuses anything else, and what is cut", () => {
    for (let length = 0; length < 25; length++) expect(() => decodeWalMessage(xLogData.subarray(0, length))).toThrow();
    for (let length = 0; length < 18; length++) expect(() => decodeWalMessage(keepalive.subarray(0, length))).toThrow();
    expect(() => decodeWalMessage(Buffer.concat([keepalive, Buffer.of(0)]))).toThrow();
    expect(() => decodeWalMessage(Buffer.from("73", "hex"))).toThrow();
  });

  it("reports what is written and what is durable, and nothing as applied", () => {
    const status = { writtenLsn: 0x3000148n as Lsn, flushedLsn: 0x3000100n as Lsn, replyRequested: true };
    const bytes = Buffer.from(encodeStandbyStatus(status, new Date(Date.UTC(2000, 0, 1, 0, 0, 1))));
    expect(bytes.toString("hex")).toBe(
      `72${"0000000003000148"}${"0000000003000100"}${"0000000000000000"}${"00000000000f4240"}01`,
    );
  });
});
