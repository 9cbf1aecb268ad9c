import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { describeExpiry, readCertificate } from "./certificate-facts.ts";

const fixture = async (name: string): Promise<Uint8Array> =>
  new X509Certificate(await readFile(join(import.meta.dirname, "fixtures", "tls", name))).raw;

it("reads who a certificate is for, by whom, and until when", async () => {
  expect(readCertificate(await fixture("good.crt"))).toEqual({
    subject: "CN=localhost, O=Tidemark tests",
    issuer: "CN=ca, O=Tidemark tests",
    validFrom: new Date("2020-01-01T00:00:00Z"),
    validUntil: new Date("2126-01-01T00:00:00Z"),
    names: ["localhost", "db.tidemark.test"],
  });
  expect(readCertificate(await fixture("client.crt")).names).toEqual([]);
});

it.each([
  ["2026-11-21T00:00:00Z", null],
  ["2125-12-11T00:00:01Z", "it expires soon, on 2126-01-01"],
  ["2125-12-31T23:59:59Z", "it expires soon, on 2126-01-01"],
  ["2126-01-01T00:00:01Z", "it expired on 2126-01-01"],
  ["2019-12-31T00:00:00Z", "it is not valid before 2020-01-01"],
])("says at %s: %s", async (now, expected) => {
  expect(describeExpiry(readCertificate(await fixture("good.crt")), new Date(now))).toBe(expected);
});
